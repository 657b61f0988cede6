//! Regular expressions as people write them for Pexip, that is for Python's `re`, on texts that strangers write.
//!
//! In: a pattern. Out: a compiled [`Pattern`] that answers in linear time where it can, and gives up with an error, never with
//! "no match", where it cannot. `regex` is tried first; what needs look-around or back-references goes to `fancy-regex` with a
//! bound on backtracking.
//!
//! `\d` and `\D` mean ASCII digits: an address has no others.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

/// Largest compiled pattern, in bytes.
const SIZE_MAX: usize = 1 << 20;

/// Most backtracking steps of one search. One step is spent at least on every character looked at, so this also bounds the text
/// that a look-around pattern can be tried on; a search that reaches it takes about 60 ms.
const BACKTRACK_MAX: usize = 1_000_000;

/// Most patterns kept compiled for templates. A template may build patterns from an invitation; then the store is emptied when full.
const KEPT_MAX: usize = 256;

/// A compiled pattern.
#[derive(Debug)]
pub struct Pattern(Engine);

#[derive(Debug)]
enum Engine {
    Linear(regex::Regex),
    Backtracking(fancy_regex::Regex),
}

/// The search was given up. Its result is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the search took too many steps")]
pub struct TooManySteps;

/// The first match: the text of each group, 0 being all of it; a group that took no part is `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found<'t> {
    /// By number.
    pub groups: Vec<Option<&'t str>>,
    /// Numbers by name.
    pub names: BTreeMap<String, usize>,
}

/// Whether `pattern` can be used.
///
/// # Errors
/// Says what is wrong with it, in one line.
pub fn check(pattern: &str) -> Result<(), String> {
    Pattern::compile(pattern).map(|_| ())
}

impl Pattern {
    /// Compiles.
    ///
    /// # Errors
    /// Says what is wrong with the pattern, in one line.
    pub fn compile(pattern: &str) -> Result<Self, String> {
        let pattern = from_python(pattern);
        let linear = regex::RegexBuilder::new(&pattern).size_limit(SIZE_MAX).dfa_size_limit(SIZE_MAX).build();
        let first = match linear {
            Ok(regex) => return Ok(Self(Engine::Linear(regex))),
            Err(regex::Error::CompiledTooBig(_)) => {
                return Err("the pattern is too big: use fewer or smaller repetitions".into());
            }
            Err(error) => error,
        };
        let backtracking = fancy_regex::RegexBuilder::new(&pattern)
            .backtrack_limit(BACKTRACK_MAX)
            .delegate_size_limit(SIZE_MAX)
            .delegate_dfa_size_limit(SIZE_MAX)
            .build();
        match backtracking {
            Ok(regex) => Ok(Self(Engine::Backtracking(regex))),
            // What `regex` says is better told, unless it only says that it has no look-around.
            Err(error) if first.to_string().contains("look-around") || first.to_string().contains("backreference") => {
                Err(last_line(&error.to_string()))
            }
            Err(_) => Err(last_line(&first.to_string())),
        }
    }

