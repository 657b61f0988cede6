//! The story of one meeting, step by step, and the sentence it ends in.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::view::{About, Because, ExplainedMeeting, ExplainedProfile, Explanation, Finding, OtherMeeting, Standing};
use super::when::{clock, local};
use super::{Case, Wanted, endpoint};
use crate::invitation;
use crate::meetings;
use crate::model::{EvaluationId, EvaluationSpec, Event, LeftOut, LeftOutWhy, MatchedBy, Meeting};
use crate::rules::{self, Chain, Outcome};
use crate::status::age::ago;
use crate::status::{alarms, conditions};

/// Other meetings that are offered.
const OTHERS_MAX: usize = 30;

/// Profiles of other rooms whose rules are tried, so that a directory of thousands costs no more than one of a hundred.
const OTHER_PROFILES_MAX: usize = 100;

/// Explains.
#[must_use]
pub fn explain(case: &Case) -> Explanation {
    let mut explanation = Explanation {
        room_email: case.room.key.email.to_string(),
        integration: case.room.key.integration.to_string(),
        time_zone: case.zone_name().to_owned(),
        meeting: None,
        button: false,
        sentence: String::new(),
        remedy: None,
        findings: vec![calendar(case)],
        profiles: Vec::new(),
        endpoints: Vec::new(),
        others: Vec::new(),
    };
    let events = case.events.as_deref().unwrap_or_default();
    let id_of = |event: &Event| event.meeting_id(&case.room.key.email).to_string();
    explanation.others = others(case, events);
    match case.wanted.find(events, id_of, case.now) {
        Some(event) => of_meeting(case, event, &mut explanation),
        None => no_meeting(case, &mut explanation),
    }
    explanation
}

/// Whether the calendar was read, and lately.
fn calendar(case: &Case) -> Finding {
    let room = &case.room;
    let (state, text) =
        match (room.last_read, conditions::of_room(room).into_iter().next().filter(|_| room.drift.is_some())) {
            (None, Some(condition)) => {
                (Standing::Problem, format!("the room's calendar was never read completely: {}", condition.message))
            }
            (None, None) => (Standing::Problem, "the room's calendar is being read for the first time".to_owned()),
            (Some(at), Some(condition)) => (
                Standing::Problem,
                format!(
                    "the room's calendar was read {}, and since then not: {}",
                    ago(at, case.now),
                    condition.message
                ),
            ),
            (Some(at), None) => {
                let next = room.next_read.map(|at| format!(", next {}", ago(at, case.now))).unwrap_or_default();
                (Standing::Good, format!("the room's calendar was read completely {}{next}", ago(at, case.now)))
            }
        };
    Finding { about: About::Calendar, state, text }
}

/// Nothing of the kind is in the calendar.
fn no_meeting(case: &Case, explanation: &mut Explanation) {
    let zone = case.zone();
    let unread = explanation.findings.iter().find(|finding| finding.state == Standing::Problem).cloned();
    let left_out =
        case.agenda.iter().flat_map(|agenda| &agenda.left_out).find(|one| is_meant(one, &case.wanted, case.now));
    let (text, remedy) = if case.agenda.is_some() && case.events.is_none() {
        ("the texts of its meetings are not in the store; they come with the next reading".to_owned(), None)
    } else if let Some(one) = left_out {
        let when = local(one.start, one.end, false, &zone);
        let (what, remedy) = match one.why {
            LeftOutWhy::Cancelled => {
                ("was cancelled by its organizer", "if it shall take place, its organizer sends it again")
            }
            LeftOutWhy::Declined => (
                "was declined by the room, most often because it was taken already, or because of a booking rule of the mailbox",
                "book another time or room, or let the mailbox accept it (Exchange: `Get-CalendarProcessing` shows its booking rules)",
            ),
            LeftOutWhy::NoMeeting => (
                "is no meeting, but an absence, a birthday, a working location or time to focus",
                "book the room with a meeting",
            ),
        };
        (format!("the meeting of {when} {what}; such are not shown"), Some(remedy.to_owned()))
    } else {
        let what = match &case.wanted {
            Wanted::Next => "there is no meeting ahead in the room's calendar".to_owned(),
            Wanted::Id(_) => "that meeting is not in the room's calendar (any more)".to_owned(),
            Wanted::At(at) => format!("there is no meeting at {} in the room's calendar", clock(*at, &zone)),
        };
        (what, Some("is the room itself invited, with its address, and not only named as the place?".to_owned()))
    };
    explanation.findings.push(Finding { about: About::Meeting, state: Standing::Problem, text: text.clone() });
    // A calendar that cannot be read is the cause of everything that follows.
    match unread {
        Some(unread) => {
            let reason = case.room.failure.as_ref().map(|failure| failure.reason);
            let reason = reason.or_else(|| case.room.drift.as_ref().map(|drift| drift.reason));
            explanation.sentence = sentence(&unread.text);
            explanation.remedy = reason.and_then(alarms::remedy).map(str::to_owned);
        }
        None => {
            explanation.sentence = sentence(&text);
            explanation.remedy = remedy;
        }
    }
}

