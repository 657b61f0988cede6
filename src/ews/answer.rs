//! Answers: envelopes, faults, and response messages for every operation we know by name, also those we decline.
//!
//! | what went wrong                         | where it is told                    |
//! |-----------------------------------------|-------------------------------------|
//! | the request itself, or nothing can be answered now | a SOAP fault, HTTP status 500 |
//! | one folder, one item, one operation     | an error message inside a 200       |

use super::writer::Xml;
use super::{ERRORS, MESSAGES, SOAP_11, SOAP_12, TYPES};

/// Response codes of Exchange that we use. Their names go over the wire.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)] // the names are Exchange's
pub enum Code {
    ErrorAccessDenied,
    ErrorCalendarEndDateIsEarlierThanStartDate,
    ErrorExceededConnectionCount,
    ErrorExpiredSubscription,
    ErrorFolderNotFound,
    ErrorInternalServerError,
    ErrorInvalidIdEmpty,
    ErrorInvalidIdMalformed,
    ErrorInvalidRequest,
    ErrorInvalidSubscriptionRequest,
    ErrorInvalidSyncStateData,
    ErrorInvalidWatermark,
    ErrorItemNotFound,
    ErrorMailRecipientNotFound,
    ErrorNameResolutionNoResults,
    ErrorSchemaValidation,
    ErrorServerBusy,
    ErrorSubscriptionNotFound,
}

impl Code {
    /// As it is written.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ErrorAccessDenied => "ErrorAccessDenied",
            Self::ErrorCalendarEndDateIsEarlierThanStartDate => "ErrorCalendarEndDateIsEarlierThanStartDate",
            Self::ErrorExceededConnectionCount => "ErrorExceededConnectionCount",
            Self::ErrorExpiredSubscription => "ErrorExpiredSubscription",
            Self::ErrorFolderNotFound => "ErrorFolderNotFound",
            Self::ErrorInternalServerError => "ErrorInternalServerError",
            Self::ErrorInvalidIdEmpty => "ErrorInvalidIdEmpty",
            Self::ErrorInvalidIdMalformed => "ErrorInvalidIdMalformed",
            Self::ErrorInvalidRequest => "ErrorInvalidRequest",
            Self::ErrorInvalidSubscriptionRequest => "ErrorInvalidSubscriptionRequest",
            Self::ErrorInvalidSyncStateData => "ErrorInvalidSyncStateData",
            Self::ErrorInvalidWatermark => "ErrorInvalidWatermark",
            Self::ErrorItemNotFound => "ErrorItemNotFound",
            Self::ErrorMailRecipientNotFound => "ErrorMailRecipientNotFound",
            Self::ErrorNameResolutionNoResults => "ErrorNameResolutionNoResults",
            Self::ErrorSchemaValidation => "ErrorSchemaValidation",
            Self::ErrorServerBusy => "ErrorServerBusy",
            Self::ErrorSubscriptionNotFound => "ErrorSubscriptionNotFound",
        }
    }

    /// What people read. One text a code, so that answers to different causes cannot be told apart.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::ErrorAccessDenied => "Access is denied.",
            Self::ErrorCalendarEndDateIsEarlierThanStartDate => "EndDate is earlier than StartDate.",
            Self::ErrorExceededConnectionCount => "Too many streams are open.",
            Self::ErrorExpiredSubscription => "The subscription has expired; subscribe anew.",
            Self::ErrorFolderNotFound => "The folder was not found.",
            Self::ErrorInternalServerError => "The server could not answer.",
            Self::ErrorInvalidIdEmpty => "The id is empty.",
            Self::ErrorInvalidIdMalformed => "The id is malformed.",
            Self::ErrorInvalidRequest => "The request is invalid.",
            Self::ErrorInvalidSubscriptionRequest => "Nobody is called back; subscribe for pull or streaming.",
            Self::ErrorInvalidSyncStateData => "The synchronization state is not known; begin without one.",
            Self::ErrorInvalidWatermark => "The watermark is not known; subscribe anew.",
            Self::ErrorItemNotFound => "The item was not found.",
            Self::ErrorMailRecipientNotFound => "The mailbox was not found.",
            Self::ErrorNameResolutionNoResults => "No results were found.",
            Self::ErrorSchemaValidation => "The request lacks something.",
            Self::ErrorServerBusy => "The calendar has not been read yet; try again.",
            Self::ErrorSubscriptionNotFound => "The subscription was not found.",
        }
    }
}

