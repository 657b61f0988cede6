//! The planner alone, on a world that answers at once: what tens of thousands of rooms cost, and what the gate does to them.
#![allow(unreachable_pub)] // also part of a benchmark

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use otj::model::published::Accounts;
use otj::model::tally::Tally;
use otj::model::{
    Agenda, AgendaEntry, Alias, Confidential, Digest, Given, MatchedBy, Meeting, MeetingId, Meetings, Mono, Now,
    Protocol, RoomKey, RuleName, Signs, Verdict, Window,
};
use otj::reconcile::board::Board;
use otj::reconcile::planner::{Outlets, Planner, PlannerOptions};
use otj::reconcile::step::{AgendaRead, DocumentsRead, Ended, HeldRead, Listed, Outcome, PutDone, Step};
use tokio::sync::watch;

use super::wish::Wish;

/// See the module.
pub struct Rig {
    /// Under test.
    pub planner: Planner,
    /// What it says.
    pub board: Board,
    /// The directory.
    pub wish: Wish,
    /// Steps so far, by name.
    pub counts: BTreeMap<&'static str, u64>,
    /// Meetings in each room's calendar, by how many hours after the start they begin; three where nothing is said.
    pub calendars: BTreeMap<RoomKey, Vec<i64>>,
    /// Every calendar answers completely, and empty.
    pub all_empty: bool,
    /// What each endpoint shows.
    pub shows: BTreeMap<String, usize>,
    started: Timestamp,
    elapsed: Duration,
}

impl Rig {
    /// `rooms` rooms with a codec each, all read, evaluated and put.
    pub fn new(rooms: usize) -> Self {
        let board = Board::default();
        let (accounts, _) = watch::channel(Accounts::default());
        let (wish, _) = watch::channel(Arc::default());
        let outlets = Outlets { board: board.clone(), accounts, wish, tally: Tally::new() };
        let mut rig = Self {
            planner: Planner::new(&PlannerOptions::default(), outlets, None),
            board,
            wish: Wish { endpoints: (0..rooms).map(|n| format!("e{n}=r{n}")).collect(), ..Wish::default() },
            counts: BTreeMap::new(),
            calendars: BTreeMap::new(),
            all_empty: false,
            shows: BTreeMap::new(),
            started: "2027-01-04T10:00:00Z".parse().expect("a time"),
            elapsed: Duration::from_secs(1),
        };
        rig.turn();
        rig
    }

    /// Both clocks.
    pub fn now(&self) -> Now {
        let wall = self.started + SignedDuration::try_from(self.elapsed).expect("a short time");
        Now { wall, mono: Mono(self.elapsed) }
    }

    /// Performs everything that is due.
    pub fn turn(&mut self) {
        let now = self.now();
        self.planner.look_at_clock(now);
        self.planner.take_records(now);
        while let Some(step) = self.planner.next_step(now) {
            self.planner.begin(&step);
            let (object, label) = (step.object(), step.label());
            *self.counts.entry(label).or_default() += 1;
            let result = Ok(self.perform(step));
            self.planner.absorb(Ended { object, label, requests: 1, result }, now);
        }
    }

    /// Lets time pass, turning whenever something is due.
    pub fn pass(&mut self, span: Duration) {
        let end = self.elapsed + span;
        while self.elapsed < end {
            let next = self.planner.next_due().0.max(self.elapsed + Duration::from_millis(500));
            self.elapsed = next.min(end);
            self.turn();
        }
    }

    /// Lets half a second pass and begins what is due, which does not end yet.
    pub fn begin_due(&mut self) -> Vec<Step> {
        self.elapsed += Duration::from_millis(500);
        let now = self.now();
        self.planner.look_at_clock(now);
        self.planner.take_records(now);
        let mut begun = Vec::new();
        while let Some(step) = self.planner.next_step(now) {
            self.planner.begin(&step);
            begun.push(step);
        }
        begun
    }

    /// What was begun ends.
    pub fn end(&mut self, step: Step) {
        let (object, label) = (step.object(), step.label());
        let result = Ok(self.perform(step));
        self.planner.absorb(Ended { object, label, requests: 1, result }, self.now());
    }

