//! Looks at the alarms again and again. In: the board. Out: a line in the log for each that is raised or cleared, how often each was raised,
//! and what is to be told to others, which leaves out what an operator silenced.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::alarms::{Alarm, alarms};
use crate::model::Clock;
use crate::reconcile::board::Board;

/// How often.
const EVERY: Duration = Duration::from_secs(5);
/// So many alarms that do not stand any more are remembered with how often they were raised.
const REMEMBERED_MAX: usize = 10_000;

/// An alarm that was raised or cleared, as it is told to others.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Change {
    /// Which of both.
    pub state: State,
    /// The alarm as it stands, or stood last.
    #[serde(flatten)]
    pub alarm: Alarm,
}

/// What became of an alarm.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It stands now.
    Raised,
    /// It does not any more.
    Cleared,
}

/// What the last look saw.
#[derive(Debug, Default)]
pub struct Rounds {
    standing: BTreeMap<String, Alarm>,
    told: BTreeMap<String, Alarm>,
    counts: BTreeMap<String, u64>,
}

impl Rounds {
    /// Looks once. `tell` says whether it took what is to be told; what it did not take is offered again.
    pub fn look(&mut self, board: &Board, now: Timestamp, mut tell: impl FnMut(Change) -> bool) {
        let found: BTreeMap<String, Alarm> =
            alarms(board, now).into_iter().map(|alarm| (alarm.id.clone(), alarm)).collect();
        for (id, alarm) in &found {
            if !self.standing.contains_key(id) {
                *self.counts.entry(id.clone()).or_default() += 1;
                log("alarm_raised", alarm);
            }
            let silent = alarm.silenced_until.is_some();
            if !silent && !self.told.contains_key(id) && tell(Change { state: State::Raised, alarm: alarm.clone() }) {
                self.told.insert(id.clone(), alarm.clone());
            }
        }
        for alarm in self.standing.values().filter(|alarm| !found.contains_key(&alarm.id)) {
            log("alarm_cleared", alarm);
        }
        self.told.retain(|id, alarm| {
            found.contains_key(id) || !tell(Change { state: State::Cleared, alarm: alarm.clone() })
        });
        if self.counts.len() > REMEMBERED_MAX {
            self.counts.retain(|id, _| found.contains_key(id));
        }
        self.standing = found;
        board.put_raised(self.counts.clone());
    }
}

fn log(event: &'static str, alarm: &Alarm) {
    tracing::info!(event, kind = alarm.kind, name = alarm.name, reason = alarm.reason, "An alarm changed.");
}

/// Looks until `stop`, and tells `changes`. What has no place there is offered again.
pub async fn watch(board: Board, clock: Clock, changes: Option<mpsc::Sender<Change>>, stop: CancellationToken) {
    let mut rounds = Rounds::default();
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
        let (board, now, changes) = (board.clone(), clock.now().wall, changes.clone());
        // At a large site a look goes over every cell of the board.
        let looked = tokio::task::spawn_blocking(move || {
            rounds.look(&board, now, |change| changes.as_ref().is_none_or(|to| to.try_send(change).is_ok()));
            rounds
        });
        rounds = match looked.await {
            Ok(rounds) => rounds,
            Err(error) => {
                tracing::error!(%error, "A look at the alarms stopped where it must not; please report it.");
                Rounds::default()
            }
        };
    }
}
