//! A snapshot in, the wish and every finding out. Nothing here touches the world but the secrets it is handed.

use crate::diagnostic::Diagnostic;
use crate::model::rule_test::RuleTest;
use crate::model::{Desired, Event};

use super::files::{Secrets, Snapshot};

/// Turns a file that a RuleTest names (`.ics`, `.eml`) into an event. Calendars are read elsewhere, so the caller brings the reader.
pub type InvitationReader = fn(name: &str, bytes: &[u8]) -> Result<Event, String>;

/// What the caller permits.
#[derive(Clone, Copy, Debug, Default)]
pub struct LoadOptions {
    /// A directory without documents is a wish, the empty one.
    pub allow_empty: bool,
    /// Secrets written into documents are no finding.
    pub allow_inline_secrets: bool,
    /// Missing, short and shared secrets are findings.
    pub check_secrets: bool,
    /// Reads the invitation files of RuleTests; without one only `.json` is read.
    pub invitation: Option<InvitationReader>,
}

/// What a directory says.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The wish; there is one exactly when no finding stops loading.
    pub desired: Option<Desired>,
    /// Every finding, sorted.
    pub diagnostics: Vec<Diagnostic>,
    /// The RuleTests, in the order of the files. Present also without a wish, as far as they could be read.
    pub rule_tests: Vec<RuleTest>,
    /// How many documents of each kind were read.
    pub documents: std::collections::BTreeMap<String, usize>,
}

/// Reads the meaning of a snapshot.
pub fn load(snapshot: &Snapshot, secrets: &mut Secrets, options: &LoadOptions) -> Loaded {
    let _ = (snapshot, secrets, options);
    Loaded::default()
}
