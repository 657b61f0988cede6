//! The only reader of configuration and secret files. In: the directories of the command line. Out: one consistent [`Snapshot`],
//! or a [`ReadFailure`] when no consistent one could be had. A file that cannot be used is a finding in the snapshot, so that
//! such a directory is never taken for a smaller one.
//!
//! Consistency: the root and a ConfigMap's `..data` are resolved once, every file is read below what they resolved to, and the
//! list of files with inode, size and change time is taken again afterwards. Any difference means that somebody is writing.

mod confined;
mod ignored;
mod revision;
mod secrets;
mod snapshot;
pub(crate) mod tables;
mod tree;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Place};

pub use confined::fingerprint;
pub use secrets::{KeptFault, LastValues, Reference, SecretOptions, Secrets};
pub use snapshot::{Root, Snapshot, SnapshotFault, SourceFile};

/// Largest document file, in bytes.
pub const FILE_MAX: u64 = 16 << 20;
/// Most bytes of documents in all.
pub const TOTAL_MAX: u64 = 64 << 20;
/// How often a read is begun anew at once when somebody writes meanwhile.
const ATTEMPTS: usize = 3;

/// How a directory is read.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReadOptions {
    /// While `.git/index.lock` is there, answer [`ReadFailure::GitAtWork`] and let the caller try again. Without this the read
    /// goes on; commit hooks run `otj lint` under that lock.
    pub wait_for_git: bool,
    /// The lock outlasted the caller's patience: read anyway, with a warning.
    pub git_lock_ignored: bool,
}

