//! Simulated token endpoints, Google's, Microsoft's and Webex's: a form goes in, an access token or an error as theirs comes out.
//!
//! What is checked: the signature of a statement with the known public key, its audience, issuer, times and scope; client secrets;
//! refresh tokens, which can change with every use. They can be down, slow, or have another clock.
//!
//! Error bodies are those of <https://developers.google.com/identity/protocols/oauth2/service-account#error-codes> and
//! <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow#error-response>.

mod issued;
mod page;
mod statement;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

pub use issued::Issued;
pub use page::SignInPage;
pub use statement::Known;

use super::Fake;
use crate::http::{Bytes, HeaderMap, HttpError, Played, Request, StatusCode, Url, header};

/// A private key for examples and tests, RSA, PKCS#8. Everybody knows it.
pub const EXAMPLE_KEY: &str = include_str!("example-key.pem");

/// A certificate with the public half of [`EXAMPLE_KEY`].
pub const EXAMPLE_CERTIFICATE: &str = include_str!("example-certificate.pem");

/// Whose errors and rules.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Dialect {
    /// `oauth2.googleapis.com`.
    Google,
    /// `login.microsoftonline.com`.
    Microsoft,
    /// `webexapis.com`: access tokens for 14 days, refresh tokens for 90, which every use makes live longer.
    Webex,
}

/// A token endpoint.
#[derive(Debug)]
pub struct TokenService {
    dialect: Dialect,
    url: Url,
    issued: Arc<Issued>,
    registered: Mutex<Registered>,
}

/// Who is known to it, and how it is today.
#[derive(Debug)]
pub struct Registered {
    /// Service accounts by address: their public keys.
    pub service_accounts: BTreeMap<String, Known>,
    /// Apps by client id.
    pub apps: BTreeMap<String, App>,
    /// Refresh tokens: the account each is for.
    pub refresh: BTreeMap<String, String>,
    /// With every use of a refresh token the next one is given, and the one before is no good any more.
    pub rotates: bool,
    /// How long access tokens are good.
    pub lifetime: Duration,
    /// How long refresh tokens are good without being used; `None`: for ever, and nothing is said of it.
    pub refresh_lifetime: Option<Duration>,
    /// How long an answer takes.
    pub takes: Duration,
    /// Instead of an answer.
    pub fault: Option<Fault>,
    /// How far its clock is ahead of everybody else's.
    pub skew: SignedDuration,
    /// Requests that reached it.
    pub requests: u64,
    /// What a person grants, when that is not all that was asked for.
    pub grants: Option<String>,
    /// Codes and refresh tokens made so far.
    made: u64,
    codes: BTreeMap<String, page::Code>,
    /// When refresh tokens end.
    ends: BTreeMap<String, Timestamp>,
}

/// An app, or an OAuth client.
#[derive(Clone, Debug, Default)]
pub struct App {
    /// Its secret.
    pub secret: Option<String>,
    /// The time of the secret is over.
    pub secret_expired: bool,
    /// Its certificate.
    pub certificate: Option<Known>,
}

/// How it can fail as a whole.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fault {
    /// Nobody answers.
    Unreachable(HttpError),
    /// This status, with this body.
    Answers(u16, String),
    /// This status, and `Retry-After`.
    Throttles(u16, u64),
}

/// What is wrong with a request: status, error, description, Microsoft's number.
pub(super) type Wrong = (u16, &'static str, &'static str, u32);

impl TokenService {
    /// One that knows nobody yet, at `url`.
    #[must_use]
    pub fn new(dialect: Dialect, url: Url, issued: Arc<Issued>) -> Self {
        let registered = Registered {
            service_accounts: BTreeMap::new(),
            apps: BTreeMap::new(),
            refresh: BTreeMap::new(),
            rotates: dialect == Dialect::Microsoft,
            lifetime: match dialect {
                Dialect::Google | Dialect::Microsoft => Duration::from_secs(3599),
                Dialect::Webex => Duration::from_secs(14 * 86_400 - 1),
            },
            refresh_lifetime: (dialect == Dialect::Webex).then(|| Duration::from_secs(90 * 86_400)),
            takes: Duration::from_millis(80),
            fault: None,
            skew: SignedDuration::ZERO,
            requests: 0,
            grants: None,
            made: 0,
            codes: BTreeMap::new(),
            ends: BTreeMap::new(),
        };
        Self { dialect, url, issued, registered: Mutex::new(registered) }
    }

