//! What operators said about alarms: seen, or not to be told of until a time. In: an order. Out: marks for the pages, records for the store.
//!
//! An alarm itself is never kept: it stands as long as its condition does. A mark outlives it, so that one that flaps stays silent.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::store::Op;

use super::records::{ALARMS, to_bytes};

/// So many alarms are marked at most; the oldest marks go first.
pub const MARKS_MAX: usize = 1000;

/// What was said about one alarm.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Mark {
    /// The alarm's id.
    pub alarm: String,
    /// Who has seen it, and when. One that begins later was not seen.
    pub acknowledged: Option<(String, Timestamp)>,
    /// It is told to nobody until then.
    pub silenced_until: Option<Timestamp>,
    /// When something was last said about it.
    pub at: Timestamp,
}

/// All that was said, by alarm.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Marks(BTreeMap<String, Mark>);

impl Marks {
    /// What the store kept.
    #[must_use]
    pub fn restored(kept: Vec<Mark>) -> Self {
        Self(kept.into_iter().map(|mark| (mark.alarm.clone(), mark)).collect())
    }

    /// What was said about an alarm.
    #[must_use]
    pub fn of(&self, alarm: &str) -> Option<&Mark> {
        self.0.get(alarm)
    }

    /// Somebody has seen it.
    pub fn acknowledge(&mut self, alarm: &str, who: &str, now: Timestamp) -> Vec<Op> {
        self.change(alarm, now, |mark| mark.acknowledged = Some((who.to_owned(), now)))
    }

    /// It is told to nobody until `until`; a time that has passed ends the silence.
    pub fn silence(&mut self, alarm: &str, until: Timestamp, now: Timestamp) -> Vec<Op> {
        self.change(alarm, now, |mark| mark.silenced_until = Some(until))
    }

    fn change(&mut self, alarm: &str, now: Timestamp, change: impl FnOnce(&mut Mark)) -> Vec<Op> {
        let mark = self.0.entry(alarm.to_owned()).or_default();
        alarm.clone_into(&mut mark.alarm);
        mark.at = now;
        change(mark);
        let mut ops = vec![Op::put(key(alarm), to_bytes(mark))];
        while self.0.len() > MARKS_MAX {
            let oldest = self.0.values().min_by_key(|mark| mark.at).map(|mark| mark.alarm.clone());
            let Some(oldest) = oldest else { break };
            self.0.remove(&oldest);
            ops.push(Op::delete(key(&oldest)));
        }
        ops
    }
}

fn key(alarm: &str) -> String {
    format!("{ALARMS}{alarm}")
}
