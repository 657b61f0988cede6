//! `otj test` whole: forms, filters, several directories, cases from files.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

use super::stdout;
use crate::python::{ask, script};

const SITE: &str = r#"
apiVersion: otj/v1
kind: IcsIntegration
metadata: {name: files}
spec: {directory: calendars}
---
apiVersion: otj/v1
kind: Profile
metadata: {name: hq}
spec: {integration: files, fallback: Never}
---
apiVersion: otj/v1
kind: Rule
metadata: {name: zoom}
spec: {profile: hq, priority: 1, type: Zoom}
---
apiVersion: otj/v1
kind: Rule
metadata: {name: rooms}
spec: {profile: hq, priority: 2, type: Regex, match: '\d{4}@vc\.example\.com', protocol: Sip}
---
apiVersion: otj/v1
kind: RuleTest
metadata: {name: "files & <tags>"}
spec:
  profile: hq
  cases:
    - name: a mail
      file: mail.eml
      expect: {alias: 88239814437@zoomcrc.com, rule: zoom, variables: {meeting_id: "88239814437"}}
    - name: a calendar object
      file: object.ics
      expect: {alias: 1234@vc.example.com, rule: rooms, protocol: Sip, subject: Daily, shown: true}
    - name: an event as JSON
      file: event.json
      expect: {alias: null, rule: null, shown: true}
"#;

const MAIL: &str = "Subject: Mail\r\nContent-Type: text/plain\r\n\r\nJoin https://zoom.us/j/88239814437 now\r\n";
const OBJECT: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART:20260105T100000Z\r\nDTEND:20260105T110000Z\r\n\
    SUMMARY:Daily\r\nDESCRIPTION:1234@vc.example.com\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

/// A site named `name` below `root`, its documents changed by `change`.
fn site(root: &Path, name: &str, change: impl Fn(&str) -> String) {
    let directory = root.join(name);
    std::fs::create_dir_all(directory.join("calendars")).unwrap();
    let files = [("a.yaml", change(SITE)), ("mail.eml", MAIL.into()), ("object.ics", OBJECT.into())];
    for (file, text) in files {
        std::fs::write(directory.join(file), text).unwrap();
    }
    std::fs::write(directory.join("event.json"), r#"{"subject": "Lunch", "body": "at noon"}"#).unwrap();
}

fn test(root: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_otj")).arg("test").args(arguments).current_dir(root).output().unwrap()
}

#[test]
fn cases_are_read_from_mails_calendar_objects_and_json() {
    let root = tempfile::tempdir().unwrap();
    site(root.path(), "otj.d", str::to_owned);
    let output = test(root.path(), &["--format", "json"]);
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), String::from_utf8_lossy(&output.stderr));
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&result), ["cases", "failed", "passed"]);
    assert_eq!(keys(&result["cases"][1]), ["actual", "case", "document", "expected", "passed"]);
    let actual = json!({
        "alias": "1234@vc.example.com", "protocol": "Sip", "rule": "rooms", "matchedBy": "Rule",
        "variables": {}, "subject": "Daily", "shown": true,
    });
    let mut found = result["cases"][1]["actual"].clone();
    found["variables"] = json!({});
    assert_eq!(found, actual);
    assert_eq!(result["cases"][2]["actual"]["matchedBy"], "None");
    let text = stdout(&test(root.path(), &[]));
    assert!(text.ends_with("coverage: every rule is exercised by a case (2 of 2)\n3 passed, 0 failed\n"), "{text}");
}

