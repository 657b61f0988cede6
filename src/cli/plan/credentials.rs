//! Credentials that move: a secret that stays what it was, and is sent to another place, or with less certainty about who is there.
//!
//! That is how a credential leaves a company through a merge request: nobody needs to know a password to point its endpoint at another
//! host. In: two wishes in which every secret is known by where it is kept. Out: who sends what where that was not sent there before.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::Serialize;

use crate::model::desired::IntegrationSpec;
use crate::model::device::{CiscoSpec, DeviceSpec, TlsMode};
use crate::model::service::{
    AppCredential, ExchangeSignIn, GoogleSignIn, OauthClient, Service, WebexIntegrationSpec, WebexSignIn,
};
use crate::model::{Desired, Digest, SecretValue};

/// A secret on its way to a place.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Sent {
    kind: &'static str,
    name: String,
    /// Digest of where the secret is kept.
    secret: Digest,
    destination: String,
    verification: String,
}

/// A secret that goes somewhere it did not go before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Moved {
    pub(super) kind: &'static str,
    pub(super) name: String,
    /// Where the same object sent it before, when it did.
    pub(super) old_destination: Option<String>,
    pub(super) destination: String,
    pub(super) old_verification: Option<String>,
    pub(super) verification: String,
}

/// What `new` sends to places where `old` does not, of the secrets that `old` has. `old` carries the names of `new`.
pub(super) fn moved(old: &Desired, new: &Desired) -> Vec<Moved> {
    let before = sent(old);
    let mut places: BTreeMap<Digest, BTreeSet<(&str, &str)>> = BTreeMap::new();
    let mut own: BTreeMap<(&str, &str, Digest), &Sent> = BTreeMap::new();
    for it in &before {
        places.entry(it.secret).or_default().insert((&it.destination, &it.verification));
        own.entry((it.kind, &it.name, it.secret)).or_insert(it);
    }
    let after = sent(new);
    let is_new = |it: &&Sent| {
        places
            .get(&it.secret)
            .is_some_and(|known| !known.contains(&(it.destination.as_str(), it.verification.as_str())))
    };
    let change = |it: &Sent| {
        let previous = own.get(&(it.kind, it.name.as_str(), it.secret));
        Moved {
            kind: it.kind,
            name: it.name.clone(),
            old_destination: previous.map(|it| it.destination.clone()),
            destination: it.destination.clone(),
            old_verification: previous.map(|it| it.verification.clone()),
            verification: it.verification.clone(),
        }
    };
    after.iter().filter(is_new).map(change).collect()
}

/// Everything that is sent anywhere.
fn sent(desired: &Desired) -> Vec<Sent> {
    let mut found = vec![];
    for endpoint in desired.endpoints.values() {
        if let DeviceSpec::Cisco(cisco) = &endpoint.device {
            let place =
                format!("{}://{}:{}", if cisco.use_https { "https" } else { "http" }, cisco.address, cisco.port);
            found.extend(to("Endpoint", endpoint.name.as_str(), &cisco.password, place, device_verification(cisco)));
        }
    }
    for integration in desired.integrations.values() {
        let verification = authorities(&integration.ca_certificates);
        for (secret, place) in of_service(integration) {
            found.extend(to(
                integration.service.kind(),
                integration.name.as_str(),
                secret,
                place,
                verification.clone(),
            ));
        }
    }
    for webex in desired.webex.values() {
        for secret in of_webex(webex) {
            let verification = authorities(&webex.ca_certificates);
            found.extend(to("WebexIntegration", webex.name.as_str(), secret, webex.api_url.clone(), verification));
        }
    }
    for location in desired.locations.values() {
        if let Some(proxy) = &location.web_proxy
            && let Some((_, password)) = &proxy.account
        {
            let verification = authorities(&proxy.ca_certificates);
            found.extend(to("Location", location.name.as_str(), password, proxy.url.clone(), verification));
        }
    }
    found
}

fn to(kind: &'static str, name: &str, secret: &SecretValue, destination: String, verification: String) -> Option<Sent> {
    let secret = Digest::of([secret.known()?.expose().as_bytes()]);
    Some(Sent { kind, name: name.to_owned(), secret, destination, verification })
}

fn device_verification(cisco: &CiscoSpec) -> String {
    let mut text = match (cisco.use_https, cisco.tls) {
        (false, _) => "no TLS".to_owned(),
        (true, TlsMode::Verify) => format!("Verify, {}", authorities(&cisco.ca_certificates)),
        (true, TlsMode::PinOnFirstUse) => "PinOnFirstUse".to_owned(),
        (true, TlsMode::Insecure) => "Insecure".to_owned(),
    };
    if let Some(fingerprint) = &cisco.fingerprint {
        let _ = write!(text, ", fingerprint {}", fingerprint.get(..8).unwrap_or_default());
    }
    text
}

fn authorities(certificates: &[std::sync::Arc<[u8]>]) -> String {
    match certificates {
        [] => "the system's authorities".to_owned(),
        own => format!("also own authorities {}", Digest::of(own.iter().map(|it| &**it)).short()),
    }
}

/// Each secret of a calendar service, with the place it goes to.
fn of_service(integration: &IntegrationSpec) -> Vec<(&SecretValue, String)> {
    match &integration.service {
        Service::Ics => vec![],
        Service::CalDav(spec) => spec.password.iter().map(|secret| (secret, spec.url.clone())).collect(),
        Service::Google(spec) => match &spec.sign_in {
            GoogleSignIn::ServiceAccounts(list) => {
                let place = with_api(&spec.token_url, &spec.api_url);
                list.iter().map(|account| (&account.private_key, place.clone())).collect()
            }
            GoogleSignIn::User { client, .. } => of_client(client, &with_api(&spec.token_url, &spec.api_url)),
        },
        Service::Graph(spec) => vec![(of_app(&spec.credential), with_api(&spec.token_url, &spec.api_url))],
        Service::Exchange(spec) => match &spec.sign_in {
            ExchangeSignIn::Basic { password, .. } | ExchangeSignIn::Ntlm { password, .. } => {
                let found = || {
                    let urls = spec.autodiscover_urls.iter().map(|(_, url)| url.as_str());
                    let trusted = spec.autodiscover_trust.iter().map(String::as_str);
                    urls.chain(trusted).collect::<Vec<_>>().join(", ")
                };
                vec![(password, spec.ews_url.clone().unwrap_or_else(found))]
            }
            ExchangeSignIn::Oauth { client, token_url, .. } => of_client(client, token_url),
            ExchangeSignIn::AppOnly { credential, token_url, .. } => vec![(of_app(credential), token_url.clone())],
        },
    }
}

/// A token is worth what its secret is worth, for an hour: where it goes counts too.
fn with_api(token_url: &str, api_url: &str) -> String {
    format!("{token_url} and {api_url}")
}

fn of_client<'a>(client: &'a OauthClient, token_url: &str) -> Vec<(&'a SecretValue, String)> {
    client.client_secret.iter().map(|secret| (secret, token_url.to_owned())).collect()
}

fn of_app(credential: &AppCredential) -> &SecretValue {
    match credential {
        AppCredential::Secret(secret) => secret,
        AppCredential::Certificate { private_key, .. } => private_key,
    }
}

fn of_webex(webex: &WebexIntegrationSpec) -> Vec<&SecretValue> {
    match &webex.sign_in {
        WebexSignIn::Oauth(client) => client.client_secret.iter().collect(),
        WebexSignIn::ServiceApp { client_secret, refresh_token, .. } => vec![client_secret, refresh_token],
        WebexSignIn::Bot(token) => vec![token],
    }
}
