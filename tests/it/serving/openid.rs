//! Signing in to the pages at a real OpenID provider, `oidc-provider` from npm.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use otj::http::{Http, HttpOptions, Method, Request, Url};
use otj::model::{Clock, Secret};
use otj::oauth::oidc::{Provider, ProviderOptions};
use otj::web::provider::Entrance;

use super::site::{Answer, Site};
use crate::python::root;

const PEER: &str = "10.0.0.7";
const HOST: &str = "otj.example.com";
const REDIRECT: &str = "http://otj.example.com/oauth/callback";

/// What happens to an answer on its way.
type Change = fn(&str) -> String;

struct Stage {
    child: Child,
    issuer: String,
    http: Http,
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Stage {
    fn start() -> Self {
        assert!(root("target/npm/node_modules/oidc-provider").exists(), "run `ci/test` once, which installs it");
        let mut command = Command::new("node");
        command.arg(root("tests/browser/oidc_provider.mjs")).arg(REDIRECT);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let http = Http::new(HttpOptions { allow_loopback: true }).unwrap();
        Self { child, issuer: line.trim().to_owned(), http }
    }

    fn site(&self, client_id: &str, secret: &str) -> Site {
        let options = ProviderOptions {
            issuer: self.issuer.clone(),
            client_id: client_id.into(),
            client_secret: Some(Secret::new(secret.into())),
            redirect: REDIRECT.into(),
            operators: vec!["Ada@example.com".into()],
            readers: vec!["rooms".into()],
        };
        Site::new().with_entrance(Entrance::new(Provider::new(options, self.http.clone(), Clock::system()).unwrap()))
    }

    /// Makes `name` the one who signs in next.
    async fn next(&self, name: &str) {
        let url = Url::parse(&format!("{}/as/{name}", self.issuer)).unwrap();
        assert!(self.http.send(Request::new(Method::GET, url)).await.unwrap().status.is_success());
    }

    /// Follows the provider's pages as a browser does, until it sends back to us: the query.
    async fn walk(&self, link: &str) -> String {
        let mut url = Url::parse(link).unwrap();
        let mut jar = std::collections::BTreeMap::<String, String>::new();
        for _ in 0..12 {
            let mut request = Request::new(Method::GET, url.clone());
            let cookies: Vec<String> = jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request.headers.insert("cookie", cookies.join("; ").parse().unwrap());
            let answer = self.http.send(request).await.unwrap();
            for set in answer.headers.get_all("set-cookie") {
                let pair = set.to_str().unwrap().split(';').next().unwrap();
                let (name, value) = pair.split_once('=').unwrap();
                jar.insert(name.into(), value.into());
            }
            let location = answer.headers.get("location").unwrap_or_else(|| {
                panic!("{} {}", answer.status, String::from_utf8_lossy(&answer.body));
            });
            url = url.join(location.to_str().unwrap()).unwrap();
            if url.as_str().starts_with(REDIRECT) {
                return url.query().unwrap().to_owned();
            }
        }
        panic!("the provider sends in circles");
    }
}

fn cookie_of(answer: &Answer) -> String {
    answer.header("set-cookie").split(';').next().unwrap().to_owned()
}

async fn begin(site: &Site) -> (String, String) {
    let answer = site.ask(PEER, HOST, &[], "GET", "/login/provider?back=%2Fintegrations", "").await;
    assert_eq!(answer.status, 303, "{}", answer.text);
    (answer.header("location").to_owned(), cookie_of(&answer))
}

async fn come_back(site: &Site, query: &str, cookie: &str) -> Answer {
    site.ask(PEER, HOST, &[("cookie", cookie)], "GET", &format!("/oauth/callback?{query}"), "").await
}

#[tokio::test]
async fn operators_and_readers_sign_in_at_a_real_provider_and_others_do_not() {
    let stage = Stage::start();
    for (client, name, status, may) in [
        ("otj", "ada", 303, "operate"),
        ("otj-es", "ada", 303, "operate"),
        ("otj", "bob", 303, "read"),
        ("otj", "eve", 403, "The account eve may not sign in here"),
        ("otj", "nobody", 403, "The sign-in was refused (access_denied)"),
    ] {
        let mut site = stage.site(client, "a-client-secret/with+signs");
        stage.next(name).await;
        let (link, cookie) = begin(&site).await;
        assert!(link.contains("code_challenge_method=S256") && link.contains("nonce="), "{link}");
        let query = stage.walk(&link).await;
        let answer = come_back(&site, &query, &cookie).await;
        assert_eq!(answer.status, status, "{client} {name}: {}", answer.text);
        if status == 403 {
            assert!(answer.text.contains(may) && !answer.text.contains("canary"), "{}", answer.text);
            assert!(!answer.header("set-cookie").starts_with("otj="), "no session");
            continue;
        }
        assert_eq!(answer.header("location"), "/integrations");
        let session = cookie_of(&answer);
        let headers = [("cookie", session.as_str())];
        assert_eq!(site.ask(PEER, HOST, &headers, "GET", "/api/v1/meetings", "").await.status, 200);
        let csrf = site.csrf_of(&session);
        let headers = [
            ("cookie", session.as_str()),
            ("origin", "http://otj.example.com"),
            ("x-csrf-token", csrf.as_str()),
            ("content-type", "application/json"),
        ];
        let body = "{\"endpoint\": \"oslo-4\"}";
        let did = site.ask_and_answer(PEER, HOST, &headers, "/api/v1/push", body).await;
        assert_eq!(did.status, if may == "operate" { 200 } else { 403 }, "{name}");
        if may == "operate" {
            assert!(did.text.contains("ada@example.com: "), "who did it: {}", did.text);
        }
        let again = come_back(&site, &query, &cookie).await;
        assert_eq!(again.status, 403, "an answer is good once");
    }
}

#[tokio::test]
async fn an_answer_counts_in_the_browser_that_asked_with_the_state_it_was_given() {
    let stage = Stage::start();
    let site = stage.site("otj", "a-client-secret/with+signs");
    let cases: &[(&str, Change)] = &[
        ("another state", |query| query.replace("state=", "state=x")),
        ("no state", |query| query.replace("state=", "other=")),
        ("two states", |query| format!("{query}&state=x")),
        ("another issuer", |query| query.replace("iss=http", "iss=https")),
        ("another code", |query| query.replace("code=", "code=x")),
        ("no code", |query| query.replace("code=", "other=")),
    ];
    for (what, change) in cases {
        let (link, cookie) = begin(&site).await;
        let query = change(&stage.walk(&link).await);
        let answer = come_back(&site, &query, &cookie).await;
        assert_eq!(answer.status, 403, "{what}");
        assert!(!answer.header("set-cookie").starts_with("otj="), "{what}");
    }
    let (link, _) = begin(&site).await;
    let query = stage.walk(&link).await;
    let (_, other) = begin(&site).await;
    assert_eq!(come_back(&site, &query, &other).await.status, 403, "another browser");
    assert_eq!(come_back(&site, &query, "a=b").await.status, 403, "none that asked");

    let wrong = stage.site("otj", "a-wrong-secret");
    let (link, cookie) = begin(&wrong).await;
    let answer = come_back(&wrong, &stage.walk(&link).await, &cookie).await;
    assert!(answer.status == 403 && answer.text.contains("(token)"), "{}", answer.text);
    let other = stage.site("otj-es", "a-client-secret/with+signs");
    let (link, cookie) = begin(&other).await;
    let stolen = stage.walk(&begin(&site).await.0).await;
    let state = link.split("state=").nth(1).unwrap().split('&').next().unwrap();
    let code = stolen.split("code=").nth(1).unwrap().split('&').next().unwrap();
    let answer = come_back(&other, &format!("code={code}&state={state}"), &cookie).await;
    assert_eq!(answer.status, 403, "a code for another client");
}
