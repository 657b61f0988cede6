//! Bad days: what the network between a site and its calendar service does, by the clock. In: a request and the time. Out: what
//! happens instead of an answer, or nothing. Each fault ends, so that it can be measured how soon all is well again.

use std::time::Duration;

use super::dice::Dice;
use crate::http::{Bytes, HeaderMap, HeaderValue, HttpError, Played, StatusCode, header};

/// Longer than any deadline.
const NEVER: Duration = Duration::from_secs(86_400);

/// What goes wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// The token endpoint answers 503.
    TokensDown,
    /// One answer in twenty is a 503.
    ServerErrors,
    /// Every request is refused with 429, to be asked again after half a minute.
    Storm,
    /// Nothing answers for one room.
    RoomHangs,
    /// The calendar service cannot be reached.
    Unreachable,
}

impl Fault {
    /// In words, for people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::TokensDown => "token endpoint down",
            Self::ServerErrors => "5 % of answers are 503",
            Self::Storm => "every request refused with 429",
            Self::RoomHangs => "one room never answers",
            Self::Unreachable => "calendar service unreachable",
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
    /// What only the path of the hanging room contains.
    hanging: String,
    tongue: Tongue,
    dice: Dice,
}

impl Weather {
    /// A day with every fault once, in office hours, an hour and more apart; `hanging` is what only its room's path contains.
    #[must_use]
    pub fn stormy(hanging: &str, tongue: Tongue, seed: u64) -> Self {
        let spell = |fault, hour: u64, minute: u64, minutes: u64| {
            let from_s = hour * 3600 + minute * 60;
            Spell { fault, from_s, to_s: from_s + minutes * 60 }
        };
        let spells = vec![
            spell(Fault::TokensDown, 9, 20, 10),
            spell(Fault::ServerErrors, 10, 30, 60),
            spell(Fault::Storm, 12, 40, 5),
            spell(Fault::RoomHangs, 13, 30, 60),
            spell(Fault::Unreachable, 15, 40, 10),
        ];
        Self::of(spells, hanging, tongue, seed)
    }

    /// A day with these faults.
    #[must_use]
    pub fn of(spells: Vec<Spell>, hanging: &str, tongue: Tongue, seed: u64) -> Self {
        Self { spells, hanging: hanging.to_owned(), tongue, dice: Dice::new(seed, u64::MAX) }
    }

    /// Every fault, in order.
    #[must_use]
    pub fn spells(&self) -> &[Spell] {
        &self.spells
    }

    /// What becomes of a request at this second, if not what should. `room` names the one room it reads, if it reads one: a path.
    pub fn befalls(&mut self, place: Place, room: Option<&str>, second: u64) -> Option<Played> {
        let tongue = self.tongue;
        let spells = self.spells.iter().filter(|spell| (spell.from_s..spell.to_s).contains(&second));
        for Spell { fault, .. } in spells {
            match (fault, place) {
                (Fault::TokensDown, Place::Tokens) => return Some(refused(StatusCode::SERVICE_UNAVAILABLE, tongue)),
                (Fault::ServerErrors, Place::Calendars) if self.dice.happens(0.05) => {
                    return Some(refused(StatusCode::SERVICE_UNAVAILABLE, tongue));
                }
                (Fault::Storm, Place::Calendars) => return Some(refused(StatusCode::TOO_MANY_REQUESTS, tongue)),
                (Fault::RoomHangs, Place::Calendars) if room.is_some_and(|room| room.contains(&self.hanging)) => {
                    return Some(Played { after: NEVER, result: Err(HttpError::Deadline) });
                }
                (Fault::Unreachable, _) => {
                    let result = Err(HttpError::Connect("connection timed out".into()));
                    return Some(Played { after: Duration::from_secs(10), result });
                }
                _ => {}
            }
        }
        None
    }
}

fn refused(status: StatusCode, tongue: Tongue) -> Played {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let throttled = status == StatusCode::TOO_MANY_REQUESTS;
    if throttled {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("30"));
    }
    let body = match (tongue, throttled) {
        (Tongue::Google, true) => {
            r#"{"error":{"code":429,"message":"Rate Limit Exceeded","errors":[{"domain":"usageLimits","reason":"rateLimitExceeded","message":"Rate Limit Exceeded"}]}}"#
        }
        (Tongue::Google, false) => {
            r#"{"error":{"code":503,"message":"Backend Error","errors":[{"domain":"global","reason":"backendError","message":"Backend Error"}]}}"#
        }
        (Tongue::Graph, true) => {
            r#"{"error":{"code":"ApplicationThrottled","message":"Application is over its limit."}}"#
        }
        (Tongue::Graph, false) => {
            r#"{"error":{"code":"serviceNotAvailable","message":"The service is not available."}}"#
        }
    };
    let body = Bytes::from_static(body.as_bytes());
    Played { after: Duration::from_millis(80), result: Ok((status, headers, body)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_befalls_its_own_place_and_ends() {
        let mut weather = Weather::stormy("room-7", Tongue::Google, 1);
        let status = |played: Option<Played>| played.and_then(|it| it.result.ok()).map(|(status, ..)| status.as_u16());
        let at = |hour: u64, minute: u64| hour * 3600 + minute * 60;
        assert_eq!(status(weather.befalls(Place::Tokens, None, at(9, 25))), Some(503));
        assert_eq!(status(weather.befalls(Place::Calendars, None, at(9, 25))), None);
        assert_eq!(status(weather.befalls(Place::Tokens, None, at(9, 30))), None);
        assert_eq!(status(weather.befalls(Place::Calendars, Some("room-8"), at(12, 41))), Some(429));
        assert!(weather.befalls(Place::Calendars, Some("/room-7/events"), at(13, 45)).is_some());
        assert!(weather.befalls(Place::Calendars, Some("/room-8/events"), at(13, 45)).is_none());
        assert!(weather.befalls(Place::Calendars, None, at(15, 45)).is_some());
        let errors = (0..1000).filter(|_| weather.befalls(Place::Calendars, None, at(10, 45)).is_some()).count();
        assert!((30..70).contains(&errors), "{errors}");
    }
}
