//! What a template may not contain, found before it runs: statements that capture their output or run templates from
//! templates, more than a few operators that make texts longer, lists of lists that double, expressions without end, and filters
//! and functions that are not there. Two lists that doubled sixty times take no memory, and no fuel pays for comparing them.

use super::functions::{FILTERS, FUNCTIONS};

/// Most uses of `~`, `+` and `*` in one template. What they may build is bounded by fuel as well; eight are more than any
/// published template has.
const GROWING_MAX: usize = 8;

/// Longest template, in characters: what Pexip takes for a Custom one.
const LENGTH_MAX: usize = 10_240;

/// Most values that lists, tuples and dictionaries made of named values may multiply to, each counted by what it holds. One that
/// holds a name twice doubles what the name stands for; one of literals alone is as long as it is written.
const LISTED_MAX: u64 = 4096;

/// Most names, literals and signs of one expression. Compiling one goes as deep as it is long; a table of 200 entries has 900.
const SIGNS_MAX: usize = 1_000;

/// Words that may stand before a parenthesis and are no functions.
const KEYWORDS: [&str; 8] = ["if", "elif", "else", "and", "or", "not", "in", "is"];

/// Names that stand for themselves.
const LITERALS: [&str; 6] = ["true", "false", "none", "True", "False", "None"];

/// A place of a template, in bytes, that is compiled otherwise than written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// Where a subscript begins: `[` of `a[1]`, `.` of `a.1`.
    Subscript(usize),
    /// A `+` before a number, which changes nothing and which the engine does not know.
    Plus(usize),
}

/// Refuses what templates may not contain. What comes back is marked in the order of the text.
///
/// # Errors
/// Names it, and what to write instead.
pub(super) fn check(text: &str) -> Result<Vec<Mark>, String> {
    if text.chars().count() > LENGTH_MAX {
        return Err(format!("it is longer than {LENGTH_MAX} characters"));
    }
    let mut growing = 0;
    let mut marks = vec![];
    let mut listed: u64 = 1;
    let (mut lists, mut multiplies) = (false, false);
    let mut rest = text;
    let mut line = 1;
    while let Some(at) = rest.find('{') {
        line += rest[..at].matches('\n').count();
        rest = &rest[at..];
        let Some(opening) = rest.get(..2).filter(|two| ["{{", "{%", "{#"].contains(two)) else {
            rest = &rest[1..];
            continue;
        };
        let closing = ["}}", "%}", "#}"][["{{", "{%", "{#"].iter().position(|each| *each == opening).unwrap_or(0)];
        let inside = &rest[2..];
        if opening == "{#" {
            let end = inside.find(closing).map_or(inside.len(), |end| end + 2);
            line += inside[..end].matches('\n').count();
            rest = &inside[end..];
            continue;
        }
        let words = words(inside, closing);
        let begin = text.len() - inside.len();
        marks.extend(words.marks.iter().map(|mark| match mark {
            Mark::Subscript(at) => Mark::Subscript(begin + at),
            Mark::Plus(at) => Mark::Plus(begin + at),
        }));
        growing += words.growing;
        if growing > GROWING_MAX {
            return Err(format!(
                "more than {GROWING_MAX} uses of `~`, `+`, `*` or `pex_update` (line {line} of the template)"
            ));
        }
        listed = words.widths.iter().fold(listed, |product, width| product.saturating_mul(*width));
        lists |= !words.widths.is_empty();
        multiplies |= words.multiplies;
        if lists && multiplies {
            return Err(format!("`*` beside lists of named values (line {line} of the template)"));
        }
        if listed > LISTED_MAX {
            return Err(format!("its lists hold too many named values (line {line} of the template)"));
        }
        if words.signs > SIGNS_MAX {
            return Err(format!("an expression of more than {SIGNS_MAX} parts (line {line} of the template)"));
        }
        if let Some(fault) = unknown(&words) {
            return Err(format!("{fault} (line {line} of the template)"));
        }
        let is_statement = opening == "{%";
        if let Some(fault) = refused(&words.list).filter(|_| is_statement) {
            return Err(format!("{fault} (line {line} of the template)"));
        }
        let mut end = words.length;
        if is_statement && words.list.first().is_some_and(|word| *word == "raw") {
            end = inside.find("endraw").unwrap_or(inside.len());
        }
        line += inside[..end].matches('\n').count();
        rest = &inside[end..];
    }
    Ok(marks)
}

