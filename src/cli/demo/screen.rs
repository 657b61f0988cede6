//! What an endpoint's screen shows, the same for both kinds. In: the codec's lines, the Poly endpoint's meetings. Out: the screen as
//! text, and sentences about what became of it.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::cli::status::safe;
use crate::sim::cisco::Shown;
use crate::sim::poly::PolyMeeting;

/// Longest title that is printed whole.
const TITLE_MAX: usize = 28;

/// One line of a screen.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Line {
    /// Start.
    pub(super) start: Timestamp,
    /// End.
    pub(super) end: Timestamp,
    /// The title on the screen.
    pub(super) title: String,
    /// What Join dials; `None`: there is no Join.
    pub(super) dials: Option<String>,
    /// Whether the Join button is there now; `None`: the endpoint decides that by itself.
    pub(super) lit: Option<bool>,
}

impl From<&Shown> for Line {
    fn from(shown: &Shown) -> Self {
        Self {
            start: shown.start,
            end: shown.end,
            title: safe(shown.title.expose()),
            dials: shown.number.as_ref().map(|number| safe(number.expose())),
            lit: Some(shown.join),
        }
    }
}

impl From<&PolyMeeting> for Line {
    fn from(meeting: &PolyMeeting) -> Self {
        Self {
            start: meeting.start,
            end: meeting.end,
            title: safe(meeting.subject.expose()),
            dials: meeting.dial.as_ref().map(|dial| safe(dial.expose())),
            lit: None,
        }
    }
}

/// Times of day in the zone of whoever reads.
#[derive(Clone, Debug)]
pub(super) struct Times(TimeZone);

impl Times {
    /// In `zone`.
    pub(super) fn of(zone: TimeZone) -> Self {
        Self(zone)
    }

    /// `10:30`.
    pub(super) fn short(&self, at: Timestamp) -> String {
        at.to_zoned(self.0.clone()).strftime("%H:%M").to_string()
    }

    /// `10:30:07`.
    pub(super) fn exact(&self, at: Timestamp) -> String {
        at.to_zoned(self.0.clone()).strftime("%H:%M:%S").to_string()
    }

    /// `10:30`, `Tue 10:30` on another day than `now`'s.
    pub(super) fn of_day(&self, at: Timestamp, now: Timestamp) -> String {
        let (at, now) = (at.to_zoned(self.0.clone()), now.to_zoned(self.0.clone()));
        let form = if at.date() == now.date() { "%H:%M" } else { "%a %H:%M" };
        at.strftime(form).to_string()
    }
}

/// `title` within [`TITLE_MAX`] characters.
pub(super) fn short_title(title: &str) -> String {
    if title.chars().count() <= TITLE_MAX {
        return title.to_owned();
    }
    title.chars().take(TITLE_MAX - 1).chain(['…']).collect()
}

/// The screen, a line a meeting: time, title, Join, address.
pub(super) fn screen(lines: &[Line], times: &Times, now: Timestamp) -> Vec<(String, bool)> {
    let row = |line: &Line| {
        let span = format!("{}–{}", times.of_day(line.start, now), times.short(line.end));
        let join = match (&line.dials, line.lit) {
            (None, _) => "no Join",
            (Some(_), Some(true)) => "[ Join ]",
            (Some(_), Some(false)) => "Join later",
            (Some(_), None) => "Join dials",
        };
        let dials = line.dials.as_deref().unwrap_or_default();
        let text = format!("{span:>15}  {:<TITLE_MAX$}  {join:<10}  {dials}", short_title(&line.title));
        (text.trim_end().to_owned(), line.lit == Some(true))
    };
    lines.iter().map(row).collect()
}

/// What differs between two screens, in sentences.
pub(super) fn changes(old: &[Line], new: &[Line], times: &Times, now: Timestamp) -> Vec<String> {
    let same = |a: &Line, b: &Line| (a.start, a.end, &a.title, &a.dials) == (b.start, b.end, &b.title, &b.dials);
    let mut gone: Vec<&Line> = old.iter().filter(|line| !new.iter().any(|other| same(line, other))).collect();
    let mut said = Vec::new();
    for line in new.iter().filter(|line| !old.iter().any(|other| same(line, other))) {
        let before = gone.iter().position(|other| other.title == line.title).map(|at| gone.remove(at));
        let join = line.dials.as_ref().map_or("without Join".to_owned(), |dials| format!("Join dials {dials}"));
        let at = |line: &Line| times.of_day(line.start, now);
        said.push(match before {
            None => format!("“{}” is new at {}, {join}", line.title, at(line)),
            Some(before) if before.start != line.start => {
                format!("“{}” {} → {}, {join}", line.title, at(before), at(line))
            }
            Some(before) if before.dials == line.dials => format!("“{}” ends at {}", line.title, times.short(line.end)),
            Some(_) => format!("“{}” at {}, now {join}", line.title, at(line)),
        });
    }
    for line in gone {
        let why = if line.end <= now { "has ended" } else { "is gone" };
        said.push(format!("“{}” at {} {why}", line.title, times.of_day(line.start, now)));
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(at: &str, title: &str, dials: Option<&str>) -> Line {
        let start: Timestamp = format!("2027-01-04T{at}:00Z").parse().unwrap();
        Line {
            start,
            end: start + jiff::SignedDuration::from_mins(30),
            title: title.into(),
            dials: dials.map(str::to_owned),
            lit: None,
        }
    }

    #[test]
    fn a_change_of_the_screen_is_told_in_sentences() {
        let old = [line("08:00", "Early", None), line("10:30", "Weekly", Some("1@x")), line("11:00", "Lunch", None)];
        let new =
            [line("10:45", "Weekly", Some("1@x")), line("11:00", "Lunch", Some("2@x")), line("12:00", "New", None)];
        let now = "2027-01-04T09:00:00Z".parse().unwrap();
        assert_eq!(
            changes(&old, &new, &Times::of(TimeZone::UTC), now),
            [
                "“Weekly” 10:30 → 10:45, Join dials 1@x",
                "“Lunch” at 11:00, now Join dials 2@x",
                "“New” is new at 12:00, without Join",
                "“Early” at 08:00 has ended"
            ]
        );
        assert_eq!(changes(&new, &new, &Times::of(TimeZone::UTC), now), Vec::<String>::new());
    }

    #[test]
    fn a_screen_lines_up_and_names_other_days() {
        let mut today = line("10:30", "A title that is longer than what fits there", Some("1@x"));
        today.lit = Some(true);
        let lines = [today, line("11:00", "Lunch", None)];
        let now = "2027-01-05T09:00:00Z".parse().unwrap();
        let shown: Vec<String> =
            screen(&lines, &Times::of(TimeZone::UTC), now).into_iter().map(|(text, _)| text).collect();
        assert_eq!(
            shown,
            [
                "Mon 10:30–11:00  A title that is longer than…  [ Join ]    1@x",
                "Mon 11:00–11:30  Lunch                         no Join"
            ]
        );
    }
}
