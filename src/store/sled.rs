//! The embedded store: sled under `DATA_DIR/store`, one process at a time.
//!
//! | found at the start | what happens |
//! |---|---|
//! | locked by another process | waited for, at most 30 s |
//! | written by a newer version | refused, untouched |
//! | damaged | set aside as `store.corrupt-TIME`; an empty one is begun |
//!
//! A commit is one batch of sled, which is atomic in its log, and returns after the log was synced. sled keeps failing once
//! the disk failed, so it is opened anew a minute later.
//!
//! sled writes its log on a pool of seven threads that never grows, because it counts those that wait wrongly (0.34.7,
//! `threadpool.rs`). A sync on that pool (`flush_async`) waits for a write on that pool, so seven at once wait for ever, and the
//! store with them. So syncs run on threads of ours, one at a time; commits that wait meanwhile share the next one.
//!
//! Values are cut into [`super::pieces`].
//!
//! ```text
//! DATA_DIR/store.lock      held by flock(2) while open
//! DATA_DIR/store/format    the version of what follows, a number
//! DATA_DIR/store/sled/     sled's own files
//! ```

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};

use super::pieces;
use super::private::sync_parent;
use super::watch::Watchers;
use super::{Changes, Op, Pending, Store, StoreError};
use crate::model::{Clock, Mono};

/// The format this version writes, and the newest it reads. In the one before, each value was one record, which this one reads, too.
const FORMAT: u32 = 2;

/// A process that is being replaced has ten seconds to stop; three times that covers a slow disk.
const LOCK_WAIT: Duration = Duration::from_secs(30);

/// How often a held lock is looked at.
const LOCK_RETRY: Duration = Duration::from_millis(200);

/// How often a database that is being closed is tried, and how long after each other: five seconds.
const CLOSING_TRIES: u32 = 100;
const CLOSING_RETRY: Duration = Duration::from_millis(50);

/// sled's error is sticky: after one the store is opened anew, this long later.
const REOPEN_AFTER: Duration = Duration::from_secs(60);

/// sled would take a gigabyte. What is hot, the records of the next steps, is far smaller.
const CACHE_BYTES: u64 = 16 * 1024 * 1024;

/// The store in the data directory.
#[derive(Debug)]
pub struct SledStore {
    shared: Arc<Shared>,
    watchers: Watchers,
    set_aside: Option<PathBuf>,
    _lock: File,
}

#[derive(Debug)]
struct Shared {
    place: PathBuf,
    clock: Clock,
    state: Mutex<State>,
    /// Held while a commit compares and writes, and while values are read, whose pieces would be of two commits otherwise.
    turn: Mutex<()>,
}

#[derive(Debug)]
struct State {
    log: Option<Arc<Log>>,
    failed_at: Option<Mono>,
}

/// The open database, and how far it is synced.
#[derive(Debug)]
struct Log {
    db: ::sled::Db,
    /// Batches written so far.
    written: AtomicU64,
    /// Of these, those that are on the disk.
    synced: Mutex<u64>,
}

impl Log {
    fn open(place: &Path) -> Result<Arc<Self>, StoreError> {
        Ok(Arc::new(Self { db: open_sled(place)?, written: AtomicU64::new(0), synced: Mutex::default() }))
    }

    /// Returns when everything that was written before is on the disk.
    fn sync(&self) -> Result<(), StoreError> {
        let ours = self.written.fetch_add(1, Ordering::SeqCst) + 1;
        let mut synced = self.synced.lock().unwrap_or_else(PoisonError::into_inner);
        if *synced < ours {
            let written = self.written.load(Ordering::SeqCst);
            self.db.flush().map_err(from_sled)?;
            *synced = written;
        }
        Ok(())
    }
}

impl SledStore {
    /// Opens the store under `data_dir`, or begins one. The directory exists and is closed to others, see
    /// [`super::private::data_dir`].
    ///
    /// # Errors
    /// [`StoreError::Locked`] after 30 s, [`StoreError::Newer`], or when the disk does not work. A damaged store is no error.
    pub async fn open(data_dir: &Path, clock: Clock) -> Result<Self, StoreError> {
        let lock = lock(data_dir).await?;
        let place = data_dir.join("store");
        let (opening, now) = (place.clone(), clock.now().wall);
        let opened = tokio::task::spawn_blocking(move || {
            check_format(&opening)?;
            Log::open(&opening)
        });
        let (log, set_aside) = match opened.await {
            Ok(Ok(log)) => (log, None),
            // sled panics on some kinds of damage.
            Ok(Err(StoreError::Corrupt(_))) | Err(_) => {
                let aside = data_dir.join(format!("store.corrupt-{}", now.strftime("%Y%m%dT%H%M%SZ")));
                tracing::error!(aside = %aside.display(), "The store is damaged; it was set aside and an empty one begun.");
                let (from, to) = (place.clone(), aside.clone());
                let begun = tokio::task::spawn_blocking(move || {
                    std::fs::rename(&from, &to).map_err(StoreError::io("the damaged store cannot be set aside"))?;
                    Log::open(&from)
                });
                (begun.await.map_err(|_| panicked())??, Some(aside))
            }
            Ok(Err(error)) => return Err(error),
        };
        let state = Mutex::new(State { log: Some(log), failed_at: None });
        let shared = Arc::new(Shared { place, clock, state, turn: Mutex::default() });
        Ok(Self { shared, watchers: Watchers::default(), set_aside, _lock: lock })
    }

