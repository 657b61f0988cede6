//! When many rooms are taken: `POST /users/{anchor}/calendar/getSchedule`. The answer is a hint, and a room that is missing in it has
//! failed.
//!
//! Any mailbox the app may read can be the anchor. It changes with the time, so that the requests are not all counted against one
//! mailbox, and one that the app may not read does not keep the others from being asked about: its own failure is told, and the next
//! one is tried.
//!
//! Microsoft documents 20 rooms, servers have been seen to take 100. So 100 are tried; a server that refuses
//! (`ErrorMailboxDataArrayTooBig`), or does not answer in time, is asked in twenties from then on.
//!
//! | `status` | |
//! |---|---|
//! | free | not taken |
//! | tentative, busy, oof, workingElsewhere, unknown, or none | taken |
//!
//! Sources: Microsoft Graph v1.0, "calendar: getSchedule", "scheduleInformation", "freeBusyError"; issues 7047 and 11225 of
//! microsoft-graph-docs for what servers take.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::event::Moment;
use super::{GraphError, error, headers, of_calendar, page, unreadable};
use crate::calendar::api::Api;
use crate::calendar::looks::{Last, Told};
use crate::calendar::{BusyRequest, CalendarError};
use crate::http::{Bytes, HttpError, Method, StatusCode};
use crate::model::service::GraphSpec;
use crate::model::{Busy, Failure, RoomEmail, Scope};

/// Rooms of one request that every server takes.
const DOCUMENTED: usize = 20;

/// Anchors tried for one request.
const ANCHORS_MAX: usize = 3;

/// The span must be shorter than 62 days.
const SPAN_MAX: SignedDuration = SignedDuration::from_hours(61 * 24);

/// In minutes, the longest there is: the view it makes is not looked at.
const INTERVAL: u32 = 1440;

/// Asks when rooms are taken.
///
/// # Errors
/// When nothing is known of any of them.
pub(in crate::calendar) async fn busy(
    api: &Api<'_>,
    service: &GraphSpec,
    request: &BusyRequest,
) -> Result<Told, CalendarError> {
    let learned = &request.access.sign_ins;
    if learned.rooms_at_once(&service.api_url).is_none_or(|most| request.rooms.len() <= most) {
        match about(api, service, request, &request.rooms).await {
            Err(TooMany::Rooms) => learned.learn_rooms_at_once(&service.api_url, DOCUMENTED),
            Err(TooMany::Time(error)) => {
                learned.learn_rooms_at_once(&service.api_url, DOCUMENTED);
                return Err(error);
            }
            Err(TooMany::No(error)) => return Err(error),
            Ok(told) => return Ok(told),
        }
    }
    let mut told = Vec::with_capacity(request.rooms.len());
    for rooms in request.rooms.chunks(DOCUMENTED) {
        match about(api, service, request, rooms).await {
            Ok(answers) => told.extend(answers),
            Err(error) if told.is_empty() => return Err(error.into()),
            // What is known of the others stays known.
            Err(error) => {
                let failure = Failure::from(CalendarError::from(error)).about(Scope::Object);
                told.extend(rooms.iter().map(|room| (room.clone(), Err(failure.clone()))));
            }
        }
    }
    Ok(told)
}

/// Why a request about many rooms failed.
enum TooMany {
    /// The server does not take so many.
    Rooms,
    /// Perhaps it needs too long for so many.
    Time(CalendarError),
    /// It is something else.
    No(CalendarError),
}

impl From<TooMany> for CalendarError {
    fn from(why: TooMany) -> Self {
        match why {
            TooMany::Rooms => unreadable("Graph does not take 20 rooms at once"),
            TooMany::Time(error) | TooMany::No(error) => error,
        }
    }
}

