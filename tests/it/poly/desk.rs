//! A running Poly server with two rooms, and a plain client for it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::extract::Request as HttpRequest;
use axum::middleware::{Next, from_fn};
use http_body_util::BodyExt as _;
use jiff::{Timestamp, ToSpan as _};
use otj::auth::{basic, digest::server::NonceKey};
use otj::endpoint::poly::{PolyAuth, PolyDesk, Scheme, router};
use otj::ews::tree::Element;
use otj::http::{Bytes, Http, HttpOptions, Method, Request, Response, Trust, Url};
use otj::listen::{ListenLimits, TlsSettings, self_signed, serve};
use otj::model::device::{PolyEmit, PolyModel};
use otj::model::presence::Presence;
use otj::model::published::{Account, Accounts, Cell, Edition};
use otj::model::tally::Tally;
use otj::model::{
    Alias, Booking, Call, Clock, Confidential, EndpointName, MeetingId, PolySpec, Protocol, RoomEmail, Schedule,
    Secret, SecretValue,
};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::{CancellationToken, DropGuard};

pub(crate) const PASSWORD: &str = "correct horse battery";
pub(crate) const NOW: &str = "2026-11-23T08:00:00Z";

/// What went over the wire: request body, status, answer body.
pub(crate) type Exchange = (String, u16, String);

pub(crate) struct Desk {
    pub(crate) url: Url,
    pub(crate) certificate: String,
    pub(crate) tally: Arc<Tally>,
    pub(crate) clock: Clock,
    pub(crate) cells: BTreeMap<&'static str, Cell>,
    pub(crate) presence: mpsc::Receiver<Presence>,
    pub(crate) wire: Arc<Mutex<Vec<Exchange>>>,
    pub(crate) tracer: otj::model::trace::Tracer,
    router: axum::Router,
    http: Http,
    _stop: DropGuard,
}

/// Two rooms, `fjord` and `vik`; a third account has no secret.
pub(crate) async fn open() -> Desk {
    open_with(&[Scheme::Digest, Scheme::Ntlm, Scheme::Basic], PolyEmit::default()).await
}

pub(crate) async fn open_with(schemes: &[Scheme], emit: PolyEmit) -> Desk {
    let (certificate, key) = self_signed(&["localhost".into(), "127.0.0.1".into()]).unwrap();
    let tls = TlsSettings::from_pem(certificate.as_bytes(), &key).unwrap();
    start(schemes, emit, tls, certificate).await
}

/// With a certificate of one's own.
pub(crate) async fn open_on(tls: TlsSettings, certificate: String) -> Desk {
    start(&[Scheme::Basic], PolyEmit::default(), tls, certificate).await
}

