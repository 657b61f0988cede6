//! Reasons to read a room, each with its time: an urgent one waits in the line of its class.

use std::collections::BTreeSet;

use super::Why;
use super::tick::Tick;

/// Classes of urgent reads, the most urgent first.
pub(super) const URGENT: [Why; 4] = [Why::Asked, Why::Changed, Why::Starts, Why::Follows];

/// One room's times, by class; [`Tick::NEVER`]: no such reason.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    at: [Tick; 4],
    /// They stand in the lines. Those of a room that is being read, or may not be read now, do not.
    in_line: bool,
}

impl Default for Times {
    fn default() -> Self {
        Self { at: [Tick::NEVER; 4], in_line: false }
    }
}

impl Times {
    /// Of one class.
    #[must_use]
    pub(super) fn get(&self, why: Why) -> Tick {
        index(why).map_or(Tick::NEVER, |class| self.at[class])
    }

    /// The most urgent of those that are due, else the next.
    #[must_use]
    pub(super) fn next(&self, now: Tick) -> Option<(Tick, Why)> {
        let all = || URGENT.into_iter().map(|why| (self.get(why), why)).filter(|(at, _)| *at != Tick::NEVER);
        all().find(|(at, _)| *at <= now).or_else(|| all().min())
    }
}

/// The classes that a read has satisfied.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Satisfied(u8);

impl Satisfied {
    /// Whether `why` is among them.
    #[must_use]
    pub(super) fn has(self, why: Why) -> bool {
        index(why).is_some_and(|class| self.0 & (1 << class) != 0)
    }
}

/// The lines.
#[derive(Debug, Default)]
pub(super) struct Wants {
    lines: [BTreeSet<(Tick, u32)>; 4],
}

impl Wants {
    /// `room` is to be read at `at`, whatever was set before.
    pub(super) fn set(&mut self, times: &mut Times, room: u32, why: Why, at: Tick) {
        let Some(class) = index(why) else { return };
        let before = std::mem::replace(&mut times.at[class], at);
        if times.in_line && before != at {
            if before != Tick::NEVER {
                self.lines[class].remove(&(before, room));
            }
            if at != Tick::NEVER {
                self.lines[class].insert((at, room));
            }
        }
    }

    /// `room` is to be read at `at`, or sooner where that was set.
    pub(super) fn ask(&mut self, times: &mut Times, room: u32, why: Why, at: Tick) {
        if at < times.get(why) {
            self.set(times, room, why, at);
        }
    }

    /// `room` may be read.
    pub(super) fn enter(&mut self, times: &mut Times, room: u32) {
        if !std::mem::replace(&mut times.in_line, true) {
            for (line, at) in self.lines.iter_mut().zip(times.at).filter(|(_, at)| *at != Tick::NEVER) {
                line.insert((at, room));
            }
        }
    }

    /// `room` may not be read now.
    pub(super) fn leave(&mut self, times: &mut Times, room: u32) {
        if std::mem::replace(&mut times.in_line, false) {
            for (line, at) in self.lines.iter_mut().zip(times.at).filter(|(_, at)| *at != Tick::NEVER) {
                line.remove(&(at, room));
            }
        }
    }

    /// A read of `room` begins: it satisfies all that is due.
    pub(super) fn satisfy(&mut self, times: &mut Times, room: u32, now: Tick) -> Satisfied {
        let mut satisfied = 0;
        for (class, why) in URGENT.into_iter().enumerate() {
            if times.at[class] <= now {
                self.set(times, room, why, Tick::NEVER);
                satisfied |= 1 << class;
            }
        }
        Satisfied(satisfied)
    }

    /// The first of a class.
    #[must_use]
    pub(super) fn first(&self, why: Why) -> Option<(Tick, u32)> {
        self.lines[index(why)?].first().copied()
    }
}

fn index(why: Why) -> Option<usize> {
    URGENT.iter().position(|class| *class == why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_satisfies_what_was_due_when_it_began_and_nothing_that_came_later() {
        let (mut wants, mut times) = (Wants::default(), Times::default());
        let at = |second| Tick::default().plus(second);
        wants.enter(&mut times, 7);
        wants.ask(&mut times, 7, Why::Changed, at(10));
        wants.ask(&mut times, 7, Why::Follows, at(30));
        wants.ask(&mut times, 7, Why::Changed, at(20));
        assert_eq!(wants.first(Why::Changed), Some((at(10), 7)));
        wants.leave(&mut times, 7);
        assert!(wants.satisfy(&mut times, 7, at(12)).has(Why::Changed));
        wants.ask(&mut times, 7, Why::Changed, at(13));
        assert_eq!(wants.first(Why::Changed), None, "it is being read");
        wants.enter(&mut times, 7);
        assert_eq!(wants.first(Why::Changed), Some((at(13), 7)));
        assert_eq!(times.next(at(40)), Some((at(13), Why::Changed)));
        assert_eq!(times.next(at(5)), Some((at(13), Why::Changed)));
    }
}
