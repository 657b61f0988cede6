//! Wires a node: store, world, loop, listeners, watchers. `otj run` and `otj demo` start one of these.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::auth::digest::server::NonceKey;
use crate::calendar::exchange::listen::listen as listen_to_exchange;
use crate::calendar::hints::watch_files;
use crate::config::watch::Watch;
use crate::config::{self, LoadOptions, SecretOptions, Secrets};
use crate::endpoint::poly::{self, PolyAuth, PolyDesk};
use crate::http::{Http, HttpOptions};
use crate::listen::{self, Door, ListenLimits, Network, TlsSettings};
use crate::model::published::Accounts;
use crate::model::tally::Tally;
use crate::model::trace::Tracer;
use crate::model::{Clock, Desired, LookAgain, Secret};
use crate::oauth::desk::SignInDesk;
use crate::oauth::oidc::{Provider, ProviderOptions};
use crate::reconcile::board::Board;
use crate::reconcile::desk::Desk;
use crate::reconcile::keep;
use crate::reconcile::perform::Workshop;
use crate::reconcile::planner::{Outlets, Planner, PlannerOptions};
use crate::reconcile::run::{Inlets, run};
use crate::reconcile::world::live::{DirectoryOptions, Live, unpack};
use crate::status::alarm_rounds;
use crate::status::summary::NodeView;
use crate::store::etcd::EtcdOptions;
use crate::store::{Store, private};
use crate::web::provider::Entrance;
use crate::web::session::Sessions;
use crate::web::sign_in::SignIns;
use crate::web::{self, Access, WebState};

use super::opening::{Opened, StoreAt, open_store, stored_bytes};
use super::{alarm_webhook, certificates, event_file};

/// A stop in order may take this long, then it is taken anyway.
const STOP_DEADLINE: Duration = Duration::from_secs(10);
/// A start with Poly endpoints knows them within this time.
const FIRST_ACCOUNTS: Duration = Duration::from_secs(5);
/// Where the key that signs Digest nonces stands: a restart keeps devices signed in.
const NONCE_KEY: &str = "poly/nonce-key";

/// Everything a node is started with.
pub(super) struct NodeOptions {
    pub(super) config: Vec<PathBuf>,
    pub(super) data_dir: PathBuf,
    pub(super) store_key_file: Option<PathBuf>,
    /// `None`: the store is in the data directory.
    pub(super) etcd: Option<EtcdOptions>,
    pub(super) secret_dirs: Vec<PathBuf>,
    pub(super) listen: SocketAddr,
    pub(super) web_tls: Option<(PathBuf, PathBuf)>,
    pub(super) admin_token_file: Option<PathBuf>,
    pub(super) reader_token_file: Option<PathBuf>,
    pub(super) alarm_webhook_url_file: Option<PathBuf>,
    pub(super) open_to_loopback: bool,
    pub(super) metrics_open: bool,
    pub(super) hosts: Vec<String>,
    pub(super) https_outside: bool,
    pub(super) redirect: Option<String>,
    pub(super) oidc: Option<Oidc>,
    pub(super) allow_loopback: bool,
    pub(super) allow_empty: bool,
    pub(super) allow_inline_secrets: bool,
    pub(super) poly_listen: Option<SocketAddr>,
    pub(super) poly_tls: Option<(PathBuf, PathBuf)>,
    pub(super) poly_auth: PolyAuth,
    pub(super) poly_allow: Arc<[Network]>,
    pub(super) trusted_proxies: Arc<[Network]>,
    pub(super) node: String,
    pub(super) location: String,
    pub(super) deployment: Option<String>,
    pub(super) max_change_percent: usize,
}

/// Where people sign in to the pages, as the flags say.
pub(super) struct Oidc {
    pub(super) issuer: String,
    pub(super) client_id: String,
    pub(super) client_secret_file: Option<PathBuf>,
    pub(super) redirect: String,
    pub(super) operators: Vec<String>,
    pub(super) readers: Vec<String>,
}

