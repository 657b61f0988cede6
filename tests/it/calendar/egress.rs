//! Who is trusted, what is refused, and what an error tells.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::{any, get};
use otj::http::{Http, HttpError, HttpOptions, Method, Request, TlsFault, Trust, Url, redirect_target};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// Serves `router` over plain http on a free port; gone with the test's runtime.
pub(super) async fn serve(router: Router) -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    url.parse().unwrap()
}

fn http() -> Http {
    Http::new(HttpOptions { allow_loopback: true }).unwrap()
}

fn get_from(url: &Url) -> Request {
    Request { deadline: Duration::from_secs(20), ..Request::new(Method::GET, url.clone()) }
}

/// A TLS server for `name` with its own self-signed certificate: URL, certificate as PEM, fingerprint.
pub(super) async fn serve_tls(name: &str) -> (Url, Arc<[u8]>, String) {
    let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let router = Router::new().route("/", get(async || "secret room"));
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let (acceptor, router) = (acceptor.clone(), router.clone());
            tokio::spawn(async move {
                let Ok(stream) = acceptor.accept(socket).await else { return };
                let service = hyper_util::service::TowerToHyperService::new(router);
                let _ = hyper::server::conn::http1::Builder::new()
                    .serve_connection(hyper_util::rt::TokioIo::new(stream), service)
                    .await;
            });
        }
    });
    let digest = ring::digest::digest(&ring::digest::SHA256, made.cert.der());
    let fingerprint = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    (format!("https://localhost:{port}/").parse().unwrap(), made.cert.pem().into_bytes().into(), fingerprint)
}

#[tokio::test]
async fn a_certificate_is_believed_only_where_a_root_a_pin_or_insecure_says_so() {
    let (url, pem, fingerprint) = serve_tls("localhost").await;
    let (elsewhere, other_pem, _) = serve_tls("codec.example.com").await;
    let http = http();
    let fault = |fault| Err(HttpError::Tls(fault));
    for (url, trust, expected) in [
        (&url, Trust::system(), fault(TlsFault::UnknownIssuer)),
        (&url, Trust::Verify(vec![Arc::clone(&pem)]), Ok(())),
        (&url, Trust::Verify(vec![Arc::clone(&other_pem)]), fault(TlsFault::UnknownIssuer)),
        (&url, Trust::Verify(vec![Arc::from(*b"no pem")]), fault(TlsFault::Roots)),
        (&url, Trust::Pinned(fingerprint.to_uppercase()), Ok(())),
        (&url, Trust::Pinned("00".repeat(32)), fault(TlsFault::NotPinned(fingerprint.clone()))),
        (&url, Trust::Insecure, Ok(())),
        (&elsewhere, Trust::Verify(vec![Arc::clone(&other_pem)]), fault(TlsFault::WrongName)),
        (&elsewhere, Trust::Insecure, Ok(())),
    ] {
        let answer = http.send(Request { trust: trust.clone(), ..get_from(url) }).await;
        if let Ok(answer) = &answer {
            assert_eq!((answer.status.as_u16(), &*answer.body), (200, &b"secret room"[..]));
            assert_eq!(answer.certificate.as_ref().map(|certificate| certificate.fingerprint.len()), Some(64));
        }
        assert_eq!(answer.map(drop), expected, "{trust:?}");
    }
}

#[tokio::test]
async fn loopback_is_refused_by_address_and_by_name_unless_allowed() {
    let url = serve(Router::new().route("/", get(async || "inside"))).await;
    let strict = Http::new(HttpOptions::default()).unwrap();
    let mut named = url.clone();
    named.set_host(Some("localhost")).unwrap();
    for url in [&url, &named, &"http://[::ffff:127.0.0.1]/".parse().unwrap()] {
        assert_eq!(strict.send(get_from(url)).await.map(drop), Err(HttpError::Refused));
    }
    assert_eq!(http().send(get_from(&named)).await.unwrap().body, "inside");
    let metadata = "http://169.254.169.254/latest/".parse().unwrap();
    assert_eq!(http().send(get_from(&metadata)).await.map(drop), Err(HttpError::Refused));
}

