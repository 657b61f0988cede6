//! Every field of every kind, from the table `language.txt`: accepted, wrong, and what holds without it. A field of the schema
//! without a row fails, and so does a row without a field.

use std::collections::BTreeSet;

use otj::config::{LoadOptions, Loaded};
use serde_json::{Map, Value, json};

use super::{listed, loaded, read};

const TABLE: &str = include_str!("language.txt");
const SCHEMA: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/schema/otj.schema.json"));

/// A definition of the schema, and where a document has one.
struct Section {
    definition: String,
    kind: String,
    pointer: String,
    spec: Value,
    rows: Vec<Row>,
}

struct Row {
    field: String,
    accepted: Value,
    beside: Map<String, Value>,
    shows: String,
    wrong: Value,
    code: String,
    absent: String,
}

fn sections() -> Vec<Section> {
    let mut sections: Vec<Section> = vec![];
    for line in TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(head) = line.strip_prefix('[') {
            let [definition, kind, pointer] =
                head.trim_end_matches(']').split(' ').collect::<Vec<_>>().try_into().unwrap();
            let (definition, kind, pointer) = (definition.to_owned(), kind.to_owned(), pointer.to_owned());
            sections.push(Section { definition, kind, pointer, spec: Value::Null, rows: vec![] });
            continue;
        }
        let section = sections.last_mut().unwrap();
        if line.starts_with('{') {
            section.spec = serde_json::from_str(line).unwrap();
            continue;
        }
        let cells: Vec<&str> = line.split(" | ").collect();
        let [field, accepted, shows, wrong, code, absent] = cells.try_into().unwrap_or_else(|_| panic!("{line}"));
        let (accepted, beside) = accepted.split_once(" && ").unwrap_or((accepted, "{}"));
        let value = |text: &str| serde_json::from_str(text).unwrap_or_else(|fault| panic!("{line}: {fault}"));
        section.rows.push(Row {
            field: field.into(),
            accepted: value(accepted),
            beside: value(beside).as_object().unwrap().clone(),
            shows: shows.into(),
            wrong: value(wrong),
            code: code.into(),
            absent: absent.into(),
        });
    }
    sections
}

/// Documents that others refer to, and those that use the subject, so that the wish shows it.
fn companions(kind: &str) -> Vec<Value> {
    let document = |kind: &str, name: &str, spec: Value| json!({"apiVersion": "otj/v1", "kind": kind, "metadata": {"name": name}, "spec": spec});
    let mut list = vec![document("IcsIntegration", "it", json!({"directory": "calendars"}))];
    let path = "/dav.{{ room.email }}/";
    let hq = document(
        "Profile",
        "hq",
        json!({"integration": "it", "cisco": {"username": "otj", "password": {"file": "secret"}}}),
    );
    let poly = |spec: Value| {
        let mut spec = spec;
        spec["roomEmail"] = "fjord@example.com".into();
        spec["poly"] = json!({"username": "user", "password": {"file": "secret"}});
        document("Endpoint", "user", spec)
    };
    match kind {
        "WebexIntegration" => list.push(document("Profile", "user", json!({"integration": "it", "webex": "subject"}))),
        "Profile" => {
            list.push(document("WebexIntegration", "cloud", json!({"botToken": {"file": "secret"}})));
            let endpoint =
                json!({"profile": "subject", "roomEmail": "a@example.com", "cisco": {"address": "10.0.0.1"}});
            list.push(document("Endpoint", "user", endpoint));
        }
        "EndpointGroup" => {
            list.extend([hq, document("Location", "oslo", json!({}))]);
            list.push(document(
                "CalDavIntegration",
                "dav",
                json!({"url": "https://dav.example.com", "calendarPath": path}),
            ));
            let endpoint =
                |device: &str, spec: Value| json!({"group": "subject", "roomEmail": "fjord@example.com", device: spec});
            list.push(document("Endpoint", "vik", endpoint("poly", json!({}))));
            list.push(document("Endpoint", "codec", endpoint("cisco", json!({"address": "10.0.0.1"}))));
        }
        "Endpoint" => {
            list.extend([hq, document("EndpointGroup", "oslo", json!({"profile": "hq"}))]);
            list.push(document("WebexIntegration", "cloud", json!({"botToken": {"file": "secret"}})));
            list.push(document("Profile", "video", json!({"integration": "it", "webex": "cloud"})));
        }
        "Room" => {
            list.extend([hq, poly(json!({"profile": "hq"}))]);
            list.push(document(
                "CalDavIntegration",
                "dav",
                json!({"url": "https://dav.example.com", "calendarPath": path}),
            ));
            list.push(document("Profile", "dav", json!({"integration": "dav"})));
            let endpoint = json!({"profile": "dav", "roomEmail": "fjord@example.com", "poly": {"username": "dav", "password": {"file": "secret"}}});
            list.push(document("Endpoint", "dav", endpoint));
        }
        "RuleSet" => list.push(document("Profile", "user", json!({"integration": "it", "ruleSets": ["subject"]}))),
        kind if kind.ends_with("Integration") => {
            list =
                vec![document("Profile", "user", json!({"integration": "subject"})), poly(json!({"profile": "user"}))];
        }
        _ => list.push(hq),
    }
    list
}

