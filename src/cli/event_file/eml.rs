//! A mail as mail programs save it: headers, and the HTML or else the plain text of its body.
//!
//! What invitations need of MIME and no more: nested multiparts, base64 and quoted-printable, UTF-8 and Latin-1, encoded words in
//! headers. HTML goes before text, as calendars keep HTML where there is one.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::{plain, some_day};
use crate::model::{Body, Confidential, Event, Person};

/// Deepest nesting of parts.
const DEPTH_MAX: usize = 10;

/// Most parts that are looked at.
const PARTS_MAX: usize = 200;

/// The event a mail announces, at an arbitrary time.
pub(super) fn read(bytes: &[u8]) -> Result<Event, String> {
    let mail = Part::parse(bytes);
    if mail.headers.is_empty() {
        return Err("it is no mail: it has no headers".into());
    }
    let (mut text, mut html) = (None, None);
    let mut left = vec![(mail.clone(), 0)];
    let mut seen = 0;
    while let Some((part, depth)) = left.pop() {
        seen += 1;
        if seen > PARTS_MAX {
            break;
        }
        let kind = part.media_type();
        if kind.starts_with("multipart/") && depth < DEPTH_MAX {
            let mut parts = part.parts();
            // The last is popped first: keep their order.
            parts.reverse();
            left.extend(parts.into_iter().map(|part| (part, depth + 1)));
        } else if kind == "message/rfc822" && depth < DEPTH_MAX {
            left.push((Part::parse(part.body), depth + 1));
        } else if kind == "text/html" && html.is_none() {
            html = Some(part.text());
        } else if kind == "text/plain" && text.is_none() {
            text = Some(part.text());
        }
    }
    let body = match (html, text) {
        (Some(html), _) => Body::Html(Confidential::new(html)),
        (None, Some(text)) => Body::Text(Confidential::new(text)),
        (None, None) => Body::None,
    };
    let (name, email) = person(&mail.header("from").map(|from| words(&from)).unwrap_or_default());
    let start = some_day();
    Ok(Event {
        subject: Confidential::new(mail.header("subject").map(|subject| words(&subject)).unwrap_or_default()),
        organizer: Person { name: Confidential::new(name), email: Confidential::new(email) },
        ..plain(body, start, start + jiff::SignedDuration::from_hours(1))
    })
}

/// Headers and body of a mail or of one of its parts.
#[derive(Clone)]
struct Part<'b> {
    /// Names in lower case, values unfolded.
    headers: Vec<(String, String)>,
    body: &'b [u8],
}

impl<'b> Part<'b> {
    fn parse(bytes: &'b [u8]) -> Self {
        let mut headers: Vec<(String, String)> = vec![];
        let mut rest = bytes;
        while !rest.is_empty() {
            let end = rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |at| at + 1);
            let (line, after) = rest.split_at(end);
            rest = after;
            let line = String::from_utf8_lossy(line);
            let line = line.trim_end_matches(['\r', '\n']);
            if line.is_empty() {
                break;
            }
            match (line.starts_with([' ', '\t']), line.split_once(':'), headers.last_mut()) {
                (true, _, Some((_, value))) => {
                    value.push(' ');
                    value.push_str(line.trim_start());
                }
                (false, Some((name, value)), _) => {
                    headers.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
                }
                _ => {}
            }
        }
        Self { headers, body: rest }
    }

    fn header(&self, name: &str) -> Option<String> {
        self.headers.iter().find(|(each, _)| each == name).map(|(_, value)| value.clone())
    }

    fn media_type(&self) -> String {
        let kind = self.header("content-type").unwrap_or_else(|| "text/plain".into());
        kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }

    /// A parameter of the content type.
    fn parameter(&self, name: &str) -> Option<String> {
        let kind = self.header("content-type")?;
        kind.split(';').skip(1).find_map(|pair| {
            let (key, value) = pair.split_once('=')?;
            key.trim().eq_ignore_ascii_case(name).then(|| value.trim().trim_matches('"').to_owned())
        })
    }

    fn parts(&self) -> Vec<Part<'b>> {
        let Some(boundary) = self.parameter("boundary").filter(|boundary| !boundary.is_empty()) else {
            return vec![];
        };
        let delimiter = format!("--{boundary}");
        let mut parts = vec![];
        let (mut begin, mut at) = (None, 0);
        for line in self.body.split_inclusive(|byte| *byte == b'\n') {
            if line.starts_with(delimiter.as_bytes()) {
                if let Some(begin) = begin.replace(at + line.len()) {
                    parts.push(Part::parse(&self.body[begin..at]));
                }
                if line[delimiter.len()..].starts_with(b"--") || parts.len() >= PARTS_MAX {
                    return parts;
                }
            }
            at += line.len();
        }
        // A mail cut short still has its last part.
        parts.extend(begin.map(|begin| Part::parse(&self.body[begin.min(self.body.len())..])));
        parts
    }

    fn text(&self) -> String {
        let encoding = self.header("content-transfer-encoding").unwrap_or_default().to_ascii_lowercase();
        let bytes = match encoding.as_str() {
            "base64" => base64(self.body),
            "quoted-printable" => quoted_printable(self.body, false),
            _ => self.body.to_vec(),
        };
        in_charset(&bytes, &self.parameter("charset").unwrap_or_default())
    }
}

fn base64(bytes: &[u8]) -> Vec<u8> {
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &alphabet::STANDARD,
        GeneralPurposeConfig::new()
            .with_decode_padding_mode(DecodePaddingMode::Indifferent)
            .with_decode_allow_trailing_bits(true),
    );
    let packed: Vec<u8> =
        bytes.iter().copied().filter(|byte| byte.is_ascii_alphanumeric() || b"+/".contains(byte)).collect();
    LENIENT.decode(packed).unwrap_or_default()
}

/// `underscores`: in headers, `_` is a space.
fn quoted_printable(bytes: &[u8], underscores: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'=' if rest.starts_with(b"\r\n") => rest = &rest[2..],
            b'=' if rest.starts_with(b"\n") => rest = &rest[1..],
            b'=' => {
                let pair = rest.get(..2).and_then(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
                match pair {
                    Some(decoded) => {
                        out.push(decoded);
                        rest = &rest[2..];
                    }
                    None => out.push(b'='),
                }
            }
            b'_' if underscores => out.push(b' '),
            _ => out.push(*byte),
        }
    }
    out
}

fn in_charset(bytes: &[u8], charset: &str) -> String {
    match charset.to_ascii_lowercase().as_str() {
        "iso-8859-1" | "iso-8859-15" | "windows-1252" | "latin1" => bytes.iter().copied().map(char::from).collect(),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

/// A header's text with its encoded words (`=?utf-8?B?…?=`) decoded.
fn words(header: &str) -> String {
    let mut out = String::new();
    let mut rest = header;
    let mut after_word = false;
    while let Some((before, word)) = rest.split_once("=?") {
        let mut parts = word.splitn(4, '?');
        let (charset, encoding, coded, tail) = (parts.next(), parts.next(), parts.next(), parts.next());
        let (Some(charset), Some(encoding), Some(coded), Some(tail)) = (charset, encoding, coded, tail) else { break };
        let Some(tail) = tail.strip_prefix('=') else { break };
        // White space between two encoded words is not text.
        if !(after_word && before.trim().is_empty()) {
            out.push_str(before);
        }
        let bytes = match encoding {
            "B" | "b" => base64(coded.as_bytes()),
            _ => quoted_printable(coded.as_bytes(), true),
        };
        out.push_str(&in_charset(&bytes, charset));
        rest = tail;
        after_word = true;
    }
    out.push_str(rest);
    out
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
