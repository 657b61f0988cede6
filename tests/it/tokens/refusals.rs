//! Credentials that are refused, services that do not answer: what is said, who is told, and when it is tried again.

use std::time::Duration;

use jiff::SignedDuration;
use otj::http::{HttpError, TlsFault};
use otj::model::service::{AppCredential, Service};
use otj::model::{Failure, Remedy, Scope};
use otj::oauth::TokenError;
use otj::sim::token::{EXAMPLE_CERTIFICATE, EXAMPLE_KEY, Fault, Registered};

use super::rig::{CLIENT, Rig, SERVICE_ACCOUNT, google, graph, graph_with_secret, json_key, secret};

const OTHER_KEY: &str = include_str!("keys/other.pem");

type Change = fn(&mut Registered);

#[tokio::test(start_paused = true)]
async fn each_refusal_says_what_to_do_without_any_secret() {
    let as_is: Change = |_| {};
    let wrong_certificate = || {
        let certificate = EXAMPLE_CERTIFICATE.as_bytes().into();
        graph(AppCredential::Certificate { certificate, private_key: secret(OTHER_KEY) })
    };
    let other_tenant = || {
        let mut integration = graph_with_secret("app-secret");
        let Service::Graph(service) = &mut integration.service else { unreachable!() };
        service.token_url = service.token_url.replace("tenant", "nobody");
        integration
    };
    for (rig, change, integration, reason, said) in [
        (Rig::microsoft(), as_is, graph_with_secret("canary"), "CredentialsRefused", "AADSTS7000215"),
        (Rig::microsoft(), |it| expire(it), graph_with_secret("app-secret"), "CredentialsRefused", "has expired"),
        (Rig::microsoft(), |it| it.apps.clear(), graph_with_secret("app-secret"), "CredentialsRefused", "no such app"),
        (Rig::microsoft(), as_is, other_tenant(), "CredentialsRefused", "no such tenant"),
        (Rig::microsoft(), as_is, wrong_certificate(), "CredentialsRefused", "AADSTS700027"),
        (Rig::google(), as_is, google(OTHER_KEY), "CredentialsRefused", "no longer, a key of this service account"),
        (
            Rig::google(),
            |it| it.service_accounts.clear(),
            google(EXAMPLE_KEY),
            "CredentialsRefused",
            "no such service account",
        ),
        (Rig::google(), as_is, google(&json_key("key-2", SERVICE_ACCOUNT)), "CredentialsRefused", "invalid_grant"),
        (
            Rig::google(),
            |it| answer(it, 401, r#"{"error":"unauthorized_client","error_description":"canary"}"#),
            google(EXAMPLE_KEY),
            "CredentialsRefused",
            "domain-wide delegation",
        ),
        (
            Rig::google(),
            |it| answer(it, 400, r#"{"error":"Canary canary","error_description":"canary"}"#),
            google(EXAMPLE_KEY),
            "CredentialsRefused",
            "unknown code",
        ),
    ] {
        rig.service.change(change);
        let error = rig.ask(&integration).await.unwrap_err();
        let shown = format!("{error:?}");
        let failure = Failure::from(error);
        assert_eq!((failure.reason, failure.remedy, failure.scope), (reason, Remedy::Fix, Scope::Account), "{said}");
        assert!(failure.message.contains(said), "{said}: {}", failure.message);
        assert!(!format!("{shown}{failure}").to_lowercase().contains("canary"), "{shown}");
    }
}

fn expire(it: &mut Registered) {
    it.apps.get_mut(CLIENT).unwrap().secret_expired = true;
}

fn answer(it: &mut Registered, status: u16, body: &str) {
    it.fault = Some(Fault::Answers(status, body.into()));
}

#[tokio::test(start_paused = true)]
async fn a_key_that_cannot_sign_is_told_without_asking_anybody() {
    let rig = Rig::google();
    for (key, said) in [
        ("hello", "neither a PEM private key nor a JSON key"),
        ("{\"type\": \"service_account\"}", "neither a PEM private key nor a JSON key"),
        (EXAMPLE_CERTIFICATE, "neither a PEM private key nor a JSON key"),
        (include_str!("keys/encrypted.pem"), "encrypted"),
        (include_str!("keys/ec.pem"), "no RSA key"),
        (include_str!("keys/short.pem"), "2048"),
        (&json_key("key-1", "other@project.iam.example.com"), "another service account"),
    ] {
        let error = rig.ask(&google(key)).await.unwrap_err();
        assert_eq!(error.label(), "CredentialsRefused");
        assert!(error.to_string().contains(said), "{said}: {error}");
    }
    let mut missing = graph_with_secret("");
    let Service::Graph(service) = &mut missing.service else { unreachable!() };
    service.credential = AppCredential::Secret(otj::model::SecretValue::Missing("file `x` is not there".into()));
    assert_eq!(rig.ask(&missing).await.unwrap_err().label(), "SecretMissing");
    assert_eq!(rig.requests(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_wrong_is_told_with_by_how_much_and_mends_itself() {
    let certificate = || {
        let certificate = EXAMPLE_CERTIFICATE.as_bytes().into();
        graph(AppCredential::Certificate { certificate, private_key: secret(EXAMPLE_KEY) })
    };
    for (rig, integration) in [(Rig::google(), google(EXAMPLE_KEY)), (Rig::microsoft(), certificate())] {
        for (minutes, said) in [(25, "our clock is 25 min ahead of"), (-130, "our clock is 130 min behind")] {
            rig.clock.skew(SignedDuration::from_mins(minutes));
            let failure = Failure::from(rig.ask(&integration).await.unwrap_err());
            assert!(failure.message.contains(said), "{}", failure.message);
            assert_eq!(
                (failure.reason, failure.remedy, failure.scope),
                ("ClockSkew", Remedy::Retry, Scope::Integration)
            );
            rig.clock.skew(SignedDuration::from_mins(-minutes));
            tokio::time::advance(Duration::from_secs(11)).await;
        }
        // A minute is within what everybody allows for.
        rig.clock.skew(SignedDuration::from_mins(1));
        assert!(rig.ask(&integration).await.is_ok());
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_secret_is_tried_once_in_half_an_hour_across_a_hundred_restarts() {
    let mut rig = Rig::microsoft();
    let wrong = graph_with_secret("wrong");
    for _ in 0..100 {
        assert_eq!(rig.ask(&wrong).await.unwrap_err().label(), "CredentialsRefused");
        rig.restart();
        tokio::time::advance(Duration::from_secs(17)).await;
    }
    assert_eq!(rig.requests(), 1);
    // The one who corrects it does not wait, and who comes back to the wrong one is told at once.
    assert!(rig.ask(&graph_with_secret("app-secret")).await.is_ok());
    assert_eq!(rig.requests(), 2);
    tokio::time::advance(Duration::from_secs(2 * 3600)).await;
    assert!(rig.ask(&wrong).await.is_err());
    assert_eq!(rig.requests(), 3, "the pause is over");
}

#[tokio::test(start_paused = true)]
async fn a_service_that_does_not_answer_is_everybodys_trouble_and_asked_seldom() {
    let tls = HttpError::Tls(TlsFault::UnknownIssuer);
    for (fault, reason, remedy, scope) in [
        (Fault::Unreachable(HttpError::Dns), "SignInUnreachable", Remedy::Retry, Scope::Integration),
        (Fault::Unreachable(HttpError::Deadline), "SignInUnreachable", Remedy::Retry, Scope::Integration),
        (Fault::Unreachable(tls), "SignInUnreachable", Remedy::Fix, Scope::Integration),
        (Fault::Answers(500, String::new()), "SignInUnreachable", Remedy::Retry, Scope::Integration),
        (Fault::Answers(200, "<html>Log in</html>".into()), "SignInUnreachable", Remedy::Retry, Scope::Integration),
        (Fault::Answers(200, "{}".into()), "SignInUnreachable", Remedy::Retry, Scope::Integration),
        (Fault::Answers(302, String::new()), "SignInUnreachable", Remedy::Retry, Scope::Integration),
        (
            Fault::Answers(400, "{\"error\":\"temporarily_unavailable\"}".into()),
            "SignInUnreachable",
            Remedy::Retry,
            Scope::Integration,
        ),
        (Fault::Throttles(429, 120), "Throttled", Remedy::Retry, Scope::Account),
    ] {
        let rig = Rig::google();
        rig.service.change(|it| it.fault = Some(fault.clone()));
        for _ in 0..10 {
            let failure = Failure::from(rig.ask(&google(EXAMPLE_KEY)).await.unwrap_err());
            assert_eq!((failure.reason, failure.remedy, failure.scope), (reason, remedy, scope), "{fault:?}");
        }
        assert_eq!(rig.requests(), 1, "{fault:?}");
        rig.service.change(|it| it.fault = None);
        tokio::time::advance(Duration::from_secs(11)).await;
        let waits = matches!(fault, Fault::Throttles(..));
        assert_eq!(rig.ask(&google(EXAMPLE_KEY)).await.is_err(), waits, "{fault:?}");
        tokio::time::advance(Duration::from_secs(120)).await;
        assert!(rig.ask(&google(EXAMPLE_KEY)).await.is_ok(), "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn kinds_without_tokens_say_so() {
    let rig = Rig::google();
    let error = rig.ask(&super::rig::integration(Service::Ics)).await.unwrap_err();
    assert_eq!(error, TokenError::NotInEffect("IcsIntegration"));
}
