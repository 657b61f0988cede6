//! What comes of codecs that refuse, and of what stands before them: one clear reason, and no second try of our own.

use otj::endpoint::EndpointError;
use otj::model::{Failure, Remedy, SecretValue};
use otj::sim::cisco::{Generation, Quirk};

use super::world::{World, morning, schedule};

#[tokio::test]
async fn each_refusal_has_one_reason_and_one_request() {
    let elsewhere = || Quirk::RedirectsTo("https://evil.example/putxml".into());
    let sign_in = || Quirk::RedirectsTo("/web/signin".into());
    for (quirk, reason, remedy, text) in [
        (Quirk::SignInPage, "CredentialsRefused", Remedy::Fix, "sign-in page"),
        (sign_in(), "CredentialsRefused", Remedy::Fix, "sign-in page"),
        (Quirk::Status(401), "CredentialsRefused", Remedy::Fix, "401"),
        (Quirk::Status(403), "CredentialsRefused", Remedy::Fix, "Admin role"),
        (Quirk::WantsHttps, "RedirectsToHttps", Remedy::Fix, "cisco.useHttps: true"),
        (elsewhere(), "PushFailed", Remedy::Fix, "another address"),
        (Quirk::Status(503), "PushFailed", Remedy::Retry, "busy"),
    ] {
        let mut world = World::of(Generation::RoomOs26).await;
        world.device.with(|codec, _| codec.quirk = quirk.clone());
        let failure =
            Failure::from(world.put(&schedule("09:00 60 | Secret plan | Ada | | 1@vc.example")).await.unwrap_err());
        assert_eq!((failure.reason, failure.remedy), (reason, remedy), "{quirk:?}: {failure}");
        assert!(failure.message.contains(text), "{quirk:?}: {failure}");
        assert_eq!(world.asked().len(), 1, "{quirk:?}");
    }
}

#[tokio::test]
async fn a_busy_device_says_when_to_come_back() {
    for (quirk, after) in [(Quirk::Busy(7), Some(std::time::Duration::from_secs(7))), (Quirk::Status(503), None)] {
        let mut world = World::of(Generation::RoomOs26).await;
        world.device.with(|codec, _| codec.quirk = quirk);
        let failure = Failure::from(world.put(&schedule("")).await.unwrap_err());
        assert_eq!((failure.reason, failure.remedy, failure.retry_after), ("PushFailed", Remedy::Retry, after));
    }
}

#[tokio::test]
async fn a_200_is_no_proof() {
    for (quirk, reason, text) in [
        (Quirk::EmptyCommand, "PushFailed", "neither `Bookings Put` nor `/bookingsputxml`"),
        (Quirk::Declines("Too many bookings".into()), "PushFailed", "`Too many bookings`"),
        (Quirk::Declines("Bad value Secret plan".into()), "PushFailed", "quoted a booking"),
        (Quirk::Declines("Cannot dial 1@vc.example".into()), "PushFailed", "quoted a booking"),
        (Quirk::TeamsRooms, "TeamsRoomsMode", "Microsoft Teams Rooms"),
    ] {
        let mut world = World::of(Generation::RoomOs26).await;
        world.device.with(|codec, _| codec.quirk = quirk.clone());
        let error = world.put(&schedule("09:00 60 | Secret plan | Ada | | 1@vc.example")).await.unwrap_err();
        let failure = Failure::from(error);
        assert_eq!(failure.reason, reason, "{quirk:?}: {failure}");
        assert!(failure.message.contains(text), "{quirk:?}: {failure}");
        assert!(!failure.message.contains("Secret") && !failure.message.contains("vc.example"), "{failure}");
        assert_eq!(world.screen(morning()), [""; 0], "{quirk:?}");
    }
    let mut world = World::of(Generation::Ce8).await;
    world.device.with(|codec, _| codec.quirk = Quirk::Declines("No room".into()));
    let error = world.put(&schedule("09:00 60 | Weekly | Ada | | 1@vc.example")).await.unwrap_err();
    assert_eq!(error, EndpointError::Declined("`No room`".into()), "also in a document of the older wire");
}

#[tokio::test]
async fn a_wrong_password_is_presented_once_a_put_and_locks_nobody_out() {
    let mut world = World::of(Generation::RoomOs26).await.password("wrong");
    for _ in 0..4 {
        let error = world.put(&schedule("09:00 60 | Weekly | Ada | | 1@vc.example")).await.unwrap_err();
        assert_eq!(Failure::from(error).reason, "CredentialsRefused");
        assert_eq!(world.asked(), ["GET /getxml 401"], "one failed login, no more");
    }
    let mut world = world.password("right");
    world.put(&schedule("09:00 60 | Weekly | Ada | | 1@vc.example")).await.unwrap();
}

#[tokio::test]
async fn a_missing_password_reaches_no_network() {
    let mut world = World::of(Generation::RoomOs26).await;
    world.cisco.password = SecretValue::Missing("env:OTJ_TEST is not set".into());
    let failure = Failure::from(world.put(&schedule("")).await.unwrap_err());
    assert_eq!(
        (failure.reason, failure.message.as_str()),
        ("SecretMissing", "the password is missing: env:OTJ_TEST is not set")
    );
    assert_eq!(world.asked(), [""; 0]);
}

#[tokio::test]
async fn an_address_that_is_no_host_is_refused_before_anything_is_sent() {
    for address in ["", "a b", "user@host", "host/path", "host?x", "host#x", "host:80", "[::1", "ho\nst"] {
        let mut world = World::of(Generation::RoomOs26).await;
        world.cisco.address = address.into();
        assert_eq!(world.put(&schedule("")).await, Err(EndpointError::Address), "{address:?}");
        assert_eq!(world.asked(), [""; 0]);
    }
}

#[tokio::test]
async fn a_device_that_is_off_is_tried_again() {
    let mut world = World::of(Generation::RoomOs26).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    world.cisco.port = listener.local_addr().unwrap().port();
    drop(listener);
    let failure = Failure::from(world.list().await.unwrap_err());
    assert_eq!((failure.reason, failure.remedy), ("PushFailed", Remedy::Retry), "{failure}");
}
