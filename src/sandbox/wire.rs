//! What parent and child say to each other: a line of JSON each.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::{Confidential, EvaluationSpec, Event, Verdict};

/// The child's first line: it is what the parent thinks it is, and confined.
pub(super) const READY: &str = "otj sandbox 1";

/// What a child is asked.
#[derive(Serialize, Deserialize)]
pub(super) enum Request {
    /// Try this template on the samples.
    Template(String),
    /// Run these rules on this event, with times as in this zone.
    Event(Box<(EvaluationSpec, Event, String)>),
}

/// What it answers.
#[derive(Serialize, Deserialize)]
pub(super) enum Answer {
    /// Nothing is wrong with the template.
    Fine,
    /// It does more work than a template may.
    Work,
    /// What the rules made of the event.
    Evaluated(Box<Evaluated>),
}

/// What rules made of an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evaluated {
    /// The decision.
    pub verdict: Verdict,
    /// The variables of the rule that matched.
    pub variables: BTreeMap<String, String>,
    /// The title that replaces the event's, where the rules have a template that gives one.
    pub subject: Option<Confidential>,
    /// How it came to be, in the form of [`Trace`](crate::rules::Trace).
    pub trace: serde_json::Value,
}
