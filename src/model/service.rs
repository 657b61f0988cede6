//! Calendar services and the Webex Cloud, resolved: defaults filled in, secrets looked up, certificates read. What identifies a
//! service to its credentials (the hosts they go to, the account) stands beside them in one value.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::civil::Date;

use super::location::WebProxySpec;
use super::names::IntegrationName;
use super::secret::SecretValue;

/// The kinds of calendar service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Service {
    /// `.ics` files or published calendars.
    Ics,
    /// A CalDAV server.
    CalDav(CalDavSpec),
    /// Google Workspace.
    Google(GoogleSpec),
    /// Microsoft 365, through Graph.
    Graph(GraphSpec),
    /// Exchange, through EWS.
    Exchange(ExchangeSpec),
}

impl Service {
    /// Its kind, as documents write it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Ics => "IcsIntegration",
            Self::CalDav(_) => "CalDavIntegration",
            Self::Google(_) => "GoogleIntegration",
            Self::Graph(_) => "GraphIntegration",
            Self::Exchange(_) => "ExchangeIntegration",
        }
    }

    /// Most rooms that one request tells about when they are taken; `None`: no request does.
    #[must_use]
    pub fn rooms_at_once(&self) -> Option<usize> {
        match self {
            // freeBusy: calendarExpansionMax.
            Self::Google(_) => Some(50),
            // getSchedule: 20 documented, 100 taken by servers; the reader splits where one does not.
            Self::Graph(_) => Some(100),
            // GetUserAvailability.
            Self::Exchange(_) => Some(100),
            Self::Ics | Self::CalDav(_) => None,
        }
    }

    /// Where it is and whose account reads it, without any secret: what was learned from one source says nothing about another.
    #[must_use]
    pub fn source(&self) -> String {
        match self {
            Self::Ics => String::new(),
            Self::CalDav(spec) => format!("{} {:?}", spec.url, spec.username),
            Self::Google(spec) => {
                let accounts: Vec<&str> = match &spec.sign_in {
                    GoogleSignIn::ServiceAccounts(list) => list.iter().map(|it| it.email.as_str()).collect(),
                    GoogleSignIn::User { email, .. } => vec![email],
                };
                format!("{} {accounts:?}", spec.api_url)
            }
            Self::Graph(spec) => format!("{} {} {}", spec.api_url, spec.token_url, spec.client_id),
            Self::Exchange(spec) => {
                format!("{:?} {:?} {}", spec.ews_url, spec.autodiscover_urls, spec.account())
            }
        }
    }
}

/// A CalDAV server and how to sign in to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CalDavSpec {
    /// Base URL; discovery starts there.
    pub url: String,
    /// Account; `None`: no authentication.
    pub username: Option<String>,
    /// Its password.
    pub password: Option<SecretValue>,
    /// `None`: no limit but the poll interval.
    pub max_requests_per_day: Option<u64>,
}

/// Google Workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoogleSpec {
    /// Who reads.
    pub sign_in: GoogleSignIn,
    /// Where tokens are fetched.
    pub token_url: String,
    /// Base URL of the Calendar API.
    pub api_url: String,
    /// Most requests in 24 hours.
    pub max_requests_per_day: u64,
    /// Most requests a minute of one account.
    pub max_requests_per_minute_per_account: u32,
}

/// Who reads Google calendars.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GoogleSignIn {
    /// Service accounts that share the load; at least one.
    ServiceAccounts(Vec<ServiceAccount>),
    /// One user who signs in once.
    User {
        /// The user's address.
        email: String,
        /// Where the user signs in.
        authorization_url: String,
        /// Through what.
        client: OauthClient,
    },
}

/// A Google service account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceAccount {
    /// Its address.
    pub email: String,
    /// PEM, or the whole JSON key as downloaded.
    pub private_key: SecretValue,
}

/// An OAuth client through which a person signs in once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OauthClient {
    /// Its id.
    pub client_id: String,
    /// Its secret; `None`: a public client.
    pub client_secret: Option<SecretValue>,
    /// Where the person is sent back; `None`: the node's own `{public-url}/oauth/callback`.
    pub redirect_uri: Option<String>,
}

