//! A simulated cloud, or an Exchange, on this machine: calendars, the token endpoint before them, rooms with a few meetings, and the documents by which
//! otj reads it.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use jiff::{SignedDuration, Timestamp, ToSpan as _};

use crate::http::Url;
use crate::model::Clock;
use crate::sim::exchange::{Account, ExchangeFake, ExchangeOptions, Server, Whose};
use crate::sim::google::{GoogleFake, GoogleOptions};
use crate::sim::graph::{GraphFake, GraphOptions};
use crate::sim::rooms::{Rooms, SimEvent};
use crate::sim::served::{ByPath, Services};
use crate::sim::token::{App, Dialect, EXAMPLE_KEY, Issued, Known, TokenService};

/// The meeting that is moved.
pub(in crate::cli) const MOVES: &str = "Project sync";
/// How far it is moved, there and back.
const MOVED_BY: SignedDuration = SignedDuration::from_mins(15);
/// The service account that Google's rooms are shared with.
const ACCOUNT: &str = "otj@example-rooms.iam.gserviceaccount.com";
/// The app registration.
const CLIENT: &str = "11111111-2222-3333-4444-555555555555";
/// The account that may act as every room.
const SERVICE_ACCOUNT: &str = "otj@example.com";
/// The path of Exchange Web Services.
const EWS: &str = "/EWS/Exchange.asmx";
/// The path of the tenant's token endpoint.
const TENANT: &str = "/example.onmicrosoft.com/oauth2/v2.0/token";

/// Whose calendars.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::cli) enum Maker {
    /// Google Workspace.
    Google,
    /// Microsoft 365, through Graph.
    Graph,
    /// Exchange on premises.
    Exchange,
}

impl Maker {
    /// The name of its integration.
    pub(in crate::cli) fn name(self) -> &'static str {
        match self {
            Self::Google => "workspace",
            Self::Graph => "m365",
            Self::Exchange => "exchange",
        }
    }

    /// The file of its secret, and what stands in it.
    pub(in crate::cli) fn secret(self, secret: &str) -> (&'static str, &str) {
        match self {
            Self::Google => ("google-key.pem", EXAMPLE_KEY),
            Self::Graph => ("graph-secret", secret),
            Self::Exchange => ("exchange-password", secret),
        }
    }
}

/// Requests so far.
type Count = Box<dyn Fn() -> u64 + Send + Sync>;

/// See the module.
pub(in crate::cli) struct Cloud {
    maker: Maker,
    address: SocketAddr,
    rooms: Arc<Rooms>,
    services: Services,
    requests: Count,
}

impl fmt::Debug for Cloud {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cloud").field("maker", &self.maker).field("address", &self.address).finish_non_exhaustive()
    }
}

impl Cloud {
    /// A cloud without rooms that will be served at `address`; `secret` is that of Graph's app, or the password of Exchange's account.
    ///
    /// # Errors
    /// When the example key is none.
    pub(in crate::cli) fn new(maker: Maker, address: SocketAddr, secret: &str, clock: &Clock) -> anyhow::Result<Self> {
        let (rooms, issued) = (Arc::<Rooms>::default(), Arc::<Issued>::default());
        let known = issued.clone();
        let bearers = Box::new(move |token: &str, now| known.is_valid(token, now));
        let (by_path, requests): (ByPath, Count) = match maker {
            Maker::Google => {
                let url = Url::parse(&format!("http://{address}/token"))?;
                let tokens = TokenService::new(Dialect::Google, url, issued);
                let key = Known::key(EXAMPLE_KEY, None).context("the example key is no key")?;
                tokens.change(|registered| registered.service_accounts.insert(ACCOUNT.into(), key));
                let fake = Arc::new(GoogleFake::new(rooms.clone(), bearers, GoogleOptions::default()));
                let counted = fake.clone();
                let paths: ByPath = vec![("/token", Arc::new(tokens)), ("/calendar/v3/", fake)];
                (paths, Box::new(move || counted.counts().requests))
            }
            Maker::Graph => {
                let url = Url::parse(&format!("http://{address}{TENANT}"))?;
                let tokens = TokenService::new(Dialect::Microsoft, url, issued);
                let app = App { secret: Some(secret.into()), ..App::default() };
                tokens.change(|registered| registered.apps.insert(CLIENT.into(), app));
                let fake = Arc::new(GraphFake::new(rooms.clone(), bearers, GraphOptions::default()));
                let counted = fake.clone();
                let paths: ByPath = vec![(TENANT, Arc::new(tokens)), ("/v1.0/", fake)];
                (paths, Box::new(move || counted.counts().requests))
            }
            Maker::Exchange => {
                let fake = Arc::new(ExchangeFake::new(rooms.clone(), bearers, ExchangeOptions::default()));
                let server = Server::at(Url::parse(&format!("http://{address}{EWS}"))?);
                let password = Some(secret.to_owned());
                let account = Account { password, impersonates: Whose::All, ..Account::default() };
                fake.change(|org| {
                    org.servers.insert("mbx1".into(), server);
                    org.accounts.insert(SERVICE_ACCOUNT.into(), account);
                });
                let counted = fake.clone();
                (vec![("/", fake)], Box::new(move || counted.counts().requests))
            }
        };
        let services = Services { by_path, clock: clock.clone() };
        Ok(Self { maker, address, rooms, services, requests })
    }

