//! An answer of Google that is no success in; what is wrong, with whom, and what mends it out.
//!
//! | status | reason | about | next |
//! |---|---|---|---|
//! | 401, with a fresh token | | the account | a person |
//! | 403, 429 | `rateLimitExceeded`, `userRateLimitExceeded`, or none known | the account; its project where Google says so | later |
//! | 403, 429 | `quotaExceeded`, `dailyLimitExceeded`, or "per day" | the project | later |
//! | 403 | `accessNotConfigured` | the project | a person |
//! | 403 | `insufficientPermissions`, `domainPolicy` | the account | a person |
//! | 403 | `forbidden` and others | the room | a person |
//! | 404 | `notFound` | the room: not there, or not shared; Google does not tell which | a person |
//! | 400, other 4xx | | the room | a person |
//! | 410, 5xx | `backendError` | the room | later |
//!
//! A 403, 404 or 429 without Google's own form comes from somebody in between, and says nothing about the room.
//!
//! What is about the project is about the whole integration when all its accounts are of one project, else about the account.
//!
//! Source: guides "Handle API errors" and "Manage quotas" of the Calendar API.

use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;

use super::super::CalendarError;
use super::super::api::{Answer, retry_after};
use super::Account;
use crate::model::{Failure, Scope};

/// Longest answer that is searched for reasons, in bytes.
const ANSWER_MAX: usize = 64 << 10;

/// What Google says no with. Texts hold the reading account's address, which is no secret, and a reason from Google's own set.
#[derive(Debug, thiserror::Error)]
pub enum GoogleError {
    /// Not there, or not shared with us.
    #[error(
        "Google has no calendar with the room's address, or it is not shared with {0}: check the address, and share the room's \
         calendar (`See all event details`) with this account or with a group that it is a member of"
    )]
    NoCalendar(String),
    /// There, and not for us.
    #[error(
        "{0} may not read the room's calendar: share it (`See all event details`) with this account or with a group that it is a \
         member of"
    )]
    NotAllowed(String),
    /// We see when the room is taken, and by nothing.
    #[error(
        "the room's calendar is shared with {0} as free/busy only: share it as `See all event details` with this account or with \
         a group that it is a member of"
    )]
    FreeBusyOnly(String),
    /// The service refuses the account.
    #[error("Google does not accept the tokens of {0}: check its key, and whether the account still exists")]
    Refused(String),
    /// The account's tokens are for something else.
    #[error(
        "the tokens of {0} are not for reading calendars, or its domain does not let it: allow it the scope \
         https://www.googleapis.com/auth/calendar.readonly"
    )]
    ScopeMissing(String),
    /// The project does not use the API.
    #[error(
        "the Google Calendar API is not enabled in the project of {account}: enable it under APIs & Services > Library"
    )]
    NotEnabled {
        /// Who asked.
        account: String,
        /// Whom it is about.
        scope: Scope,
    },
    /// Too many requests in a short time.
    #[error("Google asks for fewer requests (HTTP {status})")]
    Throttled {
        /// 403 or 429.
        status: u16,
        /// What it asked for.
        retry_after: Option<Duration>,
        /// Whose.
        scope: Scope,
    },
    /// The project has used up its day.
    #[error("the project has used up its quota of Google Calendar requests (HTTP {status})")]
    QuotaExhausted {
        /// 403 or 429.
        status: u16,
        /// What it asked for.
        retry_after: Option<Duration>,
        /// Whose.
        scope: Scope,
    },
    /// It does not understand us.
    #[error("Google refuses the request (HTTP {status}, {reason})")]
    Rejected {
        /// 4xx.
        status: u16,
        /// From Google's own set.
        reason: String,
    },
    /// It does not work at the moment.
    #[error("Google cannot answer at the moment (HTTP {status})")]
    Failing {
        /// 410 or 5xx.
        status: u16,
        /// What it asked for.
        retry_after: Option<Duration>,
    },
}

impl GoogleError {
    /// The reason of conditions, and the outcome in metrics; a closed set.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::NoCalendar(_) => "RoomNotFound",
            Self::NotAllowed(_) | Self::ScopeMissing(_) | Self::NotEnabled { .. } => "NoPermission",
            Self::FreeBusyOnly(_) => "SharedAsFreeBusyOnly",
            Self::Refused(_) => "CredentialsRefused",
            Self::Throttled { .. } => "Throttled",
            Self::QuotaExhausted { .. } => "QuotaExhausted",
            Self::Rejected { .. } | Self::Failing { .. } => "CalendarUnreadable",
        }
    }

    /// Whom it is about.
    #[must_use]
    pub fn scope(&self) -> Scope {
        match self {
            Self::NoCalendar(_) | Self::NotAllowed(_) | Self::FreeBusyOnly(_) => Scope::Object,
            Self::Rejected { .. } | Self::Failing { .. } => Scope::Object,
            Self::Refused(_) | Self::ScopeMissing(_) => Scope::Account,
            Self::NotEnabled { scope, .. } | Self::Throttled { scope, .. } | Self::QuotaExhausted { scope, .. } => {
                *scope
            }
        }
    }
}

