//! The body of a WebDAV 207 in, its responses out, or the reason why it proves nothing.
//!
//! Namespaces are resolved, prefixes mean nothing. No entity is expanded but XML's own five and character references; a document
//! type is refused. Every response must be understood: one that is not could be the meeting.

use quick_xml::events::Event;
use quick_xml::name::ResolveResult;
use quick_xml::reader::NsReader;

/// The namespace of WebDAV.
pub(super) const DAV: &str = "DAV:";
/// The namespace of CalDAV.
pub(super) const CALDAV: &str = "urn:ietf:params:xml:ns:caldav";
/// The namespace of Apple's calendar server, home of `getctag`.
pub(super) const APPLE: &str = "http://calendarserver.org/ns/";

/// Elements within elements; WebDAV needs about eight.
const DEPTH_MAX: usize = 32;

/// Elements of one answer.
const ELEMENTS_MAX: usize = 1_000_000;

/// An answer about several resources.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Multistatus(pub(super) Vec<Resource>);

/// What an answer says about one resource.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Resource {
    /// As written.
    pub(super) href: String,
    /// Of the resource itself.
    pub(super) status: Option<u16>,
    /// The properties that were found.
    pub(super) found: Vec<Element>,
    /// Status of those that were not.
    pub(super) missing: Vec<u16>,
}

/// An XML element.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Element {
    namespace: String,
    name: String,
    /// All text directly in it.
    pub(super) text: String,
    pub(super) children: Vec<Self>,
    attributes: Vec<(String, String)>,
}

impl Element {
    pub(super) fn is(&self, namespace: &str, name: &str) -> bool {
        self.name == name && self.namespace == namespace
    }

    pub(super) fn child(&self, namespace: &str, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.is(namespace, name))
    }

    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    /// The text of the `DAV:href` in it.
    pub(super) fn href(&self) -> Option<&str> {
        self.child(DAV, "href").map(|href| href.text.trim()).filter(|href| !href.is_empty())
    }
}

impl Resource {
    /// A property that was found.
    pub(super) fn property(&self, namespace: &str, name: &str) -> Option<&Element> {
        self.found.iter().find(|property| property.is(namespace, name))
    }
}

/// Reads a 207's body.
///
/// # Errors
/// Names what is wrong with it: malformed, cut off, no multistatus, a status that means that something was left out.
pub(super) fn parse(body: &[u8]) -> Result<Multistatus, &'static str> {
    let text = String::from_utf8_lossy(body);
    let root = tree(text.trim_start_matches('\u{feff}'))?;
    if !root.is(DAV, "multistatus") {
        return Err("the answer is no multistatus");
    }
    let responses = root.children.iter().filter(|child| child.is(DAV, "response"));
    let read: Result<Vec<_>, _> = responses.map(resource).collect();
    Ok(Multistatus(read?.into_iter().flatten().collect()))
}

/// One response; with `status` it may be about several resources.
fn resource(response: &Element) -> Result<Vec<Resource>, &'static str> {
    let status = response.child(DAV, "status").map(status_of).transpose()?;
    if status.is_some_and(|status| status == 507) {
        return Err("the server left resources out (507)");
    }
    let mut resource = Resource { status, ..Resource::default() };
    for propstat in response.children.iter().filter(|child| child.is(DAV, "propstat")) {
        let status = propstat.child(DAV, "status").ok_or("a propstat without status").and_then(status_of)?;
        let properties = propstat.child(DAV, "prop").map(|prop| prop.children.as_slice()).unwrap_or_default();
        match status {
            200..=299 => resource.found.extend_from_slice(properties),
            507 => return Err("the server left properties out (507)"),
            status => resource.missing.extend(properties.iter().map(|_| status)),
        }
    }
    let hrefs = response.children.iter().filter(|child| child.is(DAV, "href"));
    let resources: Vec<Resource> =
        hrefs.map(|href| Resource { href: href.text.trim().to_owned(), ..resource.clone() }).collect();
    if resources.is_empty() || (status.is_none() && resource.found.is_empty() && resource.missing.is_empty()) {
        return Err("a response without href or status");
    }
    Ok(resources)
}

/// `HTTP/1.1 200 OK`.
fn status_of(element: &Element) -> Result<u16, &'static str> {
    let mut words = element.text.split_whitespace();
    let protocol = words.next().is_some_and(|word| word.to_ascii_uppercase().starts_with("HTTP/"));
    let code = words.next().and_then(|code| code.parse().ok()).filter(|code| (100..600).contains(code));
    code.filter(|_| protocol).ok_or("a status that is none")
}

