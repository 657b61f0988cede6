//! A token service, a store, and accounts to ask for.

use std::sync::Arc;

use jiff::Timestamp;
use otj::http::{Http, Peer, Played, Request};
use otj::model::service::{AppCredential, GoogleSignIn, GoogleSpec, GraphSpec, Service, ServiceAccount};
use otj::model::{Clock, IntegrationName, IntegrationSpec, Secret, SecretValue};
use otj::oauth::{Bearer, TokenError, Tokens};
use otj::sim::Fake;
use otj::sim::token::{App, Dialect, EXAMPLE_CERTIFICATE, EXAMPLE_KEY, Issued, Known, TokenService};
use otj::store::memory::MemoryStore;

pub(super) const SERVICE_ACCOUNT: &str = "otj@project.iam.example.com";
pub(super) const CLIENT: &str = "11111111-2222-3333-4444-555555555555";
pub(super) const GOOGLE_URL: &str = "https://token.example.com/token";
pub(super) const MICROSOFT_URL: &str = "https://login.example.com/tenant/oauth2/v2.0/token";

/// The service, and the time at it: not the time of the one who asks.
struct Net(Arc<TokenService>, Clock);

impl Peer for Net {
    fn answer(&self, request: &Request) -> Played {
        self.0.answer(request, self.1.now().wall)
    }
}

/// See the module.
pub(super) struct Rig {
    pub(super) service: Arc<TokenService>,
    pub(super) issued: Arc<Issued>,
    pub(super) store: Arc<MemoryStore>,
    /// Of the one who asks.
    pub(super) clock: Clock,
    pub(super) tokens: Tokens,
    /// Of everybody else.
    pub(super) world: Clock,
}

impl Rig {
    pub(super) fn google() -> Self {
        let rig = Self::of(Dialect::Google, GOOGLE_URL);
        rig.service.change(|it| {
            it.service_accounts.insert(SERVICE_ACCOUNT.into(), Known::key(EXAMPLE_KEY, Some("key-1")).unwrap())
        });
        rig
    }

    pub(super) fn microsoft() -> Self {
        let rig = Self::of(Dialect::Microsoft, MICROSOFT_URL);
        let certificate = Known::certificate(EXAMPLE_CERTIFICATE, EXAMPLE_KEY);
        let app = App { secret: Some("app-secret".into()), certificate, ..App::default() };
        rig.service.change(|it| it.apps.insert(CLIENT.into(), app));
        rig
    }

    pub(super) fn of(dialect: Dialect, url: &str) -> Self {
        let start: Timestamp = "2026-03-02T08:00:00Z".parse().unwrap();
        let (world, clock) = (Clock::starting_at(start), Clock::starting_at(start));
        let issued = Arc::<Issued>::default();
        let service = Arc::new(TokenService::new(dialect, url.parse().unwrap(), issued.clone()));
        let store = Arc::new(MemoryStore::new());
        let tokens = tokens(&service, &world, &store, &clock);
        Self { service, issued, store, clock, tokens, world }
    }

    /// Another process with the same store.
    pub(super) fn restart(&mut self) {
        self.tokens = tokens(&self.service, &self.world, &self.store, &self.clock);
    }

    pub(super) fn http(&self) -> Http {
        Http::played_by(Arc::new(Net(self.service.clone(), self.world.clone()))).unwrap()
    }

    pub(super) async fn ask(&self, integration: &IntegrationSpec) -> Result<Bearer, TokenError> {
        self.tokens.bearer(integration, 0).await
    }

    /// Whose good token it is.
    pub(super) fn owner(&self, bearer: &Bearer) -> Option<String> {
        self.issued.is_valid(bearer.0.expose(), self.world.now().wall)
    }

    pub(super) fn requests(&self) -> u64 {
        self.service.change(|it| it.requests)
    }
}

fn tokens(service: &Arc<TokenService>, world: &Clock, store: &Arc<MemoryStore>, clock: &Clock) -> Tokens {
    let http = Http::played_by(Arc::new(Net(service.clone(), world.clone()))).unwrap();
    Tokens::new(http, store.clone(), clock.clone())
}

pub(super) fn secret(text: &str) -> SecretValue {
    SecretValue::Known(Secret::new(text.into()))
}

pub(super) fn integration(service: Service) -> IntegrationSpec {
    IntegrationSpec::of(IntegrationName::parse("calendars").unwrap(), service)
}

/// A Google integration with one service account, whose key this is.
pub(super) fn google(key: &str) -> IntegrationSpec {
    let account = ServiceAccount { email: SERVICE_ACCOUNT.into(), private_key: secret(key) };
    integration(Service::Google(GoogleSpec {
        sign_in: GoogleSignIn::ServiceAccounts(vec![account]),
        token_url: GOOGLE_URL.into(),
        api_url: "https://calendar.example.com/v3".into(),
        max_requests_per_day: 900_000,
        max_requests_per_minute_per_account: 540,
    }))
}

/// A Graph integration whose app has this credential.
pub(super) fn graph(credential: AppCredential) -> IntegrationSpec {
    integration(Service::Graph(GraphSpec {
        client_id: CLIENT.into(),
        credential,
        client_secret_expires: None,
        token_url: MICROSOFT_URL.into(),
        host: "graph.example.com".into(),
        api_url: "https://graph.example.com/v1.0".into(),
        max_requests_per_day: 1_000_000,
    }))
}

pub(super) fn graph_with_secret(text: &str) -> IntegrationSpec {
    graph(AppCredential::Secret(secret(text)))
}

/// The key as Google's console gives it.
pub(super) fn json_key(id: &str, email: &str) -> String {
    let key = serde_json::json!({
        "type": "service_account", "project_id": "project", "private_key_id": id, "private_key": EXAMPLE_KEY,
        "client_email": email, "client_id": "1", "token_uri": GOOGLE_URL,
    });
    key.to_string()
}
