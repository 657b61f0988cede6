//! Templates and patterns from a grammar: well-formed more often than mutations are, so that they get past the parser. In: a source
//! of numbers. Out: text.

use super::mutate::Mutations;

const NAMES: &[&str] = &[
    "calendar_event.body",
    "calendar_event.subject",
    "calendar_event.location",
    "calendar_event.properties",
    "calendar_event.start_time.year",
    "calendar_event.organizer_email",
    "calendar_event",
    "meeting_id",
    "domain",
    "pin",
    "nothing",
    "x",
    "m",
    "m[0]",
    "loop.index",
];

const FILTERS: &[&str] = &[
    "upper",
    "lower",
    "trim",
    "length",
    "int",
    "float",
    "abs",
    "round",
    "first",
    "last",
    "capitalize",
    "striptags",
    "default('d')",
    "replace('a', 'bb')",
    "replace('', 'x')",
    "join(',')",
    "truncate(5)",
    "format(1, 2)",
    "pex_head(3)",
    "pex_tail(3)",
    "pex_reverse",
    "pex_strlen",
    "pex_base64",
    "pex_md5",
    "pex_hash('sha256')",
    "pex_hash",
    "pex_to_uuid",
    "pex_clean_phone_number",
    "pex_url_encode",
    "pex_url_decode",
    "pex_safelinks_decode",
    "pex_urldefense_decode",
    "pex_to_json",
    "pex_update({'a': x})",
    "pex_require_min_length(2)",
    "pex_regex_replace('(a+)+', '\\\\1')",
    "pex_find_first_match('b')",
    "map('upper')",
    "list",
    "sort",
    "tojson",
    "escape",
    "safe",
];

/// An expression, not deeper than `depth`.
fn expression(numbers: &mut Mutations, depth: usize) -> String {
    let inner = |numbers: &mut Mutations| expression(numbers, depth.saturating_sub(1));
    match numbers.below(if depth == 0 { 3 } else { 13 }) {
        0 => NAMES[numbers.below(NAMES.len())].to_owned(),
        1 => {
            ["0", "1", "-1", "99999999999999999999", "1e308", "0.5", "true", "none", "''"][numbers.below(9)].to_owned()
        }
        2 => format!("'{}'", numbers.piece().replace(['\'', '\\'], "")),
        3..=5 => format!("{}|{}", inner(numbers), FILTERS[numbers.below(FILTERS.len())]),
        6 => {
            let operator =
                ["+", "-", "*", "/", "//", "%", "**", "~", "and", "or", "==", "<", "in", "not in"][numbers.below(14)];
            format!("({} {operator} {})", inner(numbers), inner(numbers))
        }
        7 => format!("{}[{}]", inner(numbers), inner(numbers)),
        8 => format!("[{}, {}]", inner(numbers), inner(numbers)),
        9 => format!("{{'a': {}}}", inner(numbers)),
        10 => format!(
            "pex_regex_search('{}', {})",
            pattern(numbers).replace('\\', "\\\\").replace('\'', ""),
            inner(numbers)
        ),
        11 => format!("({} if {} else {})", inner(numbers), inner(numbers), inner(numbers)),
        _ => [
            "range(9)",
            "range(1000000000)",
            "range(0, 100, 0)",
            "pex_uuid4()",
            "pex_random_pin(6)",
            "pex_now('UTC').year",
            "pex_in_subnet('10.0.0.1', ['10.0.0.0/8'])",
            "pex_debug_log('a', x)",
            "namespace(a=1)",
            "dict(a=1)",
        ][numbers.below(10)]
        .to_owned(),
    }
}

/// A template.
pub(super) fn template(numbers: &mut Mutations) -> String {
    let mut out = String::new();
    for _ in 0..=numbers.below(4) {
        out.push_str(&statement(numbers, 3));
    }
    out
}

fn statement(numbers: &mut Mutations, depth: usize) -> String {
    let value = expression(numbers, 3);
    let inner = if depth == 0 { "a@b.example".to_owned() } else { statement(numbers, depth - 1) };
    match numbers.below(9) {
        0 => format!("{{% set x = {value} %}}{inner}"),
        1 => format!("{{% if {value} %}}{inner}{{% else %}}b{{% endif %}}"),
        2 => format!("{{% for x in {value} %}}{inner}{{% endfor %}}"),
        3 => format!("{{% set m = {value} %}}{{% if m %}}{{{{ m[0] }}}}@vc.example.com{{% endif %}}"),
        4 => format!("{{% set x %}}{inner}{{% endset %}}{{{{ x }}}}{{{{ x }}}}"),
        5 => format!("{{% macro f(a) %}}{inner}{{{{ f(a) }}}}{{% endmacro %}}{{{{ f({value}) }}}}"),
        6 => numbers.piece().to_owned(),
        _ => format!("{{{{ {value} }}}}@vc.example.com"),
    }
}

/// A pattern in Python's syntax.
pub(super) fn pattern(numbers: &mut Mutations) -> String {
    let mut out = String::new();
    for _ in 0..=numbers.below(5) {
        let atom = [
            "a",
            r"\d",
            r"\w",
            ".",
            "[a-z0-9.-]",
            r"[^\s]",
            "@",
            r"\.",
            "(",
            "(?:",
            "(?P<n>",
            "(?=",
            "(?<!",
            ")",
            "|",
            "^",
            "$",
            r"\b",
            r"\1",
            "(?P=n)",
            "[[]",
            "[]a]",
            r"\Z",
            "{",
            "é",
            "[&&~~]",
            "(?i)",
            "(?s)",
            "(?x)",
            "https?://",
            r"\u0041",
            r"\x41",
        ];
        out.push_str(atom[numbers.below(atom.len())]);
        out.push_str(
            ["", "", "+", "*", "?", "+?", "{2}", "{2,}", "{,3}", "{1000}", "{99999}", "++"][numbers.below(12)],
        );
        if numbers.below(4) == 0 {
            out = format!("({out})");
        }
        if numbers.below(6) == 0 {
            out = format!("(?:{out})*");
        }
    }
    out
}
