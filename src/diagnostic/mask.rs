//! Keeps secrets out of quoted source lines. In: the text of a file, which may be no YAML at all. Out: lines in which whatever follows
//! a word like `password`, `secret`, `token`, `key` or `value` is dots, and where each column went.
//!
//! | text                              | shown                            |
//! |-----------------------------------|----------------------------------|
//! | `password: hunter2`               | `password: ••••`                 |
//! | `password: {value: a, file: b}`   | `password: {value: ••••, file: b}` |
//! | `privateKey: \|` and what is below | dots                             |
//! | `password: {file: p.yaml}`        | as it is: a place is no secret   |
//! | what looks like a token (`leaks`)  | dots                             |

use std::borrow::Cow;

use super::leaks;

/// How many dots stand for a secret of any length.
const DOTS: usize = 4;

/// What is shown of a file.
pub struct Masked<'a> {
    lines: Vec<Line<'a>>,
}

struct Line<'a> {
    text: &'a str,
    /// Columns (from 0, in characters) that are not shown, sorted, without overlap.
    hidden: Vec<(usize, usize)>,
}

impl<'a> Masked<'a> {
    /// Looks through a file, whatever its kind. Lines of a table are shown only when its first line names columns, none of them a
    /// secret's: nothing else tells what a cell holds.
    #[must_use]
    pub fn of(file: &str, text: &'a str) -> Self {
        if !file.ends_with(".csv") {
            return Self::new(text);
        }
        let first = text.trim_start_matches('\u{feff}').lines().next().unwrap_or_default();
        let mut columns = first.split(',').map(|name| name.trim_matches([' ', '"']));
        let shown = columns.clone().any(|name| name == "name") && !columns.any(is_secret);
        let lines = if shown { text.lines() } else { "".lines() };
        Self { lines: lines.map(|text| Line { text, hidden: vec![] }).collect() }
    }

    /// Looks through a whole file: what a line shows may depend on lines above.
    #[must_use]
    pub fn new(text: &'a str) -> Self {
        let mut scan = Scan::default();
        let mut lines: Vec<Line<'a>> = text.lines().map(|line| Line { text: line, hidden: scan.line(line) }).collect();
        let leaks = leaks::known(text).into_iter().map(|(range, _)| range).chain(leaks::random_looking(text));
        for range in leaks {
            hide(&mut lines, text, range);
        }
        Self { lines }
    }

    /// Line `number` (from 1) as it may be shown, and where column `column` (from 1) went; a column beyond the end stays at the end.
    #[must_use]
    pub fn line(&self, number: usize, columns: &[usize]) -> (Cow<'a, str>, Vec<usize>) {
        let Some(line) = number.checked_sub(1).and_then(|at| self.lines.get(at)) else {
            return ("".into(), vec![1; columns.len()]);
        };
        let length = line.text.chars().count();
        let within: Vec<usize> = columns.iter().map(|column| column.saturating_sub(1).min(length)).collect();
        if line.hidden.is_empty() {
            return (line.text.into(), within.into_iter().map(|column| column + 1).collect());
        }
        let (mut shown, mut went, mut at) = (String::new(), vec![0; length + 1], 0);
        let mut width = 0;
        for (index, c) in line.text.chars().enumerate() {
            went[index] = width;
            match line.hidden.get(at) {
                Some((from, to)) if index >= *from => {
                    if index + 1 == *to {
                        // What a finding points at keeps its column; otherwise not even the length is shown.
                        let dots =
                            if within.iter().any(|column| column >= to && *column < length) { to - from } else { DOTS };
                        shown.extend(std::iter::repeat_n('•', dots));
                        width += dots;
                        at += 1;
                    }
                }
                _ => {
                    shown.push(c);
                    width += 1;
                }
            }
        }
        went[length] = shown.chars().count();
        (shown.into(), within.into_iter().map(|column| went[column] + 1).collect())
    }
}

/// Hides what looks like a secret by itself. `range` counts bytes of the whole text, and lies on one line.
fn hide(lines: &mut [Line<'_>], text: &str, range: std::ops::Range<usize>) {
    let start = |line: &Line<'_>| line.text.as_ptr() as usize - text.as_ptr() as usize;
    let at = lines.partition_point(|line| start(line) <= range.start);
    let Some(line) = at.checked_sub(1).and_then(|at| lines.get_mut(at)) else { return };
    let before = start(line);
    let column = |byte: usize| line.text.get(..byte - before).map_or(line.text.len(), |text| text.chars().count());
    line.hidden.push((column(range.start), column(range.end)));
    line.hidden.sort_unstable();
    // What overlaps becomes one.
    let mut merged: Vec<(usize, usize)> = vec![];
    for (from, to) in line.hidden.drain(..) {
        match merged.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            _ => merged.push((from, to)),
        }
    }
    line.hidden = merged;
}

/// Words after which nothing is shown.
const WORDS: [&str; 9] = ["pass", "pasw", "pwd", "secret", "token", "key", "value", "credential", "authorization"];

/// Words whose value is a place, not a secret.
const PLACES: [&str; 2] = ["file", "env"];

