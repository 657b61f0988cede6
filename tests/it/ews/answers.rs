//! What is made of answers: text in, text out. Every answer here that a server could send is valid in Microsoft's schema.

use otj::ews::code::Class;
use otj::ews::told::item::Item;
use otj::ews::told::items::NoItem;
use otj::ews::told::{Reply, Said, ToldFault};
use otj::model::{Body, Busy};

use super::{answer, failure, faults, soap, success};

const MEETING: &str = "<t:CalendarItem><t:ItemId Id=\"i1\" ChangeKey=\"c1\"/><t:ItemClass>IPM.Appointment</t:ItemClass>\
     <t:Subject>Weekly &amp; more</t:Subject><t:Sensitivity>Private</t:Sensitivity>\
     <t:Body BodyType=\"HTML\">&lt;p&gt;Join&lt;/p&gt;</t:Body><t:ExtendedProperty><t:ExtendedFieldURI \
     DistinguishedPropertySetId=\"PublicStrings\" PropertyName=\"TeamsVtcConferenceId\" PropertyType=\"String\"/>\
     <t:Value>1180001</t:Value></t:ExtendedProperty><t:ExtendedProperty><t:ExtendedFieldURI \
     PropertySetId=\"00020329-0000-0000-c000-000000000046\" PropertyName=\"UCCapabilities\" PropertyType=\"String\"/>\
     <t:Value>&lt;x/&gt;</t:Value></t:ExtendedProperty><t:ExtendedProperty><t:ExtendedFieldURI \
     DistinguishedPropertySetId=\"Meeting\" PropertyName=\"UCCapabilities\" PropertyType=\"String\"/>\
     <t:Value>no</t:Value></t:ExtendedProperty><t:LastModifiedTime>2026-11-20T08:00:00Z</t:LastModifiedTime>\
     <t:UID>u1</t:UID><t:RecurrenceId>2026-11-23T08:00:00Z</t:RecurrenceId><t:Start>2026-11-23T09:00:00Z</t:Start>\
     <t:End>2026-11-23T10:30:00+01:00</t:End><t:OriginalStart>2026-11-23T08:00:01Z</t:OriginalStart>\
     <t:IsAllDayEvent>false</t:IsAllDayEvent><t:LegacyFreeBusyStatus>Tentative</t:LegacyFreeBusyStatus>\
     <t:Location>Fjord</t:Location><t:IsCancelled>false</t:IsCancelled><t:IsRecurring>true</t:IsRecurring>\
     <t:CalendarItemType>Exception</t:CalendarItemType><t:MyResponseType>NoResponseReceived</t:MyResponseType>\
     <t:Organizer><t:Mailbox><t:Name>Ada</t:Name><t:EmailAddress>ada@example.com</t:EmailAddress><t:RoutingType>SMTP</t:RoutingType>\
     </t:Mailbox></t:Organizer><t:StartTimeZone Id=\"W. Europe Standard Time\" Name=\"(UTC+01:00) Oslo\"/></t:CalendarItem>";

/// A meeting of which only this is told.
fn meeting(inside: &str) -> String {
    format!("<t:CalendarItem><t:ItemId Id=\"i\" ChangeKey=\"c\"/>{inside}</t:CalendarItem>")
}

fn found(attributes: &str, items: &str) -> String {
    let folder = format!("<m:RootFolder {attributes}><t:Items>{items}</t:Items></m:RootFolder>");
    answer("FindItem", &[success("FindItem", &folder)])
}

fn got(items: &[&str]) -> String {
    let message = |item: &&str| success("GetItem", &format!("<m:Items>{item}</m:Items>"));
    answer("GetItem", &items.iter().map(message).collect::<Vec<_>>())
}

fn available(responses: &str) -> String {
    soap(&format!(
        "<m:GetUserAvailabilityResponse><m:FreeBusyResponseArray>{responses}</m:FreeBusyResponseArray></m:GetUserAvailabilityResponse>"
    ))
}

/// One room's part of it.
fn view(kind: &str, events: &str) -> String {
    format!(
        "<m:FreeBusyResponse><m:ResponseMessage ResponseClass=\"Success\"><m:ResponseCode>NoError</m:ResponseCode></m:ResponseMessage>\
         <m:FreeBusyView><t:FreeBusyViewType>{kind}</t:FreeBusyViewType>{events}</m:FreeBusyView></m:FreeBusyResponse>"
    )
}