/// Answers a request as a whole with an error. HTTP status 500.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// What.
    pub code: Code,
    /// For people; nothing of the request is quoted.
    pub text: String,
    /// When the client shall try again, in milliseconds.
    pub back_off_ms: Option<u32>,
    /// In a SOAP 1.2 envelope.
    pub soap12: bool,
}

impl Fault {
    /// In a SOAP 1.1 envelope.
    #[must_use]
    pub fn new(code: Code, text: impl Into<String>) -> Self {
        Self { code, text: text.into(), back_off_ms: None, soap12: false }
    }

    /// The whole answer.
    #[must_use]
    pub fn into_text(self) -> String {
        let code = self.code.name();
        let mut detail = Xml::new();
        detail.text_with("e:ResponseCode", &[("xmlns:e", ERRORS)], code);
        detail.text_with("e:Message", &[("xmlns:e", ERRORS)], &self.text);
        if let Some(back_off) = self.back_off_ms {
            detail.open("t:MessageXml", &[("xmlns:t", TYPES)]);
            detail.text_with("t:Value", &[("Name", "BackOffMilliseconds")], back_off).close();
        }
        let mut xml = Xml::new();
        xml.open("s:Fault", &[]);
        if self.soap12 {
            xml.open("s:Code", &[]).text("s:Value", "s:Receiver").close();
            xml.open("s:Reason", &[]).text_with("s:Text", &[("xml:lang", "en-US")], &self.text).close();
            xml.open("s:Detail", &[]).append(&detail).close();
        } else {
            xml.text_with("faultcode", &[("xmlns:a", TYPES)], format_args!("a:{code}"));
            xml.text_with("faultstring", &[("xml:lang", "en-US")], &self.text);
            xml.open("detail", &[]).append(&detail).close();
        }
        xml.close();
        envelope(self.soap12, &xml)
    }
}

/// Wraps the content of Body. Every envelope carries the server version: clients fail or guess without it.
///
/// 15.0.1497.2 is an Exchange 2013, with which every Poly family was qualified. A `Version` of this form leaves the client's own
/// dialect alone, while a name such as `Exchange2013` would make some of them adopt it.
fn envelope(soap12: bool, body: &Xml) -> String {
    let mut xml = Xml::new();
    xml.open("s:Envelope", &[("xmlns:s", if soap12 { SOAP_12 } else { SOAP_11 })]).open("s:Header", &[]);
    xml.empty(
        "t:ServerVersionInfo",
        &[
            ("xmlns:t", TYPES),
            ("MajorVersion", "15"),
            ("MinorVersion", "0"),
            ("MajorBuildNumber", "1497"),
            ("MinorBuildNumber", "2"),
            ("Version", "V2_23"),
        ],
    );
    xml.close().open("s:Body", &[]).append(body).close().close();
    format!("<?xml version=\"1.0\" encoding=\"utf-8\"?>{}", xml.into_text())
}

/// The response messages of one answer, in the order of what was asked.
#[derive(Clone)]
pub struct Answer {
    xml: Xml,
    known: &'static Known,
    /// Messages without error.
    pub succeeded: usize,
    /// Messages with one.
    pub failed: usize,
}

impl Answer {
    /// To an operation we know; `None` for one we do not.
    #[must_use]
    pub fn to(operation: &str) -> Option<Self> {
        let known = known(operation)?;
        let mut xml = Xml::new();
        if known.form == Form::Listed {
            xml.open(known.response, &[("xmlns:m", MESSAGES), ("xmlns:t", TYPES)]).open("m:ResponseMessages", &[]);
        }
        Some(Self { xml, known, succeeded: 0, failed: 0 })
    }

    /// One message without error; `inside` writes what stands in it.
    pub fn success(&mut self, inside: impl FnOnce(&mut Xml)) -> &mut Self {
        self.succeeded += 1;
        self.xml.open(self.known.message, &[("ResponseClass", "Success")]).text("m:ResponseCode", "NoError");
        inside(&mut self.xml);
        self.xml.close();
        self
    }

