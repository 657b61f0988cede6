//! Runs a site through its days, as fast as the machine can: the loop of `otj run`, its planner and its steps, on a clock that
//! stands still while anybody works and jumps to the next timer when all wait.

use std::fs::File;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Integration;
use super::exchange::{self, Organisation};
use super::network::Network;
use super::office::Office;
use super::provider::Counted;
use super::{provider, site};
use crate::calendar::exchange::listen::listen;
use crate::config::{LoadOptions, SecretOptions};
use crate::http::Http;
use crate::model::published::Accounts;
use crate::model::tally::Tally;
use crate::model::{Clock, Desired};
use crate::reconcile::board::Board;
use crate::reconcile::desk::Desk;
use crate::reconcile::perform::Workshop;
use crate::reconcile::planner::{Outlets, Planner, PlannerOptions};
use crate::reconcile::run::{Inlets, run};
use crate::reconcile::world::live::{DirectoryOptions, Live};
use crate::sim::freshness::{Known, Ledger};
use crate::sim::rooms::Rooms;
use crate::sim::weather::Weather;
use crate::sim::workload::Script;
use crate::store::Store;
use crate::store::memory::MemoryStore;

/// What is to be simulated.
pub(super) struct Setup {
    /// The days.
    pub(super) script: Arc<Script>,
    /// How long, from the script's beginning.
    pub(super) span: Duration,
    /// The calendar service.
    pub(super) integration: Integration,
    /// What it is like, where it is Exchange.
    pub(super) organisation: Organisation,
    /// Changes are listened for.
    pub(super) push: bool,
    /// Most requests in 24 hours.
    pub(super) requests_per_day: u64,
    /// Decides latencies and what goes wrong.
    pub(super) seed: u64,
    /// What goes wrong.
    pub(super) weather: Option<Weather>,
    /// Where requests and answers are written down.
    pub(super) log: Option<File>,
}

/// What came of it.
#[derive(Debug)]
pub(super) struct Played {
    /// What the simulated service counted.
    pub(super) counted: Counted,
    /// Readings that lost an event which was still there.
    pub(super) wipes: usize,
    /// What became of each change.
    pub(super) known: Vec<Known>,
}

/// Plays it. `progress` is told each virtual hour.
///
/// # Errors
/// When the runtime cannot be made.
pub(super) fn play(setup: Setup, progress: &dyn Fn(u64)) -> anyhow::Result<Played> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build()?;
    runtime.block_on(days(setup, progress))
}

async fn days(setup: Setup, progress: &dyn Fn(u64)) -> anyhow::Result<Played> {
    let script = &setup.script;
    let rooms = u32::try_from(script.booked.len())?;
    let clock = Clock::starting_at(script.begins);
    let started = Instant::now();
    let truth = Arc::new(Rooms::default());
    script.furnish(&truth);
    let provider = match setup.integration {
        Integration::Google => provider::google(truth.clone(), setup.requests_per_day, setup.seed)?,
        Integration::Graph => provider::graph(truth.clone(), setup.requests_per_day, setup.seed)?,
        Integration::Exchange => {
            exchange::provider(truth.clone(), rooms, setup.organisation, setup.requests_per_day, setup.seed)?
        }
    };
    let service = provider.service.clone();
    let network = Arc::new(Network {
        clock: clock.clone(),
        provider,
        weather: setup.weather.map(Mutex::new),
        log: setup.log.map(Mutex::new),
    });
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let tally = Tally::new();
    let directory =
        DirectoryOptions { roots: Vec::new(), secrets: SecretOptions::default(), load: LoadOptions::default() };
    let http = Http::played_by(network.clone())?;
    let inside =
        Live::new(http, clock.clone(), tally.clone(), store.clone(), "simulated".into(), directory, None).await?;
    let listener = inside.listener();
    let office = Arc::new(Office {
        inside,
        desired: Arc::new(site::desired(rooms, service)?),
        clock: clock.clone(),
        truth: truth.clone(),
        ledger: Mutex::new(Ledger::new(rooms)),
    });
    let (stop, mut tasks) = (CancellationToken::new(), JoinSet::new());
    tasks.spawn(pass(network.clone(), stop.clone()));
    let doors = open(&office, &clock, store, tally, &stop, &mut tasks);
    if setup.push {
        tasks.spawn(listen(listener, doors.wish.clone(), doors.ways_in.0.clone(), stop.clone()));
    }
    let mut hours = 0;
    let end = started + setup.span;
    for change in &script.changes {
        let at = started + Duration::from_secs(u64::try_from(change.at_s)?);
        if at >= end {
            break;
        }
        tokio::time::sleep_until(at).await;
        script.play(change, &truth);
        office.ledger().happened(*change, clock.now().mono);
        let hour = started.elapsed().as_secs() / 3600;
        if hour > hours {
            hours = hour;
            progress(hours);
        }
    }
    tokio::time::sleep_until(end).await;
    stop.cancel();
    while tasks.join_next().await.is_some() {}
    let ledger = office.ledger();
    let counted = (network.provider.counts)();
    Ok(Played { counted, wipes: ledger.wipes(), known: ledger.sum_up(clock.now().mono) })
}

/// Lets what is due without a request happen, every second.
async fn pass(network: Arc<Network>, stop: CancellationToken) {
    let mut second = tokio::time::interval(Duration::from_secs(1));
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = second.tick() => network.pass(),
        }
    }
}

/// What stays open for as long as the loop runs.
struct Doors {
    wish: watch::Receiver<Arc<Desired>>,
    _accounts: watch::Receiver<Accounts>,
    ways_in: (mpsc::Sender<crate::model::LookAgain>, mpsc::Sender<crate::model::presence::Presence>),
    _commands: mpsc::Sender<crate::reconcile::order::Command>,
}

/// Starts the loop.
fn open(
    office: &Arc<Office<Live>>,
    clock: &Clock,
    store: Arc<dyn Store>,
    tally: Arc<Tally>,
    stop: &CancellationToken,
    tasks: &mut JoinSet<()>,
) -> Doors {
    let board = Board::default();
    let (accounts_in, accounts) = watch::channel(Accounts::default());
    let (wish_in, wish) = watch::channel(Arc::<Desired>::default());
    let (look_again, look_again_out) = mpsc::channel(256);
    let (presence, presence_out) = mpsc::channel(1);
    let (commands, commands_out) = mpsc::channel(1);
    let outlets = Outlets { board, accounts: accounts_in, wish: wish_in, tally: tally.clone() };
    let planner = Planner::new(&PlannerOptions::default(), outlets, None);
    let workshop = Workshop::new(office.clone(), Desk::new(store), clock.clone(), tally);
    let inlets = Inlets { look_again: look_again_out, presence: presence_out, commands: commands_out };
    tasks.spawn(run(planner, Arc::new(workshop), inlets, stop.clone()));
    Doors { wish, _accounts: accounts, ways_in: (look_again, presence), _commands: commands }
}