    /// Where a damaged store was put at this start: nothing is known then of what endpoints hold, so they are read first.
    #[must_use]
    pub fn set_aside(&self) -> Option<&Path> {
        self.set_aside.as_deref()
    }

    /// sled blocks, so it works on the pool for that.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Shared, &Log) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let shared = self.shared.clone();
        let done = tokio::task::spawn_blocking(move || {
            let log = shared.log()?;
            let outcome = work(&shared, &log);
            if outcome.as_ref().is_err_and(is_sticky) {
                shared.failed();
            }
            outcome
        });
        done.await.map_err(|_| panicked())?
    }
}

impl Store for SledStore {
    fn get<'a>(&'a self, key: &'a str) -> Pending<'a, Option<Vec<u8>>> {
        let key = key.to_owned();
        Box::pin(self.blocking(move |shared, log| {
            let _turn = shared.in_turn();
            pieces::read(&log.db, &key)
        }))
    }

    fn commit(&self, ops: Vec<Op>) -> Pending<'_, ()> {
        Box::pin(async move {
            let changed = ops.iter().filter(|op| op.changes()).map(|op| op.key().to_owned()).collect();
            let work = move |shared: &Shared, log: &Log| {
                apply(shared, &log.db, ops)?;
                // What was written and is not on the disk may be lost, whatever the reason.
                log.sync().inspect_err(|_| shared.failed())
            };
            self.blocking(work).await?;
            self.watchers.tell(changed);
            Ok(())
        })
    }

    fn scan<'a>(&'a self, prefix: &'a str) -> Pending<'a, Vec<(String, Vec<u8>)>> {
        let prefix = prefix.to_owned();
        Box::pin(self.blocking(move |shared, log| {
            let _turn = shared.in_turn();
            pieces::all(&log.db, &prefix)
        }))
    }

    fn watch(&self, prefix: &str) -> Changes {
        self.watchers.watch(prefix)
    }

    fn bytes(&self) -> Pending<'_, u64> {
        Box::pin(self.blocking(|_, log| log.db.size_on_disk().map_err(from_sled)))
    }
}

impl Shared {
    /// Nobody else reads or writes meanwhile.
    fn in_turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The open database; after a failure a new one, once its minute has passed.
    fn log(&self) -> Result<Arc<Log>, StoreError> {
        let now = self.clock.now().mono;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.failed_at.is_some_and(|failed_at| now >= failed_at + REOPEN_AFTER) {
            // The failed one must be gone before its files can be opened again.
            state.log = None;
            state.failed_at = Some(now);
            state.log = Some(Log::open(&self.place)?);
            state.failed_at = None;
            tracing::info!("The store works again.");
        }
        state.log.clone().ok_or_else(|| StoreError::Other {
            what: "the store failed and is opened anew every minute".into(),
            source: std::io::ErrorKind::NotConnected.into(),
        })
    }

    fn failed(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.failed_at.is_none() {
            state.failed_at = Some(self.clock.now().mono);
        }
    }
}

/// Compares what is expected and writes the rest as one batch.
fn apply(shared: &Shared, db: &::sled::Db, ops: Vec<Op>) -> Result<(), StoreError> {
    let _turn = shared.in_turn();
    let mut last = BTreeMap::new();
    for op in ops {
        match op {
            Op::Put { key, value } => _ = last.insert(key, Some(value)),
            Op::Delete { key } => _ = last.insert(key, None),
            Op::Expect { key, value } => {
                if pieces::read(db, &key)? != value {
                    return Err(StoreError::Changed(key));
                }
            }
        }
    }
    let mut batch = ::sled::Batch::default();
    last.into_iter().try_for_each(|(key, value)| pieces::write(db, &mut batch, key, value))?;
    db.apply_batch(batch).map_err(from_sled)
}

