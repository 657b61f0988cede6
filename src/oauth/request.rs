//! One request to a token service, and what its answer means. An account goes in, fresh tokens come out.
//!
//! What the answer's numbers and words mean when there is no token in it, is in [`super::refusal`].

use std::borrow::Cow;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use oauth2::basic::BasicClient;
use oauth2::{
    AsyncHttpClient, AuthType, AuthorizationCode, ClientId, ClientSecret, EndpointNotSet, EndpointSet, HttpRequest,
    HttpResponse, PkceCodeVerifier, RedirectUrl, RefreshToken, Scope, TokenResponse as _, TokenUrl,
};
use serde::Deserialize;

use super::account::{Account, Grant, Renewal};
use super::assertion;
use super::error::{SignInFault, TokenError};
use super::refusal::{self, Asked};
use crate::http::{
    Bytes, HeaderMap, HeaderName, HeaderValue, Http, HttpError, Method, Request, StatusCode, Trust, Url, header,
};
use crate::model::location::WebProxySpec;
use crate::model::{Now, Secret};

/// Longest time for one request, in total.
const DEADLINE: Duration = Duration::from_secs(30);

/// Largest answer. A token is some kilobytes long.
const LIMIT_BYTES: usize = 256 << 10;

/// How long a token is used of which the service does not say how long it is good.
const LIFETIME: Duration = Duration::from_secs(600);

/// Longest lifetime that is believed.
const LIFETIME_MAX: Duration = Duration::from_secs(86_400);

/// The same of services whose tokens are good for weeks: Webex's for 14 days.
const LONG_LIFETIME_MAX: Duration = Duration::from_secs(90 * 86_400);

/// What a token service gave.
pub(super) struct Fresh {
    /// Opens the API.
    pub(super) access: Secret,
    /// How long.
    pub(super) lifetime: Duration,
    /// The next refresh token, where the service changes them.
    pub(super) refresh: Option<Secret>,
    /// How long that one is good, where the service says it.
    pub(super) refresh_lifetime: Option<Duration>,
    /// Who signed in.
    pub(super) id_token: Option<Secret>,
    /// What was granted, where the service says it.
    pub(super) scope: Option<String>,
}

/// What goes along with the account's own credentials.
pub(super) enum With<'a> {
    /// Nothing: they are enough.
    Nothing,
    /// The refresh token of a person who signed in.
    Refresh(&'a Secret),
    /// The code of a person who signs in now.
    Code { code: &'a Secret, verifier: PkceCodeVerifier, redirect: &'a Url },
}

type Client = BasicClient<EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

