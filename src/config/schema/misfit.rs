//! Where a document does not fit its schema, in people's words. In: what the validator found. Out: code, place, message and help.

use jsonschema::error::{ValidationError, ValidationErrorKind};
use serde_json::Value;

use super::super::document::{API_VERSION, Kind};
use super::{COMPILED, Compiled, WHOLE};

/// One place where a document does not fit its schema.
#[derive(Clone, Debug)]
pub(crate) struct Misfit {
    pub(crate) code: &'static str,
    /// JSON pointer into the document.
    pub(crate) pointer: String,
    /// The finding stands at the key, not at the value.
    pub(crate) at_key: bool,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
}

/// Whether `document` has a known envelope and fits the schema of its kind; what a schema cannot say is not looked at.
#[must_use]
pub fn fits(document: &Value) -> bool {
    let kind = Kind::ALL.into_iter().find(|kind| document.get("kind").is_some_and(|written| written == kind.name()));
    document.get("apiVersion").is_some_and(|version| version == API_VERSION)
        && kind.and_then(|kind| WHOLE.get(&kind)).is_some_and(|validator| validator.is_valid(document))
}

/// Where `document` does not fit the schema of `kind`.
pub(crate) fn misfits(kind: Kind, document: &Value) -> Vec<Misfit> {
    let Some(Compiled { schema, validator }) = COMPILED.get(&kind) else { return vec![] };
    if validator.is_valid(document) {
        return vec![];
    }
    let mut found = vec![];
    for error in validator.iter_errors(document) {
        describe(&error, schema, &mut found);
    }
    found
}

fn describe(error: &ValidationError<'_>, schema: &Value, found: &mut Vec<Misfit>) {
    let pointer = error.instance_path().to_string();
    let here = subschema(schema, schema, &pointer);
    let instance = error.instance();
    let mut add = |code, at_key, pointer: String, message: String, help: Option<String>| {
        found.push(Misfit { code, pointer, at_key, message, help });
    };
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            let known = fields(schema, here);
            for name in unexpected {
                let message = match quotable(&pointer, name) {
                    true => format!("unknown field `{name}`"),
                    false => "unknown field".to_owned(),
                };
                let meant = crate::diagnostic::did_you_mean(name, known.iter().copied());
                let help = meant.map_or_else(|| list("it has", &known), |meant| format!("did you mean `{meant}`?"));
                add("OTJ201", true, format!("{pointer}/{}", escaped(name)), message, Some(help));
            }
        }
        ValidationErrorKind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            add("OTJ203", true, pointer, format!("the field `{name}` is missing"), None);
        }
        ValidationErrorKind::Type { .. } => {
            let expected = here.and_then(|here| here.get("type")).map(type_words).unwrap_or_default();
            let message = format!("expected {expected}, found {}", found_words(instance));
            add("OTJ202", false, pointer, message, type_help(&expected, instance));
        }
        ValidationErrorKind::Enum { options } => {
            let options: Vec<&str> = options.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            let Some(text) = instance.as_str() else { return };
            let message = match quotable(&pointer, text) {
                true => format!("`{text}` is not one of the values"),
                false => "this is not one of the values".to_owned(),
            };
            let meant = crate::diagnostic::did_you_mean(text, options.iter().copied());
            let help =
                meant.map_or_else(|| list("the values are", &options), |meant| format!("did you mean `{meant}`?"));
            add("OTJ204", false, pointer, message, Some(help));
        }
        ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => {
            // The branch that was meant is the one that went deepest before it failed.
            let depth = |branch: &&Vec<ValidationError<'static>>| {
                branch.iter().map(|error| error.instance_path().to_string().len()).max().unwrap_or(0)
            };
            let wrong_type = |branch: &&Vec<ValidationError<'static>>| {
                branch.iter().any(|error| {
                    matches!(error.kind(), ValidationErrorKind::Type { .. })
                        && error.instance_path().to_string().is_empty()
                })
            };
            let meant = context.iter().filter(|branch| !wrong_type(branch)).max_by_key(depth);
            let before = found.len();
            for inner in meant.into_iter().flatten() {
                describe(inner, schema, found);
            }
            if found.len() == before {
                let message = format!("expected a text or a map, found {}", found_words(instance));
                found.push(Misfit { code: "OTJ202", pointer, at_key: false, message, help: None });
            }
        }
        other => add(bounds_code(other), false, pointer, bounds_words(other), None),
    }
}

fn bounds_code(kind: &ValidationErrorKind) -> &'static str {
    match kind {
        ValidationErrorKind::Constant { .. } => "OTJ204",
        _ => "OTJ205",
    }
}

fn bounds_words(kind: &ValidationErrorKind) -> String {
    match kind {
        ValidationErrorKind::Minimum { limit } => format!("the number is below {limit}"),
        ValidationErrorKind::Maximum { limit } => format!("the number is above {limit}"),
        ValidationErrorKind::MinLength { limit: 1 } => "the text is empty".to_owned(),
        ValidationErrorKind::MinLength { limit } => format!("the text is shorter than {limit} characters"),
        ValidationErrorKind::MaxLength { limit } => format!("the text is longer than {limit} characters"),
        ValidationErrorKind::Constant { expected_value } => format!("expected {expected_value}"),
        other => format!("the value does not fit (`{}`)", other.keyword()),
    }
}

