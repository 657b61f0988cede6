//! Documents as they are written, field by field, to be compared with those of another directory. In: a snapshot. Out: every
//! document, rows of tables included, as paths and values. What may be a secret is told apart and never shown.

use std::collections::BTreeMap;

use serde::Deserialize as _;
use serde_json::Value;

use super::document::Kind;
use super::document::table::EndpointTable;
use super::files::tables::below_root;
use super::files::{Snapshot, SourceFile};
use super::table;
use super::yaml::{self, Budget, Node};
use crate::diagnostic::mask;
use crate::model::Digest;

/// One document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Its kind.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// `metadata.renamedFrom`.
    pub former: Vec<String>,
    /// Where it stands.
    pub file: String,
    /// The line of its name.
    pub line: usize,
    /// Every value by its path, `spec.cisco.address`.
    pub fields: BTreeMap<String, Field>,
}

/// A value: equal when what was written is equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// As it may be shown.
    pub shown: String,
    digest: Digest,
}

/// Every document that could be read, in the order of the files.
#[must_use]
pub fn written(snapshot: &Snapshot) -> Vec<Written> {
    let budget = Budget::default();
    let mut found = vec![];
    for file in &snapshot.files {
        for document in yaml::parse(file.text(), &budget).documents {
            found.extend(one(file, &document.value, &document.node));
            found.extend(rows(snapshot, file, &document.value));
        }
    }
    found
}

/// The endpoints of a table.
fn rows(snapshot: &Snapshot, file: &SourceFile, value: &Value) -> Vec<Written> {
    if value["kind"] != Kind::EndpointTable.name() {
        return vec![];
    }
    let Ok(table) = EndpointTable::deserialize(&value["spec"]) else { return vec![] };
    let path = below_root(file, &table.file).unwrap_or_default();
    let Some(source) = snapshot.tables.iter().find(|it| it.root == file.root && it.relative == path) else {
        return vec![];
    };
    let (rows, _) = table::rows(&table, source.text());
    rows.iter().filter_map(|row| one(source, &row.value, &row.node)).collect()
}

fn one(file: &SourceFile, value: &Value, node: &Node) -> Option<Written> {
    let kind = Kind::ALL.into_iter().find(|kind| value["kind"] == kind.name())?.name();
    let metadata = value.get("metadata")?;
    let name = metadata.get("name")?.as_str()?.to_owned();
    let texts =
        |value: &Value| value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    let mut fields = BTreeMap::new();
    for (part, value) in [("metadata", metadata), ("spec", value.get("spec").unwrap_or(&Value::Null))] {
        flatten(part.to_owned(), value, false, &mut fields);
    }
    fields.remove("metadata.name");
    let line = node.find("/metadata/name").0.span.start.line.max(1);
    Some(Written { kind, name, former: texts(&metadata["renamedFrom"]), file: file.path.clone(), line, fields })
}

/// Lists of plain values are one value: which of them moved says little.
fn flatten(path: String, value: &Value, secret: bool, fields: &mut BTreeMap<String, Field>) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (name, value) in map {
                // Where a secret is may be shown, and its own text never.
                let place = matches!(name.as_str(), "file" | "env" | "key") && value.is_string();
                let hidden = !place && (secret || mask::is_secret(name));
                flatten(format!("{path}.{name}"), value, hidden, fields);
            }
        }
        Value::Array(items) if items.iter().any(|item| item.is_object() || item.is_array()) => {
            for (index, item) in items.iter().enumerate() {
                flatten(format!("{path}[{}]", step(item).unwrap_or_else(|| index.to_string())), item, secret, fields);
            }
        }
        _ => {
            let text = value.to_string();
            let shown = match value {
                _ if secret && !value.is_boolean() => "••••".to_owned(),
                Value::String(text) => text.clone(),
                _ => text.clone(),
            };
            fields.insert(path, Field { shown, digest: Digest::of([text.as_bytes()]) });
        }
    }
}

/// Items that have a name go by it, so that one put in between changes no other.
fn step(item: &Value) -> Option<String> {
    ["name", "email"].into_iter().find_map(|field| item.get(field)?.as_str()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_and_rows_are_paths_and_values_and_secrets_stay_hidden() {
        let snapshot = Snapshot::of_texts(&[
            (
                "a.yaml",
                "apiVersion: otj/v1\nkind: Profile\nmetadata: {name: hq, renamedFrom: [old]}\nspec:\n  integration: cal\n  \
                 cisco: {username: otj, password: {value: hunter2}}\n  aliasDomains: [b, a]\n---\nkind: EndpointTable\n\
                 metadata: {name: t}\nspec: {file: t.csv, defaults: {poly: {password: {file: p.yaml, key: '{{ endpoint.name }}'}}}}\n",
            ),
            ("t.csv", "name,room_email\nfjord,f@example.com\n"),
        ]);
        let shown: Vec<String> = written(&snapshot)
            .iter()
            .flat_map(|it| {
                let own = format!("{} {} {:?} {}:{}", it.kind, it.name, it.former, it.file, it.line);
                let fields = it.fields.iter().map(|(path, field)| format!("  {path} = {}", field.shown));
                std::iter::once(own).chain(fields).collect::<Vec<_>>()
            })
            .collect();
        let expected = "Profile hq [\"old\"] otj.d/a.yaml:3
  metadata.renamedFrom = [\"old\"]
  spec.aliasDomains = [\"b\",\"a\"]
  spec.cisco.password.value = ••••
  spec.cisco.username = otj
  spec.integration = cal
EndpointTable t [] otj.d/a.yaml:10
  spec.defaults.poly.password.file = p.yaml
  spec.defaults.poly.password.key = {{ endpoint.name }}
  spec.file = t.csv
Endpoint fjord [] otj.d/t.csv:2
  spec.poly.password.file = p.yaml
  spec.poly.password.key = {{ endpoint.name }}
  spec.roomEmail = f@example.com";
        assert_eq!(shown.join("\n"), expected);
    }
}
