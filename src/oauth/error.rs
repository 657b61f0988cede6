//! Why there is no token, as a closed set, each with what to do about it. Nothing here quotes what a server wrote.

use std::time::Duration;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::http::HttpError;
use crate::model::failure::chain;
use crate::model::{Failure, Scope};

/// Why there is no token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The secret it is made with cannot be read.
    #[error("a secret is missing: {0}")]
    SecretMissing(String),
    /// The secret it is made with is there, and cannot be used.
    #[error("the private key cannot be used: {0}")]
    Key(#[from] KeyFault),
    /// The token service does not take our credentials.
    #[error("the sign-in service refuses our credentials ({code}): {}", .refusal.remedy())]
    Refused {
        /// What is wrong with them.
        refusal: Refusal,
        /// The service's own name of it, to search for: `AADSTS7000222`, `invalid_grant`.
        code: String,
    },
    /// Our clock, or theirs.
    #[error("{}", skewed(*.ahead))]
    ClockSkew {
        /// How far their clock is ahead of ours.
        ahead: SignedDuration,
    },
    /// A person must sign in.
    #[error("{0}; run `otj auth {1}`")]
    SignInNeeded(SignInFault, String),
    /// No complete answer came.
    #[error("the sign-in service cannot be reached")]
    Unreachable(#[source] HttpError),
    /// The service is in trouble.
    #[error("the sign-in service is out of order (HTTP {0})")]
    OutOfOrder(u16),
    /// The service asks to be left alone.
    #[error("the sign-in service is throttling us (HTTP {status})")]
    Throttled {
        /// The status.
        status: u16,
        /// What it asked for.
        retry_after: Option<Duration>,
    },
    /// Something else than a token service answered.
    #[error(
        "what answers at tokenUrl is no token service (HTTP {0}); check tokenUrl, and whether a proxy or a portal answers"
    )]
    NotAToken(u16),
    /// The URL in the documents.
    #[error("{0} is not a URL")]
    NotAUrl(&'static str),
    /// What came could not be kept.
    #[error("a new refresh token cannot be stored: {0}")]
    Store(String),
    /// This kind of integration has no tokens.
    #[error("sign-in of this kind is not in effect yet for a {0}")]
    NotInEffect(&'static str),
}

/// What is wrong with a private key or its certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyFault {
    /// No PEM in it, and no JSON key.
    #[error("it is neither a PEM private key nor a JSON key as downloaded")]
    NotAKey,
    /// Encrypted PEM.
    #[error("it is encrypted; write it without a passphrase, `openssl pkey -in KEY`")]
    Encrypted,
    /// Not RSA.
    #[error("it is no RSA key; Google and Microsoft want RSA")]
    NotRsa,
    /// RSA, and not usable.
    #[error("it is no valid RSA key of 2048 to 4096 bits")]
    Unfit,
    /// The JSON key of somebody else.
    #[error("it is the JSON key of another service account than `email` says")]
    OtherAccount,
    /// No PEM certificate.
    #[error("its certificate is no PEM certificate")]
    Certificate,
}

/// What a service finds wrong with credentials. A person must act on each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refusal {
    /// The client secret.
    WrongSecret,
    /// Its time is over.
    SecretExpired,
    /// The app registration or OAuth client.
    UnknownApp,
    /// The app registration or OAuth client is switched off.
    AppDisabled,
    /// The tenant in the URL.
    UnknownTenant,
    /// The certificate, or the signature made with its key.
    WrongCertificate,
    /// The key of a service account.
    WrongKey,
    /// The refresh token of a service app.
    RefreshToken,
    /// The token of a bot.
    BotToken,
    /// The service account.
    UnknownAccount,
    /// Domain-wide delegation, or what the client may do at all.
    NotAuthorized,
    /// What was asked for.
    Scope,
    /// Nobody agreed.
    ConsentMissing,
    /// A rule of the organization.
    Blocked,
    /// Something else.
    Other,
}

