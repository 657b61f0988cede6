//! The same over real sockets, whichever way one signs in: a change is told while the answer goes on, and the room is read.

use std::sync::Arc;
use std::time::Duration;

use jiff::ToSpan as _;
use otj::calendar::exchange::listen::{Listener, listen};
use otj::calendar::{AgendaRequest, Reading, read_agenda};
use otj::http::Url;
use otj::model::service::{AppCredential, ExchangeSignIn};
use otj::model::{Clock, Desired, LookAgain, RoomEmail, RoomSpec, Secret, SecretValue, Window};
use otj::sim::exchange::{Account, ExchangeFake, ExchangeOptions, Offered, Server, Whose};
use otj::sim::rooms::{Rooms, SimEvent};
use otj::sim::served::Services;
use otj::sim::token::{App, Dialect, Issued, TokenService};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::super::rig::{Asker, basic, ntlm};

const ROOM: &str = "fjord@example.com";
const CLIENT: &str = "6d1c0f5e-0000-4000-8000-000000000003";
const TOKENS: &str = "/tenant/oauth2/v2.0/token";

/// A server that offers one way to sign in, with its tokens, until the end of the test.
struct Served {
    url: Url,
    tokens: String,
    fake: Arc<ExchangeFake>,
    rooms: Arc<Rooms>,
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

impl Served {
    async fn offering(offered: Offered) -> Self {
        let (stop, mut tasks) = (CancellationToken::new(), JoinSet::new());
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let url: Url = format!("http://{address}/EWS/Exchange.asmx").parse().unwrap();
        let tokens = format!("http://{address}{TOKENS}");
        let (rooms, issued) = (Arc::<Rooms>::default(), Arc::<Issued>::default());
        let soon = Duration::from_millis(50);
        let options = ExchangeOptions { notice_after: (soon, soon), ..ExchangeOptions::default() };
        let known = issued.clone();
        let bearers = Box::new(move |token: &str, now| known.is_valid(token, now));
        let fake = Arc::new(ExchangeFake::new(rooms.clone(), bearers, options));
        fake.change(|org| {
            org.offered = offered;
            org.servers.insert("one".into(), Server::at(url.clone()));
            let account = Account { impersonates: Whose::All, ..Account::default() };
            org.accounts.insert(CLIENT.into(), account.clone());
            org.accounts.insert("otj@example.com".into(), Account { password: Some("right".into()), ..account });
        });
        let issuer = TokenService::new(Dialect::Microsoft, tokens.parse().unwrap(), issued);
        let app = App { secret: Some("right".into()), ..App::default() };
        issuer.change(|registered| registered.apps.insert(CLIENT.into(), app));
        rooms.change(ROOM, |_| {});
        let by_path = vec![(TOKENS, Arc::new(issuer) as _), ("/", fake.clone() as _)];
        tasks.spawn(Services { by_path, clock: Clock::system() }.serve(socket, stop.clone()));
        Self { url, tokens, fake, rooms, stop, tasks }
    }

    fn app_only(&self) -> ExchangeSignIn {
        let secret = SecretValue::Known(Secret::new("right".into()));
        ExchangeSignIn::AppOnly {
            token_url: self.tokens.clone(),
            client_id: CLIENT.into(),
            credential: AppCredential::Secret(secret),
        }
    }

    /// One room is listened to; somebody books a meeting in it; the meeting is read.
    async fn hears_and_reads(mut self, sign_in: ExchangeSignIn) {
        let asker = Asker { clock: Clock::system(), ..Asker::new(&self.url, sign_in) };
        let integration = Arc::new(asker.integration.clone());
        let room = Arc::new(RoomSpec::of(integration, RoomEmail::parse(ROOM).unwrap()));
        let key = room.key.clone();
        let mut desired = Desired::default();
        desired.rooms.insert(key.clone(), room.clone());
        let (_wish, wishes) = watch::channel(Arc::new(desired));
        let (look_again, mut told) = mpsc::channel(16);
        let access = asker.access.clone();
        let listener = Listener {
            http: asker.http.clone(),
            tally: asker.tally.clone(),
            clock: asker.clock.clone(),
            sign_ins: access.sign_ins,
            looks: access.looks,
            tokens: access.tokens,
        };
        self.tasks.spawn(listen(listener, wishes, look_again, self.stop.clone()));

        let within = Duration::from_secs(30);
        let mut next = async || tokio::time::timeout(within, told.recv()).await.unwrap().unwrap();
        // What was before the subscription.
        assert_eq!(next().await, LookAgain::Room(key.clone()));
        while self.fake.streams() == 0 {
            tokio::task::yield_now().await;
        }
        let now = asker.clock.now().wall;
        let (uid, start, end) = ("uid-a".to_owned(), now + 1.hours(), now + 2.hours());
        let event = SimEvent { id: "a".into(), uid, start, end, subject: "Standup".into(), ..SimEvent::default() };
        self.rooms.change(ROOM, |room| room.events.insert("a".into(), event));
        assert_eq!(next().await, LookAgain::Room(key));
        let window = Window { from: now, to: now + 24.hours() };
        let request = AgendaRequest { room, window, cursor: None, fresh: false, now, access: asker.access.clone() };
        let reading = read_agenda(&asker.http, &asker.tally, &request).await.unwrap();
        let Reading::Complete { complete, .. } = reading else { panic!("{reading:?}") };
        assert_eq!(complete.events.iter().map(|event| event.subject.expose()).collect::<Vec<_>>(), ["Standup"]);
        let counts = self.fake.counts();
        assert_eq!((self.fake.streams(), counts.wrong_credentials), (1, 0), "the answer goes on");
        self.stop.cancel();
        while self.tasks.join_next().await.is_some() {}
    }
}

#[tokio::test]
async fn a_change_is_told_while_the_answer_goes_on() {
    let served = Served::offering(Offered { bearer: false, windows: false, basic: true }).await;
    served.hears_and_reads(basic("otj@example.com", "right")).await;
}

#[tokio::test]
async fn a_connection_that_ntlm_signed_in_is_listened_to_and_others_read() {
    let served = Served::offering(Offered { bearer: false, windows: true, basic: false }).await;
    served.hears_and_reads(ntlm("otj@example.com", "right")).await;
}

#[tokio::test]
async fn an_app_listens_and_reads_with_its_token() {
    let served = Served::offering(Offered { bearer: true, windows: false, basic: false }).await;
    let sign_in = served.app_only();
    served.hears_and_reads(sign_in).await;
}

#[tokio::test]
async fn a_wrong_password_is_tried_once_by_ntlm_and_locks_nobody() {
    let served = Served::offering(Offered { bearer: false, windows: true, basic: false }).await;
    let asker = Asker::new(&served.url, ntlm("otj@example.com", "wrong"));
    for _ in 0..5 {
        asker.send(&served.url).await.unwrap_err();
    }
    served.fake.change(|org| {
        let account = &org.accounts["otj@example.com"];
        assert_eq!((account.wrong, account.locked), (1, false));
    });
    assert_eq!(served.fake.counts().wrong_credentials, 1);
    served.stop.cancel();
}
