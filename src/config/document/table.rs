//! `EndpointTable`: many endpoints from a CSV file.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

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
    pub(crate) defaults: Option<Map<String, Value>>,
}
