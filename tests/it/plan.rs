//! `otj plan`: two directories in, what the change would do out.

use std::path::Path;
use std::process::{Command, Output};

const BASE: &str = "apiVersion: otj/v1
kind: IcsIntegration
metadata: {name: cal}
spec: {directory: calendars}
---
apiVersion: otj/v1
kind: Profile
metadata: {name: hq}
spec:
  integration: cal
  cisco: {username: otj, password: {file: codecs.password}}
---
apiVersion: otj/v1
kind: EndpointGroup
metadata: {name: oslo}
spec: {profile: hq}
---
apiVersion: otj/v1
kind: Endpoint
metadata: {name: fjord}
spec: {group: oslo, roomEmail: fjord@example.com, cisco: {address: 10.0.0.1}}
---
apiVersion: otj/v1
kind: Endpoint
metadata: {name: elv}
spec: {group: oslo, roomEmail: elv@example.com, poly: {username: elv, password: {value: hunter2-canary}}}
---
apiVersion: otj/v1
kind: Rule
metadata: {name: zoom}
spec: {profile: hq, priority: 10, type: Zoom}
---
apiVersion: otj/v1
kind: RuleTest
metadata: {name: hq}
spec:
  profile: hq
  cases:
    - name: a zoom link
      event: {subject: Secret Merger, body: 'https://example.zoom.us/j/98765432109'}
      expect: {alias: 98765432109@zoomcrc.com}
";

/// Runs `otj plan` from `old` to `new` in a directory of its own.
fn plan(old: &str, new: &str, arguments: &[&str]) -> Output {
    let scratch = tempfile::tempdir().unwrap();
    for (name, text) in [("old", old), ("new", new)] {
        std::fs::create_dir(scratch.path().join(name)).unwrap();
        std::fs::write(scratch.path().join(name).join("a.yaml"), text).unwrap();
    }
    std::fs::write(
        scratch.path().join("invitation.json"),
        r#"{"subject": "Secret Merger", "body": "https://example.zoom.us/j/98765432109", "start": "2026-01-05T10:00:00Z"}"#,
    )
    .unwrap();
    run(scratch.path(), &[&["--config", "new", "--against", "old"], arguments].concat())
}

fn run(directory: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_otj")).arg("plan").args(arguments).current_dir(directory).output().unwrap()
}

/// What was printed, without the last line's checksums; nothing printed shows a secret.
fn text(output: &Output) -> String {
    let out = String::from_utf8(output.stdout.clone()).unwrap() + &String::from_utf8_lossy(&output.stderr);
    assert!(!out.contains("canary") && !out.contains("Merger"), "{out}");
    let kept = |line: &&str| !line.contains("Checksum");
    out.lines().filter(kept).map(str::trim_end).collect::<Vec<_>>().join("\n").trim().to_owned()
}

