//! Real clients: `exchangelib` and `curl`.

use std::process::Command;

use super::desk::{Desk, PASSWORD, find, open, open_with, soap, week};
use super::schemas::validated;
use crate::python;
use otj::endpoint::poly::Scheme;
use otj::model::device::PolyEmit;
use serde_json::{Value, json};

/// Runs `exchangelib` as the device of `fjord`, once for each of `changes`, which override what it is told.
async fn exchangelib(desk: &Desk, changes: &[Value]) -> Vec<Value> {
    let scratch = tempfile::tempdir().unwrap();
    let certificate = scratch.path().join("certificate.pem");
    std::fs::write(&certificate, &desk.certificate).unwrap();
    let plain = json!({
        "url": desk.url.as_str(), "certificate": certificate, "username": "fjord", "password": PASSWORD, "auth": null,
        "mailbox": "room.fjord@example.com", "start": "2026-11-23T00:00:00+00:00", "end": "2026-11-30T00:00:00+00:00",
    });
    let asks: Vec<Value> = changes
        .iter()
        .map(|change| {
            let mut ask = plain.clone();
            ask.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            ask
        })
        .collect();
    let asks = json!(asks);
    let asked =
        tokio::task::spawn_blocking(move || python::ask(python::script("tests/it/poly/exchange_client.py"), &asks));
    asked.await.unwrap().as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_exchange_client_reads_the_week_with_every_login() {
    let desk = open().await;
    desk.publish("fjord", week());
    let logins = [
        json!({"auth": "digest", "build": [15, 0]}),
        json!({"auth": "basic", "build": [8, 0]}),
        json!({"auth": "NTLM", "build": [8, 1]}),
        json!({"auth": "NTLM", "build": null, "username": "CORP\\fjord"}),
        json!({"auth": null, "build": null}),
    ];
    for (seen, scheme) in exchangelib(&desk, &logins).await.iter().zip(["digest", "basic", "NTLM", "NTLM", "digest"]) {
        let wanted = ["Weekly status", "Private", "Offsite", "Board", "a <b> & \"c\" ]]> ø \u{1f600}"];
        let viewed = seen["viewed"].as_array().unwrap_or_else(|| panic!("{scheme} {seen}"));
        assert_eq!(viewed.iter().map(|item| item["subject"].as_str().unwrap()).collect::<Vec<_>>(), wanted, "{scheme}");
        assert_eq!((&seen["filtered"], &seen["synced"]), (&json!(wanted), &json!(5)), "{scheme}");
        assert_eq!((&seen["scheme"], &seen["count"]), (&json!(scheme), &json!(5)));
        assert_eq!(seen["refreshed"], "Weekly status");
        let first = &viewed[0];
        assert_eq!(
            (&first["start"], &first["end"]),
            (&json!("2026-11-23 09:00:00+00:00"), &json!("2026-11-23 09:30:00+00:00"))
        );
        assert_eq!(
            (&first["location"], &first["organizer"]),
            (&json!("sip:meet.1234@vc.example.com"), &json!("Ada Example"))
        );
        let body = first["body"].as_str().unwrap();
        assert!(body.starts_with("Join: sip:meet.1234@vc.example.com") && body.contains("POLYCOM VMR"), "{body}");
        assert_eq!((&viewed[1]["sensitivity"], &viewed[2]["all_day"]), (&json!("Private"), &json!(true)));
        assert_eq!(viewed[3]["location"], "h323:10.1.2.3##456");
    }
    let exchanges: Vec<_> = desk.wire.lock().unwrap().iter().filter(|(_, status, _)| *status == 200).cloned().collect();
    assert!(exchanges.len() > 12, "{}", exchanges.len());
    let verdicts = tokio::task::spawn_blocking(move || validated(&exchanges)).await.unwrap();
    assert!(verdicts.iter().all(|verdict| verdict == "valid"), "{verdicts:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_exchange_client_gets_busy_time_subscriptions_zones_and_its_own_name() {
    let desk = open().await;
    desk.publish("fjord", week());
    let seen = &exchangelib(&desk, &[json!({"auth": "NTLM", "build": [15, 0], "more": true})]).await[0];
    let busy = json!([
        "2026-11-23 09:00:00+00:00",
        "2026-11-24 10:00:00+00:00",
        "2026-11-24 23:00:00+00:00",
        "2026-11-25 12:00:00+00:00",
        "2026-11-26 09:00:00+00:00"
    ]);
    assert_eq!(seen["busy"], busy, "{seen}");
    assert_eq!(seen["merged"].as_str().map(|merged| merged.matches('2').count()), Some(51), "{seen}");
    assert_eq!(seen["pulled"], json!(["StatusEvent"]), "{seen}");
    assert_eq!(seen["streaming"], true, "{seen}");
    assert_eq!(seen["zones"], json!(["Europe/Oslo", "UTC"]), "{seen}");
    assert_eq!(seen["resolved"], json!(["room.fjord@example.com"]), "{seen}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_exchange_client_understands_refusals_and_a_room_never_read() {
    let desk = open().await;
    let (changes, errors): (Vec<Value>, Vec<&str>) = [
        (json!({"password": "wrong", "auth": "basic"}), "UnauthorizedError"),
        (json!({"password": "wrong", "auth": "digest"}), "UnauthorizedError"),
        (json!({"username": "nobody", "auth": "digest"}), "UnauthorizedError"),
        (json!({"password": "wrong", "auth": "NTLM"}), "UnauthorizedError"),
        (json!({"username": "nobody", "auth": "NTLM"}), "UnauthorizedError"),
        (json!({"username": "mute", "auth": "basic"}), "UnauthorizedError"),
        (json!({"mailbox": "room.vik@example.com", "auth": "basic"}), "ErrorAccessDenied"),
        (json!({"auth": "basic"}), "ErrorServerBusy"),
    ]
    .into_iter()
    .unzip();
    for ((seen, error), change) in exchangelib(&desk, &changes).await.iter().zip(errors).zip(&changes) {
        assert_eq!(seen["error"], error, "{change} {seen}");
    }
}

/// The status that `curl` ends with, and the answer.
async fn curl(desk: &Desk, arguments: &[&str], body: &str) -> (String, String) {
    let scratch = tempfile::tempdir().unwrap();
    let (certificate, request) = (scratch.path().join("certificate.pem"), scratch.path().join("request.xml"));
    std::fs::write(&certificate, &desk.certificate).unwrap();
    std::fs::write(&request, body).unwrap();
    let mut curl = Command::new("curl");
    curl.args(["-sS", "--noproxy", "*", "--cacert"])
        .arg(&certificate)
        .args(["-w", "\n%{http_code} %{num_connects} %{http_version}"]);
    curl.args(arguments).arg("--data-binary").arg(format!("@{}", request.display())).arg(desk.url.as_str());
    let output = tokio::task::spawn_blocking(move || curl.output().unwrap()).await.unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text} {}", String::from_utf8_lossy(&output.stderr));
    let (answer, end) = text.rsplit_once('\n').unwrap();
    drop(scratch);
    (end.to_owned(), answer.to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn curl_logs_in_with_three_schemes_on_one_kept_connection() {
    let desk = open().await;
    desk.publish("fjord", week());
    let request = soap("", &find("", "2026-11-23", "2026-11-24"));
    let right = format!("fjord:{PASSWORD}");
    let domain = format!("CORP\\fjord:{PASSWORD}");
    for (arguments, end) in [
        (vec!["--digest", "-u", &right], "200 1 1.1"),
        (vec!["--digest", "-u", &domain], "200 1 1.1"),
        (vec!["--basic", "-u", &right], "200 1 1.1"),
        (vec!["--anyauth", "-u", &right], "200 1 1.1"),
        (vec!["--http2", "--basic", "-u", &right], "200 1 1.1"),
        (vec!["--ntlm", "-u", &right], "200 1 1.1"),
        (vec!["--ntlm", "-u", &domain], "200 1 1.1"),
        (vec!["--ntlm", "-u", "fjord:wrong"], "401 1 1.1"),
        (vec!["--ntlm", "-u", "nobody:wrong"], "401 1 1.1"),
        (vec!["--digest", "-u", "fjord:wrong"], "401 1 1.1"),
        (vec!["--basic", "-u", "fjord:wrong"], "401 1 1.1"),
        (vec!["--digest", "-u", "nobody:wrong"], "401 1 1.1"),
        (vec![], "401 1 1.1"),
    ] {
        let (ended, answer) = curl(&desk, &arguments, &request).await;
        assert_eq!(ended, end, "{arguments:?}");
        assert_eq!(answer.contains("Weekly status"), end.starts_with("200"), "{arguments:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn challenges_stand_on_lines_of_their_own_in_the_order_that_is_set() {
    for (schemes, lines) in [
        (vec![Scheme::Digest, Scheme::Basic], vec!["Digest realm=\"otj\",", "Basic realm=\"otj\""]),
        (vec![Scheme::Ntlm, Scheme::DigestSha256], vec!["NTLM", "Digest realm=\"otj\","]),
        (vec![Scheme::Basic], vec!["Basic realm=\"otj\""]),
    ] {
        let desk = open_with(&schemes, PolyEmit::default()).await;
        let answer = desk.post(None, "").await;
        let found: Vec<&str> =
            answer.headers.get_all("www-authenticate").iter().map(|value| value.to_str().unwrap()).collect();
        assert_eq!(found.len(), lines.len());
        assert!(found.iter().zip(&lines).all(|(found, line)| found.starts_with(line)), "{found:?}");
        assert_eq!(answer.headers["content-length"], answer.body.len().to_string());
    }
}
