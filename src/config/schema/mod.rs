//! The JSON Schema of the language: generated from the document types, committed under `schema/`, embedded, and what every
//! document is checked against. In: a kind and a value. Out: findings with the place of each fault.
//!
//! The sub-schema is chosen by `kind` before anything is validated, so that a fault points at its field and not at the document.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::Value;

use super::document::Kind;

mod build;
mod examples;
mod misfit;
mod skeletons;

pub use misfit::fits;
pub(crate) use misfit::misfits;

/// File name and text of every committed schema.
pub const COMMITTED: [(&str, &str); 16] = [
    ("otj.schema.json", include_str!("../../../schema/otj.schema.json")),
    ("GoogleIntegration.schema.json", include_str!("../../../schema/GoogleIntegration.schema.json")),
    ("GraphIntegration.schema.json", include_str!("../../../schema/GraphIntegration.schema.json")),
    ("ExchangeIntegration.schema.json", include_str!("../../../schema/ExchangeIntegration.schema.json")),
    ("CalDavIntegration.schema.json", include_str!("../../../schema/CalDavIntegration.schema.json")),
    ("IcsIntegration.schema.json", include_str!("../../../schema/IcsIntegration.schema.json")),
    ("WebexIntegration.schema.json", include_str!("../../../schema/WebexIntegration.schema.json")),
    ("Profile.schema.json", include_str!("../../../schema/Profile.schema.json")),
    ("EndpointGroup.schema.json", include_str!("../../../schema/EndpointGroup.schema.json")),
    ("Endpoint.schema.json", include_str!("../../../schema/Endpoint.schema.json")),
    ("EndpointTable.schema.json", include_str!("../../../schema/EndpointTable.schema.json")),
    ("Room.schema.json", include_str!("../../../schema/Room.schema.json")),
    ("Rule.schema.json", include_str!("../../../schema/Rule.schema.json")),
    ("RuleSet.schema.json", include_str!("../../../schema/RuleSet.schema.json")),
    ("Location.schema.json", include_str!("../../../schema/Location.schema.json")),
    ("RuleTest.schema.json", include_str!("../../../schema/RuleTest.schema.json")),
];

/// The kinds that have a schema of their own.
pub fn kinds() -> impl Iterator<Item = &'static str> {
    Kind::ALL.into_iter().map(Kind::name)
}

/// What the types say now: file name and text of every schema, in the order of [`COMMITTED`].
#[must_use]
pub fn generate() -> Vec<(String, String)> {
    let mut files = vec![("otj.schema.json".to_owned(), pretty(&build::bundle()))];
    files.extend(Kind::ALL.map(|kind| (format!("{}.schema.json", kind.name()), pretty(&build::of_kind(kind)))));
    files
}

fn pretty(schema: &Value) -> String {
    let mut text = serde_json::to_string_pretty(schema).expect("a schema is plain data");
    text.push('\n');
    text
}

struct Compiled {
    schema: Value,
    validator: Validator,
}

/// Compiled once a process.
static COMPILED: LazyLock<BTreeMap<Kind, Compiled>> = LazyLock::new(|| {
    let compile = |kind: Kind| {
        let name = format!("{}.schema.json", kind.name());
        let committed = COMMITTED.iter().find(|(file, _)| *file == name).map_or("", |(_, text)| text);
        let schema: Value = serde_json::from_str(committed).expect("the committed schemas are JSON");
        let validator =
            jsonschema::draft202012::new(&without_unions(&schema)).expect("the committed schemas are schemas");
        (kind, Compiled { schema, validator })
    };
    Kind::ALL.into_iter().map(compile).collect()
});

/// The schemas as others use them, with the unions.
static WHOLE: LazyLock<BTreeMap<Kind, Validator>> = LazyLock::new(|| {
    let compile = |(kind, compiled): (&Kind, &Compiled)| {
        (*kind, jsonschema::draft202012::new(&compiled.schema).expect("the committed schemas are schemas"))
    };
    COMPILED.iter().map(compile).collect()
});

/// Which of several fields are written together is said by checks, in words and with a place; the schema says it to editors alone.
fn without_unions(schema: &Value) -> Value {
    let mut schema = schema.clone();
    for definition in schema["$defs"].as_object_mut().into_iter().flat_map(|all| all.values_mut()) {
        if let Some(definition) = definition.as_object_mut() {
            definition.retain(|keyword, _| !["oneOf", "not", "dependentRequired", "allOf"].contains(&keyword.as_str()));
        }
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "OTJ_UPDATE is how snapshots are renewed")]
    fn the_committed_schemas_are_what_the_types_say() {
        let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("schema");
        for ((file, text), (committed, old)) in generate().iter().zip(COMMITTED) {
            assert_eq!(file, committed);
            if std::env::var("OTJ_UPDATE").is_ok() {
                std::fs::write(directory.join(file), text).unwrap();
            } else {
                assert!(text == old, "schema/{file} is out of date: run `OTJ_UPDATE=1 cargo nextest run schema`");
            }
        }
    }

    #[test]
    fn every_schema_is_a_schema() {
        for (file, text) in COMMITTED {
            let schema: Value = serde_json::from_str(text).unwrap();
            let faults = jsonschema::draft202012::meta::validate(&schema).err().map(|fault| fault.to_string());
            assert_eq!(faults, None, "{file}");
            assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema", "{file}");
        }
    }
}
