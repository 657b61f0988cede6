//! UTC times as calendar services write them by the thousand: `2027-01-04T10:00:00`, and what follows it. A look at fifty rooms
//! brings some five thousand; other forms are for jiff's own parser.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// The instant of `YYYY-MM-DDTHH:MM:SS` in UTC, and what stands behind it. `None`: the text is of another form.
#[must_use]
pub fn read_utc(text: &str) -> Option<(Timestamp, &str)> {
    let (written, rest) = text.as_bytes().split_first_chunk::<19>()?;
    let is_form = (written[4], written[7], written[10], written[13], written[16]) == (b'-', b'-', b'T', b':', b':');
    if !is_form {
        return None;
    }
    let number = |digits: &[u8]| {
        digits
            .iter()
            .try_fold(0i16, |number, digit| digit.is_ascii_digit().then(|| number * 10 + i16::from(digit - b'0')))
    };
    let small = |at: usize| number(&written[at..at + 2]).and_then(|number| i8::try_from(number).ok());
    let date = (number(&written[..4])?, small(5)?, small(8)?);
    let civil = DateTime::new(date.0, date.1, date.2, small(11)?, small(14)?, small(17)?, 0).ok()?;
    let instant = TimeZone::UTC.to_timestamp(civil).ok()?;
    Some((instant, std::str::from_utf8(rest).ok()?))
}

/// Writes `YYYY-MM-DDTHH:MM:SS` of `at` in UTC, parts of a second left out.
pub fn write_utc(out: &mut Vec<u8>, at: Timestamp) {
    let civil = TimeZone::UTC.to_datetime(at);
    let two = |number: i8| {
        let number = number.unsigned_abs();
        [b'0' + number / 10, b'0' + number % 10]
    };
    let year = civil.year().clamp(0, 9999).unsigned_abs();
    let century = |number: u16| two(i8::try_from(number).unwrap_or(0));
    out.extend(century(year / 100));
    out.extend(century(year % 100));
    let parts = [(b'-', civil.month()), (b'-', civil.day()), (b'T', civil.hour()), (b':', civil.minute())];
    for (mark, number) in parts.into_iter().chain([(b':', civil.second())]) {
        out.push(mark);
        out.extend(two(number));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_and_written_is_what_jiff_reads_and_writes() {
        for second in (0..4_000_000_000i64).step_by(7_654_321) {
            let at = Timestamp::from_second(second).unwrap();
            let mut text = Vec::new();
            write_utc(&mut text, at);
            text.push(b'Z');
            let text = String::from_utf8(text).unwrap();
            assert_eq!(text, at.to_string());
            assert_eq!(read_utc(&text), Some((at, "Z")));
        }
    }

    #[test]
    fn other_forms_are_left_to_others() {
        for text in ["", "2027-01-04", "2027-01-04 10:00:00Z", "2027-13-04T10:00:00Z", "2027-01-04T1０:00:00Z", "２027"]
        {
            assert_eq!(read_utc(text), None, "{text}");
        }
        assert_eq!(read_utc("2027-01-04T10:00:00.5+01:00").unwrap().1, ".5+01:00");
    }
}
