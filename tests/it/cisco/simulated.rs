//! The simulated codec itself: its limits, in its own time.

use std::time::Duration;

use jiff::SignedDuration;
use otj::auth::basic;
use otj::model::Secret;
use otj::sim::cisco::{Ask, Codec, Generation};

use super::world::morning;

fn codec(generation: Generation) -> Codec {
    Codec::new(generation, "FOC1", "admin", Secret::new("right".into()), morning())
}

fn ask(password: &str) -> Ask {
    Ask {
        method: "GET".into(),
        path: "/status.xml".into(),
        authorization: Some(basic::header("admin", password)),
        ..Ask::default()
    }
}

#[test]
fn one_request_a_second_thirty_wait_and_the_next_is_busy() {
    let mut codec = codec(Generation::RoomOs26);
    codec.rate_limited = true;
    let answers: Vec<_> = (0..40).map(|_| codec.answer(&ask("right"), morning())).collect();
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 31);
    assert_eq!((answers[0].delay, answers[30].delay), (Duration::ZERO, Duration::from_secs(30)));
    assert_eq!(answers[31].status, 503);
    assert_eq!(codec.answer(&ask("right"), morning() + SignedDuration::from_secs(60)).delay, Duration::ZERO);
}

#[test]
fn five_wrong_passwords_lock_a_recent_codec_for_five_minutes_and_no_older_one() {
    for (generation, locks) in [(Generation::RoomOs26, true), (Generation::Ce9, false)] {
        let mut codec = codec(generation);
        for _ in 0..5 {
            assert_eq!(codec.answer(&ask("wrong"), morning()).status, 401);
        }
        let status = |codec: &mut Codec, minutes| {
            codec.answer(&ask("right"), morning() + SignedDuration::from_mins(minutes)).status
        };
        assert_eq!(status(&mut codec, 1) == 401, locks, "{generation:?}");
        assert_eq!(status(&mut codec, 5), 200, "{generation:?}");
    }
}

#[test]
fn requests_without_credentials_are_no_failed_logins() {
    let mut codec = codec(Generation::RoomOs26);
    for _ in 0..9 {
        assert_eq!(codec.answer(&Ask { authorization: None, ..ask("") }, morning()).status, 401);
    }
    assert_eq!(codec.answer(&ask("right"), morning()).status, 200);
}

#[test]
fn what_real_firmware_cannot_read_is_refused() {
    let mut codec = codec(Generation::RoomOs11);
    let post =
        |path: &str, body: &str| Ask { method: "POST".into(), path: path.into(), body: body.into(), ..ask("right") };
    let put =
        |json: &str| format!("<Command><Bookings><Put command=\"True\"><body>{json}</body></Put></Bookings></Command>");
    let booking = |protocol: &str, duration: u32| {
        put(&format!(
            r#"{{"Bookings":[{{"Id":"1","Title":"t","Number":"","Protocol":"{protocol}","Organizer":{{"Name":"A"}},"Time":{{"StartTime":"2027-01-04T09:00:00Z","Duration":{duration}}}}}]}}"#
        ))
    };
    for (path, body, fine) in [
        ("/putxml", booking("SIP", 30), true),
        ("/putxml", booking("None", 30), false),
        ("/putxml", booking("SIP", 0), false),
        ("/putxml", booking("SIP", 1441), false),
        ("/putxml", put("{}"), false),
        ("/putxml", put("\u{1}"), false),
        ("/bookingsputxml", " <Bookings/>".into(), false),
        ("/bookingsputxml", "<Bookings><Booking><Id/></Booking></Bookings>".into(), false),
        ("/bookingsputxml", "<Bookings/>".into(), true),
    ] {
        let answer = codec.answer(&post(path, &body), morning());
        let text = String::from_utf8(answer.body).unwrap();
        assert_eq!((answer.status, !text.contains("Error")), (200, fine), "{path} {body}: {text}");
    }
}
