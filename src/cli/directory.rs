//! A configuration directory for verbs that work on one: read, understood, its findings told where they keep it from loading.

use std::path::Path;

use anyhow::Context as _;

use super::{complain, event_file};
use crate::config::{self, LoadOptions, Loaded, ReadOptions, SecretOptions, Secrets};
use crate::diagnostic::{self, Severity};

/// Reads `directory`. Where it does not load, its errors go to stderr and an error comes back.
///
/// # Errors
/// When it cannot be read or does not load.
pub(super) fn load(directory: &Path) -> anyhow::Result<Loaded> {
    let name = directory.display();
    let snapshot = config::files::read(&[directory.to_owned()], ReadOptions::default())
        .with_context(|| format!("`{name}` was not read"))?;
    let mut secrets = Secrets::live(SecretOptions::default());
    let options = LoadOptions {
        // Secrets play no part here.
        allow_inline_secrets: true,
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
    Ok(loaded)
}
