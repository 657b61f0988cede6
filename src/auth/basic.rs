//! Basic authentication (RFC 7617), UTF-8.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The value of an `Authorization` header.
#[must_use]
pub fn header(username: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{username}:{password}")))
}

/// User and password of an `Authorization` header, when it is a well-formed Basic one.
#[must_use]
pub fn parse(header: &str) -> Option<(String, String)> {
    let (scheme, token) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(token.trim()).ok()?).ok()?;
    let (user, password) = text.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_is_written_is_read_back_and_anything_else_is_refused() {
        let header = super::header("fjord", "a:b ø");
        assert_eq!(super::parse(&header), Some(("fjord".into(), "a:b ø".into())));
        for wrong in ["", "Basic", "Basic ???", "Bearer eA==", "Basic eA=="] {
            assert_eq!(super::parse(wrong), None, "{wrong}");
        }
    }
}
