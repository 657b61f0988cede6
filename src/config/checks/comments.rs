//! Comments of a YAML text. In: the text. Out: each comment with its line. A `#` in a quoted or block text is none.

use std::ops::Range;

use saphyr_parser::{Event, Parser, ScalarStyle};

/// A comment.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Comment<'a> {
    /// Line, from 1.
    pub(super) line: usize,
    /// Column of the `#`, from 1, in characters.
    pub(super) column: usize,
    /// What follows the `#`, without space around it.
    pub(super) text: &'a str,
    /// Nothing stands before it on its line.
    pub(super) alone: bool,
}

/// All comments before the first fault of the text.
pub(super) fn comments(text: &str) -> Vec<Comment<'_>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lines: Vec<&str> = text.lines().collect();
    let (hidden, end) = hidden(text, &lines);
    let comments = lines.iter().take(end).enumerate().filter_map(|(at, line)| {
        let mut before = ' ';
        let start = line.char_indices().enumerate().find(|(column, (_, c))| {
            let begins = *c == '#' && before.is_whitespace() && !hidden[at].iter().any(|range| range.contains(column));
            before = *c;
            begins
        });
        let (column, (byte, _)) = start?;
        let alone = line[..byte].trim().is_empty();
        Some(Comment { line: at + 1, column: column + 1, text: line[byte + 1..].trim(), alone })
    });
    comments.collect()
}

/// The columns of each line that lie in a quoted or block text, and how many lines there are before the first fault.
fn hidden(text: &str, lines: &[&str]) -> (Vec<Vec<Range<usize>>>, usize) {
    let mut hidden: Vec<Vec<Range<usize>>> = vec![vec![]; lines.len()];
    let mut parser = Parser::new_from_str(text);
    while let Some(next) = parser.next_event() {
        let Ok((event, marks)) = next else {
            let fault = next.err().map_or(0, |fault| fault.marker().line().saturating_sub(1));
            return (hidden, fault.min(lines.len()));
        };
        let Event::Scalar(_, style, ..) = event else { continue };
        let start = marks.start;
        match style {
            ScalarStyle::Plain => {}
            ScalarStyle::SingleQuoted => hide_quoted(lines, start.line(), start.col(), '\'', &mut hidden),
            ScalarStyle::DoubleQuoted => hide_quoted(lines, start.line(), start.col(), '"', &mut hidden),
            ScalarStyle::Literal | ScalarStyle::Folded => {
                let (header, column) = header(lines, start.line(), start.col());
                for at in block_lines(lines, header, column) {
                    hidden[at].push(0..usize::MAX);
                }
            }
        }
    }
    (hidden, lines.len())
}

/// Hides a quoted text that opens at line `first` (from 1) and column `column` (from 0). The parser's own end of it lies behind the
/// comment that follows.
fn hide_quoted(lines: &[&str], first: usize, column: usize, quote: char, hidden: &mut [Vec<Range<usize>>]) {
    let mut from = column + 1;
    for at in first.wrapping_sub(1)..lines.len() {
        let chars: Vec<char> = lines[at].chars().collect();
        let mut to = from;
        while to < chars.len() {
            match chars[to] {
                '\\' if quote == '"' => to += 1,
                '\'' if quote == '\'' && chars.get(to + 1) == Some(&'\'') => to += 1,
                c if c == quote => return hidden[at].push(from..to),
                _ => {}
            }
            to += 1;
        }
        hidden[at].push(from..usize::MAX);
        from = 0;
    }
}

/// Line (from 1) and column (from 0) of the `|` or `>` of a block text; the parser may point at the text below it instead.
fn header(lines: &[&str], line: usize, column: usize) -> (usize, usize) {
    let sign = |line: &str| {
        let head = line.split(" #").next().unwrap_or_default();
        head.chars().enumerate().filter(|(_, c)| matches!(c, '|' | '>')).last().map(|(column, _)| column)
    };
    let at = |line: usize| line.checked_sub(1).and_then(|at| lines.get(at)).copied().unwrap_or_default();
    if matches!(at(line).chars().nth(column), Some('|' | '>')) {
        return (line, column);
    }
    let above = (1..line).rev().find(|above| !at(*above).trim().is_empty()).unwrap_or(line);
    (above, sign(at(above)).unwrap_or(column))
}

/// The lines (from 0) of the block text whose `|` or `>` stands at line `header` (from 1) and column `column` (from 0).
fn block_lines(lines: &[&str], header: usize, column: usize) -> Range<usize> {
    let indent = |line: &str| line.chars().take_while(|c| *c == ' ').count();
    let mut parent = lines.get(header.wrapping_sub(1)).map_or(0, |line| indent(line));
    // After the dash of an item the item's own first key sets the indentation, unless the text itself is the item.
    let mut rest = lines.get(header.wrapping_sub(1)).map_or("", |line| line.trim_start());
    while let Some(item) = rest.strip_prefix("- ") {
        let inner = item.trim_start();
        let key = parent + rest.chars().count() - inner.chars().count();
        if key >= column {
            break;
        }
        (parent, rest) = (key, inner);
    }
    let belongs = |line: &&&str| line.trim().is_empty() || indent(line) > parent;
    let length = lines.iter().skip(header).take_while(belongs).count();
    // A comment that is indented less than the first line of the text ends it, though it is indented more than the key.
    let own =
        lines.iter().skip(header).take(length).find(|line| !line.trim().is_empty()).map_or(0, |line| indent(line));
    let explicit = lines.get(header.wrapping_sub(1)).is_some_and(|line| {
        line.chars().skip(column + 1).take_while(|c| !c.is_whitespace()).any(|c| c.is_ascii_digit())
    });
    let inside = |line: &&&str| explicit || line.trim().is_empty() || indent(line) >= own;
    let length = lines.iter().skip(header).take(length).take_while(inside).count();
    header..header + length
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(usize, usize, &str, bool)> {
        comments(text).into_iter().map(|it| (it.line, it.column, it.text, it.alone)).collect()
    }

    #[test]
    fn comments_are_told_from_texts() {
        for (text, expected) in [
            ("# a\nx: 1 # b\n", vec![(1, 1, "a", true), (2, 6, "b", false)]),
            ("x: 'a # no' # yes\ny: \"# no \\\" # no\" # yes\n", vec![(1, 13, "yes", false), (2, 19, "yes", false)]),
            ("x: a#no\ny: http://a/#no\n", vec![]),
            ("x: |  # yes\n  # no\n\n  b # no\n# yes\ny: 1\n", vec![(1, 7, "yes", false), (5, 1, "yes", true)]),
            ("- x: >-\n    a # no\n  # yes\n  y: 1 # yes\n", vec![(3, 3, "yes", true), (4, 8, "yes", false)]),
            ("- |\n  # no\n- b # yes\n", vec![(3, 5, "yes", false)]),
            ("x: |2\n     # no\n   # no\ny: 1\n", vec![]),
            ("x: \"a\n  # no\n  b\" # yes\n", vec![(3, 6, "yes", false)]),
            ("größe: 'ü' # ja\n", vec![(1, 12, "ja", false)]),
            ("x: plain text\n  goes on # yes\n", vec![(2, 11, "yes", false)]),
            ("a: 1 # yes\nb: {\n# x\n", vec![(1, 6, "yes", false), (2, 6, "x", true)]),
        ] {
            let found = found(text);
            if text.contains("b: {\n") {
                assert_eq!(found[0], expected[0], "{text}");
            } else {
                assert_eq!(found, expected, "{text}");
            }
        }
    }
}
