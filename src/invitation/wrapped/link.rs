//! A link taken apart, as far as rewriters need it.

use super::percent;
use crate::invitation::normal;

/// `http(s)://host[:port]/path?query`, each part as written, except for the host.
#[derive(Clone, Copy)]
pub(crate) struct Link<'t> {
    /// All of it.
    pub(crate) whole: &'t str,
    /// Without port and user, as written.
    host: &'t str,
    /// Path, query and fragment; may be empty.
    pub(crate) after_host: &'t str,
    /// From the first `/` on; may be empty.
    pub(crate) path: &'t str,
    /// After the `?`; may be empty.
    pub(crate) query: &'t str,
}

impl<'t> Link<'t> {
    /// Takes an http or https link apart; anything else is `None`.
    pub(crate) fn parse(whole: &'t str) -> Option<Self> {
        let rest = after_scheme(whole)?;
        let ends = |byte: &u8| matches!(byte, b'/' | b'?' | b'#' | b'\\');
        let authority_end = rest.as_bytes().iter().position(ends).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at(authority_end);
        // A user before the host is how a link pretends to lead elsewhere.
        if authority.bytes().any(|byte| byte == b'@') {
            return None;
        }
        let host = &authority[..authority.bytes().position(|byte| byte == b':').unwrap_or(authority.len())];
        let host = host.strip_suffix('.').unwrap_or(host);
        if host.is_empty() {
            return None;
        }
        let (path, query) = match memchr::memchr(b'?', rest.as_bytes()) {
            Some(at) => (&rest[..at], &rest[at + 1..]),
            None => (rest, ""),
        };
        Some(Self { whole, host, after_host: rest, path, query })
    }

    /// Whether the host is this one, ignoring case.
    pub(crate) fn host_is(&self, host: &str) -> bool {
        self.host.eq_ignore_ascii_case(host)
    }

    /// Whether the host is below `domain`; the domain itself is not.
    pub(crate) fn host_below(&self, domain: &str) -> bool {
        self.host_starts(domain).is_some_and(|start| start.len() > 1 && start.ends_with('.'))
    }

    /// What of the host stands before `end`, if it ends so, ignoring case.
    pub(crate) fn host_starts(&self, end: &str) -> Option<&'t str> {
        let at = self.host.len().checked_sub(end.len())?;
        let (start, theirs) = self.host.split_at_checked(at)?;
        theirs.eq_ignore_ascii_case(end).then_some(start)
    }

    /// The end of the host from the dot before the last one on: `example.com` of `x.example.com`.
    pub(crate) fn last_two_labels(&self) -> &'t str {
        let dots = memchr::memrchr_iter(b'.', self.host.as_bytes());
        dots.skip(1).map(|dot| &self.host[dot + 1..]).next().unwrap_or(self.host)
    }

    /// The host as written.
    pub(crate) fn host(&self) -> &'t str {
        self.host
    }

    /// A query parameter as written, the first of that name. `&amp;` separates as `&` does, however often it was escaped.
    pub(crate) fn raw_parameter(&self, name: &str) -> Option<&'t str> {
        let bytes = self.query.as_bytes();
        let query = &self.query[..memchr::memchr(b'#', bytes).unwrap_or(bytes.len())];
        let mut begin = 0;
        memchr::memchr_iter(b'&', query.as_bytes()).chain([query.len()]).find_map(|end| {
            let pair = without_amp(&query[begin..end]);
            begin = end + 1;
            let (key, value) = pair.split_at_checked(name.len())?;
            let value = if value.is_empty() { value } else { value.strip_prefix('=')? };
            key.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    /// A query parameter, percent-decoded once.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        self.raw_parameter(name).map(percent::decode)
    }
}

/// What stands behind an `&` that was escaped, however often.
pub(crate) fn without_amp(mut text: &str) -> &str {
    while let Some(rest) = text.strip_prefix("amp;") {
        text = rest;
    }
    text
}

/// What follows `http://` or `https://`.
pub(crate) fn after_scheme(text: &str) -> Option<&str> {
    ["https://", "http://"].into_iter().find_map(|scheme| {
        text.get(..scheme.len()).filter(|start| start.eq_ignore_ascii_case(scheme)).map(|_| &text[scheme.len()..])
    })
}

/// Whether a link in a text cannot go on with this character: what people and mail programs write around links, white space,
/// and everything invisible. Closing marks of East Asian text stand right after a link, without a space.
#[inline]
pub(crate) fn ends_link(c: char) -> bool {
    match c {
        '\0'..=' ' | '<' | '>' | '"' | '\x7f' => true,
        '!'..='~' => false,
        '“' | '”' | '„' | '‘' | '’' | '«' | '»' | '‹' | '›' | '…' => true,
        '\u{3001}'..='\u{3003}' | '\u{3008}'..='\u{3011}' | '\u{3014}'..='\u{301f}' => true,
        '！' | '（' | '）' | '，' | '．' | '：' | '；' | '＜' | '＞' | '？' | '［' | '］' | '｛' | '｝' | '｡' | '｢'
        | '｣' | '､' => true,
        _ => c.is_whitespace() || c.is_control() || normal::is_invisible(c),
    }
}

/// How many bytes of `text` a link in it can take: up to the first character that ends one.
pub(crate) fn run(text: &str) -> usize {
    let mut at = 0;
    loop {
        // Links are ASCII nearly always, and ASCII needs no decoding.
        at += normal::run(&text.as_bytes()[at..], ascii_ends_link);
        match text[at..].chars().next() {
            Some(c) if !ends_link(c) => at += c.len_utf8(),
            _ => return at,
        }
    }
}

/// Whether a byte ends the part of a link that needs no decoding: white space, control characters, what is not ASCII, `<`, `>`, `"`.
fn ascii_ends_link(byte: u8) -> bool {
    (byte <= b' ') | (byte >= 0x7f) | (byte == b'<') | (byte == b'>') | (byte == b'"')
}

/// The link, percent-coded where a text would end it.
pub(crate) fn within_text(link: &str) -> String {
    if run(link) == link.len() {
        return link.to_owned();
    }
    let mut out = String::with_capacity(link.len());
    for c in link.chars() {
        if ends_link(c) {
            percent::encode_to(&mut out, c.encode_utf8(&mut [0; 4]));
        } else {
            out.push(c);
        }
    }
    out
}
