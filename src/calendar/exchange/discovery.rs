//! Where mailboxes are served: Autodiscover, asked about many at once.
//!
//! | asked in this order | |
//! |---|---|
//! | the service that answered last for this domain | |
//! | `autodiscoverUrls` | as documents name them |
//! | `https://DOMAIN/autodiscover/autodiscover.svc` | |
//! | `https://autodiscover.DOMAIN/autodiscover/autodiscover.svc` | |
//! | where `http://autodiscover.DOMAIN/autodiscover/autodiscover.xml` leads | asked without credentials; only a redirect counts |
//!
//! The first that speaks of mailboxes is believed. An answer may lead on: with another address (its domain is looked up in the same
//! way), another URL, or a redirect of HTTP; ten such steps at most. Credentials go to hosts that the documents trust, over https:
//! another one is not asked, and named where nobody else answers.
//!
//! Where an answer tells an address from anywhere and one from within, and both may be asked, the first is; the other one takes its place
//! when readings find that it cannot be reached.
//!
//! *Design note.* The last resort of other clients, the SRV record `_autodiscover._tcp`, is not looked up: the system's resolver, which
//! is what we have, gives addresses alone, and a host that it named would have to be one that the documents trust all the same.
//! `autodiscoverUrls` says as much in one line.
//!
//! See <https://learn.microsoft.com/exchange/client-developer/exchange-web-services/autodiscover-for-exchange>.

use std::collections::BTreeMap;
use std::time::Duration;

use super::call::Caller;
use super::places::{Place, Site};
use super::refusal::EntryError;
use super::sign_in::{self, is_trusted};
use crate::ews::autodiscover::{self, Direction, Served};
use crate::http::{
    Bytes, HeaderMap, HeaderName, HeaderValue, HttpError, Method, Request, Response, StatusCode, Trust, Url,
    redirect_target,
};
use crate::model::{Failure, RoomEmail};

/// Steps from one place to the next, of all kinds.
const HOPS_MAX: usize = 10;

/// Places asked for one question of ours: mailboxes of one domain are in few places.
const PLACES_MAX: usize = 32;

/// Longest time for one candidate. Many a domain's web server takes the connection and says nothing.
const PATIENCE: Duration = Duration::from_secs(10);

/// Longest answer, in bytes.
const ANSWER_MAX: usize = 1 << 20;

/// Why it is not known where a mailbox is served.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DiscoveryError {
    /// It leads to a host that is not given our credentials.
    #[error(
        "Autodiscover leads to {0}, which is not given our credentials; where it is a server of yours, name its domain in \
         autodiscoverTrust"
    )]
    Untrusted(String),
    /// Nobody has this address.
    #[error("Autodiscover knows no mailbox with the room's address; check roomEmail")]
    NoMailbox,
    /// Later.
    #[error("Autodiscover is busy")]
    Busy,
    /// It does not say.
    #[error("Autodiscover does not say where the mailbox is served ({0}); ewsUrl says so instead")]
    Untold(String),
    /// It leads from one place to the next.
    #[error("Autodiscover leads from one place to the next without end")]
    Endless,
    /// Nobody answers.
    #[error("no Autodiscover service answers for {0}; name it in autodiscoverUrls, or the server itself in ewsUrl")]
    NoService(String),
    /// Somebody answers who does not let us in.
    #[error("Autodiscover does not let us in")]
    Entry(#[source] EntryError),
}

impl DiscoveryError {
    /// The reason of conditions; a closed set.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::Untrusted(_) => "AutodiscoverUntrusted",
            Self::NoMailbox => "RoomNotFound",
            Self::Entry(error) => error.label(),
            Self::Busy | Self::Untold(_) | Self::Endless | Self::NoService(_) => "CalendarUnreadable",
        }
    }

    /// Whether it is about one mailbox alone.
    pub(super) fn is_of_the_mailbox(&self) -> bool {
        !matches!(self, Self::Entry(_) | Self::Busy)
    }
}

impl From<DiscoveryError> for Failure {
    fn from(error: DiscoveryError) -> Self {
        let (label, message) = (error.label(), crate::model::failure::chain(&error));
        match error {
            DiscoveryError::Entry(error) => Self { message, ..error.into() },
            DiscoveryError::Busy | DiscoveryError::Endless | DiscoveryError::NoService(_) => {
                Self::retry(label, message)
            }
            DiscoveryError::Untrusted(_) | DiscoveryError::NoMailbox | DiscoveryError::Untold(_) => {
                Self::fix(label, message)
            }
        }
    }
}

/// What came of each of several rooms.
pub(super) type Outcomes = Vec<(RoomEmail, Result<Place, DiscoveryError>)>;

