//! What is sent, to the byte.

use otj::model::device::Wire;
use otj::sim::cisco::Generation;

use super::world::{World, schedule};

const DAY: &str = "
    09:00 60 | Weekly & planning | Ada Lovelace Byron | ada@example.com | 123@vc.example
    11:00 30 private h323 | \"Budget\" | | | 77
    15:00 20 | | Kim | |
";

#[tokio::test]
async fn the_json_wire_sends_one_put_and_one_list() {
    let body = sent(Generation::RoomOs26, Wire::Json).await;
    let (before, rest) = body.split_once("<body>").unwrap();
    let (json, after) = rest.split_once("</body>").unwrap();
    assert_eq!(before, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Command><Bookings><Put command=\"True\">");
    assert_eq!(after, "</Put><List command=\"True\"/></Bookings></Command>");
    assert!(json.contains("&quot;Title&quot;:&quot;Weekly &amp; planning&quot;"), "{json}");
    assert!(json.contains("&quot;Title&quot;:&quot;\\&quot;Budget\\&quot;&quot;"), "{json}");
    let json = quick_xml::escape::unescape(json).unwrap().replace("}},", "}},\n").replace("},{", "},\n{");
    assert_eq!(
        json,
        r#"{"Bookings":[{"Id":"otj-abc123-ID1","Title":"Weekly & planning","Agenda":"","Privacy":"Public","Organizer":{"Name":"Ada Lovelace Byron","Email":"ada@example.com","Id":""},"Time":{"StartTime":"2027-01-04T09:00:00Z","Duration":60,"StartTimeBuffer":300,"EndTimeBuffer":0},"Number":"123@vc.example","Protocol":"SIP","CallType":"Video"},
{"Id":"otj-abc123-ID2","Title":"\"Budget\"","Agenda":"","Privacy":"Private","Organizer":{"Name":"Unknown","Email":"","Id":""},"Time":{"StartTime":"2027-01-04T11:00:00Z","Duration":30,"StartTimeBuffer":300,"EndTimeBuffer":0},"Number":"77","Protocol":"H323","CallType":"Video"},
{"Id":"otj-abc123-ID3","Title":"","Agenda":"","Privacy":"Public","Organizer":{"Name":"Kim","Email":"","Id":""},"Time":{"StartTime":"2027-01-04T15:00:00Z","Duration":20,"StartTimeBuffer":300,"EndTimeBuffer":0},"Number":"","Protocol":"None"}]}"#
    );
}

#[tokio::test]
async fn older_software_is_not_sent_a_protocol_it_does_not_know() {
    for (generation, protocol) in [(Generation::RoomOs11, "SIP"), (Generation::RoomOs26, "None")] {
        let body = sent(generation, Wire::Json).await;
        let expected = format!("&quot;Number&quot;:&quot;&quot;,&quot;Protocol&quot;:&quot;{protocol}&quot;");
        assert!(body.contains(&expected), "{generation:?} {body}");
    }
}

#[tokio::test]
async fn the_xml_wire_sends_one_document_in_the_order_all_senders_use() {
    let body = sent(Generation::Ce8, Wire::Xml).await;
    let first = body.split("<Booking item=\"2\">").next().unwrap().replace(" item=\"1\"", "").replace("><", ">\n<");
    assert_eq!(
        first,
        r#"<?xml version="1.0" encoding="UTF-8"?>
<Bookings status="OK">
<Booking>
<Id>otj-abc123-ID1</Id>
<Title>Weekly &amp; planning</Title>
<Agenda>
</Agenda>
<Privacy>Public</Privacy>
<Organizer>
<FirstName>Ada</FirstName>
<LastName>Lovelace Byron</LastName>
<Email>ada@example.com</Email>
</Organizer>
<Time>
<StartTime>2027-01-04T09:00:00Z</StartTime>
<StartTimeBuffer>300</StartTimeBuffer>
<EndTime>2027-01-04T10:00:00Z</EndTime>
<EndTimeBuffer>0</EndTimeBuffer>
</Time>
<MaximumMeetingExtension>5</MaximumMeetingExtension>
<BookingStatus>OK</BookingStatus>
<BookingStatusMessage>
</BookingStatusMessage>
<Webex>
<Enabled>False</Enabled>
<MeetingNumber>
</MeetingNumber>
<Password>
</Password>
</Webex>
<Encryption>BestEffort</Encryption>
<Role>Master</Role>
<Recording>Disabled</Recording>
<DialInfo>
<Calls>
<Call>
<Number>123@vc.example</Number>
<Protocol>SIP</Protocol>
<CallRate>6000</CallRate>
<CallType>Video</CallType>
</Call>
</Calls>
<ConnectMode>OBTP</ConnectMode>
</DialInfo>
</Booking>"#
    );
    let third = body.split("<Booking item=\"3\">").nth(1).unwrap();
    assert!(third.contains("<Calls item=\"1\"></Calls>"), "no call at all without an address: {third}");
}

/// The first body sent for [`DAY`], with each meeting's id by its place.
async fn sent(generation: Generation, wire: Wire) -> String {
    let mut world = World::of(generation).await;
    world.cisco.wire = wire;
    let day = schedule(DAY);
    world.put(&day).await.unwrap();
    let body = world.bodies().remove(0);
    (1..).zip(&day.bookings).fold(body, |body, (n, booking)| body.replace(booking.id.as_str(), &format!("ID{n}")))
}
