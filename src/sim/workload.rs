//! What people do with meeting rooms, day after day: a seed in, a script of bookings, moves, edits and cancellations out, each
//! with its second. The script is the same whoever reads the rooms, so that ways of reading can be compared.
//!
//! The figures are assumptions about an ordinary office, worst case in one respect: everybody works in one zone, so that all
//! changes fall into the same ten hours. Lead times of changes to meetings that start within the hour are drawn so that sites
//! which ask evenly, every minute to every two hours, are late as often as is known of them.

use jiff::{SignedDuration, Timestamp};

use super::dice::Dice;
use super::rooms::{Rooms, SimEvent};

/// Length of a slot: meetings begin and end at the half hour.
const SLOT_S: i64 = 1800;
const DAY_S: i64 = 86_400;
/// What starts within this time is near.
const NEAR_S: i64 = 3600;
/// Mean lead of a near change, before it is cut off at an hour.
const LEAD_MEAN_S: f64 = 1300.0;
/// So many changes are planned for one that happens: some find no meeting, or no free time.
const PLANNED: f64 = 1.045;
/// So many near changes are planned for one that happens: in some rooms nothing is near, or the room is taken.
const NEAR_PLANNED: f64 = 1.12;
/// How far ahead rooms are booked.
const DAYS_AHEAD: i64 = 8;
/// A change is followed by another one of the same meeting within this many seconds.
const BURST_S: (u32, u32) = (20, 180);

/// How much happens.
#[derive(Clone, Debug, PartialEq)]
pub struct Habits {
    /// Meetings of a room on a day that has come.
    pub meetings_per_day: f64,
    /// When the day opens, in hours after midnight UTC.
    pub opens_h: u8,
    /// How long it is, in hours.
    pub open_hours: u8,
    /// Changes for each room and day.
    pub changes_per_day: f64,
    /// How many of them concern a meeting that starts within the hour.
    pub near_per_day: f64,
    /// How many of them are new meetings.
    pub new_per_day: f64,
    /// Share of cancellations among the others.
    pub cancelled: f64,
    /// Share of edits that change a link, a text or a title and no time.
    pub content_only: f64,
    /// Share of changes that another one of the same meeting follows within three minutes.
    pub bursts: f64,
}

impl Default for Habits {
    fn default() -> Self {
        Self {
            meetings_per_day: 8.0,
            opens_h: 8,
            open_hours: 10,
            changes_per_day: 11.6,
            near_per_day: 3.16,
            new_per_day: 6.0,
            cancelled: 0.3,
            content_only: 0.35,
            bursts: 0.12,
        }
    }
}

/// What is done to a meeting.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum What {
    /// It is booked.
    Book,
    /// Its time changes.
    Move,
    /// Its title and text change, its time does not.
    Rewrite,
    /// It is cancelled.
    Cancel,
}

/// One change, in seconds from the first day's midnight.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Change {
    /// When.
    pub at_s: i64,
    /// In which room, by number.
    pub room: u32,
    /// Which meeting, by its number in the room.
    pub meeting: u32,
    /// The meeting's version from then on.
    pub version: u32,
    /// What is done.
    pub what: What,
    /// Start from then on, or what it was when cancelled.
    pub start_s: i64,
    /// End from then on, or what it was when cancelled.
    pub end_s: i64,
    /// The first start, old or new, that comes after the change: by then it should be known.
    pub by_s: i64,
}

impl Change {
    /// Whether its meeting starts within the hour.
    #[must_use]
    pub fn is_near(&self) -> bool {
        self.by_s - self.at_s <= NEAR_S
    }

    /// Whether it changes when the room is taken.
    #[must_use]
    pub fn is_of_busy_time(&self) -> bool {
        self.what != What::Rewrite
    }
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Script {
    /// Midnight of the first day.
    pub begins: Timestamp,
    /// What is booked when it begins, by room.
    pub booked: Vec<Vec<Meeting>>,
    /// What happens then, in order.
    pub changes: Vec<Change>,
}

/// A meeting, in seconds from the first day's midnight.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Meeting {
    /// Its number in the room.
    pub number: u32,
    /// Counts its changes.
    pub version: u32,
    /// Start.
    pub start_s: i64,
    /// End.
    pub end_s: i64,
}

