//! `otj lint --format …`: every wrong and every right directory in every form, against the published schemas.

use std::collections::BTreeMap;
use std::path::Path;

use otj::config::files::{self, ReadOptions};
use otj::config::{LoadOptions, SecretOptions, Secrets, load};
use otj::diagnostic::{Meaning, Report, Tree, github, gitlab, json, junit, sarif, text};
use serde_json::Value;

use super::{CANARY, otj, right_directories, stdout, wrong_directories};
use crate::python::{ask, root, script};

/// Every form of what is found in `directory`, as `otj lint` in the repository prints it.
fn forms(directory: &Path, strict: bool) -> Vec<(&'static str, String)> {
    let snapshot = files::read(&[directory.to_owned()], ReadOptions::default()).unwrap();
    let mut secrets = Secrets::live(SecretOptions { directories: vec![], data_dir: None });
    let options = LoadOptions { check_secrets: true, ..LoadOptions::default() };
    let findings = load(&snapshot, &mut secrets, &options).diagnostics;
    let source = |path: &str| snapshot.text_of(path);
    let report = Report {
        findings: &findings,
        files: snapshot.files.iter().map(|file| file.path.as_str()).collect(),
        source: &source,
        meaning: &|code| Some(Meaning { title: format!("title of {code}"), text: "a *text*".into() }),
        tree: Tree { top: root(""), here: root("") },
        strict,
    };
    vec![
        ("text", text::render(&findings, source, false)),
        ("json", json::render(&findings).to_string()),
        ("sarif", sarif::render(&report)),
        ("github", github::render(&report)),
        ("gitlab", gitlab::render(&report)),
        ("junit", junit::render(&report)),
    ]
}

#[test]
fn every_form_fits_its_published_schema_and_shows_no_secret() {
    let mut texts: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut directories = wrong_directories();
    directories.extend(right_directories());
    for (index, directory) in directories.iter().enumerate() {
        for (form, text) in forms(directory, index.is_multiple_of(2)) {
            assert!(!text.contains(CANARY), "{form} of {} shows a secret:\n{text}", directory.display());
            if ["sarif", "gitlab", "junit"].contains(&form) {
                texts.entry(form).or_default().push(text);
            }
        }
    }
    let wrong = ask(script("tests/it/formats/validate.py"), &serde_json::json!(texts));
    let told: Vec<String> = wrong
        .as_array()
        .unwrap()
        .iter()
        .map(|fault| {
            let directory = &directories[usize::try_from(fault[1].as_u64().unwrap()).unwrap()];
            format!("{} of {}: {}", fault[0], directory.display(), fault[2])
        })
        .collect();
    assert!(told.is_empty(), "{}", told.join("\n"));
}

