//! A document on its way into a directory: what an importer wants to stand there, field by field. In: fields by JSON pointer.
//! Out: the whole document, when it is new, or the fields to set and to take away in one that exists.

use serde_json::{Map, Value, json};

/// One document that an import adds or changes.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// Its kind, as written in documents.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// Where it comes from, for messages: `endpoints.csv:12`.
    pub origin: String,
    /// Comment lines above it, when it is new.
    pub notes: Vec<String>,
    /// True: it cannot be used as it is, so a new one is written as comments, for a person to mend.
    pub disabled: bool,
    /// Pointer and value; `None` takes a field away. Fields that are not listed stay as they are.
    fields: Vec<(String, Option<Value>)>,
}

impl Draft {
    /// A document without fields.
    #[must_use]
    pub fn new(kind: &'static str, name: &str, origin: &str) -> Self {
        let (name, origin) = (name.to_owned(), origin.to_owned());
        Self { kind, name, origin, notes: vec![], disabled: false, fields: vec![] }
    }

    /// Sets the field at `pointer` (`/spec/cisco/address`).
    pub fn set(&mut self, pointer: &str, value: impl Into<Value>) -> &mut Self {
        self.fields.push((pointer.to_owned(), Some(value.into())));
        self
    }

    /// Sets the field, or takes it away where there is no value.
    pub fn set_or_clear(&mut self, pointer: &str, value: Option<impl Into<Value>>) -> &mut Self {
        self.fields.push((pointer.to_owned(), value.map(Into::into)));
        self
    }

    /// Takes the field away.
    pub fn clear(&mut self, pointer: &str) -> &mut Self {
        self.fields.push((pointer.to_owned(), None));
        self
    }

    /// The value that the draft gives a field.
    #[must_use]
    pub fn get(&self, pointer: &str) -> Option<&Value> {
        self.fields.iter().rev().find(|(at, _)| at == pointer).and_then(|(_, value)| value.as_ref())
    }

    /// The same as text; empty where it is none.
    #[must_use]
    pub fn text(&self, pointer: &str) -> &str {
        self.get(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    /// The document, when there is none yet.
    #[must_use]
    pub fn document(&self) -> Value {
        let empty = json!({"apiVersion": "otj/v1", "kind": self.kind, "metadata": {"name": self.name}, "spec": {}});
        self.applied_to(&empty)
    }

    /// `document` with the draft's fields.
    #[must_use]
    pub fn applied_to(&self, document: &Value) -> Value {
        let mut document = document.clone();
        for (pointer, value) in &self.fields {
            let steps: Vec<&str> = pointer.split('/').skip(1).collect();
            match value {
                Some(value) => put(&mut document, &steps, value),
                None => take(&mut document, &steps),
            }
        }
        document
    }
}

fn put(node: &mut Value, steps: &[&str], value: &Value) {
    let Some((first, rest)) = steps.split_first() else {
        *node = value.clone();
        return;
    };
    if !node.is_object() {
        *node = Value::Object(Map::new());
    }
    if let Value::Object(map) = node {
        put(map.entry((*first).to_owned()).or_insert(Value::Null), rest, value);
    }
}

/// A map that loses its last field goes too, but for `spec` and what is above.
fn take(node: &mut Value, steps: &[&str]) {
    let (Some((first, rest)), Value::Object(map)) = (steps.split_first(), node) else { return };
    if rest.is_empty() {
        map.remove(*first);
    } else if let Some(inner) = map.get_mut(*first) {
        take(inner, rest);
        let emptied = inner.as_object().is_some_and(Map::is_empty);
        if emptied && !matches!(*first, "spec" | "metadata") {
            map.remove(*first);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_set_and_taken_away_and_the_rest_stays() {
        let mut draft = Draft::new("Endpoint", "a", "x.csv:2");
        draft.set("/spec/cisco/address", "10.0.0.1").clear("/spec/poly/username").clear("/metadata/description");
        let existing = json!({
            "metadata": {"name": "a", "description": "old", "labels": {"site": "oslo"}},
            "spec": {"poly": {"username": "x"}, "cisco": {"port": 80}}
        });
        let expected = json!({
            "metadata": {"name": "a", "labels": {"site": "oslo"}},
            "spec": {"cisco": {"port": 80, "address": "10.0.0.1"}}
        });
        assert_eq!(draft.applied_to(&existing), expected);
        assert_eq!(draft.text("/spec/cisco/address"), "10.0.0.1");
        assert_eq!(draft.document()["spec"], json!({"cisco": {"address": "10.0.0.1"}}));
    }
}