/// Takes the lock of the data directory; the kernel gives it back when the process ends, however it ends.
async fn lock(data_dir: &Path) -> Result<File, StoreError> {
    let path = data_dir.join("store.lock");
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(StoreError::io(format!("{} cannot be opened", path.display())))?;
    let deadline = tokio::time::Instant::now() + LOCK_WAIT;
    loop {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(file),
            Err(rustix::io::Errno::WOULDBLOCK) if tokio::time::Instant::now() < deadline => {
                tokio::time::sleep(LOCK_RETRY).await;
            }
            Err(rustix::io::Errno::WOULDBLOCK) => return Err(StoreError::Locked(data_dir.join("store"))),
            Err(error) => return Err(StoreError::io(format!("{} cannot be locked", path.display()))(error.into())),
        }
    }
}

/// Looks at the format before sled touches a file; a new store is marked before sled makes one.
fn check_format(place: &Path) -> Result<(), StoreError> {
    let mark = place.join("format");
    match std::fs::read_to_string(&mark) {
        Ok(text) => match text.trim().parse::<u32>() {
            Ok(found) if found > FORMAT => Err(StoreError::Newer { found, known: FORMAT }),
            Ok(_) => Ok(()),
            Err(_) => Err(StoreError::Corrupt("its format is not a number".into())),
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
            Err(StoreError::Corrupt("its format is not text".into()))
        }
        Err(error) => Err(StoreError::io(format!("{} cannot be read", mark.display()))(error)),
    }
}

fn open_sled(place: &Path) -> Result<::sled::Db, StoreError> {
    mark_format(place).map_err(StoreError::io(format!("{} cannot be written", place.display())))?;
    let mut tries = 0;
    loop {
        let opened = ::sled::Config::new()
            .path(place.join("sled"))
            .cache_capacity(CACHE_BYTES)
            // Every commit is flushed before it returns: there is nothing for a flusher to do.
            .flush_every_ms(None)
            .open();
        tries += 1;
        match opened {
            // No other process is there, since the store's lock is ours: threads of the database that this one closed last, which
            // hold its file until they are done.
            Err(::sled::Error::Io(error)) if tries < CLOSING_TRIES && error.to_string().contains("acquire lock") => {
                std::thread::sleep(CLOSING_RETRY);
            }
            opened => return opened.map_err(from_sled),
        }
    }
}

fn mark_format(place: &Path) -> std::io::Result<()> {
    let mark = place.join("format");
    let current = format!("{FORMAT}\n");
    if std::fs::read_to_string(&mark).ok().as_ref() != Some(&current) {
        std::fs::create_dir_all(place)?;
        // Never half of one: a mark that is no number is damage.
        let new = place.join("format.new");
        std::fs::write(&new, current)?;
        File::open(&new)?.sync_all()?;
        std::fs::rename(&new, &mark)?;
        sync_parent(&mark)?;
        sync_parent(place)?;
    }
    Ok(())
}

pub(super) fn from_sled(error: ::sled::Error) -> StoreError {
    match error {
        ::sled::Error::Corruption { .. } => StoreError::Corrupt("a checksum does not match".into()),
        ::sled::Error::Io(source) => StoreError::io("the store's disk does not work")(source),
        // The format is ours to know, so a sled of another age, or one that found itself inconsistent, is damage.
        other => StoreError::Corrupt(other.to_string()),
    }
}

fn panicked() -> StoreError {
    StoreError::Corrupt("reading it ended in a panic".into())
}

