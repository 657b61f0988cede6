//! What people do with meeting rooms, day after day: a seed in, a script of bookings, moves, edits and cancellations out, each
//! with its second. The script is the same whoever reads the rooms, so that ways of reading can be compared.
//!
//! The figures are assumptions about an ordinary office, worst case in one respect: everybody works in one zone, so that all
//! changes fall into the same ten hours. Lead times of changes to meetings that start within the hour are drawn so that sites
//! which ask evenly, every minute to every two hours, are late as often as is known of them.

mod author;

use jiff::{SignedDuration, Timestamp};

use author::Author;

use super::dice::Dice;
use super::rooms::{Rooms, SimEvent};

const DAY_S: i64 = 86_400;
/// What starts within this time is near.
const NEAR_S: i64 = 3600;

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
            ("changes", rate(|_| true), 11.2, 12.0),
            ("near", rate(Change::is_near), 3.0, 3.3),
            ("new", rate(|it| it.what == What::Book), 5.5, 6.5),
            ("content only among edits", rate(|it| it.what == What::Rewrite) / edits, 0.3, 0.4),
        ] {
            assert!((low..high).contains(&rate), "{name}: {rate}");
        }
        let ahead = script.booked.iter().map(Vec::len).sum::<usize>() / script.booked.len();
        assert!((55..95).contains(&ahead), "{ahead} meetings from yesterday to 12 days ahead");
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
        assert!((7.0..10.5).contains(&mean), "{mean} meetings on a day that has passed");
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
