//! The wish, resolved: every reference followed, every default and inheritance applied, every secret looked up.
//! Nothing here names a document's file or line; diagnostics do.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::alias::Protocol;
use super::device::DeviceSpec;
use super::location::{LocationSpec, WebProxySpec};
use super::names::{
    Digest, EndpointName, EvaluationId, GroupName, IntegrationName, LocationName, ProfileName, RoomEmail, RoomKey,
    RuleName,
};
use super::renames::Renames;
use super::secret::SecretValue;
use super::service::{Service, WebexIntegrationSpec};

/// Everything a directory asks for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Desired {
    /// The first 16 hex digits of SHA-256 over the sorted (path, length, bytes) of documents and tables.
    pub checksum: String,
    /// What git calls it, where that is known; empty otherwise.
    pub revision: String,
    /// Documents by kind.
    pub documents: BTreeMap<String, usize>,
    /// Former names.
    pub renames: Renames,
    /// Calendar services that a used profile or group refers to.
    pub integrations: BTreeMap<IntegrationName, Arc<IntegrationSpec>>,
    /// Profiles, also unused ones.
    pub profiles: BTreeMap<ProfileName, Arc<ProfileSpec>>,
    /// What decides the outcome of the rules: each profile's own, and those that groups vary.
    pub evaluations: BTreeMap<EvaluationId, Arc<EvaluationSpec>>,
    /// Webex Clouds that a profile refers to.
    pub webex: BTreeMap<IntegrationName, Arc<WebexIntegrationSpec>>,
    /// Locations; a resolved directory always has `default`.
    pub locations: BTreeMap<LocationName, Arc<LocationSpec>>,
    /// Rooms with at least one endpoint.
    pub rooms: BTreeMap<RoomKey, Arc<RoomSpec>>,
    /// Endpoints with a profile.
    pub endpoints: BTreeMap<EndpointName, Arc<EndpointSpec>>,
}

/// A calendar service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntegrationSpec {
    /// Its name.
    pub name: IntegrationName,
    /// `metadata.labels`.
    pub labels: BTreeMap<String, String>,
    /// How it is read.
    pub service: Service,
    /// Extra roots, PEM.
    pub ca_certificates: Vec<Arc<[u8]>>,
    /// Past the location's web proxy.
    pub disable_web_proxy: bool,
    /// The web proxy of the location that the node stands in.
    pub web_proxy: Option<Arc<WebProxySpec>>,
}

impl IntegrationSpec {
    /// `service` as a document that says no more than that has it.
    #[must_use]
    pub fn of(name: IntegrationName, service: Service) -> Self {
        let (labels, ca_certificates) = (BTreeMap::new(), Vec::new());
        Self { name, labels, service, ca_certificates, disable_web_proxy: false, web_proxy: None }
    }

    /// The web proxy that its requests go through.
    #[must_use]
    pub fn via(&self) -> Option<Arc<WebProxySpec>> {
        self.web_proxy.clone().filter(|_| !self.disable_web_proxy)
    }
}

/// Where one room's calendar is, templates rendered.
#[derive(Clone, Debug, PartialEq)]
pub enum RoomSource {
    /// A file.
    IcsFile(PathBuf),
    /// A published calendar; the URL may carry a token and is a secret.
    IcsUrl(SecretValue),
    /// A collection of the integration's CalDAV server; `None`: discovered.
    CalDav {
        /// Path or URL of the collection, rendered.
        path: Option<String>,
    },
    /// The room's own mailbox, by its address: Google, Graph, Exchange.
    Mailbox,
}

/// A room to read.
#[derive(Clone, Debug, PartialEq)]
pub struct RoomSpec {
    /// Its service and address.
    pub key: RoomKey,
    /// Its calendar service.
    pub integration: Arc<IntegrationSpec>,
    /// Its calendar.
    pub source: RoomSource,
    /// What people call it, where a document says it.
    pub display_name: Option<String>,
    /// `metadata.labels` of its document.
    pub labels: BTreeMap<String, String>,
    /// IANA zone from documents (room, group, location); `None`: the calendar's own, else UTC.
    pub time_zone: Option<String>,
    /// The widest window any of its endpoints wants, in days; 0: the rest of the day.
    pub upcoming_days: u16,
    /// What is to be made of its events, sorted.
    pub evaluations: Vec<EvaluationId>,
    /// Its endpoints, sorted.
    pub endpoints: Vec<EndpointName>,
}

impl RoomSpec {
    /// The mailbox `email` of `integration`, read for the usual days, without endpoints and rules.
    #[must_use]
    pub fn of(integration: Arc<IntegrationSpec>, email: RoomEmail) -> Self {
        Self {
            key: RoomKey { integration: integration.name.clone(), email },
            integration,
            source: RoomSource::Mailbox,
            display_name: None,
            labels: BTreeMap::new(),
            time_zone: None,
            upcoming_days: View::default().upcoming_days,
            evaluations: Vec::new(),
            endpoints: Vec::new(),
        }
    }
}

