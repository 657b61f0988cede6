//! Characters that look alike made alike, characters nobody sees dropped, and what is left of mail's transfer encoding undone.

use std::borrow::Cow;

use super::wrapped::percent::hex_pair;

/// Any white space but line ends becomes a space (providers group numbers with no-break spaces), invisible characters go
/// (Google prints direction marks around telephone numbers), line ends become `\n`.
pub(super) fn characters(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\r' => {
                characters.next_if_eq(&'\n');
                out.push('\n');
            }
            '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => out.push(' '),
            '\u{2028}' | '\u{2029}' | '\u{85}' => out.push('\n'),
            '\u{ad}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{2064}'
            | '\u{2066}'..='\u{2069}'
            | '\u{feff}' => {}
            _ => out.push(character),
        }
    }
    out
}

/// Undoes quoted-printable that was copied along with a mail's text, which `=3D` gives away: otherwise `conf=3D123` would be read
/// as conference `3D123`. Only what the encoding has to encode is undone (`=3D`, soft line ends, bytes above 127), so that a
/// query like `conf=1134` keeps its value.
pub(super) fn quoted_printable(text: &str) -> Cow<'_, str> {
    if !text.contains("=3D") {
        return Cow::Borrowed(text);
    }
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        let escaped = rest.get(1..3).and_then(hex_pair).filter(|_| rest[0] == b'=');
        if rest.starts_with(b"=\n") {
            at += 2;
        } else if rest.starts_with(b"=\r\n") {
            at += 3;
        } else if let Some(byte) = escaped.filter(|byte| *byte == b'=' || *byte >= 0x80) {
            out.push(byte);
            at += 3;
        } else {
            out.push(bytes[at]);
            at += 1;
        }
    }
    // Bytes that are no text mean that this was not quoted-printable UTF-8 after all.
    String::from_utf8(out).map_or(Cow::Borrowed(text), Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spaces_line_ends_and_invisible_characters_become_ordinary() {
        for (text, expected) in [
            ("122\u{a0}326\u{202f}964", "122 326 964"),
            ("a\r\nb\rc\u{2028}d", "a\nb\nc\nd"),
            ("\u{202a}+47\u{202c} 1\u{200b}2\u{ad}3\u{feff}", "+47 123"),
            ("ミーティング：1", "ミーティング：1"),
        ] {
            assert_eq!(characters(text), expected);
        }
    }

    #[test]
    fn transfer_encoding_is_undone_where_it_shows_and_nowhere_else() {
        for (text, expected) in [
            ("/teams/?conf=3D123=\n4&d=3Dx", "/teams/?conf=1234&d=x"),
            ("conf=3D11&x=1134 caf=C3=A9 =\r\nend", "conf=11&x=1134 café end"),
            ("conf=1134&d=x", "conf=1134&d=x"),
            ("a=3Db=FF", "a=3Db=FF"),
            ("=3D=", "=="),
        ] {
            assert_eq!(quoted_printable(text), expected);
        }
    }
}
