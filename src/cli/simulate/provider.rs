//! A simulated calendar service with everything around it: its token endpoint, its quota, and the documents' side of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::http::Url;
use crate::model::service::{AppCredential, GoogleSignIn, GoogleSpec, GraphSpec, Service, ServiceAccount};
use crate::model::{Secret, SecretValue};
use crate::sim::Fake;
use crate::sim::google::{GoogleFake, GoogleOptions, Quotas};
use crate::sim::graph::{GraphFake, GraphOptions};
use crate::sim::rooms::Rooms;
use crate::sim::token::{App, Dialect, EXAMPLE_KEY, Issued, Known, TokenService};
use crate::sim::weather::Fault;

/// A service account for so many requests a day. Google lets one ask 600 times a minute; of a day with ten busy hours that is
/// 300,000 with some room.
const PER_ACCOUNT: u64 = 300_000;

/// See the module.
pub(super) struct Provider {
    /// As the documents have it.
    pub(super) service: Service,
    pub(super) token_host: String,
    pub(super) tokens: Arc<dyn Fake>,
    pub(super) calendars: Arc<dyn Fake>,
    /// What the service counted.
    pub(super) counts: Box<dyn Fn() -> Counted + Send + Sync>,
    /// Does to the service itself what a fault does that begins, or ends.
    pub(super) strikes: Box<dyn Fn(Fault, bool) + Send + Sync>,
}

/// What a service counted.
#[derive(Clone, Debug, Default)]
pub(super) struct Counted {
    /// Requests, whatever became of them.
    pub(super) requests: u64,
    /// Those above a quota.
    pub(super) overruns: u64,
    /// Those of each kind, where there are several kinds.
    pub(super) operations: BTreeMap<&'static str, u64>,
    /// Accounts that were locked, and wrong passwords that were tried, where passwords are.
    pub(super) locked_out: Option<(usize, u64)>,
}

/// Google, with as many service accounts as the requests need.
///
/// # Errors
/// When the example key is none.
pub(super) fn google(truth: Arc<Rooms>, requests_per_day: u64, seed: u64) -> anyhow::Result<Provider> {
    let emails = (1..=requests_per_day.div_ceil(PER_ACCOUNT).clamp(1, 50))
        .map(|number| format!("reader-{number}@rooms.iam.gserviceaccount.com"));
    let emails: Vec<String> = emails.collect();
    let token_url = "https://oauth2.googleapis.com/token";
    let issued = Arc::new(Issued::default());
    let tokens = TokenService::new(Dialect::Google, Url::parse(token_url)?, issued.clone());
    let known = Known::key(EXAMPLE_KEY, None).ok_or_else(|| anyhow::anyhow!("the example key is no key"))?;
    tokens.change(|registered| {
        registered.service_accounts.extend(emails.iter().map(|email| (email.clone(), known.clone())));
    });
    let account = |email: &String| ServiceAccount {
        email: email.clone(),
        private_key: SecretValue::Known(Secret::new(EXAMPLE_KEY.into())),
    };
    let service = Service::Google(GoogleSpec {
        sign_in: GoogleSignIn::ServiceAccounts(emails.iter().map(account).collect()),
        token_url: token_url.into(),
        api_url: "https://www.googleapis.com/calendar/v3/".into(),
        max_requests_per_day: requests_per_day,
        max_requests_per_minute_per_account: 540,
    });
    let bearers = Box::new(move |token: &str, now| issued.is_valid(token, now));
    let quotas = Quotas { project_day: requests_per_day, ..Quotas::default() };
    let fake = Arc::new(GoogleFake::new(truth, bearers, GoogleOptions { seed, quotas, ..GoogleOptions::default() }));
    let counted = fake.clone();
    Ok(Provider {
        service,
        token_host: "oauth2.googleapis.com".into(),
        tokens: Arc::new(tokens),
        calendars: fake,
        counts: Box::new(move || {
            let counts = counted.counts();
            Counted { requests: counts.requests, overruns: counts.over_quota, ..Counted::default() }
        }),
        strikes: Box::new(|_, _| {}),
    })
}

/// Graph, with one app. That so many requests a day are enough is the app's own rule, which this Graph counts against.
///
/// # Errors
/// When a URL is none.
pub(super) fn graph(truth: Arc<Rooms>, requests_per_day: u64, seed: u64) -> anyhow::Result<Provider> {
    let (client_id, secret) = ("6d1c0f5e-0000-4000-8000-000000000001", "simulated");
    let token_url = "https://login.microsoftonline.com/7a2b0000-0000-4000-8000-000000000002/oauth2/v2.0/token";
    let issued = Arc::new(Issued::default());
    let tokens = TokenService::new(Dialect::Microsoft, Url::parse(token_url)?, issued.clone());
    let app = App { secret: Some(secret.into()), ..App::default() };
    tokens.change(|registered| registered.apps.insert(client_id.into(), app));
    let service = Service::Graph(GraphSpec {
        client_id: client_id.into(),
        credential: AppCredential::Secret(SecretValue::Known(Secret::new(secret.into()))),
        client_secret_expires: None,
        token_url: token_url.into(),
        host: "graph.microsoft.com".into(),
        api_url: "https://graph.microsoft.com/v1.0".into(),
        max_requests_per_day: requests_per_day,
    });
    let bearers = Box::new(move |token: &str, now| issued.is_valid(token, now));
    let options = GraphOptions { seed, in_a_day: Some(requests_per_day), ..GraphOptions::default() };
    let fake = Arc::new(GraphFake::new(truth, bearers, options));
    let counted = fake.clone();
    Ok(Provider {
        service,
        token_host: "login.microsoftonline.com".into(),
        tokens: Arc::new(tokens),
        calendars: fake,
        counts: Box::new(move || {
            let counts = counted.counts();
            let overruns = counts.over_quota + counts.over_the_day;
            Counted { requests: counts.requests, overruns, ..Counted::default() }
        }),
        strikes: Box::new(|_, _| {}),
    })
}
