//! `otj init` as a new user runs it: the built program, the directory that it writes, and what lint and test say of that.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

const CALENDARS: [&str; 5] = ["google", "graph", "exchange", "caldav", "ics"];
const ENDPOINTS: [&str; 2] = ["cisco", "poly"];

/// Exit code, stdout, stderr.
fn otj(home: &Path, arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_otj"));
    command.args(arguments).current_dir(home).env_remove("OTJ_LOG_LEVEL").stdin(Stdio::null());
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn home() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// Every file below `directory`, by its path.
fn files(directory: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut left = vec![directory.to_owned()];
    while let Some(next) = left.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                left.push(path);
            } else {
                let name = path.strip_prefix(directory).unwrap().display().to_string();
                found.insert(name, std::fs::read_to_string(path).unwrap());
            }
        }
    }
    found
}

#[test]
fn every_calendar_with_every_endpoint_lints_without_errors_and_passes_its_tests() {
    for (calendar, endpoint) in CALENDARS.into_iter().flat_map(|it| ENDPOINTS.map(|endpoint| (it, endpoint))) {
        let home = home();
        let made = otj(home.path(), &["init", "--calendar", calendar, "--endpoint", endpoint, "--yes"]);
        assert_eq!((made.0, made.2.as_str()), (0, ""), "{calendar} {endpoint}: {}", made.1);

        let (code, found, _) = otj(home.path(), &["lint", "otj.d", "--strict"]);
        let unexpected: Vec<_> = found
            .lines()
            .filter(|line| line.starts_with("error") || line.starts_with("warning"))
            .filter(|line| !line.starts_with("warning[OTJ90"))
            .collect();
        assert_eq!((code, unexpected), (0, vec![]), "{calendar} {endpoint}: {found}");

        let (code, told, complained) = otj(home.path(), &["test", "otj.d"]);
        assert_eq!(code, 0, "{calendar} {endpoint}: {told}{complained}");
        assert!(told.ends_with("3 passed, 0 failed\n"), "{calendar} {endpoint}: {told}");
    }
}

#[test]
fn every_document_names_its_schema_and_says_what_to_edit_and_no_secret_stands_there() {
    for (calendar, endpoint) in CALENDARS.into_iter().flat_map(|it| ENDPOINTS.map(|endpoint| (it, endpoint))) {
        let home = home();
        let (_, told, _) = otj(home.path(), &["init", "--calendar", calendar, "--endpoint", endpoint]);
        let files = files(&home.path().join("otj.d"));
        let names: Vec<&str> = files.keys().map(String::as_str).collect();
        let expected =
            [".otjignore", "integrations.yaml", "profiles.yaml", "rooms.yaml", "rules.yaml", "tests/invitations.yaml"];
        assert_eq!(names, expected);
        for (name, text) in files.iter().filter(|(name, _)| name.ends_with(".yaml")) {
            let up = if name.contains('/') { "../../" } else { "../" };
            let first = format!("# yaml-language-server: $schema={up}schema/otj.schema.json\n#\n# ");
            assert!(text.starts_with(&first), "{name}:\n{text}");
            assert!(text.contains("# Edit: "), "{name}:\n{text}");
            assert!(!text.contains("\n\n") && !text.contains(" \n"), "{name}:\n{text}");
            for line in text.lines().filter(|line| {
                !line.starts_with('#')
                    && ["password:", "privateKey:", "clientSecret:"].iter().any(|it| line.contains(it))
            }) {
                let file = line.split("{file: ").nth(1).unwrap_or_else(|| panic!("{name}: {line}"));
                let file = file.split([',', '}']).next().unwrap();
                assert!(told.contains(&format!("\n  {file} ")), "{file} is not told:\n{told}");
            }
        }
    }
}

#[test]
fn flags_stand_in_the_documents_and_what_yaml_would_misread_is_quoted() {
    let home = home();
    let arguments = [
        "init",
        "site",
        "--calendar",
        "caldav",
        "--domain",
        "Example.ORG",
        "--time-zone",
        "asia/tokyo",
        "--endpoint",
        "cisco",
        "--room",
        "4711@rooms.example.org",
        "--room-name",
        "Vik: \"3\" {{ x }}",
        "--address",
        "fe80::1",
    ];
    let (code, _, complained) = otj(home.path(), &arguments);
    assert_eq!(code, 0, "{complained}");
    let files = files(&home.path().join("site"));
    for (file, text) in [
        ("integrations.yaml", "url: https://calendar.example.org/\n"),
        ("profiles.yaml", "- example.org\n"),
        ("rules.yaml", "domain: vc.example.org\n"),
        ("rooms.yaml", "timeZone: Asia/Tokyo\n"),
        ("rooms.yaml", "metadata: {name: \"Vik: \\\"3\\\" {{ x }}\"}\n"),
        ("rooms.yaml", "metadata: {name: vik-3-x}\n"),
        ("rooms.yaml", "roomEmail: \"4711@rooms.example.org\"\n"),
        ("rooms.yaml", "address: \"fe80::1\"\n"),
    ] {
        assert!(files[file].contains(text), "{file} has no {text}:\n{}", files[file]);
    }
    let (code, found, _) = otj(home.path(), &["lint", "site"]);
    assert_eq!(code, 0, "{found}");
}

