//! Asks when many rooms are taken: `GetUserAvailability`.
//!
//! See <https://learn.microsoft.com/exchange/client-developer/web-service-reference/getuseravailability-operation>.

use super::{Ask, AskFault, counted};
use crate::ews::writer::Xml;
use crate::model::{RoomEmail, Window};

/// Most rooms of one request; more are refused (`ErrorMailboxDataArrayTooBig`).
pub const ROOMS_MAX: usize = 100;

/// Longest span unless the server was told otherwise, in days; a longer one is refused (`ErrorTimeIntervalTooBig`).
pub const SPAN_DAYS_MAX: i64 = 42;

impl Ask {
    /// `GetUserAvailability`: when each of at most [`ROOMS_MAX`] rooms is taken within `window`, at most [`SPAN_DAYS_MAX`]. Read
    /// with [`Reply::busy`](crate::ews::told::Reply::busy), which answers in this order.
    ///
    /// Only the spans are asked for. Titles would make the answer several times as long, and who may not see them gets the spans
    /// all the same.
    ///
    /// # Errors
    /// When there are none or too many.
    pub fn availability(rooms: &[RoomEmail], window: Window) -> Result<Self, AskFault> {
        let mut xml = Xml::new();
        xml.open("m:GetUserAvailabilityRequest", &[]);
        utc_zone(&mut xml);
        xml.open("m:MailboxDataArray", &[]);
        for room in counted(rooms, ROOMS_MAX)? {
            xml.open("t:MailboxData", &[]);
            xml.open("t:Email", &[]).text("t:Address", room).close();
            xml.text("t:AttendeeType", "Room").text("t:ExcludeConflicts", false).close();
        }
        xml.close().open("t:FreeBusyViewOptions", &[]).open("t:TimeWindow", &[]);
        xml.text("t:StartTime", local(window.from)).text("t:EndTime", local(window.to)).close();
        // A day, the longest: the merged view is not asked for.
        xml.text("t:MergedFreeBusyIntervalInMinutes", 1440).text("t:RequestedView", "FreeBusy").close().close();
        Ok(Self::of("GetUserAvailability", xml))
    }
}

/// UTC has no summer, but servers want to know when it begins and ends. So it does on two Sundays, by no minute: the form that
/// Microsoft's own client library gives to zones without summer time.
fn utc_zone(xml: &mut Xml) {
    xml.open("t:TimeZone", &[]).text("t:Bias", 0);
    for (half, month) in [("t:StandardTime", 3), ("t:DaylightTime", 10)] {
        xml.open(half, &[]).text("t:Bias", 0).text("t:Time", "02:00:00");
        xml.text("t:DayOrder", 1).text("t:Month", month).text("t:DayOfWeek", "Sunday").close();
    }
    xml.close();
}

/// Times of this one operation are local to the zone that it names.
fn local(at: jiff::Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S").to_string()
}
