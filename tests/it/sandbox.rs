//! Templates that hurt, in real child processes: which of them are named, and that their neighbours are judged on their own.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use otj::config::files::{self, ReadOptions};
use otj::config::{LoadOptions, SecretOptions, Secrets, event_from_json, load};
use otj::sandbox::{Limits, Sandbox, SandboxError};

const GOOD: &str =
    "{% set m = pex_regex_search('([0-9]{6})', calendar_event.body) %}{% if m %}{{ m[0] }}@x.example{% endif %}";

/// More than fuel pays for.
const WORK: &str = "{% for i in range(900) %}{% for j in range(900) %}{% set x = j %}{% endfor %}{% endfor %}";

/// The children are the program, not this test.
fn sandbox(limits: Limits) -> Sandbox {
    Sandbox::running(env!("CARGO_BIN_EXE_otj"), limits)
}

/// Little memory, so that it is used up soon, and time enough for a program that was built to be looked into.
const NARROW: Limits = Limits { memory: 192 << 20, deadline: Duration::from_secs(60) };

/// What the loader is handed by the program.
pub(crate) fn trial(templates: &[&str]) -> Vec<Option<String>> {
    let results = sandbox(Limits::default()).try_templates(templates).unwrap();
    results.into_iter().map(|result| result.err().map(|error| error.to_string())).collect()
}

/// A list of `count` times `name`.
fn list(name: &str, count: usize) -> String {
    format!("[{}]", vec![name; count].join(","))
}

/// Looks in a text for the text of a list of 3,600 bodies, which must be made for that.
fn memory() -> String {
    format!(
        "{{% set b = calendar_event.body %}}{{% set l = {} %}}{{% set m = {} %}}{{% if m in b %}}{{% endif %}}",
        list("b", 60),
        list("l", 60)
    )
}

/// Compares lists of long bodies, which fuel counts as lists of a few things.
fn time() -> String {
    format!(
        "{{% set b = calendar_event.body %}}{{% set l = {0} %}}{{% set k = {0} %}}{{% set m = {1} %}}{{% set n = {2} %}}\
         {{% for i in range(900) %}}{{% for j in range(5) %}}{{% if m == n %}}{{% endif %}}{{% endfor %}}{{% endfor %}}",
        list("b", 15),
        list("l", 4),
        list("k", 4)
    )
}

#[test]
fn a_template_that_hurts_is_named_and_its_neighbours_are_judged_on_their_own() {
    let (memory, time) = (memory(), time());
    let within = |limits: Limits, templates: &[&str]| sandbox(limits).try_templates(templates).unwrap();
    assert_eq!(within(NARROW, &[GOOD, &memory, GOOD]), [Ok(()), Err(SandboxError::Memory), Ok(())]);
    assert_eq!(within(Limits::default(), &[WORK, GOOD]), [Err(SandboxError::Work), Ok(())]);
    let hasty = Limits { deadline: Duration::from_millis(300), ..Limits::default() };
    let plain = "{{ calendar_event.subject|lower }}";
    assert_eq!(within(hasty, &[plain, &time, plain]), [Ok(()), Err(SandboxError::Deadline), Ok(())]);
}

#[test]
fn after_ten_that_died_the_rest_waits_until_they_are_mended() {
    let time = time();
    let mut templates = vec![time.as_str(); 11];
    templates.push(GOOD);
    let hasty = Limits { deadline: Duration::from_millis(20), ..Limits::default() };
    let results = sandbox(hasty).try_templates(&templates).unwrap();
    assert_eq!(results[9], Err(SandboxError::Deadline));
    assert_eq!(results[10..], [Err(SandboxError::NotTried), Err(SandboxError::NotTried)]);
}

#[test]
fn a_program_that_is_no_otj_is_nobodys_fault() {
    for program in ["/nowhere/otj", "/bin/false", "/bin/echo"] {
        let result = Sandbox::running(program, Limits::default()).try_templates(&[GOOD]);
        assert!(matches!(result, Err(SandboxError::NoChild(_))), "{program}: {result:?}");
    }
}

