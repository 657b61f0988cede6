//! Says when a room's calendar file may have changed. In: the wish in force. Out: requests to look again, which carry nothing.
//!
//! inotify is the hint; the regular read is the guarantee, so a directory that cannot be watched only makes changes slower.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use notify::{EventKind, RecursiveMode, Watcher as _};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::model::desired::RoomSource;
use crate::model::{Desired, LookAgain, RoomKey};

/// A file is written in several steps: what changed within this time is one change.
const QUIET: Duration = Duration::from_millis(200);

/// Watches the directories of all rooms' calendar files until `stop`.
pub async fn watch_files(
    mut wish: watch::Receiver<Arc<Desired>>,
    look_again: mpsc::Sender<LookAgain>,
    stop: CancellationToken,
) {
    loop {
        let files = files_of(&wish.borrow_and_update());
        tokio::select! {
            () = stop.cancelled() => return,
            changed = wish.changed() => if changed.is_err() { return },
            () = watch_until_dropped(files, &look_again) => {}
        }
    }
}

/// The rooms of each calendar file.
fn files_of(desired: &Desired) -> BTreeMap<PathBuf, Vec<RoomKey>> {
    let mut files: BTreeMap<PathBuf, Vec<RoomKey>> = BTreeMap::new();
    for (key, room) in &desired.rooms {
        if let RoomSource::IcsFile(path) = &room.source {
            files.entry(path.clone()).or_default().push(key.clone());
        }
    }
    files
}

async fn watch_until_dropped(files: BTreeMap<PathBuf, Vec<RoomKey>>, look_again: &mpsc::Sender<LookAgain>) {
    let (hint, mut hints) = mpsc::channel::<PathBuf>(1024);
    let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let Ok(event) = event else { return };
        if matches!(event.kind, EventKind::Access(_)) {
            return;
        }
        for path in event.paths {
            // A full channel loses a hint; the regular read makes up for it.
            let _ = hint.try_send(path);
        }
    });
    let Ok(mut watcher) = watcher else { return std::future::pending().await };
    let directories: BTreeSet<&Path> = files.keys().filter_map(|path| path.parent()).collect();
    for directory in directories {
        if let Err(error) = watcher.watch(directory, RecursiveMode::NonRecursive) {
            tracing::debug!(%error, "A calendar directory is not watched; it is read at its regular times.");
        }
    }
    // Paths are reported below the directory as it was named to the watcher, so they compare as they are.
    loop {
        let Some(first) = hints.recv().await else { return std::future::pending().await };
        let mut changed = BTreeSet::from([first]);
        while let Ok(Some(path)) = tokio::time::timeout(QUIET, hints.recv()).await {
            changed.insert(path);
        }
        let mut rooms = Vec::new();
        for path in &changed {
            rooms.extend(files.get(path).into_iter().flatten().cloned());
        }
        for room in rooms {
            if look_again.send(LookAgain::Room(room)).await.is_err() {
                return std::future::pending().await;
            }
        }
    }
}
