//! Synchronization, subscriptions, tombstones, ids in other spellings: everything that spans several requests.

use std::time::Duration;

use super::desk::{Desk, PASSWORD, booking, code, find, get, ids, items, messages, open, soap, week};
use super::schemas::validated;
use otj::auth::basic;
use otj::ews::told::stream::Stream;
use otj::ews::tree::Element;

const CALENDAR: &str = "<t:DistinguishedFolderId Id=\"calendar\"/>";

fn sync(state: &str, most: usize) -> String {
    let state = if state.is_empty() { String::new() } else { format!("<m:SyncState>{state}</m:SyncState>") };
    format!(
        "<m:SyncFolderItems><m:ItemShape><t:BaseShape>AllProperties</t:BaseShape></m:ItemShape>\
         <m:SyncFolderId>{CALENDAR}</m:SyncFolderId>{state}<m:MaxChangesReturned>{most}</m:MaxChangesReturned></m:SyncFolderItems>"
    )
}

/// The new state, whether that was all, and what happened to which title.
fn changes(answer: &Element) -> (String, bool, Vec<String>) {
    let message = &messages(answer)[0];
    let text = |name: &str| message.child(name).unwrap().text.clone();
    let told = message.child("Changes").unwrap().children.iter().map(|change| {
        let subject = change.at(&["CalendarItem", "Subject"]).map_or("", |subject| subject.text.as_str());
        format!("{} {subject}", change.name)
    });
    (text("SyncState"), text("IncludesLastItemInRange") == "true", told.collect())
}

async fn synced(desk: &Desk, state: &str, most: usize) -> (String, bool, Vec<String>) {
    changes(&desk.ask("fjord", &sync(state, most)).await.1)
}

#[tokio::test]
async fn a_client_gets_what_changed_since_its_state_from_any_node_page_by_page() {
    let desk = open().await;
    desk.publish("fjord", week());
    let (first, all, told) = synced(&desk, "", 2).await;
    assert_eq!((all, told), (false, vec!["Create Weekly status".into(), "Create Private".into()]));
    let (second, all, told) = synced(&desk, &first, 100).await;
    assert_eq!((all, told.len()), (true, 3));
    assert_eq!(synced(&desk, &second, 100).await.2, Vec::<String>::new());

    let mut changed = week();
    changed.remove(3);
    changed[0].end = changed[2].end;
    changed.push(booking("New", "2026-11-27T09:00:00Z", None));
    // Another node, which never saw the client, and which has the new list only.
    let other = open().await;
    other.publish("fjord", changed);
    let (third, all, told) = synced(&other, &second, 100).await;
    assert_eq!((all, told), (true, vec!["Delete ".into(), "Update Weekly status".into(), "Create New".into()]));
    assert_eq!(synced(&other, &third, 100).await.2, Vec::<String>::new());
    assert_eq!(synced(&other, &first, 100).await.2.len(), 4, "an older state is worth what it says");

    for wrong in ["AAAA", "bm9uc2Vuc2U=", &third[..third.len() - 4], &format!("{third}x")] {
        let (_, answer) = other.ask("fjord", &sync(wrong, 100)).await;
        let outcome = code(&answer);
        assert!(["ErrorInvalidSyncStateData", "NoError"].contains(&outcome.as_str()), "{wrong} {outcome}");
    }
    let (_, of_vik) = desk.ask("fjord", &sync("", 5)).await;
    desk.publish("vik", vec![]);
    let (_, stolen) = desk.ask("vik", &sync(&changes(&of_vik).0, 5)).await;
    assert_eq!(code(&stolen), "ErrorInvalidSyncStateData", "a state is of one room");
}

fn subscribe(means: &str) -> String {
    let timeout = if means == "Pull" { "<t:Timeout>10</t:Timeout>" } else { "" };
    format!(
        "<m:Subscribe><m:{means}SubscriptionRequest><t:FolderIds>{CALENDAR}</t:FolderIds><t:EventTypes>\
         <t:EventType>ModifiedEvent</t:EventType></t:EventTypes>{timeout}</m:{means}SubscriptionRequest></m:Subscribe>"
    )
}

fn text(answer: &Element, path: &[&str]) -> String {
    messages(answer)[0].at(path).map(|found| found.text.clone()).unwrap_or_default()
}