    /// Looks at, or changes, who is known and how it is today.
    pub fn change<R>(&self, change: impl FnOnce(&mut Registered) -> R) -> R {
        change(&mut self.registered.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Microsoft's older endpoints, which take a resource in place of scopes, and write numbers as texts.
    fn is_version_1(&self) -> bool {
        self.dialect == Dialect::Microsoft && self.url.path().ends_with("/oauth2/token")
    }

    fn grant(&self, request: &Request, now: Timestamp) -> Result<Value, Wrong> {
        if request.url.path() != self.url.path() {
            return Err((400, "invalid_request", "AADSTS90002: Tenant not found.", 90_002));
        }
        let form = form(&request.body);
        if form.get("grant_type").is_some_and(|grant| grant == "authorization_code") {
            self.change(|it| self.app(it, &form, now + it.skew))?;
            return self.redeem(&form, now);
        }
        let mut registered = self.registered.lock().unwrap_or_else(PoisonError::into_inner);
        let field = |name: &str| form.get(name).map_or("", String::as_str);
        let now = now + registered.skew;
        match field("grant_type") {
            "urn:ietf:params:oauth:grant-type:jwt-bearer" if self.dialect == Dialect::Google => {
                let account = self.service_account(&registered, field("assertion"), now)?;
                Ok(self.tokens(&account, &registered, now))
            }
            "client_credentials" if self.dialect == Dialect::Microsoft => {
                self.app(&registered, &form, now)?;
                if !field("scope").ends_with("/.default") {
                    return Err((
                        400,
                        "invalid_scope",
                        "AADSTS1002012: The provided value for scope is not valid.",
                        1_002_012,
                    ));
                }
                Ok(self.tokens(field("client_id"), &registered, now))
            }
            "refresh_token" if self.is_version_1() && !form.contains_key("resource") => {
                Err((400, "invalid_resource", "AADSTS50001: The resource was not found.", 50_001))
            }
            "refresh_token" => {
                self.app(&registered, &form, now)?;
                registered.forget_ended(now);
                let Some(account) = registered.refresh.get(field("refresh_token")).cloned() else {
                    let text = match self.dialect {
                        Dialect::Webex => {
                            return Err((
                                400,
                                "",
                                "The refresh token provided is expired, revoked, malformed, or invalid.",
                                0,
                            ));
                        }
                        Dialect::Google => "Token has been expired or revoked.",
                        Dialect::Microsoft => "AADSTS700082: The refresh token has expired due to inactivity.",
                    };
                    return Err((400, "invalid_grant", text, 700_082));
                };
                let mut tokens = self.tokens(&account, &registered, now);
                let mut refresh = field("refresh_token").to_owned();
                if registered.rotates {
                    registered.refresh.remove(&refresh);
                    refresh = registered.sign_in(&account);
                    tokens["refresh_token"] = json!(refresh);
                }
                if let Some(lifetime) = registered.refresh_lifetime {
                    registered.ends.insert(refresh.clone(), now + lifetime);
                    // Webex repeats the refresh token, also where it stays.
                    tokens["refresh_token"] = json!(refresh);
                    tokens["refresh_token_expires_in"] = json!(lifetime.as_secs());
                }
                Ok(tokens)
            }
            _ => Err((
                400,
                "unsupported_grant_type",
                "AADSTS70003: The app requested an unsupported grant type.",
                70_003,
            )),
        }
    }

    fn service_account(&self, registered: &Registered, statement: &str, now: Timestamp) -> Result<String, Wrong> {
        let claims = statement::claims(statement).ok_or((400, "invalid_grant", "Invalid JWT.", 0))?;
        let issuer = claims["iss"].as_str().unwrap_or_default();
        let key = registered.service_accounts.get(issuer);
        let key = key.ok_or((400, "invalid_grant", "Invalid grant: account not found", 0))?;
        if !key.signed(statement, "RS256") {
            return Err((400, "invalid_grant", "Invalid JWT Signature.", 0));
        }
        if claims["aud"] != json!(self.url.as_str()) {
            return Err((400, "invalid_grant", "Invalid JWT: Failed audience check.", 0));
        }
        if !statement::is_current(&claims, now, 3600) {
            let text = "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim.";
            return Err((400, "invalid_grant", text, 0));
        }
        let scope = claims["scope"].as_str().unwrap_or_default();
        if scope.is_empty() || !scope.split(' ').all(|one| one.starts_with("https://www.googleapis.com/auth/calendar"))
        {
            return Err((400, "invalid_scope", "Invalid OAuth scope or ID token audience provided.", 0));
        }
        Ok(issuer.to_owned())
    }

    fn app(&self, registered: &Registered, form: &BTreeMap<String, String>, now: Timestamp) -> Result<(), Wrong> {
        let field = |name: &str| form.get(name).map_or("", String::as_str);
        let unknown = match self.dialect {
            Dialect::Google => (401, "invalid_client", "The OAuth client was not found.", 0),
            Dialect::Webex => (401, "", "The client id or client secret is invalid.", 0),
            Dialect::Microsoft => {
                (400, "unauthorized_client", "AADSTS700016: Application was not found in the directory.", 700_016)
            }
        };
        let app = registered.apps.get(field("client_id")).ok_or(unknown)?;
        if let Some(statement) = form.get("client_assertion") {
            let wrong = (
                401,
                "invalid_client",
                "AADSTS700027: The certificate used to sign the client assertion is not registered on application.",
                700_027,
            );
            let claims = statement::claims(statement).ok_or(wrong)?;
            let signed = app.certificate.as_ref().is_some_and(|known| known.signed(statement, "PS256"));
            let ours = ["iss", "sub"].iter().all(|name| claims[*name] == json!(field("client_id")));
            if !signed || !ours || claims["aud"] != json!(self.url.as_str()) || claims["jti"].as_str().is_none() {
                return Err(wrong);
            }
            if !statement::is_current(&claims, now, 3600) {
                let text = "AADSTS700024: Client assertion is not within its valid time range.";
                return Err((401, "invalid_client", text, 700_024));
            }
            return Ok(());
        }
        if self.dialect == Dialect::Webex && app.secret.as_deref() != Some(field("client_secret")) {
            return Err(unknown);
        }
        if app.secret.is_some() && app.secret.as_deref() != Some(field("client_secret")) {
            return Err((401, "invalid_client", "AADSTS7000215: Invalid client secret provided.", 7_000_215));
        }
        if app.secret_expired {
            let text = "AADSTS7000222: The provided client secret keys for app are expired.";
            return Err((401, "invalid_client", text, 7_000_222));
        }
        Ok(())
    }

    fn tokens(&self, account: &str, registered: &Registered, now: Timestamp) -> Value {
        let token = self.issued.issue(account, now - registered.skew, registered.lifetime);
        let seconds = registered.lifetime.as_secs();
        let expires_in = if self.is_version_1() { json!(seconds.to_string()) } else { json!(seconds) };
        json!({ "token_type": "Bearer", "expires_in": expires_in, "access_token": token })
    }

    fn error(&self, (status, error, text, number): Wrong, now: Timestamp) -> (u16, Value) {
        let body = match self.dialect {
            Dialect::Google => json!({ "error": error, "error_description": text }),
            Dialect::Webex => {
                json!({ "message": text, "errors": [{ "description": text }], "trackingId": "FAKE_TOKEN" })
            }
            Dialect::Microsoft => json!({
                "error": error, "error_description": text, "error_codes": [number],
                "timestamp": now.strftime("%F %TZ").to_string(), "trace_id": "0", "correlation_id": "0",
            }),
        };
        (status, body)
    }
}

impl Registered {
    /// A new refresh token for `account`.
    pub fn sign_in(&mut self, account: &str) -> String {
        self.made += 1;
        let token = format!("refresh-{}-of-{account}", self.made);
        self.refresh.insert(token.clone(), account.to_owned());
        token
    }

    fn forget_ended(&mut self, now: Timestamp) {
        let ended: Vec<String> =
            self.ends.iter().filter(|(_, ends)| **ends <= now).map(|(token, _)| token.clone()).collect();
        for token in ended {
            self.ends.remove(&token);
            self.refresh.remove(&token);
        }
    }
}

impl Fake for TokenService {
    fn answer(&self, request: &Request, now: Timestamp) -> Played {
        let (after, fault, skew) = self.change(|it| {
            it.requests += 1;
            (it.takes, it.fault.clone(), it.skew)
        });
        let mut headers = HeaderMap::new();
        let date = (now + skew).strftime("%a, %d %b %Y %T GMT").to_string();
        headers.extend(date.parse().ok().map(|date| (header::DATE, date)));
        let (status, body) = match fault {
            Some(Fault::Unreachable(error)) => return Played { after, result: Err(error) },
            Some(Fault::Answers(status, text)) => (status, text),
            Some(Fault::Throttles(status, seconds)) => {
                headers.insert(header::RETRY_AFTER, seconds.into());
                (status, String::new())
            }
            None => {
                let granted = self.grant(request, now).map(|tokens| (200, tokens));
                let (status, body) = granted.unwrap_or_else(|wrong| self.error(wrong, now));
                headers
                    .insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json; charset=utf-8"));
                (status, body.to_string())
            }
        };
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Played { after, result: Ok((status, headers, Bytes::from(body))) }
    }
}

fn form(body: &Bytes) -> BTreeMap<String, String> {
    let text = format!("form:?{}", String::from_utf8_lossy(body));
    let pairs = Url::parse(&text).map(|url| url.query_pairs().into_owned().collect());
    pairs.unwrap_or_default()
}
