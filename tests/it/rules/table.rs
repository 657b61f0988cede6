//! The README's table of meeting types is what the types do.

use otj::model::desired::RuleType;
use otj::rules::{default_transform, variables_of};

use super::corpus::rule;
use crate::python::root;

#[test]
fn the_readme_lists_every_type_with_its_variables_and_its_transform() {
    let readme = std::fs::read_to_string(root("README.md")).unwrap();
    let mut missing = vec![];
    for rule_type in RuleType::ALL {
        let variables: Vec<_> = variables_of(rule_type).iter().map(|name| format!("`{name}`")).collect();
        let transform =
            default_transform(&rule("r", 1, rule_type)).map_or_else(|| "–".to_owned(), |it| format!("`{it}`"));
        let end = format!("| {} | {} |", variables.join(", "), transform.replace('|', "\\|"));
        let begin = format!("| `{rule_type:?}` |");
        if !readme.lines().any(|line| line.starts_with(&begin) && line.ends_with(&end)) {
            missing.push(format!("{begin} … {end}"));
        }
    }
    assert!(missing.is_empty(), "the README's table of types should have:\n{}", missing.join("\n"));
}
