//! A configuration directory for verbs that work on one: read, understood, its findings told where they keep it from loading.

use std::path::PathBuf;

use anyhow::Context as _;

use super::{complain, event_file};
use crate::config::{self, LoadOptions, Loaded, ReadOptions, SecretOptions, Secrets};
use crate::diagnostic::{self, Severity};
use crate::model::{Desired, LocationName};

/// The deployments that directories of the command line are: one each, or all of them one.
pub(super) fn deployments(directories: &[PathBuf], together: bool) -> Vec<&[PathBuf]> {
    if together { vec![directories] } else { directories.chunks(1).collect() }
}

/// What people call a deployment.
pub(super) fn called(directories: &[PathBuf]) -> String {
    directories.iter().map(|directory| directory.display().to_string()).collect::<Vec<_>>().join(" + ")
}

/// Reads a deployment. Where it does not load, its errors go to stderr and an error comes back.
///
/// # Errors
/// When it cannot be read or does not load.
pub(super) fn load(directories: &[PathBuf], secret_dirs: &[PathBuf]) -> anyhow::Result<Loaded> {
    load_for(directories, secret_dirs, None)
}

/// The same, for a node in `location`.
///
/// # Errors
/// As [`load`].
pub(super) fn load_for(
    directories: &[PathBuf],
    secret_dirs: &[PathBuf],
    location: Option<&'static str>,
) -> anyhow::Result<Loaded> {
    let name = called(directories);
    let snapshot =
        config::files::read(directories, ReadOptions::default()).with_context(|| format!("`{name}` was not read"))?;
    let mut secrets = Secrets::live(SecretOptions::new(secret_dirs, None));
    let options = LoadOptions {
        // Secrets play no part here.
        allow_inline_secrets: true,
        location,
        invitation: Some(event_file::read),
        ..LoadOptions::default()
    };
    let loaded = config::load(&snapshot, &mut secrets, &options);
    if loaded.desired.is_none() {
        let errors: Vec<_> =
            loaded.diagnostics.iter().filter(|finding| finding.severity == Severity::Error).cloned().collect();
        complain(diagnostic::text::render(&errors, |file| snapshot.text_of(file), false).trim_end());
        anyhow::bail!("`{name}` does not load; `otj lint {name}` tells more");
    }
    if let (Some(desired), Some(location)) = (&loaded.desired, location) {
        is_described(desired, location)?;
    }
    Ok(loaded)
}

/// A misspelt location would be one without a web proxy.
fn is_described(desired: &Desired, location: &str) -> anyhow::Result<()> {
    let names: Vec<&str> = desired.locations.keys().map(LocationName::as_str).collect();
    anyhow::ensure!(
        desired.describes(location),
        "no document describes the location `{location}` (--location); there are: {}",
        names.join(", ")
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::LocationSpec;

    #[test]
    fn a_location_that_no_document_describes_is_refused_and_the_others_are_named() {
        let mut desired = Desired::default();
        for name in ["default", "oslo"] {
            let name = LocationName::parse(name).unwrap();
            desired.locations.insert(name.clone(), std::sync::Arc::new(LocationSpec::undescribed(name)));
        }
        assert!(is_described(&desired, "oslo").is_ok() && is_described(&desired, "default").is_ok());
        let refused = is_described(&desired, "olso").unwrap_err().to_string();
        assert_eq!(refused, "no document describes the location `olso` (--location); there are: default, oslo");
    }
}
