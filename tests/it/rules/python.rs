//! Patterns and templates against what Python and Jinja2 make of them: tests/python holds the answers and the scripts that wrote
//! them.

use otj::rules::pattern::Pattern;
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
const OTHERWISE: &[(&str, &str)] = &[];

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
