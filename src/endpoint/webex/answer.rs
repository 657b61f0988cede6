//! What an answer of the Webex Cloud says. In: status, headers and body. Out: the result of the command, or what went wrong as far as
//! the answer alone tells.
//!
//! | answer | is |
//! |---|---|
//! | 200 with `result` | went well |
//! | any other 2xx, or a page | unclear: somebody else answers |
//! | 401 | the token is no good |
//! | 423; 429 | locked; too many requests |
//! | 5xx | out of order |
//! | other 4xx | what the device is decides: not connected, in personal mode, not there, or refused |

use serde::Deserialize;
use serde_json::Value;

use super::error::{Tracking, WebexError};
use crate::http::Response;

/// Where Webex puts its id of a request.
const TRACKING: &str = "trackingid";

/// What came of one request.
pub(super) enum Said {
    /// It went well.
    Done(Value),
    /// It did not, for this reason.
    Failed(WebexError),
    /// The token was not taken.
    NotOurToken(Tracking),
    /// Too many requests.
    TooMany,
    /// A 4xx whose meaning depends on the device.
    Refused { status: u16, reason: String, tracking: Tracking },
}

/// An error as Webex writes it.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Fault {
    #[serde(default)]
    message: Value,
    #[serde(default)]
    errors: Vec<Description>,
    #[serde(default)]
    tracking_id: Value,
}

#[derive(Deserialize, Default)]
struct Description {
    #[serde(default)]
    description: Value,
}

/// Reads one answer.
pub(super) fn read(response: &Response) -> Said {
    let status = response.status.as_u16();
    let fault: Fault = if status < 400 { Fault::default() } else { parsed(&response.body) };
    let tracking = tracking(response, &fault);
    match status {
        200 => match serde_json::from_slice::<Value>(&response.body) {
            Ok(body) if body.is_object() => Said::Done(body),
            _ => Said::Failed(WebexError::Unclear("a success that is no JSON object")),
        },
        100..=399 => Said::Failed(WebexError::Unclear("neither a success nor an error")),
        401 => Said::NotOurToken(tracking),
        423 => Said::Failed(WebexError::Locked(tracking)),
        429 => Said::TooMany,
        400..=499 => Said::Refused { status, reason: fault.reason(), tracking },
        _ => Said::Failed(WebexError::OutOfOrder(status, tracking)),
    }
}

/// The result of a command that went well, or why it did not although it was a 200.
///
/// # Errors
/// When the answer holds no result, is about another device, or the device said that something is wrong.
pub(super) fn result(body: &Value, device_id: &str) -> Result<Value, WebexError> {
    if body.get("deviceId").and_then(Value::as_str).is_some_and(|id| id != device_id) {
        return Err(WebexError::Unclear("an answer about another device"));
    }
    let Some(result) = body.get("result") else {
        return Err(WebexError::Unclear("a success without a result"));
    };
    let status = result.get("status").and_then(Value::as_str).unwrap_or_default();
    if status.to_ascii_lowercase().contains("error") {
        let reason = ["reason", "Reason"].iter().find_map(|name| result.get(name)?.as_str()).unwrap_or_default();
        return Err(WebexError::Declined(200, reason.to_owned(), Tracking::default()));
    }
    Ok(result.clone())
}

fn parsed(body: &[u8]) -> Fault {
    serde_json::from_slice(body).unwrap_or_default()
}

fn tracking(response: &Response, fault: &Fault) -> Tracking {
    let header = response.headers.get(TRACKING).and_then(|value| value.to_str().ok());
    Tracking::of(fault.tracking_id.as_str().or(header).unwrap_or_default())
}

impl Fault {
    /// The first description, else the message.
    fn reason(&self) -> String {
        let described = self.errors.iter().find_map(|error| error.description.as_str());
        described.or(self.message.as_str()).unwrap_or_default().to_owned()
    }
}
