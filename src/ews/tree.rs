//! XML bytes → a tree of elements by local name. The only place that reads XML of strangers for EWS, so all limits stand here.
//!
//! | limit                                   | why                                                     |
//! |-----------------------------------------|---------------------------------------------------------|
//! | depth 64; 20,000 elements of a request, 100,000 of an answer | a few bytes must not become much memory |
//! | 64 attributes an element, 256 prefixes at once | each is compared with the others                 |
//! | DOCTYPE refused                         | entity bombs and external entities; SOAP forbids it     |
//! | entities: the five of XML and characters | everything else needs a DOCTYPE                        |
//! | UTF-8, and UTF-16 with a byte order mark | nothing else was seen                                  |
//!
//! Exchange writes what people pasted into a title, and so at times a reference to half a character, or to none (`&#xD83D;`). In an
//! answer U+FFFD stands for it, because one odd title must not cost a room its calendar. A request with one is refused.

use std::borrow::Cow;
use std::sync::Arc;

use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};

/// Deepest nesting.
const DEPTH_MAX: usize = 64;
/// Most attributes of one element; those of EWS have ten.
const ATTRIBUTES_MAX: usize = 64;
/// Most namespace declarations that hold at one place.
const BINDINGS_MAX: usize = 256;

/// How much of a text is taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Longest text, in bytes.
    pub bytes: usize,
    /// Most elements.
    pub elements: usize,
    /// Whether a reference to a character that there is not is read as U+FFFD.
    pub odd_characters: bool,
}

impl Limits {
    /// Of what a client asks. 200 items are asked for with about 250 elements.
    pub const REQUEST: Self = Self { bytes: 4 << 20, elements: 20_000, odd_characters: false };
    /// Of what a server answers. 2,000 items of a list have about 50,000 elements.
    pub const ANSWER: Self = Self { bytes: 32 << 20, elements: 100_000, odd_characters: true };
}

/// One element. Names are local names: prefixes are a matter of taste, and no two elements we read differ by namespace alone.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Element {
    /// Local name.
    pub name: String,
    /// The namespace URI its prefix was bound to on itself or above; empty where there is none.
    pub namespace: Arc<str>,
    /// Attributes by local name, without namespace declarations.
    pub attributes: Vec<(String, String)>,
    /// All text directly inside, trimmed.
    pub text: String,
    /// Elements directly inside.
    pub children: Vec<Element>,
}

/// Why bytes are no acceptable XML. The texts quote nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TreeFault {
    /// Neither UTF-8 nor marked UTF-16.
    #[error("the text is not UTF-8")]
    Encoding,
    /// Not well-formed.
    #[error("the text is not well-formed XML")]
    Malformed,
    /// Holds a DOCTYPE.
    #[error("a DOCTYPE is not accepted")]
    Doctype,
    /// An entity other than the five predefined ones.
    #[error("an entity is not defined")]
    Entity,
    /// Too long, too deep, too many elements or attributes.
    #[error("the text is too long, or has too many or too deeply nested elements")]
    TooLarge,
}

impl Element {
    /// Reads a request.
    ///
    /// # Errors
    /// When it is not well-formed, or beyond a limit.
    pub fn parse(bytes: &[u8]) -> Result<Self, TreeFault> {
        Self::within(bytes, Limits::REQUEST)
    }

