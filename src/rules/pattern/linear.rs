//! Searches without backtracking, in a time known before.
//!
//! In: a pattern that needs no backtracking, a text, and what the search may take. Out: the groups of the first match, or that the
//! search was given up.
//!
//! Such a search takes as long as text times pattern at worst, half a second for `(.{1000})*x` in 28 KB; and to replace all matches
//! takes a search for each, every one of which may read to the end. So there are three ways, from the one that is best in short
//! texts to the one that bears all:
//!
//! 1. `meta`, which finds and gives groups, as long as text times pattern stays within [`WORK_MAX`];
//! 2. `hybrid`, which makes a table of states as it reads, gives up where they become too many, and else says where the match is,
//!    a byte in a nanosecond or two; groups come from 1 or 3, which begin there and need no more than the match;
//! 3. the engine that counts its steps, for what is left of them after the second way.

use std::ops::Range;
use std::sync::OnceLock;

use regex_automata::hybrid::{dfa, regex as hybrid};
use regex_automata::nfa::thompson;
use regex_automata::{Anchored, Input, MatchError, PatternID, meta};

use super::program::Program;
use super::search::{Groups, Steps, search};
use super::{SIZE_MAX, TOO_BIG, TooManySteps, compile, last_line};

/// Most instructions times bytes that searches of the first way may take: 18 ns each where all of a pattern is tried at each
/// byte, so 9 ms; a tenth of that in ordinary ones.
const WORK_MAX: usize = 1 << 19;

/// Most bytes that searches of the second way may read: some 4 ms.
const READ_MAX: usize = 2 << 20;

/// Largest table of states, in bytes.
const TABLE_MAX: usize = 256 << 10;

/// How often a table may be full and begun anew.
const TABLES_MAX: usize = 2;

/// A pattern in its three forms.
#[derive(Debug)]
pub(super) struct Linear {
    pattern: String,
    regex: meta::Regex,
    /// Made when first needed. `None` where the pattern is too big for it.
    table: OnceLock<Option<hybrid::Regex>>,
    program: Option<Program>,
}

/// What one search may take, or all searches of a replacement.
#[derive(Debug)]
pub(super) struct Budget {
    work: usize,
    read: usize,
    cache: Option<hybrid::Cache>,
}

impl Budget {
    pub(super) fn new() -> Self {
        Self { work: WORK_MAX, read: READ_MAX, cache: None }
    }

    fn work(&mut self, work: usize) -> bool {
        let left = self.work.checked_sub(work);
        self.work = left.unwrap_or(self.work);
        left.is_some()
    }
}

impl Linear {
    /// Compiles.
    ///
    /// # Errors
    /// Says what is wrong with the pattern, in one line.
    pub(super) fn compile(pattern: String) -> Result<Self, String> {
        let config = meta::Config::new().nfa_size_limit(Some(SIZE_MAX)).hybrid_cache_capacity(SIZE_MAX);
        let regex = meta::Builder::new().configure(config).build(&pattern).map_err(|error| {
            error.syntax_error().map_or_else(|| TOO_BIG.to_owned(), |syntax| last_line(&syntax.to_string()))
        })?;
        let program = compile::compile(&pattern).ok();
        Ok(Self { pattern, regex, table: OnceLock::new(), program })
    }

    /// How many groups there are, 0 included.
    pub(super) fn groups(&self) -> usize {
        self.regex.captures_len()
    }

    /// The names of groups, `None` for those without.
    pub(super) fn names(&self) -> impl Iterator<Item = Option<&str>> {
        self.regex.group_info().pattern_names(PatternID::ZERO)
    }

    /// The groups of the first match that begins at byte `from` or later.
    ///
    /// # Errors
    /// When neither `budget` nor `steps` suffice.
    pub(super) fn find(
        &self,
        text: &str,
        from: usize,
        budget: &mut Budget,
        steps: &mut Steps,
    ) -> Result<Option<Groups>, TooManySteps> {
        let size = self.program.as_ref().map_or(compile::STEPS_MAX, |program| program.steps.len());
        if budget.work(size.saturating_mul(text.len() - from)) {
            return Ok(self.captured(Input::new(text).range(from..)));
        }
        let begin = match self.place(text, from, budget, steps)? {
            Some(None) => return Ok(None),
            Some(Some(range)) if self.groups() == 1 => return Ok(Some(vec![Some((range.start, range.end))])),
            Some(Some(range)) if budget.work(size.saturating_mul(range.len())) => {
                return Ok(self.captured(Input::new(text).range(range).anchored(Anchored::Yes)));
            }
            Some(Some(range)) => range.start,
            None => from,
        };
        search(self.program.as_ref().ok_or(TooManySteps)?, text, begin, steps)
    }

    fn captured(&self, input: Input<'_>) -> Option<Groups> {
        let mut captures = self.regex.create_captures();
        self.regex.search_captures(&input, &mut captures);
        captures.is_match().then(|| captures.iter().map(|group| group.map(|span| (span.start, span.end))).collect())
    }

    /// Where the first match is, if there is one; `None` when the table does not say. Eight bytes are a step, as in counting.
    fn place(
        &self,
        text: &str,
        from: usize,
        budget: &mut Budget,
        steps: &mut Steps,
    ) -> Result<Option<Option<Range<usize>>>, TooManySteps> {
        let length = text.len() - from;
        let table = self.table.get_or_init(|| table(&self.pattern));
        let (Some(table), Some(left)) = (table, budget.read.checked_sub(length)) else { return Ok(None) };
        steps.spend(length / 8)?;
        budget.read = left;
        let cache = budget.cache.get_or_insert_with(|| table.create_cache());
        let found: Result<_, MatchError> = table.try_search(cache, &Input::new(text).range(from..));
        Ok(found.ok().map(|found| found.map(|found| found.range())))
    }
}

fn table(pattern: &str) -> Option<hybrid::Regex> {
    let config = dfa::Config::new()
        .unicode_word_boundary(true)
        .cache_capacity(TABLE_MAX)
        .skip_cache_capacity_check(true)
        .minimum_cache_clear_count(Some(TABLES_MAX));
    let size = thompson::Config::new().nfa_size_limit(Some(SIZE_MAX));
    hybrid::Builder::new().dfa(config).thompson(size).build(pattern).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::pattern::{STEPS_MAX, python};

    #[test]
    fn each_way_to_search_finds_the_same() {
        let searches = include_str!("../../../tests/python/patterns.json");
        let searches: Vec<serde_json::Value> = serde_json::from_str(searches).unwrap();
        let mut compared = 0;
        for search in &searches {
            let (pattern, text) = (search["pattern"].as_str().unwrap(), search["text"].as_str().unwrap());
            let Ok(translated) = python::translate(pattern) else { continue };
            let Some(linear) = Linear::compile(translated.pattern).ok().filter(|_| translated.backtracks.is_none())
            else {
                continue;
            };
            let [first, second, third] = [(WORK_MAX, 0), (0, READ_MAX), (0, 0)].map(|(work, read)| {
                let mut budget = Budget { work, read, cache: None };
                linear.find(text, 0, &mut budget, &mut Steps::new(STEPS_MAX)).unwrap()
            });
            assert_eq!(first, second, "{pattern} in {text}");
            assert_eq!(first, third, "{pattern} in {text}");
            compared += 1;
        }
        assert!(compared > 60, "{compared}");
    }
}
