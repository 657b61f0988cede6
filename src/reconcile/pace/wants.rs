//! Reasons to read a room, each with its time: an urgent one waits in the line of its class. Each party has a line in each class;
//! where several have reads that are due, they take turns.

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
    party: u16,
}

impl Default for Times {
    fn default() -> Self {
        Self { at: [Tick::NEVER; 4], in_line: false, party: 0 }
    }
}

impl Times {
    /// Of the room's party.
    #[must_use]
    pub(super) fn party(&self) -> u16 {
        self.party
    }

    /// The room belongs to this party. It stands in no line now.
    pub(super) fn join_party(&mut self, party: u16) {
        self.party = party;
    }

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
    /// By class and party.
    lines: [Vec<BTreeSet<(Tick, u32)>>; 4],
    /// The party that was served last, by class.
    served: [u16; 4],
}

impl Wants {
    /// `room` is to be read at `at`, whatever was set before.
    pub(super) fn set(&mut self, times: &mut Times, room: u32, why: Why, at: Tick) {
        let Some(class) = index(why) else { return };
        let before = std::mem::replace(&mut times.at[class], at);
        if times.in_line && before != at {
            if before != Tick::NEVER {
                self.line(class, times.party).remove(&(before, room));
            }
            if at != Tick::NEVER {
                self.line(class, times.party).insert((at, room));
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
            for (class, at) in times.at.into_iter().enumerate().filter(|(_, at)| *at != Tick::NEVER) {
                self.line(class, times.party).insert((at, room));
            }
        }
    }

    /// `room` may not be read now.
    pub(super) fn leave(&mut self, times: &mut Times, room: u32) {
        if std::mem::replace(&mut times.in_line, false) {
            for (class, at) in times.at.into_iter().enumerate().filter(|(_, at)| *at != Tick::NEVER) {
                self.line(class, times.party).remove(&(at, room));
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

    /// The first of a class: of those that are due at `now` that of the party whose turn it is, else the next that will be.
    #[must_use]
    pub(super) fn first(&self, why: Why, now: Tick) -> Option<(Tick, u32)> {
        let class = index(why)?;
        let lines = &self.lines[class];
        let served = usize::from(self.served[class]) + 1;
        let mut first: Option<(Tick, u32)> = None;
        for place in 0..lines.len() {
            let Some(head) = lines[(served + place) % lines.len()].first().copied() else { continue };
            if head.0 <= now {
                return Some(head);
            }
            first = Some(first.map_or(head, |first| first.min(head)));
        }
        first
    }

    /// A read of this class is made for this party: it is the others' turn.
    pub(super) fn serve(&mut self, why: Why, party: u16) {
        if let Some(class) = index(why) {
            self.served[class] = party;
        }
    }

    fn line(&mut self, class: usize, party: u16) -> &mut BTreeSet<(Tick, u32)> {
        let lines = &mut self.lines[class];
        let party = usize::from(party);
        if lines.len() <= party {
            lines.resize_with(party + 1, BTreeSet::new);
        }
        &mut lines[party]
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
        assert_eq!(wants.first(Why::Changed, at(0)), Some((at(10), 7)));
        wants.leave(&mut times, 7);
        assert!(wants.satisfy(&mut times, 7, at(12)).has(Why::Changed));
        wants.ask(&mut times, 7, Why::Changed, at(13));
        assert_eq!(wants.first(Why::Changed, at(0)), None, "it is being read");
        wants.enter(&mut times, 7);
        assert_eq!(wants.first(Why::Changed, at(0)), Some((at(13), 7)));
        assert_eq!(times.next(at(40)), Some((at(13), Why::Changed)));
        assert_eq!(times.next(at(5)), Some((at(13), Why::Changed)));
    }

    #[test]
    fn parties_take_turns_where_several_have_reads_that_are_due() {
        let at = |second| Tick::default().plus(second);
        let mut wants = Wants::default();
        let mut times = vec![Times::default(); 9];
        for (room, times) in (0u32..).zip(&mut times) {
            // Six rooms of the first party have waited for longest.
            times.join_party([0, 0, 0, 0, 0, 0, 1, 1, 4][room as usize]);
            wants.enter(times, room);
            wants.ask(times, room, Why::Changed, at(room));
        }
        let mut order = Vec::new();
        while let Some((_, room)) = wants.first(Why::Changed, at(100)) {
            let times = &mut times[room as usize];
            wants.satisfy(times, room, at(100));
            wants.serve(Why::Changed, times.party());
            order.push(room);
        }
        assert_eq!(order, [6, 8, 0, 7, 1, 2, 3, 4, 5]);
    }
}