#[tokio::test]
async fn a_pull_subscription_tells_that_the_calendar_changed_until_it_is_ended_or_forgotten() {
    let desk = open().await;
    desk.publish("fjord", week());
    let (_, answer) = desk.ask("fjord", &subscribe("Pull")).await;
    let (id, mut watermark) = (text(&answer, &["SubscriptionId"]), text(&answer, &["Watermark"]));
    let events = |watermark: &str| {
        format!(
            "<m:GetEvents><m:SubscriptionId>{id}</m:SubscriptionId><m:Watermark>{watermark}</m:Watermark></m:GetEvents>"
        )
    };
    for (publish, event) in [(false, "StatusEvent"), (true, "ModifiedEvent"), (false, "StatusEvent")] {
        if publish {
            desk.publish("fjord", vec![]);
        }
        let (_, answer) = desk.ask("fjord", &events(&watermark)).await;
        let notification = messages(&answer)[0].child("Notification").unwrap();
        assert_eq!(notification.child("PreviousWatermark").unwrap().text, watermark);
        watermark = notification.at(&[event, "Watermark"]).unwrap().text.clone();
    }
    let (_, foreign) = desk.ask("vik", &events(&watermark)).await;
    assert_eq!(code(&foreign), "ErrorServerBusy", "vik was never read");
    desk.publish("vik", vec![]);
    assert_eq!(code(&desk.ask("vik", &events(&watermark)).await.1), "ErrorSubscriptionNotFound");
    assert_eq!(code(&desk.ask("fjord", &events("bm9uc2Vuc2U=")).await.1), "ErrorInvalidWatermark");
    let end = format!("<m:Unsubscribe><m:SubscriptionId>{id}</m:SubscriptionId></m:Unsubscribe>");
    assert_eq!(code(&desk.ask("fjord", &end).await.1), "NoError");
    assert_eq!(code(&desk.ask("fjord", &events(&watermark)).await.1), "ErrorSubscriptionNotFound");
    assert_eq!(code(&desk.ask("fjord", &end).await.1), "ErrorSubscriptionNotFound");
}

#[tokio::test]
async fn a_stream_begins_at_once_tells_of_a_change_and_ends_when_its_time_is_over() {
    use axum::body::HttpBody as _;
    let desk = open().await;
    desk.publish("fjord", week());
    let (_, answer) = desk.ask("fjord", &soap_free_subscribe()).await;
    let id = text(&answer, &["SubscriptionId"]);
    let request = format!(
        "<m:GetStreamingEvents><m:SubscriptionIds><t:SubscriptionId>{id}</t:SubscriptionId></m:SubscriptionIds>\
         <m:ConnectionTimeout>1</m:ConnectionTimeout></m:GetStreamingEvents>"
    );
    let mut body = Box::pin(desk.direct("fjord", &soap("Exchange2013", &request)).await.into_body());
    let mut stream = Stream::new();
    let mut envelopes = Vec::new();
    tokio::time::pause();
    let begun = tokio::time::Instant::now();
    while let Some(frame) = std::future::poll_fn(|context| body.as_mut().poll_frame(context)).await {
        let bytes = frame.unwrap().into_data().unwrap();
        assert!(stream.feed(&bytes).iter().all(Result::is_ok));
        envelopes.push((begun.elapsed().as_secs(), String::from_utf8(bytes.to_vec()).unwrap()));
        if envelopes.len() == 1 {
            desk.publish("fjord", vec![]);
        }
    }
    let kinds = ["ConnectionStatus>OK", "ModifiedEvent", "StatusEvent", "ConnectionStatus>Closed"];
    assert_eq!(envelopes.len(), kinds.len(), "{envelopes:?}");
    assert!(envelopes.iter().zip(kinds).all(|((_, text), kind)| text.contains(kind)), "{envelopes:?}");
    assert!(envelopes[1].0 <= 1 && envelopes[3].0 <= 61, "{envelopes:?}");
    let asked = soap("Exchange2013", &request);
    let wire: Vec<_> = envelopes.into_iter().map(|(_, text)| (asked.clone(), 200, text)).collect();
    let verdicts = tokio::task::spawn_blocking(move || validated(&wire)).await.unwrap();
    assert!(verdicts.iter().all(|verdict| verdict == "valid"), "{verdicts:?}");
}

fn soap_free_subscribe() -> String {
    subscribe("Streaming")
}

#[tokio::test]
async fn a_device_has_two_streams_at_most_and_none_of_another_room() {
    let desk = open().await;
    desk.publish("fjord", week());
    desk.publish("vik", week());
    let (_, answer) = desk.ask("fjord", &subscribe("Streaming")).await;
    let id = text(&answer, &["SubscriptionId"]);
    let request = soap(
        "Exchange2013",
        &format!(
            "<m:GetStreamingEvents><m:SubscriptionIds><t:SubscriptionId>{id}</t:SubscriptionId></m:SubscriptionIds></m:GetStreamingEvents>"
        ),
    );
    let open = [desk.direct("fjord", &request).await, desk.direct("fjord", &request).await];
    assert!(open.iter().all(|answer| answer.status() == 200));
    assert_eq!(desk.direct("fjord", &request).await.status(), 500);
    drop(open);
    assert_eq!(desk.direct("fjord", &request).await.status(), 200, "a place comes back");
    let answer = desk.post(Some(&basic::header("vik", PASSWORD)), request).await;
    assert_eq!(code(&Element::parse(&answer.body).unwrap()), "ErrorSubscriptionNotFound");
}