/// One request about `rooms`, and one more for each anchor that the app may not read.
async fn about(
    api: &Api<'_>,
    service: &GraphSpec,
    request: &BusyRequest,
    rooms: &[RoomEmail],
) -> Result<Told, TooMany> {
    let mut rooms = rooms.to_vec();
    let mut told = Vec::new();
    for _ in 0..ANCHORS_MAX {
        if rooms.is_empty() {
            return Ok(told);
        }
        let minute = usize::try_from(request.now.as_second() / 60).unwrap_or(0);
        let anchor = minute % rooms.len();
        match ask(api, service, request, &rooms, &rooms[anchor]).await {
            Ok(answers) => {
                told.extend(answers);
                return Ok(told);
            }
            Err(TooMany::No(CalendarError::Graph(error))) if error.is_of_the_mailbox() => {
                told.push((rooms.remove(anchor), Err(error.into())));
            }
            Err(error) => return Err(error),
        }
    }
    let unasked = Failure::retry("CalendarUnreadable", "the app may read none of the mailboxes that it asked through");
    told.extend(rooms.into_iter().map(|room| (room, Err(unasked.clone()))));
    Ok(told)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Question<'a> {
    schedules: Vec<&'a str>,
    start_time: Utc,
    end_time: Utc,
    availability_view_interval: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Utc {
    date_time: String,
    time_zone: &'static str,
}

impl Utc {
    fn of(at: Timestamp) -> Self {
        Self { date_time: at.strftime("%Y-%m-%dT%H:%M:%S").to_string(), time_zone: "UTC" }
    }
}

async fn ask(
    api: &Api<'_>,
    service: &GraphSpec,
    request: &BusyRequest,
    rooms: &[RoomEmail],
    anchor: &RoomEmail,
) -> Result<Told, TooMany> {
    let url = of_calendar(service, anchor, "getSchedule").map_err(TooMany::No)?;
    let longest = request
        .window
        .from
        .saturating_add(SPAN_MAX)
        .map_err(|_| TooMany::No(unreadable("the span ends after all time")))?;
    let question = Question {
        schedules: rooms.iter().map(RoomEmail::as_str).collect(),
        start_time: Utc::of(request.window.from),
        end_time: Utc::of(request.window.to.min(longest)),
        availability_view_interval: INTERVAL,
    };
    let body = serde_json::to_vec(&question).expect("texts and a number");
    let answer = match api.send(&Method::POST, &url, &headers(), &Bytes::from(body)).await {
        Ok(answer) => answer,
        Err(error @ CalendarError::Offline(HttpError::Deadline)) => return Err(TooMany::Time(error)),
        Err(error) => return Err(TooMany::No(error)),
    };
    match answer.response.status {
        StatusCode::OK => {}
        _ if error::code(&answer) == "ErrorMailboxDataArrayTooBig" => return Err(TooMany::Rooms),
        StatusCode::GATEWAY_TIMEOUT => {
            return Err(TooMany::Time(error::of(&answer, anchor, service, request.now).into()));
        }
        _ => return Err(TooMany::No(error::of(&answer, anchor, service, request.now).into())),
    }
    let body = &answer.response.body;
    let told = api.access.looks.read(rooms, body, |last| answers(body, rooms, last));
    told.map_err(|why| TooMany::No(CalendarError::Unreadable(why)))
}

#[derive(Deserialize)]
struct Answers<'a> {
    #[serde(borrow)]
    value: Vec<&'a RawValue>,
}

/// As much of a schedule as names its room.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Named {
    schedule_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Schedule {
    #[serde(default)]
    schedule_items: Option<Vec<Item>>,
    #[serde(default)]
    error: Option<Fault>,
}

#[derive(Deserialize)]
struct Item {
    #[serde(default)]
    status: Option<String>,
    start: Moment,
    end: Moment,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Fault {
    response_code: Option<String>,
}

/// What was said of each of `rooms`. An entry that cannot be understood is as good as none.
fn answers(body: &[u8], rooms: &[RoomEmail], last: &mut Last<'_>) -> Result<Told, String> {
    let answers: Answers<'_> = serde_json::from_slice(body).map_err(|error| page::not_a_page(&error))?;
    let mut told: BTreeMap<String, &RawValue> = BTreeMap::new();
    for entry in answers.value {
        if let Ok(named) = serde_json::from_str::<Named>(entry.get()) {
            told.insert(named.schedule_id.to_lowercase(), entry);
        }
    }
    let of = |room: &RoomEmail| {
        let nothing = || Failure::retry("CalendarUnreadable", "Graph does not say when this room is taken");
        let entry = told.get(room.as_str()).copied();
        let read = || serde_json::from_str::<Schedule>(entry.ok_or_else(nothing)?.get()).map_err(|_| nothing())?.busy();
        (room.clone(), last.part(entry.map(RawValue::get), read))
    };
    Ok(rooms.iter().map(of).collect())
}

impl Schedule {
    fn busy(self) -> Result<Busy, Failure> {
        if let Some(fault) = self.error {
            return Err(fault.failure());
        }
        let unreadable = || Failure::retry("CalendarUnreadable", "what Graph says of this room cannot be understood");
        let mut spans = Vec::new();
        for item in self.schedule_items.ok_or_else(unreadable)? {
            if item.status.as_deref() != Some("free") {
                let (Ok(start), Ok(end)) = (item.start.instant(), item.end.instant()) else { return Err(unreadable()) };
                spans.push((start, end));
            }
        }
        Ok(Busy::of(spans))
    }
}

impl Fault {
    /// 5009 is what an address gets that nobody has.
    fn failure(self) -> Failure {
        let code = error::shown(&self.response_code.unwrap_or_default());
        let error = match code.as_str() {
            "5009" | "ErrorMailRecipientNotFound" => GraphError::NoMailbox(code),
            "ErrorNoFreeBusyAccess" => GraphError::NoFreeBusy(code),
            _ => GraphError::Failing { said: code, retry_after: None },
        };
        error.into()
    }
}
