//! Writes one room's days: habits and dice in, meetings and changes out. What is planned for a day is drawn first; what becomes of
//! a plan depends on the calendar as it is by then.

use super::super::dice::Dice;
use super::{Change, DAY_S, Habits, Meeting, NEAR_S, What};

/// So many changes are planned for one that happens: some find no meeting, or no free time.
const PLANNED: f64 = 1.03;
/// So many new meetings are planned for one that is booked: bursts are edits, and where a room is taken another meeting moves.
const NEW_PLANNED: f64 = 1.25;
/// So many near changes are planned for one that happens: in some rooms nothing is near, or the room is taken.
const NEAR_PLANNED: f64 = 1.03;
/// So many edits of content are planned for one in the share: a booking that finds the room taken becomes a move.
const CONTENT_PLANNED: f64 = 1.25;
/// Length of a slot: meetings begin and end at the half hour.
const SLOT_S: i64 = 1800;
/// Mean lead of a near change, before it is cut off at an hour.
const LEAD_MEAN_S: f64 = 1300.0;
/// A change is followed by another one of the same meeting within this many seconds.
const BURST_S: (u32, u32) = (20, 180);
/// How far ahead rooms are booked.
const DAYS_AHEAD: i64 = 8;

/// Writes one room's part, and keeps its calendar up to the second that is written.
pub(super) struct Author<'a> {
    habits: &'a Habits,
    dice: Dice,
    room: u32,
    pub(super) meetings: Vec<Meeting>,
    numbers: u32,
    pub(super) changes: Vec<Change>,
}

/// A change that is still to be made.
enum Plan {
    /// Book something at this start, or far off.
    Book(Option<i64>),
    /// Edit or cancel this meeting, or one far off.
    Change(Option<u32>, What),
    /// Something follows a change of this meeting.
    Follow(u32),
}

impl<'a> Author<'a> {
    pub(super) fn new(habits: &'a Habits, room: u32, days: u32, dice: Dice) -> Self {
        let mut author = Self { habits, dice, room, meetings: Vec::new(), numbers: 0, changes: Vec::new() };
        for day in -1..=i64::from(days) + DAYS_AHEAD + 1 {
            // The farther off a day, the less is booked; what comes of it while it approaches makes up for it.
            let ahead = u32::try_from(day.clamp(0, DAYS_AHEAD)).unwrap_or(0);
            let growth = (habits.new_per_day * (1.0 - habits.cancelled * 1.4) / 8.0).max(0.0);
            let wanted = (habits.meetings_per_day - growth * f64::from(ahead)).max(1.0);
            let mut left = wanted + author.dice.share();
            while left >= 1.0 {
                left -= 1.0;
                if let Some((start_s, end_s)) = author.free_on(day, i64::MIN) {
                    author.book(start_s, end_s);
                }
            }
        }
        author
    }

    /// Changes of one day, in order.
    pub(super) fn write_day(&mut self, day: i64) {
        let habits = self.habits;
        let today: Vec<Meeting> = self.on(day).copied().collect();
        let mean = PLANNED * habits.changes_per_day / (1.0 + habits.bursts);
        let mut plans: Vec<(i64, Plan)> = Vec::new();
        for _ in 0..self.dice.count(mean) {
            let is_new = self.dice.happens(NEW_PLANNED * habits.new_per_day / habits.changes_per_day);
            let what = self.some_edit();
            let plan = if self.dice.happens(NEAR_PLANNED * habits.near_per_day / habits.changes_per_day) {
                let lead = 1 + whole(self.dice.wait(LEAD_MEAN_S, 3598.0));
                let slot = self.opens(day) + SLOT_S * i64::from(self.dice.below(self.slots()));
                let victim = today.get(self.dice.below(u32::try_from(today.len()).unwrap_or(0)) as usize);
                match victim.filter(|_| !is_new) {
                    Some(victim) => (victim.start_s - lead, Plan::Change(Some(victim.number), what)),
                    None => (slot - lead, Plan::Book(Some(slot))),
                }
            } else {
                // People begin a little before the rooms do.
                let span = SLOT_S * i64::from(self.slots() + 1);
                let at = self.opens(day) - SLOT_S + i64::from(self.dice.below(u32::try_from(span).unwrap_or(0)));
                (at, if is_new { Plan::Book(None) } else { Plan::Change(None, what) })
            };
            plans.push(plan);
        }
        plans.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
        while let Some((at, plan)) = plans.pop() {
            let Some(meeting) = self.carry_out(at, &plan) else { continue };
            if self.dice.happens(habits.bursts) {
                let after = BURST_S.0 + self.dice.below(BURST_S.1 - BURST_S.0);
                let at = at + i64::from(after);
                let place = plans.partition_point(|(other, _)| *other > at);
                plans.insert(place, (at, Plan::Follow(meeting)));
            }
        }
        // What is over long ago is of no use.
        self.meetings.retain(|meeting| meeting.end_s > (day - 1) * DAY_S);
    }

