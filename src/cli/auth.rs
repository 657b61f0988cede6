//! `otj auth`: a person signs in once, from a terminal.

use std::path::PathBuf;
use std::pin::pin;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use axum::Router;
use axum::http::{Uri, header};
use axum::response::IntoResponse as _;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::opening::{EtcdArguments, Opened, StoreAt, open_store};
use super::{directory, print};
use crate::http::{Http, HttpOptions, Url};
use crate::listen::{self, ListenLimits};
use crate::model::Clock;
use crate::oauth::Holder;
use crate::oauth::sign_in::{self, PATIENCE, SignIn, SignInError};
use crate::store::StoreError;

/// Where a browser comes back to when the documents name no redirectUri.
const CALLBACK: &str = "/oauth/callback";
/// A store that nobody has open is open in less time.
const LOCKED_AFTER: Duration = Duration::from_secs(1);

/// Signs an integration's account in, once: prints a link, waits for the browser to come back, stores the sign-in.
///
/// The node must not run meanwhile: it holds the store, unless that is an etcd (--store). Where the browser cannot come back to this machine, paste the address it
/// ended at.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:\n  otj auth google --config otj.d --data-dir /var/lib/otj\n  otj auth webex")]
pub(super) struct Auth {
    /// The integration, as its document is named: of calendars, or a WebexIntegration.
    integration: String,
    /// The directory that declares everything; may be repeated.
    #[arg(long, value_name = "DIR", default_value = "otj.d", env = "OTJ_CONFIG", value_delimiter = ':')]
    config: Vec<PathBuf>,
    /// The store of the node.
    #[arg(long, value_name = "DIR", default_value = "data", env = "OTJ_DATA_DIR")]
    data_dir: PathBuf,
    /// The key that seals what is stored; the one in the data directory when not given.
    #[arg(long, value_name = "FILE", env = "OTJ_STORE_KEY_FILE")]
    store_key_file: Option<PathBuf>,
    #[command(flatten)]
    etcd: EtcdArguments,
    /// Where secret files may lie, beside the configuration directory; may be repeated.
    #[arg(long, value_name = "DIR", env = "OTJ_SECRET_DIR", value_delimiter = ':')]
    secret_dir: Vec<PathBuf>,
    /// The location this node stands in: its web proxy is the way out.
    #[arg(long, value_name = "NAME", default_value = "default", env = "OTJ_LOCATION")]
    location: String,
    /// Let the integration point at this host.
    #[arg(long, env = "OTJ_ALLOW_LOOPBACK")]
    allow_loopback: bool,
}

pub(super) fn run(verb: &Auth) -> anyhow::Result<ExitCode> {
    let loaded = directory::load_for(&verb.config, &verb.secret_dir, Some(verb.location.clone().leak()))?;
    let desired = loaded.desired.context("the directory does not load")?;
    let calendar = desired.integrations.values().find(|it| it.name.as_str() == verb.integration);
    let cloud = desired.webex.values().find(|it| it.name.as_str() == verb.integration);
    let holder = match (calendar, cloud) {
        (Some(calendar), _) => Holder::Calendar(calendar),
        (None, Some(cloud)) => Holder::Webex(cloud),
        (None, None) => bail!("no endpoint's profile uses an integration called `{}`", verb.integration),
    };
    super::run::harden();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let done = runtime.block_on(sign_in(verb, holder));
    // A line that nobody types must not hold the end up.
    runtime.shutdown_background();
    match done {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(error) if error.is::<SignInError>() => {
            super::complain(&format!("error: {error:#}"));
            Ok(ExitCode::FAILURE)
        }
        Err(error) => Err(error),
    }
}