/// A filter or function that is not there.
fn unknown(words: &Words<'_>) -> Option<String> {
    let filter = words.filters.iter().find(|name| !FILTERS.contains(name));
    let function = words.functions.iter().find(|name| !FUNCTIONS.contains(name));
    let (kind, name, all) = match (filter, function) {
        (Some(name), _) => ("filter", name, FILTERS),
        (None, Some(name)) => ("function", name, FUNCTIONS),
        (None, None) => return None,
    };
    let like =
        all.iter().find(|each| each.strip_prefix("pex_") == Some(name) || (each.len() > 3 && each.starts_with(name)));
    let help = like.map_or_else(|| format!("there are: {}", all.join(", ")), |like| format!("did you mean `{like}`?"));
    Some(format!("there is no {kind} `{name}`; {help}"))
}

/// What a statement does that no rule may do.
fn refused(words: &[&str]) -> Option<String> {
    match words.first().copied()? {
        "set" if !words.contains(&"=") => Some("`set` without `=`: write `{% set name = value %}`".into()),
        name @ ("macro" | "call" | "include" | "import" | "from" | "extends" | "block" | "filter") => {
            Some(format!("`{name}` cannot be used here"))
        }
        "for" if words.contains(&"recursive") => Some("`recursive` loops cannot be used here".into()),
        _ => None,
    }
}

struct Words<'t> {
    /// Names, and `=`.
    list: Vec<&'t str>,
    /// Names after a `|`.
    filters: Vec<&'t str>,
    /// Names before a `(`, but for filters, tests and methods.
    functions: Vec<&'t str>,
    growing: usize,
    multiplies: bool,
    /// How many values each list, tuple and dictionary with names in it holds.
    widths: Vec<u64>,
    marks: Vec<Mark>,
    /// Names, literals and signs.
    signs: usize,
    /// Bytes up to the end of the closing mark.
    length: usize,
}

/// An open bracket.
#[derive(Default)]
struct Bracket {
    /// It begins a value, and is neither a call nor a subscript.
    makes_list: bool,
    /// A name stands in it, or in one inside it.
    named: bool,
    commas: u64,
}

