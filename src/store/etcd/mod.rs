//! The store that several nodes share: etcd, through the JSON gateway of its v3 API, with our own HTTP client.
//!
//! In: records by path, as for every [`Store`]. Out: the same on every node, once etcd's members agreed.
//!
//! | what happens | then |
//! |---|---|
//! | a member does not answer | the next one is asked, within five seconds in all |
//! | a commit expects a record as it is | one transaction, which compares the revision that was read |
//! | this node has lost its lease | nothing is written any more: each transaction asks for the record that ends with the lease |
//! | a value is larger than a mebibyte | it is put in pieces first, then the record that names them, so that readers see one or the other |
//! | a commit has more parts than a transaction takes | several of them; what is put comes before what is deleted |
//! | etcd was compacted or a stream broke | the stream goes on where it was, or watchers are told to look at everything |
//! | it is another etcd than last time, or went back | [`EtcdStore::was_restored`], for whoever trusts what was stored |
//!
//! ```text
//! PREFIX/KEY                     0, the value;  1, the number of pieces, their name
//! PREFIX/.pieces/KEY'/NAME/N     a piece; KEY' is a digest of the key
//! ```
//!
//! See <https://etcd.io/docs/v3.4/dev-guide/api_grpc_gateway/>.

mod address;
mod follow;
mod gateway;
mod lease;
mod mark;
mod pieces;
mod wire;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};
use tokio::task::JoinSet;

pub use self::address::{EtcdOptions, NoEtcdAddress};
use self::gateway::Gateway;
pub use self::lease::{Lease, Leased};
use self::wire::{Kv, RangeAnswer, StatusAnswer, TxnAnswer, base64, end_of};
use super::watch::Watchers;
use super::{Changes, Op, Pending, Store, StoreError};
use crate::http::Http;

/// Records of one page; halved where they are too large together.
const PAGE: u32 = 256;
/// Parts of one transaction: etcd takes 128 (`--max-txn-ops`), of which the fence and what is expected are some.
const PARTS_MAX: usize = 96;
/// Bytes of one transaction, before base64: etcd takes 1.5 MiB (`--max-request-bytes`).
const TRANSACTION_BYTES_MAX: usize = 1 << 20;

/// See the module.
#[derive(Debug)]
pub struct EtcdStore {
    shared: Arc<Shared>,
    /// Follows the changes; ends with the store.
    _follower: JoinSet<()>,
}

#[derive(Debug)]
struct Shared {
    gateway: Gateway,
    watchers: Watchers,
    /// The record that ends with our lease, and the revision that made it.
    fence: Mutex<Option<(String, u64)>>,
    /// Records that were seen in pieces.
    cut: Mutex<BTreeSet<String>>,
}

impl EtcdStore {
    /// Signs in, and follows the changes from now on. What is known of this etcd stands in `data_dir`.
    ///
    /// # Errors
    /// When no member answers, or it refuses.
    pub async fn open(http: Http, options: EtcdOptions, data_dir: &Path) -> Result<Self, StoreError> {
        let gateway = Gateway::new(http, options);
        mark::load(data_dir, &gateway.mark)?;
        let shared = Shared { gateway, watchers: Watchers::default(), fence: Mutex::default(), cut: Mutex::default() };
        let shared = Arc::new(shared);
        let revision = shared.range(".", None, 1).await?.header.revision;
        let mut follower = JoinSet::new();
        follower.spawn(follow::follow(shared.clone(), revision + 1));
        follower.spawn(mark::keep(shared.clone(), data_dir.to_owned()));
        Ok(Self { shared, _follower: follower })
    }

    /// Whether etcd is another one than last time, or went back to an earlier state since this node knows it.
    #[must_use]
    pub fn was_restored(&self) -> bool {
        self.shared.gateway.mark.restored.load(std::sync::atomic::Ordering::SeqCst)
    }
}

impl Shared {
    /// Records from `from` to `end`, or the record `from` alone.
    async fn range(&self, from: &str, end: Option<&[u8]>, limit: u32) -> Result<RangeAnswer, StoreError> {
        self.range_at(self.gateway.key(from).as_bytes(), end, limit, 0).await
    }

    async fn range_at(
        &self,
        from: &[u8],
        end: Option<&[u8]>,
        limit: u32,
        revision: u64,
    ) -> Result<RangeAnswer, StoreError> {
        let mut body = json!({"key": base64(from), "limit": limit.to_string(), "revision": revision.to_string()});
        if let Some(end) = end {
            body["range_end"] = Value::String(base64(end));
        }
        Ok(self.gateway.ask::<RangeAnswer>("/v3/kv/range", &body, true).await?.answer)
    }

    /// The record as it stands.
    async fn stored(&self, key: &str) -> Result<Option<Kv>, StoreError> {
        Ok(self.range(key, None, 1).await?.kvs.pop())
    }

    /// Its value, and the revision that wrote it.
    async fn value(&self, key: &str) -> Result<Option<(Vec<u8>, u64)>, StoreError> {
        // Pieces that go while they are read belong to a value that is gone, too.
        for _ in 0..3 {
            let Some(kv) = self.stored(key).await? else { return Ok(None) };
            if let Some(whole) = self.whole(key, kv.value, 0).await? {
                return Ok(Some((whole, kv.mod_revision)));
            }
        }
        Err(StoreError::Corrupt(format!("record {key} lacks pieces")))
    }

