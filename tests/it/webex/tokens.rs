//! Webex's three kinds of credentials over months: fetched, renewed, rotated, refused.

use std::time::Duration;

use jiff::Timestamp;
use otj::endpoint::webex::WebexError;
use otj::http::Url;
use otj::model::{Failure, Remedy};
use otj::oauth::sign_in::{SignIn, SignInError, SignedIn};
use otj::sim::token::Fault;

use super::world::{AUTHORIZED, World, administrator, bot, cloud, device_of, secret, service_app};

const DAY: Duration = Duration::from_secs(86_400);

async fn works(world: &World, sign_in: otj::model::service::WebexSignIn) -> Result<(), Failure> {
    world.list(&device_of("one", sign_in)).await.map(|_| ()).map_err(Failure::from)
}

/// When the refresh token ends, as metrics and alarms tell it.
fn ends(world: &World) -> Option<Timestamp> {
    let (labels, at) = world.tally.sign_ins_end.snapshot().into_iter().next()?;
    assert_eq!(labels, ["WebexIntegration", "cloud"]);
    Some(at)
}

#[tokio::test(start_paused = true)]
async fn a_service_app_lives_on_its_first_refresh_token_for_a_year_and_across_restarts() {
    for rotates in [false, true] {
        let mut world = World::of(&["one"]);
        world.service.change(|it| it.rotates = rotates);
        for day in 0..365 {
            works(&world, service_app(AUTHORIZED)).await.unwrap_or_else(|failure| panic!("day {day}: {failure}"));
            if day % 10 == 3 {
                world.restart();
            }
            tokio::time::advance(DAY).await;
        }
        // Good for 14 days, renewed after 7.
        let fetched = world.service.change(|it| it.requests);
        assert!((52..=54).contains(&fetched), "{fetched}");
        let left = ends(&world).unwrap().duration_since(world.clock.now().wall);
        assert!((82..=90).contains(&(left.as_hours() / 24)), "every use makes it live longer: {left:#}");
    }
}

