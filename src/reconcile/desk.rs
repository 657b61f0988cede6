//! The store as the loop uses it: a record that cannot be written is kept in memory and written later, so that a full disk
//! stops nothing.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::model::Failure;
use crate::store::{Op, Store};

/// See the module.
#[derive(Debug)]
pub struct Desk {
    store: Arc<dyn Store>,
    unsaved: Mutex<BTreeMap<String, Op>>,
    unavailable: AtomicBool,
}

impl Desk {
    /// A desk over `store`.
    #[must_use]
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store, unsaved: Mutex::default(), unavailable: AtomicBool::new(false) }
    }

    /// Writes, durably where the store can; otherwise keeps the records in memory for [`Desk::try_again`].
    pub async fn commit(&self, ops: Vec<Op>) {
        if ops.is_empty() {
            return;
        }
        match self.store.commit(ops.clone()).await {
            Ok(()) => {
                let mut unsaved = self.unsaved.lock().unwrap_or_else(PoisonError::into_inner);
                for op in &ops {
                    unsaved.remove(op.key());
                }
            }
            Err(error) => {
                if !self.unavailable.swap(true, Ordering::Relaxed) {
                    tracing::error!(%error, "The store does not take records; going on from memory.");
                }
                let mut unsaved = self.unsaved.lock().unwrap_or_else(PoisonError::into_inner);
                unsaved.extend(ops.into_iter().map(|op| (op.key().to_owned(), op)));
            }
        }
    }

    /// Reads a record, also one that could not be written yet.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Failure> {
        let unsaved = self.unsaved.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned();
        match unsaved {
            Some(Op::Put { value, .. }) => Ok(Some(value)),
            Some(_) => Ok(None),
            None => {
                self.store.get(key).await.map_err(|error| {
                    Failure::retry("StoreUnavailable", format!("the store could not be read: {error}"))
                })
            }
        }
    }

    /// Writes what could not be written before.
    pub async fn try_again(&self) {
        let ops: Vec<Op> = self.unsaved.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect();
        if ops.is_empty() {
            return;
        }
        if self.store.commit(ops.clone()).await.is_ok() {
            self.unavailable.store(false, Ordering::Relaxed);
            let mut unsaved = self.unsaved.lock().unwrap_or_else(PoisonError::into_inner);
            for op in ops {
                if unsaved.get(op.key()) == Some(&op) {
                    unsaved.remove(op.key());
                }
            }
            tracing::info!("The store takes records again.");
        }
    }

    /// Whether the last record could not be written.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        self.unavailable.load(Ordering::Relaxed)
    }
}