async fn sign_in(verb: &Auth, holder: Holder<'_>) -> anyhow::Result<()> {
    let clock = Clock::system();
    let (listener, redirect) = way_back(sign_in::redirect_uri(holder)?).await?;
    let (begun, link) = SignIn::begin(holder, &redirect, clock.now())?;
    let at = StoreAt {
        data_dir: &verb.data_dir,
        key_file: verb.store_key_file.as_deref(),
        deployment: None,
        etcd: verb.etcd.options()?,
    };
    let opened = noticed(open_store(at, clock.clone()), LOCKED_AFTER, || {
        super::complain(&format!(
            "The store in {} is in use, it seems by a running node, and is waited for. Stop the node, sign in, and start it again.",
            verb.data_dir.display()
        ));
    });
    let Opened { store, .. } = opened.await.map_err(|error| match error.downcast_ref::<StoreError>() {
        Some(StoreError::Locked(_)) => error.context("stop the node, sign in, and start it again: it holds the store"),
        _ => error,
    })?;
    let http = Http::new(HttpOptions { allow_loopback: verb.allow_loopback })?;
    print(&format!("Open this link in a browser and sign in:\n\n  {link}\n\n"));
    print(match listener {
        Some(_) => "Waiting for the browser. Where it cannot reach this machine, paste the address it ended at:\n",
        None => "Then paste the address the browser ended at:\n",
    });
    let returned = tokio::time::timeout(PATIENCE, returned(listener, &redirect, &begun)).await;
    let returned = returned.map_err(|_| SignInError::TooLate)??;
    let signed_in = begun.end(&http, holder, &returned, clock.now()).await?;
    let organization = signed_in.organization.as_ref().map(|name| format!(" of {name}")).unwrap_or_default();
    print(&format!("Signed in: {}{organization}.\n", signed_in.account));
    signed_in.store(&*store).await.context("the sign-in could not be stored")?;
    print(match holder {
        Holder::Calendar(_) => "Stored. Start the node; it reads with this account from now on.\n",
        Holder::Webex(_) => "Stored. Start the node; it fills devices with this account from now on.\n",
    });
    Ok(())
}

/// Waits for `work`; when it takes longer than `after`, a person is told so in the meantime.
async fn noticed<T>(work: impl Future<Output = T>, after: Duration, tell: impl FnOnce()) -> T {
    let mut work = pin!(work);
    tokio::select! {
        biased;
        done = &mut work => done,
        () = tokio::time::sleep(after) => {
            tell();
            work.await
        }
    }
}

/// Where the browser is to come back to, and a listener there when that is this machine and the port is free.
async fn way_back(written: Option<Url>) -> anyhow::Result<(Option<TcpListener>, Url)> {
    let Some(url) = written else {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("no port is free on this machine")?;
        let url = Url::parse(&format!("http://{}{CALLBACK}", listener.local_addr()?))?;
        return Ok((Some(listener), url));
    };
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    let is_here = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    let listener = match url.port_or_known_default() {
        Some(port) if is_here && url.scheme() == "http" => TcpListener::bind((host.as_str(), port)).await.ok(),
        _ => None,
    };
    Ok((listener, url))
}

/// The address the browser ended at: it came to us, or somebody pasted it.
async fn returned(listener: Option<TcpListener>, redirect: &Url, begun: &SignIn) -> anyhow::Result<Url> {
    let (came_in, mut came) = mpsc::channel(4);
    let stop = CancellationToken::new();
    let mut tasks = JoinSet::new();
    if let Some(listener) = listener {
        let pages = pages(redirect.clone(), came_in);
        tasks.spawn(listen::serve(listener, None, pages, ListenLimits::default(), stop.clone()));
    }
    let (line_in, mut lines) = mpsc::channel(4);
    // Ends with the process: nobody can take back a read from a terminal.
    tokio::task::spawn_blocking(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if line_in.blocking_send(line).is_err() {
                return;
            }
        }
    });
    let found = loop {
        tokio::select! {
            Some(url) = came.recv() => if begun.is_answered_by(&url) { break url },
            Some(line) = lines.recv() => match Url::parse(line.trim()) {
                Ok(url) if begun.is_answered_by(&url) => break url,
                Err(_) if line.trim().is_empty() => {}
                _ => super::complain("This is not the address that the link above leads to in the end; paste all of it."),
            },
            else => bail!("nothing more can be read from the terminal"),
        }
    };
    stop.cancel();
    while tasks.join_next().await.is_some() {}
    Ok(found)
}

/// Takes the browser in. What it brings is in no log, no history of ours, and on no page.
fn pages(redirect: Url, came: mpsc::Sender<Url>) -> Router {
    Router::new().fallback(move |uri: Uri| {
        let (mut url, came) = (redirect.clone(), came.clone());
        async move {
            url.set_path(uri.path());
            url.set_query(uri.query());
            // A full channel means that others came before.
            let _ = came.try_send(url);
            let headers = [(header::CACHE_CONTROL, "no-store"), (header::REFERRER_POLICY, "no-referrer")];
            (headers, "Go back to the terminal. This window can be closed.\n").into_response()
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_store_that_is_in_use_is_told_of_at_once_and_one_that_is_free_is_not() {
        for (takes_s, expected) in [(0, 0), (10, 1)] {
            let mut told = 0;
            let work = async {
                tokio::time::sleep(Duration::from_secs(takes_s)).await;
                takes_s
            };
            assert_eq!(noticed(work, LOCKED_AFTER, || told += 1).await, takes_s);
            assert_eq!(told, expected, "{takes_s}");
        }
    }
}
