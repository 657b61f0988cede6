//! HTTP around the answers: which path, which method, how much, how long; and what of it the loop is told.
//!
//! | request                          | status                                                              |
//! |----------------------------------|---------------------------------------------------------------------|
//! | another path                     | 404, whoever asks                                                   |
//! | not logged in                    | 401, one `WWW-Authenticate` line a scheme, connection kept          |
//! | logged in, not POST              | 405                                                                 |
//! | compressed                       | 415: a few bytes must not become many                               |
//! | more than 256 KiB                | 413                                                                 |
//! | too many a second                | 503 with `Retry-After`                                              |
//! | answered                         | 200, also when single items have errors                             |
//! | could not be answered            | 500 with a SOAP fault                                               |
//!
//! `Content-Type` is exactly `text/xml; charset=utf-8`: a known client compares the whole string.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, HttpBody as _};
use axum::extract::{Request as HttpRequest, State};
use axum::http::header::{self, HeaderMap, HeaderValue};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use jiff::tz::TimeZone;
use ring::rand::{SecureRandom as _, SystemRandom};

use super::answer::{self, Reply, Setting, Stream};
use super::body::{BodyFault, DEVICE_MAX, closing, plain, read, soap, too_many, unauthorized};
use super::login::{self, Bound, Login};
use super::origin::Origin;
use super::pace::Pace;
use super::stream::StreamBody;
use super::visitors::{Guise, Visitors};
use super::{PolyDesk, Scheme, trace};
use crate::ews::{Code, Fault, Request};
use crate::listen::{Connection, Lasting};
use crate::model::published::{Account, Accounts, Edition};
use crate::model::{EndpointName, Mono, Window};

/// The one path, compared ignoring case and a slash at the end.
const PATH: &str = "/EWS/Exchange.asmx";
/// What every request of a kind would say is said this often.
const SAID_EVERY: Duration = Duration::from_secs(60);
/// Most exchanges before a login that are kept for a recording.
const PENDING_MAX: usize = 6;
/// Longest User-Agent that is kept.
const USER_AGENT_MAX: usize = 200;
/// What a client reads whose NTLM came through a proxy.
const SHARED: &str =
    "NTLM does not work through an HTTP proxy: it binds a login to a TCP connection, which the proxy shares.";

/// The Exchange-like server of all Poly endpoints.
pub fn router(desk: PolyDesk) -> Router {
    Router::new().fallback(exchange).with_state(Arc::new(Server {
        desk,
        random: SystemRandom::new(),
        said: Mutex::default(),
        pace: Mutex::default(),
        visitors: Visitors::default(),
    }))
}

struct Server {
    desk: PolyDesk,
    random: SystemRandom,
    /// When something that every request would say was said last.
    said: Mutex<Option<Mono>>,
    pace: Mutex<Pace>,
    visitors: Visitors,
}

async fn exchange(State(server): State<Arc<Server>>, request: HttpRequest) -> Response {
    let (parts, body) = request.into_parts();
    if !parts.uri.path().trim_end_matches('/').eq_ignore_ascii_case(PATH) {
        return plain(StatusCode::NOT_FOUND);
    }
    if server.desk.tracer.is_on(server.desk.clock.now().mono) {
        return traced(&server, parts, body).await;
    }
    serve(&server, &parts, body).await.1
}

/// The same while something is recorded: bodies are read whole, so that they can be written down.
async fn traced(server: &Server, parts: Parts, body: Body) -> Response {
    let Ok(asked) = read(body, DEVICE_MAX).await else { return closing(plain(StatusCode::PAYLOAD_TOO_LARGE)) };
    let (endpoint, response) = serve(server, &parts, Body::from(asked.clone())).await;
    let (head, body) = response.into_parts();
    let (said, body) = match body.size_hint().exact() {
        Some(_) => match read(body, usize::MAX).await {
            Ok(said) => (said.clone(), Body::from(said)),
            Err(_) => (Vec::new(), Body::empty()),
        },
        // It goes on for minutes.
        None => (b"(a stream)".to_vec(), body),
    };
    let now = server.desk.clock.now();
    let traced = trace::traced(&parts, &asked, head.status.as_u16(), &said, now.wall);
    let lasting = parts.extensions.get::<Lasting>().cloned().unwrap_or_default();
    let mut bound = lasting.take::<Bound>().unwrap_or_default();
    match endpoint {
        // What came before the login on this connection belongs to it.
        Some(endpoint) => {
            let pending = std::mem::take(&mut bound.pending);
            server.desk.tracer.add(&endpoint, pending.into_iter().chain([traced]), now.mono);
        }
        None if bound.pending.len() < PENDING_MAX => bound.pending.push(traced),
        None => {}
    }
    lasting.keep(bound);
    Response::from_parts(head, body)
}

