//! Autodiscover: the question, and what is made of answers.

use otj::ews::autodiscover::{Direction, Served, USERS_MAX, directions, question};
use otj::ews::told::ToldFault;
use otj::ews::tree::Element;
use otj::model::RoomEmail;

fn rooms(count: usize) -> Vec<RoomEmail> {
    (0..count).map(|at| RoomEmail::parse(&format!("o'neill&{at}@example.com")).unwrap()).collect()
}

/// An answer of Exchange 2016, with these users.
fn answer(code: &str, users: &str) -> String {
    format!(
        "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns:a=\"http://www.w3.org/2005/08/addressing\"><s:Header>\
         <a:Action s:mustUnderstand=\"1\">x</a:Action><h:ServerVersionInfo xmlns:h=\"http://schemas.microsoft.com/exchange/2010/Autodiscover\">\
         <h:MajorVersion>15</h:MajorVersion><h:MinorVersion>1</h:MinorVersion><h:MajorBuildNumber>2507</h:MajorBuildNumber>\
         <h:MinorBuildNumber>6</h:MinorBuildNumber><h:Version>Exchange2016</h:Version></h:ServerVersionInfo></s:Header><s:Body>\
         <GetUserSettingsResponseMessage xmlns=\"http://schemas.microsoft.com/exchange/2010/Autodiscover\"><Response \
         xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\"><ErrorCode>{code}</ErrorCode><ErrorMessage/><UserResponses>{users}\
         </UserResponses></Response></GetUserSettingsResponseMessage></s:Body></s:Envelope>"
    )
}

fn user(code: &str, target: &str, errors: &str, settings: &[(&str, &str)]) -> String {
    let settings: String = settings
        .iter()
        .map(|(name, value)| {
            format!("<UserSetting i:type=\"StringSetting\"><Name>{name}</Name><Value>{value}</Value></UserSetting>")
        })
        .collect();
    let target = if target.is_empty() {
        "<RedirectTarget i:nil=\"true\"/>".into()
    } else {
        format!("<RedirectTarget>{target}</RedirectTarget>")
    };
    format!(
        "<UserResponse><ErrorCode>{code}</ErrorCode><ErrorMessage>hunter2</ErrorMessage>{target}<UserSettingErrors>{errors}</UserSettingErrors><UserSettings>{settings}</UserSettings></UserResponse>"
    )
}

#[test]
fn the_question_is_about_several_mailboxes_at_once() {
    let text = question("https://mail.example.com/autodiscover/autodiscover.svc?a&b", &rooms(3)).unwrap();
    let root = Element::parse(text.as_bytes()).unwrap();
    let header = root.child("Header").unwrap();
    assert_eq!(header.child("RequestedServerVersion").unwrap().text, "Exchange2013");
    assert_eq!(
        header.child("Action").unwrap().text,
        "http://schemas.microsoft.com/exchange/2010/Autodiscover/Autodiscover/GetUserSettings"
    );
    assert_eq!(header.child("To").unwrap().text, "https://mail.example.com/autodiscover/autodiscover.svc?a&b");
    let request = root.at(&["Body", "GetUserSettingsRequestMessage", "Request"]).unwrap();
    assert_eq!(&*request.namespace, "http://schemas.microsoft.com/exchange/2010/Autodiscover");
    let users: Vec<&str> = request
        .child("Users")
        .unwrap()
        .children
        .iter()
        .map(|user| user.child("Mailbox").unwrap().text.as_str())
        .collect();
    assert_eq!(users, ["o'neill&0@example.com", "o'neill&1@example.com", "o'neill&2@example.com"]);
    let settings: Vec<&str> =
        request.child("RequestedSettings").unwrap().children.iter().map(|setting| setting.text.as_str()).collect();
    assert_eq!(settings, ["ExternalEwsUrl", "InternalEwsUrl", "GroupingInformation"]);
    assert!(
        question("https://x.example", &[]).is_none() && question("https://x.example", &rooms(USERS_MAX + 1)).is_none()
    );
    assert!(question("https://x.example", &rooms(USERS_MAX)).is_some());
}

