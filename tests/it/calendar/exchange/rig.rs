//! An Exchange service as documents name it, and what it takes to ask it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use otj::calendar::exchange::refusal::EntryError;
use otj::calendar::exchange::sign_in::{Ask, Exchange};
use otj::calendar::{Access, Looks, SignIns};
use otj::http::{Answering, HeaderMap, Http, HttpOptions, Response, Url};
use otj::model::service::{ExchangeSignIn, ExchangeSpec, Service};
use otj::model::tally::{Spent, Tally};
use otj::model::{Clock, IntegrationName, IntegrationSpec, Secret, SecretValue};
use otj::oauth::Tokens;
use otj::store::memory::MemoryStore;

/// Somebody who asks.
pub(super) struct Asker {
    pub(super) http: Http,
    pub(super) tally: Arc<Tally>,
    pub(super) access: Access,
    pub(super) store: Arc<MemoryStore>,
    pub(super) clock: Clock,
    pub(super) integration: IntegrationSpec,
}

pub(super) fn basic(username: &str, password: &str) -> ExchangeSignIn {
    ExchangeSignIn::Basic { username: username.into(), password: secret(password) }
}

pub(super) fn ntlm(username: &str, password: &str) -> ExchangeSignIn {
    ExchangeSignIn::Ntlm { username: username.into(), password: secret(password) }
}

fn secret(text: &str) -> SecretValue {
    SecretValue::Known(Secret::new(text.into()))
}

impl Asker {
    /// Over real sockets.
    pub(super) fn new(url: &Url, sign_in: ExchangeSignIn) -> Self {
        Self::over(Http::new(HttpOptions { allow_loopback: true }).unwrap(), url, sign_in)
    }

    pub(super) fn over(http: Http, url: &Url, sign_in: ExchangeSignIn) -> Self {
        let clock = Clock::starting_at("2026-03-02T08:00:00Z".parse().unwrap());
        let store = Arc::new(MemoryStore::new());
        let spec = ExchangeSpec {
            sign_in,
            find_items_per_day: 1_000_000,
            autodiscover_urls: Vec::new(),
            autodiscover_trust: vec!["example.com".into()],
            ews_url: Some(url.to_string()),
        };
        let integration = IntegrationSpec::of(IntegrationName::parse("exchange").unwrap(), Service::Exchange(spec));
        let access = access(&http, &store, &clock);
        Self { http, tally: Tally::new(), access, store, clock, integration }
    }

    /// Another process with the same store.
    pub(super) fn restart(&mut self) {
        self.access = access(&self.http, &self.store, &self.clock);
    }

    /// What documents say from now on.
    pub(super) fn change(&mut self, sign_in: ExchangeSignIn) {
        let Service::Exchange(spec) = &mut self.integration.service else { unreachable!() };
        spec.sign_in = sign_in;
    }

    pub(super) fn exchange(&self) -> Exchange<'_> {
        let Service::Exchange(spec) = &self.integration.service else { unreachable!() };
        Exchange {
            http: &self.http,
            tally: &self.tally,
            access: &self.access,
            integration: &self.integration,
            spec,
            now: self.clock.now().wall,
        }
    }

    pub(super) async fn send(&self, url: &Url) -> Result<Response, EntryError> {
        self.exchange().send(&ask(url)).await
    }

    pub(super) async fn open(&self, url: &Url) -> Result<Answering, EntryError> {
        self.exchange().open(&ask(url)).await
    }
}

fn access(http: &Http, store: &Arc<MemoryStore>, clock: &Clock) -> Access {
    let tokens = Tokens::new(http.clone(), store.clone(), clock.clone());
    Access { sign_ins: SignIns::default(), looks: Looks::default(), tokens, account: 0, spent: Spent::default() }
}

pub(super) fn ask(url: &Url) -> Ask {
    Ask {
        url: url.clone(),
        body: "<room/>".into(),
        anchor: Some("fjord@example.com".into()),
        headers: HeaderMap::new(),
        deadline: Duration::from_secs(20),
        limit_bytes: 1 << 20,
    }
}

/// A certificate for `localhost` and its key, as files.
pub(super) struct Certificate {
    pub(super) pem: Arc<[u8]>,
    pub(super) path: PathBuf,
    pub(super) key: PathBuf,
}

impl Certificate {
    pub(super) fn new(directory: &Path, name: &str, algorithm: &'static rcgen::SignatureAlgorithm) -> Self {
        let key = rcgen::KeyPair::generate_for(algorithm).unwrap();
        let made = rcgen::CertificateParams::new([name.to_owned()]).unwrap().self_signed(&key).unwrap();
        let file = |kind: &str| directory.join(format!("{name}.{kind}.pem"));
        std::fs::write(file("certificate"), made.pem()).unwrap();
        std::fs::write(file("key"), key.serialize_pem()).unwrap();
        Self { pem: made.pem().into_bytes().into(), path: file("certificate"), key: file("key") }
    }
}
