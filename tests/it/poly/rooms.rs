//! What a room's device sees, and what it never sees.

use super::desk::{PASSWORD, booking, code, find, get, ids, items, messages, open, open_with, soap, week};
use otj::auth::basic;
use otj::endpoint::poly::Scheme;
use otj::ews::tree::Element;
use otj::model::device::PolyEmit;

fn subjects(answer: &Element) -> Vec<&str> {
    items(answer).iter().map(|item| item.child("Subject").unwrap().text.as_str()).collect()
}

#[tokio::test]
async fn a_device_lists_the_span_it_asks_for_and_gets_the_address_in_every_form() {
    let desk = open().await;
    desk.publish("fjord", week());
    let (status, two_days) = desk.ask("fjord", &find("", "2026-11-23", "2026-11-25")).await;
    assert_eq!((status, subjects(&two_days)), (200, vec!["Weekly status", "Private", "Offsite"]));
    let first = &items(&two_days)[0];
    assert_eq!(first.child("Location").unwrap().text, "sip:meet.1234@vc.example.com");
    assert_eq!(first.at(&["Organizer", "Mailbox", "Name"]).unwrap().text, "Ada Example");
    assert!(first.child("Body").is_none());
    assert_eq!(items(&two_days)[1].child("Sensitivity").unwrap().text, "Private");
    assert_eq!(items(&two_days)[2].child("IsAllDayEvent").unwrap().text, "true");

    let (_, whole) = desk.ask("fjord", &get(&ids(items(&two_days)))).await;
    let bodies: Vec<&str> = messages(&whole)
        .iter()
        .map(|message| message.at(&["Items", "CalendarItem", "Body"]).unwrap().text.as_str())
        .collect();
    assert!(bodies[0].starts_with("Join: sip:meet.1234@vc.example.com\n\n--=BEGIN POLYCOM VMR ENCODED TOKEN=--\n"));
    assert_eq!(bodies[2], "", "no alias, no text");

    let (_, empty) = desk.ask("fjord", &find("", "2030-01-01", "2030-01-02")).await;
    assert!(items(&empty).is_empty());
}

#[tokio::test]
async fn an_endpoint_is_given_the_address_only_in_the_forms_it_is_set_to() {
    let emit = PolyEmit { location_uri: false, body_uri: true, vmr_token: false };
    let desk = open_with(&[Scheme::Basic], emit).await;
    desk.publish("fjord", week());
    let (_, listed) = desk.ask("fjord", &find("", "2026-11-23", "2026-11-24")).await;
    assert_eq!(items(&listed)[0].child("Location").unwrap().text, "");
    let (_, whole) = desk.ask("fjord", &get(&ids(items(&listed)))).await;
    let body = messages(&whole)[0].at(&["Items", "CalendarItem", "Body"]).unwrap();
    assert_eq!(body.text, "Join: sip:meet.1234@vc.example.com");
}

/// Everything a device could find to dial in a text, as generously as one may.
fn dialable(text: &str) -> Vec<String> {
    let patterns = [r"(?i)\b(sips?|h323|tel|callto)\s*:", r"[^\s@<>]+@[^\s@<>]+", r"(?:\d[\s().,/+\-]{0,3}){7,}"];
    let found = |pattern: &str| {
        let pattern = regex::Regex::new(pattern).unwrap();
        pattern.find_iter(text).map(|found| found.as_str().to_owned()).collect::<Vec<_>>()
    };
    patterns.iter().flat_map(|pattern| found(pattern)).collect()
}

/// The texts that a device shows or searches.
fn texts(element: &Element, found: &mut Vec<String>) {
    if ["Subject", "Body", "Location", "Name", "DisplayTo", "DisplayCc", "EmailAddress"]
        .contains(&element.name.as_str())
    {
        found.push(element.text.clone());
    }
    element.children.iter().for_each(|child| texts(child, found));
}

#[tokio::test]
async fn nothing_that_people_wrote_is_dialable() {
    let desk = open().await;
    let mut bait = booking("Call sip:x@evil.example +1 900 555 0100", "2026-11-23T09:00:00Z", None);
    bait.organizer_name = otj::model::Confidential::new("tel:19005550100 | h323:evil@evil.example");
    let mut nameless = booking("", "2026-11-23T10:00:00Z", None);
    nameless.organizer_name = otj::model::Confidential::default();
    desk.publish("fjord", vec![bait, nameless]);
    let (_, listed) = desk.ask("fjord", &find("", "2026-11-23", "2026-11-24")).await;
    let (_, whole) = desk.ask("fjord", &get(&ids(items(&listed)))).await;
    for answer in [&listed, &whole] {
        let mut seen = Vec::new();
        texts(answer, &mut seen);
        assert!(seen.iter().any(|text| text.contains("evil[at]evil.example")), "the check sees the texts");
        let found: Vec<String> = seen.iter().flat_map(|text| dialable(text)).collect();
        assert!(found.is_empty(), "{found:?}");
        assert!(!seen.iter().any(|text| text.contains('|')));
    }
    assert!(!dialable("Call sip:x@evil.example +1 900 555 0100").is_empty(), "the check can fail");
}

