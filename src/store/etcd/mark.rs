//! What this node remembers of its etcd, in `DATA_DIR/etcd.mark`: which one it is, and how far it had come. A backup that was restored,
//! or another etcd under the same address, is noticed by it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::Shared;
use super::gateway::Mark;
use crate::store::StoreError;

/// Written this often, when it has changed.
const EVERY: Duration = Duration::from_secs(10);

fn place(data_dir: &Path) -> PathBuf {
    data_dir.join("etcd.mark")
}

/// Takes up what was remembered. What cannot be read is as if it were not there: nothing is known of this etcd then.
pub(super) fn load(data_dir: &Path, mark: &Mark) -> Result<(), StoreError> {
    let text = match std::fs::read_to_string(place(data_dir)) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(StoreError::io("etcd.mark in the data directory cannot be read")(error)),
    };
    if let Some((cluster, revision)) = text.trim().split_once(' ')
        && let (Ok(cluster), Ok(revision)) = (cluster.parse(), revision.parse())
    {
        mark.cluster.store(cluster, Ordering::SeqCst);
        mark.revision.store(revision, Ordering::SeqCst);
    }
    Ok(())
}

/// Writes it down for as long as the store is open.
pub(super) async fn keep(shared: Arc<Shared>, data_dir: PathBuf) {
    let mut written = String::new();
    loop {
        let mark = &shared.gateway.mark;
        let text = format!("{} {}\n", mark.cluster.load(Ordering::SeqCst), mark.revision.load(Ordering::SeqCst));
        if text != written {
            let (place, whole) = (place(&data_dir), text.clone());
            let writing = tokio::task::spawn_blocking(move || {
                let beside = place.with_extension("new");
                std::fs::write(&beside, whole).and_then(|()| std::fs::rename(beside, place))
            });
            match writing.await {
                Ok(Ok(())) => written = text,
                _ => tracing::debug!("etcd.mark cannot be written."),
            }
        }
        tokio::time::sleep(EVERY).await;
    }
}
