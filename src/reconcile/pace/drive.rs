//! Drives a pace in virtual time against calendars that are a few lines of text. In: rooms with their meetings, and what happens
//! when. Out: a timeline of requests, one line each.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::model::service::{GoogleSignIn, GoogleSpec, Service, ServiceAccount};
use crate::model::{AgendaEntry, Digest, EvaluationId, IntegrationSpec, MeetingId, ProfileName, SecretValue, Signs};

/// A Monday morning.
pub(super) const START: &str = "2027-01-04T09:00:00Z";
/// An answer comes after so long.
const LATENCY_MS: u64 = 300;

/// A meeting: start and end, in seconds since the drive began, and its text's number.
pub(super) type Meeting = (i64, i64, u64);

/// What comes of requests from some time on.
pub(super) type Fault = Box<dyn Fn(&Object, usize, u64) -> Option<Failure>>;

pub(super) struct Drive {
    pub(super) pace: Pace,
    pub(super) desired: Desired,
    pub(super) name: IntegrationName,
    pub(super) calendars: BTreeMap<String, Vec<Meeting>>,
    pub(super) timeline: Vec<String>,
    /// (milliseconds, account) of every request.
    pub(super) requests: Vec<(u64, usize)>,
    pub(super) fault: Fault,
    /// What each room's last complete reading said, and when it was made, in milliseconds.
    pub(super) seen: BTreeMap<String, (Vec<Meeting>, u64)>,
    pub(super) stored: QuotaRecord,
    under_way: BTreeMap<(u64, u64), UnderWay>,
    agendas: BTreeMap<RoomEmail, Arc<Agenda>>,
    pub(super) ms: u64,
    serial: u64,
    pub(super) quiet: bool,
    /// A look at many rooms is answered after so long.
    pub(super) look_ms: u64,
    /// Rooms of which a look does not tell, and what is said instead.
    pub(super) untold: BTreeMap<String, Failure>,
}

/// What was begun, which rooms are looked at for which span where it is a look at many, and with which account.
type UnderWay = (Object, Option<(Vec<RoomEmail>, Window)>, usize);

impl Drive {
    pub(super) fn new(rooms: usize, per_day: u64, accounts: usize) -> Self {
        let name = IntegrationName::parse("google").unwrap();
        let account = |n: usize| ServiceAccount {
            email: format!("reader{n}@example.com"),
            private_key: SecretValue::Missing("none".into()),
        };
        let spec = Arc::new(IntegrationSpec::of(
            name.clone(),
            Service::Google(GoogleSpec {
                sign_in: GoogleSignIn::ServiceAccounts((0..accounts).map(account).collect()),
                token_url: "https://token.example.com".into(),
                api_url: "https://api.example.com".into(),
                max_requests_per_day: per_day,
                max_requests_per_minute_per_account: 540,
            }),
        ));
        let mut desired = Desired::default();
        desired.integrations.insert(name.clone(), spec.clone());
        for room in 0..rooms {
            let email = RoomEmail::parse(&format!("r{room}@example.com")).unwrap();
            let room = RoomSpec::of(spec.clone(), email);
            desired.rooms.insert(room.key.clone(), Arc::new(room));
        }
        Self {
            pace: Pace::default(),
            desired,
            name,
            calendars: (0..rooms).map(|room| (format!("r{room}"), Vec::new())).collect(),
            timeline: Vec::new(),
            requests: Vec::new(),
            fault: Box::new(|_, _, _| None),
            seen: BTreeMap::new(),
            stored: QuotaRecord::default(),
            under_way: BTreeMap::new(),
            agendas: BTreeMap::new(),
            ms: 1_000_000,
            serial: 0,
            quiet: false,
            look_ms: LATENCY_MS,
            untold: BTreeMap::new(),
        }
    }

    /// The wish is taken up, also that of a new process.
    pub(super) fn adopt(&mut self) {
        let (now, agendas) = (self.now(), self.agendas.clone());
        let known = |room: &RoomSpec| Known {
            agenda: agendas.get(&room.key.email).cloned(),
            zone: "UTC".into(),
            meetings: None,
        };
        self.pace.adopt(&self.desired, known, now);
    }

    /// From now on the first so many rooms are of one profile, the others of another.
    pub(super) fn two_profiles(&mut self, first: usize) {
        for (index, room) in self.desired.rooms.values_mut().enumerate() {
            let profile = ProfileName::parse(if index < first { "many" } else { "few" }).unwrap();
            Arc::make_mut(room).evaluations = vec![EvaluationId { profile, variant: Digest::default() }];
        }
    }

    /// What the last reading of a room said.
    pub(super) fn agenda(&self, room: &str) -> &Arc<Agenda> {
        &self.agendas[&self.key(room).email]
    }

    /// `kill -9`, and a start.
    pub(super) fn killed_and_restarted(&mut self) {
        self.pace = Pace::default();
        self.under_way.clear();
        self.pace.restore(BTreeMap::from([(self.name.clone(), self.stored.clone())]));
        self.adopt();
    }

    pub(super) fn now(&self) -> Now {
        let start: Timestamp = START.parse().unwrap();
        let passed = SignedDuration::from_millis(i64::try_from(self.ms).unwrap() - 1_000_000);
        Now { wall: start + passed, mono: Mono(Duration::from_millis(self.ms)) }
    }

    pub(super) fn key(&self, room: &str) -> RoomKey {
        let email = RoomEmail::parse(&format!("{room}@example.com")).unwrap();
        RoomKey { integration: self.name.clone(), email }
    }

