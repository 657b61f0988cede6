//! Bodies of requests that do something: JSON from programs, forms from pages. In: a request. Out: what it wishes, or a problem that says
//! what a body looks like and quotes none.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::header;
use serde::de::DeserializeOwned;

use super::problem::Problem;

/// Longest way back to a page.
const BACK_MAX: usize = 2000;

/// How the body of a request looks, for whoever sent another.
pub(super) trait Shape: DeserializeOwned {
    /// In one line.
    const SHAPE: &'static str;
}

/// A body that was understood.
pub(super) struct Body<T> {
    /// What it wishes.
    pub(super) wish: T,
    /// The page that a form was sent from, to go back to; a path of this server.
    pub(super) back: Option<String>,
}

impl<T: Shape, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let is_form = is_form(&request);
        let wrong = || Problem::bad_request(format!("the body is {}", T::SHAPE));
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|refused| Problem::new(refused.status(), "the body is too large, or did not arrive"))?;
        if !is_form {
            let text = if bytes.is_empty() { b"{}" } else { &bytes[..] };
            let wish = serde_json::from_slice(text).map_err(|_| wrong())?;
            return Ok(Self { wish, back: None });
        }
        let mut fields = serde_json::Map::new();
        let mut back = None;
        for (name, value) in fields_of(&bytes) {
            match name.as_str() {
                CSRF => {}
                "back" => back = Some(value).filter(|back| is_ours(back)),
                // A field that nobody filled in is not there.
                _ if value.is_empty() => {}
                _ => {
                    fields.insert(name, value.into());
                }
            }
        }
        let wish = serde_json::from_value(fields.into()).map_err(|_| wrong())?;
        Ok(Self { wish, back: Some(back.unwrap_or_else(|| "/".into())) })
    }
}

/// The field of a form that shows that one of our pages sent it.
pub(super) const CSRF: &str = "csrf";

/// Whether the body is a form's.
pub(super) fn is_form(request: &Request) -> bool {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// The fields of a form, in their order.
pub(super) fn fields_of(body: &[u8]) -> Vec<(String, String)> {
    serde_urlencoded::from_bytes(body).unwrap_or_default()
}

/// Whether `path` leads to a page of this server and nowhere else.
pub(super) fn is_ours(path: &str) -> bool {
    let mut characters = path.chars();
    characters.next() == Some('/')
        && !matches!(characters.next(), Some('/' | '\\'))
        && path.len() <= BACK_MAX
        && path.chars().all(|c| c.is_ascii_graphic() && c != '\\')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back_leads_to_a_page_of_ours_alone() {
        for (path, ours) in [
            ("/", true),
            ("/rooms?filter=a%20b&x=1", true),
            ("//evil.example", false),
            ("/\\evil.example", false),
            ("https://evil.example", false),
            ("", false),
            ("/a\r\nset-cookie:x", false),
        ] {
            assert_eq!(is_ours(path), ours, "{path}");
        }
    }
}
