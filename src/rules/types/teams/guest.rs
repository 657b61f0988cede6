//! `TeamsSipGuestJoin`: a Teams meeting dialled through the Pexip Service by what is printed below its join link.
//!
//! | in the invitation | |
//! |---|---|
//! | a join link, see `join` | it says that what follows is Teams', and no other provider's id |
//! | the meeting id after it | 9 to 17 digits in groups of three, or whole; that of `/meet/ID` where the link has it |
//! | the passcode after that | 6 to 8 letters and digits, behind a colon, or on the same line, or on one of the next two |
//!
//! | variable | |
//! |---|---|
//! | `meeting_id`, `passcode` | as printed, without spaces |
//! | `base32_encoded_blob` | base32 of `e|` and the passcode: RFC 4648, upper case, no padding |
//! | `tenant_id` | of the link's long form; may be empty |
//! | `company_id` | of the rule; may be empty |
//! | `domain` | `pex.ms` |
//!
//! The address is `ID.BLOB..COMPANY@pex.ms`; the empty label is the tenant's place. Endpoints registered with the Pexip Service need
//! no company: then the address ends with the blob, `ID.BLOB@pex.ms`. The `p=` of a link is a token for browsers, never the passcode.
//!
//! Not given: addresses for the clouds of governments and nations, whose ids the Pexip Service cannot be known to reach, and for
//! invitations of the years before ids were printed. The guide shows those as `BLOB.TENANT@pex.ms`, but not what is in the blob;
//! whoever knows adds it to [`by_long_link`].
//!
//! Sources: deployment guide, "Microsoft Teams SIP Guest Join"; the address as Pexip's own video client composes it; the field
//! "company id" of the management API; invitations of 2022 to 2025 in several languages.

use std::collections::BTreeSet;

use super::block::{self, Run};
use super::join::{self, Cloud};
use crate::invitation::Outcome;
use crate::invitation::wrapped::Link;
use crate::model::RuleSpec;
use crate::rules::scan;
use crate::rules::texts::Texts;
use crate::rules::trace::Why;
use crate::rules::types::{Finding, Provider, TEXT_PLACES, Variables, first, variables};

/// `TeamsSipGuestJoin`.
pub(in crate::rules) const SIP_GUEST: Provider = Provider {
    find,
    transform: |_| "{{meeting_id}}.{{base32_encoded_blob}}{% if company_id %}..{{company_id}}{% endif %}@{{domain}}",
    variables: &["base32_encoded_blob", "tenant_id", "meeting_id", "passcode", "company_id", "domain"],
    anchors: join::ANCHORS,
    places: TEXT_PLACES,
};

/// Where the Pexip Service takes guests' calls.
const DOMAIN: &str = "pex.ms";

/// How far after the link id and passcode are looked for, in bytes.
const REACH: usize = 600;

/// Most links to Teams that are looked at; an invitation with more of them was written to cost time.
const LINKS_MAX: usize = 10_000;

/// Digits of a meeting id.
const ID: std::ops::RangeInclusive<usize> = 9..=17;

/// A link that says that what follows is a Teams meeting's.
struct Anchor<'t> {
    end: usize,
    link: Link<'t>,
    cloud: Cloud,
}

fn find(rule: &RuleSpec, texts: &Texts<'_>) -> Result<Finding, Why> {
    let opaque = opaque_links(texts);
    first(texts, |text| {
        let mut telling = Why::NothingFound;
        // The tenant stands in the long link, which may be another than the one right above the id.
        let mut tenant = None;
        let mut looked_at = 0;
        let mut links = scan::links(text).peekable();
        while let Some((at, link)) = links.next() {
            let end = at + link.whole.len();
            let Some(anchor) = anchor(end, link, &opaque) else { continue };
            looked_at += 1;
            if looked_at > LINKS_MAX {
                break;
            }
            tenant = join::tenant_id(&anchor.link).or(tenant);
            let next = links.peek().map_or(text.len(), |(next, _)| *next);
            match below(text, &anchor, next) {
                Ok((id, passcode)) => return Ok(found(rule, &id, &passcode, tenant.as_deref())),
                Err(why) if rank(&why) > rank(&telling) => telling = why,
                Err(_) => {}
            }
        }
        Err(telling)
    })
}