/// Rooms that are looked for in one place.
struct Group {
    at: At,
    /// The room, and the address that is asked about.
    rooms: Vec<(RoomEmail, RoomEmail)>,
    hops: usize,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum At {
    Domain(String),
    Url(Url),
}

/// Looks for `rooms`, at most [`autodiscover::USERS_MAX`].
pub(super) async fn directions(caller: &Caller<'_>, rooms: Vec<RoomEmail>) -> Outcomes {
    let mut outcomes = Outcomes::new();
    let asked = rooms.into_iter().map(|room| (At::Domain(domain(&room).to_owned()), (room.clone(), room)));
    let mut groups = grouped(asked, 0);
    let mut places = 0;
    while let Some(Group { at, rooms, hops }) = groups.pop() {
        places += 1;
        if places > PLACES_MAX {
            outcomes.extend(rooms.into_iter().map(|(room, _)| (room, Err(DiscoveryError::Endless))));
            continue;
        }
        let addresses: Vec<RoomEmail> = rooms.iter().map(|(_, address)| address.clone()).collect();
        let mut search = Search { caller, addresses, hops, untrusted: None, refused: None };
        let told = match &at {
            At::Domain(domain) => search.domain(domain).await,
            At::Url(url) => search.led_to(url).await,
        };
        let hops = search.hops;
        let told = match told {
            Ok(told) => told,
            Err(error) => {
                outcomes.extend(rooms.into_iter().map(|(room, _)| (room, Err(error.clone()))));
                continue;
            }
        };
        let mut further = Vec::new();
        for ((room, address), direction) in rooms.into_iter().zip(told) {
            match judged(caller, direction) {
                Led::Here(outcome) => outcomes.push((room, outcome)),
                Led::Address(next) => further.push((At::Domain(domain(&next).to_owned()), (room, next))),
                Led::Url(url) => further.push((At::Url(url), (room, address))),
            }
        }
        if hops >= HOPS_MAX {
            outcomes.extend(further.into_iter().map(|(_, (room, _))| (room, Err(DiscoveryError::Endless))));
        } else {
            groups.extend(grouped(further, hops + 1));
        }
    }
    outcomes
}

fn grouped(rooms: impl IntoIterator<Item = (At, (RoomEmail, RoomEmail))>, hops: usize) -> Vec<Group> {
    let mut by_place: BTreeMap<At, Vec<(RoomEmail, RoomEmail)>> = BTreeMap::new();
    for (at, room) in rooms {
        by_place.entry(at).or_default().push(room);
    }
    by_place.into_iter().map(|(at, rooms)| Group { at, rooms, hops }).collect()
}

/// What is behind the `@`.
pub(super) fn domain(room: &RoomEmail) -> &str {
    room.as_str().rsplit('@').next().unwrap_or_default()
}

enum Led {
    Here(Result<Place, DiscoveryError>),
    Address(RoomEmail),
    Url(Url),
}

fn judged(caller: &Caller<'_>, direction: Direction) -> Led {
    let untold = |what: &str| Led::Here(Err(DiscoveryError::Untold(what.to_owned())));
    match direction {
        Direction::Served(served) => Led::Here(place(caller, served)),
        Direction::Address(address) => {
            RoomEmail::parse(&address).map_or_else(|_| untold("RedirectAddress"), Led::Address)
        }
        Direction::Url(url) => url.parse().map_or_else(|_| untold("RedirectUrl"), Led::Url),
        Direction::Busy => Led::Here(Err(DiscoveryError::Busy)),
        Direction::NoMailbox => Led::Here(Err(DiscoveryError::NoMailbox)),
        Direction::Failed(code) => untold(&code),
    }
}

/// The address from anywhere, and the one from within for when that cannot be reached; those that may be asked at all.
fn place(caller: &Caller<'_>, served: Served) -> Result<Place, DiscoveryError> {
    let urls = [served.external, served.internal].into_iter().flatten();
    let mut refused = DiscoveryError::Untold("its address is no web address".into());
    let mut ways = Vec::new();
    for text in urls {
        let Ok(url) = text.parse::<Url>() else { continue };
        match caller.exchange.check(&url) {
            Ok(()) => ways.push(text),
            Err(EntryError::Untrusted(host)) => refused = DiscoveryError::Untrusted(host),
            Err(error) => refused = DiscoveryError::Entry(error),
        }
    }
    let mut ways = ways.into_iter();
    let url = ways.next().ok_or(refused)?;
    let other = ways.next().filter(|other| *other != url);
    Ok(Place { other, ..Place::at(url, served.group) })
}

/// A look at several places, one after the other, for the same mailboxes.
struct Search<'a> {
    caller: &'a Caller<'a>,
    addresses: Vec<RoomEmail>,
    hops: usize,
    /// A host that was not asked, the last one led to.
    untrusted: Option<String>,
    /// A host that did not let us in.
    refused: Option<EntryError>,
}

/// Why the next candidate is asked.
enum Passed {
    /// This one does not answer.
    Next,
    /// None would.
    Stop(DiscoveryError),
}

