//! Browsers: a token becomes a cookie, and what a cookie does takes a form of ours.

use super::site::{Answer, Site};

const PEER: &str = "10.0.0.7";
const HOST: &str = "otj.example.com";
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const ORIGIN: (&str, &str) = ("origin", "http://otj.example.com");

async fn sign_in(site: &Site, token: &str) -> Answer {
    let body = format!("token={token}&back=%2Fintegrations%3Fa%3Db");
    site.ask(PEER, HOST, &[FORM, ORIGIN], "POST", "/login", &body).await
}

fn cookie_of(answer: &Answer) -> String {
    answer.header("set-cookie").split(';').next().unwrap().to_owned()
}

/// What a page of ours would put into its forms.
async fn csrf(site: &Site, cookie: &str) -> String {
    site.csrf_of(cookie)
}

#[tokio::test]
async fn a_browser_without_a_session_is_sent_to_the_login_and_a_program_is_told_401() {
    let site = Site::new();
    let page = site.ask(PEER, HOST, &[("accept", "text/html,*/*")], "GET", "/integrations?a=b", "").await;
    assert_eq!((page.status, page.header("location")), (303, "/login?back=%2Fintegrations%3Fa%3Db"));
    assert_eq!(site.ask(PEER, HOST, &[("accept", "application/json")], "GET", "/", "").await.status, 401);
    let login = site.ask(PEER, HOST, &[], "GET", "/login?back=%2F%2Fevil.example", "").await;
    assert_eq!(login.status, 200);
    assert!(login.text.contains("name=\"token\"") && !login.text.contains("evil"), "{}", login.text);
    for open in ["/style.css", "/icon.svg"] {
        assert_eq!(site.ask(PEER, HOST, &[], "GET", open, "").await.status, 200, "{open}");
    }
    assert_eq!(site.ask(PEER, "evil.example", &[], "GET", "/login", "").await.status, 421);
}

#[tokio::test]
async fn a_token_becomes_a_cookie_that_reads_and_ends_with_the_logout() {
    let site = Site::new();
    let entered = sign_in(&site, "reader-token").await;
    assert_eq!((entered.status, entered.header("location")), (303, "/integrations?a=b"));
    let set = entered.header("set-cookie");
    assert!(set.starts_with("otj=") && set.ends_with("; Path=/; HttpOnly; SameSite=Lax; Max-Age=43200"), "{set}");
    let cookie = cookie_of(&entered);
    let ask = async |method: &str, path: &str, more: &[(&str, &str)], body: &str| {
        let headers: Vec<_> = [("cookie", cookie.as_str())].iter().chain(more).copied().collect();
        site.ask(PEER, HOST, &headers, method, path, body).await.status
    };
    assert_eq!(ask("GET", "/api/v1/meetings", &[], "").await, 200);
    assert_eq!(ask("POST", "/-/reload", &[ORIGIN, FORM], "").await, 403, "a reader does nothing");
    let csrf = csrf(&site, &cookie).await;
    assert_eq!(ask("POST", "/logout", &[ORIGIN, FORM], "").await, 403, "and nobody signs somebody else out");
    assert_eq!(ask("POST", "/logout", &[ORIGIN, FORM], &format!("csrf={csrf}")).await, 303);
    assert_eq!(ask("GET", "/api/v1/meetings", &[], "").await, 401);
}

#[tokio::test]
async fn what_a_cookie_does_takes_the_same_origin_and_a_field_that_only_our_pages_know() {
    let mut site = Site::new();
    let cookie = cookie_of(&sign_in(&site, "operator-token").await);
    let csrf = csrf(&site, &cookie).await;
    let token = ("x-csrf-token", csrf.as_str());
    let field = format!("csrf={csrf}");
    let wrong = format!("csrf={}", "x".repeat(csrf.len()));
    let evil = ("origin", "https://evil.example");
    let site_of = |value| ("sec-fetch-site", value);
    for (headers, body, status) in [
        (vec![ORIGIN, FORM], field.as_str(), 202),
        (vec![ORIGIN, token], "", 202),
        (vec![site_of("same-origin"), FORM], &field, 202),
        (vec![ORIGIN, FORM], &wrong, 403),
        (vec![ORIGIN, FORM], "", 403),
        (vec![ORIGIN], "", 403),
        (vec![ORIGIN, ("content-type", "text/plain")], &field, 403),
        (vec![evil, FORM], &field, 403),
        (vec![evil, token], "", 403),
        (vec![ORIGIN, evil, token], "", 403),
        (vec![("origin", "null"), FORM], &field, 403),
        (vec![("origin", "http://otj.example.com:81"), FORM], &field, 403),
        (vec![site_of("cross-site"), FORM], &field, 403),
        (vec![FORM], &field, 403),
    ] {
        let headers: Vec<_> = [("cookie", cookie.as_str())].into_iter().chain(headers).collect();
        let answer = site.ask(PEER, HOST, &headers, "POST", "/-/reload", body).await;
        assert_eq!(answer.status, status, "{headers:?} {body}");
        site.forget_commands();
    }
}

#[tokio::test]
async fn a_form_does_what_the_api_does_and_goes_back_to_its_page() {
    let mut site = Site::new();
    let cookie = cookie_of(&sign_in(&site, "operator-token").await);
    let csrf = csrf(&site, &cookie).await;
    for (back, wanted) in [("%2Frooms%3Fx%3D1", "/rooms?x=1"), ("https%3A%2F%2Fevil.example", "/"), ("", "/")] {
        let body = format!("checksum=00ff00ff00ff00ff&csrf={csrf}&back={back}");
        let headers = [("cookie", cookie.as_str()), ORIGIN, FORM];
        let answer = site.ask_and_answer(PEER, HOST, &headers, "/api/v1/approve", &body).await;
        assert_eq!((answer.status, answer.header("location")), (303, wanted), "{}", answer.text);
    }
}

#[tokio::test]
async fn wrong_tokens_are_refused_sooner_and_right_ones_are_never_turned_away_at_the_api() {
    let site = Site::new();
    for _ in 0..10 {
        let answer = sign_in(&site, "operator-tokem").await;
        assert_eq!((answer.status, answer.header("set-cookie")), (401, ""));
        assert!(!answer.text.contains("tokem"));
    }
    assert_eq!(sign_in(&site, "operator-token").await.status, 429, "the address waits");
    assert_eq!(site.get_as("wrong", "/api/v1/status").await.status, 429);
    assert_eq!(site.get_as("operator", "/api/v1/status").await.status, 200, "programs with a token go on");
    site.wait(std::time::Duration::from_secs(61)).await;
    assert_eq!(sign_in(&site, "operator-token").await.status, 303);
    let foreign = site.ask(PEER, HOST, &[FORM, ("origin", "https://evil.example")], "POST", "/login", "token=x").await;
    assert_eq!(foreign.status, 403, "nobody is signed in from elsewhere");
}

#[tokio::test]
async fn over_https_the_cookie_belongs_to_this_host_alone() {
    let site = Site::with(|access| access.https_outside = true);
    let body = "token=operator-token";
    let plain = site.ask(PEER, HOST, &[FORM, ORIGIN], "POST", "/login", body).await;
    assert_eq!(plain.status, 403, "the pages are https to browsers");
    let origin = ("origin", "https://otj.example.com");
    let entered = site.ask(PEER, HOST, &[FORM, origin], "POST", "/login", body).await;
    let set = entered.header("set-cookie");
    assert!(set.starts_with("__Host-otj=") && set.ends_with("; Secure"), "{set}");
}
