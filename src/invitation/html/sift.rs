//! An HTML document taken apart.
//!
//! In: HTML as anybody wrote it. Out: its text, decoded, and its tags with the attributes that are read, one [`Piece`] after the
//! other; no comments, declarations, or elements nobody reads (scripts, styles, titles), so that neither the number nor the
//! length of those costs anything later: Word's style sheets are longer than the invitations they stand in.
//! Ends of comments, tags and elements are where a browser sees them. One pass, nothing is looked at twice.
//!
//! | in the source | shown by browsers | kept |
//! |---|---|---|
//! | `<!--[if mso]> … <![endif]-->` | no | no: the same stands beside it for everybody else |
//! | `<!--[if !mso]><!--> … <!--<![endif]-->` | yes | yes |
//! | `<![if !mso]> … <![endif]>` | yes | yes |
//! | `<![CDATA[…]]>` | no | no |
//! | `<https://x.example>`, `<a@x.example>`, which somebody forgot to escape | no | yes |

use super::reference::{self, Within};

/// Elements whose content is no text for people.
const DROPPED: [&str; 8] = ["script", "style", "title", "textarea", "xmp", "iframe", "noembed", "noframes"];

/// Attributes that are read later.
pub(super) const KEPT: [&str; 2] = ["href", "originalsrc"];

/// Schemes that show that `<…>` is an address, not a tag.
const SCHEMES: [&str; 7] = ["http:", "https:", "mailto:", "sip:", "sips:", "h323:", "tel:"];

/// Most tags and `&` that are read. They are what costs time; invitations have some thousands.
pub(in crate::invitation) const MARKS_MAX: usize = 200_000;

/// A part of a document.
#[derive(Debug, PartialEq)]
pub(super) enum Piece<'t> {
    /// Text, its references decoded. What follows may be text, too.
    Text(&'t str),
    /// A start tag: its name as written, and of the attributes of [`KEPT`] the first of each name, decoded.
    Start(&'t str, [Option<String>; 2]),
    /// An end tag: its name as written.
    End(&'t str),
}

/// Tells the pieces of `html`; `true`: its end was left out for having too many tags.
pub(super) fn sift(html: &str, tell: &mut dyn FnMut(Piece<'_>)) -> bool {
    let mut rest = html;
    let mut marks = 0;
    let mut character = String::new();
    while let Some(at) = memchr::memchr2(b'<', b'&', rest.as_bytes()) {
        if at > 0 {
            tell(Piece::Text(&rest[..at]));
        }
        rest = &rest[at..];
        marks += 1;
        if marks > MARKS_MAX {
            return true;
        }
        let bytes = rest.as_bytes();
        rest = match (bytes.get(1), bytes.get(2)) {
            _ if bytes[0] == b'&' => {
                character.clear();
                let after = reference::decode(rest, Within::Text, &mut character);
                tell(Piece::Text(&character));
                after
            }
            (Some(b'!'), _) if rest.starts_with("<!--") => after_comment(&rest[4..]),
            (Some(b'/'), Some(letter)) if letter.is_ascii_alphabetic() => end_tag(tell, &rest[2..]),
            (Some(b'!' | b'?'), _) | (Some(b'/'), Some(_)) => after(rest, ">"),
            (Some(letter), _) if letter.is_ascii_alphabetic() => start_tag(tell, &rest[1..]),
            _ => {
                tell(Piece::Text("<"));
                &rest[1..]
            }
        };
    }
    if !rest.is_empty() {
        tell(Piece::Text(rest));
    }
    false
}

/// What follows the first `end`; nothing when there is none.
fn after<'t>(text: &'t str, end: &str) -> &'t str {
    text.split_once(end).map_or("", |(_, after)| after)
}

/// What follows a comment of which `<!--` has been read.
fn after_comment(text: &str) -> &str {
    // `<!-->` and `<!--->` are whole comments.
    if let Some(after) = text.strip_prefix('>').or_else(|| text.strip_prefix("->")) {
        return after;
    }
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("--") {
        if let Some(after) = after.strip_prefix('>').or_else(|| after.strip_prefix("!>")) {
            return after;
        }
        // Of `--->` the last two hyphens count.
        rest = &rest[rest.len() - after.len() - 1..];
    }
    ""
}

fn name(text: &str) -> &str {
    let end = text.bytes().position(|byte| is_space(byte) || matches!(byte, b'/' | b'>')).unwrap_or(text.len());
    &text[..end]
}

/// White space between attributes.
fn is_space(byte: u8) -> bool {
    byte.is_ascii_whitespace()
}

fn end_tag<'t>(tell: &mut dyn FnMut(Piece<'_>), text: &'t str) -> &'t str {
    let name = name(text);
    // A browser reads attributes of an end tag, too, to find where it ends.
    let Some(after) = attributes(&text[name.len()..], &mut |_, _| {}) else { return "" };
    tell(Piece::End(name));
    after
}

