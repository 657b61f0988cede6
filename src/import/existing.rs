//! The documents that stand in a directory already, and where. In: (path, text) of its files. Out: values by kind and name, each with
//! the lines it takes up. A file that is no YAML is a fault, since nothing can be added to it safely.

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::Value;

use crate::config::yaml::{Budget, Node, parse};

/// One file of a directory: its path below the root, and its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigFile {
    /// Below the root, with `/`.
    pub path: String,
    /// As it is.
    pub text: String,
}

/// A document that stands in a file.
#[derive(Clone, Debug)]
pub struct Standing {
    /// Index into [`Existing::files`].
    pub file: usize,
    /// Its lines, from 0, without separators.
    pub lines: Range<usize>,
    /// Its value.
    pub value: Value,
    pub(super) node: Node,
}

impl Standing {
    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.value["kind"].as_str().unwrap_or_default()
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.value.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default()
    }

    /// A text of its spec; empty where there is none.
    #[must_use]
    pub fn text(&self, pointer: &str) -> &str {
        self.value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    /// The first line of the document itself, from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.node.span.start.line
    }
}

/// Why nothing can be added to a directory.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {message}; mend it first, `otj lint` tells more")]
pub struct Unreadable {
    /// Path below the root.
    pub file: String,
    /// Line of the fault.
    pub line: usize,
    /// What is wrong.
    pub message: String,
}

/// All documents of a directory.
#[derive(Debug, Default)]
pub struct Existing {
    /// The files, sorted by path.
    pub files: Vec<ConfigFile>,
    /// The documents, in the order of the files.
    pub documents: Vec<Standing>,
    by_name: BTreeMap<(String, String), usize>,
}

impl Existing {
    /// Parses the files.
    ///
    /// # Errors
    /// When one is no YAML.
    pub fn read(files: Vec<ConfigFile>) -> Result<Self, Unreadable> {
        let mut existing = Self::default();
        let budget = Budget::default();
        for (index, file) in files.iter().enumerate() {
            let parsed = parse(&file.text, &budget);
            if let Some(fault) = parsed.faults.into_iter().next() {
                let (file, line) = (file.path.clone(), fault.span.start.line);
                return Err(Unreadable { file, line, message: fault.message });
            }
            let regions = regions(&file.text);
            for document in parsed.documents {
                let first = document.node.span.start.line.saturating_sub(1);
                let lines = regions.iter().find(|region| region.contains(&first)).cloned().unwrap_or(first..first + 1);
                let standing = Standing { file: index, lines, value: document.value, node: document.node };
                let key = (standing.kind().to_owned(), standing.name().to_owned());
                existing.by_name.entry(key).or_insert(existing.documents.len());
                existing.documents.push(standing);
            }
        }
        existing.files = files;
        Ok(existing)
    }

    /// The document of this kind and name.
    #[must_use]
    pub fn find(&self, kind: &str, name: &str) -> Option<&Standing> {
        self.by_name.get(&(kind.to_owned(), name.to_owned())).map(|index| &self.documents[*index])
    }

    /// All documents of a kind.
    pub fn of_kind<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Standing> {
        self.documents.iter().filter(move |document| document.kind() == kind)
    }

    /// `rooms.yaml:12`.
    #[must_use]
    pub fn place(&self, document: &Standing) -> String {
        format!("{}:{}", self.files[document.file].path, document.line())
    }
}

/// The lines between separators. No value of a document that is a map can have `---` or `...` in the first column.
fn regions(text: &str) -> Vec<Range<usize>> {
    let marks = |line: &str| {
        let line = line.strip_prefix('\u{feff}').unwrap_or(line);
        ["---", "..."]
            .iter()
            .any(|mark| line.strip_prefix(mark).is_some_and(|rest| rest.trim_start() != rest || rest.is_empty()))
    };
    let (mut regions, mut from, mut count) = (vec![], 0, 0);
    for (index, line) in text.lines().enumerate() {
        if marks(line) {
            regions.push(from..index);
            // What follows the mark on its line belongs to the document.
            from = if line.trim_end().len() > 3 { index } else { index + 1 };
        }
        count = index + 1;
    }
    regions.push(from..count);
    regions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_found_with_their_lines() {
        let text = "# head\nkind: A\nmetadata: {name: x}\n---\n# about y\nkind: B\nmetadata:\n  name: y\n...\n--- {kind: C, metadata: {name: z}}\n";
        let existing = Existing::read(vec![ConfigFile { path: "a.yaml".into(), text: text.into() }]).unwrap();
        let seen: Vec<_> = existing.documents.iter().map(|it| (it.name(), it.lines.clone(), it.line())).collect();
        assert_eq!(seen, [("x", 0..3, 2), ("y", 4..8, 6), ("z", 9..10, 10)]);
        assert_eq!(existing.place(existing.find("B", "y").unwrap()), "a.yaml:6");
        let broken = vec![ConfigFile { path: "b.yaml".into(), text: "a: [\n".into() }];
        assert!(Existing::read(broken).unwrap_err().to_string().starts_with("b.yaml:2: "));
    }
}