    /// Reads one document within `limits`.
    ///
    /// # Errors
    /// When it is not well-formed, or beyond a limit.
    pub fn within(bytes: &[u8], limits: Limits) -> Result<Self, TreeFault> {
        if bytes.len() > limits.bytes {
            return Err(TreeFault::TooLarge);
        }
        let text = decode(bytes)?;
        let mut reader = Reader::from_str(&text);
        let mut open: Vec<(Self, usize)> = Vec::new();
        let mut bindings: Vec<(String, Arc<str>)> = Vec::new();
        let (mut root, mut count) = (None, 0);
        loop {
            match reader.read_event().map_err(|_| TreeFault::Malformed)? {
                Event::Start(start) => {
                    count += 1;
                    if open.len() >= DEPTH_MAX || count > limits.elements {
                        return Err(TreeFault::TooLarge);
                    }
                    if root.is_some() {
                        return Err(TreeFault::Malformed);
                    }
                    let bound = bindings.len();
                    open.push((Self::begin(&start, &mut bindings)?, bound));
                }
                Event::Empty(start) => {
                    count += 1;
                    if open.len() >= DEPTH_MAX || count > limits.elements {
                        return Err(TreeFault::TooLarge);
                    }
                    let bound = bindings.len();
                    let element = Self::begin(&start, &mut bindings)?;
                    bindings.truncate(bound);
                    close(element, &mut open, &mut root)?;
                }
                Event::End(_) => {
                    let (mut element, bound) = open.pop().ok_or(TreeFault::Malformed)?;
                    bindings.truncate(bound);
                    let trimmed = element.text.trim();
                    if trimmed.len() != element.text.len() {
                        element.text = trimmed.to_owned();
                    }
                    close(element, &mut open, &mut root)?;
                }
                Event::Text(text) => add(&text.xml10_content(), &mut open)?,
                Event::CData(text) => add(&text.xml10_content(), &mut open)?,
                Event::GeneralRef(entity) => {
                    let resolved = match entity.resolve_char_ref() {
                        Ok(Some(character)) => character,
                        Ok(None) => predefined(&entity).ok_or(TreeFault::Entity)?,
                        Err(_) if limits.odd_characters => char::REPLACEMENT_CHARACTER,
                        Err(_) => return Err(TreeFault::Entity),
                    };
                    add(resolved.encode_utf8(&mut [0; 4]), &mut open)?;
                }
                Event::DocType(_) => return Err(TreeFault::Doctype),
                Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
                Event::Eof => break,
            }
        }
        if open.is_empty() { root.ok_or(TreeFault::Malformed) } else { Err(TreeFault::Malformed) }
    }

    fn begin(start: &BytesStart<'_>, bindings: &mut Vec<(String, Arc<str>)>) -> Result<Self, TreeFault> {
        if !is_name(start.name().as_ref()) {
            return Err(TreeFault::Malformed);
        }
        let mut attributes = Vec::new();
        for (count, attribute) in start.attributes().enumerate() {
            if count >= ATTRIBUTES_MAX || bindings.len() >= BINDINGS_MAX {
                return Err(TreeFault::TooLarge);
            }
            let attribute = attribute.map_err(|_| TreeFault::Malformed)?;
            if !is_name(attribute.key.as_ref()) {
                return Err(TreeFault::Malformed);
            }
            let value =
                attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|_| TreeFault::Entity)?.into_owned();
            match attribute.key.prefix() {
                Some(prefix) if prefix.as_ref() == "xmlns" => {
                    bindings.push((attribute.key.local_name().as_ref().to_owned(), value.into()));
                }
                None if attribute.key.as_ref() == "xmlns" => bindings.push((String::new(), value.into())),
                _ => attributes.push((attribute.key.local_name().as_ref().to_owned(), value)),
            }
        }
        let (local, prefix) = start.name().decompose();
        let prefix = prefix.as_ref().map_or("", |prefix| prefix.as_ref());
        let namespace =
            bindings.iter().rev().find(|(bound, _)| bound == prefix).map(|(_, uri)| uri.clone()).unwrap_or_default();
        Ok(Self { name: local.as_ref().to_owned(), namespace, attributes, ..Self::default() })
    }

    /// The first child of this name.
    #[must_use]
    pub fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The element at the end of a path of names.
    #[must_use]
    pub fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |element, name| element.child(name))
    }

    /// The value of an attribute.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// Hides the text: a client of a calendar reads what people wrote with this type too.
impl std::fmt::Debug for Element {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "<{} …{} children>", self.name, self.children.len())
    }
}

fn close(element: Element, open: &mut [(Element, usize)], root: &mut Option<Element>) -> Result<(), TreeFault> {
    match open.last_mut() {
        Some((parent, _)) => parent.children.push(element),
        None if root.is_none() => *root = Some(element),
        None => return Err(TreeFault::Malformed),
    }
    Ok(())
}

/// Whether XML could name something so. The reader takes every text between `<` and `>` for a name, `<!--` in `<<!--/>` too. Of the
/// letters beyond ASCII all are taken.
fn is_name(text: &str) -> bool {
    let mut characters = text.chars();
    let begins = |character: char| character.is_ascii_alphabetic() || matches!(character, '_' | ':' | '\u{80}'..);
    characters.next().is_some_and(begins)
        && characters.all(|character| begins(character) || character.is_ascii_digit() || matches!(character, '-' | '.'))
}

fn add(text: &str, open: &mut [(Element, usize)]) -> Result<(), TreeFault> {
    match open.last_mut() {
        Some((element, _)) => element.text.push_str(text),
        None if text.trim().is_empty() => {}
        None => return Err(TreeFault::Malformed),
    }
    Ok(())
}

