//! Every answer is one that Microsoft's schema allows.

use std::collections::BTreeSet;

use otj::ews::ask::Ask;
use otj::ews::ask::items::{IdForm, Text};
use otj::sim::exchange::{Account, ExchangeOptions, Whose};
use otj::sim::rooms::{RoomAccess, RoomResponse};

use super::rig::{As, ONE, ROOM, Site, at, event, otj, room, window};
use crate::python;

/// What is wrong with each answer.
pub(super) fn faults(texts: &[String]) -> Vec<String> {
    let mut script = python::script("tests/python/ews.py");
    script.arg(python::root("tests/schemas/ews2016"));
    serde_json::from_value(python::ask(script, &serde_json::json!(texts))).unwrap()
}

/// A request as other programs write it.
fn raw(site: &Site, body: &str, who: &As<'_>) {
    let soap = "http://schemas.xmlsoap.org/soap/envelope/";
    let (messages, types) = (otj::ews::MESSAGES, otj::ews::TYPES);
    let text = format!(
        "<s:Envelope xmlns:s='{soap}' xmlns:m='{messages}' xmlns:t='{types}'><s:Header><t:ExchangeImpersonation><t:ConnectingSID>\
         <t:PrimarySmtpAddress>{ROOM}</t:PrimarySmtpAddress></t:ConnectingSID></t:ExchangeImpersonation></s:Header><s:Body>{body}</s:Body>\
         </s:Envelope>"
    );
    site.send(&Site::request(ONE, text, who));
}

/// A calendar with everything that can be in one.
fn furnish(site: &Site) {
    let mut odd = event("c 05T11:00 <Fair> & \"more\" \u{1}\u{fffe}é");
    (odd.all_day, odd.private, odd.response) = (true, true, RoomResponse::Tentative);
    odd.properties = vec![("UCCapabilities".into(), "<caps a='b'>\r\n&</caps>".into())];
    let mut moved = event("d 05T12:00 Series");
    (moved.series, moved.cancelled) = (Some(("s".into(), at("05T11:30"))), true);
    let mut alone = event("e 05T13:00 Alone");
    (alone.organizer, alone.body, alone.location) = (Default::default(), String::new(), "Room <1>".into());
    site.rooms.change(ROOM, |room| {
        room.time_zone = "America/New_York".into();
        room.events.extend([odd, moved, alone].map(|event| (event.id.clone(), event)));
    });
    site.rooms.change("closed@example.com", |room| room.access = RoomAccess::Nothing);
}

