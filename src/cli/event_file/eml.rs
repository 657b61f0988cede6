//! A mail as mail programs save it: the event that its calendar part announces, with the text of the mail.
//!
//! | of the event | is taken from |
//! |---|---|
//! | time, place, privacy, `X-` properties | the first calendar part with an event (`text/calendar`, or an attached `.ics`); without one: some day |
//! | title, organizer | the calendar part, else the mail's headers |
//! | text | the mail's HTML, else the calendar part's own, else the mail's plain text |
//!
//! The mail's HTML goes first since Exchange and Microsoft 365 keep that as the body of the event. CalDAV calendars keep the calendar
//! part's own: to see what they give, save that part as `.ics`. Of mails in mails the first with a calendar part counts, so that
//! an invitation forwarded as an attachment is the invitation.

use std::borrow::Cow;

use super::mime::{Part, words};
use super::{ics, plain, some_day};
use crate::model::{Body, Confidential, Event, Person};

/// Deepest nesting of parts.
const DEPTH_MAX: usize = 10;

/// Most parts that are looked at.
const PARTS_MAX: usize = 200;

/// A mail, or a mail in a mail.
#[derive(Default)]
struct Mail {
    subject: String,
    from: String,
    html: Option<String>,
    text: Option<String>,
    calendar: Option<Event>,
    /// It has Outlook's own container.
    outlook: bool,
}

/// The event a mail announces.
pub(super) fn read(bytes: &[u8]) -> Result<Event, String> {
    let whole = Part::parse(bytes);
    if whole.headers.is_empty() {
        return Err("it is no mail: it does not begin with headers".into());
    }
    let mut mails = mails(whole);
    let chosen = mails.iter().position(|mail| mail.calendar.is_some());
    let chosen = chosen.or_else(|| mails.iter().position(|mail| !mail.is_blank())).unwrap_or(0);
    let mail = mails.swap_remove(chosen);
    if mail.outlook && mail.is_blank() && mail.calendar.is_none() {
        return Err(
            "its text is in `winmail.dat`, Outlook's own form: save the invitation from the calendar, as `.ics`".into(),
        );
    }
    Ok(mail.event())
}

fn mails(whole: Part<'_>) -> Vec<Mail> {
    let mut mails = vec![Mail::headed(&whole)];
    let mut left = vec![(whole, 0, 0)];
    let mut seen = 0;
    while let Some((part, depth, owner)) = left.pop() {
        seen += 1;
        if seen > PARTS_MAX {
            break;
        }
        let kind = part.media_type();
        if depth < DEPTH_MAX && kind.starts_with("multipart/") {
            let mut parts = part.parts();
            // The last is popped first: keep their order.
            parts.reverse();
            left.extend(parts.into_iter().map(|part| (part, depth + 1, owner)));
        } else if depth < DEPTH_MAX && kind == "message/rfc822" {
            let bytes = part.bytes();
            // What is encoded is a copy; mails in mails are not encoded, as the standard has it.
            if let Cow::Borrowed(bytes) = bytes {
                let inner = Part::parse(bytes);
                mails.push(Mail::headed(&inner));
                left.push((inner, depth + 1, mails.len() - 1));
            }
        } else {
            mails[owner].take(&kind, &part);
        }
    }
    mails
}

impl Mail {
    fn headed(part: &Part<'_>) -> Self {
        let header = |name: &str| part.header(name).map(words).unwrap_or_default();
        Self { subject: header("subject"), from: header("from"), ..Self::default() }
    }

    fn take(&mut self, kind: &str, part: &Part<'_>) {
        let name = part.file_name().unwrap_or_default().to_lowercase();
        let calendar = kind == "text/calendar" || kind == "application/ics" || name.ends_with(".ics");
        if calendar && self.calendar.is_none() {
            self.calendar = ics(part.text().as_bytes(), None).ok().map(|read| read.event);
        } else if kind == "application/ms-tnef" || name == "winmail.dat" {
            self.outlook = true;
        } else if part.is_attached() {
            // A document somebody attached is not the invitation's text.
        } else if kind == "text/html" && self.html.is_none() {
            self.html = Some(part.text());
        } else if kind == "text/plain" && self.text.is_none() {
            self.text = Some(part.unflowed_text());
        }
    }

    fn is_blank(&self) -> bool {
        let blank = |text: &Option<String>| text.as_ref().is_none_or(|text| text.trim().is_empty());
        blank(&self.html) && blank(&self.text)
    }

    fn event(self) -> Event {
        let html = self.html.filter(|html| !html.trim().is_empty()).map(|html| Body::Html(Confidential::new(html)));
        let text = self.text.map(|text| Body::Text(Confidential::new(text)));
        let (name, email) = person(&self.from);
        let organizer = Person { name: Confidential::new(name), email: Confidential::new(email) };
        let subject = Confidential::new(self.subject);
        let Some(event) = self.calendar else {
            let start = some_day();
            let body = html.or(text).unwrap_or_default();
            return Event { subject, organizer, ..plain(body, start, start + jiff::SignedDuration::from_hours(1)) };
        };
        let own = Some(event.body.clone()).filter(|body| *body != Body::None);
        Event {
            body: html.or(own).or(text).unwrap_or_default(),
            subject: if event.subject.is_blank() { subject } else { event.subject.clone() },
            organizer: if event.organizer.email.is_blank() { organizer } else { event.organizer.clone() },
            ..event
        }
    }
}

