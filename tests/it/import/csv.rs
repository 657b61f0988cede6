//! The guide's CSV: into documents, into tables, back again, and what is wrong with it.

use std::os::unix::fs::PermissionsExt as _;

use super::{CANARY, home, otj, read};

const SITE: &str = "# The site.\napiVersion: otj/v1\nkind: CalDavIntegration\nmetadata: {name: calendars}\nspec: {url: \"https://dav.example.com/\", calendarPath: \"/{{ room.email }}/\"}\n---\napiVersion: otj/v1\nkind: WebexIntegration\nmetadata: {name: cloud}\nspec: {botToken: {file: webex-token}}\n---\napiVersion: otj/v1\nkind: Profile\nmetadata: {name: hq}\nspec:\n  integration: calendars   # ours\n  webex: cloud\n  cisco: {username: otj, password: {file: cisco}}\n";

const HEADER: &str = "name,description,endpoint_type,api_address,api_port,api_username,api_password,poly_username,poly_password,poly_raise_alarms_for_this_endpoint,webex_device_id,verify_cert,use_https,room_resource_email,mjx_endpoint_group_name";

/// Rows in canonical form: quotes, commas, line breaks, umlauts, blanks, all three choices.
fn canonical() -> String {
    [
        HEADER,
        "a: b #c,- yes,CISCO,codec.example.com,8443,admin,,,,FALSE,,YES,NO,A.B@example.com,oslo",
        "no,\"two\nlines\",POLY,,,,,DOM\\poly,,TRUE,,GLOBAL,GLOBAL,no@example.com,oslo",
        "{{ x }},,WEBEX,,,,,,,TRUE,Y2lz==,GLOBAL,GLOBAL,x@example.com,\"a, b\"",
        "Ärger \"1\",\"Room, 4th \"\"floor\"\"\",CISCO,10.0.0.1,,,,,,TRUE,,GLOBAL,GLOBAL,aerger@example.com,Zürich HQ"
            .replace("Ärger \"1\"", "\"Ärger \"\"1\"\"\"")
            .as_str(),
        "ö,ß,CISCO,fe80::1,,admin2,,,,TRUE,,NO,YES,oe@example.com,oslo",
    ]
    .join("\r\n")
        + "\r\n"
}

#[test]
fn csv_to_documents_to_csv_is_identical() {
    let home = home(&[("otj.d/site.yaml", SITE), ("rooms.csv", &canonical())]);
    let (code, out, err) = otj(home.path(), &["import", "csv", "rooms.csv", "--create-groups", "--profile", "hq"]);
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("8 added, 0 changed, 0 as they were"), "{out}");
    assert!(out.contains("3 passwords are to be filled into endpoint-passwords.yaml"), "{out}");
    assert_eq!(read(&home, "otj.d/site.yaml"), SITE);
    let oslo = read(&home, "otj.d/groups/oslo.yaml");
    assert!(oslo.starts_with(
        "# yaml-language-server: $schema=../../schema/otj.schema.json\napiVersion: otj/v1\nkind: EndpointGroup\n"
    ));
    assert!(oslo.contains("  name: \"a: b #c\"\n  description: \"- yes\"\n"), "{oslo}");
    assert!(oslo.contains("    password: {file: endpoint-passwords.yaml, key: \"no\"}\n"), "{oslo}");
    let (code, lint, _) = otj(home.path(), &["lint", "otj.d"]);
    assert_eq!(code, 0, "{lint}");
    let (code, csv, err) = otj(home.path(), &["export", "csv"]);
    assert_eq!((code, csv), (0, canonical()), "{err}");
    // And what comes back changes nothing.
    std::fs::write(home.path().join("again.csv"), canonical()).unwrap();
    let (code, out, err) = otj(home.path(), &["import", "csv", "again.csv"]);
    assert_eq!((code, out.as_str()), (0, "0 added, 0 changed, 5 as they were\n"), "{err}");
    assert_eq!(read(&home, "otj.d/groups/oslo.yaml"), oslo);
}

