//! The schemas as the types say them: one a kind, and a bundle. Besides what validates they carry what editors show: a title and a
//! description for every kind and field, defaults, examples, a sentence for each word, and a skeleton of each kind.
//!
//! A default is read from the field's description (`Default 7.`), so that the two can never differ.

use schemars::generate::{SchemaGenerator, SchemaSettings};
use serde_json::{Map, Value, json};

use super::super::document::{self, API_VERSION, Kind, Metadata};
use super::{examples, skeletons};

/// Every kind in one schema: an editor takes the branch that `kind` names.
pub(super) fn bundle() -> Value {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let choices: Vec<Value> = Kind::ALL
        .into_iter()
        .map(|kind| {
            let mut document = document_schema(kind, &mut generator);
            document.remove("properties").map_or(Value::Null, |properties| {
                // A pattern, since yaml-language-server takes a constant for met when it begins with what is written: in an
                // Endpoint it would also offer the fields of EndpointGroup.
                let named = format!("^{}$", kind.name());
                json!({
                    "if": {"properties": {"kind": {"type": "string", "pattern": named}}, "required": ["kind"]},
                    "then": {
                        "title": kind.name(),
                        "properties": properties,
                        "required": document["required"],
                        "additionalProperties": false,
                    },
                })
            })
        })
        .collect();
    let mut schema = json!({
        "title": "otj documents",
        "description": "One document of a configuration directory. A file may hold several, separated by `---`.",
        "type": "object",
        "required": ["apiVersion", "kind"],
        "properties": {
            "apiVersion": {"description": "The version of the language.", "const": API_VERSION},
            "kind": {"description": "What the document describes.", "enum": Kind::ALL.map(Kind::name)},
        },
        "allOf": choices,
        "defaultSnippets": Kind::ALL.into_iter().flat_map(skeletons::of).collect::<Vec<_>>(),
    });
    finish(&mut schema, &mut generator);
    let words: Vec<Value> = Kind::ALL.iter().map(|kind| schema["$defs"][kind.name()]["description"].clone()).collect();
    schema["properties"]["kind"]["enumDescriptions"] = words.into();
    schema
}

/// One kind's schema.
pub(super) fn of_kind(kind: Kind) -> Value {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let mut schema = Value::Object(document_schema(kind, &mut generator));
    schema["title"] = kind.name().into();
    schema["defaultSnippets"] = skeletons::of(kind).into();
    finish(&mut schema, &mut generator);
    schema["description"] = schema["$defs"][kind.name()]["description"].clone();
    schema
}

/// The envelope with one kind's spec.
fn document_schema(kind: Kind, generator: &mut SchemaGenerator) -> Map<String, Value> {
    let spec = match kind {
        Kind::GoogleIntegration => generator.subschema_for::<document::google::GoogleIntegration>(),
        Kind::GraphIntegration => generator.subschema_for::<document::graph::GraphIntegration>(),
        Kind::ExchangeIntegration => generator.subschema_for::<document::exchange::ExchangeIntegration>(),
        Kind::CalDavIntegration => generator.subschema_for::<document::integration::CalDavIntegration>(),
        Kind::IcsIntegration => generator.subschema_for::<document::integration::IcsIntegration>(),
        Kind::WebexIntegration => generator.subschema_for::<document::webex::WebexIntegration>(),
        Kind::Profile => generator.subschema_for::<document::profile::Profile>(),
        Kind::EndpointGroup => generator.subschema_for::<document::endpoint::EndpointGroup>(),
        Kind::Endpoint => generator.subschema_for::<document::endpoint::Endpoint>(),
        Kind::Rule => generator.subschema_for::<document::rule::Rule>(),
        Kind::RuleTest => generator.subschema_for::<document::rule_test::RuleTest>(),
        Kind::RuleSet => generator.subschema_for::<document::rule::RuleSet>(),
        Kind::Location => generator.subschema_for::<document::site::Location>(),
        Kind::Room => generator.subschema_for::<document::site::Room>(),
        Kind::EndpointTable => generator.subschema_for::<document::table::EndpointTable>(),
    };
    let schema = json!({
        "type": "object",
        "properties": {
            "apiVersion": {"description": "The version of the language.", "const": API_VERSION},
            "kind": {"description": "What the document describes.", "const": kind.name()},
            "metadata": generator.subschema_for::<Metadata>(),
            "spec": spec,
        },
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "additionalProperties": false,
    });
    match schema {
        Value::Object(schema) => schema,
        _ => Map::new(),
    }
}

fn finish(schema: &mut Value, generator: &mut SchemaGenerator) {
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    schema["$defs"] = Value::Object(generator.take_definitions(true));
    plain(schema);
    for (name, definition) in schema["$defs"].as_object_mut().into_iter().flatten() {
        let Value::Object(definition) = definition else { continue };
        definition.entry("title").or_insert_with(|| name.as_str().into());
        for (field, schema) in definition.get_mut("properties").and_then(Value::as_object_mut).into_iter().flatten() {
            let Value::Object(schema) = schema else { continue };
            if name == "Overrides" {
                inherited(schema);
            }
            if let Some(default) = default_of(schema) {
                schema.insert("default".into(), default);
            }
            if let Some(examples) = examples::of(name, field) {
                schema.insert("examples".into(), examples);
            }
        }
    }
}

