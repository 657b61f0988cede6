//! What a codec holds. In: the result of `Bookings List`. Out: one [`Seen`] per booking, ours and others'.
//!
//! Firmware differs in where it puts the bookings and in what it leaves out (no `Protocol` from RoomOS, no `Email` from TC),
//! so any element named `Booking` counts, and what is missing stays missing.

use jiff::{SignedDuration, Timestamp};

use super::element::Element;
use super::fields::{owner_of, tidy};
use crate::model::{Confidential, MeetingId};

/// One answer to `Bookings List`, with what the device is.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Listing {
    /// In the device's order.
    pub bookings: Vec<Seen>,
    /// The device's serial number, where it told one.
    pub serial: Option<String>,
    /// Its software version as it writes it.
    pub software: Option<String>,
    /// Seconds since it started: smaller than last time means that it has forgotten its list.
    pub uptime_s: Option<u64>,
    /// Its `Date` header. Good enough to see a clock that is wrong, never to correct ours.
    pub date: Option<Timestamp>,
}

/// One booking on a device.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Seen {
    /// Its id, as the device gives it. From outside, escape it.
    pub id: String,
    /// The meeting it stands for, when this deployment put it.
    pub ours: Option<MeetingId>,
    /// Which deployment of otj put it; `None`: something else did.
    pub deployment: Option<String>,
    /// Its title.
    pub title: Confidential,
    /// Start, whole seconds; `None` where it cannot be read.
    pub start: Option<Timestamp>,
    /// End, whole seconds.
    pub end: Option<Timestamp>,
    /// The first number Join dials; `None`: no Join button.
    pub number: Option<Confidential>,
    /// Marked private; `None` where the device does not say.
    pub private: Option<bool>,
    /// Join is offered this many seconds before the start; `None` where the device does not say.
    pub start_buffer_s: Option<u32>,
}

/// The bookings anywhere inside `result`; `deployment` says which of them are ours.
pub(in crate::endpoint) fn bookings(result: &Element, deployment: &str) -> Vec<Seen> {
    let is_booking = |element: &&Element| element.name == "Booking" && element.at(&["Id"]).is_some();
    result.walk().into_iter().filter(is_booking).map(|booking| seen(booking, deployment)).collect()
}

fn seen(booking: &Element, deployment: &str) -> Seen {
    let id = booking.text_at(&["Id"]).to_owned();
    let owner = owner_of(deployment, &id);
    let start = time(booking.text_at(&["Time", "StartTime"]));
    let minutes: Option<i64> = booking.text_at(&["Time", "Duration"]).parse().ok();
    let after = |minutes| start.and_then(|start| start.checked_add(SignedDuration::from_mins(minutes)).ok());
    Seen {
        ours: owner.as_ref().filter(|(of, _)| *of == deployment).map(|(_, meeting)| meeting.clone()),
        deployment: owner.map(|(of, _)| of.to_owned()),
        title: Confidential::new(tidy(booking.text_at(&["Title"]))),
        start,
        end: time(booking.text_at(&["Time", "EndTime"])).or_else(|| minutes.and_then(after)),
        number: number(booking),
        private: match booking.text_at(&["Privacy"]) {
            "" => None,
            privacy => Some(privacy.eq_ignore_ascii_case("Private")),
        },
        start_buffer_s: booking.text_at(&["Time", "StartTimeBuffer"]).parse().ok(),
        id,
    }
}

/// The first call's number, or the flat one of the JSON form, without the scheme some firmware adds.
fn number(booking: &Element) -> Option<Confidential> {
    let call = booking.text_at(&["DialInfo", "Calls", "Call", "Number"]);
    let number = if call.is_empty() { booking.text_at(&["Number"]) } else { call };
    let lower = number.to_ascii_lowercase();
    let scheme = ["sip:", "sips:", "h323:"].into_iter().find(|scheme| lower.starts_with(scheme));
    let number = &number[scheme.map_or(0, str::len)..];
    (!number.is_empty()).then(|| Confidential::new(number))
}

fn time(text: &str) -> Option<Timestamp> {
    let exact: Timestamp = text.parse().ok()?;
    Timestamp::from_second(exact.as_second()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::RoomEmail;

    #[test]
    fn bookings_are_found_wherever_they_stand_and_told_apart_by_their_ids() {
        let id = MeetingId::new(&RoomEmail::parse("fjord@example.com").unwrap(), "u1", None);
        let xml = format!(
            r#"<Command><BookingsListResult status="OK"><ResultInfo><TotalRows>4</TotalRows></ResultInfo>
              <Booking item="1" maxOccurrence="n"><Id>otj-abc123-{id}</Id><Title>  Budget
                 round </Title><Privacy>Private</Privacy>
                <Time><StartTime>2027-01-04T09:00:00.4Z</StartTime><StartTimeBuffer>300</StartTimeBuffer><EndTime>2027-01-04T10:00:00Z</EndTime></Time>
                <DialInfo><Calls><Call><Number>sip:1@vc.example</Number></Call><Call><Number>2</Number></Call></Calls></DialInfo></Booking>
              <List><Booking><Id>otj-my-lab-{id}-2</Id><Time><StartTime>2027-01-04T09:00:00Z</StartTime><Duration>30</Duration></Time><Number>3</Number></Booking></List>
              <Booking><Id>webex-7</Id><Time><StartTime>soon</StartTime></Time></Booking>
              <Booking><Title>no id</Title></Booking>
            </BookingsListResult></Command>"#
        );
        let seen = bookings(&Element::parse(xml.as_bytes()).unwrap(), "abc123");
        let lines: Vec<String> = seen
            .iter()
            .map(|seen| {
                let text = |text: &Option<Confidential>| text.as_ref().map(|text| text.expose().to_owned());
                format!(
                    "{:?} {:?} {:?} {:?} {:?} {:?} {:?}",
                    seen.ours.is_some(),
                    seen.deployment.as_deref(),
                    seen.title.expose(),
                    seen.end.map(|end| end.to_string()),
                    text(&seen.number),
                    seen.private,
                    seen.start_buffer_s
                )
            })
            .collect();
        assert_eq!(
            lines,
            [
                r#"true Some("abc123") "Budget round" Some("2027-01-04T10:00:00Z") Some("1@vc.example") Some(true) Some(300)"#,
                r#"false Some("my-lab") "" Some("2027-01-04T09:30:00Z") Some("3") None None"#,
                r#"false None "" None None None None"#,
            ]
        );
    }
}