    fn some_edit(&mut self) -> What {
        match () {
            () if self.dice.happens(self.habits.cancelled) => What::Cancel,
            () if self.dice.happens(CONTENT_PLANNED * self.habits.content_only) => What::Rewrite,
            () => What::Move,
        }
    }

    /// Makes a change of a plan; `None`: nothing can be done. Says whose change may be followed by another.
    fn carry_out(&mut self, at: i64, plan: &Plan) -> Option<u32> {
        match *plan {
            Plan::Book(Some(start)) => {
                // Who needs a room now takes the next time that is free.
                for start in [start, start + SLOT_S].into_iter().filter(|start| *start <= at + NEAR_S) {
                    let end = self.end_of_free(start);
                    if end > start {
                        return self.new_meeting(at, start, end);
                    }
                }
                self.edit(at, self.next_after(at)?, What::Move)
            }
            Plan::Book(None) => {
                let day = at.div_euclid(DAY_S) + i64::from(self.dice.below(8));
                let (start, end) = self.free_on(day, at + NEAR_S)?;
                self.new_meeting(at, start, end)
            }
            Plan::Change(Some(number), what) => {
                let still = self.meetings.iter().any(|it| it.number == number && it.start_s > at);
                let number = if still { number } else { self.next_after(at)? };
                self.edit(at, number, what)
            }
            Plan::Change(None, what) => {
                let ahead: Vec<u32> =
                    self.meetings.iter().filter(|it| self.is_far(it, at)).map(|it| it.number).collect();
                let number = *ahead.get(self.dice.below(u32::try_from(ahead.len()).unwrap_or(0)) as usize)?;
                self.edit(at, number, what)
            }
            Plan::Follow(number) => {
                let what = if self.dice.happens(CONTENT_PLANNED * self.habits.content_only) {
                    What::Rewrite
                } else {
                    What::Move
                };
                self.edit(at, number, what);
                None
            }
        }
    }

    fn is_far(&self, meeting: &Meeting, at: i64) -> bool {
        meeting.start_s > at + NEAR_S && meeting.start_s < at + DAYS_AHEAD * DAY_S
    }

    fn new_meeting(&mut self, at: i64, start: i64, end: i64) -> Option<u32> {
        let number = self.book(start, end);
        self.note(at, number, What::Book, start);
        Some(number)
    }

    /// `None`: the meeting is gone or has begun, or nothing of it could be changed, or it was cancelled.
    fn edit(&mut self, at: i64, number: u32, what: What) -> Option<u32> {
        let place = self.meetings.iter().position(|it| it.number == number && it.start_s > at)?;
        let before = self.meetings[place];
        match what {
            What::Cancel => {
                self.meetings[place].version += 1;
                self.note(at, number, What::Cancel, before.start_s);
                self.meetings.swap_remove(place);
                return None;
            }
            What::Move => {
                let (start, end) = self.other_time(before, at)?;
                let moved = &mut self.meetings[place];
                (moved.start_s, moved.end_s) = (start, end);
            }
            What::Rewrite | What::Book => {}
        }
        self.meetings[place].version += 1;
        let first = before.start_s.min(self.meetings[place].start_s);
        self.note(at, number, what, first);
        Some(number)
    }

