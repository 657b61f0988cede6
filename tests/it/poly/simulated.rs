//! The simulated endpoint against the server, as the demo runs them.

use std::time::Duration;

use super::desk::{Desk, PASSWORD, booking, open, open_with};
use otj::endpoint::poly::Scheme;
use otj::http::{Http, HttpOptions, Trust};
use otj::model::Secret;
use otj::model::device::PolyEmit;
use otj::sim::poly::{Poly, PolyFault, PolySeen, PolySetup, run};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

fn setup(desk: &Desk, password: &str) -> PolySetup {
    PolySetup {
        endpoint: "fjord-poly".into(),
        server: desk.url.clone(),
        username: "fjord".into(),
        password: Secret::new(password.into()),
        mailbox: Some("room.fjord@example.com".into()),
        trust: Trust::Verify(vec![desk.certificate.as_bytes().into()]),
        every: Duration::from_millis(20),
    }
}

fn http() -> Http {
    Http::new(HttpOptions { allow_loopback: true }).unwrap()
}

fn lines(seen: &PolySeen) -> Vec<String> {
    let line = |dial: Option<&str>, subject: &str, start: &str| format!("{start} {subject} {}", dial.unwrap_or("-"));
    let meetings = seen.meetings.iter();
    meetings
        .map(|one| line(one.dial.as_ref().map(|dial| dial.expose()), one.subject.expose(), &one.start.to_string()))
        .collect()
}

#[tokio::test]
async fn a_simulated_endpoint_follows_what_is_published() {
    let desk = open().await;
    let (tell, mut seen) = mpsc::channel(8);
    let stop = CancellationToken::new();
    let polling = tokio::spawn(run(setup(&desk, PASSWORD), http(), desk.clock.clone(), tell, stop.clone()));
    let mut meeting = booking("Weekly status", "2026-11-23T09:00:00Z", Some("1@vc.example.com"));
    let bait = booking("Call sip:x@evil.example +1 900 555 0100", "2026-11-23T11:00:00Z", None);
    desk.publish("fjord", vec![meeting.clone(), bait.clone()]);
    let first = seen.recv().await.unwrap();
    assert_eq!(
        lines(&first),
        [
            "2026-11-23T09:00:00Z Weekly status sip:1@vc.example.com",
            "2026-11-23T11:00:00Z Call sip[:]x[at]evil.example +1 900_555_0100 -"
        ]
    );
    meeting.start = "2026-11-23T10:00:00Z".parse().unwrap();
    meeting.end = "2026-11-23T10:30:00Z".parse().unwrap();
    desk.publish("fjord", vec![meeting.clone()]);
    assert_eq!(lines(&seen.recv().await.unwrap()), ["2026-11-23T10:00:00Z Weekly status sip:1@vc.example.com"]);
    desk.publish("fjord", vec![]);
    assert!(lines(&seen.recv().await.unwrap()).is_empty());
    stop.cancel();
    polling.await.unwrap();
    let logins = desk.tally.poly_logins.snapshot();
    assert!(logins.iter().all(|(labels, _)| labels.join(" ") == "digest granted"), "{logins:?}");
}

#[tokio::test]
async fn a_simulated_endpoint_tells_why_a_poll_brought_nothing() {
    let desk = open().await;
    let now = desk.clock.now().wall;
    let polled = Poly::new(setup(&desk, PASSWORD)).poll(&http(), now).await;
    assert!(matches!(polled, Err(PolyFault::Busy(_))), "{polled:?}");
    let polled = Poly::new(setup(&desk, "wrong")).poll(&http(), now).await;
    assert!(matches!(polled, Err(PolyFault::Refused)), "{polled:?}");
    let mut other = setup(&desk, PASSWORD);
    other.mailbox = Some("room.vik@example.com".into());
    let polled = Poly::new(other).poll(&http(), now).await;
    assert!(matches!(&polled, Err(PolyFault::Answered(code)) if code == "ErrorAccessDenied"), "{polled:?}");
}

#[tokio::test]
async fn every_form_alone_gives_the_same_button_also_with_basic() {
    let none = PolyEmit { location_uri: false, body_uri: false, vmr_token: false };
    for (emit, dialled) in [
        (PolyEmit { location_uri: true, ..none }, Some("sip:1@vc.example.com")),
        (PolyEmit { body_uri: true, ..none }, Some("sip:1@vc.example.com")),
        (PolyEmit { vmr_token: true, ..none }, Some("sip:1@vc.example.com")),
        (none, None),
    ] {
        let desk = open_with(&[Scheme::Basic], emit).await;
        desk.publish("fjord", vec![booking("Weekly", "2026-11-23T09:00:00Z", Some("1@vc.example.com"))]);
        let shown = Poly::new(setup(&desk, PASSWORD)).poll(&http(), desk.clock.now().wall).await.unwrap();
        assert_eq!(shown[0].dial.as_ref().map(|dial| dial.expose()), dialled, "{emit:?}");
    }
}

#[tokio::test]
async fn an_old_nonce_costs_one_round_and_no_failure() {
    let desk = open().await;
    desk.publish("fjord", vec![]);
    let (mut poly, http) = (Poly::new(setup(&desk, PASSWORD)), http());
    poly.poll(&http, desk.clock.now().wall).await.unwrap();
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(301)).await;
    tokio::time::resume();
    poly.poll(&http, desk.clock.now().wall).await.unwrap();
    let logins = desk.tally.poly_logins.snapshot();
    let logins: Vec<(String, u64)> = logins.into_iter().map(|(labels, count)| (labels.join(" "), count)).collect();
    assert_eq!(logins, [("digest granted".into(), 3), ("digest stale".into(), 1)]);
}
