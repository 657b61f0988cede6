//! One endpoint and one meeting: what it shows of it, since when, and what keeps the button away.

use jiff::{SignedDuration, Timestamp};

use super::Case;
use super::view::{Because, ExplainedEndpoint};
use super::when::clock;
use crate::meetings;
use crate::model::desired::ModeState;
use crate::model::schedule::NoJoin;
use crate::model::{Booking, DeviceSpec, Meeting};
use crate::reconcile::board::EndpointStatus;
use crate::status::age::ago;
use crate::status::{alarms, conditions};

/// What came of a meeting on an endpoint.
struct Outcome {
    button: bool,
    reason: Because,
    text: String,
    remedy: Option<String>,
}

fn outcome(button: bool, reason: Because, text: impl Into<String>, remedy: Option<&str>) -> Outcome {
    Outcome { button, reason, text: text.into(), remedy: remedy.map(str::to_owned) }
}

/// What `endpoint` makes of `meeting`. `advice` is why the rules of its profile found no address.
pub(super) fn of(case: &Case, endpoint: &EndpointStatus, meeting: &Meeting, advice: Option<&str>) -> ExplainedEndpoint {
    let bookings = endpoint.schedule.as_deref().map(|schedule| schedule.bookings.as_slice()).unwrap_or_default();
    // A meeting of several days may stand there as one booking a day.
    let of_meeting = |booking: &&Booking| booking.id.as_str().starts_with(meeting.id.as_str());
    let booking = bookings.iter().filter(of_meeting).find(|booking| booking.end > case.now);
    let booking = booking.or_else(|| bookings.iter().rfind(of_meeting));
    let found = match booking {
        Some(booking) => listed(case, endpoint, booking, advice),
        None => unlisted(case, endpoint, meeting, advice),
    };
    let span = booking.filter(|booking| booking.call.is_some()).map(join_span);
    ExplainedEndpoint {
        name: endpoint.spec.name.to_string(),
        kind: endpoint.spec.device.label().to_owned(),
        profile: endpoint.spec.profile.to_string(),
        button: found.button,
        reason: found.reason,
        text: found.text,
        remedy: found.remedy,
        alias: booking.and_then(|booking| booking.call.as_ref()).map(|call| call.alias.as_str().to_owned()),
        join_from: span.map(|(from, _)| from),
        join_until: span.map(|(_, until)| until),
        last_put: endpoint.last_put,
        last_contacted: endpoint.last_contact,
    }
}

fn join_span(booking: &Booking) -> (Timestamp, Timestamp) {
    let from = booking.start - SignedDuration::from_secs(booking.start_buffer_s.into());
    let until = booking.end + SignedDuration::from_secs(booking.end_buffer_s.into());
    (from, until)
}

/// It is on the endpoint's list.
fn listed(case: &Case, endpoint: &EndpointStatus, booking: &Booking, advice: Option<&str>) -> Outcome {
    let name = endpoint.spec.name.as_str();
    let Some(call) = &booking.call else { return without_join(name, booking.no_join, advice) };
    let (from, until) = join_span(booking);
    let zone = case.zone();
    let shows =
        format!("Join from {} to {}, dialling {}", clock(from, &zone), clock(until, &zone), call.alias.as_str());
    if let Some(held_off) = held_off(endpoint, &shows) {
        return held_off;
    }
    if endpoint.synced {
        let confirmed = match (&endpoint.spec.device, endpoint.last_contact) {
            (DeviceSpec::Poly(_), Some(at)) => format!("fetched {}", ago(at, case.now)),
            (_, Some(at)) => format!("confirmed {}", ago(at, case.now)),
            (_, None) => "given before the last restart".to_owned(),
        };
        return outcome(true, Because::Shown, format!("`{name}` has {shows} ({confirmed})"), None);
    }
    let Some(drift) = &endpoint.drift else {
        let text = format!("`{name}` shall have {shows}; the list is on its way");
        return outcome(false, Because::Pending, text, None);
    };
    let reason =
        if matches!(drift.reason, "Pending" | "NeverPut" | "Behind") { Because::Pending } else { Because::Drift };
    let message = conditions::of_endpoint(endpoint).into_iter().find(|condition| condition.reason != drift.reason);
    let what = conditions::meaning(drift.reason);
    let told = match (&endpoint.failure, message) {
        (Some(failure), _) => format!("{what}: {}", failure.message),
        (None, Some(condition)) => format!("{what}: {}", condition.message),
        (None, None) => what.to_owned(),
    };
    let failed = endpoint.failure.as_ref().map_or(drift.reason, |failure| failure.reason);
    let remedy = alarms::remedy(failed).or_else(|| alarms::remedy(drift.reason));
    let text =
        format!("`{name}` shall have {shows}, but is not known to: {told} (since {})", ago(drift.since, case.now));
    outcome(false, reason, text, remedy)
}

