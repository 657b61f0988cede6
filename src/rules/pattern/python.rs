//! Patterns as Python's `re` reads them → the same pattern for the engines here.
//!
//! In: a pattern. Out: a [`Translated`] one, with what it takes that only backtracking can do, or one line that says what is not
//! carried over. The two engines differ from Python in more places than look-around, and silently: a class here has set
//! operations, `a++` here is a repetition of a repetition, `$` here is the very end. So the pattern is read as Python reads
//! it, piece by piece, and written anew. One pass, no recursion.
//!
//! | Python | here |
//! |---|---|
//! | `\d` | ASCII digits: an address has no others |
//! | `\w`, `\s`, `\b` | of all scripts; ASCII with `(?a)` |
//! | `$` | also before a last line break, unless `(?m)` |
//! | `\Z`, `\0`, `\101`, `\x41`, `\u0041`, `\U00000041` | as there |
//! | `[a&&b]`, `[a~~b]`, `[[]` | members as written |
//! | `(?x)`, `(?#…)` | left out before the engine sees them |
//! | `(?i)` inside a pattern, `(?L)`, `\N{…}` | errors |

/// What is not carried over or not right, in one line.
pub(super) type Fault = String;

/// A pattern for the engines.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Translated {
    /// The pattern.
    pub(super) pattern: String,
    /// What only backtracking can do, if it does such a thing.
    pub(super) backtracks: Option<&'static str>,
    /// It has a `$` that also stands before the last line break, written as the very end: one more search finds it there.
    pub(super) soft_end: bool,
}

/// Translates.
///
/// # Errors
/// Names what is not carried over.
pub(super) fn translate(pattern: &str) -> Result<Translated, Fault> {
    let linear = Reader::new(pattern, false).read()?;
    if linear.backtracks.is_none() {
        return Ok(linear);
    }
    Reader::new(pattern, true).read()
}

#[derive(Clone, Copy, Default)]
struct Flags {
    ascii: bool,
    lines: bool,
    verbose: bool,
}

struct Reader<'p> {
    rest: &'p str,
    out: String,
    backtracking: bool,
    backtracks: Option<&'static str>,
    soft_end: bool,
    flags: Flags,
    /// Of each open group, where it begins in `out` and the flags outside it.
    open: Vec<(usize, Flags)>,
    /// Where the last piece that can be repeated begins in `out`.
    piece: Option<usize>,
    /// Nothing but flags stood before.
    at_start: bool,
}

impl<'p> Reader<'p> {
    fn new(rest: &'p str, backtracking: bool) -> Self {
        let (out, open) = (String::with_capacity(rest.len() + 16), vec![]);
        let (flags, piece) = (Flags::default(), None);
        Self { rest, out, backtracking, backtracks: None, soft_end: false, flags, open, piece, at_start: true }
    }

    fn read(mut self) -> Result<Translated, Fault> {
        while let Some(character) = self.next() {
            match character {
                '(' if self.rest.starts_with('?') => self.extension()?,
                _ => {
                    self.at_start = false;
                    self.plain(character)?;
                }
            }
        }
        if !self.open.is_empty() {
            return Err("a `(` is not closed".into());
        }
        Ok(Translated { pattern: self.out, backtracks: self.backtracks, soft_end: self.soft_end })
    }

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

    fn needs(&mut self, what: &'static str) {
        self.backtracks.get_or_insert(what);
    }

    /// Writes a piece that can be repeated.
    fn push(&mut self, text: &str) {
        self.piece = Some(self.out.len());
        self.out.push_str(text);
    }

    /// Writes what stands between characters, which cannot be repeated.
    fn anchor(&mut self, text: &str) {
        self.piece = None;
        self.out.push_str(text);
    }

