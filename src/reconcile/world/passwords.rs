//! How the passwords of devices are tried without locking anybody out: codecs lock an account after five wrong logins, the
//! administrator's too. Whoever is about to send one asks for a [`Trial`] first, and says what came of it.
//!
//! | the password | may be sent to a device |
//! |---|---|
//! | was refused by that device | not for 30 min, or until it is another one |
//! | was sent there, and no answer came | not for a minute |
//! | was accepted by no device yet | three at a time, a refusal within the last minute counting as one of them |
//! | was refused by three devices within a minute | no device for 30 min, then one that did not refuse it, or else any, every 30 min; if one had accepted it within the hour, that one after a minute |
//! | is accepted again | all but those that refused it themselves |
//!
//! What a device said of a password is in the store before the next one is tried, so that no series of restarts adds up to a
//! lockout. What is stored of it is a digest, sealed.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, OnceCell};
use tokio::time::Instant;

use crate::endpoint::{EndpointError, Refusal};
use crate::model::{CiscoSpec, Clock, Digest, Mono, Now, SecretValue};
use crate::store::{Op, Store};

/// Where it stands in the store what devices said.
const PASSWORDS: &str = "password/";
/// After a refusal. Codecs of RoomOS 26 lock after five failed logins within minutes; so they count at most two an hour.
const REFUSED: Duration = Duration::from_mins(30);
/// After an attempt without an answer.
const UNSURE: Duration = Duration::from_secs(60);
/// Refusals so close together are one fault: the password's, not the devices'.
const TOGETHER: Duration = Duration::from_secs(60);
/// So many devices try a password that none has accepted, and so many refusals are enough.
const FIRST: usize = 3;
/// A device that accepted it this recently is asked first.
const LATELY: Duration = Duration::from_mins(60);
/// For so long nobody else is.
const ITS_TURN: Duration = Duration::from_mins(5);
/// Longest wait for those who try first.
const PATIENCE: Duration = Duration::from_secs(10);

/// The passwords of all devices. Cloning shares it.
#[derive(Clone, Debug)]
pub(super) struct Passwords(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    store: Arc<dyn Store>,
    clock: Clock,
    known: Mutex<Known>,
    loaded: OnceCell<()>,
    news: Notify,
}

#[derive(Debug, Default)]
struct Known {
    /// By `host:port`.
    places: BTreeMap<String, AtPlace>,
    /// By account and password.
    credentials: BTreeMap<Digest, Credential>,
}

/// What a device said last.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct AtPlace {
    proof: Digest,
    said: Said,
    at: Timestamp,
    /// Nothing is sent before.
    #[serde(skip)]
    until: Mono,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
enum Said {
    Nothing,
    Accepted,
    Refused,
}

#[derive(Debug, Default)]
struct Credential {
    accepted: bool,
    accepted_last: Option<(String, Mono)>,
    trying: usize,
    refusals: VecDeque<(String, Mono)>,
    paused: Option<Pause>,
}

/// Nobody sends the password.
#[derive(Debug)]
struct Pause {
    until: Mono,
    /// Who is asked first then.
    first: Option<String>,
    /// Who would send it, and was not asked yet.
    waiting: BTreeSet<String>,
    /// Somebody tries it.
    tried: bool,
}

/// Leave to send a password once. Without a word about what came of it, it counts as an attempt without an answer.
pub(super) struct Trial {
    shared: Arc<Shared>,
    place: String,
    proof: Digest,
    /// What the device said before, unless this password is new to it.
    before: Option<AtPlace>,
    over: bool,
}

enum Leave {
    Go,
    After(Duration),
    Wait,
}

impl Passwords {
    pub(super) fn new(store: Arc<dyn Store>, clock: Clock) -> Self {
        let (known, loaded, news) = (Mutex::default(), OnceCell::new(), Notify::new());
        Self(Arc::new(Shared { store, clock, known, loaded, news }))
    }

    /// Waits for leave to send the device its password.
    ///
    /// # Errors
    /// When there is none, or it is not to be sent now.
    pub(super) async fn trial(&self, cisco: &CiscoSpec) -> Result<Trial, EndpointError> {
        let password = match &cisco.password {
            SecretValue::Known(password) => password,
            SecretValue::Missing(why) => return Err(EndpointError::SecretMissing(why.clone())),
        };
        let shared = &self.0;
        let proof = Digest::of([cisco.username.as_bytes(), password.expose().as_bytes()]);
        let (host, port) = cisco.place();
        let place = format!("{host}:{port}");
        shared.loaded.get_or_init(|| shared.load()).await;
        let patience = Instant::now() + PATIENCE;
        loop {
            let mut news = std::pin::pin!(shared.news.notified());
            news.as_mut().enable();
            let now = shared.clock.now();
            let leave = shared.known().ask(&place, proof, now);
            match leave {
                Leave::Go => break,
                Leave::After(again) => return Err(EndpointError::CredentialsPaused { again }),
                Leave::Wait => {
                    if tokio::time::timeout_at(patience, news).await.is_err() {
                        return Err(EndpointError::CredentialsUntried);
                    }
                }
            }
        }
        let now = shared.clock.now();
        let before = shared.known().places.get(&place).filter(|there| there.proof == proof).cloned();
        let trial = Trial { shared: shared.clone(), place, proof, before, over: false };
        if trial.before.as_ref().is_none_or(|before| before.said != Said::Accepted) {
            // Whatever becomes of this process, the next one knows of the attempt.
            trial.note(Said::Nothing, UNSURE, now).await;
        }
        Ok(trial)
    }
}

