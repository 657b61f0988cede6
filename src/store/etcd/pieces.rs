//! Values larger than etcd takes: put in pieces, of which the record names how many there are and what they are called.

use std::sync::PoisonError;

use serde_json::json;

use super::wire::{TxnAnswer, base64, end_of};
use super::{Shared, wire};
use crate::model::Digest;
use crate::model::names::base32;
use crate::store::{StoreError, private};

/// Longest piece. With its key and base64 it stays below the 1.5 MiB that etcd takes at once.
pub(super) const PIECE: usize = 1 << 20;

/// The record holds the value.
const WHOLE: u8 = 0;
/// The record names the pieces.
const CUT: u8 = 1;
/// Bytes of their number.
const COUNT_BYTES: usize = 4;

/// What a record is written as.
pub(super) struct Body(Vec<u8>);

impl Body {
    /// For `value`; its pieces, if it has any, are called `name`.
    pub(super) fn of(value: &[u8], name: &str) -> Self {
        if value.len() <= PIECE {
            return Self([&[WHOLE], value].concat());
        }
        let count = u32::try_from(value.len().div_ceil(PIECE)).unwrap_or(u32::MAX);
        Self([&[CUT], count.to_be_bytes().as_slice(), name.as_bytes()].concat())
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Where the pieces of a record stand.
fn place(key: &str) -> String {
    format!(".pieces/{}/", base32(&Digest::of([key.as_bytes()]).0))
}

impl Shared {
    /// Puts the pieces of a large value where nobody looks yet, and says what its record is to hold.
    pub(super) async fn put_pieces(&self, key: &str, value: &[u8]) -> Result<Body, StoreError> {
        if value.len() <= PIECE {
            return Ok(Body::of(value, ""));
        }
        let name = base32(&private::random::<10>()?);
        for (number, piece) in value.chunks(PIECE).enumerate() {
            let full = self.gateway.key(&format!("{}{name}/{number:06}", place(key)));
            self.transact(Vec::new(), vec![wire::put(&full, piece, None)], &[]).await?;
        }
        Ok(Body::of(value, &name))
    }

    /// The value of which `body` is the record; `None`: pieces are missing. `revision` zero: as they are now.
    pub(super) async fn whole(
        &self,
        key: &str,
        mut body: Vec<u8>,
        revision: u64,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let corrupt = || {
            StoreError::Corrupt(format!("record {key} is not one of otj; is something else kept under this prefix?"))
        };
        match body.first() {
            Some(&WHOLE) => {
                body.remove(0);
                Ok(Some(body))
            }
            Some(&CUT) => {
                let (count, name) = body[1..].split_first_chunk::<COUNT_BYTES>().ok_or_else(corrupt)?;
                let name = std::str::from_utf8(name).map_err(|_| corrupt())?;
                self.cut.lock().unwrap_or_else(PoisonError::into_inner).insert(key.to_owned());
                let mut whole = Vec::new();
                for number in 0..u32::from_be_bytes(*count) {
                    let full = self.gateway.key(&format!("{}{name}/{number:06}", place(key)));
                    let mut found = self.range_at(full.as_bytes(), None, 1, revision).await?.kvs;
                    match found.pop() {
                        Some(piece) => whole.extend(piece.value),
                        None => return Ok(None),
                    }
                }
                Ok(Some(whole))
            }
            _ => Err(corrupt()),
        }
    }

    /// Whether pieces of an earlier value are to be dropped once `value` is written.
    pub(super) fn leaves_pieces(&self, key: &str, value: Option<&[u8]>) -> bool {
        let mut cut = self.cut.lock().unwrap_or_else(PoisonError::into_inner);
        if value.is_some_and(|value| value.len() > PIECE) {
            cut.insert(key.to_owned());
            return true;
        }
        cut.remove(key)
    }

    /// Drops all pieces of a record but those of the value that it has now.
    pub(super) async fn drop_pieces(&self, key: &str) -> Result<(), StoreError> {
        let current = self.stored(key).await?.map(|kv| kv.value).unwrap_or_default();
        let name = match current.first() {
            Some(&CUT) => current.get(1 + COUNT_BYTES..).and_then(|name| std::str::from_utf8(name).ok()),
            _ => None,
        };
        let all = self.gateway.key(&place(key));
        let delete =
            |from: &[u8], end: &[u8]| json!({"request_delete_range": {"key": base64(from), "range_end": base64(end)}});
        let parts = match name {
            None => vec![delete(all.as_bytes(), &end_of(&all))],
            Some(name) => {
                let ours = format!("{all}{name}/");
                vec![delete(all.as_bytes(), ours.as_bytes()), delete(&end_of(&ours), &end_of(&all))]
            }
        };
        let body = json!({"success": parts});
        self.gateway.ask::<TxnAnswer>("/v3/kv/txn", &body, true).await.map(drop)
    }
}
