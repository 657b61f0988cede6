//! Regular expressions as people write them for Pexip, that is for Python's `re`, on texts that strangers write.
//!
//! In: a pattern. Out: a compiled [`Pattern`] that answers in linear time where it can, and gives up with an error, never with
//! "no match", where it cannot. Most patterns are searched without backtracking (`linear`); what needs look-around,
//! back-references, atomic groups, possessive repetitions or conditions goes to an engine of our own (`compile`, `search`) that
//! counts every step. Engines at hand bound how often a search goes back and not how far it reads between, so that `(?>.+)x`
//! takes minutes of a long text.
//!
//! A search of one text may take [`STEPS_MAX`] steps, some 8 ms; all searches of a rule in an event share them, and those of all
//! matches in a replacement. Patterns that do not backtrack take some only where text and pattern are long, or matches many.
//!
//! Patterns mean what they mean in Python, apart from `\d`, which is ASCII; `python` says how.

mod compile;
mod linear;
mod program;
mod python;
mod replacement;
mod search;

pub use replacement::Replacement;
pub use search::Steps;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

/// Largest compiled pattern, in bytes.
const SIZE_MAX: usize = 1 << 20;

/// Most steps of a search that backtracks: some 8 ms. A text is looked through at a few steps for each place where a match can begin.
pub const STEPS_MAX: u64 = 1_000_000;

/// Most patterns kept compiled for templates. A template may build patterns from an invitation; then the store is emptied when full.
const KEPT_MAX: usize = 256;

/// Longest pattern, in bytes: as long as the longest template. Templates may make patterns of what an invitation says.
const PATTERN_MAX: usize = 10 * 1024;

/// A compiled pattern.
#[derive(Debug)]
pub struct Pattern {
    engine: Engine,
    backtracks: Option<&'static str>,
    soft_end: bool,
}

#[derive(Debug)]
enum Engine {
    Linear(Box<linear::Linear>),
    Backtracking(Box<program::Program>),
}

/// The search was given up. Its result is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the search took too many steps")]
pub struct TooManySteps;

/// Where a match lies, and its groups.
type Spanned<'t> = (Range<usize>, Found<'t>);

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
        if pattern.len() > PATTERN_MAX {
            return Err(format!("the pattern is longer than {PATTERN_MAX} bytes"));
        }
        let python::Translated { pattern, backtracks, soft_end } = python::translate(pattern)?;
        let engine = match backtracks {
            None => Engine::Linear(Box::new(linear::Linear::compile(pattern)?)),
            Some(_) => Engine::Backtracking(Box::new(compile::compile(&pattern)?)),
        };
        Ok(Self { engine, backtracks, soft_end })
    }

    /// What of the pattern only backtracking can do, if it does such a thing. Then a search takes longer, and may be given up.
    #[must_use]
    pub fn backtracks(&self) -> Option<&'static str> {
        self.backtracks
    }

    /// The same, kept compiled for the next time, and whether it was.
    ///
    /// # Errors
    /// As [`Pattern::compile`].
    pub fn cached(pattern: &str) -> Result<(Arc<Self>, bool), String> {
        static KEPT: LazyLock<Mutex<BTreeMap<String, Arc<Pattern>>>> = LazyLock::new(Mutex::default);
        let kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner).get(pattern).cloned();
        if let Some(kept) = kept {
            return Ok((kept, true));
        }
        let compiled = Arc::new(Self::compile(pattern)?);
        let mut all = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= KEPT_MAX {
            all.clear();
        }
        all.insert(pattern.to_owned(), compiled.clone());
        Ok((compiled, false))
    }

    /// The first match in `text`.
    ///
    /// # Errors
    /// When the search was given up.
    pub fn find<'t>(&self, text: &'t str) -> Result<Option<Found<'t>>, TooManySteps> {
        self.find_within(text, &mut Steps::new(STEPS_MAX))
    }

    /// The same, for what is left of `steps`.
    ///
    /// # Errors
    /// When the search was given up.
    pub fn find_within<'t>(&self, text: &'t str, steps: &mut Steps) -> Result<Option<Found<'t>>, TooManySteps> {
        Ok(self.find_from(text, 0, &mut linear::Budget::new(), steps)?.map(|(_, found)| found))
    }

    /// The first match that begins at byte `from` or later, and where it lies. What stands before `from` is seen by look-behind.
    fn find_from<'t>(
        &self,
        text: &'t str,
        from: usize,
        budget: &mut linear::Budget,
        steps: &mut Steps,
    ) -> Result<Option<Spanned<'t>>, TooManySteps> {
        let at_very_end = self.find_in(text, from, budget, steps)?;
        let shorter = text.strip_suffix('\n').filter(|shorter| self.soft_end && from <= shorter.len());
        let Some(shorter) = shorter else { return Ok(at_very_end) };
        let before_break = self.find_in(shorter, from, budget, steps)?;
        let begin = |found: &Option<Spanned<'_>>| found.as_ref().map_or(usize::MAX, |(range, _)| range.start);
        Ok(if begin(&before_break) < begin(&at_very_end) { before_break } else { at_very_end })
    }

    fn find_in<'t>(
        &self,
        text: &'t str,
        from: usize,
        budget: &mut linear::Budget,
        steps: &mut Steps,
    ) -> Result<Option<Spanned<'t>>, TooManySteps> {
        let found = match &self.engine {
            Engine::Linear(linear) => linear.find(text, from, budget, steps)?,
            Engine::Backtracking(program) => search::search(program, text, from, steps)?,
        };
        Ok(found.map(|found| {
            let names = match &self.engine {
                Engine::Linear(linear) => numbered(linear.names()),
                Engine::Backtracking(program) => program.names.clone(),
            };
            let whole = found.first().copied().flatten().map_or(0..0, |(begin, end)| begin..end);
            let groups = found.into_iter().map(|group| group.and_then(|(begin, end)| text.get(begin..end))).collect();
            (whole, Found { groups, names })
        }))
    }

    /// `text` with every match replaced by the expanded `replacement`, stopping with an error past `limit` bytes. All searches
    /// share `steps`.
    ///
    /// # Errors
    /// When a search was given up, the replacement names a group that is not there, or the result is too long.
    pub fn replace_all(
        &self,
        text: &str,
        replacement: &Replacement,
        limit: usize,
        steps: &mut Steps,
    ) -> Result<String, String> {
        let mut result = String::new();
        let mut copied = 0;
        let mut from = 0;
        let mut budget = linear::Budget::new();
        while from <= text.len() {
            let found = self.find_from(text, from, &mut budget, steps).map_err(|error| error.to_string())?;
            let Some((at, found)) = found else { break };
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
        match &self.engine {
            Engine::Linear(linear) => linear.groups(),
            Engine::Backtracking(program) => program.groups,
        }
    }

    fn has_group(&self, name: &str) -> bool {
        match &self.engine {
            Engine::Linear(linear) => linear.names().flatten().any(|each| each == name),
            Engine::Backtracking(program) => program.names.contains_key(name),
        }
    }
}

