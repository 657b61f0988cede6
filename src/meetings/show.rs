//! What an endpoint may show of one meeting.
//!
//! | meeting | profile | shown |
//! |---|---|---|
//! | private | `privateMeetings: false` | not at all |
//! | private | `processAliasForPrivateMeetings: false` | without Join |
//! | without address | `nonVideoMeetings: false` | not at all |
//! | any | `replaceSubject: Always` | with the replacement |
//! | private | `replaceSubject: PrivateOnly` | with the replacement |
//! | without title | `replaceEmptySubject: true` | with the organizer's name |

use crate::model::desired::{ReplaceSubject, View};
use crate::model::schedule::NoJoin;
use crate::model::{Call, Confidential, Meeting};

/// A meeting as an endpoint may show it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Shown {
    /// Its title there.
    pub subject: Confidential,
    /// What Join dials.
    pub call: Option<Call>,
    /// Why there is no Join.
    pub no_join: Option<NoJoin>,
}

/// `None`: the meeting does not reach the endpoint.
#[must_use]
pub fn shown(meeting: &Meeting, view: &View) -> Option<Shown> {
    if meeting.private && !view.private_meetings {
        return None;
    }
    let hidden = meeting.private && !view.process_alias_for_private_meetings;
    let call = match &meeting.verdict.alias {
        Some(alias) if !hidden => Some(Call { alias: alias.clone(), protocol: meeting.verdict.protocol }),
        _ => None,
    };
    let no_join = match (&call, hidden && meeting.verdict.alias.is_some()) {
        (Some(_), _) => None,
        (None, true) => Some(NoJoin::Private),
        (None, false) => Some(NoJoin::NoAlias),
    };
    if call.is_none() && !view.non_video_meetings {
        return None;
    }
    Some(Shown { subject: subject(meeting, view), call, no_join })
}

/// The original of a replaced title is never shown: an empty or failed replacement is the organizer's name.
fn subject(meeting: &Meeting, view: &View) -> Confidential {
    let replaced = match view.replace_subject {
        ReplaceSubject::Always => true,
        ReplaceSubject::PrivateOnly => meeting.private,
        ReplaceSubject::Never => false,
    };
    if replaced {
        return meeting.replacement.clone().unwrap_or_else(|| meeting.organizer_name.clone());
    }
    if meeting.subject.is_blank() && view.replace_empty_subject {
        return meeting.organizer_name.clone();
    }
    meeting.subject.clone()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Alias, Digest, MatchedBy, MeetingId, Protocol, RoomEmail, Verdict};

    fn view() -> View {
        View::default()
    }

    fn meeting(private: bool, subject: &str, alias: bool, replacement: Option<&str>) -> Meeting {
        Meeting {
            id: MeetingId::new(&RoomEmail::parse("fjord@example.com").unwrap(), "u", None),
            event: Digest::default(),
            start: "2027-01-04T10:00:00Z".parse().unwrap(),
            end: "2027-01-04T11:00:00Z".parse().unwrap(),
            all_day: false,
            private,
            tentative: false,
            subject: Confidential::new(subject),
            organizer_name: Confidential::new("Ada"),
            organizer_email: Confidential::new("ada@example.com"),
            replacement: replacement.map(Confidential::new),
            verdict: Verdict {
                alias: alias.then(|| Alias::parse("1@x.example").unwrap()),
                protocol: Protocol::Auto,
                by: MatchedBy::None,
            },
            last_modified: None,
        }
    }

    fn told(meeting: &Meeting, view: &View) -> String {
        match shown(meeting, view) {
            None => "hidden".into(),
            Some(it) => format!("{} join={} {:?}", it.subject.expose(), it.call.is_some(), it.no_join),
        }
    }

    #[test]
    fn a_profile_decides_what_is_shown_of_a_meeting() {
        let plain = view();
        let cases = [
            (meeting(false, "Weekly", true, None), plain.clone(), "Weekly join=true None"),
            (meeting(true, "Merger", true, None), plain.clone(), "Ada join=true None"),
            (meeting(true, "Merger", true, Some("Busy")), plain.clone(), "Busy join=true None"),
            (meeting(false, " ", true, None), plain.clone(), "Ada join=true None"),
            (meeting(false, "", true, None), View { replace_empty_subject: false, ..plain.clone() }, " join=true None"),
            (meeting(true, "Merger", true, None), View { private_meetings: false, ..plain.clone() }, "hidden"),
            (
                meeting(true, "Merger", true, None),
                View { process_alias_for_private_meetings: false, ..plain.clone() },
                "Ada join=false Some(Private)",
            ),
            (meeting(false, "Lunch", false, None), plain.clone(), "Lunch join=false Some(NoAlias)"),
            (meeting(false, "Lunch", false, None), View { non_video_meetings: false, ..plain.clone() }, "hidden"),
            (
                meeting(false, "Weekly", true, None),
                View { replace_subject: ReplaceSubject::Always, ..plain.clone() },
                "Ada join=true None",
            ),
            (
                meeting(true, "Merger", true, None),
                View { replace_subject: ReplaceSubject::Never, ..plain },
                "Merger join=true None",
            ),
        ];
        for (meeting, view, expected) in cases {
            assert_eq!(told(&meeting, &view), expected);
        }
    }
}