fn is_meant(one: &LeftOut, wanted: &Wanted, now: Timestamp) -> bool {
    match wanted {
        Wanted::At(at) => one.start <= *at && one.end > *at,
        Wanted::Next => one.start <= now && one.end > now,
        Wanted::Id(_) => false,
    }
}

/// The whole way of a meeting that is there.
fn of_meeting(case: &Case, event: &Event, explanation: &mut Explanation) {
    let zone = case.zone();
    let id = event.meeting_id(&case.room.key.email);
    let mut made: BTreeMap<&EvaluationId, (Meeting, Option<String>)> = BTreeMap::new();
    for endpoint in &case.endpoints {
        let id_of_rules = &endpoint.spec.evaluation;
        let Some(rules) = case.desired.evaluations.get(id_of_rules) else { continue };
        if made.contains_key(id_of_rules) {
            continue;
        }
        let chain = Chain::compile(rules);
        let outcome = chain.process(event, case.zone_name());
        let advice = rules::advise(rules, event, case.zone_name(), &outcome);
        let advice = advice.map(|advice| advice.text.expose().to_owned());
        if made.is_empty() {
            explanation.findings.extend(of_invitation(case, event, &outcome));
        }
        explanation.findings.push(by_rules(rules, &outcome, advice.as_deref()));
        explanation.profiles.push(ExplainedProfile {
            profile: rules.id.profile.to_string(),
            alias: outcome.verdict.alias.as_ref().map(|alias| alias.as_str().to_owned()),
            rule: named(&outcome.verdict.by),
            advice: advice.clone(),
            trace: serde_json::to_value(&outcome.trace).unwrap_or_default(),
        });
        made.insert(id_of_rules, (rules::meeting(&chain, id.clone(), event, case.zone_name()), advice));
    }
    if made.values().all(|(meeting, _)| meeting.verdict.alias.is_none()) {
        explanation.findings.extend(by_others(case, event, &made));
    }
    let mut shown = None;
    for endpoint in &case.endpoints {
        let Some((meeting, advice)) = made.get(&endpoint.spec.evaluation) else { continue };
        shown = shown.or_else(|| {
            let title = meetings::shown(meeting, &endpoint.spec.view)?.subject.expose().to_owned();
            Some((title, meeting.organizer_name.expose().to_owned()))
        });
        explanation.endpoints.push(endpoint::of(case, endpoint, meeting, advice.as_deref()));
    }
    let (subject, organizer_name) = shown.unzip();
    explanation.meeting = Some(ExplainedMeeting {
        id: id.to_string(),
        subject,
        organizer_name,
        start_time: event.start,
        end_time: event.end,
        local_time: local(event.start, event.end, event.all_day, &zone),
        all_day: event.all_day,
        private: event.private,
        tentative: event.tentative,
        last_modified: event.last_modified,
    });
    conclude(explanation);
}

/// What is told of the invitation, whoever's rules look at it.
fn of_invitation(case: &Case, event: &Event, outcome: &Outcome) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut say = |about, state, text: String| findings.push(Finding { about, state, text });
    let when = local(event.start, event.end, event.all_day, &case.zone());
    say(About::Meeting, Standing::Good, format!("the meeting of {when} is in it"));
    if event.tentative {
        let text = "the room has not accepted it, or its organizer is not sure; it is shown all the same";
        say(About::Answer, Standing::Note, text.into());
    }
    let signs = case.room.signs;
    if event.has_no_text() {
        let all = if case.room.of_exchange && signs.body_stripped() { ", like every other of this room" } else { "" };
        say(About::Text, Standing::Problem, format!("the invitation has no text{all}"));
    } else {
        let cut = if outcome.trace.cut.is_some() { ", so long that its end was not looked at" } else { "" };
        say(About::Text, Standing::Good, format!("the invitation has a text{cut}"));
    }
    if event.private {
        say(About::Privacy, Standing::Note, "it is marked private".into());
    }
    for link in &outcome.trace.links {
        let (state, what) = match &link.outcome {
            invitation::Outcome::Real(_) => (Standing::Good, "was rewritten and was undone".to_owned()),
            invitation::Outcome::Opaque => {
                let exempt = link.hinted_domain().unwrap_or_else(|| "the meeting provider's links".into());
                (
                    Standing::Problem,
                    format!(
                        "was rewritten so that only {} can read it: exempt {exempt} from rewriting there",
                        link.rewriter
                    ),
                )
            }
            invitation::Outcome::Broken => (Standing::Note, "is not well-formed".to_owned()),
            invitation::Outcome::TooDeep => (Standing::Note, "was rewritten more than five times".to_owned()),
        };
        say(About::Links, state, format!("a link of {} {what}", link.rewriter));
    }
    findings
}

