//! Why an Exchange server does not let us in, as a closed set, each with what to do about it. Nothing here quotes what a server wrote.

use crate::auth::ntlm::NtlmError;
use crate::http::{HttpError, Response};
use crate::model::failure::chain;
use crate::model::{Failure, Scope};
use crate::oauth::TokenError;
use crate::oauth::password::{PasswordError, PasswordFault};

/// Why there is no answer of a server that we are signed in to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// No complete answer.
    #[error("the Exchange server cannot be reached")]
    Unreachable(#[source] HttpError),
    /// There is no token.
    #[error("no token")]
    Token(#[source] TokenError),
    /// The password is not to be sent now, or was not taken.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// The secret cannot be read.
    #[error("a secret is missing: {0}")]
    SecretMissing(String),
    /// The host is none that the documents trust.
    #[error("{0} is not given our credentials; where it is a server of yours, name its domain in autodiscoverTrust")]
    Untrusted(String),
    /// Plain http.
    #[error("{0} is asked for without TLS, and credentials go over https alone; write https")]
    WithoutTls(String),
    /// The server takes other ways of signing in.
    #[error("the server does not take {wanted}, but {offered}; {}", advice(offered))]
    NotOffered {
        /// What the documents want.
        wanted: &'static str,
        /// What the server named, of those that are known.
        offered: Offers,
    },
    /// A challenge that cannot be answered.
    #[error(transparent)]
    Ntlm(#[from] NtlmError),
    /// A fresh token is refused as well.
    #[error(
        "the server does not take our token (HTTP 401); check the app's permission (full_access_as_app, or EWS.AccessAsUser.All of the account) and that tokenUrl is of the mailboxes' tenant"
    )]
    TokenRefused,
    /// 403.
    #[error(
        "the server lets nobody in through EWS (HTTP 403): it is switched off for the organization or the account (EwsEnabled, EwsApplicationAccessPolicy), or a rule in front of it forbids this node"
    )]
    Disabled,
}

impl EntryError {
    /// The reason of conditions, and the outcome in metrics; a closed set.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => "CalendarUnreadable",
            Self::Token(error) => error.label(),
            Self::Password(error) => error.label(),
            Self::SecretMissing(_) => "SecretMissing",
            Self::Disabled => "NoPermission",
            Self::Untrusted(_) | Self::WithoutTls(_) | Self::NotOffered { .. } | Self::Ntlm(_) | Self::TokenRefused => {
                "CredentialsRefused"
            }
        }
    }
}

impl From<EntryError> for Failure {
    fn from(error: EntryError) -> Self {
        let (label, message) = (error.label(), chain(&error));
        match error {
            EntryError::Token(error) => error.into(),
            EntryError::Password(error) => error.into(),
            EntryError::Unreachable(cause) => {
                // One slow or large answer says nothing about the others; a host without connection does.
                let of_one = matches!(cause, HttpError::Deadline | HttpError::TooLarge(_) | HttpError::Protocol(_));
                let scope = if of_one { Scope::Object } else { Scope::Integration };
                let made = if cause.needs_a_person() { Self::fix } else { Self::retry };
                made(label, message).about(scope)
            }
            _ => Self::fix(label, message).about(Scope::Account),
        }
    }
}

/// The ways of signing in that a server names in `WWW-Authenticate`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Offers {
    /// Basic.
    pub basic: bool,
    /// NTLM.
    pub ntlm: bool,
    /// NTLM or Kerberos.
    pub negotiate: bool,
    /// OAuth.
    pub bearer: bool,
}

impl Offers {
    /// What `answer` names. Of a line with several, only the first word of each is looked at.
    #[must_use]
    pub fn of<'a>(lines: impl IntoIterator<Item = &'a str>) -> Self {
        let mut offers = Self::default();
        // Words inside of a challenge's parameters are no schemes: they stand behind `=`, or in quotes.
        for part in lines.into_iter().flat_map(|line| line.split(',')) {
            match part.split_whitespace().next().unwrap_or_default().to_ascii_lowercase().as_str() {
                "basic" => offers.basic = true,
                "ntlm" => offers.ntlm = true,
                "negotiate" => offers.negotiate = true,
                "bearer" => offers.bearer = true,
                _ => {}
            }
        }
        offers
    }
}

impl std::fmt::Display for Offers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { basic, ntlm, negotiate, bearer } = *self;
        let all = [("Basic", basic), ("NTLM", ntlm), ("Negotiate", negotiate), ("Bearer", bearer)];
        let named: Vec<&str> = all.into_iter().filter_map(|(name, is)| is.then_some(name)).collect();
        if named.is_empty() { f.write_str("nothing that is known") } else { f.write_str(&named.join(" and ")) }
    }
}

fn advice(offered: &Offers) -> &'static str {
    match offered {
        Offers { ntlm: true, .. } | Offers { negotiate: true, .. } => "write `ntlm` in place of the other",
        Offers { basic: true, .. } => "write `basic` in place of the other, or switch Windows authentication on there",
        Offers { bearer: true, .. } => "write `oauth` or `appOnly` in place of the other",
        _ => "check the URL, and what stands in front of the server",
    }
}

/// Longest part of a refusal that is looked into.
const LOOKED_INTO: usize = 64 << 10;

/// Codes of Windows in the details that IIS can be told to give, and of Entra: NTSTATUS and Win32 of the same meaning.
/// See <https://learn.microsoft.com/windows/win32/debug/system-error-codes> and MS-ERREF 2.3.1.
const CODES: &[(PasswordFault, &[&str])] = &[
    (PasswordFault::Expired, &["0x80070532", "0xc0000071", "0x80070773", "0xc0000224", "aadsts50055"]),
    (PasswordFault::Locked, &["0x80070775", "0xc0000234", "aadsts50053"]),
    (PasswordFault::Disabled, &["0x80070533", "0xc0000072", "0x80070701", "0xc0000193", "aadsts50057"]),
];

/// What a refusal says is wrong with a password. Most say nothing.
pub(super) fn fault(refusal: &Response) -> PasswordFault {
    let text = String::from_utf8_lossy(&refusal.body[..refusal.body.len().min(LOOKED_INTO)]).to_ascii_lowercase();
    let found = CODES.iter().find(|(_, codes)| codes.iter().any(|code| text.contains(code)));
    found.map_or(PasswordFault::Wrong, |(fault, _)| *fault)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offers_are_found_in_one_line_and_in_many() {
        for (lines, expected) in [
            (&["NTLM", "Negotiate", "Basic realm=\"mail, Basic\""][..], "Basic and NTLM and Negotiate"),
            (&["Bearer client_id=\"x\", trusted_issuers=\"y@*\", Basic realm=\"\""], "Basic and Bearer"),
            (&["Digest realm=\"x\""], "nothing that is known"),
            (&[], "nothing that is known"),
        ] {
            assert_eq!(Offers::of(lines.iter().copied()).to_string(), expected);
        }
    }
}
