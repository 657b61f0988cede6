//! Character references, `&amp;` and the like, read as browsers read them: HTML Living Standard, 13.2.5.72 to 13.2.5.80.

use html5ever::data::{C1_REPLACEMENTS, NAMED_ENTITIES};

/// Where a reference stands; its rules differ.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Within {
    Text,
    Attribute,
}

/// Longest name of a reference, with its semicolon: `CounterClockwiseContourIntegral;`.
const NAME_MAX: usize = 32;

/// Appends what the reference at the start of `text` stands for, and gives what follows it. Where `&` begins none, it is itself.
pub(super) fn decode<'t>(text: &'t str, within: Within, out: &mut String) -> &'t str {
    let rest = &text[1..];
    let decoded = match rest.strip_prefix('#') {
        Some(number) => numeric(number).map(|(character, rest)| {
            out.push(character);
            rest
        }),
        None => named(rest, within, out),
    };
    decoded.unwrap_or_else(|| {
        out.push('&');
        rest
    })
}

/// A text with all its references decoded.
pub(super) fn decode_all(text: &str, within: Within) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'&', rest.as_bytes()) {
        out.push_str(&rest[..at]);
        rest = decode(&rest[at..], within, &mut out);
    }
    out.push_str(rest);
    out
}

/// The character of `8217;` or `x2019;`, the semicolon being optional, and what follows.
fn numeric(text: &str) -> Option<(char, &str)> {
    let (digits, base) = text.strip_prefix(['x', 'X']).map_or((text, 10), |digits| (digits, 16));
    let is_digit = |byte: &u8| char::from(*byte).is_digit(base);
    let length = digits.bytes().take_while(is_digit).count();
    if length == 0 {
        return None;
    }
    // What does not fit is beyond all characters.
    let number = u32::from_str_radix(&digits[..length], base).unwrap_or(u32::MAX);
    let character = match number {
        0 => None,
        // Written by those who meant Windows' own characters.
        0x80..=0x9f => C1_REPLACEMENTS[number as usize - 0x80].or(char::from_u32(number)),
        _ => char::from_u32(number),
    };
    let rest = &digits[length..];
    Some((character.unwrap_or(char::REPLACEMENT_CHARACTER), rest.strip_prefix(';').unwrap_or(rest)))
}

/// Writes the characters of the longest name at the start of `text`, and gives what follows.
fn named<'t>(text: &'t str, within: Within, out: &mut String) -> Option<&'t str> {
    let length = text.bytes().take(NAME_MAX).take_while(u8::is_ascii_alphanumeric).count();
    // With a semicolon, and without one where old names need none.
    let closed = text[length..].starts_with(';').then_some(length + 1);
    let (length, (first, second)) = closed.into_iter().chain((2..=length).rev()).find_map(|length| {
        let found = NAMED_ENTITIES.get(&text[..length]).filter(|(first, _)| *first != 0)?;
        Some((length, *found))
    })?;
    let (name, rest) = text.split_at(length);
    // `?a=1&copy=2` is a link of two parameters.
    let goes_on = rest.starts_with(|next: char| next == '=' || next.is_ascii_alphanumeric());
    if within == Within::Attribute && goes_on && !name.ends_with(';') {
        return None;
    }
    out.extend([first, second].into_iter().filter(|each| *each != 0).filter_map(char::from_u32));
    Some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_read_as_browsers_read_them() {
        for (text, in_text, in_attribute) in [
            ("a &amp; b&lt;c&gt;&quot;&apos;&nbsp;", "a & b<c>\"'\u{a0}", "a & b<c>\"'\u{a0}"),
            ("&amp;amp;&&;&x", "&amp;&&;&x", "&amp;&&;&x"),
            ("&copy=1 &copy 1 &copya &notit;", "©=1 © 1 ©a ¬it;", "&copy=1 © 1 &copya &notit;"),
            ("&notin;&NotEqualTilde;&fjlig;", "∉≂\u{338}fj", "∉≂\u{338}fj"),
            ("&#65;&#x41;&#X6a&#66 ", "AAjB ", "AAjB "),
            (
                "&#0;&#xD800;&#99999999999;&#x110000;",
                "\u{fffd}\u{fffd}\u{fffd}\u{fffd}",
                "\u{fffd}\u{fffd}\u{fffd}\u{fffd}",
            ),
            ("&#150;&#x80;&#129;", "–€\u{81}", "–€\u{81}"),
            ("&#;&#x;&#xg;&#é", "&#;&#x;&#xg;&#é", "&#;&#x;&#xg;&#é"),
            ("&uumlber &CounterClockwiseContourIntegral;", "über ∳", "&uumlber ∳"),
        ] {
            assert_eq!(decode_all(text, Within::Text), in_text, "{text}");
            assert_eq!(decode_all(text, Within::Attribute), in_attribute, "{text}");
        }
    }
}
