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
            let sign = from + memchr::memchr(b'@', text.as_bytes().get(from..)?)?;
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

/// Most digits of a number; what is longer is no id of anything.
const NUMBER_MAX: usize = 24;

/// Most groups of a number that are told apart.
const GROUPS_MAX: usize = 4;

/// A number as it stands in a text, its groups set apart by single spaces or hyphens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Number<'t> {
    /// Where its first digit stands.
    pub(super) at: usize,
    /// After its last digit.
    pub(super) end: usize,
    /// As it stands there, groups and all.
    written: &'t str,
    groups: Groups,
}

/// How many digits the groups of a number have. Those beyond [`GROUPS_MAX`] are in `total` and `count` alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Groups {
    total: usize,
    count: usize,
    first: [usize; GROUPS_MAX],
}

impl<'t> Number<'t> {
    /// Its digits without what groups them.
    pub(super) fn digits(&self) -> impl Iterator<Item = char> + 't {
        self.written.chars().filter(char::is_ascii_digit)
    }

    /// How many digits it has.
    pub(super) fn length(&self) -> usize {
        self.groups.total
    }

    /// How many digits each of its groups has; empty when they are more than [`GROUPS_MAX`].
    pub(super) fn groups(&self) -> &[usize] {
        self.groups.first.get(..self.groups.count).unwrap_or_default()
    }

    /// Whether hyphens group it.
    pub(super) fn has_hyphen(&self) -> bool {
        self.written.contains('-')
    }
}

/// The numbers of `text`. Whole ones: no letter, no other digit, and nothing that makes a telephone number, an address or part of a
/// link of them stands beside them.
pub(super) fn numbers(text: &str) -> impl Iterator<Item = Number<'_>> {
    let mut from = 0;
    std::iter::from_fn(move || {
        loop {
            let at = from + text.get(from..)?.bytes().position(|byte| byte.is_ascii_digit())?;
            let (end, groups) = groups_at(text, at);
            from = end;
            if groups.total <= NUMBER_MAX && stands_alone(text, at, end) {
                return Some(Number { at, end, written: &text[at..end], groups });
            }
        }
    })
}