/// Of several reasons the one that says most.
fn rank(why: &Why) -> u8 {
    match why {
        Why::NothingFound => 0,
        Why::Undocumented(_) => 1,
        _ => 2,
    }
}

/// The links that only their rewriter can read and that it says lead to Teams.
fn opaque_links<'t>(texts: &'t Texts<'_>) -> BTreeSet<&'t str> {
    let wrapped = texts.body().wrapped.iter().chain(&texts.location().wrapped);
    wrapped.filter(|link| link.outcome == Outcome::Opaque).map(|link| link.link.expose()).collect()
}

fn anchor<'t>(end: usize, link: Link<'t>, opaque: &BTreeSet<&str>) -> Option<Anchor<'t>> {
    let cloud = if join::is_join(&link) {
        join::cloud(link.host())?
    } else if join::is_help(&link) {
        Cloud::Public
    } else if opaque.contains(link.whole) {
        join::cloud(&link.parameter("domain")?)?
    } else {
        return None;
    };
    Some(Anchor { end, link, cloud })
}

/// Id and passcode below a link, up to the next one.
fn below(text: &str, anchor: &Anchor<'_>, next: usize) -> Result<(String, String), Why> {
    let reach = text.floor_char_boundary(anchor.end + REACH);
    let rest = &text[anchor.end..next.min(reach)];
    // A rule across the page ends the block, and so does an address: video devices' ids follow theirs.
    let rest = &rest[..block_end(rest)];
    let linked = join::meeting_id(&anchor.link);
    let printed = block::runs(rest).find_map(|run| {
        let (id, end) = meeting_id(&run)?;
        linked.is_none_or(|linked| linked == id).then_some((id, end))
    });
    let (id, after) = match (&printed, linked) {
        (Some((id, after)), _) => (id.clone(), *after),
        // The id is not printed, only the passcode may be.
        (None, Some(linked)) => (linked.to_owned(), 0),
        (None, None) => return Err(if join::is_long(&anchor.link) { by_long_link() } else { Why::NothingFound }),
    };
    if anchor.cloud == Cloud::Apart {
        return Err(Why::Undocumented("a Teams meeting of a government or national cloud"));
    }
    let passcode = passcode(&rest[after..]).filter(|passcode| printed.is_some() || !is_word(passcode));
    let passcode = passcode.ok_or(Why::Incomplete { found: "a Teams meeting id", missing: "its passcode" })?;
    Ok((id, passcode.to_owned()))
}

/// Where the first `@`, `____`, `----` or `====` stands.
fn block_end(text: &str) -> usize {
    let mut same = 0;
    let mut before = 0;
    for (at, byte) in text.bytes().enumerate() {
        same = if byte == before { same + 1 } else { 1 };
        before = byte;
        match byte {
            b'@' => return at,
            b'_' | b'-' | b'=' if same == 4 => return at - 3,
            _ => {}
        }
    }
    text.len()
}

/// What a link of the long form gives where no id is printed: nothing yet, since nobody but Pexip knows what is in the blob of
/// `{{base32_encoded_blob}}.{{tenant_id}}@pex.ms`. [`join::tenant_id`] has the tenant.
fn by_long_link() -> Why {
    Why::Undocumented("a Teams link without printed meeting id and passcode")
}

/// The run as a meeting id, and where it ends: groups of three of which the last may be shorter, or a single group.
fn meeting_id(run: &Run<'_>) -> Option<(String, usize)> {
    let (last_at, last) = run.groups.last()?;
    let whole = run.groups.len() == 1;
    let even = run.groups.len() >= 3
        && run.groups.iter().rev().skip(1).all(|(_, group)| group.len() == 3)
        && (1..=3).contains(&last.len());
    let id: String = run.groups.iter().map(|(_, group)| *group).collect();
    (!run.other && (whole || even) && ID.contains(&id.len())).then_some((id, last_at + last.len()))
}

