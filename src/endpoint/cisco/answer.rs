//! What a codec's answer says. In: status, headers and body of one answer. Out: what was asked for, or the error. A 200 alone
//! proves nothing: it may hold an error, nothing at all, or a page to sign in.
//!
//! | answer | is |
//! |---|---|
//! | 401; 403 | credentials refused |
//! | 30x to a sign-in page, HTML that asks to sign in | credentials refused |
//! | 30x from http to https on the same host | wants HTTPS |
//! | any other 30x | redirected elsewhere |
//! | 503 | busy |
//! | 404, 405 | the path is not known |
//! | `…Result status="OK"` | went well |
//! | `…Result` with `Error` or `ParameterError`, `<Error>`, `<Fault>` | declined, or not understood where it says unknown command |
//! | `<Command/>` without a result | not understood |
//! | anything else | unclear |

use std::time::Duration;

use super::element::Element;
use crate::endpoint::{EndpointError, Refusal};
use crate::http::{Response, Url, header};

/// Longest reason of a device that is repeated, in characters.
const REASON_MAX: usize = 160;

/// What came of one command of a request.
pub(super) enum Outcome<'a> {
    /// It said that it went well; its result.
    Done(&'a Element),
    /// It does not know this command.
    NotUnderstood,
    /// It knows the command and refused.
    Declined(EndpointError),
}

/// Looks at everything but the body's meaning.
///
/// # Errors
/// For every status but 200, and for pages made for people.
pub(super) fn check(url: &Url, response: &Response) -> Result<(), EndpointError> {
    let status = response.status.as_u16();
    let text = |name| response.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match status {
        200..=299 if looks_like_html(text(header::CONTENT_TYPE), &response.body) => {
            let page = String::from_utf8_lossy(&response.body).to_ascii_lowercase();
            if is_sign_in(&page) {
                return Err(EndpointError::CredentialsRefused(Refusal::SignInPage));
            }
            Err(EndpointError::Unclear("a web page"))
        }
        200..=299 => Ok(()),
        300..=399 => Err(redirect(url, text(header::LOCATION), status)),
        401 => Err(EndpointError::CredentialsRefused(Refusal::Unauthorized)),
        403 => Err(EndpointError::CredentialsRefused(Refusal::Forbidden)),
        404 | 405 | 501 => Err(EndpointError::Unsupported),
        429 | 503 => {
            let retry_after = text(header::RETRY_AFTER).trim().parse().ok().map(Duration::from_secs);
            Err(EndpointError::Busy { retry_after })
        }
        _ => Err(EndpointError::Status(status)),
    }
}

fn looks_like_html(content_type: &str, body: &[u8]) -> bool {
    let start: String = String::from_utf8_lossy(&body[..body.len().min(256)]).trim_start().to_ascii_lowercase();
    start.starts_with("<!doctype html")
        || start.starts_with("<html")
        || (content_type.to_ascii_lowercase().starts_with("text/html") && !start.starts_with("<?xml"))
}

fn is_sign_in(text: &str) -> bool {
    ["signin", "sign-in", "sign in", "login", "log in", "password"].iter().any(|word| text.contains(word))
}

fn redirect(from: &Url, location: &str, status: u16) -> EndpointError {
    let Ok(target) = from.join(location) else { return EndpointError::RedirectsElsewhere(status) };
    if target.host() != from.host() {
        return EndpointError::RedirectsElsewhere(status);
    }
    if is_sign_in(&target.path().to_ascii_lowercase()) {
        return EndpointError::CredentialsRefused(Refusal::SignInPage);
    }
    match (from.scheme(), target.scheme()) {
        ("http", "https") => EndpointError::RedirectsToHttps,
        _ => EndpointError::RedirectsElsewhere(status),
    }
}

/// What came of the command whose result's name holds `name` ("Put", "List", "Clear").
///
/// # Errors
/// When the body is no XML, or no answer to a command.
pub(super) fn outcome<'a>(root: &'a Element, name: &str) -> Result<Outcome<'a>, EndpointError> {
    let all = root.walk();
    let own = all.iter().find(|element| element.name.ends_with("Result") && element.name.contains(name));
    // Some firmware answers a command it does not know with a nameless result, or only with what is wrong.
    let general =
        || all.iter().find(|element| matches!(element.name.as_str(), "Result" | "Error" | "Fault" | "Unknown"));
    match own.or_else(general) {
        Some(result) if result.status == "OK" && failed(result).is_none() => Ok(Outcome::Done(result)),
        Some(result) => Ok(unsuccessful(result)),
        None if root.name == "Command" => Ok(Outcome::NotUnderstood),
        None => Err(EndpointError::Unclear("XML without a result")),
    }
}

/// Whether `/bookingsputxml` took the list. What it answers is not documented; any XML without an error, or nothing at
/// all, counts, and the list is read back afterwards.
///
/// # Errors
/// When the body says that something is wrong, or is no XML.
pub(super) fn bookings_taken(body: &[u8]) -> Result<(), EndpointError> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(());
    }
    let root = Element::parse(body).ok_or(EndpointError::Unclear("no XML"))?;
    match failed(&root).map(unsuccessful) {
        None => Ok(()),
        Some(Outcome::Declined(error)) => Err(error),
        Some(_) => Err(EndpointError::Unsupported),
    }
}

/// The first element that says something went wrong.
fn failed(root: &Element) -> Option<&Element> {
    let is_error = |element: &&Element| {
        element.status.to_ascii_lowercase().contains("error")
            || matches!(element.name.as_str(), "Error" | "ParameterError" | "Fault" | "XPathError")
    };
    root.walk().into_iter().find(is_error)
}

