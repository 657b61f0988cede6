//! How a password is tried without ever locking its account. Directories lock an account after some wrong passwords, often five within
//! half an hour, and a locked account is a person's outage, not only ours. So whoever is about to send a password asks
//! for a [`Trial`] first, and says what came of it.
//!
//! | the password | may be sent by |
//! |---|---|
//! | nobody has accepted yet | one request at a time; the others wait for its outcome |
//! | was accepted | four requests at a time, until their servers have answered |
//! | was refused | nobody for an hour, then one request; then four hours, sixteen, and once a day |
//! | was refused within an hour of being accepted | nobody for a minute, then one request: servers in trouble refuse everybody |
//! | was sent, and no answer came | nobody for a minute, then one request; then ten minutes each |
//!
//! It is the account that is spared: the same holds for all servers and integrations, across restarts (an attempt is in the store before
//! it is made), until the documents name another password. A server that accepts it ends the pauses of all but those that refused it
//! themselves: their directory may be another one.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::records;
use super::{Shared, Tokens};
use crate::http::Url;
use crate::model::{Digest, Failure, Mono, Now, Scope, Secret};
use crate::store::Op;

/// Requests with an accepted password that servers have not answered yet. When it is changed in the directory, so many go wrong at
/// most; and Active Directory does not count one of the last two passwords as wrong
/// (<https://social.technet.microsoft.com/wiki/contents/articles/32490.active-directory-bad-passwords-and-account-lockout.aspx>).
const AT_ONCE: u32 = 4;

/// A password that a server took this recently may be on its way once more beside those.
const A_MOMENT: Duration = Duration::from_secs(30);

/// After the first refusal, the second, and so on: never more than four in a day, and soon each so long after the one before that
/// directories have forgotten that one.
const REFUSED: [Duration; 4] = [hours(1), hours(4), hours(16), hours(24)];

/// After a refusal of a password that was accepted this recently, it is tried once more soon.
const LATELY: Duration = hours(1);
const LATELY_PAUSE: Duration = Duration::from_secs(60);

/// After the first attempt without an answer, and after all further ones.
const UNSURE: [Duration; 2] = [Duration::from_secs(60), Duration::from_secs(600)];

/// Passwords of one account, and servers for each, that are remembered.
const EACH_MAX: usize = 32;

/// Accounts remembered in memory.
const ACCOUNTS_MAX: usize = 1024;

const fn hours(hours: u64) -> Duration {
    Duration::from_secs(hours * 3600)
}

/// What a server finds wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum PasswordFault {
    /// The password, as far as it says.
    #[error(
        "name or password is wrong (or, with NTLM and Extended Protection, something before the server opens TLS); correct them where the documents have them from"
    )]
    Wrong,
    /// It was right once.
    #[error("the password has expired; set a new one, and let the service account's never expire")]
    Expired,
    /// Somebody locked it out, perhaps with a wrong password elsewhere.
    #[error("the account is locked; unlock it, and find out who else signs in with it")]
    Locked,
    /// Switched off, or past its own end.
    #[error("the account is disabled or has expired; an administrator must enable it")]
    Disabled,
}

/// Why a password is not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// A server refused it.
    #[error("the server refused our password: {why}; so that the account is not locked, it is tried again in {} only, or as soon as it is another", lasting(*.again))]
    Refused {
        /// What is wrong.
        why: PasswordFault,
        /// How long nobody tries it.
        again: Duration,
    },
    /// Nobody knows what a server thinks of it.
    #[error("no server has confirmed our password, and the last try had no answer; it is tried again in {}", lasting(*.again))]
    Unsure {
        /// How long nobody tries it.
        again: Duration,
    },
    /// An attempt that would be forgotten is not made.
    #[error("the attempt to sign in cannot be stored: {0}")]
    Store(String),
}

impl PasswordError {
    /// The reason of conditions, and the outcome in metrics; a closed set.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::Refused { .. } => "CredentialsRefused",
            Self::Unsure { .. } => "SignInUnreachable",
            Self::Store(_) => "StoreUnavailable",
        }
    }
}

impl From<PasswordError> for Failure {
    fn from(error: PasswordError) -> Self {
        let (label, message) = (error.label(), error.to_string());
        let (failure, retry_after) = match error {
            // A server in trouble: soon it is tried again.
            PasswordError::Refused { again, .. } if again <= LATELY_PAUSE => (Self::retry(label, message), Some(again)),
            PasswordError::Refused { again, .. } => (Self::fix(label, message), Some(again)),
            PasswordError::Unsure { again } => (Self::retry(label, message), Some(again)),
            PasswordError::Store(_) => (Self::retry(label, message), None),
        };
        Self { retry_after, ..failure.about(Scope::Account) }
    }
}

