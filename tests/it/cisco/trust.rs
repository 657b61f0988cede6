//! Certificates: whom we talk to, and that credentials wait until it is known.

use std::sync::Arc;

use otj::endpoint::cisco::Session;
use otj::http::{Http, HttpOptions};
use otj::listen::{TlsSettings, self_signed};
use otj::model::device::TlsMode;
use otj::model::{Clock, Failure, Secret};
use otj::reconcile::world::codecs::Codecs;
use otj::sim::cisco::Generation;
use otj::store::Store as _;
use otj::store::memory::MemoryStore;

use super::world::{DEPLOYMENT, World, morning, schedule};

fn certificate() -> (String, Secret) {
    self_signed(&["127.0.0.1".to_owned()]).unwrap()
}

async fn over_tls() -> (World, TlsSettings, String) {
    let (certificate, key) = certificate();
    let tls = TlsSettings::from_pem(certificate.as_bytes(), &key).unwrap();
    (World::with_tls(Generation::RoomOs26, Some(tls.clone())).await, tls, certificate)
}

const DAY: &str = "09:00 60 | Weekly | Ada | | 1@vc.example";

#[tokio::test]
async fn a_self_signed_codec_needs_its_certificate_a_pin_or_no_check_at_all() {
    let (mut world, _, certificate) = over_tls().await;
    let failure = Failure::from(world.put(&schedule(DAY)).await.unwrap_err());
    assert_eq!(failure.reason, "CertificateUntrusted", "{failure}");
    assert_eq!(world.asked(), [""; 0], "nothing was sent");

    world.cisco.ca_certificates = vec![certificate.into_bytes().into()];
    world.put(&schedule(DAY)).await.unwrap();

    world.cisco.ca_certificates.clear();
    world.cisco.tls = TlsMode::Insecure;
    world.put(&schedule(DAY)).await.unwrap();
}

#[tokio::test]
async fn the_first_use_learns_the_pin_without_credentials_and_a_change_sends_nothing() {
    let (mut world, tls, _) = over_tls().await;
    world.cisco.tls = TlsMode::PinOnFirstUse;
    world.put(&schedule(DAY)).await.unwrap();
    let first = world.device.with(|codec, _| codec.received.front().cloned().unwrap());
    assert_eq!((first.line.as_str(), first.with_credentials), ("HEAD /", false));
    let pin = world.session.pin().map(str::to_owned);
    assert_eq!(pin.as_ref().map(String::len), Some(64));

    // A restart: the pin comes from the store, and nothing is learned again.
    world.asked();
    world.session = Session::with_pin(pin.clone()).spaced(std::time::Duration::ZERO);
    world.put(&schedule(DAY)).await.unwrap();
    assert!(!world.asked().iter().any(|line| line.starts_with("HEAD")));

    let (certificate, key) = certificate();
    tls.replace(certificate.as_bytes(), &key).unwrap();
    // Another process: no connection of before the change is open.
    world.http = otj::http::Http::new(otj::http::HttpOptions { allow_loopback: true }).unwrap();
    let failure = Failure::from(world.put(&schedule(DAY)).await.unwrap_err());
    assert_eq!(failure.reason, "CertificateUntrusted", "{failure}");
    assert_eq!(world.asked(), [""; 0]);
    assert_eq!(world.session.pin().map(str::to_owned), pin, "only a person changes a pin");
}

#[tokio::test]
async fn a_fingerprint_of_the_document_is_the_only_one_believed() {
    let (mut world, _, _) = over_tls().await;
    world.cisco.tls = TlsMode::PinOnFirstUse;
    world.put(&schedule(DAY)).await.unwrap();
    world.cisco.fingerprint = world.session.pin().map(str::to_owned);
    world.cisco.tls = TlsMode::Verify;
    world.put(&schedule(DAY)).await.unwrap();
    world.cisco.fingerprint = Some("0".repeat(64));
    world.cisco.tls = TlsMode::Insecure;
    assert_eq!(Failure::from(world.put(&schedule(DAY)).await.unwrap_err()).reason, "CertificateUntrusted");
}

#[tokio::test]
async fn a_pin_that_is_forgotten_is_learned_anew_and_stands_after_a_restart() {
    let (mut world, tls, _) = over_tls().await;
    world.cisco.tls = TlsMode::PinOnFirstUse;
    let store = Arc::new(MemoryStore::default());
    let start = async || {
        let http = Http::new(HttpOptions { allow_loopback: true }).unwrap();
        Codecs::new(http, Clock::starting_at(morning()), store.clone(), DEPLOYMENT.to_owned()).await.unwrap()
    };
    let pin = async || store.scan("pin/").await.unwrap().pop().map(|(_, pin)| pin);
    start().await.put(&world.cisco, &schedule(DAY), None).await.unwrap();
    let first = pin().await;

    let (certificate, key) = certificate();
    tls.replace(certificate.as_bytes(), &key).unwrap();
    let codecs = start().await;
    let refused = codecs.put(&world.cisco, &schedule(DAY), None).await.unwrap_err();
    assert_eq!((refused.reason, pin().await), ("CertificateUntrusted", first.clone()));

    codecs.forget_pin(&world.cisco).await.unwrap();
    assert_eq!(pin().await, None);
    codecs.put(&world.cisco, &schedule(DAY), None).await.unwrap();
    assert!(pin().await.is_some_and(|now| Some(now) != first), "another one");
    start().await.put(&world.cisco, &schedule(DAY), None).await.unwrap();
}
