//! A node that is told by Exchange: what is booked there is on the screens before any turn to read the room comes.

use std::sync::Arc;
use std::time::Duration;

use otj::http::Url;
use otj::model::Clock;
use otj::sim::exchange::{Account, ExchangeFake, ExchangeOptions, Server, Whose};
use otj::sim::rooms::{Rooms, SimEvent};
use otj::sim::served::Services;
use tokio::net::TcpListener;

use super::{PATIENCE, Site, TRIO, eventually};

const ROOM: &str = "fjord@example.com";

/// One room, few requests: its turns are minutes apart.
const REQUESTS: u64 = 1000;

/// The service on a socket, until the site ends: what asks it, its calendars, its address.
async fn exchange(site: &Site) -> (Arc<ExchangeFake>, Arc<Rooms>, Url) {
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url: Url = format!("http://{}/EWS/Exchange.asmx", socket.local_addr().unwrap()).parse().unwrap();
    let rooms = Arc::<Rooms>::default();
    let soon = Duration::from_millis(100);
    let options = ExchangeOptions { notice_after: (soon, soon), ..ExchangeOptions::default() };
    let fake = Arc::new(ExchangeFake::new(rooms.clone(), Box::new(|_, _| None), options));
    fake.change(|org| {
        org.offered.basic = false;
        org.servers.insert("one".into(), Server::at(url.clone()));
        let account = Account { password: Some("right".into()), impersonates: Whose::All, ..Account::default() };
        org.accounts.insert("otj@example.com".into(), account);
    });
    let services = Services { by_path: vec![("/", fake.clone())], clock: Clock::system() };
    tokio::spawn(services.serve(socket, site.stop.clone()));
    (fake, rooms, url)
}

fn book(site: &Site, rooms: &Rooms, name: &str, hours: i64) {
    let start = site.clock.now().wall + jiff::SignedDuration::from_hours(hours);
    let event = SimEvent {
        id: name.into(),
        uid: format!("{name}@example.com"),
        start,
        end: start + jiff::SignedDuration::from_mins(30),
        subject: name.into(),
        body: format!("<p>https://us02web.zoom.us/j/8823981443{hours}</p>"),
        organizer: ("Carol Example".into(), "carol@example.com".into()),
        updated: site.clock.now().wall,
        ..SimEvent::default()
    };
    rooms.change(ROOM, |room| room.events.insert(name.into(), event));
}

#[tokio::test]
async fn what_is_booked_in_exchange_is_a_join_button_before_any_turn_of_the_room() {
    let site = Site::bare().await;
    let (fake, rooms, url) = exchange(&site).await;
    book(&site, &rooms, "standup", 1);
    std::fs::write(site.path("secrets/exchange"), "right\n").unwrap();
    let documents = site.documents("Zoom").replace(
        "kind: IcsIntegration\nmetadata: {name: calendars}\nspec: {directory: calendars}\n",
        &format!(
            "kind: ExchangeIntegration\nmetadata: {{name: calendars}}\nspec:\n  serviceAccountUsername: otj@example.com\n  \
             ntlm: {{password: {{file: exchange}}}}\n  ewsUrl: {url}\n  findItemsRequestsPerDay: {REQUESTS}\n"
        ),
    );
    site.write("documents.yaml", &documents);
    std::fs::write(site.path("overlay/trio.yaml"), TRIO).unwrap();
    let daemon = site.start();
    eventually("standup*", async || site.codec_shows()).await;
    eventually("1 open", async || format!("{} open", fake.streams())).await;
    // What comes now is not brought by a turn: the next one is after the end of all waiting here.
    let waits = async || {
        let next: f64 = site.metric(&daemon, "otj_room_next_read_timestamp_seconds").await.parse().unwrap_or(0.0);
        next - site.clock.now().wall.as_second() as f64
    };
    eventually("far", async || if waits().await > PATIENCE.as_secs_f64() { "far" } else { "soon" }.to_owned()).await;

    book(&site, &rooms, "review", 3);
    eventually("standup* review*", async || site.codec_shows()).await;
    eventually("standup* review*", async || site.poly_shows(&daemon).await).await;
    rooms.change(ROOM, |room| room.events.remove("review"));
    eventually("standup*", async || site.codec_shows()).await;
    eventually("standup*", async || site.poly_shows(&daemon).await).await;

    let counts = fake.counts();
    assert_eq!((fake.streams(), counts.operations["GetStreamingEvents"], counts.wrong_credentials), (1, 1, 0));
}