#[test]
fn each_mailbox_gets_its_own_direction() {
    let served = |external: Option<&str>, internal: Option<&str>, group: Option<&str>| {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Direction::Served(Served { external: owned(external), internal: owned(internal), group: owned(group) })
    };
    let error = "<UserSettingError><ErrorCode>InvalidSetting</ErrorCode><ErrorMessage/><SettingName>ExternalEwsUrl</SettingName></UserSettingError>";
    let (out, inside) = ("https://mail.example.com/EWS/Exchange.asmx", "https://in.example.com/EWS/Exchange.asmx");
    let cases = [
        (
            user(
                "NoError",
                "",
                "",
                &[("GroupingInformation", "G1"), ("InternalEwsUrl", inside), ("ExternalEwsUrl", out), ("New", "x")],
            ),
            served(Some(out), Some(inside), Some("G1")),
        ),
        (user("NoError", "", error, &[("InternalEwsUrl", inside)]), served(None, Some(inside), None)),
        (user("NoError", "", error, &[]), Direction::Failed("InvalidSetting".into())),
        (user("NoError", "", "", &[("ExternalEwsUrl", "")]), Direction::Failed("SettingIsNotAvailable".into())),
        (
            user("RedirectAddress", "fjord@cloud.example.com", "", &[]),
            Direction::Address("fjord@cloud.example.com".into()),
        ),
        (
            user("RedirectUrl", "https://b.example.com/a.svc", "", &[]),
            Direction::Url("https://b.example.com/a.svc".into()),
        ),
        (user("RedirectUrl", "", "", &[]), Direction::Failed("RedirectUrl".into())),
        (user("ServerBusy", "", "", &[]), Direction::Busy),
        (user("InvalidUser", "", "", &[]), Direction::NoMailbox),
        (user("Not\u{202e}Federated &lt;", "", "", &[]), Direction::Failed("NotFederated".into())),
    ];
    let text = answer("NoError", &cases.iter().map(|(user, _)| user.as_str()).collect::<String>());
    let told = directions(text.as_bytes(), cases.len()).unwrap();
    assert_eq!(told.server.unwrap().to_string(), "15.1.2507.6");
    for ((user, expected), told) in cases.iter().zip(&told.mailboxes) {
        assert_eq!(told, expected, "{user}");
    }
    assert!(directions(text.as_bytes(), cases.len() + 1).is_err());
}

#[test]
fn an_answer_that_fails_as_a_whole_fails_for_all() {
    for (code, expected) in [
        ("ServerBusy", Direction::Busy),
        ("InternalServerError", Direction::Failed("InternalServerError".into())),
        ("InvalidRequest", Direction::Failed("InvalidRequest".into())),
    ] {
        let told = directions(answer(code, "").as_bytes(), 2).unwrap();
        assert_eq!(told.mailboxes, [expected.clone(), expected], "{code}");
    }
    let fault = super::soap("<s:Fault><faultcode>s:Client</faultcode><faultstring>hunter2</faultstring></s:Fault>");
    assert!(matches!(directions(fault.as_bytes(), 1), Err(ToldFault::Said(said)) if said.code() == "Client"));
    assert_eq!(directions(b"<html/>", 1), Err(ToldFault::NotSoap));
    let bomb = "<!DOCTYPE a [<!ENTITY b \"bb\">]><a>&b;</a>";
    assert!(matches!(directions(bomb.as_bytes(), 1), Err(ToldFault::Unreadable(_))));
    assert!(matches!(directions(&vec![b' '; 2 << 20], 1), Err(ToldFault::Unreadable(_))));
    assert!(matches!(directions(super::answer("FindItem", &[]).as_bytes(), 1), Err(ToldFault::Lacking(_))));
}
