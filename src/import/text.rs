//! Writes documents as people would: block style, quotes only where a reader of YAML 1.2 or of YAML 1.1 would otherwise see
//! something else than a text, `|` for texts of several lines, references to secrets on one line. In: values. Out: text.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::order;

/// Widest list or map that is written on one line.
const FLOW_WIDTH: usize = 90;

/// The first line of every file: editors find the schema by it. `depth` is how many directories the file lies below the root.
#[must_use]
pub fn schema_line(depth: usize) -> String {
    format!("# yaml-language-server: $schema={}schema/otj.schema.json\n", "../".repeat(depth + 1))
}

/// One document, without separator.
#[must_use]
pub fn document(value: &Value) -> String {
    let kind = value["kind"].as_str().unwrap_or_default();
    let mut out = String::new();
    if let Value::Object(map) = value {
        block_map(&mut out, kind, &mut vec![], map, 0);
    }
    out
}

/// The document as comment lines, for what cannot be used as it is.
#[must_use]
pub fn commented(value: &Value) -> String {
    document(value).lines().map(|line| if line.is_empty() { "#\n".to_owned() } else { format!("# {line}\n") }).collect()
}

/// A comment, broken into lines.
#[must_use]
pub fn comment(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let mut written = String::new();
        for word in line.split_whitespace() {
            if !written.is_empty() && written.chars().count() + word.chars().count() > 110 {
                let _ = writeln!(out, "# {written}");
                written.clear();
            }
            if !written.is_empty() {
                written.push(' ');
            }
            written.push_str(word);
        }
        out.push_str(format!("# {written}").trim_end());
        out.push('\n');
    }
    out
}

/// `key: value` with everything below it, every line indented by `indent`. `path` leads to the map that holds the key.
pub(super) fn entry(out: &mut String, kind: &str, path: &mut Vec<String>, key: &str, value: &Value, indent: usize) {
    let _ = write!(out, "{:indent$}{}:", "", scalar(key, true));
    path.push(key.to_owned());
    after_key(out, kind, path, value, indent);
    path.pop();
}

fn block_map(out: &mut String, kind: &str, path: &mut Vec<String>, map: &Map<String, Value>, indent: usize) {
    let mut keys: Vec<&String> = map.keys().collect();
    keys.sort_by(|a, b| order::compare(kind, path, a, b));
    for key in keys {
        entry(out, kind, path, key, &map[key.as_str()], indent);
    }
}

fn after_key(out: &mut String, kind: &str, path: &mut Vec<String>, value: &Value, indent: usize) {
    match value {
        Value::Object(map) if map.is_empty() => out.push_str(" {}\n"),
        Value::Object(map) => match one_line(path, value) {
            Some(line) => {
                let _ = writeln!(out, " {line}");
            }
            None => {
                out.push('\n');
                block_map(out, kind, path, map, indent + 2);
            }
        },
        Value::Array(items) if items.is_empty() => out.push_str(" []\n"),
        Value::Array(items) => match one_line(path, value) {
            Some(line) => {
                let _ = writeln!(out, " {line}");
            }
            None => {
                out.push('\n');
                block_list(out, kind, path, items, indent + 2);
            }
        },
        Value::String(text) if block_scalar_fits(text) => literal(out, text, indent + 2),
        other => {
            let _ = writeln!(out, " {}", plain_value(other, false));
        }
    }
}

fn block_list(out: &mut String, kind: &str, path: &mut Vec<String>, items: &[Value], indent: usize) {
    path.push("-".into());
    for item in items {
        match item {
            Value::Object(map) if !map.is_empty() => {
                let mut inner = String::new();
                block_map(&mut inner, kind, path, map, indent + 2);
                // The dash stands where the first key's indentation ends.
                let _ = write!(out, "{:indent$}- {}", "", inner.trim_start_matches(' '));
            }
            Value::String(text) if block_scalar_fits(text) => {
                let _ = write!(out, "{:indent$}-", "");
                literal(out, text, indent + 2);
            }
            other => {
                let item = if other.is_string() { plain_value(other, false) } else { flow(kind, path, other) };
                let _ = writeln!(out, "{:indent$}- {item}", "");
            }
        }
    }
    path.pop();
}

/// References to secrets, labels and short lists of plain values go on one line.
fn one_line(path: &[String], value: &Value) -> Option<String> {
    let line = match value {
        Value::Object(map) => {
            let reference = map.keys().all(|key| matches!(key.as_str(), "file" | "key" | "env" | "value"));
            let short = matches!(path.last().map(String::as_str), Some("labels" | "annotations" | "organizer"));
            let plain = map.values().all(|it| !it.is_object() && !it.is_array());
            (plain && short || reference && path.len() > 1 && map.values().all(Value::is_string))
                .then(|| flow("", &mut path.to_vec(), value))
        }
        Value::Array(items) => {
            items.iter().all(|it| !it.is_object() && !it.is_array()).then(|| flow("", &mut path.to_vec(), value))
        }
        _ => None,
    }?;
    (line.chars().count() <= FLOW_WIDTH).then_some(line)
}

