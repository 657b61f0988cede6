//! HTML to text, the way mail programs write the text part of an HTML mail: `text <link>`.
//!
//! References, attributes and broken tags are read as browsers read them (a test holds [`sift`] to a browser's tokenizer, which
//! takes ten times as long); there is no tree, so nesting costs nothing. Block elements and `br` end a line, white space collapses (but in
//! `pre`), cells of a row stand on one line, and a link's address follows its text, with Outlook's `originalsrc` after it.
//!
//! Design notes:
//! - Hidden elements (`display:none`, `hidden`) are read like others. Whether something is hidden depends on style sheets, on
//!   the program, and on end tags that need a tree to find; a link lost that way would cost a meeting, while somebody who wants
//!   a room to dial an address can write it visibly. What a room may dial is decided by `aliasDomains`.
//! - `base` is not applied: mail programs do not, and a relative link in an invitation leads nowhere.
//! - `alt`, `title` and Gmail's `data-saferedirecturl` are left out: the first two are no addresses (Outlook writes the original
//!   link into `title` within a sentence), and Gmail leaves the original link in `href`.

mod reference;
mod sift;

use std::borrow::Cow;

use sift::Piece;

pub(in crate::invitation) use self::sift::MARKS_MAX;
use super::wrapped::link;

/// Turns HTML into text; `true`: its end was left out for having too many tags.
pub(super) fn text(html: &str) -> (String, bool) {
    read(html, Lines::Collapse)
}

/// Turns a text with some tags in it into text, as calendars have descriptions: its line ends are line ends.
pub(super) fn marked_text(text: &str) -> (String, bool) {
    read(text, Lines::Keep)
}

/// Whether a text has tags in it that somebody meant as such.
pub(super) fn is_marked(text: &str) -> bool {
    const TAGS: [&str; 9] = ["br>", "br/>", "br />", "/a>", "/p>", "/b>", "/div>", "/span>", "/li>"];
    let meant = |rest: &str| {
        // Most `<` are told by what follows them.
        matches!(rest.as_bytes().first(), Some(b'b' | b'B' | b'/'))
            && TAGS.iter().any(|tag| rest.get(..tag.len()).is_some_and(|at| at.eq_ignore_ascii_case(tag)))
    };
    memchr::memchr_iter(b'<', text.as_bytes()).any(|at| meant(&text[at + 1..]))
}

fn read(html: &str, lines: Lines) -> (String, bool) {
    let html = one_line_end(html.strip_prefix('\u{feff}').unwrap_or(html));
    let mut out = Out { text: String::with_capacity(html.len()), lines, ..Out::default() };
    let cut = sift::sift(&html, &mut |piece| match piece {
        Piece::Text(text) => out.characters(text),
        Piece::Start(name, values) => with_lower_case(name, |name| out.start(name, values)),
        Piece::End(name) => with_lower_case(name, |name| out.end(name)),
    });
    (out.finish(), cut)
}

/// Line ends of every kind as `\n`.
fn one_line_end(html: &str) -> Cow<'_, str> {
    if memchr::memchr(b'\r', html.as_bytes()).is_none() {
        return Cow::Borrowed(html);
    }
    Cow::Owned(html.replace("\r\n", "\n").replace('\r', "\n"))
}

/// Tells the name of an element in lower case; one that is longer than any known name is told as no name.
fn with_lower_case(name: &str, tell: impl FnOnce(&str)) {
    let mut lower = [0; 16];
    let known = lower.get_mut(..name.len()).map(|lower| {
        lower.copy_from_slice(name.as_bytes());
        lower.make_ascii_lowercase();
        &*lower
    });
    tell(known.and_then(|lower| std::str::from_utf8(lower).ok()).unwrap_or_default());
}

/// What a line end in the source is.
#[derive(Clone, Copy, Default, PartialEq)]
enum Lines {
    /// A space.
    #[default]
    Collapse,
    /// A line end.
    Keep,
}

