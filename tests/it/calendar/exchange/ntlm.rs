//! NTLMv2 against an independent acceptor: pyspnego from PyPI behind a small HTTP server, which takes nothing older.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use otj::calendar::exchange::refusal::EntryError;
use otj::http::{HttpError, ProxyFault, Url};
use otj::oauth::password::{PasswordError, PasswordFault};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use super::super::proxied::{Manner, proxy};
use super::rig::{Asker, Certificate, basic, ntlm};
use crate::python::{interpreter, root};

/// The server. It ends with the test.
struct Acceptor {
    _process: Child,
    lines: Lines<BufReader<ChildStdout>>,
    port: u16,
    directory: tempfile::TempDir,
}

impl Acceptor {
    async fn start(more: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self::start_in(directory, more).await
    }

    async fn start_in(directory: tempfile::TempDir, more: &[&str]) -> Self {
        let users = directory.path().join("users");
        std::fs::write(&users, ":otj@example.com:right\nEXAMPLE:otj:right\nWORKSTATION:ørsted:blåbær ß\n").unwrap();
        let mut command = Command::new(interpreter());
        command.arg(root("tests/python/ntlm_server.py")).arg(users).args(more);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut process = command.spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let port = lines.next_line().await.unwrap().expect("the server says its port; run ci/test to install pyspnego");
        Self { _process: process, lines, port: port.parse().unwrap(), directory }
    }

    async fn with_tls(algorithm: &'static rcgen::SignatureAlgorithm, bound_to_another: bool) -> (Self, Certificate) {
        let directory = tempfile::tempdir().unwrap();
        let own = Certificate::new(directory.path(), "localhost", algorithm);
        let other = Certificate::new(directory.path(), "other.example.com", algorithm);
        let bound = if bound_to_another { &other } else { &own };
        let text = |path: &std::path::Path| path.to_str().unwrap().to_owned();
        let more = ["--tls".to_owned(), text(&own.path), text(&own.key), "--bound".to_owned(), text(&bound.path)];
        (Self::start_in(directory, &more.each_ref().map(String::as_str)).await, own)
    }

    fn url(&self, path: &str) -> Url {
        format!("http://127.0.0.1:{}{path}", self.port).parse().unwrap()
    }

    /// The next `requests` it saw: connection, what was brought along, status.
    async fn told(&mut self, requests: usize) -> Vec<(u64, String, u64)> {
        let mut told = Vec::new();
        for _ in 0..requests {
            let line = tokio::time::timeout(Duration::from_secs(20), self.lines.next_line()).await;
            let line: Value = serde_json::from_str(&line.expect("another request").unwrap().unwrap()).unwrap();
            let brought = line["brought"].as_str().unwrap().to_owned();
            told.push((line["connection"].as_u64().unwrap(), brought, line["status"].as_u64().unwrap()));
        }
        told
    }
}

fn seen(connection: u64, brought: &str, status: u64) -> (u64, String, u64) {
    (connection, brought.to_owned(), status)
}

#[tokio::test]
async fn a_connection_is_signed_in_once_and_used_again_whatever_the_form_of_the_name() {
    let mut server = Acceptor::start(&[]).await;
    let names = [("otj@example.com", "right"), (r"EXAMPLE\otj", "right"), ("ørsted", "blåbær ß")];
    for (connection, (name, password)) in (1..).zip(names) {
        let asker = Asker::new(&server.url("/EWS"), ntlm(name, password));
        for _ in 0..3 {
            let answer = asker.send(&server.url("/EWS")).await.unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!((answer.status.as_u16(), &answer.body[..]), (200, &b"seen <room/>"[..]));
        }
        let expected = [
            seen(connection, "negotiate", 401),
            seen(connection, "authenticate", 200),
            seen(connection, "connection", 200),
            seen(connection, "connection", 200),
        ];
        assert_eq!(server.told(4).await, expected, "{name}");
    }
}

