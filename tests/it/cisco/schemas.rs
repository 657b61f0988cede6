//! Everything sent is what the official descriptions allow: JSON by the schema transcribed from the descriptions of
//! `Bookings Put`, XML by the schema of Cisco's sample, both in `tests/schemas/cisco`.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use otj::model::Schedule;
use otj::model::device::Wire;
use otj::sim::cisco::Generation;

use super::world::{GENERATIONS, World, schedule};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Schedules that reach every branch of both writers.
fn schedules() -> Vec<Schedule> {
    let mut odd = schedule(
        "09:00 0 private | x | | | 1@vc.example\n10:00 4000 h323 | trip | Ada | | 10.0.0.9##1\n12:00 30 | | Kim | |",
    );
    odd.bookings[0].subject = otj::model::Confidential::new("]]> & < \u{1} \u{fffe} 🎉 週次 \"q\" \\ \r\n end");
    odd.bookings[1].organizer_name = otj::model::Confidential::new("<script>&amp;");
    let many: String =
        (0..100).map(|n| format!("{:02}:00 30 | Meeting {n} | Ada | a@x | {n}@vc.example\n", n % 24)).collect();
    vec![odd, schedule(&many), schedule("")]
}

async fn bodies(generation: Generation, wire: Wire) -> Vec<String> {
    let mut world = World::of(generation).await;
    world.cisco.wire = wire;
    for schedule in schedules() {
        world.put(&schedule).await.unwrap();
    }
    world.clear().await.unwrap();
    world.bodies()
}

/// What is wrong with the JSON in the body of a `Put`.
pub(super) fn json_faults(body: &str) -> Vec<String> {
    let text = std::fs::read_to_string(root().join("tests/schemas/cisco/bookings_put.schema.json")).unwrap();
    let schema = jsonschema::validator_for(&serde_json::from_str(&text).unwrap()).unwrap();
    let (_, rest) = body.split_once("<body>").unwrap();
    let json = quick_xml::escape::unescape(rest.split_once("</body>").unwrap().0).unwrap();
    let payload: serde_json::Value = serde_json::from_str(&json).unwrap();
    schema.iter_errors(&payload).map(|e| format!("{} {e}", e.instance_path())).collect()
}

#[tokio::test]
async fn every_json_payload_is_valid_and_no_id_stands_twice() {
    let text = std::fs::read_to_string(root().join("tests/schemas/cisco/bookings_put.schema.json")).unwrap();
    let schema = jsonschema::validator_for(&serde_json::from_str(&text).unwrap()).unwrap();
    let mut checked = 0;
    for generation in [Generation::Ce9, Generation::RoomOs11, Generation::RoomOs26] {
        for body in bodies(generation, Wire::Json).await {
            let Some((_, rest)) = body.split_once("<body>") else { continue };
            let json = quick_xml::escape::unescape(rest.split_once("</body>").unwrap().0).unwrap();
            let payload: serde_json::Value = serde_json::from_str(&json).unwrap();
            let faults: Vec<String> =
                schema.iter_errors(&payload).map(|e| format!("{} {e}", e.instance_path())).collect();
            assert_eq!(faults, [""; 0], "{generation:?}");
            let bookings = payload["Bookings"].as_array().unwrap();
            let ids: std::collections::BTreeSet<&str> = bookings.iter().map(|b| b["Id"].as_str().unwrap()).collect();
            assert_eq!(ids.len(), bookings.len(), "{generation:?}");
            checked += 1;
        }
    }
    assert_eq!(checked, 6, "two lists that are not empty, on three generations");
    let wrong = serde_json::json!({"Bookings": [{"Id": "1", "Title": "t"}]});
    assert!(!schema.is_valid(&wrong), "the check can fail");
}

#[tokio::test]
async fn every_xml_document_is_valid() {
    let mut documents = Vec::new();
    for generation in GENERATIONS {
        if generation != Generation::RoomOs26 {
            documents.extend(bodies(generation, Wire::Xml).await);
        }
    }
    documents.retain(|body| body.contains("<Bookings item"));
    assert!(documents.len() >= 8, "{}", documents.len());
    assert_eq!(validated(&documents), vec!["valid"; documents.len()]);
    let wrong = ["<Bookings><Booking><Id>1</Id></Booking></Bookings>".to_owned()];
    assert_ne!(validated(&wrong), ["valid"], "the check can fail");
}

/// One line a document: `valid`, or what is wrong.
pub(super) fn validated(documents: &[String]) -> Vec<String> {
    let given = std::env::var_os("OTJ_TEST_PYTHON").map(PathBuf::from);
    let python = given.unwrap_or_else(|| root().join("target/py/bin/python"));
    let mut checker = Command::new(&python)
        .arg(root().join("tests/it/cisco/validate.py"))
        .arg(root().join("tests/schemas/cisco/bookings_legacy.xsd"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{}: {error}; `ci/test` installs it, or set OTJ_TEST_PYTHON", python.display()));
    let input = serde_json::to_vec(documents).unwrap();
    checker.stdin.take().unwrap().write_all(&input).unwrap();
    let output = checker.wait_with_output().unwrap();
    assert!(output.status.success(), "{} needs lxml: run `ci/test` once, which installs it", python.display());
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}
