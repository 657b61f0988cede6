//! The older wire, `POST /bookingsputxml`. In: the bookings as a codec holds them. Out: the body of the request, one bare
//! `<Bookings>` document that replaces the whole list.
//!
//! This interface is not documented. The elements and their order are what every independent sender uses (Cisco's own
//! sample `gve_devnet_roomos_bookings_obtp` among them), measured by others on TC7.3, CE9 and RoomOS. The order is kept.
//!
//! Beside three senders that were written by others and run against real codecs:
//!
//! | | OBTP-emulator (browser) | Mividas Rooms | Cisco's own sample | otj, and why |
//! |---|---|---|---|---|
//! | `item` attributes | everywhere | everywhere | none | everywhere: what the devices themselves write |
//! | content type | `text/plain` | `text/plain` | `application/xml` | `text/xml; charset=utf-8`: devices ignore it, titles are UTF-8 |
//! | organizer | first, last, mail | also `Name` | first, last, mail | first, last, mail: `Name` is the JSON wire's |
//! | end | `EndTime` | also `Duration` | `EndTime` | `EndTime`, whole minutes, as it reads back from the JSON wire |
//! | buffers | 300 s and 0 | minutes of the profile × 60 | 300 s and 0 | minutes of the documents × 60 |
//! | `MaximumMeetingExtension` | 5 | 5 | 5 | 5 |
//! | `Encryption`, `Role`, `Recording` | BestEffort, Master, Disabled | the same | the same | the same |
//! | without an address | not sent | `Call` without protocol | not sent | no `Call`: the meeting is shown, without Join |
//! | web addresses | sent | skipped here | sent | no alias of ours is one |
//! | number | as given | without `sip:` | as given | without scheme, which becomes `Protocol` |
//! | rate | 6000 | when a protocol is set | 6000 | 6000: the device lowers it to what it can |
//! | clears | `Clear` inside `Bookings` | an empty document | `Bookings Clear` over `/putxml` | `Bookings Clear`, and an empty document where that is not known |

use std::fmt::Write as _;

use quick_xml::escape::escape;

use super::fields::{Sent, utc};

/// The document for these bookings; without any it empties the list.
pub(super) fn document(bookings: &[Sent]) -> String {
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Bookings item=\"1\" status=\"OK\">");
    for (index, sent) in bookings.iter().enumerate() {
        booking(&mut xml, index + 1, sent);
    }
    xml.push_str("</Bookings>");
    xml
}

fn booking(xml: &mut String, item: usize, sent: &Sent) {
    // The device splits a name at the first space when it comes as JSON; the same here, so that both wires read back alike.
    let (first, last) = sent.organizer_name.split_once(' ').unwrap_or((&sent.organizer_name, ""));
    open(xml, "Booking", item);
    field(xml, "Id", &sent.id);
    field(xml, "Title", &sent.title);
    field(xml, "Agenda", "");
    field(xml, "Privacy", if sent.private { "Private" } else { "Public" });
    open(xml, "Organizer", 1);
    field(xml, "FirstName", first);
    field(xml, "LastName", last);
    field(xml, "Email", &sent.organizer_email);
    close(xml, "Organizer");
    open(xml, "Time", 1);
    field(xml, "StartTime", &utc(sent.start));
    field(xml, "StartTimeBuffer", &sent.start_buffer_s.to_string());
    field(xml, "EndTime", &utc(sent.end));
    field(xml, "EndTimeBuffer", &sent.end_buffer_s.to_string());
    close(xml, "Time");
    field(xml, "MaximumMeetingExtension", "5");
    field(xml, "BookingStatus", "OK");
    field(xml, "BookingStatusMessage", "");
    open(xml, "Webex", 1);
    field(xml, "Enabled", "False");
    field(xml, "MeetingNumber", "");
    field(xml, "Password", "");
    close(xml, "Webex");
    field(xml, "Encryption", "BestEffort");
    field(xml, "Role", "Master");
    field(xml, "Recording", "Disabled");
    open(xml, "DialInfo", 1);
    open(xml, "Calls", 1);
    if let Some((number, protocol)) = &sent.call {
        open(xml, "Call", 1);
        field(xml, "Number", number);
        field(xml, "Protocol", protocol);
        field(xml, "CallRate", "6000");
        field(xml, "CallType", "Video");
        close(xml, "Call");
    }
    close(xml, "Calls");
    field(xml, "ConnectMode", "OBTP");
    close(xml, "DialInfo");
    close(xml, "Booking");
}

fn open(xml: &mut String, name: &str, item: usize) {
    let _ = write!(xml, "<{name} item=\"{item}\">");
}

fn close(xml: &mut String, name: &str) {
    let _ = write!(xml, "</{name}>");
}

fn field(xml: &mut String, name: &str, text: &str) {
    let _ = write!(xml, "<{name} item=\"1\">{}</{name}>", escape(text));
}
