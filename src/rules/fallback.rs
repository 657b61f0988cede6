//! The search for `sip:`, `sips:` and `h323:` addresses in body and location, when no rule matched.
//!
//! An address ends at white space, a bracket, a quote, and without closing punctuation; headers (`?…`) are left off. In front of
//! the scheme stands no letter or digit, so that `gossip:` is not `sip:`. A SIP address needs an `@` or a host name: `SIP:` is
//! also how people write labels.

use super::permit::without_scheme;
use super::scan::is_domain;
use super::texts::{Place, Texts};
use crate::model::Protocol;

/// The addresses with their schemes, in order.
pub(super) fn candidates<'t>(texts: &'t Texts<'_>) -> impl Iterator<Item = (Place, &'t str)> {
    texts.as_written_first().flat_map(|(place, text)| in_text(text).map(move |found| (place, found)))
}

fn in_text(text: &str) -> impl Iterator<Item = &str> {
    let mut from = 0;
    std::iter::from_fn(move || {
        loop {
            let colon = from + text.get(from..)?.find(':')?;
            from = colon + 1;
            let Some(begin) = scheme_before(text, colon) else { continue };
            let rest = &text[from..];
            let stop = |c: char| c.is_whitespace() || c.is_control() || "<>()[]{}\"'|\\^`?,".contains(c);
            // The brackets of an IPv6 host belong to the address.
            let end = match rest.find("@[") {
                Some(at) if !rest[..at].contains(stop) => at + 2 + rest[at + 2..].find(']').map_or(0, |end| end + 1),
                _ => rest.find(stop).unwrap_or(rest.len()),
            };
            let address = text[begin..from + end].trim_end_matches(['.', ':', ';', '!', '*', '_']);
            if is_address(address) {
                return Some(address);
            }
        }
    })
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
