//! Drafts into a directory. In: what stands, and drafts. Out: the new text of every file that changes, and what changes, document by
//! document. What no draft speaks of stays byte for byte.

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::{Map, Value};

use super::draft::Draft;
use super::edit::edited;
use super::existing::Existing;
use super::layout::Layout;
use super::text;

/// A file before and after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileChange {
    /// Below the root.
    pub path: String,
    /// `None`: it is new.
    pub before: Option<String>,
    /// The new text.
    pub after: String,
}

/// What happens to a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// It is new.
    Added,
    /// Fields change.
    Changed(Vec<FieldChange>),
    /// It stands already as the import has it.
    Same,
    /// It is written as comments, since it cannot be used as it is.
    Commented,
}

/// A field that changes. Secrets written into documents are dots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldChange {
    /// `spec.cisco.address`.
    pub field: String,
    /// `None`: there was none.
    pub before: Option<String>,
    /// `None`: it is taken away.
    pub after: Option<String>,
}

/// A document and what happens to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its file, below the root; with the line where it stands already.
    pub place: String,
    /// Where the draft came from.
    pub origin: String,
    /// What happens.
    pub action: Action,
}

/// All that an import does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Merge {
    /// Files that change, sorted by path.
    pub files: Vec<FileChange>,
    /// Every draft, in its order.
    pub changes: Vec<Change>,
}

/// Lines of a file and what takes their place.
type Replaced = (Range<usize>, Vec<String>);

/// Brings `drafts` into what stands.
#[must_use]
pub fn merge(existing: &Existing, drafts: &[Draft]) -> Merge {
    let mut merging = Merging {
        layout: Layout::of(existing),
        lines: BTreeMap::new(),
        existing,
        replaced: BTreeMap::new(),
        added: BTreeMap::new(),
    };
    let changes = drafts.iter().map(|draft| merging.draft(draft)).collect();
    Merge { files: merging.files(), changes }
}

struct Merging<'a> {
    existing: &'a Existing,
    layout: Layout,
    /// The lines of each file that was looked at, since thousands of documents may stand in one.
    lines: BTreeMap<usize, Vec<&'a str>>,
    replaced: BTreeMap<usize, Vec<Replaced>>,
    /// By path, in the order of the drafts: the text, and whether it is a document and not a comment.
    added: BTreeMap<String, Vec<(String, bool)>>,
}

impl Merging<'_> {
    fn draft(&mut self, draft: &Draft) -> Change {
        let (place, action) = match self.existing.find(draft.kind, &draft.name) {
            Some(standing) => {
                let wanted = draft.applied_to(&standing.value);
                let place = self.existing.place(standing);
                if wanted == standing.value || draft.disabled {
                    (place, Action::Same)
                } else {
                    let text = &self.existing.files[standing.file].text;
                    let lines = self.lines.entry(standing.file).or_insert_with(|| text.lines().collect());
                    let range = standing.lines.start..standing.lines.end.min(lines.len());
                    let new = edited(standing, &lines[range.clone()], &wanted);
                    self.replaced.entry(standing.file).or_default().push((range, new));
                    (place, Action::Changed(differences(&standing.value, &wanted)))
                }
            }
            None => {
                let path = self.layout.place(draft);
                let notes: String = draft.notes.iter().map(|note| text::comment(note)).collect();
                let document = draft.document();
                let body = if draft.disabled { text::commented(&document) } else { text::document(&document) };
                self.added.entry(path.clone()).or_default().push((notes + &body, !draft.disabled));
                (path, if draft.disabled { Action::Commented } else { Action::Added })
            }
        };
        Change { kind: draft.kind.to_owned(), name: draft.name.clone(), place, origin: draft.origin.clone(), action }
    }

    fn files(self) -> Vec<FileChange> {
        let Self { existing, mut replaced, mut added, .. } = self;
        let mut files = vec![];
        for (index, file) in existing.files.iter().enumerate() {
            let (replaced, added) = (replaced.remove(&index), added.remove(&file.path));
            if replaced.is_none() && added.is_none() {
                continue;
            }
            let mut after = replaced.map_or_else(|| file.text.clone(), |replaced| with_replaced(&file.text, replaced));
            let has_documents = existing.documents.iter().any(|standing| standing.file == index);
            append(&mut after, &added.unwrap_or_default(), has_documents);
            files.push(FileChange { path: file.path.clone(), before: Some(file.text.clone()), after });
        }
        for (path, added) in added {
            let mut after = text::schema_line(path.matches('/').count());
            append(&mut after, &added, false);
            files.push(FileChange { path, before: None, after });
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        files
    }
}

/// The text with other lines in the place of some; line ends stay what they are.
fn with_replaced(text: &str, mut replaced: Vec<Replaced>) -> String {
    let ending = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    replaced.sort_by_key(|(range, _)| range.start);
    let (mut out, mut at) = (String::with_capacity(text.len()), 0);
    for (range, new) in replaced {
        out.extend(lines[at..range.start].iter().copied());
        for (offset, line) in new.iter().enumerate() {
            // A line that did not change keeps its own ending.
            match lines.get(range.start + offset).filter(|old| old.trim_end_matches(['\r', '\n']) == line) {
                Some(old) => out.push_str(old),
                None => {
                    out.push_str(line);
                    out.push_str(ending);
                }
            }
        }
        at = range.end;
    }
    out.extend(lines[at.min(lines.len())..].iter().copied());
    out
}