/// Loads the subject with `change` made at its pointer.
fn load(section: &Section, change: impl FnOnce(&mut Map<String, Value>)) -> Loaded {
    let mut subject =
        json!({"apiVersion": "otj/v1", "kind": section.kind, "metadata": {"name": "subject"}, "spec": section.spec});
    change(subject.pointer_mut(&section.pointer).unwrap().as_object_mut().unwrap());
    let documents: Vec<String> =
        companions(&section.kind).iter().chain([&subject]).map(|document| format!("{document}\n")).collect();
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in [
        ("a.yaml", documents.join("---\n").as_str()),
        ("secret", "from-file\n"),
        ("map.txt", "otj: from-map\n"),
        ("key.pem", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
        ("cert.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
        ("invitation.json", r#"{"subject": "Weekly"}"#),
        ("endpoints.csv", "name,type,room_email,address\nwall,cisco,wall@example.com,10.0.0.3\n"),
    ] {
        std::fs::write(directory.path().join(name), text).unwrap();
    }
    loaded(&read(directory.path()), &LoadOptions { allow_inline_secrets: true, ..LoadOptions::default() })
}

/// The wish and the rule tests as text; secrets and what people wrote are dots.
fn shown(loaded: &Loaded) -> Option<String> {
    loaded.desired.as_ref().map(|desired| format!("{desired:?} {:?}", loaded.rule_tests))
}

fn said(loaded: &Loaded) -> String {
    listed("", &loaded.diagnostics)
}

/// What is wrong with a row; nothing, when it holds.
fn faults(section: &Section, row: &Row) -> Vec<String> {
    let mut faults = vec![];
    let beside = |map: &mut Map<String, Value>| {
        for (field, value) in &row.beside {
            match value {
                Value::Null => drop(map.remove(field)),
                value => drop(map.insert(field.clone(), value.clone())),
            }
        }
    };
    let accepted = load(section, |map| {
        beside(map);
        map.insert(row.field.clone(), row.accepted.clone());
    });
    match shown(&accepted) {
        None => faults.push(format!("is not accepted:\n{}", said(&accepted))),
        Some(text) if row.shows != "-" && !text.contains(&row.shows) => {
            faults.push(format!("does not show `{}` in {text}", row.shows));
        }
        Some(_) => {}
    }
    let wrong = load(section, |map| {
        beside(map);
        map.insert(row.field.clone(), row.wrong.clone());
    });
    if !said(&wrong).contains(&row.code) {
        faults.push(format!("`{}` is not {}:\n{}", row.wrong, row.code, said(&wrong)));
    }
    let absent = load(section, |map| drop(map.remove(&row.field)));
    match (shown(&absent), row.absent.as_str()) {
        (_, "-") => {}
        (_, code) if code.starts_with("OTJ") => {
            if !said(&absent).contains(code) {
                faults.push(format!("absent is not {code}:\n{}", said(&absent)));
            }
        }
        (Some(text), wanted) if text.contains(wanted) => {}
        (Some(text), wanted) => faults.push(format!("absent does not show `{wanted}` in {text}")),
        (None, _) => faults.push(format!("cannot be absent:\n{}", said(&absent))),
    }
    faults
}

#[test]
fn every_field_takes_what_it_should_and_nothing_else_and_has_its_default() {
    let mut faulty = vec![];
    for section in sections() {
        for row in &section.rows {
            let at = format!("{}.{}", section.definition, row.field);
            faulty.extend(faults(&section, row).into_iter().map(|fault| format!("{at} {fault}")));
        }
    }
    assert!(faulty.is_empty(), "{} faults:\n{}", faulty.len(), faulty.join("\n"));
}

#[test]
fn every_field_of_the_schema_has_a_row() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let mut fields = BTreeSet::new();
    for (definition, part) in schema["$defs"].as_object().unwrap() {
        let names = part["properties"].as_object().into_iter().flatten().map(|(name, _)| name);
        fields.extend(names.map(|name| format!("{definition}.{name}")));
    }
    let rows = sections();
    let rows: BTreeSet<String> = rows
        .iter()
        .flat_map(|section| section.rows.iter().map(move |row| format!("{}.{}", section.definition, row.field)))
        .collect();
    let missing: Vec<_> = fields.symmetric_difference(&rows).collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert!(rows.len() > 200, "{}", rows.len());
}