fn is_sticky(error: &StoreError) -> bool {
    matches!(error, StoreError::Full | StoreError::Other { .. })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::private::data_dir;

    fn clock() -> Clock {
        Clock::starting_at("2026-03-02T08:00:00Z".parse().unwrap())
    }

    /// What a restart would find had the process been killed now: its files as the system sees them, without the lock.
    fn copy(from: &Path, to: &Path) {
        std::fs::create_dir_all(to).unwrap();
        for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
            let target = to.join(entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                copy(&entry.path(), &target);
            } else {
                std::fs::copy(entry.path(), target).unwrap();
            }
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn hundreds_of_commits_at_once_all_come_to_an_end() {
        let scratch = tempfile::tempdir().unwrap();
        let data = scratch.path().join("data");
        data_dir(&data).unwrap();
        let store = Arc::new(SledStore::open(&data, clock()).await.unwrap());
        let mut writers = tokio::task::JoinSet::new();
        for writer in 0..200u32 {
            let store = store.clone();
            writers.spawn(async move {
                for round in 0..3u32 {
                    let record = Op::put(format!("room/{writer}/{round}"), vec![7; 40_000]);
                    store.commit(vec![record]).await.unwrap();
                    store.get("room/0/0").await.unwrap();
                }
            });
        }
        while let Some(ended) = writers.join_next().await {
            ended.unwrap();
        }
        assert_eq!(store.scan("room/").await.unwrap().len(), 600);
    }

    #[tokio::test]
    async fn what_was_committed_is_there_after_a_kill_whole_and_nothing_else() {
        let scratch = tempfile::tempdir().unwrap();
        let data = scratch.path().join("data");
        data_dir(&data).unwrap();
        let store = SledStore::open(&data, clock()).await.unwrap();
        for round in 0..6u32 {
            let big = vec![7; 200_000];
            let ops =
                vec![Op::put("round", round.to_string()), Op::put(format!("big/{round}"), big), Op::delete("gone")];
            store.commit(ops).await.unwrap();
            let refused = vec![Op::put("refused", "x"), Op::expect("round", None)];
            assert!(matches!(store.commit(refused).await, Err(StoreError::Changed(key)) if key == "round"));

            let killed = scratch.path().join(format!("killed-{round}"));
            copy(&data, &killed);
            let restarted = SledStore::open(&killed, clock()).await.unwrap();
            assert_eq!(restarted.set_aside(), None);
            let keys: Vec<String> = restarted.scan("").await.unwrap().into_iter().map(|(key, _)| key).collect();
            let wanted: Vec<String> = (0..=round).map(|n| format!("big/{n}")).chain(["round".to_owned()]).collect();
            assert_eq!(keys, wanted);
            assert_eq!(restarted.get("round").await.unwrap(), Some(round.to_string().into_bytes()));
        }
        assert!(store.bytes().await.unwrap() > 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_stays_locked_is_given_up_after_thirty_seconds_and_one_that_is_freed_opens() {
        let scratch = tempfile::tempdir().unwrap();
        let held = SledStore::open(scratch.path(), clock()).await.unwrap();
        let started = tokio::time::Instant::now();
        let refused = SledStore::open(scratch.path(), clock()).await.unwrap_err();
        assert!(matches!(refused, StoreError::Locked(path) if path == scratch.path().join("store")));
        assert_eq!(started.elapsed().as_secs(), 30);

        let waiting = SledStore::open(scratch.path(), clock());
        let freed = async {
            tokio::time::sleep(Duration::from_secs(5)).await;
            drop(held);
        };
        let (opened, ()) = tokio::join!(waiting, freed);
        opened.unwrap();
    }

    #[tokio::test]
    async fn a_database_that_is_still_being_closed_is_waited_for() {
        let scratch = tempfile::tempdir().unwrap();
        let data = scratch.path().to_owned();
        let closing = ::sled::Config::new().path(data.join("store/sled")).open().unwrap();
        let opening = tokio::spawn(async move { SledStore::open(&data, clock()).await });
        // It is marked right before it is opened.
        while !scratch.path().join("store/format").exists() {
            tokio::task::yield_now().await;
        }
        drop(closing);
        assert_eq!(opening.await.unwrap().unwrap().set_aside(), None);
    }

    #[tokio::test]
    async fn a_store_of_a_newer_version_is_refused_and_left_as_it_is() {
        let scratch = tempfile::tempdir().unwrap();
        std::fs::create_dir(scratch.path().join("store")).unwrap();
        std::fs::write(scratch.path().join("store/format"), "3\n").unwrap();
        let refused = SledStore::open(scratch.path(), clock()).await.unwrap_err();
        assert!(matches!(refused, StoreError::Newer { found: 3, known: 2 }));
        assert_eq!(std::fs::read_dir(scratch.path().join("store")).unwrap().count(), 1);
    }

    #[tokio::test]
    async fn a_damaged_store_is_set_aside_and_an_empty_one_begun() {
        for damaged in ["store/sled/conf", "store/format"] {
            let scratch = tempfile::tempdir().unwrap();
            let store = SledStore::open(scratch.path(), clock()).await.unwrap();
            store.commit(vec![Op::put("kept", "x")]).await.unwrap();
            drop(store);
            std::fs::write(scratch.path().join(damaged), [0xff; 64]).unwrap();
            let begun = SledStore::open(scratch.path(), clock()).await.unwrap();
            let aside = scratch.path().join("store.corrupt-20260302T080000Z");
            assert_eq!(begun.set_aside(), Some(aside.as_path()), "{damaged}");
            assert!(aside.join("sled/db").exists(), "{damaged}");
            assert_eq!(begun.scan("").await.unwrap(), [], "{damaged}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_failed_write_the_store_is_opened_anew_a_minute_later() {
        let scratch = tempfile::tempdir().unwrap();
        let store = SledStore::open(scratch.path(), clock()).await.unwrap();
        store.commit(vec![Op::put("kept", "x")]).await.unwrap();
        store.shared.failed();
        store.shared.state.lock().unwrap().log = None;
        assert_eq!(
            store.get("kept").await.unwrap_err().to_string(),
            "the store failed and is opened anew every minute"
        );
        tokio::time::advance(REOPEN_AFTER).await;
        assert_eq!(store.get("kept").await.unwrap(), Some(b"x".to_vec()));
        store.commit(vec![Op::put("kept", "y")]).await.unwrap();
    }
}
