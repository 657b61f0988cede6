//! What invitations need of MIME: headers with their parameters and encoded words, nested parts, transfer encodings, charsets.
//!
//! In: bytes of a mail. Out: parts and texts. Everything is read as far as it goes: a mail that was cut short, or whose lines end in
//! LF alone, still has parts. See RFC 2045 to 2047, 2231, 3676.

use std::borrow::Cow;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Most parts of one multipart.
const PARTS_MAX: usize = 200;

/// Most header lines of one part, and most bytes of one value.
const HEADERS_MAX: usize = 1000;
const VALUE_MAX: usize = 64 * 1024;

/// Headers and body of a mail or of one of its parts.
pub(super) struct Part<'b> {
    /// Names in lower case, values unfolded.
    pub(super) headers: Vec<(String, String)>,
    body: &'b [u8],
}

impl<'b> Part<'b> {
    pub(super) fn parse(bytes: &'b [u8]) -> Self {
        let mut headers: Vec<(String, String)> = vec![];
        let mut rest = bytes;
        while !rest.is_empty() {
            let end = rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |at| at + 1);
            let (line, after) = rest.split_at(end);
            rest = after;
            let line = decoded(line, "");
            let line = line.trim_end_matches(['\r', '\n']);
            if line.is_empty() {
                break;
            }
            let room = headers.len() < HEADERS_MAX;
            match (line.starts_with([' ', '\t']), line.split_once(':'), headers.last_mut()) {
                (true, _, Some((_, value))) if value.len() < VALUE_MAX => {
                    value.push(' ');
                    value.push_str(line.trim_start());
                }
                (false, Some((name, value)), _) if is_name(name) && room => {
                    headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
                }
                _ => {}
            }
        }
        Self { headers, body: rest }
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(each, _)| each == name).map(|(_, value)| value.as_str())
    }

    /// In lower case, without parameters.
    pub(super) fn media_type(&self) -> String {
        let kind = self.header("content-type").unwrap_or("text/plain");
        kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }

    /// Whether it is a file beside the text rather than the text.
    pub(super) fn is_attached(&self) -> bool {
        self.header("content-disposition")
            .is_some_and(|value| value.get(..10).is_some_and(|start| start.eq_ignore_ascii_case("attachment")))
    }

    pub(super) fn file_name(&self) -> Option<String> {
        let disposition = self.header("content-disposition").and_then(|value| parameter(value, "filename"));
        disposition.or_else(|| parameter(self.header("content-type")?, "name")).map(|name| words(&name))
    }

    pub(super) fn parts(&self) -> Vec<Part<'b>> {
        let boundary = self.header("content-type").and_then(|value| parameter(value, "boundary"));
        let Some(boundary) = boundary.filter(|boundary| !boundary.is_empty()) else {
            return vec![];
        };
        let delimiter = format!("--{boundary}");
        let mut parts = vec![];
        let (mut begin, mut at) = (None, 0);
        for line in self.body.split_inclusive(|byte| *byte == b'\n') {
            if let Some(rest) = line.strip_prefix(delimiter.as_bytes()) {
                let rest = rest.trim_ascii_end();
                // A boundary may begin like another one.
                if rest.is_empty() || rest == b"--" {
                    if let Some(begin) = begin.replace(at + line.len()) {
                        parts.push(Part::parse(&self.body[begin..at]));
                    }
                    if rest == b"--" || parts.len() >= PARTS_MAX {
                        return parts;
                    }
                }
            }
            at += line.len();
        }
        // A mail cut short still has its last part.
        parts.extend(begin.map(|begin| Part::parse(&self.body[begin.min(self.body.len())..])));
        parts
    }

    /// What the transfer encoding stands for.
    pub(super) fn bytes(&self) -> Cow<'b, [u8]> {
        let encoding = self.header("content-transfer-encoding").unwrap_or_default().trim().to_ascii_lowercase();
        match encoding.as_str() {
            "base64" => Cow::Owned(base64(self.body)),
            "quoted-printable" => Cow::Owned(quoted_printable(self.body, false)),
            _ => Cow::Borrowed(self.body),
        }
    }

    pub(super) fn text(&self) -> String {
        decoded(&self.bytes(), &self.of_type("charset"))
    }

    /// The text with lines joined that a mail program broke for transport (`format=flowed`).
    pub(super) fn unflowed_text(&self) -> String {
        let text = self.text();
        if !self.of_type("format").eq_ignore_ascii_case("flowed") {
            return text;
        }
        let drop_space = self.of_type("delsp").eq_ignore_ascii_case("yes");
        let mut out = String::with_capacity(text.len());
        for line in text.lines() {
            let line = line.strip_prefix(' ').unwrap_or(line);
            if line.ends_with(' ') && line != "-- " {
                out.push_str(if drop_space { &line[..line.len() - 1] } else { line });
            } else {
                out.push_str(line);
                out.push('\n');
            }
        }
        out
    }

    /// A parameter of the content type; empty where there is none.
    fn of_type(&self, name: &str) -> String {
        self.header("content-type").and_then(|value| parameter(value, name)).unwrap_or_default()
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic())
}

