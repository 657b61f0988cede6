//! A web proxy on the way, over real sockets.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use otj::http::{Http, HttpError, HttpOptions, Method, ProxyFault, Request, Trust, Url};
use otj::model::location::WebProxySpec;
use otj::model::{Secret, SecretValue};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::egress::{serve, serve_tls};

/// What a proxy does with everybody who comes.
#[derive(Clone, Copy)]
pub(super) enum Manner {
    /// Connects them with whom they ask for, when they say who they are.
    Tunnels,
    /// Says this, and nothing else.
    Says(&'static str),
}

/// A proxy, and the heads of the requests it saw.
pub(super) async fn proxy(manner: Manner) -> (WebProxySpec, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let seen = Arc::<Mutex<Vec<String>>>::default();
    let account = ("otj".to_owned(), SecretValue::Known(Secret::new("proxy-canary".into())));
    let spec = WebProxySpec {
        url: format!("http://{}", listener.local_addr().unwrap()),
        account: Some(account),
        no_proxy: vec![".direct.example.com".into()],
        ca_certificates: Vec::new(),
    };
    let heads = seen.clone();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(tunnel(socket, manner, heads.clone()));
        }
    });
    (spec, seen)
}

async fn tunnel(mut socket: TcpStream, manner: Manner, heads: Arc<Mutex<Vec<String>>>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = socket.read_u8().await else { return };
        head.push(byte);
    }
    let head = String::from_utf8(head).unwrap();
    heads.lock().unwrap().push(head.clone());
    // otj:proxy-canary
    let known = head.to_lowercase().contains("proxy-authorization: basic b3rqonbyb3h5lwnhbmfyeq==");
    let said = match manner {
        Manner::Says(text) => text,
        Manner::Tunnels if !known => "HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n",
        Manner::Tunnels => {
            let target = head.split(' ').nth(1).unwrap();
            let plain = target.strip_prefix("http://").map(|rest| rest.trim_end_matches('/').to_owned());
            let mut there = TcpStream::connect(plain.as_deref().unwrap_or(target)).await.unwrap();
            match plain {
                Some(_) => there.write_all(b"GET / HTTP/1.0\r\nhost: x\r\n\r\n").await.unwrap(),
                None => socket.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.unwrap(),
            }
            let _ = tokio::io::copy_bidirectional(&mut socket, &mut there).await;
            return;
        }
    };
    let _ = socket.write_all(said.as_bytes()).await;
}

fn http() -> Http {
    // No document may lead to this host; the location's proxy stands on it nevertheless.
    Http::new(HttpOptions { allow_loopback: false }).unwrap()
}

async fn get(url: &Url, via: &WebProxySpec, roots: &[Arc<[u8]>]) -> Result<String, HttpError> {
    let http = http();
    let answer = http.send(Request {
        deadline: Duration::from_secs(20),
        via: Some(Arc::new(via.clone())),
        trust: Trust::Verify(roots.to_vec()),
        ..Request::new(Method::GET, url.clone())
    });
    answer.await.map(|answer| String::from_utf8_lossy(&answer.body).into_owned())
}

#[tokio::test]
async fn what_goes_through_a_proxy_tells_the_account_to_the_proxy_alone() {
    let (url, certificate, _) = serve_tls("localhost").await;
    let (via, seen) = proxy(Manner::Tunnels).await;
    assert_eq!(get(&url, &via, std::slice::from_ref(&certificate)).await.unwrap(), "secret room");
    let heads = seen.lock().unwrap().clone();
    assert!(heads.len() == 1 && heads[0].starts_with("CONNECT localhost:"), "{heads:?}");
    // The authority of a proxy that opens TLS stands with the proxy.
    let opening = WebProxySpec { ca_certificates: vec![certificate], ..via.clone() };
    assert_eq!(get(&url, &opening, &[]).await.unwrap(), "secret room");

    let router = axum::Router::new().route(
        "/",
        axum::routing::get(|headers: axum::http::HeaderMap| async move {
            format!("{}", headers.contains_key("proxy-authorization"))
        }),
    );
    let mut plain = serve(router).await;
    plain.set_host(Some("localhost")).unwrap();
    assert_eq!(get(&plain, &via, &[]).await.unwrap(), "false");
    assert!(seen.lock().unwrap().last().unwrap().starts_with("GET http://localhost:"));
}

#[tokio::test]
async fn what_goes_wrong_at_a_proxy_says_that_it_is_the_proxy() {
    let (url, certificate, _) = serve_tls("localhost").await;
    let (_, plain_port) = (serve(axum::Router::new()).await, url.port().unwrap());
    let plain: Url = format!("http://localhost:{plain_port}/").parse().unwrap();
    let html = Manner::Says("HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n\r\n<html>Sign in</html>");
    let forbidden = Manner::Says("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n");
    let asks = Manner::Says("HTTP/1.1 407 Who\r\nproxy-authenticate: Basic\r\ncontent-length: 0\r\n\r\n");
    for (manner, url, fault, person) in [
        (asks, &url, ProxyFault::AccountRefused, true),
        (asks, &plain, ProxyFault::AccountRefused, true),
        (forbidden, &url, ProxyFault::Refused, true),
        (html, &url, ProxyFault::NotAProxy, false),
        (Manner::Says("HTTP/1.1 200 OK\r\nx: never ends"), &url, ProxyFault::NotAProxy, false),
        (Manner::Tunnels, &url, ProxyFault::OpensTls, true),
    ] {
        let (via, _) = proxy(manner).await;
        let error = get(url, &via, &[]).await.unwrap_err();
        assert_eq!((&error, error.label(), error.needs_a_person()), (&HttpError::Proxy(fault), "Proxy", person));
        assert!(!format!("{error} {error:?} {via:?}").contains("canary"));
    }
    let (via, _) = proxy(Manner::Tunnels).await;
    for (via, expected) in [
        (WebProxySpec { url: "http://127.0.0.1:1".into(), ..via.clone() }, "cannot be reached"),
        (WebProxySpec { url: "http://proxy.invalid:3128".into(), ..via.clone() }, "cannot be resolved"),
        (WebProxySpec { url: "proxy:3128".into(), ..via.clone() }, "no http or https URL"),
        (WebProxySpec { url: "http://169.254.169.254/".into(), ..via.clone() }, "may not be dialled"),
        (WebProxySpec { account: None, ..via.clone() }, "does not take our account"),
        (
            WebProxySpec { account: Some(("otj".into(), SecretValue::Missing("gone".into()))), ..via.clone() },
            "password of the web proxy is missing",
        ),
    ] {
        let error = get(&url, &via, std::slice::from_ref(&certificate)).await.unwrap_err();
        assert!(error.to_string().contains(expected), "{expected}: {error}");
    }
}

#[tokio::test]
async fn hosts_that_are_named_are_reached_past_the_proxy() {
    let (url, certificate, _) = serve_tls("localhost").await;
    let (mut via, seen) = proxy(Manner::Tunnels).await;
    via.no_proxy = vec!["localhost".into()];
    let error = get(&url, &via, &[certificate]).await.unwrap_err();
    assert_eq!(error, HttpError::Refused, "directly, this host is not to be dialled");
    assert!(seen.lock().unwrap().is_empty());
}
