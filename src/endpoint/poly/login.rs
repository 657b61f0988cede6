//! An `Authorization` header, and what its connection remembers → an account. Pure: time and random bytes are given.
//!
//! | header                                   | connection         | account has | verdict    |
//! |------------------------------------------|--------------------|-------------|------------|
//! | none, or of a scheme that is not offered | –                  | –           | Unclaimed  |
//! | none                                     | signed in by NTLM  | the secret it signed in with | Granted |
//! | NTLM, first message                      | any                | –           | Challenged: what was before is forgotten |
//! | NTLM, third message                      | challenged         | a secret    | as below   |
//! | NTLM                                     | not challenged, or shared by a proxy | – | Odd, Shared |
//! | right                                    | –                  | a secret    | Granted    |
//! | right, with a nonce to be replaced       | –                  | a secret    | Stale      |
//! | any                                      | –                  | no secret   | Failed     |
//! | wrong                                    | –                  | a secret    | Failed     |
//! | any                                      | –                  | no account  | Failed     |
//!
//! The last three get the same answer after the same work. Digest and Basic compare names exactly, NTLM ignores case as Windows does;
//! `DOMAIN\name` and `name@domain` mean `name`.

use std::time::Duration;

use jiff::Timestamp;
use subtle::ConstantTimeEq as _;

use super::{PolyAuth, Scheme};
use crate::auth::basic;
use crate::auth::digest::server::{Claim, NonceKey, REALM, Verdict, challenge, challenge_sha256};
use crate::auth::ntlm::{binding, server as ntlm};
use crate::model::published::{Account, Accounts};
use crate::model::trace::Traced;
use crate::model::{Digest, EndpointName, Mono, Secret, SecretValue};

/// How long a connection has to answer its NTLM challenge.
const CHALLENGE_LIFETIME: Duration = Duration::from_secs(60);
/// Handshakes that may begin on a connection before one succeeds.
const HANDSHAKES_MAX: u32 = 16;

/// What became of a login.
pub(super) enum Login {
    /// Nobody claimed to be anybody.
    Unclaimed,
    /// This is the one; and whether that was said with this request, not on its connection before.
    Granted(Account, Scheme, bool),
    /// This is the one, after one more round.
    Stale(Scheme),
    /// The one header that goes back; the rest of an NTLM handshake is to come.
    Challenged(String),
    /// An NTLM message that nobody waits for.
    Odd,
    /// NTLM over a connection that others may share.
    Shared,
    /// Not so.
    Failed {
        /// How.
        scheme: Scheme,
        /// The account that was meant; `None`: there is none.
        account: Option<Account>,
        /// Why, from a closed set.
        reason: &'static str,
        /// Digest of the name that was claimed, for pacing.
        name: Digest,
    },
}

/// Where a connection is in its NTLM sign-in.
#[derive(Debug, Default)]
pub(super) struct Bound {
    stage: Stage,
    /// Handshakes that began since the last one that succeeded.
    begun: u32,
    /// What was recorded before it was known whose connection it is.
    pub(super) pending: Vec<Traced>,
}

#[derive(Debug, Default)]
enum Stage {
    #[default]
    Fresh,
    Challenged(ntlm::Challenge, Mono),
    /// Everything on this connection is this endpoint's, as long as its login is what it was.
    SignedIn {
        login: String,
        endpoint: EndpointName,
        password: SecretValue,
    },
}

impl Bound {
    /// Whether the connection is to be closed: it tries and tries.
    pub(super) fn is_spent(&self) -> bool {
        self.begun > HANDSHAKES_MAX
    }
}

/// Everything a login depends on.
pub(super) struct Desk<'a> {
    pub(super) auth: &'a PolyAuth,
    pub(super) accounts: &'a Accounts,
    pub(super) key: &'a NonceKey,
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    pub(super) now: Timestamp,
    pub(super) mono: Mono,
    /// For a challenge; never the same twice.
    pub(super) random: [u8; 8],
    /// Whether the connection may carry requests of several, so that nothing may be bound to it.
    pub(super) shared: bool,
    /// The certificate of the connection, DER.
    pub(super) certificate: Option<&'a [u8]>,
}