fn predefined(entity: &str) -> Option<char> {
    Some(match entity {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        _ => return None,
    })
}

fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, TreeFault> {
    let wide = |rest: &[u8], unit: fn([u8; 2]) -> u16| {
        let (pairs, odd) = rest.as_chunks::<2>();
        let units: Vec<u16> = pairs.iter().map(|pair| unit(*pair)).collect();
        if !odd.is_empty() {
            return Err(TreeFault::Encoding);
        }
        String::from_utf16(&units).map(Cow::Owned).map_err(|_| TreeFault::Encoding)
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => std::str::from_utf8(rest).map(Cow::Borrowed).map_err(|_| TreeFault::Encoding),
        _ => std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|_| TreeFault::Encoding),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_their_prefix_and_keep_their_namespace() {
        let root = Element::parse(
            b"\xef\xbb\xbf<?xml version='1.0'?><a:x xmlns:a='urn:a' xmlns='urn:d' k='1 &amp; 2'><y> t&#x41;<![CDATA[<]]> </y><z xmlns=''/></a:x>",
        )
        .unwrap();
        assert_eq!((root.name.as_str(), &*root.namespace, root.attribute("k")), ("x", "urn:a", Some("1 & 2")));
        assert_eq!(root.child("y").unwrap().text, "tA<");
        assert_eq!(&*root.at(&["y"]).unwrap().namespace, "urn:d");
        assert_eq!(&*root.at(&["z"]).unwrap().namespace, "");
        let wide: Vec<u8> = "\u{feff}<ø/>".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(Element::parse(&wide).unwrap().name, "ø");
    }

    #[test]
    fn what_is_not_plain_xml_is_refused_with_its_reason() {
        let deep = "<a>".repeat(65) + &"</a>".repeat(65);
        let wide = format!("<a>{}</a>", "<b/>".repeat(20_000));
        let attributes: String = (0..65).map(|at| format!(" k{at}=''")).collect();
        let bindings: String = (0..8)
            .map(|_| (0..60).map(|at| format!(" xmlns:k{at}=''")).collect::<String>())
            .map(|all| format!("<a{all}>"))
            .collect();
        let bomb = "<!DOCTYPE a [<!ENTITY b \"bb\"><!ENTITY c \"&b;&b;\">]><a>&c;</a>";
        for (text, fault) in [
            (b"" as &[u8], TreeFault::Malformed),
            (b"hello", TreeFault::Malformed),
            (b"<a>", TreeFault::Malformed),
            (b"<a></b>", TreeFault::Malformed),
            (b"<a/><a/>", TreeFault::Malformed),
            (b"<a/><b></b>", TreeFault::Malformed),
            (b"<a k=1/>", TreeFault::Malformed),
            (b"<a><<!--/></a>", TreeFault::Malformed),
            (b"<a><1/></a>", TreeFault::Malformed),
            (b"<a <='1'/>", TreeFault::Malformed),
            (b"<a>&b;</a>", TreeFault::Entity),
            (b"<a k='&b;'/>", TreeFault::Entity),
            (b"<a>&#0;</a>", TreeFault::Entity),
            (b"<a>\xff</a>", TreeFault::Encoding),
            (b"\xff\xfe<", TreeFault::Encoding),
            (bomb.as_bytes(), TreeFault::Doctype),
            (deep.as_bytes(), TreeFault::TooLarge),
            (wide.as_bytes(), TreeFault::TooLarge),
            (format!("<a{attributes}/>").as_bytes(), TreeFault::TooLarge),
            (bindings.as_bytes(), TreeFault::TooLarge),
            (&vec![b' '; (4 << 20) + 1], TreeFault::TooLarge),
        ] {
            assert_eq!(
                Element::parse(text).err(),
                Some(fault),
                "{:?}",
                String::from_utf8_lossy(&text[..text.len().min(40)])
            );
        }
    }

    #[test]
    fn half_a_character_costs_an_answer_nothing_but_that_character() {
        let read = |text: &str| Element::within(text.as_bytes(), Limits::ANSWER).map(|root| root.text);
        assert_eq!(read("<a>x&#xD83D;&#0;&#1114112;y</a>").as_deref(), Ok("x\u{fffd}\u{fffd}\u{fffd}y"));
        assert_eq!(read("<a>&b;</a>"), Err(TreeFault::Entity));
        assert_eq!(Element::parse(b"<a>&#xD83D;</a>").err(), Some(TreeFault::Entity));
    }
}
