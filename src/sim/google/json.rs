//! JSON written straight into an answer, as far as a mask of fields wants it. Source of the mask: guide "Working with partial
//! resources".

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::model::instant::write_utc;

/// Deepest nesting of a mask.
const DEPTH_MAX: usize = 8;

/// Which fields are wanted.
#[derive(Debug, Default)]
pub(super) struct Mask(Option<BTreeMap<String, Mask>>);

impl Mask {
    /// Of `a,b/c,d(e,f)`; `None`: that is no mask.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut rest = text;
        let mask = Self::list(&mut rest, DEPTH_MAX)?;
        rest.is_empty().then_some(mask)
    }

    fn list(rest: &mut &str, depth: usize) -> Option<Self> {
        let depth = depth.checked_sub(1)?;
        let mut names = BTreeMap::new();
        loop {
            let end = rest.find([',', '/', '(', ')']).unwrap_or(rest.len());
            let (name, after) = rest.split_at(end);
            if name.trim().is_empty() {
                return None;
            }
            *rest = after;
            let below = if let Some(after) = rest.strip_prefix('(') {
                *rest = after;
                let below = Self::list(rest, depth)?;
                *rest = rest.strip_prefix(')')?;
                below
            } else if let Some(after) = rest.strip_prefix('/') {
                let end = after.find([',', '/', '(', ')']).unwrap_or(after.len());
                *rest = &after[end..];
                Self(Some(BTreeMap::from([(after[..end].to_owned(), Self(None))])))
            } else {
                Self(None)
            };
            names.insert(name.trim().to_owned(), below);
            match rest.strip_prefix(',') {
                Some(after) => *rest = after,
                None => return Some(Self(Some(names))),
            }
        }
    }

    fn below(&self, name: &str) -> Option<&Self> {
        match &self.0 {
            None => Some(self),
            Some(names) => names.get(name).or_else(|| names.get("*")),
        }
    }
}

/// An object that is being written.
pub(super) struct Object<'a> {
    out: &'a mut Vec<u8>,
    mask: &'a Mask,
    empty: bool,
}

impl<'a> Object<'a> {
    pub(super) fn open(out: &'a mut Vec<u8>, mask: &'a Mask) -> Self {
        out.push(b'{');
        Self { out, mask, empty: true }
    }

    pub(super) fn close(self) {
        self.out.push(b'}');
    }

    /// Begins a field, where it is wanted.
    fn begin(&mut self, name: &str) -> Option<&'a Mask> {
        let below = self.mask.below(name)?;
        if !self.empty {
            self.out.push(b',');
        }
        self.empty = false;
        text(self.out, name);
        self.out.push(b':');
        Some(below)
    }

    pub(super) fn text(&mut self, name: &str, value: &str) {
        if self.begin(name).is_some() {
            text(self.out, value);
        }
    }

    /// An instant to the second.
    pub(super) fn instant(&mut self, name: &str, at: Timestamp) {
        if self.begin(name).is_some() {
            self.out.push(b'"');
            write_utc(self.out, at);
            self.out.extend_from_slice(b"Z\"");
        }
    }

    pub(super) fn bare(&mut self, name: &str, value: &str) {
        if self.begin(name).is_some() {
            self.out.extend_from_slice(value.as_bytes());
        }
    }

    pub(super) fn object(&mut self, name: &str, fill: impl FnOnce(&mut Object<'_>)) {
        if let Some(below) = self.begin(name) {
            let mut object = Object::open(self.out, below);
            fill(&mut object);
            object.close();
        }
    }

    /// A list of objects.
    pub(super) fn list<T>(&mut self, name: &str, each: impl IntoIterator<Item = T>, fill: impl Fn(&mut Object<'_>, T)) {
        let Some(below) = self.begin(name) else { return };
        self.out.push(b'[');
        for (index, item) in each.into_iter().enumerate() {
            if index > 0 {
                self.out.push(b',');
            }
            let mut object = Object::open(self.out, below);
            fill(&mut object, item);
            object.close();
        }
        self.out.push(b']');
    }
}

fn text(out: &mut Vec<u8>, value: &str) {
    serde_json::to_writer(out, value).expect("a text can be written to memory");
}

/// A segment of a path without its escapes.
pub(super) fn decoded(segment: &str) -> String {
    let (mut out, mut rest) = (Vec::with_capacity(segment.len()), segment.as_bytes());
    while let [first, after @ ..] = rest {
        let hex = (*first == b'%').then(|| after.get(..2)).flatten().and_then(|hex| std::str::from_utf8(hex).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                rest = &after[2..];
            }
            None => {
                out.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_mask_names_is_written() {
        for (mask, expected) in [
            ("*", r#"{"a":"1","b":{"c":"2","d":"3"},"e":[{"c":"x","f":"y"}]}"#),
            ("a", r#"{"a":"1"}"#),
            ("b/c,e(f)", r#"{"b":{"c":"2"},"e":[{"f":"y"}]}"#),
            ("a,b", r#"{"a":"1","b":{"c":"2","d":"3"}}"#),
            ("z", "{}"),
        ] {
            let mut out = Vec::new();
            let mask = Mask::parse(mask).unwrap();
            let mut object = Object::open(&mut out, &mask);
            object.text("a", "1");
            object.object("b", |b| {
                b.text("c", "2");
                b.text("d", "3");
            });
            object.list("e", [("x", "y")], |each, (x, y)| {
                each.text("c", x);
                each.text("f", y);
            });
            object.close();
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
        for wrong in ["", "a,", "a(b", "a)b", "(a)", "a(a(a(a(a(a(a(a(a(a))))))))"] {
            assert!(Mask::parse(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn escapes_of_a_path_are_undone() {
        for (written, expected) in [("a%40b.example", "a@b.example"), ("%4", "%4"), ("%zz%2F", "%zz/"), ("ø", "ø")] {
            assert_eq!(decoded(written), expected);
        }
    }
}