#[test]
fn csv_to_tables_gives_the_same_endpoints() {
    let home = home(&[("otj.d/site.yaml", SITE), ("rooms.csv", &canonical())]);
    let import = ["import", "csv", "rooms.csv", "--as", "table", "--create-groups", "--profile", "hq"];
    let (code, out, err) = otj(home.path(), &[&import[..], &["--dry-run"]].concat());
    assert_eq!(code, 0, "{out}{err}");
    assert_eq!(std::fs::read_dir(home.path().join("otj.d")).unwrap().count(), 1, "a dry run writes nothing");
    let (code, out, err) = otj(home.path(), &import);
    assert_eq!(code, 0, "{out}{err}");
    let (code, lint, _) = otj(home.path(), &["lint", "otj.d"]);
    assert_eq!(code, 0, "{lint}");
    let (code, csv, err) = otj(home.path(), &["export", "csv"]);
    let sorted = |text: &str| {
        let text = text.replace("two\nlines", "two lines").to_lowercase();
        // What a row says again that its profile says is inherited afterwards.
        let mut lines: Vec<String> = text.lines().map(|line| line.replace(",yes,", ",global,")).collect();
        lines.sort();
        lines
    };
    // A table holds one kind of device: the endpoints are the same, in the order of the kinds.
    assert_eq!((code, sorted(&csv)), (0, sorted(&canonical())), "{err}");
    let table = read(&home, "otj.d/endpoints-poly.csv");
    let (code, _, err) = otj(home.path(), &import);
    assert_ne!(code, 0, "what is there is not written over: {err}");
    assert_eq!(read(&home, "otj.d/endpoints-poly.csv"), table);
}

#[test]
fn any_other_form_becomes_canonical_and_is_then_stable() {
    let canonical = format!(
        "{HEADER}\r\na,,CISCO,10.0.0.1,,,,,,TRUE,,GLOBAL,GLOBAL,a@example.com,\r\nb,\"x, y\",POLY,,,,,u,,FALSE,,GLOBAL,GLOBAL,b@example.com,\r\n"
    );
    for form in [
        // A byte order mark, no header, needless quotes, blank choices, other line ends, another order of rows.
        "\u{feff}b,\"x, y\",\"POLY\",,,,,u,,NO,,,,b@example.com,\na,\"\",CISCO,10.0.0.1,,,,,,YES,,,GLOBAL,a@example.com,",
        // A header in another order, without columns that are blank.
        "room_resource_email,endpoint_type,name,description,api_address,poly_username,poly_raise_alarms_for_this_endpoint\r\n\r\nb@example.com,POLY,b,\"x, y\",,u,FALSE\r\na@example.com,CISCO,a,,10.0.0.1,,\r\n",
    ] {
        let home = home(&[("otj.d/site.yaml", SITE), ("rooms.csv", form)]);
        let (code, out, err) = otj(home.path(), &["import", "csv", "rooms.csv"]);
        assert_eq!(code, 0, "{out}{err}");
        assert_eq!(otj(home.path(), &["export", "csv"]).1, canonical);
    }
}

