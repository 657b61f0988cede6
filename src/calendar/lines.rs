//! Bytes of an iCalendar stream in, a tree of components out, or a proof that something is missing.
//!
//! Only structure is read here: folded lines, components, names, parameters, values as written. A stream counts as complete when
//! every component was closed and nothing follows the last `END:VCALENDAR` (`Proof::IcsEnded`): a file cut in the middle of an
//! upload has no end and is no calendar.
//!
//! | in the stream | becomes |
//! |---|---|
//! | a line that is no `NAME:value` | skipped: what is left of a text that somebody forgot to fold |
//! | an event that is not closed | broken: its UID is unreadable, the others go on |
//! | bytes that are no UTF-8 | the replacement character |

use std::borrow::Cow;

/// Why bytes are no complete calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IcsError {
    /// Nothing, or only white space.
    #[error("the calendar is empty: not even a VCALENDAR stands in it")]
    Empty,
    /// Something else than `BEGIN:VCALENDAR` comes first.
    #[error("this is not iCalendar: it does not begin with BEGIN:VCALENDAR")]
    NotCalendar,
    /// The last `END:VCALENDAR` is missing.
    #[error("the calendar is cut off: END:VCALENDAR is missing at its end")]
    CutOff,
    /// An `END` without its `BEGIN`, or components within components without end.
    #[error("the calendar's components are not closed in order (line {0})")]
    Nesting(usize),
}

/// Components within components; real calendars need four.
const DEPTH_MAX: usize = 8;

/// One component.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Component {
    /// `VEVENT` and so on, upper case.
    pub(super) name: String,
    /// In the order written.
    pub(super) properties: Vec<Property>,
    /// Components inside it.
    pub(super) children: Vec<Self>,
    /// It was never closed.
    pub(super) broken: bool,
}

/// One content line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Property {
    /// Upper case.
    pub(super) name: String,
    /// Names in upper case, values without quotes.
    pub(super) parameters: Vec<(String, String)>,
    /// As written.
    pub(super) value: String,
}

impl Component {
    /// The first property of this name.
    pub(super) fn property(&self, name: &str) -> Option<&Property> {
        self.properties.iter().find(|property| property.name == name)
    }

    /// All of this name.
    pub(super) fn properties<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Property> {
        self.properties.iter().filter(move |property| property.name == name)
    }

    /// The first property's text, escapes undone.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.property(name).map(Property::text)
    }
}

impl Property {
    /// The first parameter of this name.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    /// The value as TEXT: `\n`, `\,`, `\;`, `\\` undone.
    pub(super) fn text(&self) -> String {
        let mut text = String::with_capacity(self.value.len());
        let mut rest = self.value.chars();
        while let Some(c) = rest.next() {
            match c {
                '\\' => match rest.next() {
                    Some('n' | 'N') => text.push('\n'),
                    Some(escaped @ ('\\' | ',' | ';' | ':' | '"')) => text.push(escaped),
                    Some(other) => text.extend(['\\', other]),
                    None => text.push('\\'),
                },
                _ => text.push(c),
            }
        }
        text
    }
}

/// All `VCALENDAR`s of a stream.
///
/// # Errors
/// When the stream is no complete iCalendar.
pub(super) fn read(bytes: &[u8]) -> Result<Vec<Component>, IcsError> {
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_start_matches('\u{feff}');
    if text.trim().is_empty() {
        return Err(IcsError::Empty);
    }
    let mut calendars = Vec::new();
    let mut open: Vec<Component> = Vec::new();
    let last = text.trim_end().lines().count();
    for (number, line) in unfolded(text) {
        let Some(property) = property(&line) else {
            if open.is_empty() && !line.trim().is_empty() {
                return Err(if calendars.is_empty() { IcsError::NotCalendar } else { IcsError::Nesting(number) });
            }
            continue;
        };
        match property.name.as_str() {
            "BEGIN" => begin(&mut open, property.value.trim().to_ascii_uppercase(), number)?,
            "END" => {
                let closed = property.value.trim().to_ascii_uppercase();
                match end(&mut open, &closed, number) {
                    Ok(calendar) => calendars.extend(calendar),
                    // The end of a name is missing, too.
                    Err(IcsError::Nesting(_)) if number == last && !open.is_empty() => return Err(IcsError::CutOff),
                    Err(fault) => return Err(fault),
                }
            }
            _ => match open.last_mut() {
                Some(component) => component.properties.push(property),
                None if calendars.is_empty() => return Err(IcsError::NotCalendar),
                None => return Err(IcsError::Nesting(number)),
            },
        }
    }
    if open.is_empty() && !calendars.is_empty() { Ok(calendars) } else { Err(IcsError::CutOff) }
}