/// A node that runs.
pub(super) struct Node {
    /// What it knows.
    pub(super) board: Board,
    /// Where its pages are.
    pub(super) web: SocketAddr,
    /// Where Poly endpoints register.
    pub(super) poly: Option<SocketAddr>,
    tasks: JoinSet<()>,
    stop: CancellationToken,
    look_again: mpsc::Sender<LookAgain>,
    // Held open so that its lock outlives every task.
    _store: Arc<dyn Store>,
}

impl Node {
    /// Opens the store, binds the listeners and starts everything.
    pub(super) async fn start(options: NodeOptions, clock: Clock) -> anyhow::Result<Self> {
        let at = StoreAt {
            data_dir: &options.data_dir,
            key_file: options.store_key_file.as_deref(),
            deployment: options.deployment.as_deref(),
            etcd: options.etcd.clone(),
        };
        let Opened { store, deployment, etcd: _etcd } = open_store(at, clock.clone()).await?;
        let tally = Tally::new();
        let tracer = Tracer::default();
        let board = Board::default();
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();

        let web_listener = TcpListener::bind(options.listen)
            .await
            .with_context(|| format!("the pages cannot be served on {}", options.listen))?;
        let web = web_listener.local_addr()?;
        let poly_listener = match options.poly_listen {
            None => None,
            Some(address) => Some(
                TcpListener::bind(address)
                    .await
                    .with_context(|| format!("Poly endpoints cannot be served on {address}; see --poly-listen"))?,
            ),
        };
        let poly = poly_listener.as_ref().map(TcpListener::local_addr).transpose()?;

        let http = Http::new(HttpOptions { allow_loopback: options.allow_loopback })?;
        let secrets = SecretOptions::new(&options.secret_dirs, Some(options.data_dir.clone()));
        let load = LoadOptions {
            allow_empty: options.allow_empty,
            allow_inline_secrets: options.allow_inline_secrets,
            // Read with every directory for as long as the process lives.
            location: Some(options.location.clone().leak()),
            invitation: Some(event_file::read),
            ..LoadOptions::default()
        };
        let (accounts_in, accounts) = watch::channel(Accounts::default());
        let (wish_in, wish) = watch::channel(Arc::<Desired>::default());
        let (look_again, look_again_out) = mpsc::channel(1024);
        let (presence, presence_out) = mpsc::channel(1024);
        let (commands, commands_out) = mpsc::channel(16);

        // What the process before knew.
        let mut kept_secrets = None;
        let from_store = keep::load(&*store, |record| {
            let (snapshot, secrets_found) = unpack(record)?;
            let mut kept = Secrets::kept(secrets.clone(), &secrets_found).ok()?;
            let loaded = config::load(&snapshot, &mut kept, &load);
            kept_secrets = Some(secrets_found);
            loaded.desired.map(Arc::new)
        });
        let from_store = from_store.await.context("the store could not be read")?;
        let outlets = Outlets { board: board.clone(), accounts: accounts_in, wish: wish_in, tally: tally.clone() };
        let planner_options =
            PlannerOptions { max_change_percent: options.max_change_percent, ..PlannerOptions::default() };
        let mut planner = Planner::new(&planner_options, outlets, from_store.newest);
        planner.restore(from_store.kept, clock.now());
        // What was adopted once was tried then.
        let load = LoadOptions { trial: Some(super::sandbox::try_templates), ..load };
        let directory = DirectoryOptions { roots: options.config.clone(), secrets: secrets.clone(), load };
        let live =
            Live::new(http, clock.clone(), tally.clone(), store.clone(), deployment, directory, kept_secrets).await?;
        let listener = live.listener();
        let (tokens, out) = (listener.tokens.clone(), listener.http.clone());
        let wish_now = wish.clone();
        let desk = Desk::new(store.clone());
        let workshop = Arc::new(Workshop::new(Arc::new(live), desk, clock.clone(), tally.clone()));
        let inlets = Inlets { look_again: look_again_out, presence: presence_out, commands: commands_out };
        tasks.spawn(run(planner, workshop, inlets, stop.clone()));

        tasks.spawn(watch_directories(&options, look_again.clone(), stop.clone()));
        tasks.spawn(watch_files(wish.clone(), look_again.clone(), stop.clone()));
        let wish_shown = wish.clone();
        tasks.spawn(listen_to_exchange(listener, wish, look_again.clone(), stop.clone()));

        let webhook = options.alarm_webhook_url_file.as_ref();
        let webhook = webhook
            .map(|file| alarm_webhook::url(&private::load_given(file).context("--alarm-webhook-url-file")?))
            .transpose()?;
        let changes = webhook.map(|url| {
            let (changes_in, changes) = mpsc::channel(alarm_webhook::WAITING_MAX);
            tasks.spawn(alarm_webhook::send(url, changes, stop.clone()));
            changes_in
        });
        tasks.spawn(alarm_rounds::watch(board.clone(), clock.clone(), changes, stop.clone()));

        let scheme = if options.web_tls.is_some() { "https" } else { "http" };
        let redirect = options.redirect.clone().unwrap_or_else(|| format!("{scheme}://{web}/oauth/callback"));
        let desk =
            SignInDesk { http: out, store: store.clone(), clock: clock.clone(), tokens, wish: wish_now, redirect };
        let access = access(&options)?;
        let state = WebState {
            board: board.clone(),
            tally: tally.clone(),
            clock: clock.clone(),
            started: clock.now().wall,
            access: Arc::new(access),
            node: NodeView { name: options.node.clone(), address: web.to_string() },
            look_again: look_again.clone(),
            commands,
            sign_ins: Some(Arc::new(SignIns::new(desk))),
            entrance: options.oidc.as_ref().map(|oidc| entrance(oidc, &clock)).transpose()?.map(Arc::new),
            tracer: tracer.clone(),
            wish: wish_shown,
        };
        let web_tls = options
            .web_tls
            .as_ref()
            .map(|(certificate, key)| certificates::from_files(certificate, key))
            .transpose()?;
        if let (Some(files), Some(tls)) = (&options.web_tls, &web_tls) {
            tasks.spawn(certificates::follow(tls.clone(), files.clone(), stop.clone()));
        }
        let router = web::router(state);
        tasks.spawn(listen::serve(web_listener, web_tls, router, ListenLimits::default(), stop.clone()));

        if let Some(listener) = poly_listener {
            let tls = match &options.poly_tls {
                Some((certificate, key)) => certificates::from_files(certificate, key)?,
                None => certificates::stored(&*store, &options.node).await?,
            };
            if let Some(files) = &options.poly_tls {
                tasks.spawn(certificates::follow(tls.clone(), files.clone(), stop.clone()));
            }
            let nonce_key = NonceKey::new(stored_bytes(&*store, NONCE_KEY).await?);
            let desk = PolyDesk {
                accounts: accounts.clone(),
                presence,
                tally,
                clock,
                auth: options.poly_auth.clone(),
                nonce_key,
                tracer,
                proxies: options.trusted_proxies.clone(),
            };
            let door = Door {
                allow: options.poly_allow.clone(),
                proxies: options.trusted_proxies.clone(),
                tally: Some(desk.tally.clone()),
            };
            tasks.spawn(serve_poly(listener, tls, door, desk, accounts, stop.clone()));
        }
        Ok(Self { board, web, poly, tasks, stop, look_again, _store: store })
    }