impl Refusal {
    /// What to do.
    #[must_use]
    pub fn remedy(self) -> &'static str {
        match self {
            Self::WrongSecret => "the client secret is wrong; give the secret's value, not its id",
            Self::SecretExpired => {
                "the client secret has expired; make a new one in the app registration and replace it"
            }
            Self::UnknownApp => "there is no such app; check clientId, and that tokenUrl is of the app's own tenant",
            Self::AppDisabled => "the app is switched off; an administrator must switch it on",
            Self::UnknownTenant => "there is no such tenant; check the tenant in tokenUrl",
            Self::WrongCertificate => {
                "the certificate or its key is not the app's; add this certificate to the app registration"
            }
            Self::WrongKey => {
                "the private key is not, or no longer, a key of this service account; make a new one and replace it"
            }
            Self::UnknownAccount => {
                "there is no such service account; check email, and that the account was not deleted"
            }
            Self::RefreshToken => {
                "the refresh token of the service app was revoked or has expired; authorize the app again in Control Hub and replace refreshToken"
            }
            Self::BotToken => {
                "the bot's token is no good, or no longer; make a new one at developer.webex.com and replace botToken"
            }
            Self::NotAuthorized => {
                "the client may not ask for this; check domain-wide delegation for the scopes of otj, and the kind of the client"
            }
            Self::Scope => "the permission that was asked for does not exist there; check tokenUrl, and graphFqdn",
            Self::ConsentMissing => {
                "nobody granted the permission; an administrator must grant consent, for Graph to Calendars.Read"
            }
            Self::Blocked => "a rule of the organization forbids it; let an administrator look into the sign-in log",
            Self::Other => "look the code up; the sign-in log of the organization may tell more",
        }
    }
}

/// Why somebody must sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum SignInFault {
    /// Nobody did yet.
    #[error("nobody has signed in yet")]
    Never,
    /// The stored sign-in is for something else.
    #[error("the stored sign-in was made for another account, client or URL than the documents name")]
    Changed,
    /// The service took it back.
    #[error("the sign-in was revoked or has expired")]
    Revoked,
}

impl TokenError {
    /// The reason of conditions, and the outcome in metrics; a closed set.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::SecretMissing(_) => "SecretMissing",
            Self::Key(_) | Self::Refused { .. } => "CredentialsRefused",
            Self::ClockSkew { .. } => "ClockSkew",
            Self::SignInNeeded(..) => "SignInNeeded",
            Self::Unreachable(_) | Self::OutOfOrder(_) | Self::NotAToken(_) | Self::NotAUrl(_) => "SignInUnreachable",
            Self::Throttled { .. } => "Throttled",
            Self::Store(_) => "StoreUnavailable",
            Self::NotInEffect(_) => "NotInEffect",
        }
    }

    /// Whom it is about: a service that does not answer answers none of the accounts.
    #[must_use]
    pub fn scope(&self) -> Scope {
        match self {
            Self::Unreachable(_)
            | Self::OutOfOrder(_)
            | Self::NotAToken(_)
            | Self::NotAUrl(_)
            | Self::ClockSkew { .. }
            | Self::NotInEffect(_) => Scope::Integration,
            Self::SecretMissing(_)
            | Self::Key(_)
            | Self::Refused { .. }
            | Self::SignInNeeded(..)
            | Self::Throttled { .. }
            | Self::Store(_) => Scope::Account,
        }
    }

    /// Whether it may pass by itself.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable(error) => !error.needs_a_person(),
            Self::OutOfOrder(_)
            | Self::NotAToken(_)
            | Self::Throttled { .. }
            | Self::Store(_)
            | Self::ClockSkew { .. } => true,
            Self::SecretMissing(_)
            | Self::Key(_)
            | Self::Refused { .. }
            | Self::SignInNeeded(..)
            | Self::NotAUrl(_)
            | Self::NotInEffect(_) => false,
        }
    }
}

impl From<TokenError> for Failure {
    fn from(error: TokenError) -> Self {
        let (label, scope, message) = (error.label(), error.scope(), chain(&error));
        let failure = if error.may_pass() { Self::retry(label, message) } else { Self::fix(label, message) };
        let retry_after = match error {
            TokenError::Throttled { retry_after, .. } => retry_after,
            _ => None,
        };
        Self { retry_after, ..failure.about(scope) }
    }
}

fn skewed(ahead: SignedDuration) -> String {
    let direction = if ahead.is_negative() { "ahead of" } else { "behind" };
    let ahead = ahead.unsigned_abs();
    let minutes = (ahead.as_secs() + 30) / 60;
    format!("our clock is {minutes} min {direction} that of the sign-in service; set the time of this machine")
}
