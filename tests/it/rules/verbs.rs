//! `otj test` and `otj match` as people run them.

use std::path::Path;
use std::process::{Command, Stdio};

const DOCUMENTS: &str = r#"
apiVersion: otj/v1
kind: IcsIntegration
metadata: {name: files}
spec: {directory: calendars}
---
apiVersion: otj/v1
kind: Profile
metadata: {name: hq}
spec: {integration: files, processAliasForPrivateMeetings: false}
---
apiVersion: otj/v1
kind: Rule
metadata: {name: zoom}
spec: {profile: hq, priority: 1, type: Zoom, includePassword: true}
---
apiVersion: otj/v1
kind: Rule
metadata: {name: webex}
spec: {profile: hq, priority: 2, type: Webex}
"#;

const TESTS: &str = r#"
apiVersion: otj/v1
kind: RuleTest
metadata: {name: invitations}
spec:
  profile: hq
  cases:
    - name: a link is enough
      event: {subject: Weekly, body: "https://zoom.us/j/88239814437"}
      expect: {alias: 88239814437@zoomcrc.com, rule: zoom, subject: Weekly, shown: true, variables: {meeting_id: "88239814437"}}
    - name: a private meeting shows its organizer and no Join
      event: {subject: Secret, private: true, organizer: {name: Dana}, body: "https://zoom.us/j/88239814437"}
      expect: {alias: null, rule: zoom, subject: Dana}
    - name: an address alone
      event: {body: "sip:room@vc.example.com"}
      expect: {alias: room@vc.example.com, rule: null, protocol: Sip}
"#;

struct Ended {
    code: Option<i32>,
    out: String,
    err: String,
}

fn otj(directory: &Path, arguments: &[&str], input: &str) -> Ended {
    use std::io::Write as _;
    let mut child = Command::new(env!("CARGO_BIN_EXE_otj"))
        .args(arguments)
        .current_dir(directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let ended = child.wait_with_output().unwrap();
    Ended {
        code: ended.status.code(),
        out: String::from_utf8(ended.stdout).unwrap(),
        err: String::from_utf8(ended.stderr).unwrap(),
    }
}

fn directory(files: &[(&str, &str)]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(directory.path().join("otj.d/calendars")).unwrap();
    for (name, text) in files {
        std::fs::write(directory.path().join("otj.d").join(name), text).unwrap();
    }
    directory
}

#[test]
fn rule_tests_pass_and_rules_without_a_case_are_named() {
    let directory = directory(&[("a.yaml", DOCUMENTS), ("tests.yaml", TESTS)]);
    let ended = otj(directory.path(), &["test"], "");
    assert_eq!(ended.code, Some(0), "{}{}", ended.out, ended.err);
    assert!(ended.out.contains("ok    invitations / a link is enough\n"), "{}", ended.out);
    assert!(
        ended.out.ends_with("\ncoverage: 1 of 2 rules; no case exercises: hq/webex\n3 passed, 0 failed\n"),
        "{}",
        ended.out
    );
    let one = otj(directory.path(), &["test", "--run", "alone$", "--trace"], "");
    assert!(one.out.contains("fallback") && one.out.ends_with("1 passed, 0 failed\n"), "{}", one.out);
}

#[test]
fn a_failing_case_says_where_what_and_why() {
    let wrong = TESTS.replace("rule: zoom, subject: Weekly", "rule: webex, subject: Weekly");
    let directory = directory(&[("a.yaml", DOCUMENTS), ("tests.yaml", &wrong)]);
    let ended = otj(directory.path(), &["test", "otj.d"], "");
    assert_eq!(ended.code, Some(1), "{}", ended.err);
    assert!(ended.out.contains("FAIL  invitations / a link is enough\n      otj.d/tests.yaml:8\n"), "{}", ended.out);
    assert!(ended.out.contains(r#"rule: expected "webex", got "zoom""#), "{}", ended.out);
    let json = otj(directory.path(), &["test", "--format", "json"], "");
    let value: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!((&value["passed"], &value["failed"]), (&2.into(), &1.into()));
    let case = &value["cases"][0];
    assert_eq!((&case["document"], &case["passed"]), (&"invitations".into(), &false.into()));
    let actual = serde_json::json!({
        "alias": "88239814437@zoomcrc.com", "protocol": "Auto", "rule": "zoom", "matchedBy": "Rule",
        "variables": {"meeting_id": "88239814437", "domain": "zoomcrc.com"}, "subject": "Weekly", "shown": true,
    });
    assert_eq!(case["actual"], actual);
    assert_eq!(value["cases"][1]["expected"], serde_json::json!({"alias": null, "rule": "zoom", "subject": "Dana"}));
}

#[test]
fn a_directory_that_does_not_load_cannot_be_tested() {
    let directory = directory(&[("a.yaml", "kind: Nothing\n")]);
    for arguments in [&["test"][..], &["match", "--profile", "hq", "-"]] {
        let ended = otj(directory.path(), arguments, "{}");
        assert_eq!(ended.code, Some(2), "{}", ended.out);
        assert!(ended.err.contains("does not load"), "{}", ended.err);
    }
}

#[test]
fn one_invitation_is_followed_through_the_rules() {
    let directory = directory(&[("a.yaml", DOCUMENTS)]);
    let ics = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART:20260105T100000Z\r\nDTEND:20260105T110000Z\r\n\
        SUMMARY:Daily\r\nDESCRIPTION:Dial 25414224390@acme.webex.com\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    let eml = "Subject: Mail\r\nContent-Type: text/html\r\n\r\n<a href=\"https://www.google.com/url?q=https%3A%2F%2Fzoom.us%2Fj%2F88239814437\">Join</a>";
    std::fs::write(directory.path().join("x.ics"), ics).unwrap();
    std::fs::write(directory.path().join("x.eml"), eml).unwrap();
    for (file, input, code, parts) in [
        (
            "-",
            r#"{"body": "https://zoom.us/j/88239814437 x"}"#,
            0,
            &["alias      88239814437@zoomcrc.com", "rule       zoom"][..],
        ),
        ("x.ics", "", 0, &["alias      25414224390@acme.webex.com", "endpoints  \"Daily\" with Join", "nothing found"]),
        ("x.eml", "", 0, &["alias      88239814437@zoomcrc.com", "Google link"]),
        ("-", r#"{"body": "lunch"}"#, 1, &["alias      none", "nothing found"]),
        ("-", r#"{"bdy": ""}"#, 2, &[]),
        ("missing.json", "", 2, &[]),
    ] {
        let ended = otj(directory.path(), &["match", "--profile", "hq", file], input);
        assert_eq!(ended.code, Some(code), "{file} {input}: {}{}", ended.out, ended.err);
        for part in parts {
            assert!(ended.out.contains(part), "{part}: {}", ended.out);
        }
    }
    let json = otj(directory.path(), &["match", "--profile", "hq", "--format", "json", "x.eml"], "");
    let value: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(value["trace"]["links"][0]["real"], "https://zoom.us/j/88239814437");
    assert_eq!(value["trace"]["rules"][0]["outcome"], "Matched");
    let unknown = otj(directory.path(), &["match", "--profile", "hk", "-"], "{}");
    assert!(unknown.err.contains("there are: `hq`"), "{}", unknown.err);
}
