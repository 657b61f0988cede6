//! `otj demo`: a whole site on this machine. Two rooms' calendars in files, two in simulated clouds, one in a simulated Exchange, simulated
//! codecs, a simulated Poly endpoint, and a real node between them; what happens is told as it happens.

mod boards;
mod calendar;
mod clouds;
pub(super) mod place;
mod plot;
mod screen;
mod teller;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{broadcast, mpsc};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use self::boards::Boards;
use self::calendar::{Calendars, ROOMS, WEEKLY};
use self::clouds::Clouds;
use self::place::{Passwords, Place};
use self::plot::{Act, Cues, Plot};
use self::screen::{Line, Times};
use self::teller::{Teller, Tone};
use super::LogFormat;
use super::serve::{Node, NodeOptions};
use crate::endpoint::poly::{PolyAuth, Scheme};
use crate::http::{Http, HttpOptions, Trust};
use crate::listen::{TlsSettings, self_signed};
use crate::model::{Clock, Mono};
use crate::sim::cisco::{Codec, Device, Event, Generation};
use crate::sim::poly::{self, PolySeen, PolySetup};

/// Where the pages are when nothing else is asked for.
const LISTEN: &str = "127.0.0.1:9480";
/// The board is looked at this often.
const LOOK: Duration = Duration::from_millis(100);
/// The simulated Poly endpoint polls this often; real ones take minutes.
const POLL: Duration = Duration::from_secs(2);
/// Without a Join button on both endpoints within this time the demo has failed.
const FIRST_JOIN: Duration = Duration::from_secs(30);
/// What was begun when `--for` is over may take this much longer to show its outcome.
const CURTAIN: Duration = Duration::from_secs(15);
/// Pause before something happens, at most.
const PAUSE: Duration = Duration::from_secs(6);

/// Runs the whole system on this machine, with simulated endpoints, and tells what happens. Exits 0, or 1 when no Join
/// button was pushed and fetched within 30 s.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Examples:\n  otj demo\n  otj demo --for 30s\n  otj demo --dir ./demo    # keeps documents, calendars, store and log"
)]
pub(super) struct Demo {
    /// End after this time, for instance 20s or 5m; without it, at Ctrl-C.
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    span: Option<Duration>,
    /// Where the pages are, on loopback [default: 127.0.0.1:9480, or a free port when that is taken].
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// An empty directory for everything, which is kept; without it, a temporary one.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Where the Poly endpoint registers, on loopback.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    poly_listen: SocketAddr,
    /// Let a calendar break before a meeting is moved.
    #[arg(long)]
    calendar_down: bool,
}

pub(super) fn run(verb: &Demo, level: Option<&str>, format: LogFormat) -> anyhow::Result<ExitCode> {
    for (flag, address) in [("--listen", verb.listen), ("--poly-listen", Some(verb.poly_listen))] {
        let local = address.is_none_or(|address| address.ip().is_loopback());
        anyhow::ensure!(local, "{flag}: the demo shows its meetings to everybody and listens on loopback only");
    }
    super::run::harden();
    let place = Place::new(verb.dir.as_deref())?;
    let file = level.is_none().then(|| place.log()).transpose()?;
    super::logs::start(level, format, file)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut term = signal(SignalKind::terminate())?;
        let mut int = signal(SignalKind::interrupt())?;
        let mut site = Site::open(verb, place, Clock::system()).await?;
        site.introduce(verb.span);
        let played = tokio::select! {
            _ = term.recv() => Ok(()),
            _ = int.recv() => Ok(()),
            played = site.play(verb) => played,
        };
        let code = site.sum_up();
        site.close().await;
        played.map(|()| code)
    })
}

fn duration(text: &str) -> Result<Duration, String> {
    let parsed = text.parse::<SignedDuration>().ok().and_then(|span| Duration::try_from(span).ok());
    parsed.filter(|span| !span.is_zero()).ok_or_else(|| "give a duration like 20s, 5m or 1h".to_owned())
}

/// The whole site while it runs.
struct Site {
    clock: Clock,
    place: Place,
    calendars: Calendars,
    clouds: Clouds,
    boards: Boards,
    node: Node,
    codec: Device,
    pushes: broadcast::Receiver<Event>,
    fetches: mpsc::Receiver<PolySeen>,
    devices: JoinSet<()>,
    stop: CancellationToken,
    teller: Teller,
    tally: Tally,
}