    /// Asks for a look at the directory at once.
    pub(super) fn reload(&self) {
        // A full channel means that a look is on its way.
        let _ = self.look_again.try_send(LookAgain::Documents);
    }

    /// Stops in order, within [`STOP_DEADLINE`].
    pub(super) async fn stop(mut self) {
        self.stop.cancel();
        let all = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(STOP_DEADLINE, all).await.is_err() {
            tracing::warn!("Not everything stopped in time.");
        }
    }

    /// Returns when one of the node's tasks ended by itself, which only a fault of ours can cause.
    pub(super) async fn failed(&mut self) {
        if self.tasks.join_next().await.is_none() {
            std::future::pending::<()>().await;
        }
    }
}

/// The port for Poly endpoints is open while there is one in the documents. It was bound at the start, so that a wrong
/// address is told then; without endpoints it is given back and bound again when the first one comes.
async fn serve_poly(
    listener: TcpListener,
    tls: TlsSettings,
    door: Door,
    desk: PolyDesk,
    mut accounts: watch::Receiver<Accounts>,
    stop: CancellationToken,
) {
    let address = listener.local_addr();
    let mut listener = Some(listener);
    if tokio::time::timeout(FIRST_ACCOUNTS, accounts.wait_for(|accounts| !accounts.0.is_empty())).await.is_err() {
        listener = None;
    }
    tokio::select! {
        () = stop.cancelled() => return,
        found = accounts.wait_for(|accounts| !accounts.0.is_empty()) => if found.is_err() { return },
    }
    let bound = match (listener, address) {
        (Some(listener), _) => Ok(listener),
        (None, Ok(address)) => TcpListener::bind(address).await,
        (None, Err(error)) => Err(error),
    };
    match bound {
        Ok(listener) => {
            listen::serve_behind(door, listener, Some(tls), poly::router(desk), ListenLimits::default(), stop).await;
        }
        Err(error) => {
            tracing::error!(%error, "The port for Poly endpoints is taken; restart with another --poly-listen.");
            stop.cancelled().await;
        }
    }
}

