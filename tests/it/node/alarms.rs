//! Alarms leave the house: a receiver that fails at first, and one who acknowledges and silences.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use tokio::net::TcpListener;

use super::{Site, eventually};

/// What was received, and how many requests are still refused.
type Received = Arc<Mutex<(Vec<serde_json::Value>, u32)>>;

async fn receiver(site: &Site) -> (Received, String) {
    let received = Received::new(Mutex::new((Vec::new(), 2)));
    let take = |State(received): State<Received>, body: axum::Json<serde_json::Value>| async move {
        let mut received = received.lock().unwrap();
        if received.1 > 0 {
            received.1 -= 1;
            return StatusCode::SERVICE_UNAVAILABLE;
        }
        received.0.push(body.0);
        StatusCode::NO_CONTENT
    };
    let router = Router::new().route("/hook/canary-secret", post(take)).with_state(received.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook/canary-secret", listener.local_addr().unwrap());
    let stop = site.stop.clone();
    tokio::spawn(async move { axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).await });
    (received, url)
}

#[tokio::test]
async fn alarms_are_sent_on_when_they_are_raised_and_cleared_until_the_receiver_takes_them() {
    let site = Site::bare().await;
    let (received, url) = receiver(&site).await;
    std::fs::write(site.path("secrets/webhook"), format!("{url}\n")).unwrap();
    site.invite(&[("standup", 1)]);
    site.write("documents.yaml", "kind: Nonsense\n");
    let flag = site.path("secrets/webhook");
    let daemon = site.start_with("debug", &["--alarm-webhook-url-file", flag.to_str().unwrap()]);
    let told = async || {
        let received = received.lock().unwrap();
        let one = |it: &serde_json::Value| format!("{} {}", it["state"].as_str().unwrap(), it["id"].as_str().unwrap());
        received.0.iter().map(one).collect::<Vec<_>>().join(", ")
    };
    eventually("raised config/directory/ConfigInvalid", told).await;
    {
        let received = received.lock().unwrap();
        assert_eq!(received.1, 0, "it was refused twice before");
        assert!(received.0[0]["remedy"].as_str().unwrap().contains("otj lint"), "the whole alarm");
        assert_eq!(received.0[0]["severity"], "error");
    }
    site.write("documents.yaml", &site.documents("Zoom"));
    eventually("raised config/directory/ConfigInvalid, cleared config/directory/ConfigInvalid", told).await;
    assert!(!daemon.log.lock().unwrap().contains("canary-secret"), "the URL is a secret");
    assert!(daemon.log.lock().unwrap().contains("alarm_cleared"));
}
