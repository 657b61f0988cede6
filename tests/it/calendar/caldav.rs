//! What a CalDAV server may say, and what is believed: a small server whose answers are given, and Digest sign-in.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use otj::auth::digest::{Algorithm, Answer, parameters, response};

use super::asking::Asking;
use super::egress::serve;
use super::occurrences::calendar;

const STATE: &str = r#"<D:multistatus xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:S="http://calendarserver.org/ns/"><D:response><D:href>/room/</D:href><D:propstat><D:prop><D:resourcetype><D:collection/><C:calendar/></D:resourcetype><S:getctag>1</S:getctag></D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response></D:multistatus>"#;

const STANDUP: &str = "VEVENT\nUID:a\nSUMMARY:standup\nDTSTART:20260105T080000Z\nDTEND:20260105T083000Z";

/// The answer to a query: `events` as they are, `more` after them.
fn query(events: &[&str], more: &str) -> String {
    let response = |text: &&str| {
        format!(
            "<D:response><D:href>/room/{0}.ics</D:href><D:propstat><D:prop><D:getetag>\"1\"</D:getetag><C:calendar-data><![CDATA[{1}]]></C:calendar-data></D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>",
            text.len(),
            text
        )
    };
    let responses: String = events.iter().map(response).collect();
    format!(
        "<D:multistatus xmlns:D=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:caldav\">{responses}{more}</D:multistatus>"
    )
}

fn multistatus(body: String) -> Response {
    (StatusCode::MULTI_STATUS, [("content-type", "application/xml")], body).into_response()
}

/// A calendar at `/room/` whose query is answered with `answer`.
async fn room(answer: String) -> Asking {
    let router = Router::new().fallback(move |request: Request| {
        let answer = if request.method().as_str() == "REPORT" { answer.clone() } else { STATE.to_owned() };
        async move { multistatus(answer) }
    });
    Asking::caldav(serve(router).await.as_str(), "right", Some("/room/"))
}

#[tokio::test]
async fn an_answer_that_may_leave_something_out_is_a_failed_read() {
    let standup = calendar(STANDUP);
    let broken = calendar("VEVENT\nUID:b\nDTSTART:20260105T080000Z");
    let cut = &broken[..broken.len() - 20];
    let status = |code: &str| {
        format!("<D:response><D:href>/room/x.ics</D:href><D:status>HTTP/1.1 {code}</D:status></D:response>")
    };
    let propstat = |code: &str| {
        format!(
            "<D:response><D:href>/room/x.ics</D:href><D:propstat><D:prop><C:calendar-data/></D:prop><D:status>HTTP/1.1 {code}</D:status></D:propstat></D:response>"
        )
    };
    let whole = query(&[&standup], "");
    let failed = |text: &str| format!("CalendarUnreadable retry: the calendar cannot be read: {text}");
    for (answer, expected) in [
        (whole.clone(), "05T08:00 05T08:30 standup".to_owned()),
        (query(&[], ""), String::new()),
        (query(&[&standup, cut], ""), "05T08:00 05T08:30 standup\nunreadable b".to_owned()),
        (query(&[&standup], &status("404 Not Found")), "05T08:00 05T08:30 standup".to_owned()),
        (query(&[&standup], &status("507 Insufficient Storage")), failed("the server left resources out (507)")),
        (query(&[&standup], &status("403 Forbidden")), failed("the server does not hand out an event (HTTP 403)")),
        (query(&[&standup], &propstat("500 Oops")), failed("an event came without its data (HTTP 500)")),
        (query(&[&standup], &propstat("404 Not Found")), failed("an event came without its data (HTTP 404)")),
        (query(&[&standup], &propstat("404 Not Found").replace("x.ics", "")), "05T08:00 05T08:30 standup".to_owned()),
        (whole[..whole.len() - 5].to_owned(), failed("the answer is not well-formed XML")),
        (whole.replace("</D:multistatus>", ""), failed("the answer is cut off")),
        ("<html>fine</html>".to_owned(), failed("the answer is no multistatus")),
        (String::new(), failed("the answer is cut off")),
    ] {
        assert_eq!(room(answer.clone()).await.read().await, expected, "{answer}");
    }
}

