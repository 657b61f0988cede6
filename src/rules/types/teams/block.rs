//! The block below a Teams join link that says how video devices join: a tenant key, an id, and a link of the interop provider.
//!
//! | years | key and id |
//! |---|---|
//! | 2018–20 | `KEY@DOMAIN<mailto:KEY@DOMAIN> VTC Conference ID: 0148964757` |
//! | 2021–23 | `KEY@DOMAIN`, then `Video Conference ID: 114 213 415 0` |
//! | 2024– | `Tenant key: KEY@DOMAIN`, then `Video ID: 122 326 964 4` |
//! | 2025– | the same with each label and each value on a line of its own |
//!
//! Labels are in the organizer's language and nothing here reads them: the key is known by its domain, and the id is the first
//! number of 9 or 10 digits after the key. The ids for telephones and apps stand before the key, or end in `#`. A block ends at
//! the next address and at the next link, so that a key never takes the id of another block.
//!
//! Sources: invitations of 2018 to 2025 in several languages.

use std::ops::Range;

use crate::invitation::wrapped::Link;
use crate::rules::scan::{self, Address};
use crate::rules::trace::Why;
use crate::rules::types::Variables;

/// How far after its key an id is looked for, in bytes: a label in any language is shorter.
const REACH: usize = 512;

/// Most keys of a text that are looked at; an invitation with more of them was written to cost time.
const KEYS_MAX: usize = 10_000;

/// A tenant key and the id printed after it.
pub(super) struct Printed<'t> {
    /// The key, an address.
    pub(super) key: Address<'t>,
    /// The id, digits alone.
    pub(super) id: String,
    /// The id is printed in groups of three.
    pub(super) grouped: bool,
    /// Where the id ends.
    pub(super) end: usize,
}