    fn plain(&mut self, character: char) -> Result<(), Fault> {
        match character {
            '\\' => self.escape()?,
            '[' => self.class()?,
            '(' => self.group("("),
            ')' => {
                let (begin, flags) = self.open.pop().ok_or("a `)` closes nothing")?;
                self.out.push(')');
                (self.flags, self.piece) = (flags, Some(begin));
            }
            '|' => {
                self.out.push('|');
                self.piece = None;
            }
            '.' => self.push("."),
            '^' => self.anchor("^"),
            '$' if self.flags.lines => self.anchor("$"),
            '$' if self.backtracking => self.anchor(r"(?=\x{a}?\z)"),
            '$' => {
                self.soft_end = true;
                self.anchor(r"\z");
            }
            '*' | '+' | '?' => self.repeat(character.encode_utf8(&mut [0; 4]))?,
            '{' => match bounds(self.rest) {
                Some((bounds, length)) => {
                    self.rest = &self.rest[length..];
                    self.repeat(&bounds)?;
                }
                None => self.push(r"\{"),
            },
            '}' => self.push(r"\}"),
            ']' => self.push(r"\]"),
            '#' if self.flags.verbose => {
                self.rest = self.rest.split_once('\n').map_or("", |(_, rest)| rest);
            }
            _ if self.flags.verbose && (character.is_ascii_whitespace() || character == '\u{b}') => {}
            _ => self.push(character.encode_utf8(&mut [0; 4])),
        }
        Ok(())
    }

    fn group(&mut self, opening: &str) {
        self.open.push((self.out.len(), self.flags));
        self.out.push_str(opening);
        self.piece = None;
    }

    /// A repetition of the last piece: greedy, lazy or possessive.
    fn repeat(&mut self, how: &str) -> Result<(), Fault> {
        let Some(begin) = self.piece.take() else {
            return Err(format!("`{how}` repeats nothing, or what is already repeated"));
        };
        self.out.push_str(how);
        if self.take("?") {
            self.out.push('?');
        } else if self.take("+") {
            self.needs("a possessive repetition");
            self.out.insert_str(begin, "(?>");
            self.out.push(')');
        }
        Ok(())
    }

    /// What begins with `(?`.
    fn extension(&mut self) -> Result<(), Fault> {
        self.take("?");
        let at_start = std::mem::take(&mut self.at_start);
        for (opening, written, what) in [
            (":", "(?:", None),
            ("=", "(?=", Some("look-ahead")),
            ("!", "(?!", Some("look-ahead")),
            ("<=", "(?<=", Some("look-behind")),
            ("<!", "(?<!", Some("look-behind")),
            (">", "(?>", Some("an atomic group")),
            ("P<", "(?P<", None),
            ("<", "(?P<", None),
        ] {
            if self.take(opening) {
                self.backtracks = self.backtracks.or(what);
                self.group(written);
                return self.name_of_group(written.ends_with('<') && what.is_none());
            }
        }
        if self.take("#") {
            let (_, rest) = self.rest.split_once(')').ok_or("a comment `(?#` is not closed")?;
            (self.rest, self.at_start) = (rest, at_start);
            return Ok(());
        }
        if self.take("P=") {
            let (name, rest) = self.rest.split_once(')').ok_or("`(?P=` needs a name and `)`")?;
            self.rest = rest;
            self.needs("a back-reference");
            self.push(&format!("(?P={name})"));
            return Ok(());
        }
        if self.take("(") {
            let (name, rest) = self.rest.split_once(')').ok_or("`(?(` needs a group and `)`")?;
            self.rest = rest;
            self.needs("a condition");
            let number = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
            let opening = if number { format!("(?({name})") } else { format!("(?(<{name}>)") };
            self.group(&opening);
            return Ok(());
        }
        self.flags(at_start)
    }

    fn name_of_group(&mut self, named: bool) -> Result<(), Fault> {
        if !named {
            return Ok(());
        }
        let (name, rest) = self.rest.split_once('>').ok_or("the name of a group lacks its `>`")?;
        self.rest = rest;
        self.out.push_str(name);
        self.out.push('>');
        Ok(())
    }

