//! What the documents say about one account, as a token is asked for: where, with what, and for what. An integration and the
//! account's number go in; what identifies its tokens comes out, so that none of them is ever used for anything else.

use super::assertion::ServiceKey;
use super::error::TokenError;
use super::holder::Holder;
use crate::http::Url;
use crate::model::service::{
    AppCredential, ExchangeSignIn, GoogleSignIn, OauthClient, Service, WebexIntegrationSpec, WebexSignIn,
};
use crate::model::{Digest, IntegrationSpec, Secret, SecretValue};

/// Where Google gives tokens unless documents or a JSON key name another place.
const GOOGLE: &str = "https://oauth2.googleapis.com/token";

/// The narrowest permissions that read events and say when rooms are taken.
/// See <https://developers.google.com/workspace/calendar/api/auth>.
const GOOGLE_READ: &str =
    "https://www.googleapis.com/auth/calendar.events.readonly https://www.googleapis.com/auth/calendar.events.freebusy";

/// Commands and status of devices, and what the devices are. Scopes for devices do not stand in for those for their API.
/// See <https://developer.webex.com/docs/integrations#scopes>.
const WEBEX: &str = "spark:xapi_commands spark:xapi_statuses spark-admin:devices_read";

/// What Exchange Online's tokens are for where `ewsUrl` says nothing else.
const EXCHANGE_ONLINE: &str = "outlook.office365.com";

/// One account of an integration.
pub(super) struct Account<'a> {
    /// Whose.
    pub(super) holder: Holder<'a>,
    /// What identifies it at the service.
    pub(super) name: &'a str,
    /// How it proves itself.
    pub(super) grant: Grant<'a>,
    /// Where it does.
    pub(super) token_url: Url,
    /// What for, as a list with blanks; empty where `resource` says it.
    pub(super) scope: String,
    /// What for, at Microsoft's endpoints of version 1.
    pub(super) resource: Option<String>,
    /// How long before its end a token is replaced.
    pub(super) renewal: Renewal,
    /// The API that its tokens open.
    api: String,
}

/// When the next token is fetched.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Renewal {
    /// Ten to fifteen minutes before the last one ends: it is good for an hour, and the next costs nothing.
    JustBefore,
    /// At half of its life, at least weekly: it is good for weeks, and each refresh makes the refresh token live longer, too.
    HalfLife,
}

