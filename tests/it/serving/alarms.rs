//! Alarms that operators have seen, and those they want to hear nothing of.

use otj::reconcile::marks::Marks;
use otj::status::alarm_rounds::{Rounds, State};

use super::site::Site;

const OF_OSLO: &str = "/api/v1/alarms/endpoint%2Foslo-4%2FPushFailed";

#[tokio::test]
async fn an_alarm_that_stands_is_acknowledged_and_silenced_by_an_operator() {
    let cases = [
        (
            "operator",
            "acknowledge",
            "",
            200,
            "the operator's token: (\"acknowledge\", \"alarm\", \"endpoint/oslo-4/PushFailed\")",
        ),
        ("operator", "silence", r#"{"until": "2026-03-02T20:00:00Z"}"#, 200, "until 2026-03-02T20:00:00Z"),
        ("operator", "silence", "", 400, "2026-12-24T18:00:00Z"),
        ("operator", "silence", r#"{"until": "canary"}"#, 400, "2026-12-24T18:00:00Z"),
        ("reader", "acknowledge", "", 403, "the operator's token"),
    ];
    for (who, what, body, status, wanted) in cases {
        let path = format!("{OF_OSLO}/{what}");
        let (answer, ()) = Site::new().ask_the_loop(who, &path, body).await;
        assert_eq!(answer.status, status, "{who} {what}: {}", answer.text);
        let text = answer.text.replace("\\\"", "\"");
        assert!(text.contains(wanted) && !text.contains("canary"), "{text}");
    }
    let none = "/api/v1/alarms/endpoint%2Fnobody%2FPushFailed/acknowledge";
    assert_eq!(Site::new().send("operator", "POST", none, &[], "").await.status, 404);
}

#[tokio::test]
async fn marks_show_on_the_alarm_a_newer_one_was_not_seen_and_a_silent_one_is_told_to_nobody() {
    let site = Site::new();
    let id = "endpoint/oslo-4/PushFailed";
    let at = |text: &str| -> jiff::Timestamp { format!("2026-03-02T{text}:00Z").parse().unwrap() };
    let show = async || {
        let all = site.get("/api/v1/alarms").await.json();
        all["items"].as_array().unwrap().iter().find(|alarm| alarm["id"] == id).cloned().unwrap()
    };
    let mut rounds = Rounds::default();
    let mut look = |now: &str| -> Vec<String> {
        let mut told = Vec::new();
        rounds.look(&site.board, at(now), |change| {
            told.push(format!("{:?} {}", change.state, change.alarm.id));
            change.state == State::Raised || change.state == State::Cleared
        });
        told.retain(|line| line.ends_with(id));
        told
    };
    assert_eq!(show().await["acknowledgedBy"], serde_json::Value::Null);
    let mut marks = Marks::default();
    marks.acknowledge(id, "Ada", at("07:29"));
    site.board.put_marks(marks.clone());
    assert_eq!(show().await["acknowledgedBy"], serde_json::Value::Null, "it began at 07:30");
    marks.acknowledge(id, "Ada", at("07:45"));
    marks.silence(id, at("08:30"), at("07:45"));
    site.board.put_marks(marks);
    let alarm = show().await;
    assert_eq!((&alarm["acknowledgedBy"], &alarm["silencedUntil"]), (&"Ada".into(), &"2026-03-02T08:30:00Z".into()));
    assert_eq!(alarm["last"], "2026-03-02T08:00:00Z");

    assert_eq!(look("08:00"), [""; 0], "silent");
    assert_eq!(look("08:31"), [format!("Raised {id}")], "the silence is over and it still stands");
    assert_eq!(look("08:32"), [""; 0], "told once");
    let oslo = otj::model::EndpointName::parse("oslo-4").unwrap();
    let broken = site.board.endpoint(&oslo).unwrap();
    site.board.remove_endpoint(&oslo);
    assert_eq!(look("08:33"), [format!("Cleared {id}")]);
    site.board.put_endpoint((*broken).clone());
    assert_eq!(look("08:34"), [format!("Raised {id}")]);
    assert_eq!(show().await["count"], 2, "how often it was raised");
}