async fn start(schemes: &[Scheme], emit: PolyEmit, tls: TlsSettings, certificate: String) -> Desk {
    let mut cells = BTreeMap::new();
    let mut by_login = BTreeMap::new();
    for name in ["fjord", "vik", "mute"] {
        let cell = Cell::default();
        cells.insert(name, cell.clone());
        let password = match name {
            "mute" => SecretValue::Missing("env:MUTE is not set".into()),
            _ => SecretValue::Known(Secret::new(PASSWORD.into())),
        };
        let poly = PolySpec {
            username: name.into(),
            password,
            model: if name == "vik" { PolyModel::Trio } else { PolyModel::Auto },
            emit,
        };
        let account = Account {
            endpoint: EndpointName::parse(&format!("{name}-poly")).unwrap(),
            room: RoomEmail::parse(&format!("room.{name}@example.com")).unwrap(),
            poly,
            time_zone: "Europe/Oslo".into(),
            cell,
        };
        by_login.insert(name.to_owned(), account);
    }
    let (_, accounts) = watch::channel(Accounts(Arc::new(by_login)));
    let (tell, presence) = mpsc::channel(8);
    let (tally, clock) = (Tally::new(), Clock::starting_at(NOW.parse().unwrap()));
    let tracer = otj::model::trace::Tracer::default();
    let desk = PolyDesk {
        accounts,
        presence: tell,
        tally: tally.clone(),
        clock: clock.clone(),
        auth: PolyAuth { schemes: schemes.to_vec() },
        nonce_key: NonceKey::new([9; 32]),
        proxies: [].into(),
        tracer: tracer.clone(),
    };
    let wire = Arc::new(Mutex::new(Vec::new()));
    let recorded = wire.clone();
    let plain = router(desk);
    let router = plain.clone().layer(from_fn(move |request: HttpRequest, next: Next| {
        let recorded = recorded.clone();
        async move {
            let (parts, body) = request.into_parts();
            let asked = body.collect().await.unwrap().to_bytes();
            let answer = next.run(HttpRequest::from_parts(parts, Body::from(asked.clone()))).await;
            let (parts, body) = answer.into_parts();
            let said = body.collect().await.unwrap().to_bytes();
            let text = |bytes: &Bytes| String::from_utf8_lossy(bytes).into_owned();
            recorded.lock().unwrap().push((text(&asked), parts.status.as_u16(), text(&said)));
            axum::response::Response::from_parts(parts, Body::from(said))
        }
    }));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://127.0.0.1:{}/EWS/Exchange.asmx", listener.local_addr().unwrap().port());
    let stop = CancellationToken::new();
    tokio::spawn(serve(listener, Some(tls), router, ListenLimits::default(), stop.clone()));
    Desk {
        url: url.parse().unwrap(),
        certificate,
        tally,
        clock,
        cells,
        presence,
        wire,
        tracer,
        router: plain,
        http: Http::new(HttpOptions { allow_loopback: true }).unwrap(),
        _stop: stop.drop_guard(),
    }
}

impl Desk {
    pub(crate) fn publish(&self, room: &str, bookings: Vec<Booking>) {
        let schedule = Schedule { bookings };
        self.cells[room].publish(Edition::new(schedule.into(), NOW.parse().unwrap()));
    }

    /// Asks without a network between.
    pub(crate) async fn direct(&self, user: &str, body: &str) -> axum::response::Response {
        let request = HttpRequest::post("/EWS/Exchange.asmx")
            .header("authorization", basic::header(user, PASSWORD))
            .body(Body::from(body.to_owned()))
            .unwrap();
        tower::ServiceExt::oneshot(self.router.clone(), request).await.unwrap()
    }

    /// Sends `body` as it is.
    pub(crate) async fn post(&self, authorization: Option<&str>, body: impl Into<Bytes>) -> Response {
        let mut request = Request::new(Method::POST, self.url.clone());
        request.trust = Trust::Verify(vec![self.certificate.as_bytes().into()]);
        request.body = body.into();
        if let Some(value) = authorization {
            request.headers.insert("authorization", value.parse().unwrap());
        }
        self.send(request).await
    }

    pub(crate) async fn send(&self, mut request: Request) -> Response {
        request.trust = Trust::Verify(vec![self.certificate.as_bytes().into()]);
        self.http.send(request).await.unwrap()
    }

    /// Asks as `login` with Basic; the status and the answer.
    pub(crate) async fn ask(&self, login: &str, body: &str) -> (u16, Element) {
        let answer = self.post(Some(&basic::header(login, PASSWORD)), soap("", body)).await;
        assert_eq!(answer.headers["content-type"], "text/xml; charset=utf-8");
        assert_eq!(answer.headers["content-length"], answer.body.len().to_string());
        (answer.status.as_u16(), Element::parse(&answer.body).unwrap())
    }
}

/// An envelope around `body`; `version` as in `RequestServerVersion`, empty: none.
pub(crate) fn soap(version: &str, body: &str) -> String {
    let header = match version {
        "" => String::new(),
        version => format!("<s:Header><t:RequestServerVersion Version=\"{version}\"/></s:Header>"),
    };
    format!(
        "<s:Envelope xmlns:s=\"{}\" xmlns:m=\"{}\" xmlns:t=\"{}\">{header}<s:Body>{body}</s:Body></s:Envelope>",
        otj::ews::SOAP_11,
        otj::ews::MESSAGES,
        otj::ews::TYPES
    )
}

