//! The service account of Exchange Online signs in once, at Microsoft's endpoints of version 1; an app needs nobody.

use std::time::Duration;

use otj::http::{Http, Url};
use otj::model::IntegrationSpec;
use otj::model::service::{AppCredential, ExchangeSignIn, ExchangeSpec, OauthClient, Service};
use otj::oauth::sign_in::{SignIn, SignInError};
use otj::sim::token::{App, Dialect};

use super::rig::{CLIENT, MICROSOFT_URL, Rig, integration, secret};

const USER: &str = "otj@example.com";
const REDIRECT: &str = "https://otj.example.com/oauth/callback";
const VERSION_1: &str = "https://login.microsoftonline.com/tenant/oauth2/token";

fn exchange(sign_in: ExchangeSignIn) -> IntegrationSpec {
    integration(Service::Exchange(ExchangeSpec {
        sign_in,
        find_items_per_day: 1_000_000,
        autodiscover_urls: Vec::new(),
        autodiscover_trust: vec!["example.com".into()],
        ews_url: None,
    }))
}

fn service_account(token_url: &str) -> IntegrationSpec {
    exchange(ExchangeSignIn::Oauth {
        username: USER.into(),
        authorization_url: token_url.replace("/token", "/authorize"),
        token_url: token_url.into(),
        client: OauthClient { client_id: CLIENT.into(), client_secret: None, redirect_uri: Some(REDIRECT.into()) },
    })
}

async fn sign_in(rig: &Rig, http: &Http, integration: &IntegrationSpec, who: &str) -> Result<(), SignInError> {
    let (begun, link) = SignIn::begin(integration, &REDIRECT.parse().unwrap(), rig.clock.now())?;
    let back: Url = rig.service.sign_in(&link, who).expect("a link that the page understands");
    let signed_in = begun.end(http, integration, &back, rig.clock.now()).await?;
    assert!(signed_in.account.eq_ignore_ascii_case(USER));
    signed_in.store(&*rig.store).await.unwrap();
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_service_account_signs_in_once_and_reads_for_days() {
    for url in [VERSION_1, MICROSOFT_URL] {
        let (mut rig, integration) = (Rig::of(Dialect::Microsoft, url), service_account(url));
        rig.service.change(|it| it.apps.insert(CLIENT.into(), App::default()));
        let http = rig.http();
        assert!(rig.ask(&integration).await.unwrap_err().to_string().contains("run `otj auth calendars`"));
        let other = sign_in(&rig, &http, &integration, "else@example.com").await;
        assert!(matches!(other, Err(SignInError::OtherAccount { .. })), "{url}: {other:?}");
        sign_in(&rig, &http, &integration, "OTJ@example.com").await.unwrap();
        tokio::time::advance(Duration::from_secs(11)).await;
        for hour in 0..50 {
            let bearer = rig.ask(&integration).await.unwrap_or_else(|error| panic!("{url}, hour {hour}: {error}"));
            assert!(rig.owner(&bearer).is_some_and(|owner| owner.eq_ignore_ascii_case(USER)));
            if hour % 7 == 0 {
                rig.restart();
            }
            tokio::time::advance(Duration::from_secs(3600)).await;
        }
        // Nearly an hour each, in spite of a lifetime that is written as a text.
        assert!(rig.requests() < 120, "{url}: {}", rig.requests());
    }
}

#[tokio::test(start_paused = true)]
async fn an_app_asks_for_exchange_online_and_needs_nobody() {
    let rig = Rig::microsoft();
    let credential = AppCredential::Secret(secret("app-secret"));
    let app = ExchangeSignIn::AppOnly { token_url: MICROSOFT_URL.into(), client_id: CLIENT.into(), credential };
    let bearer = rig.ask(&exchange(app)).await.unwrap();
    assert_eq!(rig.owner(&bearer).as_deref(), Some(CLIENT));
}
