//! One pass over YAML text: values, and the span of every key and node. In: text and a budget. Out: documents and faults.
//!
//! Scalars follow YAML's core schema: `null`, `true`, `false`, integers and floats; `yes`, `no` and `on` stay texts. Aliases are
//! expanded and `<<` is merged under a budget, since a few lines of aliases can describe more than any machine holds.

use std::collections::{BTreeMap, BTreeSet};

use saphyr_parser::{Event, Parser, ScalarStyle, Span as Marks};
use serde_json::{Map, Value};

/// Deepest nesting of a document.
pub(crate) const DEPTH_MAX: usize = 64;

/// What may still be built, shared by all files of a directory.
#[derive(Debug)]
pub(crate) struct Budget {
    nodes: std::sync::atomic::AtomicUsize,
    expansions: std::sync::atomic::AtomicUsize,
}

impl Default for Budget {
    fn default() -> Self {
        Self { nodes: 1_000_000.into(), expansions: 100_000.into() }
    }
}

impl Budget {
    fn take(cell: &std::sync::atomic::AtomicUsize, count: usize) -> bool {
        use std::sync::atomic::Ordering::Relaxed;
        cell.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(count)).is_ok()
    }
}

/// A position: line and column from 1, in characters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub(crate) struct Mark {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

/// From its first character to after its last.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Span {
    pub(crate) start: Mark,
    pub(crate) end: Mark,
}

/// The span of a node and of what is in it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Node {
    pub(crate) span: Span,
    pub(crate) inner: Inner,
}

/// What is in a node.
#[derive(Clone, Debug, Default)]
pub(crate) enum Inner {
    /// Nothing.
    #[default]
    Scalar,
    /// Its items.
    Sequence(Vec<Node>),
    /// Its keys, each with its span, and their values.
    Mapping(Vec<(String, Span, Node)>),
}

/// One document of a file.
#[derive(Clone, Debug)]
pub(crate) struct YamlDocument {
    pub(crate) value: Value,
    pub(crate) node: Node,
}

/// What is wrong with a text, and where.
#[derive(Clone, Debug)]
pub(crate) struct YamlFault {
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) span: Span,
}

/// What a text holds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Parsed {
    /// Documents before the first fault that ended reading; empty ones are left out.
    pub(crate) documents: Vec<YamlDocument>,
    pub(crate) faults: Vec<YamlFault>,
}

impl Node {
    /// The node at a JSON pointer, and the span of its key where it has one. What is not there answers with the nearest above.
    pub(crate) fn find(&self, pointer: &str) -> (&Self, Option<Span>) {
        let (mut node, mut key) = (self, None);
        for step in pointer.split('/').skip(1) {
            let step = step.replace("~1", "/").replace("~0", "~");
            let next = match &node.inner {
                Inner::Mapping(entries) => {
                    entries.iter().find(|(name, ..)| *name == step).map(|(_, span, inner)| (inner, Some(*span)))
                }
                Inner::Sequence(items) => {
                    step.parse::<usize>().ok().and_then(|at| items.get(at)).map(|item| (item, None))
                }
                Inner::Scalar => None,
            };
            let Some(found) = next else { break };
            (node, key) = found;
        }
        (node, key)
    }

    fn size(&self) -> usize {
        1 + match &self.inner {
            Inner::Scalar => 0,
            Inner::Sequence(items) => items.iter().map(Self::size).sum(),
            Inner::Mapping(entries) => entries.iter().map(|(.., node)| node.size()).sum(),
        }
    }
}

/// Parses every document of `text`.
pub(crate) fn parse(text: &str, budget: &Budget) -> Parsed {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut builder =
        Builder { budget, parsed: Parsed::default(), stack: vec![], anchors: BTreeMap::new(), over: false };
    let mut parser = Parser::new_from_str(text);
    while !builder.over {
        match parser.next_event() {
            None => break,
            Some(Ok((event, marks))) => builder.event(event, span(marks)),
            Some(Err(error)) => {
                let start = Mark { line: error.marker().line().max(1), column: error.marker().col() + 1 };
                // The scanner has a limit of its own for brackets it has not handed out yet.
                let (code, message) = match error.info() {
                    "recursion limit exceeded" => ("OTJ005", "the document is nested deeper than 64"),
                    other => ("OTJ004", other),
                };
                builder.fault(code, message, Span { start, end: start });
                break;
            }
        }
    }
    builder.parsed
}

