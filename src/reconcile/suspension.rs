//! What an operator has suspended: nothing is read, put or cleared there until he resumes it, or a time comes.
//!
//! In: an operator's order, and what the store kept of earlier ones. Out: the mode that an endpoint is really in. Documents suspend with
//! `mode`; this is for the hour in which nobody wants to commit.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::desired::ModeState;
use crate::model::{Desired, DeviceSpec, EndpointName, EndpointSpec, IntegrationName, ProfileName};
use crate::store::Op;

use super::gate::Names;
use super::records::{SUSPENDED, to_bytes};

/// Longest reason, in characters.
pub const REASON_MAX: usize = 200;

/// What can be suspended. All but an endpoint stand for the endpoints that belong to them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum SuspendedKind {
    /// A calendar service, or a Webex Cloud.
    Integration,
    /// A profile.
    Profile,
    /// An endpoint group.
    Group,
    /// A location.
    Location,
    /// A room, by its address.
    Room,
    /// One endpoint.
    Endpoint,
}

impl SuspendedKind {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Integration, Self::Profile, Self::Group, Self::Location, Self::Room, Self::Endpoint];

    /// As documents, people and metrics write it, in any case, also in the plural.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.to_ascii_lowercase();
        let text = text.strip_suffix('s').unwrap_or(&text);
        match text {
            "endpointgroup" => Some(Self::Group),
            _ if text.ends_with("integration") => Some(Self::Integration),
            _ => Self::ALL.into_iter().find(|kind| kind.label() == text),
        }
    }

    /// Whether an endpoint belongs to the object of this kind and name, or is it.
    #[must_use]
    pub fn has(self, name: &str, endpoint: &EndpointSpec) -> bool {
        belongs_to(endpoint).contains(&(self, Some(name)))
    }

    /// As metrics write it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Integration => "integration",
            Self::Profile => "profile",
            Self::Group => "group",
            Self::Location => "location",
            Self::Room => "room",
            Self::Endpoint => "endpoint",
        }
    }
}

/// What an operator names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Suspended {
    /// What it is.
    pub kind: SuspendedKind,
    /// Its name.
    pub name: String,
}

/// One object that is suspended.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Suspension {
    /// What it is.
    pub kind: SuspendedKind,
    /// Its name.
    pub name: String,
    /// Since when.
    pub since: Timestamp,
    /// It ends by itself then.
    pub until: Option<Timestamp>,
    /// Why, as the operator said.
    pub reason: Option<String>,
    /// Who did it.
    pub who: String,
}

impl Suspension {
    /// For people.
    #[must_use]
    pub fn sentence(&self) -> String {
        let until = self.until.map(|until| format!(" until {}", until.strftime("%Y-%m-%d %H:%M UTC")));
        let reason = self.reason.as_ref().map(|reason| format!(": {reason}"));
        let object = if self.kind == SuspendedKind::Endpoint {
            String::new()
        } else {
            format!(" with {} {}", self.kind.label(), self.name)
        };
        format!("suspended{object} by {}{}{}", self.who, until.unwrap_or_default(), reason.unwrap_or_default())
    }
}

/// Everything that is suspended.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Suspensions(BTreeMap<SuspendedKind, BTreeMap<String, Suspension>>);

impl Suspensions {
    /// What the store kept.
    #[must_use]
    pub fn restored(kept: Vec<Suspension>) -> Self {
        let mut all = Self::default();
        kept.into_iter().for_each(|one| all.put(one));
        all
    }

    fn put(&mut self, one: Suspension) {
        self.0.entry(one.kind).or_default().insert(one.name.clone(), one);
    }

    /// Suspends; returns what the store must keep.
    pub fn add(&mut self, one: Suspension) -> Op {
        let op = Op::put(key(one.kind, &one.name), to_bytes(&one));
        self.put(one);
        op
    }

    /// Resumes; `None`: it was not suspended. Otherwise what the store must forget.
    pub fn remove(&mut self, kind: SuspendedKind, name: &str) -> Option<Op> {
        self.0.get_mut(&kind)?.remove(name)?;
        Some(Op::delete(key(kind, name)))
    }

    /// Those whose time has come.
    #[must_use]
    pub fn over(&self, now: Timestamp) -> Vec<Suspension> {
        self.iter().filter(|one| one.until.is_some_and(|until| until <= now)).cloned().collect()
    }

    /// All of them, by kind and name.
    pub fn iter(&self) -> impl Iterator<Item = &Suspension> {
        self.0.values().flat_map(BTreeMap::values)
    }

    /// Whether an object is suspended by its own name.
    #[must_use]
    pub fn holds(&self, kind: SuspendedKind, name: &str) -> bool {
        self.get(kind, name).is_some()
    }