#[test]
fn wrong_rows_are_told_with_their_place_and_nothing_is_written() {
    let rows = format!(
        "{HEADER}\n,d,CISCO,10.0.0.1,,,,,,TRUE,,GLOBAL,GLOBAL,a@example.com,\n\
         b,,cisco,10.0.0.1,,,,,,TRUE,,GLOBAL,GLOBAL,b@example.com,\n\
         c,,CISCO,https://c/,70000,,{CANARY},,,ja,,yes,GLOBAL,c,\n\
         d,,POLY,,,,,,{CANARY},TRUE,,GLOBAL,GLOBAL,d@example.com,olso\n\
         e,,WEBEX,,,,\n\
         f,,POLY,,,,,F,,TRUE,,GLOBAL,GLOBAL,f@example.com,\n\
         g,,POLY,,,,,f,,TRUE,,GLOBAL,GLOBAL,g@example.com,\n\
         f,,WEBEX,,,,,,,TRUE,id,NO,GLOBAL,f@example.com,\n"
    );
    let group = "apiVersion: otj/v1\nkind: EndpointGroup\nmetadata: {name: oslo}\nspec: {profile: hq}\n";
    let home = home(&[("otj.d/site.yaml", SITE), ("otj.d/oslo.yaml", group), ("rooms.csv", &rows)]);
    let (code, out, err) = otj(home.path(), &["import", "csv", "rooms.csv"]);
    assert_eq!(code, 1);
    let wanted = [
        "rooms.csv:2:1: error: `name` is blank",
        "rooms.csv:3:4: error: there is no endpoint type `cisco`\n  help: write CISCO, POLY or WEBEX",
        "rooms.csv:4:10: error: this is neither a host name nor an IP address",
        "rooms.csv:4:21: error: the port is no number from 1 to 65535",
        "rooms.csv:4:27: error: there is a password and no user name",
        "`poly_raise_alarms_for_this_endpoint` is neither yes nor no\n  help: write TRUE, YES, FALSE or NO",
        "`verify_cert` is none of its three values\n  help: write GLOBAL, YES or NO",
        "error: this is no e-mail address",
        "rooms.csv:5:13: error: `poly_username` is blank",
        "rooms.csv:6:1: error: the line has 7 fields, not 15",
        "rooms.csv:8:13: error: the `poly_username` is that of `f` (rooms.csv:7)",
        "rooms.csv:9:1: error: the name `f` stands here a second time; the first is rooms.csv:7",
        "warning: `verify_cert` has no use for WEBEX endpoints and is not carried",
        "Nothing was written.",
    ];
    for text in wanted {
        assert!(err.contains(text), "`{text}` is missing in\n{err}");
    }
    assert!(!err.contains(CANARY) && out.is_empty(), "{out}{err}");
    assert!(!home.path().join("otj.d/endpoints.yaml").exists());
}

#[test]
fn a_file_that_is_none_is_told() {
    for (bytes, wanted) in [
        (
            &b"name;description;endpoint_type;api_address\na;b;CISCO;c\n"[..],
            "f.csv:1:1: error: the fields are separated by semicolons",
        ),
        (&b"name,room_resource_email\na,b@c\n"[..], "f.csv:1:1: error: the column `endpoint_type` is missing"),
        (
            &b"name,room_resource_mail,endpoint_type\n"[..],
            "f.csv:1:6: error: there is no column `room_resource_mail`\n  help: did you mean `room_resource_email`?",
        ),
        (&b"Name,room_resource_email,endpoint_type\n"[..], "help: did you mean `name`?"),
        (
            &b"name,name,room_resource_email,endpoint_type\n"[..],
            "f.csv:1:6: error: the column `name` stands here a second time",
        ),
        (&b"a,\"b\n"[..], "f.csv:1:3: error: the quotation mark that opens here is never closed"),
        (&b"a,\xe4\n"[..], "f.csv:1:3: error: this is not UTF-8"),
    ] {
        let home = home(&[]);
        std::fs::write(home.path().join("f.csv"), bytes).unwrap();
        let (code, _, err) = otj(home.path(), &["import", "csv", "f.csv"]);
        assert_eq!(code, 1, "{wanted}: {err}");
        assert!(err.contains(wanted), "{wanted}\n{err}");
    }
    assert_eq!(otj(home(&[]).path(), &["import", "csv", "nowhere.csv"]).0, 2);
}

