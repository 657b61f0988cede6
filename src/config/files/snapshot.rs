//! What one read of the directories saw, and its form in the store.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::diagnostic::Diagnostic;
use crate::model::Digest;

use super::{ReadFailure, revision};

/// One directory of the command line.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Root {
    /// As given, without a final slash.
    pub given: String,
    /// The same, absolute, links not followed: what stays when a new checkout is linked in its place.
    pub absolute: PathBuf,
    /// Where the documents were read: links followed, a ConfigMap's `..data` included.
    pub resolved: PathBuf,
}

impl Root {
    pub(super) fn resolve(path: &Path) -> Result<Self, ReadFailure> {
        let given = path.to_string_lossy();
        let given = if given.len() > 1 { given.trim_end_matches('/') } else { &given }.to_owned();
        let missing = || ReadFailure::Missing(given.clone());
        let absolute = std::path::absolute(path).map_err(|_| missing())?;
        let mut resolved = absolute.canonicalize().map_err(|_| missing())?;
        if !resolved.is_dir() {
            return Err(missing());
        }
        let data = resolved.join("..data");
        if data.is_symlink()
            && let Ok(target) = data.canonicalize()
            && target.is_dir()
        {
            resolved = target;
        }
        Ok(Self { given, absolute, resolved })
    }
}

/// One document file, or a table that a document names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SourceFile {
    /// As people know it: the root as given, then the path below it.
    pub path: String,
    /// Index into [`Snapshot::roots`].
    pub root: usize,
    /// The path below the root, with `/`.
    pub relative: String,
    /// UTF-8.
    pub bytes: Arc<[u8]>,
}

impl SourceFile {
    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.bytes).unwrap_or_default()
    }
}

/// One consistent state of the directories.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Snapshot {
    /// The directories, in the order given.
    pub roots: Vec<Root>,
    /// Document files, sorted by path.
    pub files: Vec<SourceFile>,
    /// The CSV files that documents name, sorted by path.
    pub tables: Vec<SourceFile>,
    /// Files that could not be used.
    pub findings: Vec<Diagnostic>,
    /// The first 16 hex digits of SHA-256 over the sorted (path, length, bytes), paths below their root.
    pub checksum: String,
    /// git's HEAD, or the name of git-sync's link target; empty where neither is known. Those of several checkouts stand in the
    /// order of the directories, with `+` between them.
    pub revision: String,
}

/// Why stored bytes are no snapshot.
#[derive(Debug, thiserror::Error)]
#[error("the stored directory cannot be understood")]
pub struct SnapshotFault;

/// The head of the stored form; the files' bytes follow it, one after the other.
#[derive(Serialize, Deserialize)]
struct Head {
    roots: Vec<Root>,
    files: Vec<(String, usize, String, u64)>,
    #[serde(default)]
    tables: Vec<(String, usize, String, u64)>,
    revision: String,
}

impl Snapshot {
    pub(super) fn new(
        roots: Vec<Root>,
        mut files: Vec<SourceFile>,
        mut tables: Vec<SourceFile>,
        findings: Vec<Diagnostic>,
    ) -> Self {
        for list in [&mut files, &mut tables] {
            list.sort_by(|a, b| (&a.path, a.root).cmp(&(&b.path, b.root)));
        }
        let mut revisions: Vec<String> = vec![];
        for revision in roots.iter().map(revision::of) {
            // Directories of one checkout have one revision.
            if !revision.is_empty() && !revisions.contains(&revision) {
                revisions.push(revision);
            }
        }
        let revision = revisions.join("+");
        let checksum = checksum(&files, &tables);
        Self { roots, files, tables, findings, checksum, revision }
    }

    /// The text of the file that a finding names.
    #[must_use]
    pub fn text_of(&self, path: &str) -> Option<&str> {
        [&self.files, &self.tables].into_iter().find_map(|list| {
            let index = list.binary_search_by(|file| file.path.as_str().cmp(path)).ok()?;
            Some(list[index].text())
        })
    }

    /// Every file: documents first, then tables.
    pub fn all(&self) -> impl Iterator<Item = &SourceFile> {
        self.files.iter().chain(&self.tables)
    }

