//! Patterns → instructions for [`search`](super::search).
//!
//! In: a pattern as `python` writes it: escapes and classes are plain there, flags stand only where Python has them. Out: a
//! [`Program`], or one line that says what cannot be done. One pass, no recursion: code is joined from its pieces, and a repetition
//! is as many copies of its piece as it needs at least, which is why jumps are relative.

use std::collections::BTreeMap;

use regex_syntax::hir::{Class, HirKind};

use super::TOO_BIG;
use super::program::{Look, Program, Set, Step, Width, ZERO, first_bytes};

/// Most instructions.
pub(super) const STEPS_MAX: usize = 20_000;

/// Most groups within each other.
const DEPTH_MAX: usize = 100;

#[derive(Clone, Copy, Default)]
struct Flags {
    fold: bool,
    any: bool,
    lines: bool,
}

/// What an open group is.
#[derive(Clone, Copy)]
enum Kind {
    Plain,
    Caught(usize),
    Atomic,
    Ahead { wanted: bool },
    Behind { wanted: bool },
    If(usize),
}

/// An open group.
struct Open {
    kind: Kind,
    outside: Flags,
    /// The alternatives that are complete.
    others: Vec<(Vec<Step>, Width)>,
    /// The one being read, up to its last piece.
    code: Vec<Step>,
    width: Width,
    /// Where the last piece begins in `code`, and its width.
    piece: Option<(usize, Width)>,
}

impl Open {
    fn new(kind: Kind, outside: Flags) -> Self {
        Self { kind, outside, others: vec![], code: vec![], width: ZERO, piece: None }
    }

    fn push(&mut self, piece: Vec<Step>, width: Width) {
        self.settle();
        self.piece = Some((self.code.len(), width));
        self.code.extend(piece);
    }

    /// The last piece stays as it is.
    fn settle(&mut self) {
        if let Some((_, width)) = self.piece.take() {
            self.width = self.width.then(width);
        }
    }

    fn alternative(&mut self) {
        self.settle();
        self.others.push((std::mem::take(&mut self.code), self.width));
        self.width = ZERO;
    }
}

struct Compiler<'p> {
    rest: &'p str,
    sets: Vec<Set>,
    known: BTreeMap<(String, bool), usize>,
    names: BTreeMap<String, usize>,
    /// Of each group, its width once it is closed.
    closed: Vec<Option<Width>>,
    /// The highest group that a condition asks for.
    asked: usize,
    /// Slots beside those of groups; numbered from the groups' on at the end.
    more: usize,
    flags: Flags,
    open: Vec<Open>,
}

/// The slots beside those of groups begin here until the groups are counted.
const MORE: usize = 1 << 20;

/// Compiles.
///
/// # Errors
/// Says what cannot be done, in one line.
pub(super) fn compile(pattern: &str) -> Result<Program, String> {
    let mut compiler = Compiler {
        rest: pattern,
        sets: vec![],
        known: BTreeMap::new(),
        names: BTreeMap::new(),
        closed: vec![None],
        asked: 0,
        more: 0,
        flags: Flags::default(),
        open: vec![Open::new(Kind::Plain, Flags::default()), Open::new(Kind::Caught(0), Flags::default())],
    };
    while let Some(character) = compiler.next() {
        compiler.piece(character)?;
    }
    compiler.close()?;
    if compiler.asked >= compiler.closed.len() {
        return Err("a condition names a group that is not there".into());
    }
    let mut steps = compiler.open.pop().map(|last| last.code).unwrap_or_default();
    let groups = compiler.closed.len();
    for step in &mut steps {
        if let Step::Behind { place: Some(slot), .. }
        | Step::Save(slot)
        | Step::Return(slot)
        | Step::Moved { slot, .. }
        | Step::Hold(slot)
        | Step::Cut(slot)
        | Step::Refuse(slot) = step
            && let Some(own) = slot.checked_sub(MORE)
        {
            *slot = 2 * groups + own;
        }
    }
    let first = first_bytes(&steps, &compiler.sets);
    let slots = 2 * groups + compiler.more;
    Ok(Program { steps, sets: compiler.sets, groups, slots, names: compiler.names, first })
}