#[test]
fn every_answer_is_what_the_schema_allows() {
    let site = Site::with(ExchangeOptions { back_ends: 1, ..ExchangeOptions::default() });
    furnish(&site);
    let who = otj();
    let day = window("05T00:00", "06T00:00");
    let found = site.reply(&Ask::list(day, 100), &who).found().unwrap();
    let mut ids: Vec<String> = found.entries.into_iter().map(|item| item.unwrap().key.id).collect();
    ids.push("AAMk".into());
    site.reply(&Ask::items(&ids, Text::Html).unwrap(), &who);
    site.reply(&Ask::items(&ids, Text::Plain).unwrap(), &who);
    site.reply(&Ask::list(day, 2), &who);
    let mut long = day;
    long.to = "2029-01-01T00:00Z".parse().unwrap();
    site.reply(&Ask::list(long, 2), &who);
    for kind in ["Default", "AllProperties"] {
        let view = "<m:CalendarView StartDate='2026-01-05T00:00:00Z' EndDate='2026-01-06T00:00:00Z'/>";
        let folder = "<t:DistinguishedFolderId Id='calendar'/>";
        raw(
            &site,
            &format!(
                "<m:FindItem Traversal='Shallow'><m:ItemShape><t:BaseShape>{kind}</t:BaseShape></m:ItemShape>{view}<m:ParentFolderIds>{folder}<t:DistinguishedFolderId Id='inbox'/></m:ParentFolderIds></m:FindItem>"
            ),
            &who,
        );
        let items: String = ids.iter().map(|id| format!("<t:ItemId Id='{id}'/>")).collect();
        raw(
            &site,
            &format!(
                "<m:GetItem><m:ItemShape><t:BaseShape>{kind}</t:BaseShape><t:AdditionalProperties><t:FieldURI FieldURI='item:TextBody'/><t:ExtendedFieldURI PropertyTag='0x001A' PropertyType='String'/></t:AdditionalProperties></m:ItemShape><m:ItemIds>{items}</m:ItemIds></m:GetItem>"
            ),
            &who,
        );
        raw(
            &site,
            &format!(
                "<m:GetFolder><m:FolderShape><t:BaseShape>{kind}</t:BaseShape></m:FolderShape><m:FolderIds><t:DistinguishedFolderId Id='root'/>{folder}<t:FolderId Id='x'/></m:FolderIds></m:GetFolder>"
            ),
            &who,
        );
    }
    for view in ["None", "MergedOnly", "FreeBusyMerged", "DetailedMerged"] {
        raw(
            &site,
            &format!(
                "<m:GetUserAvailabilityRequest><m:MailboxDataArray><t:MailboxData><t:Email><t:Address>{ROOM}</t:Address></t:Email></t:MailboxData></m:MailboxDataArray><t:FreeBusyViewOptions><t:TimeWindow><t:StartTime>2026-01-05T00:00:00</t:StartTime><t:EndTime>2026-01-06T00:00:00</t:EndTime></t:TimeWindow><t:MergedFreeBusyIntervalInMinutes>30</t:MergedFreeBusyIntervalInMinutes><t:RequestedView>{view}</t:RequestedView></t:FreeBusyViewOptions></m:GetUserAvailabilityRequest>"
            ),
            &who,
        );
    }
    let asked = [ROOM, "closed@example.com", "nobody@example.com"].map(room);
    site.reply(&Ask::availability(&asked, day).unwrap(), &who);
    let state = site.reply(&Ask::sync(None, 2), &who).synced().unwrap().state;
    site.reply(&Ask::sync(Some(&state), 512), &who);
    site.reply(&Ask::sync(Some("x"), 512), &who);
    site.reply(&Ask::convert(&ids, IdForm::Ews, IdForm::HexEntry, ROOM).unwrap(), &who);
    for zones in ["<m:GetServerTimeZones/>", "<m:GetServerTimeZones ReturnFullTimeZoneData='true'/>"] {
        raw(&site, zones, &who);
    }
    notify(&site, &who);
    let reader = Account { reads: Whose::All, ..Account::default() };
    site.fake.change(|org| org.accounts.insert("app".into(), reader));
    for (mailbox, sign_in) in [("nobody@example.com", who.sign_in.clone()), (ROOM, "Bearer good".into())] {
        site.ask(&Ask::list(day, 9), &As { mailbox: Some(mailbox), sign_in, ..who.clone() }).unwrap().err().unwrap();
    }
    let said = site.said.lock().unwrap();
    let kinds: BTreeSet<&str> =
        said.iter().filter_map(|text| text.split("<m:").nth(1)?.split(['>', ' ']).next()).collect();
    assert_eq!(kinds.len(), 11, "{kinds:?}");
    for (fault, text) in faults(&said).iter().zip(said.iter()) {
        assert_eq!(fault, "", "\n{text}");
    }
}

/// Subscriptions of both kinds, with something to tell, until they end.
fn notify(site: &Site, who: &As<'_>) {
    let pull = site.reply(&Ask::subscribe_to_pull(10), who).subscribed().unwrap();
    let stream = site.reply(&Ask::subscribe_to_stream(), who).subscribed().unwrap().id;
    let mark = pull.watermark.unwrap();
    site.reply(&Ask::events_since(&pull.id, &mark), who);
    let mut pieces = site.open(&Ask::events_of(&[&stream], 1).unwrap(), who);
    site.rooms.change(ROOM, |room| room.events.remove("a"));
    site.book(ROOM, &["b 05T10:15 Review", "n 05T15:00 New"]);
    site.wait(65);
    assert_eq!(pieces.come(site), ["alive", "7", "alive", "closed", "end"]);
    site.reply(&Ask::events_since(&pull.id, &mark), who);
    site.reply(&Ask::events_since(&pull.id, "x"), who);
    let asked = Ask::events_of(&["nobody's", &stream], 1).unwrap();
    assert_eq!(site.open(&asked, who).come(site), ["ErrorSubscriptionNotFound", "closed", "end"]);
    site.reply(&Ask::unsubscribe(&stream), who);
    site.reply(&Ask::unsubscribe(&stream), who);
}
