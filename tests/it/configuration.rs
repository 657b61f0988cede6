//! Directories in, findings and wishes out: a corpus of wrong directories, the examples, and what a right one resolves to.

mod corpus;
mod examples;
mod hostile;
mod language;
mod pages;
mod resolved;
mod roots;
mod services;
mod sets;
mod tables;
mod web_proxy;

use std::path::Path;

use otj::config::files::{self, ReadOptions};
use otj::config::{LoadOptions, Loaded, SecretOptions, Secrets, Snapshot, load};
use otj::diagnostic::Diagnostic;

/// Secrets of tests carry this, and nothing that is printed may.
const CANARY: &str = "hunter2-canary";

fn read(directory: &Path) -> Snapshot {
    files::read(&[directory.to_owned()], ReadOptions::default()).unwrap()
}

/// Loads with no secret directories but the configuration's own; templates are tried.
fn loaded(snapshot: &Snapshot, options: &LoadOptions) -> Loaded {
    let options = &LoadOptions { trial: Some(crate::sandbox::trial), ..*options };
    let secrets = SecretOptions { directories: vec![], data_dir: None };
    load(snapshot, &mut Secrets::live(secrets), options)
}

/// `CODE file:line` of every finding, files below `root`.
fn listed(root: &str, findings: &[Diagnostic]) -> String {
    let line = |finding: &Diagnostic| {
        let file = finding.place.file.strip_prefix(root).unwrap_or(&finding.place.file).trim_start_matches('/');
        format!("{} {}:{}\n", finding.code, if file.is_empty() { "." } else { file }, finding.place.line)
    };
    findings.iter().map(line).collect()
}