#[tokio::test]
async fn a_server_that_forgets_or_closes_a_connection_is_signed_in_to_again() {
    let mut server = Acceptor::start(&["--offers", "Negotiate"]).await;
    let asker = Asker::new(&server.url("/"), ntlm("otj@example.com", "right"));
    for path in ["/forget", "/EWS", "/close", "/EWS"] {
        assert_eq!(asker.send(&server.url(path)).await.unwrap().status.as_u16(), 200, "{path}");
    }
    // It takes Negotiate alone, and an NTLM message under that name.
    let anew = |connection| {
        [seen(connection, "nothing", 401), seen(connection, "negotiate", 401), seen(connection, "authenticate", 200)]
    };
    assert_eq!(server.told(3).await, anew(1));
    assert_eq!(server.told(1).await, [seen(1, "nothing", 401)]);
    assert_eq!(server.told(3).await, anew(2));
    assert_eq!(server.told(1).await, [seen(2, "connection", 200)]);
    assert_eq!(server.told(3).await, anew(3));
}

#[tokio::test]
async fn the_proof_is_bound_to_the_tls_connection_by_the_certificates_own_hash() {
    for algorithm in [&rcgen::PKCS_ECDSA_P256_SHA256, &rcgen::PKCS_ECDSA_P384_SHA384] {
        let (server, certificate) = Acceptor::with_tls(algorithm, false).await;
        let url: Url = format!("https://localhost:{}/EWS", server.port).parse().unwrap();
        let mut asker = Asker::new(&url, ntlm(r"EXAMPLE\otj", "right"));
        asker.integration.ca_certificates = vec![certificate.pem];
        assert_eq!(asker.send(&url).await.unwrap().status.as_u16(), 200);
    }
    // Somebody in the middle, with a certificate that we trust as well.
    let (server, certificate) = Acceptor::with_tls(&rcgen::PKCS_ECDSA_P256_SHA256, true).await;
    let url: Url = format!("https://localhost:{}/EWS", server.port).parse().unwrap();
    let mut asker = Asker::new(&url, ntlm(r"EXAMPLE\otj", "right"));
    asker.integration.ca_certificates = vec![certificate.pem];
    assert!(matches!(asker.send(&url).await, Err(EntryError::Password(PasswordError::Refused { .. }))));
    assert!(server.directory.path().exists());
}

#[tokio::test]
async fn a_wrong_password_is_refused_once_and_not_tried_again() {
    for (refusal, fault) in [("", PasswordFault::Wrong), ("<td>0x80070532</td>", PasswordFault::Expired)] {
        let mut server = Acceptor::start(&["--refusal", refusal]).await;
        let url = server.url("/EWS");
        let mut asker = Asker::new(&url, ntlm("otj@example.com", "wrong"));
        for _ in 0..5 {
            let error = asker.send(&url).await.unwrap_err();
            let EntryError::Password(PasswordError::Refused { why, again }) = &error else { panic!("{error}") };
            assert!(*why == fault && *again > Duration::from_secs(3500), "{error}");
            assert!(!format!("{error} {error:?}").contains("otj@"));
            asker.restart();
        }
        // Other servers are spared, too, and a corrected password counts at once.
        let other = format!("http://localhost:{}/EWS", server.port).parse().unwrap();
        let mut elsewhere = Asker::new(&other, ntlm("OTJ@example.com", "wrong"));
        elsewhere.access = asker.access.clone();
        assert!(elsewhere.send(&other).await.is_err());
        asker.change(ntlm("otj@example.com", "right"));
        assert_eq!(asker.send(&url).await.unwrap().status.as_u16(), 200);
        let expected = [
            seen(1, "negotiate", 401),
            seen(1, "authenticate", 401),
            seen(2, "negotiate", 401),
            seen(2, "authenticate", 200),
        ];
        assert_eq!(server.told(4).await, expected);
    }
}