impl Search<'_> {
    async fn domain(&mut self, domain: &str) -> Result<Vec<Direction>, DiscoveryError> {
        let places = &self.caller.memory.places;
        let site = (self.caller.service, domain.to_owned());
        let known = places.service_of(&site);
        let written = self.caller.exchange.spec.autodiscover_urls.iter().map(|(_, url)| url.clone());
        let hosts = [domain.to_owned(), format!("autodiscover.{domain}")];
        let standard = hosts.iter().map(|host| format!("https://{host}/autodiscover/autodiscover.svc"));
        let candidates = written.chain(standard).filter_map(|text| text.parse::<Url>().ok());
        let candidates = known.clone().into_iter().chain(candidates.filter(|url| Some(url) != known.as_ref()));
        for url in candidates.collect::<Vec<_>>() {
            if let Some(done) = self.candidate(&site, url).await {
                return done;
            }
        }
        places.learn_service(&site, None);
        if let Some(url) = self.unauthenticated(domain).await
            && let Some(done) = self.candidate(&site, url).await
        {
            return done;
        }
        Err(self.nobody(domain))
    }

    /// Asks at `url`, which is remembered where it answers. `None`: the next one is to be asked.
    async fn candidate(&mut self, site: &Site, url: Url) -> Option<Result<Vec<Direction>, DiscoveryError>> {
        match self.at(url.clone()).await {
            Ok(told) => {
                self.caller.memory.places.learn_service(site, Some(url));
                Some(Ok(told))
            }
            Err(Passed::Stop(error)) => Some(Err(error)),
            Err(Passed::Next) => None,
        }
    }

    async fn led_to(&mut self, url: &Url) -> Result<Vec<Direction>, DiscoveryError> {
        match self.at(url.clone()).await {
            Ok(told) => Ok(told),
            Err(Passed::Stop(error)) => Err(error),
            Err(Passed::Next) => Err(self.nobody(url.host_str().unwrap_or_default())),
        }
    }

    fn nobody(&mut self, name: &str) -> DiscoveryError {
        match (self.untrusted.take(), self.refused.take()) {
            (_, Some(error)) => DiscoveryError::Entry(error),
            (Some(host), None) => DiscoveryError::Untrusted(host),
            (None, None) => DiscoveryError::NoService(name.to_owned()),
        }
    }

    /// Asks at one URL, and at where it redirects to.
    async fn at(&mut self, mut url: Url) -> Result<Vec<Direction>, Passed> {
        loop {
            let response = self.ask(&url).await?;
            if response.status.is_redirection() {
                let Ok(Some(target)) = redirect_target(&url, &response) else { return Err(Passed::Next) };
                self.hops += 1;
                if self.hops > HOPS_MAX {
                    return Err(Passed::Stop(DiscoveryError::Endless));
                }
                url = target;
                continue;
            }
            if !matches!(response.status, StatusCode::OK | StatusCode::INTERNAL_SERVER_ERROR) {
                return Err(Passed::Next);
            }
            let told = autodiscover::directions(&response.body, self.addresses.len());
            return told.map(|told| told.mailboxes).map_err(|_| Passed::Next);
        }
    }

    async fn ask(&mut self, url: &Url) -> Result<Response, Passed> {
        let exchange = &self.caller.exchange;
        if let Err(error) = exchange.check(url) {
            if let EntryError::Untrusted(host) | EntryError::WithoutTls(host) = error {
                self.untrusted = Some(host);
            }
            return Err(Passed::Next);
        }
        let question = autodiscover::question(url.as_str(), &self.addresses);
        let question = question.ok_or_else(|| Passed::Stop(DiscoveryError::Untold("too many mailboxes".into())))?;
        exchange.access.spent.one_more();
        let action = HeaderValue::from_static(autodiscover::ACTION);
        let ask = sign_in::Ask {
            url: url.clone(),
            body: Bytes::from(question),
            anchor: self.addresses.first().map(|address| address.as_str().to_owned()),
            headers: HeaderMap::from_iter([(HeaderName::from_static("soapaction"), action)]),
            deadline: PATIENCE,
            limit_bytes: ANSWER_MAX,
        };
        exchange.send(&ask).await.map_err(|error| match error {
            EntryError::Unreachable(_) | EntryError::Untrusted(_) | EntryError::WithoutTls(_) => Passed::Next,
            error @ (EntryError::SecretMissing(_) | EntryError::Token(_)) => Passed::Stop(DiscoveryError::Entry(error)),
            error => {
                self.refused = Some(error);
                Passed::Next
            }
        })
    }

    /// Where the unauthenticated look leads, if to a service that may be asked.
    async fn unauthenticated(&mut self, domain: &str) -> Option<Url> {
        let exchange = &self.caller.exchange;
        let url: Url = format!("http://autodiscover.{domain}/autodiscover/autodiscover.xml").parse().ok()?;
        exchange.access.spent.one_more();
        let response = exchange.http.send(Request {
            deadline: PATIENCE,
            limit_bytes: ANSWER_MAX,
            trust: Trust::Verify(exchange.integration.ca_certificates.clone()),
            via: exchange.integration.via(),
            ..Request::new(Method::GET, url.clone())
        });
        let response: Result<Response, HttpError> = response.await;
        let mut target = redirect_target(&url, &response.ok()?).ok()??;
        if target.scheme() != "https" {
            return None;
        }
        if !is_trusted(exchange.spec, &target) {
            self.untrusted = target.host_str().map(str::to_owned);
            return None;
        }
        if let Some(path) = target.path().strip_suffix(".xml").map(str::to_owned) {
            target.set_path(&format!("{path}.svc"));
        }
        self.hops += 1;
        Some(target)
    }
}