    /// Seconds since the drive began.
    pub(super) fn second(&self) -> u64 {
        (self.ms - 1_000_000) / 1000
    }

    /// Lets time pass until so many seconds after the beginning.
    pub(super) fn until(&mut self, second: u64) {
        let end = second * 1000 + 1_000_000;
        loop {
            let due = self.turn().0.as_millis();
            let due = u64::try_from(due).unwrap_or(u64::MAX).max(self.ms + 1);
            let answer = self.under_way.keys().next().map_or(u64::MAX, |(at, _)| *at);
            let next = due.min(answer);
            if next > end {
                self.ms = end;
                return;
            }
            self.ms = next;
            while let Some(key) = self.under_way.keys().next().copied().filter(|(at, _)| *at <= self.ms) {
                let (object, look, account) = self.under_way.remove(&key).unwrap();
                self.answer(object, look, account);
            }
        }
    }

    fn turn(&mut self) -> Mono {
        let now = self.now();
        loop {
            if let Some((_, record)) = self.pace.reserve(now).pop() {
                self.stored = record;
            }
            let (object, look, account, line) = match self.pace.next(&self.name.clone(), now) {
                Turn::Later(at) => return at,
                Turn::Read { room, account, why } => {
                    let line = format!("read {} {}", short(&room.email), why.label());
                    (Object::Room(room), None, account, line)
                }
                Turn::Busy { batch, rooms, window, account } => {
                    let names: Vec<&str> = rooms.iter().map(short).collect();
                    let line = format!("look {}", names.join(" "));
                    (Object::Batch(batch), Some((rooms, window)), account, line)
                }
            };
            self.requests.push((self.ms, account));
            if !self.quiet {
                let line = format!("{} {line}", self.time());
                self.timeline.push(line);
            }
            self.serial += 1;
            let after = if look.is_some() { self.look_ms } else { LATENCY_MS };
            self.under_way.insert((self.ms + after, self.serial), (object, look, account));
        }
    }

    fn answer(&mut self, object: Object, look: Option<(Vec<RoomEmail>, Window)>, account: usize) {
        let now = self.now();
        if let Some(failure) = (self.fault)(&object, account, self.second()) {
            self.pace.step_ended(&object, 1, Some(&failure), now);
            if let Object::Room(key) = &object {
                let own = failure.retry_after.unwrap_or(Duration::from_secs(4));
                let wait = if failure.scope == crate::model::Scope::Object { own } else { Duration::ZERO };
                self.pace.put_off(key, now.mono + wait, now);
            }
            return;
        }
        self.pace.step_ended(&object, 1, None, now);
        match (object, look) {
            (Object::Batch(batch), Some((rooms, window))) => {
                let told: Vec<_> = rooms
                    .into_iter()
                    .map(|room| {
                        if let Some(failure) = self.untold.get(short(&room)) {
                            return (room, Err(failure.clone()));
                        }
                        let meetings = &self.calendars[short(&room)];
                        let spans = meetings.iter().map(|meeting| (at(meeting.0), at(meeting.1)));
                        let spans = spans.filter(|(start, end)| window.touches(*start, *end));
                        (room, Ok(Busy::of(spans)))
                    })
                    .collect();
                self.pace.busy_told(&batch, &told, now);
            }
            (Object::Room(key), _) => {
                let meetings = self.calendars[short(&key.email)].clone();
                let agenda = Arc::new(agenda(&key, &meetings, now.wall));
                let news = self.agendas.get(&key.email).and_then(|before| agenda.news_since(before, now.wall));
                self.agendas.insert(key.email.clone(), agenda.clone());
                self.seen.insert(short(&key.email).to_owned(), (meetings, self.ms));
                self.pace.was_read(&key, &Reading { agenda: &agenda, zone: "UTC", news }, now);
            }
            _ => {}
        }
    }

    /// Minutes and seconds since the beginning.
    fn time(&self) -> String {
        let second = self.second();
        format!("{:02}:{:02}", second / 60, second % 60)
    }

    /// The lines of the timeline in which `word` stands.
    pub(super) fn lines(&self, word: &str) -> Vec<&str> {
        self.timeline.iter().map(String::as_str).filter(|line| line.contains(word)).collect()
    }

    pub(super) fn status(&mut self) -> IntegrationStatus {
        let now = self.now();
        self.pace.status(now).remove(0)
    }
}

fn short(email: &RoomEmail) -> &str {
    email.as_str().split('@').next().unwrap_or_default()
}

/// So many seconds after the beginning.
pub(super) fn at(second: i64) -> Timestamp {
    START.parse::<Timestamp>().unwrap() + SignedDuration::from_secs(second)
}

fn agenda(room: &RoomKey, meetings: &[Meeting], now: Timestamp) -> Agenda {
    let window = Window { from: now - SignedDuration::from_hours(24), to: now + SignedDuration::from_hours(240) };
    let mut entries: Vec<AgendaEntry> = meetings
        .iter()
        .map(|(start, end, text)| {
            let mut event = [0; 32];
            event[..8].copy_from_slice(&text.to_be_bytes());
            event[8..16].copy_from_slice(&end.to_be_bytes());
            event[16..24].copy_from_slice(&start.to_be_bytes());
            let id = MeetingId::new(&room.email, &start.to_string(), None);
            AgendaEntry { id, event: Digest(event), start: at(*start), end: at(*end) }
        })
        .collect();
    entries.sort_by_key(|entry| entry.start);
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
