//! How messages are laid out (2.2.1): little endian, a fixed head, and buffers that the head points to with length and place.

use super::NtlmError;

pub(super) const SIGNATURE: &[u8; 8] = b"NTLMSSP\0";

/// Text is UTF-16.
pub(super) const UNICODE: u32 = 0x0000_0001;
/// The challenge shall name its realm.
pub(super) const REQUEST_TARGET: u32 = 0x0000_0004;
/// This protocol.
pub(super) const NTLM: u32 = 0x0000_0200;
/// Required where no session key is agreed upon, for old servers.
pub(super) const ALWAYS_SIGN: u32 = 0x0000_8000;
/// Session security of version 2.
pub(super) const EXTENDED_SECURITY: u32 = 0x0008_0000;
/// The challenge carries a list of names.
pub(super) const TARGET_INFO: u32 = 0x0080_0000;
/// A version stands in the head.
pub(super) const VERSION: u32 = 0x0200_0000;
/// Keys of 128 bits.
pub(super) const KEY_128: u32 = 0x2000_0000;
/// Keys of 56 bits.
pub(super) const KEY_56: u32 = 0x8000_0000;

/// What stands in the version of our messages: that of Windows 10 without a build, and NTLM's own revision 15 (2.2.2.10).
pub(super) const OUR_VERSION: [u8; 8] = [10, 0, 0, 0, 0, 0, 0, 15];

/// Whether `bytes` begin as message number `number` does.
pub(super) fn is(bytes: &[u8], number: u32) -> bool {
    bytes.starts_with(SIGNATURE) && u32_at(bytes, 8) == Some(number)
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

/// The buffer that the eight bytes at `at` point to.
pub(super) fn buffer(bytes: &[u8], at: usize) -> Result<&[u8], NtlmError> {
    let wrong = NtlmError::Malformed("a buffer lies outside of the message");
    let length = bytes.get(at..at + 2).map(|it| usize::from(u16::from_le_bytes([it[0], it[1]]))).ok_or(wrong)?;
    if length == 0 {
        return Ok(&[]);
    }
    let from = u32_at(bytes, at + 4).and_then(|from| usize::try_from(from).ok()).ok_or(wrong)?;
    bytes.get(from..from.checked_add(length).ok_or(wrong)?).ok_or(wrong)
}

/// Appends a pointer to a buffer of `length` bytes at `from`, and moves `from` behind it.
pub(super) fn point(head: &mut Vec<u8>, length: usize, from: &mut usize) -> Result<(), NtlmError> {
    let short = u16::try_from(length).map_err(|_| NtlmError::Name)?;
    head.extend(short.to_le_bytes());
    head.extend(short.to_le_bytes());
    head.extend(u32::try_from(*from).map_err(|_| NtlmError::Name)?.to_le_bytes());
    *from += length;
    Ok(())
}
