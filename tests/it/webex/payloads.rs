//! Everything sent is what the official descriptions allow: the body of `Bookings.Put` by the schema transcribed from them, in
//! `tests/schemas/cisco`.

use std::path::PathBuf;

use otj::model::{Confidential, Schedule};

use super::world::{DEPLOYMENT, World, device, schedule};

/// Schedules that reach every branch of the writer.
fn schedules() -> Vec<Schedule> {
    let mut odd = schedule(
        "09:00 0 private | x | | | 1@vc.example\n10:00 4000 h323 | trip | Ada | | 10.0.0.9##1\n12:00 30 | | Kim | |",
    );
    odd.bookings[0].subject = Confidential::new("]]> & < \u{1} \u{fffe} 🎉 週次 \"q\" \\ \r\n end");
    odd.bookings[1].organizer_name = Confidential::new("<script>&amp;");
    let week: String = (0..300)
        .map(|n| format!("{:02}:{:02} 15 | Meeting {n} | Ada | a@x | {n}@vc.example\n", n % 24, n % 60))
        .collect();
    vec![odd, schedule(&week), schedule("")]
}

#[tokio::test(start_paused = true)]
async fn every_payload_is_valid_and_holds_no_id_twice() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/schemas/cisco/bookings_put.schema.json");
    let text = std::fs::read_to_string(path).unwrap();
    let schema = jsonschema::validator_for(&serde_json::from_str(&text).unwrap()).unwrap();
    let (mut puts, mut clears) = (0, 0);
    for software in ["RoomOS 11.14.2", "RoomOS 26.4.1.3 0a1b2c3d"] {
        let world = World::of(&["one"]);
        world.fake.device("one", |it| software.clone_into(&mut it.software)).unwrap();
        for schedule in schedules() {
            let done = world.clouds.put_schedule(&device("one"), DEPLOYMENT, &schedule).await.unwrap();
            let differences =
                otj::endpoint::cisco::differs(DEPLOYMENT, &schedule, &done.seen.unwrap(), super::world::morning());
            assert!(differences.is_empty(), "{software}: {differences:?}");
        }
        for body in world.bodies() {
            let sent: serde_json::Value = serde_json::from_str(&body).unwrap();
            assert_eq!((&sent["deviceId"], &sent["arguments"]), (&"one".into(), &serde_json::json!({})), "{body}");
            let Some(payload) = sent.get("body") else {
                clears += 1;
                continue;
            };
            let faults: Vec<String> =
                schema.iter_errors(payload).map(|e| format!("{} {e}", e.instance_path())).collect();
            assert_eq!(faults, [""; 0], "{software}");
            let bookings = payload["Bookings"].as_array().unwrap();
            let ids: std::collections::BTreeSet<&str> = bookings.iter().map(|b| b["Id"].as_str().unwrap()).collect();
            assert_eq!(ids.len(), bookings.len());
            assert!(bookings.len() <= 100);
            puts += 1;
        }
    }
    assert_eq!((puts, clears), (4, 2 * 4), "two lists, three lists read back, one clear; on two devices");
}
