//! A simulated Poly endpoint: it polls its room's calendar from an Exchange, and tells what its screen shows and what Join would dial.
//!
//! It behaves like the old families, which ask for the least and are pickiest: no version header (Exchange 2007), GetFolder to register,
//! FindItem with a CalendarView of two days, GetItem for the bodies, a login kept over polls.
//!
//! What Join dials, the first that is found (the order between the first two is not documented; they hold the same address):
//!
//! | where                        | form                                       |
//! |------------------------------|--------------------------------------------|
//! | body                         | the encoded token of Polycom Conferencing  |
//! | location, then body          | `sip:`, `sips:`, `h323:`, `tel:`           |
//! | location, body, then subject | an address with `@`, or a telephone number |
//!
//! The last row is more than most devices do: a simulated one shall be easy to mislead.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{Timestamp, ToSpan as _};
use quick_xml::escape::escape;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::auth::basic;
use crate::auth::digest::client::{Offer, Session, best_offer};
use crate::ews::tree::Element;
use crate::http::{Http, HttpError, Method, Request, Response, Trust, Url};
use crate::model::{Clock, Confidential, Secret};

/// Items that are fetched with one request.
const ITEMS_AT_ONCE: usize = 50;

/// How a simulated endpoint is set up.
#[derive(Clone, Debug)]
pub struct PolySetup {
    /// What it is called in reports.
    pub endpoint: String,
    /// The server, with path.
    pub server: Url,
    /// Login.
    pub username: String,
    /// Its password.
    pub password: Secret,
    /// The mailbox it asks for; `None`: that of the login.
    pub mailbox: Option<String>,
    /// Which certificate it takes.
    pub trust: Trust,
    /// Time between polls.
    pub every: Duration,
}

/// What the screen shows, told whenever it changes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PolySeen {
    /// Whose.
    pub endpoint: String,
    /// Since when.
    pub at: Timestamp,
    /// By start.
    pub meetings: Vec<PolyMeeting>,
}

/// One line of the screen.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PolyMeeting {
    /// The title.
    pub subject: Confidential,
    /// Start.
    pub start: Timestamp,
    /// End.
    pub end: Timestamp,
    /// What Join dials; `None`: there is no Join.
    pub dial: Option<Confidential>,
}

