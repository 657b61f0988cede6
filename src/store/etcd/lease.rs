//! Leases, and the records that end with them: who is alive.

use std::sync::PoisonError;

use jiff::Timestamp;
use serde_json::json;

use super::gateway::Said;
use super::wire::{LeaseAnswer, Line, RangeAnswer, TxnAnswer, base64, end_of};
use super::{EtcdStore, wire};
use crate::store::StoreError;

/// A lease of ours.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lease(u64);

/// A record that ends with somebody's lease.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Leased {
    /// Behind the prefix that was asked for.
    pub name: String,
    /// What it says.
    pub value: Vec<u8>,
    /// The revision that made it: smaller is older.
    pub made: u64,
}

impl EtcdStore {
    /// A new lease that ends after so many seconds.
    ///
    /// # Errors
    /// When etcd does not give one.
    pub async fn grant(&self, ttl_s: u64) -> Result<Lease, StoreError> {
        let body = json!({"TTL": ttl_s.to_string()});
        let said: Said<LeaseAnswer> = self.shared.gateway.ask("/v3/lease/grant", &body, true).await?;
        Ok(Lease(said.answer.id))
    }

    /// Makes the lease last its whole time again; `false`: it has ended.
    ///
    /// # Errors
    /// When that is not known.
    pub async fn renew(&self, lease: Lease) -> Result<bool, StoreError> {
        let body = json!({"ID": lease.0.to_string()});
        let said: Said<Line<LeaseAnswer>> = self.shared.gateway.ask("/v3/lease/keepalive", &body, true).await?;
        match said.answer {
            Line::Result(answer) => Ok(answer.ttl > 0),
            Line::Error(refusal) => Err(super::gateway::unavailable(&refusal.message)),
        }
    }

    /// Ends the lease, and the records that end with it.
    ///
    /// # Errors
    /// When etcd does not answer; then it ends by itself.
    pub async fn revoke(&self, lease: Lease) -> Result<(), StoreError> {
        *self.shared.fence.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let body = json!({"ID": lease.0.to_string()});
        let said: Said<serde_json::Value> = self.shared.gateway.ask("/v3/lease/revoke", &body, true).await?;
        drop(said);
        Ok(())
    }

    /// Puts the record `.PREFIX/NAME` that ends with `lease`, where there is none, or the one made in revision `made` is there still.
    /// Answers with the revision that made it; `None`: another one is there.
    ///
    /// # Errors
    /// When etcd does not answer.
    pub async fn hold(
        &self,
        name: &str,
        value: &[u8],
        lease: Lease,
        made: Option<u64>,
    ) -> Result<Option<u64>, StoreError> {
        let full = self.shared.gateway.key(&format!(".{name}"));
        let body = json!({
            "compare": [wire::made_in(&full, made.unwrap_or(0))],
            "success": [wire::put(&full, value, Some(lease.0)), wire::look(&full)],
            "failure": [wire::look(&full)],
        });
        // Not asked again by itself: what was made by the first try would be taken for somebody else's.
        let said: Said<TxnAnswer> = self.shared.gateway.ask("/v3/kv/txn", &body, made.is_some()).await?;
        if !said.answer.succeeded {
            return Ok(None);
        }
        Ok(made.or(Some(said.answer.header.revision)))
    }

    /// Nothing is written by this node any more once the record `.NAME`, made in revision `made`, is gone. `None`: it writes freely.
    pub fn fence(&self, name: Option<(&str, u64)>) {
        let fence = name.map(|(name, made)| (self.shared.gateway.key(&format!(".{name}")), made));
        *self.shared.fence.lock().unwrap_or_else(PoisonError::into_inner) = fence;
    }

    /// The records below `.PREFIX`, and the time of the etcd that answered, where TLS vouches for it.
    ///
    /// # Errors
    /// When etcd does not answer.
    pub async fn leased(&self, prefix: &str) -> Result<(Vec<Leased>, Option<Timestamp>), StoreError> {
        let all = self.shared.gateway.key(&format!(".{prefix}"));
        let body = json!({"key": base64(&all), "range_end": base64(end_of(&all))});
        let Said { answer, date }: Said<RangeAnswer> = self.shared.gateway.ask("/v3/kv/range", &body, true).await?;
        let found = answer.kvs.into_iter().filter_map(|kv| {
            let name = std::str::from_utf8(kv.key.strip_prefix(all.as_bytes())?).ok()?.to_owned();
            Some(Leased { name, value: kv.value, made: kv.create_revision })
        });
        Ok((found.collect(), date))
    }
}