fn begin(open: &mut Vec<Component>, name: String, number: usize) -> Result<(), IcsError> {
    if open.is_empty() && name != "VCALENDAR" {
        return Err(IcsError::NotCalendar);
    }
    if open.len() >= DEPTH_MAX || (!open.is_empty() && name == "VCALENDAR") {
        return Err(IcsError::Nesting(number));
    }
    // An event never stands in an event: the one before was not closed.
    if name == "VEVENT" && open.last().is_some_and(|component| component.name == "VEVENT") {
        close_broken(open);
    }
    open.push(Component { name, ..Component::default() });
    Ok(())
}

/// Closes `name`; everything opened since is broken. Hands back a finished `VCALENDAR`.
fn end(open: &mut Vec<Component>, name: &str, number: usize) -> Result<Option<Component>, IcsError> {
    if !open.iter().any(|component| component.name == name) {
        return Err(IcsError::Nesting(number));
    }
    while open.last().is_some_and(|component| component.name != name) {
        close_broken(open);
    }
    let component = open.pop().expect("the loop above stopped at it");
    match open.last_mut() {
        Some(parent) => {
            parent.children.push(component);
            Ok(None)
        }
        None => Ok(Some(component)),
    }
}

fn close_broken(open: &mut Vec<Component>) {
    let mut component = open.pop().expect("only called with one open");
    component.broken = true;
    if let Some(parent) = open.last_mut() {
        // What is wrong inside an event may have swallowed part of it.
        parent.broken |= parent.name != "VCALENDAR";
        parent.children.push(component);
    }
}

/// Logical lines with the number of their first physical one. A line that begins with a blank goes on the one before.
fn unfolded(text: &str) -> impl Iterator<Item = (usize, Cow<'_, str>)> {
    let mut lines = text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line)).enumerate().peekable();
    std::iter::from_fn(move || {
        let (number, first) = lines.next()?;
        let mut line = Cow::Borrowed(first);
        while let Some((_, next)) = lines.next_if(|(_, next)| next.starts_with([' ', '\t'])) {
            line.to_mut().push_str(&next[1..]);
        }
        Some((number + 1, line))
    })
}

/// `NAME;PARAMETER=value,"quoted":value`.
fn property(line: &str) -> Option<Property> {
    let end = line.find([':', ';'])?;
    let name = &line[..end];
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_' || c == '.') {
        return None;
    }
    let mut parameters = Vec::new();
    let mut rest = &line[end..];
    while let Some(after) = rest.strip_prefix(';') {
        let end = unquoted(after, &[':', ';'])?;
        let (key, value) = after[..end].split_once('=').unwrap_or((&after[..end], ""));
        parameters.push((key.trim().to_ascii_uppercase(), parameter(value)));
        rest = &after[end..];
    }
    let value = rest.strip_prefix(':')?;
    Some(Property { name: name.to_ascii_uppercase(), parameters, value: value.to_owned() })
}

/// Where one of `stops` first stands outside of quotes.
fn unquoted(text: &str, stops: &[char]) -> Option<usize> {
    let mut quoted = false;
    text.char_indices().find_map(|(at, c)| {
        quoted ^= c == '"';
        // Exchange names a zone `tzone://Microsoft/Utc`, without the quotes that its colon needs.
        let in_scheme = c == ':' && text[at..].starts_with("://Microsoft/");
        (!quoted && !in_scheme && stops.contains(&c)).then_some(at)
    })
}

