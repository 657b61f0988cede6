//! `otj sim`: simulated services one by one, over HTTP: calendars with rooms that change while one looks, and the Webex Cloud.

pub(super) mod cloud;
mod replay;
mod site;
pub(super) mod webex;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::ValueEnum;
use jiff::tz::TimeZone;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use self::cloud::{Cloud, Maker};
use crate::model::Clock;

/// A meeting is moved this often.
const CHANGE_EVERY: Duration = Duration::from_secs(20);
/// The rooms.
const ROOMS: [&str; 4] = ["fjell@example.com", "dal@example.com", "elv@example.com", "skog@example.com"];

/// A simulated calendar service with its token endpoint and a few invented rooms, in one of which a meeting is moved every
/// 20 s. Prints the documents and secrets to read it with. Ends at Ctrl-C.
///
/// `webex` is a Webex Cloud with three devices instead, and tells what their screens show.
///
/// With `--rooms` it has as many as wanted, whose working week passes: to see what a node needs for a site of that size.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Examples:\n  otj sim google --listen 127.0.0.1:9481\n  otj sim graph\n  otj sim exchange\n  otj sim webex\n  otj sim poly --replay oslo-vik.json\n  otj sim google --rooms 4000 --dir site"
)]
pub(super) struct Sim {
    /// Which service; `poly` asks a Poly server what a recorded endpoint asked.
    #[arg(value_enum)]
    service: Service,
    /// With `poly`: the recording of `otj trace poly` that is asked again, of a server of this version with an invented room.
    #[arg(long, value_name = "FILE", required_if_eq("service", "poly"), conflicts_with_all = ["rooms", "dir"])]
    replay: Option<PathBuf>,
    /// Where it listens, on loopback.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9481")]
    listen: SocketAddr,
    /// How many rooms, each with about sixty meetings of the week.
    #[arg(long, requires = "dir", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rooms: Option<u32>,
    /// Where the documents and secrets for these rooms are written; empty, or not there yet.
    #[arg(long, requires = "rooms")]
    dir: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Service {
    Google,
    Graph,
    Exchange,
    Webex,
    Poly,
}

pub(super) fn run(verb: &Sim) -> anyhow::Result<ExitCode> {
    anyhow::ensure!(
        verb.listen.ip().is_loopback(),
        "--listen: the tokens of a simulated service are no secret; it listens on loopback only"
    );
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match (&verb.replay, verb.service) {
        (Some(file), Service::Poly) => runtime.block_on(replay::run(file)),
        (None, Service::Google | Service::Graph | Service::Exchange | Service::Webex) => runtime.block_on(serve(verb)),
        _ => anyhow::bail!("--replay goes with `otj sim poly`"),
    }
}

async fn serve(verb: &Sim) -> anyhow::Result<ExitCode> {
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let clock = Clock::system();
    let listener = TcpListener::bind(verb.listen)
        .await
        .with_context(|| format!("the service cannot listen on {}", verb.listen))?;
    let maker = match verb.service {
        Service::Google => Maker::Google,
        Service::Graph => Maker::Graph,
        Service::Exchange => Maker::Exchange,
        Service::Poly => anyhow::bail!("a recording is given with --replay"),
        Service::Webex => {
            anyhow::ensure!(verb.rooms.is_none(), "--rooms: the simulated Webex Cloud has three devices");
            tokio::select! {
                served = webex::serve(listener, &clock) => served?,
                _ = term.recv() => {}
                _ = int.recv() => {}
            }
            return Ok(ExitCode::SUCCESS);
        }
    };
    let secret = "simulated";
    let cloud = Cloud::new(maker, listener.local_addr()?, secret, &clock)?;
    let site = match (verb.rooms, &verb.dir) {
        (Some(rooms), Some(dir)) => {
            super::print(&site::write(dir, maker, &cloud, secret, rooms)?);
            Some(site::Site::open(&cloud, rooms, clock.now().wall)?)
        }
        _ => {
            ROOMS.iter().try_for_each(|room| cloud.furnish(room, clock.now().wall))?;
            super::print(&introduction(maker, &cloud, secret));
            None
        }
    };
    let changes = async {
        match site {
            Some(site) => site.live(&cloud, &clock).await,
            None => change(&cloud, &clock).await,
        }
    };
    let stop = CancellationToken::new();
    tokio::select! {
        () = cloud.services().serve(listener, stop.clone()) => {}
        () = changes => {}
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
    stop.cancel();
    Ok(ExitCode::SUCCESS)
}

/// Moves a meeting again and again, and tells it.
async fn change(cloud: &Cloud, clock: &Clock) {
    let mut tick = tokio::time::interval_at(tokio::time::Instant::now() + CHANGE_EVERY, CHANGE_EVERY);
    for room in ROOMS.iter().cycle() {
        tick.tick().await;
        let start = cloud.move_meeting(room, clock.now().wall).to_zoned(TimeZone::system()).strftime("%H:%M");
        let requests = cloud.requests();
        super::print(&format!("“{}” in {room} now starts at {start}; {requests} requests so far\n", cloud::MOVES));
    }
}

/// What to write where, so that a node on this machine reads it.
fn introduction(maker: Maker, cloud: &Cloud, secret: &str) -> String {
    let (file, text) = maker.secret(secret);
    let secret = format!("mkdir -p secrets && cat > secrets/{file} <<'END'\n{}\nEND\n", text.trim_end());
    let rooms: String = ROOMS
        .iter()
        .map(|room| {
            let name = room.split('@').next().unwrap_or(room);
            format!(
                "---\napiVersion: otj/v1\nkind: Endpoint\nmetadata: {{name: {name}}}\nspec: {{profile: simulated, roomEmail: {room}, poly: {{username: {name}, password: {{file: poly-password}}}}}}\n"
            )
        })
        .collect();
    format!(
        "# The secrets:\n{secret}head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \\n' > secrets/poly-password\n\n\
         # otj.d/simulated.yaml:\n{}---\napiVersion: otj/v1\nkind: Profile\nmetadata: {{name: simulated}}\n\
         spec: {{integration: {}, mode: Observe, ruleSets: [builtin/standard]}}\n{rooms}\n\
         # Then: otj run --allow-loopback --secret-dir secrets, and in another terminal: otj status integrations\n\n",
        cloud.documents(),
        maker.name(),
    )
}
