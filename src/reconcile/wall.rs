//! Whether the wall clock can be trusted. While it cannot, nothing is removed for any reason.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::model::{IntegrationName, Mono, Now};

/// A jump of the wall against the boot clock that is not forgiven.
const JUMP: SignedDuration = SignedDuration::from_mins(2);
/// How far the wall may be from what verified servers say, or behind what was stored.
const APART: SignedDuration = SignedDuration::from_mins(5);
/// A wall that ran evenly for so long is trusted again where no server tells the time.
const EVEN: Duration = Duration::from_mins(30);
/// What a server said counts for so long.
const FRESH: Duration = Duration::from_mins(15);

/// The wall clock under watch.
#[derive(Debug)]
pub struct Wall {
    /// No clock is right before the program was released.
    released: Timestamp,
    /// The newest time the store knows.
    newest_stored: Option<Timestamp>,
    /// The last look.
    last: Option<Now>,
    /// Since when the wall has run evenly against the boot clock.
    even_since: Mono,
    /// How far each calendar server is ahead of us, and when it said so.
    servers: BTreeMap<IntegrationName, (SignedDuration, Mono)>,
    trusted: bool,
}

/// What a look at the clocks found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WallLook {
    /// The wall can be trusted.
    pub trusted: bool,
    /// The wall jumped: everything is planned anew.
    pub jumped: bool,
    /// The trust changed since the last look.
    pub changed: bool,
}

impl Wall {
    /// `newest_stored` is the newest time in the store.
    #[must_use]
    pub fn new(released: Timestamp, newest_stored: Option<Timestamp>) -> Self {
        Self {
            released,
            newest_stored,
            last: None,
            even_since: Mono::default(),
            servers: BTreeMap::new(),
            trusted: true,
        }
    }

    /// A verified calendar server said that its clock is `ahead` of ours.
    pub fn heard(&mut self, server: &IntegrationName, ahead: SignedDuration, now: Now) {
        self.servers.insert(server.clone(), (ahead, now.mono));
    }

    /// Looks at the clocks.
    pub fn look(&mut self, now: Now) -> WallLook {
        let jumped = self.last.is_some_and(|last| {
            let boot = SignedDuration::try_from(last.mono.until(now.mono)).unwrap_or(SignedDuration::MAX);
            (now.wall.duration_since(last.wall) - boot).abs() > JUMP
        });
        if jumped {
            self.even_since = now.mono;
            // What servers said was said against the wall before the jump.
            self.servers.clear();
        }
        let first = self.last.is_none();
        self.last = Some(now);
        let was = self.trusted;
        self.trusted = self.judge(now, jumped, first);
        if self.trusted && self.newest_stored.is_none_or(|newest| now.wall > newest) {
            self.newest_stored = Some(now.wall);
        }
        WallLook { trusted: self.trusted, jumped, changed: was != self.trusted }
    }

    fn judge(&self, now: Now, jumped: bool, first: bool) -> bool {
        if now.wall < self.released {
            return false;
        }
        if let Some(ahead) = self.agreed(now.mono) {
            return ahead.abs() <= APART;
        }
        if self.newest_stored.is_some_and(|newest| now.wall < newest - APART) {
            return self.ran_evenly(now.mono);
        }
        if jumped || (!first && !self.trusted) {
            return self.ran_evenly(now.mono);
        }
        true
    }

    fn ran_evenly(&self, now: Mono) -> bool {
        self.even_since.until(now) >= EVEN
    }

    /// The median of what servers said lately.
    fn agreed(&self, now: Mono) -> Option<SignedDuration> {
        let mut ahead: Vec<SignedDuration> =
            self.servers.values().filter(|(_, at)| at.until(now) <= FRESH).map(|(ahead, _)| *ahead).collect();
        ahead.sort();
        ahead.get(ahead.len() / 2).copied()
    }

    /// Whether the last look trusted the wall.
    #[must_use]
    pub fn trusted(&self) -> bool {
        self.trusted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: u64, wall: &str) -> Now {
        Now { wall: wall.parse().unwrap(), mono: Mono(Duration::from_mins(minutes)) }
    }

    fn wall(newest: Option<&str>) -> Wall {
        let newest = newest.map(|time| time.parse().unwrap());
        Wall::new("2026-11-01T00:00:00Z".parse().unwrap(), newest)
    }

    #[test]
    fn a_clock_before_the_release_or_behind_the_store_is_not_trusted() {
        assert!(wall(None).look(at(1, "2027-01-04T10:00:00Z")).trusted);
        assert!(!wall(None).look(at(1, "1970-01-01T00:01:00Z")).trusted);
        assert!(!wall(Some("2027-01-04T10:00:00Z")).look(at(1, "2027-01-03T10:00:00Z")).trusted);
        assert!(wall(Some("2027-01-04T10:00:00Z")).look(at(1, "2027-01-04T09:56:00Z")).trusted);
    }

    #[test]
    fn a_jump_is_trusted_only_after_half_an_even_hour_or_when_servers_agree() {
        let mut wall = wall(None);
        assert!(wall.look(at(0, "2027-01-04T10:00:00Z")).trusted);
        let jump = wall.look(at(1, "2027-01-14T10:01:00Z"));
        assert!(jump.jumped && !jump.trusted && jump.changed);
        assert!(!wall.look(at(20, "2027-01-14T10:20:00Z")).trusted);
        assert!(wall.look(at(31, "2027-01-14T10:31:00Z")).trusted);

        let mut wall = super::Wall::new("2026-11-01T00:00:00Z".parse().unwrap(), None);
        let server = IntegrationName::parse("dav").unwrap();
        wall.look(at(0, "2027-01-04T10:00:00Z"));
        assert!(!wall.look(at(1, "2027-01-03T10:01:00Z")).trusted);
        wall.heard(&server, SignedDuration::from_secs(3), at(2, "2027-01-03T10:02:00Z"));
        assert!(wall.look(at(2, "2027-01-03T10:02:00Z")).trusted);
        wall.heard(&server, SignedDuration::from_hours(24), at(3, "2027-01-03T10:03:00Z"));
        assert!(!wall.look(at(3, "2027-01-03T10:03:00Z")).trusted);
    }

    #[test]
    fn suspend_is_no_jump() {
        let mut wall = wall(None);
        wall.look(at(0, "2027-01-04T10:00:00Z"));
        assert_eq!(
            wall.look(at(480, "2027-01-04T18:00:00Z")),
            WallLook { trusted: true, jumped: false, changed: false }
        );
    }
}