/// Why a poll brought nothing.
#[derive(Debug, thiserror::Error)]
pub enum PolyFault {
    /// No answer.
    #[error("the server could not be reached")]
    Unreachable(#[source] HttpError),
    /// 401 to the right challenge.
    #[error("the server refused the login")]
    Refused,
    /// The server wants to be asked later.
    #[error("the server is busy")]
    Busy(Duration),
    /// Another error, by its name.
    #[error("the server answered {0}")]
    Answered(String),
}

/// A simulated endpoint between two polls.
#[derive(Debug)]
pub struct Poly {
    setup: PolySetup,
    session: Option<Session>,
    basic: bool,
    registered: bool,
}

/// Polls until `stop`, and tells what is seen whenever it changed.
pub async fn run(setup: PolySetup, http: Http, clock: Clock, seen: mpsc::Sender<PolySeen>, stop: CancellationToken) {
    let (endpoint, every) = (setup.endpoint.clone(), setup.every);
    let mut poly = Poly::new(setup);
    let mut shown = None;
    loop {
        let at = clock.now().wall;
        let polled = tokio::select! {
            () = stop.cancelled() => return,
            polled = poly.poll(&http, at) => polled,
        };
        let mut pause = every;
        match polled {
            Ok(meetings) if shown.as_ref() != Some(&meetings) => {
                shown = Some(meetings.clone());
                if seen.send(PolySeen { endpoint: endpoint.clone(), at, meetings }).await.is_err() {
                    return;
                }
            }
            Ok(_) => {}
            Err(PolyFault::Busy(wait)) => pause = every.min(wait),
            Err(error) => tracing::debug!(%endpoint, %error, "The simulated endpoint's poll brought nothing."),
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

impl Poly {
    /// Switched on, not registered yet.
    #[must_use]
    pub fn new(setup: PolySetup) -> Self {
        Self { setup, session: None, basic: false, registered: false }
    }

    /// One poll: registers if that is still to be done, lists two days around `now`, fetches the bodies.
    ///
    /// # Errors
    /// When the server did not give the whole list.
    pub async fn poll(&mut self, http: &Http, now: Timestamp) -> Result<Vec<PolyMeeting>, PolyFault> {
        if !self.registered {
            let folder = self.folder();
            self.call(http, format!("<GetFolder xmlns=\"{M}\"><FolderShape><t:BaseShape>Default</t:BaseShape></FolderShape><FolderIds>{folder}</FolderIds></GetFolder>")).await?;
            self.registered = true;
        }
        let hour = now.as_second() - now.as_second().rem_euclid(3600);
        let from = Timestamp::from_second(hour).unwrap_or(now) - 12.hours();
        let (from, to) = (utc(from), utc(from + 48.hours()));
        let folder = self.folder();
        let found = self.call(http, format!(
            "<FindItem xmlns=\"{M}\" Traversal=\"Shallow\"><ItemShape><t:BaseShape>AllProperties</t:BaseShape></ItemShape>\
             <CalendarView StartDate=\"{from}\" EndDate=\"{to}\"/><ParentFolderIds>{folder}</ParentFolderIds></FindItem>"
        )).await?;
        let mut ids = Vec::new();
        for message in &found {
            let items = message.at(&["RootFolder", "Items"]).ok_or_else(|| PolyFault::Answered("no items".into()))?;
            ids.extend(
                items.children.iter().filter_map(|item| item.child("ItemId")?.attribute("Id").map(str::to_owned)),
            );
        }
        let mut meetings = Vec::new();
        for ids in ids.chunks(ITEMS_AT_ONCE) {
            let ids: String = ids.iter().map(|id| format!("<t:ItemId Id=\"{}\"/>", escape(id))).collect();
            let got = self.call(http, format!(
                "<GetItem xmlns=\"{M}\"><ItemShape><t:BaseShape>AllProperties</t:BaseShape><t:BodyType>Text</t:BodyType></ItemShape><ItemIds>{ids}</ItemIds></GetItem>"
            )).await?;
            meetings
                .extend(got.iter().filter_map(|message| message.at(&["Items", "CalendarItem"])).filter_map(meeting));
        }
        meetings.sort_by_key(|meeting| (meeting.start, meeting.end));
        Ok(meetings)
    }

    fn folder(&self) -> String {
        let mailbox = self.setup.mailbox.as_ref().map(|address| {
            format!("<t:Mailbox><t:EmailAddress>{}</t:EmailAddress></t:Mailbox>", escape(address.as_str()))
        });
        format!("<t:DistinguishedFolderId Id=\"calendar\">{}</t:DistinguishedFolderId>", mailbox.unwrap_or_default())
    }

    /// The response messages to one operation, none of them an error.
    async fn call(&mut self, http: &Http, operation: String) -> Result<Vec<Element>, PolyFault> {
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?><s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns:t=\"{T}\"><s:Body>{operation}</s:Body></s:Envelope>"
        );
        let answer = self.exchange(http, &body).await?;
        let status = answer.status.as_u16();
        let root = Element::parse(&answer.body).map_err(|_| PolyFault::Answered(format!("HTTP {status}")))?;
        if let Some(detail) = root.at(&["Body", "Fault", "detail"]) {
            let text = |path: &[&str]| detail.at(path).map(|element| element.text.clone()).unwrap_or_default();
            let code = text(&["ResponseCode"]);
            let wait = text(&["MessageXml", "Value"]).parse().unwrap_or(30_000);
            return Err(if code == "ErrorServerBusy" {
                PolyFault::Busy(Duration::from_millis(wait))
            } else {
                PolyFault::Answered(code)
            });
        }
        let call = root.child("Body").and_then(|body| body.children.first());
        let messages = call.and_then(|call| call.child("ResponseMessages")).map(|list| list.children.clone());
        let messages = messages.ok_or_else(|| PolyFault::Answered(format!("HTTP {status}")))?;
        match messages.iter().find(|message| message.attribute("ResponseClass") != Some("Success")) {
            None => Ok(messages),
            Some(wrong) => {
                Err(PolyFault::Answered(wrong.child("ResponseCode").map(|code| code.text.clone()).unwrap_or_default()))
            }
        }
    }

    /// Sends, and logs in where the server asks for it: at most two rounds, the second for a nonce that was too old.
    async fn exchange(&mut self, http: &Http, body: &str) -> Result<Response, PolyFault> {
        for _ in 0..3 {
            let had_session = self.session.is_some() || self.basic;
            let answer = http.send(self.request(body)).await.map_err(PolyFault::Unreachable)?;
            if answer.status.as_u16() != 401 {
                return Ok(answer);
            }
            let lines = answer.headers.get_all("www-authenticate");
            match best_offer(lines.iter().filter_map(|line| line.to_str().ok())) {
                Some(Offer::Digest(challenge)) if !had_session || challenge.stale => {
                    self.session = Some(Session::new(challenge));
                }
                Some(Offer::Basic) if !had_session => self.basic = true,
                _ => break,
            }
        }
        (self.session, self.basic) = (None, false);
        Err(PolyFault::Refused)
    }

    fn request(&mut self, body: &str) -> Request {
        let setup = &self.setup;
        let mut request = Request::new(Method::POST, setup.server.clone());
        request.trust = setup.trust.clone();
        request.body = body.as_bytes().to_vec().into();
        let mut set = |name: &'static str, value: String| {
            if let Ok(value) = value.parse() {
                request.headers.insert(name, value);
            }
        };
        set("content-type", "text/xml; charset=utf-8".into());
        if let Some(session) = &mut self.session {
            let header = session.authorize(&setup.username, setup.password.expose(), "POST", setup.server.path());
            set("authorization", header);
        } else if self.basic {
            set("authorization", basic::header(&setup.username, setup.password.expose()));
        }
        request
    }
}

const M: &str = "http://schemas.microsoft.com/exchange/services/2006/messages";
const T: &str = "http://schemas.microsoft.com/exchange/services/2006/types";

fn utc(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn meeting(item: &Element) -> Option<PolyMeeting> {
    let text = |name: &str| item.child(name).map_or("", |child| child.text.as_str());
    Some(PolyMeeting {
        subject: Confidential::new(text("Subject")),
        start: text("Start").parse().ok()?,
        end: text("End").parse().ok()?,
        dial: dial(text("Subject"), text("Location"), text("Body")).map(Confidential::new),
    })
}

/// What Join dials.
fn dial(subject: &str, location: &str, body: &str) -> Option<String> {
    token(body)
        .or_else(|| typed(location))
        .or_else(|| typed(body))
        .or_else(|| [location, body, subject].into_iter().find_map(loose))
}

fn token(body: &str) -> Option<String> {
    let (_, rest) = body.split_once("--=BEGIN POLYCOM VMR ENCODED TOKEN=--")?;
    let (encoded, _) = rest.split_once("--=END POLYCOM VMR ENCODED TOKEN=--")?;
    let encoded: String = encoded.split_whitespace().collect();
    let text = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    let value = |key: &str| {
        text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('=')).filter(|value| !value.is_empty())
    };
    let prefix = value("POLYCOM-SIGNALINGPREFIX").unwrap_or("sip");
    Some(format!("{prefix}:{}", value("POLYCOM-VMRNUMBER")?))
}

fn typed(text: &str) -> Option<String> {
    text.split_whitespace().find_map(|word| {
        let (scheme, rest) = word.split_once(':')?;
        let known = ["sip", "sips", "h323", "tel"].iter().any(|known| known.eq_ignore_ascii_case(scheme));
        (known && !rest.is_empty()).then(|| word.to_owned())
    })
}

/// An address with `@`, or seven digits and more with at most one blank, dot, bracket or dash between two of them.
fn loose(text: &str) -> Option<String> {
    let address = text.split_whitespace().find(|word| {
        word.split_once('@').is_some_and(|(user, host)| !user.is_empty() && host.starts_with(char::is_alphanumeric))
    });
    let mut number = String::new();
    let mut gap = 0;
    for c in text.chars().chain(['x']) {
        match c {
            '0'..='9' => {
                number.push(c);
                gap = 0;
            }
            '+' | ' ' | '.' | '-' | '(' | ')' if gap < 2 => gap += 1,
            _ if number.len() >= 7 => break,
            _ => {
                number.clear();
                gap = 0;
            }
        }
    }
    address.map(str::to_owned).or_else(|| (number.len() >= 7).then_some(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn join_dials_the_first_thing_that_looks_like_an_address() {
        let encoded =
            STANDARD.encode("POLYCOM-VERSION=1\r\nPOLYCOM-VMRNUMBER=1@vc.example.com\r\nPOLYCOM-SIGNALINGPREFIX=h323");
        let token = format!("x\n--=BEGIN POLYCOM VMR ENCODED TOKEN=--\n{encoded}\n--=END POLYCOM VMR ENCODED TOKEN=--");
        for (subject, location, body, dialled) in [
            ("", "sip:2@x.example", token.as_str(), Some("h323:1@vc.example.com")),
            ("", "Room 4 sip:2@x.example", "Join: sip:3@x.example", Some("sip:2@x.example")),
            ("", "", "Join: sip:3@x.example", Some("sip:3@x.example")),
            ("a@b.example", "", "", Some("a@b.example")),
            ("Call +1 900 555-0100 now", "", "", Some("19005550100")),
            ("Weekly 123456", "", "", None),
            ("sip: a", "", "--=BEGIN POLYCOM VMR ENCODED TOKEN=--", None),
        ] {
            assert_eq!(dial(subject, location, body).as_deref(), dialled, "{subject:?} {location:?}");
        }
    }
}
