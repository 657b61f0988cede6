//! Asks a manager for its resources. In: its URL, an account, whom to trust. Out: every object, page by page; pages are followed on the
//! manager's own host alone, so that the password goes nowhere else.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::http::{HeaderValue, Http, HttpError, Method, Request, Trust, Url, header, same_origin};
use crate::model::Secret;

/// Objects asked for at a time.
const PAGE: usize = 500;
/// Pages of one resource after which something is wrong: 500,000 objects.
const PAGES_MAX: usize = 1000;
/// Time for one page.
const PATIENCE: Duration = Duration::from_secs(60);

/// Why a manager could not be read.
#[derive(Debug, thiserror::Error)]
pub enum FetchFault {
    /// It could not be asked.
    #[error("{0} could not be read")]
    Unreachable(String, #[source] HttpError),
    /// It refused the account.
    #[error("the manager refused the account (HTTP {0}); it needs an API user who may read the configuration")]
    Denied(u16),
    /// It answered something else.
    #[error("{0}: the manager answered HTTP {1}")]
    Status(String, u16),
    /// It answered no list.
    #[error("{0}: the answer is no list of objects; is this the address of a Management Node?")]
    NotAList(String),
    /// The next page is elsewhere.
    #[error("{0}: the next page is on another host, which was not followed")]
    Elsewhere(String),
    /// The next page never ends.
    #[error("{0}: the pages lead in a circle")]
    Circle(String),
    /// What is given is no address.
    #[error("--url takes the manager's address, like https://manager.example.com")]
    NotAnAddress,
}

/// A Management Node.
#[derive(Debug)]
pub struct Manager {
    http: Http,
    base: Url,
    authorization: HeaderValue,
    trust: Trust,
}

impl Manager {
    /// Connects nowhere.
    ///
    /// # Errors
    /// When `url` is no https address. Plain http is refused but for this machine: the account's password goes along.
    pub fn new(http: Http, url: &str, user: &str, password: &Secret, trust: Trust) -> Result<Self, FetchFault> {
        let base = Url::parse(url).ok().filter(|url| url.has_host() && url.username().is_empty());
        let local = |url: &Url| matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
        let base = base.filter(|url| url.scheme() == "https" || url.scheme() == "http" && local(url));
        let base = base.ok_or(FetchFault::NotAnAddress)?;
        let credentials = Secret::new(format!("Basic {}", STANDARD.encode(format!("{user}:{}", password.expose()))));
        let mut authorization = HeaderValue::from_str(credentials.expose()).map_err(|_| FetchFault::NotAnAddress)?;
        authorization.set_sensitive(true);
        Ok(Self { http, base, authorization, trust })
    }

    /// Every object of a resource. One that this version of the manager does not have has none.
    ///
    /// # Errors
    /// When a page cannot be read whole.
    pub async fn read(&self, resource: &str, mut progress: impl FnMut(usize)) -> Result<Vec<Value>, FetchFault> {
        let not_an_address = |_| FetchFault::NotAnAddress;
        let path = format!("/api/admin/configuration/v1/{resource}/?limit={PAGE}");
        let mut url = self.base.join(&path).map_err(not_an_address)?;
        let mut objects = vec![];
        for _ in 0..PAGES_MAX {
            let Some(mut page) = self.page(resource, &url).await? else { return Ok(objects) };
            let Some(Value::Array(list)) = page.get_mut("objects").map(Value::take) else {
                return Err(FetchFault::NotAList(resource.into()));
            };
            objects.extend(list);
            progress(objects.len());
            let Some(next) = page.pointer("/meta/next").and_then(Value::as_str).filter(|next| !next.is_empty()) else {
                return Ok(objects);
            };
            let next = url.join(next).map_err(not_an_address)?;
            if !same_origin(&next, &self.base) {
                return Err(FetchFault::Elsewhere(resource.into()));
            }
            if next == url {
                break;
            }
            url = next;
        }
        Err(FetchFault::Circle(resource.into()))
    }

    async fn page(&self, resource: &str, url: &Url) -> Result<Option<Value>, FetchFault> {
        let mut request = Request::new(Method::GET, url.clone());
        request.headers.insert(header::AUTHORIZATION, self.authorization.clone());
        request.headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        request.trust = self.trust.clone();
        request.deadline = PATIENCE;
        request.limit_bytes = 32 << 20;
        let answer = self.http.send(request).await.map_err(|error| FetchFault::Unreachable(resource.into(), error))?;
        match answer.status.as_u16() {
            200 => {}
            401 | 403 => return Err(FetchFault::Denied(answer.status.as_u16())),
            // An older manager has no Graph integrations, for instance; that there are OTJ profiles at all is a must.
            404 if resource != "mjx_integration" => return Ok(None),
            status => return Err(FetchFault::Status(resource.into(), status)),
        }
        serde_json::from_slice(&answer.body).map(Some).map_err(|_| FetchFault::NotAList(resource.into()))
    }
}
