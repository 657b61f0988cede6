//! A codec's XML as a small tree: names without namespaces, texts, the `status` attribute. In: the bytes of an answer, also
//! slightly broken ones. Out: the root element, or `None` when it is no XML.
//!
//! Codecs put control bytes into names people typed, so these are dropped before parsing. Document types are refused, and
//! no entity beyond the five of XML and character references is expanded.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// Deepest nesting that is followed; a listing has eight levels.
const DEPTH_MAX: usize = 64;

/// One element.
#[derive(Default)]
pub(in crate::endpoint) struct Element {
    /// Name without prefix.
    pub(in crate::endpoint) name: String,
    /// The `status` attribute, empty when there is none.
    pub(in crate::endpoint) status: String,
    /// The text directly inside, trimmed.
    pub(in crate::endpoint) text: String,
    /// Elements inside, in order.
    pub(in crate::endpoint) children: Vec<Element>,
}

impl Element {
    /// The root of `bytes`, or `None` when they are no well-formed XML.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let text: String = String::from_utf8_lossy(bytes).chars().filter(|c| is_xml(*c)).collect();
        let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}'));
        let mut open: Vec<Self> = vec![Self::default()];
        loop {
            match reader.read_event().ok()? {
                Event::Start(start) if open.len() <= DEPTH_MAX => open.push(Self::begin(&start)),
                Event::Empty(start) => open.last_mut()?.children.push(Self::begin(&start)),
                Event::End(_) => {
                    let mut done = open.pop()?;
                    done.text = done.text.trim().to_owned();
                    open.last_mut()?.children.push(done);
                }
                Event::Text(text) => open.last_mut()?.text.push_str(&text.xml10_content()),
                Event::CData(text) => open.last_mut()?.text.push_str(&text.xml10_content()),
                Event::GeneralRef(reference) => {
                    let text = match reference.resolve_char_ref().ok()? {
                        Some(c) => c.to_string(),
                        None => quick_xml::escape::resolve_xml_entity(&reference)?.to_owned(),
                    };
                    open.last_mut()?.text.push_str(&text);
                }
                Event::Start(_) | Event::DocType(_) => return None,
                Event::Eof => break,
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            }
        }
        let (document, rest) = (open.pop()?, open);
        (rest.is_empty() && document.children.len() == 1).then(|| document.children.into_iter().next())?
    }

    fn begin(start: &BytesStart<'_>) -> Self {
        let status = start.try_get_attribute("status").ok().flatten();
        let status = status.map(|status| status.value.into_owned()).unwrap_or_default();
        Self { name: start.local_name().as_ref().to_owned(), status, ..Self::default() }
    }

    /// The element reached by these names, the first of each.
    pub(super) fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |element, name| element.children.iter().find(|child| child.name == *name))
    }

    /// The text of the element reached by these names; empty when it is not there.
    pub(super) fn text_at(&self, path: &[&str]) -> &str {
        self.at(path).map_or("", |element| &element.text)
    }

    /// This element and everything inside, in document order.
    pub(super) fn walk(&self) -> Vec<&Self> {
        let mut all = vec![self];
        for child in &self.children {
            all.extend(child.walk());
        }
        all
    }
}

/// Whether XML 1.0 can hold the character at all, escaped or not.
pub(super) fn is_xml(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_with_prefixes_control_bytes_and_references() {
        let xml = b"\xef\xbb\xbf<?xml version=\"1.0\"?><x:A status=\"OK\"><B>a &amp;\x01 b&#33;<![CDATA[ <c>]]></B><D/></x:A>";
        let root = Element::parse(xml).unwrap();
        assert_eq!((root.name.as_str(), root.status.as_str()), ("A", "OK"));
        assert_eq!(root.text_at(&["B"]), "a & b! <c>");
        assert_eq!(root.walk().len(), 3);
    }

    #[test]
    fn what_is_no_plain_xml_is_refused() {
        let deep = format!("{}{}", "<a>".repeat(100), "</a>".repeat(100));
        for wrong in ["", "hello", "<a>", "<a></b>", "<a/><b/>", "<a>&x;</a>", "<!DOCTYPE a><a/>", &deep] {
            assert!(Element::parse(wrong.as_bytes()).is_none(), "{wrong}");
        }
    }
}
