//! What a restart must not lose: records by text path, written all or nothing.
//!
//! In: keys like `agenda/ics/fjord@example.com` and bytes. Out: the same bytes after a `kill -9`, once [`Store::commit`] has
//! returned. The trait is async, with transactions and watching, so that a store shared by several nodes fits behind it.
//!
//! | implementation | is |
//! |---|---|
//! | [`sled::SledStore`] | the embedded store in the data directory, one node |
//! | [`etcd::EtcdStore`] | an etcd, which several nodes share |
//! | [`memory::MemoryStore`] | the same in memory: tests |
//! | [`seal::SealedStore`] | wraps one of them: every value compressed and encrypted, bound to its key |

pub mod etcd;
pub mod memory;
mod pieces;
pub mod private;
pub mod seal;
pub mod sled;
mod watch;

use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;

pub use self::watch::{Change, Changes};
use crate::model::Failure;

/// The answer of a store, on its way.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Records by text path.
pub trait Store: Send + Sync + fmt::Debug {
    /// The value of `key`.
    ///
    /// # Errors
    /// When the store cannot be read, or the value is damaged or sealed with another key.
    fn get<'a>(&'a self, key: &'a str) -> Pending<'a, Option<Vec<u8>>>;

    /// Does all of `ops` or nothing, in their order. When this returns, it is on disk.
    ///
    /// # Errors
    /// [`StoreError::Changed`] when an [`Op::Expect`] does not hold; otherwise when the store cannot be written.
    fn commit(&self, ops: Vec<Op>) -> Pending<'_, ()>;

    /// All records whose key starts with `prefix`, sorted by key.
    ///
    /// # Errors
    /// As [`Store::get`].
    fn scan<'a>(&'a self, prefix: &'a str) -> Pending<'a, Vec<(String, Vec<u8>)>>;

    /// The keys starting with `prefix` that change from now on.
    fn watch(&self, prefix: &str) -> Changes;

    /// Bytes the store takes on disk, zero in memory.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn bytes(&self) -> Pending<'_, u64>;
}

/// A shared store is a store.
impl<S: Store + ?Sized> Store for std::sync::Arc<S> {
    fn get<'a>(&'a self, key: &'a str) -> Pending<'a, Option<Vec<u8>>> {
        (**self).get(key)
    }

    fn commit(&self, ops: Vec<Op>) -> Pending<'_, ()> {
        (**self).commit(ops)
    }

    fn scan<'a>(&'a self, prefix: &'a str) -> Pending<'a, Vec<(String, Vec<u8>)>> {
        (**self).scan(prefix)
    }

    fn watch(&self, prefix: &str) -> Changes {
        (**self).watch(prefix)
    }

    fn bytes(&self) -> Pending<'_, u64> {
        (**self).bytes()
    }
}

/// One part of a commit.
#[derive(Clone, PartialEq, Eq)]
pub enum Op {
    /// Writes a record.
    Put {
        /// Its path.
        key: String,
        /// Its value.
        value: Vec<u8>,
    },
    /// Removes a record; removing none is no error.
    Delete {
        /// Its path.
        key: String,
    },
    /// The commit is refused as a whole unless the record has this value, as it was before the commit.
    Expect {
        /// Its path.
        key: String,
        /// Its value; `None`: there is no such record.
        value: Option<Vec<u8>>,
    },
}

impl Op {
    /// [`Op::Put`].
    #[must_use]
    pub fn put(key: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        Self::Put { key: key.into(), value: value.into() }
    }

    /// [`Op::Delete`].
    #[must_use]
    pub fn delete(key: impl Into<String>) -> Self {
        Self::Delete { key: key.into() }
    }

    /// [`Op::Expect`].
    #[must_use]
    pub fn expect(key: impl Into<String>, value: Option<Vec<u8>>) -> Self {
        Self::Expect { key: key.into(), value }
    }

