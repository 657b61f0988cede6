//! A person signs in, and the refresh token that comes of it lives on.

use std::time::Duration;

use otj::http::{Http, Url};
use otj::model::service::{GoogleSignIn, GoogleSpec, OauthClient, Service};
use otj::model::{Clock, Failure, IntegrationSpec, Remedy, Scope};
use otj::oauth::TokenError;
use otj::oauth::sign_in::{PATIENCE, SignIn, SignInError, SignedIn};
use otj::sim::token::{App, Fault};

use super::rig::{GOOGLE_URL, Rig, integration, secret};

pub(super) const USER: &str = "rooms@corp.example.com";
const REDIRECT: &str = "http://127.0.0.1:4711/oauth/callback";

pub(super) fn user() -> IntegrationSpec {
    user_at(REDIRECT)
}

/// The same, and the browser is sent back there.
pub(super) fn user_at(redirect: &str) -> IntegrationSpec {
    integration(Service::Google(GoogleSpec {
        sign_in: GoogleSignIn::User {
            email: USER.into(),
            authorization_url: "https://token.example.com/auth".into(),
            client: OauthClient {
                client_id: "client".into(),
                client_secret: Some(secret("client-secret")),
                redirect_uri: Some(redirect.into()),
            },
        },
        token_url: GOOGLE_URL.into(),
        api_url: "https://calendar.example.com/v3".into(),
        max_requests_per_day: 900_000,
        max_requests_per_minute_per_account: 540,
    }))
}

pub(super) fn rig() -> (Rig, Http) {
    let rig = Rig::google();
    let app = App { secret: Some("client-secret".into()), ..App::default() };
    rig.service.change(|it| it.apps.insert("client".into(), app));
    let http = rig.http();
    (rig, http)
}

async fn signed_in(rig: &Rig, http: &Http, clock: &Clock, who: &str) -> Result<SignedIn, SignInError> {
    let (begun, link) = SignIn::begin(&user(), &REDIRECT.parse().unwrap(), clock.now())?;
    let back = rig.service.sign_in(&link, who).unwrap();
    assert!(begun.is_answered_by(&back));
    begun.end(http, &user(), &back, clock.now()).await
}

