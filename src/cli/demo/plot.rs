//! What happens to the demo's calendars, and when. In: the time, and what both endpoints and the board show. Out: the next thing to do.
//!
//! ```text
//! both show Join → a pause → a meeting is moved → both follow → a pause → a calendar breaks → it is noticed → a pause → it is mended
//! ```
//! With `--calendar-down` the calendar breaks before the meeting is moved.

use std::collections::VecDeque;
use std::time::Duration;

use crate::model::Mono;

/// A cue that never comes is not waited for longer than this.
const PATIENCE: Duration = Duration::from_secs(30);

/// Something to do to the calendars.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Act {
    /// Somebody moves a meeting of both rooms.
    Move,
    /// One room's file is cut off.
    Break,
    /// It is whole again.
    Mend,
    /// Nothing more will happen by itself.
    Rest,
}

/// How the endpoints and the board stand.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Cues {
    /// Both endpoints have a Join button.
    pub(super) joinable: bool,
    /// Both endpoints show the moved meeting at its new time.
    pub(super) followed: bool,
    /// The room whose calendar broke fails.
    pub(super) failing: bool,
}

/// Where the demo is.
#[derive(Debug)]
pub(super) struct Plot {
    acts: VecDeque<Act>,
    waits: Wait,
    since: Mono,
    pause: Duration,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Wait {
    Joinable,
    Followed,
    Failing,
    Mended,
    Pause(Duration),
    Nothing,
}

impl Plot {
    /// Acts with `pause` between them.
    pub(super) fn new(calendar_down: bool, pause: Duration, now: Mono) -> Self {
        let acts = if calendar_down { [Act::Break, Act::Mend, Act::Move] } else { [Act::Move, Act::Break, Act::Mend] };
        Self { acts: acts.into(), waits: Wait::Joinable, since: now, pause }
    }

    /// What is to be done now.
    pub(super) fn next(&mut self, cues: Cues, now: Mono) -> Option<Act> {
        let waited = self.since.until(now);
        let reached = match self.waits {
            Wait::Joinable => cues.joinable,
            Wait::Followed => cues.followed || waited > PATIENCE,
            Wait::Failing => cues.failing || waited > PATIENCE,
            Wait::Mended => !cues.failing || waited > PATIENCE,
            Wait::Pause(pause) => waited >= pause,
            Wait::Nothing => false,
        };
        if !reached {
            return None;
        }
        self.since = now;
        if let Wait::Pause(_) = self.waits {
            let act = self.acts.pop_front().unwrap_or(Act::Rest);
            self.waits = match act {
                Act::Move => Wait::Followed,
                Act::Break => Wait::Failing,
                Act::Mend => Wait::Mended,
                Act::Rest => Wait::Nothing,
            };
            return Some(act);
        }
        let pause = match (self.waits, self.acts.is_empty()) {
            (Wait::Joinable, _) => self.pause,
            (_, true) => Duration::ZERO,
            (_, false) => self.pause * 2 / 3,
        };
        self.waits = Wait::Pause(pause);
        None
    }

    /// Whether something was done to a calendar whose outcome is still to be seen.
    pub(super) fn is_in_an_act(&self) -> bool {
        matches!(self.waits, Wait::Followed | Wait::Failing | Wait::Mended) || self.acts.front() == Some(&Act::Mend)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Mono {
        Mono(Duration::from_secs(seconds))
    }

    #[test]
    fn every_act_waits_for_what_the_one_before_brought() {
        let mut plot = Plot::new(false, Duration::from_secs(6), at(0));
        let none = Cues::default();
        let joinable = Cues { joinable: true, ..none };
        let failing = Cues { failing: true, ..joinable };
        let followed = Cues { followed: true, ..joinable };
        let told: Vec<(u64, Act)> = [
            (1, none),
            (2, joinable),
            (7, joinable),
            (8, joinable),
            (9, joinable),
            (10, followed),
            (14, followed),
            (15, followed),
            (16, failing),
            (20, failing),
            (21, joinable),
            (21, joinable),
            (22, joinable),
        ]
        .into_iter()
        .filter_map(|(second, cues)| Some((second, plot.next(cues, at(second))?)))
        .collect();
        assert_eq!(told, [(8, Act::Move), (14, Act::Break), (20, Act::Mend), (21, Act::Rest)]);
        assert!(!plot.is_in_an_act());
    }

    #[test]
    fn an_act_whose_outcome_does_not_come_does_not_hold_the_others_up() {
        let mut plot = Plot::new(true, Duration::from_secs(3), at(0));
        let cues = Cues { joinable: true, ..Cues::default() };
        plot.next(cues, at(1));
        assert_eq!(plot.next(cues, at(4)), Some(Act::Break));
        assert!(plot.is_in_an_act());
        assert_eq!(plot.next(cues, at(30)), None);
        assert_eq!(plot.next(cues, at(35)), None);
        assert!(plot.is_in_an_act(), "the calendar is still broken");
        assert_eq!(plot.next(cues, at(40)), Some(Act::Mend));
    }
}