/// What the closing summary says.
#[derive(Default)]
struct Tally {
    pushed: usize,
    fetched: usize,
    moved: Option<Mono>,
    /// From the change in the calendar to the codec, and to the Poly endpoint.
    followed: [Option<Duration>; 2],
}

impl Site {
    /// Furnishes the place, then starts the codec, the node and the Poly endpoint, in this order.
    async fn open(verb: &Demo, place: Place, clock: Clock) -> anyhow::Result<Self> {
        let (stop, mut devices) = (CancellationToken::new(), JoinSet::new());
        let codec_listener = TcpListener::bind("127.0.0.1:0").await?;
        let passwords = place.furnish(codec_listener.local_addr()?.port())?;
        let mut clouds = Clouds::open(&clock).await?;
        place.add(&clouds.files())?;
        clouds.start(&passwords.codec, &clock, &mut devices, &stop)?;
        let mut boards = Boards::open(&clock).await?;
        place.add(&boards.files())?;
        boards.start(&mut devices, &stop);
        let calendars = Calendars::new(clock.now().wall)?;
        place.write_calendars(&calendars)?;

        let mut codec =
            Codec::new(Generation::RoomOs26, "FOC2610DEMO", "otj", passwords.codec.clone(), clock.now().wall);
        codec.rate_limited = true;
        let codec = Device::new(codec, clock.clone());
        let pushes = codec.events();
        let (certificate, key) = self_signed(&["fjord.av.example.com".to_owned()])?;
        let tls = TlsSettings::from_pem(certificate.as_bytes(), &key)?;
        devices.spawn(codec.clone().serve(codec_listener, Some(tls), stop.clone()));

        let node = Node::start(options(verb, &place).await?, clock.clone()).await?;
        let (tell, fetches) = mpsc::channel(16);
        let http = Http::new(HttpOptions { allow_loopback: true })?;
        devices.spawn(poly::run(poly_setup(&node, &passwords)?, http, clock.clone(), tell, stop.clone()));
        let teller = Teller::new(Times::of(TimeZone::system()), super::lint::colour());
        let tally = Tally::default();
        Ok(Self { clock, place, calendars, clouds, boards, node, codec, pushes, fetches, devices, stop, teller, tally })
    }

    /// The header.
    fn introduce(&self, span: Option<Duration>) {
        let root = self.place.root.display();
        let fate = if self.place.kept { "kept" } else { "removed at the end" };
        let asked = if self.node.web.port() == 9480 { "" } else { " (this time)" };
        let poly = self.node.poly.map(|address| address.to_string()).unwrap_or_default();
        let end =
            span.map_or("Ends with Ctrl-C.".to_owned(), |span| format!("Ends by itself after {} s.", span.as_secs()));
        super::print(&format!(
            "otj demo: five meeting rooms on this machine, and otj between their calendars and their endpoints.\n\n\
             \x20 fjord   a simulated Cisco codec: otj pushes its meetings to it over HTTPS\n\
             \x20 vik     a simulated Poly endpoint: signs in to otj on {poly} and fetches its meetings\n\
             \x20 tind    a codec whose calendar is at a simulated Google Workspace, read with a service account\n\
             \x20 lund    a codec whose calendar is at a simulated Microsoft 365, read through Graph with an app\n\
             \x20 voss    a codec whose calendar is in a simulated Exchange, which tells of changes by itself\n\
             \x20 board   a board in fjord's room that is reached through a simulated Webex Cloud, with a service app\n\
             \x20 pages   http://{}/{asked}, and /integrations: who is read when, and why\n\
             \x20 files   {root} ({fate}): otj.d, secrets, data, otj.log\n\n\
             The calendars are read, each invitation gets the address to dial, all endpoints get their Join buttons. Then\n\
             somebody moves a meeting, and a calendar breaks for a while. {end}\n\n",
            self.node.web
        ));
    }

