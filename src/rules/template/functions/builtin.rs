//! The builtin filters on Pexip's list, Jinja2's tests, and Python's methods of texts, lists and dictionaries.
//!
//! They do what Jinja2's do; tests/python holds both to the same templates. Those that make texts longer stop at 64 KiB, and
//! those that read texts pay fuel for it.

use minijinja::value::{Kwargs, Rest, ValueKind, ValueOrKwargs};
use minijinja::{Environment, Error, ErrorKind, State, Value, filters, tests};

use super::super::{OUTPUT_MAX, PAID};
use super::{GREW, bounded, failed, paid};

/// Most numbers of a `range`.
const RANGE_MAX: usize = 1000;

pub(super) fn register(environment: &mut Environment<'static>) {
    environment.add_function("range", range);
    environment.add_filter("abs", filters::abs);
    environment.add_filter("capitalize", filters::capitalize);
    environment.add_filter("default", default);
    environment.add_filter("first", filters::first);
    environment.add_filter("float", float);
    environment.add_filter("format", format_percent);
    environment.add_filter("int", int);
    environment.add_filter("join", |state: &State, list: Value, separator: Option<&str>| join(state, &list, separator));
    environment.add_filter("last", filters::last);
    environment.add_filter("length", filters::length);
    environment.add_filter("lower", filters::lower);
    environment.add_filter("range", range);
    environment.add_filter("replace", |state: &State, text: &Value, from: &Value, to: &Value, count: Option<i64>| {
        let text = text_of(text)?;
        paid(state, &text)?;
        let (from, to) = (text_of(from)?, text_of(to)?);
        paid(state, &from)?;
        paid(state, &to)?;
        replace(&text, &from, &to, count)
    });
    environment.add_filter("round", filters::round);
    environment.add_filter("striptags", striptags);
    environment.add_filter("trim", filters::trim);
    environment.add_filter("truncate", truncate);
    environment.add_filter("upper", filters::upper);
    add_tests(environment);
    environment.set_unknown_method_callback(method);
}

/// Jinja2's tests of values; those of templates, filters and escaping have nothing to look at here.
fn add_tests(environment: &mut Environment<'static>) {
    macro_rules! add {
        ($($name:literal => $test:expr),* $(,)?) => {$( environment.add_test($name, $test); )*};
    }
    add! {
        "boolean" => tests::is_boolean,
        "defined" => tests::is_defined,
        "divisibleby" => tests::is_divisibleby,
        "eq" => tests::is_eq,
        "equalto" => tests::is_eq,
        "==" => tests::is_eq,
        "even" => tests::is_even,
        "false" => tests::is_false,
        "float" => tests::is_float,
        "ge" => tests::is_ge,
        "greaterthan" => tests::is_gt,
        "gt" => tests::is_gt,
        "in" => tests::is_in,
        "integer" => tests::is_integer,
        "iterable" => tests::is_iterable,
        "le" => tests::is_le,
        "lessthan" => tests::is_lt,
        "lower" => |state: &State, value: &Value| {
            paid(state, value.as_str().unwrap_or_default()).map(|()| tests::is_lower(value))
        },
        "lt" => tests::is_lt,
        "mapping" => tests::is_mapping,
        "ne" => tests::is_ne,
        "none" => tests::is_none,
        "number" => tests::is_number,
        "odd" => tests::is_odd,
        "sameas" => tests::is_sameas,
        // A text is a sequence of characters to Python.
        "sequence" => |value: &Value| tests::is_sequence(value) || tests::is_string(value) || tests::is_mapping(value),
        "string" => tests::is_string,
        "true" => tests::is_true,
        "undefined" => tests::is_undefined,
        "upper" => |state: &State, value: &Value| {
            paid(state, value.as_str().unwrap_or_default()).map(|()| tests::is_upper(value))
        },
    }
}

/// `|default(x)`, `|default(x, true)`, `|default(x, boolean=true)`.
fn default(value: Value, other: Option<Value>, boolean: Option<bool>, named: Kwargs) -> Result<Value, Error> {
    let other = other.or(named.get::<Option<Value>>("default_value")?).unwrap_or_else(|| Value::from(""));
    let boolean = boolean.or(named.get::<Option<bool>>("boolean")?).unwrap_or_default();
    named.assert_all_used()?;
    Ok(if value.is_undefined() || (boolean && !value.is_true()) { other } else { value })
}

/// A whole number, and `default` or 0 where there is none: `"7.9"` is 7, `"x"` is 0.
fn int(state: &State, value: &Value, default: Option<Value>, base: Option<u32>, named: Kwargs) -> Result<Value, Error> {
    let default = default.or(named.get::<Option<Value>>("default")?).unwrap_or_else(|| Value::from(0));
    let base = base.or(named.get::<Option<u32>>("base")?).unwrap_or(10);
    named.assert_all_used()?;
    let none = || Kwargs::from_iter(Vec::<(&str, Value)>::new());
    let Some(text) = value.as_str() else {
        return Ok(filters::int(state, value, None, Some(base), none()).unwrap_or(default));
    };
    let text = Value::from(text.trim());
    let whole = filters::int(state, &text, None, Some(base), none());
    let cut = || filters::float(state, &text, None, none()).ok().and_then(|number| f64::try_from(number).ok());
    Ok(match whole {
        Ok(number) => number,
        // Beyond that no float is a whole number for certain.
        Err(_) => {
            cut().filter(|number| number.abs() < 9e15).map_or(default, |number| Value::from(number.trunc() as i64))
        }
    })
}

