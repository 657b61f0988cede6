//! An answer of Graph that is no success in; what is wrong, with whom, and what mends it out. Graph's messages are not repeated (they
//! quote addresses); its codes are.
//!
//! | answer | about | next |
//! |---|---|---|
//! | 401, with a fresh token | the app registration | a person |
//! | 403 `Authorization_RequestDenied`, `Authorization_IdentityNotFound` | the service: nobody gave consent | a person |
//! | 403 `ErrorAccessDenied` and others | the room: the app may not read this mailbox | a person |
//! | `MailboxNotEnabledForRESTAPI`, `ErrorNonExistentMailbox` … | the room: its mailbox is not in Exchange Online | a person |
//! | other 404 | the room | a person |
//! | 429, 503, 504 about a mailbox (`ApplicationThrottled`, `MailboxConcurrency`, `ErrorServerBusy` …) | the room | later |
//! | other 429, other 503 with `Retry-After` | the service | later |
//! | anything else | the room | later |
//!
//! A 403, 404 or 429 without Graph's own form comes from somebody in between, and says nothing about the room.
//!
//! `ErrorServerBusy` comes from the server of one mailbox, so it pauses that one. Were it the whole service, each room would find
//! out by itself, later each time.
//!
//! Sources: Microsoft Graph v1.0, "Error responses and resource types", "Throttling guidance", "Limiting application permissions to
//! specific Exchange Online mailboxes"; codes of Exchange as in its `ResponseCode` type.

use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;

use crate::calendar::api::{Answer, retry_after};
use crate::model::service::GraphSpec;
use crate::model::{Failure, RoomEmail, Scope};

/// Longest answer that is searched for a code, in bytes.
const ANSWER_MAX: usize = 64 << 10;

/// Longest code that is repeated, in characters.
const CODE_MAX: usize = 60;

/// Of mailboxes that Graph cannot reach: on premises, without licence, inactive.
const NO_REST: [&str; 3] = ["MailboxNotEnabledForRESTAPI", "MailboxNotSupportedForRESTAPI", "ErrorNonExistentMailbox"];

/// Nobody consented to what the app wants to do.
const NO_CONSENT: [&str; 2] = ["Authorization_RequestDenied", "Authorization_IdentityNotFound"];

/// Throttling of one app in one mailbox, and mailboxes that are not to be had for a while.
const OF_A_MAILBOX: [&str; 5] = [
    "ApplicationThrottled",
    "MailboxConcurrency",
    "ErrorServerBusy",
    "ErrorExceededConnectionCount",
    "MailboxInfoStale",
];

/// What Graph says no with. Each text begins with what it said: a status and a code.
#[derive(Debug, thiserror::Error)]
pub enum GraphError {
    /// Nobody has this address.
    #[error("no mailbox has the room's address ({0}); check roomEmail")]
    NoMailbox(String),
    /// Graph does not reach it.
    #[error(
        "the mailbox is not in Exchange Online, or has no licence ({0}); a room on premises is read through an ExchangeIntegration"
    )]
    NotOnline(String),
    /// A policy restricts the app to some mailboxes.
    #[error(
        "an application access policy keeps the app from this mailbox ({said}); \
         `Test-ApplicationAccessPolicy -Identity {room} -AppId {app}` shows it, and \
         `Add-DistributionGroupMember -Identity GROUP -Member {room}`, with the policy's group, mends it within about an hour"
    )]
    OutsidePolicy {
        /// Status and code.
        said: String,
        /// Whose mailbox.
        room: RoomEmail,
        /// The app registration.
        app: String,
    },
    /// It may be a policy, a role that is bound to some mailboxes, or a permission that is missing.
    #[error(
        "the app may not read this mailbox ({said}); it needs the application permission Calendars.Read with admin consent, and \
         where it is restricted to some mailboxes, this one among them: `Test-ApplicationAccessPolicy -Identity {room} -AppId {app}`, \
         with RBAC for Applications `Test-ServicePrincipalAuthorization -Identity {app} -Resource {room}`, tells"
    )]
    NotAllowed {
        /// Status and code.
        said: String,
        /// Whose mailbox.
        room: RoomEmail,
        /// The app registration.
        app: String,
    },
    /// When it is taken is not told to the app.
    #[error("the app may not see when this room is taken ({0})")]
    NoFreeBusy(String),
    /// The organization did not agree.
    #[error(
        "the app has no permission in this organization ({0}); give it the application permission Calendars.Read of Microsoft \
         Graph, and grant admin consent"
    )]
    NoConsent(String),
    /// A fresh token is not taken.
    #[error("Graph does not take the app's token ({0}); check that tokenUrl and graphFqdn are of the same cloud")]
    Refused(String),
    /// Too many requests.
    #[error("Graph asks for fewer requests ({said})")]
    Throttled {
        /// Status and code.
        said: String,
        /// What it asked for.
        retry_after: Option<Duration>,
        /// Whose.
        scope: Scope,
    },
    /// It does not work, or does not understand us.
    #[error("Graph cannot answer ({said})")]
    Failing {
        /// Status and code.
        said: String,
        /// What it asked for.
        retry_after: Option<Duration>,
    },
}

