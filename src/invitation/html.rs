//! HTML to text, the way mail programs write the text part of an HTML mail: `text <link>`.
//!
//! The tokenizer is that of a browser, so entities, attributes and broken tags are read as browsers read them; there is no tree,
//! so nesting costs nothing. Scripts, styles, titles and comments are dropped, block elements and `br` end a line, white space
//! collapses (but in `pre`), and a link's address follows its text, with Outlook's `originalsrc` after it.

use std::cell::{Cell, RefCell};

use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts};

/// The tokenizer looks through all attributes of a tag for each further one, so a tag with very many is abandoned. Separators of
/// attributes are counted since the last token.
const SEPARATORS_MAX: usize = 1024;

/// How much is fed at a time, in bytes: the count above is taken in between.
const PIECE: usize = 1024;

/// Turns HTML into text.
pub(super) fn text(html: &str) -> String {
    let html = without_comments(html);
    let sink = Writer::default();
    let mut tokenizer = Tokenizer::new(&sink, TokenizerOpts::default());
    let mut rest = &*html;
    let mut separators = 0;
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(rest.floor_char_boundary(PIECE));
        rest = after;
        sink.wrote.set(false);
        let input = BufferQueue::default();
        input.push_back(piece.into());
        // A script ends the feeding early; it goes on with what is left.
        while !input.is_empty() {
            let _ = tokenizer.feed(&input);
        }
        let here = piece.bytes().filter(|byte| byte.is_ascii_whitespace() || b"/\"'".contains(byte)).count();
        separators = if sink.wrote.get() { here } else { separators + here };
        if separators > SEPARATORS_MAX + PIECE {
            tokenizer = Tokenizer::new(&sink, TokenizerOpts::default());
            separators = 0;
        }
    }
    tokenizer.end();
    drop(tokenizer);
    sink.finish()
}

/// The HTML up to the first unfinished comment, comments left out.
fn without_comments(html: &str) -> std::borrow::Cow<'_, str> {
    if !html.contains("<!--") {
        return html.into();
    }
    let mut out = String::with_capacity(html.len());
    let mut rest = html;
    while let Some((before, comment)) = rest.split_once("<!--") {
        out.push_str(before);
        rest = comment.split_once("-->").map_or("", |(_, after)| after);
    }
    out.push_str(rest);
    out.into()
}

#[derive(Default)]
struct Writer {
    out: RefCell<Out>,
    /// A token arrived since this was last cleared.
    wrote: Cell<bool>,
}

#[derive(Default)]
struct Out {
    text: String,
    /// White space stands between what was written and what comes.
    space: bool,
    /// Inside how many `pre`.
    pre: usize,
    /// Inside `script`, `style`, `title`: dropped.
    dropped: bool,
    /// The addresses of the link we are in, and where its text began.
    link: Option<(Vec<String>, usize)>,
}

impl Writer {
    fn finish(self) -> String {
        let mut out = self.out.into_inner();
        out.end_link();
        out.text.truncate(out.text.trim_end().len());
        out.text
    }
}

