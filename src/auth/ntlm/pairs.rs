//! The list of numbered values that a challenge carries and an answer gives back with more in it (`AV_PAIR`, 2.2.2.1).

use super::NtlmError;

/// The NetBIOS name of the server.
pub const COMPUTER: u16 = 1;
/// The NetBIOS name of its domain.
pub const DOMAIN: u16 = 2;
/// Flags, see [`HAS_INTEGRITY`].
pub const FLAGS: u16 = 6;
/// The server's time, in tenths of microseconds since 1601.
pub const TIMESTAMP: u16 = 7;
/// The service that the client means, `HTTP/mail.example.com`.
pub const TARGET: u16 = 9;
/// The TLS connection that the client is on; zeros: none.
pub const CHANNEL_BINDING: u16 = 10;
const END: u16 = 0;

/// In [`FLAGS`]: the third message carries an integrity code.
pub const HAS_INTEGRITY: u32 = 2;

/// Most pairs that are read. Servers send seven.
const PAIRS_MAX: usize = 64;

/// The pairs, in the order they came in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pairs(Vec<(u16, Vec<u8>)>);

impl Pairs {
    /// Reads up to the end mark, or to the end of `bytes` where it is missing.
    ///
    /// # Errors
    /// When a value is longer than what is there, or there are too many.
    pub fn read(mut bytes: &[u8]) -> Result<Self, NtlmError> {
        let mut pairs = Vec::new();
        while let Some((head, rest)) = bytes.split_first_chunk::<4>() {
            let (id, length) = (u16::from_le_bytes([head[0], head[1]]), u16::from_le_bytes([head[2], head[3]]));
            if id == END {
                break;
            }
            let (value, rest) =
                rest.split_at_checked(usize::from(length)).ok_or(NtlmError::Malformed("target information"))?;
            if pairs.len() == PAIRS_MAX {
                return Err(NtlmError::Malformed("too much target information"));
            }
            pairs.push((id, value.to_vec()));
            bytes = rest;
        }
        Ok(Self(pairs))
    }

    /// The value called `id`.
    #[must_use]
    pub fn get(&self, id: u16) -> Option<&[u8]> {
        self.0.iter().find(|(known, _)| *known == id).map(|(_, value)| value.as_slice())
    }

    /// The same with `id` set; what was there is replaced.
    #[must_use]
    pub fn with(mut self, id: u16, value: Vec<u8>) -> Self {
        self.0.retain(|(known, _)| *known != id);
        self.0.push((id, value));
        self
    }

    /// The server's time, where it tells.
    #[must_use]
    pub fn timestamp(&self) -> Option<u64> {
        Some(u64::from_le_bytes(self.get(TIMESTAMP)?.try_into().ok()?))
    }

    /// The flags; none are zero.
    #[must_use]
    pub fn flags(&self) -> u32 {
        self.get(FLAGS).and_then(|value| value.try_into().ok()).map_or(0, u32::from_le_bytes)
    }

    /// The bytes, end mark included.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (id, value) in &self.0 {
            // Values come from a list with lengths of 16 bits, or are names that were measured.
            let length = u16::try_from(value.len()).unwrap_or(0);
            bytes.extend(id.to_le_bytes());
            bytes.extend(length.to_le_bytes());
            bytes.extend(&value[..usize::from(length)]);
        }
        bytes.extend([0; 4]);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_read_to_their_end_and_never_beyond() {
        let written = Pairs::default().with(DOMAIN, b"O\0T\0J\0".to_vec()).with(TIMESTAMP, 7u64.to_le_bytes().to_vec());
        let bytes = written.write();
        assert_eq!(Pairs::read(&bytes).unwrap(), written);
        // Without an end mark, with more behind it, and without anything.
        assert_eq!(Pairs::read(&bytes[..bytes.len() - 4]).unwrap(), written);
        assert_eq!(Pairs::read(&[&bytes[..], b"more"].concat()).unwrap(), written);
        assert_eq!(Pairs::read(&[]).unwrap(), Pairs::default());
        assert_eq!((written.timestamp(), written.flags()), (Some(7), 0));
        for wrong in [&[2, 0, 5, 0, 1][..], &[2, 0, 0xff, 0xff]] {
            assert_eq!(Pairs::read(wrong), Err(NtlmError::Malformed("target information")));
        }
        let many = [2, 0, 0, 0].repeat(PAIRS_MAX + 1);
        assert_eq!(Pairs::read(&many), Err(NtlmError::Malformed("too much target information")));
    }
}