impl From<GoogleError> for Failure {
    fn from(error: GoogleError) -> Self {
        let (label, message, scope) = (error.label(), error.to_string(), error.scope());
        let failure = match error {
            GoogleError::Throttled { retry_after, .. }
            | GoogleError::QuotaExhausted { retry_after, .. }
            | GoogleError::Failing { retry_after, .. } => Self { retry_after, ..Self::retry(label, message) },
            _ => Self::fix(label, message),
        };
        failure.about(scope)
    }
}

/// Whether `answer` is a success; what is wrong where it is not.
///
/// # Errors
/// When it is none.
pub(super) fn check(answer: &Answer, account: &Account<'_>, now: Timestamp) -> Result<(), CalendarError> {
    let status = answer.response.status.as_u16();
    if status == 200 {
        return Ok(());
    }
    let said = Said::of(&answer.response.body);
    let retry_after = retry_after(answer, now);
    let email = || account.email.to_owned();
    Err(match (status, said) {
        (401, _) => GoogleError::Refused(email()),
        (500..=599, _) => GoogleError::Failing { status, retry_after },
        (403 | 429, Some(said)) => refusal(status, &said, account, retry_after),
        // Whoever counts requests on the way to Google does not always use its form.
        (429, None) => GoogleError::Throttled { status, retry_after, scope: Scope::Account },
        (404, Some(_)) => GoogleError::NoCalendar(email()),
        (410, Some(_)) => GoogleError::Failing { status, retry_after },
        (400..=499, Some(said)) => GoogleError::Rejected { status, reason: said.reason() },
        _ => {
            let text =
                format!("HTTP {status} came, which is not in Google's form: check apiUrl, and the proxy on the way");
            return Err(CalendarError::Unreadable(text));
        }
    }
    .into())
}

fn refusal(status: u16, said: &Said, account: &Account<'_>, retry_after: Option<Duration>) -> GoogleError {
    let email = account.email.to_owned();
    let has = |names: &[&str]| said.reasons.iter().any(|reason| names.contains(&reason.as_str()));
    let rate = has(&["rateLimitExceeded", "userRateLimitExceeded", "RATE_LIMIT_EXCEEDED", "RESOURCE_EXHAUSTED"]);
    let of_day = has(&["quotaExceeded", "dailyLimitExceeded", "dailyLimitExceededUnreg"]);
    if of_day || ((rate || status == 429) && said.names_limit("per day")) {
        return GoogleError::QuotaExhausted { status, retry_after, scope: account.project };
    }
    if rate || status == 429 {
        // The limit is named as on the console's page of quotas: "Queries per minute", or "Queries per minute per user".
        let of_project = said.names_limit("per minute") && !said.names_limit("per user");
        let scope = if of_project { account.project } else { Scope::Account };
        return GoogleError::Throttled { status, retry_after, scope };
    }
    if has(&["accessNotConfigured", "SERVICE_DISABLED"]) {
        return GoogleError::NotEnabled { account: email, scope: account.project };
    }
    if has(&["insufficientPermissions", "ACCESS_TOKEN_SCOPE_INSUFFICIENT", "domainPolicy"]) {
        return GoogleError::ScopeMissing(email);
    }
    GoogleError::NotAllowed(email)
}

/// What an answer in Google's form says.
struct Said {
    /// In the older form and in the newer one.
    reasons: Vec<String>,
    /// For people; never shown.
    message: String,
}

#[derive(Deserialize)]
struct Written {
    error: Fault,
}

#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct Fault {
    message: String,
    status: String,
    errors: Vec<Reason>,
    details: Vec<Reason>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Reason {
    reason: String,
}

impl Said {
    /// `None` for anything that is not in Google's form.
    fn of(body: &[u8]) -> Option<Self> {
        if body.len() > ANSWER_MAX {
            return None;
        }
        let Fault { message, status, errors, details } = serde_json::from_slice::<Written>(body).ok()?.error;
        let reasons = errors.into_iter().chain(details).map(|each| each.reason).chain([status]);
        Some(Self { reasons: reasons.filter(|reason| !reason.is_empty()).collect(), message })
    }

    fn names_limit(&self, words: &str) -> bool {
        self.message.to_ascii_lowercase().contains(words)
    }

    /// The first reason, if it looks like one.
    fn reason(&self) -> String {
        let is_word =
            |text: &&String| text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        self.reasons.iter().find(is_word).map_or_else(|| "without a reason".into(), Clone::clone)
    }
}