/// Leave to send a password once. Without a word about what came of it, it counts as an attempt without an answer.
pub struct Trial {
    shared: Arc<Shared>,
    guard: Arc<Guard>,
    password: Password,
    /// What has an attempt noted that has no answer yet; nothing, where the server accepted it before.
    noted: Vec<Digest>,
    over: bool,
    turn: Option<OwnedSemaphorePermit>,
}

impl fmt::Debug for Trial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Trial")
    }
}

/// A password of an account, at all servers and at one.
#[derive(Clone, Copy)]
struct Password {
    anywhere: Digest,
    here: Digest,
}

/// One account.
pub(super) struct Guard {
    /// Where it stands in the store.
    key: String,
    turns: Arc<Semaphore>,
    known: Mutex<BTreeMap<Digest, Known>>,
    loaded: tokio::sync::OnceCell<()>,
}

/// What is known of one password, at all servers or at one.
#[derive(Clone, Default)]
struct Known {
    /// When it was accepted last, unless it was refused since.
    accepted: Option<Mono>,
    /// Until then nobody tries it.
    until: Option<Mono>,
    attempts: Attempts,
}

/// What is stored of one password.
#[derive(Clone, Default, Serialize, Deserialize)]
struct Attempts {
    /// The last one.
    at: Timestamp,
    /// One after the other.
    refused: u32,
    /// Without an answer, one after the other.
    unsure: u32,
    why: Option<PasswordFault>,
}

impl Attempts {
    /// How long nobody tries it after the last one.
    fn pause(&self) -> Duration {
        let step = |steps: &[Duration], number: u32| steps[(number as usize).min(steps.len()) - 1];
        match (self.refused, self.unsure) {
            (0, 0) if self.why.is_some() => LATELY_PAUSE,
            (0, 0) => Duration::ZERO,
            (0, unsure) => step(&UNSURE, unsure),
            (refused, _) => step(&REFUSED, refused),
        }
    }
}

impl Tokens {
    /// Waits for leave to send `password` of `username` to the server of `url`. The text of the name is what tells accounts apart.
    ///
    /// # Errors
    /// When it is not to be sent now.
    pub async fn trial(&self, url: &Url, username: &str, password: &Secret) -> Result<Trial, PasswordError> {
        let shared = &self.0;
        let name = username.trim().to_lowercase();
        let guard = self.guard(&name);
        let anywhere = [name.as_bytes(), password.expose().as_bytes()];
        let origin = url.origin().ascii_serialization();
        let here = Digest::of(anywhere.into_iter().chain([origin.as_bytes()]));
        let password = Password { anywhere: Digest::of(anywhere), here };
        guard.loaded.get_or_try_init(|| guard.load(shared)).await?;
        loop {
            guard.check(&password, shared.clock.now())?;
            let first = !guard.is_accepted(&here);
            let turns = Arc::clone(&guard.turns).acquire_many_owned(if first { AT_ONCE } else { 1 }).await;
            let turn = turns.expect("the semaphore is never closed");
            let now = shared.clock.now();
            guard.check(&password, now)?;
            if first == guard.is_accepted(&here) {
                // What the one before found out changes how many may go at a time.
                continue;
            }
            let mut noted = if first { vec![here] } else { Vec::new() };
            if first && !guard.is_accepted(&password.anywhere) {
                noted.push(password.anywhere);
            }
            guard.change(&noted, |known| {
                known.attempts.unsure += 1;
                known.attempts.at = now.wall;
            });
            let (shared, guard) = (Arc::clone(shared), Arc::clone(&guard));
            let mut trial = Trial { shared, guard, password, noted, over: false, turn: Some(turn) };
            if first && let Err(error) = trial.guard.save(&trial.shared).await {
                trial.forget();
                return Err(error);
            }
            return Ok(trial);
        }
    }

    fn guard(&self, name: &str) -> Arc<Guard> {
        let account = Digest::of([name.as_bytes()]);
        let mut guards = self.0.guards.lock().unwrap_or_else(PoisonError::into_inner);
        if guards.len() >= ACCOUNTS_MAX {
            guards.retain(|_, guard| Arc::strong_count(guard) > 1);
        }
        let made = || Arc::new(Guard::new(&account));
        guards.entry(account).or_insert_with(made).clone()
    }
}

impl Trial {
    /// This answer may take long: others need not wait for it, where the server took the password a moment ago.
    pub fn detain_nobody(&mut self) {
        let now = self.shared.clock.now().mono;
        let accepted = self.guard.known().get(&self.password.here).and_then(|known| known.accepted);
        if accepted.is_some_and(|at| at.until(now) < A_MOMENT) {
            self.turn = None;
        }
    }

    /// A server took it.
    pub async fn accepted(mut self) {
        self.over = true;
        let now = self.shared.clock.now();
        let Password { here, anywhere } = self.password;
        self.guard.change(&[here, anywhere], |known| *known = Known { accepted: Some(now.mono), ..Known::default() });
        if !self.noted.is_empty() {
            self.save().await;
        }
    }

