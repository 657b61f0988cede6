//! Characters that look alike made alike, characters nobody sees dropped, and long links that a mailer broke made whole.

use std::borrow::Cow;

use memchr::memchr;

/// White space of other widths becomes a space (providers group numbers with no-break spaces), hyphens that only forbid a line
/// end become hyphens, invisible characters go (Google prints direction marks around telephone numbers), line ends of every kind
/// become `\n` (Word's own is a vertical tab). Tabs stay.
pub(super) fn characters(text: Cow<'_, str>) -> String {
    let mut run = plain_run(&text);
    if run == text.len() {
        return text.into_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = &*text;
    // Most of a text is ASCII, which is copied in runs.
    while run < rest.len() {
        out.push_str(&rest[..run]);
        let mut characters = rest[run..].chars();
        match characters.next() {
            Some('\r') => {
                out.push('\n');
                if characters.as_str().starts_with('\n') {
                    characters.next();
                }
            }
            Some('\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}') => out.push('\n'),
            Some('\u{2010}' | '\u{2011}') => out.push('-'),
            Some(character) if character.is_whitespace() => out.push(' '),
            Some(character) if !is_invisible(character) => out.push(character),
            _ => {}
        }
        rest = characters.as_str();
        run = plain_run(rest);
    }
    out.push_str(rest);
    out
}

/// How many bytes at the start of `text` stay as they are: ASCII, but for the line ends that are not `\n`.
fn plain_run(text: &str) -> usize {
    run(text.as_bytes(), |byte| !byte.is_ascii() | matches!(byte, b'\r' | 0xb | 0xc))
}

/// How many bytes stand before the first that `stops`, which is best written without branches.
pub(super) fn run(bytes: &[u8], stops: impl Fn(u8) -> bool) -> usize {
    // Whole chunks without a branch in them are what the compiler makes fast.
    let (chunks, _) = bytes.as_chunks::<16>();
    let goes_on = |chunk: &&[u8; 16]| !chunk.iter().fold(false, |any, byte| any | stops(*byte));
    let whole = 16 * chunks.iter().take_while(goes_on).count();
    let rest = &bytes[whole..];
    whole + rest.iter().position(|byte| stops(*byte)).unwrap_or(rest.len())
}

/// Whether a character shows nothing and takes no room: Unicode's default ignorable code points (soft hyphen, zero-width and
/// direction characters, joiners, fillers, variation selectors, tag characters) and the marks of interlinear annotation.
pub(super) fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// Shortest line a mailer breaks, in bytes: they break at 70 to 80. What ends earlier ends on purpose.
const BROKEN_LINE_MIN: usize = 60;

/// Longest link that is made whole, in bytes.
const BROKEN_LINK_MAX: usize = 4096;

/// Removes the line ends within `<https://…>`, as RFC 3986, appendix C has it, where the first line is as long as a mailer's.
/// A link without brackets is left alone: nobody can tell where it ends. So is one within a reply's `>` marks.
pub(super) fn broken_links(text: String) -> String {
    let mut out = String::new();
    let mut copied = 0;
    let mut at = 0;
    while let Some(found) = memchr(b'<', &text.as_bytes()[at..]) {
        let start = at + found;
        at = start + 1;
        if !text[at..].starts_with("http") {
            continue;
        }
        let window = &text[at..text.floor_char_boundary(at + BROKEN_LINK_MAX)];
        // Up to the next bracket, so that no part of the text is looked at for two links.
        let length = run(window.as_bytes(), |byte| {
            (byte == b'<') | (byte == b'>') | (byte == b'"') | (byte == b' ') | (byte == b'\t')
        });
        let link = &window[..length];
        at += length;
        let Some((first, _)) = link.split_once('\n').filter(|_| window[length..].starts_with('>')) else { continue };
        let line = text[copied..start].rfind('\n').map_or(copied, |end| copied + end + 1);
        let broken =
            start - line + 1 + first.len() >= BROKEN_LINE_MIN && !link.contains("\n\n") && !link.ends_with('\n');
        if broken {
            out.push_str(&text[copied..=start]);
            out.extend(link.split('\n'));
            copied = at;
        }
    }
    if copied == 0 {
        return text;
    }
    out.push_str(&text[copied..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spaces_line_ends_and_invisible_characters_become_ordinary() {
        for (text, expected) in [
            ("122\u{a0}326\u{202f}964", "122 326 964"),
            ("1\u{1680}2\u{2000}3\u{2003}4\u{2009}5\u{200a}6\u{205f}7\u{3000}8\t9", "1 2 3 4 5 6 7 8\t9"),
            ("a\r\nb\rc\u{2028}d\u{2029}e\u{85}f\u{b}g\u{c}h\r\r\n\n", "a\nb\nc\nd\ne\nf\ng\nh\n\n\n"),
            ("\u{202a}+47\u{202c} 1\u{200b}2\u{ad}3\u{feff}", "+47 123"),
            ("\u{2066}a\u{2069}\u{61c}\u{2063}b\u{206a}c\u{180e}\u{3164}", "abc"),
            ("1\u{fe0f}\u{20e3}\u{e0041}\u{e01ef}2", "1\u{20e3}2"),
            ("abc\u{2011}defg\u{2010}hij \u{2013}", "abc-defg-hij \u{2013}"),
            ("ミーティング：1", "ミーティング：1"),
            ("\r", "\n"),
            ("", ""),
        ] {
            assert_eq!(characters(text.into()), expected);
            let shifted = format!("{}{text}", "x".repeat(21));
            assert_eq!(characters(shifted.into()), format!("{}{expected}", "x".repeat(21)));
        }
    }

    #[test]
    fn links_that_a_mailer_broke_are_made_whole_and_no_others() {
        let long = "https://px01.vc.example.com/teams/?conf=1231231234&ivr=teams";
        for (text, expected) in [
            (format!("More<{long}\n&d=vc.example.com\n&w>\nx"), format!("More<{long}&d=vc.example.com&w>\nx")),
            (format!("<{long}\na><{long}\nb>"), format!("<{long}a><{long}b>")),
            (format!("{long}\n&d=x"), format!("{long}\n&d=x")),
            (format!("> <{long}\n> &d=x>"), format!("> <{long}\n> &d=x>")),
            (format!("<{long}\n\n&d=x>"), format!("<{long}\n\n&d=x>")),
            (format!("<{long}\nand so on>"), format!("<{long}\nand so on>")),
            (format!("<{long}\n"), format!("<{long}\n")),
            ("<https://x.example/1\n2>".into(), "<https://x.example/1\n2>".into()),
            (format!("<{long}\n{}>", "x".repeat(5000)), format!("<{long}\n{}>", "x".repeat(5000))),
            ("<http".repeat(3) + "é", "<http".repeat(3) + "é"),
        ] {
            assert_eq!(broken_links(text.clone()), expected, "{text}");
        }
    }
}