/// Tells a tag of which `<` has been read, or skips the content of an element nobody reads.
fn start_tag<'t>(tell: &mut dyn FnMut(Piece<'_>), text: &'t str) -> &'t str {
    // Up to the next `<`, so that no part of the text is looked at for two of them.
    let ends = |byte: u8| is_space(byte) || matches!(byte, b'/' | b'<' | b'>');
    let head = &text.as_bytes()[..text.bytes().position(ends).unwrap_or(text.len())];
    let scheme = |scheme: &&str| text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    if head.contains(&b'@') || (head.contains(&b':') && SCHEMES.iter().any(scheme)) {
        tell(Piece::Text("<"));
        return text;
    }
    let name = name(text);
    let mut kept = [None; 2];
    let after = attributes(&text[name.len()..], &mut |attribute, value| {
        if let Some(index) = KEPT.iter().position(|kept| attribute.eq_ignore_ascii_case(kept)) {
            kept[index] = kept[index].or(Some(value));
        }
    });
    // A tag that never ends is nothing.
    let Some(after) = after else { return "" };
    if DROPPED.iter().any(|each| name.eq_ignore_ascii_case(each)) {
        return to_end_tag(after, name);
    }
    let decoded = |value: &str| reference::decode_all(&value.replace('\0', "\u{fffd}"), Within::Attribute);
    tell(Piece::Start(name, kept.map(|value| value.map(decoded))));
    after
}

/// `text` from the end tag of `name` on.
fn to_end_tag<'t>(text: &'t str, name: &str) -> &'t str {
    let mut rest = text;
    while let Some(at) = rest.find("</") {
        rest = &rest[at..];
        let theirs = rest.get(2..2 + name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name));
        let next = rest.as_bytes().get(2 + name.len()).copied();
        if theirs && next.is_some_and(|byte| byte.is_ascii_whitespace() || matches!(byte, b'/' | b'>')) {
            return rest;
        }
        rest = &rest[2..];
    }
    ""
}

/// Tells each attribute that has a value, the value as written within its quotes, and gives what follows the tag's `>`. `None`:
/// the tag never ends.
fn attributes<'t>(text: &'t str, tell: &mut dyn FnMut(&'t str, &'t str)) -> Option<&'t str> {
    let mut rest = text;
    loop {
        rest = behind(rest, |byte| is_space(byte) || byte == b'/');
        if let Some(after) = rest.strip_prefix('>') {
            return Some(after);
        }
        // A name may begin with `=`, and with nothing else that ends one.
        let first = rest.chars().next()?.len_utf8();
        let end = rest[first..].bytes().position(|byte| is_space(byte) || matches!(byte, b'/' | b'>' | b'='))? + first;
        let attribute = &rest[..end];
        rest = behind(&rest[end..], is_space);
        let Some(value) = rest.strip_prefix('=') else { continue };
        let value = behind(value, is_space);
        let (value, after) = match *value.as_bytes().first()? {
            quote @ (b'"' | b'\'') => {
                let end = memchr::memchr(quote, &value.as_bytes()[1..])? + 1;
                (&value[1..end], &value[end + 1..])
            }
            _ => value.split_at(value.bytes().position(|byte| is_space(byte) || byte == b'>')?),
        };
        rest = after;
        tell(attribute, value);
    }
}

/// `text` from the first byte on that is none of those.
fn behind(text: &str, those: impl Fn(u8) -> bool) -> &str {
    &text[text.bytes().position(|byte| !those(byte)).unwrap_or(text.len())..]
}

#[cfg(test)]
mod tests {
    use html5ever::tokenizer::{BufferQueue, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts};
    use proptest::prelude::*;

    use super::*;

    /// The pieces, written as HTML again.
    fn sifted(html: &str) -> (String, bool) {
        let mut out = String::new();
        let cut = sift(html, &mut |piece| match piece {
            Piece::Text(part) => out.push_str(part),
            Piece::Start(name, values) => {
                let attributes =
                    KEPT.iter().zip(values).filter_map(|(name, value)| Some(format!(" {name}={}", value?)));
                out.push_str(&format!("<{name}{}>", attributes.collect::<String>()));
            }
            Piece::End(name) => out.push_str(&format!("</{name}>")),
        });
        (out, cut)
    }

