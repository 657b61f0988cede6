//! Tells what happens, one line an event. In: looks at the node's board, lists the codec was given, lists the Poly endpoint fetched.
//! Out: text on stdout.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::screen::{Line, Times, changes, screen, short_title};
use crate::cli::status::safe;
use crate::model::{Booking, EndpointName, MeetingId, RoomEmail};
use crate::reconcile::board::{Board, ConfigStatus, RoomStatus};

/// The colours of a terminal, by what is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Tone {
    /// What otj does.
    Work,
    /// A button that is there.
    Good,
    /// What somebody does to the demo.
    Stage,
    /// What is not as it should be.
    Bad,
}

/// What was told already.
#[derive(Debug)]
pub(super) struct Teller {
    times: Times,
    coloured: bool,
    generation: u64,
    findings: String,
    rooms: BTreeMap<RoomEmail, (usize, bool)>,
    matched: BTreeMap<EndpointName, BTreeMap<MeetingId, Option<String>>>,
    troubled: BTreeSet<EndpointName>,
    held: BTreeSet<String>,
    /// What further codecs show.
    others: BTreeMap<&'static str, Vec<Line>>,
    /// What the codec shows.
    pub(super) codec: Option<Vec<Line>>,
    /// What the Poly endpoint shows.
    pub(super) poly: Option<Vec<Line>>,
}

impl Teller {
    /// Nothing is told yet.
    pub(super) fn new(times: Times, coloured: bool) -> Self {
        Self {
            times,
            coloured,
            generation: 0,
            findings: String::new(),
            rooms: BTreeMap::new(),
            matched: BTreeMap::new(),
            troubled: BTreeSet::new(),
            held: BTreeSet::new(),
            others: BTreeMap::new(),
            codec: None,
            poly: None,
        }
    }

    /// The times of whoever reads.
    pub(super) fn times(&self) -> &Times {
        &self.times
    }

    /// One line.
    pub(super) fn say(&self, at: Timestamp, tone: Tone, verb: &str, text: &str) {
        let verb = self.painted(tone, &format!("{verb:<8}"));
        crate::cli::print(&format!("{}  {verb}  {text}\n", self.times.exact(at)));
    }

    /// Tells what is new on the board.
    pub(super) fn look(&mut self, board: &Board, now: Timestamp) {
        self.config(&board.config(), now);
        for room in board.rooms() {
            self.room(&room, now);
        }
        for endpoint in board.endpoints() {
            let name = endpoint.spec.name.clone();
            if let Some(schedule) = &endpoint.schedule {
                self.bookings(&name, &schedule.bookings, now);
            }
            match &endpoint.failure {
                Some(failure) if self.troubled.insert(name.clone()) => {
                    self.say(now, Tone::Bad, "trouble", &format!("{name}: {}", safe(&failure.message)));
                }
                None if self.troubled.remove(&name) => {
                    self.say(now, Tone::Good, "well", &format!("{name} takes what it is given again"));
                }
                _ => {}
            }
        }
        for hold in &board.plan().holds {
            if self.held.insert(hold.checksum.clone()) {
                let text = format!("{} To let it happen: otj approve {}", safe(&hold.summary), hold.checksum);
                self.say(now, Tone::Bad, "held", &text);
            }
        }
    }

    /// The codec was given a list.
    pub(super) fn pushed(&mut self, lines: Vec<Line>, after: &str, now: Timestamp) {
        let old = self.codec.replace(lines.clone());
        self.list("pushed", "fjord, the codec,", old.as_deref(), &lines, after, now);
    }

    /// A codec whose room has its calendar at `whose` was given a list.
    pub(super) fn pushed_to(&mut self, name: &'static str, whose: &str, lines: Vec<Line>, now: Timestamp) {
        let old = self.others.insert(name, lines.clone());
        self.list("pushed", &format!("{name}, read from {whose},"), old.as_deref(), &lines, "", now);
    }

    /// The Poly endpoint fetched a list that differs from the one before.
    pub(super) fn fetched(&mut self, lines: Vec<Line>, after: &str, now: Timestamp) {
        let old = self.poly.replace(lines.clone());
        self.list("fetched", "vik, the Poly endpoint,", old.as_deref(), &lines, after, now);
    }

    /// Time goes on: buttons appear on the codec by themselves.
    pub(super) fn codec_now(&mut self, lines: Vec<Line>, now: Timestamp) {
        let Some(old) = self.codec.take() else { return };
        for line in lines.iter().filter(|line| line.lit == Some(true)) {
            let was_dark = old
                .iter()
                .any(|other| (other.start, &other.title, other.lit) == (line.start, &line.title, Some(false)));
            if was_dark {
                let dials = line.dials.as_deref().unwrap_or_default();
                self.say(now, Tone::Good, "join", &format!("fjord offers Join for “{}”: dials {dials}", line.title));
            }
        }
        self.codec = Some(lines);
    }

