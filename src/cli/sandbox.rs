//! The hidden verb that makes this program a child of [`crate::sandbox`], and the trial of templates that verbs pass to the loader.

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};

use anyhow::Context as _;

use crate::model::Digest;
use crate::sandbox::{self, Sandbox, SandboxError};

/// Most templates that are remembered as harmless.
const REMEMBERED_MAX: usize = 100_000;

/// Answers the parent on stdin and stdout; not for people.
pub(super) fn run() -> anyhow::Result<ExitCode> {
    let memory = std::env::args().nth(2).and_then(|bytes| bytes.parse().ok()).context("this verb is for otj alone")?;
    sandbox::confine(memory).context("the limits of a child cannot be set")?;
    sandbox::serve(std::io::stdin().lock(), std::io::stdout().lock())?;
    Ok(ExitCode::SUCCESS)
}

/// Tries templates in a child; for each what is wrong with it. One that was found harmless is not tried again by this process.
/// Where no child can be started, nothing is wrong with any template: the log says so.
pub(super) fn try_templates(templates: &[&str]) -> Vec<Option<String>> {
    static HARMLESS: Mutex<BTreeSet<Digest>> = Mutex::new(BTreeSet::new());
    let digest = |text: &str| Digest::of([text.as_bytes()]);
    let mut harmless = HARMLESS.lock().unwrap_or_else(PoisonError::into_inner);
    let unknown: Vec<&str> = templates.iter().copied().filter(|text| !harmless.contains(&digest(text))).collect();
    if unknown.is_empty() {
        return vec![None; templates.len()];
    }
    let results = match Sandbox::of_this_program().and_then(|sandbox| sandbox.try_templates(&unknown)) {
        Ok(results) => results,
        Err(error) => {
            tracing::warn!(event = "templates_untried", %error, "Templates are taken without being tried.");
            return vec![None; templates.len()];
        }
    };
    if harmless.len() > REMEMBERED_MAX {
        harmless.clear();
    }
    let found_harmless = unknown.iter().zip(&results).filter(|(_, result)| result.is_ok());
    harmless.extend(found_harmless.map(|(text, _)| digest(text)));
    // Enough others are at fault for the directory to be refused; what was not tried is once they are mended.
    let fault = |result: Result<(), SandboxError>| result.err().filter(|error| *error != SandboxError::NotTried);
    let faults = unknown.iter().zip(results).filter_map(|(text, result)| Some((*text, fault(result)?.to_string())));
    let faults: BTreeMap<&str, String> = faults.collect();
    templates.iter().map(|text| faults.get(text).cloned()).collect()
}