/// One request; whose it is, as far as it says, and the answer.
async fn serve(server: &Server, parts: &Parts, body: Body) -> (Option<EndpointName>, Response) {
    let path = parts.uri.path();
    let connection = parts.extensions.get::<Connection>().copied();
    let lasting = parts.extensions.get::<Lasting>().cloned().unwrap_or_default();
    let origin = Origin::of(connection, &parts.headers, &server.desk.proxies);
    let accounts = server.desk.accounts.borrow().clone();
    let now = server.desk.clock.now();
    let desk = login::Desk {
        auth: &server.desk.auth,
        accounts: &accounts,
        key: &server.desk.nonce_key,
        method: parts.method.as_str(),
        path,
        now: now.wall,
        mono: now.mono,
        random: server.random(),
        shared: origin.shared,
        certificate: lasting.certificate(),
    };
    let header = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let mut bound = lasting.take::<Bound>().unwrap_or_default();
    let outcome = desk.check(header, &mut bound);
    let is_spent = bound.is_spent();
    lasting.keep(bound);
    let (account, scheme) = match outcome {
        Login::Granted(account, scheme, anew) => {
            if anew {
                server.count_login(scheme, "granted");
                account.cell.granted(origin.peer);
            }
            (account, scheme)
        }
        Login::Challenged(challenge) => {
            let response = unauthorized(vec![challenge], None, body).await;
            return (None, if is_spent { closing(response) } else { response });
        }
        other => {
            let stale = matches!(other, Login::Stale(_));
            let said = matches!(other, Login::Shared).then_some(SHARED);
            let whose = match &other {
                Login::Failed { account: Some(account), .. } => Some(account.endpoint.clone()),
                _ => None,
            };
            let wait = server.refuse(other, origin.peer);
            tokio::time::sleep(wait).await;
            return (whose, unauthorized(desk.challenges(stale), said, body).await);
        }
    };
    let whose = Some(account.endpoint.clone());
    if parts.method != Method::POST {
        let mut response = plain(StatusCode::METHOD_NOT_ALLOWED);
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
        return (whose, response);
    }
    let turn = server
        .pace
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .turn(&account.endpoint, server.desk.clock.now().mono);
    account.cell.contact(server.desk.clock.now().wall);
    let Some(turn) = turn else {
        server.desk.tally.poly_requests.add(&["any", "too_many"]);
        return (whose, too_many(body).await);
    };
    tokio::time::sleep(turn).await;
    let visit = Visit { accounts: &accounts, account: &account, origin, scheme, headers: &parts.headers };
    (whose, serve_device(server, &visit, body).await)
}

/// One request of a device that is signed in.
struct Visit<'a> {
    accounts: &'a Accounts,
    account: &'a Account,
    origin: Origin,
    scheme: Scheme,
    headers: &'a HeaderMap,
}

