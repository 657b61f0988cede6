//! Who asks, by the HTTP headers of a request: a password or a token in; an account, or the 401 of Exchange's web servers, out.
//!
//! NTLM belongs to a connection: [`windows`](super::windows) looks at it before.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

use super::org::{Account, Counts, Offered, Org};
use crate::http::{HeaderMap, HeaderValue, header};
use crate::sim::Bearers;

/// Somebody is not signed in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum NotSignedIn {
    /// Nothing was presented that could be looked at.
    Unasked,
    /// It was looked at, and is no good.
    Wrong,
}

impl Org {
    /// The account that signs in, in lower case.
    pub(super) fn account_of(
        &mut self,
        headers: &HeaderMap,
        bearers: &Bearers,
        now: Timestamp,
        locks_after: Option<u32>,
    ) -> Result<String, NotSignedIn> {
        let presented = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let (scheme, rest) = presented.and_then(|text| text.split_once(' ')).ok_or(NotSignedIn::Unasked)?;
        if scheme.eq_ignore_ascii_case("Bearer") && self.offered.bearer {
            let account = bearers(rest.trim(), now).ok_or(NotSignedIn::Wrong)?.to_lowercase();
            return if self.accounts.contains_key(&account) { Ok(account) } else { Err(NotSignedIn::Wrong) };
        }
        if !scheme.eq_ignore_ascii_case("Basic") || !self.offered.basic {
            return Err(NotSignedIn::Unasked);
        }
        let decoded = STANDARD.decode(rest.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let (name, password) = decoded.as_deref().and_then(|text| text.split_once(':')).ok_or(NotSignedIn::Wrong)?;
        let name = name.to_lowercase();
        let account = self.accounts.get_mut(&name).ok_or(NotSignedIn::Wrong)?;
        let is_right = account.password.as_deref() == Some(password);
        if account.take_password(is_right, locks_after) { Ok(name) } else { Err(NotSignedIn::Wrong) }
    }

    /// The account that Windows knows by this name: `user@domain` goes as the user alone, and so may whoever is of the servers' own domain.
    pub(super) fn account_called(&self, user: &str, domain: &str) -> Option<String> {
        let (user, domain) = (user.to_lowercase(), domain.to_lowercase());
        let written = [format!("{domain}\\{user}"), user.clone()];
        let known = written.into_iter().find(|name| self.accounts.contains_key(name));
        let at = format!("{user}@");
        known.or_else(|| self.accounts.keys().find(|name| name.starts_with(&at)).cloned())
    }
}

impl Account {
    /// Whether somebody may come in whose password is right, or is not. Wrong ones are counted, and lock it.
    pub(super) fn take_password(&mut self, is_right: bool, locks_after: Option<u32>) -> bool {
        if !is_right {
            self.wrong += 1;
            self.wrong_in_a_row += 1;
            self.locked |= locks_after.is_some_and(|most| self.wrong_in_a_row >= most);
            return false;
        }
        if self.locked || self.expired {
            return false;
        }
        self.wrong_in_a_row = 0;
        true
    }
}

impl Counts {
    pub(super) fn refuse(&mut self, why: NotSignedIn) {
        self.unauthorized += 1;
        self.wrong_credentials += u64::from(why == NotSignedIn::Wrong);
    }
}

/// The headers of a 401. See <https://learn.microsoft.com/exchange/client-developer/exchange-web-services/authentication-and-ews-in-exchange>.
pub(super) fn challenges(offered: Offered, host: &str) -> HeaderMap {
    let bearer = "Bearer client_id=\"00000002-0000-0ff1-ce00-000000000000\", trusted_issuers=\"00000001-0000-0000-c000-000000000000@*\", \
                  token_types=\"app_asserted_user_v1 service_asserted_app_v1\", \
                  authorization_uri=\"https://login.windows.net/common/oauth2/authorize\"";
    let basic = format!("Basic realm=\"{host}\"");
    let Offered { bearer: by_token, windows, basic: by_password } = offered;
    let all = [(bearer, by_token), ("Negotiate", windows), ("NTLM", windows), (&basic, by_password)];
    offering(&all.iter().filter(|(_, is_offered)| *is_offered).map(|(challenge, _)| *challenge).collect::<Vec<_>>())
}

/// These challenges, a header each.
pub(super) fn offering(challenges: &[&str]) -> HeaderMap {
    let values = challenges.iter().filter_map(|challenge| HeaderValue::from_str(challenge).ok());
    let mut headers = HeaderMap::new();
    headers.extend(values.map(|value| (header::WWW_AUTHENTICATE, value)));
    headers
}