    /// The pages of everything that begins with `prefix`, all of one revision.
    async fn all(&self, prefix: &str) -> Result<Vec<Kv>, StoreError> {
        let mut from = self.gateway.key(prefix).into_bytes();
        let end = end_of(&self.gateway.key(prefix));
        let (mut found, mut revision, mut limit) = (Vec::new(), 0, PAGE);
        loop {
            let page = match self.range_at(&from, Some(&end), limit, revision).await {
                Err(StoreError::Other { what, .. }) if limit > 1 && what.contains("larger than") => {
                    limit = (limit / 8).max(1);
                    continue;
                }
                page => page?,
            };
            revision = page.header.revision.max(revision);
            let Some(last) = page.kvs.last() else { return Ok(found) };
            from = [last.key.as_slice(), &[0]].concat();
            found.extend(page.kvs);
            if !page.more {
                return Ok(found);
            }
        }
    }

    async fn scan(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        let mut found = Vec::new();
        for kv in self.all(prefix).await? {
            let Some(key) = self.gateway.record(&kv.key).map(str::to_owned) else {
                return Err(StoreError::Corrupt("a record's path is not text".into()));
            };
            if is_ours_alone(&key) {
                continue;
            }
            let value = match self.whole(&key, kv.value, 0).await? {
                Some(value) => Some(value),
                None => self.value(&key).await?.map(|(value, _)| value),
            };
            found.extend(value.map(|value| (key, value)));
        }
        Ok(found)
    }

    /// Compares what is expected, and does the rest.
    async fn commit(&self, ops: Vec<Op>) -> Result<(), StoreError> {
        let mut compare = Vec::new();
        let mut asked = Vec::new();
        let mut last: BTreeMap<String, Option<Vec<u8>>> = BTreeMap::new();
        for op in ops {
            match op {
                Op::Put { key, value } => _ = last.insert(key, Some(value)),
                Op::Delete { key } => _ = last.insert(key, None),
                Op::Expect { key, value } => {
                    let full = self.gateway.key(&key);
                    match (value, self.value(&key).await?) {
                        (None, None) => compare.push(wire::made_in(&full, 0)),
                        (Some(value), Some((found, revision))) if value == found => {
                            compare.push(wire::written_in(&full, revision));
                        }
                        _ => return Err(StoreError::Changed(key)),
                    }
                    asked.push(key);
                }
            }
        }
        let (puts, deletes): (Vec<_>, Vec<_>) = last.into_iter().partition(|(_, value)| value.is_some());
        let mut batches = vec![(Vec::new(), 0)];
        let mut cut = Vec::new();
        for (key, value) in puts.into_iter().chain(deletes) {
            let full = self.gateway.key(&key);
            let (part, bytes) = match &value {
                None => (wire::delete(&full), 0),
                Some(value) => {
                    let body = self.put_pieces(&key, value).await?;
                    (wire::put(&full, body.bytes(), None), body.bytes().len())
                }
            };
            if self.leaves_pieces(&key, value.as_deref()) {
                cut.push(key);
            }
            let batch = batches.last_mut().expect("there is always one");
            if batch.0.len() >= PARTS_MAX || batch.1 + bytes > TRANSACTION_BYTES_MAX {
                batches.push((vec![part], bytes));
            } else {
                batch.0.push(part);
                batch.1 += bytes;
            }
        }
        for (number, (parts, _)) in batches.into_iter().enumerate() {
            // What is expected holds before the first of them.
            let compare = if number == 0 { std::mem::take(&mut compare) } else { Vec::new() };
            self.transact(compare, parts, &asked).await?;
        }
        for key in cut {
            self.drop_pieces(&key).await?;
        }
        Ok(())
    }

    async fn transact(&self, mut compare: Vec<Value>, parts: Vec<Value>, asked: &[String]) -> Result<(), StoreError> {
        if compare.is_empty() && parts.is_empty() {
            return Ok(());
        }
        let again = compare.is_empty();
        let fence = self.fence.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut look: Vec<Value> = Vec::new();
        if let Some((key, revision)) = &fence {
            compare.push(wire::made_in(key, *revision));
            look.push(wire::look(key));
        }
        let body = json!({"compare": compare, "success": parts, "failure": look});
        let done = self.gateway.ask::<TxnAnswer>("/v3/kv/txn", &body, again).await?.answer;
        if done.succeeded {
            return Ok(());
        }
        let held =
            done.responses.first().and_then(|part| part.response_range.as_ref()).and_then(|range| range.kvs.first());
        match fence {
            Some((_, revision)) if held.is_none_or(|held| held.create_revision != revision) => {
                Err(StoreError::LeaseLost)
            }
            _ => Err(StoreError::Changed(asked.first().cloned().unwrap_or_default())),
        }
    }
}

/// Pieces and memberships are no records of the caller.
fn is_ours_alone(key: &str) -> bool {
    key.starts_with('.')
}

impl Store for EtcdStore {
    fn get<'a>(&'a self, key: &'a str) -> Pending<'a, Option<Vec<u8>>> {
        Box::pin(async move { Ok(self.shared.value(key).await?.map(|(value, _)| value)) })
    }

    fn commit(&self, ops: Vec<Op>) -> Pending<'_, ()> {
        Box::pin(self.shared.commit(ops))
    }

    fn scan<'a>(&'a self, prefix: &'a str) -> Pending<'a, Vec<(String, Vec<u8>)>> {
        Box::pin(self.shared.scan(prefix))
    }

    fn watch(&self, prefix: &str) -> Changes {
        self.shared.watchers.watch(prefix)
    }

    /// Of all that is in this etcd; zero where our user may not ask.
    fn bytes(&self) -> Pending<'_, u64> {
        Box::pin(async move {
            let asked = self.shared.gateway.ask::<StatusAnswer>("/v3/maintenance/status", &json!({}), true).await;
            match asked {
                Ok(status) => Ok(status.answer.db_size),
                Err(error) if gateway::is_refusal(&error) => Ok(0),
                Err(error) => Err(error),
            }
        })
    }
}

#[cfg(test)]
pub(crate) mod tests;