fn span(marks: Marks) -> Span {
    let mark = |mark: saphyr_parser::Marker| Mark { line: mark.line().max(1), column: mark.col() + 1 };
    Span { start: mark(marks.start), end: mark(marks.end) }
}

struct Builder<'a> {
    budget: &'a Budget,
    parsed: Parsed,
    stack: Vec<Frame>,
    anchors: BTreeMap<usize, (Value, Node, usize)>,
    /// A budget is used up, or the text is no YAML: nothing more is read.
    over: bool,
}

struct Frame {
    start: Mark,
    anchor: usize,
    content: Content,
}

enum Content {
    Sequence(Vec<Value>, Vec<Node>),
    Mapping(Mapped),
}

/// A key whose value comes next.
struct Key {
    text: String,
    span: Span,
    /// It is a plain `<<`; a quoted one is a key like any other.
    merges: bool,
}

#[derive(Default)]
struct Mapped {
    values: Map<String, Value>,
    entries: Vec<(String, Span, Node)>,
    key: Option<Key>,
    /// Keys that came through `<<`; written ones replace them.
    merged: BTreeSet<String>,
}

impl Builder<'_> {
    fn event(&mut self, event: Event<'_>, span: Span) {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let core = tag.as_ref().is_none_or(|tag| tag.is_yaml_core_schema() || tag.suffix.is_empty());
                if !core {
                    self.fault("OTJ004", "tags like `!name` are not part of the language", span);
                }
                let is_text = tag.as_ref().is_some_and(|tag| tag.suffix == "str" || tag.suffix.is_empty());
                if self.awaits_key() && style == ScalarStyle::Plain && !is_text {
                    return self.key(Key { merges: text == "<<", text: text.into_owned(), span });
                }
                let value = if style == ScalarStyle::Plain && !is_text { typed(&text) } else { Value::from(&*text) };
                self.put(value, Node { span, inner: Inner::Scalar }, anchor);
            }
            Event::SequenceStart(anchor, tag) => {
                self.open(
                    anchor,
                    tag.is_none_or(|tag| tag.is_yaml_core_schema()),
                    span,
                    Content::Sequence(vec![], vec![]),
                );
            }
            Event::MappingStart(anchor, tag) => {
                let core = tag.is_none_or(|tag| tag.is_yaml_core_schema());
                self.open(anchor, core, span, Content::Mapping(Mapped::default()));
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(span),
            Event::Alias(anchor) => self.alias(anchor, span),
            Event::DocumentStart(_) => self.anchors.clear(),
            _ => {}
        }
    }

    fn fault(&mut self, code: &'static str, message: &str, span: Span) {
        self.parsed.faults.push(YamlFault { code, message: message.to_owned(), span });
    }

    fn give_up(&mut self, message: &str, span: Span) {
        self.fault("OTJ005", message, span);
        self.over = true;
    }

    fn awaits_key(&self) -> bool {
        matches!(self.stack.last(), Some(Frame { content: Content::Mapping(Mapped { key: None, .. }), .. }))
    }

    fn open(&mut self, anchor: usize, core: bool, span: Span, content: Content) {
        if !core {
            self.fault("OTJ004", "tags like `!name` are not part of the language", span);
        }
        if self.stack.len() >= DEPTH_MAX {
            return self.give_up("the document is nested deeper than 64", span);
        }
        self.stack.push(Frame { start: span.start, anchor, content });
    }

    fn close(&mut self, span: Span) {
        let Some(Frame { start, anchor, content }) = self.stack.pop() else { return };
        let span = Span { start, end: span.end };
        let (value, inner) = match content {
            Content::Sequence(values, nodes) => (Value::Array(values), Inner::Sequence(nodes)),
            Content::Mapping(mapped) => (Value::Object(mapped.values), Inner::Mapping(mapped.entries)),
        };
        self.put(value, Node { span, inner }, anchor);
    }

    fn alias(&mut self, anchor: usize, span: Span) {
        let Some((value, node, size)) = self.anchors.get(&anchor) else {
            return self.fault("OTJ004", "the alias stands inside of what it names", span);
        };
        let (value, inner, size) = (value.clone(), node.inner.clone(), *size);
        if !Budget::take(&self.budget.expansions, 1) || !Budget::take(&self.budget.nodes, size) {
            return self.give_up("the aliases of the directory expand to more than it may hold", span);
        }
        self.put(value, Node { span, inner }, 0);
    }

    fn key(&mut self, key: Key) {
        if let Some(Frame { content: Content::Mapping(mapped), .. }) = self.stack.last_mut() {
            mapped.key = Some(key);
        }
    }

    fn put(&mut self, value: Value, node: Node, anchor: usize) {
        if !Budget::take(&self.budget.nodes, 1) {
            return self.give_up("the documents have more than 1,000,000 nodes in all", node.span);
        }
        if anchor > 0 {
            let size = node.size();
            self.anchors.insert(anchor, (value.clone(), node.clone(), size));
        }
        if self.awaits_key() {
            let text = match value {
                Value::String(text) => text,
                _ => {
                    self.fault("OTJ004", "a key is a text, not a list or a map", node.span);
                    String::new()
                }
            };
            return self.key(Key { text, span: node.span, merges: false });
        }
        let Some(frame) = self.stack.last_mut() else {
            if !value.is_null() {
                self.parsed.documents.push(YamlDocument { value, node });
            }
            return;
        };
        match &mut frame.content {
            Content::Sequence(values, nodes) => {
                values.push(value);
                nodes.push(node);
            }
            Content::Mapping(mapped) => {
                let Some(Key { text, span, merges }) = mapped.key.take() else { return };
                let placed = if merges { mapped.merge(value, node) } else { mapped.insert(text, span, value, node) };
                if let Err((code, message)) = placed {
                    self.fault(code, &message, span);
                }
            }
        }
    }
}