/// A directory with one rule a template.
fn directory(templates: &[&str]) -> tempfile::TempDir {
    let scratch = tempfile::tempdir().unwrap();
    let mut text =
        "apiVersion: otj/v1\nkind: IcsIntegration\nmetadata: {name: cal}\nspec: {directory: calendars}\n---\n\
         apiVersion: otj/v1\nkind: Profile\nmetadata: {name: hq}\nspec: {integration: cal}\n---\n\
         apiVersion: otj/v1\nkind: EndpointGroup\nmetadata: {name: oslo}\nspec: {profile: hq}\n---\n\
         apiVersion: otj/v1\nkind: Endpoint\nmetadata: {name: elv}\nspec: {group: oslo, roomEmail: elv@example.com, \
         poly: {username: elv, password: {file: elv.password}}}\n"
            .to_owned();
    for (index, template) in templates.iter().enumerate() {
        let template = serde_json::to_string(template).unwrap();
        text += &format!(
            "---\napiVersion: otj/v1\nkind: Rule\nmetadata: {{name: rule{index}}}\nspec:\n  profile: hq\n  priority: {}\n  \
             type: Custom\n  template: {template}\n",
            index + 1
        );
    }
    std::fs::write(scratch.path().join("a.yaml"), text).unwrap();
    std::fs::write(scratch.path().join("elv.password"), "a password nobody else has").unwrap();
    scratch
}

/// Runs a verb beside `directory`; its exit code and all that it printed.
fn otj(directory: &Path, arguments: &[&str]) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_otj")).args(arguments).current_dir(directory).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    (output.status.code().unwrap(), text)
}

#[test]
fn lint_names_the_place_and_what_to_write_and_plan_refuses() {
    let scratch = directory(&[GOOD, WORK, "{{ calendar_event.subject }}"]);
    let (code, text) = otj(scratch.path(), &["lint", "."]);
    assert_eq!(code, 1, "{text}");
    assert_eq!(text.matches("error[OTJ314]").count(), 1, "{text}");
    for part in ["./a.yaml:37:13", "it does too much work", "pex_regex_search"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let (code, json) = otj(scratch.path(), &["lint", "--format", "json", "."]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((code, json.to_string().matches("OTJ314").count()), (1, 1), "{json:#}");

    let good = directory(&[GOOD]);
    let (code, text) = otj(good.path(), &["lint", "."]);
    assert_eq!((code, text.matches("error").count()), (0, 0), "{text}");
    let against = good.path().to_str().unwrap();
    let (code, text) = otj(scratch.path(), &["plan", "--config", ".", "--against", against]);
    assert!(code == 2 && text.contains("OTJ314") && text.contains("does not load"), "{code}: {text}");
}

#[test]
fn a_directory_of_plain_templates_starts_no_child() {
    let load_with = |templates: &[&str]| {
        let scratch = directory(templates);
        let snapshot = files::read(&[scratch.path().to_owned()], ReadOptions::default()).unwrap();
        let trial = |templates: &[&str]| templates.iter().map(|text| Some(format!("it is `{text}`"))).collect();
        let options = LoadOptions { trial: Some(trial), ..LoadOptions::default() };
        let loaded = load(&snapshot, &mut Secrets::live(SecretOptions::default()), &options);
        let told: Vec<_> =
            loaded.diagnostics.iter().filter(|it| it.code == "OTJ314").map(|it| it.message.clone()).collect();
        (loaded.desired.is_some(), told)
    };
    assert_eq!(load_with(&["{{ calendar_event.subject }}@x.example", "{{calendar_event.location}}"]), (true, vec![]));
    let (loads, told) =
        load_with(&["{{ calendar_event.subject|lower }}", "{{ calendar_event.subject|lower }}", "{{ broken"]);
    assert!(!loads && told.len() == 2 && told[0].ends_with("it is `{{ calendar_event.subject|lower }}`"), "{told:?}");
}

#[test]
fn rules_are_run_on_an_event_in_a_child_with_the_result_or_what_it_died_of() {
    let event = |body: &str| {
        let json = serde_json::json!({"subject": "Weekly", "body": body, "start": "2026-01-05T10:00:00Z"});
        event_from_json(json.to_string().as_bytes()).unwrap().event
    };
    let spec = |template: &str| {
        let scratch = directory(&[template]);
        let snapshot = files::read(&[scratch.path().to_owned()], ReadOptions::default()).unwrap();
        let loaded = load(&snapshot, &mut Secrets::live(SecretOptions::default()), &LoadOptions::default());
        loaded.desired.unwrap().evaluations.into_values().next().unwrap()
    };
    let evaluated = sandbox(Limits::default()).evaluate(&spec(GOOD), &event("Room 123456"), "UTC").unwrap();
    assert_eq!(evaluated.verdict.alias.unwrap().as_str(), "123456@x.example");
    assert_eq!(evaluated.trace["rules"][0]["rule"], "rule0");
    let hurt = sandbox(NARROW).evaluate(&spec(&memory()), &event(&"x ".repeat(80_000)), "UTC");
    assert_eq!(hurt, Err(SandboxError::Memory));
}
