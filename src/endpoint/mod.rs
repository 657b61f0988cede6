//! Schedules to devices. In: a schedule and where it goes. Out: what the device said it holds, or an [`EndpointError`] that
//! says what happens next.

pub mod cisco;
pub mod poly;
pub mod webex;

use std::sync::Arc;
use std::time::Duration;

use crate::http::{HttpError, TlsFault};
use crate::model::failure::chain;
use crate::model::{Failure, Remedy, Scope};

/// Why a device did not take, or did not tell, its list. No text of a booking, no credential and no address to join is in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// No password to present.
    #[error("the password is missing: {0}")]
    SecretMissing(Arc<str>),
    /// The document's address cannot be written into a URL.
    #[error("`cisco.address` is no host name and no IP address")]
    Address,
    /// No connection, no answer in time, or a broken one.
    #[error("could not reach the device")]
    Unreachable(#[source] HttpError),
    /// The certificate is not the one that is trusted; nothing was sent.
    #[error("the device's certificate is not trusted; no credentials were sent")]
    CertificateUntrusted(#[source] HttpError),
    /// 401, 403, or a page to sign in. Not tried again soon: codecs lock accounts after a few refusals.
    #[error("{0}")]
    CredentialsRefused(Refusal),
    /// The device, or several others, refused them before.
    #[error(
        "our credentials were refused before; so that no account is locked they are tried again in {} min, or as soon as they are others",
        .again.as_secs().div_ceil(60)
    )]
    CredentialsPaused {
        /// How long they are not sent.
        again: Duration,
    },
    /// Nobody has accepted the password yet, and three devices are asked first.
    #[error("other devices are asked first whether they take this password")]
    CredentialsUntried,
    /// Plain HTTP is answered with a way to HTTPS.
    #[error("the device wants HTTPS: set `cisco.useHttps: true`")]
    RedirectsToHttps,
    /// The device sends its visitors elsewhere; credentials do not follow.
    #[error("the device redirects to another address (HTTP {0}); credentials are not sent there")]
    RedirectsElsewhere(u16),
    /// Too many requests at once.
    #[error("the device is busy (HTTP 503)")]
    Busy {
        /// When it wants to be asked again.
        retry_after: Option<Duration>,
    },
    /// Runs as a Microsoft Teams Room, where bookings belong to Teams.
    #[error("the device runs in Microsoft Teams Rooms mode, which takes no bookings from outside")]
    TeamsRoomsMode,
    /// Knows neither way of giving it bookings.
    #[error(
        "the device knows neither `Bookings Put` nor `/bookingsputxml`: it is too old, or `cisco.wire` names the wrong one"
    )]
    Unsupported,
    /// Knows no `Bookings List`: what it holds cannot be read back.
    #[error("the device cannot list its bookings")]
    CannotList,
    /// Understood and refused. The reason is the device's own, where it repeats nothing of a booking.
    #[error("the device refused the list: {0}")]
    Declined(String),
    /// Another HTTP status.
    #[error("the device answered HTTP {0}")]
    Status(u16),
    /// A 200 that does not say whether it went well.
    #[error("the device's answer does not say whether it took the list: it is {0}")]
    Unclear(&'static str),
}

/// How credentials were refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// 401.
    #[error("the device refused our credentials (HTTP 401)")]
    Unauthorized,
    /// 403: usually an account without the Admin role.
    #[error("the device denied access (HTTP 403): the account needs the Admin role")]
    Forbidden,
    /// A page to sign in, or the way to one.
    #[error("the device answered with its sign-in page: it does not accept our credentials")]
    SignInPage,
}

impl EndpointError {
    /// What the reconciler does next.
    #[must_use]
    pub fn remedy(&self) -> Remedy {
        match self {
            Self::Unreachable(error) if error.needs_a_person() => Remedy::Fix,
            Self::Unreachable(_)
            | Self::Busy { .. }
            | Self::Status(_)
            | Self::Unclear(_)
            | Self::Declined(_)
            | Self::CredentialsPaused { .. }
            | Self::CredentialsUntried => Remedy::Retry,
            Self::SecretMissing(_)
            | Self::Address
            | Self::CertificateUntrusted(_)
            | Self::CredentialsRefused(_)
            | Self::RedirectsToHttps
            | Self::RedirectsElsewhere(_)
            | Self::TeamsRoomsMode
            | Self::Unsupported
            | Self::CannotList => Remedy::Fix,
        }
    }

    /// The alarm's reason, from a closed set; also the label in metrics.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::SecretMissing(_) => "SecretMissing",
            Self::CertificateUntrusted(_) => "CertificateUntrusted",
            Self::CredentialsRefused(_) | Self::CredentialsPaused { .. } => "CredentialsRefused",
            Self::RedirectsToHttps => "RedirectsToHttps",
            Self::TeamsRoomsMode => "TeamsRoomsMode",
            Self::Address
            | Self::Unreachable(_)
            | Self::RedirectsElsewhere(_)
            | Self::Busy { .. }
            | Self::Unsupported
            | Self::CannotList
            | Self::CredentialsUntried
            | Self::Declined(_)
            | Self::Status(_)
            | Self::Unclear(_) => "PushFailed",
        }
    }

    /// When the device wants to be asked again, where it said so.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Busy { retry_after } => *retry_after,
            Self::CredentialsPaused { again } => Some(*again),
            _ => None,
        }
    }
}

impl From<HttpError> for EndpointError {
    fn from(error: HttpError) -> Self {
        match error {
            // No TLS at all, or none we speak: there was no certificate to distrust.
            HttpError::Tls(TlsFault::Handshake) => Self::Unreachable(error),
            HttpError::Tls(_) => Self::CertificateUntrusted(error),
            _ => Self::Unreachable(error),
        }
    }
}

impl From<EndpointError> for Failure {
    fn from(error: EndpointError) -> Self {
        Self {
            reason: error.label(),
            remedy: error.remedy(),
            message: chain(&error),
            retry_after: error.retry_after(),
            scope: Scope::Object,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_that_only_a_person_can_mend_are_not_tried_again_soon() {
        let wrong_certificate = EndpointError::from(HttpError::Tls(TlsFault::UnknownIssuer));
        for (error, reason, remedy) in [
            (EndpointError::SecretMissing("env:X is not set".into()), "SecretMissing", Remedy::Fix),
            (EndpointError::CredentialsRefused(Refusal::Unauthorized), "CredentialsRefused", Remedy::Fix),
            (EndpointError::CredentialsRefused(Refusal::SignInPage), "CredentialsRefused", Remedy::Fix),
            (wrong_certificate, "CertificateUntrusted", Remedy::Fix),
            (EndpointError::RedirectsToHttps, "RedirectsToHttps", Remedy::Fix),
            (EndpointError::TeamsRoomsMode, "TeamsRoomsMode", Remedy::Fix),
            (EndpointError::Busy { retry_after: None }, "PushFailed", Remedy::Retry),
            (EndpointError::from(HttpError::Deadline), "PushFailed", Remedy::Retry),
            (EndpointError::from(HttpError::Tls(TlsFault::Handshake)), "PushFailed", Remedy::Fix),
            (EndpointError::from(HttpError::Refused), "PushFailed", Remedy::Fix),
        ] {
            let failure = Failure::from(error);
            assert_eq!((failure.reason, failure.remedy), (reason, remedy), "{failure}");
        }
    }
}