    /// What is to be served.
    pub(in crate::cli) fn services(&self) -> Services {
        self.services.clone()
    }

    /// Its rooms.
    pub(in crate::cli) fn rooms(&self) -> &Rooms {
        &self.rooms
    }

    /// Requests to its calendars so far, as it counts them itself.
    pub(in crate::cli) fn requests(&self) -> u64 {
        (self.requests)()
    }

    /// The document of its integration.
    pub(in crate::cli) fn documents(&self) -> String {
        let address = self.address;
        let (name, (file, _)) = (self.maker.name(), self.maker.secret(""));
        match self.maker {
            Maker::Google => format!(
                "apiVersion: otj/v1\nkind: GoogleIntegration\nmetadata: {{name: {name}}}\nspec:\n  serviceAccounts:\n    \
                 - {{email: {ACCOUNT}, privateKey: {{file: {file}}}}}\n  tokenUrl: http://{address}/token\n  apiUrl: http://{address}/calendar/v3\n"
            ),
            Maker::Graph => format!(
                "apiVersion: otj/v1\nkind: GraphIntegration\nmetadata: {{name: {name}}}\nspec:\n  clientId: {CLIENT}\n  \
                 clientSecret: {{file: {file}}}\n  tokenUrl: http://{address}{TENANT}\n  apiUrl: http://{address}/v1.0\n"
            ),
            Maker::Exchange => format!(
                "apiVersion: otj/v1\nkind: ExchangeIntegration\nmetadata: {{name: {name}}}\nspec:\n  serviceAccountUsername: \
                 {SERVICE_ACCOUNT}\n  basic: {{password: {{file: {file}}}}} # or ntlm\n  ewsUrl: http://{address}{EWS}\n"
            ),
        }
    }

    /// A room with three meetings: one soon, one that will be moved, a private one.
    ///
    /// # Errors
    /// When the time is out of range.
    pub(in crate::cli) fn furnish(&self, room: &str, now: Timestamp) -> anyhow::Result<()> {
        let first = Timestamp::from_second((now.as_second().div_euclid(300) + 1) * 300)?;
        let event = |id: &str, minutes: i64, title: &str, body: &str, private: bool| SimEvent {
            id: id.into(),
            uid: format!("{id}-{room}"),
            start: first + minutes.minutes(),
            end: first + (minutes + 30).minutes(),
            subject: title.into(),
            body: body.into(),
            organizer: ("Carol Example".into(), "carol@example.com".into()),
            private,
            updated: now,
            ..SimEvent::default()
        };
        let zoom = "<p>Join Zoom Meeting<br><a href=\"https://us02web.zoom.us/j/81234567890\">https://us02web.zoom.us/j/81234567890</a></p>";
        let own = "<p>Dial sip:project.room@vc.example.com</p>";
        self.rooms.change(room, |it| {
            it.time_zone = "Europe/Oslo".into();
            for event in [
                event("demo0design", 5, "Design review", zoom, false),
                event("demo0sync", 60, MOVES, own, false),
                event("demo0salaries", 120, "Salaries", "", true),
            ] {
                it.events.insert(event.id.clone(), event);
            }
        });
        Ok(())
    }

    /// Somebody moves a meeting of `room`, there or back; when it starts now.
    pub(in crate::cli) fn move_meeting(&self, room: &str, now: Timestamp) -> Timestamp {
        self.rooms.change(room, |it| {
            // The room was furnished with its first change.
            let back = !it.version.is_multiple_of(2);
            let Some(event) = it.events.get_mut("demo0sync") else { return now };
            let by = if back { -MOVED_BY } else { MOVED_BY };
            (event.start, event.end, event.updated) = (event.start + by, event.end + by, now);
            event.start
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_meeting_is_moved_there_and_back() {
        let now: Timestamp = "2027-01-04T10:27:30Z".parse().unwrap();
        for maker in [Maker::Google, Maker::Graph, Maker::Exchange] {
            let address = "127.0.0.1:9481".parse().unwrap();
            let cloud = Cloud::new(maker, address, "simulated", &Clock::starting_at(now)).unwrap();
            cloud.furnish("fjell@example.com", now).unwrap();
            let moves = [(); 3].map(|()| cloud.move_meeting("fjell@example.com", now).strftime("%H:%M").to_string());
            assert_eq!(moves, ["11:45", "11:30", "11:45"], "{maker:?}");
            assert!(cloud.documents().contains("http://127.0.0.1:9481/"), "{}", cloud.documents());
        }
    }
}