#[derive(Default)]
struct Out {
    text: String,
    /// White space stands between what was written and what comes.
    space: bool,
    /// Inside how many `pre`.
    pre: usize,
    lines: Lines,
    /// A tag just ended the line: the line end that follows it in the source is the same one.
    by_tag: bool,
    /// The addresses of the link we are in, and where its text began.
    link: Option<(Vec<String>, usize)>,
}

impl Out {
    fn finish(mut self) -> String {
        self.end_link();
        self.text.truncate(self.text.trim_end().len());
        self.text
    }

    fn characters(&mut self, text: &str) {
        if self.pre > 0 {
            self.gap();
            self.text.push_str(text);
            return;
        }
        let mut rest = text;
        while let Some(first) = rest.as_bytes().first() {
            // A no-break space is a character here; it becomes a space later.
            let word = rest.bytes().position(|byte| byte.is_ascii_whitespace()).unwrap_or(rest.len());
            if word > 0 {
                self.by_tag = false;
                self.gap();
                self.text.push_str(&rest[..word]);
            } else if *first != b'\n' || self.lines == Lines::Collapse {
                self.space = true;
            } else if !std::mem::take(&mut self.by_tag) {
                self.end_line();
            }
            rest = &rest[word.max(1)..];
        }
    }

    /// Writes the white space that was seen, unless a line begins.
    fn gap(&mut self) {
        if std::mem::take(&mut self.space) && !self.text.is_empty() && !self.text.ends_with(['\n', ' ']) {
            self.text.push(' ');
        }
    }

    fn end_line(&mut self) {
        self.space = false;
        if !self.text.is_empty() {
            self.text.push('\n');
        }
    }

    /// A block begins or ends: a new line, but no empty one.
    fn block(&mut self) {
        self.space = false;
        if !self.text.is_empty() && !self.text.ends_with('\n') {
            self.text.push('\n');
        }
    }

    /// Writes the addresses of the link that ends here after its text, unless the text is the address.
    fn end_link(&mut self) {
        let Some((addresses, begin)) = self.link.take() else { return };
        let written = self.text.get(begin..).unwrap_or_default().trim();
        // A text shortened by whoever shows it would be another link.
        if is_shortened(written) && addresses.iter().any(|address| link::after_scheme(address).is_some()) {
            self.text.truncate(begin);
        }
        for address in addresses {
            let written = self.text.get(begin..).unwrap_or_default().trim();
            if written == address || address.strip_suffix('/').is_some_and(|address| written == address) {
                continue;
            }
            if !self.text.is_empty() && !self.text.ends_with(['\n', ' ']) {
                self.text.push(' ');
            }
            self.text.push('<');
            self.text.push_str(&address);
            self.text.push('>');
            self.space = true;
        }
    }

    fn start(&mut self, name: &str, values: [Option<String>; 2]) {
        match name {
            "br" => {
                self.end_line();
                self.by_tag = true;
            }
            "pre" => {
                self.block();
                self.pre += 1;
            }
            "td" | "th" => self.space = true,
            "a" | "area" => {
                self.end_link();
                let addresses = addresses(values);
                if !addresses.is_empty() {
                    self.gap();
                    self.link = Some((addresses, self.text.len()));
                }
                // An area has no text.
                if name == "area" {
                    self.end_link();
                }
            }
            _ if is_block(name) => self.block(),
            _ => {}
        }
    }

    fn end(&mut self, name: &str) {
        match name {
            "a" => self.end_link(),
            "pre" => {
                self.pre = self.pre.saturating_sub(1);
                self.block();
            }
            "td" | "th" => {
                // A link that was never ended does not reach into the next cell.
                self.end_link();
                self.space = true;
            }
            _ if is_block(name) => self.block(),
            _ => {}
        }
    }
}

/// Whether a link's text is a link cut short.
fn is_shortened(text: &str) -> bool {
    link::after_scheme(text).is_some() && (text.ends_with("...") || text.ends_with('…'))
}

