//! The directory that is imported into, or exported from. In: its path. Out: its files, documents and wish; it must load, since what
//! cannot be understood cannot be added to. One that is not there is empty.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;

use crate::cli::{complain, event_file};
use crate::config::files::SourceFile;
use crate::config::{self, LoadOptions, ReadOptions, SecretOptions, Secrets, Snapshot};
use crate::diagnostic::{self, Diagnostic};
use crate::import::{ConfigFile, Existing, FileChange};
use crate::model::Desired;

/// A directory, read.
pub(in crate::cli) struct Target {
    /// As given.
    pub(in crate::cli) path: PathBuf,
    /// Its documents.
    pub(in crate::cli) existing: Existing,
    /// What it asks for.
    pub(in crate::cli) desired: Desired,
    snapshot: Option<Snapshot>,
    secrets: SecretOptions,
}

impl Target {
    /// Reads and loads `path`. Secrets are looked up in `secret_dirs`.
    pub(in crate::cli) fn open(path: &Path, secret_dirs: &[PathBuf]) -> anyhow::Result<Self> {
        let secrets = SecretOptions::new(secret_dirs, None);
        let path = path.to_owned();
        if !path.exists() {
            let (existing, desired) = (Existing::default(), Desired::default());
            return Ok(Self { path, existing, desired, snapshot: None, secrets });
        }
        let snapshot = config::files::read(std::slice::from_ref(&path), ReadOptions::default())
            .with_context(|| format!("`{}` was not read", path.display()))?;
        let loaded = load(&snapshot, &secrets);
        let Some(desired) = loaded.desired else {
            tell(&loaded.diagnostics, &snapshot);
            anyhow::bail!("`{0}` does not load; mend it first (`otj lint {0}`)", path.display());
        };
        let files =
            snapshot.files.iter().map(|file| ConfigFile { path: file.relative.clone(), text: file.text().into() });
        let existing = Existing::read(files.collect())?;
        Ok(Self { path, existing, desired, snapshot: Some(snapshot), secrets })
    }

    /// What the directory would say with `changes`: an error after its findings were told where it would not load.
    pub(super) fn check(&self, changes: &[FileChange]) -> anyhow::Result<Vec<Diagnostic>> {
        let (snapshot, findings) = self.with(changes);
        if findings.iter().any(Diagnostic::stops_loading) {
            tell(&findings, &snapshot);
            anyhow::bail!("with these documents the directory would not load; nothing was written");
        }
        Ok(findings)
    }

    /// What keeps the directory from loading with `changes`: kind and name of each document, and why.
    pub(super) fn refused(&self, changes: &[FileChange]) -> anyhow::Result<Vec<(String, String, String)>> {
        let (snapshot, findings) = self.with(changes);
        let files = snapshot.files.iter().map(|file| ConfigFile { path: file.path.clone(), text: file.text().into() });
        let existing = Existing::read(files.collect())?;
        let stops = findings.iter().filter(|finding| finding.stops_loading());
        Ok(stops
            .filter_map(|finding| {
                let line = finding.place.line.saturating_sub(1);
                let at = |it: &&crate::import::Standing| {
                    existing.files[it.file].path == finding.place.file && it.lines.contains(&line)
                };
                let document = existing.documents.iter().find(at)?;
                Some((document.kind().to_owned(), document.name().to_owned(), finding.message.clone()))
            })
            .collect())
    }

    fn with(&self, changes: &[FileChange]) -> (Snapshot, Vec<Diagnostic>) {
        let mut snapshot = self.snapshot.clone().unwrap_or_else(|| Snapshot::of_texts(&[]));
        for change in changes {
            let bytes: Arc<[u8]> = change.after.as_bytes().into();
            let list = if change.path.ends_with(".csv") { &mut snapshot.tables } else { &mut snapshot.files };
            match list.iter_mut().find(|file| file.relative == change.path) {
                Some(file) => file.bytes = bytes,
                None => {
                    let path = format!("{}/{}", self.path.display(), change.path);
                    list.push(SourceFile { path, root: 0, relative: change.path.clone(), bytes });
                }
            }
        }
        for list in [&mut snapshot.files, &mut snapshot.tables] {
            list.sort_by(|a, b| a.path.cmp(&b.path));
        }
        let findings = load(&snapshot, &self.secrets).diagnostics;
        (snapshot, findings)
    }

    /// Where files of the directory are written: links followed.
    pub(super) fn root(&self) -> PathBuf {
        let root = self.snapshot.as_ref().and_then(|snapshot| snapshot.roots.first());
        root.map_or_else(|| self.path.clone(), |root| root.resolved.clone())
    }
}

fn load(snapshot: &Snapshot, secrets: &SecretOptions) -> config::Loaded {
    let options = LoadOptions {
        allow_empty: true,
        allow_inline_secrets: true,
        invitation: Some(event_file::read),
        ..LoadOptions::default()
    };
    config::load(snapshot, &mut Secrets::live(secrets.clone()), &options)
}

fn tell(findings: &[Diagnostic], snapshot: &Snapshot) {
    let errors: Vec<Diagnostic> = findings.iter().filter(|it| it.stops_loading()).cloned().collect();
    complain(diagnostic::text::render(&errors, |file| snapshot.text_of(file), false).trim_end());
}
