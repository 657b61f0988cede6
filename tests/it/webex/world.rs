//! A simulated Webex Cloud in virtual time, our side of the conversation with it, and schedules written as text.

use std::sync::Arc;

use jiff::Timestamp;
use otj::endpoint::cisco::{self, Difference, Listing, PutDone};
use otj::endpoint::webex::{Clouds, WebexError};
use otj::http::{Http, Peer, Played, Request};
use otj::model::service::{OauthClient, WebexIntegrationSpec, WebexSignIn};
use otj::model::tally::Tally;
use otj::model::{Clock, IntegrationName, Schedule, Secret, SecretValue, WebexSpec};
use otj::oauth::Tokens;
use otj::sim::Fake as _;
use otj::sim::token::{App, Dialect, Issued, TokenService};
use otj::sim::webex::{Device, WebexFake};
use otj::store::memory::MemoryStore;

pub(super) use crate::cisco::world::{DEPLOYMENT, at, morning, schedule};

/// Where the simulated cloud is.
pub(super) const API: &str = "https://webexapis.example.com/v1";
/// A bot's token.
pub(super) const BOT: &str = "bot-token";
/// The refresh token that came with the service app's authorization.
pub(super) const AUTHORIZED: &str = "refresh-of-the-authorization";

/// The token endpoint and the API behind it.
struct Net {
    fake: WebexFake,
    service: Arc<TokenService>,
    clock: Clock,
}

impl Peer for Net {
    fn answer(&self, request: &Request) -> Played {
        let now = self.clock.now().wall;
        if request.url.path().ends_with("/access_token") {
            return self.service.answer(request, now);
        }
        self.fake.answer(request, now)
    }
}

/// See the module.
pub(super) struct World {
    pub(super) fake: WebexFake,
    pub(super) service: Arc<TokenService>,
    pub(super) issued: Arc<Issued>,
    pub(super) store: Arc<MemoryStore>,
    pub(super) tally: Arc<Tally>,
    pub(super) clock: Clock,
    pub(super) http: Http,
    pub(super) tokens: Tokens,
    pub(super) clouds: Clouds,
}

impl World {
    /// With these devices, at 08:00 of the day all schedules are for.
    pub(super) fn of(devices: &[&str]) -> Self {
        let clock = Clock::starting_at(morning());
        let issued = Arc::<Issued>::default();
        let known = issued.clone();
        let fake = WebexFake::new(Box::new(move |token, now| known.is_valid(token, now)));
        let url = format!("{API}/access_token").parse().unwrap();
        let service = Arc::new(TokenService::new(Dialect::Webex, url, issued.clone()));
        service.change(|it| {
            it.apps.insert("client".into(), App { secret: Some("client-secret".into()), ..App::default() });
            it.refresh.insert(AUTHORIZED.into(), "machine".into());
        });
        fake.change(|org| {
            org.bots.insert(BOT.into());
            for id in devices {
                org.devices.insert((*id).to_owned(), Device::new(&format!("FOC-{id}"), morning()));
            }
        });
        let http = http(&fake, &service, &clock);
        let (store, tally) = (Arc::<MemoryStore>::default(), Tally::new());
        let tokens = Tokens::new(http.clone(), store.clone(), clock.clone()).telling(tally.clone());
        let clouds = Clouds::new(http.clone(), tokens.clone(), clock.clone());
        Self { fake, service, issued, store, tally, clock, http, tokens, clouds }
    }

    /// The same cloud with another clock.
    pub(super) fn http_at(&self, clock: &Clock) -> Http {
        http(&self.fake, &self.service, clock)
    }

    /// Another process with the same store.
    pub(super) fn restart(&mut self) {
        self.tokens =
            Tokens::new(self.http.clone(), self.store.clone(), self.clock.clone()).telling(self.tally.clone());
        self.clouds = Clouds::new(self.http.clone(), self.tokens.clone(), self.clock.clone());
    }

    pub(super) async fn put(&self, webex: &WebexSpec, text: &str) -> Result<PutDone, WebexError> {
        self.clouds.put_schedule(webex, DEPLOYMENT, &schedule(text)).await
    }

