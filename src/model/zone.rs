//! Names of time zones, as calendars, mail programs and Microsoft's services write them.
//!
//! | name | zone |
//! |---|---|
//! | an IANA name, also with a registry's prefix (`/mozilla.org/20050126_1/Europe/Berlin`) | that one, from our database |
//! | a Windows name (`W. Europe Standard Time`, `(UTC+01:00) Amsterdam, Berlin, …`) | as CLDR maps it |
//! | `tzone://Microsoft/Utc` | UTC |
//! | anything else (`Customized Time Zone`, `tzone://Microsoft/Custom`) | unknown |

use std::str::FromStr as _;

use calcard::common::timezone::Tz;
use jiff::tz::{Offset, TimeZone};

/// The zone that is called `name`.
#[must_use]
pub fn named(name: &str) -> Option<TimeZone> {
    let name = name.trim().trim_matches('"');
    if let Ok(zone) = TimeZone::get(name) {
        return Some(zone);
    }
    if ["tzone://microsoft/utc", "z", "utc", "gmt"].contains(&name.to_ascii_lowercase().as_str()) {
        return Some(TimeZone::UTC);
    }
    match Tz::from_str(name) {
        Ok(Tz::Tz(zone)) => return TimeZone::get(zone.name()).ok(),
        Ok(Tz::Fixed(offset)) => return Offset::from_seconds(offset.local_minus_utc()).ok().map(TimeZone::fixed),
        Ok(Tz::Floating) | Err(()) => {}
    }
    // A registry's prefix: the last two or three segments are the name.
    let segments: Vec<&str> = name.split('/').collect();
    let tail = |length: usize| segments.len().checked_sub(length).map(|at| segments[at..].join("/"));
    [tail(3), tail(2)].into_iter().flatten().filter(|tail| tail != name).find_map(|tail| TimeZone::get(&tail).ok())
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn names_from_every_kind_of_program_are_understood() {
        for (name, iana) in [
            ("Europe/Oslo", "Europe/Oslo"),
            ("europe/oslo", "Europe/Oslo"),
            ("/mozilla.org/20050126_1/Europe/Berlin", "Europe/Berlin"),
            ("/freeassociation.sourceforge.net/Tzfile/America/New_York", "America/New_York"),
            ("/softwarestudio.org/Olson_20011030_5/America/Argentina/Buenos_Aires", "America/Argentina/Buenos_Aires"),
            ("W. Europe Standard Time", "Europe/Berlin"),
            ("Pacific Standard Time", "America/Los_Angeles"),
            ("India Standard Time", "Asia/Kolkata"),
            ("(UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna", "Europe/Amsterdam"),
            ("tzone://Microsoft/Utc", "UTC"),
            ("UTC", "UTC"),
        ] {
            let found = named(name).unwrap_or_else(|| panic!("{name} is unknown"));
            let noon: Timestamp = "2026-07-01T12:00:00Z".parse().unwrap();
            let expected = TimeZone::get(iana).unwrap();
            assert_eq!(found.to_offset(noon), expected.to_offset(noon), "{name}");
        }
        for name in ["Customized Time Zone", "tzone://Microsoft/Custom", "", "/", "Nowhere/At_All"] {
            assert!(named(name).is_none(), "{name}");
        }
    }
}