    /// One message with an error, and the empty element that the schema demands beside it.
    pub fn error(&mut self, code: Code) -> &mut Self {
        self.failed += 1;
        let class = ("ResponseClass", "Error");
        match self.known.form {
            Form::Listed => self.xml.open(self.known.message, &[class]),
            Form::Flat => self.xml.open(self.known.response, &[("xmlns:m", MESSAGES), class]),
            Form::Wrapped(around) => {
                self.xml.open(self.known.response, &[("xmlns:m", MESSAGES)]);
                around.iter().for_each(|name| {
                    self.xml.open(name, &[]);
                });
                self.xml.open("m:ResponseMessage", &[class])
            }
        };
        self.xml.text("m:MessageText", code.text()).text("m:ResponseCode", code.name());
        self.xml.text("m:DescriptiveLinkKey", 0);
        if let Some(required) = self.known.required {
            self.xml.empty(required, &[]);
        }
        self.xml.close();
        if let Form::Wrapped(around) = self.known.form {
            (0..=around.len()).for_each(|_| {
                self.xml.close();
            });
        }
        self
    }

    /// The answer as a whole, where it is no list of messages; `inside` writes what stands in it.
    pub fn whole(&mut self, inside: impl FnOnce(&mut Xml)) -> &mut Self {
        self.succeeded += 1;
        self.xml.open(self.known.response, &[("xmlns:m", MESSAGES), ("xmlns:t", TYPES)]);
        inside(&mut self.xml);
        self.xml.close();
        self
    }

    /// The whole answer.
    #[must_use]
    pub fn into_text(mut self, soap12: bool) -> String {
        if self.known.form == Form::Listed {
            self.xml.close().close();
        }
        envelope(soap12, &self.xml)
    }
}

/// How an answer's messages stand in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Form {
    /// In a list.
    Listed,
    /// The answer is the one message.
    Flat,
    /// One message inside the answer, within these elements.
    Wrapped(&'static [&'static str]),
}

/// An operation we know by name.
#[derive(Debug)]
pub struct Known {
    /// Its name.
    pub name: &'static str,
    /// With which error it is declined, where we do not serve it. Writes are denied: a device's "decline" button must not do anything.
    pub declined: Code,
    response: &'static str,
    message: &'static str,
    form: Form,
    /// What the schema demands also in an error message.
    required: Option<&'static str>,
}

/// The operation of this name.
#[must_use]
pub fn known(name: &str) -> Option<&'static Known> {
    KNOWN.iter().find(|known| known.name == name)
}

macro_rules! operation {
    ($name:literal, $form:ident, $required:expr, $declined:ident) => {
        Known {
            name: $name,
            declined: Code::$declined,
            response: concat!("m:", $name, "Response"),
            message: concat!("m:", $name, "ResponseMessage"),
            form: Form::$form,
            required: $required,
        }
    };
}

const ITEMS: Option<&str> = Some("m:Items");
const FOLDERS: Option<&str> = Some("m:Folders");
const ATTACHMENTS: Option<&str> = Some("m:Attachments");