type Placed = Result<(), (&'static str, String)>;

impl Mapped {
    fn insert(&mut self, key: String, span: Span, value: Value, node: Node) -> Placed {
        if self.merged.remove(&key) {
            self.entries.retain(|(name, ..)| *name != key);
        } else if self.values.contains_key(&key) {
            let first = self.entries.iter().find(|(name, ..)| *name == key).map_or(0, |(_, span, _)| span.start.line);
            return Err(("OTJ006", format!("the key stands here a second time; the first is in line {first}")));
        }
        self.values.insert(key.clone(), value);
        self.entries.push((key, span, node));
        Ok(())
    }

    fn merge(&mut self, value: Value, node: Node) -> Placed {
        match (value, node.inner) {
            (Value::Object(mut values), Inner::Mapping(entries)) => {
                for (key, span, node) in entries {
                    if !self.values.contains_key(&key)
                        && let Some(value) = values.remove(&key)
                    {
                        self.merged.insert(key.clone());
                        self.values.insert(key.clone(), value);
                        self.entries.push((key, span, node));
                    }
                }
                Ok(())
            }
            (Value::Array(values), Inner::Sequence(nodes)) => {
                values.into_iter().zip(nodes).try_for_each(|(value, node)| match value {
                    Value::Object(_) => self.merge(value, node),
                    _ => Err(("OTJ004", "`<<` takes a map or a list of maps".to_owned())),
                })
            }
            _ => Err(("OTJ004", "`<<` takes a map or a list of maps".to_owned())),
        }
    }
}

/// The core schema of YAML 1.2, as serde's YAML crates have it.
fn typed(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return true.into(),
        "false" | "False" | "FALSE" => return false.into(),
        _ => {}
    }
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return text.into();
    }
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if let Some(Ok(number)) = text.strip_prefix(prefix).map(|rest| i64::from_str_radix(rest, radix)) {
            return number.into();
        }
    }
    // A leading zero is a telephone number or a code, not an octal number: it stays a text.
    let zero_led = digits.len() > 1 && digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit());
    if zero_led {
        return text.into();
    }
    if let Ok(number) = text.parse::<i64>() {
        return number.into();
    }
    if let Ok(number) = text.parse::<u64>() {
        return number.into();
    }
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => number.into(),
        _ => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn values(text: &str) -> Value {
        let parsed = parse(text, &Budget::default());
        assert!(parsed.faults.is_empty(), "{text:?}: {:?}", parsed.faults);
        parsed.documents.into_iter().map(|document| document.value).collect()
    }

    #[test]
    fn text_becomes_values() {
        for (text, expected) in [
            (
                "a: no\nb: 012\nc: 2026-01-02\nd: 1e3\ne: 0x1F\nf: ~\ng: '12'\nh: yes\ni: true\n",
                json!([{
                    "a": "no", "b": "012", "c": "2026-01-02", "d": 1000.0, "e": 31, "f": null, "g": "12", "h": "yes", "i": true
                }]),
            ),
            ("---\na: 1\n---\n---\nb: [x, {y: z}]\n", json!([{"a": 1}, {"b": ["x", {"y": "z"}]}])),
            (
                "a: &m {x: 1, y: 2}\nb:\n  y: 3\n  <<: *m\nc:\n  <<: [*m, {z: 4}]\n  x: 5\n",
                json!([{
                    "a": {"x": 1, "y": 2}, "b": {"x": 1, "y": 3}, "c": {"x": 5, "y": 2, "z": 4}
                }]),
            ),
            (
                "a: &m {x: 1}\nb: {'<<': *m, <<: *m}\nc: {\"<<\": 2}\nd: {!!str <<: *m}\n",
                json!([{"a": {"x": 1}, "b": {"<<": {"x": 1}, "x": 1}, "c": {"<<": 2}, "d": {"<<": {"x": 1}}}]),
            ),
            ("# nothing\n", json!([])),
            ("1: a\ntrue: b\n'<': |\n  c\n", json!([{"1": "a", "true": "b", "<": "c\n"}])),
            ("\u{feff}a: !!str 1\n", json!([{"a": "1"}])),
        ] {
            assert_eq!(values(text), expected, "{text:?}");
        }
    }

    #[test]
    fn every_key_and_value_has_its_place() {
        let text = "metadata: &m\n  name: \"Raum Ä\" # x\nspec:\n  <<: *m\n  hosts:\n    - 10.0.0.1\n    - port: no\n";
        let parsed = parse(text, &Budget::default());
        let node = &parsed.documents[0].node;
        for (pointer, value, key) in [
            ("/metadata/name", (2, 9), Some((2, 3))),
            ("/spec/hosts/0", (6, 7), None),
            ("/spec/hosts/1/port", (7, 13), Some((7, 7))),
            ("/spec/name", (2, 9), Some((2, 3))),
        ] {
            let (found, at) = node.find(pointer);
            assert_eq!((found.span.start.line, found.span.start.column), value, "{pointer}");
            assert_eq!(at.map(|at| (at.start.line, at.start.column)), key, "{pointer}");
        }
    }

    #[test]
    fn the_budget_is_one_for_all_files() {
        let budget = Budget { nodes: 10.into(), expansions: 1.into() };
        assert!(parse("- a\n- b\n- c\n", &budget).faults.is_empty());
        assert_eq!(parse("[a, b, c, d, e, f, g, h]\n", &budget).faults[0].code, "OTJ005");
        let budget = Budget { nodes: 10.into(), expansions: 1.into() };
        assert_eq!(parse("a: &a x\nb: [*a, *a]\n", &budget).faults[0].span.start.line, 2);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        let deep = "[".repeat(100_000);
        let bomb = (1..12).fold("a0: &a0 [x,x,x,x,x,x,x,x,x]\n".to_owned(), |text, n| {
            let aliases = vec![format!("*a{}", n - 1); 9].join(",");
            format!("{text}a{n}: &a{n} [{aliases}]\n")
        });
        for (text, code, line) in [
            ("a: 1\na: 2\n", "OTJ006", 2),
            ("a:\n  - b\n c: d\n", "OTJ004", 3),
            ("a: [1\nb: 2\n", "OTJ004", 2),
            ("a: *nobody\n", "OTJ004", 1),
            ("a: &x [*x]\n", "OTJ004", 1),
            ("a: !secret x\n", "OTJ004", 1),
            ("? [a]\n: b\n", "OTJ004", 1),
            ("a: 1\n<<: 2\n", "OTJ004", 2),
            ("a:\n\tb: 1\n", "OTJ004", 2),
            (&deep, "OTJ005", 1),
            (&bomb, "OTJ005", 7),
        ] {
            let faults = parse(text, &Budget::default()).faults;
            let shown: String = text.chars().take(40).collect();
            assert!(!faults.is_empty(), "{shown}");
            assert_eq!((faults[0].code, faults[0].span.start.line), (code, line), "{shown} {faults:?}");
        }
    }
}