impl Compiler<'_> {
    fn next(&mut self) -> Option<char> {
        let character = self.rest.chars().next()?;
        self.rest = &self.rest[character.len_utf8()..];
        Some(character)
    }

    fn take(&mut self, text: &str) -> bool {
        let rest = self.rest.strip_prefix(text);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// What stands before `end`, which is passed over.
    fn until(&mut self, end: char) -> Result<&str, String> {
        let (text, rest) = self.rest.split_once(end).ok_or_else(|| format!("a `{end}` is missing"))?;
        self.rest = rest;
        Ok(text)
    }

    fn slot(&mut self) -> usize {
        self.more += 1;
        MORE + self.more - 1
    }

    fn top(&mut self) -> Result<&mut Open, String> {
        self.open.last_mut().ok_or_else(|| "a `)` closes nothing".into())
    }

    fn push(&mut self, piece: Vec<Step>, width: Width) -> Result<(), String> {
        let top = self.top()?;
        if top.code.len() + piece.len() > STEPS_MAX {
            return Err(TOO_BIG.into());
        }
        top.push(piece, width);
        Ok(())
    }

    fn one(&mut self, step: Step) -> Result<(), String> {
        self.push(vec![step], Width { least: 1, most: Some(1) })
    }

    fn look(&mut self, look: Look) -> Result<(), String> {
        self.push(vec![Step::Look(look)], ZERO)
    }

    fn piece(&mut self, character: char) -> Result<(), String> {
        match character {
            '(' => self.begin(),
            ')' if self.open.len() > 2 => self.close(),
            ')' => Err("a `)` closes nothing".into()),
            '|' => self.top().map(Open::alternative),
            '.' => self.one(if self.flags.any { Step::Any } else { Step::NoBreak }),
            '^' => self.look(if self.flags.lines { Look::LineBegin } else { Look::Begin }),
            '$' => self.look(if self.flags.lines { Look::LineEnd } else { Look::End }),
            '*' => self.repeat(0, None),
            '+' => self.repeat(1, None),
            '?' => self.repeat(0, Some(1)),
            '{' => {
                let bounds = self.until('}')?;
                let (low, high) = bounds.split_once(',').unwrap_or((bounds, bounds));
                let number = |text: &str| text.parse().map_err(|_| TOO_BIG.to_owned());
                let (low, high) = (number(low)?, if high.is_empty() { None } else { Some(number(high)?) });
                self.repeat(low, high)
            }
            '[' => {
                let class = self.class()?;
                let set = self.set_of(&class)?;
                self.one(Step::Set(set))
            }
            '\\' => self.escape(),
            letter => self.letter(letter),
        }
    }

    fn letter(&mut self, letter: char) -> Result<(), String> {
        if !self.flags.fold {
            return self.one(Step::One(letter));
        }
        let set = self.set_of(&format!("[\\x{{{:x}}}]", u32::from(letter)))?;
        self.one(Step::Set(set))
    }

    fn escape(&mut self) -> Result<(), String> {
        match self.next() {
            Some('A') => self.look(Look::Begin),
            Some('z') => self.look(Look::End),
            Some(edge @ ('b' | 'B')) => self.word(r"[\p{L}\p{N}_]", edge == 'b'),
            Some('x') => {
                self.take("{");
                let digits = self.until('}')?;
                let character = u32::from_str_radix(digits, 16).ok().and_then(char::from_u32);
                self.letter(character.ok_or("an escape by number is no character")?)
            }
            Some(first @ '1'..='9') => {
                let more = self.rest.bytes().take_while(u8::is_ascii_digit).count();
                let number = format!("{first}{}", &self.rest[..more]);
                self.rest = &self.rest[more..];
                self.back(number.parse().ok())
            }
            Some(letter) => self.letter(letter),
            None => Err(r"it ends with a single `\`".into()),
        }
    }

    fn word(&mut self, set: &str, edge: bool) -> Result<(), String> {
        let set = self.set_of(set)?;
        self.look(Look::Word { set, edge })
    }

    fn back(&mut self, group: Option<usize>) -> Result<(), String> {
        let known = group.and_then(|group| Some((group, *self.closed.get(group)?)));
        match known {
            Some((group, Some(width))) => self.push(vec![Step::Back { group, fold: self.flags.fold }], width),
            Some(_) => Err("it refers to a group that is not closed yet".into()),
            None => Err("it refers to a group that is not there".into()),
        }
    }

    /// The text of a class, after its `[`. In one, `[` begins another.
    fn class(&mut self) -> Result<String, String> {
        let mut class = String::from("[");
        let mut depth = 1;
        while depth > 0 {
            let character = self.next().ok_or("a `[` is not closed")?;
            class.push(character);
            match character {
                '[' => depth += 1,
                ']' => depth -= 1,
                '\\' => class.extend(self.next()),
                _ => {}
            }
        }
        Ok(class)
    }

    fn set_of(&mut self, class: &str) -> Result<usize, String> {
        let key = (class.to_owned(), self.flags.fold);
        if let Some(known) = self.known.get(&key) {
            return Ok(*known);
        }
        let parsed = regex_syntax::ParserBuilder::new().case_insensitive(self.flags.fold).build().parse(class);
        let hir = parsed.map_err(|error| super::last_line(&error.to_string()))?;
        let ranges: Vec<(char, char)> = match hir.kind() {
            HirKind::Class(Class::Unicode(class)) => {
                class.ranges().iter().map(|range| (range.start(), range.end())).collect()
            }
            HirKind::Literal(literal) => {
                std::str::from_utf8(&literal.0).unwrap_or_default().chars().map(|c| (c, c)).collect()
            }
            _ => vec![],
        };
        let within = |c: char| ranges.iter().any(|(first, last)| (*first..=*last).contains(&c));
        let ascii = (0..128_u8).filter(|byte| within(char::from(*byte))).fold(0, |bits, byte| bits | 1 << byte);
        self.sets.push(Set { ascii, ranges });
        self.known.insert(key, self.sets.len() - 1);
        Ok(self.sets.len() - 1)
    }

    /// What begins with `(`.
    fn begin(&mut self) -> Result<(), String> {
        for (opening, kind) in [
            ("?:", Kind::Plain),
            ("?=", Kind::Ahead { wanted: true }),
            ("?!", Kind::Ahead { wanted: false }),
            ("?<=", Kind::Behind { wanted: true }),
            ("?<!", Kind::Behind { wanted: false }),
            ("?>", Kind::Atomic),
        ] {
            if self.take(opening) {
                return self.group(kind);
            }
        }
        if self.take("?-u:") {
            let edge = self.take(r"\b");
            self.until(')')?;
            return self.word("[0-9A-Za-z_]", edge);
        }
        if self.take("?P=") {
            let name = self.until(')')?.to_owned();
            return self.back(self.names.get(&name).copied());
        }
        if self.take("?(") {
            let name = self.until(')')?.trim_matches(['<', '>']).to_owned();
            let group = name.parse().ok().or_else(|| self.names.get(&name).copied());
            let group = group.filter(|group| *group > 0).ok_or("a condition names a group that is not there")?;
            self.asked = self.asked.max(group);
            return self.group(Kind::If(group));
        }
        if self.take("?P<") {
            let (name, number) = (self.until('>')?.to_owned(), self.closed.len());
            let plain = |c: char| c == '_' || c.is_alphanumeric();
            if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) || !name.chars().all(plain) {
                return Err(format!("`{name}` is no name of a group"));
            }
            if self.names.insert(name.clone(), number).is_some() {
                return Err(format!("two groups have the name `{name}`"));
            }
        } else if self.take("?") {
            return self.flags();
        }
        self.closed.push(None);
        self.group(Kind::Caught(self.closed.len() - 1))
    }

    fn group(&mut self, kind: Kind) -> Result<(), String> {
        if self.open.len() > DEPTH_MAX {
            return Err(format!("more than {DEPTH_MAX} groups within each other"));
        }
        self.open.push(Open::new(kind, self.flags));
        Ok(())
    }

    /// `(?i)`, `(?i-s:`.
    fn flags(&mut self) -> Result<(), String> {
        let outside = self.flags;
        let mut on = true;
        loop {
            match self.next() {
                Some('-') => on = false,
                Some('i') => self.flags.fold = on,
                Some('s') => self.flags.any = on,
                Some('m') => self.flags.lines = on,
                Some(')') => return Ok(()),
                Some(':') => break,
                _ => return Err("`(?` is not closed".into()),
            }
        }
        self.group(Kind::Plain)?;
        self.top()?.outside = outside;
        Ok(())
    }

    /// Ends a group, which is a piece of what it stands in.
    fn close(&mut self) -> Result<(), String> {
        let mut open = self.open.pop().ok_or("a `)` closes nothing")?;
        open.alternative();
        self.flags = open.outside;
        let condition = if let Kind::If(group) = open.kind { Some(group) } else { None };
        let width = open.others.iter().map(|(_, width)| *width).reduce(Width::or).unwrap_or(ZERO);
        let width = if condition.is_some() && open.others.len() == 1 { width.or(ZERO) } else { width };
        let (slot, place) = (self.slot(), self.slot());
        if let Kind::Behind { wanted } = open.kind {
            for (code, width) in &mut open.others {
                let fixed = width.most.filter(|most| *most == width.least);
                let count = fixed.ok_or("a look-behind needs a fixed number of characters")?;
                code.insert(0, Step::Behind { count, place: wanted.then_some(place) });
            }
        }
        let inner = joined(open.others, condition)?;
        let (before, after, width) = match open.kind {
            Kind::Plain | Kind::If(_) => (vec![], vec![], width),
            Kind::Caught(group) => {
                self.closed[group] = Some(width);
                (vec![Step::Save(2 * group)], vec![Step::Save(2 * group + 1)], width)
            }
            Kind::Atomic => (vec![Step::Hold(slot)], vec![Step::Cut(slot)], width),
            Kind::Ahead { wanted: true } | Kind::Behind { wanted: true } => {
                (vec![Step::Hold(slot), Step::Save(place)], vec![Step::Cut(slot), Step::Return(place)], ZERO)
            }
            Kind::Ahead { wanted: false } | Kind::Behind { wanted: false } => {
                let second = isize::try_from(inner.len() + 2).map_err(|_| TOO_BIG)?;
                (vec![Step::Hold(slot), Step::Split { first: 1, second }], vec![Step::Refuse(slot)], ZERO)
            }
        };
        self.push([before, inner, after].concat(), width)
    }

    /// Repeats the last piece.
    fn repeat(&mut self, low: usize, high: Option<usize>) -> Result<(), String> {
        let lazy = self.take("?");
        let mark = self.slot();
        let top = self.top()?;
        let (begin, width) = top.piece.take().ok_or("a repetition of nothing")?;
        let piece = top.code.split_off(begin);
        let copies = high.unwrap_or(low + 1);
        if high.is_some_and(|high| high < low) {
            return Err("a repetition has its bounds in the wrong order".into());
        }
        // Two instructions come to each copy.
        if copies.saturating_mul(piece.len() + 2) > STEPS_MAX {
            return Err(TOO_BIG.into());
        }
        let split = |stay: isize, leave: isize| {
            if lazy { Step::Split { first: leave, second: stay } } else { Step::Split { first: stay, second: leave } }
        };
        let length = isize::try_from(piece.len()).map_err(|_| TOO_BIG)?;
        let mut code = Vec::with_capacity(copies * (piece.len() + 1));
        for _ in 0..low {
            code.extend_from_slice(&piece);
        }
        match high {
            Some(high) => {
                for left in (1..=high - low).rev() {
                    let leave = isize::try_from(left).map_err(|_| TOO_BIG)? * (length + 1);
                    code.push(split(1, leave));
                    code.extend_from_slice(&piece);
                }
            }
            None if width.least > 0 => {
                code.push(split(1, length + 2));
                code.extend(piece);
                code.push(Step::Jump(-length - 1));
            }
            None => {
                code.extend([split(1, length + 3), Step::Save(mark)]);
                code.extend(piece);
                code.push(Step::Moved { slot: mark, to: -length - 2 });
            }
        }
        self.push(code, width.times(low, high))?;
        // What is repeated already is not repeated again.
        self.top()?.settle();
        Ok(())
    }
}

/// The code of alternatives, or of the two ways of a condition.
fn joined(others: Vec<(Vec<Step>, Width)>, condition: Option<usize>) -> Result<Vec<Step>, String> {
    let count = others.len();
    if condition.is_some() && count > 2 {
        return Err("a condition has more than two alternatives".into());
    }
    let end = others.iter().map(|(code, _)| code.len() + 2).sum::<usize>() - 2;
    if end > STEPS_MAX {
        return Err(TOO_BIG.into());
    }
    let length = |length: usize| isize::try_from(length).map_err(|_| TOO_BIG.to_owned());
    let mut all = Vec::with_capacity(end + 1);
    for (index, (code, _)) in others.into_iter().enumerate() {
        let last = index + 1 == count;
        // The last alternative has no jump behind it, and so the other way of a condition without one begins a step earlier.
        let other = length(code.len() + if last { 1 } else { 2 })?;
        match condition {
            Some(group) if index == 0 => all.push(Step::IfGroup { group, otherwise: other }),
            None if !last => all.push(Step::Split { first: 1, second: other }),
            _ => {}
        }
        all.extend(code);
        if !last {
            all.push(Step::Jump(length(end - all.len())?));
        }
    }
    Ok(all)
}