#[test]
fn names_that_stand_are_changed_in_place_and_comments_stay() {
    let rooms = "# Oslo, by floor.\napiVersion: otj/v1\nkind: EndpointGroup\nmetadata: {name: oslo}\nspec:\n  profile: hq\n  poly:\n    username: \"{{ endpoint.name }}\"\n    password: {file: poly.yaml, key: \"{{ endpoint.name }}\"}\n---\n# The one with the view.\napiVersion: otj/v1\nkind: Endpoint\nmetadata:\n  name: fjord\n  labels: {floor: \"4\"}\nspec:\n  group: oslo\n  roomEmail: Fjord@example.com   # mixed case\n  cisco:\n    address: 10.0.0.1   # lab\n    serial: FOC1\n---\napiVersion: otj/v1\nkind: Endpoint\nmetadata: {name: vik}\nspec:\n  group: oslo\n  roomEmail: vik@example.com\n  poly: {}\n";
    let home = home(&[("otj.d/site.yaml", SITE), ("otj.d/oslo.yaml", rooms)]);
    let (code, csv, err) = otj(home.path(), &["export", "csv"]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(csv.contains("vik,,POLY,,,,,vik,,TRUE,,GLOBAL,GLOBAL,vik@example.com,oslo\r\n"), "{csv}");
    let changed = csv.replace("10.0.0.1,,", "10.0.0.2,8443,").replace("vik,,POLY", "vik,Two floors down,POLY")
        + "new,,POLY,,,,,new,,TRUE,,GLOBAL,GLOBAL,new@example.com,oslo\r\n";
    std::fs::write(home.path().join("c.csv"), changed).unwrap();
    let (code, out, err) = otj(home.path(), &["import", "csv", "c.csv", "--dry-run"]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert!(out.contains("-    address: 10.0.0.1   # lab\n+    address: 10.0.0.2   # lab\n+    port: 8443\n"), "{out}");
    assert_eq!(read(&home, "otj.d/oslo.yaml"), rooms);
    let (code, out, err) = otj(home.path(), &["import", "csv", "c.csv"]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert!(out.contains("changed  Endpoint `fjord` (oslo.yaml:12)\n           spec.cisco.address: 10.0.0.1 -> 10.0.0.2\n           spec.cisco.port: nothing -> 8443\n"), "{out}");
    assert!(
        out.contains(
            "changed  Endpoint `vik` (oslo.yaml:24)\n           metadata.description: nothing -> Two floors down\n"
        ),
        "{out}"
    );
    let expected = rooms
        .replace("10.0.0.1   # lab\n", "10.0.0.2   # lab\n    port: 8443\n")
        .replace("metadata: {name: vik}\n", "metadata:\n  name: vik\n  description: Two floors down\n")
        // What the group gives is not repeated.
        + "---\napiVersion: otj/v1\nkind: Endpoint\nmetadata:\n  name: new\nspec:\n  group: oslo\n  roomEmail: new@example.com\n  poly: {}\n";
    assert_eq!(read(&home, "otj.d/oslo.yaml"), expected);
}

#[test]
fn passwords_go_to_a_file_of_their_own_and_nowhere_else() {
    let rows = format!(
        "{HEADER}\r\na,,CISCO,10.0.0.1,,admin,{CANARY}-1,,,TRUE,,GLOBAL,GLOBAL,a@example.com,oslo\r\nb,,POLY,,,,,b,0123,TRUE,,GLOBAL,GLOBAL,b@example.com,oslo\r\nc,,POLY,,,,,c,,TRUE,,GLOBAL,GLOBAL,c@example.com,oslo\r\n"
    );
    let home = home(&[("otj.d/site.yaml", SITE), ("rooms.csv", &rows), ("secrets/poly.yaml", "kept: \"1\"\n")]);
    let import = [
        "import",
        "csv",
        "rooms.csv",
        "--secret-dir",
        "secrets",
        "--secrets-file",
        "secrets/poly.yaml",
        "--generate-passwords",
        "--create-groups",
        "--profile",
        "hq",
    ];
    let (code, out, err) = otj(home.path(), &import);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert!(out.contains("1 passwords were made up") && !out.contains(CANARY), "{out}");
    let documents = read(&home, "otj.d/groups/oslo.yaml");
    assert!(documents.contains("password: {file: poly.yaml, key: a}") && !documents.contains(CANARY), "{documents}");
    let secrets = read(&home, "secrets/poly.yaml");
    assert!(
        secrets.contains(&format!("a: {CANARY}-1\nb: \"0123\"\nc: ")) && secrets.contains("kept: \"1\"\n"),
        "{secrets}"
    );
    let mode = std::fs::metadata(home.path().join("secrets/poly.yaml")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    // A second time nothing changes, and passwords that were made up stay.
    assert_eq!(otj(home.path(), &import).0, 0);
    assert_eq!(read(&home, "secrets/poly.yaml"), secrets);
    assert_eq!(read(&home, "otj.d/groups/oslo.yaml"), documents);
    let export = ["export", "csv", "--with-secrets", "-o", "out.csv", "--secret-dir", "secrets"];
    let (code, out, err) = otj(home.path(), &export);
    assert_eq!((code, out.as_str()), (0, "3 endpoints\n"), "{err}");
    let made_up = secrets.lines().find_map(|line| line.strip_prefix("c: ")).unwrap();
    let filled = rows.replace(",c,,TRUE", &format!(",c,{made_up},TRUE"));
    assert_eq!(read(&home, "out.csv"), filled);
    let mode = std::fs::metadata(home.path().join("out.csv")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn secrets_are_refused_where_git_would_take_them_along() {
    let row = format!("{HEADER}\na,,CISCO,10.0.0.1,,admin,{CANARY},,,TRUE,,GLOBAL,GLOBAL,a@example.com,\n");
    let home =
        home(&[("otj.d/site.yaml", SITE), ("rooms.csv", &row), (".gitignore", "/ignored/\n"), ("ignored/x", "")]);
    assert!(
        std::process::Command::new("git").args(["init", "-q"]).current_dir(home.path()).status().unwrap().success()
    );
    for (file, code, wanted) in [
        ("passwords.yaml", 2, "lies in a git work tree"),
        ("otj.d/passwords.yaml", 2, "lies in a git work tree"),
        ("ignored/passwords.yaml", 0, ""),
    ] {
        let (got, _, err) = otj(home.path(), &["import", "csv", "rooms.csv", "--secrets-file", file]);
        assert_eq!(got, code, "{file}: {err}");
        assert!(err.contains(wanted), "{err}");
    }
    let (code, _, err) = otj(home.path(), &["export", "csv", "--with-secrets", "-o", "out.csv"]);
    assert_eq!(code, 2, "{err}");
}

#[test]
fn duplicates_are_told_and_the_last_is_taken_only_when_asked_to() {
    let rows = format!(
        "{HEADER}\na,,CISCO,10.0.0.1,,,,,,TRUE,,GLOBAL,GLOBAL,a@example.com,\na,,CISCO,10.0.0.2,,,,,,TRUE,,GLOBAL,GLOBAL,a@example.com,\n"
    );
    let home = home(&[("otj.d/site.yaml", SITE), ("rooms.csv", &rows)]);
    let (code, _, err) = otj(home.path(), &["import", "csv", "rooms.csv"]);
    assert!(code == 1 && err.contains("say --take-last"), "{err}");
    let (code, out, err) = otj(home.path(), &["import", "csv", "rooms.csv", "--take-last"]);
    assert!(code == 1 && err.contains("rooms.csv:3:1: warning"), "{out}{err}");
    assert!(read(&home, "otj.d/endpoints.yaml").contains("address: 10.0.0.2\n"));
}

#[test]
fn a_directory_that_would_not_load_is_left_alone() {
    let row = format!(
        "{HEADER}\na,,CISCO,10.0.0.1,,,,,,TRUE,,GLOBAL,GLOBAL,a@example.com,g\nb,,CISCO,10.0.0.1,,,,,,TRUE,,GLOBAL,GLOBAL,b@example.com,g\n"
    );
    let home = home(&[("otj.d/site.yaml", SITE), ("rooms.csv", &row)]);
    let (code, _, err) = otj(home.path(), &["import", "csv", "rooms.csv", "--create-groups", "--profile", "hq"]);
    assert!(code == 2 && err.contains("nothing was written"), "{err}");
    assert_eq!(std::fs::read_dir(home.path().join("otj.d")).unwrap().count(), 1);
    std::fs::write(home.path().join("otj.d/bad.yaml"), "a: [\n").unwrap();
    let (code, _, err) = otj(home.path(), &["import", "csv", "rooms.csv"]);
    assert!(code == 2 && err.contains("mend it first"), "{err}");
}
