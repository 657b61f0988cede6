//! Views: what `/api/v1`, `otj status` and the pages show, made from the board. The same types are read back by the CLI.
//!
//! Only [`MeetingView`] carries what people wrote, after subject replacement; who may see it is decided in `web`.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::conditions::{self, Condition, Drifting, room_names};
use super::integrations::because;
use super::operations::{self, SuspendedView};
use crate::model::schedule::NoJoin;
use crate::model::{DeviceSpec, Now, Protocol};
use crate::reconcile::board::{Board, ConfigStatus, EndpointState, EndpointStatus, Hold, RoomStatus};

/// The loop's last turn may be this old before the node counts as stuck.
pub const HEALTHY_WITHIN: std::time::Duration = std::time::Duration::from_secs(30);

/// The node in one look.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusView {
    /// Version of the program.
    pub version: String,
    /// The loop turned within 30 s.
    pub healthy: bool,
    /// Store, listeners and a wish.
    pub ready: bool,
    /// The wall clock is not trusted: nothing is removed.
    pub clock_untrusted: bool,
    /// The store did not take the last record.
    pub store_unavailable: bool,
    /// The configuration in force.
    pub config: ConfigView,
    /// How many of each.
    pub counts: Counts,
    /// What is not as wished.
    pub drift: Vec<Drifting>,
    /// What waits for approval.
    pub held: Vec<HeldView>,
    /// Endpoints that wait for a second complete read before they lose meetings.
    pub waiting: usize,
    /// What operators suspended.
    #[serde(default)]
    pub suspended: Vec<SuspendedView>,
}

/// How many of each.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Rooms.
    pub rooms: usize,
    /// Rooms whose calendar was read completely and lately.
    pub rooms_fresh: usize,
    /// Endpoints.
    pub endpoints: usize,
    /// Endpoints that show what they should.
    pub endpoints_in_sync: usize,
    /// Not-ended meetings of all rooms.
    pub meetings: usize,
}

/// The configuration.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConfigView {
    /// Counts adoptions since the start; 0: nothing is in force.
    pub generation: u64,
    /// Of the directory in force.
    pub checksum: String,
    /// What git calls it.
    pub revision: String,
    /// `directory` or `kept`.
    pub source: String,
    /// Since when it is in force.
    pub adopted_at: Option<Timestamp>,
    /// Documents by kind.
    pub documents: BTreeMap<String, usize>,
    /// Whether the last load succeeded.
    pub last_load_ok: bool,
    /// When a load last succeeded.
    pub last_success_at: Option<Timestamp>,
    /// Findings of the last load.
    pub errors: usize,
    /// Findings of the last load.
    pub warnings: usize,
    /// These findings as `otj lint` prints them.
    pub findings: String,
}

/// A held plan. What it would take away is listed by [`LossView`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HeldView {
    /// What to approve.
    pub checksum: String,
    /// `DocumentsRemoved` or `Losses`.
    pub detail: String,
    /// Since when.
    pub since: Timestamp,
    /// One sentence.
    pub summary: String,
    /// Endpoints that would lose meetings.
    pub endpoints: usize,
    /// Meetings they would lose.
    pub meetings: usize,
}

/// What a held plan would take from one endpoint.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LossView {
    /// The held plan.
    pub checksum: String,
    /// Who would lose.
    pub endpoint_name: String,
    /// Its room.
    pub room_email: String,
    /// Meetings, by id and start; titles are not listed.
    pub meetings: Vec<LostMeeting>,
}

/// One meeting that would go.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LostMeeting {
    /// Its id.
    pub id: String,
    /// Its start.
    pub start_time: Timestamp,
}

/// A room.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RoomView {
    /// Its name everywhere.
    pub name: String,
    /// Its address.
    pub room_email: String,
    /// Its calendar service.
    pub integration: String,
    /// Its endpoints.
    pub endpoints: Vec<String>,
    /// Not-ended meetings.
    pub meetings: usize,
    /// Last complete read.
    pub last_read: Option<Timestamp>,
    /// Next read.
    pub next_read: Option<Timestamp>,
    /// Why then, from a closed set: `Asked`, `Changed`, `Starts`, `Follows`, `Turn`, `Verify`; `None`: all are read alike.
    pub next_read_why: Option<String>,
    /// Why then, in words.
    pub next_read_because: String,
    /// How often it is read when nothing asks for more; more often before meetings and after changes.
    pub read_every_seconds: u64,
    /// IANA zone; `None`: unknown, UTC is used.
    pub time_zone: Option<String>,
    /// Read completely and lately.
    pub fresh: bool,
    /// What is true of it.
    pub conditions: Vec<Condition>,
}