#[tokio::test]
async fn redirects_are_followed_on_the_same_server_alone_and_not_for_ever() {
    let elsewhere = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&elsewhere);
    let other = serve(Router::new().fallback(move |request: Request| {
        heard.lock().unwrap().push(format!("{:?}", request.headers().get("authorization")));
        async { StatusCode::UNAUTHORIZED }
    }))
    .await;
    for (location, expected) in [
        ("/room/".to_owned(), "05T08:00 05T08:30 standup"),
        (
            other.to_string(),
            "CalendarUnreadable retry: the calendar cannot be read: the server redirects to another one; write the URL it redirects to as the integration's url",
        ),
        (
            "/start/".to_owned(),
            "CalendarUnreadable retry: the calendar cannot be read: the server redirects more than five times",
        ),
    ] {
        let answer = query(&[&calendar(STANDUP)], "");
        let router = Router::new().fallback(move |request: Request| {
            let (path, is_report) = (request.uri().path().to_owned(), request.method().as_str() == "REPORT");
            let (location, answer) = (location.clone(), answer.clone());
            async move {
                match path.as_str() {
                    "/start/" => (StatusCode::PERMANENT_REDIRECT, [("location", location)]).into_response(),
                    _ => multistatus(if is_report { answer } else { STATE.to_owned() }),
                }
            }
        });
        let mut asking = Asking::caldav(serve(router).await.as_str(), "right", Some("/start/"));
        assert_eq!(asking.read().await, expected);
    }
    assert_eq!(*elsewhere.lock().unwrap(), Vec::<String>::new(), "another server heard of us");
}

/// A server that asks for Digest with SHA-256 (and offers MD5 and Basic), knows the password `right`, and changes its nonce when told to.
struct Guard {
    nonce: String,
    counts: BTreeMap<String, u32>,
    refused: usize,
}

impl Guard {
    fn admits(&mut self, request: &Request) -> Result<(), bool> {
        let header = request.headers().get("authorization").and_then(|value| value.to_str().ok()).ok_or(false)?;
        let given = parameters(header.strip_prefix("Digest ").ok_or(false)?);
        let get = |name: &str| given.get(name).map(String::as_str).unwrap_or_default();
        if get("nonce") != self.nonce {
            return Err(true);
        }
        let answer = Answer {
            algorithm: Algorithm::parse(given.get("algorithm").map(String::as_str)).ok_or(false)?,
            username: "fjord",
            realm: "rooms, \"all\"",
            nonce: &self.nonce,
            method: request.method().as_str(),
            uri: request.uri().path_and_query().unwrap().as_str(),
            qop_auth: Some((get("nc"), get("cnonce"))),
            cnonce: get("cnonce"),
        };
        let count = u32::from_str_radix(get("nc"), 16).map_err(|_| false)?;
        let last = self.counts.entry(self.nonce.clone()).or_default();
        let right =
            answer.algorithm == Algorithm::Sha256 && get("response") == response(&answer, "right") && count > *last;
        *last = count.max(*last);
        right.then_some(()).ok_or(false)
    }
}

async fn guarded(password: &str) -> (Asking, Arc<Mutex<Guard>>) {
    let guard = Arc::new(Mutex::new(Guard { nonce: "n1".into(), counts: BTreeMap::new(), refused: 0 }));
    let shared = Arc::clone(&guard);
    let router = Router::new().fallback(move |request: Request| {
        let mut guard = shared.lock().unwrap();
        let answer = match guard.admits(&request) {
            Ok(()) if request.method().as_str() == "REPORT" => multistatus(query(&[&calendar(STANDUP)], "")),
            Ok(()) => multistatus(STATE.to_owned()),
            Err(stale) => {
                guard.refused += 1;
                let digest = |algorithm| {
                    let nonce = &guard.nonce;
                    format!(r#"Digest realm="rooms, \"all\"", nonce="{nonce}", qop="auth", algorithm={algorithm}, stale={stale}"#)
                };
                Response::builder()
                    .status(401)
                    .header("www-authenticate", format!("Basic realm=\"rooms\", {}", digest("MD5")))
                    .header("www-authenticate", digest("SHA-256"))
                    .body(Body::empty())
                    .unwrap()
            }
        };
        async move { answer }
    });
    (Asking::caldav(serve(router).await.as_str(), password, Some("/room/")), guard)
}

#[tokio::test]
async fn digest_signs_in_once_counts_on_and_survives_a_new_nonce() {
    let (mut asking, guard) = guarded("right").await;
    assert_eq!(asking.read().await, "05T08:00 05T08:30 standup");
    assert_eq!((asking.requests(), guard.lock().unwrap().refused), (3, 1));
    assert_eq!(asking.read().await, "unchanged");
    assert_eq!((asking.requests(), guard.lock().unwrap().refused), (4, 1), "one request once signed in");
    guard.lock().unwrap().nonce = "n2".into();
    assert_eq!(asking.read().await, "unchanged");
    assert_eq!((asking.requests(), guard.lock().unwrap().refused), (6, 2));
    let (mut wrong, guard) = guarded("wrong").await;
    assert!(wrong.read().await.starts_with("CredentialsRefused fix"));
    assert_eq!(guard.lock().unwrap().refused, 2, "a wrong password is tried once");
}
