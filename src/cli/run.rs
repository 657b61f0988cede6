//! `otj run`: the daemon.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};

use super::opening::EtcdArguments;
use super::serve::{Node, NodeOptions, Oidc};
use crate::endpoint::poly::{PolyAuth, Scheme};
use crate::listen::Network;
use crate::model::Clock;

/// Runs the daemon: reads calendars, finds addresses, keeps endpoints in step.
///
/// Example: otj run --config otj.d --data-dir /var/lib/otj --poly-listen 0.0.0.0:443
#[derive(clap::Args, Debug)]
pub(super) struct Run {
    /// The directory that declares everything; may be repeated.
    #[arg(long, value_name = "DIR", default_value = "otj.d", env = "OTJ_CONFIG", value_delimiter = ':')]
    config: Vec<PathBuf>,
    /// The store; created with mode 0700.
    #[arg(long, value_name = "DIR", default_value = "data", env = "OTJ_DATA_DIR")]
    data_dir: PathBuf,
    /// The key that seals what is stored; made in the data directory when not given.
    #[arg(long, value_name = "FILE", env = "OTJ_STORE_KEY_FILE")]
    store_key_file: Option<PathBuf>,
    #[command(flatten)]
    etcd: EtcdArguments,
    /// Where secret files may lie, beside the configuration directory; may be repeated.
    #[arg(long, value_name = "DIR", env = "OTJ_SECRET_DIR", value_delimiter = ':')]
    secret_dir: Vec<PathBuf>,
    /// Pages, API, metrics.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9480", env = "OTJ_LISTEN")]
    listen: SocketAddr,
    /// Certificate chain for --listen, PEM.
    #[arg(long, value_name = "FILE", requires = "web_tls_key", env = "OTJ_WEB_TLS_CERT")]
    web_tls_cert: Option<PathBuf>,
    /// Its key, PEM.
    #[arg(long, value_name = "FILE", requires = "web_tls_cert", env = "OTJ_WEB_TLS_KEY")]
    web_tls_key: Option<PathBuf>,
    /// The operator's token; made in the data directory when not given.
    #[arg(long, value_name = "FILE", env = "OTJ_ADMIN_TOKEN_FILE")]
    admin_token_file: Option<PathBuf>,
    /// A token that reads pages and API.
    #[arg(long, value_name = "FILE", env = "OTJ_READER_TOKEN_FILE")]
    reader_token_file: Option<PathBuf>,
    /// A file with the URL that alarms are sent on to: each that is raised or cleared is POSTed there as JSON.
    #[arg(long, value_name = "FILE", env = "OTJ_ALARM_WEBHOOK_URL_FILE")]
    alarm_webhook_url_file: Option<PathBuf>,
    /// An OpenID provider at which people sign in to the pages; takes --public-url.
    #[arg(long, value_name = "URL", requires_all = ["oidc_client_id", "public_url"], env = "OTJ_OIDC_ISSUER")]
    oidc_issuer: Option<String>,
    /// What the provider calls otj. Its redirect URI there is {--public-url}/oauth/callback.
    #[arg(long, value_name = "ID", requires = "oidc_issuer", env = "OTJ_OIDC_CLIENT_ID")]
    oidc_client_id: Option<String>,
    /// A file with the secret that the provider gave; without it otj is a public client.
    #[arg(long, value_name = "FILE", requires = "oidc_issuer", env = "OTJ_OIDC_CLIENT_SECRET_FILE")]
    oidc_client_secret_file: Option<PathBuf>,
    /// Who is an operator: verified e-mail addresses, subjects, groups (the claim `groups`). May be repeated.
    #[arg(long, value_name = "WHO", requires = "oidc_issuer", value_delimiter = ',', env = "OTJ_OIDC_OPERATORS")]
    oidc_operators: Vec<String>,
    /// Who may read; may be repeated.
    #[arg(long, value_name = "WHO", requires = "oidc_issuer", value_delimiter = ',', env = "OTJ_OIDC_READERS")]
    oidc_readers: Vec<String>,
    /// Serve /metrics to anybody, without token.
    #[arg(long, env = "OTJ_METRICS_OPEN")]
    metrics_open: bool,
    /// Allow --listen off loopback without TLS.
    #[arg(long, env = "OTJ_INSECURE_HTTP")]
    insecure_http: bool,
    /// The URL people reach the pages under; its host is answered.
    #[arg(long, value_name = "URL", env = "OTJ_PUBLIC_URL")]
    public_url: Option<String>,
    /// Let integrations and endpoints point at this host.
    #[arg(long, env = "OTJ_ALLOW_LOOPBACK")]
    allow_loopback: bool,
    /// Adopt a directory without documents.
    #[arg(long, env = "OTJ_ALLOW_EMPTY")]
    allow_empty: bool,
    /// Where Poly endpoints register (HTTPS), or `none`. Group, HDX, Studio X and Debut need port 443.
    #[arg(long, value_name = "ADDR", default_value = "0.0.0.0:8443", env = "OTJ_POLY_LISTEN")]
    poly_listen: String,
    /// Certificate chain for --poly-listen, PEM; without it one is made and kept in the store.
    #[arg(long, value_name = "FILE", requires = "poly_tls_key", env = "OTJ_POLY_TLS_CERT")]
    poly_tls_cert: Option<PathBuf>,
    /// Its key, PEM.
    #[arg(long, value_name = "FILE", requires = "poly_tls_cert", env = "OTJ_POLY_TLS_KEY")]
    poly_tls_key: Option<PathBuf>,
    /// How Poly endpoints may log in, in the order offered: digest, digest-sha256, ntlm, basic.
    #[arg(long, value_name = "SCHEMES", default_value = "digest,ntlm", value_delimiter = ',', env = "OTJ_POLY_AUTH")]
    poly_auth: Vec<String>,
    /// Offer Basic only, over TLS.
    #[arg(long, env = "OTJ_SECURE_MODE")]
    secure_mode: bool,
    /// Networks that Poly endpoints connect from; anywhere when not given. May be repeated.
    #[arg(long, value_name = "CIDR", value_delimiter = ',', env = "OTJ_POLY_ALLOW")]
    poly_allow: Vec<Network>,
    /// Proxies and balancers before --poly-listen whose X-Forwarded-For and PROXY protocol v2 are believed. May be repeated.
    #[arg(long, value_name = "CIDR", value_delimiter = ',', env = "OTJ_TRUSTED_PROXY")]
    trusted_proxy: Vec<Network>,
    /// This node's name; the host name when not given.
    #[arg(long, value_name = "NAME", env = "OTJ_NODE")]
    node: Option<String>,
    /// The location this node stands in: its web proxy is the way out.
    #[arg(long, value_name = "NAME", default_value = "default", env = "OTJ_LOCATION")]
    location: String,
    /// The id in every booking we put, six characters; random and kept in the store when not given.
    #[arg(long, value_name = "ID", env = "OTJ_DEPLOYMENT")]
    deployment: Option<String>,
    /// Hold a change that would take meetings from more than this percentage of endpoints.
    #[arg(long, value_name = "PERCENT", default_value_t = 30, value_parser = clap::value_parser!(u8).range(1..=100), env = "OTJ_MAX_CHANGE_PERCENT")]
    max_change_percent: u8,
}

