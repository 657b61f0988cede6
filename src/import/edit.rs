//! Changes a document where it stands, so that comments, order and style survive. In: its lines, what it holds, what it shall hold.
//! Out: new lines. Every edit is read back; where the result is not what was meant (anchors, tags, unusual layouts), the document is
//! written anew below its own leading comments.

use serde_json::{Map, Value};

use super::existing::Standing;
use super::{order, text};
use crate::config::yaml::{Budget, Inner, Node, parse};

/// The lines of `standing` (`lines`, as in its file) made to hold `wanted`.
pub(super) fn edited(standing: &Standing, lines: &[&str], wanted: &Value) -> Vec<String> {
    let first = standing.lines.start;
    let kind = wanted["kind"].as_str().unwrap_or_default().to_owned();
    let mut edit = Edit { lines, first, kind, path: vec![], changes: vec![] };
    if let (Inner::Mapping(_), Value::Object(old), Value::Object(new)) = (&standing.node.inner, &standing.value, wanted)
        && edit.mapping(&standing.node, old, new).is_some()
    {
        let result = edit.applied();
        let parsed = parse(&result.join("\n"), &Budget::default());
        if parsed.faults.is_empty() && parsed.documents.len() == 1 && parsed.documents[0].value == *wanted {
            return result;
        }
    }
    anew(lines, wanted)
}

fn anew(lines: &[&str], wanted: &Value) -> Vec<String> {
    let comments = lines.iter().take_while(|line| line.trim().is_empty() || line.starts_with('#'));
    comments.map(|line| (*line).to_owned()).chain(text::document(wanted).lines().map(str::to_owned)).collect()
}

/// Lines that take the place of others; an empty range is an insertion before its start.
struct Change {
    from: usize,
    to: usize,
    with: Vec<String>,
}

struct Edit<'a> {
    lines: &'a [&'a str],
    /// The line of the file that `lines` begins with.
    first: usize,
    kind: String,
    path: Vec<String>,
    changes: Vec<Change>,
}

type Entry<'n> = (&'n str, usize, usize, &'n Node);

