//! What operators did: who, when, to what, under which revision. In: an order and what came of it. Out: entries for the API, one line in
//! the log each, and records for the store, of which the oldest go.

use std::collections::VecDeque;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::store::Op;

use super::records::{AUDIT, to_bytes};

/// So many entries are kept.
pub const ENTRIES_MAX: usize = 1000;

/// One action of an operator.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Entry {
    /// Counts up, also across restarts.
    pub number: u64,
    /// When.
    pub at: Timestamp,
    /// Who, as far as known: a token's name, or who signed in.
    pub who: String,
    /// From a closed set, in lower case: `approve`, `suspend`, …
    pub action: String,
    /// Kind of the object, as metrics write it; empty where there is but one.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// What else was said: until when, why.
    pub detail: String,
    /// It was done; otherwise it was refused.
    pub done: bool,
    /// What was answered.
    pub answer: String,
    /// Revision of the directory in force; its checksum where it has none.
    pub revision: String,
}

/// All that is kept.
#[derive(Clone, Debug, Default)]
pub struct Audit {
    entries: VecDeque<Arc<Entry>>,
    next: u64,
}

impl Audit {
    /// What the store kept, in any order.
    pub fn restore(&mut self, mut kept: Vec<Entry>) {
        kept.sort_by_key(|entry| entry.number);
        self.next = kept.last().map_or(0, |entry| entry.number + 1);
        self.entries = kept.into_iter().map(Arc::new).collect();
    }

    /// Writes an entry down, numbered, and says what the store must do.
    pub fn add(&mut self, entry: Entry) -> Vec<Op> {
        let entry = Entry { number: self.next, ..entry };
        self.next += 1;
        let mut ops = vec![Op::put(key(entry.number), to_bytes(&entry))];
        self.entries.push_back(Arc::new(entry));
        while self.entries.len() > ENTRIES_MAX {
            ops.extend(self.entries.pop_front().map(|oldest| Op::delete(key(oldest.number))));
        }
        ops
    }

    /// The entries, oldest first.
    #[must_use]
    pub fn entries(&self) -> Vec<Arc<Entry>> {
        self.entries.iter().cloned().collect()
    }
}

fn key(number: u64) -> String {
    format!("{AUDIT}{number:012}")
}
