//! What an answer without a token means.
//!
//! Microsoft numbers its reasons (`error_codes`); Google has a few words, and texts of which only known beginnings are looked at.
//! The numbers are from <https://learn.microsoft.com/entra/identity-platform/reference-error-codes>, the words from RFC 6749 5.2
//! and <https://developers.google.com/identity/protocols/oauth2/service-account#error-codes>.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::account::Account;
use super::error::{Refusal, SignInFault, TokenError};
use super::request::Heard;
use crate::http::{retry_after, server_date};

/// A clock that differs by less than this is not why a statement is refused: both services allow for five minutes.
const SKEW_MAX: SignedDuration = SignedDuration::from_mins(2);

/// Who asked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// A service account, by a statement.
    ServiceAccount,
    /// An app.
    App,
    /// Somebody who signed in.
    SignedIn,
    /// A service app of Webex.
    ServiceApp,
}

/// The members of an error that matter, as RFC 6749 and Microsoft have them.
#[derive(Deserialize, Default)]
struct Said {
    #[serde(default)]
    error: serde_json::Value,
    #[serde(default)]
    error_description: serde_json::Value,
    #[serde(default)]
    error_codes: Vec<u32>,
    /// Webex's own form, which has no `error`.
    #[serde(default)]
    message: serde_json::Value,
    #[serde(default)]
    errors: Vec<Description>,
}

/// One of Webex's errors.
#[derive(Deserialize, Default)]
struct Description {
    #[serde(default)]
    description: serde_json::Value,
}

impl Said {
    /// The word of RFC 6749 for an error in Webex's own form, by what its texts speak of; `None`: it is in none of these forms.
    fn word(&self) -> Option<&str> {
        if let Some(word) = self.error.as_str() {
            return Some(word);
        }
        let texts = self.errors.iter().map(|error| &error.description).chain([&self.message, &self.error_description]);
        let says: String = texts.filter_map(|text| text.as_str()).flat_map(|text| [text, " "]).collect();
        let says = says.to_ascii_lowercase();
        let known = [("scope", "invalid_scope"), ("grant", "invalid_grant"), ("refresh token", "invalid_grant")];
        let client = [("client", "invalid_client")];
        known.iter().chain(&client).find(|(text, _)| says.contains(text)).map(|(_, word)| *word)
    }
}

/// Why `heard` brings no token.
pub(super) fn read(heard: &Heard, asked: Asked, account: &Account<'_>, now: Timestamp) -> TokenError {
    let status = heard.status.as_u16();
    if matches!(status, 429 | 503) {
        return TokenError::Throttled { status, retry_after: retry_after(&heard.headers, now) };
    }
    if status >= 500 {
        return TokenError::OutOfOrder(status);
    }
    let Ok(said) = serde_json::from_slice::<Said>(&heard.body) else { return TokenError::NotAToken(status) };
    let ahead = server_date(&account.token_url, &heard.headers).map(|date| date.duration_since(now));
    let number = said.error_codes.first().copied();
    let verdict = match (number, said.word()) {
        (Some(number), _) => microsoft(number, asked),
        (None, Some(word)) => words(word, said.error_description.as_str().unwrap_or_default(), asked),
        (None, None) => return TokenError::NotAToken(status),
    };
    let code = match number {
        Some(number) => format!("AADSTS{number}"),
        None => said.word().map(plain).unwrap_or_default(),
    };
    match (verdict, ahead) {
        (Verdict::Clock | Verdict::Statement(_), Some(ahead)) if ahead.abs() > SKEW_MAX => {
            TokenError::ClockSkew { ahead }
        }
        (Verdict::Clock, _) => TokenError::Refused { refusal: Refusal::Other, code },
        (Verdict::Statement(refusal) | Verdict::Refused(refusal), _) => TokenError::Refused { refusal, code },
        (Verdict::SignInEnded, _) => TokenError::SignInNeeded(SignInFault::Revoked, account.holder.name().to_string()),
        (Verdict::Passing, _) => TokenError::OutOfOrder(status),
        (Verdict::TooMany, _) => TokenError::Throttled { status, retry_after: retry_after(&heard.headers, now) },
    }
}

