//! Patterns and templates against what Python and Jinja2 make of them: tests/python holds the answers and the scripts that wrote
//! them.

use otj::rules::pattern::Pattern;
use otj::rules::template::Template;
use serde::Deserialize;

#[derive(Deserialize)]
struct Search {
    pattern: String,
    text: String,
    #[serde(default)]
    error: bool,
    groups: Option<Vec<Option<String>>>,
}

/// Where we differ on purpose: the pattern, and what we do.
const OTHERWISE: &[(&str, &str)] = &[
    // Digits of other scripts are in no address.
    (r"\d+", r#"Some([Some("3")])"#),
    // A table of all names of characters is not worth its size.
    (r"\N{COLON}", "error: "),
    // What Python refuses and means one thing all the same.
    (r"(?<=a|bc)d", "Some("),
    (r"(?<=^|,)\d", "Some("),
    (r"\p{L}", "Some("),
    (r"\z", "Some("),
    (r"(?<n>a)", "Some("),
];

#[test]
fn patterns_find_what_python_finds() {
    let searches: Vec<Search> = serde_json::from_str(include_str!("../../python/patterns.json")).unwrap();
    assert!(searches.len() > 140);
    let mut wrong = vec![];
    for Search { pattern, text, error, groups } in searches {
        let got = match Pattern::compile(&pattern) {
            Err(fault) => format!("error: {fault}"),
            Ok(compiled) => match compiled.find(&text) {
                Err(fault) => format!("error: {fault}"),
                Ok(found) => format!("{:?}", found.map(|found| found.groups)),
            },
        };
        let same = if error { got.starts_with("error: ") } else { got == format!("{groups:?}") };
        let otherwise = OTHERWISE.iter().find(|(each, _)| *each == pattern).map(|(_, ours)| *ours);
        if otherwise.map_or(!same, |ours| same || !got.starts_with(ours)) {
            wrong.push(format!(
                "{pattern:?} in {text:?}: {got}, Python: {}",
                if error { "error".into() } else { format!("{groups:?}") }
            ));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[derive(Deserialize)]
struct Rendered {
    #[serde(default)]
    context: serde_json::Value,
    template: Option<String>,
    expected: Option<String>,
}

#[test]
fn templates_give_what_jinja2_gives() {
    let all: Vec<Rendered> = serde_json::from_str(include_str!("../../python/templates.json")).unwrap();
    let context = minijinja::Value::from(minijinja::value::Serde(&all[0].context));
    assert!(all.len() > 70);
    let mut wrong = vec![];
    for Rendered { template, expected, .. } in &all[1..] {
        let template = template.as_deref().unwrap();
        let compiled = Template::compile(template);
        let got = compiled.and_then(|it| it.render(&context).map_err(|error| error.to_string()));
        if got.as_ref().ok() != expected.as_ref() {
            wrong.push(format!("{template}\n   {got:?}\n   Jinja2: {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}
