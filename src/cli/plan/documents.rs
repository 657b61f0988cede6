//! Which documents differ, and in what. In: two directories as they are written. Out: changes, sorted by kind and name.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::config::Written;

/// What happened to a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) enum Change {
    Added,
    Changed,
    Renamed,
    Removed,
}

/// One document that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DocumentChange {
    pub(super) change: Change,
    pub(super) kind: &'static str,
    pub(super) name: String,
    /// Of a renamed document.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) former_name: Option<String>,
    /// Where it stands now; of a removed one, where it stood.
    pub(super) file: String,
    pub(super) line: usize,
    pub(super) fields: Vec<FieldChange>,
}

/// One value that differs; secrets are dots.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FieldChange {
    pub(super) path: String,
    pub(super) old: Option<String>,
    pub(super) new: Option<String>,
}

type Named<'a> = BTreeMap<(&'static str, &'a str), &'a Written>;

/// Compares documents of one kind and name; `renamedFrom` finds those that had another one.
pub(super) fn changes(old: &[Written], new: &[Written]) -> Vec<DocumentChange> {
    let named = |list| -> Named<'_> { <[Written]>::iter(list).map(|it| ((it.kind, it.name.as_str()), it)).collect() };
    let (before, after) = (named(old), named(new));
    let mut found = vec![];
    let mut carried = BTreeSet::new();
    for (key, document) in &after {
        let former = document.former.iter().map(|name| (key.0, name.as_str()));
        let former = former.into_iter().find(|former| !after.contains_key(former) && before.contains_key(former));
        let (change, previous) = match (before.get(key), former) {
            (Some(previous), _) => (Change::Changed, Some(previous)),
            (None, Some(former)) => {
                carried.insert(former);
                (Change::Renamed, before.get(&former))
            }
            (None, None) => (Change::Added, None),
        };
        let fields = previous.map_or_else(Vec::new, |previous| differing(previous, document));
        if change != Change::Changed || !fields.is_empty() {
            let former_name = previous.filter(|_| change == Change::Renamed).map(|it| it.name.clone());
            found.push(of(change, document, former_name, fields));
        }
    }
    let gone = before.iter().filter(|(key, _)| !after.contains_key(*key) && !carried.contains(*key));
    found.extend(gone.map(|(_, document)| of(Change::Removed, document, None, vec![])));
    found.sort_by(|a, b| (a.kind, &a.name).cmp(&(b.kind, &b.name)));
    found
}

fn of(change: Change, it: &Written, former_name: Option<String>, fields: Vec<FieldChange>) -> DocumentChange {
    DocumentChange {
        change,
        kind: it.kind,
        name: it.name.clone(),
        former_name,
        file: it.file.clone(),
        line: it.line,
        fields,
    }
}

fn differing(old: &Written, new: &Written) -> Vec<FieldChange> {
    let paths: BTreeSet<&String> = old.fields.keys().chain(new.fields.keys()).collect();
    let change = |path: &String| {
        let (before, after) = (old.fields.get(path), new.fields.get(path));
        // Who was called what before changes nothing by itself.
        let differs = before != after && path != "metadata.renamedFrom";
        differs.then(|| FieldChange {
            path: path.clone(),
            old: before.map(|field| field.shown.clone()),
            new: after.map(|field| field.shown.clone()),
        })
    };
    paths.into_iter().filter_map(change).collect()
}
