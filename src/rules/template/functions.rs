//! The functions, filters and methods templates have: Pexip's own, and the builtin filters on Pexip's list.
//!
//! See <https://docs.pexip.com/admin/jinja_templates.htm>. Those that change from one rendering to the next (`pex_now`,
//! `pex_uuid4`, `pex_random_pin`) are left out: equal invitations must give equal addresses.

use base64::Engine as _;
use md5::Digest as _;
use minijinja::value::{Kwargs, Rest, ValueKind};
use minijinja::{Environment, Error, ErrorKind, State, Value, filters, tests};

use super::super::pattern::{Pattern, Replacement};
use super::OUTPUT_MAX;
use crate::invitation::wrapped;

/// Most numbers of a `range`.
const RANGE_MAX: usize = 1000;

/// Every filter. A test holds this to what is registered.
pub(super) const FILTERS: &[&str] = &[
    "abs",
    "capitalize",
    "default",
    "first",
    "float",
    "format",
    "int",
    "join",
    "last",
    "length",
    "lower",
    "range",
    "replace",
    "round",
    "striptags",
    "trim",
    "truncate",
    "upper",
    "pex_base64",
    "pex_clean_phone_number",
    "pex_find_first_match",
    "pex_hash",
    "pex_head",
    "pex_md5",
    "pex_regex_replace",
    "pex_require_min_length",
    "pex_reverse",
    "pex_safelinks_decode",
    "pex_strlen",
    "pex_tail",
    "pex_to_json",
    "pex_url_decode",
    "pex_url_encode",
    "pex_urldefense_decode",
];

/// Every function.
pub(super) const FUNCTIONS: &[&str] = &[
    "range",
    "pex_regex_search",
    "pex_base64",
    "pex_clean_phone_number",
    "pex_find_first_match",
    "pex_hash",
    "pex_head",
    "pex_md5",
    "pex_require_min_length",
    "pex_reverse",
    "pex_safelinks_decode",
    "pex_strlen",
    "pex_tail",
    "pex_to_json",
    "pex_url_decode",
    "pex_url_encode",
    "pex_urldefense_decode",
];

pub(super) fn register(environment: &mut Environment<'static>) {
    builtin(environment);
    environment.add_function("range", range);
    environment.add_function("pex_regex_search", regex_search);
    environment.add_filter("pex_regex_replace", regex_replace);
    // Documented as functions of a value in some releases and as filters in others: both are there.
    macro_rules! both {
        ($($name:literal => $function:expr),* $(,)?) => {$(
            environment.add_filter($name, $function);
            environment.add_function($name, $function);
        )*};
    }
    both! {
        "pex_find_first_match" => find_first_match,
        "pex_head" => |text: &str, count: usize| text.chars().take(count).collect::<String>(),
        "pex_tail" => tail,
        "pex_reverse" => |text: &str| text.chars().rev().collect::<String>(),
        "pex_strlen" => |text: &str| text.chars().count(),
        "pex_base64" => |text: &str| bounded(base64::engine::general_purpose::STANDARD.encode(text)),
        "pex_md5" => |text: &str| hex(&md5::Md5::digest(text.as_bytes())),
        "pex_hash" => |text: &str| hex(&sha2::Sha256::digest(text.as_bytes())),
        "pex_clean_phone_number" => |text: &str| text.chars().filter(|c| c.is_ascii_digit() || *c == '+').collect::<String>(),
        "pex_url_encode" => |text: &str| bounded(wrapped::percent::encode(text)),
        "pex_url_decode" => |text: &str| wrapped::percent::decode(&text.replace('+', " ")),
        "pex_safelinks_decode" => |link: &str| wrapped::safelinks_decode(link).unwrap_or_else(|| link.to_owned()),
        "pex_urldefense_decode" => |link: &str| wrapped::urldefense_decode(link).unwrap_or_else(|| link.to_owned()),
        "pex_to_json" => |value: Value| serde_json::to_string(&value).map_err(|error| failed(error.to_string())).and_then(bounded),
        "pex_require_min_length" => require_min_length,
    }
    environment.set_unknown_method_callback(method);
}

