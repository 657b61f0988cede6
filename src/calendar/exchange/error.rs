//! Why an Exchange mailbox could not be read; whose trouble that is, and what mends it. Exchange's messages are not repeated (they quote
//! what people wrote); its codes are.
//!
//! | answer | about | next |
//! |---|---|---|
//! | `ErrorServerBusy` and the like | the room: Exchange counts by the mailbox that is impersonated | later, when it says |
//! | HTTP 429, or 503 with `Retry-After` | the service | later, when it says |
//! | `ErrorImpersonateUserDenied` | the room: it is not in the scope of the role | a person |
//! | `ErrorImpersonationDenied` | the account: it has no such role | a person |
//! | HTTP 403 | the account; the room, where the same server lets us in for others | a person |
//! | `ErrorNonExistentMailbox` and the like | the room | a person |
//! | `ErrorMailboxMoveInProgress` and the like | the room, after Autodiscover was asked again | later |
//! | `ErrorPasswordExpired` and the like | the account | a person |
//! | no connection | the service; the room, where rooms are on several servers | later |
//! | anything else | the room | later |

use std::time::Duration;

use super::discovery::DiscoveryError;
use super::refusal::EntryError;
use crate::ews::code::Class;
use crate::ews::told::Said;
use crate::http::HttpError;
use crate::model::{Failure, RoomEmail, Scope};

/// The name that the role's assignment has in the guide.
const ROLE: &str = "OTJ Impersonation";

/// And the scope of it.
const SCOPE: &str = "OTJ Management Scope";

/// What an Exchange service says no with. Each text begins with what is wrong and holds what it said.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExchangeError {
    /// We are not let in, or there is nobody.
    #[error(transparent)]
    Entry(#[from] EntryError),
    /// One of several servers cannot be reached.
    #[error("one of the Exchange servers cannot be reached")]
    OneServer(#[source] HttpError),
    /// It is not known which server to ask.
    #[error(transparent)]
    Discovery(#[from] DiscoveryError),
    /// The role does not include this mailbox.
    #[error(
        "{account} may not impersonate this mailbox ({said}); \
         `Get-ManagementRoleAssignment -Role ApplicationImpersonation -WritableRecipient {room}` shows who may, and \
         `Add-DistributionGroupMember -Identity GROUP -Member {room}`, with the group of the role's scope, adds it \
         (`New-ManagementRoleAssignment -Name \"{ROLE}\" -Role ApplicationImpersonation -User {account} \
         -CustomRecipientWriteScope \"{SCOPE}\"` where there is no role yet)"
    )]
    NotImpersonated {
        /// Its code.
        said: String,
        /// Whose mailbox.
        room: RoomEmail,
        /// Who asked.
        account: String,
    },
    /// The account may impersonate nobody.
    #[error(
        "{account} may impersonate nobody ({said}); `New-ManagementRoleAssignment -Name \"{ROLE}\" -Role \
         ApplicationImpersonation -User {account} -CustomRecipientWriteScope \"{SCOPE}\"` lets it act for the rooms of that scope"
    )]
    NoImpersonation {
        /// Its code.
        said: String,
        /// Who asked.
        account: String,
    },
    /// The app is kept from this mailbox.
    #[error(
        "the app may not read this mailbox ({said}); it needs the application permission full_access_as_app of Office 365 Exchange \
         Online, and where a policy restricts it, `Test-ApplicationAccessPolicy -Identity {room} -AppId {app}` shows it"
    )]
    AppNotAllowed {
        /// Its code.
        said: String,
        /// Whose mailbox.
        room: RoomEmail,
        /// The app registration.
        app: String,
    },
    /// Something else forbids it.
    #[error("the calendar of this mailbox may not be read ({0}); check its permissions")]
    NoAccess(String),
    /// EWS is off for this mailbox.
    #[error(
        "EWS is switched off for this mailbox (HTTP 403), while the server answers for others; \
         `Set-CASMailbox -Identity {0} -EwsEnabled $true` switches it on"
    )]
    MailboxDisabled(RoomEmail),
    /// Nobody has this address, or it has no calendar.
    #[error("there is no mailbox with a calendar at the room's address ({0}); check roomEmail")]
    NoMailbox(String),
    /// It is served elsewhere, and nobody says where.
    #[error("the mailbox is being moved, or is served by another server ({0}); {advice}", advice = if *.1 { "check ewsUrl, or leave it out so that Autodiscover is asked" } else { "Autodiscover names no other one yet" })]
    Moved(String, bool),
    /// Fewer requests.
    #[error("Exchange asks for fewer requests ({said})")]
    Busy {
        /// Code, or status.
        said: String,
        /// What it asked for.
        retry_after: Option<Duration>,
        /// Whose.
        scope: Scope,
    },
    /// The account itself.
    #[error(
        "Exchange does not accept the service account ({0}); check that it is enabled, and that its password has not expired"
    )]
    AccountRefused(String),
    /// Older than 2010 SP1, or none.
    #[error("the server takes none of the versions that are spoken here, from Exchange 2010 SP1 on ({0})")]
    TooOld(String),
    /// At that address is something else.
    #[error("what answers is no EWS service ({said}); check {setting}")]
    NotExchange {
        /// Status, or what came.
        said: String,
        /// Where the address stands.
        setting: &'static str,
    },
    /// It does not work, or does not understand us.
    #[error("Exchange cannot answer ({said})")]
    Failing {
        /// Code, or status.
        said: String,
        /// What it asked for.
        retry_after: Option<Duration>,
    },
}