#[tokio::test]
async fn one_login_sees_one_room_and_any_other_mailbox_looks_the_same() {
    let desk = open().await;
    desk.publish("fjord", week());
    desk.publish("vik", vec![booking("Secret of vik", "2026-11-23T09:00:00Z", Some("7@vc.example.com"))]);
    for own in ["", "room.fjord@example.com", "Room.Fjord@EXAMPLE.com", "fjord", r"CORP\fjord", "fjord@corp.example"] {
        let (_, answer) = desk.ask("fjord", &find(own, "2026-11-23", "2026-11-24")).await;
        assert_eq!(subjects(&answer), ["Weekly status"], "{own}");
    }
    let mut refusals = Vec::new();
    for other in ["room.vik@example.com", "nobody@example.com", "vik", r"fjord\vik", "fjord@x@y", "' or 1=1"] {
        let (status, answer) = desk.ask("fjord", &find(other, "2026-11-23", "2026-11-24")).await;
        assert_eq!((status, code(&answer).as_str()), (200, "ErrorAccessDenied"), "{other}");
        refusals.push(desk.wire.lock().unwrap().last().unwrap().2.clone());
    }
    refusals.dedup();
    assert_eq!(refusals.len(), 1, "existing and invented mailboxes are told apart by nothing");

    let (_, of_vik) = desk.ask("vik", &find("", "2026-11-23", "2026-11-24")).await;
    let (_, stolen) = desk.ask("fjord", &get(&ids(items(&of_vik)))).await;
    assert_eq!(code(&stolen), "ErrorItemNotFound");
    let folder = "<m:GetFolder><m:FolderShape><t:BaseShape>Default</t:BaseShape></m:FolderShape><m:FolderIds>{}</m:FolderIds></m:GetFolder>";
    let calendar = folder.replace("{}", "<t:DistinguishedFolderId Id=\"calendar\"/>");
    let (_, of_vik) = desk.ask("vik", &calendar).await;
    let id = messages(&of_vik)[0].at(&["Folders", "CalendarFolder", "FolderId"]).unwrap().attribute("Id").unwrap();
    let (_, stolen) = desk.ask("fjord", &folder.replace("{}", &format!("<t:FolderId Id=\"{id}\"/>"))).await;
    assert_eq!(code(&stolen), "ErrorFolderNotFound");

    let header = "<s:Header><t:ExchangeImpersonation><t:ConnectingSID><t:SmtpAddress>room.vik@example.com</t:SmtpAddress></t:ConnectingSID></t:ExchangeImpersonation></s:Header><s:Body>";
    let impersonating = soap("", &find("", "2026-11-23", "2026-11-24")).replace("<s:Body>", header);
    let answer = desk.post(Some(&basic::header("fjord", PASSWORD)), impersonating).await;
    assert_eq!(
        (answer.status.as_u16(), code(&Element::parse(&answer.body).unwrap()).as_str()),
        (500, "ErrorAccessDenied")
    );
    assert!(
        !desk.wire.lock().unwrap().iter().any(|(asked, _, said)| asked.contains("fjord") && said.contains("Secret"))
    );
}

#[tokio::test]
async fn before_the_room_was_ever_read_a_device_is_told_to_come_back_and_never_gets_an_empty_list() {
    let desk = open().await;
    let sync = "<m:SyncFolderItems><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape><m:SyncFolderId><t:DistinguishedFolderId Id=\"calendar\"/></m:SyncFolderId><m:MaxChangesReturned>10</m:MaxChangesReturned></m:SyncFolderItems>";
    for request in [&find("", "2026-11-23", "2026-11-24"), &get(&["aS54".into()]), sync] {
        let (status, answer) = desk.ask("fjord", request).await;
        assert_eq!((status, code(&answer).as_str()), (500, "ErrorServerBusy"));
        let wait = answer.at(&["Body", "Fault", "detail", "MessageXml", "Value"]).unwrap();
        assert_eq!((wait.attribute("Name"), wait.text.as_str()), (Some("BackOffMilliseconds"), "15000"));
    }
    desk.publish("fjord", vec![]);
    let (status, answer) = desk.ask("fjord", &find("", "2026-11-23", "2026-11-24")).await;
    assert_eq!((status, items(&answer).len()), (200, 0));
}

#[tokio::test]
async fn ids_stay_and_the_change_key_follows_what_is_seen() {
    let desk = open().await;
    let mut meeting = booking("Weekly status", "2026-11-23T09:00:00Z", Some("1@vc.example.com"));
    let mut keys = Vec::new();
    let mut seen_ids = Vec::new();
    for edit in 0..3 {
        match edit {
            1 => meeting.last_modified = None,
            2 => meeting.call = None,
            _ => {}
        }
        desk.publish("fjord", vec![meeting.clone()]);
        let (_, answer) = desk.ask("fjord", &find("", "2026-11-23", "2026-11-24")).await;
        seen_ids.extend(ids(items(&answer)));
        keys.push(items(&answer)[0].child("ItemId").unwrap().attribute("ChangeKey").unwrap().to_owned());
    }
    seen_ids.dedup();
    assert_eq!(seen_ids.len(), 1);
    assert_eq!(keys[0], keys[1], "the change time is not seen");
    assert_ne!(keys[1], keys[2], "the button is");
}
