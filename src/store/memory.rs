//! The store in memory, for tests: it ends with the process.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::watch::Watchers;
use super::{Changes, Op, Pending, Store, StoreError};

/// Records that end with the process.
#[derive(Debug, Default)]
pub struct MemoryStore {
    records: Mutex<BTreeMap<String, Hidden>>,
    watchers: Watchers,
}

/// A value, which no `Debug` shows.
struct Hidden(Vec<u8>);

impl std::fmt::Debug for Hidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn apply(&self, ops: Vec<Op>) -> Result<Vec<String>, StoreError> {
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        for op in &ops {
            if let Op::Expect { key, value } = op
                && records.get(key).map(|hidden| &hidden.0) != value.as_ref()
            {
                return Err(StoreError::Changed(key.clone()));
            }
        }
        let mut changed = Vec::new();
        for op in ops {
            match op {
                Op::Put { key, value } => {
                    records.insert(key.clone(), Hidden(value));
                    changed.push(key);
                }
                Op::Delete { key } => {
                    records.remove(&key);
                    changed.push(key);
                }
                Op::Expect { .. } => {}
            }
        }
        Ok(changed)
    }
}

impl Store for MemoryStore {
    fn get<'a>(&'a self, key: &'a str) -> Pending<'a, Option<Vec<u8>>> {
        let records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        let value = records.get(key).map(|hidden| hidden.0.clone());
        Box::pin(std::future::ready(Ok(value)))
    }

    fn commit(&self, ops: Vec<Op>) -> Pending<'_, ()> {
        Box::pin(async move {
            self.watchers.tell(self.apply(ops)?);
            Ok(())
        })
    }

    fn scan<'a>(&'a self, prefix: &'a str) -> Pending<'a, Vec<(String, Vec<u8>)>> {
        let records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        let found = records
            .range(prefix.to_owned()..)
            .take_while(|(key, _)| key.starts_with(prefix))
            .map(|(key, hidden)| (key.clone(), hidden.0.clone()))
            .collect();
        Box::pin(std::future::ready(Ok(found)))
    }

    fn watch(&self, prefix: &str) -> Changes {
        self.watchers.watch(prefix)
    }

    fn bytes(&self) -> Pending<'_, u64> {
        Box::pin(std::future::ready(Ok(0)))
    }
}