fn taken(start: &str, end: &str, kind: &str) -> String {
    format!(
        "<t:CalendarEvent><t:StartTime>{start}</t:StartTime><t:EndTime>{end}</t:EndTime><t:BusyType>{kind}</t:BusyType></t:CalendarEvent>"
    )
}

fn no_view() -> String {
    "<m:FreeBusyResponse><m:ResponseMessage ResponseClass=\"Error\"><m:MessageText>Unable to resolve.</m:MessageText>\
     <m:ResponseCode>ErrorMailRecipientNotFound</m:ResponseCode><m:DescriptiveLinkKey>0</m:DescriptiveLinkKey></m:ResponseMessage>\
     </m:FreeBusyResponse>"
        .into()
}

fn read(text: &str) -> Result<Reply, ToldFault> {
    Reply::read(text.as_bytes())
}

fn only(text: &str) -> Item {
    read(text).unwrap().items(1).unwrap().remove(0).unwrap()
}

/// Everything that is told of a meeting, but what was not.
fn shown(item: &Item) -> String {
    let mut told = vec![format!("{}/{}", item.key.id, item.key.change_key)];
    told.extend(item.occurrence.map(|it| it.name().to_owned()));
    told.extend(item.uid.clone());
    told.extend(item.original_start.map(|at| format!("first {at}")));
    told.extend(item.start.map(|at| format!("from {at}")));
    told.extend(item.end.map(|at| format!("to {at}")));
    let flags =
        [(item.all_day, "whole days"), (item.cancelled, "cancelled"), (item.recurring == Some(true), "recurring")];
    told.extend(flags.iter().filter(|(holds, _)| *holds).map(|(_, name)| (*name).to_owned()));
    told.extend(item.sensitivity.map(|it| it.name().to_owned()));
    told.extend(item.show.map(|it| format!("shows {it:?}")));
    told.extend(item.response.map(|it| format!("said {it:?}")));
    let texts = [&item.subject, &item.location, &item.organizer.name, &item.organizer.email];
    told.extend(texts.iter().map(|text| text.expose().to_owned()).filter(|text| !text.is_empty()));
    told.extend(match &item.body {
        Body::None => None,
        Body::Text(text) => Some(format!("text {}", text.expose())),
        Body::Html(text) => Some(format!("html {}", text.expose())),
    });
    told.extend(item.item_class.clone());
    told.extend(item.time_zone.clone());
    told.extend(item.last_modified.map(|at| format!("changed {at}")));
    told.extend(item.properties.iter().map(|(name, value)| format!("{name}={}", value.expose())));
    told.join(", ")
}

#[test]
fn a_meeting_is_told_with_everything_that_was_asked_for() {
    assert_eq!(
        shown(&only(&got(&[MEETING]))),
        "i1/c1, Exception, u1, first 2026-11-23T08:00:00Z, from 2026-11-23T09:00:00Z, to 2026-11-23T09:30:00Z, recurring, Private, \
         shows Tentative, said NoResponseReceived, Weekly & more, Fjord, Ada, ada@example.com, html <p>Join</p>, IPM.Appointment, \
         W. Europe Standard Time, changed 2026-11-20T08:00:00Z, teams_vtc_conference_id=1180001, uc_capabilities=<x/>"
    );
    assert_eq!(read(&got(&[MEETING])).unwrap().server().unwrap().to_string(), "15.1.2507.6");
}

#[test]
fn what_is_absent_stays_absent_and_what_nobody_knows_is_taken_carefully() {
    for (inside, expected) in [
        ("", "i/c"),
        ("<t:Subject/>", "i/c"),
        ("<t:Body BodyType=\"Text\"> a\n b </t:Body>", "i/c, text a\n b"),
        ("<t:Body BodyType=\"HTML\"/>", "i/c"),
        ("<t:Body>a &lt;br&gt;</t:Body>", "i/c, html a <br>"),
        ("<t:Start>2026-11-23T09:00:00</t:Start>", "i/c, from 2026-11-23T09:00:00Z"),
        ("<t:Start>2026-11-23T09:00:00.0000000-05:00</t:Start>", "i/c, from 2026-11-23T14:00:00Z"),
        ("<t:OriginalStart>2026-11-23T09:00:00Z</t:OriginalStart>", "i/c, first 2026-11-23T09:00:00Z"),
        ("<t:IsAllDayEvent>1</t:IsAllDayEvent><t:IsCancelled>true</t:IsCancelled>", "i/c, whole days, cancelled"),
        ("<t:Sensitivity>Secret</t:Sensitivity>", "i/c, Confidential"),
        ("<t:LegacyFreeBusyStatus>Dreaming</t:LegacyFreeBusyStatus>", "i/c, shows NoData"),
        ("<t:MyResponseType>Perhaps</t:MyResponseType>", "i/c, said Unknown"),
        ("<t:LastModifiedTime>yesterday</t:LastModifiedTime>", "i/c"),
        (
            "<t:Organizer><t:Mailbox><t:Name>Ada</t:Name><t:EmailAddress>/o=Example/cn=ada</t:EmailAddress><t:RoutingType>EX</t:RoutingType></t:Mailbox></t:Organizer>",
            "i/c, Ada",
        ),
        ("<t:OfTomorrow><t:Subject>x</t:Subject></t:OfTomorrow>", "i/c"),
    ] {
        assert_eq!(shown(&only(&got(&[&meeting(inside)]))), expected, "{inside}");
    }
}