    pub(super) async fn list(&self, webex: &WebexSpec) -> Result<Listing, WebexError> {
        self.clouds.list(webex, DEPLOYMENT).await
    }

    /// What was asked, one line a request, with the status; forgotten afterwards.
    pub(super) fn asked(&self) -> Vec<String> {
        let received = self.fake.change(|org| org.received.drain(..).collect::<Vec<_>>());
        received.into_iter().map(|it| format!("{} {}", it.line, it.status)).collect()
    }

    /// The bodies of commands so far, oldest first; forgotten afterwards.
    pub(super) fn bodies(&self) -> Vec<String> {
        let received = self.fake.change(|org| org.received.drain(..).collect::<Vec<_>>());
        received.iter().map(|it| it.body.expose().to_owned()).filter(|body| !body.is_empty()).collect()
    }

    /// What a device's screen shows: `09:00 title*`, a star where Join dials something.
    pub(super) fn screen(&self, device: &str) -> Vec<String> {
        screen(&self.fake, device, self.clock.now().wall)
    }
}

fn http(fake: &WebexFake, service: &Arc<TokenService>, clock: &Clock) -> Http {
    let net = Net { fake: fake.clone(), service: service.clone(), clock: clock.clone() };
    Http::played_by(Arc::new(net)).unwrap()
}

/// What a device's screen shows: `09:00 title*`, a star where Join dials something.
pub(super) fn screen(fake: &WebexFake, device: &str, now: Timestamp) -> Vec<String> {
    let shown = fake.device(device, |device| device.shown(now)).unwrap();
    let line = |it: &otj::sim::cisco::Shown| {
        let star = if it.number.is_some() { "*" } else { "" };
        format!("{} {}{star}", it.start.strftime("%H:%M"), it.title.expose())
    };
    shown.iter().map(line).collect()
}

pub(super) fn secret(text: &str) -> SecretValue {
    SecretValue::Known(Secret::new(text.to_owned()))
}

pub(super) fn bot() -> WebexSignIn {
    WebexSignIn::Bot(secret(BOT))
}

pub(super) fn service_app(refresh: &str) -> WebexSignIn {
    WebexSignIn::ServiceApp {
        client_id: "client".into(),
        client_secret: secret("client-secret"),
        refresh_token: secret(refresh),
    }
}

pub(super) fn administrator() -> WebexSignIn {
    WebexSignIn::Oauth(OauthClient {
        client_id: "client".into(),
        client_secret: Some(secret("client-secret")),
        redirect_uri: Some("http://127.0.0.1:4711/oauth/callback".into()),
    })
}

/// The integration called `name`.
pub(super) fn cloud(name: &str, sign_in: WebexSignIn) -> Arc<WebexIntegrationSpec> {
    Arc::new(WebexIntegrationSpec {
        name: IntegrationName::parse(name).unwrap(),
        labels: std::collections::BTreeMap::new(),
        sign_in,
        api_url: API.into(),
        ca_certificates: Vec::new(),
        disable_web_proxy: false,
        web_proxy: None,
    })
}

/// A device, reached with a bot's token.
pub(super) fn device(id: &str) -> WebexSpec {
    device_of(id, bot())
}

/// A device, reached so.
pub(super) fn device_of(id: &str, sign_in: WebexSignIn) -> WebexSpec {
    WebexSpec { device_id: id.to_owned(), integration: cloud("cloud", sign_in) }
}

/// The differences, one line each.
pub(super) fn differences(schedule: &Schedule, listing: &Listing) -> Vec<String> {
    let found = cisco::differs(DEPLOYMENT, schedule, &listing.bookings, morning());
    let line = |difference: &Difference| match difference {
        Difference::Missing { .. } => "missing".to_owned(),
        Difference::Changed { fields, .. } => format!("changed {}", fields.join(", ")),
        Difference::Extra { .. } => "extra".to_owned(),
        Difference::Foreign { id, .. } => format!("foreign {id}"),
    };
    found.iter().map(line).collect()
}
