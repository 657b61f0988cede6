//! Which tables the documents name. In: document files. Out: the files that belong to the wish without being documents.
//!
//! A table is found by a first look at the documents, so that it is read in the same consistent state as they are, counts for
//! the checksum, and is kept with them.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use serde_json::Value;

use super::SourceFile;
use crate::config::document::Kind;
use crate::config::yaml::{self, Budget};

/// (root, path below it) of every table that a document of `files` names. Files that do not mention the kind cost a search for a word.
pub(super) fn named(files: &[SourceFile]) -> BTreeSet<(usize, String)> {
    let budget = Budget::default();
    let mut found = BTreeSet::new();
    for file in files.iter().filter(|file| file.text().contains(Kind::EndpointTable.name())) {
        for document in yaml::parse(file.text(), &budget).documents {
            let value = &document.value;
            let table = value.pointer("/spec/file").and_then(Value::as_str);
            if let (Some(path), true) = (table, value["kind"] == Kind::EndpointTable.name()) {
                found.extend(below_root(file, path).ok().map(|relative| (file.root, relative)));
            }
        }
    }
    found
}

/// Where `path` leads from `file`, as a path below the root of that file.
///
/// # Errors
/// Says why it cannot be a table.
pub(crate) fn below_root(file: &SourceFile, path: &str) -> Result<String, &'static str> {
    let mut place = Path::new(&file.relative).parent().unwrap_or(Path::new("")).to_path_buf();
    for part in Path::new(path).components() {
        match part {
            Component::Normal(name) => place.push(name),
            Component::CurDir => {}
            Component::ParentDir if place.pop() => {}
            _ => return Err("a table lies below the configuration directory"),
        }
    }
    let parts: Vec<_> = place.iter().map(|part| part.to_string_lossy()).collect();
    if PathBuf::from(path).extension().is_none_or(|ending| ending != "csv") {
        return Err("the name of a table ends in `.csv`");
    }
    Ok(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::super::Snapshot;
    use super::*;

    #[test]
    fn a_table_is_found_from_its_document_and_never_outside_of_the_root() {
        let table = |file: &str| {
            format!("kind: EndpointTable\nspec: {{file: {file}}}\n---\nkind: Profile\nspec: {{file: no.csv}}\n")
        };
        let snapshot = Snapshot::of_texts(&[
            ("a/one.yaml", &table("rooms.csv")),
            ("a/two.yaml", &table("../x/./rooms.csv")),
            ("out.yaml", &table("../rooms.csv")),
            ("abs.yaml", &table("/etc/rooms.csv")),
            ("other.yaml", &table("rooms.txt")),
            ("none.yaml", "kind: Profile\nspec: {file: c.csv}\n"),
        ]);
        let found: Vec<_> = named(&snapshot.files).into_iter().map(|(_, path)| path).collect();
        assert_eq!(found, ["a/rooms.csv", "x/rooms.csv"]);
    }
}