/// What the invitation says in the first block: by the provider's link, else by key and id. Of a block that has both, the link
/// counts; of several blocks the first that is complete.
///
/// # Errors
/// [`Why::Incomplete`] where there is half a link, or a key without id; [`Why::NothingFound`] else.
pub(super) fn first_block<'t>(
    text: &'t str,
    is_key: impl Fn(&Address<'_>) -> bool,
    by_link: impl Fn(&Link<'_>) -> Result<Variables, Why>,
    by_print: impl Fn(&Printed<'t>) -> Option<Variables>,
) -> Result<Variables, Why> {
    let mut telling = Why::NothingFound;
    let mut keep = |why| {
        if telling == Why::NothingFound {
            telling = why;
        }
    };
    let link = scan::links(text).find_map(|(at, link)| match by_link(&link) {
        Ok(found) => Some((at, found)),
        Err(why) => {
            keep(why);
            None
        }
    });
    let print = printed(text, &is_key).find_map(|each| match each {
        Ok(print) => by_print(&print).map(|found| (print.end, found)),
        Err(why) => {
            keep(why);
            None
        }
    });
    match (link, print) {
        (Some((at, by_link)), Some((end, by_print))) => {
            let other = end < at && begins_another(&text[end..at], is_key);
            Ok(if other { by_print } else { by_link })
        }
        (Some((_, found)), None) | (None, Some((_, found))) => Ok(found),
        (None, None) => Err(telling),
    }
}

/// Whether what stands between an id and a link begins another block: a join link or a key.
fn begins_another(between: &str, is_key: impl Fn(&Address<'_>) -> bool) -> bool {
    scan::links(between).any(|(_, link)| super::join::is_join(&link))
        || scan::addresses(between).any(|each| is_key(&each))
}

/// Every key in `text` with its id, in document order; a key without one is [`Why::Incomplete`].
pub(super) fn printed<'t>(
    text: &'t str,
    is_key: impl Fn(&Address<'_>) -> bool,
) -> impl Iterator<Item = Result<Printed<'t>, Why>> {
    let mut addresses = scan::addresses(text).peekable();
    let mut keys = 0;
    std::iter::from_fn(move || {
        loop {
            let key = addresses.next()?;
            if !is_key(&key) {
                continue;
            }
            keys += 1;
            if keys > KEYS_MAX {
                return None;
            }
            let next = addresses.peek();
            let end = next.map_or(text.len(), |next| next.at).min(text.floor_char_boundary(key.end + REACH));
            let region = region(text, key.end, end);
            let begin = region.start;
            if let Some(Id { id, grouped, end }) = id_in(&text[region]) {
                return Some(Ok(Printed { key, id, grouped, end: begin + end }));
            }
            // The same address once more, as mail programs write a link to it: the id follows that one.
            if !next.is_some_and(|next| next.user == key.user && next.host == key.host) {
                return Some(Err(Why::Incomplete { found: "a tenant key", missing: "the video id after it" }));
            }
        }
    })
}

/// Where between two bytes the id may stand: before the first http link, but for one that belongs to the key itself, as in
/// `KEY@DOMAIN <https://…>`.
fn region(text: &str, key_end: usize, end: usize) -> Range<usize> {
    let after = &text[key_end..end];
    let own =
        after.trim_start_matches(' ').starts_with("<http").then(|| after.find('>')).flatten().map_or(0, |at| at + 1);
    let length = scan::links(&after[own..]).next().map_or(after.len() - own, |(at, _)| at);
    key_end + own..key_end + own + length
}

/// The id of a block.
#[derive(Debug, PartialEq, Eq)]
struct Id {
    id: String,
    grouped: bool,
    end: usize,
}

/// The first number of 9 or 10 digits in `text`: whole, or in groups of at least three of which the last may be shorter.
fn id_in(text: &str) -> Option<Id> {
    runs(text).filter(|run| !run.other).find_map(|run| {
        let (mut id, mut sizes, mut end) = (String::new(), vec![], 0);
        for (at, group) in run.groups {
            // Ten digits are all: what follows is the next cell of a table.
            if id.len() >= 10 {
                break;
            }
            id.push_str(group);
            sizes.push(group.len());
            end = at + group.len();
        }
        if let ([3, 3, 3], Some((digit, at))) = (&sizes[..], wrapped_digit(&text[end..])) {
            id.push(digit);
            sizes.push(1);
            end += at;
        }
        let even = sizes.iter().rev().skip(1).all(|size| *size >= 3);
        let grouped = matches!(sizes[..], [3, 3, 3] | [3, 3, 3, 1]);
        ((9..=10).contains(&id.len()) && even).then_some(Id { id, grouped, end })
    })
}

/// The tenth digit where a mail program broke the line before it: alone on the next line.
fn wrapped_digit(after: &str) -> Option<(char, usize)> {
    let (rest, next) = after.split_once('\n')?;
    if !rest.trim().is_empty() {
        return None;
    }
    let line = next.lines().next().unwrap_or_default();
    let digit = line.trim_start_matches(['>', ' ']);
    let at = rest.len() + 1 + line.len() - digit.len();
    match digit.trim_end_matches(['>', ' ']).as_bytes() {
        [byte @ b'0'..=b'9'] => Some((char::from(*byte), at + 1)),
        _ => None,
    }
}

/// ASCII digits in groups that one or two spaces separate.
pub(super) struct Run<'t> {
    /// The groups, with the byte each begins at.
    pub(super) groups: Vec<(usize, &'t str)>,
    /// It is a telephone number, a number to dial during a call, or part of a word.
    pub(super) other: bool,
}

/// The runs of `text`.
pub(super) fn runs(text: &str) -> impl Iterator<Item = Run<'_>> {
    let mut from = 0;
    std::iter::from_fn(move || {
        let (run, end) = run_at(text, from)?;
        from = end;
        Some(run)
    })
}

/// The first run at or after byte `from`, and where to go on.
fn run_at(text: &str, from: usize) -> Option<(Run<'_>, usize)> {
    let bytes = text.as_bytes();
    let mut at = from + bytes.get(from..)?.iter().position(u8::is_ascii_digit)?;
    let before = text[..at].chars().next_back();
    let mut groups = vec![];
    let end = loop {
        let end = bytes[at..].iter().position(|byte| !byte.is_ascii_digit()).map_or(bytes.len(), |length| at + length);
        // A group that goes on as a word is the passcode in the next cell of a table.
        if !groups.is_empty() && text[end..].chars().next().is_some_and(is_part) {
            break at - 1;
        }
        groups.push((at, &text[at..end]));
        let next = end + bytes[end..].iter().take(2).take_while(|byte| **byte == b' ').count();
        if next == end || !bytes.get(next).is_some_and(u8::is_ascii_digit) {
            break end;
        }
        at = next;
    };
    if before == Some('+') {
        let line = text[end..].find('\n').map_or(text.len(), |length| end + length);
        return Some((Run { groups, other: true }, line));
    }
    let mut after = text[end..].chars();
    let goes_on = match after.next() {
        Some('#' | '@' | '/' | '-' | '_' | '%' | '=') => true,
        Some(',' | '.') => after.next().is_some_and(|next| next == ',' || next.is_numeric()),
        Some(other) => is_part(other),
        None => false,
    };
    let begins_before = before.is_some_and(|c| is_part(c) || "-./@=_#&%,".contains(c));
    Some((Run { groups, other: goes_on || begins_before }, end))
}

/// Letters of scripts that write without spaces may stand next to a number; Latin ones and digits of any script make it part of
/// something else.
fn is_part(character: char) -> bool {
    character.is_ascii_alphanumeric() || character.is_numeric()
}

/// Whether `text` can stand in an address as it is: letters, digits, `.`, `_`, `-`, beginning with one of the first two.
pub(super) fn is_plain(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphanumeric())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

/// Longest id taken from a link, in digits. Providers give 9 to 10.
pub(super) const LINKED_MAX: usize = 20;

/// Whether the path is this one, ignoring case and a slash at the end.
pub(super) fn path_is(link: &Link<'_>, path: &str) -> bool {
    link.path.strip_suffix('/').unwrap_or(link.path).eq_ignore_ascii_case(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(text: &str) -> Vec<Result<String, Why>> {
        let is_key = |each: &Address<'_>| each.host == "k.example";
        printed(text, is_key).map(|each| each.map(|print| format!("{}.{}", print.key.user, print.id))).collect()
    }

    #[test]
    fn the_id_is_the_first_number_of_its_length_after_the_key() {
        for (text, expected) in [
            ("a@k.example<mailto:a@k.example> VTC Conference ID: 0148964757", "a.0148964757"),
            ("Conference ID: 710 031 433#\na@k.example\nVideo Conference ID: 114 213 415 0\n", "a.1142134150"),
            ("Tenant key:\na@k.example\nVideo ID:\n119 856 328 6\nMore info", "a.1198563286"),
            ("租户密钥：a@k.example\n视频 ID：119 856 328 6更多信息", "a.1198563286"),
            ("מפתח דייר: a@k.example\nמזהה וידאו 119 856 328", "a.119856328"),
            ("a@k.example <https://x.example/123456789> ID 119 856 328 6", "a.1198563286"),
            ("a@k.example | 119 856 328 6 400", "a.1198563286"),
            ("a@k.example\n> Video ID: 119 856 328\n> 6\n", "a.1198563286"),
            ("a@k.example Video ID: *119 856 328 6*.", "a.1198563286"),
            ("a@k.example\n+1 555 010 0199\nID 119 856 328 6", "a.1198563286"),
        ] {
            assert_eq!(ids(text), [Ok(expected.to_owned())], "{text}");
        }
    }

    #[test]
    fn other_numbers_are_no_ids() {
        for text in [
            "a@k.example",
            "a@k.example 710 031 433#",
            "a@k.example,,119856328#",
            "a@k.example 324 607 960 593",
            "a@k.example +47 55 50 10 00 11",
            "a@k.example 06 12 34 56 78",
            "a@k.example 555-010-0199",
            "a@k.example 12345678",
            "a@k.example 11985632861",
            "a@k.example 119856328٣",
            "a@k.example x119856328",
            "a@k.example https://x.example/1198563286 119 856 328 6",
            "a@k.example bob@other.example 119 856 328 6",
        ] {
            let half = Why::Incomplete { found: "a tenant key", missing: "the video id after it" };
            assert_eq!(ids(text), [Err(half)], "{text}");
        }
        let far = format!("a@k.example {}119 856 328 6", "é ".repeat(200));
        assert!(ids(&far)[0].is_err());
    }

    #[test]
    fn a_key_never_takes_the_id_of_another_block() {
        let text = "a@k.example none\nb@k.example ID 119 856 328 6\nc@k.example ID 129 856 328 6";
        let found: Vec<_> = ids(text).into_iter().flatten().collect();
        assert_eq!(found, ["b.1198563286", "c.1298563286"]);
    }
}