#[tokio::test]
async fn a_trio_is_shown_what_was_withdrawn_as_cancelled_and_without_its_title_until_its_end() {
    let desk = open().await;
    let meetings = || {
        vec![
            booking("Merger", "2026-11-23T09:00:00Z", Some("1@vc.example.com")),
            booking("Weekly", "2026-11-23T10:00:00Z", Some("2@vc.example.com")),
        ]
    };
    for room in ["vik", "fjord"] {
        desk.publish(room, meetings());
        desk.publish(room, meetings().split_off(1));
    }
    let day = find("", "2026-11-23", "2026-11-24");
    let (_, trio) = desk.ask("vik", &day).await;
    let shown: Vec<String> = items(&trio)
        .iter()
        .map(|item| ["Subject", "Location", "IsCancelled"].map(|name| item.child(name).unwrap().text.clone()).join("/"))
        .collect();
    assert_eq!(shown, ["//true", "Weekly/sip:2@vc.example.com/false"]);
    let (_, whole) = desk.ask("vik", &get(&ids(items(&trio)))).await;
    let item = messages(&whole)[0].at(&["Items", "CalendarItem"]).unwrap();
    assert_eq!(
        (item.child("Body").unwrap().text.as_str(), item.child("AppointmentState").unwrap().text.as_str()),
        ("", "7")
    );
    assert!(item.child("Organizer").is_none());
    assert_eq!(items(&desk.ask("fjord", &day).await.1).len(), 1, "another family is not told of it");
    // It comes back.
    desk.publish("vik", meetings());
    let (_, back) = desk.ask("vik", &day).await;
    assert!(items(&back).iter().all(|item| item.child("IsCancelled").unwrap().text == "false"));
    // Its time is over.
    desk.publish("vik", vec![]);
    assert_eq!(items(&desk.ask("vik", &day).await.1).len(), 2);
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(95 * 60)).await;
    tokio::time::resume();
    assert_eq!(items(&desk.ask("vik", &day).await.1).len(), 1);
}

#[tokio::test]
async fn ids_that_are_ours_are_respelled_and_others_are_malformed() {
    let desk = open().await;
    desk.publish("fjord", week());
    let folder =
        format!("<m:GetFolder><m:FolderIds>{}</m:FolderIds></m:GetFolder>", "<t:DistinguishedFolderId Id=\"root\"/>");
    let (_, answer) = desk.ask("fjord", &folder).await;
    let root = messages(&answer)[0].at(&["Folders", "Folder", "FolderId"]).unwrap().attribute("Id").unwrap().to_owned();
    let convert = |to: &str, format: &str, id: &str, mailbox: &str| {
        format!(
            "<m:ConvertId DestinationFormat=\"{to}\"><m:SourceIds><t:AlternateId Format=\"{format}\" Id=\"{id}\" Mailbox=\"{mailbox}\"/></m:SourceIds></m:ConvertId>"
        )
    };
    let (_, hex) = desk.ask("fjord", &convert("HexEntryId", "EwsId", &root, "fjord")).await;
    let hex = messages(&hex)[0].child("AlternateId").unwrap();
    assert_eq!(hex.attribute("Mailbox"), Some("room.fjord@example.com"));
    let hex = hex.attribute("Id").unwrap();
    let (_, back) = desk.ask("fjord", &convert("EwsId", "HexEntryId", hex, "room.fjord@example.com")).await;
    assert_eq!(messages(&back)[0].child("AlternateId").unwrap().attribute("Id"), Some(root.as_str()));
    for (to, format, id, mailbox, wanted) in [
        ("EwsId", "EwsId", "bm9uc2Vuc2U=", "fjord", "ErrorInvalidIdMalformed"),
        ("EwsId", "HexEntryId", "0", "fjord", "ErrorInvalidIdMalformed"),
        ("Made", "EwsId", &root, "fjord", "ErrorInvalidIdMalformed"),
        ("EwsId", "EwsId", &root, "vik", "ErrorAccessDenied"),
    ] {
        assert_eq!(code(&desk.ask("fjord", &convert(to, format, id, mailbox)).await.1), wanted, "{to} {format} {id}");
    }
    assert_eq!(code(&desk.ask("vik", &convert("EwsId", "EwsId", &root, "vik")).await.1), "ErrorInvalidIdMalformed");
    let exchanges: Vec<_> = desk.wire.lock().unwrap().clone();
    let verdicts = tokio::task::spawn_blocking(move || validated(&exchanges)).await.unwrap();
    assert!(verdicts.iter().all(|verdict| verdict == "valid"), "{verdicts:?}");
}