/// The addresses of a link, by [`sift::KEPT`], that could be of use, each once.
fn addresses(values: [Option<String>; 2]) -> Vec<String> {
    const USELESS: [&str; 5] = ["#", "javascript:", "vbscript:", "data:", "x-apple-data-detectors:"];
    let mut found: Vec<String> = vec![];
    for value in values.into_iter().flatten().map(|value| address(&value)).filter(|value| !value.is_empty()) {
        let begins = |with: &&str| value.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with));
        if !USELESS.iter().any(begins) && !found.contains(&value) {
            found.push(value);
        }
    }
    found
}

/// An attribute's address as a browser takes it: without surrounding white space, without the line ends and tabs that mailers
/// put into long ones, and whole within a text. `&` that was escaped more than once is `&`, since no link means `&amp;`.
fn address(value: &str) -> String {
    let edge = |c: char| c.is_whitespace() || c.is_control();
    let whole: String = value.trim_matches(edge).chars().filter(|c| !matches!(c, '\t' | '\n' | '\r')).collect();
    if link::after_scheme(&whole).is_none() {
        return whole;
    }
    let mut out = String::with_capacity(whole.len());
    for (index, part) in whole.split('&').enumerate() {
        if index > 0 {
            out.push('&');
        }
        out.push_str(if index > 0 { link::without_amp(part) } else { part });
    }
    link::within_text(&out)
}