fn flow(kind: &str, path: &mut Vec<String>, value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort_by(|a, b| order::compare(kind, path, a, b));
            let entries: Vec<String> = keys
                .into_iter()
                .map(|key| format!("{}: {}", scalar(key, true), flow(kind, path, &map[key.as_str()])))
                .collect();
            format!("{{{}}}", entries.join(", "))
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| flow(kind, path, item)).collect();
            format!("[{}]", items.join(", "))
        }
        other => plain_value(other, true),
    }
}

/// Any value on one line, for messages.
pub(super) fn one_line_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.replace(['\n', '\r'], " "),
        other => flow("", &mut vec![], other),
    }
}

/// A scalar on one line.
pub(super) fn plain_value(value: &Value, in_flow: bool) -> String {
    match value {
        Value::String(text) => scalar(text, in_flow),
        other => other.to_string(),
    }
}

fn literal(out: &mut String, text: &str, indent: usize) {
    let chomping = if !text.ends_with('\n') {
        "-"
    } else if text.ends_with("\n\n") {
        "+"
    } else {
        ""
    };
    let _ = writeln!(out, " |{chomping}");
    for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
        match line {
            "" => out.push('\n'),
            line => {
                let _ = writeln!(out, "{:indent$}{line}", "");
            }
        }
    }
}

fn block_scalar_fits(text: &str) -> bool {
    let readable = |c: char| c == '\n' || c == '\t' || printable(c);
    text.trim_end_matches('\n').contains('\n') && !text.starts_with([' ', '\n', '\t']) && text.chars().all(readable)
        || text.ends_with('\n') && !text.starts_with([' ', '\n', '\t']) && text.len() > 1 && text.chars().all(readable)
}

/// What every YAML reader takes as it stands. U+0085, U+2028 and U+2029 end lines in YAML 1.1, and U+FEFF is a mark.
fn printable(c: char) -> bool {
    matches!(c, ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
        && !matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}')
}

fn scalar(text: &str, in_flow: bool) -> String {
    if plain_is_safe(text, in_flow) {
        return text.to_owned();
    }
    let simple = text.chars().all(printable);
    if simple && text.contains(['"', '\\']) {
        return format!("'{}'", text.replace('\'', "''"));
    }
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if printable(c) => out.push(c),
            c => {
                let _ = match u32::from(c) {
                    code @ ..=0xff => write!(out, "\\x{code:02x}"),
                    code @ ..=0xffff => write!(out, "\\u{code:04x}"),
                    code => write!(out, "\\U{code:08x}"),
                };
            }
        }
    }
    out.push('"');
    out
}

fn plain_is_safe(text: &str, in_flow: bool) -> bool {
    let Some(first) = text.chars().next() else { return false };
    let last = text.chars().next_back().unwrap_or(first);
    let indicator = "-?:,[]{}#&*!|>'\"%@`=<~".contains(first);
    let breaks = text.contains(": ") || text.contains(" #") || last == ':' || first == ' ' || last == ' ';
    let tame = |c: char| c.is_alphanumeric() || "._/@+-\\ ".contains(c);
    let in_flow_breaks = in_flow && (!text.chars().all(tame) || text.contains(" -") || last == '-');
    !indicator && !breaks && !in_flow_breaks && text.chars().all(printable) && !means_something_else(text)
}

/// Whether some reader sees a number, a truth value, a date or nothing: YAML 1.1 knows more of them than 1.2.
fn means_something_else(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    if matches!(lower.as_str(), "y" | "n" | "yes" | "no" | "on" | "off" | "true" | "false" | "null" | ".nan" | ".inf") {
        return true;
    }
    let numeric_start = text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.'));
    let numeric_all = lower
        .chars()
        .all(|c| c.is_ascii_hexdigit() || matches!(c, '_' | '.' | ':' | '+' | '-' | 'x' | 'o' | 't' | 'z' | ' ' | ','))
        || lower.trim_start_matches(['+', '-']).starts_with(".inf");
    numeric_start && numeric_all && !is_ipv4(text)
}