    /// `(?i)` at the start, `(?i-s:` anywhere.
    fn flags(&mut self, at_start: bool) -> Result<(), Fault> {
        let length = self.rest.find([')', ':']).ok_or("`(?` is not closed")?;
        let written = &self.rest[..length];
        let scoped = self.rest[length..].starts_with(':');
        self.rest = &self.rest[length + 1..];
        let (mut flags, mut kept, mut on) = (self.flags, String::new(), true);
        for flag in written.chars() {
            match flag {
                '-' if on && scoped => {
                    on = false;
                    kept.push('-');
                }
                'i' | 's' => kept.push(flag),
                'm' => {
                    kept.push(flag);
                    flags.lines = on;
                }
                'x' => flags.verbose = on,
                'a' => flags.ascii = on,
                'u' => flags.ascii = false,
                'L' => return Err("the flag `L` (locale) is not carried over".into()),
                _ => return Err(format!("Python has no `(?{flag}`")),
            }
        }
        let kept = kept.trim_end_matches('-');
        if scoped {
            let opening = if kept.is_empty() { "(?:".to_owned() } else { format!("(?{kept}:") };
            self.group(&opening);
        } else if written.is_empty() || !at_start {
            return Err(format!("`(?{written})` stands at the beginning, or write `(?{written}:…)`"));
        } else {
            self.at_start = true;
            if !kept.is_empty() {
                self.out.push_str(&format!("(?{kept})"));
            }
        }
        self.flags = flags;
        Ok(())
    }

    /// What a `\` begins outside a class.
    fn escape(&mut self) -> Result<(), Fault> {
        if self.rest.starts_with(|c: char| matches!(c, '1'..='9')) && octal(self.rest, 3).is_none() {
            let length = if self.rest[1..].starts_with(|c: char| c.is_ascii_digit()) { 2 } else { 1 };
            let number = &self.rest[..length];
            self.rest = &self.rest[length..];
            self.needs("a back-reference");
            self.push(&format!(r"(?:\{number})"));
            return Ok(());
        }
        let ascii = self.flags.ascii;
        match self.rest.chars().next() {
            Some(letter @ ('b' | 'B')) => {
                self.next();
                self.anchor(&if ascii { format!(r"(?-u:\{letter})") } else { format!(r"\{letter}") });
            }
            Some('A') => {
                self.next();
                self.anchor(r"\A");
            }
            Some('Z' | 'z') => {
                self.next();
                self.anchor(r"\z");
            }
            _ => match self.member()? {
                Member::One(character) => self.push(&literal(character)),
                Member::Set(set) => self.push(&format!("[{set}]")),
            },
        }
        Ok(())
    }

    /// What a `\` begins, where both a class and what is outside it read it alike.
    fn member(&mut self) -> Result<Member, Fault> {
        let Some(letter) = self.next() else {
            return Err(r"it ends with a single `\`".into());
        };
        let ascii = self.flags.ascii;
        let set = |unicode: &'static str, narrow: &'static str| {
            Ok(Member::Set(if ascii { narrow.to_owned() } else { unicode.to_owned() }))
        };
        match letter {
            'd' => set("0-9", "0-9"),
            'D' => set("[^0-9]", "[^0-9]"),
            'w' => set(r"\p{L}\p{N}_", "0-9A-Za-z_"),
            'W' => set(r"[^\p{L}\p{N}_]", "[^0-9A-Za-z_]"),
            's' => set(r"\s\x{1c}-\x{1f}", r"\x{9}-\x{d}\x{20}"),
            'S' => set(r"[^\s\x{1c}-\x{1f}]", r"[^\x{9}-\x{d}\x{20}]"),
            'a' => Ok(Member::One('\u{7}')),
            'f' => Ok(Member::One('\u{c}')),
            'n' => Ok(Member::One('\n')),
            'r' => Ok(Member::One('\r')),
            't' => Ok(Member::One('\t')),
            'v' => Ok(Member::One('\u{b}')),
            'x' => self.hex(2),
            'u' => self.hex(4),
            'U' => self.hex(8),
            // Newer than Python's, but those who use RE2 know them.
            'p' | 'P' => self.property(letter),
            'N' => Err(r"`\N{…}` is not carried over: write the character".into()),
            '0'..='7' => self.octal(letter),
            _ if letter.is_ascii_alphanumeric() => Err(format!(r"Python has no `\{letter}`")),
            _ => Ok(Member::One(letter)),
        }
    }