impl Shared {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A store that cannot be read makes nobody wait; it is told of elsewhere.
    async fn load(&self) {
        let stored = self.store.scan(PASSWORDS).await.unwrap_or_default();
        let now = self.clock.now();
        let mut known = self.known();
        let mut refused: BTreeMap<Digest, Vec<(String, Mono)>> = BTreeMap::new();
        for (key, value) in stored {
            let Ok(mut there) = serde_json::from_slice::<AtPlace>(&value) else { continue };
            let place = key.trim_start_matches(PASSWORDS).to_owned();
            let since = Duration::try_from(now.wall.duration_since(there.at)).unwrap_or_default();
            // A clock that was set back makes no pause longer than it was.
            there.until = now.mono + there.said.pause().saturating_sub(since);
            match there.said {
                Said::Accepted => known.credentials.entry(there.proof).or_default().accepted = true,
                Said::Refused if there.until > now.mono => {
                    refused.entry(there.proof).or_default().push((place.clone(), there.until));
                }
                Said::Refused | Said::Nothing => {}
            }
            known.places.insert(place, there);
        }
        for (proof, places) in refused.into_iter().filter(|(_, places)| places.len() >= FIRST) {
            let until = places.iter().map(|(_, until)| *until).max().unwrap_or_default();
            known.credentials.entry(proof).or_default().paused = Some(Pause::until(until));
        }
    }

    async fn save(&self, place: &str, there: Option<&AtPlace>) {
        let key = format!("{PASSWORDS}{place}");
        let op = match there {
            Some(there) => Op::put(key, serde_json::to_vec(there).expect("a record of ours is plain data")),
            None => Op::delete(key),
        };
        if let Err(error) = self.store.commit(vec![op]).await {
            tracing::warn!(%error, "What a device said about a password could not be stored.");
        }
    }
}

impl Said {
    fn pause(self) -> Duration {
        match self {
            Self::Nothing => UNSURE,
            Self::Accepted => Duration::ZERO,
            Self::Refused => REFUSED,
        }
    }
}

impl Pause {
    fn until(until: Mono) -> Self {
        Self { until, first: None, waiting: BTreeSet::new(), tried: false }
    }
}

impl Known {
    fn ask(&mut self, place: &str, proof: Digest, now: Now) -> Leave {
        let here = self.places.get(place).filter(|there| there.proof == proof);
        let own = here.map_or(Duration::ZERO, |there| now.mono.until(there.until));
        let refused_here = here.is_some_and(|there| there.said == Said::Refused);
        let accepted_here = here.is_some_and(|there| there.said == Said::Accepted);
        let credential = self.credentials.entry(proof).or_default();
        if let Some(pause) = &mut credential.paused {
            let rest = now.mono.until(pause.until);
            let is_first = pause.first.as_deref() == Some(place);
            if !refused_here {
                pause.waiting.insert(place.to_owned());
            }
            if !rest.is_zero() {
                return Leave::After(rest.max(if is_first { Duration::ZERO } else { own }));
            }
            let others_first = (pause.first.is_some() && !is_first && now.mono < pause.until + ITS_TURN)
                || (refused_here && !is_first && !pause.waiting.is_empty() && now.mono < pause.until + REFUSED);
            if pause.tried || others_first {
                return Leave::After(own.max(UNSURE));
            }
            if !own.is_zero() && !is_first {
                return Leave::After(own);
            }
            pause.tried = true;
            pause.waiting.remove(place);
        } else if !own.is_zero() {
            return Leave::After(own);
        } else if !credential.accepted && !accepted_here {
            while credential.refusals.front().is_some_and(|(_, at)| *at + TOGETHER <= now.mono) {
                credential.refusals.pop_front();
            }
            if credential.trying + credential.refusals.len() >= FIRST {
                return Leave::Wait;
            }
        }
        credential.trying += 1;
        Leave::Go
    }
}