#[test]
fn a_meeting_with_a_part_of_another_form_is_broken_and_the_others_are_not() {
    let uid = "<t:UID>u</t:UID>";
    for inside in [
        "<t:Start>soon</t:Start>",
        "<t:End>2026-02-30T09:00:00Z</t:End>",
        "<t:RecurrenceId>x</t:RecurrenceId>",
        "<t:IsAllDayEvent>maybe</t:IsAllDayEvent>",
        "<t:IsCancelled>2</t:IsCancelled>",
        "<t:CalendarItemType>Rumour</t:CalendarItemType>",
    ] {
        let listed = format!("{MEETING}{}{MEETING}", meeting(&format!("{uid}{inside}")));
        let found = read(&found("IncludesLastItemInRange=\"true\"", &listed)).unwrap().found().unwrap();
        let good: Vec<bool> = found.entries.iter().map(Result::is_ok).collect();
        assert_eq!(good, [true, false, true], "{inside}");
        let broken = found.entries[1].as_ref().unwrap_err();
        assert_eq!((broken.uid.as_deref(), broken.key.as_ref().unwrap().id.as_str()), (Some("u"), "i"), "{inside}");
    }
}

#[test]
fn a_list_is_complete_only_when_it_says_so() {
    let one = meeting("");
    for (attributes, items, complete, count) in [
        ("TotalItemsInView=\"1\" IncludesLastItemInRange=\"true\"", one.as_str(), true, 1),
        ("TotalItemsInView=\"0\" IncludesLastItemInRange=\"true\"", "", true, 0),
        ("IncludesLastItemInRange=\"1\"", "<t:Message/><t:MeetingRequest/>", true, 0),
        ("TotalItemsInView=\"9\" IncludesLastItemInRange=\"false\"", &one, false, 1),
        ("TotalItemsInView=\"1\"", &one, false, 1),
        ("IncludesLastItemInRange=\"yes\"", &one, false, 1),
    ] {
        let found = read(&found(attributes, items)).unwrap().found().unwrap();
        assert_eq!((found.complete, found.entries.len()), (complete, count), "{attributes}");
    }
    let unknown = read(&found("IncludesLastItemInRange=\"true\"", "<t:Hologram/>")).unwrap().found().unwrap();
    assert!(unknown.entries[0].is_err());
    let none = read(&answer("FindItem", &[success("FindItem", "")])).unwrap();
    assert_eq!(none.found(), Err(ToldFault::Lacking("RootFolder")));
}

/// A batch in which one item is gone, one is broken, and the rest was not looked at.
fn mixed() -> String {
    let empty = "<m:Items/>";
    answer(
        "GetItem",
        &[
            success("GetItem", &format!("<m:Items>{MEETING}</m:Items>")),
            failure("GetItem", "Error", "ErrorItemNotFound", empty),
            failure("GetItem", "Error", "ErrorItemCorrupt", empty),
            success("GetItem", empty),
            failure("GetItem", "Error", "ErrorMailboxStoreUnavailable", empty),
            failure("GetItem", "Warning", "ErrorBatchProcessingStopped", empty),
        ],
    )
}

