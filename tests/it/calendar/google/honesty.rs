//! Neither the reader nor the simulated Google is believed on its own: what went between them is checked against Google's
//! description of its API, and Google's own client asks the simulated one over a socket.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request as Asked;
use axum::http::Response;
use otj::http::{Peer as _, Request};
use otj::listen::{ListenLimits, serve};
use otj::model::{Clock, Window};
use otj::sim::google::{GoogleOptions, Quotas};
use otj::sim::rooms::RoomAccess;
use otj::sim::token::EXAMPLE_KEY;
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::site::{READER, ROOM, Reader, Site};
use crate::python;

const WEEK: &str = "
    a 05 10:00-11:00 Weekly; says=Join joins=https://meet.google.com/abc-defg-hij
    b 05 12:00-13:00 Declined; declined
    c 06 10:00-11:00 Private; private
    d 07-08 Whole day
    e 08 10:00-11:00 Moved; first=08T08:00 joins=sip:1@example.com
    f 09 10:00-11:00 Free; free";

#[tokio::test(start_paused = true)]
async fn requests_and_answers_are_as_google_describes_them() {
    let mut exchanges = Vec::new();
    for (page_max, empty_pages, access) in
        [(2500, false, RoomAccess::Writer), (2, true, RoomAccess::Reader), (2500, false, RoomAccess::FreeBusy)]
    {
        let site = Site::with(GoogleOptions { page_max, empty_pages, ..GoogleOptions::default() });
        site.book(WEEK);
        site.rooms.change(ROOM, |room| room.access = access);
        let mut reader = Reader::of(&site);
        reader.read().await;
        reader.read().await;
        reader.busy(&[ROOM, "nobody@example.com"]).await;
        exchanges.extend(site.exchanges());
    }
    // Refusals: nobody's room, a window without length, too many requests in each of the ways to say so.
    let quotas = Quotas { account_minute: 3, ..Quotas::default() };
    let site = Site::with(GoogleOptions { quotas, ..GoogleOptions::default() });
    let mut reader = Reader::of(&site);
    for _ in 0..12 {
        reader.read().await;
        let from = reader.request.window.from;
        reader.request.window = Window { from, to: from };
    }
    exchanges.extend(site.exchanges());
    let mut seen: Vec<u64> = exchanges.iter().map(|exchange| exchange["status"].as_u64().unwrap()).collect();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen, [200, 304, 400, 403, 404, 429]);
    assert!(exchanges.len() > 15);
    let asked = json!(exchanges);
    let faults = tokio::task::spawn_blocking(move || python::ask(python::script("tests/python/google_log.py"), &asked));
    assert_eq!(faults.await.unwrap(), json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn googles_own_client_pages_through_the_simulated_calendar() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let root = format!("http://{}", listener.local_addr().unwrap());
    // Wherever its endpoint is, the client's statements are for Google's.
    let token_url = format!("{root}/token");
    let site = Site::at(Clock::system(), GoogleOptions::default());
    site.book(WEEK);
    let stop = CancellationToken::new();
    let served = tokio::spawn(serve(
        listener,
        None,
        router(Arc::clone(&site), root.clone()),
        ListenLimits::default(),
        stop.clone(),
    ));
    let asked = json!({
        "api": format!("{root}/calendar/v3/"), "room": ROOM, "rooms": [ROOM, "nobody@example.com"], "pageSize": 2,
        "timeMin": "2026-01-05T00:00:00Z", "timeMax": "2026-01-12T00:00:00Z",
        "key": {"type": "service_account", "client_email": READER, "private_key": EXAMPLE_KEY, "token_uri": token_url},
    });
    let seen =
        tokio::task::spawn_blocking(move || python::ask(python::script("tests/python/google_client.py"), &asked));
    let seen = seen.await.unwrap();
    let titles = |page: &serde_json::Value| -> Vec<String> {
        page.as_array().unwrap().iter().map(|event| event[0].as_str().unwrap_or("hidden").to_owned()).collect()
    };
    let pages: Vec<Vec<String>> = seen["pages"].as_array().unwrap().iter().map(titles).collect();
    assert_eq!(pages, [["Weekly", "Declined"], ["hidden", "Whole day"], ["Moved", "Free"]]);
    assert_eq!(seen["pages"][0][0][1], json!({"dateTime": "2026-01-05T11:00:00+01:00", "timeZone": "Europe/Oslo"}));
    assert_eq!(seen["pages"][1][1][1], json!({"date": "2026-01-07"}));
    let own = json!({"email": ROOM, "resource": true, "self": true, "responseStatus": "declined"});
    assert_eq!(seen["pages"][0][1][2][1], own);
    assert_eq!(seen["busy"][ROOM]["busy"].as_array().unwrap().len(), 4);
    assert_eq!(seen["busy"]["nobody@example.com"]["errors"], json!([{"domain": "global", "reason": "notFound"}]));
    assert_eq!(seen["refused"], json!([404, "notFound"]));
    stop.cancel();
    served.await.unwrap();
}

/// The site on a socket.
fn router(site: Arc<Site>, root: String) -> Router {
    Router::new().fallback(move |asked: Asked| {
        let (site, root) = (Arc::clone(&site), root.clone());
        async move {
            let (head, body) = asked.into_parts();
            let url = format!("{root}{}", head.uri.path_and_query().unwrap()).parse().unwrap();
            let mut request = Request::new(head.method, url);
            request.headers = head.headers;
            request.body = to_bytes(body, 1 << 20).await.unwrap();
            let (status, headers, body) = site.answer(&request).result.unwrap();
            let mut response = Response::new(Body::from(body));
            *response.status_mut() = status;
            *response.headers_mut() = headers;
            response
        }
    })
}
