//! Follows what changes under the prefix, over one stream, and tells the watchers. The stream goes on at the next revision after it broke;
//! where etcd has forgotten that one (compaction), watchers look at everything.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::wire::{Line, WatchAnswer, base64, end_of};
use super::{Shared, is_ours_alone};
use crate::http::HttpError;

/// Silence after which it is asked whether something was missed: a connection can be dead without saying so.
const SILENCE: Duration = Duration::from_secs(5);
/// Between two tries.
const AGAIN: Duration = Duration::from_millis(500);
/// Longest line: one transaction's changes.
const LINE_BYTES_MAX: usize = 64 << 20;

/// Why a stream ended.
enum End {
    Broken,
    /// What was asked for is not known any more.
    Compacted,
}

/// Follows from `next` on, for as long as the store is open.
pub(super) async fn follow(shared: Arc<Shared>, mut next: u64) {
    loop {
        match stream(&shared, &mut next).await {
            End::Broken => {}
            End::Compacted => {
                // Everything that is there now is looked at; what comes later is told.
                match shared.range(".", None, 1).await {
                    Ok(answer) => next = answer.header.revision + 1,
                    Err(error) => tracing::debug!(%error, "etcd's changes cannot be followed."),
                }
                shared.watchers.tell_missed();
            }
        }
        tokio::time::sleep(AGAIN).await;
    }
}

async fn stream(shared: &Shared, next: &mut u64) -> End {
    let all = shared.gateway.key("");
    let body = json!({"create_request": {
        "key": base64(&all), "range_end": base64(end_of(&all)), "start_revision": next.to_string(), "filters": [],
    }});
    let Ok(mut answer) = shared.gateway.open("/v3/watch", &body).await else { return End::Broken };
    let mut buffer: Vec<u8> = Vec::new();
    loop {
        match answer.chunk(SILENCE).await {
            Ok(Some(piece)) => buffer.extend_from_slice(&piece),
            Ok(None) => return End::Broken,
            Err(HttpError::Deadline) => match missed(shared, *next).await {
                true => return End::Broken,
                false => continue,
            },
            Err(_) => return End::Broken,
        }
        if buffer.len() > LINE_BYTES_MAX {
            return End::Broken;
        }
        while let Some(end) = buffer.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = buffer.drain(..=end).collect();
            match serde_json::from_slice::<Line<WatchAnswer>>(&line) {
                Ok(Line::Result(answer)) if answer.canceled => return End::Compacted,
                Ok(Line::Result(answer)) => {
                    let keys = answer.events.iter().filter_map(|event| shared.gateway.record(&event.kv.key));
                    let keys = keys.filter(|key| !is_ours_alone(key)).map(str::to_owned).collect();
                    if let Some(newest) = answer.events.iter().map(|event| event.kv.mod_revision).max() {
                        *next = (newest + 1).max(*next);
                    }
                    shared.watchers.tell(keys);
                }
                _ => return End::Broken,
            }
        }
    }
}

/// Whether something was written that the stream did not tell.
async fn missed(shared: &Shared, next: u64) -> bool {
    let all = shared.gateway.key("");
    let body = json!({
        "key": base64(&all), "range_end": base64(end_of(&all)), "limit": "1", "keys_only": true,
        "sort_order": "DESCEND", "sort_target": "MOD",
    });
    match shared.gateway.ask::<super::RangeAnswer>("/v3/kv/range", &body, true).await {
        Ok(said) => said.answer.kvs.first().is_some_and(|newest| newest.mod_revision >= next),
        Err(_) => true,
    }
}