#[test]
fn one_item_that_fails_costs_the_others_nothing() {
    let items = read(&mixed()).unwrap().items(6).unwrap();
    let told: Vec<String> = items
        .iter()
        .map(|item| match item {
            Ok(item) => item.key.id.clone(),
            Err(NoItem::Said(said)) => format!("{} {:?}", said.code(), said.class()),
            Err(NoItem::Broken(_)) => "broken".into(),
        })
        .collect();
    assert_eq!(
        told,
        [
            "i1",
            "ErrorItemNotFound Permission",
            "ErrorItemCorrupt Item",
            "broken",
            "ErrorMailboxStoreUnavailable Transient",
            "ErrorBatchProcessingStopped Transient"
        ]
    );
    let gone: Vec<bool> = items.iter().map(|item| item.as_ref().is_err_and(NoItem::is_not_there)).collect();
    assert_eq!(gone, [false, true, false, false, false, false]);
    for asked in [5, 7] {
        assert!(read(&mixed()).unwrap().items(asked).is_err(), "{asked}");
    }
}

fn fault(detail: &str) -> String {
    soap(&format!(
        "<s:Fault><faultcode xmlns:a=\"x\">a:ErrorServerBusy</faultcode><faultstring>hunter2</faultstring><detail>{detail}</detail></s:Fault>"
    ))
}

#[test]
fn a_fault_tells_its_code_and_when_to_come_back() {
    let detail = |code: &str, values: &str| {
        let xml = if values.is_empty() { String::new() } else { format!("<t:MessageXml>{values}</t:MessageXml>") };
        fault(&format!(
            "<e:ResponseCode xmlns:e=\"y\">{code}</e:ResponseCode><e:Message xmlns:e=\"y\">hunter2</e:Message>{xml}"
        ))
    };
    let value = |name: &str, text: &str| format!("<t:Value Name=\"{name}\">{text}</t:Value>");
    let soap_12 = "<Envelope xmlns=\"http://www.w3.org/2003/05/soap-envelope\"><Body><Fault><Code><Value>Sender</Value><Subcode><Value>t:ErrorInvalidServerVersion</Value></Subcode></Code><Detail/></Fault></Body></Envelope>";
    for (text, code, class, seconds) in [
        (
            detail("ErrorServerBusy", &value("BackOffMilliseconds", "30000")),
            "ErrorServerBusy",
            Class::Transient,
            Some(30),
        ),
        (detail("ErrorServerBusy", ""), "ErrorServerBusy", Class::Transient, None),
        (detail("ErrorServerBusy", &value("BackOffMilliseconds", "-1")), "ErrorServerBusy", Class::Transient, None),
        (
            detail("ErrorServerBusy", &value("BackOffMilliseconds", "99999999999999")),
            "ErrorServerBusy",
            Class::Transient,
            Some(3600),
        ),
        (
            detail("ErrorInternalServerError", &value("InnerErrorResponseCode", "ErrorMailboxMoveInProgress")),
            "ErrorMailboxMoveInProgress",
            Class::Moved,
            None,
        ),
        (
            detail("ErrorInternalServerError", &value("InnerErrorResponseCode", "NoError")),
            "ErrorInternalServerError",
            Class::Transient,
            None,
        ),
        (detail("ErrorImpersonateUserDenied", ""), "ErrorImpersonateUserDenied", Class::Permission, None),
        (detail("ErrorOf<!-- -->Tomorrow", ""), "ErrorOfTomorrow", Class::Transient, None),
        (fault(""), "ErrorServerBusy", Class::Transient, None),
        (soap("<s:Fault/>"), "Fault", Class::Transient, None),
        (soap_12.into(), "ErrorInvalidServerVersion", Class::Version, None),
    ] {
        let Err(ToldFault::Said(said)) = read(&text).map(|_| ()) else { panic!("{text}") };
        let back_off = said.back_off().map(|pause| pause.as_secs());
        assert_eq!((said.code(), said.class(), back_off), (code, class, seconds), "{text}");
        assert!(!format!("{said} {said:?}").contains("hunter2"));
    }
}

#[test]
fn pauses_are_asked_for_in_response_messages_too() {
    let busy = "<m:MessageXml><t:Value Name=\"BackOffMilliseconds\">297749</t:Value></m:MessageXml>";
    let text = answer("FindItem", &[failure("FindItem", "Error", "ErrorServerBusy", busy)]);
    let Err(ToldFault::Said(said)) = read(&text).unwrap().found() else { panic!("{text}") };
    assert_eq!(said.back_off(), Some(std::time::Duration::from_millis(297_749)));
}

