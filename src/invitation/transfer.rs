//! What is left of mail's transfer encoding, quoted-printable, where somebody copied the source of a mail: otherwise
//! `conf=3D123` would be read as conference `3D123`.
//!
//! Nothing says that a text is quoted-printable, so it is told from what stands in it. In such a text *every* `=` begins an
//! escape of two capital hex digits or ends a line, since the encoding has to escape `=` itself; in any other text most `=` are
//! followed by something else. Lines are judged one by one (an invitation pasted below a mail's source is not), a line and
//! those its `=` joins to it as one:
//!
//! | the line has | the text's other lines | undone |
//! |---|---|---|
//! | an `=` that is neither escape nor line end, such as `&d=vc.example.com` | any | no |
//! | one `=3D`, or escapes that are UTF-8 together (`=C3=A9`) | have no such `=` | yes |
//! | two of these, or one and a joint | any | yes |
//! | `=20` and joints alone | have none such, and one of them is undone | yes |
//!
//! So `?a=3D5` alone is undone, `?a=3D5&b=7` is not, and neither is `?a=3D5` in an invitation with another link's `?b=7`.

use std::borrow::Cow;

use super::wrapped::percent::hex_pair;

/// Undoes quoted-printable where it shows.
pub(super) fn quoted_printable(text: &str) -> Cow<'_, str> {
    if !proves(text) {
        return Cow::Borrowed(text);
    }
    let (mut plain_elsewhere, mut any_strong, mut any_weak) = (false, false, false);
    for line in lines(text) {
        match judge(line) {
            Verdict::Plain => plain_elsewhere = true,
            Verdict::Proven { strong } => {
                any_strong |= strong;
                any_weak |= !strong;
            }
            Verdict::Possible => {}
        }
    }
    if !any_strong && (plain_elsewhere || !any_weak) {
        return Cow::Borrowed(text);
    }
    let undone = |line: &str| match judge(line) {
        Verdict::Plain => false,
        Verdict::Proven { strong } => strong || !plain_elsewhere,
        Verdict::Possible => !plain_elsewhere,
    };
    let mut out = String::with_capacity(text.len());
    for line in lines(text) {
        if undone(line) { decode(line, &mut out) } else { out.push_str(line) }
    }
    Cow::Owned(out)
}

/// Whether there is a `=3D`, or an escape above 127, at all.
fn proves(text: &str) -> bool {
    let proof = |at: usize| escape(&text.as_bytes()[at..]).is_some_and(|byte| byte == b'=' || byte >= 0x80);
    memchr::memchr_iter(b'=', text.as_bytes()).any(proof)
}

/// What a line is.
enum Verdict {
    /// Not quoted-printable.
    Plain,
    /// Quoted-printable; `strong`: beyond a coincidence.
    Proven { strong: bool },
    /// Nothing in it speaks for or against.
    Possible,
}

/// The lines with their line ends; those that a `=` at the end joins are one.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let mut end = 0;
        while end < rest.len() {
            let length = memchr::memchr(b'\n', &rest.as_bytes()[end..]).map_or(rest.len() - end, |at| at + 1);
            let line = &rest[end..end + length];
            end += length;
            if !line.ends_with('\n') || !line.trim_end().ends_with('=') {
                break;
            }
        }
        let (line, after) = rest.split_at(end);
        rest = after;
        (!line.is_empty()).then_some(line)
    })
}

