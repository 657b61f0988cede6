//! Bad days: what the network between a site and its calendar service does, by the clock. In: a request and the time. Out: what
//! happens instead of an answer, or nothing. Each fault ends, so that it can be measured how soon all is well again.
//!
//! What happens to the service itself ([`Fault::WrongPassword`]; streams that break off) is told by [`Weather::turns`] when it begins
//! and when it ends: whoever plays the world does it to the service.

use std::time::Duration;

use super::dice::Dice;
use crate::http::{Bytes, HeaderMap, HeaderValue, HttpError, Played, StatusCode, header};

/// Longer than any deadline.
const NEVER: Duration = Duration::from_secs(86_400);

/// How long whoever asks too much is told to wait.
const THROTTLED_FOR: Duration = Duration::from_secs(30);

/// What goes wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// The token endpoint answers 503.
    TokensDown,
    /// One answer in twenty is a 503.
    ServerErrors,
    /// Every request is refused as one too many (429, `ErrorServerBusy`), to be asked again after half a minute.
    Storm,
    /// Nothing answers for one room.
    RoomHangs,
    /// The calendar service cannot be reached.
    Unreachable,
    /// One of several servers cannot be reached.
    OneServer,
    /// The account has another password for a while.
    WrongPassword,
}

impl Fault {
    /// In words, for people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::TokensDown => "token endpoint down",
            Self::ServerErrors => "5 % of answers are 503",
            Self::Storm => "every request refused as too many",
            Self::RoomHangs => "one room never answers",
            Self::Unreachable => "calendar service unreachable",
            Self::OneServer => "one server unreachable",
            Self::WrongPassword => "account has another password",
        }
    }
}

/// A fault and when it is, in seconds from the beginning.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Spell {
    /// What.
    pub fault: Fault,
    /// From.
    pub from_s: u64,
    /// To.
    pub to_s: u64,
}

/// In whose words errors are told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tongue {
    /// Google's.
    Google,
    /// Graph's.
    Graph,
    /// Those of Exchange Web Services.
    Exchange,
}

/// Whom the faults of one room, and of one server, befall.
#[derive(Clone, Debug, Default)]
pub struct Aims {
    /// What only the name of the room contains.
    pub room: String,
    /// The host of the server.
    pub server: String,
}

/// What a request is about.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    /// Which part of the service it goes to.
    pub place: Place,
    /// Its host.
    pub host: &'a str,
    /// The one room it is about, if it is about one: a text that names it.
    pub room: Option<&'a str>,
}

/// Which part of the service a request goes to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// Its token endpoint.
    Tokens,
    /// Its calendars.
    Calendars,
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Weather {
    spells: Vec<Spell>,
    aims: Aims,
    tongue: Tongue,
    dice: Dice,
    /// Which of the spells were on when somebody asked last.
    on: Vec<bool>,
}

impl Weather {
    /// A day with every fault of a service once, in office hours, an hour and more apart.
    #[must_use]
    pub fn stormy(aims: Aims, tongue: Tongue, seed: u64) -> Self {
        let spell = |fault, hour: u64, minute: u64, minutes: u64| {
            let from_s = hour * 3600 + minute * 60;
            Spell { fault, from_s, to_s: from_s + minutes * 60 }
        };
        let mut spells = vec![
            spell(Fault::TokensDown, 9, 20, 10),
            spell(Fault::ServerErrors, 10, 30, 60),
            spell(Fault::Storm, 12, 40, 5),
            spell(Fault::RoomHangs, 13, 30, 60),
            spell(Fault::Unreachable, 15, 40, 10),
        ];
        if tongue == Tongue::Exchange {
            spells.insert(0, spell(Fault::OneServer, 8, 30, 10));
            // It is tried again after an hour only.
            spells.push(spell(Fault::WrongPassword, 16, 50, 10));
        }
        Self::of(spells, aims, tongue, seed)
    }

    /// A day with these faults.
    #[must_use]
    pub fn of(spells: Vec<Spell>, aims: Aims, tongue: Tongue, seed: u64) -> Self {
        let on = vec![false; spells.len()];
        Self { spells, aims, tongue, dice: Dice::new(seed, u64::MAX), on }
    }

    /// The same day without a fault that this site cannot have.
    #[must_use]
    pub fn without(mut self, fault: Fault) -> Self {
        self.spells.retain(|spell| spell.fault != fault);
        self.on.truncate(self.spells.len());
        self
    }

    /// Every fault, in order.
    #[must_use]
    pub fn spells(&self) -> &[Spell] {
        &self.spells
    }

    /// The faults that began, or ended, until this second, since somebody asked last.
    pub fn turns(&mut self, second: u64) -> Vec<(Fault, bool)> {
        let mut turns = Vec::new();
        for (spell, on) in self.spells.iter().zip(&mut self.on) {
            let now = spell.is_at(second);
            if std::mem::replace(on, now) != now {
                turns.push((spell.fault, now));
            }
        }
        turns
    }