/// How an account proves itself.
pub(super) enum Grant<'a> {
    /// By a statement signed with its own key.
    ServiceAccount(ServiceKey, &'a Secret),
    /// An app by its secret.
    AppSecret(&'a Secret),
    /// An app by a certificate: PEM, and its key.
    AppCertificate(&'a [u8], &'a Secret),
    /// A person who signed in, through a client with or without a secret.
    SignedIn(&'a OauthClient, Option<&'a Secret>),
    /// A service app of Webex, by its secret and the refresh token that came with its authorization; later ones are stored.
    ServiceApp(&'a Secret, &'a Secret),
    /// A bot's token: it is the bearer itself.
    Token(&'a Secret),
}

impl<'a> Account<'a> {
    /// Account number `number` of `integration`.
    ///
    /// # Errors
    /// When the documents do not make one.
    pub(super) fn of(holder: Holder<'a>, number: usize) -> Result<Self, TokenError> {
        match holder {
            Holder::Calendar(integration) => Self::of_calendar(integration, number),
            Holder::Webex(cloud) => Self::of_webex(cloud),
        }
    }

    fn of_webex(cloud: &'a WebexIntegrationSpec) -> Result<Self, TokenError> {
        let (name, grant) = match &cloud.sign_in {
            WebexSignIn::Oauth(client) => {
                let secret = client.client_secret.as_ref().map(known).transpose()?;
                (client.client_id.as_str(), Grant::SignedIn(client, secret))
            }
            WebexSignIn::ServiceApp { client_id, client_secret, refresh_token } => {
                (client_id.as_str(), Grant::ServiceApp(known(client_secret)?, known(refresh_token)?))
            }
            WebexSignIn::Bot(token) => ("bot", Grant::Token(known(token)?)),
        };
        Ok(Self {
            holder: Holder::Webex(cloud),
            name,
            grant,
            token_url: Url::parse(&cloud.token_url()).map_err(|_| TokenError::NotAUrl("apiUrl"))?,
            scope: WEBEX.to_owned(),
            resource: None,
            renewal: Renewal::HalfLife,
            api: cloud.api_url.clone(),
        })
    }

    fn of_calendar(integration: &'a IntegrationSpec, number: usize) -> Result<Self, TokenError> {
        let mut resource = None;
        let (name, grant, token_url, scope, api) = match &integration.service {
            Service::Google(google) => {
                let (name, grant, token_url) = match &google.sign_in {
                    GoogleSignIn::ServiceAccounts(accounts) => {
                        let account = accounts.get(number).ok_or_else(|| missing("there is no such account"))?;
                        let text = known(&account.private_key)?;
                        let key = ServiceKey::read(text, &account.email)?;
                        let own = key.token_url.clone().filter(|_| google.token_url == GOOGLE);
                        let token_url = own.unwrap_or_else(|| google.token_url.clone());
                        (account.email.as_str(), Grant::ServiceAccount(key, text), token_url)
                    }
                    GoogleSignIn::User { email, client, .. } => {
                        let secret = client.client_secret.as_ref().map(known).transpose()?;
                        (email.as_str(), Grant::SignedIn(client, secret), google.token_url.clone())
                    }
                };
                (name, grant, token_url, GOOGLE_READ.to_owned(), google.api_url.clone())
            }
            Service::Graph(graph) => {
                let scope = format!("https://{}/.default", graph.host);
                let grant = app(&graph.credential)?;
                (graph.client_id.as_str(), grant, graph.token_url.clone(), scope, graph.api_url.clone())
            }
            Service::Exchange(exchange) => {
                let url = exchange.ews_url.as_deref().and_then(|url| Url::parse(url).ok());
                let host = url.as_ref().and_then(Url::host_str).unwrap_or(EXCHANGE_ONLINE).to_owned();
                match &exchange.sign_in {
                    ExchangeSignIn::AppOnly { token_url, client_id, credential } => {
                        let scope = format!("https://{host}/.default");
                        (client_id.as_str(), app(credential)?, token_url.clone(), scope, host)
                    }
                    ExchangeSignIn::Oauth { username, token_url, client, .. } => {
                        let secret = client.client_secret.as_ref().map(known).transpose()?;
                        let scope = if token_url.contains("/v2.0/") {
                            format!("https://{host}/EWS.AccessAsUser.All offline_access")
                        } else {
                            resource = Some(format!("https://{host}"));
                            String::new()
                        };
                        (username.as_str(), Grant::SignedIn(client, secret), token_url.clone(), scope, host)
                    }
                    ExchangeSignIn::Basic { .. } | ExchangeSignIn::Ntlm { .. } => {
                        return Err(TokenError::NotInEffect(integration.service.kind()));
                    }
                }
            }
            Service::Ics | Service::CalDav(_) => return Err(TokenError::NotInEffect(integration.service.kind())),
        };
        let token_url = Url::parse(&token_url).map_err(|_| TokenError::NotAUrl("tokenUrl"))?;
        let (holder, renewal) = (Holder::Calendar(integration), Renewal::JustBefore);
        Ok(Self { holder, name, grant, token_url, scope, resource, renewal, api })
    }

    /// What tokens of this account are bound to. A token made for anything else is not used.
    pub(super) fn binding(&self) -> Digest {
        let client = match &self.grant {
            Grant::SignedIn(client, _) => client.client_id.as_str(),
            _ => self.name,
        };
        // With a new refresh token in the documents a service app begins anew.
        let given = match &self.grant {
            Grant::ServiceApp(_, refresh) => refresh.expose(),
            _ => "",
        };
        let parts = [self.holder.name().as_str(), self.token_url.as_str(), &self.api, client, self.name, &self.scope];
        let parts = parts.into_iter().chain((!given.is_empty()).then_some(given));
        Digest::of(parts.map(str::as_bytes))
    }

    /// What the account proves itself with, so that a new secret is noticed. `sign_in` is the refresh token, where there is one.
    pub(super) fn proof(&self, sign_in: Option<&str>) -> Digest {
        let secret: [&[u8]; 2] = match &self.grant {
            Grant::ServiceAccount(_, text) | Grant::AppSecret(text) | Grant::Token(text) => {
                [text.expose().as_bytes(), &[]]
            }
            Grant::ServiceApp(secret, _) => [secret.expose().as_bytes(), sign_in.map_or(&[][..], str::as_bytes)],
            Grant::AppCertificate(certificate, key) => [key.expose().as_bytes(), certificate],
            Grant::SignedIn(_, secret) => {
                [secret.map_or(&[][..], |secret| secret.expose().as_bytes()), sign_in.map_or(&[][..], str::as_bytes)]
            }
        };
        Digest::of([&self.binding().0[..], secret[0], secret[1]])
    }
}

fn app(credential: &AppCredential) -> Result<Grant<'_>, TokenError> {
    Ok(match credential {
        AppCredential::Secret(secret) => Grant::AppSecret(known(secret)?),
        AppCredential::Certificate { certificate, private_key } => {
            Grant::AppCertificate(certificate, known(private_key)?)
        }
    })
}

fn known(secret: &SecretValue) -> Result<&Secret, TokenError> {
    match secret {
        SecretValue::Known(secret) => Ok(secret),
        SecretValue::Missing(reason) => Err(missing(reason)),
    }
}

fn missing(reason: &str) -> TokenError {
    TokenError::SecretMissing(reason.to_owned())
}
