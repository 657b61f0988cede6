//! `calendarView` of a simulated Graph: a room and an address in, a page out.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::http::{Bytes, Url};
use crate::sim::rooms::{RoomResponse, SimEvent, SimRoom};

/// Of every answer.
pub(super) const CONTENT_TYPE: &str =
    "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8";

/// What an event has when nothing is selected, and all that can be.
const FIELDS: [&str; 24] = [
    "id",
    "iCalUId",
    "changeKey",
    "type",
    "seriesMasterId",
    "originalStart",
    "originalStartTimeZone",
    "originalEndTimeZone",
    "subject",
    "bodyPreview",
    "body",
    "start",
    "end",
    "isAllDay",
    "isCancelled",
    "isOnlineMeeting",
    "onlineMeeting",
    "onlineMeetingProvider",
    "onlineMeetingUrl",
    "organizer",
    "location",
    "sensitivity",
    "showAs",
    "responseStatus",
];

/// Why a request makes no sense: code and message.
pub(super) type Wrong = (&'static str, &'static str);

struct Asked {
    from: Timestamp,
    to: Timestamp,
    top: usize,
    skip: usize,
    select: Vec<&'static str>,
    /// `$expand=singleValueExtendedProperties($filter=…)`.
    expand: Option<String>,
}

/// The page that `url` asks for.
///
/// # Errors
/// When Graph would not understand it.
pub(super) fn answer(room: &SimRoom, url: &Url, page_max: usize) -> Result<Bytes, Wrong> {
    let asked = Asked::of(url)?;
    let within = |event: &&SimEvent| {
        event.start < asked.to && (event.end > asked.from || (event.start == event.end && event.start >= asked.from))
    };
    let mut events: Vec<&SimEvent> = room.events.values().filter(within).collect();
    events.sort_by(|a, b| (a.start, &a.id).cmp(&(b.start, &b.id)));
    let zone = TimeZone::get(&room.time_zone).unwrap_or(TimeZone::UTC);
    let page = asked.top.min(page_max).max(1);
    let mut out = String::with_capacity(256 + events.len() * 1024);
    let origin = url.origin().ascii_serialization();
    let _ =
        write!(out, r#"{{"@odata.context":"{origin}/v1.0/$metadata#users('room')/calendar/calendarView","value":["#);
    for (place, event) in events.iter().skip(asked.skip).take(page).enumerate() {
        if place > 0 {
            out.push(',');
        }
        write_event(&mut out, event, &asked, &zone, &room.time_zone);
    }
    out.push(']');
    let next = asked.skip + page;
    if next < events.len() {
        out.push_str(r#","@odata.nextLink":"#);
        string(&mut out, &following(url, next));
    }
    out.push('}');
    Ok(out.into())
}

impl Asked {
    fn of(url: &Url) -> Result<Self, Wrong> {
        let mut asked =
            Self { from: Timestamp::MIN, to: Timestamp::MAX, top: 10, skip: 0, select: FIELDS.to_vec(), expand: None };
        let mut dates = 0;
        for (name, value) in url.query_pairs() {
            match &*name {
                "startDateTime" | "endDateTime" => {
                    let at = moment(&value).ok_or(("ErrorInvalidParameter", "The value of a date is invalid."))?;
                    *(if name == "startDateTime" { &mut asked.from } else { &mut asked.to }) = at;
                    dates += 1;
                }
                "$top" => match value.parse() {
                    Ok(top @ 1..=1000) => asked.top = top,
                    _ => return Err(("ErrorInvalidParameter", "The value of $top must be between 1 and 1000.")),
                },
                "$skip" => {
                    asked.skip =
                        value.parse().map_err(|_| ("ErrorInvalidParameter", "The value of $skip is invalid."))?;
                }
                "$select" => {
                    let known = |name: &str| FIELDS.into_iter().find(|field| *field == name);
                    asked.select = value
                        .split(',')
                        .map(|name| known(name.trim()))
                        .collect::<Option<_>>()
                        .ok_or(("RequestBroker--ParseUri", "Could not find a property of this name."))?;
                }
                "$expand" => asked.expand = Some(value.into_owned()),
                _ => return Err(("RequestBroker--ParseUri", "This query option is not known here.")),
            }
        }
        let missing = ("ErrorInvalidParameter", "This request requires startDateTime and endDateTime.");
        if dates == 2 { Ok(asked) } else { Err(missing) }
    }
}

fn moment(text: &str) -> Option<Timestamp> {
    let local = || text.parse::<jiff::civil::DateTime>().ok()?.to_zoned(TimeZone::UTC).ok();
    text.parse().ok().or_else(|| local().map(|zoned| zoned.timestamp()))
}

fn following(url: &Url, skip: usize) -> String {
    let query = url.query().unwrap_or_default();
    let others = query.split('&').filter(|pair| !pair.starts_with("$skip=") && !pair.starts_with("%24skip="));
    let query = others.chain([format!("$skip={skip}").as_str()]).collect::<Vec<_>>().join("&");
    let mut next = url.clone();
    next.set_query(Some(&query));
    next.into()
}

fn write_event(out: &mut String, event: &SimEvent, asked: &Asked, zone: &TimeZone, zone_name: &str) {
    let version = event.updated.as_second();
    let _ = write!(out, r#"{{"@odata.etag":"W/\"{version:x}\"""#);
    // The identifier comes whether it is asked for or not.
    if !asked.select.contains(&"id") {
        out.push_str(r#","id":"#);
        string(out, &event.id);
    }
    for field in &asked.select {
        // A single event has no such thing, and then it does not stand there at all.
        if *field == "originalStart" && event.series.is_none() {
            continue;
        }
        let _ = write!(out, r#","{field}":"#);
        write_field(out, field, event, zone, zone_name);
    }
    if let Some(expand) = &asked.expand {
        write_properties(out, event, expand);
    }
    out.push('}');
}

fn write_field(out: &mut String, field: &str, event: &SimEvent, zone: &TimeZone, zone_name: &str) {
    let teams = event.conference.is_some();
    match field {
        "id" => string(out, &event.id),
        "iCalUId" => match &event.series {
            // Every occurrence has one of its own.
            Some((_, original)) => string(out, &format!("{}-{}", event.uid, original.strftime("%Y%m%dT%H%M"))),
            None => string(out, &event.uid),
        },
        "changeKey" => string(out, &format!("{:x}", event.updated.as_second())),
        "type" => out.push_str(match &event.series {
            None => r#""singleInstance""#,
            Some((_, original)) if *original == event.start => r#""occurrence""#,
            Some(_) => r#""exception""#,
        }),
        "seriesMasterId" => match &event.series {
            Some((id, _)) => string(out, id),
            None => out.push_str("null"),
        },
        "originalStart" => string(out, &event.series.as_ref().map(|(_, start)| start.to_string()).unwrap_or_default()),
        "originalStartTimeZone" | "originalEndTimeZone" => string(out, zone_name),
        "subject" => string(out, &event.subject),
        "bodyPreview" => string(out, ""),
        "body" => {
            out.push_str(r#"{"contentType":"html","content":"#);
            string(out, &event.body);
            out.push('}');
        }
        "start" => time(out, event.start, event.all_day, zone),
        "end" => time(out, event.end, event.all_day, zone),
        "isAllDay" => truth(out, event.all_day),
        "isCancelled" => truth(out, event.cancelled),
        "isOnlineMeeting" => truth(out, teams),
        "onlineMeeting" => match &event.conference {
            Some(url) => {
                out.push_str(r#"{"joinUrl":"#);
                string(out, url);
                out.push('}');
            }
            None => out.push_str("null"),
        },
        "onlineMeetingProvider" => out.push_str(if teams { r#""teamsForBusiness""# } else { r#""unknown""# }),
        "organizer" => {
            out.push_str(r#"{"emailAddress":{"name":"#);
            string(out, &event.organizer.0);
            out.push_str(r#","address":"#);
            string(out, &event.organizer.1);
            out.push_str("}}");
        }
        "location" => {
            out.push_str(r#"{"displayName":"#);
            string(out, &event.location);
            out.push_str(r#","locationType":"default","uniqueIdType":"private"}"#);
        }
        "sensitivity" => out.push_str(if event.private { r#""private""# } else { r#""normal""# }),
        "showAs" => string(out, show_as(event)),
        "responseStatus" => {
            let response = match event.response {
                RoomResponse::Accepted => "accepted",
                RoomResponse::Declined => "declined",
                RoomResponse::NeedsAction => "notResponded",
                RoomResponse::Tentative => "tentativelyAccepted",
            };
            let _ = write!(out, r#"{{"response":"{response}","time":"0001-01-01T00:00:00Z"}}"#);
        }
        _ => out.push_str("null"),
    }
}

/// `freeBusyStatus` of an event.
pub(super) fn show_as(event: &SimEvent) -> &'static str {
    match event.response {
        _ if event.free || event.cancelled => "free",
        RoomResponse::Accepted => "busy",
        RoomResponse::NeedsAction | RoomResponse::Tentative => "tentative",
        RoomResponse::Declined => "free",
    }
}

fn write_properties(out: &mut String, event: &SimEvent, expand: &str) {
    const TEAMS: &str = "String {00020329-0000-0000-c000-000000000046} Name SkypeTeamsMeetingUrl";
    let url = event.conference.as_deref().filter(|_| expand.contains("Name SkypeTeamsMeetingUrl'"));
    let class = expand.contains("'String 0x1a'").then_some("IPM.Appointment");
    let properties = [("String 0x1a", class), (TEAMS, url)];
    let mut before = r#","singleValueExtendedProperties":["#;
    for (id, value) in properties {
        if let Some(value) = value {
            let _ = write!(out, r#"{before}{{"id":"{id}","value":"#);
            string(out, value);
            out.push('}');
            before = ",";
        }
    }
    if before == "," {
        out.push(']');
    }
}

/// A `dateTimeTimeZone` in UTC. Whole days have no zone: they are what they are in the room.
fn time(out: &mut String, at: Timestamp, all_day: bool, zone: &TimeZone) {
    let local = if all_day { zone.to_datetime(at) } else { TimeZone::UTC.to_datetime(at) };
    let _ = write!(
        out,
        r#"{{"dateTime":"{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.0000000","timeZone":"UTC"}}"#,
        local.year(),
        local.month(),
        local.day(),
        local.hour(),
        local.minute(),
        local.second()
    );
}

fn truth(out: &mut String, is: bool) {
    out.push_str(if is { "true" } else { "false" });
}

/// JSON's escapes, and no others: most texts have none.
fn string(out: &mut String, text: &str) {
    out.push('"');
    let mut written = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.push_str(&text[written..at]);
        let _ = write!(out, "\\u{byte:04x}");
        written = at + 1;
    }
    out.push_str(&text[written..]);
    out.push('"');
}
