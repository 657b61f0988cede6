//! Replacements as Python's `re.sub` reads them.
//!
//! | written | means |
//! |---|---|
//! | `\1`…`\99` | that group; `\10` is the tenth, never the first and a 0 |
//! | `\g<name>`, `\g<1>`, `\g<0>` | that group; 0 is the whole match |
//! | `\0` | the whole match; in Python it is a character that no address holds |
//! | `\n`, `\t`, `\101` … | that character |
//! | `\.` and other punctuation | without the backslash; Python keeps it, and no address holds one |

use super::{Found, Pattern};

/// What a match becomes.
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
            let (meant, after) = escape(rest)?;
            rest = after;
            let part = match meant {
                Part::Text(text) => {
                    plain.push_str(&text);
                    continue;
                }
                group => group,
            };
            match &part {
                Part::Number(number) if *number >= pattern.groups() => {
                    let help = if *number > 9 {
                        format!(": write `\\g<{}>{}`", number / 10, number % 10)
                    } else {
                        String::new()
                    };
                    return Err(format!("`\\{number}` names a group that the pattern does not have{help}"));
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

/// What stands after a `\`, and what comes after that.
fn escape(rest: &str) -> Result<(Part, &str), String> {
    let Some(first) = rest.chars().next() else {
        return Err("it ends with a single `\\`: write `\\\\`".into());
    };
    let after = &rest[first.len_utf8()..];
    let text = |character: char| Ok((Part::Text(character.into()), after));
    match first {
        '0' => Ok((Part::Number(0), after)),
        '1'..='9' => {
            let digits = rest.bytes().take(3).take_while(u8::is_ascii_digit).count();
            let octal = rest.get(..3).and_then(|text| u32::from_str_radix(text, 8).ok()).filter(|_| digits == 3);
            if let Some(character) = octal.filter(|value| *value <= 0o377).and_then(char::from_u32) {
                return Ok((Part::Text(character.into()), &rest[3..]));
            }
            let (number, after) = rest.split_at(digits.min(2));
            Ok((Part::Number(number.parse().unwrap_or(usize::MAX)), after))
        }
        'g' => {
            let name = rest.strip_prefix("g<").and_then(|after| after.split_once('>'));
            let (name, after) = name.ok_or("`\\g` needs a group: write `\\g<name>`")?;
            Ok((name.parse().map_or_else(|_| Part::Name(name.to_owned()), Part::Number), after))
        }
        'a' => text('\u{7}'),
        'b' => text('\u{8}'),
        'f' => text('\u{c}'),
        'n' => text('\n'),
        'r' => text('\r'),
        't' => text('\t'),
        'v' => text('\u{b}'),
        other if other.is_ascii_alphabetic() => Err(format!("Python has no `\\{other}` in a replacement")),
        other => text(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replacements_take_groups_by_number_and_name() {
        let pattern = Pattern::compile(r"(?P<id>\d+)@(\w+)(x)?").unwrap();
        for (text, expected) in [
            (r"\1@\2", Ok("12@b")),
            (r"\g<id>.\g<2>\3", Ok("12.b")),
            (r"\g<1>0@\g<0>", Ok("120@12@b")),
            (r"\0!", Ok("12@b!")),
            (r"\.\\", Ok(r".\")),
            (r"\1@vc\.example\.com", Ok("12@vc.example.com")),
            (r"\n\1\t", Ok("\n12\t")),
            (r"\1010", Ok("A0")),
            ("é\\é\\1é", Ok("éé12é")),
            (r"\10", Err("`\\10` names a group that the pattern does not have: write `\\g<1>0`")),
            (r"\18", Err("`\\18` names a group that the pattern does not have: write `\\g<1>8`")),
            (r"\4", Err("`\\4` names a group that the pattern does not have")),
            (r"\g<no>", Err("`\\g<no>` names a group that the pattern does not have")),
            (r"\g<>", Err("`\\g<>` names a group that the pattern does not have")),
            (r"\g1", Err("`\\g` needs a group: write `\\g<name>`")),
            (r"\d", Err("Python has no `\\d` in a replacement")),
            (r"a\", Err("it ends with a single `\\`: write `\\\\`")),
        ] {
            let found = pattern.find("see 12@b").unwrap().unwrap();
            let result = Replacement::parse(text, &pattern).and_then(|replacement| replacement.expand(&found));
            assert_eq!(result.as_deref(), expected.map_err(str::to_owned).as_deref(), "{text}");
        }
        let many = Pattern::compile("(a)(b)(c)(d)(e)(f)(g)(h)(i)(j)").unwrap();
        let found = many.find("abcdefghij").unwrap().unwrap();
        assert_eq!(Replacement::parse(r"\10\1", &many).unwrap().expand(&found).as_deref(), Ok("ja"));
    }
}
