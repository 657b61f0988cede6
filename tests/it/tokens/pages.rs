//! An integration is signed in from a page: the way out, the way back, a look at who it was, and only then a record.

use std::sync::Arc;

use otj::http::Url;
use otj::model::{Desired, Failure};
use otj::oauth::desk::SignInDesk;
use otj::web::sign_in::SignIns;
use tokio::sync::watch;

use super::rig::Rig;
use super::signing_in::{USER, rig, user_at};
use crate::serving::site::{Answer, Site};

const PEER: &str = "10.0.0.7";
const HOST: &str = "otj.example.com";
const REDIRECT: &str = "http://otj.example.com/oauth/callback";
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const ORIGIN: (&str, &str) = ("origin", "http://otj.example.com");

struct Stage {
    rig: Rig,
    site: Site,
    cookie: String,
    csrf: String,
}

impl Stage {
    async fn new(redirect: &str) -> Self {
        let (rig, http) = rig();
        let mut desired = Desired::default();
        let spec = Arc::new(user_at(redirect));
        desired.integrations.insert(spec.name.clone(), spec);
        let (_, wish) = watch::channel(Arc::new(desired));
        let (store, clock, tokens) = (rig.store.clone(), rig.clock.clone(), rig.tokens.clone());
        let desk = SignInDesk { http, store, clock, tokens, wish, redirect: REDIRECT.into() };
        let site = Site::new().with_sign_ins(SignIns::new(desk));
        let (cookie, csrf) = enter(&site, "operator-token").await;
        Self { rig, site, cookie, csrf }
    }

    async fn post(&mut self, path: &str, fields: &str) -> Answer {
        let headers = [("cookie", self.cookie.as_str()), ORIGIN, FORM];
        let body = format!("csrf={}&{fields}", self.csrf);
        self.site.ask_and_answer(PEER, HOST, &headers, path, &body).await
    }

    async fn begin(&mut self) -> Url {
        let headers = [("cookie", self.cookie.as_str()), ORIGIN, ("x-csrf-token", self.csrf.as_str())];
        let body = "{\"integration\": \"calendars\"}";
        let answer = self.site.ask(PEER, HOST, &headers, "POST", "/api/v1/sign-in", body).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        Url::parse(answer.json()["link"].as_str().unwrap()).unwrap()
    }

    async fn back(&self, url: &Url, cookie: &str) -> Answer {
        let path = format!("/oauth/callback?{}", url.query().unwrap());
        self.site.ask(PEER, HOST, &[("cookie", cookie)], "GET", &path, "").await
    }

    async fn is_signed_in(&self) -> bool {
        match self.rig.ask(&user_at(REDIRECT)).await {
            Ok(_) => true,
            Err(error) => {
                assert_eq!(Failure::from(error).reason, "SignInNeeded");
                false
            }
        }
    }
}

async fn enter(site: &Site, token: &str) -> (String, String) {
    let entered = site.ask(PEER, HOST, &[FORM, ORIGIN], "POST", "/login", &format!("token={token}")).await;
    let cookie = entered.header("set-cookie").split(';').next().unwrap().to_owned();
    let csrf = site.csrf_of(&cookie);
    (cookie, csrf)
}

#[tokio::test]
async fn who_signed_in_is_shown_before_anything_is_stored_and_used_at_once_after() {
    let mut stage = Stage::new(REDIRECT).await;
    assert!(!stage.is_signed_in().await);
    let page = stage.post("/api/v1/sign-in", "integration=calendars&back=%2Fintegrations").await;
    assert!(page.status == 200 && page.text.contains("https:&#x2f;&#x2f;token.example.com"), "{}", page.text);
    let link = stage.begin().await;
    let back = stage.rig.service.sign_in(&link, USER).unwrap();
    let page = stage.back(&back, &stage.cookie.clone()).await;
    assert_eq!(page.status, 200);
    assert!(page.text.contains("rooms@corp.example.com of corp.example.com signed in to calendars"), "{}", page.text);
    let code = back.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
    assert!(!page.text.contains(&code), "a code stands on no page");
    assert!(!stage.is_signed_in().await, "nothing is stored yet");
    let page = stage.post("/api/v1/sign-in/confirm", "").await;
    assert!(page.status == 200 && page.text.contains("is signed in to calendars"), "{}", page.text);
    assert!(stage.is_signed_in().await, "at once, without a restart");
    assert_eq!(stage.post("/api/v1/sign-in/confirm", "").await.status, 409, "once");
    assert_eq!(stage.back(&back, &stage.cookie.clone()).await.status, 403, "an answer is good once");
}

#[tokio::test]
async fn another_account_another_browser_and_a_changed_state_sign_nobody_in() {
    let mut stage = Stage::new(REDIRECT).await;
    let link = stage.begin().await;
    let other = stage.rig.service.sign_in(&link, "eve@corp.example.com").unwrap();
    let page = stage.back(&other, &stage.cookie.clone()).await;
    assert_eq!(page.status, 403);
    assert!(page.text.contains("eve@corp.example.com signed in, and the documents name rooms@corp.example.com"));
    assert_eq!(stage.post("/api/v1/sign-in/confirm", "").await.status, 409);

    let link = stage.begin().await;
    let back = stage.rig.service.sign_in(&link, USER).unwrap();
    let (foreign, _) = enter(&stage.site, "operator-token").await;
    assert_eq!(stage.back(&back, &foreign).await.status, 403, "another operator's browser");
    assert_eq!(stage.back(&back, "a=b").await.status, 403, "nobody's");
    let mut forged = back.clone();
    forged.set_query(Some(&back.query().unwrap().replace("state=", "state=x")));
    assert_eq!(stage.back(&forged, &stage.cookie.clone()).await.status, 403);
    let denied = Url::parse(&format!(
        "{REDIRECT}?error=access_denied&state={}",
        link.query_pairs().find(|(name, _)| name == "state").unwrap().1
    ));
    let page = stage.back(&denied.unwrap(), &stage.cookie.clone()).await;
    assert!(page.status == 403 && page.text.contains("refused (access_denied)"), "{}", page.text);
    assert!(!stage.is_signed_in().await);
}

#[tokio::test]
async fn a_sign_in_takes_an_operators_browser_an_integration_and_a_way_back_to_this_node() {
    let mut stage = Stage::new(REDIRECT).await;
    let body = "{\"integration\": \"calendars\"}";
    assert_eq!(stage.site.send("operator", "POST", "/api/v1/sign-in", &[], body).await.status, 409, "no browser");
    assert_eq!(stage.site.send("reader", "POST", "/api/v1/sign-in", &[], body).await.status, 403);
    assert_eq!(stage.post("/api/v1/sign-in", "integration=none").await.status, 404);
    let mut elsewhere = Stage::new("http://127.0.0.1:4711/oauth/callback").await;
    let answer = elsewhere.post("/api/v1/sign-in", "integration=calendars").await;
    assert!(answer.status == 409 && answer.text.contains("http://127.0.0.1:4711"), "{}", answer.text);
}
