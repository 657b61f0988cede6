//! Webex Clouds as `/api/v1/integrations`, `otj status integrations` and the page show them, made from their endpoints on the board.
//!
//! What is about the credential or the whole cloud is said once here, with the number of endpoints that wait for it.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::conditions::{self, Condition};
use super::integrations::IntegrationView;
use crate::model::tally::Tally;
use crate::model::{DeviceSpec, Expiry};
use crate::reconcile::board::{Board, EndpointStatus};

/// Reasons that are about the cloud or our account there, and not about one device.
const OF_ALL: [&str; 6] =
    ["SecretMissing", "SignInNeeded", "CredentialsRefused", "Throttled", "SignInUnreachable", "ClockSkew"];

/// Endpoints that a Webex Cloud reaches.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FilledView {
    /// All of them.
    pub endpoints: usize,
    /// Those that show what they should.
    pub synced: usize,
    /// Those that are not connected to the cloud.
    pub offline: usize,
    /// Those in personal mode, which cannot be read back.
    pub personal: usize,
}

impl FilledView {
    /// In a few words.
    #[must_use]
    pub fn summary(&self) -> String {
        let mut text = format!("{} of {} devices as wished", self.synced, self.endpoints);
        if self.offline > 0 {
            text += &format!(", {} not connected", self.offline);
        }
        if self.personal > 0 {
            text += &format!(", {} in personal mode", self.personal);
        }
        text
    }
}

/// All Webex Clouds that have endpoints, by name.
#[must_use]
pub fn clouds(board: &Board, tally: &Tally, now: Timestamp) -> BTreeMap<String, IntegrationView> {
    let mut by_cloud = BTreeMap::<String, Vec<Arc<EndpointStatus>>>::new();
    for endpoint in board.endpoints() {
        if let Some(cloud) = cloud_of(&endpoint) {
            by_cloud.entry(cloud).or_default().push(endpoint);
        }
    }
    let ends: BTreeMap<Vec<String>, Timestamp> = tally.sign_ins_end.snapshot().into_iter().collect();
    let view = |(name, endpoints): (String, Vec<Arc<EndpointStatus>>)| {
        let mut conditions = of_all(&endpoints);
        let state = if conditions.is_empty() { "Working" } else { "Paused" };
        let end = ends.get(&vec!["WebexIntegration".to_owned(), name.clone()]);
        let expiry =
            end.map(|at| Expiry { kind: "WebexIntegration", name: name.clone(), credential: "refreshToken", at: *at });
        conditions.extend(expiry.and_then(|expiry| conditions::expiring(&expiry, now)));
        let state = if state == "Working" && !conditions.is_empty() { "Degraded" } else { state };
        let view = IntegrationView {
            name: name.clone(),
            state: state.into(),
            filled: Some(filled(&endpoints)),
            conditions,
            ..IntegrationView::default()
        };
        (name, view)
    };
    by_cloud.into_iter().map(view).collect()
}

/// The Webex Cloud that reaches an endpoint.
pub(super) fn cloud_of(endpoint: &EndpointStatus) -> Option<String> {
    match &endpoint.spec.device {
        DeviceSpec::Webex(webex) => Some(webex.integration.name.to_string()),
        DeviceSpec::Cisco(_) | DeviceSpec::Poly(_) => None,
    }
}

fn filled(endpoints: &[Arc<EndpointStatus>]) -> FilledView {
    let fails_with =
        |endpoint: &EndpointStatus, reason| endpoint.failure.as_ref().is_some_and(|failure| failure.reason == reason);
    let is = |endpoint: &EndpointStatus, reason| endpoint.device.as_ref().is_some_and(|device| device.reason == reason);
    FilledView {
        endpoints: endpoints.len(),
        synced: endpoints.iter().filter(|it| it.synced).count(),
        offline: endpoints.iter().filter(|it| fails_with(it, "WebexDeviceOffline")).count(),
        personal: endpoints.iter().filter(|it| is(it, "PersonalMode")).count(),
    }
}

/// What endpoints fail for that is not about their devices, each once.
fn of_all(endpoints: &[Arc<EndpointStatus>]) -> Vec<Condition> {
    let failing = |reason: &'static str| {
        let notes = endpoints.iter().filter_map(|it| it.failure.as_ref());
        let notes: Vec<_> = notes.filter(|note| note.reason == reason).collect();
        let first = notes.iter().min_by_key(|note| note.since)?;
        let wait = match notes.len() {
            1 => "its endpoint keeps what it shows".to_owned(),
            many => format!("{many} endpoints keep what they show"),
        };
        Some(Condition { reason: reason.into(), since: first.since, message: format!("{}; {wait}", first.message) })
    };
    OF_ALL.into_iter().filter_map(failing).collect()
}