/// `FindItem` for the calendar, from the start of one day to the end of another.
pub(crate) fn find(mailbox: &str, from: &str, to: &str) -> String {
    let mailbox = match mailbox {
        "" => String::new(),
        address => format!("<t:Mailbox><t:EmailAddress>{address}</t:EmailAddress></t:Mailbox>"),
    };
    format!(
        "<m:FindItem Traversal=\"Shallow\"><m:ItemShape><t:BaseShape>AllProperties</t:BaseShape></m:ItemShape>\
         <m:CalendarView StartDate=\"{from}T00:00:00Z\" EndDate=\"{to}T00:00:00Z\"/>\
         <m:ParentFolderIds><t:DistinguishedFolderId Id=\"calendar\">{mailbox}</t:DistinguishedFolderId></m:ParentFolderIds></m:FindItem>"
    )
}

/// `GetItem` for these ids.
pub(crate) fn get(ids: &[String]) -> String {
    let ids: String = ids.iter().map(|id| format!("<t:ItemId Id=\"{id}\"/>")).collect();
    format!(
        "<m:GetItem><m:ItemShape><t:BaseShape>AllProperties</t:BaseShape><t:BodyType>Text</t:BodyType></m:ItemShape>\
         <m:ItemIds>{ids}</m:ItemIds></m:GetItem>"
    )
}

/// The response messages of an answer.
pub(crate) fn messages(answer: &Element) -> &[Element] {
    let call = &answer.child("Body").unwrap().children[0];
    &call.child("ResponseMessages").unwrap().children
}

/// The response code of a message, or of a fault.
pub(crate) fn code(answer: &Element) -> String {
    let fault = answer.at(&["Body", "Fault", "detail", "ResponseCode"]);
    fault.unwrap_or_else(|| messages(answer)[0].child("ResponseCode").unwrap()).text.clone()
}

/// The items of the first message of a `FindItem`.
pub(crate) fn items(answer: &Element) -> &[Element] {
    &messages(answer)[0].at(&["RootFolder", "Items"]).unwrap().children
}

/// Every attribute `Id` of the items.
pub(crate) fn ids(items: &[Element]) -> Vec<String> {
    items.iter().map(|item| item.child("ItemId").unwrap().attribute("Id").unwrap().to_owned()).collect()
}

/// A meeting of half an hour.
pub(crate) fn booking(subject: &str, start: &str, alias: Option<&str>) -> Booking {
    let start: Timestamp = start.parse().unwrap();
    let room = RoomEmail::parse("room@example.com").unwrap();
    Booking {
        id: MeetingId::new(&room, subject, Some(start)),
        start,
        end: start + 30.minutes(),
        all_day: false,
        start_buffer_s: 300,
        end_buffer_s: 0,
        subject: Confidential::new(subject),
        organizer_name: Confidential::new("Ada Example"),
        organizer_email: Confidential::new("ada@example.com"),
        private: false,
        call: alias.map(|alias| Call { alias: Alias::parse(alias).unwrap(), protocol: Protocol::Auto }),
        no_join: None,
        rule: None,
        last_modified: Some("2026-11-20T08:00:00Z".parse().unwrap()),
    }
}

/// A week of one room: with and without alias, private, all day, with hostile characters.
pub(crate) fn week() -> Vec<Booking> {
    let mut private = booking("Private", "2026-11-24T10:00:00Z", Some("42@vc.example.com"));
    private.private = true;
    let mut day = booking("Offsite", "2026-11-24T23:00:00Z", None);
    day.all_day = true;
    day.end = day.start + 24.hours();
    let mut h323 = booking("Board", "2026-11-25T12:00:00Z", Some("10.1.2.3##456"));
    h323.call.as_mut().unwrap().protocol = Protocol::H323;
    let mut odd = booking("a <b> & \"c\" \u{1}]]> ø \u{1f600}", "2026-11-26T09:00:00Z", None);
    odd.organizer_name = Confidential::default();
    odd.last_modified = None;
    vec![booking("Weekly status", "2026-11-23T09:00:00Z", Some("meet.1234@vc.example.com")), private, day, h323, odd]
}
