//! The columns a table may have, and how their cells are read: our own names, and those of a Pexip export ("Adding OTJ endpoints in
//! bulk" in Pexip's One-Touch Join deployment guide).

use serde_json::{Value, json};

/// The kinds of device, as `type` names them and as the fields of an Endpoint are called.
pub(super) const DEVICES: [&str; 3] = ["cisco", "poly", "webex"];

/// How a cell is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Form {
    Text,
    Number,
    /// TRUE, YES, FALSE, NO.
    Flag,
    /// GLOBAL, YES, NO: as [`Form::Flag`], or inherited.
    FlagOrGlobal,
    /// GLOBAL, YES, NO: whether the certificate is verified.
    Verification,
    /// A secret that stands in the table itself.
    Secret,
    /// Which kind of device the row is.
    Device,
}

impl Form {
    /// What a cell says; `None`: nothing of its own. What does not fit stays a text, so that the schema says what is expected there.
    pub(super) fn read(self, text: &str) -> Option<Value> {
        let flag = match text.to_ascii_uppercase().as_str() {
            "TRUE" | "YES" => Some(true),
            "FALSE" | "NO" => Some(false),
            _ => None,
        };
        let global = text.eq_ignore_ascii_case("GLOBAL");
        Some(match self {
            Self::Number => text.parse::<i64>().map_or_else(|_| json!(text), Value::from),
            Self::FlagOrGlobal | Self::Verification if global => return None,
            Self::Flag | Self::FlagOrGlobal => flag.map_or_else(|| json!(text), Value::from),
            Self::Verification => match flag {
                Some(true) => json!("Verify"),
                Some(false) => json!("Insecure"),
                None => json!(text),
            },
            Self::Secret => json!({"value": text}),
            Self::Text | Self::Device => json!(text),
        })
    }
}

/// A column.
#[derive(Clone, Debug)]
pub(super) struct Column {
    /// Where in an Endpoint its cells belong.
    pub(super) pointer: String,
    pub(super) form: Form,
}

/// (our name, the name in a Pexip export, place, form).
const COLUMNS: [(&str, &str, &str, Form); 27] = [
    ("name", "", "/metadata/name", Form::Text),
    ("description", "", "/metadata/description", Form::Text),
    ("type", "endpoint_type", "", Form::Device),
    ("group", "mjx_endpoint_group_name", "/spec/group", Form::Text),
    ("profile", "", "/spec/profile", Form::Text),
    ("room_email", "room_resource_email", "/spec/roomEmail", Form::Text),
    ("raise_alarms", "poly_raise_alarms_for_this_endpoint", "/spec/raiseAlarms", Form::Flag),
    ("start_buffer_minutes", "", "/spec/startBufferMinutes", Form::Number),
    ("end_buffer_minutes", "", "/spec/endBufferMinutes", Form::Number),
    ("mode", "", "/spec/mode", Form::Text),
    ("mode_until", "", "/spec/modeUntil", Form::Text),
    ("mode_reason", "", "/spec/modeReason", Form::Text),
    ("address", "api_address", "/spec/cisco/address", Form::Text),
    ("port", "api_port", "/spec/cisco/port", Form::Number),
    ("username", "api_username", "/spec/cisco/username", Form::Text),
    ("", "api_password", "/spec/cisco/password", Form::Secret),
    ("tls", "", "/spec/cisco/tls", Form::Text),
    ("", "verify_cert", "/spec/cisco/tls", Form::Verification),
    ("use_https", "", "/spec/cisco/useHttps", Form::FlagOrGlobal),
    ("serial", "", "/spec/cisco/serial", Form::Text),
    ("fingerprint", "", "/spec/cisco/fingerprint", Form::Text),
    ("wire", "", "/spec/cisco/wire", Form::Text),
    ("on_conflict", "", "/spec/cisco/onConflict", Form::Text),
    ("poly_username", "", "/spec/poly/username", Form::Text),
    ("", "poly_password", "/spec/poly/password", Form::Secret),
    ("poly_model", "", "/spec/poly/model", Form::Text),
    ("webex_device_id", "", "/spec/webex/deviceId", Form::Text),
];

/// The column called `name`.
pub(super) fn named(name: &str) -> Option<Column> {
    if let Some(label) = name.strip_prefix("labels.").filter(|label| !label.is_empty()) {
        let pointer = format!("/metadata/labels/{}", label.replace('~', "~0").replace('/', "~1"));
        return Some(Column { pointer, form: Form::Text });
    }
    let known = COLUMNS.iter().find(|(own, guide, ..)| !name.is_empty() && (*own == name || *guide == name));
    known.map(|(_, _, pointer, form)| Column { pointer: (*pointer).to_owned(), form: *form })
}

/// Our names of all columns.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    COLUMNS.iter().map(|(own, ..)| *own).filter(|own| !own.is_empty())
}

/// What a Pexip export calls our column.
pub(super) fn guide_name(own: &str) -> Option<&'static str> {
    COLUMNS.iter().find(|(name, ..)| *name == own).map(|(_, guide, ..)| *guide).filter(|guide| !guide.is_empty())
}