impl Edit<'_> {
    /// `None`: this layout is not one to edit.
    fn mapping(&mut self, node: &Node, old: &Map<String, Value>, new: &Map<String, Value>) -> Option<()> {
        let Inner::Mapping(entries) = &node.inner else { return None };
        // Merged keys stand elsewhere; so does what an alias brought.
        let column = entries.first()?.1.start.column;
        let mut places: Vec<Entry<'_>> = vec![];
        for (key, span, value) in entries {
            let line = span.start.line.checked_sub(1 + self.first)?;
            let straight = span.start.column == column && places.last().is_none_or(|last| last.1 < line);
            if !straight || line >= self.lines.len() || self.lines[line].get(..column - 1)?.trim() != "" {
                return None;
            }
            places.push((key, line, self.last_line(value, line)?, value));
        }
        for (key, from, to, value) in &places {
            match (old.get(*key)?, new.get(*key)) {
                (_, None) => self.changes.push(Change { from: *from, to: *to + 1, with: vec![] }),
                (was, Some(is)) if was == is => {}
                (was, Some(is)) => self.replace(key, (*from, *to, column - 1), value, was, is)?,
            }
        }
        for (key, value) in new.iter().filter(|(key, _)| !old.contains_key(key.as_str())) {
            let before = |other: &str| order::compare(&self.kind, &self.path, other, key).is_lt();
            let after = places.iter().filter(|(other, ..)| before(other)).map(|(_, _, to, _)| *to + 1).max();
            let at = after.unwrap_or(places.first()?.1);
            let with = self.rendered(key, value, column - 1);
            self.changes.push(Change { from: at, to: at, with });
        }
        Some(())
    }

    fn replace(
        &mut self,
        key: &str,
        (from, to, indent): (usize, usize, usize),
        node: &Node,
        was: &Value,
        is: &Value,
    ) -> Option<()> {
        if let (Value::Object(old), Value::Object(new)) = (was, is)
            && !new.is_empty()
            && !self.begins_with(node, '{')
        {
            self.path.push(key.to_owned());
            let done = self.mapping(node, old, new);
            self.path.pop();
            return done;
        }
        let with = match self.in_place(node, from, to, was, is) {
            Some(line) => vec![line],
            None => self.rendered(key, is, indent),
        };
        self.changes.push(Change { from, to: to + 1, with });
        Some(())
    }

    /// A plain value on the line of its key: what follows it on the line, a comment, stays.
    fn in_place(&self, node: &Node, from: usize, to: usize, was: &Value, is: &Value) -> Option<String> {
        let simple = |value: &Value| match value {
            Value::String(text) => !text.contains('\n'),
            other => !other.is_object() && !other.is_array() && !other.is_null(),
        };
        let at = node.span.start.line.checked_sub(1 + self.first)?;
        if from != to || at != from || !simple(was) || !simple(is) {
            return None;
        }
        let line = self.lines[from];
        let start = line.char_indices().nth(node.span.start.column - 1)?.0;
        let (head, rest) = line.split_at(start);
        let width = match rest.chars().next()? {
            '&' | '*' | '!' | '|' | '>' => return None,
            quote @ ('"' | '\'') => closing(rest, quote)?,
            _ => rest.find(" #").map_or(rest, |at| &rest[..at]).trim_end().len(),
        };
        Some(format!("{head}{}{}", text::plain_value(is, false), &rest[width..]))
    }

    fn rendered(&self, key: &str, value: &Value, indent: usize) -> Vec<String> {
        let mut out = String::new();
        text::entry(&mut out, &self.kind, &mut self.path.clone(), key, value, indent);
        out.lines().map(str::to_owned).collect()
    }

    fn begins_with(&self, node: &Node, mark: char) -> bool {
        let line = node.span.start.line.checked_sub(1 + self.first).and_then(|at| self.lines.get(at));
        line.and_then(|line| line.chars().nth(node.span.start.column - 1)) == Some(mark)
    }

    /// The last line of a value. The parser's end of a block lies where the next thing begins, so what is empty or a comment there
    /// is given back.
    fn last_line(&self, node: &Node, key_line: usize) -> Option<usize> {
        let literal = self.lines.get(key_line).is_some_and(|line| opens_block(line));
        let end = node.span.end.line.checked_sub(1 + self.first)?;
        let end = if literal || node.span.end.column == 1 { end.saturating_sub(1) } else { end };
        let inner = match &node.inner {
            Inner::Scalar => None,
            _ if self.begins_with(node, '{') || self.begins_with(node, '[') => None,
            Inner::Sequence(items) => items.last(),
            Inner::Mapping(entries) => entries.last().map(|(.., value)| value),
        };
        if let Some(inner) = inner {
            let start = inner.span.start.line.checked_sub(1 + self.first)?;
            return self.last_line(inner, key_line.max(start.min(end.max(key_line))));
        }
        let mut end = end.min(self.lines.len().saturating_sub(1)).max(key_line);
        let idle = |line: &str| line.trim().is_empty() || !literal && line.trim_start().starts_with('#');
        while end > key_line && idle(self.lines[end]) {
            end -= 1;
        }
        Some(end)
    }

    fn applied(mut self) -> Vec<String> {
        // An insertion at a line comes before what is replaced there; several keep their order, since the sort is stable.
        self.changes.sort_by_key(|change| (change.from, change.to));
        let (mut out, mut at) = (vec![], 0);
        for change in self.changes {
            while at < change.from {
                out.push(self.lines[at].to_owned());
                at += 1;
            }
            out.extend(change.with);
            at = at.max(change.to);
        }
        out.extend(self.lines.iter().skip(at).map(|line| (*line).to_owned()));
        out
    }
}

/// Whether a line ends with `|` or `>`, with or without `+`, `-`, a digit and a comment.
fn opens_block(line: &str) -> bool {
    let line = line.split(" #").next().unwrap_or(line).trim_end();
    let mark = line.rsplit(' ').next().unwrap_or_default();
    matches!(mark.trim_end_matches(|c: char| matches!(c, '+' | '-') || c.is_ascii_digit()), "|" | ">")
}

