//! What keeps the requests of a group with one server: its first mailbox, and the cookie that the server gave for it. A subscription is
//! known to the server that made it alone.

use super::super::call::Whither;
use crate::http::{HeaderMap, HeaderName, HeaderValue, header};
use crate::model::RoomEmail;

/// The cookie's name.
const COOKIE: &str = "X-BackEndOverrideCookie";

/// Longest value that is repeated.
const VALUE_MAX: usize = 4096;

/// See the module.
#[derive(Clone)]
pub(super) struct Affinity {
    pub(super) anchor: RoomEmail,
    cookie: Option<HeaderValue>,
}

impl Affinity {
    /// With whichever server answers first.
    pub(super) fn of(anchor: RoomEmail) -> Self {
        Self { anchor, cookie: None }
    }

    /// Takes the cookie of an answer, where it has one.
    pub(super) fn learn(&mut self, answer: &HeaderMap) {
        let lines = answer.get_all(header::SET_COOKIE).iter().filter_map(|line| line.to_str().ok());
        let pairs = lines.filter_map(|line| line.split(';').next()?.trim().split_once('='));
        let value = pairs.filter(|(name, _)| name.eq_ignore_ascii_case(COOKIE)).map(|(_, value)| value).next_back();
        if let Some(value) = value.filter(|value| !value.is_empty() && value.len() <= VALUE_MAX)
            && let Ok(mut cookie) = HeaderValue::from_str(&format!("{COOKIE}={value}"))
        {
            cookie.set_sensitive(true);
            self.cookie = Some(cookie);
        }
    }

    /// To the server of the group.
    pub(super) fn whither(&self) -> Whither {
        let mut headers = HeaderMap::new();
        headers.insert(HeaderName::from_static("x-preferserveraffinity"), HeaderValue::from_static("true"));
        if let Some(cookie) = &self.cookie {
            headers.insert(header::COOKIE, cookie.clone());
        }
        Whither { anchor: self.anchor.clone(), headers }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_of_the_back_end_is_repeated_and_no_other() {
        let mut affinity = Affinity::of(RoomEmail::parse("fjord@example.com").unwrap());
        assert!(!affinity.whither().headers.contains_key(header::COOKIE));
        let long = format!("X-BackEndOverrideCookie={}", "x".repeat(5000));
        for (line, cookie) in [
            ("exchangecookie=1; path=/", None),
            ("X-BackEndOverrideCookie=mbx1~42; path=/; secure; HttpOnly", Some("X-BackEndOverrideCookie=mbx1~42")),
            ("x-backendoverridecookie=mbx2~7", Some("X-BackEndOverrideCookie=mbx2~7")),
            ("X-BackEndOverrideCookie=; path=/", Some("X-BackEndOverrideCookie=mbx2~7")),
            (&long, Some("X-BackEndOverrideCookie=mbx2~7")),
        ] {
            affinity.learn(&HeaderMap::from_iter([(header::SET_COOKIE, line.parse().unwrap())]));
            let whither = affinity.whither();
            assert_eq!(whither.headers.get(header::COOKIE).map(|value| value.to_str().unwrap()), cookie, "{line}");
            assert_eq!(whither.headers["x-preferserveraffinity"], "true");
        }
    }
}