/// Quotes off, `^n`, `^^`, `^'` undone (RFC 6868).
fn parameter(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    let mut rest = value.chars().filter(|c| *c != '"').peekable();
    while let Some(c) = rest.next() {
        let escaped = match (c, rest.peek()) {
            ('^', Some('n')) => Some('\n'),
            ('^', Some('^')) => Some('^'),
            ('^', Some('\'')) => Some('"'),
            _ => None,
        };
        if escaped.is_some() {
            rest.next();
        }
        text.push(escaped.unwrap_or(c));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_stream_with_all_its_ends_is_a_calendar() {
        let cut = |text: &str| read(text.as_bytes()).map(|calendars| calendars.len());
        for (text, expected) in [
            ("BEGIN:VCALENDAR\nEND:VCALENDAR", Ok(1)),
            ("\u{feff}begin:vcalendar\r\nend:vcalendar\r\n\r\n", Ok(1)),
            ("BEGIN:VCALENDAR\nEND:VCALENDAR\nBEGIN:VCALENDAR\nEND:VCALENDAR\n", Ok(2)),
            ("", Err(IcsError::Empty)),
            (" \r\n\t", Err(IcsError::Empty)),
            ("<html>", Err(IcsError::NotCalendar)),
            ("HTTP/1.1 200: OK", Err(IcsError::NotCalendar)),
            ("BEGIN:VEVENT\nEND:VEVENT\n", Err(IcsError::NotCalendar)),
            ("BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:a\nEND:VEVENT\n", Err(IcsError::CutOff)),
            ("BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:a\nEND:VCALEND", Err(IcsError::CutOff)),
            ("BEGIN:VCALENDAR\nEND:VCALENDAR\nBEGIN:VCALENDAR\n", Err(IcsError::CutOff)),
            ("BEGIN:VCALENDAR\nEND:VCALENDAR\nX-MORE:1", Err(IcsError::Nesting(3))),
            ("BEGIN:VCALENDAR\nEND:VEVENT\nEND:VCALENDAR", Err(IcsError::Nesting(2))),
        ] {
            assert_eq!(cut(text), expected, "{text:?}");
        }
        assert_eq!(read(&[0xff, 0xfe, 0, 1, b':']), Err(IcsError::NotCalendar));
        assert_eq!(read("BEGIN:VCALENDAR\n".repeat(100_000).as_bytes()), Err(IcsError::Nesting(2)));
    }

    #[test]
    fn an_event_that_is_not_closed_breaks_alone() {
        let text = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:a\nBEGIN:VEVENT\nUID:b\nEND:VEVENT\nBEGIN:VEVENT\nUID:c\nEND:VCALENDAR\n";
        let calendar = read(text.as_bytes()).unwrap().remove(0);
        let events: Vec<_> = calendar.children.iter().map(|event| (event.text("UID").unwrap(), event.broken)).collect();
        assert_eq!(events, [("a".into(), true), ("b".into(), false), ("c".into(), true)]);
    }

    #[test]
    fn lines_are_unfolded_and_parameters_unquoted() {
        let read = property("ORGANIZER;CN=\"Ann; O:Slo\";x=a^^b^n^'c:mailto:ann@example.com").unwrap();
        assert_eq!(read.parameter("CN"), Some("Ann; O:Slo"));
        assert_eq!(read.parameter("X"), Some("a^b\n\"c"));
        assert_eq!(read.value, "mailto:ann@example.com");
        let lines: Vec<_> = unfolded("A:1\r\n 2\r\n\t3\nB:x").map(|(at, line)| (at, line.into_owned())).collect();
        assert_eq!(lines, [(1, "A:123".into()), (4, "B:x".into())]);
        for wrong in ["", "no colon", "A B:c", ":x", "A;B=\"open:x"] {
            assert_eq!(property(wrong), None, "{wrong:?}");
        }
    }
}
