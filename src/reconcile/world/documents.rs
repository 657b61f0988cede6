//! The directory on disk: read, understood, and put into the form the loop and the store take. What must be remembered between
//! reads stands here: since when git has been at work, and what secrets were when they could last be read.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use crate::config::{self, LastValues, LoadOptions, ReadFailure, ReadOptions, SecretOptions, Secrets, Snapshot};
use crate::diagnostic;
use crate::model::{Failure, Mono, Now};

use super::super::step::DocumentsRead;

/// A git command is waited for this long; then its lock is one that it left behind.
const GIT_PATIENCE: Duration = Duration::from_secs(60);

/// The finding of a directory that was read although git was at work.
const GIT_AT_WORK: &str = "OTJ012";

/// How the directory is read.
#[derive(Clone, Debug)]
pub struct DirectoryOptions {
    /// The directories.
    pub roots: Vec<PathBuf>,
    /// Where secrets may lie.
    pub secrets: SecretOptions,
    /// What is permitted.
    pub load: LoadOptions,
}

/// The directory, and what is remembered about it.
#[derive(Debug)]
pub(super) struct Documents {
    options: DirectoryOptions,
    memory: Mutex<Memory>,
}

#[derive(Clone, Debug, Default)]
struct Memory {
    /// A file that cannot be read for a moment keeps its value.
    secrets: LastValues,
    /// When git was first seen at work, as long as it is.
    git_since: Option<Mono>,
}

impl Documents {
    /// `kept_secrets` are those of the directory that ran before the restart.
    pub(super) fn new(options: DirectoryOptions, kept_secrets: Option<&[u8]>, now: Timestamp) -> Self {
        let kept = kept_secrets.and_then(|bytes| LastValues::from_kept(bytes, now).ok());
        let memory = Memory { secrets: kept.unwrap_or_default(), git_since: None };
        Self { options, memory: Mutex::new(memory) }
    }

    /// Reads it.
    ///
    /// # Errors
    /// When there is no consistent state to read, or git is at work.
    pub(super) async fn read(&self, now: Now) -> Result<DocumentsRead, Failure> {
        let options = self.options.clone();
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner).clone();
        // There is one read at a time, so nothing is lost between taking the memory and putting it back.
        let read = tokio::task::spawn_blocking(move || {
            let read = memory.read(&options, now);
            (read, memory)
        });
        let (read, memory) =
            read.await.map_err(|_| Failure::fix("Panicked", "reading the directory stopped where it must not"))?;
        *self.memory.lock().unwrap_or_else(PoisonError::into_inner) = memory;
        read
    }
}

impl Memory {
    fn read(&mut self, options: &DirectoryOptions, now: Now) -> Result<DocumentsRead, Failure> {
        let snapshot = config::files::read(&options.roots, beside_git(self.git_since, now.mono));
        self.git_since = git_since(self.git_since, &snapshot, now.mono);
        let snapshot = snapshot.map_err(|failure| match failure {
            ReadFailure::GitAtWork(_) => {
                Failure::retry("GitAtWork", "git is writing the directory; it is read when that ended")
            }
            failure => Failure::retry("DirectoryUnreadable", failure.to_string()),
        })?;
        let mut secrets = Secrets::remembering(options.secrets.clone(), &self.secrets, now.wall);
        let mut read = documents_read(&snapshot, &mut secrets, &options.load);
        if let Some(stray) = stray(&read, options.load.location) {
            tracing::warn!(event = "location_undescribed", "{stray}");
            read.findings.push_str(&format!("warning: {stray}\n"));
            read.warnings += 1;
        }
        self.secrets.learn(&secrets, now.wall);
        if secrets.fallen_back() > 0 {
            tracing::warn!(
                event = "secrets_unreadable",
                count = secrets.fallen_back(),
                "Secrets cannot be read; their last values serve for 15 minutes."
            );
        }
        Ok(read)
    }
}

/// What is wrong with where this node stands: a location that no document describes has no web proxy. It may be described by the
/// next commit, so the node runs.
fn stray(read: &DocumentsRead, location: Option<&str>) -> Option<String> {
    let (desired, location) = (read.desired.as_ref()?, location.filter(|location| *location != "default")?);
    let said = format!(
        "no document describes the location `{location}` of this node (--location); its requests go without a web proxy"
    );
    (!desired.describes(location)).then_some(said)
}

/// How to read at `now` when git has been at work `since`.
fn beside_git(since: Option<Mono>, now: Mono) -> ReadOptions {
    let is_left_behind = since.is_some_and(|since| since.until(now) >= GIT_PATIENCE);
    ReadOptions { wait_for_git: true, git_lock_ignored: is_left_behind }
}