/// Why there is no snapshot.
#[derive(Debug, thiserror::Error)]
pub enum ReadFailure {
    /// The directory is not there, or not a directory.
    #[error("there is no directory `{0}`")]
    Missing(String),
    /// The directory itself cannot be listed.
    #[error("the directory `{0}` cannot be read")]
    Unreadable(String, #[source] std::io::Error),
    /// Files changed while they were read.
    #[error("the directory `{0}` changed while it was read")]
    Changing(String),
    /// A git command holds the index.
    #[error("git is at work in `{0}` (.git/index.lock)")]
    GitAtWork(String),
    /// Two `--config` directories are the same, or one holds the other.
    #[error("`{0}` and `{1}` overlap; give each directory once")]
    Overlap(String, String),
}

/// Reads all document files below `roots`, as one deployment. Blocks; call it from a blocking thread.
///
/// # Errors
/// When a root is missing or no consistent state could be read.
pub fn read(roots: &[PathBuf], options: ReadOptions) -> Result<Snapshot, ReadFailure> {
    let mut last = ReadFailure::Missing(String::new());
    for _ in 0..ATTEMPTS {
        match read_once(roots, options) {
            Err(failure @ ReadFailure::Changing(_)) => last = failure,
            outcome => return outcome,
        }
    }
    Err(last)
}

/// A text file of our own that somebody named on the command line.
#[must_use]
pub fn read_text(path: &Path) -> Option<String> {
    String::from_utf8(confined::read_regular(path, FILE_MAX).ok()?).ok()
}

fn read_once(roots: &[PathBuf], options: ReadOptions) -> Result<Snapshot, ReadFailure> {
    let roots: Vec<Root> = roots.iter().map(|root| Root::resolve(root)).collect::<Result<_, _>>()?;
    refuse_overlap(&roots)?;
    let (mut files, mut tables, mut findings, mut total) = (vec![], vec![], vec![], 0);
    for (index, root) in roots.iter().enumerate() {
        if let Some(lock) = revision::index_lock(&root.resolved) {
            if options.wait_for_git && !options.git_lock_ignored {
                return Err(ReadFailure::GitAtWork(root.given.clone()));
            }
            if options.git_lock_ignored {
                let message = format!("git has been at work for a minute ({})", lock.display());
                findings.push(Diagnostic::warning("OTJ012", Place::start_of(&root.given), message));
            }
        }
        let listing = tree::list(root)?;
        let source = |entry: &tree::Entry, bytes| SourceFile {
            path: entry.path.clone(),
            root: index,
            relative: entry.relative.clone(),
            bytes,
        };
        let first = files.len();
        for entry in listing.entries.iter().filter(|entry| !entry.table) {
            match read_document(entry, &mut total) {
                Ok(bytes) => files.push(source(entry, bytes)),
                Err((code, message)) => {
                    findings.push(Diagnostic::error(code, Place::start_of(&entry.path), message));
                }
            }
        }
        let named = tables::named(&files[first..]);
        let is_named = |entry: &&tree::Entry| entry.table && named.contains(&(index, entry.relative.clone()));
        for entry in listing.entries.iter().filter(is_named) {
            match read_document(entry, &mut total) {
                Ok(bytes) => tables.push(source(entry, bytes)),
                Err((code, message)) => {
                    findings.push(Diagnostic::error(code, Place::start_of(&entry.path), message));
                }
            }
        }
        findings.extend(listing.findings.iter().cloned());
        let again = Root::resolve(&root.absolute).ok().map(|root| root.resolved);
        if again.as_ref() != Some(&root.resolved) || tree::list(root)? != listing {
            return Err(ReadFailure::Changing(root.given.clone()));
        }
    }
    Ok(Snapshot::new(roots, files, tables, findings))
}

fn read_document(entry: &tree::Entry, total: &mut u64) -> Result<Arc<[u8]>, (&'static str, String)> {
    let bytes = confined::read_regular(&entry.real, FILE_MAX).map_err(|fault| match fault {
        confined::ReadFault::TooLarge => ("OTJ003", "the file is larger than 16 MiB".to_owned()),
        other => ("OTJ001", format!("the file cannot be read: {other}")),
    })?;
    *total += bytes.len() as u64;
    if *total > TOTAL_MAX {
        return Err(("OTJ003", "the documents have more than 64 MiB in all".to_owned()));
    }
    if std::str::from_utf8(&bytes).is_err() {
        return Err(("OTJ002", "the file is not UTF-8".to_owned()));
    }
    Ok(bytes.into())
}

fn refuse_overlap(roots: &[Root]) -> Result<(), ReadFailure> {
    for (index, root) in roots.iter().enumerate() {
        let holds = |a: &Path, b: &Path| b.starts_with(a);
        let clash = roots[..index]
            .iter()
            .find(|other| holds(&other.resolved, &root.resolved) || holds(&root.resolved, &other.resolved));
        if let Some(other) = clash {
            return Err(ReadFailure::Overlap(other.given.clone(), root.given.clone()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    fn snapshot(root: &Path) -> Snapshot {
        read(&[root.to_owned()], ReadOptions::default()).unwrap()
    }

    fn names(snapshot: &Snapshot) -> Vec<&str> {
        snapshot.files.iter().map(|file| file.relative.as_str()).collect()
    }

    #[test]
    fn hidden_and_ignored_files_and_other_endings_are_not_documents() {
        let dir = tempfile::tempdir().unwrap();
        for path in ["a.yaml", "b/c.yml", ".hidden.yaml", ".git/x.yaml", "notes.md", "drafts/d.yaml", "b/keep.yaml"] {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x: 1\n").unwrap();
        }
        fs::write(dir.path().join(".otjignore"), "# not yet\ndrafts/\n").unwrap();
        assert_eq!(names(&snapshot(dir.path())), ["a.yaml", "b/c.yml", "b/keep.yaml"]);
    }

    #[test]
    fn a_config_map_is_read_through_what_its_data_link_was_at_first() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("..2026")).unwrap();
        fs::write(dir.path().join("..2026/a.yaml"), "x: 1\n").unwrap();
        symlink("..2026", dir.path().join("..data")).unwrap();
        symlink("..data/a.yaml", dir.path().join("a.yaml")).unwrap();
        let before = snapshot(dir.path());
        assert_eq!(names(&before), ["a.yaml"]);
        assert_eq!(before.roots[0].resolved.file_name().unwrap(), "..2026");
        assert_eq!(before.files[0].path, format!("{}/a.yaml", dir.path().display()));
    }

    #[test]
    fn what_cannot_be_read_is_a_finding_and_never_a_smaller_directory() {
        let outside = tempfile::tempdir().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("deep/otj.d");
        fs::create_dir_all(&root).unwrap();
        fs::write(outside.path().join("x.yaml"), "x: 1\n").unwrap();
        symlink(outside.path().join("x.yaml"), root.join("outside.yaml")).unwrap();
        symlink("nowhere.yaml", root.join("dangling.yaml")).unwrap();
        symlink("loop.yaml", root.join("loop.yaml")).unwrap();
        symlink(".", root.join("again")).unwrap();
        fs::create_dir(root.join("folder.yaml")).unwrap();
        fs::write(root.join("latin.yaml"), b"name: \xe9\n").unwrap();
        rustix::fs::mknodat(rustix::fs::CWD, root.join("pipe.yaml"), rustix::fs::FileType::Fifo, 0o600.into(), 0)
            .unwrap();
        let snapshot = snapshot(&root);
        assert_eq!(names(&snapshot), Vec::<&str>::new());
        let mut found: Vec<_> =
            snapshot.findings.iter().map(|it| (it.place.file.rsplit('/').next().unwrap(), it.code)).collect();
        found.sort_unstable();
        let expected = [
            ("again", "OTJ001"),
            ("dangling.yaml", "OTJ001"),
            ("latin.yaml", "OTJ002"),
            ("loop.yaml", "OTJ001"),
            ("outside.yaml", "OTJ011"),
            ("pipe.yaml", "OTJ001"),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn the_checksum_is_of_names_and_bytes_and_not_of_the_place() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(one.path().join("a.yaml"), "x: 1\n").unwrap();
        fs::write(two.path().join("a.yaml"), "x: 1\n").unwrap();
        assert_eq!(snapshot(one.path()).checksum, snapshot(two.path()).checksum);
        fs::rename(two.path().join("a.yaml"), two.path().join("b.yaml")).unwrap();
        assert_ne!(snapshot(one.path()).checksum, snapshot(two.path()).checksum);
    }

    #[test]
    fn a_locked_index_is_waited_for_only_when_asked() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join(".git")).unwrap();
        fs::write(dir.path().join(".git/index.lock"), "").unwrap();
        let roots = [dir.path().to_owned()];
        let wait = ReadOptions { wait_for_git: true, git_lock_ignored: false };
        assert!(matches!(read(&roots, wait), Err(ReadFailure::GitAtWork(_))));
        let patience_over = ReadOptions { wait_for_git: true, git_lock_ignored: true };
        assert_eq!(read(&roots, patience_over).unwrap().findings[0].code, "OTJ012");
        assert!(read(&roots, ReadOptions::default()).unwrap().findings.is_empty());
    }
}
