//! Calendar services (and, from [`super::clouds`], Webex Clouds) as `/api/v1/integrations`, `otj status integrations` and the page show them, made from the board; and in words
//! why a room is read when it is.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::clouds::{FilledView, clouds};
use super::conditions::{self, Condition};
use super::summary::fresh;
use crate::model::tally::Tally;
use crate::reconcile::board::{AccountStatus, Board, IntegrationStatus, PauseStatus, RoomStatus};
use crate::reconcile::pace::Why;

/// One calendar service, or one Webex Cloud.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IntegrationView {
    /// Its name.
    pub name: String,
    /// `Working`, `Degraded` (an account is left alone, many rooms cannot be asked about at once, or a credential ends soon) or `Paused`.
    pub state: String,
    /// Its rooms.
    pub rooms: usize,
    /// Those whose calendar was read completely and lately.
    pub rooms_fresh: usize,
    /// A Webex Cloud: the endpoints that it reaches. It has no rooms.
    #[serde(default)]
    pub filled: Option<FilledView>,
    /// What it may be asked; `None`: its requests are not counted, each room is read every half minute.
    pub quota: Option<QuotaView>,
    /// Its accounts, in the order of the documents.
    pub accounts: Vec<AccountView>,
    /// Set while the whole service is left alone.
    pub pause: Option<PauseView>,
    /// The requests that ask about many rooms at once; `None`: there are none.
    pub canary: Option<CanaryView>,
    /// What it tells of changes by itself; `None`: it is not listened to.
    pub hearing: Option<HearingView>,
    /// Reads of rooms since the start of the process, by reason.
    pub reads: BTreeMap<String, u64>,
    /// What is true of it.
    pub conditions: Vec<Condition>,
}

/// Requests of 24 hours.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QuotaView {
    /// Requests in the last 24 hours, those of earlier processes included.
    pub used: u64,
    /// Most requests in 24 hours.
    pub limit: u64,
    /// What may still be asked.
    pub left: u64,
    /// When background reads go on, while the limit is used up but for a reserve.
    pub used_up_until: Option<Timestamp>,
    /// Requests that are planned for each second at this time of the day.
    pub planned_per_second: f64,
    /// Requests under way.
    pub under_way: usize,
    /// Most requests under way, as the service bears it.
    pub at_once: usize,
}

/// One account of a calendar service.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountView {
    /// Its address or client id; empty: the service asks for none.
    pub name: String,
    /// Requests in the last minute.
    pub minute_used: usize,
    /// Most requests in a minute; `None`: no such limit.
    pub minute_limit: Option<usize>,
    /// Set while it is left alone.
    pub pause: Option<PauseView>,
}

/// Why a service or an account is left alone.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PauseView {
    /// From a closed set: the reason of the failure.
    pub reason: String,
    /// For people.
    pub message: String,
    /// Since when.
    pub since: Timestamp,
    /// Failed tries in a row.
    pub attempts: u32,
    /// The next try.
    pub until: Timestamp,
}

/// The requests that ask about many rooms at once.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CanaryView {
    /// False while the service refuses them.
    pub on: bool,
    /// In how many groups the rooms stand.
    pub groups: usize,
    /// How often each group is asked about in business hours.
    pub period_seconds: f64,
    /// Such requests since the start of the process.
    pub looks: u64,
    /// Rooms of which the service does not tell when it is asked about many: their changes are seen later.
    pub rooms_untold: usize,
    /// Why they are off, since when.
    pub off: Option<Condition>,
}

/// What a calendar service tells of changes by itself.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HearingView {
    /// Rooms whose changes it tells as they happen.
    pub rooms_at_once: usize,
    /// Rooms whose changes it tells within a minute or so: something on the way keeps its answers until they end.
    pub rooms_by_the_minute: usize,
    /// Rooms of which it tells nothing now; their changes are looked for.
    pub rooms_untold: usize,
    /// Connections over which it tells.
    pub connections: usize,
    /// Why it tells nothing of some, by the last of them; from a closed set.
    pub reason: Option<String>,
}

impl HearingView {
    /// In a few words.
    #[must_use]
    pub fn summary(&self) -> String {
        let told = self.rooms_at_once + self.rooms_by_the_minute;
        match (self.rooms_by_the_minute, self.rooms_untold) {
            (0, 0) => "told at once".into(),
            (_, 0) => "told by the minute".into(),
            _ if told == 0 => "not told".into(),
            (_, untold) => format!("told of {told}/{}", told + untold),
        }
    }

    /// Why nothing is told of some rooms.
    #[must_use]
    pub fn because(&self) -> String {
        match self.reason.as_deref() {
            Some("Buffered") => {
                "something on the way, such as a proxy, keeps answers until they end; let EWS past it".into()
            }
            Some("NotSubscribed") | None => "they are being subscribed".into(),
            Some(reason) => reason.into(),
        }
    }
}

