//! XML as the simulated Exchange reads and writes it: a request in, a tree of local names out; texts in, escaped texts out. Apart from
//! what clients read and write with.

use std::borrow::Cow;
use std::fmt::Write as _;

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

/// Deepest nesting of a request.
const DEPTH_MAX: usize = 40;

/// An element, without its namespace.
#[derive(Clone, Debug, Default)]
pub(super) struct Node {
    pub(super) name: String,
    attributes: Vec<(String, String)>,
    pub(super) text: String,
    pub(super) children: Vec<Node>,
}

impl Node {
    /// The root of a document; `None`: it is none, or too deep.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?.trim_start_matches('\u{feff}');
        let mut reader = Reader::from_str(text);
        let mut open: Vec<Self> = vec![Self::default()];
        loop {
            match reader.read_event().ok()? {
                Event::Start(start) if open.len() <= DEPTH_MAX => open.push(Self::begin(&start)?),
                Event::Empty(start) => open.last_mut()?.children.push(Self::begin(&start)?),
                Event::End(_) => {
                    let mut node = open.pop()?;
                    node.text = node.text.trim().to_owned();
                    open.last_mut()?.children.push(node);
                }
                Event::Text(text) => open.last_mut()?.text.push_str(&text.xml10_content()),
                Event::CData(text) => open.last_mut()?.text.push_str(&text.xml10_content()),
                Event::GeneralRef(entity) => {
                    let letter = entity.resolve_char_ref().ok()?;
                    let named = |(_, name): &&(char, &str)| *name == format!("&{};", &*entity);
                    let letter = letter.or_else(|| ESCAPES.iter().find(named).map(|(letter, _)| *letter))?;
                    open.last_mut()?.text.push(letter);
                }
                Event::Start(_) | Event::DocType(_) => return None,
                Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
                Event::Eof => break,
            }
        }
        let [outside] = <[Self; 1]>::try_from(open).ok()?;
        outside.children.into_iter().next()
    }

    fn begin(start: &BytesStart<'_>) -> Option<Self> {
        let mut node = Self { name: start.local_name().as_ref().to_owned(), ..Self::default() };
        for attribute in start.attributes() {
            let attribute = attribute.ok()?;
            let value = attribute.normalized_value(XmlVersion::Implicit1_0).ok()?.into_owned();
            node.attributes.push((attribute.key.local_name().as_ref().to_owned(), value));
        }
        Some(node)
    }

    pub(super) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    pub(super) fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |node, name| node.child(name))
    }

    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The text at the end of a path of names; empty without.
    pub(super) fn text_at(&self, path: &[&str]) -> &str {
        self.at(path).map_or("", |node| node.text.as_str())
    }

    /// Everything below a child.
    pub(super) fn all(&self, name: &str) -> &[Self] {
        self.child(name).map_or(&[], |node| node.children.as_slice())
    }
}

const ESCAPES: [(char, &str); 5] = [('&', "&amp;"), ('<', "&lt;"), ('>', "&gt;"), ('"', "&quot;"), ('\'', "&apos;")];

/// A text as it stands within an element or an attribute. What XML cannot hold is left out.
pub(super) fn escaped(text: &str) -> Cow<'_, str> {
    // Most texts are as they are.
    let is_plain = |byte: u8| (b' '..=b'~').contains(&byte) && !ESCAPES.iter().any(|(known, _)| *known as u8 == byte);
    if text.bytes().all(is_plain) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        match ESCAPES.iter().find(|(known, _)| *known == letter) {
            Some((_, written)) => out.push_str(written),
            None if letter == '\r' => out.push_str("&#xD;"),
            None if (letter < ' ' && !matches!(letter, '\n' | '\t')) || matches!(letter, '\u{fffe}' | '\u{ffff}') => {}
            None => out.push(letter),
        }
    }
    Cow::Owned(out)
}

/// `<t:Name>text</t:Name>`.
pub(super) fn element(out: &mut String, name: &str, text: &str) {
    let _ = write!(out, "<t:{name}>{}</t:{name}>", escaped(text));
}

/// `2026-11-23T09:00:00Z`.
pub(super) fn utc(at: jiff::Timestamp) -> String {
    // In whole seconds it is written so.
    jiff::Timestamp::from_second(at.as_second()).unwrap_or(at).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again_and_what_is_no_document_is_not() {
        let text = "a<b>&\"'\u{1} é";
        let written = format!("<t:x xmlns:t='urn:t' t:k=\"{0}\"><!-- --><t:y>{0}</t:y><z/></t:x>", escaped(text));
        let node = Node::read(written.as_bytes()).unwrap();
        assert_eq!(
            (node.name.as_str(), node.attribute("k"), node.text_at(&["y"])),
            ("x", Some("a<b>&\"' é"), "a<b>&\"' é")
        );
        assert_eq!(node.children.len(), 2);
        for wrong in ["", "<a>", "<a></b>", "</a>", "<!DOCTYPE a><a/>", "<a>&b;</a>", "x"] {
            assert!(Node::read(wrong.as_bytes()).is_none(), "{wrong}");
        }
        assert!(Node::read((("<a>").repeat(60) + &"</a>".repeat(60)).as_bytes()).is_none());
    }
}
