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