fn by_rules(rules: &EvaluationSpec, outcome: &Outcome, advice: Option<&str>) -> Finding {
    let profile = &rules.id.profile;
    let (state, text) = match (&outcome.verdict.alias, named(&outcome.verdict.by)) {
        (Some(alias), Some(rule)) => {
            (Standing::Good, format!("profile `{profile}`: rule `{rule}` gives `{}`", alias.as_str()))
        }
        (Some(alias), None) => {
            (Standing::Good, format!("profile `{profile}`: the fallback gives `{}`", alias.as_str()))
        }
        (None, _) => {
            let tried = outcome.trace.tried().filter(|tried| tried.rule.is_some()).count();
            let why = advice.unwrap_or("nothing was found");
            (Standing::Problem, format!("profile `{profile}`: none of its {tried} rules gives an address; {why}"))
        }
    };
    Finding { about: About::Rules, state, text }
}

/// Rules of profiles that this room does not have, and that would match.
fn by_others(case: &Case, event: &Event, made: &BTreeMap<&EvaluationId, (Meeting, Option<String>)>) -> Option<Finding> {
    let others = case.desired.profiles.values().filter(|profile| made.keys().all(|id| id.profile != profile.name));
    others.take(OTHER_PROFILES_MAX).find_map(|profile| {
        let rules = case.desired.evaluations.get(&profile.evaluation)?;
        let outcome = Chain::compile(rules).process(event, case.zone_name());
        let alias = outcome.verdict.alias.as_ref()?.as_str().to_owned();
        let by = named(&outcome.verdict.by).map_or_else(|| "the fallback".to_owned(), |rule| format!("rule `{rule}`"));
        let text =
            format!("{by} of profile `{}` would give `{alias}`; this room does not have that profile", profile.name);
        Some(Finding { about: About::OtherProfile, state: Standing::Note, text })
    })
}

fn named(by: &MatchedBy) -> Option<String> {
    match by {
        MatchedBy::Rule(rule) => Some(rule.to_string()),
        MatchedBy::Fallback | MatchedBy::None => None,
    }
}

/// The sentence: of the endpoint that lacks its button for the gravest reason.
fn conclude(explanation: &mut Explanation) {
    let lacking = explanation.endpoints.iter().filter(|endpoint| !endpoint.button);
    let first = lacking.min_by_key(|endpoint| gravity(endpoint.reason));
    explanation.button = first.is_none() && !explanation.endpoints.is_empty();
    let told = first.or_else(|| explanation.endpoints.first());
    let Some(told) = told else {
        explanation.sentence = "The room has no endpoint.".into();
        return;
    };
    let count = explanation.endpoints.len();
    explanation.sentence = match (explanation.button, count) {
        (true, 2..) => sentence(&format!("all {count} endpoints of the room have it: {}", told.text)),
        _ => sentence(&told.text),
    };
    explanation.remedy.clone_from(&told.remedy);
    // A calendar that cannot be read keeps what was shown: said beside.
    if let Some(unread) = explanation
        .findings
        .iter()
        .find(|finding| finding.about == About::Calendar && finding.state == Standing::Problem)
    {
        explanation.sentence = format!("{} But {}.", explanation.sentence, unread.text);
    }
}

fn gravity(reason: Because) -> u8 {
    match reason {
        Because::NoAlias | Because::NonVideoHidden => 0,
        Because::Drift => 1,
        Because::PrivateHidden | Because::PrivateWithoutJoin | Because::AliasTooLong => 2,
        Because::NotActedOn | Because::TooMany | Because::TooFarAhead => 3,
        Because::Pending => 4,
        Because::Over => 5,
        Because::Shown => 6,
    }
}

/// With a capital letter and a full stop.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first: String = letters.next().map(|letter| letter.to_uppercase().collect()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}

/// Meetings that have not ended, soonest first.
fn others(case: &Case, events: &[Event]) -> Vec<OtherMeeting> {
    let zone = case.zone();
    let shown = case.endpoints.iter().filter_map(|endpoint| endpoint.schedule.as_deref());
    let with_alias: std::collections::BTreeSet<&str> = shown
        .flat_map(|schedule| &schedule.bookings)
        .filter(|booking| booking.call.is_some())
        .map(|booking| booking.id.as_str())
        .collect();
    let ahead = events.iter().filter(|event| event.end > case.now).take(OTHERS_MAX);
    let row = |event: &Event| {
        let id = event.meeting_id(&case.room.key.email).to_string();
        let local_time = local(event.start, event.end, event.all_day, &zone);
        OtherMeeting { alias: with_alias.contains(id.as_str()), id, local_time }
    };
    ahead.map(row).collect()
}
