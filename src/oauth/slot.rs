//! One account's tokens: what is at hand, who fetches the next, and what went wrong last time.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use super::account::{Account, Grant, Renewal};
use super::error::{Refusal, SignInFault, TokenError};
use super::records::{self, AccessRecord, RefusedRecord, SignInRecord};
use super::request::{self, Fresh, With};
use super::{Bearer, Shared};
use crate::model::{Confidential, Digest, Mono, Now, Secret};
use crate::store::Op;

/// The next token is fetched this long before the last one ends, at least; so a token service may be away for ten minutes.
const EARLY: Duration = Duration::from_secs(600);

/// That much earlier at most, different for each account, so that a hundred of them do not ask at once.
const JITTER_S: u64 = 300;

/// What is good for weeks is replaced at half of its life, and after this long at most.
const WEEK: Duration = Duration::from_secs(7 * 86_400);

/// A token is not used in its last moments: the service's clock is not ours, and a request takes time.
const LAST_MOMENTS: Duration = Duration::from_secs(30);

/// Credentials that were refused are left alone for this long, unless they change.
const REFUSED_PAUSE: Duration = Duration::from_secs(30 * 60);

/// A service that failed is asked again after this long, by whoever asks next.
const FAILED_PAUSE: Duration = Duration::from_secs(10);

/// Longest pause that a throttling service is given.
const THROTTLED_PAUSE_MAX: Duration = Duration::from_secs(15 * 60);

/// A token that is refused within this time of being fetched is not the fault of the token: another one would be refused too.
const FRESH: Duration = Duration::from_secs(60);

/// See the module.
#[derive(Default)]
pub(super) struct Slot {
    /// Held by the one who fetches.
    turn: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The store was looked into.
    loaded: bool,
    token: Option<Held>,
    sign_in: Option<SignInRecord>,
    /// Records that the store did not take yet.
    unsaved: Vec<Op>,
    failed: Option<Failed>,
    /// Somebody was told that a person must sign in.
    told: bool,
}

struct Held {
    bearer: Bearer,
    /// `None`: by the process before.
    fetched: Option<Mono>,
    /// From here on the next one is fetched.
    early: Mono,
    /// From here on it is not used.
    ends: Mono,
}

struct Failed {
    error: TokenError,
    /// With these credentials.
    proof: Digest,
    /// Until then nobody asks again.
    until: Mono,
}

impl Slot {
    /// A token, at hand or fetched.
    pub(super) async fn bearer(&self, shared: &Shared, account: &Account<'_>) -> Result<Bearer, TokenError> {
        if let Some(answer) = self.at_hand(account, shared.clock.now().mono) {
            return answer;
        }
        let _turn = match self.usable(shared.clock.now().mono) {
            Some(bearer) => match self.turn.try_lock() {
                Ok(turn) => turn,
                Err(_) => return Ok(bearer),
            },
            None => self.turn.lock().await,
        };
        self.load(shared, account).await?;
        let now = shared.clock.now();
        if let Some(answer) = self.at_hand(account, now.mono) {
            return answer;
        }
        match self.fetch(shared, account, now).await {
            Ok(bearer) => Ok(bearer),
            Err(error) => {
                self.failed(shared, account, &error).await;
                self.usable(shared.clock.now().mono).ok_or(error)
            }
        }
    }

    /// The service did not take `bearer`.
    pub(super) fn refused(&self, bearer: &Bearer, now: Now) {
        let mut state = self.state();
        state.token.take_if(|held| {
            held.bearer == *bearer && held.fetched.is_none_or(|fetched| fetched.until(now.mono) >= FRESH)
        });
    }