/// The part of the schema that speaks about `pointer`; a `$ref` is followed.
fn subschema<'a>(root: &'a Value, schema: &'a Value, pointer: &str) -> Option<&'a Value> {
    let schema = follow(root, schema);
    let Some(rest) = pointer.strip_prefix('/') else { return Some(schema) };
    let (step, rest) = rest.split_once('/').map_or((rest, String::new()), |(step, rest)| (step, format!("/{rest}")));
    let step = step.replace("~1", "/").replace("~0", "~");
    let next = schema.get("properties").and_then(|fields| fields.get(&step));
    let next = next.or_else(|| schema.get("items")).or_else(|| schema.get("additionalProperties"));
    match next {
        Some(next) => subschema(root, next, &rest),
        None => {
            let choices = schema.get("anyOf").and_then(Value::as_array).into_iter().flatten();
            choices.filter_map(|choice| subschema(root, choice, pointer)).next()
        }
    }
}

fn follow<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    let target = schema.get("$ref").and_then(Value::as_str).and_then(|target| target.strip_prefix('#'));
    target.and_then(|target| root.pointer(target)).unwrap_or(schema)
}

fn fields<'a>(root: &'a Value, schema: Option<&'a Value>) -> Vec<&'a str> {
    let Some(schema) = schema else { return vec![] };
    let own = schema.get("properties").and_then(Value::as_object);
    match own {
        Some(own) => own.keys().map(String::as_str).collect(),
        None => {
            let choices = schema.get("anyOf").and_then(Value::as_array).into_iter().flatten();
            choices.flat_map(|choice| fields(root, Some(follow(root, choice)))).collect()
        }
    }
}

fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Whether a finding may quote `text`: it looks like a word, and stands in no field that may hold a secret.
fn quotable(pointer: &str, text: &str) -> bool {
    let word =
        !text.is_empty() && text.len() <= 40 && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    word && !pointer.split('/').any(crate::diagnostic::mask::is_secret)
}

fn list(lead: &str, words: &[&str]) -> String {
    format!("{lead} {}", words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", "))
}

fn type_words(types: &Value) -> String {
    let word = |one: &Value| match one.as_str().unwrap_or_default() {
        "string" => "a text",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "true or false",
        "array" => "a list",
        "object" => "a map",
        _ => "nothing",
    };
    match types {
        Value::Array(types) => types.iter().map(word).collect::<Vec<_>>().join(" or "),
        one => word(one).to_owned(),
    }
}

fn found_words(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(number) if number.is_f64() => "a fraction",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}

fn type_help(expected: &str, value: &Value) -> Option<String> {
    let help = match (expected, value) {
        (_, Value::Null) if expected == "a map" => "write `{}` where nothing needs to be said, or remove the field",
        (_, Value::Null) => "remove the field to leave it at its default",
        ("a text", Value::Number(_) | Value::Bool(_)) => "write it in quotes",
        ("true or false", Value::String(text)) if matches!(text.as_str(), "yes" | "on" | "no" | "off") => {
            "YAML 1.2 knows `true` and `false` alone"
        }
        ("a map", Value::String(_)) => {
            "a secret is never written as plain text here: refer to it, `{file: PATH}` or `{env: NAME}`"
        }
        ("a list", Value::String(_)) => "write a list of one, `[…]`",
        _ => return None,
    };
    Some(help.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_misfit_points_at_its_field() {
        let document = json!({
            "apiVersion": "otj/v1", "kind": "Endpoint", "metadata": {"name": "a", "lables": {}},
            "spec": {"group": null, "cisco": {"port": "443", "password": "hunter2", "tls": "verify", "extra": 1}, "startBufferMinutes": 181},
        });
        let mut found: Vec<_> = misfits(Kind::Endpoint, &document)
            .into_iter()
            .map(|it| format!("{} {} {} | {}", it.code, it.pointer, it.message, it.help.unwrap_or_default()))
            .collect();
        found.sort();
        assert_eq!(
            found,
            [
                "OTJ201 /metadata/lables unknown field `lables` | did you mean `labels`?",
                "OTJ201 /spec/cisco/extra unknown field `extra` | it has `address`, `caCertificates`, `fingerprint`, `onConflict`, `password`, `port`, `serial`, `tls`, `useHttps`, `username`, `wire`",
                "OTJ202 /spec/cisco/password expected a map, found a text | a secret is never written as plain text here: refer to it, `{file: PATH}` or `{env: NAME}`",
                "OTJ202 /spec/cisco/port expected a whole number, found a text | ",
                "OTJ202 /spec/group expected a text, found nothing | remove the field to leave it at its default",
                "OTJ203 /spec the field `roomEmail` is missing | ",
                "OTJ204 /spec/cisco/tls `verify` is not one of the values | did you mean `Verify`?",
                "OTJ205 /spec/startBufferMinutes the number is above 180 | ",
            ]
        );
    }

    #[test]
    fn a_text_or_secret_is_judged_by_what_was_meant() {
        let document = |url: Value| json!({"apiVersion": "otj/v1", "kind": "IcsIntegration", "metadata": {"name": "a"}, "spec": {"url": url}});
        let codes = |url| {
            misfits(Kind::IcsIntegration, &document(url))
                .iter()
                .map(|it| (it.code, it.pointer.clone()))
                .collect::<Vec<_>>()
        };
        assert_eq!(codes(json!("https://x")), []);
        assert_eq!(codes(json!({"env": "URL"})), []);
        assert_eq!(codes(json!({"environ": "URL"})), [("OTJ201", "/spec/url/environ".to_owned())]);
        assert_eq!(codes(json!(7)), [("OTJ202", "/spec/url".to_owned())]);
    }
}
