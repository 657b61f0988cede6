//! XML as a tree, for what is sent to a simulated codec. In: bytes. Out: the root, or nothing when a strict parser would
//! refuse them.

use quick_xml::Reader;
use quick_xml::events::Event;

/// One element.
#[derive(Debug, Default)]
pub(super) struct Tree {
    pub(super) name: String,
    pub(super) text: String,
    pub(super) inside: Vec<Tree>,
}

impl Tree {
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        // Real firmware reads XML 1.0: a control character anywhere makes the whole document unreadable.
        if text.chars().any(|c| (c < ' ' && !"\t\r\n".contains(c)) || matches!(c, '\u{fffe}' | '\u{ffff}')) {
            return None;
        }
        let mut reader = Reader::from_str(text);
        let mut path = vec![Self::default()];
        loop {
            match reader.read_event().ok()? {
                Event::Start(tag) if path.len() < 32 => path.push(Self::named(tag.local_name().as_ref())),
                Event::Empty(tag) => path.last_mut()?.inside.push(Self::named(tag.local_name().as_ref())),
                Event::End(_) => {
                    let done = path.pop()?;
                    path.last_mut()?.inside.push(done);
                }
                Event::Text(text) => path.last_mut()?.text.push_str(&text),
                Event::CData(text) => path.last_mut()?.text.push_str(&text),
                Event::GeneralRef(name) => {
                    let c = match name.resolve_char_ref().ok()? {
                        Some(c) => c.to_string(),
                        None => quick_xml::escape::resolve_xml_entity(&name)?.to_owned(),
                    };
                    path.last_mut()?.text.push_str(&c);
                }
                Event::Eof => break,
                Event::Decl(_) | Event::Comment(_) => {}
                _ => return None,
            }
        }
        let document = path.pop().filter(|_| path.is_empty())?;
        document.inside.into_iter().next()
    }

    fn named(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// The element of these names; the first of each.
    pub(super) fn find(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |tree, name| tree.inside.iter().find(|inside| inside.name == *name))
    }

    /// Its text, trimmed, when it is there.
    pub(super) fn text(&self, path: &[&str]) -> Option<&str> {
        self.find(path).map(|tree| tree.text.trim())
    }
}