/// An endpoint.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EndpointView {
    /// Its name.
    pub name: String,
    /// `cisco` or `poly`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Where it is; `None` for endpoints that come to us.
    pub address: Option<String>,
    /// Its room.
    pub room_email: String,
    /// Its profile.
    pub profile: String,
    /// Its group.
    pub group: Option<String>,
    /// Its location.
    pub location: String,
    /// Which node works for it.
    pub current_node: Option<NodeView>,
    /// Last answer from it, or poll by it.
    pub last_contacted: Option<Timestamp>,
    /// Last successful put or publish.
    pub last_put: Option<Timestamp>,
    /// Bookings it shall show; `None` before the room's first complete read.
    pub meetings: Option<usize>,
    /// Bookings it is known to hold.
    pub held: Option<usize>,
    /// Bookings it keeps only because their removal is held.
    pub kept: usize,
    /// Bookings somebody else put there.
    pub foreign: usize,
    /// It holds what it shall show.
    pub synced: bool,
    /// What a Poly endpoint calls itself.
    pub user_agent: Option<String>,
    /// `InSync`, `Drifting`, `NeverContacted`, `Suspended` or `Observing`.
    pub state: String,
    /// What is true of it.
    pub conditions: Vec<Condition>,
}

/// A node.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeView {
    /// Its name.
    pub name: String,
    /// Where its pages are.
    pub address: String,
}

/// One meeting on one endpoint, as shown there.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MeetingView {
    /// Its id.
    pub id: String,
    /// Title as shown.
    pub subject: String,
    /// Organizer as shown.
    pub organizer_name: String,
    /// The organizer's address.
    pub organizer_email: String,
    /// Start.
    pub start_time: Timestamp,
    /// End.
    pub end_time: Timestamp,
    /// Whole days of the room's zone.
    pub all_day: bool,
    /// Where it is shown.
    pub endpoint_name: String,
    /// The endpoint's profile.
    pub profile: String,
    /// What Join dials; `None`: no Join button.
    pub alias: Option<String>,
    /// How.
    pub protocol: Option<String>,
    /// Why there is no Join button.
    pub no_join: Option<String>,
    /// Its room.
    pub room_email: String,
    /// The rule that found the alias.
    pub matched_rule: Option<String>,
    /// When the calendar says it was last changed.
    pub last_modified: Option<Timestamp>,
}

/// The node in one look.
#[must_use]
pub fn status(board: &Board, now: Now) -> StatusView {
    let (pulse, plan, config) = (board.pulse(), board.plan(), board.config());
    let (rooms, endpoints) = (board.rooms(), board.endpoints());
    StatusView {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        healthy: healthy(board, now),
        ready: ready(board),
        clock_untrusted: pulse.clock_untrusted,
        store_unavailable: pulse.store_unavailable,
        config: config_view(&config),
        counts: Counts {
            rooms: rooms.len(),
            rooms_fresh: rooms.iter().filter(|room| fresh(room)).count(),
            endpoints: endpoints.len(),
            endpoints_in_sync: endpoints.iter().filter(|endpoint| endpoint.state == EndpointState::InSync).count(),
            meetings: rooms.iter().map(|room| room.meetings).sum(),
        },
        drift: conditions::drifting(board),
        held: plan.holds.iter().map(held_view).collect(),
        waiting: plan.waiting,
        suspended: operations::suspended(board),
    }
}

/// Whether the loop turned within [`HEALTHY_WITHIN`].
#[must_use]
pub fn healthy(board: &Board, now: Now) -> bool {
    board.pulse().last_turn.until(now.mono) <= HEALTHY_WITHIN
}

/// Whether there is a store and a wish, also a kept one.
#[must_use]
pub fn ready(board: &Board) -> bool {
    board.pulse().ready
}

/// The configuration.
#[must_use]
pub fn config_view(config: &ConfigStatus) -> ConfigView {
    ConfigView {
        generation: config.generation,
        checksum: config.checksum.clone(),
        revision: config.revision.clone(),
        source: config.source.to_owned(),
        adopted_at: config.adopted_at,
        documents: config.documents.clone(),
        last_load_ok: config.last_load_ok,
        last_success_at: config.last_success_at,
        errors: config.errors,
        warnings: config.warnings,
        findings: config.findings.clone(),
    }
}

fn held_view(hold: &Hold) -> HeldView {
    HeldView {
        checksum: hold.checksum.clone(),
        detail: hold.detail.to_owned(),
        since: hold.since,
        summary: hold.summary.clone(),
        endpoints: hold.losses.len(),
        meetings: hold.losses.iter().map(|(_, _, meetings)| meetings.len()).sum(),
    }
}

