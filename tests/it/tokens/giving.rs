//! Tokens that are given: for every kind of credential, once for everybody, early, and across restarts.

use std::time::Duration;

use otj::http::HttpError;
use otj::model::service::{AppCredential, Service};
use otj::sim::token::{EXAMPLE_CERTIFICATE, EXAMPLE_KEY, Fault};
use otj::store::Store as _;
use tokio::task::JoinSet;

use super::rig::{CLIENT, Rig, SERVICE_ACCOUNT, google, graph, graph_with_secret, json_key, secret};

#[tokio::test(start_paused = true)]
async fn every_form_of_a_credential_gets_a_token() {
    let certificate = AppCredential::Certificate {
        certificate: EXAMPLE_CERTIFICATE.as_bytes().into(),
        private_key: secret(EXAMPLE_KEY),
    };
    for (what, rig, integration, account) in [
        ("PKCS#8", Rig::google(), google(EXAMPLE_KEY), SERVICE_ACCOUNT),
        ("PKCS#1", Rig::google(), google(include_str!("keys/pkcs1.pem")), SERVICE_ACCOUNT),
        ("with \\n in one line", Rig::google(), google(&EXAMPLE_KEY.replace('\n', "\\n")), SERVICE_ACCOUNT),
        ("JSON key", Rig::google(), google(&json_key("key-1", SERVICE_ACCOUNT)), SERVICE_ACCOUNT),
        ("client secret", Rig::microsoft(), graph_with_secret("app-secret"), CLIENT),
        ("certificate", Rig::microsoft(), graph(certificate), CLIENT),
    ] {
        let bearer = rig.ask(&integration).await.unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(rig.owner(&bearer).as_deref(), Some(account), "{what}");
        assert!(bearer.header().unwrap().is_sensitive(), "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_json_key_goes_where_it_says_unless_the_documents_name_another_place() {
    let rig = Rig::google();
    for (url, reached) in [
        ("https://oauth2.googleapis.com/token", 1),
        ("https://elsewhere.example.com/other", 0),
        (super::rig::GOOGLE_URL, 1),
    ] {
        let mut integration = google(&json_key("key-1", SERVICE_ACCOUNT));
        let Service::Google(service) = &mut integration.service else { unreachable!() };
        service.token_url = url.into();
        // The simulated service answers at every host, and gives tokens at its own path only.
        let given = usize::from(rig.ask(&integration).await.is_ok());
        assert_eq!(given, reached, "{url}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_hundred_callers_cost_one_request() {
    let rig = Rig::microsoft();
    rig.service.change(|it| it.takes = Duration::from_secs(5));
    let mut callers = JoinSet::new();
    for _ in 0..100 {
        let (tokens, integration) = (rig.tokens.clone(), graph_with_secret("app-secret"));
        callers.spawn(async move { tokens.bearer(&integration, 0).await.unwrap() });
    }
    let bearers = callers.join_all().await;
    assert!(bearers.iter().all(|bearer| *bearer == bearers[0]));
    assert_eq!(rig.requests(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_next_token_comes_early_so_that_ten_minutes_without_the_service_harm_nobody() {
    let rig = Rig::google();
    let integration = google(EXAMPLE_KEY);
    let mut asked_in_the_dark = false;
    for minute in 0..24 * 60 {
        // Away for the last ten minutes of every hour, in two ways.
        let fault = match minute % 120 {
            50..60 => Some(Fault::Unreachable(HttpError::Deadline)),
            110..120 => Some(Fault::Answers(502, "<html>".into())),
            _ => None,
        };
        let before = rig.requests();
        rig.service.change(|it| it.fault = fault.clone());
        let bearer = rig.ask(&integration).await.unwrap();
        assert!(rig.owner(&bearer).is_some(), "minute {minute}");
        asked_in_the_dark |= fault.is_some() && rig.requests() > before;
        tokio::time::advance(Duration::from_secs(60)).await;
    }
    assert!(asked_in_the_dark);
    assert!(rig.requests() < 24 * 8, "{} requests in a day", rig.requests());
}

#[tokio::test(start_paused = true)]
async fn while_one_fetches_the_next_token_the_others_use_the_last() {
    let rig = Rig::google();
    let integration = google(EXAMPLE_KEY);
    let first = rig.ask(&integration).await.unwrap();
    tokio::time::advance(Duration::from_secs(3599 - 300)).await;
    rig.service.change(|it| it.takes = Duration::from_secs(20));
    let (tokens, asked) = (rig.tokens.clone(), integration.clone());
    let fetching = tokio::spawn(async move { tokens.bearer(&asked, 0).await.unwrap() });
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(rig.ask(&integration).await.unwrap(), first);
    assert_ne!(fetching.await.unwrap(), first);
}

#[tokio::test(start_paused = true)]
async fn a_restart_uses_the_stored_token_and_no_other_destination_does() {
    let mut rig = Rig::microsoft();
    let integration = graph_with_secret("app-secret");
    let first = rig.ask(&integration).await.unwrap();
    rig.restart();
    assert_eq!(rig.ask(&integration).await.unwrap(), first);
    assert_eq!(rig.requests(), 1);
    for (what, change) in [
        (
            "API",
            (|service| service.api_url = "https://other.example.com/v1.0".into())
                as fn(&mut otj::model::service::GraphSpec),
        ),
        ("host", |service| service.host = "other.example.com".into()),
        ("token URL", |service| service.token_url = service.token_url.replace("login", "other")),
    ] {
        rig.restart();
        let mut changed = integration.clone();
        let Service::Graph(service) = &mut changed.service else { unreachable!() };
        change(service);
        assert_ne!(rig.ask(&changed).await.unwrap(), first, "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_that_the_api_refuses_is_replaced_once_a_minute_at_most() {
    let mut rig = Rig::google();
    let integration = google(EXAMPLE_KEY);
    let first = rig.ask(&integration).await.unwrap();
    rig.tokens.refused(&integration, 0, &first);
    assert_eq!(rig.ask(&integration).await.unwrap(), first, "a fresh one is not to blame");
    tokio::time::advance(Duration::from_secs(61)).await;
    rig.tokens.refused(&integration, 0, &first);
    let second = rig.ask(&integration).await.unwrap();
    assert_ne!(second, first);
    rig.restart();
    assert_eq!(rig.ask(&integration).await.unwrap(), second);
    rig.tokens.refused(&integration, 0, &second);
    assert_ne!(rig.ask(&integration).await.unwrap(), second, "one from before the restart is replaced at once");
}

#[tokio::test(start_paused = true)]
async fn a_stored_token_dies_with_its_hour_also_when_the_clock_was_set_back() {
    let mut rig = Rig::google();
    let integration = google(EXAMPLE_KEY);
    let first = rig.ask(&integration).await.unwrap();
    rig.clock.skew(-jiff::SignedDuration::from_hours(24));
    rig.restart();
    assert_eq!(rig.ask(&integration).await.unwrap(), first);
    tokio::time::advance(Duration::from_secs(3590)).await;
    rig.clock.skew(jiff::SignedDuration::from_hours(24));
    let next = rig.ask(&integration).await.unwrap();
    assert!(next != first && rig.owner(&next).is_some());
    assert_eq!(rig.store.scan("oauth/").await.unwrap().len(), 1, "one record for one account");
}