impl Desk<'_> {
    /// Checks a header, on a connection that is `bound`.
    pub(super) fn check(&self, header: Option<&str>, bound: &mut Bound) -> Login {
        let Some(header) = header else { return self.check_bound(bound) };
        if (self.offers(Scheme::Digest) || self.offers(Scheme::DigestSha256))
            && let Some(claim) = Claim::parse(header)
        {
            return self.check_digest(&claim);
        }
        if self.offers(Scheme::Basic)
            && let Some((user, password)) = basic::parse(header)
        {
            return self.check_basic(&user, &password);
        }
        if self.offers(Scheme::Ntlm)
            && let Some((scheme, token)) = header.trim_start().split_once(' ')
            && let Some(scheme) = ["NTLM", "Negotiate"].iter().find(|known| known.eq_ignore_ascii_case(scheme))
        {
            return if self.shared { Login::Shared } else { self.check_ntlm(scheme, token, bound) };
        }
        Login::Unclaimed
    }

    fn offers(&self, scheme: Scheme) -> bool {
        self.auth.schemes.contains(&scheme)
    }

    /// A request that says nothing is that of whoever signed in on its connection.
    fn check_bound(&self, bound: &Bound) -> Login {
        let Stage::SignedIn { login, endpoint, password } = &bound.stage else { return Login::Unclaimed };
        let same = |account: &&Account| account.endpoint == *endpoint && account.poly.password == *password;
        match self.accounts.0.get(login).filter(same) {
            Some(account) if !self.shared && self.offers(Scheme::Ntlm) => {
                Login::Granted(account.clone(), Scheme::Ntlm, false)
            }
            _ => Login::Unclaimed,
        }
    }

    fn check_ntlm(&self, scheme: &str, token: &str, bound: &mut Bound) -> Login {
        let before = std::mem::take(&mut bound.stage);
        match (ntlm::Sent::read(token), before) {
            (Some(ntlm::Sent::Negotiate(message)), _) => {
                bound.begun += 1;
                let challenge = ntlm::Challenge::new(message, self.random, self.now);
                let header = format!("{scheme} {}", challenge.token());
                bound.stage = Stage::Challenged(challenge, self.mono);
                Login::Challenged(header)
            }
            (Some(ntlm::Sent::Authenticate(message)), Stage::Challenged(challenge, since))
                if self.mono.0.saturating_sub(since.0) <= CHALLENGE_LIFETIME =>
            {
                self.check_proof(message, &challenge, bound)
            }
            _ => Login::Odd,
        }
    }

    fn check_proof(&self, message: Vec<u8>, challenge: &ntlm::Challenge, bound: &mut Bound) -> Login {
        let Ok(claim) = ntlm::Claim::read(message) else { return Login::Odd };
        let account = self.account_in_any_case(claim.user());
        let (secret, no_secret) = password_of(account);
        let verdict = claim.verify(challenge, secret.expose(), self.certificate.map(binding::of));
        let reason = match verdict {
            Ok(()) => "refused",
            Err(ntlm::Refusal::OldVersion) => "ntlmv1",
            Err(ntlm::Refusal::Relayed) => "relayed",
            Err(ntlm::Refusal::Malformed | ntlm::Refusal::Wrong) => "refused",
        };
        match account {
            Some(account) if verdict.is_ok() && !no_secret => {
                let login = account.poly.username.to_lowercase();
                let (endpoint, password) = (account.endpoint.clone(), account.poly.password.clone());
                (bound.stage, bound.begun) = (Stage::SignedIn { login, endpoint, password }, 0);
                Login::Granted(account.clone(), Scheme::Ntlm, true)
            }
            account => failed(Scheme::Ntlm, account, if no_secret { "no_secret" } else { reason }, claim.user()),
        }
    }

    fn check_digest(&self, claim: &Claim) -> Login {
        let account = claim.users().iter().find_map(|user| self.account(user));
        let (secret, no_secret) = password_of(account);
        let verdict = claim.verify(self.key, &secret, self.method, self.path, self.now);
        match (account, verdict) {
            (Some(account), Verdict::Granted) if !no_secret => Login::Granted(account.clone(), Scheme::Digest, true),
            (Some(_), Verdict::Stale) if !no_secret => Login::Stale(Scheme::Digest),
            _ => failed(Scheme::Digest, account, reason(no_secret), &claim.users()[0]),
        }
    }

    fn check_basic(&self, user: &str, password: &str) -> Login {
        let account = self.account(user);
        let (secret, no_secret) = password_of(account);
        // Digests have one length, so the comparison tells nothing about that of the password.
        let [given, wanted] = [password, secret.expose()].map(|text| Digest::of([text.as_bytes()]));
        let same = bool::from(given.0.ct_eq(&wanted.0));
        match account {
            Some(account) if same && !no_secret => Login::Granted(account.clone(), Scheme::Basic, true),
            account => failed(Scheme::Basic, account, reason(no_secret), user),
        }
    }

    fn account(&self, user: &str) -> Option<&Account> {
        forms(user)
            .find_map(|form| self.accounts.0.get(&form.to_lowercase()).filter(|account| account.poly.username == form))
    }

    fn account_in_any_case(&self, user: &str) -> Option<&Account> {
        forms(user).find_map(|form| self.accounts.0.get(&form.to_lowercase()))
    }

    /// The `WWW-Authenticate` headers, in the order of preference. NTLM is not offered where it cannot work.
    pub(super) fn challenges(&self, stale: bool) -> Vec<String> {
        let offered = self.auth.schemes.iter().filter(|scheme| **scheme != Scheme::Ntlm || !self.shared);
        offered
            .map(|scheme| match scheme {
                Scheme::Digest => challenge(self.key, self.now, stale),
                Scheme::DigestSha256 => challenge_sha256(self.key, self.now, stale),
                Scheme::Ntlm => "NTLM".to_owned(),
                Scheme::Basic => format!("Basic realm=\"{REALM}\""),
            })
            .collect()
    }
}