impl Script {
    /// Writes the script of so many rooms and days.
    #[must_use]
    pub fn write(habits: &Habits, begins: Timestamp, rooms: u32, days: u32, seed: u64) -> Self {
        let mut script = Self { begins, booked: Vec::new(), changes: Vec::new() };
        for room in 0..rooms {
            let mut author = Author::new(habits, room, days, Dice::new(seed, u64::from(room)));
            script.booked.push(author.meetings.clone());
            for day in 0..i64::from(days) {
                author.write_day(day);
            }
            script.changes.append(&mut author.changes);
        }
        script.changes.sort_by_key(|change| (change.at_s, change.room));
        script
    }

    /// Books what is booked when it begins.
    pub fn furnish(&self, rooms: &Rooms) {
        for (room, meetings) in (0..).zip(&self.booked) {
            rooms.change(&address(room), |sim| {
                for meeting in meetings {
                    let event = self.event(room, meeting, self.begins - SignedDuration::from_hours(24));
                    sim.events.insert(event.id.clone(), event);
                }
            });
        }
    }

    /// Does to `rooms` what a change says.
    pub fn play(&self, change: &Change, rooms: &Rooms) {
        let Change { room, meeting: number, version, start_s, end_s, .. } = *change;
        let event = self.event(room, &Meeting { number, version, start_s, end_s }, self.at(change.at_s));
        rooms.change(&address(room), |sim| match change.what {
            What::Cancel => {
                sim.events.remove(&event.id);
            }
            What::Book | What::Move | What::Rewrite => {
                sim.events.insert(event.id.clone(), event);
            }
        });
    }

    /// The instant of a second.
    #[must_use]
    pub fn at(&self, second: i64) -> Timestamp {
        self.begins + SignedDuration::from_secs(second)
    }

    fn event(&self, room: u32, meeting: &Meeting, updated: Timestamp) -> SimEvent {
        const TITLES: [&str; 5] = ["Planning", "Review", "Customer call", "Interview", "Weekly"];
        let Meeting { number, version, start_s, end_s } = *meeting;
        let title = TITLES[(number % 5) as usize];
        let called = 100_000 + (room * 997 + number * 31 + version) % 900_000;
        SimEvent {
            id: format!("r{room}m{number}"),
            uid: uid(room, number),
            start: self.at(start_s),
            end: self.at(end_s),
            subject: format!("{title} {number} #{version}"),
            body: format!(
                "<p>You are invited to {title} {number}.</p><p>Join: <a href=\"sip:{called}@vc.example.com\">{called}@vc.example.com</a></p>\
                 <p>Please be there in time.</p>"
            ),
            location: format!("Room {room}"),
            organizer: ("Kim Doe".into(), "kim.doe@example.com".into()),
            updated,
            ..SimEvent::default()
        }
    }
}

/// A room's address.
#[must_use]
pub fn address(room: u32) -> String {
    format!("room-{room:05}@rooms.example.com")
}

/// The number of the room with this address.
#[must_use]
pub fn room_of(address: &str) -> Option<u32> {
    address.strip_prefix("room-")?.split('@').next()?.parse().ok()
}

/// A meeting's iCalendar UID.
#[must_use]
pub fn uid(room: u32, meeting: u32) -> String {
    format!("r{room}m{meeting}@example.com")
}

/// The version that a title tells.
#[must_use]
pub fn version_of(title: &str) -> Option<u32> {
    title.rsplit_once('#')?.1.parse().ok()
}

