//! Exchanges as they are recorded: the shape of what was said stays, passwords, titles, people, places and addresses to join go.

use std::sync::LazyLock;

use axum::http::HeaderMap;
use axum::http::request::Parts;
use jiff::Timestamp;
use regex::{Captures, Regex};

use crate::model::trace::Traced;

/// Longest body that is recorded.
const BODY_MAX: usize = 256 * 1024;
/// Longest value of a header that is recorded.
const VALUE_MAX: usize = 500;

/// Elements that hold what people wrote, or who they are, with any prefix, and what they hold.
static ELEMENTS: LazyLock<Regex> = LazyLock::new(|| {
    let names = "Subject|Body|Location|Name|EmailAddress|Address|DisplayTo|DisplayCc|UnresolvedEntry|PrimarySmtpAddress\
                 |SmtpAddress|PrincipalName|SID|EMailAddress|AcceptableResponseSchema|AccountName|Constant";
    let pattern = format!(r"(?s)(<(?:[\w.-]+:)?(?:{names})(?:\s[^>]*)?>)((?:[^<]|<!\[CDATA\[.*?\]\]>)+)(</)");
    Regex::new(&pattern).expect("the pattern is right")
});
/// Attributes of that kind.
static ATTRIBUTES: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#"(\sMailbox\s*=\s*)("[^"]*"|'[^']*')"#).expect("the pattern is right"));

/// A text of the wire without what is nobody's business. Times and ids stay.
pub(super) fn redacted(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(BODY_MAX)]);
    let text = ELEMENTS.replace_all(&text, |found: &Captures<'_>| format!("{}•{}", &found[1], &found[3]));
    ATTRIBUTES.replace_all(&text, "$1\"•\"").into_owned()
}

/// One exchange, redacted.
pub(super) fn traced(parts: &Parts, request: &[u8], status: u16, answer: &[u8], at: Timestamp) -> Traced {
    Traced {
        at,
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        headers: headers(&parts.headers),
        request: redacted(request),
        status,
        answer: redacted(answer),
    }
}

/// Of authentication only the scheme stays, and of NTLM which message it was.
fn headers(headers: &HeaderMap) -> Vec<(String, String)> {
    let shown = |name: &str, value: &str| match name {
        "authorization" | "proxy-authorization" => {
            let (scheme, rest) = value.split_once(' ').unwrap_or((value, ""));
            let known =
                ["digest", "basic", "ntlm", "negotiate", "bearer"].contains(&scheme.to_ascii_lowercase().as_str());
            // "NTLMSSP", a zero and the number begin so.
            let message = match rest.as_bytes().get(11) {
                Some(b'B') if rest.starts_with("TlRMTVNTUAA") => " (message 1)",
                Some(b'D') if rest.starts_with("TlRMTVNTUAA") => " (message 3)",
                _ => "",
            };
            format!("{} •{message}", if known { scheme } else { "?" })
        }
        "cookie" | "x-anchormailbox" | "from" => "•".into(),
        _ => value.chars().filter(|c| !c.is_control()).take(VALUE_MAX).collect(),
    };
    headers
        .iter()
        .take(64)
        .map(|(name, value)| (name.to_string(), shown(name.as_str(), &String::from_utf8_lossy(value.as_bytes()))))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_keeps_the_shape_and_drops_titles_people_and_secrets() {
        let body = "<s:Body xmlns:s='x'><t:Subject>Merger</t:Subject><Body BodyType=\"Text\">sip:1@x<![CDATA[ a<b ]]></Body>\
                    <t:Start>2026-11-23T09:00:00Z</t:Start><t:Location/><t:AlternateId Mailbox='a@example.com' Id=\"x\"/></s:Body>";
        assert_eq!(
            redacted(body.as_bytes()),
            "<s:Body xmlns:s='x'><t:Subject>•</t:Subject><Body BodyType=\"Text\">•</Body><t:Start>2026-11-23T09:00:00Z</t:Start>\
             <t:Location/><t:AlternateId Mailbox=\"•\" Id=\"x\"/></s:Body>"
        );
        let request = axum::http::Request::post("/ews/exchange.asmx?x=secret")
            .header("authorization", "Basic ZmpvcmQ6c2VjcmV0")
            .header("user-agent", "Trio")
            .header("x-anchormailbox", "a@example.com")
            .body(())
            .unwrap();
        let mut parts = request.into_parts().0;
        let seen = traced(&parts, b"", 401, b"", Timestamp::UNIX_EPOCH);
        let pairs: Vec<String> = seen.headers.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(pairs, ["authorization=Basic •", "user-agent=Trio", "x-anchormailbox=•"]);
        assert_eq!(seen.path, "/ews/exchange.asmx");
        let first = "NTLM TlRMTVNTUAABAAAAFZIIYAgACAAgAAAAAAAAAAAAAABLOFpLNTM5Nw==".parse().unwrap();
        parts.headers.insert("authorization", first);
        assert_eq!(traced(&parts, b"", 401, b"", Timestamp::UNIX_EPOCH).headers[0].1, "NTLM • (message 1)");
    }
}