#[tokio::test]
async fn a_server_without_the_documents_scheme_is_told_nothing_and_says_what_it_takes() {
    let mut server = Acceptor::start(&[]).await;
    let error = Asker::new(&server.url("/"), basic("otj", "right")).send(&server.url("/")).await.unwrap_err();
    assert!(error.to_string().contains("does not take Basic, but NTLM and Negotiate; write `ntlm`"), "{error}");
    assert_eq!(server.told(1).await, [seen(1, "nothing", 401)]);
}

#[tokio::test]
async fn through_a_web_proxy_the_connection_is_still_ours_alone() {
    let (mut server, certificate) = Acceptor::with_tls(&rcgen::PKCS_ECDSA_P256_SHA256, false).await;
    let url: Url = format!("https://localhost:{}/EWS", server.port).parse().unwrap();
    let mut asker = Asker::new(&url, ntlm(r"EXAMPLE\otj", "right"));
    asker.integration.ca_certificates = vec![certificate.pem];
    let (via, heads) = proxy(Manner::Tunnels).await;
    asker.integration.web_proxy = Some(Arc::new(via));
    for _ in 0..2 {
        assert_eq!(asker.send(&url).await.unwrap().status.as_u16(), 200);
    }
    let expected = [seen(1, "negotiate", 401), seen(1, "authenticate", 200), seen(1, "connection", 200)];
    assert_eq!(server.told(3).await, expected);
    assert_eq!(heads.lock().unwrap().len(), 1);
    let no_account = Manner::Says("HTTP/1.1 407 Who\r\ncontent-length: 0\r\n\r\n");
    for (manner, fault) in [
        (no_account, ProxyFault::AccountRefused),
        (Manner::Says("HTTP/1.1 403 No\r\n\r\n"), ProxyFault::Refused),
        (Manner::Says("<html>"), ProxyFault::NotAProxy),
    ] {
        let mut asker = Asker::new(&url, ntlm(r"EXAMPLE\otj", "right"));
        asker.integration.web_proxy = Some(Arc::new(proxy(manner).await.0));
        let error = asker.send(&url).await.unwrap_err();
        assert_eq!(error, EntryError::Unreachable(HttpError::Proxy(fault)));
    }
}

#[tokio::test]
async fn credentials_go_nowhere_but_where_documents_say_and_never_without_tls() {
    let mut server = Acceptor::start(&[]).await;
    let asker = Asker::new(&server.url("/EWS"), ntlm("otj@example.com", "right"));
    let elsewhere: Url = format!("http://localhost:{}/EWS", server.port).parse().unwrap();
    assert_eq!(asker.send(&elsewhere).await.unwrap_err(), EntryError::Untrusted("localhost".into()));
    let plain: Url = "http://mail.example.com/EWS".parse().unwrap();
    assert_eq!(asker.send(&plain).await.unwrap_err(), EntryError::WithoutTls("mail.example.com".into()));
    let typo: Url = "https://mail.badexample.com/EWS".parse().unwrap();
    assert_eq!(asker.send(&typo).await.unwrap_err(), EntryError::Untrusted("mail.badexample.com".into()));
    // Nothing of all this reached anybody.
    asker.send(&server.url("/EWS")).await.unwrap();
    assert_eq!(server.told(1).await, [seen(1, "negotiate", 401)]);
}

#[tokio::test]
async fn an_answer_is_read_piece_by_piece_and_silence_has_an_end() {
    let server = Acceptor::start(&[]).await;
    let asker = Asker::new(&server.url("/"), ntlm("otj@example.com", "right"));
    let patience = Duration::from_secs(20);
    let mut answer = asker.open(&server.url("/pieces")).await.unwrap();
    let mut text = Vec::new();
    while let Some(piece) = answer.chunk(patience).await.unwrap() {
        text.extend_from_slice(&piece);
    }
    assert_eq!(text, b"onetwothree");
    let mut answer = asker.open(&server.url("/silence")).await.unwrap();
    assert_eq!(answer.chunk(patience).await.unwrap().as_deref(), Some(&b"one"[..]));
    assert_eq!(answer.chunk(Duration::from_millis(50)).await, Err(HttpError::Deadline));
}