/// Nothing is put there, by its documents or by an operator.
fn held_off(endpoint: &EndpointStatus, shows: &str) -> Option<Outcome> {
    let (what, field) = match endpoint.mode {
        ModeState::Enforce => return None,
        ModeState::Suspended => ("is suspended", "end the suspension in its documents, or `otj resume`"),
        ModeState::Observe => ("is only watched (`mode: Observe`)", "set `mode: Enforce` to act on it"),
    };
    let text = format!("`{}` {what}: it would have {shows}, and nothing is put there", endpoint.spec.name);
    Some(outcome(false, Because::NotActedOn, text, Some(field)))
}

fn without_join(name: &str, why: Option<NoJoin>, advice: Option<&str>) -> Outcome {
    match why {
        Some(NoJoin::Private) => outcome(
            false,
            Because::PrivateWithoutJoin,
            format!(
                "`{name}` shows it without Join: it is private, and the profile has `processAliasForPrivateMeetings: false`"
            ),
            Some("set `processAliasForPrivateMeetings: true` in the profile if private meetings shall have Join"),
        ),
        Some(NoJoin::TooLong) => outcome(
            false,
            Because::AliasTooLong,
            format!("`{name}` shows it without Join: the address is longer than the device takes"),
            Some("give the rule a `transform` that makes a shorter address"),
        ),
        _ => {
            let why = advice.unwrap_or("the rules found no address");
            outcome(false, Because::NoAlias, format!("`{name}` shows it without Join: {why}"), None)
        }
    }
}

/// It is not on the endpoint's list.
fn unlisted(case: &Case, endpoint: &EndpointStatus, meeting: &Meeting, advice: Option<&str>) -> Outcome {
    let (name, view) = (endpoint.spec.name.as_str(), &endpoint.spec.view);
    let Some(schedule) = endpoint.schedule.as_deref() else {
        return outcome(false, Because::Pending, format!("the list of `{name}` is not made yet"), None);
    };
    if meeting.private && !view.private_meetings {
        return outcome(
            false,
            Because::PrivateHidden,
            format!("`{name}` does not show it: it is private, and the profile has `privateMeetings: false`"),
            Some("set `privateMeetings: true` in the profile if private meetings shall be shown"),
        );
    }
    if meetings::shown(meeting, view).is_none() {
        let why = advice.unwrap_or("the rules found no address");
        let text = format!("`{name}` does not show it, since the profile has `nonVideoMeetings: false` and {why}");
        return outcome(false, Because::NonVideoHidden, text, None);
    }
    if meeting.end <= case.now {
        return outcome(false, Because::Over, format!("it has ended, and `{name}` no longer shows it"), None);
    }
    let room = &endpoint.spec.room;
    if meeting.start >= meetings::served_until(room, view.upcoming_days, case.zone_name(), case.now) {
        let text = format!("`{name}` does not show it yet: the profile shows {} days ahead", view.upcoming_days);
        return outcome(false, Because::TooFarAhead, text, Some("raise `upcomingDays` in the profile"));
    }
    let limit = endpoint.spec.device.limits().bookings;
    if schedule.bookings.len() >= limit {
        let text =
            format!("`{name}` does not show it yet: it holds no more than {limit} meetings, and these are sooner");
        return outcome(false, Because::TooMany, text, None);
    }
    outcome(false, Because::Pending, format!("the list of `{name}` is being made anew"), None)
}
