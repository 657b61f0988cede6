//! The wire format of Exchange Web Services as a client speaks it: what it asks, by Microsoft's schema; what it makes of answers, also
//! of those that no server should give.

mod answers;
mod autodiscover;
mod hostile;
mod requests;
mod streaming;

use otj::ews::{MESSAGES, TYPES};

use crate::python;

/// What is wrong with each text.
fn faults(texts: &[String]) -> Vec<String> {
    let mut script = python::script("tests/python/ews.py");
    script.arg(python::root("tests/schemas/ews2016"));
    serde_json::from_value(python::ask(script, &serde_json::json!(texts))).unwrap()
}

/// An answer as Exchange 2016 sends it.
fn soap(body: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Header>\
         <h:ServerVersionInfo MajorVersion=\"15\" MinorVersion=\"1\" MajorBuildNumber=\"2507\" MinorBuildNumber=\"6\" \
         Version=\"V2017_07_11\" xmlns:h=\"{TYPES}\"/></s:Header><s:Body xmlns:m=\"{MESSAGES}\" xmlns:t=\"{TYPES}\">{body}</s:Body>\
         </s:Envelope>"
    )
}

/// The answer to `operation`, of these response messages.
fn answer(operation: &str, messages: &[String]) -> String {
    let messages = messages.concat();
    soap(&format!("<m:{operation}Response><m:ResponseMessages>{messages}</m:ResponseMessages></m:{operation}Response>"))
}

/// A response message that tells what was asked.
fn success(operation: &str, inside: &str) -> String {
    format!(
        "<m:{operation}ResponseMessage ResponseClass=\"Success\"><m:ResponseCode>NoError</m:ResponseCode>{inside}\
         </m:{operation}ResponseMessage>"
    )
}

/// A response message that does not.
fn failure(operation: &str, class: &str, code: &str, inside: &str) -> String {
    format!(
        "<m:{operation}ResponseMessage ResponseClass=\"{class}\"><m:MessageText>No, hunter2.</m:MessageText>\
         <m:ResponseCode>{code}</m:ResponseCode><m:DescriptiveLinkKey>0</m:DescriptiveLinkKey>{inside}</m:{operation}ResponseMessage>"
    )
}
