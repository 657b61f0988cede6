//! What a Poly endpoint gets to read: titles and names in which nothing is dialable, and the address to dial in the forms it looks for.
//!
//! A Poly searches subject, location and body for addresses and telephone numbers and offers them as Join. So whatever people wrote is
//! made undialable, visibly, and the one address the rules found is written by us. The text of an invitation never gets here.
//!
//! | written by people            | handed out                    |
//! |------------------------------|-------------------------------|
//! | `sip:x@evil.example`         | `sip[:]x[at]evil.example`     |
//! | `+1 900 555 0100`            | `+1 900_555_0100`             |
//! | `12345678`                   | `1234_5678`                   |
//! | `a|b`                        | `ab`: some print records with bars |

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::ews::writer::is_xml;
use crate::model::device::PolyEmit;
use crate::model::{Call, Confidential, Protocol};

/// Exchange cuts strings of a calendar view here (FindItem operation).
const LINE_MAX: usize = 255;
/// Schemes that a device may dial.
const SCHEMES: [&str; 5] = ["sip", "sips", "h323", "tel", "callto"];
/// A run of this many digits may be taken for a telephone number.
const DIGITS_MIN: usize = 7;
/// Characters between two digits of one number, at most.
const GAP_MAX: usize = 3;

/// One line that people wrote, with nothing in it that a device could dial.
#[must_use]
pub fn undialable(text: &str) -> String {
    let line: String = text
        .chars()
        .filter(|c| is_xml(*c) && *c != '|')
        .map(|c| if c.is_control() || c.is_whitespace() { ' ' } else { c })
        .collect();
    let line = break_numbers(&break_addresses(&line));
    let line = line.trim();
    match line.char_indices().nth(LINE_MAX) {
        Some((end, _)) => line[..end].trim_end().to_owned(),
        None => line.to_owned(),
    }
}

/// The forms of `:` and `@` that a device or a person may read as such.
fn is_colon(c: char) -> bool {
    matches!(c, ':' | '：' | '﹕' | '∶' | 'ː')
}

fn is_at(c: char) -> bool {
    matches!(c, '@' | '＠' | '﹫')
}

fn break_addresses(line: &str) -> String {
    let chars: Vec<char> = line.chars().collect();
    let mut text = String::with_capacity(line.len());
    let mut word = String::new();
    for (at, c) in chars.iter().copied().enumerate() {
        if is_colon(c) && SCHEMES.contains(&word.as_str()) {
            text.push_str("[:]");
        } else if is_at(c) {
            let inside = at > 0 && chars.get(at + 1).is_some_and(|next| !next.is_whitespace());
            let lonely = !inside || chars[at - 1].is_whitespace();
            text.push_str(if lonely { "@" } else { "[at]" });
        } else {
            text.push(c);
        }
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        } else {
            word.clear();
        }
    }
    text
}

/// Puts `_` into runs of digits, at their own gaps where that is enough: no telephone pattern spans it.
fn break_numbers(line: &str) -> String {
    let chars: Vec<char> = line.chars().collect();
    let mut text = String::with_capacity(line.len());
    let mut at = 0;
    while at < chars.len() {
        if !chars[at].is_numeric() {
            text.push(chars[at]);
            at += 1;
            continue;
        }
        let end = end_of_run(&chars, at);
        let run = &chars[at..end];
        if run.iter().filter(|c| c.is_numeric()).count() >= DIGITS_MIN {
            break_run(run, &mut text);
        } else {
            text.extend(run);
        }
        at = end;
    }
    text
}

/// Where the run of digits that begins at `start` ends: digits with at most [`GAP_MAX`] characters between them, none of them a letter or `_`.
fn end_of_run(chars: &[char], start: usize) -> usize {
    let (mut end, mut gap) = (start + 1, 0);
    for (at, c) in chars.iter().enumerate().skip(start + 1) {
        if c.is_numeric() {
            end = at + 1;
            gap = 0;
        } else if c.is_alphabetic() || *c == '_' || gap == GAP_MAX {
            break;
        } else {
            gap += 1;
        }
    }
    end
}

fn break_run(run: &[char], text: &mut String) {
    let mut since_break = 0;
    let mut at = 0;
    while at < run.len() {
        let group = run[at..].iter().take_while(|c| c.is_numeric()).count();
        if group == 0 {
            let gap = run[at..].iter().take_while(|c| !c.is_numeric()).count();
            let next = run[at + gap..].iter().take_while(|c| c.is_numeric()).count();
            if since_break + next >= DIGITS_MIN {
                text.push('_');
                since_break = 0;
            } else {
                text.extend(&run[at..at + gap]);
            }
            at += gap;
        } else {
            for (index, digit) in run[at..at + group].iter().enumerate() {
                if group >= DIGITS_MIN && index > 0 && index % 4 == 0 {
                    text.push('_');
                    since_break = 0;
                }
                text.push(*digit);
                since_break += 1;
            }
            at += group;
        }
    }
}

/// What stands in Location: the URI, or nothing. The places people wrote are not handed out.
#[must_use]
pub fn location(call: Option<&Call>, emit: PolyEmit) -> Confidential {
    Confidential::new(call.filter(|_| emit.location_uri).map(uri).unwrap_or_default())
}