/// What a code or a word says.
enum Verdict {
    /// A person must act.
    Refused(Refusal),
    /// The same, unless the clocks differ.
    Statement(Refusal),
    /// The statement's times do not fit.
    Clock,
    /// The refresh token is no good any more.
    SignInEnded,
    /// It passes.
    Passing,
    /// Too many requests.
    TooMany,
}

fn microsoft(number: u32, asked: Asked) -> Verdict {
    Verdict::Refused(match number {
        7_000_215 | 7_000_216 => Refusal::WrongSecret,
        7_000_222 => Refusal::SecretExpired,
        700_016 | 90_013 => Refusal::UnknownApp,
        7_000_112 => Refusal::AppDisabled,
        90_002 | 900_023 | 900_971 => Refusal::UnknownTenant,
        700_027 | 700_023 | 700_021 => return Verdict::Statement(Refusal::WrongCertificate),
        700_024 => return Verdict::Clock,
        65_001 | 90_094 => Refusal::ConsentMissing,
        53_000..=53_011 | 50_105 => Refusal::Blocked,
        70_011 | 500_011 | 1_002_012 => Refusal::Scope,
        50_196 | 90_024 => return Verdict::TooMany,
        90_006 | 90_033 | 50_000 | 50_088 => return Verdict::Passing,
        50_173 | 50_055 | 50_144 | 50_076 | 50_078 | 50_079 | 50_089 | 50_133 | 50_057 | 70_000 | 70_008 | 700_082
        | 700_084
            if asked == Asked::SignedIn =>
        {
            return Verdict::SignInEnded;
        }
        _ => Refusal::Other,
    })
}

fn words(word: &str, description: &str, asked: Asked) -> Verdict {
    let says = |text: &str| description.to_ascii_lowercase().contains(text);
    match (word, asked) {
        ("invalid_grant", Asked::SignedIn) => Verdict::SignInEnded,
        ("invalid_grant", Asked::ServiceApp) => Verdict::Refused(Refusal::RefreshToken),
        ("invalid_grant", _) if says("timeframe") || says("iat") && says("exp") => Verdict::Clock,
        ("invalid_grant", _) if says("account not found") => Verdict::Statement(Refusal::UnknownAccount),
        ("invalid_grant", _) => Verdict::Statement(Refusal::WrongKey),
        ("invalid_client", Asked::ServiceAccount) => Verdict::Refused(Refusal::UnknownAccount),
        ("invalid_client", _) if says("not found") => Verdict::Refused(Refusal::UnknownApp),
        ("invalid_client", _) => Verdict::Refused(Refusal::WrongSecret),
        ("deleted_client", _) => Verdict::Refused(Refusal::UnknownApp),
        ("disabled_client", _) => Verdict::Refused(Refusal::AppDisabled),
        ("unauthorized_client", _) => Verdict::Refused(Refusal::NotAuthorized),
        ("access_denied" | "consent_required", _) => Verdict::Refused(Refusal::ConsentMissing),
        ("admin_policy_enforced" | "org_internal", _) => Verdict::Refused(Refusal::Blocked),
        ("invalid_scope" | "invalid_target", _) => Verdict::Refused(Refusal::Scope),
        ("temporarily_unavailable" | "server_error" | "internal_failure", _) => Verdict::Passing,
        ("rate_limit_exceeded" | "slow_down", _) => Verdict::TooMany,
        _ => Verdict::Refused(Refusal::Other),
    }
}

/// A code from outside, as far as it is one.
pub(super) fn plain(word: &str) -> String {
    let is_code = !word.is_empty() && word.len() <= 40 && word.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'_'));
    if is_code { word.to_owned() } else { "unknown code".to_owned() }
}
