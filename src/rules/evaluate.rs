//! A room's agenda through the rules: one meeting for each event.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::chain::Chain;
use super::texts::Texts;
use crate::model::{
    Agenda, AgendaEntry, Confidential, Event, MatchedBy, Meeting, MeetingId, Meetings, Protocol, RoomEmail, Verdict,
};

/// What the rules make of `events`, the events of `agenda`, in the agenda's order. Meetings of `previous` are taken over where
/// their events and the rules are the same; a caller whose room's `zone` changed passes none. An event that is in the agenda but
/// not among `events` keeps its previous meeting.
#[must_use]
pub fn evaluate(
    chain: &Chain,
    room: &RoomEmail,
    agenda: &Agenda,
    events: &[Event],
    zone: &str,
    previous: Option<&Meetings>,
) -> Meetings {
    let events: BTreeMap<MeetingId, &Event> = events.iter().map(|event| (event.meeting_id(room), event)).collect();
    let known: BTreeMap<&MeetingId, &Meeting> =
        previous.iter().flat_map(|meetings| &meetings.list).map(|meeting| (&meeting.id, meeting)).collect();
    let same_rules = previous.is_some_and(|meetings| meetings.rules == chain.digest());
    let meetings = agenda.entries.iter().filter_map(|entry| {
        let known = known.get(&entry.id).copied();
        match (known, events.get(&entry.id)) {
            (Some(known), _) if same_rules && known.event == entry.event => Some(known.clone()),
            (_, Some(event)) => Some(one(chain, entry, event, zone)),
            (known, None) => known.cloned(),
        }
    });
    // They are kept for each room for as long as it is there: not more memory than they need.
    let mut list = Vec::with_capacity(agenda.entries.len());
    list.extend(meetings);
    Meetings { agenda: agenda.digest, rules: chain.digest(), list }
}

/// The title that replaces the event's, when the rules have a template and it gives something.
#[must_use]
pub fn replacement(chain: &Chain, event: &Event, zone: &str) -> Option<Confidential> {
    chain.replacement(&Texts::new(event, zone))
}

/// The meeting of a single event, without a room: what `otj match` and `otj test` look at.
#[must_use]
pub fn meeting(chain: &Chain, id: MeetingId, event: &Event, zone: &str) -> Meeting {
    let entry = AgendaEntry { id, event: event.digest(), start: event.start, end: event.end };
    one(chain, &entry, event, zone)
}

fn one(chain: &Chain, entry: &AgendaEntry, event: &Event, zone: &str) -> Meeting {
    // A stranger wrote the text. Should it bring a fault of ours to light, this meeting goes without Join and the others stay.
    let judged = catch_unwind(AssertUnwindSafe(|| {
        let texts = Texts::new(event, zone);
        (chain.process_texts(&texts).verdict, chain.replacement(&texts))
    }));
    let nothing = Verdict { alias: None, protocol: Protocol::Auto, by: MatchedBy::None };
    let (verdict, replacement) = judged.unwrap_or((nothing, None));
    let organizer = &event.organizer;
    Meeting {
        id: entry.id.clone(),
        event: entry.event,
        start: entry.start,
        end: entry.end,
        all_day: event.all_day,
        private: event.private,
        tentative: event.tentative,
        subject: event.subject.clone(),
        organizer_name: if organizer.name.is_blank() { organizer.email.clone() } else { organizer.name.clone() },
        organizer_email: organizer.email.clone(),
        replacement,
        verdict,
        last_modified: event.last_modified,
    }
}
