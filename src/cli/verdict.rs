//! What `otj match` and `otj test` say about one event: the outcome of the rules, and what an endpoint makes of it. JSON in the
//! API's names, text for people.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::invitation::Outcome as LinkOutcome;
use crate::meetings;
use crate::model::desired::View;
use crate::model::{Event, MatchedBy, MeetingId, Protocol, RoomEmail};
use crate::rules::{self, Chain, Outcome, Trace};

/// One event through a profile.
pub(super) struct Judged {
    /// What the rules made of it.
    pub(super) outcome: Outcome,
    /// The title an endpoint shows; `None`: the meeting does not reach it.
    pub(super) subject: Option<String>,
    /// What Join dials on an endpoint; `None` for meetings that do not reach it or reach it without Join.
    pub(super) alias: Option<String>,
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

    /// `{"alias", "protocol", "rule", "matchedBy", "variables", "subject", "shown"}`.
    pub(super) fn json(&self) -> Value {
        let by = match &self.outcome.verdict.by {
            MatchedBy::Rule(_) => "Rule",
            MatchedBy::Fallback => "Fallback",
            MatchedBy::None => "None",
        };
        json!({
            "alias": self.alias,
            "protocol": protocol(self.outcome.verdict.protocol),
            "rule": self.rule(),
            "matchedBy": by,
            "variables": self.outcome.variables,
            "subject": self.subject,
            "shown": self.shown(),
        })
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

/// The trace as JSON.
pub(super) fn trace_json(trace: &Trace) -> Value {
    let tried: Vec<Value> = trace
        .tried
        .iter()
        .map(|tried| {
            json!({
                "rule": tried.rule.as_ref().map(|(name, _)| name.as_str()),
                "type": tried.rule.as_ref().map_or_else(|| "Fallback".to_owned(), |(_, rule_type)| format!("{rule_type:?}")),
                "lookedAt": tried.looked_at,
                "outcome": tried.why.label(),
                "detail": tried.why.to_string(),
            })
        })
        .collect();
    let links: Vec<Value> = trace
        .links
        .iter()
        .map(|link| {
            let (outcome, real) = link_outcome(&link.outcome);
            json!({"rewriter": link.rewriter, "link": link.link.expose(), "outcome": outcome, "real": real})
        })
        .collect();
    json!({"rules": tried, "links": links, "cut": trace.cut})
}

fn link_outcome(outcome: &LinkOutcome) -> (&'static str, Option<&str>) {
    match outcome {
        LinkOutcome::Real(real) => ("Unwrapped", Some(real.expose())),
        LinkOutcome::Opaque => ("Opaque", None),
        LinkOutcome::Broken => ("Broken", None),
        LinkOutcome::TooDeep => ("TooDeep", None),
    }
}

/// The trace for people, each line after `indent`.
pub(super) fn trace_text(trace: &Trace, indent: &str) -> String {
    let mut out = String::new();
    let name = |rule: Option<&str>| visible(rule.unwrap_or("fallback"));
    let names: Vec<(String, String)> = trace
        .tried
        .iter()
        .map(|tried| match &tried.rule {
            Some((rule, rule_type)) => (name(Some(rule.as_str())), format!("{rule_type:?}")),
            None => (name(None), "sip:, sips:, h323:".into()),
        })
        .collect();
    let width = |texts: &mut dyn Iterator<Item = &String>| texts.map(|text| text.chars().count()).max().unwrap_or(0);
    let (first, second) = (width(&mut names.iter().map(|(a, _)| a)), width(&mut names.iter().map(|(_, b)| b)));
    for (tried, (rule, rule_type)) in trace.tried.iter().zip(&names) {
        let places: Vec<String> = tried.looked_at.iter().map(ToString::to_string).collect();
        let places = if places.is_empty() { String::new() } else { format!(" [{}]", places.join(", ")) };
        let why = visible(&tried.why.to_string());
        let _ = writeln!(out, "{indent}{rule:first$}  {rule_type:second$}  {why}{places}");
    }
    for link in &trace.links {
        let result = match &link.outcome {
            LinkOutcome::Real(real) => format!("is {}", visible(real.expose())),
            LinkOutcome::Opaque => {
                "can be read by its rewriter alone: exempt the provider's links from rewriting".into()
            }
            LinkOutcome::Broken => "is not well-formed".into(),
            LinkOutcome::TooDeep => "is rewritten more than five times".into(),
        };
        let _ = writeln!(out, "{indent}{} link {} {result}", link.rewriter, visible(link.link.expose()));
    }
    if trace.cut {
        let _ = writeln!(out, "{indent}the body is longer than 2 MiB: its end was not looked at");
    }
    out
}

/// Text from outside on a terminal: one line, control and direction characters shown as their numbers.
pub(super) fn visible(text: &str) -> String {
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    text.chars().flat_map(|c| if hidden(c) { c.escape_unicode().collect::<Vec<_>>() } else { vec![c] }).collect()
}