async fn serve_device(server: &Server, visit: &Visit<'_>, body: Body) -> Response {
    let Visit { account, headers, .. } = *visit;
    let count = |operation: &str, outcome: &str| server.desk.tally.poly_requests.add(&[operation, outcome]);
    let invalid = |text: &str| Fault::new(Code::ErrorInvalidRequest, text);
    if headers
        .get(header::CONTENT_ENCODING)
        .is_some_and(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity"))
    {
        read(body, 0).await.ok();
        count("none", "fault");
        return soap(StatusCode::UNSUPPORTED_MEDIA_TYPE, invalid("compressed requests are not accepted").into_text());
    }
    let bytes = match read(body, DEVICE_MAX).await {
        Ok(bytes) => bytes,
        Err(BodyFault::TooLarge) => {
            count("none", "fault");
            return soap(StatusCode::PAYLOAD_TOO_LARGE, invalid("the request has more than 256 KiB").into_text());
        }
        Err(BodyFault::Endless) => {
            count("none", "fault");
            return closing(soap(
                StatusCode::PAYLOAD_TOO_LARGE,
                invalid("the request has more than 256 KiB").into_text(),
            ));
        }
        Err(BodyFault::Broken) => return closing(plain(StatusCode::REQUEST_TIMEOUT)),
    };
    let zone = TimeZone::get(&account.time_zone).unwrap_or(TimeZone::UTC);
    let user_agent = user_agent(headers);
    let answered = Request::parse(&bytes, &zone).and_then(|request| {
        let operation = request.operation.label();
        let setting = Setting {
            account,
            published: account.cell.look(),
            model: server.visitors.model(account, user_agent.as_deref(), request.dialect),
            now: server.desk.clock.now().wall,
            random: server.random(),
            ended: &server.visitors.ended(&account.endpoint),
        };
        let answered = answer::answer(&request, setting);
        match &answered {
            Ok(reply) => count(operation, reply.outcome),
            Err(fault) if fault.code == Code::ErrorServerBusy => count(operation, "busy"),
            Err(_) => count(operation, "fault"),
        }
        answered.inspect_err(|_| server.tell(visit, user_agent.as_deref(), None))
    });
    match answered {
        Ok(Reply { text, fetched, ended, stream, .. }) => {
            server.tell(visit, user_agent.as_deref(), fetched);
            if let Some(ended) = ended {
                server.visitors.end(&account.endpoint, ended);
            }
            match stream {
                None => soap(StatusCode::OK, text),
                Some(stream) => server.stream(account, text, stream),
            }
        }
        Err(fault) => {
            tracing::debug!(endpoint = %account.endpoint, code = fault.code.name(), "A Poly request was answered with a fault.");
            soap(StatusCode::INTERNAL_SERVER_ERROR, fault.into_text())
        }
    }
}

fn user_agent(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(header::USER_AGENT)?.to_str().ok()?;
    Some(text.chars().take(USER_AGENT_MAX).collect())
}

impl Server {
    fn count_login(&self, scheme: Scheme, outcome: &str) {
        self.desk.tally.poly_logins.add(&[scheme.label(), outcome]);
    }

    /// Eight bytes that nobody can know before.
    fn random(&self) -> [u8; 8] {
        let mut bytes = [0; 8];
        self.random.fill(&mut bytes).expect("the system has random bytes");
        bytes
    }

    /// Counts a login that is not granted, and says how late it is answered.
    fn refuse(&self, login: Login, peer: IpAddr) -> Duration {
        let (scheme, account, reason, name) = match login {
            Login::Unclaimed | Login::Granted(..) | Login::Challenged(_) => return Duration::ZERO,
            Login::Stale(scheme) => {
                self.count_login(scheme, "stale");
                return Duration::ZERO;
            }
            Login::Odd => {
                self.count_login(Scheme::Ntlm, "unexpected");
                return Duration::ZERO;
            }
            Login::Shared => {
                self.count_login(Scheme::Ntlm, "through_proxy");
                if self.is_time_to_say() {
                    tracing::warn!(%peer, "An NTLM login came through an HTTP proxy, which shares connections between devices: \
                        let devices connect to this port directly or through a TCP balancer, or use --poly-auth digest.");
                }
                return Duration::ZERO;
            }
            Login::Failed { scheme, account, reason, name } => (scheme, account, reason, name),
        };
        let now = self.desk.clock.now().mono;
        let slowed = self.pace.lock().unwrap_or_else(PoisonError::into_inner).failed(name, peer, now);
        match account {
            // The name is not logged: people type their password into the wrong field.
            None => {
                self.desk.tally.unknown_login();
                if slowed.count.is_power_of_two() {
                    tracing::warn!(%peer, attempt = slowed.count, "A Poly login names an account that no endpoint has.");
                }
            }
            Some(account) => {
                self.count_login(scheme, reason);
                account.cell.refused(self.desk.clock.now().wall, peer);
                if slowed.count.is_power_of_two() {
                    let hint = match reason {
                        "ntlmv1" => "it answered with NTLMv1: set the device to NTLMv2 (Trio: device.ntlm.versionMode)",
                        "relayed" => "somebody stands between the device and this server, with another certificate",
                        "no_secret" => "the password in the documents cannot be read",
                        _ => "the password on the device is another one than in the documents",
                    };
                    tracing::warn!(endpoint = %account.endpoint, %peer, reason, attempt = slowed.count, hint,
                        "A Poly login was refused.");
                }
            }
        }
        slowed.wait
    }

    /// Whether something that every request of a kind would say is said now: once a minute.
    fn is_time_to_say(&self) -> bool {
        let now = self.desk.clock.now().mono;
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let is_time = said.is_none_or(|last| now.0.saturating_sub(last.0) >= SAID_EVERY);
        if is_time {
            *said = Some(now);
        }
        is_time
    }

    /// An answer that goes on.
    fn stream(&self, account: &Account, first: String, stream: Stream) -> Response {
        let Some(place) = self.visitors.open_stream(&account.endpoint) else {
            let code = Code::ErrorExceededConnectionCount;
            return soap(StatusCode::INTERNAL_SERVER_ERROR, Fault::new(code, code.text()).into_text());
        };
        let (accounts, clock) = (self.desk.accounts.clone(), self.desk.clock.clone());
        let mut response = soap(StatusCode::OK, String::new());
        *response.body_mut() = Body::new(StreamBody::new(first, stream, account.clone(), accounts, clock, place));
        response
    }

    /// Tells the loop of a poll that brings news.
    fn tell(&self, visit: &Visit<'_>, user_agent: Option<&str>, fetched: Option<(Arc<Edition>, Option<Window>)>) {
        if self.visitors.forget_strangers(visit.accounts) {
            let known =
                |endpoint: &EndpointName| visit.accounts.0.values().any(|account| account.endpoint == *endpoint);
            self.pace.lock().unwrap_or_else(PoisonError::into_inner).keep(known);
        }
        let guise = Guise { user_agent, scheme: visit.scheme.label(), peer: visit.origin.peer.to_string() };
        let tell = |news| self.desk.presence.try_send(news).is_ok();
        self.visitors.tell(visit.account, guise, fetched, self.desk.clock.now(), tell);
    }
}
