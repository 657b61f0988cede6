//! The listener under the server: certificates that change under way, and clients that are not what they should be.

use std::io::ErrorKind;

use super::desk::{find, items, open, week};
use otj::listen::{TlsSettings, self_signed};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

#[tokio::test]
async fn plain_http_and_silence_on_the_port_disturb_nobody() {
    let desk = open().await;
    desk.publish("fjord", week());
    let address = ("127.0.0.1", desk.url.port().unwrap());
    let mut plain = TcpStream::connect(address).await.unwrap();
    let silent = TcpStream::connect(address).await.unwrap();
    plain.write_all(b"POST /EWS/Exchange.asmx HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    match plain.read_to_end(&mut answer).await {
        Ok(_) => assert!(!answer.starts_with(b"HTTP"), "an alert, at most"),
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
    }
    let (status, listed) = desk.ask("fjord", &find("", "2026-11-23", "2026-11-24")).await;
    assert_eq!((status, items(&listed).len()), (200, 1));
    drop(silent);
}

#[tokio::test]
async fn another_certificate_is_used_from_the_next_connection_on() {
    let names = ["127.0.0.1".to_owned()];
    let (certificate, key) = self_signed(&names).unwrap();
    let tls = TlsSettings::from_pem(certificate.as_bytes(), &key).unwrap();
    let mut desk = super::desk::open_on(tls.clone(), certificate).await;
    desk.publish("fjord", week());
    let request = find("", "2026-11-23", "2026-11-24");
    assert_eq!(desk.ask("fjord", &request).await.0, 200);
    let (other, other_key) = self_signed(&names).unwrap();
    tls.replace(other.as_bytes(), &other_key).unwrap();
    assert_eq!(desk.ask("fjord", &request).await.0, 200, "the open connection goes on");
    desk.certificate = other;
    assert_eq!(desk.ask("fjord", &request).await.0, 200, "whoever trusts the new one gets it");
}

#[tokio::test]
async fn a_balancer_that_is_trusted_tells_of_its_client_and_nobody_else_may() {
    use otj::listen::{Connection, Door, ListenLimits, serve_behind};
    let header = |command: u8| {
        let mut header = b"\r\n\r\n\0\r\nQUIT\n".to_vec();
        header.extend([0x20 | command, 0x11, 0, 12, 192, 0, 2, 7, 127, 0, 0, 1, 0x12, 0x34, 0, 80]);
        header
    };
    let request = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let loopback: [otj::listen::Network; 1] = ["127.0.0.0/8".parse().unwrap()];
    let elsewhere: [otj::listen::Network; 1] = ["192.0.2.0/24".parse().unwrap()];
    for (allow, proxies, sent, wanted) in [
        (&[][..], &loopback[..], [header(1), request.to_vec()].concat(), "192.0.2.7 false"),
        (&[], &loopback, [header(0), request.to_vec()].concat(), "127.0.0.1 false"),
        (&[], &loopback, request.to_vec(), "127.0.0.1 true"),
        (&[], &[], request.to_vec(), "127.0.0.1 false"),
        (&[], &[], [header(1), request.to_vec()].concat(), "400"),
        (&elsewhere, &[], request.to_vec(), ""),
        (&elsewhere, &loopback, [header(1), request.to_vec()].concat(), "192.0.2.7 false"),
    ] {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let told = async |axum::Extension(connection): axum::Extension<Connection>| {
            format!("{} {}", connection.peer.ip(), connection.shared)
        };
        let router = axum::Router::new().route("/", axum::routing::get(told));
        let door = Door { allow: allow.into(), proxies: proxies.into(), tally: None };
        let stop = tokio_util::sync::CancellationToken::new();
        let serving = tokio::spawn(serve_behind(door, listener, None, router, ListenLimits::default(), stop.clone()));
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(&sent).await.ok();
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).await.ok();
        let answer = String::from_utf8_lossy(&answer);
        let seen = if answer.starts_with("HTTP/1.1 400") { "400" } else { answer.rsplit("\r\n").next().unwrap_or("") };
        assert_eq!(seen, wanted, "{answer}");
        stop.cancel();
        serving.await.unwrap();
    }
}

#[tokio::test]
async fn failed_handshakes_are_counted_by_their_reason() {
    let tally = otj::model::tally::Tally::new();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (certificate, key) = self_signed(&["127.0.0.1".to_owned()]).unwrap();
    let tls = TlsSettings::from_pem(certificate.as_bytes(), &key).unwrap();
    let door = otj::listen::Door { tally: Some(tally.clone()), ..otj::listen::Door::default() };
    let stop = tokio_util::sync::CancellationToken::new();
    let router = axum::Router::new();
    let limits = otj::listen::ListenLimits::default();
    let serving = tokio::spawn(otj::listen::serve_behind(door, listener, Some(tls), router, limits, stop.clone()));
    // A ClientHello of TLS 1.0 as an old device sends it: one cipher suite, no extension.
    let mut old = vec![0x16, 3, 1, 0, 45, 1, 0, 0, 41, 3, 1];
    old.extend([7; 32]);
    old.extend([0, 0, 2, 0xc0, 0x2f, 1, 0]);
    for sent in [b"GET / HTTP/1.1\r\n\r\n".to_vec(), old] {
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(&sent).await.unwrap();
        client.read_to_end(&mut Vec::new()).await.ok();
    }
    stop.cancel();
    serving.await.unwrap();
    let rows: Vec<String> =
        tally.tls_failures.snapshot().into_iter().map(|(labels, count)| format!("{labels:?} {count}")).collect();
    assert_eq!(rows, [r#"["not_tls"] 1"#, r#"["old_version"] 1"#]);
}