fn append(text: &mut String, added: &[(String, bool)], mut has_documents: bool) {
    let ending = if text.contains("\r\n") { "\r\n" } else { "\n" };
    for (document, is_document) in added {
        if !text.is_empty() && !text.ends_with('\n') {
            text.push_str(ending);
        }
        if *is_document && has_documents && !text.trim_end().ends_with("\n---") {
            text.push_str("---");
            text.push_str(ending);
        } else if !*is_document {
            text.push_str(ending);
        }
        has_documents |= *is_document;
        text.push_str(&document.replace('\n', ending));
    }
}

fn differences(before: &Value, after: &Value) -> Vec<FieldChange> {
    let mut changes = vec![];
    compare(&mut changes, "", Some(before), Some(after));
    changes
}

fn compare(changes: &mut Vec<FieldChange>, path: &str, before: Option<&Value>, after: Option<&Value>) {
    if before == after {
        return;
    }
    let whole = |value: Option<&Value>| value.and_then(Value::as_object).is_none_or(is_reference);
    if !whole(before) && !whole(after) || (before.is_none() && !whole(after)) || (after.is_none() && !whole(before)) {
        let empty = Map::new();
        let map = |value: Option<&'_ Value>| value.and_then(Value::as_object).cloned().unwrap_or_else(|| empty.clone());
        let (before, after) = (map(before), map(after));
        let keys: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        for key in keys {
            let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            compare(changes, &path, before.get(key), after.get(key));
        }
        return;
    }
    let shown = |value: &Value| match value {
        Value::Object(map) if map.contains_key("value") => "{value: ••••}".to_owned(),
        other => text::one_line_of(other),
    };
    let (before, after) = (before.map(shown), after.map(shown));
    changes.push(FieldChange { field: path.to_owned(), before, after });
}

fn is_reference(map: &Map<String, Value>) -> bool {
    ["file", "env", "value"].iter().any(|key| map.get(*key).is_some_and(Value::is_string))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::import::existing::ConfigFile;

    fn existing(files: &[(&str, &str)]) -> Existing {
        let file = |(path, text): &(&str, &str)| ConfigFile { path: (*path).into(), text: (*text).into() };
        Existing::read(files.iter().map(file).collect()).unwrap()
    }

    fn endpoint(name: &str, group: &str) -> Draft {
        let mut draft = Draft::new("Endpoint", name, "x.csv:2");
        draft.set("/spec/group", group).set("/spec/roomEmail", format!("{name}@x"));
        draft
    }

    #[test]
    fn new_documents_are_added_and_the_rest_stays_byte_for_byte() {
        let text = "# rooms\r\napiVersion: otj/v1\r\nkind: Endpoint\r\nmetadata: {name: a}\r\nspec:\r\n  group: g # ours\r\n  roomEmail: old@x\r\n---\r\n# b\r\nkind: Endpoint\r\nmetadata:   {name: b}";
        let existing = existing(&[("g.yaml", text), ("other.yaml", "x: 1\n")]);
        let merge = merge(&existing, &[endpoint("a", "g"), endpoint("c", "g"), endpoint("d", "h"), endpoint("e", "h")]);
        let paths: Vec<_> = merge.files.iter().map(|file| (file.path.as_str(), file.before.is_some())).collect();
        assert_eq!(paths, [("g.yaml", true), ("groups/h.yaml", false)]);
        let added = "\r\n---\r\napiVersion: otj/v1\r\nkind: Endpoint\r\nmetadata:\r\n  name: c\r\nspec:\r\n  group: g\r\n  roomEmail: c@x\r\n";
        assert_eq!(merge.files[0].after, text.replace("old@x", "a@x") + added);
        assert!(
            merge.files[1]
                .after
                .starts_with("# yaml-language-server: $schema=../../schema/otj.schema.json\napiVersion")
        );
        assert_eq!(merge.files[1].after.matches("---").count(), 1);
        let change =
            FieldChange { field: "spec.roomEmail".into(), before: Some("old@x".into()), after: Some("a@x".into()) };
        assert_eq!(merge.changes[0].action, Action::Changed(vec![change]));
        assert_eq!((merge.changes[0].place.as_str(), merge.changes[2].place.as_str()), ("g.yaml:2", "groups/h.yaml"));
    }

    #[test]
    fn what_stands_as_wanted_is_left_alone_and_inline_secrets_are_not_shown() {
        let text = "kind: Endpoint\nmetadata: {name: a}\nspec: {group: g, roomEmail: a@x, poly: {password: {value: hunter2}}}\n";
        let existing = existing(&[("g.yaml", text)]);
        let mut secret = endpoint("a", "g");
        assert_eq!(merge(&existing, &[secret.clone()]).files, []);
        secret.set("/spec/poly/password", json!({"file": "p.yaml", "key": "a"}));
        let merged = merge(&existing, &[secret]);
        assert!(!format!("{:?}", merged.changes).contains("hunter2"), "{:?}", merged.changes);
        assert_eq!(merged.files.len(), 1);
    }

    #[test]
    fn a_document_that_cannot_be_used_stands_there_as_comments() {
        let mut broken = endpoint("a", "g");
        broken.disabled = true;
        broken.notes.push("not carried".into());
        let merged = merge(&Existing::default(), &[endpoint("b", "g"), broken, endpoint("c", "g")]);
        let after = &merged.files[0].after;
        assert!(after.contains("  roomEmail: b@x\n\n# not carried\n# apiVersion: otj/v1\n"), "{after}");
        assert!(after.contains("#   roomEmail: a@x\n---\napiVersion"), "{after}");
        assert_eq!(merged.changes[1].action, Action::Commented);
    }
}