/// A profile, for status and metrics; what acts is in [`EvaluationSpec`] and [`EndpointSpec`].
#[derive(Clone, Debug, PartialEq)]
pub struct ProfileSpec {
    /// Its name.
    pub name: ProfileName,
    /// Its calendar service.
    pub integration: IntegrationName,
    /// Its own evaluation, without any group's overrides; always in [`Desired::evaluations`].
    pub evaluation: EvaluationId,
    /// Its meeting fields, without any group's overrides.
    pub view: View,
}

/// All that decides what the rules make of an event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EvaluationSpec {
    /// Its identity.
    pub id: EvaluationId,
    /// Digest of everything below: equal digests give equal meetings for equal events.
    pub digest: Digest,
    /// Enabled and disabled rules in the order they are tried.
    pub rules: Vec<Arc<RuleSpec>>,
    /// Whether `sip:`, `sips:` and `h323:` addresses are searched when no rule matches.
    pub fallback: bool,
    /// Domains an alias may have; `None`: any.
    pub alias_domains: Option<Vec<String>>,
    /// With `alias_domains`: whether aliases that look like telephone numbers pass.
    pub dial_numbers: bool,
    /// Jinja2 over `calendar_event`.
    pub replace_subject_template: Option<String>,
}

/// One meeting processing rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleSpec {
    /// Its name.
    pub name: RuleName,
    /// 1–200; ascending.
    pub priority: u16,
    /// What it looks for.
    pub rule_type: RuleType,
    /// Disabled rules are shown in the trace and skipped.
    pub enabled: bool,
    /// `Zoom`: the numeric passcode becomes part of the alias.
    pub include_password: bool,
    /// The Pexip Service customer id, for guest joins.
    pub company_id: Option<String>,
    /// For `Domain`, `TeamsMeetingProperties`, `GoogleMeetSipGuestJoin`.
    pub domain: Option<String>,
    /// True: `transform`, `match`+`replace` as the type's default has it.
    pub default_processing: bool,
    /// Jinja2 over the type's variables.
    pub transform: Option<String>,
    /// `Regex`: the pattern.
    pub match_pattern: Option<String>,
    /// `Regex`: the replacement.
    pub replace: Option<String>,
    /// `Custom`: Jinja2 over `calendar_event`.
    pub template: Option<String>,
    /// When it applies at all.
    pub when: When,
    /// How the room dials what it finds.
    pub protocol: Protocol,
    /// False: the profile's calendar service cannot carry what it looks for, so it is shown in the trace and skipped.
    pub carried: bool,
}

impl RuleSpec {
    /// A rule of `rule_type` as a document that says no more than that has it.
    #[must_use]
    pub fn of(name: RuleName, priority: u16, rule_type: RuleType) -> Self {
        Self {
            name,
            priority,
            rule_type,
            enabled: true,
            include_password: false,
            company_id: None,
            domain: None,
            default_processing: true,
            transform: None,
            match_pattern: None,
            replace: None,
            template: None,
            when: When::default(),
            protocol: Protocol::Auto,
            carried: true,
        }
    }
}

/// The condition of a rule; empty: always.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct When {
    /// The organizer's mail domain is one of these or below one.
    pub organizer_domains: Option<Vec<String>>,
    /// Only private, or only other events.
    pub private: Option<bool>,
}

/// The twenty meeting types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[allow(missing_docs)] // the names are the guide's
pub enum RuleType {
    PexipInfinity,
    PexipService,
    TeamsMeetingProperties,
    TeamsSipGuestJoin,
    TeamsBodyPexipInfinity,
    TeamsBodyPexipService,
    TeamsBodyPoly,
    TeamsBodyBlueJeans,
    TeamsBodyCisco,
    GoogleMeet,
    GoogleMeetSipGuestJoin,
    SkypeForBusiness,
    SkypeForBusinessBodyPoly,
    Webex,
    Zoom,
    BlueJeans,
    GoToMeeting,
    Domain,
    Regex,
    Custom,
}

impl RuleType {
    /// All of them, in the guide's order.
    pub const ALL: [Self; 20] = [
        Self::PexipInfinity,
        Self::PexipService,
        Self::TeamsMeetingProperties,
        Self::TeamsSipGuestJoin,
        Self::TeamsBodyPexipInfinity,
        Self::TeamsBodyPexipService,
        Self::TeamsBodyPoly,
        Self::TeamsBodyBlueJeans,
        Self::TeamsBodyCisco,
        Self::GoogleMeet,
        Self::GoogleMeetSipGuestJoin,
        Self::SkypeForBusiness,
        Self::SkypeForBusinessBodyPoly,
        Self::Webex,
        Self::Zoom,
        Self::BlueJeans,
        Self::GoToMeeting,
        Self::Domain,
        Self::Regex,
        Self::Custom,
    ];
}