const TOO_BIG: &str = "the pattern is too big: use fewer or smaller repetitions";

fn numbered<'n>(names: impl Iterator<Item = Option<&'n str>>) -> BTreeMap<String, usize> {
    names.enumerate().filter_map(|(number, name)| name.map(|name| (name.to_owned(), number))).collect()
}

/// Errors of the engines draw the pattern over several lines; the last one says what is wrong.
fn last_line(text: &str) -> String {
    text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or(text).trim().trim_start_matches("error: ").to_owned()
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
        for (pattern, part) in [
            ("([unclosed", "`[` is not closed"),
            (r"(?<!a", "`(` is not closed"),
            ("(?:x{1000}){1000}", "too big"),
            ("*", "repeats nothing"),
        ] {
            let error = check(pattern).unwrap_err();
            assert!(error.to_lowercase().contains(part) && !error.contains('\n'), "{pattern}: {error}");
        }
    }

    #[test]
    fn a_search_without_end_is_an_error_and_not_a_miss() {
        let line = "https://dialin.example.com/teams/?key=1&conf=2".repeat(3500);
        for (written, text) in [
            (r"(?:a(?!b)|a(?!c))*d", "a".repeat(60)),
            // Each of these reads far between two steps back: to the end from each place, and once more from each place passed.
            (r"((?:((.++)[&&~~]++)[a-z0-9.-]+?)*\x41{,3})\Z", line.clone()),
            (r"(?>.+)\n", line.clone()),
            (r"(?=.*\n)h", line.clone()),
            (r"(?:(?=(?:(?=.*).)*).)*\n", line.clone()),
            (r"(?:(?:\b|){40}){40}(?=\n|hx)", line.clone()),
            (r"(.{5000})(?:.\1|.)*\n", "a".repeat(60_000)),
            (r"(?i)(.{5000})(?:.\1|.)*\n", "a".repeat(60_000)),
        ] {
            let pattern = Pattern::compile(written).unwrap();
            assert_eq!(pattern.find(&text), Err(TooManySteps), "{written}");
            let by = Replacement::parse("x", &pattern).unwrap();
            let mut steps = Steps::new(STEPS_MAX);
            assert!(pattern.replace_all(&text, &by, 1 << 20, &mut steps).is_err());
            assert_eq!(steps.left(), 0);
        }
    }

    #[test]
    fn looking_around_in_a_long_text_is_no_search_without_end() {
        let text = "Agenda, minutes and a number such as 55501 for Tuesday\n".repeat(8000) + "VMR: 654321\n";
        for pattern in [r"(?<=VMR: )\d{6}", r"(?<!\d)\d{6}(?!\d)", r"(?m)^(?!Agenda)\w+: \d+$", r"(\d{3})(?!\1)\d{3}\b"]
        {
            assert!(first(pattern, &text).unwrap().ends_with("654321"), "{pattern}");
        }
    }

    #[test]
    fn what_takes_as_long_as_text_times_pattern_is_given_up() {
        for (written, text) in [
            (r"(?:(.{1000}))*{{2,}", "[".repeat(28_000)),
            (r"((?:(\b).{1000})*[&&~~]+)", "join ple.com?".repeat(40_000)),
        ] {
            assert_eq!(Pattern::compile(written).unwrap().find(&text), Err(TooManySteps), "{written}");
        }
        // Each match is quickly found, if it takes reading on to the end of the word.
        for (written, text) in [
            (r"(?:([^\s]{2,})\wé+)*", "https".repeat(4000)),
            (r"((?:(@*https?://{2,}https?://?)@)*[^\s]{,3})", "@".repeat(28_000)),
            (r"(?:(.?@?.{2}))*[]a]*[a-z0-9.-]", "Meeti".repeat(60_000)),
        ] {
            let pattern = Pattern::compile(written).unwrap();
            let by = Replacement::parse("", &pattern).unwrap();
            let replaced = pattern.replace_all(&text, &by, 1 << 20, &mut Steps::new(STEPS_MAX));
            assert_eq!(replaced, Err(TooManySteps.to_string()), "{written}");
        }
    }

    #[test]
    fn long_texts_are_searched_as_short_ones_are() {
        let text = "Agenda, minutes – and a number such as 55501\n".repeat(11_000) + "VMR: 654321@vc.example.com\n";
        for (pattern, expected) in [
            (r"VMR: (\d{6})", Some("654321")),
            (r"(\d{6})@(?:vc|meet)\.example\.com$", Some("654321")),
            (r"(?i)vmr:.{0,200}?(\d{6})", Some("654321")),
            (r"[\w.]+@(v\w+)", Some("vc")),
            (r"(\d{7})", None),
            (r"(?:alpha|beta|gamma|delta|epsilon|zeta|eta|theta|iota|kappa|lambda|my|ny|xi)(\d{6})", None),
        ] {
            let found = Pattern::compile(pattern).unwrap();
            let found = found.find(&text).unwrap();
            assert_eq!(found.map(|found| found.groups[1].unwrap()), expected, "{pattern}");
        }
    }

    #[test]
    fn thousands_of_matches_in_a_long_text_are_replaced() {
        let text = "Agenda ".repeat(8000);
        for (written, by, expected) in [
            (" +", "", "Agenda".repeat(8000)),
            (r"\s+", "_", "Agenda_".repeat(8000)),
            (r"\s*", "", "Agenda".repeat(8000)),
            (r"[^\w]", "", "Agenda".repeat(8000)),
            (r"(\w+) (\w+) ", r"\1", "Agenda".repeat(4000)),
            (r"\b(a)g", r"\1", text.clone()),
            ("(?i)A(?:gen|ct)", "", "da ".repeat(8000)),
        ] {
            let pattern = Pattern::compile(written).unwrap();
            let by = Replacement::parse(by, &pattern).unwrap();
            let replaced = pattern.replace_all(&text, &by, 64 << 10, &mut Steps::new(STEPS_MAX));
            assert!(replaced.as_deref() == Ok(&*expected), "{written}: {:?}", replaced.err());
        }
    }

    #[test]
    fn every_match_is_replaced_and_empty_ones_move_on() {
        let replaced = |pattern: &str, text: &str, by: &str| {
            let pattern = Pattern::compile(pattern).unwrap();
            let by = Replacement::parse(by, &pattern).unwrap();
            pattern.replace_all(text, &by, 100, &mut Steps::new(STEPS_MAX))
        };
        assert_eq!(replaced(r"\d", "a1é2", "<\\0>").unwrap(), "a<1>é<2>");
        assert_eq!(replaced("^00", "000012", "").unwrap(), "0012");
        assert_eq!(replaced("x*", "éb", "-").unwrap(), "-é-b-");
        assert!(replaced("a", &"a".repeat(60), "aa").is_err());
    }
}