fn synced() -> String {
    let changes = "<t:Create><t:CalendarItem><t:ItemId Id=\"a\" ChangeKey=\"1\"/></t:CalendarItem></t:Create>\
                   <t:Update><t:CalendarItem><t:ItemId Id=\"b\" ChangeKey=\"2\"/></t:CalendarItem></t:Update>\
                   <t:Delete><t:ItemId Id=\"c\" ChangeKey=\"3\"/></t:Delete>\
                   <t:ReadFlagChange><t:ItemId Id=\"d\"/><t:IsRead>true</t:IsRead></t:ReadFlagChange>";
    answer(
        "SyncFolderItems",
        &[success(
            "SyncFolderItems",
            &format!(
                "<m:SyncState>H4s=</m:SyncState><m:IncludesLastItemInRange>true</m:IncludesLastItemInRange><m:Changes>{changes}</m:Changes>"
            ),
        )],
    )
}

#[test]
fn what_changed_in_a_folder_is_told_once_without_who_looked_at_it() {
    let told = read(&synced()).unwrap().synced().unwrap();
    let changed: Vec<&str> = told.changed.iter().map(|key| key.id.as_str()).collect();
    assert_eq!((told.state.as_str(), told.complete, told.is_news()), ("H4s=", true, true));
    assert_eq!((changed, told.deleted.as_slice()), (vec!["a", "b"], ["c".to_owned()].as_slice()));
    let idle = success(
        "SyncFolderItems",
        "<m:SyncState>x</m:SyncState><m:IncludesLastItemInRange>true</m:IncludesLastItemInRange><m:Changes/>",
    );
    assert!(!read(&answer("SyncFolderItems", &[idle])).unwrap().synced().unwrap().is_news());
    let more = success(
        "SyncFolderItems",
        "<m:SyncState>x</m:SyncState><m:IncludesLastItemInRange>false</m:IncludesLastItemInRange>",
    );
    assert!(read(&answer("SyncFolderItems", &[more])).unwrap().synced().unwrap().is_news());
    let lost = answer("SyncFolderItems", &[failure("SyncFolderItems", "Error", "ErrorInvalidSyncStateData", "")]);
    let Err(ToldFault::Said(said)) = read(&lost).unwrap().synced() else { panic!("{lost}") };
    assert_eq!(said.class(), Class::Resync);
}

fn subscribed() -> String {
    let inside = "<m:SubscriptionId>s1</m:SubscriptionId><m:Watermark>AQAAAA==</m:Watermark>";
    answer("Subscribe", &[success("Subscribe", inside)])
}

fn pulled() -> String {
    let event = |name: &str, mark: &str| {
        format!(
            "<t:{name}><t:Watermark>{mark}</t:Watermark><t:TimeStamp>2026-11-23T09:00:00Z</t:TimeStamp><t:ItemId Id=\"i\" ChangeKey=\"c\"/><t:ParentFolderId Id=\"f\"/></t:{name}>"
        )
    };
    let events = format!(
        "<t:SubscriptionId>s1</t:SubscriptionId><t:PreviousWatermark>m0</t:PreviousWatermark><t:MoreEvents>true</t:MoreEvents>{}{}",
        event("CreatedEvent", "m1"),
        event("ModifiedEvent", "m2")
    );
    answer("GetEvents", &[success("GetEvents", &format!("<m:Notification>{events}</m:Notification>"))])
}

#[test]
fn a_subscription_tells_how_much_happened_and_how_far_it_has_told() {
    let told = read(&subscribed()).unwrap().subscribed().unwrap();
    assert_eq!((told.id.as_str(), told.watermark.as_deref()), ("s1", Some("AQAAAA==")));
    let told = read(&pulled()).unwrap().notification().unwrap();
    assert_eq!((told.subscription.as_str(), told.events, told.more), ("s1", 2, true));
    assert_eq!(told.watermark.as_deref(), Some("m2"));
    let status = "<m:Notification><t:SubscriptionId>s1</t:SubscriptionId><t:MoreEvents>false</t:MoreEvents><t:StatusEvent><t:Watermark>m3</t:Watermark></t:StatusEvent></m:Notification>";
    let told = read(&answer("GetEvents", &[success("GetEvents", status)])).unwrap().notification().unwrap();
    assert_eq!((told.events, told.more, told.watermark.as_deref()), (0, false, Some("m3")));
    assert_eq!(read(&answer("Unsubscribe", &[success("Unsubscribe", "")])).unwrap().unsubscribed(), Ok(()));
    let gone = answer("Unsubscribe", &[failure("Unsubscribe", "Error", "ErrorSubscriptionNotFound", "")]);
    assert!(matches!(read(&gone).unwrap().unsubscribed(), Err(ToldFault::Said(said)) if said.class() == Class::Resync));
}

