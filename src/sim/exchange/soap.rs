//! Envelopes and faults as Exchange writes them, and what a request says in its header.

use std::fmt::Write as _;
use std::time::Duration;

use super::org::Server;
use super::xml::{Node, escaped};

pub(super) const SOAP: &str = "http://schemas.xmlsoap.org/soap/envelope/";
pub(super) const MESSAGES: &str = "http://schemas.microsoft.com/exchange/services/2006/messages";
pub(super) const TYPES: &str = "http://schemas.microsoft.com/exchange/services/2006/types";
const ERRORS: &str = "http://schemas.microsoft.com/exchange/services/2006/errors";

/// Why something is not answered: a code of `ResponseCodeType`, and a text for people.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Refused(pub(super) &'static str);

/// What the header of a request says.
#[derive(Clone, Debug, Default)]
pub(super) struct Said {
    pub(super) version: Option<String>,
    /// In lower case.
    pub(super) impersonated: Option<String>,
}

/// Header and the one thing in the body; `None`: no SOAP request.
pub(super) fn request(bytes: &[u8]) -> Option<(Said, Node)> {
    let root = Node::read(bytes).filter(|root| root.name == "Envelope")?;
    let header = root.child("Header").cloned().unwrap_or_default();
    let version = header.child("RequestServerVersion").or_else(|| header.child("RequestedServerVersion"));
    let version = version.map(|node| node.attribute("Version").unwrap_or(&node.text).to_owned());
    let whom = header.at(&["ExchangeImpersonation", "ConnectingSID"]);
    let impersonated = whom.and_then(|whom| whom.children.first()).map(|whom| whom.text.to_lowercase());
    let body = root.children.into_iter().find(|child| child.name == "Body")?;
    Some((Said { version, impersonated }, body.children.into_iter().next()?))
}

/// A whole answer.
pub(super) fn envelope(server: &Server, body: &str) -> String {
    let (major, minor, build, revision) = server.build;
    let version = server.versions().last().copied().unwrap_or("Exchange2007");
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><s:Envelope xmlns:s=\"{SOAP}\"><s:Header><h:ServerVersionInfo MajorVersion=\"{major}\" \
         MinorVersion=\"{minor}\" MajorBuildNumber=\"{build}\" MinorBuildNumber=\"{revision}\" Version=\"{version}\" xmlns:h=\"{TYPES}\" \
         xmlns=\"{TYPES}\"/></s:Header><s:Body xmlns:m=\"{MESSAGES}\" xmlns:t=\"{TYPES}\">{body}</s:Body></s:Envelope>"
    )
}

/// The answer to an operation, of its messages.
pub(super) fn response(operation: &str, messages: &[String]) -> String {
    let messages = messages.concat();
    format!("<m:{operation}Response><m:ResponseMessages>{messages}</m:ResponseMessages></m:{operation}Response>")
}

/// A message that tells what was asked.
pub(super) fn success(operation: &str, inside: &str) -> String {
    format!(
        "<m:{operation}ResponseMessage ResponseClass=\"Success\"><m:ResponseCode>NoError</m:ResponseCode>{inside}</m:{operation}ResponseMessage>"
    )
}

/// A message that does not. `inside` is what the schema wants all the same.
pub(super) fn failure(operation: &str, Refused(code): Refused, inside: &str) -> String {
    format!(
        "<m:{operation}ResponseMessage ResponseClass=\"Error\"><m:MessageText>{}</m:MessageText><m:ResponseCode>{code}</m:ResponseCode>\
         <m:DescriptiveLinkKey>0</m:DescriptiveLinkKey>{inside}</m:{operation}ResponseMessage>",
        escaped(message(code))
    )
}

/// A fault, as it comes with status 500.
pub(super) fn fault(Refused(code): Refused, back_off: Option<Duration>) -> String {
    let text = escaped(message(code));
    let mut more = String::new();
    if let Some(wait) = back_off {
        let _ = write!(
            more,
            "<t:MessageXml xmlns:t=\"{TYPES}\"><t:Value Name=\"BackOffMilliseconds\">{}</t:Value></t:MessageXml>",
            wait.as_millis()
        );
    }
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><s:Envelope xmlns:s=\"{SOAP}\"><s:Body><s:Fault><faultcode xmlns:a=\"{TYPES}\">a:{code}\
         </faultcode><faultstring xml:lang=\"en-US\">{text}</faultstring><detail><e:ResponseCode xmlns:e=\"{ERRORS}\">{code}</e:ResponseCode>\
         <e:Message xmlns:e=\"{ERRORS}\">{text}</e:Message>{more}</detail></s:Fault></s:Body></s:Envelope>"
    )
}

/// The meaning of a code. Texts are free; clients go by the code.
pub(super) fn message(code: &str) -> &'static str {
    match code {
        "ErrorServerBusy" => "The server cannot service this request right now. Try again later.",
        "ErrorExceededConnectionCount" => "You have exceeded the available concurrent connections for your account.",
        "ErrorImpersonateUserDenied" => "The account does not have permission to impersonate the requested user.",
        "ErrorNonExistentMailbox" => "The SMTP address has no mailbox associated with it.",
        "ErrorMailboxMoveInProgress" => "Mailbox move in progress. Try again later.",
        "ErrorProxyRequestNotAllowed" => "The requested operation is not allowed to be proxied to another server.",
        "ErrorInvalidServerVersion" => "The specified server version is invalid.",
        "ErrorItemNotFound" => "The specified object was not found in the store.",
        "ErrorFolderNotFound" => "The specified folder could not be found in the store.",
        "ErrorSubscriptionNotFound" => "The specified subscription was not found.",
        "ErrorInvalidSyncStateData" => "Synchronization state data is corrupt or otherwise invalid.",
        "ErrorCalendarViewRangeTooBig" => "The specified date range is too big for a calendar view.",
        "ErrorNewEventStreamConnectionOpened" => "A new event stream was opened for one of the subscriptions.",
        "ErrorSchemaValidation" => "The request failed schema validation.",
        "ErrorMailRecipientNotFound" => "Unable to resolve e-mail address to an Active Directory object.",
        _ => "The request could not be served.",
    }
}