/// Bytes up to and with the closing quote.
fn closing(text: &str, quote: char) -> Option<usize> {
    let mut characters = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = characters.next() {
        if quote == '"' && c == '\\' {
            characters.next();
        } else if c == quote {
            if quote == '\'' && characters.peek().is_some_and(|(_, next)| *next == '\'') {
                characters.next();
                continue;
            }
            return Some(at + 1);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::import::draft::Draft;
    use crate::import::existing::{ConfigFile, Existing};

    /// A document, fields to set (`null`: take away), what comes out.
    fn check(document: &str, fields: &[(&str, Value)], expected: &str) {
        let file = ConfigFile { path: "a.yaml".into(), text: document.into() };
        let existing = Existing::read(vec![file]).unwrap();
        let standing = &existing.documents[0];
        let mut draft = Draft::new("Endpoint", "a", "");
        for (pointer, value) in fields {
            draft.set_or_clear(pointer, Some(value.clone()).filter(|it| !it.is_null()));
        }
        let lines: Vec<&str> = document.lines().collect();
        let wanted = draft.applied_to(&standing.value);
        let result = edited(standing, &lines[standing.lines.clone()], &wanted).join("\n") + "\n";
        assert_eq!(result, expected);
        let read = parse(&result, &Budget::default());
        assert_eq!(read.documents[0].value, wanted);
    }

    #[test]
    fn comments_and_layout_survive_a_change() {
        let document = "# about a\nkind: Endpoint   # yes\nmetadata:\n  name: a\nspec:\n  # the room\n  roomEmail: \"a@x\" # mail\n\n  cisco:\n    address: 10.0.0.1 # lab\n    # the port\n    port: 80\n  # the end\n";
        check(document, &[("/spec/roomEmail", json!("b@x"))], &document.replace("\"a@x\"", "b@x"));
        check(document, &[("/spec/cisco/port", json!(8443))], &document.replace("80", "8443"));
        check(document, &[("/spec/cisco/address", json!("x: y"))], &document.replace("10.0.0.1", "\"x: y\""));
        check(document, &[("/spec/cisco/port", Value::Null)], &document.replace("    port: 80\n", ""));
        check(
            document,
            &[("/spec/raiseAlarms", json!(false)), ("/spec/group", json!("g")), ("/metadata/description", json!("d"))],
            &document.replace("  name: a\n", "  name: a\n  description: d\n").replace(
                "  # the room\n  roomEmail: \"a@x\" # mail\n",
                "  # the room\n  group: g\n  roomEmail: \"a@x\" # mail\n  raiseAlarms: false\n",
            ),
        );
        check(
            document,
            &[("/spec/cisco", Value::Null), ("/spec/poly/username", json!("u"))],
            &document.replace(
                "  cisco:\n    address: 10.0.0.1 # lab\n    # the port\n    port: 80\n",
                "  poly:\n    username: u\n",
            ),
        );
        check(
            document,
            &[("/spec/cisco/password", json!({"file": "f", "key": "a"}))],
            &document.replace("port: 80\n", "port: 80\n    password: {file: f, key: a}\n"),
        );
    }

    #[test]
    fn short_maps_lists_and_blocks_are_replaced_whole() {
        let document = "kind: Endpoint\nmetadata: {name: a}   # short\nspec:\n  cisco: {address: x}\n  tags:\n    - a\n    - b\n  # text\n  text: |\n    # no comment\n    line\n\n  last: 1\n";
        check(
            document,
            &[("/spec/cisco/port", json!(80))],
            &document.replace("  cisco: {address: x}\n", "  cisco:\n    address: x\n    port: 80\n"),
        );
        check(document, &[("/spec/tags", json!(["c"]))], &document.replace("tags:\n    - a\n    - b\n", "tags: [c]\n"));
        check(document, &[("/spec/tags", Value::Null)], &document.replace("  tags:\n    - a\n    - b\n", ""));
        check(
            document,
            &[("/spec/text", json!("one\ntwo\n"))],
            &document.replace("    # no comment\n    line\n", "    one\n    two\n"),
        );
        check(
            document,
            &[("/spec/text", Value::Null)],
            &document.replace("  text: |\n    # no comment\n    line\n", ""),
        );
        check(document, &[("/spec/last", json!("2"))], &document.replace("last: 1", "last: \"2\""));
    }

    #[test]
    fn what_cannot_be_edited_is_written_anew_below_its_comments() {
        check(
            "# about a\n\n{kind: Endpoint, metadata: {name: a}, spec: {port: 1}}\n",
            &[("/spec/port", json!(2))],
            "# about a\n\nkind: Endpoint\nmetadata:\n  name: a\nspec:\n  port: 2\n",
        );
        check(
            "kind: Endpoint\nx: &m {port: 1}\nspec:\n  <<: *m\n  a: 1\n",
            &[("/spec/port", json!(2))],
            "kind: Endpoint\nspec:\n  a: 1\n  port: 2\nx:\n  port: 1\n",
        );
    }
}
