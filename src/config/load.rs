//! A snapshot in, the wish and every finding out. Nothing here touches the world but the secrets it is handed.

use crate::diagnostic::{self, Diagnostic, Place};
use crate::model::rule_test::RuleTest;
use crate::model::{Desired, Event};

use super::checks::{self, Looked};
use super::directory::Directory;
use super::files::{Secrets, Snapshot};
use super::names::Names;
use super::resolve::resolve;
use super::rule_tests::rule_tests;

/// Turns a file that a RuleTest names (`.ics`, `.eml`) into an event. Calendars are read elsewhere, so the caller brings the reader.
pub type InvitationReader = fn(name: &str, bytes: &[u8]) -> Result<Event, String>;

/// Tries templates that nobody has tried before, ready for one that takes all memory or never ends. For each, what is wrong with it.
/// Processes are started elsewhere, so the caller brings it.
pub type TemplateTrial = fn(templates: &[&str]) -> Vec<Option<String>>;

/// What the caller permits.
#[derive(Clone, Copy, Debug, Default)]
pub struct LoadOptions {
    /// A directory without documents is a wish, the empty one.
    pub allow_empty: bool,
    /// Secrets written into documents are no finding.
    pub allow_inline_secrets: bool,
    /// Missing, short and shared secrets are findings.
    pub check_secrets: bool,
    /// Where the node stands that asks; `default` where nobody says.
    pub location: Option<&'static str>,
    /// Reads the invitation files of RuleTests; without one only `.json` is read.
    pub invitation: Option<InvitationReader>,
    /// Tries templates; without it none is tried.
    pub trial: Option<TemplateTrial>,
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

/// Reads the meaning of a snapshot. Blocks while secrets are read; call it from a blocking thread.
pub fn load(snapshot: &Snapshot, secrets: &mut Secrets, options: &LoadOptions) -> Loaded {
    secrets.begin_load();
    let mut findings = snapshot.findings.clone();
    let directory = Directory::read(snapshot, &mut findings);
    empty_directory(snapshot, &directory, options, &mut findings);
    let names = Names::of(&directory);
    let looked = Looked { directory: &directory, names: &names, options };
    // Checks and resolving read the same documents and know nothing of each other: the two halves of a large directory's time.
    let mut resolved = vec![];
    let desired = std::thread::scope(|scope| {
        let checking = scope.spawn(|| checks::run(&looked, &mut findings));
        checks::secrets_of_other_services(&looked, secrets, &mut resolved);
        let desired = resolve(&directory, &names, secrets, options, &mut resolved);
        if let Err(panic) = checking.join() {
            std::panic::resume_unwind(panic);
        }
        desired
    });
    findings.append(&mut resolved);
    let rule_tests = rule_tests(&directory, secrets, options, &mut findings);
    checks::ignore(snapshot, options, &mut findings);
    diagnostic::sort(&mut findings);
    let stopped = findings.iter().any(Diagnostic::stops_loading);
    Loaded { desired: (!stopped).then_some(desired), rule_tests, documents: directory.counts(), diagnostics: findings }
}

/// An unmounted volume looks like an empty directory.
fn empty_directory(
    snapshot: &Snapshot,
    directory: &Directory<'_>,
    options: &LoadOptions,
    findings: &mut Vec<Diagnostic>,
) {
    let faulty = findings.iter().any(Diagnostic::stops_loading);
    if directory.documents.is_empty() && !faulty && !options.allow_empty {
        let root = snapshot.roots.first().map_or("", |root| root.given.as_str());
        let finding = Diagnostic::error("OTJ010", Place::start_of(root), "the directory holds no documents");
        findings.push(finding.help("if that is meant, say --allow-empty"));
    }
}