    /// The service did not take `bearer`, which is all there is.
    pub(super) async fn gave_up(&self, shared: &Shared, account: &Account<'_>, bearer: &Bearer) {
        let is_current = self.state().token.take_if(|held| held.bearer == *bearer).is_some();
        if is_current {
            let error = TokenError::Refused { refusal: Refusal::BotToken, code: "HTTP 401".into() };
            self.failed(shared, account, &error).await;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A token that is good for a while yet, or the failure of a moment ago.
    fn at_hand(&self, account: &Account<'_>, now: Mono) -> Option<Result<Bearer, TokenError>> {
        let state = self.state();
        if let Some(held) = state.token.as_ref().filter(|held| now < held.early) {
            return Some(Ok(held.bearer.clone()));
        }
        let failed = state.failed.as_ref().filter(|failed| now < failed.until)?;
        if failed.proof != account.proof(state.refresh()) {
            return None;
        }
        let usable = state.token.as_ref().filter(|held| now < held.ends);
        Some(usable.map_or_else(|| Err(failed.error.clone()), |held| Ok(held.bearer.clone())))
    }

    /// A token that has not ended, however soon it will.
    fn usable(&self, now: Mono) -> Option<Bearer> {
        self.state().token.as_ref().filter(|held| now < held.ends).map(|held| held.bearer.clone())
    }

    /// What the process before left, once; a sign-in that is missing, whenever it is needed.
    async fn load(&self, shared: &Shared, account: &Account<'_>) -> Result<(), TokenError> {
        let unreadable = |error: crate::store::StoreError| TokenError::Store(error.to_string());
        let now = shared.clock.now();
        let bound = account.binding();
        if matches!(account.grant, Grant::SignedIn(..) | Grant::ServiceApp(..)) && self.wants_sign_in() {
            let bytes = shared.store.get(&records::sign_in(account)).await.map_err(unreadable)?;
            let record = bytes.and_then(|bytes| serde_json::from_slice::<SignInRecord>(&bytes).ok());
            let given = match account.grant {
                Grant::ServiceApp(_, given) => Some(SignInRecord::given(bound, given, now.wall)),
                _ => None,
            };
            let fault = match &record {
                _ if given.is_some() => None,
                None => Some(SignInFault::Never),
                Some(record) if record.bound != bound => Some(SignInFault::Changed),
                Some(_) => None,
            };
            self.state().sign_in = record.filter(|record| record.bound == bound).or(given);
            self.tell(shared, account);
            if let Some(fault) = fault {
                let error = TokenError::SignInNeeded(fault, account.holder.name().to_string());
                self.failed(shared, account, &error).await;
                return Err(error);
            }
        }
        if self.state().loaded {
            return Ok(());
        }
        let access = shared.store.get(&records::access(account)).await.map_err(unreadable)?;
        let refused = shared.store.get(&records::refused(account)).await.map_err(unreadable)?;
        let access = access.and_then(|bytes| serde_json::from_slice::<AccessRecord>(&bytes).ok());
        let refused = refused.and_then(|bytes| serde_json::from_slice::<RefusedRecord>(&bytes).ok());
        let mut state = self.state();
        state.loaded = true;
        if let Some(record) = access.filter(|record| record.bound == bound) {
            state.token = kept(&record, account, now);
        }
        let proof = account.proof(state.refresh());
        if let Some(record) = refused.filter(|record| record.proof == proof)
            && let Some(rest) = record.rest(REFUSED_PAUSE, now.wall)
        {
            let error = record.error(account.holder.name().as_str());
            state.failed = Some(Failed { error, proof, until: now.mono + rest });
        }
        Ok(())
    }

    /// There is no sign-in, or one that was refused: another may have come into the store.
    fn wants_sign_in(&self) -> bool {
        let state = self.state();
        let refused = state.failed.as_ref().is_some_and(|failed| matches!(failed.error, TokenError::SignInNeeded(..)));
        state.unsaved.is_empty() && (state.sign_in.is_none() || refused)
    }

    async fn fetch(&self, shared: &Shared, account: &Account<'_>, now: Now) -> Result<Bearer, TokenError> {
        self.save(shared).await?;
        let refresh = self.state().sign_in.as_ref().map(|record| record.refresh.expose().to_owned()).map(Secret::new);
        let mut asked =
            request::fetch(&shared.http, account, refresh.as_ref().map_or(With::Nothing, With::Refresh), now).await;
        let previous = self.state().sign_in.as_ref().and_then(|record| record.previous.clone());
        if let (Err(error), Some(previous)) = (&asked, previous)
            && is_about_the_refresh_token(error)
        {
            // A process that ended between the answer and the disk leaves a refresh token that never was the service's last.
            let previous = Secret::new(previous.expose().to_owned());
            asked = request::fetch(&shared.http, account, With::Refresh(&previous), now).await;
        }
        let fresh = asked?;
        let now = shared.clock.now();
        let held = held(&fresh.access, Some(now.mono), fresh.lifetime, fresh.lifetime, account, now.mono);
        let bearer = held.bearer.clone();
        let rotated = self.take(account, held, &fresh, now.wall);
        self.tell(shared, account);
        match self.save(shared).await {
            Err(error) if rotated => return Err(error),
            Err(error) => {
                tracing::warn!(error = %error, "An access token could not be stored; it is used nevertheless.")
            }
            Ok(()) => {}
        }
        let integration = account.holder.name().as_str();
        if matches!(account.grant, Grant::Token(_)) {
            return Ok(bearer);
        }
        tracing::info!(event = "token_refreshed", integration, account = account.name, "A token was fetched.");
        Ok(bearer)
    }

    /// Takes over what came, and notes what is to be stored. Says whether the refresh token changed.
    fn take(&self, account: &Account<'_>, held: Held, fresh: &Fresh, now: Timestamp) -> bool {
        let mut state = self.state();
        let record = AccessRecord {
            bound: account.binding(),
            token: Confidential::new(fresh.access.expose()),
            ends: now + fresh.lifetime,
            lifetime_s: fresh.lifetime.as_secs(),
        };
        // A bot's stands in the documents.
        if !matches!(account.grant, Grant::Token(_)) {
            state.unsaved.push(records::put(records::access(account), &record));
        }
        if state.failed.take().is_some() {
            state.unsaved.push(Op::delete(records::refused(account)));
        }
        state.token = Some(held);
        state.told = false;
        let Some(sign_in) = &mut state.sign_in else { return false };
        let next = fresh.refresh.as_ref().map(Secret::expose).filter(|next| *next != sign_in.refresh.expose());
        let rotated = next.is_some();
        let settled = !rotated && sign_in.previous.is_some();
        if let Some(next) = next {
            sign_in.previous = Some(std::mem::replace(&mut sign_in.refresh, Confidential::new(next)));
            sign_in.since = now;
        } else {
            sign_in.previous = None;
        }
        if let Some(lifetime) = fresh.refresh_lifetime {
            sign_in.ends = now.checked_add(lifetime).ok();
        }
        if rotated || settled || fresh.refresh_lifetime.is_some() {
            let op = records::put(records::sign_in(account), sign_in);
            state.unsaved.push(op);
        }
        rotated
    }

    /// When the sign-in ends, for whoever watches.
    fn tell(&self, shared: &Shared, account: &Account<'_>) {
        let ends = self.state().sign_in.as_ref().and_then(|record| record.ends);
        if let Some(tally) = shared.tally.get() {
            tally.sign_ins_end.set(&[account.holder.kind(), account.holder.name().as_str()], ends);
        }
    }

    /// Writes what is not written yet.
    async fn save(&self, shared: &Shared) -> Result<(), TokenError> {
        let ops = self.state().unsaved.clone();
        if ops.is_empty() {
            return Ok(());
        }
        shared.store.commit(ops).await.map_err(|error| TokenError::Store(error.to_string()))?;
        // Only the one whose turn it is writes and notes.
        self.state().unsaved.clear();
        Ok(())
    }

    /// Remembers a failure: for a moment, or, when a person must act, for half an hour and across restarts.
    async fn failed(&self, shared: &Shared, account: &Account<'_>, error: &TokenError) {
        let now = shared.clock.now();
        let (proof, told) = {
            let mut state = self.state();
            let told = std::mem::replace(&mut state.told, matches!(error, TokenError::SignInNeeded(..)));
            (account.proof(state.refresh()), told)
        };
        let record = RefusedRecord::of(error, proof, now.wall);
        let pause = match error {
            _ if record.is_some() => REFUSED_PAUSE,
            TokenError::Throttled { retry_after: Some(wait), .. } => (*wait).clamp(FAILED_PAUSE, THROTTLED_PAUSE_MAX),
            _ => FAILED_PAUSE,
        };
        self.state().failed = Some(Failed { error: error.clone(), proof, until: now.mono + pause });
        let integration = account.holder.name().as_str();
        if matches!(error, TokenError::SignInNeeded(..)) && !told {
            tracing::warn!(event = "sign_in_needed", integration, %error, "Somebody must sign in.");
        }
        if let Some(record) = record
            && let Err(error) = shared.store.commit(vec![records::put(records::refused(account), &record)]).await
        {
            tracing::warn!(integration, %error, "That credentials were refused could not be stored.");
        }
    }
}

impl State {
    fn refresh(&self) -> Option<&str> {
        self.sign_in.as_ref().map(|record| record.refresh.expose())
    }
}

fn is_about_the_refresh_token(error: &TokenError) -> bool {
    matches!(error, TokenError::SignInNeeded(..) | TokenError::Refused { refusal: Refusal::RefreshToken, .. })
}

/// A token of the process before, as far as it is still good.
fn kept(record: &AccessRecord, account: &Account<'_>, now: Now) -> Option<Held> {
    let lifetime = Duration::from_secs(record.lifetime_s);
    let rest = Duration::try_from(record.ends.duration_since(now.wall)).ok()?.min(lifetime);
    let token = Secret::new(record.token.expose().to_owned());
    Some(held(&token, None, rest, lifetime, account, now.mono)).filter(|held| now.mono < held.ends)
}

/// A token that is good for `rest` of its `lifetime`.
fn held(
    token: &Secret,
    fetched: Option<Mono>,
    rest: Duration,
    lifetime: Duration,
    account: &Account<'_>,
    now: Mono,
) -> Held {
    let jitter = Duration::from_secs(u64::from(account.binding().0[0]) * JITTER_S / 256);
    let before = match account.renewal {
        Renewal::JustBefore => (EARLY + jitter).min(lifetime / 3),
        Renewal::HalfLife => (lifetime / 2).max(lifetime.saturating_sub(WEEK)),
    };
    Held {
        bearer: Bearer(token.clone()),
        fetched,
        early: now + rest.saturating_sub(before),
        ends: now + rest.saturating_sub(LAST_MOMENTS.min(lifetime / 4)),
    }
}