fn unsuccessful<'a>(result: &Element) -> Outcome<'a> {
    let all = result.walk();
    let said = all.iter().find(|element| matches!(element.name.as_str(), "Reason" | "XPathError" | "Description"));
    let reason = said.map_or(result.text.as_str(), |element| &element.text);
    let lower = reason.to_ascii_lowercase();
    if lower.contains("unknown command") || lower.contains("no match on") || result.name == "Unknown" {
        return Outcome::NotUnderstood;
    }
    if lower.contains("microsoftteams") || lower.contains("microsoft teams") {
        return Outcome::Declined(EndpointError::TeamsRoomsMode);
    }
    Outcome::Declined(EndpointError::Declined(reason.to_owned()))
}

/// The error without anything a booking says: a device may quote the value it did not like, and errors are logged.
pub(super) fn without_texts<'a>(error: EndpointError, texts: impl Iterator<Item = &'a str>) -> EndpointError {
    let EndpointError::Declined(reason) = error else { return error };
    EndpointError::Declined(reason_without(&reason, texts))
}

/// A reason as it may be repeated: not where it holds a word of `texts`.
pub(in crate::endpoint) fn reason_without<'a>(reason: &str, texts: impl Iterator<Item = &'a str>) -> String {
    let words = |text: &str| -> Vec<String> {
        text.to_lowercase()
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| word.len() > 3)
            .map(str::to_owned)
            .collect()
    };
    let said = words(reason);
    let repeats = texts.flat_map(words).any(|word| said.iter().any(|said| said.contains(&word)));
    let plain = reason.chars().filter(|c| !c.is_control()).take(REASON_MAX).collect::<String>();
    match plain.trim() {
        _ if repeats => "it quoted a booking, so its reason is not repeated here".to_owned(),
        "" => "it gave no reason".to_owned(),
        plain => format!("`{plain}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(body: &str, command: &str) -> String {
        let Some(root) = Element::parse(body.as_bytes()) else { return "no XML".into() };
        match outcome(&root, command) {
            Ok(Outcome::Done(result)) => format!("done {}", result.name),
            Ok(Outcome::NotUnderstood) => "not understood".into(),
            Ok(Outcome::Declined(error)) | Err(error) => without_texts(error, ["Budget round"].into_iter()).to_string(),
        }
    }

    #[test]
    fn a_command_went_well_only_when_its_own_result_says_so() {
        for (body, expected) in [
            (r#"<Command><BookingsPutResult status="OK"/></Command>"#, "done BookingsPutResult"),
            (r#"<X><a:PutResult xmlns:a="urn:x" status="OK"/></X>"#, "done PutResult"),
            (r#"<Command><BookingsListResult status="OK"/></Command>"#, "not understood"),
            (r"<Command/>", "not understood"),
            (
                r#"<Command><Result status="Error"><Reason>Unknown command</Reason></Result></Command>"#,
                "not understood",
            ),
            (
                r#"<Command><BookingsPutResult status="Error"><Reason>Bad JSON</Reason></BookingsPutResult></Command>"#,
                "the device refused the list: `Bad JSON`",
            ),
            (
                r#"<Command><BookingsPutResult status="ParameterError"><Reason>Bad value "budget"</Reason></BookingsPutResult></Command>"#,
                "the device refused the list: it quoted a booking, so its reason is not repeated here",
            ),
            (
                r#"<Command><BookingsPutResult status="Error"/></Command>"#,
                "the device refused the list: it gave no reason",
            ),
            (
                r#"<Command><BookingsPutResult status="Error"><Reason>Not available in MicrosoftTeamsInstalled</Reason></BookingsPutResult></Command>"#,
                "the device runs in Microsoft Teams Rooms mode, which takes no bookings from outside",
            ),
            (r#"<Command><BookingsPutResult/></Command>"#, "the device refused the list: it gave no reason"),
            (r"<Fault><XPathError>No match on address expression</XPathError></Fault>", "not understood"),
            (r"<Status/>", "the device's answer does not say whether it took the list: it is XML without a result"),
        ] {
            assert_eq!(said(body, "Put"), expected, "{body}");
        }
    }

    #[test]
    fn the_older_wire_is_believed_unless_it_tells_of_an_error() {
        for (body, taken) in [
            ("", true),
            ("<success />", true),
            (r#"<Bookings status="OK"/>"#, true),
            (r#"<Bookings status="Error"/>"#, false),
            ("<R><Error>x</Error></R>", false),
            ("<Fault/>", false),
            ("hello", false),
        ] {
            assert_eq!(bookings_taken(body.as_bytes()).is_ok(), taken, "{body}");
        }
    }

    #[test]
    fn credentials_do_not_follow_a_redirect_and_sign_in_pages_are_refusals() {
        let from = Url::parse("http://10.0.0.5/putxml").unwrap();
        for (location, expected) in [
            ("https://10.0.0.5/putxml", EndpointError::RedirectsToHttps),
            ("https://evil.example/putxml", EndpointError::RedirectsElsewhere(302)),
            ("/web/signin", EndpointError::CredentialsRefused(Refusal::SignInPage)),
            ("https://evil.example/web/signin", EndpointError::RedirectsElsewhere(302)),
            ("/elsewhere", EndpointError::RedirectsElsewhere(302)),
            ("http://[", EndpointError::RedirectsElsewhere(302)),
        ] {
            assert_eq!(redirect(&from, location, 302), expected, "{location}");
        }
        assert!(looks_like_html("", b" <!DOCTYPE html><p>") && looks_like_html("text/html; charset=utf-8", b"hello"));
        assert!(!looks_like_html("text/html", b"<?xml version=\"1.0\"?><Command/>"));
    }
}
