//! Tells who watches a prefix which keys changed. A commit never waits for a watcher.

use std::sync::Arc;

use tokio::sync::broadcast;

/// Commits a slow watcher may fall behind before it is told to look at everything again.
const BEHIND_MAX: usize = 1024;

/// Something changed. It says where, not what.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Change {
    /// This record.
    Key(String),
    /// Some records: the watcher was too slow to be told each. Scan the prefix.
    Missed,
}

/// The changes of one prefix, in the order of the commits.
#[derive(Debug)]
pub struct Changes {
    prefix: String,
    commits: broadcast::Receiver<Arc<[String]>>,
    waiting: std::collections::VecDeque<String>,
}

impl Changes {
    /// The next change; `None` once the store is gone. It can be dropped while waiting without losing anything.
    pub async fn next(&mut self) -> Option<Change> {
        loop {
            if let Some(key) = self.waiting.pop_front() {
                return Some(Change::Key(key));
            }
            match self.commits.recv().await {
                // Nobody tells of no key.
                Ok(keys) if keys.is_empty() => return Some(Change::Missed),
                Ok(keys) => self.waiting.extend(keys.iter().filter(|key| key.starts_with(&self.prefix)).cloned()),
                Err(broadcast::error::RecvError::Lagged(_)) => return Some(Change::Missed),
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    }
}

/// The sending side, one per store.
#[derive(Debug)]
pub(super) struct Watchers(broadcast::Sender<Arc<[String]>>);

impl Default for Watchers {
    fn default() -> Self {
        Self(broadcast::Sender::new(BEHIND_MAX))
    }
}

impl Watchers {
    pub(super) fn watch(&self, prefix: &str) -> Changes {
        Changes { prefix: prefix.to_owned(), commits: self.0.subscribe(), waiting: Default::default() }
    }

    /// Something changed, and nobody knows what.
    pub(super) fn tell_missed(&self) {
        let _ = self.0.send(Arc::default());
    }

    /// `keys` changed, in one commit.
    pub(super) fn tell(&self, keys: Vec<String>) {
        if !keys.is_empty() {
            // Nobody watching is no error.
            let _ = self.0.send(keys.into());
        }
    }
}