/// What a group does not override is its profile's, whatever the profile's default is.
fn inherited(schema: &mut Map<String, Value>) {
    let description = schema.get("description").and_then(Value::as_str).unwrap_or_default();
    let sentences = description.split(". ").map(|sentence| match sentence.starts_with("Default") {
        true => "Default: the profile's",
        false => sentence,
    });
    let description = sentences.collect::<Vec<_>>().join(". ");
    let end = if description.ends_with('.') { "" } else { "." };
    schema.insert("description".into(), format!("{description}{end}").into());
}

/// The default that a description tells, where it is a constant: `Default 7.`, ``Default `Auto`.``, `Default empty.`
fn default_of(schema: &Map<String, Value>) -> Option<Value> {
    let description = schema.get("description")?.as_str()?;
    let (_, said) = description.split_once("Default ")?;
    let (word, quoted) = match said.strip_prefix('`') {
        Some(said) => (said.split_once('`')?, true),
        None => (said.split_at(said.find([' ', ';', ',', '.']).unwrap_or(said.len())), false),
    };
    let (word, after) = word;
    if !(after.is_empty() || after.starts_with(['.', ';', ','])) {
        return None; // `Default true without …`: not a constant
    }
    match schema.get("type")?.as_str()? {
        "integer" => word.parse::<u64>().ok().map(Value::from),
        "boolean" => word.parse::<bool>().ok().map(Value::from),
        "array" => serde_json::from_str::<Vec<Value>>(word).ok().map(Value::from),
        "string" if quoted && (!word.contains('{') || word.contains("{{")) => Some(word.into()),
        "string" if word == "empty" => Some("".into()),
        _ => None,
    }
}

/// Takes out what comes from the types and means nothing to people: `null` beside every optional field (what is not meant is
/// left out, not written as nothing), and formats of machine integers.
fn plain(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            let keeps_null = map.remove("x-null").is_some();
            if !keeps_null {
                if let Some(Value::Array(types)) = map.get_mut("type") {
                    types.retain(|one| one != "null");
                    if let [one] = types.as_slice() {
                        let one = one.clone();
                        map.insert("type".into(), one);
                    }
                }
                if let Some(Value::Array(choices)) = map.get_mut("anyOf") {
                    choices.retain(|choice| choice != &json!({"type": "null"}));
                    if let [Value::Object(one)] = choices.as_slice() {
                        let one = one.clone();
                        map.remove("anyOf");
                        map.extend(one.into_iter().filter(|(key, _)| key != "description").collect::<Vec<_>>());
                    }
                }
                if let Some(Value::Array(words)) = map.get_mut("enum") {
                    words.retain(|word| !word.is_null());
                }
            }
            if map.get("format").and_then(Value::as_str).is_some_and(|format| format.starts_with("uint")) {
                map.remove("format");
            }
            if map.get("default").is_some_and(Value::is_null) {
                map.remove("default");
            }
            // What these hold is written, not described.
            let described = |key: &str| !["default", "examples", "defaultSnippets", "enumDescriptions"].contains(&key);
            for (key, inner) in map.iter_mut().filter(|(key, _)| described(key)) {
                // A property may be called `default` or `format`: names of fields are no keywords.
                match inner {
                    Value::Object(fields) if key == "properties" || key == "$defs" => {
                        fields.values_mut().for_each(plain)
                    }
                    _ => plain(inner),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(plain),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constant_defaults_are_read_from_descriptions_and_others_are_not() {
        for (kind, description, expected) in [
            ("integer", "Minutes. Default 7. Guide: X.", json!(7)),
            ("integer", "Most. Default 540; 600 is the limit.", json!(540)),
            ("integer", "Port. Default 443 with HTTPS, else 80.", Value::Null),
            ("boolean", "Default true.", json!(true)),
            ("boolean", "Default true without `transform`, else false.", Value::Null),
            ("string", "Default `Auto`.", json!("Auto")),
            ("string", "Default `{{ room.email }}.ics`.", json!("{{ room.email }}.ics")),
            ("string", "Default `https://{apiDomain}/v1`.", Value::Null),
            ("string", "Default empty.", json!("")),
            ("string", "Default: inherited.", Value::Null),
            ("array", "Default `[]`.", json!([])),
        ] {
            let schema = json!({"type": kind, "description": description});
            let default = default_of(schema.as_object().unwrap()).unwrap_or_default();
            assert_eq!(default, expected, "{description}");
        }
        let mut schema = json!({"description": "Days, 0 to 365. Default 7. Guide: X."});
        inherited(schema.as_object_mut().unwrap());
        assert_eq!(schema["description"], "Days, 0 to 365. Default: the profile's. Guide: X.");
    }
}