fn watch_directories(
    options: &NodeOptions,
    look_again: mpsc::Sender<LookAgain>,
    stop: CancellationToken,
) -> impl Future<Output = ()> + Send + use<> {
    let poke = move || {
        // A full channel means that the loop has enough to look at; the regular read makes up for it.
        let _ = look_again.try_send(LookAgain::Documents);
    };
    Watch::new(&options.config, &options.secret_dirs).run(poke, stop)
}

fn access(options: &NodeOptions) -> anyhow::Result<Access> {
    let operator = match &options.admin_token_file {
        Some(file) => token(&private::load_given(file).context("--admin-token-file")?)?,
        None => token(&private::load_or_create(&options.data_dir.join("admin.token"), new_token)?)?,
    };
    let reader = options
        .reader_token_file
        .as_ref()
        .map(|file| token(&private::load_given(file).context("--reader-token-file")?))
        .transpose()?;
    Ok(Access {
        operator,
        reader,
        open_to_loopback: options.open_to_loopback,
        metrics_open: options.metrics_open,
        hosts: options.hosts.clone(),
        https_outside: options.https_outside,
        sessions: Sessions::default(),
    })
}

fn entrance(oidc: &Oidc, clock: &Clock) -> anyhow::Result<Entrance> {
    let secret = oidc.client_secret_file.as_ref().map(|file| -> anyhow::Result<Secret> {
        let bytes = private::load_given(file).context("--oidc-client-secret-file")?;
        Ok(Secret::new(std::str::from_utf8(&bytes).context("a client secret is text")?.trim().to_owned()))
    });
    let options = ProviderOptions {
        issuer: oidc.issuer.clone(),
        client_id: oidc.client_id.clone(),
        client_secret: secret.transpose()?,
        redirect: oidc.redirect.clone(),
        operators: oidc.operators.clone(),
        readers: oidc.readers.clone(),
    };
    // The flag names it, so it may well be this machine.
    let http = Http::new(HttpOptions { allow_loopback: true })?;
    Ok(Entrance::new(Provider::new(options, http, clock.clone())?))
}

/// 32 random bytes as text, so that it can be pasted.
fn new_token() -> Result<Vec<u8>, crate::store::StoreError> {
    let bytes = private::random::<32>()?;
    Ok(crate::model::names::base32(&bytes).into_bytes())
}

fn token(bytes: &[u8]) -> anyhow::Result<Secret> {
    let text = std::str::from_utf8(bytes).context("a token is text")?.trim();
    anyhow::ensure!(text.len() >= 16, "a token has at least 16 characters");
    Ok(Secret::new(text.to_owned()))
}