/// Where the digits that begin at `at` end, and their groups.
fn groups_at(text: &str, at: usize) -> (usize, Groups) {
    let bytes = text.as_bytes();
    let (mut end, mut groups) = (at, Groups::default());
    loop {
        let length = bytes[end..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        if let Some(group) = groups.first.get_mut(groups.count) {
            *group = length;
        }
        groups.count += 1;
        groups.total += length;
        end += length;
        let separated = matches!(bytes.get(end), Some(b' ' | b'-'));
        if !(separated && bytes.get(end + 1).is_some_and(u8::is_ascii_digit)) {
            return (end, groups);
        }
        end += 1;
    }
}

fn stands_alone(text: &str, at: usize, end: usize) -> bool {
    let before = text[..at].chars().next_back();
    let mut after = text[end..].chars();
    let (next, one_further) = (after.next(), after.next());
    let joined = |c: char| c.is_alphanumeric() || "@_=%&/\\+~".contains(c);
    let goes_on = next.is_some_and(|c| ".,:'".contains(c)) && one_further.is_some_and(char::is_alphanumeric);
    before.is_none_or(|c| !joined(c) && !".-,'#*$".contains(c))
        && next.is_none_or(|c| !joined(c) && c != '-')
        && !goes_on
}

/// The number beside an `ADDRESS##NUMBER` for H.323, where `is_host` holds for the address: address and number.
pub(super) fn behind_hashes(text: &str, is_host: impl Fn(&str) -> bool) -> Option<(&str, &str)> {
    text.match_indices("##").find_map(|(at, _)| {
        let in_host = |byte: &u8| byte.is_ascii_alphanumeric() || b".-".contains(byte);
        let floor = text.floor_char_boundary(at.saturating_sub(HOST_MAX));
        let begin =
            text.as_bytes()[floor..at].iter().rposition(|byte| !in_host(byte)).map_or(floor, |last| floor + last + 1);
        let host = text.get(begin..at).filter(|host| is_host(host))?;
        let rest = &text[at + 2..];
        let length = rest.bytes().take(NUMBER_MAX + 1).take_while(u8::is_ascii_digit).count();
        let whole = !rest[length..].starts_with(|c: char| c.is_alphanumeric() || c == '@');
        let bounded = !text[..begin].ends_with(is_part_of_word);
        (whole && bounded && (1..=NUMBER_MAX).contains(&length)).then(|| (host, &rest[..length]))
    })
}

/// Longest host name, in bytes.
const HOST_MAX: usize = 253;

/// The places where `word`, in lower case, stands in `text` by itself, whatever its case: beside it is no letter or digit, nor what
/// would make it part of a longer host name.
pub(super) fn words<'t>(text: &'t str, word: &'static str) -> impl Iterator<Item = usize> + 't {
    let first = word.as_bytes().first().copied().unwrap_or_default();
    let starts = text.bytes().enumerate().filter(move |(_, byte)| byte.to_ascii_lowercase() == first).map(|(at, _)| at);
    starts.filter(move |at| {
        let Some(found) = text.get(*at..at + word.len()) else { return false };
        let (before, rest) = (text[..*at].chars().next_back(), &text[at + word.len()..]);
        let mut after = rest.chars();
        let next = after.next();
        let goes_on = next == Some('.') && after.next().is_some_and(char::is_alphanumeric);
        found.eq_ignore_ascii_case(word)
            && before.is_none_or(|c| !c.is_alphanumeric() && !".-_@".contains(c))
            && next.is_none_or(|c| !c.is_alphanumeric() && !"-_@".contains(c))
            && !goes_on
    })
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
    fn numbers_are_whole_and_neither_telephone_numbers_nor_parts_of_links() {
        for (text, expected) in [
            ("Meeting ID: 882 3981 4437", vec!["88239814437"]),
            ("a 119-227-189, b 193 053 677.", vec!["119227189", "193053677"]),
            ("ID：2541 422 4390（x） (114 213 415 0)", vec!["25414224390", "1142134150"]),
            ("PIN: 396 011 834#", vec!["396011834"]),
            ("+1 555 010 0199 and +1-555-010-0199", vec![]),
            ("+1.555.010.0126 67.217.95.2 1,000", vec![]),
            ("412000999@v.plcm.vc https://x.example/412000999?key=412000999&a=1", vec![]),
            ("x123 123y ８８２ 12345678901234567890123456789", vec![]),
            ("1  2", vec!["1", "2"]),
            ("", vec![]),
        ] {
            let found: Vec<_> = numbers(text).map(|number| number.digits().collect::<String>()).collect();
            assert_eq!(found, expected, "{text}");
        }
        assert_eq!(numbers("2541 422 4390").next().unwrap().groups(), [4, 3, 4]);
        assert_eq!(numbers("1 2 3 4 5").next().unwrap().groups(), [0; 0]);
        assert_eq!(numbers(&"1 ".repeat(100_000)).count(), 0);
    }

    #[test]
    fn an_address_with_a_number_behind_hashes_is_read_whole() {
        for (text, expected) in [
            ("Dial: 67.217.95.2##193053677", Some(("67.217.95.2", "193053677"))),
            ("(host.example##1#22)", Some(("host.example", "1"))),
            ("####12 x##a host.example##12b y@host.example##1", None),
            ("éhost.example##1", None),
        ] {
            assert_eq!(behind_hashes(text, |host| host.contains('.')), expected, "{text}");
        }
    }

    #[test]
    fn words_stand_by_themselves() {
        let text = "bjn.vc, BJN.VC. teams.bjn.vc a@bjn.vc bjn.vc.evil.example xbjn.vc";
        assert_eq!(words(text, "bjn.vc").collect::<Vec<_>>(), [0, 8]);
    }
}