    /// The form that is kept, sealed, by the store. Findings are left out: a directory with findings about its files is never adopted.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let list = |files: &[SourceFile]| {
            let entry =
                |file: &SourceFile| (file.path.clone(), file.root, file.relative.clone(), file.bytes.len() as u64);
            files.iter().map(entry).collect()
        };
        let head = Head {
            roots: self.roots.clone(),
            files: list(&self.files),
            tables: list(&self.tables),
            revision: self.revision.clone(),
        };
        let head = serde_json::to_vec(&head).expect("paths and numbers are plain data");
        let mut bytes = (head.len() as u64).to_be_bytes().to_vec();
        bytes.extend(head);
        for file in self.all() {
            bytes.extend_from_slice(&file.bytes);
        }
        bytes
    }

    /// Reads the kept form. References to secrets are looked up where the directory is now, if it still is.
    ///
    /// # Errors
    /// When the bytes are not what [`Snapshot::to_bytes`] wrote.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SnapshotFault> {
        let (length, rest) = bytes.split_first_chunk::<8>().ok_or(SnapshotFault)?;
        let length = usize::try_from(u64::from_be_bytes(*length)).map_err(|_| SnapshotFault)?;
        let (head, mut rest) = rest.split_at_checked(length).ok_or(SnapshotFault)?;
        let head: Head = serde_json::from_slice(head).map_err(|_| SnapshotFault)?;
        let documents = head.files.len();
        let mut files = Vec::with_capacity(documents + head.tables.len());
        for (path, root, relative, length) in head.files.into_iter().chain(head.tables) {
            let length = usize::try_from(length).map_err(|_| SnapshotFault)?;
            let (bytes, after) = rest.split_at_checked(length).ok_or(SnapshotFault)?;
            if root >= head.roots.len() || std::str::from_utf8(bytes).is_err() {
                return Err(SnapshotFault);
            }
            files.push(SourceFile { path, root, relative, bytes: bytes.into() });
            rest = after;
        }
        if !rest.is_empty() {
            return Err(SnapshotFault);
        }
        let roots = head.roots.into_iter().map(|root| match Root::resolve(&root.absolute) {
            Ok(now) => Root { given: root.given, ..now },
            Err(_) => root,
        });
        let tables = files.split_off(documents);
        let checksum = checksum(&files, &tables);
        Ok(Self { roots: roots.collect(), files, tables, findings: vec![], checksum, revision: head.revision })
    }

    /// A snapshot of texts that never were files, for tests: (path, text), below a root named `otj.d`.
    #[must_use]
    pub fn of_texts(texts: &[(&str, &str)]) -> Self {
        let root = Root {
            given: "otj.d".into(),
            absolute: "/nonexistent/otj.d".into(),
            resolved: "/nonexistent/otj.d".into(),
        };
        let files = texts.iter().map(|(path, text)| SourceFile {
            path: format!("otj.d/{path}"),
            root: 0,
            relative: (*path).to_owned(),
            bytes: text.as_bytes().into(),
        });
        let (tables, files): (Vec<_>, Vec<_>) = files.partition(|file| file.relative.ends_with(".csv"));
        let named = super::tables::named(&files);
        let tables = tables.into_iter().filter(|file| named.contains(&(0, file.relative.clone())));
        Self::new(vec![root], files, tables.collect(), vec![])
    }
}

fn checksum(files: &[SourceFile], tables: &[SourceFile]) -> String {
    let mut parts: Vec<(&str, &[u8])> =
        files.iter().chain(tables).map(|file| (file.relative.as_str(), &*file.bytes)).collect();
    parts.sort_unstable_by(|a, b| (a.0, a.1.len(), a.1).cmp(&(b.0, b.1.len(), b.1)));
    Digest::of(parts.iter().flat_map(|(path, bytes)| [path.as_bytes(), bytes])).short()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_directory_comes_back_as_it_was_and_torn_bytes_do_not() {
        let table = "kind: EndpointTable\nspec: {file: rooms.csv}\n";
        let snapshot = Snapshot::of_texts(&[
            ("b.yaml", "b: ü\n"),
            ("a/a.yaml", ""),
            ("c.yaml", table),
            ("rooms.csv", "name\nü\n"),
            ("unnamed.csv", "x"),
        ]);
        assert_eq!((snapshot.files.len(), snapshot.tables.len()), (3, 1));
        let bytes = snapshot.to_bytes();
        assert_eq!(Snapshot::from_bytes(&bytes).unwrap(), snapshot);
        for cut in 0..bytes.len() {
            assert!(Snapshot::from_bytes(&bytes[..cut]).is_err(), "{cut}");
        }
        assert_eq!(snapshot.text_of("otj.d/b.yaml"), Some("b: ü\n"));
    }
}