impl ExchangeError {
    /// The reason of conditions, and the outcome in metrics; a closed set.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::Entry(error) => error.label(),
            Self::Discovery(error) => error.label(),
            Self::NotImpersonated { .. }
            | Self::NoImpersonation { .. }
            | Self::AppNotAllowed { .. }
            | Self::NoAccess(_)
            | Self::MailboxDisabled(_) => "NoPermission",
            Self::NoMailbox(_) => "RoomNotFound",
            Self::Busy { .. } => "Throttled",
            Self::AccountRefused(_) => "CredentialsRefused",
            Self::OneServer(_)
            | Self::Moved(..)
            | Self::TooOld(_)
            | Self::NotExchange { .. }
            | Self::Failing { .. } => "CalendarUnreadable",
        }
    }

    /// Whether another server may serve the mailbox.
    pub(super) fn is_elsewhere(&self) -> bool {
        matches!(self, Self::Moved(..) | Self::NotExchange { .. })
    }

    /// Whether no server answered where the mailbox was.
    pub(super) fn is_unreachable(&self) -> bool {
        matches!(self, Self::OneServer(_) | Self::Entry(EntryError::Unreachable(_)))
    }

    /// Whether it is about one mailbox alone, and stays so until a person acts.
    pub(super) fn is_of_the_mailbox(&self) -> bool {
        match self {
            Self::NotImpersonated { .. }
            | Self::AppNotAllowed { .. }
            | Self::NoAccess(_)
            | Self::MailboxDisabled(_)
            | Self::NoMailbox(_)
            | Self::Moved(..) => true,
            Self::Discovery(error) => error.is_of_the_mailbox(),
            _ => false,
        }
    }
}

/// Who asks, and about whose mailbox.
pub(super) struct Parties<'a> {
    pub(super) room: &'a RoomEmail,
    pub(super) account: &'a str,
    /// An app, not an account with a role.
    pub(super) is_app: bool,
    /// The server is named by the documents.
    pub(super) is_written: bool,
}

/// Why Exchange did not do what was asked, by what it said.
pub(super) fn of_said(said: &Said, parties: &Parties<'_>) -> ExchangeError {
    let (code, account, room) = (said.code().to_owned(), parties.account.to_owned(), parties.room.clone());
    let busy =
        ["ErrorServerBusy", "ErrorExceededConnectionCount", "ErrorInsufficientResources", "ErrorTooManyObjectsOpened"];
    match said.class() {
        Class::Transient if said.back_off().is_some() || busy.contains(&said.code()) => {
            ExchangeError::Busy { said: code, retry_after: said.back_off(), scope: said.scope() }
        }
        Class::Moved => ExchangeError::Moved(code, parties.is_written),
        Class::Room => ExchangeError::NoMailbox(code),
        Class::Permission if said.code().starts_with("ErrorImpersonat") && parties.is_app => {
            ExchangeError::AppNotAllowed { said: code, room, app: account }
        }
        Class::Permission if said.code() == "ErrorImpersonateUserDenied" => {
            ExchangeError::NotImpersonated { said: code, room, account }
        }
        Class::Permission if said.scope() != Scope::Object => ExchangeError::NoImpersonation { said: code, account },
        Class::Permission => ExchangeError::NoAccess(code),
        Class::Credentials => ExchangeError::AccountRefused(code),
        Class::Version => ExchangeError::TooOld(code),
        Class::Transient | Class::Resync | Class::Item | Class::TooMuch | Class::Request => {
            ExchangeError::Failing { said: code, retry_after: said.back_off() }
        }
    }
}

impl From<ExchangeError> for Failure {
    fn from(error: ExchangeError) -> Self {
        let (label, message) = (error.label(), crate::model::failure::chain(&error));
        match error {
            ExchangeError::Entry(error) => error.into(),
            ExchangeError::Discovery(error) => error.into(),
            ExchangeError::OneServer(cause) if cause.needs_a_person() => Self::fix(label, message),
            ExchangeError::OneServer(_) | ExchangeError::Moved(..) => Self::retry(label, message),
            ExchangeError::Busy { retry_after, scope, .. } => {
                Self { retry_after, ..Self::retry(label, message).about(scope) }
            }
            ExchangeError::Failing { retry_after, .. } => Self { retry_after, ..Self::retry(label, message) },
            ExchangeError::NoImpersonation { .. } | ExchangeError::AccountRefused(_) => {
                Self::fix(label, message).about(Scope::Account)
            }
            _ => Self::fix(label, message),
        }
    }
}
