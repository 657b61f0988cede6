//! A simulated Exchange organisation with everything around it: servers, Autodiscover, an account that may act for every room or an app
//! with its token endpoint, and the documents' side of it.

use std::sync::Arc;

use clap::ValueEnum;

use super::provider::{Counted, Provider};
use crate::http::Url;
use crate::model::service::{AppCredential, ExchangeSignIn, ExchangeSpec, Service};
use crate::model::{Secret, SecretValue};
use crate::sim::exchange::{Account, ExchangeFake, ExchangeOptions, Mailbox, Server, Whose};
use crate::sim::rooms::Rooms;
use crate::sim::token::{App, Dialect, Issued, TokenService};
use crate::sim::weather::Fault;
use crate::sim::workload::address;

const ACCOUNT: &str = "otj@rooms.example.com";
const CLIENT: &str = "6d1c0f5e-0000-4000-8000-000000000003";
const SECRET: &str = "simulated";
const TOKEN_URL: &str = "https://login.microsoftonline.com/7a2b0000-0000-4000-8000-000000000002/oauth2/v2.0/token";

/// Requests for one mailbox in a minute. Exchange counts what they cost instead; nobody who asks for one room more often than this, the
/// requests about many rooms included that act as it, can call himself sparing.
const IN_A_MINUTE: u32 = 60;

/// How the service is signed in to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(super) enum SignIn {
    /// A service account with a password and the right to impersonate.
    Basic,
    /// An app with full_access_as_app.
    AppOnly,
}

/// What the organisation is like.
#[derive(Clone, Copy, Debug)]
pub(super) struct Organisation {
    pub(super) sign_in: SignIn,
    /// With one its address stands in the documents; among several the rooms are dealt out, and Autodiscover is asked.
    pub(super) servers: u32,
    /// Share of notifications that never come.
    pub(super) lost: f64,
}

/// The organisation. `requests_per_day` is otj's own limit, which this Exchange counts against.
///
/// # Errors
/// When a URL is none.
pub(super) fn provider(
    truth: Arc<Rooms>,
    rooms: u32,
    organisation: Organisation,
    requests_per_day: u64,
    seed: u64,
) -> anyhow::Result<Provider> {
    let issued = Arc::new(Issued::default());
    let known = issued.clone();
    let bearers = Box::new(move |token: &str, now| known.is_valid(token, now));
    let options = ExchangeOptions {
        seed,
        in_a_minute: Some(IN_A_MINUTE),
        in_a_day: Some(requests_per_day),
        notices_lost: organisation.lost,
        ..ExchangeOptions::default()
    };
    let fake = Arc::new(ExchangeFake::new(truth, bearers, options));
    let servers = organisation.servers.max(1);
    let urls = (1..=servers).map(ews).collect::<anyhow::Result<Vec<Url>>>()?;
    fake.change(|org| {
        for (number, url) in (1..).zip(&urls) {
            org.servers.insert(name(number), Server::at(url.clone()));
        }
        for room in (0..rooms).filter(|room| room % servers > 0) {
            let on = Some(name(room % servers + 1));
            org.mailboxes.insert(address(room), Mailbox { on, ..Mailbox::default() });
        }
        let account = Account { impersonates: Whose::All, ..Account::default() };
        match organisation.sign_in {
            SignIn::Basic => {
                org.accounts.insert(ACCOUNT.into(), Account { password: Some(SECRET.into()), ..account });
            }
            SignIn::AppOnly => {
                org.accounts.insert(CLIENT.into(), account);
            }
        }
    });
    let secret = || SecretValue::Known(Secret::new(SECRET.into()));
    let sign_in = match organisation.sign_in {
        SignIn::Basic => ExchangeSignIn::Basic { username: ACCOUNT.into(), password: secret() },
        SignIn::AppOnly => ExchangeSignIn::AppOnly {
            token_url: TOKEN_URL.into(),
            client_id: CLIENT.into(),
            credential: AppCredential::Secret(secret()),
        },
    };
    let service = Service::Exchange(ExchangeSpec {
        sign_in,
        find_items_per_day: requests_per_day,
        autodiscover_urls: Vec::new(),
        autodiscover_trust: vec!["example.com".into()],
        ews_url: (servers == 1).then(|| urls[0].to_string()),
    });
    let (counted, struck) = (fake.clone(), fake.clone());
    Ok(Provider {
        service,
        token_host: "login.microsoftonline.com".into(),
        tokens: Arc::new(tokens(issued)?),
        calendars: fake,
        counts: Box::new(move || of(&counted, organisation.sign_in)),
        strikes: Box::new(move |fault, begins| strike(&struck, fault, begins)),
    })
}

/// The host whose rooms cannot be read while one server is away: the last.
pub(super) fn last_host(organisation: Organisation) -> String {
    ews(organisation.servers.max(1)).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default()
}

fn tokens(issued: Arc<Issued>) -> anyhow::Result<TokenService> {
    let tokens = TokenService::new(Dialect::Microsoft, Url::parse(TOKEN_URL)?, issued);
    let app = App { secret: Some(SECRET.into()), ..App::default() };
    tokens.change(|registered| registered.apps.insert(CLIENT.into(), app));
    Ok(tokens)
}

fn name(number: u32) -> String {
    format!("mbx{number}")
}

fn ews(number: u32) -> anyhow::Result<Url> {
    Ok(Url::parse(&format!("https://mail{number}.example.com/EWS/Exchange.asmx"))?)
}

/// What a fault does to the servers themselves.
fn strike(fake: &ExchangeFake, fault: Fault, begins: bool) {
    match fault {
        Fault::Unreachable | Fault::OneServer if begins => fake.break_streams(),
        Fault::WrongPassword => fake.change(|org| {
            if let Some(account) = org.accounts.get_mut(ACCOUNT) {
                account.password = Some(if begins { "another" } else { SECRET }.into());
            }
        }),
        _ => {}
    }
}

fn of(fake: &ExchangeFake, sign_in: SignIn) -> Counted {
    let counts = fake.counts();
    let (locked, wrong) = fake.change(|org| {
        let accounts = || org.accounts.values();
        (accounts().filter(|account| account.locked).count(), accounts().map(|account| account.wrong).sum())
    });
    Counted {
        requests: counts.requests,
        overruns: counts.over_the_day + counts.over_budget,
        operations: counts.operations,
        locked_out: Some((locked, wrong)).filter(|_| sign_in == SignIn::Basic),
    }
}