    /// The same, kept compiled for the next time.
    ///
    /// # Errors
    /// As [`Pattern::compile`].
    pub fn cached(pattern: &str) -> Result<Arc<Self>, String> {
        static KEPT: LazyLock<Mutex<BTreeMap<String, Arc<Pattern>>>> = LazyLock::new(Mutex::default);
        let kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner).get(pattern).cloned();
        if let Some(kept) = kept {
            return Ok(kept);
        }
        let compiled = Arc::new(Self::compile(pattern)?);
        let mut all = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= KEPT_MAX {
            all.clear();
        }
        all.insert(pattern.to_owned(), compiled.clone());
        Ok(compiled)
    }

    /// The first match in `text`.
    ///
    /// # Errors
    /// When the search was given up.
    pub fn find<'t>(&self, text: &'t str) -> Result<Option<Found<'t>>, TooManySteps> {
        Ok(self.find_from(text, 0)?.map(|(_, found)| found))
    }

    /// The first match that begins at byte `from` or later, and where it lies. What stands before `from` is seen by look-behind.
    fn find_from<'t>(&self, text: &'t str, from: usize) -> Result<Option<(Range<usize>, Found<'t>)>, TooManySteps> {
        match &self.0 {
            Engine::Linear(regex) => Ok(regex.captures_at(text, from).map(|captures| {
                let groups = captures.iter().map(|group| group.map(|group| group.as_str())).collect();
                (captures.get_match().range(), Found { groups, names: numbered(regex.capture_names()) })
            })),
            Engine::Backtracking(regex) => {
                let captures = regex.captures_from_pos(text, from).map_err(|_| TooManySteps)?;
                Ok(captures.and_then(|captures| {
                    let groups = captures.iter().map(|group| group.map(|group| group.as_str())).collect();
                    let whole = captures.get(0)?;
                    Some((whole.range(), Found { groups, names: numbered(regex.capture_names()) }))
                }))
            }
        }
    }

    /// `text` with every match replaced by the expanded `replacement`, stopping with an error past `limit` bytes.
    ///
    /// # Errors
    /// When a search was given up, the replacement names a group that is not there, or the result is too long.
    pub fn replace_all(&self, text: &str, replacement: &Replacement, limit: usize) -> Result<String, String> {
        let mut result = String::new();
        let mut copied = 0;
        let mut from = 0;
        while from <= text.len() {
            let Some((at, found)) = self.find_from(text, from).map_err(|error| error.to_string())? else { break };
            result.push_str(&text[copied..at.start]);
            result.push_str(&replacement.expand(&found)?);
            copied = at.end;
            // An empty match moves on by one character, which stays.
            let step = if at.is_empty() { text[at.end..].chars().next().map_or(1, char::len_utf8) } else { 0 };
            from = at.end + step;
            if result.len() > limit {
                return Err(format!("the result is longer than {limit} bytes"));
            }
        }
        result.push_str(&text[copied..]);
        Ok(result)
    }

    /// How many groups there are, 0 included.
    #[must_use]
    pub fn groups(&self) -> usize {
        match &self.0 {
            Engine::Linear(regex) => regex.captures_len(),
            Engine::Backtracking(regex) => regex.captures_len(),
        }
    }

    fn has_group(&self, name: &str) -> bool {
        match &self.0 {
            Engine::Linear(regex) => regex.capture_names().flatten().any(|each| each == name),
            Engine::Backtracking(regex) => regex.capture_names().flatten().any(|each| each == name),
        }
    }
}

/// What a match becomes: text with `\1`…`\9` and `\g<name>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replacement(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Number(usize),
    Name(String),
}

