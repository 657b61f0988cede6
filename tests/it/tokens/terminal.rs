//! `otj auth`, as somebody at a terminal meets it.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, Uri};
use otj::http::{Http, HttpOptions, Method, Request, Url};
use otj::model::Clock;
use otj::sim::Fake as _;
use otj::sim::token::{App, Dialect, Issued, TokenService};
use otj::store::Store as _;
use otj::store::sled::SledStore;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};

const USER: &str = "rooms@example.com";

/// A token service on a free port of this machine.
async fn token_service(dialect: Dialect, path: &str) -> (Arc<TokenService>, Url) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base: Url = format!("http://{}{path}", listener.local_addr().unwrap()).parse().unwrap();
    let service = Arc::new(TokenService::new(dialect, base.clone(), Arc::<Issued>::default()));
    let app = App { secret: Some("client-secret".into()), ..App::default() };
    service.change(|it| it.apps.insert("client".into(), app));
    let (fake, own) = (service.clone(), base.clone());
    let router = Router::new().fallback(move |uri: Uri, headers: HeaderMap, body: Bytes| {
        let url = own.join(uri.path()).unwrap();
        let request = Request { headers, body, ..Request::new(Method::POST, url) };
        let played = fake.answer(&request, Clock::system().now().wall);
        async move { played.result.unwrap() }
    });
    tokio::spawn(async move { axum::serve(listener, router).await });
    (service, base)
}

fn write(directory: &Path, token_url: &Url, redirect: &str) {
    let text = format!(
        "apiVersion: otj/v1\nkind: GoogleIntegration\nmetadata: {{name: google}}\nspec:\n  tokenUrl: {token_url}\n  authorizationUrl: {}\n  \
         userAuthorization:\n    email: {USER}\n    clientId: client\n    clientSecret: {{value: client-secret}}\n{redirect}\
         ---\napiVersion: otj/v1\nkind: Profile\nmetadata: {{name: p}}\nspec: {{integration: google}}\n\
         ---\napiVersion: otj/v1\nkind: Endpoint\nmetadata: {{name: one}}\n\
         spec: {{profile: p, roomEmail: one@example.com, poly: {{username: one, password: {{value: 0123456789abcdef}}}}}}\n",
        token_url.join("/auth").unwrap(),
    );
    std::fs::write(directory.join("site.yaml"), text).unwrap();
}

fn auth(integration: &str, directory: &Path, data: &Path) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_otj"));
    command.args(["auth", integration, "--allow-loopback", "--config"]).arg(directory).arg("--data-dir").arg(data);
    command.env("OTJ_LOG_LEVEL", "debug").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.kill_on_drop(true).spawn().unwrap()
}

/// Reads up to the link and gives it back.
async fn link_of(child: &mut Child) -> (Url, BufReader<tokio::process::ChildStdout>) {
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    loop {
        let mut line = String::new();
        assert!(lines.read_line(&mut line).await.unwrap() > 0, "no link was printed");
        if let Ok(url) = line.trim().parse() {
            return (url, lines);
        }
    }
}

#[tokio::test]
async fn a_browser_that_comes_back_or_an_address_that_is_pasted_ends_the_sign_in() {
    let (service, token_url) = token_service(Dialect::Google, "/token").await;
    let (directory, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for (redirect, who, code) in [
        ("", USER, 0),
        ("    redirectUri: https://otj.example.com/oauth/callback\n", USER, 0),
        ("    redirectUri: https://otj.example.com/oauth/callback\n", "else@example.com", 1),
    ] {
        write(directory.path(), &token_url, redirect);
        let mut child = auth("google", directory.path(), &data.path().join("data"));
        let (link, _stdout) = link_of(&mut child).await;
        let back = service.sign_in(&link, who).unwrap();
        if redirect.is_empty() {
            let http = Http::new(HttpOptions { allow_loopback: true }).unwrap();
            // What knocks at the same port with another state changes nothing.
            let mut stranger = back.clone();
            stranger.set_query(Some("code=1&state=2"));
            for url in [stranger, back.clone()] {
                let page = http.send(Request::new(Method::GET, url)).await.unwrap();
                assert!(page.status.is_success() && !String::from_utf8_lossy(&page.body).contains("code"));
            }
        } else {
            let mut stdin = child.stdin.take().unwrap();
            stdin.write_all(format!("hello\n{back}\n").as_bytes()).await.unwrap();
        }
        let output = child.wait_with_output().await.unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{said}");
        for hidden in ["code-", "client-secret", "refresh-", "token-"] {
            assert!(!said.contains(hidden), "{said}");
        }
        assert_eq!(said.contains("else@example.com signed in"), code == 1, "{said}");
    }
    let store = SledStore::open(&data.path().join("data"), Clock::system()).await.unwrap();
    let kept = store.scan("oauth/").await.unwrap();
    assert_eq!(kept.iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>(), ["oauth/sign-in/google"]);
    assert!(!String::from_utf8_lossy(&kept[0].1).contains("refresh-"), "it is sealed");
}

#[tokio::test]
async fn the_service_account_of_exchange_signs_in_at_endpoints_of_version_1() {
    let (service, token_url) = token_service(Dialect::Microsoft, "/tenant/oauth2/token").await;
    service.change(|it| it.apps.insert("app".into(), App::default()));
    let (directory, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let text = format!(
        "apiVersion: otj/v1\nkind: ExchangeIntegration\nmetadata: {{name: exchange}}\nspec:\n  serviceAccountUsername: {USER}\n  oauth:\n    \
         clientId: app\n    authorizationUrl: {}\n    tokenUrl: {token_url}\n\
         ---\napiVersion: otj/v1\nkind: Profile\nmetadata: {{name: p}}\nspec: {{integration: exchange}}\n\
         ---\napiVersion: otj/v1\nkind: Endpoint\nmetadata: {{name: one}}\n\
         spec: {{profile: p, roomEmail: one@example.com, poly: {{username: one, password: {{value: 0123456789abcdef}}}}}}\n",
        token_url.join("authorize").unwrap(),
    );
    std::fs::write(directory.path().join("site.yaml"), text).unwrap();
    let mut child = auth("exchange", directory.path(), &data.path().join("data"));
    let (link, _stdout) = link_of(&mut child).await;
    let asked: Vec<_> = link.query_pairs().filter(|(name, _)| name == "resource" || name == "prompt").collect();
    assert_eq!(asked.len(), 2, "{asked:?}");
    let back = service.sign_in(&link, USER).unwrap();
    let http = Http::new(HttpOptions { allow_loopback: true }).unwrap();
    assert!(http.send(Request::new(Method::GET, back)).await.unwrap().status.is_success());
    let output = child.wait_with_output().await.unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let store = SledStore::open(&data.path().join("data"), Clock::system()).await.unwrap();
    assert!(store.get("oauth/sign-in/exchange").await.unwrap().is_some());
}
