//! Searches that backtrack, each step counted.
//!
//! In: a [`Program`], a text, and how many [`Steps`] may be spent. Out: the groups of the first match, or that the steps were used up.
//!
//! A step is one instruction, one alternative dropped by an atomic group or a look-around, or eight bytes compared by a
//! back-reference or passed over in looking for where a match can begin. Nothing that takes longer is done between two steps, so
//! the number of steps bounds the time, whatever pattern and text are. It bounds the memory too: each step keeps one alternative
//! at most.

use super::TooManySteps;
use super::program::{Look, Program, Step};

/// How many steps may still be spent. Several searches may share them.
#[derive(Debug)]
pub struct Steps(u64);

impl Steps {
    /// So many.
    #[must_use]
    pub fn new(count: u64) -> Self {
        Self(count)
    }

    /// What is left.
    #[must_use]
    pub fn left(&self) -> u64 {
        self.0
    }

    pub(super) fn spend(&mut self, count: usize) -> Result<(), TooManySteps> {
        self.0 = self.0.checked_sub(count as u64).ok_or(TooManySteps)?;
        Ok(())
    }
}

/// Begin and end of each group, 0 being the whole; `None` for one that took no part.
pub(super) type Groups = Vec<Option<(usize, usize)>>;

/// What to return to when the way tried now fails.
#[derive(Clone, Copy)]
enum Kept {
    /// Go on here.
    Branch { at: usize, position: usize },
    /// This slot held that.
    Slot { slot: usize, held: usize },
}

/// No position.
const NOWHERE: usize = usize::MAX;

struct Search<'s> {
    program: &'s Program,
    text: &'s str,
    slots: Vec<usize>,
    kept: Vec<Kept>,
    steps: &'s mut Steps,
}

/// The first match that begins at byte `from` or later.
///
/// # Errors
/// When the steps do not suffice. They are used up then.
pub(super) fn search(
    program: &Program,
    text: &str,
    from: usize,
    steps: &mut Steps,
) -> Result<Option<Groups>, TooManySteps> {
    let mut search = Search { program, text, slots: vec![NOWHERE; program.slots], kept: vec![], steps };
    let found = search.first(from);
    if found.is_err() {
        search.steps.0 = 0;
    }
    let group = |pair: &[usize]| (pair[0] != NOWHERE && pair[1] != NOWHERE).then(|| (pair[0], pair[1]));
    Ok(found?.then(|| search.slots[..2 * program.groups].chunks_exact(2).map(group).collect()))
}