/// The byte that an escape at the start of `bytes` stands for, if an encoder would have written it.
fn escape(bytes: &[u8]) -> Option<u8> {
    let pair = bytes.get(1..3).filter(|pair| bytes[0] == b'=' && !pair.iter().any(u8::is_ascii_lowercase))?;
    hex_pair(pair).filter(|byte| matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~' | 0x80..))
}

/// The length of a joint at the start of `bytes`: `=`, blanks that a mailer left, the line end.
fn joint(bytes: &[u8]) -> Option<usize> {
    let blanks = bytes.get(1..)?.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r')).count();
    (bytes.get(1 + blanks) == Some(&b'\n')).then_some(blanks + 2)
}

fn judge(line: &str) -> Verdict {
    let bytes = line.as_bytes();
    let (mut proofs, mut joints) = (0, 0);
    let mut at = 0;
    while let Some(found) = memchr::memchr(b'=', &bytes[at..]) {
        at += found;
        let rest = &bytes[at..];
        at += if let Some(length) = utf8_escapes(rest) {
            proofs += 1;
            length
        } else if let Some(byte) = escape(rest) {
            proofs += u32::from(byte == b'=');
            3
        } else if let Some(length) = joint(rest) {
            joints += 1;
            length
        } else if rest == b"=" {
            // Where the text was cut.
            1
        } else {
            return Verdict::Plain;
        };
    }
    match (proofs, joints) {
        (0, _) => Verdict::Possible,
        (1, 0) => Verdict::Proven { strong: false },
        _ => Verdict::Proven { strong: true },
    }
}

/// The length of the escapes at the start of `bytes` that are one character of more than one byte.
fn utf8_escapes(bytes: &[u8]) -> Option<usize> {
    let first = escape(bytes).filter(|byte| *byte >= 0xc2)?;
    let mut character = [first, 0, 0, 0];
    for length in 2..=4 {
        character[length - 1] = escape(bytes.get((length - 1) * 3..)?)?;
        if std::str::from_utf8(&character[..length]).is_ok() {
            return Some(length * 3);
        }
    }
    None
}

/// Appends `line` without its encoding. Escapes that are no UTF-8 stay as they are.
fn decode(line: &str, out: &mut String) {
    let bytes = line.as_bytes();
    let (mut at, mut copied) = (0, 0);
    while let Some(found) = memchr::memchr(b'=', &bytes[at..]) {
        at += found;
        let rest = &bytes[at..];
        let (length, text) = if let Some(length) = utf8_escapes(rest) {
            let character: Vec<u8> = (0..length / 3).filter_map(|index| escape(&rest[index * 3..])).collect();
            (length, String::from_utf8(character).unwrap_or_default())
        } else if let Some(byte) = escape(rest).filter(u8::is_ascii) {
            (3, char::from(byte).to_string())
        } else if let Some(length) = joint(rest) {
            (length, String::new())
        } else {
            at += 1;
            continue;
        };
        out.push_str(&line[copied..at]);
        out.push_str(&text);
        at += length;
        copied = at;
    }
    out.push_str(&line[copied..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transfer_encoding_is_undone_where_it_shows_and_nowhere_else() {
        for (text, expected) in [
            ("/teams/?conf=3D123=\n4&d=3Dx", "/teams/?conf=1234&d=x"),
            ("/teams/?conf=3D123= \r\n4", "/teams/?conf=1234"),
            ("caf=C3=A9 =E2=80=8B=F0=9F=98=80 =\r\nend=20\nnext=2E", "café \u{200b}😀 end \nnext."),
            ("lap=\ntop\nconf=3D11\n", "laptop\nconf=11\n"),
            ("<a href=3D\"https://x.example/?a=3D5\" class=3Dy>", "<a href=\"https://x.example/?a=5\" class=y>"),
            // Not escapes, or not everywhere.
            ("conf=1134&d=x", "conf=1134&d=x"),
            ("?a=3D5&b=7", "?a=3D5&b=7"),
            ("?a=3d5", "?a=3d5"),
            ("?a=3D5\nhttps://x.example/?b=7", "?a=3D5\nhttps://x.example/?b=7"),
            ("<a href=\"https://x.example/?a=3D5\">", "<a href=\"https://x.example/?a=3D5\">"),
            ("x=20\ny=41\nlap=\ntop", "x=20\ny=41\nlap=\ntop"),
            ("conf=11&d=3D5", "conf=11&d=3D5"),
            // Each line for itself, where it is beyond doubt.
            ("?a=3D5&b=3D7\nhttps://x.example/?b=7\nlap=\ntop", "?a=5&b=7\nhttps://x.example/?b=7\nlap=\ntop"),
            // Not UTF-8: those escapes stay.
            ("a=3Db=FF caf=E9", "a=b=FF caf=E9"),
            ("=3D=", "=="),
            ("=3D=\n", "="),
            ("", ""),
        ] {
            assert_eq!(quoted_printable(text), expected, "{text}");
        }
    }
}
