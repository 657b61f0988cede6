//! NTLM on the wire: a login is its connection's, and no other's.

use super::desk::{Desk, PASSWORD, find, open, soap, week};
use otj::auth::ntlm::client::{Account, Handshake};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// One TLS connection, spoken by hand.
struct Line(BufReader<TlsStream<TcpStream>>);

impl Line {
    async fn open(desk: &Desk) -> Self {
        use rustls::pki_types::pem::PemObject as _;
        let mut roots = rustls::RootCertStore::empty();
        roots.add(rustls::pki_types::CertificateDer::from_pem_slice(desk.certificate.as_bytes()).unwrap()).unwrap();
        let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let stream = TcpStream::connect(("127.0.0.1", desk.url.port().unwrap())).await.unwrap();
        let name = rustls::pki_types::ServerName::try_from("localhost").unwrap();
        let connector = tokio_rustls::TlsConnector::from(std::sync::Arc::new(config));
        Self(BufReader::new(connector.connect(name, stream).await.unwrap()))
    }

    async fn send(&mut self, headers: &str, body: &str) {
        let request = format!(
            "POST /ews/exchange.ASMX HTTP/1.1\r\nHost: localhost\r\n{headers}Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.0.get_mut().write_all(request.as_bytes()).await.unwrap();
    }

    /// Status, the challenges, the body.
    async fn read(&mut self) -> (u16, Vec<String>, String) {
        let (mut status, mut challenges, mut length) = (0, Vec::new(), 0);
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).await.unwrap();
            let line = line.trim_end();
            if let Some(rest) = line.strip_prefix("HTTP/1.1 ") {
                status = rest[..3].parse().unwrap();
            }
            match line.split_once(": ") {
                Some(("www-authenticate", value)) => challenges.push(value.to_owned()),
                Some(("content-length", value)) => length = value.parse().unwrap(),
                _ => {}
            }
            if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).await.unwrap();
        (status, challenges, String::from_utf8(body).unwrap())
    }

    async fn ask(&mut self, headers: &str, body: &str) -> (u16, Vec<String>, String) {
        self.send(headers, body).await;
        self.read().await
    }

    /// The third message for `name`, as a header, and what it took to get there.
    async fn proof(&mut self, scheme: &str, name: &str, password: &str) -> String {
        let begun = Handshake::default();
        let first = format!("Authorization: {scheme} {}\r\n", begun.negotiate());
        let (status, challenges, _) = self.ask(&first, "").await;
        assert_eq!((status, challenges.len()), (401, 1), "only the challenge: {challenges:?}");
        let token = challenges[0].strip_prefix(&format!("{scheme} ")).unwrap();
        let account = Account { name, password, host: "localhost", binding: None };
        let third = begun.answer(token, &account, [3; 8], "2026-11-23T08:00:00Z".parse().unwrap()).unwrap();
        format!("Authorization: {scheme} {third}\r\n")
    }
}

fn request() -> String {
    soap("", &find("", "2026-11-23", "2026-11-24"))
}

#[tokio::test]
async fn a_signed_in_connection_needs_no_more_headers_and_a_replayed_login_is_worth_nothing_elsewhere() {
    let desk = open().await;
    desk.publish("fjord", week());
    for scheme in ["NTLM", "Negotiate"] {
        let mut line = Line::open(&desk).await;
        let proof = line.proof(scheme, r"CORP\fjord", PASSWORD).await;
        let (status, _, body) = line.ask(&proof, &request()).await;
        assert_eq!((status, body.contains("Weekly status")), (200, true), "{scheme}");
        // Two at once on the same connection, without a login of their own.
        line.send("", &request()).await;
        line.send("", &request()).await;
        for _ in 0..2 {
            assert_eq!(line.read().await.0, 200);
        }
        // The same proof again, here and on a connection of its own.
        let (status, challenges, _) = line.ask(&proof, &request()).await;
        assert_eq!((status, challenges.len()), (401, 3));
        assert!(challenges.iter().all(|challenge| !challenge.starts_with("Negotiate")), "never offered");
        assert_eq!(line.ask("", &request()).await.0, 401, "a failed login ends the one before");
        let mut other = Line::open(&desk).await;
        assert_eq!(other.ask(&proof, &request()).await.0, 401);
        assert_eq!(other.ask("", &request()).await.0, 401);
    }
}

#[tokio::test]
async fn what_comes_through_an_http_proxy_is_never_bound_to_a_connection_and_reads_why() {
    let desk = open().await;
    desk.publish("fjord", week());
    let mut line = Line::open(&desk).await;
    let proof = line.proof("NTLM", "fjord", PASSWORD).await;
    assert_eq!(line.ask(&proof, &request()).await.0, 200);
    for mark in ["Via: 1.1 proxy\r\n", "X-Forwarded-For: 192.0.2.1\r\n", "Forwarded: for=192.0.2.1\r\n"] {
        let (status, challenges, _) = line.ask(mark, &request()).await;
        assert_eq!((status, challenges.len()), (401, 2), "{mark}");
        assert!(!challenges.contains(&"NTLM".to_owned()));
        let first = format!("{mark}Authorization: NTLM {}\r\n", Handshake::default().negotiate());
        let (status, _, said) = line.ask(&first, "").await;
        assert_eq!(status, 401);
        assert!(said.contains("HTTP proxy"), "{said}");
    }
}

#[tokio::test]
async fn a_wrong_proof_leaves_the_connection_open_for_a_right_one() {
    let desk = open().await;
    desk.publish("fjord", week());
    let mut line = Line::open(&desk).await;
    for (name, password, status) in
        [("fjord", "wrong", 401), ("nobody", PASSWORD, 401), ("mute", "", 401), ("FJORD", PASSWORD, 200)]
    {
        let proof = line.proof("NTLM", name, password).await;
        assert_eq!(line.ask(&proof, &request()).await.0, status, "{name}");
    }
    let rows: Vec<String> = desk
        .tally
        .poly_logins
        .snapshot()
        .into_iter()
        .map(|(labels, count)| format!("{} {count}", labels.join(" ")))
        .collect();
    assert_eq!(rows, ["ntlm granted 1", "ntlm no_secret 1", "ntlm refused 1"]);
}
