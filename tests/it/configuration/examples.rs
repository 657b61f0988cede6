//! The directories that are documentation, and the command line around them.

use std::process::{Command, Output};

fn otj(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_otj")).args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn the_default_directory_and_the_examples_lint_clean() {
    let mut arguments = vec!["lint".to_owned(), "--strict".to_owned(), "otj.d".to_owned()];
    for topic in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/examples")).unwrap() {
        let topic = topic.unwrap().path();
        for directory in ["otj.d", "north/otj.d", "south/otj.d"].map(|below| topic.join(below)) {
            if directory.is_dir() {
                arguments.push(directory.display().to_string());
            }
        }
    }
    assert!(arguments.len() >= 11);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let output = otj(&arguments);
    assert!(output.status.success(), "{}", stdout(&output));
    // What is not in effect yet is said of the kinds that are shown all the same.
    let said = stdout(&output);
    let other = said.lines().filter(|line| line.starts_with("warning[") && !line.starts_with("warning[OTJ9"));
    assert_eq!(other.collect::<Vec<_>>(), Vec::<&str>::new());
}

#[test]
fn an_example_has_a_rule_and_a_case_for_every_type() {
    let output = otj(&["test", "examples/rules/otj.d"]);
    let said = stdout(&output);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("coverage: every rule is exercised by a case (20 of 20)\n"), "{said}");
}

#[test]
fn exit_codes_tell_findings_from_failure() {
    for (arguments, code) in [
        (&["lint", "otj.d"][..], 0),
        (&["lint", "tests/lint/reference_group"], 1),
        (&["lint", "--allow-inline-secrets", "tests/lint/rule_field_without_use"], 0),
        (&["lint", "--allow-inline-secrets", "--strict", "tests/lint/rule_field_without_use"], 1),
        (&["lint", "--allow-inline-secrets", "--strict", "tests/lint/not_in_effect"], 0),
        (&["lint", "tests/lint/secret_inline"], 1),
        (&["lint", "--allow-inline-secrets", "tests/lint/secret_inline"], 0),
        (&["lint", "nowhere"], 2),
        (&["lint", "Cargo.toml"], 2),
        (&["lint", "--explain", "OTJ102"], 0),
        (&["lint", "--explain", "OTJ000"], 2),
        (&["schema", "--check"], 0),
        (&["schema", "--check", "--directory", "src"], 1),
        (&["schema", "--kind", "Endpoint"], 0),
        (&["schema", "--kind", "Endpiont"], 2),
    ] {
        let output = otj(arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}\n{}", stdout(&output));
    }
}

#[test]
fn json_findings_have_the_documented_form() {
    let output = otj(&["lint", "--format", "json", "--allow-inline-secrets", "tests/lint/reference_group"]);
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let expected = serde_json::json!({
        "errors": 1,
        "warnings": 0,
        "diagnostics": [{
            "code": "OTJ102",
            "severity": "error",
            "message": "endpoint `a` names group `olso`, which no document defines",
            "file": "tests/lint/reference_group/a.yaml",
            "line": 5,
            "column": 10,
            "endLine": 5,
            "endColumn": 14,
            "help": "there is one with a similar name: `oslo` (tests/lint/reference_group/base.yaml:15)",
        }],
    });
    assert_eq!(found, expected);
}

#[test]
fn a_base_and_its_overlay_are_linted_and_tested_as_one_deployment() {
    let scratch = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = scratch.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path.parent().unwrap().to_string_lossy().into_owned()
    };
    let profile = "apiVersion: otj/v1\nkind: Profile\nmetadata: {name: hq}\nspec: {integration: cal}\n---\napiVersion: otj/v1\n\
                   kind: RuleTest\nmetadata: {name: t}\nspec:\n  profile: hq\n  cases:\n    - name: a SIP address\n      \
                   event: {body: 'sip:fjord@example.com'}\n      expect: {alias: fjord@example.com}\n";
    let base = file("base/a.yaml", profile);
    let overlay = file(
        "overlay/a.yaml",
        "apiVersion: otj/v1\nkind: IcsIntegration\nmetadata: {name: cal}\nspec: {directory: c}\n",
    );
    for verb in ["lint", "test"] {
        assert_ne!(otj(&[verb, &base, &overlay]).status.code(), Some(0), "{verb}: each is a deployment of its own");
        let together = otj(&[verb, "--together", &base, &overlay]);
        assert_eq!(together.status.code(), Some(0), "{verb}: {together:?}");
    }
    let twice = file("twice/a.yaml", profile);
    let output = otj(&["lint", "--together", &base, &overlay, &twice]);
    assert!(String::from_utf8_lossy(&output.stdout).contains("OTJ103"), "names must not collide: {output:?}");
}