    fn get(&self, kind: SuspendedKind, name: &str) -> Option<&Suspension> {
        self.0.get(&kind)?.get(name)
    }

    /// Why an endpoint is suspended by an operator: the widest reason first.
    #[must_use]
    pub fn of(&self, endpoint: &EndpointSpec) -> Option<&Suspension> {
        if self.0.is_empty() {
            return None;
        }
        belongs_to(endpoint).into_iter().find_map(|(kind, name)| self.get(kind, name?))
    }

    /// The mode that `endpoint` is in: an operator's word goes before its documents'.
    #[must_use]
    pub fn mode(&self, endpoint: &EndpointSpec, now: Timestamp) -> ModeState {
        if self.of(endpoint).is_some() { ModeState::Suspended } else { endpoint.mode.at(now) }
    }

    /// What goes on under another name stays suspended.
    pub(super) fn rename(&mut self, renamed: &impl Names) -> Vec<Op> {
        let mut ops = Vec::new();
        for one in self.iter().cloned().collect::<Vec<_>>() {
            let name = match one.kind {
                SuspendedKind::Endpoint => {
                    EndpointName::parse(&one.name).map(|name| renamed.endpoint(&name).to_string())
                }
                SuspendedKind::Integration => {
                    IntegrationName::parse(&one.name).map(|name| renamed.integration(&name).to_string())
                }
                SuspendedKind::Profile => ProfileName::parse(&one.name).map(|name| renamed.profile(&name).to_string()),
                SuspendedKind::Group | SuspendedKind::Location | SuspendedKind::Room => continue,
            };
            if let Some(name) = name.ok().filter(|name| *name != one.name) {
                ops.extend(self.remove(one.kind, &one.name));
                ops.push(self.add(Suspension { name, ..one }));
            }
        }
        ops
    }
}

/// What an endpoint belongs to, the widest first, itself last.
fn belongs_to(endpoint: &EndpointSpec) -> [(SuspendedKind, Option<&str>); 7] {
    let cloud = match &endpoint.device {
        DeviceSpec::Webex(webex) => Some(webex.integration.name.as_str()),
        DeviceSpec::Cisco(_) | DeviceSpec::Poly(_) => None,
    };
    [
        (SuspendedKind::Integration, Some(endpoint.room.integration.as_str())),
        (SuspendedKind::Integration, cloud),
        (SuspendedKind::Location, Some(endpoint.location.as_str())),
        (SuspendedKind::Profile, Some(endpoint.profile.as_str())),
        (SuspendedKind::Group, endpoint.group.as_ref().map(|group| group.as_str())),
        (SuspendedKind::Room, Some(endpoint.room.email.as_str())),
        (SuspendedKind::Endpoint, Some(endpoint.name.as_str())),
    ]
}

/// How documents and the calendar call the object that an operator names; `None`: there is none.
#[must_use]
pub fn found(desired: &Desired, kind: SuspendedKind, name: &str) -> Option<String> {
    let lower = name.to_lowercase();
    let endpoints = || desired.endpoints.values();
    match kind {
        SuspendedKind::Integration => {
            let mut names = desired.integrations.keys().chain(desired.webex.keys()).map(ToString::to_string);
            names.find(|known| known == name)
        }
        SuspendedKind::Profile => endpoints().map(|it| it.profile.to_string()).find(|known| known == name),
        SuspendedKind::Group => {
            endpoints().filter_map(|it| it.group.as_ref()).map(ToString::to_string).find(|known| known == name)
        }
        SuspendedKind::Location => endpoints().map(|it| it.location.to_string()).find(|known| known == name),
        SuspendedKind::Room => desired.rooms.keys().map(|key| key.email.to_string()).find(|known| *known == lower),
        SuspendedKind::Endpoint => endpoints().map(|it| it.name.to_string()).find(|known| known == name),
    }
}

fn key(kind: SuspendedKind, name: &str) -> String {
    format!("{SUSPENDED}{}/{name}", kind.label())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_understood_as_documents_people_and_metrics_write_it() {
        for (text, kind) in [
            ("endpoint", SuspendedKind::Endpoint),
            ("Endpoints", SuspendedKind::Endpoint),
            ("GoogleIntegration", SuspendedKind::Integration),
            ("EndpointGroup", SuspendedKind::Group),
            ("ROOM", SuspendedKind::Room),
        ] {
            assert_eq!(SuspendedKind::parse(text), Some(kind), "{text}");
        }
        for text in ["", "s", "rule", "everything"] {
            assert_eq!(SuspendedKind::parse(text), None, "{text}");
        }
    }
}
