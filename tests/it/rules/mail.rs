//! Mails as mail programs save them, through `otj match`, against what it printed when somebody last read it
//! (`OTJ_UPDATE=1 cargo nextest run mail` writes that anew).

use std::process::Command;

use crate::python::root;

/// Mail, profile, exit code, and what must stand in the answer whatever its form.
const MAILS: &[(&str, &str, i32, &str)] = &[
    ("outlook-teams", "standard", 0, "1143016284@vc.example.com"),
    ("gmail-meet", "standard", 0, "5812330947716@meet.example.com"),
    ("apple-zoom", "standard", 0, "91123456789@zoomcrc.com"),
    ("apple-zoom", "few", 1, "`会議 zoom` would give `91123456789@zoomcrc.com`"),
    ("japanese-webex", "standard", 0, "25414224390@partner.webex.com"),
    ("japanese-webex", "few", 1, "not within the profile's `aliasDomains`"),
    ("mimecast", "standard", 1, "exempt pexip.me"),
    ("german-teams", "few", 1, "one of type `TeamsSipGuestJoin`"),
    ("forwarded", "standard", 0, "85512340987@zoomcrc.com"),
    ("stripped", "standard", 1, "DeleteComments"),
    ("skype", "standard", 0, "__sfb__6N2YGD5G.dana.field@example.com"),
    ("hostile", "few", 1, "dialNumbers"),
];

fn matched(mail: &str, profile: &str, format: &str) -> (Option<i32>, String) {
    let arguments = ["match", "--config", "otj.d", "--profile", profile, "--format", format, &format!("{mail}.eml")];
    let output = Command::new(env!("CARGO_BIN_EXE_otj")).args(arguments).current_dir(root("tests/mail")).output();
    let output = output.unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{mail}");
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

/// Without what belongs to the types themselves: the words they look for grow, and are told where nothing was found.
fn settled(line: &str) -> String {
    let found = line.find("nothing found: no ").map_or(line, |at| &line[..at + "nothing found".len()]);
    format!("{found}\n")
}

/// The same for JSON.
fn settled_json(text: &str) -> String {
    let mut value: serde_json::Value = serde_json::from_str(text).unwrap();
    for row in value["trace"]["rules"].as_array_mut().unwrap() {
        let row = row.as_object_mut().unwrap();
        if row["outcome"] == "NothingFound" {
            assert!(row["detail"].is_string() && row.get("lookedFor").is_none_or(serde_json::Value::is_array));
            row.retain(|name, _| name != "detail" && name != "lookedFor");
        }
    }
    format!("{value:#}\n")
}

#[expect(clippy::disallowed_methods, reason = "OTJ_UPDATE is how snapshots are renewed")]
fn same(file: &str, text: &str) -> Result<(), String> {
    let path = root("tests/mail").join(file);
    if std::env::var("OTJ_UPDATE").is_ok() {
        std::fs::write(&path, text).unwrap();
    }
    let old = std::fs::read_to_string(&path).unwrap_or_default();
    if old == text { Ok(()) } else { Err(format!("tests/mail/{file} is not what is printed now:\n{text}")) }
}

#[test]
fn mails_of_every_program_are_followed_through_the_rules() {
    let mut wrong = vec![];
    for (mail, profile, code, part) in MAILS {
        let (ended, text) = matched(mail, profile, "text");
        if ended != Some(*code) || !text.contains(part) {
            wrong.push(format!("{mail} {profile}: {ended:?}, wanted {code} and {part:?}:\n{text}"));
        }
        assert!(!text.contains(['\u{1b}', '\u{202e}', '\r']), "{mail}: what strangers wrote is shown raw");
        wrong.extend(same(&format!("{mail}.{profile}.txt"), &text.lines().map(settled).collect::<String>()).err());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_trace_of_a_mail_as_json_keeps_its_form() {
    let mut wrong = vec![];
    for (mail, profile) in [("outlook-teams", "standard"), ("mimecast", "standard"), ("japanese-webex", "few")] {
        let (_, json) = matched(mail, profile, "json");
        wrong.extend(same(&format!("{mail}.{profile}.json"), &settled_json(&json)).err());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