/// A parameter of a header's value: quoted or not, whole or in numbered pieces, with or without a charset.
fn parameter(value: &str, wanted: &str) -> Option<String> {
    let mut pieces: Vec<(usize, bool, String)> = vec![];
    for (name, value) in parameters(value) {
        let Some(rest) = name.get(..wanted.len()).filter(|start| start.eq_ignore_ascii_case(wanted)) else { continue };
        match &name[rest.len()..] {
            "" => return Some(value),
            "*" => pieces.push((0, true, value)),
            numbered => {
                let Some(number) = numbered.strip_prefix('*') else { continue };
                let (number, coded) = number.strip_suffix('*').map_or((number, false), |number| (number, true));
                let Ok(number) = number.parse() else { continue };
                pieces.push((number, coded, value));
            }
        }
    }
    pieces.sort_by_key(|piece| piece.0);
    let (mut bytes, mut charset) = (vec![], String::new());
    for (number, coded, value) in &pieces {
        let mut value = value.as_str();
        if *number == 0 && *coded {
            let mut parts = value.splitn(3, '\'');
            if let (Some(name), Some(_), Some(rest)) = (parts.next(), parts.next(), parts.next()) {
                (charset, value) = (name.to_owned(), rest);
            }
        }
        // Percent signs and quoted-printable's equals signs write bytes alike.
        bytes.extend(if *coded { quoted_printable(value.replace('%', "=").as_bytes(), false) } else { value.into() });
    }
    (!pieces.is_empty()).then(|| decoded(&bytes, &charset))
}

/// The `name=value` pairs after the first `;`.
fn parameters(value: &str) -> Vec<(String, String)> {
    let mut pairs = vec![];
    let mut rest = value.split_once(';').map_or("", |(_, rest)| rest);
    while let Some((name, after)) = rest.split_once('=') {
        let name = name.trim_matches(|c: char| c.is_whitespace() || c == ';').to_owned();
        let after = after.trim_start();
        let mut value = String::new();
        if let Some(quoted) = after.strip_prefix('"') {
            let mut characters = quoted.char_indices();
            let mut end = quoted.len();
            while let Some((at, character)) = characters.next() {
                match character {
                    '"' => {
                        end = at + 1;
                        break;
                    }
                    '\\' => value.extend(characters.next().map(|(_, character)| character)),
                    _ => value.push(character),
                }
            }
            rest = &quoted[end..];
        } else {
            let end = after.find(';').unwrap_or(after.len());
            value.push_str(after[..end].trim());
            rest = &after[end..];
        }
        pairs.push((name, value));
    }
    pairs
}

fn base64(bytes: &[u8]) -> Vec<u8> {
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &alphabet::STANDARD,
        GeneralPurposeConfig::new()
            .with_decode_padding_mode(DecodePaddingMode::Indifferent)
            .with_decode_allow_trailing_bits(true),
    );
    let mut packed: Vec<u8> =
        bytes.iter().copied().filter(|byte| byte.is_ascii_alphanumeric() || b"+/".contains(byte)).collect();
    // A single character left over stands for nothing: the rest of a text that was cut short.
    if packed.len() % 4 == 1 {
        packed.pop();
    }
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
                let digit = |at: usize| rest.get(at).and_then(|byte| char::from(*byte).to_digit(16));
                match (digit(0), digit(1)) {
                    (Some(high), Some(low)) => {
                        out.extend(u8::try_from(high * 16 + low));
                        rest = &rest[2..];
                    }
                    _ => out.push(b'='),
                }
            }
            b'_' if underscores => out.push(b' '),
            _ => out.push(*byte),
        }
    }
    out
}

