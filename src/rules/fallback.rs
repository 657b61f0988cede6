//! The search for `sip:`, `sips:` and `h323:` addresses in body and location, when no rule matched.
//!
//! An address ends at white space, a bracket, a quote, and without closing punctuation; headers (`?…`) are left off. In front of
//! the scheme stands no letter or digit, so that `gossip:` is not `sip:`. A SIP address needs an `@` or a host name: `SIP:` is
//! also how people write labels.

use super::permit::without_scheme;
use super::scan::is_domain;
use super::texts::{Place, Texts};
use crate::model::Protocol;
use crate::model::alias::ALIAS_MAX;

/// The addresses with their schemes, in order.
pub(super) fn candidates<'t>(texts: &'t Texts<'_>) -> impl Iterator<Item = (Place, &'t str)> {
    texts.as_written_first().flat_map(|(place, text)| in_text(text).map(move |found| (place, found)))
}

fn in_text(text: &str) -> impl Iterator<Item = &str> {
    let (mut from, mut word) = (0, Word::default());
    std::iter::from_fn(move || {
        loop {
            let colon = from + memchr::memchr(b':', text.as_bytes().get(from..)?)?;
            from = colon + 1;
            let Some(begin) = scheme_before(text, colon) else { continue };
            // Schemes may stand in each other's addresses by the thousand: the word they stand in is measured once.
            if from >= word.end {
                word = Word::at(text, from);
            }
            // What is longer than any alias is none; looking at it anew for each scheme in it would cost.
            if word.end - from > ALIAS_MAX + 8 || !is_address(&text[begin..word.end]) {
                continue;
            }
            return Some(&text[begin..word.end]);
        }
    })
}

/// What stands between two stops.
#[derive(Default)]
struct Word {
    /// Without closing punctuation.
    end: usize,
}

impl Word {
    /// The word that goes on at byte `from`.
    fn at(text: &str, from: usize) -> Self {
        let rest = &text[from..];
        let stop = |c: char| c.is_whitespace() || c.is_control() || "<>()[]{}\"'|\\^`?,".contains(c);
        let mut end = rest.find(stop).unwrap_or(rest.len());
        // The brackets of an IPv6 host belong to the address.
        if rest[..end].ends_with('@') && rest[end..].starts_with('[') {
            let inside = rest[end + 1..].find(|c: char| !(c.is_ascii_hexdigit() || c == ':' || c == '.'));
            end = inside.map(|at| end + 1 + at).filter(|at| rest[*at..].starts_with(']')).map_or(end, |at| at + 1);
        }
        Self { end: from + rest[..end].trim_end_matches(['.', ':', ';', '!', '*', '_']).len() }
    }
}

/// Where the scheme that ends at `colon` begins.
fn scheme_before(text: &str, colon: usize) -> Option<usize> {
    ["sips", "sip", "h323"].into_iter().find_map(|scheme| {
        let begin = colon.checked_sub(scheme.len())?;
        let written = text.get(begin..colon)?;
        let bounded = !text[..begin].ends_with(|c: char| c.is_alphanumeric() || "+-._".contains(c));
        (bounded && written.eq_ignore_ascii_case(scheme)).then_some(begin)
    })
}

fn is_address(address: &str) -> bool {
    let (rest, protocol) = without_scheme(address);
    match protocol {
        Protocol::H323 => !rest.is_empty(),
        _ => rest.contains('@') || is_domain(rest),
    }
}

#[cfg(test)]
mod tests {
    use super::in_text;

    #[test]
    fn addresses_with_a_scheme_are_found_whole_and_labels_are_not() {
        for (text, expected) in [
            ("Please dial sip:room42@vc.example.com at ten.", vec!["sip:room42@vc.example.com"]),
            ("Join (<sip:ops.room@vc.example.com>).", vec!["sip:ops.room@vc.example.com"]),
            ("gossip:a@b.example x-sip:a@b.example", vec![]),
            ("SIP: a@b.example, SIP:Join SIP:", vec![]),
            ("SIPS:A@b.example?Replaces=1", vec!["SIPS:A@b.example"]),
            ("h323:4711 and h323:10.0.0.1##4711.", vec!["h323:4711", "h323:10.0.0.1##4711"]),
            ("sip:+47@v.example;user=phone", vec!["sip:+47@v.example;user=phone"]),
            ("sip:a@[2001:db8::1]:5061 b", vec!["sip:a@[2001:db8::1]"]),
            ("sip:vc.example.com", vec!["sip:vc.example.com"]),
            ("会議はsip:a@b.example", vec![]),
            (":::", vec![]),
        ] {
            assert_eq!(in_text(text).collect::<Vec<_>>(), expected, "{text}");
        }
    }
}