    /// Which record it is about.
    #[must_use]
    pub fn key(&self) -> &str {
        match self {
            Self::Put { key, .. } | Self::Delete { key } | Self::Expect { key, .. } => key,
        }
    }

    fn changes(&self) -> bool {
        !matches!(self, Self::Expect { .. })
    }
}

/// Values may be what people wrote, so only their length is shown.
impl fmt::Debug for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Put { key, value } => write!(f, "put {key} ({} bytes)", value.len()),
            Self::Delete { key } => write!(f, "delete {key}"),
            Self::Expect { key, value: Some(value) } => write!(f, "expect {key} ({} bytes)", value.len()),
            Self::Expect { key, value: None } => write!(f, "expect no {key}"),
        }
    }
}

/// Why a store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another process has it open.
    #[error("another otj has the store open: {}", .0.display())]
    Locked(PathBuf),
    /// The disk is full.
    #[error("no space is left on the disk of the store")]
    Full,
    /// What is there is not what was written.
    #[error("the store is damaged: {0}")]
    Corrupt(String),
    /// A newer version wrote it; it is left as it is.
    #[error("the store has format {found}, written by a newer otj; this one knows format {known}")]
    Newer {
        /// The format found.
        found: u32,
        /// The newest format known.
        known: u32,
    },
    /// No key of the key file opens it; nothing was written.
    #[error("no key of the key file opens the store; give the key it was sealed with (`--store-key-file`)")]
    WrongKey,
    /// An [`Op::Expect`] did not hold.
    #[error("record {0} has changed meanwhile")]
    Changed(String),
    /// This node's lease has ended: others may do its work, so it writes nothing.
    #[error("the lease of this node has ended")]
    LeaseLost,
    /// The store was made for another deployment.
    #[error(
        "the store belongs to deployment {stored}, not {given}; leave `--deployment` out, or use another data directory"
    )]
    OtherDeployment {
        /// Whose it is.
        stored: String,
        /// Who asked.
        given: String,
    },
    /// A directory, key or token that others than its owner may read.
    #[error("others than its owner can read {}; run `chmod go= {}`", .0.display(), .0.display())]
    Exposed(PathBuf),
    /// Anything else.
    #[error("{what}")]
    Other {
        /// What was tried.
        what: String,
        /// What the system answered.
        #[source]
        source: std::io::Error,
    },
}

impl StoreError {
    fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |source| match source.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Self::Full,
            _ => Self::Other { what, source },
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::retry("StoreUnavailable", crate::model::failure::chain(&error))
    }
}

/// Length of a deployment's name, which stands in every booking id.
const DEPLOYMENT_CHARACTERS: usize = 6;

/// Where the deployment's name stands, unsealed: it is no secret, and sealing needs it.
const DEPLOYMENT_RECORD: &str = "meta/deployment";

/// The deployment this store belongs to: as recorded, else `given`, else six random characters, recorded from now on.
///
/// # Errors
/// [`StoreError::OtherDeployment`] when `given` differs from what is recorded; otherwise when the store does not work.
pub async fn deployment(store: &dyn Store, given: Option<&str>) -> Result<String, StoreError> {
    if let Some(stored) = store.get(DEPLOYMENT_RECORD).await? {
        let stored = String::from_utf8_lossy(&stored).into_owned();
        return match given {
            Some(given) if given != stored => Err(StoreError::OtherDeployment { stored, given: given.to_owned() }),
            _ => Ok(stored),
        };
    }
    let name = match given {
        Some(given) => given.to_owned(),
        None => crate::model::names::base32(&private::random::<5>()?)[..DEPLOYMENT_CHARACTERS].to_owned(),
    };
    let ops = vec![Op::expect(DEPLOYMENT_RECORD, None), Op::put(DEPLOYMENT_RECORD, name.clone())];
    match store.commit(ops).await {
        // Another node was quicker.
        Err(StoreError::Changed(_)) => Box::pin(deployment(store, given)).await,
        done => done.map(|()| name),
    }
}

#[cfg(test)]
mod tests;