/// The builtin filters on Pexip's list, and the tests Jinja2 has for values.
fn builtin(environment: &mut Environment<'static>) {
    environment.add_filter("abs", filters::abs);
    environment.add_filter("capitalize", filters::capitalize);
    environment.add_filter("default", filters::default);
    environment.add_filter("first", filters::first);
    environment.add_filter("float", filters::float);
    environment.add_filter("format", format_percent);
    environment.add_filter("int", filters::int);
    environment.add_filter("join", join);
    environment.add_filter("last", filters::last);
    environment.add_filter("length", filters::length);
    environment.add_filter("lower", filters::lower);
    environment.add_filter("range", range);
    environment
        .add_filter("replace", |text: &str, from: &str, to: &str, count: Option<i64>| replace(text, from, to, count));
    environment.add_filter("round", filters::round);
    environment.add_filter("striptags", striptags);
    environment.add_filter("trim", filters::trim);
    environment.add_filter("truncate", truncate);
    environment.add_filter("upper", filters::upper);
    environment.add_test("defined", tests::is_defined);
    environment.add_test("undefined", tests::is_undefined);
    environment.add_test("none", tests::is_none);
    environment.add_test("string", tests::is_string);
    environment.add_test("number", tests::is_number);
    environment.add_test("mapping", tests::is_mapping);
    environment.add_test("sequence", tests::is_sequence);
    environment.add_test("odd", tests::is_odd);
    environment.add_test("even", tests::is_even);
}

fn failed(text: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, text.into())
}

/// The text, unless it is longer than any output may be.
fn bounded(text: String) -> Result<String, Error> {
    if text.len() > OUTPUT_MAX { Err(failed("a text grew past 64 KiB")) } else { Ok(text) }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn range(low: i64, high: Option<i64>, step: Option<i64>) -> Result<Vec<i64>, Error> {
    let (low, high) = high.map_or((0, low), |high| (low, high));
    let step = step.unwrap_or(1);
    if step == 0 {
        return Err(failed("`range` needs a step other than 0"));
    }
    let mut numbers = vec![];
    let mut number = low;
    while (step > 0 && number < high) || (step < 0 && number > high) {
        if numbers.len() == RANGE_MAX {
            return Err(failed(format!("`range` has more than {RANGE_MAX} numbers")));
        }
        numbers.push(number);
        number = number.saturating_add(step);
    }
    Ok(numbers)
}

/// The groups of the first match, without the match itself: nothing when there is no match, or no group. A group that took no
/// part is the empty text. An undefined text has no match.
fn regex_search(pattern: &str, text: Value) -> Result<Value, Error> {
    let Some(text) = text.as_str() else {
        return Ok(Value::from(()));
    };
    let pattern = Pattern::cached(pattern).map_err(failed)?;
    let found = pattern.find(text).map_err(|error| failed(error.to_string()))?;
    Ok(found.map_or(Value::from(()), |found| {
        found.groups.iter().skip(1).map(|group| Value::from(group.unwrap_or_default())).collect()
    }))
}

fn regex_replace(text: &str, find: &str, replacement: &str) -> Result<String, Error> {
    let pattern = Pattern::cached(find).map_err(failed)?;
    let replacement = Replacement::parse(replacement, &pattern).map_err(failed)?;
    pattern.replace_all(text, &replacement, OUTPUT_MAX).map_err(failed)
}

fn find_first_match(list: Value, pattern: &str) -> Result<Value, Error> {
    let pattern = Pattern::cached(pattern).map_err(failed)?;
    for item in list.try_iter()? {
        let matched = match item.as_str() {
            Some(text) => pattern.find(text).map_err(|error| failed(error.to_string()))?.is_some(),
            None => false,
        };
        if matched {
            return Ok(item);
        }
    }
    Ok(Value::from(()))
}

fn tail(text: &str, count: usize) -> String {
    let skipped = text.chars().count().saturating_sub(count);
    text.chars().skip(skipped).collect()
}

fn require_min_length(text: &str, count: usize) -> Result<String, Error> {
    if text.chars().count() < count {
        return Err(failed(format!("shorter than the required {count} characters")));
    }
    Ok(text.to_owned())
}

/// Python's `%`: `%s`, `%d`, `%%`. Widths are left out, since nothing in an address is padded.
fn format_percent(state: &State, pattern: &str, values: Rest<Value>) -> Result<String, Error> {
    state.consume_fuel(pattern.len() as u64)?;
    let mut values = values.0.into_iter();
    let mut out = String::new();
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        if character != '%' {
            out.push(character);
            continue;
        }
        match characters.next() {
            Some('%') => out.push('%'),
            Some('s' | 'd' | 'i') => {
                let value = values.next().ok_or_else(|| failed("`format` has fewer values than places"))?;
                out.push_str(&text_of(&value)?);
            }
            _ => return Err(failed("`format` knows `%s`, `%d` and `%%`")),
        }
        out = bounded(out)?;
    }
    Ok(out)
}

