//! Every request is valid in Microsoft's schema of Exchange 2016, in every version and with names that need care.

use otj::ews::ask::items::{CHANGES_MAX, IDS_MAX, ITEMS_MAX, IdForm, Text};
use otj::ews::ask::notices::SUBSCRIPTIONS_MAX;
use otj::ews::ask::{Ask, Header};
use otj::ews::tree::Element;
use otj::ews::version::Version;
use otj::ews::{Operation, Request};
use otj::model::{RoomEmail, Window};

use super::faults;

const IDS: [&str; 3] = ["AAMkADkz+/=", "a&b<c>\"d\"", "ünïcode"];

fn window() -> Window {
    Window { from: "2026-11-22T23:00:00.75Z".parse().unwrap(), to: "2026-12-01T00:00:00Z".parse().unwrap() }
}

fn rooms(count: usize) -> Vec<RoomEmail> {
    (0..count).map(|at| RoomEmail::parse(&format!("o'neill&{at}@example.com")).unwrap()).collect()
}

/// Each operation with little and with much.
fn asks() -> Vec<Ask> {
    let many = |count: usize| vec!["AAMkADkz"; count];
    vec![
        Ask::list(window(), 1000),
        Ask::list(window(), 0),
        Ask::items(&IDS, Text::Html).unwrap(),
        Ask::items(&many(ITEMS_MAX), Text::Plain).unwrap(),
        Ask::sync(None, CHANGES_MAX),
        Ask::sync(Some("H4sIAAA="), 0),
        Ask::sync(Some(""), u32::MAX),
        Ask::convert(&IDS, IdForm::HexEntry, IdForm::Ews, "fjord@example.com").unwrap(),
        Ask::convert(&many(IDS_MAX), IdForm::Ews, IdForm::HexEntry, "fjord@example.com").unwrap(),
        Ask::subscribe_to_stream(),
        Ask::subscribe_to_pull(0),
        Ask::subscribe_to_pull(u32::MAX),
        Ask::events_of(&IDS, 0).unwrap(),
        Ask::events_of(&many(SUBSCRIPTIONS_MAX), u32::MAX).unwrap(),
        Ask::events_since("AAMkADkz", "AQAAAA=="),
        Ask::unsubscribe("a&b"),
        Ask::availability(&rooms(1), window()).unwrap(),
        Ask::availability(&rooms(100), window()).unwrap(),
    ]
}

#[test]
fn every_request_is_valid_in_every_version_and_as_whoever() {
    let mailboxes = rooms(1);
    let versions: Vec<Version> = std::iter::successors(Some(Version::default()), |version| version.older()).collect();
    let mut texts = Vec::new();
    for ask in asks() {
        for version in &versions {
            for mailbox in [None, Some(&mailboxes[0])] {
                texts.push(ask.envelope(&Header { version: *version, mailbox }));
            }
        }
    }
    assert_eq!(texts.len(), 18 * 4 * 2);
    for (fault, text) in faults(&texts).iter().zip(&texts) {
        assert_eq!(fault, "", "\n{text}");
    }
}

#[test]
fn the_validation_can_fail() {
    let header = Header { version: Version::default(), mailbox: None };
    let list = Ask::list(window(), 10).envelope(&header);
    let stream = Ask::events_of(&IDS, 30).unwrap().envelope(&header);
    let texts = [
        list.clone(),
        stream.clone(),
        list.replace("Shallow", "Shalow"),
        list.replace("2026-12-01T00:00:00Z", "tomorrow"),
        list.replace("Exchange2013_SP1", "Exchange1913"),
        list.replace("calendar:Start", "calendar:Begin"),
        list.replace("</s:Body>", "<m:FindItem/></s:Body>"),
        stream.replace(">30<", ">31<"),
    ];
    let good: Vec<bool> = faults(&texts).iter().map(String::is_empty).collect();
    assert_eq!(good, [true, true, false, false, false, false, false, false]);
}

/// What the server of Poly endpoints, which was tried with clients of others, makes of them.
#[test]
fn the_requests_mean_what_they_are_meant_to() {
    let header = Header { version: Version::default(), mailbox: None };
    let read = |ask: Ask| Request::parse(ask.envelope(&header).as_bytes(), &jiff::tz::TimeZone::UTC).unwrap().operation;
    let Operation::FindItem(find) = read(Ask::list(window(), 50)) else { panic!("no FindItem") };
    let whole = Window { from: "2026-11-22T23:00:00Z".parse().unwrap(), to: window().to };
    assert_eq!(find.view, otj::ews::request::View::Calendar(whole, Some(50)));
    assert!(!find.shape.id_only && find.parents.len() == 1);
    let Operation::GetItem(get) = read(Ask::items(&IDS, Text::Html).unwrap()) else { panic!("no GetItem") };
    assert_eq!(get.ids, IDS);
    let Operation::SyncFolderItems { state, .. } = read(Ask::sync(Some("H4s"), 10)) else { panic!("no sync") };
    assert_eq!(state.as_deref(), Some("H4s"));
    for ask in asks() {
        let name = ask.operation();
        let root = Element::parse(ask.envelope(&header).as_bytes()).unwrap();
        let written = &root.child("Body").unwrap().children[0].name;
        assert_eq!(written.trim_end_matches("Request"), name);
    }
}

#[test]
fn every_property_that_a_rule_can_see_is_asked_for() {
    let text = Ask::items(&IDS, Text::Html).unwrap().envelope(&Header { version: Version::default(), mailbox: None });
    for wanted in [
        "PropertyName=\"TeamsVtcConferenceId\" PropertyType=\"String\"",
        "PropertyName=\"TeamsVtcTenantId\"",
        "PropertyName=\"SkypeTeamsMeetingUrl\"",
        "PropertyName=\"OnlineMeetingConfLink\"",
        "PropertyName=\"OnlineMeetingExternalLink\"",
        "PropertyName=\"UCCapabilities\"",
        "item:ItemClass",
        "item:Sensitivity",
        "item:Body",
        "calendar:MyResponseType",
        "calendar:RecurrenceId",
        "<t:BodyType>HTML</t:BodyType>",
    ] {
        assert!(text.contains(wanted), "{wanted}");
    }
}