/// The body: a line with the URI, then the encoded token. Without an address to dial it is empty.
#[must_use]
pub fn body(call: Option<&Call>, emit: PolyEmit) -> Confidential {
    let Some(call) = call else { return Confidential::default() };
    let mut parts = Vec::new();
    if emit.body_uri {
        parts.push(format!("Join: {}", uri(call)));
    }
    if emit.vmr_token {
        parts.push(format!(
            "--=BEGIN POLYCOM VMR ENCODED TOKEN=--\n{}\n--=END POLYCOM VMR ENCODED TOKEN=--",
            token(call)
        ));
    }
    Confidential::new(parts.join("\n\n"))
}

fn scheme(call: &Call) -> &'static str {
    match call.protocol {
        Protocol::Auto | Protocol::Sip => "sip",
        Protocol::H323 => "h323",
    }
}

fn uri(call: &Call) -> String {
    format!("{}:{}", scheme(call), call.alias.as_str())
}

/// The machine-readable form of an invitation made with Polycom Conferencing for Outlook, which Group Series and HDX look for: base64 of
/// `KEY=value` lines.
fn token(call: &Call) -> String {
    let lines = [
        ("POLYCOM-VERSION", "1"),
        ("POLYCOM-VMRNUMBER", call.alias.as_str()),
        ("POLYCOM-DIALINPREFIX", ""),
        ("POLYCOM-SIGNALINGPREFIX", scheme(call)),
        ("POLYCOM-SIGNALINGPOSTFIX", ""),
        ("POLYCOM-MEETINGPASSWORD", ""),
        ("POLYCOM-CHAIRPASSWORD", ""),
        ("POLYCOM-CHAIRPASSWORDREQUIRED", "false"),
    ];
    let lines: Vec<String> = lines.iter().map(|(key, value)| format!("{key}={value}")).collect();
    STANDARD.encode(lines.join("\r\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Alias;

    #[test]
    fn nothing_that_people_wrote_stays_dialable_and_it_is_seen() {
        for (written, handed_out) in [
            ("Weekly status", "Weekly status"),
            ("Call sip:x@evil.example +1 900 555 0100", "Call sip[:]x[at]evil.example +1 900_555_0100"),
            ("SIPS:a@b H323:1 tel:1 Tel：1", "SIPS[:]a[at]b H323[:]1 tel[:]1 Tel[:]1"),
            ("gossip: hotel: a:b 10:30", "gossip: hotel: a:b 10:30"),
            ("lunch @ noon, @home", "lunch @ noon, @home"),
            ("a＠b.example", "a[at]b.example"),
            ("12345678", "1234_5678"),
            ("123456789012", "1234_5678_9012"),
            ("room 123456", "room 123456"),
            ("(900) 555-0100", "(900) 555_0100"),
            ("900/555.01-00", "900/555_01-00"),
            ("2026-11-23 10:00", "2026-11_23 10:00"),
            ("１２３４５６７", "１２３４_５６７"),
            ("12\u{200b}34\u{200b}56\u{200b}78", "12\u{200b}34\u{200b}56_78"),
            ("1234 and 5678", "1234 and 5678"),
            ("a|b\u{0}\u{b}c\td", "abc d"),
            ("  \n ", ""),
        ] {
            let made = undialable(written);
            assert_eq!(made, handed_out, "{written:?}");
            assert_eq!(undialable(&made), made, "doing it twice changes nothing: {written:?}");
        }
        assert_eq!(undialable(&"é".repeat(300)).chars().count(), 255);
    }

    #[test]
    fn the_address_comes_in_the_forms_that_are_wanted_and_in_no_other() {
        let call = |protocol| Call { alias: Alias::parse("meet.1234@vc.example.com").unwrap(), protocol };
        let all = PolyEmit::default();
        let sip = call(Protocol::Auto);
        assert_eq!(location(Some(&sip), all).expose(), "sip:meet.1234@vc.example.com");
        assert_eq!(location(Some(&call(Protocol::H323)), all).expose(), "h323:meet.1234@vc.example.com");
        let text = body(Some(&sip), all);
        let lines: Vec<&str> = text.expose().lines().collect();
        assert_eq!(lines[0], "Join: sip:meet.1234@vc.example.com");
        assert_eq!(
            (lines[2], lines[4]),
            ("--=BEGIN POLYCOM VMR ENCODED TOKEN=--", "--=END POLYCOM VMR ENCODED TOKEN=--")
        );
        let token = String::from_utf8(STANDARD.decode(lines[3]).unwrap()).unwrap();
        assert!(token.starts_with("POLYCOM-VERSION=1\r\nPOLYCOM-VMRNUMBER=meet.1234@vc.example.com\r\n"), "{token}");
        assert!(token.contains("POLYCOM-SIGNALINGPREFIX=sip\r\n"));
        let none = PolyEmit { location_uri: false, body_uri: false, vmr_token: false };
        for (text, why) in [
            (location(Some(&sip), none), "off"),
            (location(None, all), "no alias"),
            (body(Some(&sip), none), "off"),
            (body(None, all), "no alias"),
        ] {
            assert_eq!(text.expose(), "", "{why}");
        }
    }
}