/// Splits the inside of a statement or expression, texts in quotes left out.
fn words<'t>(inside: &'t str, closing: &str) -> Words<'t> {
    let bytes = inside.as_bytes();
    let mut words = Words {
        list: vec![],
        filters: vec![],
        functions: vec![],
        growing: 0,
        multiplies: false,
        widths: vec![],
        marks: vec![],
        signs: 0,
        length: inside.len(),
    };
    // The last character that was neither space nor part of a name.
    let mut before = b' ';
    let mut dot = 0;
    let mut open: Vec<Bracket> = vec![];
    let mut at = 0;
    while at < bytes.len() {
        words.signs += usize::from(!bytes[at].is_ascii_whitespace());
        match bytes[at] {
            byte @ (b'(' | b'[' | b'{') => {
                let after_value = b"n0)]}\"'".contains(&before);
                if byte == b'[' && after_value {
                    words.marks.push(Mark::Subscript(at));
                }
                open.push(Bracket { makes_list: byte == b'{' || !after_value, ..Bracket::default() });
            }
            // It belongs to the number.
            b'.' if before == b'0' => {
                at += 1;
                continue;
            }
            b'.' => dot = at,
            b',' => {
                if let Some(bracket) = open.last_mut() {
                    bracket.commas += 1;
                }
            }
            b')' | b']' | b'}' if !open.is_empty() => {
                let closed = open.pop().unwrap_or_default();
                // Parentheses around one value only group it.
                let lists = closed.makes_list && (bytes[at] != b')' || closed.commas > 0);
                if lists && closed.named {
                    words.widths.push(closed.commas + 1);
                }
                if let Some(around) = open.last_mut() {
                    around.named |= closed.named;
                }
            }
            quote @ (b'"' | b'\'') => {
                at += 1;
                while at < bytes.len() && bytes[at] != quote {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
            }
            // At the begin it belongs to the opening mark.
            b'+' if at > 0 && !b"n0)]}\"'".contains(&before) => words.marks.push(Mark::Plus(at)),
            byte @ (b'~' | b'+' | b'*') => {
                words.growing += 1;
                words.multiplies |= byte == b'*';
            }
            b'=' if bytes.get(at + 1) == Some(&b'=') => at += 1,
            b'=' => words.list.push("="),
            byte if byte.is_ascii_alphanumeric() || byte == b'_' => {
                let begin = at;
                while at < bytes.len() && (bytes[at].is_ascii_alphanumeric() || bytes[at] == b'_') {
                    at += 1;
                }
                let name = &inside[begin..at];
                let called = bytes[at..].iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'(');
                let is_test = matches!(words.list.as_slice(), [.., "is"] | [.., "is", "not"]);
                let keyword = KEYWORDS.contains(&name) || is_test;
                let number = name.as_bytes()[0].is_ascii_digit();
                if before == b'.' && number {
                    words.marks.push(Mark::Subscript(dot));
                }
                match before {
                    b'|' => words.filters.push(name),
                    b'.' => {}
                    _ if called && !keyword => words.functions.push(name),
                    _ => {}
                }
                words.list.push(name);
                // It keeps what a dictionary held beside what it adds.
                words.growing += usize::from(name == "pex_update");
                let literal = number || LITERALS.contains(&name);
                if let Some(bracket) = open.last_mut().filter(|_| !literal) {
                    bracket.named = true;
                }
                before = match (keyword, number && before != b'.') {
                    (true, _) => b' ',
                    // Stands for any number.
                    (false, true) => b'0',
                    // Stands for any name.
                    (false, false) => b'n',
                };
                continue;
            }
            // Inside brackets the two signs are a bracket and another sign.
            _ if open.is_empty() && bytes[at..].starts_with(closing.as_bytes()) => {
                words.length = at + 2;
                return words;
            }
            _ => {}
        }
        if let Some(byte) = bytes.get(at).filter(|byte| !byte.is_ascii_whitespace()) {
            before = *byte;
        }
        at += 1;
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_that_capture_are_refused_and_texts_are_not_looked_into() {
        for (template, right) in [
            ("{% set a = 'b' %}{{ a }}", true),
            ("{% set a %}b{% endset %}", false),
            ("{%- set a -%}b{% endset %}", false),
            ("{% set a if x == 1 %}", false),
            ("{{ '{% set a %}' }}", true),
            ("{# {% macro x() %} #}", true),
            ("{% raw %}{% macro x() %}{% endraw %}{{ a }}", true),
            ("{% raw %}x{% endraw %}{% macro x() %}{% endmacro %}", false),
            ("{{ 'it\\'s ~~~~~~~~~~~~~' }}", true),
            ("{ {{ a ~ b ~ c + d * e ~ f ~ g ~ h ~ i }}", true),
            ("{{ a ~ b ~ c + d * e ~ f ~ g }}{{ h ~ i ~ j ~ k }}", false),
            ("{{ unclosed", true),
            ("{", true),
            ("é{é", true),
            // Brackets hide the end of an expression from nothing.
            ("{{ {'a': {'b': 1}} ~ b ~ c ~ d ~ e ~ f ~ g ~ h ~ i ~ j }}", false),
            ("{{ {'a': {'b': 1}} }}{% macro x() %}", false),
            // Lists that double, and those that do not.
            ("{% set a = [1] %}{% set b = [a, a] %}{% set c = (b, b) %}{{ {'x': c, 'y': c} }}", true),
            ("{{ [m[0], m[1], 'x']|join('.') }}{{ range(a, b, c)|default(d, true) }}{{ (a)|lower }}", true),
            ("{{ [1, 2, 3] }}{{ {'a': true, 'b': none} }}{{ (a) * m[0] }}", true),
            ("{% set a = [[1]] %}{% set b = [a] * 1000 %}", false),
        ] {
            assert_eq!(check(template).is_ok(), right, "{template}");
        }
    }

    #[test]
    fn what_would_cost_more_than_it_is_long_is_refused() {
        let doubling = "{% set a = [a, a] %}".repeat(13);
        let updates = "{% set a = a|pex_update({'k': a}) %}".repeat(9);
        let chain = format!("{{{{ 1{} }}}}", "-1".repeat(600));
        let long = "x".repeat(LENGTH_MAX + 1);
        for (template, part) in [
            (&doubling, "too many named values"),
            (&updates, "more than 8 uses"),
            (&chain, "more than 1000 parts"),
            (&long, "longer than 10240"),
        ] {
            let error = check(template).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
        let table: Vec<_> = (0..200).map(|number| format!("'{number}.example': 'x{number}'")).collect();
        assert!(check(&format!("{{{{ {{{}}}[a] }}}}", table.join(","))).is_ok());
    }

    #[test]
    fn subscripts_are_found_and_lists_are_none() {
        for (template, expected) in [
            ("x[0] {{ a[0] }}", "x[0] {{ a^[0] }}"),
            (
                "{{ a.b [1:][::2]|first }}{{ (a)[0] }}{{ range(3)[-1] }}",
                "{{ a.b ^[1:]^[::2]|first }}{{ (a)^[0] }}{{ range(3)^[-1] }}",
            ),
            ("{{ a.0.b.12 }}{{ 1.5 }}{{ a.b1 }}", "{{ a^.0.b^.12 }}{{ 1.5 }}{{ a.b1 }}"),
            ("{{ 'x[0]'[0] }}{{ {'a': [1]}['a'][0] }}", "{{ 'x[0]'^[0] }}{{ {'a': [1]}^['a']^[0] }}"),
            ("{{+ +1 + +2 - a +b }}{{ [+1] }}", "{{+ ^+1 + ^+2 - a +b }}{{ [^+1] }}"),
            ("{% for x in [1] if x in [2] %}{% endfor %}", "{% for x in [1] if x in [2] %}{% endfor %}"),
            (
                "{% set a = [1] %}{{ a is eq [1] }}{{ a is not eq [1] }}",
                "{% set a = [1] %}{{ a is eq [1] }}{{ a is not eq [1] }}",
            ),
            (
                "{# a[0] #}{% raw %}{{ a[0] }}{% endraw %}{{ é ~ b[c[0]] }}",
                "{# a[0] #}{% raw %}{{ a[0] }}{% endraw %}{{ é ~ b^[c^[0]] }}",
            ),
        ] {
            let mut marked = template.to_owned();
            for mark in check(template).unwrap().into_iter().rev() {
                let (Mark::Subscript(at) | Mark::Plus(at)) = mark;
                marked.insert(at, '^');
            }
            assert_eq!(marked, expected);
        }
    }

    #[test]
    fn filters_and_functions_that_are_not_there_are_named() {
        for (template, part) in [
            ("{{ a|replase('x', 'y') }}", "no filter `replase`"),
            ("{{ a|regex_replace('x', 'y') }}", "did you mean `pex_regex_replace`?"),
            ("{% if (a) and regex_search('x', b) %}{% endif %}", "did you mean `pex_regex_search`?"),
            ("x\n{{ namespace(a=1) }}", "no function `namespace`"),
            ("{{ a | tojson }}", "no filter `tojson`"),
        ] {
            let error = check(template).unwrap_err();
            assert!(error.contains(part), "{template}: {error}");
        }
        for template in [
            "{% set m = pex_regex_search('(x)', a) %}{% if not (m) %}{{ m[0].split('|nothing(')[0]|trim }}{% endif %}",
            "{{ a.b.upper() }}{{ a is sameas(b) }}{% for x in (1, 2) %}{{ x }}{% endfor %}",
            "{{ (a|default('')) | lower }}",
        ] {
            assert!(check(template).is_ok(), "{template}");
        }
    }

    #[test]
    fn the_lists_name_what_is_registered() {
        for name in FILTERS {
            let error =
                crate::rules::template::Template::compile(&format!("{{{{ ''|{name} }}}}")).unwrap().render(&().into());
            assert!(!format!("{error:?}").contains("unknown filter"), "{name}: {error:?}");
        }
        for name in FUNCTIONS {
            let error =
                crate::rules::template::Template::compile(&format!("{{{{ {name}() }}}}")).unwrap().render(&().into());
            assert!(!format!("{error:?}").contains("unknown function"), "{name}: {error:?}");
        }
    }
}
