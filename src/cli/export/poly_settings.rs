//! `otj export poly-settings`: what is typed on each Poly endpoint so that it finds its room, one row an endpoint.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;

use crate::cli::import::{Target, refuse_in_git, write_private};
use crate::model::device::PolyModel;
use crate::model::{DeviceSpec, EndpointSpec, PolySpec, SecretValue};

/// What to enter on each Poly endpoint, as CSV, from the documents alone.
///
/// The column `settings` holds, separated by blanks, the parameters of the endpoint's family where these can be provisioned; for a family that
/// documents leave open (`poly.model: Auto`) it is empty. The domain is left empty on every device.
///
/// Example: otj export poly-settings --server otj.example.com > poly.csv
#[derive(clap::Args, Debug)]
pub(super) struct PolySettings {
    /// The host that endpoints reach this server under, with a port where it is not 443.
    #[arg(long, value_name = "HOST")]
    server: String,
    /// The directory to export.
    #[arg(long, value_name = "DIR", default_value = "otj.d")]
    config: PathBuf,
    /// Writes a file instead of stdout.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Passwords too; the file is written with mode 0600, outside of git.
    #[arg(long, requires = "output")]
    with_secrets: bool,
    /// Where secret files may lie, beside the directory itself [default: /run/secrets, /etc/otj/secrets, $CREDENTIALS_DIRECTORY].
    #[arg(long, value_name = "DIR")]
    secret_dir: Vec<PathBuf>,
}

const COLUMNS: [&str; 9] =
    ["endpoint", "model", "server", "user_name", "domain", "password", "mailbox", "needs_port_443", "settings"];

pub(super) fn run(verb: &PolySettings) -> anyhow::Result<ExitCode> {
    if !verb.config.is_dir() {
        bail!("there is no directory `{}`", verb.config.display());
    }
    if verb.server.contains('/') || verb.server.is_empty() {
        bail!("--server is a host name, like otj.example.com or otj.example.com:8443");
    }
    let target = Target::open(&verb.config, &verb.secret_dir)?;
    let mut text = Vec::new();
    let mut rows = 0;
    {
        let mut csv = csv::Writer::from_writer(&mut text);
        csv.write_record(COLUMNS)?;
        for endpoint in target.desired.endpoints.values() {
            let DeviceSpec::Poly(poly) = &endpoint.device else { continue };
            let domains = target.desired.evaluations.get(&endpoint.evaluation);
            let domains = domains.and_then(|evaluation| evaluation.alias_domains.clone()).unwrap_or_default();
            csv.write_record(row(endpoint, poly, &verb.server, &domains, verb.with_secrets))?;
            rows += 1;
        }
        csv.flush()?;
    }
    match &verb.output {
        None => crate::cli::print(&String::from_utf8_lossy(&text)),
        Some(path) if verb.with_secrets => {
            refuse_in_git(path)?;
            write_private(path, &text)?;
        }
        Some(path) => std::fs::write(path, &text)?,
    }
    if verb.output.is_some() {
        crate::cli::print(&format!("{rows} endpoints\n"));
    }
    Ok(ExitCode::SUCCESS)
}

fn row(endpoint: &EndpointSpec, poly: &PolySpec, server: &str, domains: &[String], with_secrets: bool) -> [String; 9] {
    let url = format!("https://{server}/EWS/Exchange.asmx");
    // A Trio is given the whole address; the others build it from a host, and know port 443 alone.
    let takes_host = matches!(poly.model, PolyModel::Group | PolyModel::Hdx | PolyModel::StudioX | PolyModel::Debut);
    let password = match &poly.password {
        SecretValue::Known(secret) if with_secrets => secret.expose().to_owned(),
        _ => String::new(),
    };
    let settings = settings(endpoint, poly, server, &url, domains);
    [
        endpoint.name.to_string(),
        format!("{:?}", poly.model),
        if takes_host { server.to_owned() } else { url },
        poly.username.clone(),
        String::new(),
        password,
        endpoint.room_email.to_string(),
        if takes_host { "yes" } else { "no" }.to_owned(),
        settings,
    ]
}

/// Parameters of the family; passwords stand in their own column.
fn settings(endpoint: &EndpointSpec, poly: &PolySpec, server: &str, url: &str, domains: &[String]) -> String {
    let (user, room) = (&poly.username, &endpoint.room_email);
    match poly.model {
        PolyModel::Trio => {
            let mut all = format!(
                "feature.exchangeCalendar.enabled=1 exchange.server.url={url} exchange.userId={user} exchange.targetMailbox={room} \
                 exchange.meeting.parseWhen=Always exchange.meeting.parseOption=All exchange.meeting.parseEmailsAsSipUris=1"
            );
            if !domains.is_empty() {
                all.push_str(&format!(" exchange.meeting.parseAllowedSipUriDomains={}", domains.join(",")));
            }
            all
        }
        PolyModel::Group => format!(
            "cal.enabled=True cal.ews.server={server} cal.ews.username={user} cal.ews.mailbox={room} cal.showprivatemeeting=True"
        ),
        PolyModel::StudioX => format!(
            "exchange.enable=true exchange.server.url={server} exchange.auth.userName={user} exchange.auth.email={room} \
             exchange.showPrivateMeeting=true"
        ),
        PolyModel::Auto | PolyModel::Hdx | PolyModel::Debut => String::new(),
    }
}