    fn list(&self, verb: &str, who: &str, old: Option<&[Line]>, new: &[Line], after: &str, now: Timestamp) {
        let Some(old) = old else {
            let text = format!("{who} shows {}{after}:", meetings(new.len()));
            self.say(now, Tone::Good, verb, &text);
            for (row, lit) in screen(new, &self.times, now) {
                let row = if lit { self.painted(Tone::Good, &row) } else { row };
                crate::cli::print(&format!("    {row}\n"));
            }
            return;
        };
        let said = changes(old, new, &self.times, now);
        if said.is_empty() {
            self.say(now, Tone::Good, verb, &format!("{who} shows the same{after}"));
        }
        for change in said {
            self.say(now, Tone::Good, verb, &format!("{who} shows {change}{after}"));
        }
    }

    fn config(&mut self, config: &ConfigStatus, now: Timestamp) {
        if config.generation > self.generation {
            self.generation = config.generation;
            let documents: usize = config.documents.values().sum();
            let count = |kind: &str| config.documents.get(kind).copied().unwrap_or(0);
            let text = format!(
                "otj.d: {documents} documents, among them {} endpoints and {} rules (checksum {})",
                count("Endpoint"),
                count("Rule"),
                config.checksum
            );
            self.say(now, Tone::Work, "adopted", &text);
        }
        if config.errors > 0 && config.findings != self.findings {
            self.say(now, Tone::Bad, "refused", "otj.d does not load; the last good one stays in force:");
            for line in config.findings.lines() {
                crate::cli::print(&format!("    {}\n", safe(line)));
            }
        }
        self.findings.clone_from(&config.findings);
    }

    fn room(&mut self, room: &RoomStatus, now: Timestamp) {
        let name = &room.key.email;
        if room.last_read.is_none() && room.failure.is_none() {
            return;
        }
        let before = self.rooms.insert(name.clone(), (room.meetings, room.failure.is_some()));
        let (fails, failed) = (room.failure.as_ref(), before.is_some_and(|(_, failed)| failed));
        match fails {
            Some(failure) if !failed => {
                let endpoints: Vec<&str> = room.endpoints.iter().map(EndpointName::as_str).collect();
                let text = format!(
                    "{name} cannot be read ({}): {} keeps its {}",
                    safe(&failure.message),
                    endpoints.join(", "),
                    meetings(room.meetings)
                );
                self.say(now, Tone::Bad, "kept", &text);
            }
            Some(_) => {}
            None if failed => {
                self.say(now, Tone::Good, "read", &format!("{name} again: {}", meetings(room.meetings)));
            }
            None if before.is_none_or(|(meetings, _)| meetings != room.meetings) => {
                self.say(now, Tone::Work, "read", &format!("{name}: {}", meetings(room.meetings)));
            }
            None => {}
        }
    }

    fn bookings(&mut self, endpoint: &EndpointName, bookings: &[Booking], now: Timestamp) {
        let call = |booking: &Booking| booking.call.as_ref().map(|call| call.alias.as_str().to_owned());
        let known: BTreeMap<MeetingId, Option<String>> =
            bookings.iter().map(|booking| (booking.id.clone(), call(booking))).collect();
        let before = self.matched.insert(endpoint.clone(), known).unwrap_or_default();
        for booking in bookings {
            let found = call(booking);
            if before.get(&booking.id) == Some(&found) {
                continue;
            }
            let by = match (&found, &booking.rule) {
                (Some(alias), Some(rule)) => format!("rule {rule}: {alias}"),
                (Some(alias), None) => format!("no rule, found written out: {alias}"),
                (None, _) => "nothing to dial".to_owned(),
            };
            let at = self.times.of_day(booking.start, now);
            let title = short_title(&safe(booking.subject.expose()));
            self.say(now, Tone::Work, "matched", &format!("{:<6} {at:>9}  {title:<28}  {by}", endpoint.as_str()));
        }
    }

    fn painted(&self, tone: Tone, text: &str) -> String {
        let code = match tone {
            _ if !self.coloured => return text.to_owned(),
            Tone::Work => "36",
            Tone::Good => "1;32",
            Tone::Stage => "1;35",
            Tone::Bad => "1;33",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}

/// `1 meeting`, `4 meetings`.
pub(super) fn meetings(count: usize) -> String {
    if count == 1 { "1 meeting".to_owned() } else { format!("{count} meetings") }
}