#[tokio::test(start_paused = true)]
async fn lifetimes_are_believed_as_the_service_tells_them() {
    for (lifetime, days, fetches) in [(Duration::from_secs(3600), 1, 45..=49), (90 * DAY, 60, 9..=10)] {
        let world = World::of(&["one"]);
        world.service.change(|it| it.lifetime = lifetime);
        for _ in 0..days * 96 {
            works(&world, service_app(AUTHORIZED)).await.unwrap();
            tokio::time::advance(DAY / 96).await;
        }
        let fetched = world.service.change(|it| it.requests);
        assert!(fetches.contains(&fetched), "{lifetime:?}: {fetched}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refresh_token_that_was_revoked_is_told_once_and_a_new_one_in_the_documents_works_at_once() {
    let mut world = World::of(&["one"]);
    works(&world, service_app(AUTHORIZED)).await.unwrap();
    world.service.change(|it| it.refresh.clear());
    tokio::time::advance(15 * DAY).await;
    let failure = works(&world, service_app(AUTHORIZED)).await.unwrap_err();
    assert_eq!((failure.reason, failure.remedy), ("CredentialsRefused", Remedy::Fix));
    assert!(failure.message.contains("authorize the app again in Control Hub and replace refreshToken"), "{failure}");
    // Nobody tries again for half an hour, nor after a restart.
    let asked = world.service.change(|it| it.requests);
    for _ in 0..20 {
        world.restart();
        assert!(works(&world, service_app(AUTHORIZED)).await.is_err());
        tokio::time::advance(Duration::from_secs(60)).await;
    }
    assert_eq!(world.service.change(|it| it.requests), asked);
    world.service.change(|it| it.refresh.insert("refresh-of-today".into(), "machine".into()));
    works(&world, service_app("refresh-of-today")).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_wrong_secret_is_told_as_such_and_a_service_out_of_order_passes() {
    let world = World::of(&["one"]);
    let wrong = otj::model::service::WebexSignIn::ServiceApp {
        client_id: "client".into(),
        client_secret: secret("wrong"),
        refresh_token: secret(AUTHORIZED),
    };
    let failure = works(&world, wrong).await.unwrap_err();
    assert_eq!((failure.reason, failure.remedy), ("CredentialsRefused", Remedy::Fix));
    assert!(failure.message.contains("the client secret is wrong"), "{failure}");

    works(&world, service_app(AUTHORIZED)).await.unwrap();
    world.service.change(|it| it.fault = Some(Fault::Answers(503, String::new())));
    tokio::time::advance(10 * DAY).await;
    works(&world, service_app(AUTHORIZED)).await.expect("the token of before is good for four days more");
    tokio::time::advance(5 * DAY).await;
    let failure = works(&world, service_app(AUTHORIZED)).await.unwrap_err();
    assert_eq!((failure.reason, failure.remedy), ("Throttled", Remedy::Retry));
    world.service.change(|it| it.fault = None);
    tokio::time::advance(Duration::from_secs(20)).await;
    works(&world, service_app(AUTHORIZED)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_access_token_that_ends_early_is_replaced_within_the_step() {
    let world = World::of(&["one"]);
    works(&world, service_app(AUTHORIZED)).await.unwrap();
    tokio::time::advance(Duration::from_secs(120)).await;
    world.issued.revoke_all();
    world.asked();
    works(&world, service_app(AUTHORIZED)).await.unwrap();
    assert_eq!(world.asked(), ["POST Bookings.List one 401", "POST Bookings.List one 200"]);
    // One that is refused although it is new: another one would be, too.
    world.fake.change(|org| org.fault = Some(401));
    assert!(works(&world, service_app(AUTHORIZED)).await.is_err());
    assert_eq!(world.service.change(|it| it.requests), 2);
}

#[tokio::test(start_paused = true)]
async fn a_bots_token_that_is_refused_is_left_alone_until_it_changes() {
    let mut world = World::of(&["one"]);
    works(&world, bot()).await.unwrap();
    world.fake.change(|org| org.bots.clear());
    world.asked();
    for _ in 0..25 {
        let failure = works(&world, bot()).await.unwrap_err();
        assert_eq!((failure.reason, failure.remedy), ("CredentialsRefused", Remedy::Fix), "{failure}");
        assert!(failure.message.contains("make a new one at developer.webex.com and replace botToken"), "{failure}");
        world.restart();
        tokio::time::advance(Duration::from_secs(60)).await;
    }
    assert_eq!(world.asked(), ["POST Bookings.List one 401"], "once, also across restarts");
    world.fake.change(|org| org.bots.insert("new-token".into()));
    works(&world, otj::model::service::WebexSignIn::Bot(secret("new-token"))).await.unwrap();
}

async fn signed_in(world: &World) -> Result<SignedIn, SignInError> {
    let spec = cloud("cloud", administrator());
    let redirect: Url = "http://127.0.0.1:4711/oauth/callback".parse().unwrap();
    let (begun, link) = SignIn::begin(&*spec, &redirect, world.clock.now())?;
    assert!(link.as_str().starts_with("https://webexapis.example.com/v1/authorize?"), "{link}");
    let scope = link.query_pairs().find(|(name, _)| name == "scope").unwrap().1.into_owned();
    assert_eq!(scope, "spark:xapi_commands spark:xapi_statuses spark-admin:devices_read");
    let back = world.service.sign_in(&link, "admin@example.com").unwrap();
    assert!(begun.is_answered_by(&back));
    begun.end(&world.http, &*spec, &back, world.clock.now()).await
}

#[tokio::test(start_paused = true)]
async fn an_administrator_who_signed_in_once_is_signed_in_for_a_year_and_asked_again_when_it_ends() {
    let mut world = World::of(&["one"]);
    let failure = works(&world, administrator()).await.unwrap_err();
    assert_eq!((failure.reason, failure.remedy), ("SignInNeeded", Remedy::Fix));
    assert!(failure.message.contains("nobody has signed in yet; run `otj auth cloud`"), "{failure}");

    signed_in(&world).await.unwrap().store(&*world.store).await.unwrap();
    tokio::time::advance(Duration::from_secs(11)).await;
    world.service.change(|it| it.rotates = true);
    for day in 0..365 {
        works(&world, administrator()).await.unwrap_or_else(|failure| panic!("day {day}: {failure}"));
        if day % 30 == 7 {
            world.restart();
        }
        tokio::time::advance(DAY).await;
    }
    // Switched off for longer than the refresh token lives.
    tokio::time::advance(91 * DAY).await;
    world.restart();
    let failure = works(&world, administrator()).await.unwrap_err();
    assert!(failure.message.contains("the sign-in was revoked or has expired; run `otj auth cloud`"), "{failure}");
    signed_in(&world).await.unwrap().store(&*world.store).await.unwrap();
    world.restart();
    works(&world, administrator()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_sign_in_that_may_not_command_devices_is_not_stored() {
    let world = World::of(&["one"]);
    world.service.change(|it| it.grants = Some("spark:xapi_statuses spark-admin:devices_read".into()));
    assert_eq!(signed_in(&world).await.err(), Some(SignInError::NotGranted));
    assert!(matches!(
        world.list(&device_of("one", administrator())).await,
        Err(WebexError::Token(otj::oauth::TokenError::SignInNeeded(..)))
    ));
}
