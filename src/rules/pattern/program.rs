//! What [`search`](super::search) runs: the instructions of a pattern that needs backtracking, and with which bytes a match of
//! them can begin.
//!
//! In: instructions and the sets they name, from `compile`. Out: a [`Program`]; for its first bytes, a walk over what can be
//! reached without reading a character.

use std::collections::BTreeMap;

/// A pattern, compiled. It matches where its instructions end.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) steps: Vec<Step>,
    pub(super) sets: Vec<Set>,
    /// How many groups there are, the whole included. The slots of group n are 2n and 2n + 1.
    pub(super) groups: usize,
    /// How many slots there are, those of groups included.
    pub(super) slots: usize,
    /// The groups that have names.
    pub(super) names: BTreeMap<String, usize>,
    /// With which bytes a match can begin. `None`: with any, or it can be empty.
    pub(super) first: Option<Box<[bool; 256]>>,
}

/// An instruction. Jumps count from where it stands.
#[derive(Clone, Debug)]
pub(super) enum Step {
    One(char),
    Set(usize),
    Any,
    NoBreak,
    Split {
        first: isize,
        second: isize,
    },
    Jump(isize),
    /// Keeps the position.
    Save(usize),
    /// Goes back to a kept position.
    Return(usize),
    /// Jumps, unless the position is the kept one: a repetition of nothing ends.
    Moved {
        slot: usize,
        to: isize,
    },
    /// Keeps how many alternatives there are.
    Hold(usize),
    /// Forgets the alternatives that came since.
    Cut(usize),
    /// Goes back to those before, and fails: what may not stand here does.
    Refuse(usize),
    /// Goes back by so many characters, and later with the position kept in the slot, if that is to be had behind them.
    Behind {
        count: usize,
        place: Option<usize>,
    },
    Back {
        group: usize,
        fold: bool,
    },
    IfGroup {
        group: usize,
        otherwise: isize,
    },
    Look(Look),
}

/// What stands between characters.
#[derive(Clone, Copy, Debug)]
pub(super) enum Look {
    Begin,
    End,
    LineBegin,
    LineEnd,
    /// Between a character of the set and another one, or else not.
    Word {
        set: usize,
        edge: bool,
    },
}

/// A set of characters: in order, and the ASCII ones by bit.
#[derive(Debug)]
pub(super) struct Set {
    pub(super) ascii: u128,
    pub(super) ranges: Vec<(char, char)>,
}

impl Set {
    pub(super) fn has(&self, character: char) -> bool {
        if character.is_ascii() {
            return self.ascii & (1 << u32::from(character)) != 0;
        }
        let index = self.ranges.partition_point(|(_, last)| *last < character);
        self.ranges.get(index).is_some_and(|(first, _)| *first <= character)
    }
}

/// How many characters a piece takes, least and most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Width {
    pub(super) least: usize,
    pub(super) most: Option<usize>,
}

pub(super) const ZERO: Width = Width { least: 0, most: Some(0) };

impl Width {
    pub(super) fn then(self, next: Self) -> Self {
        let most = self.most.zip(next.most).map(|(a, b)| a.saturating_add(b));
        Self { least: self.least.saturating_add(next.least), most }
    }

    pub(super) fn or(self, other: Self) -> Self {
        Self { least: self.least.min(other.least), most: self.most.zip(other.most).map(|(a, b)| a.max(b)) }
    }

    pub(super) fn times(self, low: usize, high: Option<usize>) -> Self {
        let most = if self.most == Some(0) { Some(0) } else { self.most.zip(high).map(|(a, b)| a.saturating_mul(b)) };
        Self { least: self.least.saturating_mul(low), most }
    }
}

/// With which bytes a match can begin; `None` for any.
pub(super) fn first_bytes(steps: &[Step], sets: &[Set]) -> Option<Box<[bool; 256]>> {
    let mut bytes = Box::new([false; 256]);
    let (mut seen, mut next) = (vec![false; steps.len()], vec![0_usize]);
    while let Some(at) = next.pop() {
        // The end: it can be empty.
        let step = steps.get(at)?;
        if std::mem::replace(&mut seen[at], true) {
            continue;
        }
        match step {
            Step::One(character) => bytes[usize::from(character.encode_utf8(&mut [0; 4]).as_bytes()[0])] = true,
            Step::Set(set) => {
                let set = &sets[*set];
                for byte in 0..128_u8 {
                    bytes[usize::from(byte)] |= set.has(char::from(byte));
                }
                let beyond = set.ranges.last().is_some_and(|(_, last)| !last.is_ascii());
                bytes[0x80..].iter_mut().for_each(|byte| *byte |= beyond);
            }
            Step::Any | Step::NoBreak | Step::Back { .. } => return None,
            Step::Split { first, second } => {
                next.extend([at.saturating_add_signed(*first), at.saturating_add_signed(*second)]);
            }
            Step::Jump(to) => next.push(at.saturating_add_signed(*to)),
            Step::Moved { to: other, .. } | Step::IfGroup { otherwise: other, .. } => {
                next.extend([at + 1, at.saturating_add_signed(*other)]);
            }
            Step::Behind { place: Some(place), .. } => {
                // What stands behind does not begin the match.
                let returns = |step: &Step| matches!(step, Step::Return(slot) if slot == place);
                next.push(at + steps[at..].iter().position(returns)?);
            }
            Step::Behind { place: None, .. } => {}
            Step::Refuse(_) => {}
            Step::Save(_) | Step::Return(_) | Step::Hold(_) | Step::Cut(_) | Step::Look(_) => next.push(at + 1),
        }
    }
    Some(bytes)
}