/// What the held plans would take away, endpoint by endpoint.
#[must_use]
pub fn losses(board: &Board) -> Vec<LossView> {
    let mut losses = Vec::new();
    for hold in &board.plan().holds {
        for (endpoint, room, meetings) in &hold.losses {
            let lost = |(id, start): &(crate::model::MeetingId, Timestamp)| LostMeeting {
                id: id.to_string(),
                start_time: *start,
            };
            losses.push(LossView {
                checksum: hold.checksum.clone(),
                endpoint_name: endpoint.to_string(),
                room_email: room.email.to_string(),
                meetings: meetings.iter().map(lost).collect(),
            });
        }
    }
    losses
}

/// Read completely and lately.
pub(super) fn fresh(room: &RoomStatus) -> bool {
    room.last_read.is_some() && room.drift.is_none()
}

/// All rooms, by name.
#[must_use]
pub fn rooms(board: &Board) -> Vec<RoomView> {
    let rooms = board.rooms();
    let mut views: Vec<RoomView> =
        rooms.iter().zip(room_names(&rooms)).map(|(room, name)| room_view(room, name)).collect();
    views.sort_by(|a, b| a.name.cmp(&b.name));
    views
}

fn room_view(room: &RoomStatus, name: String) -> RoomView {
    RoomView {
        name,
        room_email: room.key.email.to_string(),
        integration: room.key.integration.to_string(),
        endpoints: room.endpoints.iter().map(ToString::to_string).collect(),
        meetings: room.meetings,
        last_read: room.last_read,
        next_read: room.next_read,
        next_read_why: room.next_why.map(|why| why.label().to_owned()),
        next_read_because: because(room),
        read_every_seconds: room.read_every.as_secs(),
        time_zone: room.time_zone.clone(),
        fresh: fresh(room),
        conditions: conditions::of_room(room),
    }
}

/// One endpoint, worked for by `node`.
#[must_use]
pub fn endpoint_view(endpoint: &EndpointStatus, node: &NodeView) -> EndpointView {
    let spec = &endpoint.spec;
    let address = match &spec.device {
        DeviceSpec::Cisco(cisco) => Some(cisco.address.clone()),
        DeviceSpec::Poly(_) | DeviceSpec::Webex(_) => None,
    };
    EndpointView {
        name: spec.name.to_string(),
        kind: spec.device.label().to_owned(),
        address,
        room_email: spec.room_email.to_string(),
        profile: spec.profile.to_string(),
        group: spec.group.as_ref().map(ToString::to_string),
        location: spec.location.to_string(),
        current_node: (!node.name.is_empty()).then(|| node.clone()),
        last_contacted: endpoint.last_contact,
        last_put: endpoint.last_put,
        meetings: endpoint.schedule.as_ref().map(|schedule| schedule.bookings.len()),
        held: endpoint.held,
        kept: endpoint.kept,
        foreign: endpoint.foreign,
        synced: endpoint.synced,
        user_agent: endpoint.user_agent.clone(),
        state: state_name(endpoint.state).to_owned(),
        conditions: conditions::of_endpoint(endpoint),
    }
}

/// The state as people read it.
#[must_use]
pub fn state_name(state: EndpointState) -> &'static str {
    match state {
        EndpointState::InSync => "InSync",
        EndpointState::Drifting => "Drifting",
        EndpointState::NeverContacted => "NeverContacted",
        EndpointState::Suspended => "Suspended",
        EndpointState::Observing => "Observing",
    }
}

/// The meetings of one endpoint's schedule.
pub fn meetings_of(endpoint: &Arc<EndpointStatus>) -> impl Iterator<Item = MeetingView> + '_ {
    let bookings = endpoint.schedule.as_deref().map(|schedule| schedule.bookings.as_slice()).unwrap_or_default();
    bookings.iter().map(|booking| {
        let call = booking.call.as_ref();
        MeetingView {
            id: booking.id.to_string(),
            subject: booking.subject.expose().to_owned(),
            organizer_name: booking.organizer_name.expose().to_owned(),
            organizer_email: booking.organizer_email.expose().to_owned(),
            start_time: booking.start,
            end_time: booking.end,
            all_day: booking.all_day,
            endpoint_name: endpoint.spec.name.to_string(),
            profile: endpoint.spec.profile.to_string(),
            alias: call.map(|call| call.alias.as_str().to_owned()),
            protocol: call.map(|call| protocol_name(call.protocol).to_owned()),
            no_join: booking.no_join.filter(|_| call.is_none()).map(|reason| no_join_reason(reason).to_owned()),
            room_email: endpoint.spec.room_email.to_string(),
            matched_rule: booking.rule.as_ref().map(ToString::to_string),
            last_modified: booking.last_modified,
        }
    })
}

fn protocol_name(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Auto => "auto",
        Protocol::Sip => "sip",
        Protocol::H323 => "h323",
    }
}

fn no_join_reason(reason: NoJoin) -> &'static str {
    match reason {
        NoJoin::NoAlias => "no rule found an address",
        NoJoin::Private => "the profile shows private meetings without address",
        NoJoin::TooLong => "the address is longer than the endpoint takes",
    }
}
