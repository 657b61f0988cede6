//! Lists the document files below a root, with what tells later whether they changed.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::diagnostic::{Diagnostic, Place};

use super::ignored::Ignored;
use super::snapshot::Root;
use super::{ReadFailure, confined};

/// Deepest directory below the root.
const DEPTH_MAX: usize = 64;

/// One document file, or a file that a document may name as its table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Entry {
    /// A `.csv` file.
    pub(super) table: bool,
    /// As people know it.
    pub(super) path: String,
    /// Below the root.
    pub(super) relative: String,
    /// Links followed.
    pub(super) real: PathBuf,
    /// Device, inode, size, change time in nanoseconds.
    state: (u64, u64, u64, i128),
}

/// All such files of a root, sorted, and what could not be listed.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Listing {
    pub(super) entries: Vec<Entry>,
    pub(super) findings: Vec<Diagnostic>,
}

/// Lists what is below `root`.
pub(super) fn list(root: &Root) -> Result<Listing, ReadFailure> {
    let mut walk = Walk { root, ignored: Ignored::default(), listing: Listing::default(), above: BTreeSet::new() };
    walk.directory(&root.resolved, "", 0).map_err(|error| ReadFailure::Unreadable(root.given.clone(), error))?;
    walk.listing.entries.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(walk.listing)
}

struct Walk<'a> {
    root: &'a Root,
    ignored: Ignored,
    listing: Listing,
    /// Device and inode of the directories we stand in: a link back to one of them is a loop.
    above: BTreeSet<(u64, u64)>,
}

impl Walk<'_> {
    fn directory(&mut self, directory: &Path, relative: &str, depth: usize) -> std::io::Result<()> {
        let state = fs::metadata(directory)?;
        let identity = (state.dev(), state.ino());
        if depth > DEPTH_MAX || !self.above.insert(identity) {
            self.refuse(relative, "OTJ001", "the directory contains itself, or is nested too deeply");
            return Ok(());
        }
        let mut names: Vec<_> =
            fs::read_dir(directory)?.map(|entry| Ok(entry?.file_name())).collect::<std::io::Result<_>>()?;
        names.sort_unstable();
        self.ignored.enter(directory, relative);
        for name in names {
            let shown = name.to_string_lossy().into_owned();
            let relative = if relative.is_empty() { shown.clone() } else { format!("{relative}/{shown}") };
            if !shown.starts_with('.') {
                self.entry(&directory.join(&name), &relative, depth);
            }
        }
        self.ignored.leave();
        self.above.remove(&identity);
        Ok(())
    }

    fn entry(&mut self, path: &Path, relative: &str, depth: usize) {
        let ending = Path::new(relative).extension();
        let document = ending.is_some_and(|ending| ending == "yaml" || ending == "yml");
        // A table that cannot be read is a fault only where a document names it.
        let table = ending.is_some_and(|ending| ending == "csv");
        let Ok(own) = fs::symlink_metadata(path) else {
            return self.refuse(relative, "OTJ001", "it vanished while the directory was listed");
        };
        if self.ignored.covers(relative, own.is_dir()) || !(document || table || own.is_dir() || own.is_symlink()) {
            return;
        }
        // Below a resolved directory only a link leads elsewhere.
        let linked = if own.is_symlink() { Some(path.canonicalize()) } else { None };
        let real = match linked {
            None => path.to_path_buf(),
            Some(Ok(real)) => real,
            Some(Err(error)) if document => {
                return self.refuse(
                    relative,
                    "OTJ001",
                    &format!("the file cannot be read: {}", confined::plain(&error)),
                );
            }
            Some(Err(_)) => return,
        };
        let state = if own.is_symlink() { fs::metadata(&real) } else { Ok(own.clone()) };
        let Ok(state) = state else {
            return self.refuse(relative, "OTJ001", "it vanished while the directory was listed");
        };
        if self.ignored.covers(relative, state.is_dir()) || !(document || table || state.is_dir()) {
            return;
        }
        if own.is_symlink() && !confined::below_root_or_parent(&real, &self.root.resolved) {
            if table {
                return;
            }
            return self.refuse(relative, "OTJ011", "the link leads outside of the configuration directory");
        }
        if state.is_dir() {
            if let Err(error) = self.directory(&real, relative, depth + 1) {
                self.refuse(relative, "OTJ001", &format!("the directory cannot be read: {}", confined::plain(&error)));
            }
            return;
        }
        let changed = i128::from(state.mtime()) * 1_000_000_000 + i128::from(state.mtime_nsec());
        self.listing.entries.push(Entry {
            table,
            path: self.shown(relative),
            relative: relative.to_owned(),
            real,
            state: (state.dev(), state.ino(), state.len(), changed),
        });
    }

    fn shown(&self, relative: &str) -> String {
        match self.root.given.as_str() {
            "/" => format!("/{relative}"),
            given => format!("{given}/{relative}"),
        }
    }

    fn refuse(&mut self, relative: &str, code: &'static str, message: &str) {
        let place = Place::start_of(&self.shown(relative));
        self.listing.findings.push(Diagnostic::error(code, place, message));
    }
}
