//! An `Authorization` header → an account. Pure: the time is given.
//!
//! | header                                   | account has | verdict   |
//! |------------------------------------------|-------------|-----------|
//! | none, or of a scheme that is not offered | –           | Unknown   |
//! | right                                    | a secret    | Granted   |
//! | right, with a nonce to be replaced       | a secret    | Stale     |
//! | any                                      | no secret   | NoSecret  |
//! | wrong                                    | a secret    | Refused   |
//! | any                                      | no account  | Nobody    |
//!
//! The last three get the same answer after the same work. Names are compared exactly; `DOMAIN\name` and `name@domain` mean `name`.

use jiff::Timestamp;
use subtle::ConstantTimeEq as _;

use super::{PolyAuth, Scheme};
use crate::auth::basic;
use crate::auth::digest::server::{Claim, NonceKey, REALM, Verdict, challenge};
use crate::model::published::{Account, Accounts};
use crate::model::{Digest, Secret, SecretValue};

/// What became of a login.
pub(super) enum Login {
    /// Nobody claimed to be anybody.
    Unclaimed,
    /// This is the one.
    Granted(Account, Scheme),
    /// This is the one, after one more round.
    Stale(Scheme),
    /// Not so.
    Failed {
        /// How.
        scheme: Scheme,
        /// The account that was meant; `None`: there is none.
        account: Option<Account>,
        /// Whether it cannot log in at all.
        no_secret: bool,
        /// Digest of the name that was claimed, for pacing.
        name: Digest,
    },
}

/// Everything a login depends on.
pub(super) struct Desk<'a> {
    pub(super) auth: &'a PolyAuth,
    pub(super) accounts: &'a Accounts,
    pub(super) key: &'a NonceKey,
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    pub(super) now: Timestamp,
}

impl Desk<'_> {
    /// Checks a header.
    pub(super) fn check(&self, header: Option<&str>) -> Login {
        let Some(header) = header else { return Login::Unclaimed };
        if self.offers(Scheme::Digest)
            && let Some(claim) = Claim::parse(header)
        {
            return self.check_digest(&claim);
        }
        if self.offers(Scheme::Basic)
            && let Some((user, password)) = basic::parse(header)
        {
            return self.check_basic(&user, &password);
        }
        Login::Unclaimed
    }

    fn offers(&self, scheme: Scheme) -> bool {
        self.auth.schemes.contains(&scheme)
    }

    fn check_digest(&self, claim: &Claim) -> Login {
        let account = claim.users().iter().find_map(|user| self.account(user));
        let (secret, no_secret) = password_of(account);
        let verdict = claim.verify(self.key, &secret, self.method, self.path, self.now);
        match (account, verdict) {
            (Some(account), Verdict::Granted) if !no_secret => Login::Granted(account.clone(), Scheme::Digest),
            (Some(_), Verdict::Stale) if !no_secret => Login::Stale(Scheme::Digest),
            _ => failed(Scheme::Digest, account, no_secret, &claim.users()[0]),
        }
    }

    fn check_basic(&self, user: &str, password: &str) -> Login {
        let account = self.account(user);
        let (secret, no_secret) = password_of(account);
        // Digests have one length, so the comparison tells nothing about that of the password.
        let [given, wanted] = [password, secret.expose()].map(|text| Digest::of([text.as_bytes()]));
        let same = bool::from(given.0.ct_eq(&wanted.0));
        match account {
            Some(account) if same && !no_secret => Login::Granted(account.clone(), Scheme::Basic),
            account => failed(Scheme::Basic, account, no_secret, user),
        }
    }

    fn account(&self, user: &str) -> Option<&Account> {
        let bare = user.rsplit_once('\\').map(|(_, bare)| bare);
        let local = user.rsplit_once('@').map(|(local, _)| local);
        [Some(user), bare, local]
            .into_iter()
            .flatten()
            .find_map(|form| self.accounts.0.get(&form.to_lowercase()).filter(|account| account.poly.username == form))
    }

    /// The `WWW-Authenticate` headers, in the order of preference.
    pub(super) fn challenges(&self, stale: bool) -> Vec<String> {
        self.auth
            .schemes
            .iter()
            .map(|scheme| match scheme {
                Scheme::Digest => challenge(self.key, self.now, stale),
                Scheme::Basic => format!("Basic realm=\"{REALM}\""),
            })
            .collect()
    }
}