    /// Tells and does until `--for` is over.
    async fn play(&mut self, verb: &Demo) -> anyhow::Result<()> {
        let started = self.clock.now().mono;
        let pause = verb.span.map_or(PAUSE, |span| (span / 4).min(PAUSE));
        let mut plot = Plot::new(verb.calendar_down, pause, started);
        let mut tick = tokio::time::interval(LOOK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = tick.tick() => {}
                Ok(event) = self.pushes.recv() => self.pushed(&event),
                Some(seen) = self.fetches.recv() => self.fetched(&seen),
                () = self.node.failed() => anyhow::bail!("the node ended by itself; {}/otj.log says why", self.place.root.display()),
            }
            let now = self.clock.now();
            self.teller.look(&self.node.board, now.wall);
            let shown: Vec<Line> = self.codec.shown().iter().map(Line::from).collect();
            self.teller.codec_now(shown, now.wall);
            self.clouds.look(&mut self.teller);
            self.boards.look(&mut self.teller);
            if let Some(act) = plot.next(self.cues(), now.mono)
                && (act != Act::Rest || verb.span.is_none())
            {
                self.perform(act)?;
            }
            let elapsed = started.until(now.mono);
            if !self.joinable() && elapsed > FIRST_JOIN {
                return Ok(());
            }
            let over = verb.span.is_some_and(|span| elapsed > span && self.joinable());
            let late = verb.span.is_some_and(|span| elapsed > span.max(FIRST_JOIN) + CURTAIN);
            if over && (late || !plot.is_in_an_act()) {
                return Ok(());
            }
        }
    }

    fn pushed(&mut self, event: &Event) {
        let now = self.clock.now();
        self.teller.look(&self.node.board, now.wall);
        let lines: Vec<Line> = event.shown.iter().map(Line::from).collect();
        self.tally.pushed += 1;
        let after = self.followed(0, &lines, now.mono);
        self.teller.pushed(lines, &after, event.at);
    }

    fn fetched(&mut self, seen: &PolySeen) {
        let now = self.clock.now();
        self.teller.look(&self.node.board, now.wall);
        // The list goes back to this morning; the screen shows what is to come.
        let ahead = seen.meetings.iter().filter(|meeting| meeting.end > now.wall);
        let lines: Vec<Line> = ahead.map(Line::from).collect();
        self.tally.fetched += 1;
        let after = self.followed(1, &lines, now.mono);
        self.teller.fetched(lines, &after, now.wall);
    }

    /// Notes the first list with the meeting at its new time, and says how long that took.
    fn followed(&mut self, endpoint: usize, lines: &[Line], now: Mono) -> String {
        let shows = lines.iter().any(|line| line.title == WEEKLY && line.start == self.calendars.weekly());
        match self.tally.moved {
            Some(moved) if shows && self.tally.followed[endpoint].is_none() => {
                let took = moved.until(now);
                self.tally.followed[endpoint] = Some(took);
                format!(" ({:.1} s after the change)", took.as_secs_f64())
            }
            _ => String::new(),
        }
    }

    fn joinable(&self) -> bool {
        let has_join = |lines: &Option<Vec<Line>>| lines.iter().flatten().any(|line| line.dials.is_some());
        has_join(&self.teller.codec) && has_join(&self.teller.poly)
    }

    fn cues(&self) -> Cues {
        let broken = |room: &&std::sync::Arc<crate::reconcile::board::RoomStatus>| room.key.email.as_str() == ROOMS[0];
        Cues {
            joinable: self.joinable(),
            followed: self.tally.followed.iter().all(Option::is_some),
            failing: self.node.board.rooms().iter().find(broken).is_some_and(|room| room.failure.is_some()),
        }
    }

    fn perform(&mut self, act: Act) -> anyhow::Result<()> {
        let now = self.clock.now();
        let say = |teller: &Teller, text: &str| teller.say(now.wall, Tone::Stage, "▶", text);
        match act {
            Act::Move => {
                let times = self.teller.times().clone();
                let before = times.short(self.calendars.weekly());
                self.calendars.move_weekly(now.wall);
                let after = times.short(self.calendars.weekly());
                say(
                    &self.teller,
                    &format!("Somebody moves “{WEEKLY}” from {before} to {after}, in both rooms' calendars."),
                );
                self.tally.moved = Some(self.clock.now().mono);
                self.place.write_calendars(&self.calendars)?;
                self.clouds.move_meetings(&self.teller, now.wall);
            }
            Act::Break => {
                say(&self.teller, &format!("The calendar of {} is cut off in the middle of an upload.", ROOMS[0]));
                self.place.cut_calendar(&self.calendars, ROOMS[0])?;
            }
            Act::Mend => {
                say(&self.teller, &format!("The upload is repeated: the calendar of {} is whole again.", ROOMS[0]));
                self.place.write_calendars(&self.calendars)?;
            }
            Act::Rest => self.invite(now.wall),
        }
        Ok(())
    }

    /// What a person can do now.
    fn invite(&self, now: Timestamp) {
        let root = self.place.root.display();
        let text = format!(
            "Your turn. Edit a calendar or a document below {root}/otj.d and watch. In another terminal:\n\
             \x20   otj lint {root}/otj.d --secret-dir {root}/secrets\n\
             \x20   otj test {root}/otj.d\n\
             \x20   otj status --server http://{} --token-file {root}/data/admin.token",
            self.node.web
        );
        self.teller.say(now, Tone::Stage, "▶", &text);
    }

    /// The closing summary and the exit code.
    fn sum_up(&self) -> ExitCode {
        let Tally { pushed, fetched, followed, .. } = &self.tally;
        let lists = |count: usize| if count == 1 { "1 list".to_owned() } else { format!("{count} lists") };
        let mut text = format!("\nPushed {} to fjord; vik fetched {}.\n", lists(*pushed), lists(*fetched));
        if let [Some(codec), Some(poly)] = followed {
            let (codec, poly) = (codec.as_secs_f64(), poly.as_secs_f64());
            text += &format!(
                "From the change in the calendar: {codec:.1} s to the codec's screen, {poly:.1} s to the Poly endpoint's, which polls every {} s.\n",
                POLL.as_secs()
            );
        }
        text += &self.clouds.sum_up();
        let code = if self.joinable() {
            ExitCode::SUCCESS
        } else {
            text += &format!(
                "No Join button was both pushed and fetched; {}/otj.log tells more.\n",
                self.place.root.display()
            );
            ExitCode::from(1)
        };
        if self.place.kept {
            text += &format!("Everything is kept in {}.\n", self.place.root.display());
        }
        super::print(&text);
        code
    }

    /// Ends in order: who asks, who answers, then the files.
    async fn close(mut self) {
        self.stop.cancel();
        while self.devices.join_next().await.is_some() {}
        self.node.stop().await;
    }
}