#[tokio::test(start_paused = true)]
async fn who_signs_in_once_has_tokens_for_days_and_across_restarts() {
    for rotates in [false, true] {
        let (mut rig, http) = rig();
        rig.service.change(|it| it.rotates = rotates);
        let failure = Failure::from(rig.ask(&user()).await.unwrap_err());
        assert_eq!((failure.reason, failure.remedy, failure.scope), ("SignInNeeded", Remedy::Fix, Scope::Account));
        assert!(failure.message.contains("nobody has signed in yet; run `otj auth calendars`"), "{failure}");
        assert_eq!(rig.requests(), 0);

        let signed_in = signed_in(&rig, &http, &rig.clock, "Rooms@corp.example.com").await.unwrap();
        assert_eq!(
            (signed_in.account.as_str(), signed_in.organization.as_deref()),
            ("Rooms@corp.example.com", Some("corp.example.com"))
        );
        signed_in.store(&*rig.store).await.unwrap();
        tokio::time::advance(Duration::from_secs(11)).await;
        for hour in 0..72 {
            let bearer = rig.ask(&user()).await.unwrap_or_else(|error| panic!("hour {hour}: {error}"));
            assert!(rig.owner(&bearer).is_some_and(|owner| owner.eq_ignore_ascii_case(USER)));
            if hour % 5 == 0 {
                rig.restart();
            }
            tokio::time::advance(Duration::from_secs(3600)).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_process_that_ends_before_the_rotated_token_is_on_disk_still_has_the_one_before() {
    let (mut rig, http) = rig();
    signed_in(&rig, &http, &rig.clock, USER).await.unwrap().store(&*rig.store).await.unwrap();
    rig.service.change(|it| it.rotates = true);
    assert!(rig.ask(&user()).await.is_ok());
    // What is in the store now: the new one, and the one before. Suppose that the service never took the new one in.
    rig.service.change(|it| {
        it.refresh.clear();
        it.refresh.insert("refresh-2-of-rooms@corp.example.com".into(), USER.into());
    });
    rig.restart();
    tokio::time::advance(Duration::from_secs(3600)).await;
    assert!(rig.ask(&user()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_revoked_sign_in_is_asked_once_and_a_new_one_counts_at_once() {
    let (mut rig, http) = rig();
    signed_in(&rig, &http, &rig.clock, USER).await.unwrap().store(&*rig.store).await.unwrap();
    rig.service.change(|it| it.refresh.clear());
    let before = rig.requests();
    for _ in 0..20 {
        let error = rig.ask(&user()).await.unwrap_err();
        assert!(matches!(error, TokenError::SignInNeeded(..)) && error.to_string().contains("revoked"), "{error}");
        rig.restart();
        tokio::time::advance(Duration::from_secs(30)).await;
    }
    assert_eq!(rig.requests(), before + 1);
    signed_in(&rig, &http, &rig.clock, USER).await.unwrap().store(&*rig.store).await.unwrap();
    rig.restart();
    assert!(rig.ask(&user()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_stored_sign_in_serves_nothing_else() {
    let (mut rig, http) = rig();
    signed_in(&rig, &http, &rig.clock, USER).await.unwrap().store(&*rig.store).await.unwrap();
    for (what, change) in [
        ("account", (|it| rename(it, "other@corp.example.com")) as fn(&mut GoogleSpec)),
        ("API", |it| it.api_url = "https://evil.example.com/v3".into()),
        ("token URL", |it| it.token_url = "https://evil.example.com/token".into()),
        ("client", |it| client(it).client_id = "other".into()),
    ] {
        let before = rig.requests();
        let mut changed = user();
        let Service::Google(google) = &mut changed.service else { unreachable!() };
        change(google);
        rig.restart();
        let error = rig.ask(&changed).await.unwrap_err();
        assert!(error.to_string().contains("was made for another account, client or URL"), "{what}: {error}");
        assert_eq!(rig.requests(), before, "{what}");
    }
    rig.restart();
    assert!(rig.ask(&user()).await.is_ok());
}

fn rename(google: &mut GoogleSpec, to: &str) {
    let GoogleSignIn::User { email, .. } = &mut google.sign_in else { unreachable!() };
    *email = to.into();
}

fn client(google: &mut GoogleSpec) -> &mut OauthClient {
    let GoogleSignIn::User { client, .. } = &mut google.sign_in else { unreachable!() };
    client
}

#[tokio::test(start_paused = true)]
async fn a_sign_in_that_is_not_what_was_asked_for_stores_nothing() {
    let (rig, http) = rig();
    let wrong = signed_in(&rig, &http, &rig.clock, "else@corp.example.com").await.unwrap_err();
    assert_eq!(
        wrong.to_string(),
        "else@corp.example.com signed in, and the documents name rooms@corp.example.com; sign in with that account"
    );
    rig.service.change(|it| it.grants = Some("openid email".into()));
    assert_eq!(signed_in(&rig, &http, &rig.clock, USER).await.unwrap_err(), SignInError::NotGranted);
    rig.service.change(|it| it.grants = None);

    type Edit = fn(&Url) -> Url;
    let edits: [(&str, Edit, SignInError); 6] = [
        ("state", |url| with(url, "state", "other"), SignInError::Foreign),
        ("issuer", |url| with(url, "iss", "https://evil.example.com"), SignInError::Foreign),
        (
            "path",
            |url| {
                let mut url = url.clone();
                url.set_path("/other");
                url
            },
            SignInError::Foreign,
        ),
        (
            "port",
            |url| {
                let mut url = url.clone();
                url.set_port(Some(4712)).unwrap();
                url
            },
            SignInError::Foreign,
        ),
        ("refusal", |url| with(url, "error", "access_denied"), SignInError::Denied("access_denied".into())),
        (
            "code",
            |url| with(url, "code", "code-0"),
            SignInError::Token(TokenError::SignInNeeded(otj::oauth::SignInFault::Revoked, "calendars".into())),
        ),
    ];
    for (what, edit, expected) in edits {
        let (begun, link) = SignIn::begin(&user(), &REDIRECT.parse().unwrap(), rig.clock.now()).unwrap();
        let back = edit(&rig.service.sign_in(&link, USER).unwrap());
        let shown = format!("{begun:?}");
        let error = begun.end(&http, &user(), &back, rig.clock.now()).await.unwrap_err();
        assert_eq!(error, expected, "{what}");
        let state = link.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
        assert!(!format!("{shown}{error:?}{error}").contains(&state), "{what}");
    }
    // Another sign-in's answer, with the right code of that one.
    let (first, _) = SignIn::begin(&user(), &REDIRECT.parse().unwrap(), rig.clock.now()).unwrap();
    let (_, link) = SignIn::begin(&user(), &REDIRECT.parse().unwrap(), rig.clock.now()).unwrap();
    let back = rig.service.sign_in(&link, USER).unwrap();
    assert_eq!(first.end(&http, &user(), &back, rig.clock.now()).await.unwrap_err(), SignInError::Foreign);

    let (begun, link) = SignIn::begin(&user(), &REDIRECT.parse().unwrap(), rig.clock.now()).unwrap();
    let back = rig.service.sign_in(&link, USER).unwrap();
    tokio::time::advance(PATIENCE + Duration::from_secs(1)).await;
    assert_eq!(begun.end(&http, &user(), &back, rig.clock.now()).await.unwrap_err(), SignInError::TooLate);
    rig.service.change(|it| it.fault = Some(Fault::Answers(500, String::new())));
    let down = signed_in(&rig, &http, &rig.clock, USER).await.unwrap_err();
    assert_eq!(down, SignInError::Token(TokenError::OutOfOrder(500)));
    let error =
        SignIn::begin(&super::rig::graph_with_secret("x"), &REDIRECT.parse().unwrap(), rig.clock.now()).unwrap_err();
    assert!(matches!(error, SignInError::NotNeeded(_)));
}

/// The same URL with another value of a parameter.
fn with(url: &Url, name: &str, value: &str) -> Url {
    let kept: Vec<(String, String)> = url.query_pairs().into_owned().filter(|(key, _)| key != name).collect();
    let mut url = url.clone();
    url.query_pairs_mut().clear().extend_pairs(kept).append_pair(name, value);
    url
}