    /// Another end, or another time of the same day or one of the next.
    fn other_time(&mut self, meeting: Meeting, at: i64) -> Option<(i64, i64)> {
        if self.dice.happens(0.4) {
            let longer = meeting.end_s + SLOT_S;
            let closes = self.opens(meeting.start_s.div_euclid(DAY_S)) + SLOT_S * i64::from(self.slots());
            if longer <= closes && !self.is_taken(meeting.end_s, longer) {
                return Some((meeting.start_s, longer));
            }
            if meeting.end_s - meeting.start_s > SLOT_S {
                return Some((meeting.start_s, meeting.end_s - SLOT_S));
            }
        }
        let day = meeting.start_s.div_euclid(DAY_S);
        let later = i64::from(self.dice.below(3));
        self.free_on(day, at + NEAR_S).or_else(|| self.free_on(day + 1 + later, at + NEAR_S))
    }

    fn note(&mut self, at: i64, number: u32, what: What, by: i64) {
        let Some(meeting) = self.meetings.iter().find(|meeting| meeting.number == number) else { return };
        let Meeting { version, start_s, end_s, .. } = *meeting;
        let change = Change { at_s: at, room: self.room, meeting: number, version, what, start_s, end_s, by_s: by };
        self.changes.push(change);
    }

    fn book(&mut self, start_s: i64, end_s: i64) -> u32 {
        self.numbers += 1;
        self.meetings.push(Meeting { number: self.numbers, version: 0, start_s, end_s });
        self.numbers
    }

    fn opens(&self, day: i64) -> i64 {
        day * DAY_S + i64::from(self.habits.opens_h) * 3600
    }

    fn slots(&self) -> u32 {
        u32::from(self.habits.open_hours) * 2
    }

    fn on(&self, day: i64) -> impl Iterator<Item = &Meeting> {
        self.meetings.iter().filter(move |meeting| meeting.start_s.div_euclid(DAY_S) == day)
    }

    /// The meeting that starts next, if that is within the hour.
    fn next_after(&self, at: i64) -> Option<u32> {
        let soon = self.meetings.iter().filter(|it| it.start_s > at && it.start_s <= at + NEAR_S);
        soon.min_by_key(|it| it.start_s).map(|it| it.number)
    }

    fn is_taken(&self, start: i64, end: i64) -> bool {
        self.meetings.iter().any(|meeting| meeting.start_s < end && meeting.end_s > start)
    }

    /// How long a meeting from `start` can be: half an hour for most, two for some; `start` when it is taken.
    fn end_of_free(&mut self, start: i64) -> i64 {
        let wanted = match self.dice.share() {
            share if share < 0.55 => 1,
            share if share < 0.9 => 2,
            _ => 3,
        };
        let closes = self.opens(start.div_euclid(DAY_S)) + SLOT_S * i64::from(self.slots());
        let fits = |slots: &i64| start + slots * SLOT_S <= closes && !self.is_taken(start, start + slots * SLOT_S);
        (1..=wanted).rev().find(fits).map_or(start, |slots| start + slots * SLOT_S)
    }

    /// A free time of a day, later than `after`.
    fn free_on(&mut self, day: i64, after: i64) -> Option<(i64, i64)> {
        for _ in 0..12 {
            let start = self.opens(day) + SLOT_S * i64::from(self.dice.below(self.slots()));
            if start > after {
                let end = self.end_of_free(start);
                if end > start {
                    return Some((start, end));
                }
            }
        }
        None
    }
}

/// Seconds without their fraction.
#[expect(clippy::cast_possible_truncation, reason = "at most an hour")]
fn whole(seconds: f64) -> i64 {
    seconds as i64
}