#[test]
fn a_plan_tells_what_a_change_would_do_and_nothing_else() {
    for (what, from, to, expected) in [
        ("a comment", "kind: Rule\n", "kind: Rule # first\n", ""),
        (
            "another address under the same password",
            "10.0.0.1",
            "10.6.6.6",
            "~ Endpoint fjord (new/a.yaml:20)
    spec.cisco.address: 10.0.0.1 -> 10.6.6.6

Credentials that would go elsewhere: make sure that each of these is meant
  Endpoint fjord: the secret stays the same and goes to https://10.6.6.6:443, until now to https://10.0.0.1:443

Endpoints
  1 are reached at another address: fjord",
        ),
        (
            "a check that is switched off",
            "username: otj,",
            "username: otj, tls: Insecure,",
            "~ Profile hq (new/a.yaml:8)
    spec.cisco.tls: (absent) -> Insecure

Credentials that would go elsewhere: make sure that each of these is meant
  Endpoint fjord: the secret still goes to https://10.0.0.1:443, verified by Insecure, until now by Verify, the system's authorities

Endpoints
  1 have other credentials or another way of checking the device: fjord",
        ),
        (
            "another password",
            "codecs.password",
            "codecs2.password",
            "~ Profile hq (new/a.yaml:8)
    spec.cisco.password.file: codecs.password -> codecs2.password

Endpoints
  1 have other credentials or another way of checking the device: fjord",
        ),
        (
            "a password in the document",
            "hunter2-canary",
            "hunter3-canary",
            "~ Endpoint elv (new/a.yaml:25)
    spec.poly.password.value: •••• -> ••••

Endpoints
  1 have other credentials or another way of checking the device: elv",
        ),
        (
            "a new name",
            "{name: fjord}",
            "{name: big fjord, renamedFrom: [fjord]}",
            "~ Endpoint big fjord, until now fjord (new/a.yaml:20)",
        ),
        (
            "a rule that is switched off",
            "priority: 10,",
            "priority: 10, enabled: false,",
            "~ Rule zoom (new/a.yaml:30)
    spec.enabled: (absent) -> false

Endpoints
  2 have their meetings processed by other rules: elv, fjord

Invitations that come out differently
  profile hq, hq/a zoom link: alias 98765432109@zoomcrc.com -> none, rule zoom -> none",
        ),
        (
            "a new endpoint that uses a password others use",
            "---\napiVersion: otj/v1\nkind: Rule\n",
            "---\napiVersion: otj/v1\nkind: Endpoint\nmetadata: {name: tind}\nspec: {group: oslo, roomEmail: t@example.com, cisco: \
             {address: evil.example}}\n---\napiVersion: otj/v1\nkind: Rule\n",
            "+ Endpoint tind (new/a.yaml:30)

Credentials that would go elsewhere: make sure that each of these is meant
  Endpoint tind: a secret that others have used until now also goes to https://evil.example:443

Endpoints
  1 are added: tind",
        ),
    ] {
        let new = BASE.replacen(from, to, 1);
        assert_ne!(new, BASE, "{what}");
        let output = plan(BASE, &new, &[]);
        assert_eq!(text(&output), expected, "{what}");
        assert_eq!(output.status.code(), Some(i32::from(!expected.is_empty())), "{what}");
    }
}

#[test]
fn removing_much_is_foreseen_to_be_held_and_a_broken_directory_is_an_error() {
    let without_profile =
        "apiVersion: otj/v1\nkind: IcsIntegration\nmetadata: {name: cal}\nspec: {directory: calendars}\n";
    let output = plan(BASE, without_profile, &[]);
    let out = String::from_utf8(output.stdout).unwrap();
    assert!(out.contains("2 are cleared ten minutes after adoption, and forgotten: elv, fjord"), "{out}");
    assert!(
        out.contains(
            "A running node will hold this, since profile `hq`, which is in use, is no longer in the documents"
        ),
        "{out}"
    );

    let broken = BASE.replacen("integration: cal", "integration: clo", 1);
    let output = plan(BASE, &broken, &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("OTJ102"));
    let output = plan(&broken, BASE, &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stdout).contains("The directory as it is does not load"), "{output:?}");
}

#[test]
fn an_event_from_a_file_is_compared_without_telling_what_it_is_about() {
    let new = BASE.replacen("priority: 10,", "priority: 10, enabled: false,", 1);
    let output = plan(BASE, &new, &["--events", "invitation.json", "--format", "json"]);
    let told = text(&output);
    let value: serde_json::Value =
        serde_json::from_str(&told).unwrap_or_else(|_| serde_json::from_slice(&output.stdout).unwrap());
    let event = value["meetings"].as_array().unwrap().iter().find(|it| it["invitation"] == "invitation.json").unwrap();
    assert_eq!(event["start"], "2026-01-05T10:00:00Z");
    let old = event["differences"]["alias"]["old"].as_str().unwrap();
    assert!(old.starts_with("…@zoomcrc.com (") && !old.contains("98765432109"), "{old}");
    assert_eq!(value["changes"], true);
    assert_eq!(value["checksum"].as_str().unwrap().len(), 16);
    let refused = plan(BASE, &new, &["--events", "invitation.json", "--show-subjects"]);
    assert_eq!(refused.status.code(), Some(2), "stdout is no terminal");
}

#[test]
fn markdown_of_a_merge_request_cannot_be_drawn_upon() {
    let new = BASE.replacen(
        "{name: oslo}",
        "{name: oslo, description: '<img src=x> [click](http://evil.example) @all | `x`'}",
        1,
    );
    let out = String::from_utf8(plan(BASE, &new, &["--format", "markdown"]).stdout).unwrap();
    let row = out.lines().find(|line| line.contains("metadata.description")).unwrap();
    let expected = r"| changed | EndpointGroup oslo (new/a.yaml&#58;15) | metadata.description | – | &lt;img src=x&gt; \[click\](http&#58;//evil.example) &#64;all \| \`x\` |";
    assert_eq!(row, expected);
}