/// A name as it was written, without what stands before a backslash, without what follows the last `@`.
fn forms(user: &str) -> impl Iterator<Item = &str> {
    let bare = user.rsplit_once('\\').map(|(_, bare)| bare);
    let local = user.rsplit_once('@').map(|(local, _)| local);
    [Some(user), bare, local].into_iter().flatten()
}

fn reason(no_secret: bool) -> &'static str {
    if no_secret { "no_secret" } else { "refused" }
}

/// The account's password, or one that nobody knows, so that unknown names cost the same; and whether the account has none.
fn password_of(account: Option<&Account>) -> (Secret, bool) {
    match account.map(|account| &account.poly.password) {
        Some(SecretValue::Known(secret)) if !secret.expose().is_empty() => (secret.clone(), false),
        Some(_) => (Secret::new("no password".into()), true),
        None => (Secret::new("no account".into()), false),
    }
}

fn failed(scheme: Scheme, account: Option<&Account>, reason: &'static str, user: &str) -> Login {
    Login::Failed { scheme, account: account.cloned(), reason, name: Digest::of([user.to_lowercase().as_bytes()]) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use super::*;
    use crate::auth::ntlm::client;
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
        let auth = PolyAuth { schemes: schemes.to_vec() };
        match desk(&auth, &accounts()).check(Some(&basic::header(user, password)), &mut Bound::default()) {
            Login::Granted(account, Scheme::Basic, true) if account.endpoint.as_str() == "Fjord" => "granted",
            Login::Unclaimed => "unclaimed",
            Login::Failed { account: None, .. } => "nobody",
            Login::Failed { reason, .. } => reason,
            _ => "wrong",
        }
    }

    fn desk<'a>(auth: &'a PolyAuth, accounts: &'a Accounts) -> Desk<'a> {
        static KEY: std::sync::LazyLock<NonceKey> = std::sync::LazyLock::new(|| NonceKey::new([1; 32]));
        Desk {
            auth,
            accounts,
            key: &KEY,
            method: "POST",
            path: "/",
            now: Timestamp::UNIX_EPOCH,
            mono: Mono(Duration::from_secs(1000)),
            random: [5; 8],
            shared: false,
            certificate: None,
        }
    }

    /// One message of our own client after the other; what comes of the last one.
    fn handshake(desk: &Desk<'_>, bound: &mut Bound, name: &str, password: &str, later: Duration) -> Login {
        let begun = client::Handshake::default();
        let Login::Challenged(header) = desk.check(Some(&format!("NTLM {}", begun.negotiate())), bound) else {
            panic!("no challenge");
        };
        let account = client::Account { name, password, host: "otj.example.com", binding: None };
        let token = header.strip_prefix("NTLM ").unwrap();
        let third = begun.answer(token, &account, [1; 8], desk.now).unwrap();
        let desk = Desk { mono: Mono(desk.mono.0 + later), ..*desk };
        desk.check(Some(&format!("NTLM {third}")), bound)
    }

    #[test]
    fn a_connection_is_the_endpoints_after_its_proof_until_its_password_changes() {
        let (auth, accounts) = (PolyAuth { schemes: vec![Scheme::Ntlm] }, accounts());
        let desk = desk(&auth, &accounts);
        let mut bound = Bound::default();
        for name in ["Fjord", r"CORP\FJORD", "fjord@corp.example"] {
            let seen = handshake(&desk, &mut bound, name, "right", Duration::ZERO);
            assert!(matches!(seen, Login::Granted(_, Scheme::Ntlm, true)), "{name}");
            let Login::Granted(account, Scheme::Ntlm, false) = desk.check(None, &mut bound) else { panic!("{name}") };
            assert_eq!(account.endpoint.as_str(), "Fjord");
        }
        let mut changed = (*accounts.0).clone();
        changed.get_mut("fjord").unwrap().poly.password = SecretValue::Known(Secret::new("new".into()));
        let changed = Accounts(Arc::new(changed));
        assert!(matches!(Desk { accounts: &changed, ..desk }.check(None, &mut bound), Login::Unclaimed));
        assert!(matches!(Desk { shared: true, ..desk }.check(None, &mut bound), Login::Unclaimed));
        assert!(matches!(desk.check(Some("NTLM nonsense"), &mut bound), Login::Odd));
        assert!(matches!(desk.check(None, &mut bound), Login::Unclaimed), "what fails ends what was");
    }

    #[test]
    fn proofs_that_are_wrong_late_replayed_or_of_nobody_sign_nobody_in() {
        let (auth, accounts) = (PolyAuth { schemes: vec![Scheme::Ntlm] }, accounts());
        let desk = desk(&auth, &accounts);
        let outcome = |name: &str, password: &str, later: u64| {
            let mut bound = Bound::default();
            let seen = handshake(&desk, &mut bound, name, password, Duration::from_secs(later));
            assert!(matches!(desk.check(None, &mut bound), Login::Unclaimed) != matches!(seen, Login::Granted(..)));
            match seen {
                Login::Granted(..) => "granted",
                Login::Odd => "odd",
                Login::Failed { account: None, .. } => "nobody",
                Login::Failed { reason, .. } => reason,
                _ => "wrong",
            }
        };
        for (name, password, later, wanted) in [
            ("Fjord", "right", 60, "granted"),
            ("Fjord", "right", 61, "odd"),
            ("Fjord", "wrong", 0, "refused"),
            ("Fjord", "", 0, "refused"),
            ("other", "no account", 0, "nobody"),
            ("vik", "no password", 0, "no_secret"),
            ("ås", "", 0, "no_secret"),
        ] {
            assert_eq!(outcome(name, password, later), wanted, "{name} {password} {later}");
        }
        let third = "NTLM TlRMTVNTUAADAAAAAAAAAAAA";
        assert!(matches!(desk.check(Some(third), &mut Bound::default()), Login::Odd), "without a challenge");
        let through_a_proxy = Desk { shared: true, ..desk };
        assert!(matches!(through_a_proxy.check(Some(third), &mut Bound::default()), Login::Shared));
        assert!(through_a_proxy.challenges(false).is_empty());
        let mut bound = Bound::default();
        (0..=HANDSHAKES_MAX).for_each(|_| drop(handshake(&desk, &mut bound, "Fjord", "wrong", Duration::ZERO)));
        assert!(bound.is_spent());
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
            ("vik", "no password", "no_secret"),
            ("vik", "", "no_secret"),
            ("ås", "", "no_secret"),
        ] {
            assert_eq!(outcome(&[Scheme::Digest, Scheme::Basic], user, password), wanted, "{user} {password}");
            assert_eq!(outcome(&[Scheme::Digest], user, password), "unclaimed", "Basic is not offered");
        }
    }
}