impl Out {
    fn characters(&mut self, text: &str) {
        if self.dropped {
            return;
        }
        if self.pre > 0 {
            self.gap();
            self.text.push_str(text);
            return;
        }
        for character in text.chars() {
            // A no-break space is a character here; it becomes a space later.
            if matches!(character, ' ' | '\n' | '\t' | '\r' | '\u{c}') {
                self.space = true;
            } else {
                self.gap();
                self.text.push(character);
            }
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

    fn end_link(&mut self) {
        let Some((addresses, begin)) = self.link.take() else { return };
        for address in addresses {
            if self.text.get(begin..).is_some_and(|text| text.trim() == address) {
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

    fn start(&mut self, tag: &Tag) -> TokenSinkResult<()> {
        let name = &*tag.name;
        match name {
            "script" => {
                self.dropped = true;
                return TokenSinkResult::RawData(RawKind::ScriptData);
            }
            "style" | "xmp" | "iframe" | "noembed" | "noframes" => {
                self.dropped = true;
                return TokenSinkResult::RawData(RawKind::Rawtext);
            }
            "title" | "textarea" => {
                self.dropped = true;
                return TokenSinkResult::RawData(RawKind::Rcdata);
            }
            "br" => self.end_line(),
            "pre" => {
                self.block();
                self.pre += 1;
            }
            "td" | "th" => self.space = true,
            "a" | "area" => {
                self.end_link();
                let addresses = addresses(tag);
                if !addresses.is_empty() {
                    self.link = Some((addresses, self.text.len()));
                }
            }
            _ if is_block(name) => self.block(),
            _ => {}
        }
        TokenSinkResult::Continue
    }

    fn end(&mut self, name: &str) {
        self.dropped = false;
        match name {
            "a" | "area" => self.end_link(),
            "pre" => {
                self.pre = self.pre.saturating_sub(1);
                self.block();
            }
            "td" | "th" => self.space = true,
            _ if is_block(name) => self.block(),
            _ => {}
        }
    }
}

impl TokenSink for &Writer {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        if matches!(token, Token::ParseError(_)) {
            return TokenSinkResult::Continue;
        }
        self.wrote.set(true);
        let mut out = self.out.borrow_mut();
        match token {
            Token::TagToken(tag) if tag.kind == TagKind::StartTag => return out.start(&tag),
            Token::TagToken(tag) => out.end(&tag.name),
            Token::CharacterTokens(text) => out.characters(&text),
            Token::NullCharacterToken => out.characters("\0"),
            Token::ParseError(_) | Token::CommentToken(_) | Token::DoctypeToken(_) | Token::EOFToken => {}
        }
        TokenSinkResult::Continue
    }
}

/// The addresses of a link that could be of use, each once.
fn addresses(tag: &Tag) -> Vec<String> {
    let mut found: Vec<String> = vec![];
    for attribute in ["href", "originalsrc"] {
        let value = tag.attrs.iter().find(|each| &*each.name.local == attribute).map(|each| each.value.trim());
        let Some(value) = value else { continue };
        let lower = value.get(..11).unwrap_or(value).to_ascii_lowercase();
        let useless = value.is_empty()
            || value.starts_with('#')
            || ["javascript:", "vbscript:", "data:"].iter().any(|scheme| lower.starts_with(scheme));
        if !useless && !found.iter().any(|each| each == value) {
            found.push(value.to_owned());
        }
    }
    found
}

fn is_block(name: &str) -> bool {
    matches!(
        name,
        "p" | "div"
            | "table"
            | "tr"
            | "ul"
            | "ol"
            | "li"
            | "dl"
            | "dt"
            | "dd"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
            | "hr"
            | "blockquote"
            | "section"
            | "article"
            | "header"
            | "footer"
            | "main"
            | "center"
            | "form"
            | "body"
            | "caption"
    )
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
            ("a<!-- never closed <b>c", "a"),
            ("a < b <", "a < b <"),
            ("<b>bold</b>face", "boldface"),
            ("", ""),
        ] {
            assert_eq!(text(html), expected, "{html}");
        }
    }

    #[test]
    fn tags_with_thousands_of_attributes_cost_no_more_than_others() {
        let attributes: String = (0..100_000).map(|number| format!("a{number} ")).collect();
        let html = format!("<p {attributes}>lost</p>kept <a href='https://x.example'>link</a>");
        assert!(text(&html).ends_with("link <https://x.example>"));
    }

    #[test]
    fn deep_nesting_is_only_long() {
        let html = "<div>".repeat(100_000) + "x";
        assert_eq!(text(&html), "x");
    }

    #[test]
    fn long_attributes_and_characters_across_pieces_stay_whole() {
        let link = format!("https://x.example/?q={}", "é%20".repeat(2000));
        let html = format!("{}<a href=\"{link}\">j</a>", "é".repeat(700));
        assert!(text(&html).ends_with(&format!("j <{link}>")));
    }
}