    #[test]
    fn what_browsers_show_is_kept_and_the_rest_dropped() {
        for (html, expected) in [
            ("a<!-- b -->c<!---->d<!-->e<!--->f<!-- --- -->g<!-- --!>h", "acdefgh"),
            ("<!--[if mso]>a<![endif]-->b<!--[if !mso]><!-->c<!--<![endif]-->d", "bcd"),
            ("<![if !mso]>a<![endif]>b<!DOCTYPE html><?xml version=\"1.0\"?>c<![CDATA[d]]>e", "abce"),
            ("a<!-- never ends <b>", "a"),
            ("<style><!-- .x{} </style>a<!-- b -->c", "</style>ac"),
            ("<STYLE type='text/css'>p > a { color: '</p>' }</Style >a", "</Style>a"),
            ("<script>if (a</scripts) </script>b<title>c</title/>d", "</script>b</title>d"),
            ("<title>never ends", ""),
            ("a < b <3 </3> c <", "a < b <3  c <"),
            ("<p class=x\tstyle=\"a > b\" id>y</p class='>'>z", "<p>y</p>z"),
            ("<a\nclass=c HREF = 'x>y' target=_blank/>z", "<a href=x>y>z"),
            ("<a href=https://x.example/?a=b/>z", "<a href=https://x.example/?a=b/>z"),
            ("<a href=\"x\"originalsrc='y'title=\"z\"=>j", "<a href=x originalsrc=y>j"),
            (
                "a<https://x.example/?a=1>b <Ann@x.example> <MAILTO:a@x.example>",
                "a<https://x.example/?a=1>b <Ann@x.example> <MAILTO:a@x.example>",
            ),
            ("<a href=\"never ends>b", ""),
            ("<a href=", ""),
            ("a<b", "a"),
            ("<é>", "<é>"),
            ("</a é=\"ü\">", "</a>"),
        ] {
            assert_eq!(sifted(html).0, expected, "{html}");
        }
    }

    #[test]
    fn more_tags_than_any_invitation_has_are_not_read() {
        for piece in ["<p>", "<a href=x>", "&", "&lt;"] {
            assert!(!sifted(&piece.repeat(MARKS_MAX)).1, "{piece}");
            let (read, cut) = sifted(&format!("{}end", piece.repeat(MARKS_MAX + 1)));
            assert!(cut && !read.ends_with("end"), "{piece}");
        }
    }

    #[test]
    fn what_has_no_end_is_looked_through_once() {
        for piece in
            ["<https:x", "<a@x", "<!-- -", "<style></styl", "<p a=\"", "<a b ", "</", "<!", "<title>x", "<p =", "<"]
        {
            let html = piece.repeat(200_000);
            assert!(sifted(&html).0.len() <= html.len() * 2, "{piece}");
        }
    }

    /// What a browser's tokenizer makes of a document, written as [`sifted`] does.
    #[derive(Default)]
    struct Browser(std::cell::RefCell<String>);

    impl TokenSink for &Browser {
        type Handle = ();

        fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
            let mut out = self.0.borrow_mut();
            match token {
                Token::TagToken(tag) if tag.kind == TagKind::StartTag => {
                    let value = |name| tag.attrs.iter().find(|each| &*each.name.local == name);
                    let values = KEPT.iter().filter_map(|name| Some(format!(" {name}={}", value(*name)?.value)));
                    out.push_str(&format!("<{}{}>", tag.name, values.collect::<String>()));
                }
                Token::TagToken(tag) => out.push_str(&format!("</{}>", tag.name)),
                Token::CharacterTokens(text) => out.push_str(&text),
                Token::NullCharacterToken => out.push('\0'),
                _ => {}
            }
            TokenSinkResult::Continue
        }
    }

    fn by_browser(html: &str) -> String {
        let sink = Browser::default();
        let tokenizer = Tokenizer::new(&sink, TokenizerOpts::default());
        let input = BufferQueue::default();
        input.push_back(html.into());
        let _ = tokenizer.feed(&input);
        tokenizer.end();
        drop(tokenizer);
        sink.0.into_inner()
    }

    /// Documents without what is dropped or kept on purpose.
    fn documents() -> impl Strategy<Value = String> {
        const PIECES: &[&str] = &[
            "<p>",
            "</p>",
            "<a href=",
            "<a class='b' href='",
            "<a x originalsrc=\"",
            "<a href=1 href=2>",
            "</a>",
            "<br/>",
            "</br x='>'>",
            "\"",
            "'",
            ">",
            "<",
            "/",
            "=",
            " ",
            "\n",
            "\t",
            "&",
            "&amp;",
            "&amp",
            "&nbsp;",
            "&copy",
            "&copy=",
            "&notit;",
            "&notin;",
            "&#65;",
            "&#x2019;",
            "&#150",
            "&#0;",
            "&#99999999999;",
            "&#;",
            "&bogus;",
            "&CounterClockwiseContourIntegral;",
            "&;",
            ";",
            "x",
            "1",
            "é",
            "<!-- ",
            "-->",
            "--!>",
            "<!-->",
            "<!DOCTYPE html>",
            "<?xml ?>",
            "</ x>",
            "</>",
            "https",
            "title=",
            "!",
            "-",
        ];
        prop::collection::vec(prop::sample::select(PIECES), 0..24).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]
        #[test]
        fn a_document_is_taken_apart_as_browsers_do_it(html in documents()) {
            // A browser writes names in lower case.
            prop_assert_eq!(sifted(&html).0.to_ascii_lowercase(), by_browser(&html).to_ascii_lowercase());
        }
    }
}
