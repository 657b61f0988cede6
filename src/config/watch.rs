//! Says when the directories may have changed. In: paths. Out: a poke, which says "look again" and nothing else.
//!
//! inotify is the hint that makes an edit visible at once; it misses link swaps above the root (git-sync), network file systems and
//! whatever was mounted anew. The guarantee is a look at names, inodes, sizes and change times every few seconds.

use std::path::PathBuf;
use std::time::Duration;

use notify::{RecursiveMode, Watcher as _};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::files::fingerprint;
use crate::model::Digest;

/// After a change, how long nothing may happen before a poke: editors and git write a file in several steps.
const QUIET: Duration = Duration::from_millis(300);

/// A writer that never rests is not waited for longer.
const QUIET_MAX: Duration = Duration::from_secs(5);

/// How often the tree is looked at.
const LOOK: Duration = Duration::from_secs(3);

/// Watches some directories.
#[derive(Clone, Debug)]
pub struct Watch {
    paths: Vec<PathBuf>,
    look: Duration,
}

impl Watch {
    /// Of configuration directories and the directories of secrets.
    #[must_use]
    pub fn new(roots: &[PathBuf], secret_dirs: &[PathBuf]) -> Self {
        Self { paths: roots.iter().chain(secret_dirs).cloned().collect(), look: LOOK }
    }

    /// Calls `poke` after every change until `stop`. A poke may be one too many, never one too few.
    pub async fn run(self, poke: impl Fn() + Send, stop: CancellationToken) {
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.forever(poke) => {}
        }
    }

    async fn forever(self, poke: impl Fn() + Send) {
        // The watcher is made before the first look, so that nothing changes unseen in between.
        let (hint, mut hints) = mpsc::channel(1);
        let _watcher = self.hints(hint.clone());
        let mut seen = self.fingerprint().await;
        let mut looks = interval_at(Instant::now() + self.look, self.look);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                Some(()) = hints.recv() => rest(&mut hints).await,
                _ = looks.tick() => {}
            }
            let now = self.fingerprint().await;
            if now != seen {
                seen = now;
                poke();
            }
        }
    }

    async fn fingerprint(&self) -> Digest {
        let paths = self.paths.clone();
        tokio::task::spawn_blocking(move || fingerprint(&paths)).await.unwrap_or_default()
    }

    /// inotify where there is one; without it only the looks remain.
    fn hints(&self, hint: mpsc::Sender<()>) -> Option<notify::RecommendedWatcher> {
        let told = move |event: notify::Result<notify::Event>| {
            // Our own reading is an event too. A fault may have swallowed a change: look then.
            if event.is_ok_and(|event| event.kind.is_access()) {
                return;
            }
            let _ = hint.try_send(());
        };
        let mut watcher = match notify::recommended_watcher(told) {
            Ok(watcher) => watcher,
            Err(error) => {
                tracing::warn!(%error, "Changes of the directory are seen by looking alone.");
                return None;
            }
        };
        for path in &self.paths {
            if let Err(error) = watcher.watch(path, RecursiveMode::Recursive) {
                tracing::debug!(path = %path.display(), %error, "This directory is watched by looking alone.");
            }
        }
        Some(watcher)
    }
}

/// Waits until nothing has happened for [`QUIET`].
async fn rest(hints: &mut mpsc::Receiver<()>) {
    let quiet = async { while let Ok(Some(())) = timeout(QUIET, hints.recv()).await {} };
    tokio::select! {
        () = quiet => {}
        () = sleep(QUIET_MAX) => {}
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::path::Path;

    use super::*;

    /// Makes one change after the other until one is told: those before the first look cannot be.
    async fn told(path: PathBuf, look: Duration, change: impl Fn(usize)) {
        let (sender, mut receiver) = mpsc::channel(8);
        let stop = CancellationToken::new();
        let run = Watch { paths: vec![path], look }.run(move || sender.try_send(()).unwrap_or_default(), stop.clone());
        let changes = async {
            let heard = async {
                for number in 0..60 {
                    change(number);
                    if timeout(Duration::from_secs(1), receiver.recv()).await.is_ok() {
                        return true;
                    }
                }
                false
            };
            assert!(heard.await, "a minute of changes, and not one was told");
            stop.cancel();
        };
        tokio::join!(run, changes);
    }

    fn checkout(dir: &Path, name: &str) {
        std::fs::create_dir(dir.join(name)).unwrap();
        std::fs::write(dir.join(name).join("a.yaml"), "x: 1\n").unwrap();
    }

    #[tokio::test]
    async fn an_edit_is_told_long_before_the_next_look() {
        let dir = tempfile::tempdir().unwrap();
        checkout(dir.path(), "otj.d");
        let file = dir.path().join("otj.d/a.yaml");
        let edit = |number| std::fs::write(&file, "x".repeat(number + 1)).unwrap();
        told(dir.path().join("otj.d"), Duration::from_secs(3600), edit).await;
    }

    #[tokio::test]
    async fn a_swapped_link_is_told_although_nothing_below_it_was_written() {
        let dir = tempfile::tempdir().unwrap();
        checkout(dir.path(), "one");
        checkout(dir.path(), "two");
        let link = dir.path().join("current");
        symlink("one", &link).unwrap();
        let swap = |number| {
            symlink(["two", "one"][number % 2], dir.path().join("next")).unwrap();
            std::fs::rename(dir.path().join("next"), &link).unwrap();
        };
        told(link.clone(), Duration::from_millis(100), swap).await;
    }
}