/// Name and address of `Alice Example <alice@example.com>`.
fn person(from: &str) -> (String, String) {
    match from.rsplit_once('<') {
        Some((name, rest)) => {
            let email = rest.split('>').next().unwrap_or_default();
            (name.trim().trim_matches('"').to_owned(), email.trim().to_owned())
        }
        None => (String::new(), from.trim().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAIL: &str = "From: =?utf-8?Q?J=C3=B6rg_A?= <joerg@example.com>\r\nSubject: =?UTF-8?B?V8O2?= =?UTF-8?B?Y2hlbnRs?=\r\n =?UTF-8?Q?ich?=\r\n\
        MIME-Version: 1.0\r\nContent-Type: multipart/mixed;\r\n boundary=\"out er\"\r\n\r\npreamble\r\n--out er\r\n\
        Content-Type: multipart/alternative; boundary=in\r\n\r\n--in\r\nContent-Type: text/plain; charset=utf-8\r\n\
        Content-Transfer-Encoding: quoted-printable\r\n\r\nconf=3D12=\r\n34 caf=C3=A9\r\n--in\r\nContent-Type: text/html\r\n\
        Content-Transfer-Encoding: base64\r\n\r\nPHA+c2lwOmFA\r\nYi5leGFtcGxl\r\n--in--\r\n--out er\r\nContent-Type: application/pdf\r\n\r\nx\r\n--out er--\r\n";

    #[test]
    fn a_mail_gives_its_html_or_else_its_text() {
        let event = read(MAIL.as_bytes()).unwrap();
        assert_eq!(event.subject.expose(), "Wöchentlich");
        assert_eq!((event.organizer.name.expose(), event.organizer.email.expose()), ("Jörg A", "joerg@example.com"));
        assert_eq!(event.body, Body::Html(Confidential::new("<p>sip:a@b.example")));
        let text_only = MAIL.replace("text/html", "image/png");
        let body = read(text_only.as_bytes()).unwrap().body;
        assert_eq!(body, Body::Text(Confidential::new("conf=1234 café\r\n")));
    }

    const PART: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART:20260203T080000Z\r\n\
        DTEND:20260203T090000Z\r\nSUMMARY:Planning\r\nLOCATION:Fjord\r\nCLASS:PRIVATE\r\nDESCRIPTION:of the part\r\n\
        ORGANIZER;CN=Dana:mailto:dana@example.com\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

    fn mixed(parts: &[(&str, &str)]) -> String {
        let parts = parts.iter().map(|(headers, body)| format!("--b\r\n{headers}\r\n\r\n{body}\r\n"));
        let parts: String = parts.collect();
        format!(
            "Subject: Mail\r\nFrom: bob@example.com\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n{parts}--b--\r\n"
        )
    }

    #[test]
    fn the_calendar_part_says_when_and_where_and_the_mails_html_what() {
        let calendar = ("Content-Type: text/calendar; method=REQUEST; charset=utf-8", PART);
        let attached =
            ("Content-Type: application/octet-stream; name=\"invite.ics\"\r\nContent-Disposition: attachment", PART);
        let (html, text) = (("Content-Type: text/html", "<p>html"), ("Content-Type: text/plain", "text"));
        let document = ("Content-Type: text/html\r\nContent-Disposition: attachment; filename=minutes.html", "minutes");
        for (parts, expected) in [
            (vec![text, html, calendar], Body::Html(Confidential::new("<p>html\r\n"))),
            (vec![document, text, calendar], Body::Text(Confidential::new("of the part"))),
            (vec![attached], Body::Text(Confidential::new("of the part"))),
        ] {
            let event = read(mixed(&parts).as_bytes()).unwrap();
            assert_eq!((event.subject.expose(), event.location.expose(), event.private), ("Planning", "Fjord", true));
            assert_eq!(event.organizer.email.expose(), "dana@example.com");
            assert_eq!(event.start.to_string(), "2026-02-03T08:00:00Z");
            assert_eq!(event.body, expected);
        }
        let event = read(mixed(&[text]).as_bytes()).unwrap();
        assert_eq!((event.subject.expose(), event.organizer.email.expose()), ("Mail", "bob@example.com"));
    }

    #[test]
    fn an_invitation_forwarded_as_an_attachment_is_the_invitation() {
        let inner =
            mixed(&[("Content-Type: text/plain", "x"), ("Content-Type: text/calendar", PART)]).replace("--b", "--c");
        let inner = inner.replace("boundary=b", "boundary=c");
        let outer = mixed(&[("Content-Type: text/plain", "see below"), ("Content-Type: message/rfc822", &inner)]);
        assert_eq!(read(outer.as_bytes()).unwrap().subject.expose(), "Planning");
    }

    #[test]
    fn outlooks_own_container_is_named_where_there_is_nothing_else() {
        let part = ("Content-Type: application/ms-tnef; name=winmail.dat", "x");
        assert!(read(mixed(&[part]).as_bytes()).unwrap_err().contains("winmail.dat"));
        assert!(read(mixed(&[("Content-Type: text/plain", "text"), part]).as_bytes()).is_ok());
    }

    #[test]
    fn half_a_mail_is_read_as_far_as_it_goes() {
        for end in 0..MAIL.len() {
            let _ = read(&MAIL.as_bytes()[..end]);
        }
        assert!(read(b"").is_err());
        let plain = read(b"Subject: x\n\nhello\n").unwrap();
        assert_eq!(plain.body, Body::Text(Confidential::new("hello\n")));
    }
}