/// All calendar services that have rooms or a quota, and all Webex Clouds that have endpoints, by name.
#[must_use]
pub fn integrations(board: &Board, tally: &Tally, now: Timestamp) -> Vec<IntegrationView> {
    let mut rooms = BTreeMap::<String, (usize, usize)>::new();
    let all = board.rooms();
    for room in &all {
        let (count, fresh_ones) = rooms.entry(room.key.integration.to_string()).or_default();
        (*count, *fresh_ones) = (*count + 1, *fresh_ones + usize::from(fresh(room)));
    }
    let mut views: BTreeMap<String, IntegrationView> = rooms
        .into_iter()
        .map(|(name, (rooms, rooms_fresh))| (name.clone(), unpaced(name, rooms, rooms_fresh, &all)))
        .collect();
    for status in board.integrations() {
        let rooms_fresh = views.get(status.name.as_str()).map_or(0, |view| view.rooms_fresh);
        views.insert(status.name.to_string(), paced(&status, rooms_fresh));
    }
    for expiry in &board.config().expiries {
        let (Some(view), Some(condition)) = (views.get_mut(&expiry.name), conditions::expiring(expiry, now)) else {
            continue;
        };
        view.conditions.push(condition);
        if view.state == "Working" {
            view.state = "Degraded".into();
        }
    }
    // Names are unique across all kinds of integrations.
    views.extend(clouds(board, tally, now));
    views.into_values().collect()
}

/// A service whose requests are not counted.
fn unpaced(name: String, rooms: usize, rooms_fresh: usize, all: &[std::sync::Arc<RoomStatus>]) -> IntegrationView {
    let down = conditions::down_for_all(all).remove(&name);
    IntegrationView {
        state: if down.is_some() { "Paused" } else { "Working" }.into(),
        name,
        rooms,
        rooms_fresh,
        filled: None,
        quota: None,
        accounts: Vec::new(),
        pause: None,
        canary: None,
        hearing: None,
        reads: BTreeMap::new(),
        conditions: down.into_iter().collect(),
    }
}

fn paced(status: &IntegrationStatus, rooms_fresh: usize) -> IntegrationView {
    let conditions = conditions::of_integration(status);
    let state = match () {
        () if conditions::nobody_reads(status) => "Paused",
        () if conditions.is_empty() => "Working",
        () => "Degraded",
    };
    let canary = &status.canary;
    IntegrationView {
        name: status.name.to_string(),
        state: state.into(),
        rooms: status.rooms,
        rooms_fresh,
        filled: None,
        quota: Some(QuotaView {
            used: status.day_used,
            limit: status.day_limit,
            left: status.day_limit.saturating_sub(status.day_used),
            used_up_until: status.spent.map(|spent| spent.until),
            planned_per_second: (status.allowance_per_s * 100.0).round() / 100.0,
            under_way: status.under_way,
            at_once: status.window,
        }),
        accounts: status.accounts.iter().map(account).collect(),
        pause: status.pause.as_ref().map(pause),
        canary: (canary.groups > 0).then(|| CanaryView {
            on: canary.off.is_none(),
            groups: canary.groups,
            period_seconds: (canary.period.as_secs_f64() * 10.0).round() / 10.0,
            looks: canary.looks,
            rooms_untold: canary.unwatched,
            off: canary.off.as_ref().map(conditions::canary_off),
        }),
        hearing: status.heard.as_ref().map(|heard| HearingView {
            rooms_at_once: heard.at_once,
            rooms_by_the_minute: heard.by_the_minute,
            rooms_untold: heard.deaf,
            connections: heard.connections,
            reason: heard.why.map(str::to_owned),
        }),
        reads: status.reads.iter().map(|(why, reads)| ((*why).to_owned(), *reads)).collect(),
        conditions,
    }
}

fn account(status: &AccountStatus) -> AccountView {
    AccountView {
        name: status.name.clone(),
        minute_used: status.minute_used,
        minute_limit: status.minute_limit,
        pause: status.pause.as_ref().map(pause),
    }
}

fn pause(status: &PauseStatus) -> PauseView {
    PauseView {
        reason: status.reason.into(),
        message: status.message.clone(),
        since: status.since,
        attempts: status.attempts,
        until: status.until,
    }
}

/// Why a room is read next, in words; a meeting's start in the zone of the room.
#[must_use]
pub fn because(room: &RoomStatus) -> String {
    let Some(why) = room.next_why else {
        return match &room.failure {
            Some(_) => "the last read failed".into(),
            None => "every room of this calendar is read every half minute".into(),
        };
    };
    match why {
        _ if room.failure.is_some() => "the last read failed".into(),
        Why::Asked if room.last_read.is_none() => "it was never read".into(),
        Why::Asked => "somebody asked, or a reading needs a second look".into(),
        Why::Changed => "something said that it changed".into(),
        Why::Starts => match room.next_meeting {
            Some(start) => {
                let zone = room.time_zone.as_deref().and_then(|name| TimeZone::get(name).ok()).unwrap_or(TimeZone::UTC);
                format!("a meeting starts at {}", start.to_zoned(zone).strftime("%H:%M"))
            }
            None => "a meeting starts soon".into(),
        },
        Why::Follows => "it changed a moment ago".into(),
        Why::Turn => "its turn".into(),
        Why::Verify => "once a day it is read in full".into(),
    }
}
