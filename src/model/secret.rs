//! Values that must not be seen: credentials, and what people wrote in their calendars.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

/// A credential. It has no `Serialize` and no `Display`; `Debug` shows dots; it is wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<Wiped>);

#[derive(PartialEq, Eq)]
struct Wiped(String);

impl Drop for Wiped {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl Secret {
    /// Takes the text over.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Arc::new(Wiped(text)))
    }

    /// The credential itself. Every call is a place to look at in review.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("••••")
    }
}

/// What a `SecretRef` of a document resolved to. A missing secret is a condition on the object that needs it, never a reason to stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretValue {
    /// The credential.
    Known(Secret),
    /// Not there, unreadable, empty or refused; the reason quotes the reference, never the value.
    Missing(Arc<str>),
}

impl SecretValue {
    /// The credential, when there is one.
    #[must_use]
    pub fn known(&self) -> Option<&Secret> {
        match self {
            Self::Known(secret) => Some(secret),
            Self::Missing(_) => None,
        }
    }
}

/// What people wrote: subjects, names, places, texts. `Debug` hides it, so that no log line, panic or test failure of ours
/// prints it by accident. It is serialized into the sealed store and shown on the authenticated pages, and nowhere else. Cloning
/// shares it: a title stands in a room's meetings and in each of its endpoints' schedules.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Confidential(Arc<str>);

impl Confidential {
    /// Takes the text over.
    #[must_use]
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// The text itself. Every call is a place to look at in review.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing but white space.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.0.trim().is_empty()
    }
}

impl fmt::Debug for Confidential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "‹{} characters›", self.0.chars().count())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_neither_credentials_nor_what_people_wrote() {
        let secret = SecretValue::Known(Secret::new("hunter2".into()));
        let subject = Confidential::new("Merger");
        assert!(!format!("{secret:?} {subject:?}").contains("hunter2"));
        assert!(!format!("{secret:?} {subject:?}").contains("Merger"));
    }
}
