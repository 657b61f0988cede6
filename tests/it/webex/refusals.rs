//! What goes wrong at the cloud or on the device: what it is called, when it is tried again, and what it never tells.

use std::time::Duration;

use otj::http::{Bytes, HeaderMap, Http, HttpError, Peer, Played, Request, StatusCode};
use otj::model::{Failure, Remedy, Schedule, Scope};
use otj::oauth::Tokens;
use otj::sim::webex::{Device, Org};

use super::world::{BOT, DEPLOYMENT, World, bot, cloud, device, device_of, secret};

const MEETING: &str = "09:00 60 | hunter2 canary | Canary Person | canary@example.com | 4711@canary.example";

/// Prepares the organization and the device `one` for a case.
type Prepare = fn(&mut Org);

fn one(org: &mut Org) -> &mut Device {
    org.devices.get_mut("one").unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_went_wrong_has_a_name_a_remedy_and_the_clouds_own_id() {
    use Remedy::{Fix, Retry};
    use Scope::{Account, Integration, Object};
    let cases: [(&str, Prepare, &str, Remedy, Scope, &str); 13] = [
        (
            "offline",
            |org| one(org).connected = false,
            "WebexDeviceOffline",
            Retry,
            Object,
            "not connected to the Webex Cloud (trackingId FAKE_",
        ),
        (
            "offline, 404",
            |org| {
                one(org).connected = false;
                org.offline_status = 404
            },
            "WebexDeviceOffline",
            Retry,
            Object,
            "it is filled when it is back",
        ),
        (
            "offline, 400",
            |org| {
                one(org).connected = false;
                org.offline_status = 400
            },
            "WebexDeviceOffline",
            Retry,
            Object,
            "not connected",
        ),
        (
            "offline, untold",
            |org| {
                one(org).connected = false;
                org.tells_devices = false
            },
            "PushFailed",
            Retry,
            Object,
            "(HTTP 409): `The device did not respond.`",
        ),
        (
            "locked",
            |org| one(org).locked = true,
            "PushFailed",
            Retry,
            Object,
            "locked by another request (HTTP 423) (trackingId FAKE_",
        ),
        (
            "unknown",
            |org| org.devices.clear(),
            "PushFailed",
            Fix,
            Object,
            "shows this account no such device (trackingId FAKE_",
        ),
        (
            "unknown, untold",
            |org| {
                org.devices.clear();
                org.tells_devices = false
            },
            "PushFailed",
            Fix,
            Object,
            "no such device",
        ),
        ("teams rooms", |org| one(org).teams_rooms = true, "TeamsRoomsMode", Fix, Object, "Microsoft Teams Rooms mode"),
        (
            "declines",
            |org| one(org).declines = Some("Bad value".into()),
            "PushFailed",
            Retry,
            Object,
            "refused the command (HTTP 400): `Bad value` (trackingId FAKE_",
        ),
        (
            "quotes",
            |org| one(org).declines = Some("Bad value: hunter2 canary".into()),
            "PushFailed",
            Retry,
            Object,
            "it quoted a booking, so its reason is not repeated here",
        ),
        ("forbidden", |org| org.fault = Some(403), "NoPermission", Fix, Object, "needs the scope spark:xapi_commands"),
        ("revoked", |org| org.bots.clear(), "CredentialsRefused", Fix, Account, "the bot's token is no good"),
        (
            "out of order",
            |org| org.fault = Some(502),
            "PushFailed",
            Retry,
            Integration,
            "out of order (HTTP 502) (trackingId FAKE_",
        ),
    ];
    for (case, prepare, reason, remedy, scope, text) in cases {
        let world = World::of(&["one", "two"]);
        world.fake.change(prepare);
        let failure = Failure::from(world.put(&device("one"), MEETING).await.unwrap_err());
        assert_eq!((failure.reason, failure.remedy, failure.scope), (reason, remedy, scope), "{case}: {failure}");
        assert!(failure.message.contains(text), "{case}: {failure}");
        for told in ["hunter2", "canary", "4711", BOT] {
            assert!(!format!("{failure} {failure:?}").contains(told), "{case} tells {told}: {failure}");
        }
        if scope == Scope::Object && !matches!(case, "unknown" | "unknown, untold" | "forbidden") {
            world.put(&device("two"), MEETING).await.unwrap_or_else(|error| panic!("{case} touched another: {error}"));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_device_that_is_not_connected_is_looked_for_and_filled_when_it_is_back() {
    let world = World::of(&["one"]);
    world.fake.device("one", |it| it.connected = false).unwrap();
    assert!(world.put(&device("one"), MEETING).await.is_err());
    world.asked();
    for _ in 0..3 {
        let failure = Failure::from(world.put(&device("one"), MEETING).await.unwrap_err());
        assert_eq!(failure.reason, "WebexDeviceOffline");
        assert_eq!(world.asked(), ["GET devices one 200"], "one cheap request");
    }
    world.fake.device("one", |it| it.connected = true).unwrap();
    world.put(&device("one"), MEETING).await.unwrap();
    assert_eq!(world.screen("one").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_device_in_personal_mode_is_filled_and_not_read_back() {
    let world = World::of(&["one"]);
    world.fake.device("one", |it| it.personal = true).unwrap();
    let failure = Failure::from(world.list(&device("one")).await.unwrap_err());
    assert_eq!((failure.reason, failure.remedy), ("PersonalMode", Remedy::Fix));
    let done = world.put(&device("one"), MEETING).await.unwrap();
    assert_eq!((done.seen, done.serial.as_deref()), (None, Some("FOC-one")));
    assert_eq!(world.screen("one").len(), 1);
    world.asked();
    world.put(&device("one"), MEETING).await.unwrap();
    assert_eq!(world.asked(), ["POST Bookings.Put one 200"], "it is not asked in vain each time");
    // Somebody gives it to a workspace: a day later it is read.
    world.fake.device("one", |it| it.personal = false).unwrap();
    tokio::time::advance(Duration::from_secs(86_401)).await;
    world.asked();
    world.list(&device("one")).await.unwrap();
    assert_eq!(world.asked()[0], "POST Bookings.List one 200");
}

#[tokio::test(start_paused = true)]
async fn too_many_requests_pause_the_whole_integration_and_no_other() {
    let world = World::of(&["one", "two", "three"]);
    world.fake.change(|org| org.limit = Some((1, 600)));
    let failure = Failure::from(world.put(&device("one"), MEETING).await.unwrap_err());
    // 08:00 is the beginning of a window of ten minutes; its one request asked what the device is.
    assert_eq!((failure.reason, failure.scope), ("Throttled", Scope::Integration), "{failure}");
    let rest = failure.retry_after.unwrap();
    assert!((590..=600).contains(&rest.as_secs()), "{rest:?}");
    world.asked();
    let failure = Failure::from(world.list(&device("two")).await.unwrap_err());
    assert_eq!((failure.reason, world.asked().len()), ("Throttled", 0), "nobody asks before the time");
    // Another integration has its own limit at the real cloud; here it is only asked.
    let mut other = device("three");
    other.integration = cloud("second", bot());
    assert_eq!(
        world.list(&other).await.unwrap_err(),
        otj::endpoint::webex::WebexError::Throttled { retry_after: world_rest(&world) }
    );
    assert_eq!(world.asked().len(), 1);
    tokio::time::advance(rest).await;
    world.fake.change(|org| org.limit = None);
    world.put(&device("one"), MEETING).await.unwrap();
    assert_eq!(world.screen("one").len(), 1);
}

/// How long the window of ten minutes lasts.
fn world_rest(world: &World) -> Duration {
    let second = world.clock.now().wall.as_second();
    Duration::from_secs(u64::try_from(600 - second.rem_euclid(600)).unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_short_pause_is_waited_for() {
    let world = World::of(&["one"]);
    world.fake.change(|org| org.limit = Some((2, 2)));
    world.put(&device("one"), MEETING).await.unwrap();
    world.put(&device("one"), MEETING).await.unwrap();
    assert_eq!(world.screen("one").len(), 1);
    assert!(world.asked().iter().any(|line| line.ends_with("429")), "the limit was met");
}

#[tokio::test(start_paused = true)]
async fn at_most_four_requests_are_under_way() {
    let names: Vec<String> = (0..20).map(|number| format!("device-{number}")).collect();
    let world = World::of(&names.iter().map(String::as_str).collect::<Vec<_>>());
    world.fake.change(|org| (org.takes, org.tells_devices) = (Duration::from_secs(1), false));
    let begun = world.clock.now().mono;
    let mut tasks = tokio::task::JoinSet::new();
    for name in &names {
        let (clouds, webex) = (world.clouds.clone(), device(name));
        tasks.spawn(async move { clouds.list(&webex, DEPLOYMENT).await.map(|_| ()) });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap().unwrap();
    }
    // Twenty lists and twenty refused looks of a second each.
    assert_eq!(begun.until(world.clock.now().mono).as_secs(), 10);
}

/// Something that is not the Webex Cloud.
struct Stranger(u16, &'static str);

impl Peer for Stranger {
    fn answer(&self, _: &Request) -> Played {
        let status = StatusCode::from_u16(self.0).unwrap();
        match self.1 {
            "silence" => Played { after: Duration::ZERO, result: Err(HttpError::Deadline) },
            body => Played { after: Duration::ZERO, result: Ok((status, HeaderMap::new(), Bytes::from(body))) },
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_success_of_somebody_else_is_none() {
    let world = World::of(&[]);
    for (status, body, reason) in [
        (200, "<html>portal</html>", "not the Webex Cloud: a success that is no JSON object"),
        (200, "[]", "not the Webex Cloud: a success that is no JSON object"),
        (200, "{}", "not the Webex Cloud: a success without a result"),
        (200, r#"{"deviceId": "two", "result": {}}"#, "not the Webex Cloud: an answer about another device"),
        (
            200,
            r#"{"deviceId": "one", "result": {"status": "Error", "Reason": "hunter2 canary"}}"#,
            "it quoted a booking",
        ),
        (204, "", "not the Webex Cloud: neither a success nor an error"),
        (302, "", "not the Webex Cloud: neither a success nor an error"),
        (503, "", "the Webex Cloud is out of order (HTTP 503)"),
        (0, "silence", "could not reach the Webex Cloud"),
    ] {
        let http = Http::played_by(std::sync::Arc::new(Stranger(status.max(200), body))).unwrap();
        let tokens = Tokens::new(http.clone(), world.store.clone(), world.clock.clone());
        let clouds = otj::endpoint::webex::Clouds::new(http, tokens, world.clock.clone());
        let put = super::world::schedule(MEETING);
        let failure = Failure::from(clouds.put_schedule(&device("one"), DEPLOYMENT, &put).await.unwrap_err());
        assert!(failure.message.contains(reason), "{status} {body}: {failure}");
        assert_eq!(failure.remedy, Remedy::Retry);
        let failure = clouds.put_schedule(&device("one"), DEPLOYMENT, &Schedule::default()).await;
        assert!(failure.is_err(), "{status} {body}: an empty list is no more believed");
    }
}

#[tokio::test(start_paused = true)]
async fn a_missing_secret_and_a_wrong_url_ask_nobody() {
    let world = World::of(&["one"]);
    let missing = otj::model::SecretValue::Missing("env:BOT is not set".into());
    let webex = device_of("one", otj::model::service::WebexSignIn::Bot(missing));
    let failure = Failure::from(world.list(&webex).await.unwrap_err());
    assert_eq!(
        (failure.reason, failure.message.as_str()),
        ("SecretMissing", "a secret is missing: env:BOT is not set")
    );
    let mut spec = (*cloud("cloud", otj::model::service::WebexSignIn::Bot(secret("x")))).clone();
    spec.api_url = "not a url".into();
    let webex = otj::model::WebexSpec { device_id: "one".into(), integration: spec.into() };
    assert!(world.list(&webex).await.is_err());
    assert_eq!(world.asked(), [""; 0]);
}