pub(crate) fn is_secret(word: &str) -> bool {
    let word = word.to_lowercase();
    WORDS.iter().any(|secret| word.contains(secret))
        || ["password", "secret", "token", "value"].iter().any(|secret| super::did_you_mean(&word, [*secret]).is_some())
}

/// What goes on from line to line.
#[derive(Default)]
enum Below {
    #[default]
    Nothing,
    /// Lines deeper than this indentation belong to a secret.
    Deeper(usize),
    /// An opened quote hides all until it is closed.
    Quote(char),
    /// Opened brackets hide all until they are closed.
    Brackets(usize),
}

#[derive(Default)]
struct Scan {
    below: Below,
}

impl Scan {
    /// The columns of `line` that are not shown.
    fn line(&mut self, line: &str) -> Vec<(usize, usize)> {
        let chars: Vec<char> = line.chars().collect();
        let indentation = chars.iter().take_while(|c| **c == ' ').count();
        let mut hidden = vec![];
        let mut at = match self.below {
            Below::Quote(quote) => match close_quote(&chars, 0, quote) {
                Some(end) => {
                    self.below = Below::Nothing;
                    hidden.push((0, end));
                    end
                }
                None => return whole(&chars),
            },
            Below::Brackets(open) => match close_brackets(&chars, 0, open) {
                Ok(end) => {
                    self.below = Below::Nothing;
                    hidden.push((0, end));
                    end
                }
                Err(open) => {
                    self.below = Below::Brackets(open);
                    return whole(&chars);
                }
            },
            Below::Deeper(limit) if indentation > limit || !begins_anew(line) => {
                let place = PLACES.iter().any(|word| line.trim_start().starts_with(&format!("{word}: ")));
                return if place { vec![] } else { whole(&chars) };
            }
            _ => {
                self.below = Below::Nothing;
                0
            }
        };
        while let Some((start, end)) = next_word(&chars, at) {
            let word: String = chars[start..end].iter().collect();
            at = end;
            if !is_secret(&word) {
                continue;
            }
            let mut from = end;
            while chars.get(from).is_some_and(|c| matches!(c, '"' | '\'' | ':' | '=' | ' ' | '\t')) {
                // A quote opens a value when a separator came before it; right after the word it closes the key.
                if matches!(chars[from], '"' | '\'') && from > end && chars[from - 1] != chars[from] {
                    break;
                }
                from += 1;
            }
            if from >= chars.len() {
                self.below = Below::Deeper(depth_of(&chars));
                break;
            }
            at = self.value(&chars, from, &mut hidden);
        }
        hidden
    }

    /// Hides the value that begins at `from`; answers where to go on.
    fn value(&mut self, chars: &[char], from: usize, hidden: &mut Vec<(usize, usize)>) -> usize {
        match chars[from] {
            quote @ ('"' | '\'') => match close_quote(chars, from + 1, quote) {
                Some(end) => {
                    hidden.push((from, end));
                    end
                }
                None => {
                    self.below = Below::Quote(quote);
                    hidden.push((from, chars.len()));
                    chars.len()
                }
            },
            '{' | '[' => match close_brackets(chars, from, 0) {
                Ok(end) => {
                    hidden.extend(inside(chars, from + 1, end - 1));
                    end
                }
                Err(open) => {
                    self.below = Below::Brackets(open);
                    hidden.push((from, chars.len()));
                    chars.len()
                }
            },
            _ => {
                // A block text, an anchor, or a plain text that may go on below: all that is deeper belongs to it.
                self.below = Below::Deeper(depth_of(chars));
                let end = if in_flow(chars, from) { flow_end(chars, from) } else { chars.len() };
                hidden.push((from, end));
                end
            }
        }
    }
}

/// Indentation of the key of a line; the dash of a list item counts as indentation of what follows it.
fn depth_of(chars: &[char]) -> usize {
    chars.iter().take_while(|c| **c == ' ').count()
}

/// Whether a line can be the next thing after a secret: a key, an item, a comment, a document. In a torn file anything else may
/// still be the secret.
fn begins_anew(line: &str) -> bool {
    let line = line.trim_start();
    let key = line.trim_start_matches("- ").split(':').next().unwrap_or_default();
    let is_key =
        line.contains(':') && !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || "-_.\"'".contains(c));
    is_key || line.starts_with("- ") || line.starts_with('#') || line.starts_with("---") || line.starts_with("...")
}

fn whole(chars: &[char]) -> Vec<(usize, usize)> {
    let start = chars.iter().take_while(|c| c.is_whitespace()).count();
    if start == chars.len() { vec![] } else { vec![(start, chars.len())] }
}

fn next_word(chars: &[char], from: usize) -> Option<(usize, usize)> {
    let part = |c: &char| c.is_alphanumeric() || *c == '_' || *c == '-';
    let start = (from..chars.len()).find(|at| part(&chars[*at]))?;
    let end = (start..chars.len()).find(|at| !part(&chars[*at])).unwrap_or(chars.len());
    Some((start, end))
}