#[test]
fn junit_results_fit_the_schema_and_say_what_differs() {
    let root = tempfile::tempdir().unwrap();
    site(root.path(), "right", str::to_owned);
    site(root.path(), "wrong", |text| text.replace("protocol: Sip, subject", "protocol: H323, subject"));
    let output = test(root.path(), &["--format", "junit", "--trace", "right", "wrong"]);
    assert_eq!(output.status.code(), Some(1));
    let text = stdout(&output);
    let head = "<testsuites name=\"otj test\" tests=\"6\" failures=\"1\" errors=\"0\">";
    assert!(text.contains(head) && text.contains("<testsuite name=\"files &amp; &lt;tags&gt;\" tests=\"3\""), "{text}");
    assert!(text.contains("message=\"protocol: expected &quot;H323&quot;, got &quot;Sip&quot;\">FAIL"), "{text}");
    assert!(text.contains("wrong/a.yaml:31") && text.contains("<system-out>ok    files"), "{text}");
    let wrong = ask(script("tests/it/formats/validate.py"), &json!({"junit": [text]}));
    assert_eq!(wrong, json!([]));
}

#[test]
fn a_filter_that_finds_nothing_is_an_error_that_names_what_there_is() {
    let root = tempfile::tempdir().unwrap();
    site(root.path(), "otj.d", str::to_owned);
    for (pattern, code, said) in [
        ("object", 0, ""),
        ("^files & <tags>/a mail$", 0, ""),
        ("a mial", 2, "did you mean `a mail`?"),
        ("Files & <tag>", 2, "did you mean `files & <tags>`?"),
        ("webex", 2, "there are `files & <tags>/a mail`, `files & <tags>/a calendar object`"),
        ("(", 2, "`--run` is no regular expression"),
    ] {
        let output = test(root.path(), &["--run", pattern]);
        let errors = String::from_utf8(output.stderr.clone()).unwrap();
        assert_eq!(output.status.code(), Some(code), "{pattern}: {errors}");
        assert!(errors.contains(said), "{pattern}: {errors}");
        assert_eq!(stdout(&output).contains("1 passed"), code == 0, "{pattern}");
    }
}

#[test]
fn several_directories_have_a_coverage_line_each_and_a_broken_one_stops_all() {
    let root = tempfile::tempdir().unwrap();
    site(root.path(), "a", str::to_owned);
    site(root.path(), "b", |text| {
        text.replace("file: mail.eml", "file: event.json").replace("alias: 8823", "alias: 9")
    });
    let text = stdout(&test(root.path(), &["a", "b"]));
    assert!(text.contains("a: coverage: every rule"), "{text}");
    assert!(text.contains("b: coverage: 1 of 2 rules; no case exercises: hq/zoom\n5 passed, 1 failed\n"), "{text}");
    std::fs::write(root.path().join("b/mail.yaml"), "kind: Nothing\n").unwrap();
    let broken = test(root.path(), &["--format", "json", "a", "b"]);
    assert_eq!((broken.status.code(), stdout(&broken).as_str()), (Some(2), ""));
}

#[test]
fn rules_of_a_set_count_once_and_those_that_come_with_the_program_not_at_all() {
    let set = "---\napiVersion: otj/v1\nkind: RuleSet\nmetadata: {name: shared}\nspec:\n  rules:\n    - {name: webex, type: Webex}\n    \
        - {name: numbers, type: Regex, match: '[0-9]+@pexip'}\n---\napiVersion: otj/v1\nkind: Profile\nmetadata: {name: labs}\n\
        spec: {integration: files, ruleSets: [shared]}\n---\napiVersion: otj/v1\nkind: RuleTest\nmetadata: {name: shared}\nspec:\n  \
        profile: labs\n  cases:\n    - {name: a set, event: {body: 25414224390@acme.webex.com}, expect: {rule: webex}}\n    \
        - {name: its full name, event: {body: 25414224390@acme.webex.com}, expect: {rule: shared/webex}}\n    \
        - {name: misspelt, event: {body: 25414224390@acme.webex.com}, expect: {rule: wbex}}\n";
    let root = tempfile::tempdir().unwrap();
    site(root.path(), "otj.d", |text| {
        text.replace("fallback: Never", "fallback: Never, ruleSets: [shared, builtin/standard]") + set
    });
    let output = test(root.path(), &[]);
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(1), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("\n      the profile has no rule `wbex`; did you mean `webex`?\n"), "{text}");
    assert!(
        text.ends_with("coverage: 3 of 4 rules; no case exercises: shared/numbers\n5 passed, 1 failed\n"),
        "{text}"
    );
}
