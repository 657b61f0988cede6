//! What operators order: suspended objects are left alone, also across restarts, and everything is written down.

use otj::model::EndpointName;
use otj::reconcile::audit::ENTRIES_MAX;
use otj::reconcile::order::{Order, Refused};

use super::stage::{Stage, check};

#[tokio::test(start_paused = true)]
async fn a_suspended_endpoint_keeps_what_it_shows_until_it_is_resumed_also_after_a_kill() {
    check(
        "
        10:00 calendar fjord standup@11:00*
        10:00 wish oslo=fjord bergen=fjord
        10:01 suspend endpoint oslo
        10:01 status oslo
        10:02 calendar fjord standup@11:00* lunch@12:00*
        10:04 kill -9
        10:05 status oslo
        10:05 status bergen
        10:06 resume endpoint oslo
        10:07 status oslo
        ",
        "
        10:00 put oslo [standup*]
        10:00 put bergen [standup*]
        10:01 endpoint oslo is suspended until it is resumed; 1 endpoint stays as shown
        10:01 status oslo Suspended
        10:02 put bergen [standup* lunch*]
        10:05 status oslo Suspended Suspended
        10:05 status bergen InSync
        10:06 endpoint oslo is acted on again
        10:06 put oslo [standup* lunch*]
        10:07 status oslo InSync
        ",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_suspension_ends_by_itself_and_not_because_of_a_clock_that_nobody_trusts() {
    check(
        "
        10:00 calendar fjord standup@15:00*
        10:00 wish oslo=fjord
        10:01 suspend endpoint oslo 10:30
        10:02 calendar fjord standup@15:30*
        10:20 status oslo
        10:29 status oslo
        10:31 status oslo
        ",
        "
        10:00 put oslo [standup*]
        10:01 endpoint oslo is suspended until 2027-01-04T10:30:00Z; 1 endpoint stays as shown
        10:20 status oslo Suspended
        10:29 status oslo Suspended
        10:30 put oslo [standup*]
        10:31 status oslo InSync
        ",
    )
    .await;
    let mut stage = Stage::new().await;
    stage.sim.calendar(&super::stage::email("fjord"), |calendar| {
        calendar.events = vec![super::stage::event("standup@15:00*")];
    });
    stage.wish(|wish| wish.endpoints = vec!["oslo=fjord".into()]).await;
    stage.until("10:01").await;
    let what = super::stage::what("endpoint", "oslo");
    let until = Some(super::stage::time_of("12:00"));
    stage.order(Order::Suspend { what, until, reason: Some("board meeting".into()) }).await.unwrap();
    stage.clock.skew(jiff::SignedDuration::from_hours(10));
    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    assert_eq!(stage.status("oslo"), "Suspended");
    let endpoint = stage.board.endpoint(&EndpointName::parse("oslo").unwrap()).unwrap();
    assert_eq!(
        endpoint.because.as_deref(),
        Some("suspended by Ada until 2027-01-04 12:00 UTC: board meeting"),
        "people see why"
    );
    stage.end().await;
}

#[tokio::test(start_paused = true)]
async fn a_room_a_profile_and_an_integration_stand_for_their_endpoints_and_are_not_read() {
    for (kind, name) in [("room", "fjord"), ("profile", "main"), ("integration", "calendars"), ("location", "default")]
    {
        let mut stage = Stage::new().await;
        stage.sim.calendar(&super::stage::email("fjord"), |calendar| {
            calendar.events = vec![super::stage::event("standup@15:00*")];
        });
        stage
            .wish(|wish| {
                wish.endpoints = vec!["oslo=fjord".into(), "bergen=fjord".into()];
                wish.integration = "calendars".into();
                wish.profile = "main".into();
            })
            .await;
        stage.until("10:01").await;
        let what = super::stage::what(kind, name);
        let said = stage.order(Order::Suspend { what, until: None, reason: None }).await.unwrap();
        assert!(said.ends_with("is suspended until it is resumed; 2 endpoints stay as shown"), "{kind}: {said}");
        stage.until("10:02").await;
        let reads = stage.sim.count("read");
        stage.until("10:40").await;
        assert_eq!(stage.sim.count("read"), reads, "{kind}: it is not read");
        let room = stage.board.rooms().pop().unwrap();
        assert_eq!(room.drift.as_ref().map(|drift| drift.reason), Some("Suspended"), "{kind}");
        assert_eq!(stage.status("oslo"), "Suspended", "{kind}");
        let alarms = otj::status::alarms::alarms(&stage.board, stage.clock.now().wall);
        assert_eq!(alarms, [], "{kind}: what somebody wanted is no alarm");
        let refused = stage.order(Order::Refresh { room: "fjord@example.com".into() }).await.unwrap_err();
        assert!(matches!(refused, Refused::Conflict(_)), "{kind}");
        stage.order(Order::Resume { what: super::stage::what(kind, name) }).await.unwrap();
        stage.until("10:42").await;
        assert_eq!(stage.status("oslo"), "InSync", "{kind}");
        stage.end().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_renamed_endpoint_stays_suspended_and_a_removed_one_is_not_cleared() {
    check(
        "
        10:00 calendar fjord standup@15:00*
        10:00 wish oslo=fjord bergen=fjord e1=fjord e2=fjord e3=fjord
        10:01 suspend endpoint oslo
        10:02 wish nord~oslo=fjord:oslo bergen=fjord e1=fjord e2=fjord e3=fjord
        10:04 status nord
        10:05 wish bergen=fjord e1=fjord e2=fjord e3=fjord
        10:30 shows oslo
        10:31 resume endpoint nord
        10:35 shows oslo
        ",
        "
        10:00 put oslo [standup*]
        10:00 put bergen [standup*]
        10:00 put e1 [standup*]
        10:00 put e2 [standup*]
        10:00 put e3 [standup*]
        10:01 endpoint oslo is suspended until it is resumed; 1 endpoint stays as shown
        10:04 status nord Suspended
        10:30 shows oslo [standup*]
        10:31 endpoint nord is acted on again
        10:31 clear oslo [standup*]
        10:35 shows oslo []
        ",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_room_is_read_at_once_an_endpoint_gets_its_list_again_and_a_pin_is_forgotten() {
    check(
        "
        10:00 quota 5000
        10:00 calendar fjord standup@15:00*
        10:00 device oslo cannot list
        10:00 wish oslo=fjord:oslo! vik=fjord:poly
        10:10 calendar fjord standup@16:00*
        10:10:10 refresh fjord
        10:12 device oslo fails PushFailed
        10:12 calendar fjord standup@17:00*
        10:12:10 refresh oslo
        10:20 device oslo works
        10:20:10 push oslo
        10:21 push vik
        10:22 trust oslo
        10:23 trust vik
        10:24 refresh nowhere
        10:25 push nobody
        10:26 resume endpoint oslo
        10:27 suspend endpoint nobody
        10:28 suspend endpoint oslo 10:01
        ",
        "
        10:00 put oslo [standup*]
        10:10 fjord@example.com is being read
        10:10 put oslo [standup*]
        10:12 fjord@example.com is being read
        10:20 oslo is given its meetings once more
        10:20 put oslo [standup*]
        10:21 refused: vik is a Poly endpoint: it fetches its meetings by itself, every few minutes
        10:22 the certificate that oslo shows next is pinned
        10:22 trust oslo
        10:23 refused: vik is not reached by its own certificate
        10:24 refused: there is no such room; a room is called by its address, or by one of its endpoints
        10:25 refused: there is no such endpoint
        10:26 refused: endpoint oslo is not suspended by an operator; what its documents suspend with `mode`, they resume
        10:27 refused: there is no such endpoint
        10:28 refused: the end lies in the past
        ",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_operators_did_is_written_down_with_its_answer_kept_across_restarts_and_bounded() {
    let mut stage = Stage::new().await;
    stage.wish(|wish| wish.endpoints = vec!["oslo=fjord".into()]).await;
    stage.until("10:01").await;
    let what = super::stage::what("endpoint", "oslo");
    stage.order(Order::Suspend { what, until: None, reason: Some("board meeting".into()) }).await.unwrap();
    stage.order(Order::Approve { checksum: "0000".into() }).await.unwrap_err();
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    let mut stage = stage.killed_and_restarted().await;
    let told = |stage: &Stage| -> Vec<String> {
        let entries = stage.board.audit();
        entries
            .iter()
            .map(|it| format!("{} {} {} {} {} {}", it.number, it.who, it.action, it.name, it.detail, it.done))
            .collect()
    };
    assert_eq!(told(&stage), ["0 Ada suspend oslo board meeting true", "1 Ada approve 0000  false"]);
    assert_eq!(stage.board.audit()[0].revision, stage.checksum(), "under which directory");
    for number in 0..ENTRIES_MAX {
        let name = number.to_string();
        stage.order(Order::Note { action: "trace", kind: "endpoint", name, detail: String::new() }).await.unwrap();
    }
    let entries = stage.board.audit();
    assert_eq!((entries.len(), entries[0].number), (ENTRIES_MAX, 2));
    stage = stage.killed_and_restarted().await;
    assert_eq!(stage.board.audit().len(), ENTRIES_MAX, "the oldest are gone from the store, too");
    stage.end().await;
}