fn is_block(name: &str) -> bool {
    // In groups, to be read.
    matches!(name, "p" | "div" | "center" | "blockquote" | "hr" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "address")
        || matches!(name, "table" | "caption" | "thead" | "tbody" | "tfoot" | "tr")
        || matches!(name, "ul" | "ol" | "li" | "dl" | "dt" | "dd" | "menu" | "dir")
        || matches!(
            name,
            "section" | "article" | "aside" | "nav" | "header" | "footer" | "main" | "figure" | "figcaption"
        )
        || matches!(name, "body" | "form" | "fieldset" | "legend" | "details" | "summary" | "option" | "dialog")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_becomes_the_text_a_person_reads_with_links_after_their_text() {
        for (html, expected) in [
            ("a<br>b<p>c</p>d", "a\nb\nc\nd"),
            ("<table><tr><td>Video ID:</td><td>12</td></tr><tr><td>x", "Video ID: 12\nx"),
            ("Join <a href=\"https://x.example/?a=1&amp;b=2\">here</a>.", "Join here <https://x.example/?a=1&b=2> ."),
            ("<a href='https://x.example/'>https://x.example/</a>", "https://x.example/"),
            (
                "<a href=\"https://w.example/?u=x\" originalsrc=\"https://x.example\">go",
                "go <https://w.example/?u=x> <https://x.example>",
            ),
            (
                "<a href=\"javascript:location='https://e.example'\">x</a><a href='data:text/html,y'>z</a><a href=#top>t</a>",
                "xzt",
            ),
            ("<style>a{}</style><script>'</p>'</script><title>t</title>b<!-- c --><!--[if mso]>d<![endif]-->e", "be"),
            ("a\n  b\tc&nbsp;d &#x41;&amp;&copy;", "a b c\u{a0}d A&©"),
            ("<pre>a\n  b</pre>c", "a\n  b\nc"),
            ("<img alt=\"a > b\" src=x><a title='1 > 0' href='https://x.example'>J</a>", "J <https://x.example>"),
            ("<p class=MsoNormal>A<o:p></o:p></p><p><o:p>&nbsp;</o:p></p>B", "A\n\u{a0}\nB"),
            ("https://x.example/<wbr>j/1&#8203;2&shy;3", "https://x.example/j/1\u{200b}2\u{ad}3"),
            ("<ul><li>a<ul><li>b</li></ul></li><li>c</ul>d", "a\nb\nc\nd"),
            (
                "<!--[if !mso]><!--><a href=https://x.example/1>go</a><!--<![endif]--><!--[if mso]>no<![endif]-->",
                "go <https://x.example/1>",
            ),
            ("a<!-- never closed <b>c", "a"),
            ("a < b <", "a < b <"),
            ("<b>bold</b>face", "boldface"),
            ("", ""),
        ] {
            assert_eq!(text(html).0, expected, "{html}");
        }
    }

    #[test]
    fn addresses_are_those_a_browser_would_follow() {
        for (html, expected) in [
            ("<a href='\n https://x.example/a\n\tb c?d=\u{a0}e '>j</a>", "j <https://x.example/ab%20c?d=%C2%A0e>"),
            (
                "<a href='https://x.example/?a=1&amp;amp;b=2&amp;amp;amp;c=3'>j</a>",
                "j <https://x.example/?a=1&b=2&c=3>",
            ),
            (
                "<a href='https://x.example/?a=1&b=2&copy=3&#38;d=&#x34;'>j</a>",
                "j <https://x.example/?a=1&b=2&copy=3&d=4>",
            ),
            ("<a href=https://x.example/?a=b>j</a> k", "j <https://x.example/?a=b> k"),
            ("<a href='https://x.example/?c={&quot;a&quot;:1}'>j</a>", "j <https://x.example/?c={%22a%22:1}>"),
            ("<a href=' java\nscript:x'>j</a><a href='x-apple-data-detectors://1'>k</a>", "jk"),
            (
                "<map><area href='https://x.example/1'>a<area href='https://x.example/2'></map>b",
                "<https://x.example/1> a <https://x.example/2> b",
            ),
            ("<a href='https://x.example/'>https://x.example</a>", "https://x.example"),
            (
                "see <a href='https://x.example/12345'>https://x.example/12…</a> now",
                "see <https://x.example/12345> now",
            ),
            ("<a href='https://x.example/12345'>https://x.example/12...</a>", "<https://x.example/12345>"),
            ("<a href='mailto:t@x.example'>t@x.example</a>", "t@x.example <mailto:t@x.example>"),
            ("<table><tr><td><a href='https://x.example'>j<td>k</td></table>l", "j k <https://x.example>\nl"),
            (
                "<a href='https://x.example/' data-saferedirecturl='https://www.google.com/url?q=y' title='t'>j</a>",
                "j <https://x.example/>",
            ),
            ("<base href='https://x.example'><a href='/j/1'>j</a>", "j </j/1>"),
            ("<p style='display:none'>a</p><p hidden>b", "a\nb"),
        ] {
            assert_eq!(text(html).0, expected, "{html}");
        }
    }

    #[test]
    fn descriptions_with_tags_keep_their_line_ends() {
        for (marked, expected) in [
            (
                "<b>ID:</b> 882&nbsp;3981<br>\nCode: 1\n\n<a href=\"https://x.example/?a&amp;b\">go</a>",
                "ID: 882\u{a0}3981\nCode: 1\n\ngo <https://x.example/?a&b>",
            ),
            ("Join<https://x.example/1>\nAnn <ann@x.example><br/>", "Join<https://x.example/1>\nAnn <ann@x.example>"),
        ] {
            assert!(is_marked(marked), "{marked}");
            assert_eq!(marked_text(marked).0, expected, "{marked}");
        }
        for plain in ["a < b", "<https://x.example>", "<a@x.example>", "x<", "1 <b 2", ""] {
            assert!(!is_marked(plain), "{plain}");
        }
    }

    #[test]
    fn tags_with_thousands_of_attributes_cost_no_more_than_others() {
        let attributes: String = (0..100_000).map(|number| format!("a{number} ")).collect();
        let html = format!("<p {attributes}>lost</p>kept <a href='https://x.example'>link</a>");
        assert!(text(&html).0.ends_with("link <https://x.example>"));
    }

    #[test]
    fn deep_nesting_is_only_long() {
        let html = "<div>".repeat(100_000) + "x";
        assert_eq!(text(&html), ("x".to_owned(), false));
    }

    #[test]
    fn long_attributes_and_characters_across_pieces_stay_whole() {
        let link = format!("https://x.example/?q={}", "é%20".repeat(2000));
        let html = format!("{}<a href=\"{link}\">j</a>", "é".repeat(700));
        assert!(text(&html).0.ends_with(&format!("j <{link}>")));
    }
}
