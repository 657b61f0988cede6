//! `otj sim poly --replay FILE`: what a recorded endpoint asked is asked again, of a server of this version with an invented room that has
//! meetings at the recorded times. Prints a line a request; exits 0 when all are answered alike, 1 when not.
//!
//! Ids differ from room to room, so each id of a recorded answer is replaced by the one that this server gives out in its place.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, LazyLock};

use anyhow::Context as _;
use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Request};
use http_body_util::BodyExt as _;
use jiff::Timestamp;
use regex::Regex;
use tokio::sync::{mpsc, watch};
use tower::ServiceExt as _;

use crate::auth::basic;
use crate::auth::digest::server::NonceKey;
use crate::cli::trace::Recorded;
use crate::endpoint::poly::{PolyAuth, PolyDesk, Scheme, router};
use crate::ews::tree::Element;
use crate::model::device::{PolyEmit, PolyModel};
use crate::model::published::{Account, Accounts, Cell, Edition};
use crate::model::tally::Tally;
use crate::model::trace::{Traced, Tracer};
use crate::model::{
    Alias, Booking, Call, Clock, Confidential, EndpointName, MeetingId, PolySpec, Protocol, RoomEmail, Schedule,
    Secret, SecretValue,
};

const ROOM: &str = "room@example.com";
const PASSWORD: &str = "replayed";

/// What an answer gives out that a later request may hold.
static IDS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"<(?:\w+:)?(?:ItemId|FolderId|ParentFolderId) Id="([^"]*)"|<(?:\w+:)?(?:SyncState|SubscriptionId|Watermark)>([^<]*)<"#)
        .expect("the pattern is right")
});

pub(super) async fn run(file: &Path) -> anyhow::Result<ExitCode> {
    let text = std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let recorded: Recorded =
        serde_json::from_slice(&text).with_context(|| format!("{} is no recording of otj", file.display()))?;
    let (all, unlike) = replay(&recorded.exchanges).await?;
    crate::cli::print(&all);
    Ok(if unlike == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// One line an exchange, and how many are answered otherwise than they were.
async fn replay(exchanges: &[Traced]) -> anyhow::Result<(String, usize)> {
    let begin = exchanges.first().map_or(Timestamp::UNIX_EPOCH, |first| first.at);
    let room = RoomEmail::parse(ROOM).context("the room's address")?;
    let (bookings, mut known) = meetings(exchanges, &room);
    let cell = Cell::default();
    cell.publish(Edition::new(Arc::new(Schedule { bookings }), begin));
    let server = router(desk(room, cell, begin)?);
    let (mut text, mut unlike) = (String::new(), 0);
    for (at, traced) in exchanges.iter().enumerate().filter(|(_, traced)| traced.status != 401) {
        let asked = known.iter().fold(traced.request.clone(), |asked, (theirs, ours)| asked.replace(theirs, ours));
        // What was redacted was the own mailbox, most likely.
        let asked = asked.replace('•', ROOM);
        let (status, said) = ask(&server, traced, asked).await?;
        let (before, now) = (outcome(traced.status, &traced.answer), outcome(status, &said));
        let pairs = |text: &str| -> Vec<String> {
            IDS.captures_iter(text)
                .filter_map(|found| found.get(1).or(found.get(2)))
                .map(|id| id.as_str().to_owned())
                .collect()
        };
        for (theirs, ours) in pairs(&traced.answer).into_iter().zip(pairs(&said)).filter(|(theirs, _)| theirs.len() > 3)
        {
            known.entry(theirs).or_insert(ours);
        }
        if before == now {
            text.push_str(&format!("{:>4}  {now}\n", at + 1));
        } else {
            unlike += 1;
            text.push_str(&format!("{:>4}  {now}, was {before}\n", at + 1));
        }
    }
    Ok((text, unlike))
}

fn desk(room: RoomEmail, cell: Cell, begin: Timestamp) -> anyhow::Result<PolyDesk> {
    let account = Account {
        endpoint: EndpointName::parse("replayed").context("the endpoint's name")?,
        room,
        poly: PolySpec {
            username: "replayed".into(),
            password: SecretValue::Known(Secret::new(PASSWORD.into())),
            model: PolyModel::Auto,
            emit: PolyEmit::default(),
        },
        time_zone: "UTC".into(),
        cell,
    };
    let (_, accounts) = watch::channel(Accounts(Arc::new(BTreeMap::from([("replayed".to_owned(), account)]))));
    Ok(PolyDesk {
        accounts,
        presence: mpsc::channel(1).0,
        tally: Tally::new(),
        clock: Clock::starting_at(begin),
        auth: PolyAuth { schemes: vec![Scheme::Basic] },
        nonce_key: NonceKey::new([0; 32]),
        tracer: Tracer::default(),
        proxies: [].into(),
    })
}

async fn ask(server: &axum::Router, traced: &Traced, body: String) -> anyhow::Result<(u16, String)> {
    let mut request =
        Request::builder().method(traced.method.as_str()).uri(traced.path.as_str()).body(Body::from(body))?;
    for (name, value) in
        traced.headers.iter().filter(|(name, _)| !["content-length", "host", "authorization"].contains(&name.as_str()))
    {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            request.headers_mut().append(name, value);
        }
    }
    request.headers_mut().insert("authorization", HeaderValue::try_from(basic::header("replayed", PASSWORD))?);
    let answer = server.clone().oneshot(request).await?;
    let status = answer.status().as_u16();
    let mut body = answer.into_body();
    let mut said = Vec::new();
    // The first part alone of an answer that goes on.
    while let Some(Ok(frame)) = body.frame().await {
        said.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data));
        if axum::body::HttpBody::size_hint(&body).exact().is_none() {
            break;
        }
    }
    Ok((status, String::from_utf8_lossy(&said).into_owned()))
}

