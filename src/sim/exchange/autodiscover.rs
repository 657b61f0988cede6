//! Autodiscover's SOAP service: which server has a mailbox, or where to ask instead.
//!
//! See <https://learn.microsoft.com/exchange/client-developer/web-service-reference/getusersettings-operation-soap>.

use std::fmt::Write as _;

use super::org::{Org, Server};
use super::soap::SOAP;
use super::xml::{Node, escaped};
use crate::sim::rooms::Rooms;

const NAMESPACE: &str = "http://schemas.microsoft.com/exchange/2010/Autodiscover";
const ADDRESSING: &str = "http://www.w3.org/2005/08/addressing";
const INSTANCE: &str = "http://www.w3.org/2001/XMLSchema-instance";

/// Most mailboxes of a question.
const USERS_MAX: usize = 100;

/// The answer to a question, as it came in the body.
pub(super) fn answer(org: &Org, server: &Server, rooms: &Rooms, question: &Node) -> String {
    let request = question.child("Request");
    let users: Vec<&str> =
        request.map_or(&[][..], |request| request.all("Users")).iter().map(|user| user.text_at(&["Mailbox"])).collect();
    let settings: Vec<&str> = request
        .map_or(&[][..], |request| request.all("RequestedSettings"))
        .iter()
        .map(|setting| setting.text.as_str())
        .collect();
    let code = if question.name != "GetUserSettingsRequestMessage" || users.is_empty() || settings.is_empty() {
        "InvalidRequest"
    } else if users.len() > USERS_MAX || org.autodiscover_busy {
        "ServerBusy"
    } else {
        "NoError"
    };
    let mut told = String::new();
    if code == "NoError" {
        for user in users {
            told += &response(org, rooms, &user.to_lowercase(), &settings);
        }
    }
    let (major, minor, build, revision) = server.build;
    let version = server.versions().last().copied().unwrap_or_default();
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><s:Envelope xmlns:s=\"{SOAP}\" xmlns:a=\"{ADDRESSING}\"><s:Header>\
         <a:Action s:mustUnderstand=\"1\">{NAMESPACE}/Autodiscover/GetUserSettingsResponse</a:Action><h:ServerVersionInfo xmlns:h=\"{NAMESPACE}\" \
         xmlns:i=\"{INSTANCE}\"><h:MajorVersion>{major}</h:MajorVersion><h:MinorVersion>{minor}</h:MinorVersion><h:MajorBuildNumber>{build}\
         </h:MajorBuildNumber><h:MinorBuildNumber>{revision}</h:MinorBuildNumber><h:Version>{version}</h:Version></h:ServerVersionInfo></s:Header>\
         <s:Body><GetUserSettingsResponseMessage xmlns=\"{NAMESPACE}\"><Response xmlns:i=\"{INSTANCE}\"><ErrorCode>{code}</ErrorCode>\
         <ErrorMessage/><UserResponses>{told}</UserResponses></Response></GetUserSettingsResponseMessage></s:Body></s:Envelope>"
    )
}

fn response(org: &Org, rooms: &Rooms, mailbox: &str, settings: &[&str]) -> String {
    let special = org.mailboxes.get(mailbox);
    let address = special.and_then(|it| it.redirect_address.as_deref());
    let url = special.and_then(|it| it.redirect_url.as_deref());
    if let Some((code, target)) = address.map(|it| ("RedirectAddress", it)).or(url.map(|it| ("RedirectUrl", it))) {
        return user(code, Some(target), "", "");
    }
    let is_known = rooms.look(mailbox, |room| room.is_some()) || org.accounts.contains_key(mailbox);
    let on = special.and_then(|it| it.directory.as_ref().or(it.on.as_ref()));
    let server = on.map_or_else(|| org.servers.values().next(), |name| org.servers.get(name));
    let Some(server) = server.filter(|_| is_known) else { return user("InvalidUser", None, "", "") };
    let (mut given, mut missing) = (String::new(), String::new());
    for name in settings {
        let _ = match setting(server, mailbox, name) {
            Some(value) => write!(
                given,
                "<UserSetting i:type=\"StringSetting\"><Name>{}</Name><Value>{}</Value></UserSetting>",
                escaped(name),
                escaped(&value)
            ),
            None => write!(
                missing,
                "<UserSettingError><ErrorCode>SettingIsNotAvailable</ErrorCode><ErrorMessage>This user has no such setting.</ErrorMessage>\
                 <SettingName>{}</SettingName></UserSettingError>",
                escaped(name)
            ),
        };
    }
    user("NoError", None, &missing, &given)
}

fn setting(server: &Server, mailbox: &str, name: &str) -> Option<String> {
    Some(match name {
        "ExternalEwsUrl" => server.ews.to_string(),
        "InternalEwsUrl" => server.internal.as_ref().unwrap_or(&server.ews).to_string(),
        "GroupingInformation" => server.group.clone(),
        "AutoDiscoverSMTPAddress" => mailbox.to_owned(),
        "UserDisplayName" => mailbox.split('@').next().unwrap_or_default().to_owned(),
        "EwsSupportedSchemas" => server.versions().join(", "),
        _ => return None,
    })
}

fn user(code: &str, target: Option<&str>, errors: &str, settings: &str) -> String {
    let target = match target {
        Some(target) => format!("<RedirectTarget>{}</RedirectTarget>", escaped(target)),
        None => "<RedirectTarget i:nil=\"true\"/>".into(),
    };
    let message = if code == "NoError" { "No error." } else { "Asked elsewhere, or of nobody known here." };
    format!(
        "<UserResponse><ErrorCode>{code}</ErrorCode><ErrorMessage>{message}</ErrorMessage>{target}<UserSettingErrors>{errors}\
         </UserSettingErrors><UserSettings>{settings}</UserSettings></UserResponse>"
    )
}
