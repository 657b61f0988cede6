//! OTJ208, OTJ209, OTJ504: texts that do not have the form their field needs.

use crate::config::directory::{Document, Spec};
use crate::diagnostic::Diagnostic;
use crate::model::RoomEmail;

use super::Looked;

pub(super) fn run(looked: &Looked<'_>, findings: &mut Vec<Diagnostic>) {
    for document in &looked.directory.documents {
        malformed_value(looked, document, findings);
        not_a_room_email(looked, document, findings);
        very_many_days(looked, document, findings);
    }
}

/// What a text must be.
#[derive(Clone, Copy)]
enum Form {
    Time,
    Zone,
    HttpUrl,
    Fingerprint,
    Host,
    Domain,
    FileName,
}

impl Form {
    fn fits(self, text: &str) -> bool {
        match self {
            Self::Time => text.parse::<jiff::Timestamp>().is_ok(),
            Self::Zone => jiff::tz::TimeZone::get(text).is_ok(),
            Self::HttpUrl => {
                let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
                rest.is_some_and(|rest| {
                    !rest.starts_with('/') && !rest.is_empty() && !text.contains(char::is_whitespace)
                })
            }
            Self::Fingerprint => {
                let digits: Vec<char> = text.chars().filter(|c| *c != ':').collect();
                digits.len() == 64 && digits.iter().all(char::is_ascii_hexdigit)
            }
            Self::Host => text.parse::<std::net::IpAddr>().is_ok() || is_host(text),
            Self::Domain => is_host(text.strip_suffix('.').unwrap_or(text)),
            Self::FileName => !text.contains(['\\', '\0']) && !slash_outside_templates(text),
        }
    }

    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Time => ("this is not a time", "write it as RFC 3339, `2026-01-05T10:00:00Z`"),
            Self::Zone => ("there is no such time zone", "write the IANA name, `Europe/Oslo`"),
            Self::HttpUrl => ("this is not an http or https URL", "write it whole, `https://calendar.example.com/`"),
            Self::Fingerprint => {
                ("this is not a SHA-256 fingerprint", "write its 64 hex digits, with or without colons")
            }
            Self::Host => ("this is neither a host name nor an IP address", "write it without scheme, port and path"),
            Self::Domain => ("this is not a domain", "write it as `example.com`; subdomains are included"),
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

/// Every text of a document that must have a form; templates are judged when they are rendered.
fn formed(document: &Document) -> Vec<(String, Form, &str)> {
    let mut list: Vec<(String, Form, &str)> = vec![];
    match &document.spec {
        Spec::Ics(it) => {
            list.extend(it.file.as_deref().map(|text| ("/spec/file".to_owned(), Form::FileName, text)));
            if let Some(crate::config::document::TextOrSecret::Text(text)) = &it.url {
                list.push(("/spec/url".to_owned(), Form::HttpUrl, text));
            }
        }
        Spec::CalDav(it) => list.push(("/spec/url".to_owned(), Form::HttpUrl, &it.url)),
        Spec::Profile(it) => {
            list.extend(it.mode_until.as_deref().map(|text| ("/spec/modeUntil".to_owned(), Form::Time, text)));
            list.extend(domains("/spec/aliasDomains", it.alias_domains.as_deref()));
        }
        Spec::Group(it) => {
            list.extend(it.mode_until.as_deref().map(|text| ("/spec/modeUntil".to_owned(), Form::Time, text)));
            list.extend(it.time_zone.as_deref().map(|text| ("/spec/timeZone".to_owned(), Form::Zone, text)));
            let overrides = it.overrides.as_ref().and_then(|it| it.alias_domains.as_deref());
            list.extend(domains("/spec/overrides/aliasDomains", overrides));
            list.extend(it.cisco.as_ref().into_iter().flat_map(cisco));
        }
        Spec::Endpoint(it) => {
            list.extend(it.mode_until.as_deref().map(|text| ("/spec/modeUntil".to_owned(), Form::Time, text)));
            list.extend(it.cisco.as_ref().into_iter().flat_map(cisco));
        }
        Spec::Rule(it) => {
            list.extend(it.domain.as_deref().map(|text| ("/spec/domain".to_owned(), Form::Domain, text)));
            let organizers = it.when.as_ref().and_then(|when| when.organizer_domains.as_deref());
            list.extend(domains("/spec/when/organizerDomains", organizers));
        }
        Spec::RuleTest(it) => {
            for (index, event) in
                it.cases.iter().enumerate().filter_map(|(index, case)| Some((index, case.event.as_ref()?)))
            {
                let at = |field: &str| format!("/spec/cases/{index}/event/{field}");
                list.extend(event.start.as_deref().map(|text| (at("start"), Form::Time, text)));
                list.extend(event.end.as_deref().map(|text| (at("end"), Form::Time, text)));
                list.extend(event.time_zone.as_deref().map(|text| (at("timeZone"), Form::Zone, text)));
            }
        }
        _ => {}
    }
    list
}

fn domains<'a>(below: &'a str, list: Option<&'a [String]>) -> impl Iterator<Item = (String, Form, &'a str)> {
    let list = list.unwrap_or_default().iter().enumerate();
    list.map(move |(index, domain)| (format!("{below}/{index}"), Form::Domain, domain.as_str()))
}