#[test]
fn the_validator_sees_what_is_wrong() {
    let broken = serde_json::json!({
        "sarif": [r#"{"version": "2.1.0", "runs": [{"tool": {}}]}"#, "{"],
        "gitlab": [r#"[{"description": "x"}]"#],
        "junit": ["<testsuites><testsuite name='a'/></testsuites>", "<x"],
    });
    let found = ask(script("tests/it/formats/validate.py"), &broken);
    let forms: Vec<(&str, u64)> =
        found.as_array().unwrap().iter().map(|it| (it[0].as_str().unwrap(), it[1].as_u64().unwrap())).collect();
    for expected in [("sarif", 0), ("sarif", 1), ("gitlab", 0), ("junit", 0), ("junit", 1)] {
        assert!(forms.contains(&expected), "{expected:?} passes: {found}");
    }
}

#[test]
fn sarif_says_where_what_and_which_rule() {
    let output = otj(&["lint", "--format", "sarif", "--allow-inline-secrets", "tests/lint/reference_group"]);
    assert_eq!(output.status.code(), Some(1));
    let log: Value = serde_json::from_slice(&output.stdout).unwrap();
    let run = &log["runs"][0];
    let result = &run["results"][0];
    assert_eq!(result["ruleId"], "OTJ102");
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(
        place,
        &serde_json::json!({
            "artifactLocation": {"uri": "tests/lint/reference_group/a.yaml", "uriBaseId": "%SRCROOT%"},
            "region": {"startLine": 5, "startColumn": 10, "endLine": 5, "endColumn": 14},
        })
    );
    assert!(result["message"]["text"].as_str().unwrap().contains("\nhelp: there is one with a similar name: `oslo`"));
    let rule = &run["tool"]["driver"]["rules"][result["ruleIndex"].as_u64().unwrap() as usize];
    assert_eq!((&rule["id"], &rule["defaultConfiguration"]["level"]), (&"OTJ102".into(), &"error".into()));
    assert!(rule["help"]["markdown"].as_str().unwrap().len() > 20, "{rule}");
    assert_eq!(run["invocations"][0], serde_json::json!({"executionSuccessful": true, "exitCode": 1}));
    assert!(!stdout(&output).contains(root("").to_str().unwrap()), "the log tells where the repository lies");
}

#[test]
fn github_and_gitlab_get_paths_from_the_top_of_the_repository() {
    let below = |format: &str| {
        std::process::Command::new(env!("CARGO_BIN_EXE_otj"))
            .args(["lint", "--format", format, "--allow-inline-secrets", "reference_group"])
            .current_dir(root("tests/lint"))
            .output()
            .unwrap()
    };
    let annotation = "::error file=tests/lint/reference_group/a.yaml,line=5,endLine=5,col=10,title=OTJ102::endpoint `a` names \
        group `olso`, which no document defines%0Ahelp: there is one with a similar name: `oslo` (reference_group/base.yaml:15)\n";
    assert_eq!(stdout(&below("github")), annotation);
    let issues: Value = serde_json::from_slice(&below("gitlab").stdout).unwrap();
    let issue = &issues[0];
    assert_eq!((&issue["check_name"], &issue["severity"]), (&"OTJ102".into(), &"critical".into()));
    let location = serde_json::json!({"path": "tests/lint/reference_group/a.yaml", "lines": {"begin": 5, "end": 5}});
    assert_eq!(issue["location"], location);
}

#[test]
fn a_clean_run_has_tests_and_warnings_fail_only_when_strict() {
    let clean = stdout(&otj(&["lint", "--format", "junit", "otj.d"]));
    assert!(clean.contains("<testcase classname=\"otj.d/oslo.yaml\" name=\"lint\"/>"), "{clean}");
    assert!(clean.contains("failures=\"0\" errors=\"0\">"), "{clean}");
    let warned = ["lint", "--format", "junit", "--allow-inline-secrets", "tests/lint/rule_field_without_use"];
    let lenient = otj(&warned);
    assert_eq!(lenient.status.code(), Some(0));
    assert!(stdout(&lenient).contains("<system-out>warning[OTJ303]") && !stdout(&lenient).contains("<failure"));
    let strict = otj(&[&warned[..], &["--strict"]].concat());
    assert_eq!(strict.status.code(), Some(1));
    assert!(stdout(&strict).contains("<failure type=\"OTJ303\""), "{}", stdout(&strict));
    let inert = ["lint", "--format", "junit", "--allow-inline-secrets", "--strict", "tests/lint/not_in_effect"];
    assert!(!stdout(&otj(&inert)).contains("<failure"));
    for format in ["gitlab", "github", "sarif"] {
        let output = otj(&["lint", "--format", format, "otj.d"]);
        assert_eq!(output.status.code(), Some(0), "{format}");
        let empty = match format {
            "gitlab" => stdout(&output) == "[]\n",
            "github" => stdout(&output).is_empty(),
            _ => {
                serde_json::from_slice::<Value>(&output.stdout).unwrap()["runs"][0]["results"] == serde_json::json!([])
            }
        };
        assert!(empty, "{format}: {}", stdout(&output));
    }
    assert_eq!(otj(&["lint", "--format", "sarif", "nowhere"]).stdout, b"", "what could not run says nothing on stdout");
}
