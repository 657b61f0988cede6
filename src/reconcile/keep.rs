//! Reads back from the store what the loop kept there.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use crate::model::{Desired, IntegrationName};
use crate::store::{Store, StoreError};

use super::pace::QuotaRecord;
use super::planner::Kept;
use super::records::{self, AgendaRecord, GivenRecord, MeetingsRecord};

/// What was kept, and the newest trusted time.
#[derive(Debug)]
pub struct FromStore {
    /// For the planner.
    pub kept: Kept,
    /// The newest trusted time.
    pub newest: Option<Timestamp>,
}

/// Reads everything the loop keeps. `directory` turns the record of the adopted directory into a wish again. A record that
/// cannot be understood is left out, with a line in the log: what it stood for is read anew.
///
/// # Errors
/// When the store cannot be read.
pub async fn load(
    store: &dyn Store,
    directory: impl FnOnce(&[u8]) -> Option<Arc<Desired>>,
) -> Result<FromStore, StoreError> {
    let mut kept = Kept::default();
    if let Some(record) = store.get(records::DIRECTORY).await? {
        kept.directory = directory(&record);
        if kept.directory.is_none() {
            tracing::warn!("The kept directory does not load; only the one on disk can run.");
        }
    }
    for (key, value) in store.scan(records::AGENDAS).await? {
        if let Some(mut record) = understood::<AgendaRecord>(&key, &value) {
            // The texts stay in the store.
            record.events = Vec::new();
            kept.agendas.insert(record.agenda.room.clone(), record);
        }
    }
    for (key, value) in store.scan(records::MEETINGS).await? {
        if let Some(record) = understood::<MeetingsRecord>(&key, &value) {
            kept.meetings.entry(record.room).or_default().insert(record.evaluation, record.made);
        }
    }
    let mut held = BTreeMap::new();
    for (key, value) in store.scan(records::HELD).await? {
        if let Some(record) = understood::<GivenRecord>(&key, &value) {
            let (endpoint, given) = record.into_given();
            held.insert(endpoint, given);
        }
    }
    kept.held = held;
    for (key, value) in store.scan(records::OLD).await? {
        if let Some(record) = understood::<GivenRecord>(&key, &value) {
            let place = key.strip_prefix(records::OLD).unwrap_or(&key).to_owned();
            kept.old_places.push(record.into_place(place));
        }
    }
    for (key, value) in store.scan(records::QUOTAS).await? {
        let name = key.strip_prefix(records::QUOTAS).and_then(|name| IntegrationName::parse(name).ok());
        if let (Some(name), Some(record)) = (name, understood::<QuotaRecord>(&key, &value)) {
            kept.quotas.insert(name, record);
        }
    }
    kept.suspended = all(store, records::SUSPENDED).await?;
    kept.marks = all(store, records::ALARMS).await?;
    kept.audit = all(store, records::AUDIT).await?;
    if let Some(value) = store.get(records::GATE).await? {
        kept.gate = understood(records::GATE, &value);
    }
    let clock = store.get(records::CLOCK).await?;
    let newest = clock.and_then(|value| String::from_utf8(value).ok()?.parse().ok());
    Ok(FromStore { kept, newest: newest.and_then(|second| Timestamp::from_second(second).ok()) })
}

async fn all<T: serde::de::DeserializeOwned>(store: &dyn Store, prefix: &str) -> Result<Vec<T>, StoreError> {
    let found = store.scan(prefix).await?;
    Ok(found.iter().filter_map(|(key, value)| understood(key, value)).collect())
}

fn understood<T: serde::de::DeserializeOwned>(key: &str, value: &[u8]) -> Option<T> {
    match serde_json::from_slice(value) {
        Ok(record) => Some(record),
        Err(error) => {
            // The error of the parser could quote the record.
            tracing::warn!(
                key,
                line = error.line(),
                column = error.column(),
                "A stored record is not understood; it is made anew."
            );
            None
        }
    }
}
