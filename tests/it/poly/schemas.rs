//! Every answer against Microsoft's own schemas: all of them against that of Exchange 2016, those to old clients against that of 2007 SP1 too.

use super::desk::{Exchange, PASSWORD, find, get, ids, items, open, soap, week};
use crate::python::{ask, root, script};
use otj::auth::basic;
use otj::ews::tree::Element;

/// One line an answer: `valid`, `fault`, or what is wrong.
pub(crate) fn validated(exchanges: &[Exchange]) -> Vec<String> {
    let mut script = script("tests/it/poly/validate.py");
    script.arg(root("tests/schemas/ews2016")).arg(root("tests/schemas/ews2007sp1"));
    serde_json::from_value(ask(script, &serde_json::to_value(exchanges).unwrap())).unwrap()
}

/// Operations of every kind, served and declined, with good and bad arguments.
fn requests(known_ids: &[String]) -> Vec<String> {
    let folder = |ids: &str| {
        format!(
            "<m:GetFolder><m:FolderShape><t:BaseShape>Default</t:BaseShape></m:FolderShape><m:FolderIds>{ids}</m:FolderIds></m:GetFolder>"
        )
    };
    let named = |name: &str| format!("<t:DistinguishedFolderId Id=\"{name}\"/>");
    let mut all = vec![
        folder(&["calendar", "root", "msgfolderroot", "inbox", "contacts"].map(named).concat()),
        folder("<t:FolderId Id=\"bm9uc2Vuc2U=\"/>"),
        format!("<m:FindFolder Traversal=\"Deep\"><m:ParentFolderIds>{}{}</m:ParentFolderIds></m:FindFolder>", named("root"), named("calendar")),
        find("", "2026-11-23", "2026-11-30"),
        find("", "2026-11-23", "2026-11-30").replace("AllProperties", "IdOnly"),
        find("", "2026-11-23", "2026-11-30").replace("EndDate=", "MaxEntriesReturned=\"2\" EndDate="),
        find("", "2026-11-30", "2026-11-23"),
        find("someone@example.com", "2026-11-23", "2026-11-30"),
        find("", "2026-11-23", "2026-11-30").replace("\"calendar\"", "\"inbox\""),
        format!(
            "<m:FindItem Traversal=\"Shallow\"><m:ItemShape><t:BaseShape>Default</t:BaseShape></m:ItemShape><m:IndexedPageItemView Offset=\"1\" MaxEntriesReturned=\"2\" BasePoint=\"Beginning\"/><m:ParentFolderIds>{}</m:ParentFolderIds></m:FindItem>",
            named("calendar")
        ),
        get(known_ids),
        get(known_ids).replace("<t:BodyType>Text", "<t:BodyType>HTML"),
        get(&[String::new(), "nonsense".into(), "aS5ub3RoaW5n".into(), known_ids[0].clone()]),
        format!("<m:SyncFolderItems><m:ItemShape><t:BaseShape>AllProperties</t:BaseShape></m:ItemShape><m:SyncFolderId>{}</m:SyncFolderId><m:MaxChangesReturned>99</m:MaxChangesReturned></m:SyncFolderItems>", named("calendar")),
        format!("<m:SyncFolderItems><m:SyncFolderId>{}</m:SyncFolderId><m:SyncState>old</m:SyncState></m:SyncFolderItems>", named("calendar")),
        "<m:SyncFolderHierarchy/>".into(),
        "<m:SyncFolderHierarchy><m:SyncState>old</m:SyncState></m:SyncFolderHierarchy>".into(),
        "<m:ResolveNames ReturnFullContactData=\"false\"><m:UnresolvedEntry>fjord</m:UnresolvedEntry></m:ResolveNames>".into(),
        "<m:ResolveNames ReturnFullContactData=\"false\"><m:UnresolvedEntry>vik</m:UnresolvedEntry></m:ResolveNames>".into(),
        "<m:ConvertId DestinationFormat=\"EwsId\"><m:SourceIds><t:AlternateId Format=\"EwsId\" Id=\"x\" Mailbox=\"a@b.example\"/></m:SourceIds></m:ConvertId>".into(),
    ];
    let calendar = named("calendar");
    all.extend([
        format!("<m:Subscribe><m:PullSubscriptionRequest><t:FolderIds>{calendar}</t:FolderIds><t:EventTypes><t:EventType>ModifiedEvent</t:EventType></t:EventTypes><t:Timeout>10</t:Timeout></m:PullSubscriptionRequest></m:Subscribe>"),
        "<m:Subscribe><m:PushSubscriptionRequest/></m:Subscribe>".into(),
        format!("<m:Subscribe><m:PullSubscriptionRequest><t:FolderIds>{}</t:FolderIds></m:PullSubscriptionRequest></m:Subscribe>", named("tasks")),
        "<m:GetUserAvailabilityRequest><t:TimeZone><t:Bias>-60</t:Bias></t:TimeZone><m:MailboxDataArray><t:MailboxData><t:Email><t:Address>room.fjord@example.com</t:Address></t:Email></t:MailboxData><t:MailboxData><t:Email><t:Address>x@example.com</t:Address></t:Email></t:MailboxData></m:MailboxDataArray><t:FreeBusyViewOptions><t:TimeWindow><t:StartTime>2026-11-23T00:00:00</t:StartTime><t:EndTime>2026-11-25T00:00:00</t:EndTime></t:TimeWindow></t:FreeBusyViewOptions></m:GetUserAvailabilityRequest>".into(),
    ]);
    let declined = "CreateItem UpdateItem DeleteItem SendItem MoveItem CopyItem CreateFolder UpdateFolder DeleteFolder MoveFolder CopyFolder \
                    CreateAttachment DeleteAttachment GetAttachment GetEvents Unsubscribe ExpandDL GetDelegate \
                    GetUserOofSettingsRequest";
    all.extend(declined.split_whitespace().map(|name| format!("<m:{name}/>")));
    all
}

