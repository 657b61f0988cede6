//! Links and addresses in a text, in the order they stand there. Linear: each character is looked at a bounded number of times.

use crate::invitation::wrapped::{self, Link};

/// The http and https links of `text` with the byte each begins at.
pub(super) fn links(text: &str) -> impl Iterator<Item = (usize, Link<'_>)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let range = wrapped::next_link(text, at)?;
            at = range.end;
            if let Some(link) = Link::parse(&text[range.clone()]) {
                return Some((range.start, link));
            }
        }
    })
}

/// `user@host`, as it stands in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Address<'t> {
    /// Where its user begins.
    pub(super) at: usize,
    /// Where its host ends.
    pub(super) end: usize,
    /// Before the `@`.
    pub(super) user: &'t str,
    /// After the `@`.
    pub(super) host: &'t str,
}

/// The addresses of `text`. Whole ones: what stands beside them is no letter, digit, `@` or control character of any script,
/// so that neither a homoglyph nor a second `@` can hide part of an address.
pub(super) fn addresses(text: &str) -> impl Iterator<Item = Address<'_>> {
    let mut from = 0;
    std::iter::from_fn(move || {
        loop {
            let sign = from + text.get(from..)?.find('@')?;
            let floor = from;
            from = sign + 1;
            if let Some(found) = address_at(text, floor, sign) {
                return Some(found);
            }
        }
    })
}

fn address_at(text: &str, floor: usize, sign: usize) -> Option<Address<'_>> {
    let bytes = text.as_bytes();
    let in_user = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-+~!$*#".contains(byte);
    let in_host = |byte: &u8| byte.is_ascii_alphanumeric() || b".-".contains(byte);
    let mut at = floor + bytes[floor..sign].iter().rposition(|byte| !in_user(byte)).map_or(0, |last| last + 1);
    let end = sign + 1 + bytes[sign + 1..].iter().position(|byte| !in_host(byte)).unwrap_or(bytes.len() - sign - 1);
    let before = text.get(..at)?.chars().next_back();
    let after = text.get(end..)?.chars().next();
    if before.is_some_and(is_part_of_word) || after.is_some_and(is_part_of_word) {
        return None;
    }
    // A sentence's dots and a list's marks are not the user's.
    at += bytes[at..sign].iter().position(|byte| !b".-*#~!".contains(byte))?;
    let end = sign + 1 + bytes[sign + 1..end].iter().rposition(u8::is_ascii_alphanumeric)? + 1;
    let host = &text[sign + 1..end];
    bytes[sign + 1].is_ascii_alphanumeric().then(|| Address { at, end, user: &text[at..sign], host })
}

fn is_part_of_word(character: char) -> bool {
    character.is_alphanumeric() || character == '@' || (character.is_control() && !character.is_whitespace())
}

/// Whether `host` is `domain` or below it, ignoring case.
pub(super) fn is_within(host: &str, domain: &str) -> bool {
    let (host, domain) = (host.trim_end_matches('.'), domain.trim_matches('.'));
    let Some(at) = host.len().checked_sub(domain.len()) else { return false };
    !domain.is_empty()
        && host.is_char_boundary(at)
        && host[at..].eq_ignore_ascii_case(domain)
        && (at == 0 || host.as_bytes()[at - 1] == b'.')
}

/// Whether `text` is a host name of at least two labels.
pub(super) fn is_domain(text: &str) -> bool {
    text.contains('.')
        && text.len() <= 253
        && text.split('.').all(|label| {
            !label.is_empty()
                && label.len() <= 63
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        })
}

/// `text` when it is made of `least` to `most` ASCII digits.
pub(super) fn digits(text: &str, least: usize, most: usize) -> Option<&str> {
    ((least..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())).then_some(text)
}

/// The digits at the end of a line, grouped by single spaces, hyphens or not at all: `Meeting ID: 882 3981 4437`. What stands
/// before them is a space, a colon of either width, or nothing, so that neither a telephone number nor part of a word is taken.
pub(super) fn number_at_end(line: &str) -> Option<String> {
    let line = line.trim_end();
    let mut begin = line.len();
    let mut previous_was_digit = false;
    for (at, byte) in line.bytes().enumerate().rev() {
        match byte {
            b'0'..=b'9' => {
                begin = at;
                previous_was_digit = true;
            }
            b' ' | b'-' if previous_was_digit => previous_was_digit = false,
            _ => break,
        }
    }
    let before = line.get(..begin)?.chars().next_back();
    (begin < line.len() && before.is_none_or(|c| c == ':' || c == '：' || c == '\t' || c == ' '))
        .then(|| line[begin..].bytes().filter(u8::is_ascii_digit).map(char::from).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_whole_or_not_at_all() {
        for (text, expected) in [
            ("Dial alice@sales.example.com.", vec!["alice@sales.example.com"]),
            ("(ops.daily@vc.example.com).", vec!["ops.daily@vc.example.com"]),
            ("sip:+4755@v.example;x=y", vec!["+4755@v.example"]),
            ("...bob@x.example-", vec!["bob@x.example"]),
            ("a@b@c.example", vec![]),
            ("alice@vc.exаmple.com", vec![]),
            ("éalice@vc.example", vec![]),
            ("ali\0ce@vc.example bob\u{7}@vc.example", vec![]),
            ("alice\n@vc.example and bob@\nvc.example", vec![]),
            ("?conference=alice@vc.example&x", vec!["alice@vc.example"]),
            ("<1@a.example><2@b.example>", vec!["1@a.example", "2@b.example"]),
            ("@@@ @", vec![]),
        ] {
            let found: Vec<_> = addresses(text).map(|each| format!("{}@{}", each.user, each.host)).collect();
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn domains_are_compared_by_label() {
        for (host, domain, within) in [
            ("us.Sales.example.com", "sales.example.com", true),
            ("sales.example.com", "sales.example.com", true),
            ("presales.example.com", "sales.example.com", false),
            ("sales.example.com.evil.example", "sales.example.com", false),
            ("x", "", false),
        ] {
            assert_eq!(is_within(host, domain), within, "{host}");
        }
    }

    #[test]
    fn numbers_at_the_end_of_a_line_lose_their_groups() {
        for (line, expected) in [
            ("Meeting ID: 882 3981 4437 ", Some("88239814437")),
            ("会議：882 3981", Some("8823981")),
            ("123-456-789", Some("123456789")),
            ("x123", None),
            ("+1-555-010", None),
            ("a: 1.2.3.4", None),
            ("Passcode: BioMart", None),
            ("", None),
        ] {
            assert_eq!(number_at_end(line).as_deref(), expected, "{line}");
        }
    }
}