fn cisco(it: &crate::config::document::endpoint::Cisco) -> impl Iterator<Item = (String, Form, &str)> {
    let address = it.address.as_deref().map(|text| ("/spec/cisco/address".to_owned(), Form::Host, text));
    let print = it.fingerprint.as_deref().map(|text| ("/spec/cisco/fingerprint".to_owned(), Form::Fingerprint, text));
    address.into_iter().chain(print)
}

fn malformed_value(looked: &Looked<'_>, document: &Document, findings: &mut Vec<Diagnostic>) {
    for (pointer, form, text) in formed(document) {
        let template = text.contains("{{") && !matches!(form, Form::FileName | Form::HttpUrl);
        if !template && !form.fits(text) {
            let (message, help) = form.words();
            let place = looked.directory.value(document, &pointer);
            findings.push(Diagnostic::error("OTJ208", place, message).help(help));
        }
    }
}

fn not_a_room_email(looked: &Looked<'_>, document: &Document, findings: &mut Vec<Diagnostic>) {
    if let Spec::Endpoint(it) = &document.spec
        && RoomEmail::parse(&it.room_email).is_err()
    {
        let place = looked.directory.value(document, "/spec/roomEmail");
        let finding = Diagnostic::error("OTJ209", place, "this is not the e-mail address of a room");
        findings.push(finding.help("write the one address of the room's mailbox, `room@example.com`"));
    }
}

fn very_many_days(looked: &Looked<'_>, document: &Document, findings: &mut Vec<Diagnostic>) {
    let (pointer, days) = match &document.spec {
        Spec::Profile(it) => ("/spec/upcomingDays", it.upcoming_days),
        Spec::Group(it) => ("/spec/overrides/upcomingDays", it.overrides.as_ref().and_then(|it| it.upcoming_days)),
        _ => return,
    };
    if days.is_some_and(|days| days > 31) {
        let place = looked.directory.value(document, pointer);
        let message = "more than 31 days ahead cost time and quota with every read";
        findings.push(Diagnostic::warning("OTJ504", place, message).help("7 days serve most sites"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_take_what_the_field_needs() {
        for (form, right, wrong) in [
            (Form::Time, &["2026-01-05T10:00:00Z", "2026-01-05T10:00:00+01:00"][..], &["tomorrow", "2026-01-05"][..]),
            (Form::Zone, &["Europe/Oslo", "UTC"], &["Oslo", "W. Europe Standard Time"]),
            (Form::HttpUrl, &["https://a.example/b"], &["ftp://a", "a.example", "https://", "https:///x"]),
            (
                Form::Host,
                &["10.0.0.7", "codec-1.example.com", "2001:db8::7"],
                &["10.0.0.7:443", "https://a", "a b", ""],
            ),
            (Form::Domain, &["example.com", "example.com."], &["*.example.com", "@example.com", ""]),
            (Form::FileName, &["{{ room.email }}.ics", "{{ a / b }}x"], &["x/{{ a }}.ics", "{{ a }}/b"]),
        ] {
            assert!(right.iter().all(|text| form.fits(text)), "{right:?}");
            assert!(!wrong.iter().any(|text| form.fits(text)), "{wrong:?}");
        }
    }
}