    /// `\0`, `\07`, `\101`: with `\0` one to three digits, else three.
    fn octal(&mut self, first: char) -> Result<Member, Fault> {
        let more = self.rest.bytes().take(2).take_while(|byte| matches!(byte, b'0'..=b'7')).count();
        let digits = format!("{first}{}", &self.rest[..more]);
        let value = u32::from_str_radix(&digits, 8).ok().filter(|value| *value <= 0o377).and_then(char::from_u32);
        let Some(character) = value.filter(|_| first == '0' || more == 2) else {
            return Err(format!(r"`\{digits}` is no character here"));
        };
        self.rest = &self.rest[more..];
        Ok(Member::One(character))
    }

    fn hex(&mut self, digits: usize) -> Result<Member, Fault> {
        let text = self.rest.get(..digits).filter(|text| text.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let value = text.and_then(|text| u32::from_str_radix(text, 16).ok()).and_then(char::from_u32);
        let value =
            value.ok_or_else(|| format!("an escape by number needs {digits} hexadecimal digits of a character"))?;
        self.rest = &self.rest[digits..];
        Ok(Member::One(value))
    }

    fn property(&mut self, letter: char) -> Result<Member, Fault> {
        let name = match self.rest.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
            Some((name, _)) => &self.rest[..name.len() + 2],
            None => self.rest.get(..1).unwrap_or_default(),
        };
        self.rest = &self.rest[name.len()..];
        Ok(Member::Set(format!(r"\{letter}{name}")))
    }

    /// A class, after its `[`.
    fn class(&mut self) -> Result<(), Fault> {
        let mut class = String::from(if self.take("^") { "[^" } else { "[" });
        let mut first = true;
        loop {
            let unclosed = "a `[` is not closed";
            let low = match self.next().ok_or(unclosed)? {
                ']' if !first => break,
                '\\' => self.class_member()?,
                character => Member::One(character),
            };
            first = false;
            let range = self.rest.starts_with('-') && !self.rest.starts_with("-]");
            let Some(after) = self.rest.strip_prefix('-').filter(|_| range) else {
                class.push_str(&low.within());
                continue;
            };
            self.rest = after;
            let high = match self.next().ok_or(unclosed)? {
                '\\' => self.class_member()?,
                character => Member::One(character),
            };
            match (low, high) {
                (Member::One(low), Member::One(high)) if low <= high => {
                    class.push_str(&format!("{}-{}", coded(low), coded(high)));
                }
                _ => return Err("a class has a range whose ends are no characters, or in the wrong order".into()),
            }
        }
        class.push(']');
        self.push(&class);
        Ok(())
    }

    /// An escape in a class, where `\b` is the backspace.
    fn class_member(&mut self) -> Result<Member, Fault> {
        if self.take("b") { Ok(Member::One('\u{8}')) } else { self.member() }
    }
}

/// One character, or what stands for several, as it is written inside a class.
enum Member {
    One(char),
    Set(String),
}

impl Member {
    fn within(self) -> String {
        match self {
            Self::One(character) => coded(character),
            Self::Set(set) => set,
        }
    }
}

/// A character in a class, where no punctuation may be read as anything else.
fn coded(character: char) -> String {
    if character.is_ascii() && !character.is_ascii_alphanumeric() {
        format!(r"\x{{{:x}}}", u32::from(character))
    } else {
        character.into()
    }
}

/// A character outside a class.
fn literal(character: char) -> String {
    if character.is_ascii_punctuation() || character.is_ascii_control() { coded(character) } else { character.into() }
}

/// `digits` octal digits at the beginning of `text`.
fn octal(text: &str, digits: usize) -> Option<&str> {
    text.get(..digits).filter(|text| text.bytes().all(|byte| matches!(byte, b'0'..=b'7')))
}

/// The bounds of a repetition after its `{`, and how long they are written: `2}`, `2,}`, `,3}`, `,}`. Anything else is a
/// brace.
fn bounds(rest: &str) -> Option<(String, usize)> {
    // Longer numbers are too large for any engine.
    let end = rest.bytes().take(24).position(|byte| byte == b'}')?;
    let inside = &rest[..end];
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let bounds = match inside.split_once(',') {
        Some((low, high)) if digits(low) && digits(high) => {
            format!("{{{},{high}}}", if low.is_empty() { "0" } else { low })
        }
        None if !inside.is_empty() && digits(inside) => format!("{{{inside}}}"),
        _ => return None,
    };
    Some((bounds, end + 1))
}
