//! Clients that mean no good, or know no better: every one gets a clean answer, and nobody else notices.

#[path = "../../fuzz/poly.rs"]
mod mutated;

use super::desk::{Desk, PASSWORD, code, find, get, items, open, soap, week};
use otj::auth::basic;
use otj::ews::tree::Element;
use otj::http::{Method, Request};

/// A poll of the other room works, quickly.
async fn others_go_on(desk: &Desk) {
    desk.publish("vik", week());
    let (status, answer) = desk.ask("vik", &find("", "2026-11-23", "2026-11-24")).await;
    assert_eq!((status, items(&answer).len()), (200, 1));
}

#[tokio::test]
async fn garbage_gets_a_fault_that_repeats_nothing_of_it() {
    let desk = open().await;
    desk.publish("fjord", week());
    let bomb = "<!DOCTYPE b [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;\">]><b>&b;</b>";
    let outside = "<!DOCTYPE b [<!ENTITY a SYSTEM \"file:///etc/passwd\">]><b>&a;</b>";
    let deep = format!("<s:Envelope xmlns:s=\"{}\">{}", otj::ews::SOAP_11, "<canary>".repeat(10_000));
    let latin: Vec<u8> = soap("", "<m:canary>\u{e9}</m:canary>").chars().map(|c| u8::try_from(c).unwrap()).collect();
    let many = get(&vec!["aS54".to_owned(); 201]);
    let bodies: Vec<(&str, Vec<u8>, &str)> = vec![
        ("empty", vec![], "ErrorInvalidRequest"),
        ("noise", vec![0xff; 1000], "ErrorInvalidRequest"),
        ("text", b"canary".to_vec(), "ErrorInvalidRequest"),
        ("no envelope", b"<canary/>".to_vec(), "ErrorInvalidRequest"),
        ("entity bomb", bomb.into(), "ErrorInvalidRequest"),
        ("file entity", outside.into(), "ErrorInvalidRequest"),
        ("deep", deep.into(), "ErrorInvalidRequest"),
        ("Latin-1", latin, "ErrorInvalidRequest"),
        ("empty Body", soap("", "").into(), "ErrorInvalidRequest"),
        ("unknown operation", soap("", "<m:canary/>").into(), "ErrorInvalidRequest"),
        ("too many ids", soap("", &many).into(), "ErrorInvalidRequest"),
        ("no times", soap("", &find("", "canary", "2026-11-24")).into(), "ErrorSchemaValidation"),
    ];
    for (name, body, wanted) in bodies {
        let answer = desk.post(Some(&basic::header("fjord", PASSWORD)), body).await;
        assert_eq!(answer.status.as_u16(), 500, "{name}");
        assert_eq!(code(&Element::parse(&answer.body).unwrap()), wanted, "{name}");
        assert!(!String::from_utf8_lossy(&answer.body).contains("canary"), "{name}");
    }
    others_go_on(&desk).await;
}

#[tokio::test]
async fn too_much_is_refused_with_an_answer_that_arrives() {
    let desk = open().await;
    let login = basic::header("fjord", PASSWORD);
    for (authorization, bytes, status) in [
        (Some(login.as_str()), 300 << 10, 413),
        (Some(&login), 1 << 20, 413),
        (Some("Basic ???"), 32 << 10, 401),
        (None, 32 << 10, 401),
    ] {
        let answer = desk.post(authorization, vec![b' '; bytes]).await;
        assert_eq!(answer.status.as_u16(), status, "{bytes}");
    }
    others_go_on(&desk).await;
}

#[tokio::test]
async fn other_paths_methods_and_compressed_bodies_are_turned_away() {
    let desk = open().await;
    desk.publish("fjord", week());
    let login = basic::header("fjord", PASSWORD);
    for (method, path, encoding, authorized, status) in [
        (Method::POST, "/ews/exchange.ASMX/", "identity", true, 200),
        (Method::POST, "/EWS/Exchange.asmx", "gzip", true, 415),
        (Method::GET, "/EWS/Exchange.asmx", "identity", true, 405),
        (Method::GET, "/EWS/Exchange.asmx", "identity", false, 401),
        (Method::HEAD, "/EWS/Exchange.asmx", "identity", false, 401),
        (Method::POST, "/", "identity", true, 404),
        (Method::POST, "/EWS/Exchange.asmx/x", "identity", true, 404),
        (Method::GET, "/metrics", "identity", false, 404),
    ] {
        let mut request = Request::new(method.clone(), desk.url.join(path).unwrap());
        request.headers.insert("content-encoding", encoding.parse().unwrap());
        if authorized {
            request.headers.insert("authorization", login.parse().unwrap());
        }
        if method == Method::POST {
            request.body = soap("", &find("", "2026-11-23", "2026-11-24")).into();
        }
        let answer = desk.send(request).await;
        assert_eq!(answer.status.as_u16(), status, "{method} {path} {encoding}");
    }
}

#[tokio::test]
async fn a_right_login_is_not_slowed_by_failures_and_a_flood_of_one_device_stops_no_other() {
    let desk = open().await;
    desk.publish("fjord", week());
    let (right, wrong) = (basic::header("fjord", PASSWORD), basic::header("fjord", "wrong"));
    let request = soap("", &find("", "2026-11-23", "2026-11-24"));
    let before = desk.clock.now().mono;
    assert_eq!(desk.post(Some(&wrong), "").await.status.as_u16(), 401);
    assert!(desk.clock.now().mono.0 - before.0 >= std::time::Duration::from_millis(250), "a failure is answered late");
    // Five failures at once queue up: the last of them is answered after some seconds.
    let guess = || desk.post(Some(&wrong), "");
    let guesses = async { tokio::join!(guess(), guess(), guess(), guess(), guess()) };
    let right_one = async { desk.post(Some(&right), request.clone()).await.status.as_u16() };
    tokio::select! {
        _ = guesses => panic!("the failures were answered first"),
        status = right_one => assert_eq!(status, 200),
    }
    let mut statuses = Vec::new();
    for _ in 0..80 {
        statuses.push(desk.post(Some(&right), request.clone()).await.status.as_u16());
    }
    assert!(statuses.iter().all(|status| [200, 503].contains(status)), "{statuses:?}");
    others_go_on(&desk).await;
}

#[tokio::test]
async fn no_log_line_or_debug_text_of_the_desk_holds_a_secret() {
    let accounts = open().await;
    let shown = format!("{:?} {:?}", accounts.cells, week());
    assert!(!shown.contains("Weekly") && !shown.contains("meet.1234") && !shown.contains(PASSWORD), "{shown}");
}

/// `cargo bench --bench fuzz_poly -- logins 1000000` makes as many as wanted.
#[test]
fn mutated_logins_sign_nobody_in_and_mutated_requests_break_nothing() {
    let mut dice = mutated::Dice(0x0123_4567_89ab_cdef);
    assert_eq!((0..4000).filter(|_| mutated::attempt("logins", &mut dice)).count(), 0);
    assert!((0..1000).all(|_| !mutated::attempt("soap", &mut dice)));
}
