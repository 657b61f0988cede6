//! Ids as Exchange has them: opaque base64 with everything inside that the server needs to find the thing again. Case counts, and all
//! 64 characters occur.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// What an id leads to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Thing {
    /// An event, or a series: mailbox and id.
    Item(String, String),
    /// A folder: mailbox and distinguished name.
    Folder(String, String),
    /// A state of synchronising a mailbox's calendar: up to which revision, and up to which item of it.
    State(String, u64, String),
    /// A subscription's place: up to which revision.
    Watermark(u64),
}

/// Where the entry ids of all stores begin.
const HEAD: [u8; 4] = [0xfb, 0xef, 0xbe, 0x3f];

impl Thing {
    fn bytes(&self) -> Vec<u8> {
        let parts: [&str; 4] = match self {
            Self::Item(mailbox, id) => ["i", mailbox, id, ""],
            Self::Folder(mailbox, name) => ["f", mailbox, name, ""],
            Self::State(mailbox, revision, item) => ["s", mailbox, &revision.to_string(), item],
            Self::Watermark(revision) => ["w", "", &revision.to_string(), ""],
        };
        let mut bytes = HEAD.to_vec();
        bytes.extend(parts.join("\0").bytes());
        bytes
    }

    fn of_bytes(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes.strip_prefix(&HEAD)?).ok()?;
        let parts: Vec<&str> = text.split('\0').collect();
        let [kind, mailbox, middle, last] = *parts.as_slice() else { return None };
        Some(match kind {
            "i" => Self::Item(mailbox.into(), middle.into()),
            "f" => Self::Folder(mailbox.into(), middle.into()),
            "s" => Self::State(mailbox.into(), middle.parse().ok()?, last.into()),
            "w" => Self::Watermark(middle.parse().ok()?),
            _ => return None,
        })
    }

    /// As it stands in answers.
    pub(super) fn id(&self) -> String {
        STANDARD.encode(self.bytes())
    }

    /// `HexEntryId`.
    pub(super) fn hex(&self) -> String {
        self.bytes().iter().map(|byte| format!("{byte:02X}")).collect()
    }

    pub(super) fn read(id: &str) -> Option<Self> {
        Self::of_bytes(&STANDARD.decode(id).ok()?)
    }

    pub(super) fn read_hex(hex: &str) -> Option<Self> {
        let digits: Option<Vec<u8>> =
            hex.chars().map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
        let (pairs, rest) = digits.as_deref()?.as_chunks::<2>();
        let bytes: Vec<u8> = pairs.iter().map(|[high, low]| high << 4 | low).collect();
        Self::of_bytes(&bytes).filter(|_| rest.is_empty())
    }
}

/// The change key of a state of an item.
pub(super) fn change_key(digest: u64, revision: u64) -> String {
    let mut bytes = vec![0x09, 0, 0, 0, 0x16, 0, 0, 0];
    bytes.extend(digest.to_be_bytes());
    bytes.extend(revision.to_be_bytes());
    STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_lead_back_to_what_they_were_made_of_in_both_forms() {
        let mailbox = || "fjord@example.com".to_owned();
        for thing in [
            Thing::Item(mailbox(), "é/1".into()),
            Thing::Folder(mailbox(), "calendar".into()),
            Thing::State(mailbox(), 7, "x".into()),
            Thing::Watermark(u64::MAX),
        ] {
            assert_eq!(Thing::read(&thing.id()), Some(thing.clone()));
            assert_eq!(Thing::read_hex(&thing.hex()), Some(thing));
        }
        for wrong in ["", "x", "AAAA", "++++", "0G", "abc"] {
            assert_eq!((Thing::read(wrong), Thing::read_hex(wrong)), (None, None), "{wrong}");
        }
    }
}
