//! NTLMv2, which authenticates one TCP connection: three messages, after which every request on that connection is the account's.
//!
//! | message | from | holds |
//! |---|---|---|
//! | `NEGOTIATE` (1) | client | what it can do |
//! | `CHALLENGE` (2) | server | eight random bytes, its names, often its time |
//! | `AUTHENTICATE` (3) | client | the proof that it knows the password, bound to the TLS connection |
//!
//! In: messages, an account, a password, random bytes and the time. Out: messages. Nothing here reads a clock or throws dice.
//! [`Key`] and [`pairs`] are what both sides compute with; [`client`] puts them in order for the side that signs in.
//!
//! *Design notes.* Neither NTLMv1 nor LM is spoken, in no disguise: the LM field is zeros. No session key is agreed upon, because HTTP
//! signs and seals nothing with it; so the message integrity code needs no RC4. All of it is described in MS-NLMP,
//! <https://learn.microsoft.com/openspecs/windows_protocols/ms-nlmp/>; the sections named below are its.

pub mod binding;
pub mod client;
mod message;
pub mod pairs;
pub mod server;

use hmac::{Hmac, KeyInit as _, Mac as _};
use md4::{Digest as _, Md4};
use md5::Md5;
use zeroize::Zeroize;

/// Why an exchange of messages cannot go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NtlmError {
    /// What came is no such message.
    #[error("the server's NTLM challenge cannot be read ({0})")]
    Malformed(&'static str),
    /// A server that only speaks what we do not.
    #[error("the server does not speak NTLMv2 in Unicode")]
    Unsupported,
    /// The account's name cannot be sent.
    #[error("the account's name is too long for NTLM")]
    Name,
}

/// What the password of one account is turned into: NTOWFv2 (3.3.2). Whoever has it can sign in, so it is wiped.
pub struct Key([u8; 16]);

impl Drop for Key {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl Key {
    /// Of the account as it is named in the third message.
    #[must_use]
    pub fn of(password: &str, user: &str, domain: &str) -> Self {
        let mut text = utf16(password);
        let mut hash: [u8; 16] = Md4::digest(&text).into();
        text.zeroize();
        let key = Self(keyed(&hash, &[&utf16(&upper(user)), &utf16(domain)]));
        hash.zeroize();
        key
    }

    /// What proves that the key is known (`NTProofStr`, 3.3.2): over the server's challenge and the client's blob.
    #[must_use]
    pub fn proof(&self, server_challenge: [u8; 8], blob: &[u8]) -> [u8; 16] {
        keyed(&self.0, &[&server_challenge, blob])
    }

    /// The key that messages are sealed with afterwards (`SessionBaseKey`); without a key exchange it is the exported one, too.
    #[must_use]
    pub fn session(&self, proof: &[u8; 16]) -> [u8; 16] {
        keyed(&self.0, &[proof])
    }
}

/// The integrity code over all three messages, the third with zeros in its place (3.1.5.1.2).
#[must_use]
pub fn integrity(session: &[u8; 16], messages: [&[u8]; 3]) -> [u8; 16] {
    keyed(session, &messages)
}

/// What a client says before its proof (`temp`, 2.2.2.7): `time` is in tenths of microseconds since 1601.
#[must_use]
pub fn blob(time: u64, client_challenge: [u8; 8], pairs: &[u8]) -> Vec<u8> {
    let mut blob = vec![1, 1, 0, 0, 0, 0, 0, 0];
    blob.extend(time.to_le_bytes());
    blob.extend(client_challenge);
    blob.extend([0; 4]);
    blob.extend(pairs);
    blob.extend([0; 4]);
    blob
}

fn keyed(key: &[u8; 16], parts: &[&[u8]]) -> [u8; 16] {
    let mut mac = Hmac::<Md5>::new_from_slice(key).expect("an HMAC takes keys of any length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// Upper case as Windows has it: one character for one, so that `ß` stays.
fn upper(text: &str) -> String {
    let one = |letter: char| {
        let mut upper = letter.to_uppercase();
        upper.next().filter(|_| upper.next().is_none()).unwrap_or(letter)
    };
    text.chars().map(one).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// 4.2.1 and 4.2.4: `User` of `Domain` with `Password`; the challenges and the time are the document's.
    #[test]
    fn the_published_vectors_come_out() {
        let (server, client) = ([1, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef], [0xaa; 8]);
        let names =
            pairs::Pairs::default().with(pairs::DOMAIN, utf16("Domain")).with(pairs::COMPUTER, utf16("Server")).write();
        let key = Key::of("Password", "User", "Domain");
        assert_eq!(hex(&key.0), "0c868a403bfd7a93a3001ef22ef02e3f");
        let blob = blob(0, client, &names);
        assert_eq!(
            hex(&blob),
            "01010000000000000000000000000000aaaaaaaaaaaaaaaa0000000002000c0044006f006d00610069006e00\
             01000c005300650072007600650072000000000000000000"
        );
        let proof = key.proof(server, &blob);
        assert_eq!(hex(&proof), "68cd0ab851e51c96aabc927bebef6a1c");
        assert_eq!(hex(&key.session(&proof)), "8de40ccadbc14a82f15cb0ad0de95ca3");
    }

    #[test]
    fn names_are_raised_one_letter_for_one() {
        assert_eq!(upper("straße.ørsted@example.com"), "STRAßE.ØRSTED@EXAMPLE.COM");
    }
}
