//! What people copy into their pipelines: the files are what those systems read, and the commands in them are ours.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use super::{otj, stdout};
use crate::python::{interpreter, root};

/// A small directory that is right.
const SITE: &str = "apiVersion: otj/v1\nkind: IcsIntegration\nmetadata: {name: a}\nspec: {directory: .}\n---\n\
    apiVersion: otj/v1\nkind: Profile\nmetadata: {name: hq}\nspec: {integration: a}\n---\n\
    apiVersion: otj/v1\nkind: EndpointGroup\nmetadata: {name: oslo}\nspec: {profile: hq}\n---\n\
    apiVersion: otj/v1\nkind: Endpoint\nmetadata: {name: fjord}\n\
    spec: {group: oslo, roomEmail: fjord@example.com, poly: {username: fjord, password: {env: OTJ_FJORD}}}\n";

/// A program of the Python environment.
fn tool(name: &str, arguments: &[&str]) -> Output {
    let program = interpreter().with_file_name(name);
    assert!(program.exists(), "{} is missing: run `ci/test` once, which installs it", program.display());
    Command::new(program).args(arguments).current_dir(root("")).output().unwrap()
}

fn succeeds(output: &Output) {
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}{told}", stdout(output));
}

#[test]
fn pipelines_and_hooks_are_what_their_systems_read() {
    for (schema, file) in
        [("vendor.github-workflows", "examples/ci/github.yaml"), ("vendor.gitlab-ci", "examples/ci/gitlab.yaml")]
    {
        succeeds(&tool("check-jsonschema", &["--builtin-schema", schema, "--data-transform", "gitlab-ci", file]));
    }
    succeeds(&tool("pre-commit", &["validate-manifest", ".pre-commit-hooks.yaml"]));
    succeeds(&tool("pre-commit", &["validate-config", "examples/ci/pre-commit.yaml"]));
    let settings = std::fs::read(root("examples/ci/vscode/settings.json")).unwrap();
    let settings: Value = serde_json::from_slice(&settings).unwrap();
    for schema in settings["yaml.schemas"].as_object().unwrap().keys() {
        assert!(root(schema).exists(), "{schema}");
    }
}

#[test]
fn hooks_that_are_used_are_there() {
    let read = |path: &str| -> Value { serde_yaml::from_str(&std::fs::read_to_string(root(path)).unwrap()).unwrap() };
    let hooks = read(".pre-commit-hooks.yaml");
    let given: Vec<&str> = hooks.as_array().unwrap().iter().map(|hook| hook["id"].as_str().unwrap()).collect();
    assert_eq!(given, ["otj-lint", "otj-test"]);
    let used = read("examples/ci/pre-commit.yaml");
    for hook in used["repos"][0]["hooks"].as_array().unwrap() {
        assert!(given.contains(&hook["id"].as_str().unwrap()), "{hook}");
    }
}

#[test]
fn the_hooks_pass_a_right_directory_and_stop_a_wrong_one() {
    let directory = tempfile::tempdir().unwrap();
    let run = |program: &Path, arguments: &[&str]| {
        let binary = Path::new(env!("CARGO_BIN_EXE_otj")).parent().unwrap();
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin", binary.display());
        let mut command = Command::new(program);
        command.args(arguments).env("PATH", path).env("PRE_COMMIT_HOME", directory.path().join(".cache"));
        command.env_remove("GIT_DIR").env_remove("GIT_INDEX_FILE").current_dir(directory.path()).output().unwrap()
    };
    // As the manifest has them, but for the program, which is built already.
    let hooks = std::fs::read_to_string(root(".pre-commit-hooks.yaml")).unwrap();
    let hooks: String = hooks
        .lines()
        .filter(|line| !line.starts_with('#'))
        .fold(String::new(), |text, line| text + "      " + &line.replace("language: rust", "language: system") + "\n");
    let config = format!("repos:\n  - repo: local\n    hooks:\n{hooks}");
    std::fs::write(directory.path().join(".pre-commit-config.yaml"), config).unwrap();
    let site = directory.path().join("otj.d");
    std::fs::create_dir(&site).unwrap();
    let pre_commit = interpreter().with_file_name("pre-commit");
    for (text, passes) in [(SITE.to_owned(), true), (SITE.replace("integration: a", "integration: b"), false)] {
        std::fs::write(site.join("a.yaml"), text).unwrap();
        succeeds(&run(Path::new("git"), &["init", "--quiet"]));
        succeeds(&run(Path::new("git"), &["add", "."]));
        let output = run(&pre_commit, &["run", "--all-files", "--color", "never"]);
        let told = stdout(&output);
        assert_eq!(output.status.success(), passes, "{told}{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(told.contains("OTJ102"), !passes, "{told}");
        assert_eq!(told.matches("Passed").count(), if passes { 2 } else { 0 }, "{told}");
    }
}

/// `otj …` of every line, as far as it is ours: without redirections and what follows.
fn commands(text: &str) -> Vec<Vec<String>> {
    let mut found = vec![];
    for line in text.lines().filter(|line| !line.trim_start().starts_with('#')) {
        let line = line.trim_start().trim_start_matches("- ").trim_start_matches("run: ").trim_start_matches("entry: ");
        let Some(rest) = line.strip_prefix("otj ") else { continue };
        let own = rest.split(['>', '|']).next().unwrap();
        found.push(own.split_whitespace().map(|word| word.trim_matches('"').to_owned()).collect());
    }
    found
}

#[test]
fn every_command_in_the_files_is_one_of_ours() {
    let mut seen = vec![];
    for file in [".pre-commit-hooks.yaml", "examples/ci/github.yaml", "examples/ci/gitlab.yaml", "examples/ci/check.sh"]
    {
        let own = commands(&std::fs::read_to_string(root(file)).unwrap());
        assert!(own.len() >= 2, "{file}: {own:?}");
        for words in own {
            seen.push(words[0].clone());
            // Everything before `--help` has been understood when it is answered.
            let arguments: Vec<&str> = words.iter().map(String::as_str).chain(["--help"]).collect();
            let output = otj(&arguments);
            assert!(output.status.success(), "{file}: {words:?}: {}", String::from_utf8_lossy(&output.stderr));
        }
    }
    for verb in ["lint", "test", "plan"] {
        assert!(seen.iter().any(|it| it == verb), "{verb}: {seen:?}");
    }
}

/// `check.sh` in a repository of its own, with our program on the PATH.
fn check(directory: &Path) -> Output {
    let binary = Path::new(env!("CARGO_BIN_EXE_otj")).parent().unwrap();
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", binary.display());
    Command::new("sh").arg(root("examples/ci/check.sh")).env("PATH", path).current_dir(directory).output().unwrap()
}

#[test]
fn the_plain_script_reports_and_ends_as_it_says() {
    let directory = tempfile::tempdir().unwrap();
    assert_eq!(check(directory.path()).status.code(), Some(2), "there is no otj.d");
    let site = directory.path().join("otj.d");
    std::fs::create_dir(&site).unwrap();
    std::fs::write(site.join("a.yaml"), SITE).unwrap();
    let clean = check(directory.path());
    assert_eq!(clean.status.code(), Some(0), "{}{}", stdout(&clean), String::from_utf8_lossy(&clean.stderr));
    std::fs::write(site.join("a.yaml"), SITE.replace("integration: a", "integration: b")).unwrap();
    assert_eq!(check(directory.path()).status.code(), Some(2), "a directory that does not load is not tested");
    let report = std::fs::read_to_string(directory.path().join("report/otj-lint.xml")).unwrap();
    assert!(report.contains("<failure type=\"OTJ102\""), "{report}");
}