/// Bytes in a charset as text. Without a known one: UTF-8 where it is that, else what Windows writes in western Europe.
pub(super) fn decoded(bytes: &[u8], charset: &str) -> String {
    if let Some(known) = encoding_rs::Encoding::for_label(charset.trim().as_bytes()) {
        return known.decode(bytes).0.into_owned();
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => encoding_rs::WINDOWS_1252.decode(bytes).0.into_owned(),
    }
}

/// A header's text with its encoded words (`=?utf-8?B?…?=`) decoded. Words that follow each other are one text: a letter may begin
/// in one and end in the next.
pub(super) fn words(header: &str) -> String {
    let mut out = String::new();
    let mut rest = header;
    let mut run: Option<(String, Vec<u8>)> = None;
    while let Some((before, word)) = rest.split_once("=?") {
        let mut parts = word.splitn(4, '?');
        let (charset, encoding, coded, tail) = (parts.next(), parts.next(), parts.next(), parts.next());
        let (Some(charset), Some(encoding), Some(coded), Some(tail)) = (charset, encoding, coded, tail) else { break };
        let Some(tail) = tail.strip_prefix('=') else { break };
        let charset = charset.split('*').next().unwrap_or(charset).to_ascii_lowercase();
        let bytes = match encoding {
            "B" | "b" => base64(coded.as_bytes()),
            _ => quoted_printable(coded.as_bytes(), true),
        };
        // White space between two encoded words is not text.
        let goes_on = before.trim().is_empty();
        match &mut run {
            Some((same, run)) if goes_on && *same == charset => run.extend(bytes),
            _ => {
                let goes_on = goes_on && run.is_some();
                end_run(&mut run, &mut out);
                out.push_str(if goes_on { "" } else { before });
                run = Some((charset, bytes));
            }
        }
        rest = tail;
    }
    end_run(&mut run, &mut out);
    out.push_str(rest);
    out
}

fn end_run(run: &mut Option<(String, Vec<u8>)>, out: &mut String) {
    if let Some((charset, bytes)) = run.take() {
        out.push_str(&decoded(&bytes, &charset));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoded_words_are_read_in_any_charset_and_across_their_borders() {
        for (header, text) in [
            ("=?utf-8?Q?J=C3=B6rg_A?= <j@x>", "Jörg A <j@x>"),
            ("=?UTF-8?B?5Lya?= =?UTF-8?B?6K2w?=", "会議"),
            ("=?UTF-8?B?5A==?= =?utf-8?Q?=BC=9A?=!", "会!"),
            ("=?iso-2022-jp?B?GyRCMnE1RBsoQg==?=", "会議"),
            ("=?windows-1252?Q?caf=E9_=96_x?=", "café – x"),
            ("=?ISO-8859-1*en?Q?=E9?= and =?koi8-r?B?8g==?=", "é and Р"),
            ("=?broken", "=?broken"),
            ("a =?utf-8?Q?b", "a =?utf-8?Q?b"),
        ] {
            assert_eq!(words(header), text, "{header}");
        }
    }

    #[test]
    fn parameters_are_quoted_continued_or_coded() {
        for (value, name, expected) in [
            ("multipart/mixed; boundary=\"a;b=\\\"c\"; x=y", "boundary", Some("a;b=\"c")),
            ("text/calendar;method=REQUEST;\tcharset = utf-8", "charset", Some("utf-8")),
            ("a/b; name*0=\"invi\"; name*1=\"te.ics\"", "name", Some("invite.ics")),
            ("a/b; filename*=UTF-8''caf%C3%A9.ics", "filename", Some("café.ics")),
            ("a/b; name*1*=%20b; name*0*=utf-8'en'a", "name", Some("a b")),
            ("a/b; names=x", "name", None),
            ("a/b", "name", None),
        ] {
            assert_eq!(parameter(value, name).as_deref(), expected, "{value}");
        }
    }

    #[test]
    fn lines_that_were_broken_for_transport_are_joined() {
        let part = |kind: &str| format!("Content-Type: text/plain; {kind}\n\na \nb\n  indented\n-- \nx");
        let joined = part("format=flowed");
        assert_eq!(Part::parse(joined.as_bytes()).unflowed_text(), "a b\n indented\n-- \nx\n");
        let joined = part("format=flowed; delsp=yes");
        assert_eq!(Part::parse(joined.as_bytes()).unflowed_text(), "ab\n indented\n-- \nx\n");
    }
}