/// Since when git is at work, after a read that began at `now`.
fn git_since(before: Option<Mono>, read: &Result<Snapshot, ReadFailure>, now: Mono) -> Option<Mono> {
    let is_at_work = match read {
        Err(ReadFailure::GitAtWork(_)) => true,
        // What hinders the read otherwise says nothing about git.
        Err(_) => return before,
        Ok(snapshot) => snapshot.findings.iter().any(|finding| finding.code == GIT_AT_WORK),
    };
    is_at_work.then(|| before.unwrap_or(now))
}

/// What a snapshot says, in the form the loop takes.
#[must_use]
pub fn documents_read(snapshot: &Snapshot, secrets: &mut Secrets, options: &LoadOptions) -> DocumentsRead {
    let loaded = config::load(snapshot, secrets, options);
    let errors = loaded.diagnostics.iter().filter(|finding| finding.stops_loading()).count();
    let findings = diagnostic::text::render(&loaded.diagnostics, |path| snapshot.text_of(path), false);
    DocumentsRead {
        checksum: snapshot.checksum.clone(),
        errors,
        warnings: loaded.diagnostics.len() - errors,
        desired: loaded.desired.map(Arc::new),
        findings,
        record: pack(snapshot, secrets),
    }
}

/// The adopted directory as the store keeps it: the snapshot, then the secrets it resolved to.
fn pack(snapshot: &Snapshot, secrets: &Secrets) -> Arc<[u8]> {
    let snapshot = snapshot.to_bytes();
    let mut record = (snapshot.len() as u64).to_be_bytes().to_vec();
    record.extend_from_slice(&snapshot);
    record.extend_from_slice(&secrets.resolved_to_bytes());
    record.into()
}

/// Snapshot and secrets of a kept directory; `None` when the record is not one of ours.
#[must_use]
pub fn unpack(record: &[u8]) -> Option<(Snapshot, Vec<u8>)> {
    let (length, rest) = record.split_first_chunk::<8>()?;
    let (snapshot, secrets) = rest.split_at_checked(usize::try_from(u64::from_be_bytes(*length)).ok()?)?;
    Some((Snapshot::from_bytes(snapshot).ok()?, secrets.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_in_a_location_that_no_document_describes_runs_with_a_warning() {
        let directory = tempfile::tempdir().unwrap();
        for (location, warnings) in [(None, 0), (Some("default"), 0), (Some("olso"), 1)] {
            let options = DirectoryOptions {
                roots: vec![directory.path().to_owned()],
                secrets: SecretOptions::default(),
                load: LoadOptions { allow_empty: true, location, ..LoadOptions::default() },
            };
            let now = Now { wall: Timestamp::UNIX_EPOCH, mono: Mono::default() };
            let read = Memory::default().read(&options, now).unwrap();
            assert_eq!((read.errors, read.warnings), (0, warnings), "{location:?}");
            assert_eq!(read.findings.contains("`olso` of this node"), warnings > 0);
        }
    }

    #[test]
    fn git_is_waited_for_a_minute_and_its_lock_is_a_warning_then() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join(".git")).unwrap();
        let lock = directory.path().join(".git/index.lock");
        let options = DirectoryOptions {
            roots: vec![directory.path().to_owned()],
            secrets: SecretOptions::default(),
            load: LoadOptions { allow_empty: true, ..LoadOptions::default() },
        };
        let mut memory = Memory::default();
        for (second, is_locked, expected) in [
            (0, false, "read, 0 warnings"),
            (100, true, "GitAtWork"),
            (130, true, "GitAtWork"),
            (159, true, "GitAtWork"),
            (160, true, "read, 1 warnings"),
            (500, true, "read, 1 warnings"),
            (501, false, "read, 0 warnings"),
            // Another command, another minute.
            (502, true, "GitAtWork"),
            (561, true, "GitAtWork"),
            (562, true, "read, 1 warnings"),
        ] {
            if is_locked {
                std::fs::write(&lock, "").unwrap();
            } else {
                drop(std::fs::remove_file(&lock));
            }
            let now = Now { wall: Timestamp::UNIX_EPOCH, mono: Mono(Duration::from_secs(second)) };
            let found = match memory.read(&options, now) {
                Ok(read) => format!("read, {} warnings", read.warnings),
                Err(failure) => failure.reason.to_owned(),
            };
            assert_eq!(found, expected, "second {second}");
        }
    }
}