impl Trial {
    /// What came of it: `error` is what the device said to the last request with the password.
    pub(super) async fn ended(mut self, error: Option<&EndpointError>) {
        self.over = true;
        let now = self.shared.clock.now();
        match said(error) {
            Some(Said::Accepted) => {
                self.change(|credential, place| {
                    credential.accepted = true;
                    credential.accepted_last = Some((place.to_owned(), now.mono));
                    credential.refusals.retain(|(refused, _)| refused != place);
                    credential.paused = None;
                });
                if self.before.as_ref().is_none_or(|before| before.said != Said::Accepted) {
                    self.note(Said::Accepted, Duration::ZERO, now).await;
                }
            }
            Some(Said::Refused) => {
                let counts = self.before.as_ref().is_none_or(|before| before.said != Said::Refused);
                self.change(|credential, place| credential.refused_by(place, counts, now.mono));
                self.note(Said::Refused, REFUSED, now).await;
            }
            Some(Said::Nothing) => self.unanswered(now),
            None => {
                self.change(|_, _| {});
                self.put_back().await;
            }
        }
        self.shared.news.notify_waiters();
    }

    /// The attempt was none: what stood there before stands there again.
    async fn put_back(&self) {
        if self.before.as_ref().is_some_and(|before| before.said == Said::Accepted) {
            return;
        }
        {
            let mut known = self.shared.known();
            match &self.before {
                Some(before) => known.places.insert(self.place.clone(), before.clone()),
                None => known.places.remove(&self.place),
            };
        }
        self.shared.save(&self.place, self.before.as_ref()).await;
    }

    fn unanswered(&self, now: Now) {
        self.change(|_, _| {});
        if let Some(there) = self.shared.known().places.get_mut(&self.place).filter(|there| there.said == Said::Nothing)
        {
            there.until = now.mono + UNSURE;
        }
    }

    fn change(&self, change: impl FnOnce(&mut Credential, &str)) {
        let mut known = self.shared.known();
        let credential = known.credentials.entry(self.proof).or_default();
        credential.trying = credential.trying.saturating_sub(1);
        if let Some(pause) = &mut credential.paused {
            pause.tried = false;
        }
        change(credential, &self.place);
    }

    async fn note(&self, said: Said, pause: Duration, now: Now) {
        let there = AtPlace { proof: self.proof, said, at: now.wall, until: now.mono + pause };
        self.shared.known().places.insert(self.place.clone(), there.clone());
        self.shared.save(&self.place, Some(&there)).await;
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        if !self.over {
            self.unanswered(self.shared.clock.now());
            self.shared.news.notify_waiters();
        }
    }
}

impl Credential {
    fn refused_by(&mut self, place: &str, counts: bool, now: Mono) {
        if let Some(pause) = &mut self.paused {
            // The one that was asked alone.
            pause.until = now + REFUSED;
            pause.first = None;
            return;
        }
        if counts && self.refusals.iter().all(|(refused, _)| refused != place) {
            self.refusals.push_back((place.to_owned(), now));
        }
        while self.refusals.front().is_some_and(|(_, at)| *at + TOGETHER <= now) {
            self.refusals.pop_front();
        }
        if self.refusals.len() >= FIRST {
            self.refusals.clear();
            let lately = self.accepted_last.take().filter(|(_, at)| at.until(now) < LATELY);
            let wait = if lately.is_some() { UNSURE } else { REFUSED };
            let first = lately.map(|(place, _)| place);
            self.paused = Some(Pause { first, ..Pause::until(now + wait) });
            tracing::warn!(
                event = "credential_paused",
                "Three devices refused one password within a minute; it is not sent to any device for a while."
            );
        }
    }
}

/// What an answer says of the password; `None`: it was not sent.
fn said(error: Option<&EndpointError>) -> Option<Said> {
    match error {
        None => Some(Said::Accepted),
        Some(EndpointError::CredentialsRefused(Refusal::Unauthorized | Refusal::SignInPage)) => Some(Said::Refused),
        // The account is right, only not strong enough; or the device understood who asked, and could not do it.
        Some(
            EndpointError::CredentialsRefused(Refusal::Forbidden)
            | EndpointError::Declined(_)
            | EndpointError::Unsupported
            | EndpointError::CannotList
            | EndpointError::TeamsRoomsMode,
        ) => Some(Said::Accepted),
        Some(
            EndpointError::SecretMissing(_)
            | EndpointError::Address
            | EndpointError::CertificateUntrusted(_)
            | EndpointError::CredentialsPaused { .. }
            | EndpointError::CredentialsUntried,
        ) => None,
        Some(EndpointError::Unreachable(error)) if error.was_not_sent() => None,
        // Busy and broken devices may not have looked at it.
        Some(
            EndpointError::Busy { .. }
            | EndpointError::RedirectsToHttps
            | EndpointError::RedirectsElsewhere(_)
            | EndpointError::Status(_)
            | EndpointError::Unclear(_)
            | EndpointError::Unreachable(_),
        ) => Some(Said::Nothing),
    }
}

#[cfg(test)]
mod tests;
