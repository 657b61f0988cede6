//! XML text, written piece by piece: names are ours, values are escaped, characters that XML 1.0 forbids are dropped.

use std::fmt::{Display, Write as _};

/// XML being written. `open` and `close` nest; the result is well-formed when they are balanced.
#[derive(Clone, Default)]
pub struct Xml {
    text: String,
    open: Vec<&'static str>,
}

impl Xml {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self { text: String::with_capacity(4096), open: Vec::new() }
    }

    /// Begins an element; attributes are name and value.
    pub fn open(&mut self, name: &'static str, attributes: &[(&str, &str)]) -> &mut Self {
        self.tag(name, attributes);
        self.text.push('>');
        self.open.push(name);
        self
    }

    /// Ends the element begun last.
    pub fn close(&mut self) -> &mut Self {
        let name = self.open.pop().expect("every close has its open");
        self.text.push_str("</");
        self.text.push_str(name);
        self.text.push('>');
        self
    }

    /// An element without content.
    pub fn empty(&mut self, name: &'static str, attributes: &[(&str, &str)]) -> &mut Self {
        self.tag(name, attributes);
        self.text.push_str("/>");
        self
    }

    /// An element that holds a text.
    pub fn text(&mut self, name: &'static str, value: impl Display) -> &mut Self {
        self.text_with(name, &[], value)
    }

    /// The same with attributes.
    pub fn text_with(&mut self, name: &'static str, attributes: &[(&str, &str)], value: impl Display) -> &mut Self {
        self.open(name, attributes);
        let _ = write!(Escaped(&mut self.text), "{value}");
        self.close()
    }

    /// What another one wrote.
    pub fn append(&mut self, other: &Self) -> &mut Self {
        self.text.push_str(&other.text);
        self
    }

    /// The text.
    #[must_use]
    pub fn into_text(self) -> String {
        debug_assert!(self.open.is_empty(), "every open has its close");
        self.text
    }

    fn tag(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.text.push('<');
        self.text.push_str(name);
        for (key, value) in attributes {
            self.text.push(' ');
            self.text.push_str(key);
            self.text.push_str("=\"");
            escape(value, &mut self.text);
            self.text.push('"');
        }
    }
}

/// Whether XML 1.0 may hold the character (its production 2, without surrogates, which a `char` never is).
#[must_use]
pub fn is_xml(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// Escapes what is written through it.
struct Escaped<'a>(&'a mut String);

impl std::fmt::Write for Escaped<'_> {
    fn write_str(&mut self, value: &str) -> std::fmt::Result {
        escape(value, self.0);
        Ok(())
    }
}

fn escape(value: &str, text: &mut String) {
    let is_plain =
        |byte: &u8| matches!(byte, b' '..=b'~' | b'\n' | b'\t') && !matches!(byte, b'&' | b'<' | b'>' | b'"');
    if value.as_bytes().iter().all(is_plain) {
        text.push_str(value);
        return;
    }
    for c in value.chars().filter(|c| is_xml(*c)) {
        match c {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '"' => text.push_str("&quot;"),
            // A bare carriage return would be read back as a line feed, in an attribute any of the three as a space.
            '\r' => text.push_str("&#13;"),
            _ => text.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back_and_forbidden_characters_are_gone() {
        let mut xml = Xml::new();
        xml.open("t:A", &[("k", "\"<&\u{1}")]).text("t:B", "a\r\n\u{0}]]>\u{fffe}\u{1f600}").empty("t:C", &[]).close();
        let read = crate::ews::tree::Element::parse(xml.into_text().as_bytes()).unwrap();
        assert_eq!(read.attribute("k"), Some("\"<&"));
        assert_eq!(read.child("B").unwrap().text, "a\r\n]]>\u{1f600}");
        assert!(read.child("C").is_some());
    }
}