    /// A server did not. What comes back says so, and for how long nobody tries again.
    pub async fn refused(mut self, why: PasswordFault) -> PasswordError {
        self.over = true;
        let now = self.shared.clock.now();
        let mut again = Duration::ZERO;
        let Password { here, anywhere } = self.password;
        self.guard.change(&[here, anywhere], |known| {
            let lately = known.accepted.is_some_and(|at| at.until(now.mono) < LATELY);
            // Several were on their way when the first was refused: together they are one.
            if known.until.is_none_or(|until| until <= now.mono) {
                let refused = if lately { 0 } else { known.attempts.refused + 1 };
                known.attempts = Attempts { at: now.wall, refused, unsure: 0, why: Some(why) };
                known.until = Some(now.mono + known.attempts.pause());
            }
            known.accepted = None;
            again = again.max(known.until.map_or(Duration::ZERO, |until| now.mono.until(until)));
        });
        self.save().await;
        PasswordError::Refused { why, again }
    }

    /// It was not sent after all: there was no connection.
    pub async fn unsent(mut self) {
        self.forget();
        if !self.noted.is_empty() {
            self.save().await;
        }
    }

    fn forget(&mut self) {
        self.over = true;
        self.guard.change(&self.noted, |known| known.attempts.unsure = known.attempts.unsure.saturating_sub(1));
    }

    async fn save(&self) {
        if let Err(error) = self.guard.save(&self.shared).await {
            tracing::warn!(%error, "What a server said about a password could not be stored.");
        }
    }
}

impl Drop for Trial {
    /// The store has it as an attempt without an answer already.
    fn drop(&mut self) {
        if !self.over {
            let now = self.shared.clock.now();
            self.guard.change(&self.noted, |known| known.until = Some(now.mono + known.attempts.pause()));
        }
    }
}

impl Guard {
    fn new(account: &Digest) -> Self {
        Self {
            key: format!("oauth/password/{account}"),
            turns: Arc::new(Semaphore::new(AT_ONCE as usize)),
            known: Mutex::default(),
            loaded: tokio::sync::OnceCell::new(),
        }
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<Digest, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, proofs: &[Digest], mut change: impl FnMut(&mut Known)) {
        let mut all = self.known();
        for proof in proofs {
            change(all.entry(*proof).or_default());
        }
    }

    fn is_accepted(&self, proof: &Digest) -> bool {
        self.known().get(proof).is_some_and(|known| known.accepted.is_some())
    }

    /// Whether it may be tried now.
    fn check(&self, password: &Password, now: Now) -> Result<(), PasswordError> {
        let all = self.known();
        let known = [password.here, password.anywhere].into_iter().filter_map(|proof| all.get(&proof));
        let paused = known.filter_map(|known| Some((now.mono.until(known.until?), known.attempts.why)));
        match paused.filter(|(rest, _)| !rest.is_zero()).max_by_key(|(rest, _)| *rest) {
            None => Ok(()),
            Some((again, Some(why))) => Err(PasswordError::Refused { why, again }),
            Some((again, None)) => Err(PasswordError::Unsure { again }),
        }
    }

    /// A clock that was set back makes no pause longer than it was.
    async fn load(&self, shared: &Shared) -> Result<(), PasswordError> {
        let stored = shared.store.get(&self.key).await.map_err(|error| PasswordError::Store(error.to_string()))?;
        let stored: Vec<(Digest, Attempts)> =
            stored.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        let now = shared.clock.now();
        let mut all = self.known();
        for (proof, attempts) in stored {
            let since = Duration::try_from(now.wall.duration_since(attempts.at)).unwrap_or_default();
            let until = Some(now.mono + attempts.pause().saturating_sub(since));
            all.insert(proof, Known { accepted: None, until, attempts });
        }
        Ok(())
    }

    async fn save(&self, shared: &Shared) -> Result<(), PasswordError> {
        let mut kept: Vec<(Digest, Attempts)> = {
            let known = self.known();
            let all = known.iter().map(|(proof, known)| (*proof, known.attempts.clone()));
            all.filter(|(_, attempts)| !attempts.pause().is_zero()).collect()
        };
        kept.sort_by_key(|(_, attempts)| std::cmp::Reverse(attempts.at));
        kept.truncate(EACH_MAX);
        let op = if kept.is_empty() { Op::delete(self.key.clone()) } else { records::put(self.key.clone(), &kept) };
        shared.store.commit(vec![op]).await.map_err(|error| PasswordError::Store(error.to_string()))
    }
}

/// A pause as people say it, in minutes, or hours from two on.
fn lasting(pause: Duration) -> String {
    let minutes = pause.as_secs().div_ceil(60);
    if minutes < 120 { format!("{minutes} min") } else { format!("{} h", minutes.div_ceil(60)) }
}
