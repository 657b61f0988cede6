//! Why a calendar could not be read, and what the reconciler does about it.

use std::time::Duration;

use super::exchange::ExchangeError;
use super::google::GoogleError;
use super::graph::GraphError;
use super::ics::IcsError;
use crate::http::HttpError;
use crate::model::failure::chain;
use crate::model::{Failure, Scope};
use crate::oauth::TokenError;

/// Why there is no complete reading. Texts hold no credentials, URLs or anything people wrote.
#[derive(Debug, thiserror::Error)]
pub enum CalendarError {
    /// No complete answer.
    #[error("the calendar server cannot be reached")]
    Unreachable(#[source] HttpError),
    /// Something came, but not a complete calendar.
    #[error("the calendar cannot be read: {0}")]
    Unreadable(String),
    /// Something came, but not a complete calendar, and it is iCalendar's rules that say so.
    #[error("the calendar cannot be read")]
    Incomplete(#[source] IcsError),
    /// The account may not read this calendar.
    #[error("the account may not read this calendar (HTTP {0}); give it the right to read, or check calendarPath")]
    Forbidden(u16),
    /// There is no such calendar.
    #[error("no calendar was found for this room: {0}")]
    NotFound(String),
    /// The credentials are wrong.
    #[error("the calendar server refused our credentials; check username and password of the integration")]
    Refused,
    /// The server asks to be left alone.
    #[error("the calendar server is throttling us (HTTP {status})")]
    Throttled {
        /// 429 or 503.
        status: u16,
        /// What it asked for.
        retry_after: Option<Duration>,
    },
    /// This kind of service does not tell when rooms are taken.
    #[error("a {0} does not tell when rooms are taken")]
    NotInEffect(&'static str),
    /// Exchange says no.
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
    /// Graph says no.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// There is no token to ask with.
    #[error("no token")]
    Token(#[source] TokenError),
    /// Google says no.
    #[error(transparent)]
    Google(#[from] GoogleError),
    /// The service of all rooms cannot be reached.
    #[error("the calendar service cannot be reached")]
    Offline(#[source] HttpError),
    /// A secret that the request needs is not there.
    #[error("a secret is missing: {0}")]
    SecretMissing(String),
}

impl CalendarError {
    /// The reason of conditions, and the outcome in metrics; a closed set.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::Unreachable(_) | Self::Offline(_) | Self::Unreadable(_) | Self::Incomplete(_) => "CalendarUnreadable",
            Self::Forbidden(_) => "NoPermission",
            Self::NotFound(_) => "RoomNotFound",
            Self::Refused => "CredentialsRefused",
            Self::Throttled { .. } => "Throttled",
            Self::SecretMissing(_) => "SecretMissing",
            Self::NotInEffect(_) => "NotInEffect",
            Self::Graph(error) => error.label(),
            Self::Exchange(error) => error.label(),
            Self::Token(error) => error.label(),
            Self::Google(error) => error.label(),
        }
    }
}

impl From<HttpError> for CalendarError {
    fn from(error: HttpError) -> Self {
        Self::Unreachable(error)
    }
}

impl From<TokenError> for CalendarError {
    fn from(error: TokenError) -> Self {
        Self::Token(error)
    }
}

impl From<IcsError> for CalendarError {
    fn from(error: IcsError) -> Self {
        Self::Incomplete(error)
    }
}

impl From<CalendarError> for Failure {
    fn from(error: CalendarError) -> Self {
        let error = match error {
            CalendarError::Token(error) => return error.into(),
            CalendarError::Google(error) => return error.into(),
            CalendarError::Graph(error) => return error.into(),
            CalendarError::Exchange(error) => return error.into(),
            other => other,
        };
        let message = chain(&error);
        let passes = match &error {
            CalendarError::Unreachable(cause) | CalendarError::Offline(cause) => !cause.needs_a_person(),
            CalendarError::Unreadable(_) | CalendarError::Incomplete(_) | CalendarError::Throttled { .. } => true,
            CalendarError::Forbidden(_)
            | CalendarError::NotFound(_)
            | CalendarError::Refused
            | CalendarError::NotInEffect(_)
            | CalendarError::Graph(_)
            | CalendarError::Exchange(_)
            | CalendarError::Token(_)
            | CalendarError::Google(_)
            | CalendarError::SecretMissing(_) => false,
        };
        let retry_after = match &error {
            CalendarError::Throttled { retry_after, .. } => *retry_after,
            _ => None,
        };
        let failure = if passes { Self::retry(error.label(), message) } else { Self::fix(error.label(), message) };
        // One slow or large answer says nothing about the others; a host without connection does.
        let of_all = match &error {
            CalendarError::Offline(cause) => {
                !matches!(cause, HttpError::Deadline | HttpError::TooLarge(_) | HttpError::Protocol(_))
            }
            _ => false,
        };
        Self { retry_after, ..failure }.about(if of_all { Scope::Integration } else { Scope::Object })
    }
}