/// Asks for tokens.
///
/// # Errors
/// When none came.
pub(super) async fn fetch(http: &Http, account: &Account<'_>, with: With<'_>, now: Now) -> Result<Fresh, TokenError> {
    let (trust, via) = (account.holder.trust(), account.holder.via());
    let line = Line { http: http.clone(), trust, via, heard: Mutex::default() };
    let audience = account.token_url.as_str();
    let scope = Scope::new(account.scope.clone());
    let (asked, answered) = match &account.grant {
        Grant::ServiceAccount(key, _) => {
            let statement = key.statement(account.name, &account.scope, audience, now.wall)?;
            (Asked::ServiceAccount, line.exchange_statement(account.token_url.clone(), &statement).await)
        }
        Grant::AppSecret(secret) => {
            let client = client(account, account.name, Some(secret))?;
            (Asked::App, client.exchange_client_credentials().add_scope(scope).request_async(&line).await.ok())
        }
        Grant::AppCertificate(certificate, key) => {
            let statement = assertion::app_statement(account.name, certificate, key, audience, now.wall)?;
            let client = client(account, account.name, None)?;
            let request = client
                .exchange_client_credentials()
                .add_scope(scope)
                .add_extra_param("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
                .add_extra_param("client_assertion", statement.expose());
            (Asked::App, request.request_async(&line).await.ok())
        }
        Grant::Token(token) => {
            return Ok(Fresh {
                access: (*token).clone(),
                lifetime: LIFETIME_MAX,
                refresh: None,
                refresh_lifetime: None,
                id_token: None,
                scope: None,
            });
        }
        Grant::ServiceApp(secret, given) => {
            let client = client(account, account.name, Some(secret))?;
            let token = match with {
                With::Refresh(token) => token,
                With::Nothing | With::Code { .. } => *given,
            };
            let token = RefreshToken::new(token.expose().to_owned());
            (Asked::ServiceApp, client.exchange_refresh_token(&token).request_async(&line).await.ok())
        }
        Grant::SignedIn(oauth, secret) => {
            let client = client(account, &oauth.client_id, *secret)?;
            let answered = match with {
                With::Refresh(token) => {
                    let token = RefreshToken::new(token.expose().to_owned());
                    let mut request = client.exchange_refresh_token(&token);
                    if let Some(resource) = &account.resource {
                        request = request.add_extra_param("resource", resource);
                    }
                    request.request_async(&line).await
                }
                With::Code { code, verifier, redirect } => {
                    let code = AuthorizationCode::new(code.expose().to_owned());
                    let redirect = RedirectUrl::from_url(redirect.clone());
                    let mut request = client.exchange_code(code).set_pkce_verifier(verifier);
                    if let Some(resource) = &account.resource {
                        request = request.add_extra_param("resource", resource);
                    }
                    request.set_redirect_uri(Cow::Owned(redirect)).request_async(&line).await
                }
                With::Nothing => {
                    let name = account.holder.name().to_string();
                    return Err(TokenError::SignInNeeded(SignInFault::Never, name));
                }
            };
            (Asked::SignedIn, answered.ok())
        }
    };
    let heard = line.heard.into_inner().unwrap_or_else(PoisonError::into_inner);
    let heard = heard.unwrap_or(Err(HttpError::Protocol("the request cannot be written")));
    let heard = heard.map_err(TokenError::Unreachable)?;
    let access = answered.as_ref().map(|token| token.access_token().secret().as_str());
    let Some((token, access)) = answered.as_ref().zip(access.filter(|text| is_token(text))) else {
        return Err(refusal::read(&heard, asked, account, now.wall));
    };
    let more = heard.more();
    Ok(Fresh {
        access: Secret::new(access.to_owned()),
        lifetime: token.expires_in().unwrap_or(LIFETIME).min(match account.renewal {
            Renewal::JustBefore => LIFETIME_MAX,
            Renewal::HalfLife => LONG_LIFETIME_MAX,
        }),
        refresh: token.refresh_token().map(|token| Secret::new(token.secret().clone())),
        refresh_lifetime: more.refresh_token_expires_in.map(Duration::from_secs),
        id_token: more.id_token.map(Secret::new),
        scope: more.scope,
    })
}

/// A header can carry it.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// The client, with its secret in the form rather than in a header: Microsoft and Google both take that.
fn client(account: &Account<'_>, client_id: &str, secret: Option<&Secret>) -> Result<Client, TokenError> {
    let url = TokenUrl::new(account.token_url.to_string()).map_err(|_| TokenError::NotAUrl("tokenUrl"))?;
    let client =
        BasicClient::new(ClientId::new(client_id.to_owned())).set_auth_type(AuthType::RequestBody).set_token_uri(url);
    Ok(match secret {
        Some(secret) => client.set_client_secret(ClientSecret::new(secret.expose().to_owned())),
        None => client,
    })
}

/// A complete answer, whatever it says.
pub(super) struct Heard {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// What the library does not look at.
#[derive(Deserialize, Default)]
struct More {
    /// Microsoft and Google say so under this name, for refresh tokens that end.
    refresh_token_expires_in: Option<u64>,
    id_token: Option<String>,
    scope: Option<String>,
}

impl Heard {
    fn more(&self) -> More {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// Microsoft's endpoints of version 1 write `expires_in` as a text of digits; the library reads numbers alone.
fn with_numbers(body: &[u8]) -> Vec<u8> {
    let Ok(mut answer) = serde_json::from_slice::<serde_json::Value>(body) else { return body.to_vec() };
    let seconds =
        answer.get("expires_in").and_then(serde_json::Value::as_str).and_then(|text| text.parse::<u64>().ok());
    let Some(seconds) = seconds else { return body.to_vec() };
    answer["expires_in"] = seconds.into();
    answer.to_string().into_bytes()
}

/// Carries requests of the OAuth library out through our own client, and keeps what came for whoever must say why there is no
/// token in it.
struct Line {
    http: Http,
    trust: Trust,
    via: Option<Arc<WebProxySpec>>,
    heard: Mutex<Option<Result<Heard, HttpError>>>,
}

impl<'c> AsyncHttpClient<'c> for Line {
    type Error = HttpError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.carry(request))
    }
}

impl Line {
    async fn carry(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (parts, body) = request.into_parts();
        let url = parts.uri.to_string().parse();
        let url: Url = url.map_err(|_| HttpError::Protocol("the request cannot be written"))?;
        self.send(url, parts.headers, body.into()).await?;
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(Ok(heard)) = heard.as_ref() else { return Err(HttpError::Protocol("nothing came")) };
        let mut answer = HttpResponse::new(with_numbers(&heard.body));
        (*answer.status_mut(), *answer.headers_mut()) = (heard.status, heard.headers.clone());
        Ok(answer)
    }

    /// The JWT bearer grant (RFC 7523), which the library does not know.
    async fn exchange_statement(&self, url: Url, statement: &Secret) -> Option<oauth2::basic::BasicTokenResponse> {
        const GRANT: &str = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=";
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        let json = HeaderValue::from_static("application/json");
        let headers: [(HeaderName, HeaderValue); 2] = [(header::CONTENT_TYPE, form), (header::ACCEPT, json)];
        // A statement is letters, digits, `-`, `_` and dots: none of them is written otherwise in a form.
        let body = format!("{GRANT}{}", statement.expose());
        self.send(url, headers.into_iter().collect(), body.into()).await.ok()?;
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let heard = heard.as_ref()?.as_ref().ok().filter(|heard| heard.status == StatusCode::OK)?;
        serde_json::from_slice(&heard.body).ok()
    }

    async fn send(&self, url: Url, headers: HeaderMap, body: Bytes) -> Result<(), HttpError> {
        let sent = self.http.send(Request {
            headers,
            body,
            deadline: DEADLINE,
            limit_bytes: LIMIT_BYTES,
            trust: self.trust.clone(),
            via: self.via.clone(),
            ..Request::new(Method::POST, url)
        });
        let heard = sent.await.map(|answer| Heard {
            status: answer.status,
            headers: answer.headers.clone(),
            body: answer.body.clone(),
        });
        let told = heard.as_ref().map(|_| ()).map_err(Clone::clone);
        *self.heard.lock().unwrap_or_else(PoisonError::into_inner) = Some(heard);
        told
    }
}