#[test]
fn the_end_names_the_next_three_commands_and_the_first_two_run_as_printed() {
    let home = home();
    let (code, told, _) = otj(home.path(), &["init", "my rooms/otj.d", "--yes"]);
    assert_eq!(code, 0);
    let commands: Vec<&str> = told.lines().rev().take(3).map(str::trim).collect();
    assert_eq!(
        commands,
        [
            "otj run --config 'my rooms/otj.d' --secret-dir 'my rooms/secrets' --data-dir 'my rooms/data'",
            "otj test 'my rooms/otj.d'",
            "otj lint 'my rooms/otj.d'"
        ]
    );
    for verb in ["lint", "test"] {
        assert_eq!(otj(home.path(), &[verb, "my rooms/otj.d"]).0, 0, "{verb}");
    }
}

#[test]
fn what_is_there_already_is_never_touched() {
    let home = home();
    std::fs::create_dir(home.path().join("empty")).unwrap();
    std::fs::write(home.path().join("file"), "mine").unwrap();
    std::fs::create_dir(home.path().join("used")).unwrap();
    std::fs::write(home.path().join("used/rooms.yaml"), "mine").unwrap();
    for (directory, code, complaint) in [
        ("empty", 0, ""),
        ("empty", 2, "error: `empty` is not empty, and nothing is overwritten; name a directory that is not there yet"),
        ("used", 2, "error: `used` is not empty, and nothing is overwritten; name a directory that is not there yet"),
        ("file", 2, "error: `file` is a file; name a directory that is not there yet"),
    ] {
        let (exit, _, complained) = otj(home.path(), &["init", directory, "--yes"]);
        assert_eq!(exit, code, "{directory}: {complained}");
        assert!(complained.starts_with(complaint), "{directory}: {complained}");
    }
    let used = files(&home.path().join("used"));
    assert_eq!(used, BTreeMap::from([("rooms.yaml".to_owned(), "mine".to_owned())]));
}

#[test]
fn a_wrong_flag_is_refused_with_what_to_write_and_nothing_is_written() {
    let home = home();
    for (arguments, complaint) in [
        (
            &["--domain", "https://example.com/"][..],
            "--domain: `https://example.com/` is not a domain; write it as `example.com`",
        ),
        (&["--domain", "example"], "--domain: `example` is not a domain"),
        (&["--domain", "10.0.0.1"], "--domain: `10.0.0.1` is not a domain"),
        (&["--domain", "a@example.com"], "--domain: `a@example.com` is not a domain"),
        (
            &["--time-zone", "Europe/Olso"],
            "--time-zone: there is no time zone `Europe/Olso`; did you mean `Europe/Oslo`?",
        ),
        (&["--time-zone", "here"], "--time-zone: there is no time zone `here`; write the IANA name, `Europe/Oslo`"),
        (&["--room", "boardroom"], "--room: `boardroom` is not an e-mail address; write the room's one address"),
        (&["--room", "a@b@example.com"], "--room: `a@b@example.com` is not an e-mail address"),
        (&["--room-name", " "], "--room-name: a name needs at least one character"),
        (&["--address", "https://codec"], "--address: `https://codec` is neither a host name nor an IP address"),
        (&["--endpoint", "poly", "--address", "10.0.0.1"], "--address: a Poly endpoint fetches its calendar from otj"),
        (&["--calendar", "outlook"], "[possible values: google, graph, exchange, caldav, ics]"),
    ] {
        let (code, _, complained) = otj(home.path(), &[&["init", "--yes"], arguments].concat());
        assert_eq!(code, 2, "{arguments:?}: {complained}");
        assert!(complained.contains(complaint), "{arguments:?}: {complained}");
        assert!(!home.path().join("otj.d").exists(), "{arguments:?}");
    }
}
