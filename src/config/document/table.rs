//! `EndpointTable`: many endpoints from a CSV file.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::endpoint::Endpoint;

/// Endpoints from a CSV file beside the documents. Every row is validated like an Endpoint, and findings stand at its line.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct EndpointTable {
    /// The CSV file (`.csv`), relative to this document's file, below the configuration directory. Its first line names the columns: `name`,
    /// `description`, `type` (`cisco`, `poly`, `webex`), `group`, `room_email`, `address`, `port`, `username`, `poly_username`, `webex_device_id`,
    /// `serial`, `labels.KEY`; or the 15 columns of a Pexip export.
    #[schemars(length(min = 1))]
    pub(crate) file: String,
    /// What every row has unless its own cells say otherwise: any field of an Endpoint's `spec`. Texts may be Jinja2 over `endpoint.name`,
    /// `endpoint.labels`, `room.email`, `group.name`, `location.name`.
    #[serde(default)]
    #[schemars(schema_with = "endpoint_fields")]
    pub(crate) defaults: Option<Map<String, Value>>,
}

/// The fields of an Endpoint, none of them required: the rows have the rest.
fn endpoint_fields(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<Endpoint>();
    let fields = generator.definitions().get("Endpoint").and_then(|it| it["properties"].as_object()).cloned();
    let reference = |name: String| {
        let target = format!("#/$defs/Endpoint/properties/{name}");
        (name, json!({"$ref": target}))
    };
    let fields: Map<String, Value> = fields.unwrap_or_default().into_iter().map(|(name, _)| reference(name)).collect();
    json_schema!({"type": "object", "properties": fields, "additionalProperties": false})
}