fn float(state: &State, value: &Value, default: Option<Value>, named: Kwargs) -> Result<Value, Error> {
    let default = default.or(named.get::<Option<Value>>("default")?).unwrap_or_else(|| Value::from(0.0));
    named.assert_all_used()?;
    let trimmed = value.as_str().map(|text| Value::from(text.trim()));
    let none = Kwargs::from_iter(Vec::<(&str, Value)>::new());
    Ok(filters::float(state, trimmed.as_ref().unwrap_or(value), None, none).unwrap_or(default))
}

/// Python's `%`. Fuel bounds the widths that it may ask for.
fn format_percent(state: &mut State, pattern: &Value, values: Rest<ValueOrKwargs>) -> Result<Value, Error> {
    paid(state, pattern.as_str().unwrap_or_default())?;
    let made = filters::format(state, pattern, values)?;
    if made.as_str().is_some_and(|text| text.len() > OUTPUT_MAX) { Err(failed(GREW)) } else { Ok(made) }
}

/// A scalar as text; whole lists could be long.
fn text_of(value: &Value) -> Result<String, Error> {
    match (value.as_str(), value.kind()) {
        (Some(text), _) => Ok(text.to_owned()),
        (None, ValueKind::Number | ValueKind::Bool) => Ok(value.to_string()),
        (None, ValueKind::None) => Ok("None".into()),
        (None, ValueKind::Undefined) => Ok(String::new()),
        _ => Err(failed("a list cannot be made a text")),
    }
}

fn join(state: &State, list: &Value, separator: Option<&str>) -> Result<String, Error> {
    let mut out = String::new();
    for (index, item) in list.try_iter()?.enumerate() {
        paid(state, "")?;
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
        return Err(failed(GREW));
    }
    Ok(text.replacen(from, to, count))
}

/// Without tags and comments, white space as single spaces, the commonest entities as what they stand for.
fn striptags(state: &State, text: &str) -> Result<String, Error> {
    paid(state, text)?;
    let mut out = String::new();
    let mut rest = text;
    while let Some(begin) = rest.find('<') {
        let (length, closing) = if rest[begin..].starts_with("<!--") { (4, "-->") } else { (1, ">") };
        // A `<` that nothing closes is text, and so is all after it.
        let Some(end) = rest[begin + length..].find(closing) else { break };
        out.push_str(&rest[..begin]);
        rest = &rest[begin + length + end + closing.len()..];
    }
    out.push_str(rest);
    let line = out.split_whitespace().collect::<Vec<_>>().join(" ");
    let entities =
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&#34;", "\""), ("&nbsp;", "\u{a0}")];
    let plain = entities.into_iter().fold(line, |text, (entity, character)| text.replace(entity, character));
    Ok(plain.replace("&amp;", "&"))
}

/// Jinja2's: at most `length` characters including `end`, cut at a space unless `killwords`, five more allowed before cutting.
fn truncate(state: &State, text: &str, plain: Rest<Value>, named: Kwargs) -> Result<String, Error> {
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
    paid(state, text)?;
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

/// Python's methods of texts, maps and lists. Those that make texts longer are ours.
fn method(state: &mut State, value: &Value, name: &str, arguments: &[Value]) -> Result<Value, Error> {
    let text = value.as_str();
    paid(state, text.unwrap_or_default())?;
    for argument in arguments {
        paid(state, argument.as_str().unwrap_or_default())?;
    }
    match (name, text, arguments) {
        (PAID, _, []) => Ok(value.clone()),
        ("replace", Some(text), [from, to, count @ ..]) => {
            let (Some(from), Some(to)) = (from.as_str(), to.as_str()) else {
                return Err(failed("`replace` takes two texts"));
            };
            replace(text, from, to, count.first().and_then(Value::as_i64)).map(Value::from)
        }
        ("join", Some(separator), [list]) => join(state, list, Some(separator)).map(Value::from),
        (
            "upper" | "lower" | "strip" | "lstrip" | "rstrip" | "split" | "splitlines" | "startswith" | "endswith"
            | "find" | "rfind" | "count" | "title" | "capitalize" | "isdigit" | "isnumeric" | "isalpha" | "isalnum"
            | "isascii" | "islower" | "isupper" | "isspace" | "get" | "items" | "keys" | "values",
            ..,
        ) => minijinja_contrib::pycompat::unknown_method_callback(state, value, name, arguments),
        _ => Err(Error::new(ErrorKind::UnknownMethod, format!("there is no method `{name}` here"))),
    }
}
