//! What answers say about time: the server's clock, and when to come back.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;

use super::{HeaderMap, Url, header};

/// Longest pause that is believed.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(86_400);

/// What a server says the time is. Certificates are verified wherever this is used, so over https it is the server's own word;
/// over http anybody can say it. What a cache hands out tells when it was made, which is of no use.
#[must_use]
pub fn server_date(url: &Url, headers: &HeaderMap) -> Option<Timestamp> {
    if url.scheme() != "https" || headers.contains_key(header::AGE) {
        return None;
    }
    let text = headers.get(header::DATE)?.to_str().ok()?.trim();
    DateTimeParser::new().parse_timestamp(text).ok()
}

/// `Retry-After` in seconds or as a date, at most a day.
#[must_use]
pub fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let at = DateTimeParser::new().parse_timestamp(text).ok()?;
            Duration::try_from(at.duration_since(now)).unwrap_or_default()
        }
    };
    Some(wait.min(RETRY_AFTER_MAX))
}

#[cfg(test)]
mod tests {
    use super::super::HeaderName;
    use super::*;

    #[test]
    fn only_the_server_itself_over_https_tells_the_time() {
        let (date, moment) = ("Mon, 05 Jan 2026 10:00:00 GMT", "2026-01-05T10:00:00Z");
        for (url, headers, expected) in [
            ("https://a.example/", &[("date", date)][..], Some(moment)),
            ("http://a.example/", &[("date", date)], None),
            ("https://a.example/", &[("date", date), ("age", "3600")], None),
            ("https://a.example/", &[("date", "today")], None),
            ("https://a.example/", &[], None),
        ] {
            let headers: HeaderMap =
                headers.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect();
            let found = server_date(&url.parse().unwrap(), &headers);
            assert_eq!(found, expected.map(|moment| moment.parse().unwrap()), "{url} {headers:?}");
        }
    }

    #[test]
    fn a_server_says_in_two_ways_when_to_come_back() {
        let now = "2026-01-05T10:00:00Z".parse().unwrap();
        for (text, seconds) in [
            ("120", Some(120)),
            ("Mon, 05 Jan 2026 10:01:30 GMT", Some(90)),
            ("Mon, 05 Jan 2026 09:00:00 GMT", Some(0)),
            ("99999999", Some(86_400)),
            ("soon", None),
        ] {
            let headers = HeaderMap::from_iter([(header::RETRY_AFTER, text.parse().unwrap())]);
            assert_eq!(retry_after(&headers, now), seconds.map(Duration::from_secs), "{text}");
        }
    }
}
