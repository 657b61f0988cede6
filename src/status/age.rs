//! Points in time as people say them.

use jiff::{SignedDuration, Timestamp};

/// How long ago `at` was at `now`, or how long until it is, in the unit people would choose.
#[must_use]
pub fn ago(at: Timestamp, now: Timestamp) -> String {
    let apart = now.duration_since(at);
    let seconds = apart.as_secs().unsigned_abs();
    let text = match seconds {
        0..=1 => return "now".into(),
        2..=89 => format!("{seconds} s"),
        90..=5399 => format!("{} min", (seconds + 30) / 60),
        5400..=129_599 => format!("{} h", (seconds + 1800) / 3600),
        _ => format!("{} days", (seconds + 43_200) / 86_400),
    };
    if apart > SignedDuration::ZERO { format!("{text} ago") } else { format!("in {text}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_as_people_say_them() {
        let now: Timestamp = "2026-03-02T08:00:00Z".parse().unwrap();
        let cases = [
            (0, "now"),
            (5, "5 s ago"),
            (89, "89 s ago"),
            (90, "2 min ago"),
            (3000, "50 min ago"),
            (7200, "2 h ago"),
            (200_000, "2 days ago"),
            (-300, "in 5 min"),
        ];
        for (seconds, wanted) in cases {
            assert_eq!(ago(now - SignedDuration::from_secs(seconds), now), wanted);
        }
    }
}