/// Four numbers and three points are a number to no reader.
fn is_ipv4(text: &str) -> bool {
    text.parse::<std::net::Ipv4Addr>().is_ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config::yaml::{Budget, parse};

    fn read(text: &str) -> Vec<Value> {
        let parsed = parse(text, &Budget::default());
        assert!(parsed.faults.is_empty(), "{text}\n{:?}", parsed.faults);
        parsed.documents.into_iter().map(|document| document.value).collect()
    }

    #[test]
    fn a_document_is_written_as_a_person_would() {
        let value = json!({
            "spec": {
                "roomEmail": "fjord@example.com", "group": "oslo", "raiseAlarms": false,
                "cisco": {"password": {"key": "oslo-fjord", "file": "passwords.yaml"}, "address": "10.0.0.4", "port": 8443},
                "unknown": {"b": 1, "a": [1, "x, y", {"n": "m", "name": "l"}]}
            },
            "kind": "Endpoint", "apiVersion": "otj/v1",
            "metadata": {"labels": {"floor": "4", "site": "oslo"}, "name": "oslo-fjord", "description": "Room: \"Fjord\""}
        });
        let text = document(&value);
        assert_eq!(read(&text), [value]);
        assert_eq!(
            text,
            "apiVersion: otj/v1\nkind: Endpoint\nmetadata:\n  name: oslo-fjord\n  description: 'Room: \"Fjord\"'\n  \
             labels: {floor: \"4\", site: oslo}\nspec:\n  group: oslo\n  roomEmail: fjord@example.com\n  raiseAlarms: false\n  \
             cisco:\n    address: 10.0.0.4\n    port: 8443\n    password: {file: passwords.yaml, key: oslo-fjord}\n  \
             unknown:\n    a:\n      - 1\n      - x, y\n      - name: l\n        \"n\": m\n    b: 1\n"
        );
    }

    #[test]
    fn every_text_comes_back_as_it_was() {
        let mut texts: Vec<String> = [
            "",
            " ",
            "a ",
            " a",
            "no",
            "Yes",
            "ON",
            "~",
            "null",
            "1",
            "01",
            "0x1F",
            "1e3",
            "1_000",
            "12:30:00",
            "2026-01-02",
            "1.5",
            ".5",
            "-",
            "- a",
            "a: b",
            "a:",
            ":a",
            "a #b",
            "#a",
            "a#b",
            "{{ endpoint.name }}",
            "[a]",
            "a, b",
            "'",
            "\"",
            "\\",
            "it's",
            "say \"hi\"",
            "a\nb",
            "a\nb\n",
            "a\n\n",
            "\n",
            "\na",
            " a\nb",
            "a\n  b\n",
            "a\r\nb",
            "\ta\nb",
            "a\tb",
            "ü",
            "\u{85}",
            "\u{2028}",
            "\u{feff}x",
            "😀",
            "\u{7}",
            "=",
            "<<",
            "---",
            "--- a",
            "... ",
            "%a",
            "@a",
            "`a`",
            "!a",
            "&a",
            "*a",
            "|",
            ">",
            "10.0.0.1",
            "+47 900",
            "a: |",
            "? a",
            ".inf",
            "-.INF",
            "0b11",
            "1,5",
            "0o17",
            "key: {",
            "a\n---\nb",
            "x\n#y\n",
            "trailing \nspace",
            "end\n\n\n",
        ]
        .map(str::to_owned)
        .to_vec();
        // Every text of three letters of an alphabet of those that matter.
        let letters = ['a', ' ', ':', '#', '-', '\n', '"', '\'', '{', ',', '0', '\\', '.', ']'];
        for a in letters {
            for b in letters {
                texts.extend(letters.map(|c| format!("{a}{b}{c}")));
            }
        }
        for chunk in texts.chunks(40) {
            let in_block: Map<String, Value> =
                chunk.iter().enumerate().map(|(n, text)| (format!("k{n:03}"), json!(text))).collect();
            let keys: Map<String, Value> =
                chunk.iter().filter(|text| *text != "<<").map(|text| (text.clone(), json!(1))).collect();
            let short: Vec<Value> = chunk.iter().map(|text| json!([text])).collect();
            let value = json!({"kind": "X", "spec": {"block": in_block, "keys": keys, "list": chunk, "flow": short,
                "maps": chunk.iter().map(|text| json!({"a": text, "file": {"file": text}})).collect::<Vec<_>>()}});
            assert_eq!(read(&document(&value)), [value]);
        }
    }

    #[test]
    fn a_comment_is_broken_into_lines_and_a_document_can_be_one() {
        let long = "word ".repeat(30);
        assert_eq!(comment(&long).lines().count(), 2);
        assert_eq!(
            commented(&json!({"kind": "Rule", "spec": {"a": "b\n\nc\n"}})),
            "# kind: Rule\n# spec:\n#   a: |\n#     b\n#\n#     c\n"
        );
    }
}
