//! An event's text as rules see it.
//!
//! In: the body as the calendar has it, plain or HTML, written by anybody. Out: plain text on ordinary characters, once as
//! written and once with the links that mail security rewrote put back. Everything is linear in the body and cut at
//! [`BODY_MAX`]. Pure.

mod html;
mod normal;
mod transfer;
pub mod wrapped;

use std::borrow::Cow;

use crate::model::Body;

pub use wrapped::{Outcome, Wrapped};

/// Longest body that is looked at, in bytes as the calendar has it. Invitations of all providers are below 100 KiB; what is
/// longer is a document somebody pasted, and the link stands before it.
pub const BODY_MAX: usize = 2 * 1024 * 1024;

/// A text as rules see it. Whoever holds one holds what people wrote: it has no `Debug`.
#[derive(Clone, Default)]
pub struct InvitationText {
    /// Normalised; rewritten links as they are.
    pub text: String,
    /// The same with rewritten links replaced by those they stand for. `None`: there are none.
    unwrapped: Option<String>,
    /// The rewritten links, for the trace.
    pub wrapped: Vec<Wrapped>,
    /// Why the end of the body was not looked at; `None`: it was.
    pub cut: Option<Cut>,
}

/// Why the end of a body was not looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub enum Cut {
    /// It is longer than [`BODY_MAX`].
    Bytes,
    /// It has more tags than are read.
    Tags,
}

impl Cut {
    /// How many of them were read.
    #[must_use]
    pub fn after(self) -> usize {
        match self {
            Self::Bytes => BODY_MAX,
            Self::Tags => html::MARKS_MAX,
        }
    }
}

impl InvitationText {
    /// The text with rewritten links replaced by those they stand for.
    #[must_use]
    pub fn unwrapped(&self) -> &str {
        self.unwrapped.as_deref().unwrap_or(&self.text)
    }

    /// The same, when nothing else is needed.
    #[must_use]
    pub fn into_unwrapped(self) -> String {
        self.unwrapped.unwrap_or(self.text)
    }

    /// Whether that is another text than the one as written.
    #[must_use]
    pub fn differs(&self) -> bool {
        self.unwrapped.is_some()
    }
}

/// The text of a body.
#[must_use]
pub fn text(body: &Body) -> InvitationText {
    match body {
        Body::None => InvitationText::default(),
        Body::Text(text) => {
            let (source, cut) = bounded(text.expose());
            let source = transfer::quoted_printable(source);
            if html::is_marked(&source) {
                let (text, too_many) = html::marked_text(&source);
                return finish(normal::characters(text.into()), too_many.then_some(Cut::Tags).or(cut));
            }
            finish(normal::characters(source), cut)
        }
        Body::Html(html) => {
            let (source, cut) = bounded(html.expose());
            // Either the whole source of a mail was taken for its HTML, or somebody pasted some into it.
            let source = transfer::quoted_printable(source);
            let (text, too_many) = html::text(&source);
            let decoded = match source {
                Cow::Owned(_) => None,
                Cow::Borrowed(_) => match transfer::quoted_printable(&text) {
                    Cow::Owned(decoded) => Some(decoded),
                    Cow::Borrowed(_) => None,
                },
            };
            let text = decoded.unwrap_or(text);
            finish(normal::characters(text.into()), too_many.then_some(Cut::Tags).or(cut))
        }
    }
}

/// The text of a single line, such as a location.
#[must_use]
pub fn line(text: &str) -> InvitationText {
    if text.is_empty() {
        return InvitationText::default();
    }
    let (source, cut) = bounded(text);
    finish(normal::characters(source.into()), cut)
}

fn finish(text: String, cut: Option<Cut>) -> InvitationText {
    let text = normal::broken_links(text);
    let (unwrapped, wrapped) = wrapped::unwrap_all(&text);
    InvitationText { unwrapped, text, wrapped, cut }
}

/// The first [`BODY_MAX`] bytes, whole characters only.
fn bounded(text: &str) -> (&str, Option<Cut>) {
    if text.len() <= BODY_MAX { (text, None) } else { (&text[..text.floor_char_boundary(BODY_MAX)], Some(Cut::Bytes)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Confidential;

    #[test]
    fn rewritten_links_stay_in_the_text_and_are_replaced_in_the_other() {
        let wrapped = "https://www.google.com/url?q=https%3A%2F%2Fpexip.me%2Fx&sa=D";
        let body = Body::Html(Confidential::new(format!("<p>Join <a href=\"{wrapped}\">here</a>")));
        let text = text(&body);
        assert_eq!(text.text, format!("Join here <{wrapped}>"));
        assert_eq!(text.unwrapped(), "Join here <https://pexip.me/x>");
        assert_eq!((text.wrapped.len(), text.cut), (1, None));
    }

    #[test]
    fn a_body_is_cut_between_characters() {
        let text = text(&Body::Text(Confidential::new("é".repeat(BODY_MAX / 2) + "é")));
        assert_eq!(text.cut, Some(Cut::Bytes));
        assert_eq!(text.text.len(), BODY_MAX);
    }

    #[test]
    fn a_body_of_nothing_but_tags_is_cut() {
        for body in [
            Body::Html(Confidential::new("<p>".repeat(250_000))),
            Body::Text(Confidential::new("<b>x</b>".repeat(125_000))),
        ] {
            assert_eq!(text(&body).cut, Some(Cut::Tags));
        }
    }
}
