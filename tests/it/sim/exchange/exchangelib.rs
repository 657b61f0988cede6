//! Another program's opinion: exchangelib finds the server by Autodiscover, acts as a room, lists, listens, over TLS, by Basic and by NTLM.

use std::process::Stdio;
use std::sync::Arc;

use otj::listen::{TlsSettings, self_signed};
use otj::model::Clock;
use otj::sim::exchange::{ExchangeOptions, Offered};
use otj::sim::served::Services;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::rig::{ONE, ROOM, Site};
use crate::python;

/// The organisation on a socket, with names that lead there; and the certificate of all of them.
async fn serve(site: &Site) -> (u16, tempfile::NamedTempFile, CancellationToken, tokio::task::JoinHandle<()>) {
    let names = ["example.com", "autodiscover.example.com", "one.example.com"].map(str::to_owned);
    let (certificate, key) = self_signed(&names).unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &certificate).unwrap();
    let der = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap().to_vec();
    site.fake.change(|org| org.servers.values_mut().for_each(|server| server.certificate = Some(der.clone())));
    let tls = TlsSettings::from_pem(certificate.as_bytes(), &key).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let services = Services { by_path: vec![("/", Arc::clone(&site.fake) as _)], clock: Clock::system() };
    let stop = CancellationToken::new();
    let served = tokio::spawn(services.serve_over(listener, Some(tls), stop.clone()));
    (port, file, stop, served)
}

#[tokio::test]
async fn exchangelib_finds_acts_lists_and_listens() {
    session("basic", |offered| offered.windows = false).await;
}

#[tokio::test]
async fn exchangelib_does_so_by_ntlm_bound_to_the_certificate() {
    session("NTLM", |offered| offered.basic = false).await;
}

async fn session(scheme: &str, offer: impl FnOnce(&mut Offered)) {
    let site = Site::with(ExchangeOptions::default());
    site.fake.change(|org| offer(&mut org.offered));
    let (port, certificate, stop, served) = serve(&site).await;
    let ask = json!({
        "port": port, "certificate": certificate.path(), "username": "otj@example.com", "password": "right",
        "mailbox": ROOM, "start": "2026-01-05T00:00:00+00:00", "end": "2026-01-06T00:00:00+00:00",
    });
    let mut command = tokio::process::Command::from(python::script("tests/python/exchange_client.py"));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    // It keeps there how domains are signed in to, for all processes.
    let scratch = tempfile::tempdir().unwrap();
    command.env("TMPDIR", scratch.path());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(ask.to_string().as_bytes()).await.unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let listening = lines.next_line().await.unwrap();
    if listening.as_deref() != Some("listening") {
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).await.unwrap();
        panic!("{listening:?} {said}");
    }
    site.book(ROOM, &["c 05T12:00 Lunch"]);
    let seen = lines.next_line().await.unwrap();
    if seen.is_none() {
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).await.unwrap();
        panic!("{said}");
    }
    let seen: Value = serde_json::from_str(&seen.unwrap()).unwrap();
    assert_eq!((&seen["url"], &seen["by"]), (&json!(ONE), &json!(scheme)));
    let shown = |id: &str, start: &str, subject: &str| {
        let body = format!("<p>Join <a href=\"https://meet.example.com/{id}\">here</a></p>");
        (subject.to_owned(), format!("2026-01-05 {start}:00+00:00"), body)
    };
    let expected = [shown("a", "09:00", "Standup"), shown("b", "10:00", "Review"), shown("c", "12:00", "Lunch")];
    let told = seen["viewed"].as_array().unwrap().iter().chain([&seen["new"]]);
    for (item, (subject, start, body)) in told.zip(expected) {
        assert_eq!((item["subject"].as_str(), item["start"].as_str()), (Some(subject.as_str()), Some(start.as_str())));
        assert!(item["body"].as_str().unwrap().contains(&body), "{item}");
        assert_eq!((&item["organizer"], &item["response"]), (&json!("carol@example.com"), &json!("Accept")));
    }
    assert_eq!(seen["viewed"].as_array().unwrap().len(), 2);
    assert_eq!(seen["changed"], json!(["create", "create"]));
    assert_eq!(seen["events"], json!(["CreatedEvent", "FreeBusyChangedEvent", "ModifiedEvent"]));
    assert_eq!(seen["nobody"], "ErrorNonExistentMailbox");
    let zones = json!([
        ["UTC", 0],
        // It calls the last of a month the fifth.
        ["W. Europe Standard Time", -60, 3, 5, "02:00:00"],
        ["Eastern Standard Time", 300, 3, 2, "02:00:00"],
    ]);
    assert_eq!(seen["zones"], zones);
    assert!(site.fake.counts().operations["GetUserSettings"] >= 2);
    stop.cancel();
    served.await.unwrap();
}
