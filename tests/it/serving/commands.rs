//! `otj status`, `otj approve` and `otj reload` against a node on loopback: what they print and how they exit.

use std::path::Path;
use std::process::{Command, Output};

use super::site::{CANARY_PERSON, Site};

/// Runs otj in `dir`, where `token` stands as the node's.
fn otj(dir: &Path, server: &str, arguments: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } = Command::new(env!("CARGO_BIN_EXE_otj"))
        .args(arguments)
        .args(["--server", server])
        .env_remove("OTJ_DATA_DIR")
        .env_remove("OTJ_TOKEN_FILE")
        .current_dir(dir)
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

fn home(token: Option<&str>) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    if let Some(token) = token {
        std::fs::create_dir(home.path().join("data")).unwrap();
        std::fs::write(home.path().join("data/admin.token"), format!("{token}\n")).unwrap();
    }
    home
}

#[tokio::test]
async fn status_shows_what_is_wrong_and_the_held_plan_and_exits_1() {
    let home = home(Some("operator-token"));
    let (code, out, err) = Site::new().serve(move |server| otj(home.path(), &server, &["status"])).await;
    assert_eq!((code, err.as_str()), (1, ""), "{out}");
    for wanted in [
        "healthy, ready",
        "configuration 1234567812345678, revision abc123",
        "rooms 1 of 2 read lately, endpoints 1 of 2 in sync, 3 meetings ahead",
        "41 meetings of 12 rooms would go.",
        "otj approve 00ff00ff00ff00ff",
        "oslo-4 would lose 2026-03-02T09:00:00Z",
        "endpoint     oslo-4           PutFailed",
        "error[OTJ102]",
    ] {
        assert!(out.contains(wanted), "`{wanted}` is missing in:\n{out}");
    }
}

#[tokio::test]
async fn status_lists_rooms_endpoints_and_meetings_in_three_forms() {
    let home = home(Some("reader-token"));
    let answers = Site::new()
        .serve(move |server| {
            [
                vec!["status", "rooms"],
                vec!["status", "endpoints", "vik-1"],
                vec!["status", "endpoint", "oslo-4", "-o", "wide"],
                vec!["status", "meetings", "vik-1", "-o", "json"],
                vec!["status", "meetings", "fjord@example.com"],
                vec!["status", "endpoint", "none"],
            ]
            .map(|arguments| otj(home.path(), &server, &arguments))
        })
        .await;
    let [rooms, one, wide, json, meetings, none] = answers;
    assert_eq!(rooms.0, 1);
    assert!(rooms.1.starts_with("ROOM               CALENDAR  LAST READ"), "{}", rooms.1);
    assert!(rooms.1.contains("Stale,EventsUnreadable"), "{}", rooms.1);
    assert_eq!((one.0, one.1.lines().count()), (0, 2), "{}", one.1);
    assert!(wide.0 == 1 && wide.1.contains("10.1.2.3"), "{}", wide.1);
    let parsed: serde_json::Value = serde_json::from_str(&json.1).unwrap();
    assert_eq!((json.0, &parsed["items"][0]["alias"]), (0, &"4711@zoom.example".into()));
    assert!(
        meetings.1.contains("4711@zoom.example") && meetings.1.contains("- (no rule found an address)"),
        "{}",
        meetings.1
    );
    assert!(!meetings.1.contains(CANARY_PERSON), "organizers are in the wide form");
    assert_eq!((none.0, none.2.as_str()), (2, "error: the node knows no `none`\n"));
}

#[tokio::test]
async fn status_tells_of_calendar_services_and_why_rooms_are_read_when_they_are() {
    let home = home(None);
    let answers = Site::new()
        .serve(move |server| {
            [
                vec!["status", "integrations"],
                vec!["status", "integration", "workspace", "-o", "wide"],
                vec!["status", "integrations", "ics"],
                vec!["status", "rooms", "-o", "wide"],
            ]
            .map(|arguments| otj(home.path(), &server, &arguments))
        })
        .await;
    let [all, one, well, rooms] = answers;
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(
        lines(&all.1)[..4],
        [
            "INTEGRATION  STATE     ROOMS READ  REQUESTS IN 24 H  LEFT    LOOKS FOR CHANGES",
            "ics          Working   1/2         not counted       -       every 30 s",
            "m365         Paused    0/1100      5 of 1000000      999995  told of 1000/1100",
            "workspace    Degraded  0/40        812345 of 900000  87655   every 12.3 s",
        ]
    );
    assert!(all.0 == 1 && all.1.contains("\nm365: IntegrationDown, "), "{}", all.1);
    for wanted in ["10.42/s", "3/24", "Starts 12, Turn 1400", "otj-2@rooms.example  CredentialsRefused  27 of 540"] {
        assert!(one.1.contains(wanted), "`{wanted}` is missing in:\n{}", one.1);
    }
    assert_eq!((well.0, well.1.lines().count()), (0, 2), "{}", well.1);
    assert!(rooms.1.contains("a meeting starts at 09:06") && rooms.1.contains("BECAUSE"), "{}", rooms.1);
}