/// The whole document.
fn tree(text: &str) -> Result<Element, &'static str> {
    const MALFORMED: &str = "the answer is not well-formed XML";
    let mut reader = NsReader::from_str(text);
    let mut open: Vec<Element> = Vec::new();
    let mut root: Option<Element> = None;
    let mut elements = 0;
    loop {
        let (namespace, event) = reader.read_resolved_event().map_err(|_| MALFORMED)?;
        match event {
            Event::Start(ref start) | Event::Empty(ref start) => {
                elements += 1;
                if open.len() >= DEPTH_MAX || elements > ELEMENTS_MAX || root.is_some() {
                    return Err("the answer is nested too deeply, or has too many elements");
                }
                let mut element = Element { name: start.local_name().as_ref().to_owned(), ..Element::default() };
                if let ResolveResult::Bound(namespace) = namespace {
                    namespace.as_ref().clone_into(&mut element.namespace);
                }
                for attribute in start.attributes() {
                    let attribute = attribute.map_err(|_| MALFORMED)?;
                    let name = attribute.key.local_name().as_ref().to_owned();
                    element.attributes.push((name, attribute.value.into_owned()));
                }
                if matches!(event, Event::Start(_)) {
                    open.push(element);
                } else {
                    close(element, &mut open, &mut root);
                }
            }
            Event::End(_) => {
                let element = open.pop().ok_or(MALFORMED)?;
                close(element, &mut open, &mut root);
            }
            Event::Text(text) => add(&text.xml10_content(), &mut open)?,
            Event::CData(text) => add(&text.xml10_content(), &mut open)?,
            Event::GeneralRef(reference) => {
                let resolved = reference.resolve_char_ref().map_err(|_| MALFORMED)?;
                let c = resolved.or(match reference.as_ref() {
                    "amp" => Some('&'),
                    "lt" => Some('<'),
                    "gt" => Some('>'),
                    "quot" => Some('"'),
                    "apos" => Some('\''),
                    _ => None,
                });
                add(c.ok_or("an entity that is not XML's own")?.encode_utf8(&mut [0; 4]), &mut open)?;
            }
            Event::DocType(_) => return Err("the answer has a document type"),
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
            Event::Eof => return root.filter(|_| open.is_empty()).ok_or("the answer is cut off"),
        }
    }
}

fn add(text: &str, open: &mut [Element]) -> Result<(), &'static str> {
    match open.last_mut() {
        Some(element) => element.text.push_str(text),
        None if text.trim().is_empty() => {}
        None => return Err("the answer is not XML"),
    }
    Ok(())
}

fn close(element: Element, open: &mut [Element], root: &mut Option<Element>) {
    match open.last_mut() {
        Some(parent) => parent.children.push(element),
        None => *root = Some(element),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_and_understood_multistatus_is_believed() {
        let whole = r#"<?xml version="1.0"?><x:multistatus xmlns:x="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav">
            <x:response><x:href>/a%20b.ics</x:href><x:propstat><x:prop><c:calendar-data><![CDATA[A&B]]>&amp;&#65;</c:calendar-data></x:prop>
            <x:status>HTTP/1.1 200 OK</x:status></x:propstat>
            <x:propstat><x:prop><x:getetag/></x:prop><x:status>HTTP/1.1 404 Not Found</x:status></x:propstat></x:response>
            <x:response><x:href>/gone.ics</x:href><x:status>HTTP/1.1 404 Not Found</x:status></x:response></x:multistatus>"#;
        let read = parse(whole.as_bytes()).unwrap();
        assert_eq!(read.0.len(), 2);
        assert_eq!(read.0[0].href, "/a%20b.ics");
        assert_eq!(read.0[0].property(CALDAV, "calendar-data").unwrap().text, "A&B&A");
        assert_eq!((read.0[0].missing.as_slice(), read.0[1].status), (&[404][..], Some(404)));
        for cut in (1..whole.len()).filter(|at| whole.is_char_boundary(*at)) {
            assert!(parse(&whole.as_bytes()[..cut]).is_err(), "cut at {cut}");
        }
    }

    #[test]
    fn what_leaves_something_out_proves_nothing() {
        let wrap = |inner: &str| format!("<multistatus xmlns=\"DAV:\">{inner}</multistatus>");
        for (text, expected) in [
            (String::new(), "the answer is cut off"),
            ("<html></html>".into(), "the answer is no multistatus"),
            ("<multistatus></multistatus>".into(), "the answer is no multistatus"),
            ("plain text".into(), "the answer is not XML"),
            ("<!DOCTYPE x [<!ENTITY a \"b\">]><multistatus xmlns=\"DAV:\"/>".into(), "the answer has a document type"),
            (
                wrap("<response><href>/</href><status>HTTP/1.1 507 Full</status></response>"),
                "the server left resources out (507)",
            ),
            (wrap("<response><href>/</href></response>"), "a response without href or status"),
            (wrap("<response><status>HTTP/1.1 404 X</status></response>"), "a response without href or status"),
            (wrap("<response><href>/</href><status>fine</status></response>"), "a status that is none"),
            (wrap("&bomb;"), "an entity that is not XML's own"),
            (wrap(&"<a>".repeat(100)), "the answer is nested too deeply, or has too many elements"),
            (wrap("</a>"), "the answer is not well-formed XML"),
        ] {
            assert_eq!(parse(text.as_bytes()), Err(expected), "{text}");
        }
        assert_eq!(parse(wrap("").as_bytes()), Ok(Multistatus::default()));
    }
}