#[tokio::test]
async fn limits_count_decompressed_bytes_and_the_deadline_is_for_the_whole_exchange() {
    use std::io::Write as _;
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packed.write_all(&vec![b'x'; 2 << 20]).unwrap();
    let packed = packed.finish().unwrap();
    let bomb =
        serve(Router::new().route("/", get(async move || ([("content-encoding", "gzip")], packed.clone())))).await;
    let drip = answer_raw("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nx").await.0;
    let small = Request { limit_bytes: 1 << 20, ..get_from(&bomb) };
    assert_eq!(http().send(small).await.map(drop_body), Err(HttpError::TooLarge(1 << 20)));
    assert_eq!(http().send(get_from(&bomb)).await.unwrap().body.len(), 2 << 20);
    let hurried = Request { deadline: Duration::from_millis(200), ..get_from(&drip) };
    assert_eq!(http().send(hurried).await.map(drop_body), Err(HttpError::Deadline));
}

fn drop_body(answer: otj::http::Response) -> usize {
    answer.body.len()
}

/// Answers one connection with `bytes`, keeps it open, and hands back what was asked.
async fn answer_raw(bytes: &'static str) -> (Url, tokio::sync::oneshot::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://user:hunter2@{}/canary?token=canary", listener.local_addr().unwrap());
    let (asked, question) = tokio::sync::oneshot::channel();
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut read = Vec::new();
        while !read.ends_with(b"</end>") {
            let _ = socket.read_buf(&mut read).await.unwrap();
            // A TLS client speaks first, and never in lines.
            if read.starts_with(b"\x16") || (!read.starts_with(b"PUT") && read.ends_with(b"\r\n\r\n")) {
                break;
            }
        }
        socket.write_all(bytes.as_bytes()).await.unwrap();
        let _ = asked.send(String::from_utf8_lossy(&read).into_owned());
        std::future::pending::<()>().await;
    });
    (url.parse().unwrap(), question)
}

#[tokio::test]
async fn a_body_goes_out_with_its_length_and_nothing_a_codec_does_not_know() {
    let (url, question) = answer_raw("HTTP/1.1 204 No Content\r\n\r\n").await;
    let request = Request { method: Method::PUT, body: "<list></end>".into(), ..get_from(&url) };
    assert_eq!(http().send(request).await.unwrap().status, 204);
    let question = question.await.unwrap().to_lowercase();
    assert!(question.contains("\r\ncontent-length: 12\r\n"), "{question}");
    assert!(question.contains(concat!("\r\nuser-agent: otj/", env!("CARGO_PKG_VERSION"), "\r\n")), "{question}");
    assert!(!question.contains("transfer-encoding") && !question.contains("expect:"), "{question}");
}

#[tokio::test]
async fn an_error_tells_neither_address_nor_credentials() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let plain = answer_raw("canary canary\r\n\r\n").await.0;
    for (url, label) in [
        (format!("http://user:hunter2@{closed}/canary"), "Connect"),
        (format!("https://user:hunter2@{}/canary", plain.authority().rsplit('@').next().unwrap()), "Tls"),
        (answer_raw("canary canary\r\n\r\n").await.0.into(), "Protocol"),
        ("http://user:hunter2@canary.invalid/canary".into(), "Dns"),
        ("ftp://user:hunter2@canary.invalid/canary".into(), "Protocol"),
    ] {
        let request = get_from(&url.parse().unwrap());
        assert!(!format!("{request:?}").contains("canary"));
        let error = http().send(request).await.unwrap_err();
        let text = format!("{error:?} {}", otj::model::failure::chain(&error));
        assert_eq!(error.label(), label, "{text}");
        assert!(!text.contains("canary") && !text.contains("hunter2") && !text.contains("127.0.0.1"), "{text}");
    }
}

#[tokio::test]
async fn a_redirect_is_handed_back_and_never_leads_from_https_to_http() {
    let url = serve(Router::new().route("/", any(async || (http_code(308), [("location", "/next?x#y")])))).await;
    let answer = http().send(get_from(&url)).await.unwrap();
    assert_eq!(answer.status, 308);
    assert_eq!(redirect_target(&url, &answer).unwrap(), Some(url.join("/next?x#y").unwrap()));
    for (location, from_https, from_http) in [
        ("https://other.example/", true, true),
        ("http://other.example/", false, true),
        ("//other.example/", true, true),
        ("file:///etc/passwd", false, false),
    ] {
        let url = serve(Router::new().route("/", any(async move || (http_code(302), [("location", location)])))).await;
        let answer = http().send(get_from(&url)).await.unwrap();
        let allowed = |from: &str| redirect_target(&from.parse().unwrap(), &answer).is_ok();
        assert_eq!(
            (allowed("https://a.example/"), allowed("http://a.example/")),
            (from_https, from_http),
            "{location}"
        );
    }
}

fn http_code(code: u16) -> axum::http::StatusCode {
    axum::http::StatusCode::from_u16(code).unwrap()
}