#[tokio::test]
async fn a_node_that_is_well_exits_0() {
    let home = home(None);
    let site = Site::empty();
    let mut pulse = site.board.pulse();
    pulse.ready = true;
    site.board.put_pulse(pulse);
    let (code, out, err) = site.serve(move |server| otj(home.path(), &server, &["status"])).await;
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
}

#[tokio::test]
async fn actions_take_the_operators_token_and_say_what_was_done() {
    let (operator, reader, nobody) = (home(Some("operator-token")), home(Some("reader-token")), home(None));
    let answers = Site::new()
        .serve(move |server| {
            [
                otj(operator.path(), &server, &["approve", "00ff00ff00ff00ff"]),
                otj(operator.path(), &server, &["approve", "1111111111111111"]),
                otj(operator.path(), &server, &["reload"]),
                otj(reader.path(), &server, &["reload"]),
                otj(nobody.path(), &server, &["reload"]),
                otj(nobody.path(), &server, &["status", "meetings"]),
                otj(nobody.path(), "http://127.0.0.1:9", &["status"]),
                otj(nobody.path(), "nonsense", &["status"]),
            ]
        })
        .await;
    let wanted = [
        (0, "approved\n", ""),
        (2, "", "error: no plan has that checksum\n"),
        (0, "the directory is being read\n", ""),
        (2, "", "error: this takes the operator's token\n"),
        (
            2,
            "",
            "error: this takes a token (`Authorization: Bearer …`); give --token-file, or run this as the user that runs the node\n",
        ),
        (
            2,
            "",
            "error: this takes a token (`Authorization: Bearer …`); give --token-file, or run this as the user that runs the node\n",
        ),
        (2, "", "error: no node answers at http://127.0.0.1:9/: no connection (connection refused)\n"),
        (2, "", "error: --server takes a URL like http://127.0.0.1:9480\n"),
    ];
    for ((code, out, err), wanted) in answers.iter().zip(wanted) {
        assert_eq!((*code, out.as_str(), err.as_str()), wanted);
    }
}

#[tokio::test]
async fn operators_suspend_resume_refresh_push_and_trust_from_the_command_line() {
    let (operator, reader) = (home(Some("operator-token")), home(Some("reader-token")));
    let answers = Site::new()
        .serve(move |server| {
            let at = "2026-12-24T18:00:00Z";
            [
                vec!["suspend", "endpoint", "oslo-4", "--until", at, "--reason", "board meeting"],
                vec!["suspend", "GraphIntegration", "m365"],
                vec!["suspend", "everything", "m365"],
                vec!["suspend", "endpoint", "oslo-4", "--until", "tomorrow"],
                vec!["resume", "room", "fjord@example.com"],
                vec!["refresh", "fjord@example.com"],
                vec!["push", "oslo-4"],
                vec!["push", "none"],
                vec!["trust", "oslo-4"],
            ]
            .map(|arguments| otj(operator.path(), &server, &arguments))
            .into_iter()
            .chain([otj(reader.path(), &server, &["push", "oslo-4"])])
            .collect::<Vec<_>>()
        })
        .await;
    let wanted = [
        (
            0,
            "the operator's token: (\"suspend\", \"endpoint\", \"oslo-4\") until 2026-12-24T18:00:00Z: board meeting\n",
            "",
        ),
        (0, "the operator's token: (\"suspend\", \"integration\", \"m365\") \n", ""),
        (2, "", "error: `kind` is one of integration, profile, group, location, room, endpoint\n"),
        (2, "", "error: --until takes a time like "),
        (0, "the operator's token: (\"resume\", \"room\", \"fjord@example.com\") \n", ""),
        (0, "the operator's token: (\"refresh\", \"room\", \"fjord@example.com\") \n", ""),
        (0, "the operator's token: (\"push\", \"endpoint\", \"oslo-4\") \n", ""),
        (2, "", "error: there is no such endpoint\n"),
        (0, "the operator's token: (\"trust\", \"endpoint\", \"oslo-4\") \n", ""),
        (2, "", "error: this takes the operator's token\n"),
    ];
    assert_eq!(answers.len(), wanted.len());
    for ((code, out, err), wanted) in answers.iter().zip(wanted) {
        assert_eq!((*code, out.as_str()), (wanted.0, wanted.1));
        assert!(err.starts_with(wanted.2), "{err}");
    }
}