impl Replacement {
    /// Parses `text` and checks that `pattern` has the groups it names.
    ///
    /// # Errors
    /// Names the group that is not there, or the broken escape.
    pub fn parse(text: &str, pattern: &Pattern) -> Result<Self, String> {
        let mut parts = vec![];
        let mut plain = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('\\') {
            plain.push_str(&rest[..at]);
            rest = &rest[at + 1..];
            let mut characters = rest.chars();
            let part = match characters.next() {
                Some(digit) if digit.is_ascii_digit() => {
                    rest = &rest[1..];
                    Part::Number(digit as usize - '0' as usize)
                }
                Some('g') => {
                    let name = rest.strip_prefix("g<").and_then(|after| after.split_once('>'));
                    let Some((name, after)) = name else {
                        return Err("`\\g` needs a group: write `\\g<name>`".into());
                    };
                    rest = after;
                    name.parse().map_or_else(|_| Part::Name(name.to_owned()), Part::Number)
                }
                Some(other) => {
                    plain.push(other);
                    rest = characters.as_str();
                    continue;
                }
                None => return Err("it ends with a single `\\`: write `\\\\`".into()),
            };
            match &part {
                Part::Number(number) if *number >= pattern.groups() => {
                    return Err(format!("`\\{number}` names a group that the pattern does not have"));
                }
                Part::Name(name) if !pattern.has_group(name) => {
                    return Err(format!("`\\g<{name}>` names a group that the pattern does not have"));
                }
                _ => {}
            }
            if !plain.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut plain)));
            }
            parts.push(part);
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            parts.push(Part::Text(plain));
        }
        Ok(Self(parts))
    }

    /// The replacement of one match. A group that took no part is empty.
    ///
    /// # Errors
    /// When it names a group that is not there.
    pub fn expand(&self, found: &Found<'_>) -> Result<String, String> {
        let mut result = String::new();
        for part in &self.0 {
            let number = match part {
                Part::Text(text) => {
                    result.push_str(text);
                    continue;
                }
                Part::Number(number) => Some(*number),
                Part::Name(name) => found.names.get(name).copied(),
            };
            match number.and_then(|number| found.groups.get(number)) {
                Some(group) => result.push_str(group.unwrap_or_default()),
                None => return Err("the replacement names a group that the pattern does not have".into()),
            }
        }
        Ok(result)
    }
}

fn numbered<'n>(names: impl Iterator<Item = Option<&'n str>>) -> BTreeMap<String, usize> {
    names.enumerate().filter_map(|(number, name)| name.map(|name| (name.to_owned(), number))).collect()
}

/// Errors of the engines draw the pattern over several lines; the last one says what is wrong.
fn last_line(text: &str) -> String {
    text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or(text).trim().trim_start_matches("error: ").to_owned()
}

/// Rewrites what Python reads otherwise than `regex`: ASCII `\d`, `\Z`, `\<` and `\>` as themselves, `[`, `&&` and `~~` inside a
/// class as themselves, `{` that begins no repetition, `{,n}`.
fn from_python(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 16);
    let mut class = false;
    let mut rest = pattern;
    while let Some(character) = rest.chars().next() {
        rest = &rest[character.len_utf8()..];
        match character {
            '\\' => {
                let Some(escaped) = rest.chars().next() else {
                    out.push('\\');
                    break;
                };
                rest = &rest[escaped.len_utf8()..];
                match escaped {
                    'd' if class => out.push_str("0-9"),
                    'd' => out.push_str("[0-9]"),
                    'D' => out.push_str("[^0-9]"),
                    'Z' if !class => out.push_str(r"\z"),
                    '<' | '>' => out.push(escaped),
                    _ => out.extend(['\\', escaped]),
                }
            }
            '[' if class => out.push_str(r"\["),
            '&' | '~' if class => out.extend(['\\', character]),
            '[' => {
                class = true;
                out.push('[');
                if let Some(after) = rest.strip_prefix('^') {
                    out.push('^');
                    rest = after;
                }
                // A `]` right after the opening is a member.
                if let Some(after) = rest.strip_prefix(']') {
                    out.push_str(r"\]");
                    rest = after;
                }
            }
            ']' if class => {
                class = false;
                out.push(']');
            }
            '{' if !class => match repetition(rest) {
                Some(true) => out.push_str("{0"),
                Some(false) => out.push('{'),
                None => out.push_str(r"\{"),
            },
            _ => out.push(character),
        }
    }
    out
}