/// The account's password, or one that nobody knows, so that unknown names cost the same; and whether the account has none.
fn password_of(account: Option<&Account>) -> (Secret, bool) {
    match account.map(|account| &account.poly.password) {
        Some(SecretValue::Known(secret)) if !secret.expose().is_empty() => (secret.clone(), false),
        Some(_) => (Secret::new("no password".into()), true),
        None => (Secret::new("no account".into()), false),
    }
}

fn failed(scheme: Scheme, account: Option<&Account>, no_secret: bool, user: &str) -> Login {
    Login::Failed { scheme, account: account.cloned(), no_secret, name: Digest::of([user.to_lowercase().as_bytes()]) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use super::*;
    use crate::model::device::{PolyEmit, PolyModel};
    use crate::model::published::Cell;
    use crate::model::{EndpointName, PolySpec, RoomEmail};

    fn accounts() -> Accounts {
        let account = |name: &str, password: SecretValue| Account {
            endpoint: EndpointName::parse(name).unwrap(),
            room: RoomEmail::parse("room@example.com").unwrap(),
            poly: PolySpec { username: name.into(), password, model: PolyModel::Auto, emit: PolyEmit::default() },
            time_zone: "UTC".into(),
            cell: Cell::default(),
        };
        let known = |text: &str| SecretValue::Known(Secret::new(text.into()));
        Accounts(Arc::new(BTreeMap::from([
            ("fjord".into(), account("Fjord", known("right"))),
            ("vik".into(), account("vik", SecretValue::Missing("env:VIK is not set".into()))),
            ("ås".into(), account("ås", known(""))),
        ])))
    }

    fn outcome(schemes: &[Scheme], user: &str, password: &str) -> &'static str {
        let (auth, accounts) = (PolyAuth { schemes: schemes.to_vec() }, accounts());
        let key = NonceKey::new([1; 32]);
        let now = Timestamp::UNIX_EPOCH;
        let desk = Desk { auth: &auth, accounts: &accounts, key: &key, method: "POST", path: "/", now };
        match desk.check(Some(&basic::header(user, password))) {
            Login::Unclaimed => "unclaimed",
            Login::Granted(account, Scheme::Basic) if account.endpoint.as_str() == "Fjord" => "granted",
            Login::Granted(..) | Login::Stale(_) => "wrong",
            Login::Failed { account: None, .. } => "nobody",
            Login::Failed { no_secret: true, .. } => "no secret",
            Login::Failed { .. } => "refused",
        }
    }

    #[test]
    fn a_login_is_granted_in_its_forms_and_an_account_without_secret_never() {
        for (user, password, wanted) in [
            ("Fjord", "right", "granted"),
            (r"CORP\Fjord", "right", "granted"),
            ("Fjord@example.com", "right", "granted"),
            ("Fjord", "wrong", "refused"),
            ("Fjord", "", "refused"),
            ("fjord", "right", "nobody"),
            ("", "", "nobody"),
            ("other", "no account", "nobody"),
            ("vik", "no password", "no secret"),
            ("vik", "", "no secret"),
            ("ås", "", "no secret"),
        ] {
            assert_eq!(outcome(&[Scheme::Digest, Scheme::Basic], user, password), wanted, "{user} {password}");
            assert_eq!(outcome(&[Scheme::Digest], user, password), "unclaimed", "Basic is not offered");
        }
    }
}
