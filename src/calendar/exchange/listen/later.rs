//! Rooms of which something may have been missed, looked at one by one: what is told meanwhile is not to wait behind them.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::model::RoomEmail;

/// One room in so long: 200 in 20 seconds, 40,000 in little more than an hour.
const EACH: Duration = Duration::from_millis(100);

/// See the module.
#[derive(Default)]
pub(super) struct Later {
    line: Mutex<Line>,
    more: Notify,
}

#[derive(Default)]
struct Line {
    order: VecDeque<RoomEmail>,
    waiting: BTreeSet<RoomEmail>,
}

impl Later {
    /// These rooms are to be looked at, each once.
    pub(super) fn add(&self, rooms: impl IntoIterator<Item = RoomEmail>) {
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        for room in rooms {
            if line.waiting.insert(room.clone()) {
                line.order.push_back(room);
            }
        }
        self.more.notify_one();
    }

    /// The next room, in its time.
    pub(super) async fn next(&self) -> RoomEmail {
        loop {
            let next = {
                let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
                let next = line.order.pop_front();
                if let Some(room) = &next {
                    line.waiting.remove(room);
                }
                next
            };
            match next {
                Some(room) => {
                    tokio::time::sleep(EACH).await;
                    return room;
                }
                None => self.more.notified().await,
            }
        }
    }
}