async fn options(verb: &Demo, place: &Place) -> anyhow::Result<NodeOptions> {
    let listen = match verb.listen {
        Some(address) => address,
        None if TcpListener::bind(LISTEN).await.is_ok() => LISTEN.parse()?,
        None => {
            super::print(&format!("{LISTEN} is taken: the pages get a free port.\n\n"));
            "127.0.0.1:0".parse()?
        }
    };
    let secrets = place.root.join("secrets");
    Ok(NodeOptions {
        config: vec![place.root.join("otj.d")],
        data_dir: place.root.join("data"),
        store_key_file: None,
        etcd: None,
        secret_dirs: vec![secrets.clone()],
        listen,
        web_tls: None,
        admin_token_file: None,
        reader_token_file: None,
        alarm_webhook_url_file: None,
        https_outside: false,
        redirect: None,
        oidc: None,
        open_to_loopback: true,
        metrics_open: false,
        hosts: vec![listen.ip().to_string()],
        allow_loopback: true,
        allow_empty: false,
        allow_inline_secrets: false,
        poly_listen: Some(verb.poly_listen),
        poly_tls: Some((secrets.join("poly.crt"), secrets.join("poly.key"))),
        poly_auth: PolyAuth { schemes: vec![Scheme::Digest] },
        poly_allow: [].into(),
        trusted_proxies: [].into(),
        node: "demo".to_owned(),
        location: "default".to_owned(),
        deployment: None,
        max_change_percent: 30,
    })
}

fn poly_setup(node: &Node, passwords: &Passwords) -> anyhow::Result<PolySetup> {
    let address = node.poly.context("the demo serves Poly endpoints")?;
    Ok(PolySetup {
        endpoint: "vik".to_owned(),
        server: format!("https://{address}/EWS/Exchange.asmx").parse()?,
        username: "vik".to_owned(),
        password: passwords.poly.clone(),
        mailbox: Some(ROOMS[1].to_owned()),
        trust: Trust::Verify(vec![passwords.certificate.as_bytes().into()]),
        every: POLL,
    })
}
