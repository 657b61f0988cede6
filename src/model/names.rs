//! Names and identifiers. Each is parsed once, at the edge, and cheap to clone.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Longest name of a document, in characters (the guide's limit for every named object).
pub const NAME_MAX: usize = 250;

/// Why a text is not a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameFault {
    /// Nothing, or only white space.
    #[error("a name needs at least one character")]
    Empty,
    /// More than [`NAME_MAX`] characters.
    #[error("a name has at most 250 characters")]
    TooLong,
    /// A line break, a tab, or another control character.
    #[error("a name has no control characters")]
    Control,
}

fn checked(text: &str) -> Result<Arc<str>, NameFault> {
    if text.trim().is_empty() {
        return Err(NameFault::Empty);
    }
    if text.chars().count() > NAME_MAX {
        return Err(NameFault::TooLong);
    }
    if text.chars().any(char::is_control) {
        return Err(NameFault::Control);
    }
    Ok(text.into())
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The only constructor.
            ///
            /// # Errors
            /// When the text is empty, longer than 250 characters, or holds a control character.
            pub fn parse(text: &str) -> Result<Self, NameFault> {
                checked(text).map(Self)
            }

            /// The name as written in the documents.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&*self.0, f)
            }
        }
    };
}

name!(
    /// `metadata.name` of an Endpoint.
    EndpointName
);
name!(
    /// `metadata.name` of an EndpointGroup.
    GroupName
);
name!(
    /// `metadata.name` of a Profile.
    ProfileName
);
name!(
    /// `metadata.name` of an integration, of whatever kind.
    IntegrationName
);
name!(
    /// `metadata.name` of a Rule.
    RuleName
);
name!(
    /// `metadata.name` of a Location; `default` exists without a document.
    LocationName
);

/// A room's e-mail address, lower-cased: the room's name everywhere.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RoomEmail(Arc<str>);

impl RoomEmail {
    /// Lower-cases and checks the form `local@domain`.
    ///
    /// # Errors
    /// When it is not one address: no or several `@`, an empty side, white space, a control character, or more than 254 bytes.
    pub fn parse(text: &str) -> Result<Self, NameFault> {
        let text = text.trim().to_lowercase();
        let email = checked(&text)?;
        if text.len() > 254 {
            return Err(NameFault::TooLong);
        }
        match text.split_once('@') {
            Some((local, domain))
                if !local.is_empty()
                    && !domain.is_empty()
                    && !domain.contains('@')
                    && !text.contains(char::is_whitespace)
                    && !text.contains(['/', '\\', '<', '>', '"']) =>
            {
                Ok(Self(email))
            }
            _ => Err(NameFault::Empty),
        }
    }

    /// The address, lower-cased.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RoomEmail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RoomEmail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

/// What identifies a room: its calendar service and its address. Its agenda is read once, however many endpoints stand in it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct RoomKey {
    /// The calendar service.
    pub integration: IntegrationName,
    /// The address.
    pub email: RoomEmail,
}

impl fmt::Display for RoomKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.email, f)
    }
}

/// A profile together with a group's `aliasDomains`, `dialNumbers` and `replaceSubjectTemplate`: all that decides what the
/// rules make of an event. Several endpoints with equal settings share one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct EvaluationId {
    /// Whose rules.
    pub profile: ProfileName,
    /// Digest of the settings that differ by group; all zero for the profile's own.
    pub variant: Digest,
}

/// SHA-256 of something, shown as its first 16 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// Digest of `parts`, each preceded by its length, so that `["ab", "c"]` and `["a", "bc"]` differ.
    #[must_use]
    pub fn of<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        Self(hash.finalize().into())
    }

    /// The first 16 hex digits: what people compare.
    #[must_use]
    pub fn short(&self) -> String {
        self.0[..8].iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.short())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.short())
    }
}

/// Identifies a meeting on every endpoint of its room: SHA-256 over (room, iCalendar UID, original start of the occurrence,
/// nothing for singles), base32 in lower case, 40 characters. A moved meeting keeps its id.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MeetingId(Arc<str>);

impl MeetingId {
    /// The id of the occurrence of `uid` in `room` that was first set for `original_start`.
    #[must_use]
    pub fn new(room: &RoomEmail, uid: &str, original_start: Option<jiff::Timestamp>) -> Self {
        let start = original_start.map(|start| start.as_second().to_string()).unwrap_or_default();
        let digest = Digest::of([room.as_str().as_bytes(), uid.as_bytes(), start.as_bytes()]);
        Self(base32(&digest.0[..25]).into())
    }

    /// The id of one day of a meeting that an endpoint can only hold day by day; days count from 0 here, from 1 in the id.
    #[must_use]
    pub fn day(&self, day: usize) -> Self {
        Self(format!("{}-{}", self.0, day + 1).into())
    }

    /// From its text, as an endpoint gave it back; `None` when it is none of ours.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (id, day) = text.split_once('-').map_or((text, None), |(id, day)| (id, Some(day)));
        let is_id = id.len() == 40 && id.bytes().all(|b| b.is_ascii_lowercase() || (b'2'..=b'7').contains(&b));
        let is_day = day.is_none_or(|day| day.len() <= 3 && day.parse::<u16>().is_ok());
        (is_id && is_day).then(|| Self(text.into()))
    }

    /// 40 characters of `a`–`z` and `2`–`7`, and `-N` for one day of a longer meeting.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MeetingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for MeetingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// RFC 4648 base32 without padding, in lower case. `bytes` is a multiple of five long where no remainder is wanted.
#[must_use]
pub fn base32(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut text = String::with_capacity(bytes.len() * 8 / 5 + 1);
    let (mut buffer, mut bits) = (0u32, 0u32);
    for &byte in bytes {
        buffer = (buffer << 8) | u32::from(byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(char::from(ALPHABET[(buffer >> bits) as usize & 31]));
        }
    }
    if bits > 0 {
        text.push(char::from(ALPHABET[(buffer << (5 - bits)) as usize & 31]));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_meeting_keeps_its_id_when_it_moves_and_differs_by_occurrence_and_room() {
        let fjord = RoomEmail::parse("Fjord@Example.com").unwrap();
        let at = |text: &str| Some(text.parse().unwrap());
        let id = MeetingId::new(&fjord, "u1", at("2026-01-05T10:00:00Z"));
        assert_eq!(id.as_str().len(), 40);
        assert_eq!(
            id,
            MeetingId::new(&RoomEmail::parse("fjord@example.com").unwrap(), "u1", at("2026-01-05T10:00:00Z"))
        );
        assert_ne!(id, MeetingId::new(&fjord, "u1", at("2026-01-06T10:00:00Z")));
        assert_ne!(id, MeetingId::new(&fjord, "u1", None));
        assert_ne!(id, MeetingId::new(&RoomEmail::parse("vik@example.com").unwrap(), "u1", at("2026-01-05T10:00:00Z")));
    }

    #[test]
    fn a_room_email_is_one_address() {
        for wrong in ["", "fjord", "@example.com", "fjord@", "a@b@c", "a b@c.example", "../x@y"] {
            assert!(RoomEmail::parse(wrong).is_err(), "{wrong}");
        }
    }
}