pub(super) fn run(verb: &Run) -> anyhow::Result<ExitCode> {
    let options = options(verb)?;
    harden();
    open_many_files();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        // Installed before anything else: a signal during the start is not lost.
        let mut term = signal(SignalKind::terminate())?;
        let mut int = signal(SignalKind::interrupt())?;
        let mut hup = signal(SignalKind::hangup())?;
        let mut node = Node::start(options, Clock::system()).await?;
        tracing::info!(pages = %node.web, poly = ?node.poly, "Running.");
        let code = loop {
            tokio::select! {
                _ = term.recv() => break ExitCode::SUCCESS,
                _ = int.recv() => break ExitCode::SUCCESS,
                _ = hup.recv() => node.reload(),
                () = node.failed() => break ExitCode::from(2),
            }
        };
        tracing::info!("Stopping.");
        node.stop().await;
        Ok(code)
    })
}

fn options(verb: &Run) -> anyhow::Result<NodeOptions> {
    let pair = |certificate: &Option<PathBuf>, key: &Option<PathBuf>| certificate.clone().zip(key.clone());
    let web_tls = pair(&verb.web_tls_cert, &verb.web_tls_key);
    anyhow::ensure!(
        verb.listen.ip().is_loopback() || web_tls.is_some() || verb.insecure_http,
        "--listen {} would serve pages and tokens unencrypted; give --web-tls-cert and --web-tls-key, or --insecure-http",
        verb.listen
    );
    let node = match &verb.node {
        Some(node) => node.clone(),
        None => rustix::system::uname().nodename().to_string_lossy().into_owned(),
    };
    let mut hosts = vec![node.clone()];
    if !verb.listen.ip().is_unspecified() {
        hosts.push(verb.listen.ip().to_string());
    }
    if let Some(url) = &verb.public_url {
        let url: crate::http::Url = url.parse().with_context(|| format!("--public-url {url}"))?;
        hosts.extend(url.host_str().map(str::to_owned));
    }
    let schemes = if verb.secure_mode {
        vec![Scheme::Basic]
    } else {
        let parse = |name: &String| {
            Scheme::parse(name)
                .with_context(|| format!("--poly-auth {name}: the schemes are digest, digest-sha256, ntlm, basic"))
        };
        verb.poly_auth.iter().map(parse).collect::<anyhow::Result<_>>()?
    };
    Ok(NodeOptions {
        config: verb.config.clone(),
        data_dir: verb.data_dir.clone(),
        store_key_file: verb.store_key_file.clone(),
        etcd: verb.etcd.options()?,
        secret_dirs: verb.secret_dir.clone(),
        listen: verb.listen,
        web_tls,
        admin_token_file: verb.admin_token_file.clone(),
        reader_token_file: verb.reader_token_file.clone(),
        oidc: verb.oidc_issuer.clone().map(|issuer| Oidc {
            issuer,
            client_id: verb.oidc_client_id.clone().unwrap_or_default(),
            client_secret_file: verb.oidc_client_secret_file.clone(),
            redirect: format!(
                "{}/oauth/callback",
                verb.public_url.as_deref().unwrap_or_default().trim_end_matches('/')
            ),
            operators: verb.oidc_operators.clone(),
            readers: verb.oidc_readers.clone(),
        }),
        redirect: verb.public_url.as_ref().map(|url| format!("{}/oauth/callback", url.trim_end_matches('/'))),
        https_outside: verb.public_url.as_ref().is_some_and(|url| url.starts_with("https:")),
        alarm_webhook_url_file: verb.alarm_webhook_url_file.clone(),
        open_to_loopback: false,
        metrics_open: verb.metrics_open,
        hosts,
        allow_loopback: verb.allow_loopback,
        allow_empty: verb.allow_empty,
        allow_inline_secrets: true,
        poly_listen: match verb.poly_listen.as_str() {
            "none" => None,
            address => Some(address.parse().with_context(|| format!("--poly-listen {address}"))?),
        },
        poly_tls: pair(&verb.poly_tls_cert, &verb.poly_tls_key),
        poly_auth: PolyAuth { schemes },
        poly_allow: verb.poly_allow.as_slice().into(),
        trusted_proxies: verb.trusted_proxy.as_slice().into(),
        node,
        location: verb.location.clone(),
        deployment: verb.deployment.clone(),
        max_change_percent: usize::from(verb.max_change_percent),
    })
}

/// What is written is ours alone, and no memory image with secrets is ever left on a disk.
pub(super) fn harden() {
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    let none = rustix::process::Rlimit { current: Some(0), maximum: Some(0) };
    if let Err(error) = rustix::process::setrlimit(rustix::process::Resource::Core, none) {
        tracing::warn!(%error, "Core dumps could not be switched off.");
    }
}

/// Thousands of devices are connected at a time: as many files may be open as the system lets us.
pub(super) fn open_many_files() {
    let files = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let most = rustix::process::Rlimit { current: files.maximum, maximum: files.maximum };
    if let Err(error) = rustix::process::setrlimit(rustix::process::Resource::Nofile, most) {
        tracing::warn!(%error, "The number of open files stays limited.");
    }
}
