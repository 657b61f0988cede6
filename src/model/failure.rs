//! What went wrong outside, in the form the reconciler acts on.

use std::time::Duration;

/// What the reconciler does next about a failure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Remedy {
    /// It may pass: try again, later each time.
    Retry,
    /// A person must act: try again seldom (every 30 minutes), or when documents or secrets change.
    Fix,
}

/// Whom a failure is about. What is about more than the object of its step is told to everybody once, and tried again by one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Scope {
    /// The room or endpoint of the step.
    #[default]
    Object,
    /// The account that the step used: its credentials, or its share of a quota.
    Account,
    /// The whole calendar service.
    Integration,
}

/// One failed step.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    /// From a closed set, in CamelCase: the reason of conditions, drift and metrics.
    pub reason: &'static str,
    /// What happens next.
    pub remedy: Remedy,
    /// For people: what happened and what to do, without secrets, addresses to join or what people wrote.
    pub message: String,
    /// The earliest next try the other side asked for.
    pub retry_after: Option<Duration>,
    /// Whom it is about.
    pub scope: Scope,
}

impl Failure {
    /// A passing failure.
    #[must_use]
    pub fn retry(reason: &'static str, message: impl Into<String>) -> Self {
        Self { reason, remedy: Remedy::Retry, message: message.into(), retry_after: None, scope: Scope::Object }
    }

    /// A failure that needs a person.
    #[must_use]
    pub fn fix(reason: &'static str, message: impl Into<String>) -> Self {
        Self { reason, remedy: Remedy::Fix, message: message.into(), retry_after: None, scope: Scope::Object }
    }

    /// The same, about `scope`.
    #[must_use]
    pub fn about(self, scope: Scope) -> Self {
        Self { scope, ..self }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.reason, self.message)
    }
}

impl std::error::Error for Failure {}

/// `a: b: c` for an error and its sources, each once.
#[must_use]
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let next = cause.to_string();
        if !text.ends_with(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        source = cause.source();
    }
    text
}