impl Search<'_> {
    fn first(&mut self, mut from: usize) -> Result<bool, TooManySteps> {
        while let Some(rest) = self.text.get(from..) {
            if let Some(first) = &self.program.first {
                let passed = rest.bytes().position(|byte| first[usize::from(byte)]).unwrap_or(rest.len());
                self.steps.spend(passed / 8)?;
                from += passed;
                if from == self.text.len() {
                    return Ok(false);
                }
            }
            if self.matches_at(from)? {
                return Ok(true);
            }
            let Some(next) = self.text[from..].chars().next() else { break };
            from += next.len_utf8();
        }
        Ok(false)
    }

    /// Whether a match begins at `position`. When none does, all slots are as they were.
    fn matches_at(&mut self, mut position: usize) -> Result<bool, TooManySteps> {
        let mut at = 0;
        loop {
            self.steps.spend(1)?;
            let Some(step) = self.program.steps.get(at) else {
                self.kept.clear();
                return Ok(true);
            };
            let next = match step {
                Step::Split { first, second } => {
                    self.kept.push(Kept::Branch { at: jump(at, *second), position });
                    Some((jump(at, *first), position))
                }
                Step::Jump(to) => Some((jump(at, *to), position)),
                Step::IfGroup { group, otherwise } => {
                    let took_part = self.slots[2 * group + 1] != NOWHERE;
                    Some((if took_part { at + 1 } else { jump(at, *otherwise) }, position))
                }
                Step::Moved { slot, to } => {
                    let moved = self.slots[*slot] != position;
                    Some((if moved { jump(at, *to) } else { at + 1 }, position))
                }
                Step::Save(slot) => {
                    self.set(*slot, position);
                    Some((at + 1, position))
                }
                Step::Return(slot) => Some((at + 1, self.slots[*slot])),
                Step::Hold(slot) => {
                    // What was in the slot is kept below the height that it gets.
                    self.set(*slot, self.kept.len() + 1);
                    Some((at + 1, position))
                }
                Step::Cut(slot) => {
                    self.cut(self.slots[*slot])?;
                    Some((at + 1, position))
                }
                Step::Refuse(slot) => {
                    let height = self.slots[*slot];
                    self.steps.spend(self.kept.len().saturating_sub(height))?;
                    while self.kept.len() > height {
                        self.undo();
                    }
                    None
                }
                Step::Back { group, fold } => self.back(*group, *fold, position)?.map(|end| (at + 1, end)),
                Step::Behind { count, .. } => {
                    self.steps.spend(*count)?;
                    self.behind(*count, position).map(|begin| (at + 1, begin))
                }
                Step::Look(look) => self.look(*look, position).then_some((at + 1, position)),
                one => self.one(one, position).map(|end| (at + 1, end)),
            };
            let Some(next) = next.or_else(|| self.backtrack()) else { return Ok(false) };
            (at, position) = next;
        }
    }

    /// One character: where it ends, if it fits.
    fn one(&self, step: &Step, position: usize) -> Option<usize> {
        let byte = *self.text.as_bytes().get(position)?;
        let character = if byte.is_ascii() { char::from(byte) } else { self.text.get(position..)?.chars().next()? };
        let fits = match step {
            Step::One(wanted) => character == *wanted,
            Step::Set(set) => self.program.sets[*set].has(character),
            Step::NoBreak => character != '\n',
            _ => true,
        };
        fits.then(|| position + character.len_utf8())
    }

    fn set(&mut self, slot: usize, value: usize) {
        self.kept.push(Kept::Slot { slot, held: self.slots[slot] });
        self.slots[slot] = value;
    }

    /// Takes the last thing kept away. Where to go on, if it was a branch.
    fn undo(&mut self) -> Option<(usize, usize)> {
        match self.kept.pop()? {
            Kept::Branch { at, position } => Some((at, position)),
            Kept::Slot { slot, held } => {
                self.slots[slot] = held;
                None
            }
        }
    }

    /// Each thing undone was kept by a step, so that this takes none.
    fn backtrack(&mut self) -> Option<(usize, usize)> {
        while !self.kept.is_empty() {
            if let Some(branch) = self.undo() {
                return Some(branch);
            }
        }
        None
    }

    /// Forgets the branches above `height`; what the slots held stays, for branches below.
    fn cut(&mut self, height: usize) -> Result<(), TooManySteps> {
        let above = self.kept.len().saturating_sub(height);
        self.steps.spend(above)?;
        let mut kept = height;
        for index in height..self.kept.len() {
            if let Kept::Slot { .. } = self.kept[index] {
                self.kept[kept] = self.kept[index];
                kept += 1;
            }
        }
        self.kept.truncate(kept);
        Ok(())
    }

    /// The end of what `group` caught, standing here again.
    fn back(&mut self, group: usize, fold: bool, position: usize) -> Result<Option<usize>, TooManySteps> {
        let (begin, end) = (self.slots[2 * group], self.slots[2 * group + 1]);
        let Some(caught) = self.text.get(begin..end) else { return Ok(None) };
        let rest = &self.text[position..];
        if !fold {
            self.steps.spend(caught.len().min(rest.len()) / 8)?;
            return Ok(rest.starts_with(caught).then(|| position + caught.len()));
        }
        let mut here = rest.chars();
        for wanted in caught.chars() {
            self.steps.spend(1)?;
            if !here.next().is_some_and(|c| c == wanted || c.to_lowercase().eq(wanted.to_lowercase())) {
                return Ok(None);
            }
        }
        Ok(Some(self.text.len() - here.as_str().len()))
    }

    fn behind(&self, count: usize, position: usize) -> Option<usize> {
        if count == 0 {
            return Some(position);
        }
        self.text[..position].char_indices().rev().nth(count - 1).map(|(begin, _)| begin)
    }

    fn look(&self, look: Look, position: usize) -> bool {
        let before = || self.text[..position].chars().next_back();
        let after = || self.text[position..].chars().next();
        match look {
            Look::Begin => position == 0,
            Look::End => position == self.text.len(),
            Look::LineBegin => before().is_none_or(|c| c == '\n'),
            Look::LineEnd => after().is_none_or(|c| c == '\n'),
            Look::Word { set, edge } => {
                let within = |c: Option<char>| c.is_some_and(|c| self.program.sets[set].has(c));
                (within(before()) != within(after())) == edge
            }
        }
    }
}

/// Targets are counted from the instruction that has them.
fn jump(at: usize, by: isize) -> usize {
    at.saturating_add_signed(by)
}
