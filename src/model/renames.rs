//! Former names, as documents tell them: what is known under one of them belongs to the document that claims it.

use std::collections::BTreeMap;

use super::names::{EndpointName, IntegrationName, ProfileName};

/// `metadata.renamedFrom` of every document that something is known of: by the name it has now, its former names in the order written.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Renames {
    /// Endpoints: what they were given, serial numbers, presence, bookings.
    pub endpoints: BTreeMap<EndpointName, Vec<EndpointName>>,
    /// Calendar services: their rooms' agendas and cursors.
    pub integrations: BTreeMap<IntegrationName, Vec<IntegrationName>>,
    /// Profiles: what their rules made of rooms' events.
    pub profiles: BTreeMap<ProfileName, Vec<ProfileName>>,
}

impl Renames {
    /// Nobody has a former name.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.endpoints.is_empty() && self.integrations.is_empty() && self.profiles.is_empty()
    }
}