/// Operations that came with Exchange 2010 and later.
const LATER: &str = "GetServerTimeZones GetUserConfiguration GetMailTips GetRoomLists GetRooms";

#[tokio::test]
async fn every_answer_is_valid_in_the_schema_of_its_client() {
    let desk = open().await;
    desk.publish("fjord", week());
    let (_, listed) = desk.ask("fjord", &find("", "2026-11-23", "2026-11-30")).await;
    let known_ids = ids(items(&listed));
    let login = basic::header("fjord", PASSWORD);
    for version in ["", "Exchange2007", "Exchange2007_SP1", "Exchange2010_SP2", "Exchange2016"] {
        let later = LATER.split_whitespace().map(|name| format!("<m:{name}/>")).filter(|_| version > "Exchange2009");
        for request in requests(&known_ids).into_iter().chain(later) {
            let answer = desk.post(Some(&login), soap(version, &request)).await;
            assert_eq!(answer.status.as_u16(), 200, "{request}");
            let info = Element::parse(&answer.body).unwrap().at(&["Header", "ServerVersionInfo"]).cloned().unwrap();
            assert_eq!(info.attribute("MajorVersion"), Some("15"));
            // Slower than the ten requests a second that one device may send.
            tokio::time::pause();
            tokio::time::advance(std::time::Duration::from_millis(100)).await;
            tokio::time::resume();
        }
    }
    let exchanges = desk.wire.lock().unwrap().clone();
    let verdicts = tokio::task::spawn_blocking(move || (validated(&exchanges), exchanges)).await.unwrap();
    for (verdict, (asked, _, said)) in verdicts.0.iter().zip(&verdicts.1) {
        assert_eq!(verdict, "valid", "\n{asked}\n{said}");
    }
    assert!(verdicts.0.len() > 190, "{}", verdicts.0.len());
}

#[test]
fn the_validation_can_fail() {
    let wrong = "<m:FindItem/>".to_owned();
    let answer = |inside: &str| soap("", &format!("<m:GetFolderResponse>{inside}</m:GetFolderResponse>"));
    let verdicts = validated(&[(soap("", &wrong), 200, answer("<m:Wrong/>")), (soap("", &wrong), 200, "<a>".into())]);
    assert!(verdicts.iter().all(|verdict| verdict != "valid"), "{verdicts:?}");
}