fn converted() -> String {
    let id = "<m:AlternateId xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\" i:type=\"t:AlternateIdType\" Format=\"EwsId\" Id=\"e\" Mailbox=\"fjord@example.com\"/>";
    answer("ConvertId", &[success("ConvertId", id), failure("ConvertId", "Error", "ErrorInvalidIdMalformed", "")])
}

#[test]
fn ids_come_back_in_their_order() {
    let told = read(&converted()).unwrap().converted(2).unwrap();
    assert_eq!(told[0].as_deref(), Ok("e"));
    assert_eq!(told[1].as_ref().unwrap_err().code(), "ErrorInvalidIdMalformed");
}

#[test]
fn each_room_tells_for_itself_when_it_is_taken() {
    let (from, to) = ("2026-11-23T09:00:00", "2026-11-23T10:00:00");
    let events = |inside: &str| format!("<t:CalendarEventArray>{inside}</t:CalendarEventArray>");
    let nine = Busy::of([("2026-11-23T09:00:00Z".parse().unwrap(), "2026-11-23T10:00:00Z".parse().unwrap())]);
    let free = Busy::default();
    let cases: [(String, Result<&Busy, &str>); 10] = [
        (view("FreeBusy", &events(&taken(from, to, "Busy"))), Ok(&nine)),
        (view("Detailed", &events(&taken(from, to, "OOF"))), Ok(&nine)),
        (view("DetailedMerged", &events(&taken(from, to, "Tentative"))), Ok(&nine)),
        (view("FreeBusy", &events(&taken(from, to, "NoData"))), Ok(&nine)),
        (view("FreeBusy", &events(&taken(from, to, "Free"))), Ok(&free)),
        (view("FreeBusy", ""), Ok(&free)),
        (view("None", ""), Err("NoFreeBusyView")),
        (view("MergedOnly", "<t:MergedFreeBusy>0022</t:MergedFreeBusy>"), Err("NoFreeBusyView")),
        (view("FreeBusy", &events(&taken("soon", to, "Busy"))), Err("NoFreeBusyView")),
        (no_view(), Err("ErrorMailRecipientNotFound")),
    ];
    let text = available(&cases.iter().map(|(response, _)| response.as_str()).collect::<String>());
    let told = read(&text).unwrap().busy(cases.len()).unwrap();
    for ((response, expected), told) in cases.iter().zip(&told) {
        assert_eq!(told.as_ref().map_err(Said::code), *expected, "{response}");
    }
    assert!(read(&text).unwrap().busy(cases.len() - 1).is_err());
    assert!(read(&available("")).unwrap().busy(1).is_err());
}

#[test]
fn an_answer_to_something_else_is_none() {
    for text in [got(&[MEETING]), synced(), subscribed(), available(&no_view())] {
        assert!(matches!(read(&text).unwrap().found(), Err(ToldFault::Lacking("FindItemResponse"))), "{text}");
    }
    let page = "<html><head><title>Sign in</title></head><body/></html>";
    assert_eq!(read(page).map(|_| ()), Err(ToldFault::NotSoap));
    assert_eq!(read("<Envelope/>").map(|_| ()), Err(ToldFault::NotSoap));
    assert!(matches!(read("<br>Sign in"), Err(ToldFault::Unreadable(_))));
    assert!(matches!(read(""), Err(ToldFault::Unreadable(_))));
}

#[test]
fn the_answers_of_these_tests_are_what_exchange_could_send() {
    let all = [
        got(&[MEETING, &meeting("")]),
        found("TotalItemsInView=\"2\" IncludesLastItemInRange=\"true\"", &format!("{MEETING}{}", meeting(""))),
        mixed(),
        synced(),
        subscribed(),
        pulled(),
        converted(),
        available(&format!(
            "{}{}",
            view(
                "FreeBusy",
                &format!(
                    "<t:CalendarEventArray>{}</t:CalendarEventArray>",
                    taken("2026-11-23T09:00:00", "2026-11-23T10:00:00", "Busy")
                )
            ),
            no_view()
        )),
    ];
    for (fault, text) in faults(&all).iter().zip(&all) {
        assert_eq!(fault, "", "\n{text}");
    }
}