/// What an app registration proves itself with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AppCredential {
    /// A client secret.
    Secret(SecretValue),
    /// A certificate.
    Certificate {
        /// PEM.
        certificate: Arc<[u8]>,
        /// PEM.
        private_key: SecretValue,
    },
}

/// Microsoft 365, through Graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GraphSpec {
    /// The app registration.
    pub client_id: String,
    /// Its credential.
    pub credential: AppCredential,
    /// The day the client secret ends, where documents say it.
    pub client_secret_expires: Option<Date>,
    /// Where tokens are fetched.
    pub token_url: String,
    /// Host of Graph: the audience of tokens.
    pub host: String,
    /// Base URL of Graph.
    pub api_url: String,
    /// Most requests in 24 hours.
    pub max_requests_per_day: u64,
}

/// Exchange, through EWS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExchangeSpec {
    /// Who reads.
    pub sign_in: ExchangeSignIn,
    /// Most requests in 24 hours.
    pub find_items_per_day: u64,
    /// Autodiscover services that are asked first: (name, URL).
    pub autodiscover_urls: Vec<(String, String)>,
    /// Domains, in lower case, whose hosts, and those below them, are given the credentials.
    pub autodiscover_trust: Vec<String>,
    /// The service itself; `None`: found by Autodiscover.
    pub ews_url: Option<String>,
}

impl ExchangeSpec {
    /// Who signs in: the account's name, or the app's id.
    #[must_use]
    pub fn account(&self) -> &str {
        match &self.sign_in {
            ExchangeSignIn::Basic { username, .. }
            | ExchangeSignIn::Ntlm { username, .. }
            | ExchangeSignIn::Oauth { username, .. } => username,
            ExchangeSignIn::AppOnly { client_id, .. } => client_id,
        }
    }
}

/// Who reads Exchange mailboxes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExchangeSignIn {
    /// The service account, by password over Basic.
    Basic {
        /// Its name.
        username: String,
        /// Its password.
        password: SecretValue,
    },
    /// The service account, by NTLMv2.
    Ntlm {
        /// Its name, `name@domain`.
        username: String,
        /// Its password.
        password: SecretValue,
    },
    /// The service account, signed in once through Office 365.
    Oauth {
        /// Its name.
        username: String,
        /// Where it signs in.
        authorization_url: String,
        /// Where tokens are fetched.
        token_url: String,
        /// Through what.
        client: OauthClient,
    },
    /// An app that may read every mailbox.
    AppOnly {
        /// Where tokens are fetched.
        token_url: String,
        /// The app registration.
        client_id: String,
        /// Its credential.
        credential: AppCredential,
    },
}

/// The Webex Cloud, as one WebexIntegration reaches it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebexIntegrationSpec {
    /// Its name.
    pub name: IntegrationName,
    /// `metadata.labels`.
    pub labels: BTreeMap<String, String>,
    /// Who writes.
    pub sign_in: WebexSignIn,
    /// Base URL of the API.
    pub api_url: String,
    /// Extra roots, PEM.
    pub ca_certificates: Vec<Arc<[u8]>>,
    /// Past the location's web proxy.
    pub disable_web_proxy: bool,
    /// The web proxy of the location, if it has one.
    pub web_proxy: Option<Arc<WebProxySpec>>,
}

impl WebexIntegrationSpec {
    /// The web proxy that its requests go through.
    #[must_use]
    pub fn via(&self) -> Option<Arc<WebProxySpec>> {
        self.web_proxy.clone().filter(|_| !self.disable_web_proxy)
    }

    /// Where an administrator signs in. See <https://developer.webex.com/docs/integrations>.
    #[must_use]
    pub fn authorization_url(&self) -> String {
        format!("{}/authorize", self.api_url.trim_end_matches('/'))
    }

    /// Where tokens are fetched.
    #[must_use]
    pub fn token_url(&self) -> String {
        format!("{}/access_token", self.api_url.trim_end_matches('/'))
    }
}

/// Who writes to Webex devices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WebexSignIn {
    /// An administrator who signs in once.
    Oauth(OauthClient),
    /// A service app.
    ServiceApp {
        /// Its id.
        client_id: String,
        /// Its secret.
        client_secret: SecretValue,
        /// The refresh token of its authorization.
        refresh_token: SecretValue,
    },
    /// A bot, by its access token.
    Bot(SecretValue),
}