/// Names whose answer is made by the same pattern. `GetUserAvailabilityRequest` and `GetUserOofSettingsRequest` end in `Request`
/// while their answers do not; they stand at the end.
static KNOWN: &[Known] = &[
    operation!("FindItem", Listed, None, ErrorAccessDenied),
    operation!("GetItem", Listed, ITEMS, ErrorAccessDenied),
    operation!("GetFolder", Listed, FOLDERS, ErrorAccessDenied),
    operation!("FindFolder", Listed, None, ErrorAccessDenied),
    operation!("SyncFolderHierarchy", Listed, None, ErrorAccessDenied),
    operation!("SyncFolderItems", Listed, None, ErrorAccessDenied),
    operation!("ResolveNames", Listed, None, ErrorNameResolutionNoResults),
    operation!("ConvertId", Listed, None, ErrorInvalidIdMalformed),
    operation!("Subscribe", Listed, None, ErrorInvalidSubscriptionRequest),
    operation!("GetEvents", Listed, None, ErrorSubscriptionNotFound),
    operation!("GetStreamingEvents", Listed, None, ErrorSubscriptionNotFound),
    operation!("Unsubscribe", Listed, None, ErrorSubscriptionNotFound),
    operation!("ExpandDL", Listed, None, ErrorNameResolutionNoResults),
    operation!("GetAttachment", Listed, ATTACHMENTS, ErrorItemNotFound),
    operation!("GetServerTimeZones", Listed, Some("m:TimeZoneDefinitions"), ErrorAccessDenied),
    operation!("GetUserConfiguration", Listed, None, ErrorItemNotFound),
    operation!("GetMailTips", Flat, None, ErrorAccessDenied),
    operation!("GetDelegate", Flat, None, ErrorAccessDenied),
    operation!("GetRoomLists", Flat, None, ErrorAccessDenied),
    operation!("GetRooms", Flat, None, ErrorAccessDenied),
    operation!("CreateItem", Listed, ITEMS, ErrorAccessDenied),
    operation!("UpdateItem", Listed, ITEMS, ErrorAccessDenied),
    operation!("DeleteItem", Listed, None, ErrorAccessDenied),
    operation!("SendItem", Listed, None, ErrorAccessDenied),
    operation!("MoveItem", Listed, ITEMS, ErrorAccessDenied),
    operation!("CopyItem", Listed, ITEMS, ErrorAccessDenied),
    operation!("CreateAttachment", Listed, ATTACHMENTS, ErrorAccessDenied),
    operation!("DeleteAttachment", Listed, None, ErrorAccessDenied),
    operation!("CreateFolder", Listed, FOLDERS, ErrorAccessDenied),
    operation!("UpdateFolder", Listed, FOLDERS, ErrorAccessDenied),
    operation!("DeleteFolder", Listed, None, ErrorAccessDenied),
    operation!("MoveFolder", Listed, FOLDERS, ErrorAccessDenied),
    operation!("CopyFolder", Listed, FOLDERS, ErrorAccessDenied),
    Known {
        name: "GetUserOofSettingsRequest",
        declined: Code::ErrorAccessDenied,
        response: "m:GetUserOofSettingsResponse",
        message: "m:ResponseMessage",
        form: Form::Wrapped(&[]),
        required: None,
    },
    Known {
        name: "GetUserAvailabilityRequest",
        declined: Code::ErrorAccessDenied,
        response: "m:GetUserAvailabilityResponse",
        message: "m:ResponseMessage",
        form: Form::Wrapped(&["m:FreeBusyResponseArray", "m:FreeBusyResponse"]),
        required: None,
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ews::tree::Element;

    #[test]
    fn every_known_operation_can_be_declined_and_every_answer_names_the_server_version() {
        for known in KNOWN {
            let mut answer = Answer::to(known.name).unwrap();
            answer.error(known.declined);
            let root = Element::parse(answer.into_text(false).as_bytes()).unwrap();
            assert_eq!(root.at(&["Header", "ServerVersionInfo"]).unwrap().attribute("MajorVersion"), Some("15"));
            assert!(root.child("Body").unwrap().children[0].name.ends_with("Response"), "{}", known.name);
        }
        assert!(Answer::to("Nonsense").is_none());
    }

    #[test]
    fn a_fault_is_in_the_envelope_of_the_request_and_tells_when_to_come_back() {
        let fault = Fault { back_off_ms: Some(5000), ..Fault::new(Code::ErrorServerBusy, "a < b") };
        let root = Element::parse(fault.clone().into_text().as_bytes()).unwrap();
        let told = root.at(&["Body", "Fault", "detail"]).unwrap();
        assert_eq!(told.child("ResponseCode").unwrap().text, "ErrorServerBusy");
        assert_eq!(told.at(&["MessageXml", "Value"]).unwrap().text, "5000");
        assert_eq!(root.at(&["Body", "Fault", "faultstring"]).unwrap().text, "a < b");
        let root = Element::parse(Fault { soap12: true, ..fault }.into_text().as_bytes()).unwrap();
        assert_eq!(&*root.namespace, SOAP_12);
        assert_eq!(root.at(&["Body", "Fault", "Detail", "Message"]).unwrap().text, "a < b");
    }
}
