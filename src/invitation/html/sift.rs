//! What of an HTML document is worth a tokenizer's time.
//!
//! In: HTML as anybody wrote it. Out: the same without comments, declarations, elements nobody reads (scripts, styles, titles),
//! and attributes nobody asks for, so that neither the number nor the length of those costs anything later: Word's style sheets
//! are longer than the invitations they stand in, and a tokenizer looks through all attributes of a tag for each further one.
//! Ends of comments, tags and elements are where a browser sees them. One pass, nothing is looked at twice.
//!
//! | in the source | shown by browsers | kept |
//! |---|---|---|
//! | `<!--[if mso]> … <![endif]-->` | no | no: the same stands beside it for everybody else |
//! | `<!--[if !mso]><!--> … <!--<![endif]-->` | yes | yes |
//! | `<![if !mso]> … <![endif]>` | yes | yes |
//! | `<![CDATA[…]]>` | no | no |
//! | `<https://x.example>`, `<a@x.example>`, which somebody forgot to escape | no | yes |

/// Elements whose content is no text for people.
const DROPPED: [&str; 8] = ["script", "style", "title", "textarea", "xmp", "iframe", "noembed", "noframes"];

/// Attributes that are read later.
const KEPT: [&str; 2] = ["href", "originalsrc"];

/// Schemes that show that `<…>` is an address, not a tag.
const SCHEMES: [&str; 7] = ["http:", "https:", "mailto:", "sip:", "sips:", "h323:", "tel:"];

/// Most tags and `&` that are read. They are what costs time; invitations have some thousands.
pub(in crate::invitation) const MARKS_MAX: usize = 200_000;

/// The worthwhile part of `html`, and whether its end was left out for having too many tags.
pub(super) fn sift(html: &str) -> (String, bool) {
    let mut out = String::with_capacity(html.len());
    let mut rest = html;
    let mut marks = 0;
    while let Some(at) = rest.find(['<', '&']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        marks += 1;
        if marks > MARKS_MAX {
            return (out, true);
        }
        let bytes = rest.as_bytes();
        rest = match (bytes.get(1), bytes.get(2)) {
            _ if bytes[0] == b'&' => {
                out.push('&');
                &rest[1..]
            }
            (Some(b'!'), _) if rest.starts_with("<!--") => after_comment(&rest[4..]),
            (Some(b'/'), Some(letter)) if letter.is_ascii_alphabetic() => end_tag(&mut out, &rest[2..]),
            (Some(b'!' | b'?'), _) | (Some(b'/'), Some(_)) => after(rest, ">"),
            (Some(letter), _) if letter.is_ascii_alphabetic() => start_tag(&mut out, &rest[1..]),
            _ => {
                out.push('<');
                &rest[1..]
            }
        };
    }
    out.push_str(rest);
    (out, false)
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
    let end = text.find(|c: char| c.is_ascii_whitespace() || matches!(c, '/' | '>')).unwrap_or(text.len());
    &text[..end]
}

fn end_tag<'t>(out: &mut String, text: &'t str) -> &'t str {
    let name = name(text);
    // A browser reads attributes of an end tag, too, to find where it ends.
    let Some(after) = attributes(&text[name.len()..], &mut |_, _| {}) else { return "" };
    for part in ["</", name, ">"] {
        out.push_str(part);
    }
    after
}

/// Copies a tag of which `<` has been read, and skips the content of an element nobody reads.
fn start_tag<'t>(out: &mut String, text: &'t str) -> &'t str {
    // Up to the next `<`, so that no part of the text is looked at for two of them.
    let address = text.find(|c: char| c.is_ascii_whitespace() || matches!(c, '/' | '<' | '>')).unwrap_or(text.len());
    let scheme = |scheme: &&str| text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    if text[..address].contains('@') || SCHEMES.iter().any(scheme) {
        out.push_str("&lt;");
        return text;
    }
    let name = name(text);
    let begin = out.len();
    out.push('<');
    out.push_str(name);
    let after = attributes(&text[name.len()..], &mut |attribute, value| {
        if KEPT.iter().any(|kept| attribute.eq_ignore_ascii_case(kept)) {
            for part in [" ", attribute, "=", value] {
                out.push_str(part);
            }
        }
    });
    let dropped = DROPPED.iter().any(|each| name.eq_ignore_ascii_case(each));
    match after {
        Some(after) if !dropped => {
            out.push_str(" >");
            after
        }
        Some(after) => {
            out.truncate(begin);
            to_end_tag(after, name)
        }
        // A tag that never ends is nothing.
        None => {
            out.truncate(begin);
            ""
        }
    }
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

/// Tells each attribute that has a value, the value as written with its quotes, and gives what follows the tag's `>`. `None`:
/// the tag never ends.
fn attributes<'t>(text: &'t str, tell: &mut dyn FnMut(&'t str, &'t str)) -> Option<&'t str> {
    let space = |c: char| c.is_ascii_whitespace();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(|c| space(c) || c == '/');
        if let Some(after) = rest.strip_prefix('>') {
            return Some(after);
        }
        // A name may begin with `=`, and with nothing else that ends one.
        let first = rest.chars().next()?.len_utf8();
        let end = rest[first..].find(|c| space(c) || matches!(c, '/' | '>' | '='))? + first;
        let attribute = &rest[..end];
        rest = rest[end..].trim_start_matches(space);
        let Some(value) = rest.strip_prefix('=') else { continue };
        let value = value.trim_start_matches(space);
        let end = match value.chars().next()? {
            quote @ ('"' | '\'') => value[1..].find(quote)? + 2,
            _ => value.find(|c| space(c) || c == '>')?,
        };
        tell(attribute, &value[..end]);
        rest = &value[end..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            ("<p class=x\tstyle=\"a > b\" id>y</p class='>'>z", "<p >y</p>z"),
            ("<a\nclass=c HREF = 'x>y' target=_blank/>z", "<a HREF='x>y' >z"),
            ("<a href=https://x.example/?a=b/>z", "<a href=https://x.example/?a=b/ >z"),
            ("<a href=\"x\"originalsrc='y'title=\"z\"=>j", "<a href=\"x\" originalsrc='y' >j"),
            (
                "a<https://x.example/?a=1>b <Ann@x.example> <MAILTO:a@x.example>",
                "a&lt;https://x.example/?a=1>b &lt;Ann@x.example> &lt;MAILTO:a@x.example>",
            ),
            ("<a href=\"never ends>b", ""),
            ("<a href=", ""),
            ("a<b", "a"),
            ("<é>", "<é>"),
            ("</a é=\"ü\">", "</a>"),
        ] {
            assert_eq!(sift(html).0, expected, "{html}");
        }
    }

    #[test]
    fn more_tags_than_any_invitation_has_are_not_read() {
        for piece in ["<p>", "<a href=x>", "&", "&lt;"] {
            assert!(!sift(&piece.repeat(MARKS_MAX)).1, "{piece}");
            let (read, cut) = sift(&format!("{}end", piece.repeat(MARKS_MAX + 1)));
            assert!(cut && !read.ends_with("end"), "{piece}");
        }
    }

    #[test]
    fn what_has_no_end_is_looked_through_once() {
        for piece in
            ["<https:x", "<a@x", "<!-- -", "<style></styl", "<p a=\"", "<a b ", "</", "<!", "<title>x", "<p =", "<"]
        {
            let html = piece.repeat(200_000);
            assert!(sift(&html).0.len() <= html.len() * 2, "{piece}");
        }
    }
}
