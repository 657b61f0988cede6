//! The forms that texts of documents must have. In: a text. Out: whether it fits, and the words for when it does not.

use crate::model::RoomEmail;

/// What a text must be.
#[derive(Clone, Copy)]
pub(super) enum Form {
    Time,
    Zone,
    HttpUrl,
    Fingerprint,
    Host,
    Domain,
    FileName,
    Date,
    Mail,
    NoProxy,
}

impl Form {
    /// Whether `text` has the form.
    pub(super) fn fits(self, text: &str) -> bool {
        match self {
            Self::Time => text.parse::<jiff::Timestamp>().is_ok(),
            Self::Zone => jiff::tz::TimeZone::get(text).is_ok(),
            Self::HttpUrl => {
                let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
                rest.is_some_and(|rest| !rest.starts_with('/') && !rest.is_empty() && !space_outside_templates(rest))
            }
            Self::Fingerprint => {
                let digits: Vec<char> = text.chars().filter(|c| *c != ':').collect();
                digits.len() == 64 && digits.iter().all(char::is_ascii_hexdigit)
            }
            Self::Host => text.parse::<std::net::IpAddr>().is_ok() || is_host(text),
            Self::Domain => is_host(text.strip_suffix('.').unwrap_or(text)),
            Self::Date => text.parse::<jiff::civil::Date>().is_ok() && text.len() == 10,
            Self::Mail => RoomEmail::parse(text).is_ok(),
            Self::NoProxy => {
                text == "*"
                    || is_network(text)
                    || Self::Host.fits(text.trim_start_matches("*.").trim_start_matches('.'))
            }
            Self::FileName => !text.contains(['\\', '\0']) && !slash_outside_templates(text),
        }
    }

    /// What is wrong otherwise, and what to write.
    pub(super) fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Time => ("this is not a time", "write it as RFC 3339, `2026-01-05T10:00:00Z`"),
            Self::Zone => ("there is no such time zone", "write the IANA name, `Europe/Oslo`"),
            Self::HttpUrl => ("this is not an http or https URL", "write it whole, `https://calendar.example.com/`"),
            Self::Fingerprint => {
                ("this is not a SHA-256 fingerprint", "write its 64 hex digits, with or without colons")
            }
            Self::Host => ("this is neither a host name nor an IP address", "write it without scheme, port and path"),
            Self::Domain => ("this is not a domain", "write it as `example.com`; subdomains are included"),
            Self::Date => ("this is not a date", "write it as `2027-03-31`"),
            Self::Mail => ("this is not an e-mail address", "write the one address of the account, `otj@example.com`"),
            Self::NoProxy => {
                ("this is neither a host nor a domain nor a network", "write `host`, `.example.com` or `10.0.0.0/8`")
            }
            Self::FileName => ("a file name has no path separators", "put the path into `directory`"),
        }
    }
}

fn is_host(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 253
        && text.split('.').all(|label| {
            !label.is_empty()
                && label.len() <= 63
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_')
        })
}

/// `10.0.0.0/8`
fn is_network(text: &str) -> bool {
    let parts = text
        .split_once('/')
        .and_then(|(address, bits)| Some((address.parse::<std::net::IpAddr>().ok()?, bits.parse::<u8>().ok()?)));
    parts.is_some_and(|(address, bits)| bits <= if address.is_ipv4() { 32 } else { 128 })
}

fn space_outside_templates(text: &str) -> bool {
    let mut parts = text.split("{{");
    let first = parts.next().unwrap_or_default();
    let after = parts.map(|part| part.split_once("}}").map_or("", |(_, after)| after));
    std::iter::once(first).chain(after).any(|part| part.contains(char::is_whitespace))
}

fn slash_outside_templates(text: &str) -> bool {
    let mut rest = text;
    while let Some((before, inside)) = rest.split_once("{{") {
        if before.contains('/') {
            return true;
        }
        rest = inside.split_once("}}").map_or("", |(_, after)| after);
    }
    rest.contains('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_take_what_the_field_needs() {
        for (form, right, wrong) in [
            (Form::Time, &["2026-01-05T10:00:00Z", "2026-01-05T10:00:00+01:00"][..], &["tomorrow", "2026-01-05"][..]),
            (Form::Zone, &["Europe/Oslo", "UTC"], &["Oslo", "W. Europe Standard Time"]),
            (
                Form::HttpUrl,
                &["https://a.example/b", "https://a.example/{{ room.email }}.ics"],
                &["https://a b/{{ x }}", "ftp://a", "a.example", "https://", "https:///x"],
            ),
            (
                Form::Host,
                &["10.0.0.7", "codec-1.example.com", "2001:db8::7"],
                &["10.0.0.7:443", "https://a", "a b", ""],
            ),
            (Form::Domain, &["example.com", "example.com."], &["*.example.com", "@example.com", ""]),
            (Form::Date, &["2027-03-31"], &["31.3.2027", "2027-02-30", "2027-03-31T00:00:00Z"]),
            (Form::Mail, &["otj@example.com"], &["otj", "Otj <otj@example.com>"]),
            (
                Form::NoProxy,
                &["10.0.0.0/8", ".example.com", "*.example.com", "host", "*"],
                &["10.0.0.0/33", "https://x", ""],
            ),
            (Form::FileName, &["{{ room.email }}.ics", "{{ a / b }}x"], &["x/{{ a }}.ics", "{{ a }}/b"]),
        ] {
            assert!(right.iter().all(|text| form.fits(text)), "{right:?}");
            assert!(!wrong.iter().any(|text| form.fits(text)), "{wrong:?}");
        }
    }
}
