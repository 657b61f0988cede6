//! Why a device did not take, or did not tell, its list through the Webex Cloud, as a closed set. No text of a booking, no token and
//! no address to join is in it; Webex's own id of the request is, for whoever asks Cisco.

use std::time::Duration;

use crate::http::HttpError;
use crate::model::failure::chain;
use crate::model::{Failure, Remedy, Scope};
use crate::oauth::TokenError;

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WebexError {
    /// No token to present.
    #[error(transparent)]
    Token(TokenError),
    /// The document's URL.
    #[error("`apiUrl` of the WebexIntegration is no URL")]
    Address,
    /// No connection, no answer in time, or a broken one.
    #[error("could not reach the Webex Cloud")]
    Unreachable(#[source] HttpError),
    /// 401, also with a new token.
    #[error("the Webex Cloud does not accept our token{0}")]
    Refused(Tracking),
    /// 403.
    #[error(
        "the account may not command this device{0}: it needs the scope spark:xapi_commands, and a bot full access to the workspace"
    )]
    Forbidden(Tracking),
    /// 404 or 410, and nobody knows the device.
    #[error("the Webex Cloud shows this account no such device{0}; check deviceId")]
    UnknownDevice(Tracking),
    /// The device has no connection to the Webex Cloud.
    #[error("the device is not connected to the Webex Cloud{0}; it is filled when it is back")]
    Offline(Tracking),
    /// 423.
    #[error("the device is locked by another request (HTTP 423){0}")]
    Locked(Tracking),
    /// 429. It is about everything that the integration does.
    #[error("the Webex Cloud asks for fewer requests (HTTP 429)")]
    Throttled {
        /// When it wants to be asked again.
        retry_after: Duration,
    },
    /// 5xx.
    #[error("the Webex Cloud is out of order (HTTP {0}){1}")]
    OutOfOrder(u16, Tracking),
    /// The device's commands that read are closed to us: it belongs to a person.
    #[error("the device is in personal mode, whose bookings cannot be read back through the Webex Cloud")]
    CannotList,
    /// Runs as a Microsoft Teams Room, where bookings belong to Teams.
    #[error("the device runs in Microsoft Teams Rooms mode, which takes no bookings from outside")]
    TeamsRoomsMode,
    /// Understood and refused. The reason is the cloud's own, where it repeats nothing of a booking.
    #[error("the Webex Cloud refused the command (HTTP {0}): {1}{2}")]
    Declined(u16, String, Tracking),
    /// A success that does not say so.
    #[error("what answers at apiUrl is not the Webex Cloud: {0}")]
    Unclear(&'static str),
}

/// Webex's id of a request: ` (trackingId …)`, or nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tracking(pub(super) Option<String>);

impl Tracking {
    /// `text` as far as it is such an id: nothing that could be made for a log to be read wrongly.
    pub(super) fn of(text: &str) -> Self {
        let is_id = (1..=100).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.:".contains(&byte));
        Self(is_id.then(|| text.to_owned()))
    }
}

impl std::fmt::Display for Tracking {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            Some(id) => write!(f, " (trackingId {id})"),
            None => Ok(()),
        }
    }
}

impl WebexError {
    /// What the reconciler does next.
    #[must_use]
    pub fn remedy(&self) -> Remedy {
        match self {
            Self::Token(error) if error.may_pass() => Remedy::Retry,
            Self::Unreachable(error) if error.needs_a_person() => Remedy::Fix,
            Self::Unreachable(_)
            | Self::Offline(_)
            | Self::Locked(_)
            | Self::Throttled { .. }
            | Self::OutOfOrder(..)
            | Self::Declined(..)
            | Self::Unclear(_) => Remedy::Retry,
            Self::Token(_)
            | Self::Address
            | Self::Refused(_)
            | Self::Forbidden(_)
            | Self::UnknownDevice(_)
            | Self::CannotList
            | Self::TeamsRoomsMode => Remedy::Fix,
        }
    }

    /// The alarm's reason, from a closed set; also the label in metrics.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::Token(error) => error.label(),
            Self::Refused(_) => "CredentialsRefused",
            Self::Forbidden(_) => "NoPermission",
            Self::Offline(_) => "WebexDeviceOffline",
            Self::Throttled { .. } => "Throttled",
            Self::CannotList => "PersonalMode",
            Self::TeamsRoomsMode => "TeamsRoomsMode",
            Self::Address
            | Self::Unreachable(_)
            | Self::UnknownDevice(_)
            | Self::Locked(_)
            | Self::OutOfOrder(..)
            | Self::Declined(..)
            | Self::Unclear(_) => "PushFailed",
        }
    }

    /// Whom it is about.
    #[must_use]
    pub fn scope(&self) -> Scope {
        match self {
            Self::Token(error) => error.scope(),
            Self::Refused(_) => Scope::Account,
            Self::Throttled { .. } | Self::Unreachable(_) | Self::OutOfOrder(..) | Self::Address | Self::Unclear(_) => {
                Scope::Integration
            }
            _ => Scope::Object,
        }
    }
}

impl From<WebexError> for Failure {
    fn from(error: WebexError) -> Self {
        let retry_after = match &error {
            WebexError::Throttled { retry_after } => Some(*retry_after),
            WebexError::Token(TokenError::Throttled { retry_after, .. }) => *retry_after,
            _ => None,
        };
        let (reason, remedy, scope) = (error.label(), error.remedy(), error.scope());
        Self { reason, remedy, message: chain(&error), retry_after, scope }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_looks_like_an_id_of_a_request_is_repeated() {
        for (text, expected) in [
            ("ROUTERGW_0a-1", " (trackingId ROUTERGW_0a-1)"),
            ("", ""),
            ("a b", ""),
            ("x\nlevel=error", ""),
            (&"x".repeat(101), ""),
        ] {
            assert_eq!(Tracking::of(text).to_string(), expected, "{text}");
        }
    }

    #[test]
    fn failures_that_only_a_person_can_mend_are_not_tried_again_soon() {
        let none = Tracking::default;
        for (error, reason, remedy, scope) in [
            (WebexError::Offline(none()), "WebexDeviceOffline", Remedy::Retry, Scope::Object),
            (WebexError::Forbidden(none()), "NoPermission", Remedy::Fix, Scope::Object),
            (WebexError::Refused(none()), "CredentialsRefused", Remedy::Fix, Scope::Account),
            (WebexError::UnknownDevice(none()), "PushFailed", Remedy::Fix, Scope::Object),
            (WebexError::Unreachable(HttpError::Deadline), "PushFailed", Remedy::Retry, Scope::Integration),
            (
                WebexError::Throttled { retry_after: Duration::from_secs(9) },
                "Throttled",
                Remedy::Retry,
                Scope::Integration,
            ),
        ] {
            let failure = Failure::from(error);
            assert_eq!((failure.reason, failure.remedy, failure.scope), (reason, remedy, scope), "{failure}");
        }
    }
}