fn close_quote(chars: &[char], from: usize, quote: char) -> Option<usize> {
    let mut at = from;
    while at < chars.len() {
        match chars[at] {
            '\\' if quote == '"' => at += 1,
            c if c == quote => return Some(at + 1),
            _ => {}
        }
        at += 1;
    }
    None
}

/// The end after the bracket that closes, or how many are still open at the end of the line.
fn close_brackets(chars: &[char], from: usize, open: usize) -> Result<usize, usize> {
    let mut open = open;
    for (at, c) in chars.iter().enumerate().skip(from) {
        match c {
            '{' | '[' => open += 1,
            '}' | ']' => {
                open = open.saturating_sub(1);
                if open == 0 {
                    return Ok(at + 1);
                }
            }
            _ => {}
        }
    }
    Err(open)
}

/// Inside of a flow map that belongs to a secret, everything but the values of `file` and `env` is hidden.
fn inside(chars: &[char], from: usize, to: usize) -> Vec<(usize, usize)> {
    let mut hidden = vec![];
    let mut start = from;
    for at in from..=to {
        if at == to || chars[at] == ',' {
            let part: String = chars[start..at].iter().collect();
            let place = PLACES.iter().any(|word| part.trim_start().starts_with(&format!("{word}: ")));
            let blank = part.trim().is_empty();
            if !place && !blank {
                let skip = part.find(": ").map_or(0, |colon| part[..colon + 2].chars().count());
                hidden.push((start + skip, at));
            }
            start = at + 1;
        }
    }
    hidden.retain(|(from, to)| from < to);
    hidden
}

fn in_flow(chars: &[char], at: usize) -> bool {
    let open = chars[..at].iter().filter(|c| matches!(c, '{' | '[')).count();
    open > chars[..at].iter().filter(|c| matches!(c, '}' | ']')).count()
}

fn flow_end(chars: &[char], from: usize) -> usize {
    (from..chars.len()).find(|at| matches!(chars[*at], ',' | '}' | ']')).unwrap_or(chars.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_quoted_only_when_no_column_can_hold_a_secret() {
        for (header, shown) in [("name,address", "a,b"), ("name,api_password", ""), ("x,y", ""), ("a", "")] {
            let text = format!("{header}\na,b\n");
            assert_eq!(Masked::of("t.csv", &text).line(2, &[]).0, shown, "{header}");
        }
    }

    fn shown(text: &str) -> String {
        let masked = Masked::new(text);
        let lines: Vec<_> = (1..=text.lines().count()).map(|at| masked.line(at, &[]).0.into_owned()).collect();
        lines.join("\n")
    }

    #[test]
    fn what_follows_a_secret_word_is_dots() {
        for (text, expected) in [
            ("password: hunter2", "password: ••••"),
            ("  pasword: 'hunter2' # why", "  pasword: •••• # why"),
            ("password: {value: hunter2, file: b}", "password: {value: ••••, file: b}"),
            ("password: {file: poly.yaml, key: hunter2}", "password: {file: poly.yaml, key: ••••}"),
            ("cisco: {username: a, password: hunter2}", "cisco: {username: a, password: ••••}"),
            ("\"password\": \"hunter2\", \"x\": 1", "\"password\": ••••, \"x\": 1"),
            ("privateKey: |\n  hunter2\n  hunter2\nname: x", "privateKey: ••••\n  ••••\n  ••••\nname: x"),
            ("password:\n  value: hunter2\n  file: x\na: b", "password:\n  ••••\n  file: x\na: b"),
            ("secret: \"hunter2\nhunter2\nhunter2\" x\na: b", "secret: ••••\n••••\n•••• x\na: b"),
            ("token: {\nhunter2\n}\na: b", "token: ••••\n••••\n••••\na: b"),
            ("key: |\n  hunter2\n{ hunter2\nhunter2\nname: x", "key: ••••\n  ••••\n••••\n••••\nname: x"),
            ("password hunter2", "password ••••"),
            ("clientSecret=hunter2", "clientSecret=••••"),
            ("- password: hunter2", "- password: ••••"),
            ("address: 10.0.0.7", "address: 10.0.0.7"),
            ("größe: q7Rk2mZ9xV4pL8wT1bN6 # x", "größe: •••• # x"),
            ("proxy: http://otj:hunter2@proxy.example", "proxy: ••••proxy.example"),
            ("note: q7Rk2mZ9xV4pL8wT1bN6, password: hunter2", "note: ••••, password: ••••"),
            ("group: olso", "group: olso"),
            ("roomEmail: x@example.com", "roomEmail: x@example.com"),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn what_a_finding_points_at_keeps_its_column() {
        let masked = Masked::new("{größe: x, password: hunter2, group: x}");
        assert_eq!(masked.line(1, &[2]), ("{größe: x, password: ••••, group: x}".into(), vec![2]));
        let (line, columns) = masked.line(1, &[31, 36]);
        assert_eq!((&*line, columns), ("{größe: x, password: •••••••, group: x}", vec![31, 36]));
        assert_eq!(masked.line(1, &[25, 99]), ("{größe: x, password: ••••, group: x}".into(), vec![22, 37]));
    }
}