/// The passcode in what follows the id: behind the first colon, or standing out by its digits and capitals.
fn passcode(after: &str) -> Option<&str> {
    let mut lines = after.lines().map(unquoted).filter(|line| !line.is_empty());
    let first = lines.next()?;
    if let Some((_, value)) = first.split_once([':', '：']) {
        let value = value.split_whitespace().next().or_else(|| lines.next()?.split_whitespace().next())?;
        return Some(bare(value)).filter(|value| is_passcode(value));
    }
    let stands_out = |token: &&str| is_passcode(token) && !is_word(token);
    first.split_whitespace().map(bare).find(stands_out).or_else(|| {
        // The first line is the label: the value stands alone on the second, which a label with a colon of its own may begin.
        let second = lines.next()?;
        let value = second.trim_start_matches([':', '：']).trim();
        Some(bare(value)).filter(stands_out)
    })
}

/// A line without the marks of a reply, a list or a table.
fn unquoted(line: &str) -> &str {
    line.trim_start_matches(['>', '|', '*', '•', '-', ' ', '\t']).trim_end()
}

/// A token without the marks of a sentence or of bold print.
fn bare(token: &str) -> &str {
    token.trim_matches(['*', '|', ',', '.', ';', '(', ')', '"'])
}

/// 6 to 8 letters and digits, but no number: a telephone's is no passcode, and of a million passcodes ten are only digits.
fn is_passcode(token: &str) -> bool {
    (6..=8).contains(&token.len())
        && token.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && token.bytes().any(|byte| byte.is_ascii_alphabetic())
}

/// `Passcode`, `passcode`, `PASSCODE`: letters as words have them.
fn is_word(token: &str) -> bool {
    let tail = token.get(1..).unwrap_or_default();
    tail.bytes().all(|byte| byte.is_ascii_lowercase()) || token.bytes().all(|byte| byte.is_ascii_uppercase())
}

fn found(rule: &RuleSpec, id: &str, passcode: &str, tenant: Option<&str>) -> Variables {
    variables([
        ("meeting_id", id),
        ("passcode", passcode),
        ("base32_encoded_blob", &base32(&format!("e|{passcode}"))),
        ("tenant_id", tenant.unwrap_or_default()),
        ("company_id", rule.company_id.as_deref().unwrap_or_default().trim()),
        ("domain", DOMAIN),
    ])
}

/// RFC 4648, upper case, without padding.
fn base32(text: &str) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let symbols = text.as_bytes().chunks(5).flat_map(|chunk| {
        let bits = chunk.iter().enumerate().fold(0_u64, |bits, (at, byte)| bits | u64::from(*byte) << (32 - 8 * at));
        let count = (chunk.len() * 8).div_ceil(5);
        (0..count).map(move |at| char::from(ALPHABET[(bits >> (35 - 5 * at) & 31) as usize]))
    });
    symbols.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base32_is_that_of_the_standard_without_padding() {
        for (text, expected) in [
            ("", ""),
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foob", "MZXW6YQ"),
            ("fooba", "MZXW6YTB"),
            ("foobar", "MZXW6YTBOI"),
        ] {
            assert_eq!(base32(text), expected);
        }
    }

    #[test]
    fn a_passcode_is_found_behind_its_label_or_by_how_it_looks() {
        for (after, expected) in [
            ("\nPasscode: jz7o5CE9\nNeed help?", Some("jz7o5CE9")),
            ("\n\nKenncode:\n\njz7o5CE9\n", Some("jz7o5CE9")),
            (" Passcode: jz7o5CE9 Need help?", Some("jz7o5CE9")),
            ("\n> パスコード：MThYjp", Some("MThYjp")),
            ("\n密码 MThYjp", Some("MThYjp")),
            ("\nPasscode\nMThYjp\nDownload Teams", Some("MThYjp")),
            ("\nCode secret : *MThYjp*.", Some("MThYjp")),
            ("\nPasscode: Secret", Some("Secret")),
            ("\nMThYjp", Some("MThYjp")),
            (" MThYjp", Some("MThYjp")),
            ("\nPasscode\nSecret", None),
            ("\nTelefon: 06123456", None),
            ("\nPasscode: abc", None),
            ("\nPasscode: abcdefgh9", None),
            ("\nPasscode: MThYjp=", None),
            ("\nDownload Teams\nJoin on the H9TF7c web", None),
            ("", None),
        ] {
            assert_eq!(passcode(after), expected, "{after:?}");
        }
    }
}
