//! What operators did, and what they suspended, as the API shows it. In: the board. Out: plain serializable views.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::reconcile::audit::Entry;
use crate::reconcile::board::Board;

/// One object that an operator suspended.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SuspendedView {
    /// `integration`, `profile`, `group`, `location`, `room` or `endpoint`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Since when.
    pub since: Timestamp,
    /// It ends by itself then.
    pub until: Option<Timestamp>,
    /// Why, as the operator said.
    pub reason: Option<String>,
    /// Who did it.
    pub who: String,
}

/// One action of an operator.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditView {
    /// Counts up, also across restarts.
    pub number: u64,
    /// When.
    pub at: Timestamp,
    /// Who: a token's name, or who signed in.
    pub who: String,
    /// From a closed set: `approve`, `suspend`, `resume`, `refresh`, `push`, `trust`, `reload`, `trace`, and what else is written down.
    pub action: String,
    /// Kind of the object.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// What else was said: until when, why.
    pub detail: String,
    /// It was done; otherwise it was refused.
    pub done: bool,
    /// What was answered.
    pub answer: String,
    /// Revision of the directory in force; its checksum where it has none.
    pub revision: String,
}

/// All that operators suspended, by kind and name.
#[must_use]
pub fn suspended(board: &Board) -> Vec<SuspendedView> {
    let all = board.suspensions();
    let view = |one: &crate::reconcile::suspension::Suspension| SuspendedView {
        kind: one.kind.label().to_owned(),
        name: one.name.clone(),
        since: one.since,
        until: one.until,
        reason: one.reason.clone(),
        who: one.who.clone(),
    };
    all.iter().map(view).collect()
}

/// What operators did, newest first.
#[must_use]
pub fn audit(board: &Board) -> Vec<AuditView> {
    board.audit().iter().rev().map(|entry| audit_view(entry)).collect()
}

fn audit_view(entry: &Entry) -> AuditView {
    AuditView {
        number: entry.number,
        at: entry.at,
        who: entry.who.clone(),
        action: entry.action.clone(),
        kind: entry.kind.clone(),
        name: entry.name.clone(),
        detail: entry.detail.clone(),
        done: entry.done,
        answer: entry.answer.clone(),
        revision: entry.revision.clone(),
    }
}