/// An endpoint, everything inherited and resolved.
#[derive(Clone, Debug, PartialEq)]
pub struct EndpointSpec {
    /// Its name.
    pub name: EndpointName,
    /// `metadata.description`.
    pub description: String,
    /// `metadata.labels`.
    pub labels: BTreeMap<String, String>,
    /// Its group; `None` where the endpoint names a profile itself.
    pub group: Option<GroupName>,
    /// Its profile.
    pub profile: ProfileName,
    /// Its location.
    pub location: LocationName,
    /// The room it stands in.
    pub room: RoomKey,
    /// The room's address as written.
    pub room_email: RoomEmail,
    /// What the rules make of the room's events, for this endpoint.
    pub evaluation: EvaluationId,
    /// IANA zone of the room; `None`: the calendar's own, else UTC.
    pub time_zone: Option<String>,
    /// Whether its alarms are raised.
    pub raise_alarms: bool,
    /// What of the meetings it shows.
    pub view: View,
    /// Cisco, Poly or Webex, with everything it takes to reach it.
    pub device: DeviceSpec,
    /// A Cisco endpoint that is reached past the location's web proxy.
    pub disable_web_proxy: bool,
    /// Whether it is acted on.
    pub mode: Mode,
    /// What a removed endpoint is left with.
    pub on_remove: OnRemove,
}

/// The meeting fields of a profile after a group's overrides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// Days ahead; 0: the rest of the room's day.
    pub upcoming_days: u16,
    /// Meetings without alias are shown, without Join.
    pub non_video_meetings: bool,
    /// Meetings flagged private are shown.
    pub private_meetings: bool,
    /// Private meetings keep their Join.
    pub process_alias_for_private_meetings: bool,
    /// When the title is replaced.
    pub replace_subject: ReplaceSubject,
    /// An empty title becomes the organizer's name.
    pub replace_empty_subject: bool,
    /// Join this many minutes before the start, 0–180.
    pub start_buffer_minutes: u16,
    /// And after the end, 0–180.
    pub end_buffer_minutes: u16,
}

/// Of a profile that says nothing; each of the values stands in the manual.
impl Default for View {
    fn default() -> Self {
        Self {
            upcoming_days: 7,
            non_video_meetings: true,
            private_meetings: true,
            process_alias_for_private_meetings: true,
            replace_subject: ReplaceSubject::PrivateOnly,
            replace_empty_subject: true,
            start_buffer_minutes: 5,
            end_buffer_minutes: 0,
        }
    }
}

/// When a meeting's title is replaced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReplaceSubject {
    /// Every title.
    Always,
    /// No title.
    Never,
    /// Titles of private meetings.
    #[default]
    PrivateOnly,
}

/// Whether an object is acted on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mode {
    /// The wanted mode.
    pub state: ModeState,
    /// From then on the inherited mode is back, written here as well.
    pub until: Option<(Timestamp, ModeState)>,
    /// Why, as the document that chose the mode says it.
    pub reason: Option<String>,
}

impl Mode {
    /// The mode in force at `now`.
    #[must_use]
    pub fn at(&self, now: Timestamp) -> ModeState {
        match self.until {
            Some((end, after)) if now >= end => after,
            _ => self.state,
        }
    }

    /// Why that mode is in force. Nothing is known once a mode has ended by itself.
    #[must_use]
    pub fn reason_at(&self, now: Timestamp) -> Option<&str> {
        self.reason.as_deref().filter(|_| self.until.is_none_or(|(end, _)| now < end))
    }
}

/// The three modes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ModeState {
    /// Read, plan, act.
    #[default]
    Enforce,
    /// Read and plan, do not put, clear or publish.
    Observe,
    /// No steps at all.
    Suspended,
}

/// What a removed endpoint is left with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum OnRemove {
    /// Its list is cleared, ten minutes after it left the documents.
    #[default]
    Clear,
    /// It is left as it is.
    Keep,
}

impl Desired {
    /// Whether a document describes this location.
    #[must_use]
    pub fn describes(&self, location: &str) -> bool {
        self.locations.keys().any(|name| name.as_str() == location)
    }

    /// The endpoints of `room`.
    pub fn endpoints_of<'a>(&'a self, room: &RoomKey) -> impl Iterator<Item = &'a Arc<EndpointSpec>> {
        let names = self.rooms.get(room).map(|room| room.endpoints.as_slice()).unwrap_or_default();
        names.iter().filter_map(|name| self.endpoints.get(name))
    }
}