/// The status, the operation, and the codes that occur in an answer.
fn outcome(status: u16, answer: &str) -> String {
    let Ok(root) = Element::parse(answer.as_bytes()) else { return format!("{status}") };
    let operation = root.child("Body").and_then(|body| body.children.first()).map_or("", |call| call.name.as_str());
    let mut codes = BTreeSet::new();
    walk(&root, &mut |element| {
        if element.name == "ResponseCode" {
            codes.insert(element.text.clone());
        }
    });
    format!("{status} {operation} {}", codes.into_iter().collect::<Vec<_>>().join(" ")).trim_end().to_owned()
}

/// Every element, without recursion: recordings come from elsewhere.
fn walk(root: &Element, look: &mut impl FnMut(&Element)) {
    let mut open = vec![root];
    while let Some(element) = open.pop() {
        look(element);
        open.extend(&element.children);
    }
}

/// Meetings at the recorded times, and what their recorded ids are here.
fn meetings(exchanges: &[Traced], room: &RoomEmail) -> (Vec<Booking>, BTreeMap<String, String>) {
    use base64::Engine as _;
    let (mut bookings, mut known) = (BTreeMap::new(), BTreeMap::new());
    for root in exchanges.iter().filter_map(|traced| Element::parse(traced.answer.as_bytes()).ok()) {
        walk(&root, &mut |item| {
            let text = |name: &str| item.child(name).map_or("", |child| child.text.as_str());
            let times = text("Start").parse::<Timestamp>().ok().zip(text("End").parse::<Timestamp>().ok());
            let id = item.child("ItemId").and_then(|id| id.attribute("Id"));
            let (true, Some((start, end)), Some(theirs)) = (item.name == "CalendarItem", times, id) else { return };
            let id = MeetingId::new(room, theirs, Some(start));
            let ours = base64::engine::general_purpose::STANDARD.encode(format!("i.{id}"));
            known.insert(theirs.to_owned(), ours);
            let call =
                || Some(Call { alias: Alias::parse("meet.1234@vc.example.com").ok()?, protocol: Protocol::Auto });
            let booking = Booking {
                id,
                start,
                end,
                all_day: text("IsAllDayEvent") == "true",
                start_buffer_s: 300,
                end_buffer_s: 0,
                subject: Confidential::new("Meeting"),
                organizer_name: Confidential::new("Ada Example"),
                organizer_email: Confidential::default(),
                private: text("Sensitivity") == "Private",
                call: if text("Location").is_empty() { None } else { call() },
                no_join: None,
                rule: None,
                last_modified: None,
            };
            bookings.insert((start, theirs.to_owned()), booking);
        });
    }
    (bookings.into_values().collect(), known)
}