    /// Endpoints that show fewer than `n` meetings.
    pub fn showing_fewer_than(&self, n: usize) -> usize {
        self.shows.values().filter(|shown| **shown < n).count()
    }

    fn perform(&mut self, step: Step) -> Outcome {
        match step {
            Step::ReadDocuments => {
                let desired = self.wish.desired();
                let (checksum, desired) = (desired.checksum.clone(), Some(Arc::new(desired)));
                let (errors, warnings, findings, record) = (0, 0, String::new(), Arc::default());
                Outcome::Documents(Box::new(DocumentsRead { checksum, desired, errors, warnings, findings, record }))
            }
            Step::KeepDirectory { .. } => Outcome::DirectoryKept,
            Step::ReadBusy { .. } => Outcome::Busy(Vec::new()),
            Step::CarryRooms { .. } => Outcome::RoomsCarried,
            Step::ReadAgenda { room, window, .. } => {
                let agenda = Arc::new(self.agenda(&room.key, window));
                let read = AgendaRead { agenda, cursor: None, time_zone: None, server_ahead: None };
                Outcome::Agenda(Box::new(read))
            }
            Step::Evaluate { agenda, evaluations, .. } => {
                let made = evaluations.iter().map(|evaluation| {
                    let found = evaluation.rules[0].domain.as_deref() == Some("vc.example.com");
                    (evaluation.id.clone(), Arc::new(meetings(&agenda, evaluation.digest, found)))
                });
                Outcome::Meetings(made.collect())
            }
            Step::ReadHeld { given, .. } => {
                let ours = given.as_deref().cloned().unwrap_or_default();
                let same = given.is_some().then_some(true);
                Outcome::Held(HeldRead::Listed(Listed { ours, same, ..Listed::default() }))
            }
            Step::Put { endpoint, schedule, .. } => {
                self.shows.insert(endpoint.name.to_string(), schedule.bookings.len());
                let target = Some(endpoint.device.clone());
                let given = Given { schedule: schedule.clone(), target, serial: None, at: self.now().wall };
                Outcome::Put { given: Box::new(given), done: PutDone::default() }
            }
            Step::Publish { .. } => {
                let given = Given { schedule: Arc::default(), target: None, serial: None, at: self.now().wall };
                Outcome::Published { given: Box::new(given) }
            }
            Step::ForgetPin { .. } => Outcome::PinForgotten,
            Step::Clear { .. } => Outcome::Cleared { left: None },
            Step::ForgetPlace { .. } => Outcome::Forgotten,
        }
    }

    fn agenda(&self, room: &RoomKey, window: Window) -> Agenda {
        let hours = match self.calendars.get(room) {
            _ if self.all_empty => &[][..],
            Some(hours) => hours,
            None => &[4, 5, 6],
        };
        let entries: Vec<AgendaEntry> = hours
            .iter()
            .map(|hour| {
                let start = self.started + SignedDuration::from_hours(*hour);
                AgendaEntry {
                    id: MeetingId::new(&room.email, &hour.to_string(), None),
                    event: Digest([u8::try_from(*hour).expect("a small hour"); 32]),
                    start,
                    end: start + SignedDuration::from_hours(1),
                }
            })
            .collect();
        let digest = Digest::of(entries.iter().map(|entry| entry.event.0.as_slice()));
        Agenda {
            room: room.clone(),
            window,
            entries,
            digest,
            truncated: false,
            unreadable: 0,
            left_out: Vec::new(),
            signs: Signs::default(),
        }
    }
}

fn meetings(agenda: &Agenda, rules: Digest, found: bool) -> Meetings {
    let list = agenda.entries.iter().map(|entry| Meeting {
        id: entry.id.clone(),
        event: entry.event,
        start: entry.start,
        end: entry.end,
        all_day: false,
        private: false,
        tentative: false,
        subject: Confidential::new("Weekly"),
        organizer_name: Confidential::new("Ada"),
        organizer_email: Confidential::new("ada@example.com"),
        replacement: None,
        verdict: Verdict {
            alias: found.then(|| Alias::parse("1@vc.example.com").expect("an alias")),
            protocol: Protocol::Auto,
            by: MatchedBy::Rule(RuleName::parse("video").expect("a name")),
        },
        last_modified: None,
    });
    Meetings { agenda: agenda.digest, rules, list: list.collect() }
}