/// A scalar as text; whole lists could be long.
fn text_of(value: &Value) -> Result<String, Error> {
    match (value.as_str(), value.kind()) {
        (Some(text), _) => Ok(text.to_owned()),
        (None, ValueKind::Number | ValueKind::Bool) => Ok(value.to_string()),
        (None, ValueKind::None | ValueKind::Undefined) => Ok(String::new()),
        _ => Err(failed("a list cannot be made a text")),
    }
}

fn join(list: Value, separator: Option<&str>) -> Result<String, Error> {
    let mut out = String::new();
    for (index, item) in list.try_iter()?.enumerate() {
        if index > 0 {
            out.push_str(separator.unwrap_or_default());
        }
        out.push_str(&text_of(&item)?);
        out = bounded(out)?;
    }
    Ok(out)
}

fn replace(text: &str, from: &str, to: &str, count: Option<i64>) -> Result<String, Error> {
    let count = count.and_then(|count| usize::try_from(count).ok()).unwrap_or(usize::MAX);
    let matches = if from.is_empty() { text.chars().count() + 1 } else { text.matches(from).count() }.min(count);
    let length = text.len().saturating_add(to.len().saturating_sub(from.len()).saturating_mul(matches));
    if length > OUTPUT_MAX.max(text.len()) {
        return Err(failed("a text grew past 64 KiB"));
    }
    Ok(text.replacen(from, to, count))
}

fn striptags(text: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for character in text.chars() {
        match character {
            '<' => inside = true,
            '>' if inside => inside = false,
            _ if !inside => out.push(character),
            _ => {}
        }
    }
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Jinja2's: at most `length` characters including `end`, cut at a space unless `killwords`, five more allowed before cutting.
fn truncate(text: &str, plain: Rest<Value>, named: Kwargs) -> Result<String, Error> {
    let argument = |index: usize, name: &str| -> Result<Option<Value>, Error> {
        Ok(plain.get(index).cloned().or(named.get::<Option<Value>>(name)?))
    };
    let number = |value: Option<Value>, default: usize| value.and_then(|value| value.as_usize()).unwrap_or(default);
    let length = number(argument(0, "length")?, 255);
    let killwords = argument(1, "killwords")?.is_some_and(|value| value.is_true());
    let end = argument(2, "end")?;
    let end = end.as_ref().and_then(Value::as_str).unwrap_or("...");
    let leeway = number(argument(3, "leeway")?, 5);
    named.assert_all_used()?;
    if text.chars().count() <= length.saturating_add(leeway) {
        return Ok(text.to_owned());
    }
    let kept: String = text.chars().take(length.saturating_sub(end.chars().count())).collect();
    let kept = match kept.rfind(' ') {
        Some(space) if !killwords => &kept[..space],
        _ => &kept,
    };
    bounded(format!("{kept}{end}"))
}

/// Python's methods of texts, maps and lists. Those that make texts longer are ours.
fn method(state: &mut State, value: &Value, name: &str, arguments: &[Value]) -> Result<Value, Error> {
    let text = value.as_str();
    match (name, text, arguments) {
        ("replace", Some(text), [from, to, count @ ..]) => {
            let (Some(from), Some(to)) = (from.as_str(), to.as_str()) else {
                return Err(failed("`replace` takes two texts"));
            };
            replace(text, from, to, count.first().and_then(Value::as_i64)).map(Value::from)
        }
        ("join", Some(separator), [list]) => join(list.clone(), Some(separator)).map(Value::from),
        (
            "upper" | "lower" | "strip" | "lstrip" | "rstrip" | "split" | "splitlines" | "startswith" | "endswith"
            | "find" | "rfind" | "count" | "title" | "capitalize" | "isdigit" | "isnumeric" | "isalpha" | "isalnum"
            | "isascii" | "islower" | "isupper" | "isspace" | "get" | "items" | "keys" | "values",
            ..,
        ) => minijinja_contrib::pycompat::unknown_method_callback(state, value, name, arguments),
        _ => Err(Error::new(ErrorKind::UnknownMethod, format!("there is no method `{name}` here"))),
    }
}
