//! The same over real sockets: a change is told while the answer goes on.

use std::sync::Arc;
use std::time::Duration;

use otj::calendar::exchange::listen::{Listener, listen};
use otj::http::Url;
use otj::model::{Clock, Desired, LookAgain, RoomEmail, RoomSpec};
use otj::sim::exchange::{Account, ExchangeFake, ExchangeOptions, Server, Whose};
use otj::sim::rooms::{Rooms, SimEvent};
use otj::sim::served::Services;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::super::rig::{Asker, basic};

const ROOM: &str = "fjord@example.com";

#[tokio::test]
async fn a_change_is_told_while_the_answer_goes_on() {
    let (stop, mut tasks) = (CancellationToken::new(), JoinSet::new());
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url: Url = format!("http://{}/EWS/Exchange.asmx", socket.local_addr().unwrap()).parse().unwrap();
    let rooms = Arc::<Rooms>::default();
    let soon = Duration::from_millis(50);
    let options = ExchangeOptions { notice_after: (soon, soon), ..ExchangeOptions::default() };
    let fake = Arc::new(ExchangeFake::new(rooms.clone(), Box::new(|_, _| None), options));
    fake.change(|org| {
        org.servers.insert("one".into(), Server::at(url.clone()));
        let account = Account { password: Some("right".into()), impersonates: Whose::All, ..Account::default() };
        org.accounts.insert("otj@example.com".into(), account);
    });
    rooms.change(ROOM, |_| {});
    let services = Services { by_path: vec![("/", fake.clone())], clock: Clock::system() };
    tasks.spawn(services.serve(socket, stop.clone()));

    let asker = Asker::new(&url, basic("otj@example.com", "right"));
    let integration = Arc::new(asker.integration.clone());
    let room = RoomSpec::of(integration, RoomEmail::parse(ROOM).unwrap());
    let key = room.key.clone();
    let mut desired = Desired::default();
    desired.rooms.insert(key.clone(), Arc::new(room));
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
    tasks.spawn(listen(listener, wishes, look_again, stop.clone()));

    let within = Duration::from_secs(30);
    let mut next = async || tokio::time::timeout(within, told.recv()).await.unwrap().unwrap();
    // What was before the subscription.
    assert_eq!(next().await, LookAgain::Room(key.clone()));
    while fake.streams() == 0 {
        tokio::task::yield_now().await;
    }
    let start = Clock::system().now().wall;
    let event = SimEvent { id: "a".into(), uid: "a".into(), start, end: start + soon, ..SimEvent::default() };
    rooms.change(ROOM, |room| room.events.insert("a".into(), event));
    assert_eq!(next().await, LookAgain::Room(key));
    assert_eq!(fake.streams(), 1, "the answer goes on");
    stop.cancel();
    while tasks.join_next().await.is_some() {}
}
