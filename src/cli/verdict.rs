//! What `otj match` and `otj test` say about one event: the outcome of the rules, and what an endpoint makes of it. As JSON in the
//! API's names; the text for people is in `trace_text`.

use serde::Serialize;

use crate::meetings;
use crate::model::desired::View;
use crate::model::schedule::NoJoin;
use crate::model::{Event, MatchedBy, MeetingId, Protocol, RoomEmail};
use crate::rules::{self, Chain, Outcome, Variables};

/// One event through a profile.
pub(super) struct Judged {
    /// What the rules made of it.
    pub(super) outcome: Outcome,
    /// The title an endpoint shows; `None`: the meeting does not reach it.
    pub(super) subject: Option<String>,
    /// What Join dials on an endpoint; `None` for meetings that do not reach it or reach it without Join.
    pub(super) alias: Option<String>,
    /// Why it has no Join on an endpoint that shows it.
    pub(super) no_join: Option<NoJoin>,
}

/// The outcome as JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Answer<'j> {
    pub(super) alias: Option<&'j str>,
    protocol: &'static str,
    rule: Option<&'j str>,
    matched_by: &'static str,
    variables: &'j Variables,
    subject: Option<&'j str>,
    shown: bool,
}

impl Judged {
    /// Runs the rules and a profile's view.
    pub(super) fn of(chain: &Chain, view: &View, event: &Event) -> Self {
        let zone = event.time_zone.as_deref().unwrap_or("UTC");
        let outcome = chain.process(event, zone);
        let room = RoomEmail::parse("room@localhost").expect("the constant is an address");
        let meeting = rules::meeting(chain, MeetingId::new(&room, &event.uid, None), event, zone);
        let shown = meetings::shown(&meeting, view);
        Self {
            no_join: shown.as_ref().and_then(|shown| shown.no_join),
            alias: shown.as_ref().and_then(|shown| Some(shown.call.as_ref()?.alias.as_str().to_owned())),
            subject: shown.map(|shown| shown.subject.expose().to_owned()),
            outcome,
        }
    }

    /// Whether the meeting reaches an endpoint at all.
    pub(super) fn shown(&self) -> bool {
        self.subject.is_some()
    }

    /// The name of the rule that matched.
    pub(super) fn rule(&self) -> Option<&str> {
        match &self.outcome.verdict.by {
            MatchedBy::Rule(rule) => Some(rule.as_str()),
            MatchedBy::Fallback | MatchedBy::None => None,
        }
    }

    /// What reaches endpoints, and what the rules made of it.
    pub(super) fn answer(&self) -> Answer<'_> {
        Answer {
            alias: self.alias.as_deref(),
            protocol: protocol(self.outcome.verdict.protocol),
            rule: self.rule(),
            matched_by: match &self.outcome.verdict.by {
                MatchedBy::Rule(_) => "Rule",
                MatchedBy::Fallback => "Fallback",
                MatchedBy::None => "None",
            },
            variables: self.outcome.variables(),
            subject: self.subject.as_deref(),
            shown: self.shown(),
        }
    }
}

/// As documents write it.
pub(super) fn protocol(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Auto => "Auto",
        Protocol::Sip => "Sip",
        Protocol::H323 => "H323",
    }
}