    /// What becomes of a request at this second, if not what should.
    pub fn befalls(&mut self, about: About<'_>, second: u64) -> Option<Played> {
        let About { place, host, room } = about;
        let tongue = self.tongue;
        for Spell { fault, .. } in self.spells.iter().filter(|spell| spell.is_at(second)) {
            match (fault, place) {
                (Fault::TokensDown, Place::Tokens) => return Some(failing(tongue)),
                (Fault::ServerErrors, Place::Calendars) if self.dice.happens(0.05) => return Some(failing(tongue)),
                (Fault::Storm, Place::Calendars) => return Some(throttled(tongue)),
                (Fault::RoomHangs, Place::Calendars) if room.is_some_and(|room| room.contains(&self.aims.room)) => {
                    return Some(Played { after: NEVER, result: Err(HttpError::Deadline) });
                }
                (Fault::Unreachable, _) => return Some(unreachable()),
                (Fault::OneServer, Place::Calendars) if host == self.aims.server => return Some(unreachable()),
                _ => {}
            }
        }
        None
    }
}

impl Spell {
    fn is_at(&self, second: u64) -> bool {
        (self.from_s..self.to_s).contains(&second)
    }
}

fn unreachable() -> Played {
    Played { after: Duration::from_secs(10), result: Err(HttpError::Connect("connection timed out".into())) }
}

fn failing(tongue: Tongue) -> Played {
    let body = match tongue {
        Tongue::Google => {
            r#"{"error":{"code":503,"message":"Backend Error","errors":[{"domain":"global","reason":"backendError","message":"Backend Error"}]}}"#
        }
        Tongue::Graph => r#"{"error":{"code":"serviceNotAvailable","message":"The service is not available."}}"#,
        Tongue::Exchange => "<html><body><h1>503 Service Unavailable</h1></body></html>",
    };
    refused(StatusCode::SERVICE_UNAVAILABLE, tongue, body.into())
}

fn throttled(tongue: Tongue) -> Played {
    let body = match tongue {
        Tongue::Google => {
            r#"{"error":{"code":429,"message":"Rate Limit Exceeded","errors":[{"domain":"usageLimits","reason":"rateLimitExceeded","message":"Rate Limit Exceeded"}]}}"#
        }
        Tongue::Graph => r#"{"error":{"code":"ApplicationThrottled","message":"Application is over its limit."}}"#,
        Tongue::Exchange => {
            let body = super::exchange::busy(THROTTLED_FOR);
            return refused(StatusCode::INTERNAL_SERVER_ERROR, tongue, body);
        }
    };
    refused(StatusCode::TOO_MANY_REQUESTS, tongue, body.into())
}

fn refused(status: StatusCode, tongue: Tongue, body: String) -> Played {
    let mut headers = HeaderMap::new();
    let kind = match tongue {
        Tongue::Google | Tongue::Graph => "application/json",
        Tongue::Exchange if status == StatusCode::SERVICE_UNAVAILABLE => "text/html; charset=utf-8",
        Tongue::Exchange => "text/xml; charset=utf-8",
    };
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    if status == StatusCode::TOO_MANY_REQUESTS {
        headers.insert(header::RETRY_AFTER, THROTTLED_FOR.as_secs().into());
    }
    Played { after: Duration::from_millis(80), result: Ok((status, headers, Bytes::from(body))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about(place: Place, room: Option<&str>) -> About<'_> {
        About { place, host: "one.example.com", room }
    }

    fn aims() -> Aims {
        Aims { room: "room-7".into(), server: "two.example.com".into() }
    }

    fn at(hour: u64, minute: u64) -> u64 {
        hour * 3600 + minute * 60
    }

    #[test]
    fn each_fault_befalls_its_own_place_and_ends() {
        let mut weather = Weather::stormy(aims(), Tongue::Google, 1);
        let status = |played: Option<Played>| played.and_then(|it| it.result.ok()).map(|(status, ..)| status.as_u16());
        let (tokens, calendars) = (about(Place::Tokens, None), |room| about(Place::Calendars, room));
        assert_eq!(status(weather.befalls(tokens, at(9, 25))), Some(503));
        assert_eq!(status(weather.befalls(calendars(None), at(9, 25))), None);
        assert_eq!(status(weather.befalls(tokens, at(9, 30))), None);
        assert_eq!(status(weather.befalls(calendars(Some("room-8")), at(12, 41))), Some(429));
        assert!(weather.befalls(calendars(Some("/room-7/events")), at(13, 45)).is_some());
        assert!(weather.befalls(calendars(Some("/room-8/events")), at(13, 45)).is_none());
        assert!(weather.befalls(calendars(None), at(15, 45)).is_some());
        let errors = (0..1000).filter(|_| weather.befalls(calendars(None), at(10, 45)).is_some()).count();
        assert!((30..70).contains(&errors), "{errors}");
    }

    #[test]
    fn exchange_says_in_its_own_words_that_it_is_busy_and_one_of_its_servers_can_be_away() {
        let mut weather = Weather::stormy(aims(), Tongue::Exchange, 1).without(Fault::TokensDown);
        let one = about(Place::Calendars, None);
        let (status, _, body) = weather.befalls(one, at(12, 41)).unwrap().result.unwrap();
        let said = String::from_utf8_lossy(&body);
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(said.contains("ErrorServerBusy") && said.contains(">30000<"), "{said}");
        assert!(weather.befalls(one, at(8, 35)).is_none());
        assert!(weather.befalls(About { host: "two.example.com", ..one }, at(8, 35)).is_some());
        assert!(weather.befalls(about(Place::Tokens, None), at(9, 25)).is_none());
        assert_eq!(weather.turns(at(16, 0)), []);
        assert_eq!(weather.turns(at(16, 55)), [(Fault::WrongPassword, true)]);
        assert_eq!(weather.turns(at(16, 56)), []);
        assert_eq!(weather.turns(at(17, 0)), [(Fault::WrongPassword, false)]);
    }
}