/// Writes one room's part, and keeps its calendar up to the second that is written.
struct Author<'a> {
    habits: &'a Habits,
    dice: Dice,
    room: u32,
    meetings: Vec<Meeting>,
    numbers: u32,
    changes: Vec<Change>,
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
    fn new(habits: &'a Habits, room: u32, days: u32, dice: Dice) -> Self {
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
    fn write_day(&mut self, day: i64) {
        let habits = self.habits;
        let today: Vec<Meeting> = self.on(day).copied().collect();
        let mean = PLANNED * habits.changes_per_day / (1.0 + habits.bursts);
        let mut plans: Vec<(i64, Plan)> = Vec::new();
        for _ in 0..self.dice.count(mean) {
            let is_new = self.dice.happens(habits.new_per_day / habits.changes_per_day);
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
            () if self.dice.happens(self.habits.content_only) => What::Rewrite,
            () => What::Move,
        }
    }

    /// Makes a change of a plan; `None`: nothing can be done. Says whose change may be followed by another.
    fn carry_out(&mut self, at: i64, plan: &Plan) -> Option<u32> {
        match *plan {
            Plan::Book(Some(start)) => {
                let end = self.end_of_free(start);
                if end > start {
                    self.new_meeting(at, start, end)
                } else {
                    self.edit(at, self.next_after(at)?, What::Move)
                }
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
                let what = if self.dice.happens(self.habits.content_only) { What::Rewrite } else { What::Move };
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

#[cfg(test)]
mod tests {
    use super::*;

    fn week(seed: u64) -> Script {
        Script::write(&Habits::default(), "2027-03-01T00:00:00Z".parse().unwrap(), 200, 3, seed)
    }

    #[test]
    fn as_much_happens_as_the_habits_say() {
        let script = week(11);
        let room_days = 600.0;
        let rate = |which: fn(&Change) -> bool| {
            let count = u32::try_from(script.changes.iter().filter(|it| which(it)).count()).unwrap();
            f64::from(count) / room_days
        };
        let edits = rate(|it| matches!(it.what, What::Move | What::Rewrite));
        for (name, rate, low, high) in [
            ("changes", rate(|_| true), 11.1, 12.1),
            ("near", rate(Change::is_near), 2.9, 3.4),
            ("new", rate(|it| it.what == What::Book), 5.3, 6.3),
            ("content only among edits", rate(|it| it.what == What::Rewrite) / edits, 0.3, 0.4),
        ] {
            assert!((low..high).contains(&rate), "{name}: {rate}");
        }
        let ahead = script.booked.iter().map(Vec::len).sum::<usize>() / script.booked.len();
        assert!((60..90).contains(&ahead), "{ahead} meetings from yesterday to 12 days ahead");
    }

    #[test]
    fn no_room_is_booked_twice_and_every_day_has_its_meetings() {
        let script = week(12);
        let rooms = Rooms::default();
        script.furnish(&rooms);
        for change in &script.changes {
            script.play(change, &rooms);
        }
        let mut third_day = 0;
        for room in 0..200 {
            let mut spans: Vec<_> = rooms.look(&address(room), |sim| {
                sim.unwrap().events.values().map(|event| (event.start, event.end)).collect()
            });
            spans.sort();
            assert!(spans.windows(2).all(|pair| pair[0].1 <= pair[1].0), "room {room}");
            let day = script.at(2 * DAY_S)..script.at(3 * DAY_S);
            third_day += spans.iter().filter(|(start, _)| day.contains(start)).count();
        }
        let mean = f64::from(u32::try_from(third_day).unwrap()) / 200.0;
        assert!((7.0..9.0).contains(&mean), "{mean} meetings on a day that has passed");
    }

    #[test]
    fn one_seed_writes_one_script_and_a_room_does_not_depend_on_the_others() {
        assert_eq!(week(1).changes, week(1).changes);
        assert_ne!(week(1).changes, week(2).changes);
        let alone = Script::write(&Habits::default(), week(1).begins, 1, 3, 1);
        let among: Vec<Change> = week(1).changes.into_iter().filter(|change| change.room == 0).collect();
        assert_eq!(alone.changes, among);
    }
}