impl GraphError {
    /// The reason of conditions, and the outcome in metrics; a closed set.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::NoMailbox(_) | Self::NotOnline(_) => "RoomNotFound",
            Self::OutsidePolicy { .. } | Self::NotAllowed { .. } | Self::NoFreeBusy(_) | Self::NoConsent(_) => {
                "NoPermission"
            }
            Self::Refused(_) => "CredentialsRefused",
            Self::Throttled { .. } => "Throttled",
            Self::Failing { .. } => "CalendarUnreadable",
        }
    }

    /// Whether it is about one mailbox alone, and stays so until a person acts.
    pub(super) fn is_of_the_mailbox(&self) -> bool {
        matches!(self, Self::NoMailbox(_) | Self::NotOnline(_) | Self::OutsidePolicy { .. } | Self::NotAllowed { .. })
    }
}

impl From<GraphError> for Failure {
    fn from(error: GraphError) -> Self {
        let (reason, message) = (error.label(), error.to_string());
        match error {
            GraphError::Throttled { retry_after, scope, .. } => {
                Self { retry_after, ..Self::retry(reason, message).about(scope) }
            }
            GraphError::Failing { retry_after, .. } => Self { retry_after, ..Self::retry(reason, message) },
            GraphError::Refused(_) => Self::fix(reason, message).about(Scope::Account),
            GraphError::NoConsent(_) => Self::fix(reason, message).about(Scope::Integration),
            _ => Self::fix(reason, message),
        }
    }
}

#[derive(Deserialize)]
struct Written {
    error: Fault,
}

#[derive(Deserialize)]
struct Fault {
    code: String,
    #[serde(default)]
    message: Option<String>,
}

/// Graph's code of a failed request, as far as it may be repeated; empty where it gave none.
pub(super) fn code(answer: &Answer) -> String {
    fault(answer).map(|fault| shown(&fault.code)).unwrap_or_default()
}

/// A code of Graph or Exchange, as far as it may be repeated.
pub(super) fn shown(code: &str) -> String {
    let letters = code.chars().filter(|letter| letter.is_ascii_alphanumeric() || "._-".contains(*letter));
    letters.take(CODE_MAX).collect()
}

fn fault(answer: &Answer) -> Option<Fault> {
    let body = &answer.response.body;
    let written = (body.len() <= ANSWER_MAX).then(|| serde_json::from_slice::<Written>(body).ok());
    written.flatten().map(|written| written.error)
}

/// Why a request about the mailbox `room` did not succeed.
pub(super) fn of(answer: &Answer, room: &RoomEmail, service: &GraphSpec, now: Timestamp) -> GraphError {
    let status = answer.response.status.as_u16();
    let fault = fault(answer);
    let code = fault.as_ref().map(|fault| shown(&fault.code)).unwrap_or_default();
    let said = if code.is_empty() { format!("HTTP {status}") } else { format!("HTTP {status}, {code}") };
    let retry_after = retry_after(answer, now);
    let is = |codes: &[&str]| codes.contains(&code.as_str());
    let (room, app) = (room.clone(), service.client_id.clone());
    match status {
        401 => GraphError::Refused(said),
        _ if is(&NO_REST) => GraphError::NotOnline(said),
        403 | 404 | 429 if fault.is_none() => GraphError::Failing { said, retry_after },
        403 if is(&NO_CONSENT) => GraphError::NoConsent(said),
        // A policy that names mailboxes shows itself in the message alone.
        403 if fault.and_then(|fault| fault.message).is_some_and(|message| message.contains("OData")) => {
            GraphError::OutsidePolicy { said, room, app }
        }
        403 => GraphError::NotAllowed { said, room, app },
        404 => GraphError::NoMailbox(said),
        429 | 503 | 504 => {
            let of_a_mailbox = status == 504 || is(&OF_A_MAILBOX) || code.starts_with("ErrorMailbox");
            let of_all = !of_a_mailbox && (status == 429 || retry_after.is_some());
            let scope = if of_all { Scope::Integration } else { Scope::Object };
            GraphError::Throttled { said, retry_after, scope }
        }
        _ => GraphError::Failing { said, retry_after },
    }
}