/// Whether what follows a `{` makes it a repetition, and then whether it lacks its lower bound.
fn repetition(rest: &str) -> Option<bool> {
    let (inside, _) = rest.split_once('}')?;
    let (low, high) = inside.split_once(',').unwrap_or((inside, "0"));
    let number = |text: &str| text.chars().all(|c| c.is_ascii_digit());
    (number(low) && number(high) && !(low.is_empty() && (high.is_empty() || !inside.contains(','))))
        .then_some(low.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(pattern: &str, text: &str) -> Option<String> {
        let found = Pattern::compile(pattern).unwrap().find(text).unwrap()?;
        Some(found.groups[0].unwrap().to_owned())
    }

    #[test]
    fn patterns_mean_what_python_means() {
        for (pattern, text, expected) in [
            (r"\d{6}", "١٢٣٤٥٦ 654321", Some("654321")),
            (r"[\d-]+", "x 12-34", Some("12-34")),
            (r"[^\d ]+", "12 ab", Some("ab")),
            (r"[\D]+", "12ab34", Some("ab")),
            (r"\<(\w+)\>", "a <b>", Some("<b>")),
            (r"[[]x]", "a [x]", Some("[x]")),
            (r"[]a]+", "x]a", Some("]a")),
            (r"a{,2}b", "aaab", Some("aab")),
            (r"{x}", "a{x}", Some("{x}")),
            (r"https:\/\/x\.example\/(\d+)\Z", "https://x.example/12", Some("https://x.example/12")),
            (r"(?<!\d)\d{4}(?!\d)", "12345 6789", Some("6789")),
            (r"(\w)\1", "abccd", Some("cc")),
            (r"(?P<a>x)(?P=a)", "yxx", Some("xx")),
            (r"[a&&b]+", "x&&", Some("&&")),
            (r"(?i)ABC", "xabc", Some("abc")),
            ("x", "y", None),
        ] {
            assert_eq!(first(pattern, text).as_deref(), expected, "{pattern}");
        }
    }

    #[test]
    fn a_wrong_pattern_is_explained_in_one_line() {
        for (pattern, part) in
            [("([unclosed", "unclosed"), (r"(?<!a", "paren"), ("x{100000}{100000}", "too big"), ("*", "repetition")]
        {
            let error = check(pattern).unwrap_err();
            assert!(error.to_lowercase().contains(part) && !error.contains('\n'), "{pattern}: {error}");
        }
    }

    #[test]
    fn a_search_without_end_is_an_error_and_not_a_miss() {
        let pattern = Pattern::compile(r"(?:a(?!b)|a(?!c))*d").unwrap();
        assert_eq!(pattern.find(&"a".repeat(60)), Err(TooManySteps));
    }

    #[test]
    fn replacements_take_groups_by_number_and_name() {
        let pattern = Pattern::compile(r"(?P<id>\d+)@(\w+)(x)?").unwrap();
        for (text, expected) in [
            (r"\1@\2", Ok("12@b")),
            (r"\g<id>.\g<2>\3", Ok("12.b")),
            (r"\0!", Ok("12@b!")),
            (r"\.\\", Ok(r".\")),
            (r"\4", Err("`\\4` names a group that the pattern does not have")),
            (r"\g<no>", Err("`\\g<no>` names a group that the pattern does not have")),
            (r"\g1", Err("`\\g` needs a group: write `\\g<name>`")),
            (r"a\", Err("it ends with a single `\\`: write `\\\\`")),
        ] {
            let found = pattern.find("see 12@b").unwrap().unwrap();
            let result = Replacement::parse(text, &pattern).and_then(|replacement| replacement.expand(&found));
            assert_eq!(result.as_deref(), expected.map_err(str::to_owned).as_deref(), "{text}");
        }
    }

    #[test]
    fn every_match_is_replaced_and_empty_ones_move_on() {
        let replaced = |pattern: &str, text: &str, by: &str| {
            let pattern = Pattern::compile(pattern).unwrap();
            let by = Replacement::parse(by, &pattern).unwrap();
            pattern.replace_all(text, &by, 100)
        };
        assert_eq!(replaced(r"\d", "a1é2", "<\\0>").unwrap(), "a<1>é<2>");
        assert_eq!(replaced("^00", "000012", "").unwrap(), "0012");
        assert_eq!(replaced("x*", "éb", "-").unwrap(), "-é-b-");
        assert!(replaced("a", &"a".repeat(60), "aa").is_err());
    }
}
