//! NTLM as Exchange's web servers take it: what a request brings and the connection it came over go in; an account, the challenge of a
//! 401, or a refusal comes out.
//!
//! | a connection | brings | answer |
//! |---|---|---|
//! | any | a first message | a challenge; whatever was before is forgotten |
//! | with a challenge | a third message that proves the password | it is the account's from now on |
//! | with a challenge | any other third message | refused, and counted as a wrong password |
//! | signed in | nothing | it is the account's |
//!
//! A server with a [`Server::certificate`] wants proofs that are bound to it (Extended Protection). Only hashes by SHA-256 are compared,
//! with which nearly all certificates are signed.
//!
//! Messages are read and computed here anew, after MS-NLMP <https://learn.microsoft.com/openspecs/windows_protocols/ms-nlmp/>, and not
//! by [`crate::auth`]: the client that is answered has that, and a mistake would be made twice. Sections named below are of that document.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use md4::Md4;
use md5::Md5;
use sha2::{Digest as _, Sha256};

use super::org::{Org, Server};
use super::sign_in::NotSignedIn;
use crate::http::{HeaderMap, header};
use crate::listen::Connection;
use crate::sim::dice::Dice;

/// Connections that are remembered; the oldest are forgotten first.
const CONNECTIONS_MAX: usize = 1024;
/// The names that the servers call themselves by, NetBIOS and DNS.
const NAMES: [&str; 4] = ["EXAMPLE", "MBX1", "example.com", "mbx1.example.com"];
/// Unicode, the realm's name, NTLM, always sign, the realm is a domain, extended security, a list of names, a version, 128 and 56 bits.
const FLAGS: u32 = 0xa289_8205;
/// Between 1601 and 1970, in seconds.
const EPOCH_S: i128 = 11_644_473_600;
/// Where the third message has its integrity code (2.2.1.3).
const INTEGRITY: std::ops::Range<usize> = 72..88;

/// Where connections are in their sign-in.
#[derive(Default)]
pub(super) struct Connections {
    known: BTreeMap<u64, Stage>,
    challenges: u64,
}

enum Stage {
    /// The first message, and what it was answered with.
    Challenged(Vec<u8>, Vec<u8>),
    /// Of this account.
    SignedIn(String),
}

/// What a request with a first message is answered with: a 401 with this challenge alone.
pub(super) struct Challenge(pub(super) String);

/// What became of a request, as far as NTLM goes.
pub(super) type Seen = Result<Result<String, NotSignedIn>, Challenge>;

impl Connections {
    /// `None`: the request has nothing to do with NTLM, and its connection is not signed in.
    pub(super) fn look(
        &mut self,
        connection: &Connection,
        headers: &HeaderMap,
        org: &mut Org,
        server: &Server,
        locks_after: Option<u32>,
        now: Timestamp,
    ) -> Option<Seen> {
        let presented = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let Some(presented) = presented else {
            let Some(Stage::SignedIn(account)) = self.known.get(&connection.id) else { return None };
            let known = org.accounts.contains_key(account).then(|| account.clone());
            return Some(Ok(known.ok_or(NotSignedIn::Unasked)));
        };
        let (scheme, token) = presented.split_once(' ')?;
        if !org.offered.windows || !["NTLM", "Negotiate"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
            return None;
        }
        let before = self.known.remove(&connection.id);
        let message = STANDARD.decode(token.trim()).unwrap_or_default();
        Some(match (kind(&message), before) {
            (Some(1), _) => {
                self.challenges += 1;
                let challenge = challenge(&mut Dice::new(self.challenges, connection.id), now);
                let answer = format!("{scheme} {}", STANDARD.encode(&challenge));
                self.remember(connection.id, Stage::Challenged(message, challenge));
                Err(Challenge(answer))
            }
            (Some(3), Some(Stage::Challenged(first, second))) => {
                let bound_to = server.certificate.as_deref().filter(|_| connection.tls);
                let account = proven([&first, &second, &message], org, bound_to, locks_after);
                if let Some(account) = &account {
                    self.remember(connection.id, Stage::SignedIn(account.clone()));
                }
                Ok(account.ok_or(NotSignedIn::Wrong))
            }
            _ => Ok(Err(NotSignedIn::Unasked)),
        })
    }

    fn remember(&mut self, connection: u64, stage: Stage) {
        self.known.insert(connection, stage);
        if self.known.len() > CONNECTIONS_MAX {
            self.known.pop_first();
        }
    }
}

/// Which message it is; `None`: none.
fn kind(message: &[u8]) -> Option<u32> {
    message.strip_prefix(b"NTLMSSP\0")?.first_chunk().map(|kind| u32::from_le_bytes(*kind))
}

/// A second message (2.2.1.2).
fn challenge(dice: &mut Dice, now: Timestamp) -> Vec<u8> {
    let mut info = Vec::new();
    let mut add = |id: u16, value: &[u8]| {
        info.extend(id.to_le_bytes());
        info.extend(u16::try_from(value.len()).unwrap_or_default().to_le_bytes());
        info.extend(value);
    };
    let [domain, computer, domain_dns, computer_dns] = NAMES.map(utf16);
    add(2, &domain);
    add(1, &computer);
    add(4, &domain_dns);
    add(3, &computer_dns);
    let time = u64::try_from(now.as_nanosecond() / 100 + EPOCH_S * 10_000_000).unwrap_or_default();
    add(7, &time.to_le_bytes());
    add(0, &[]);
    let pointer = |length: usize, from: usize| {
        let length = u16::try_from(length).unwrap_or_default().to_le_bytes();
        let from = u32::try_from(from).unwrap_or_default().to_le_bytes();
        [&length[..], &length, &from].concat()
    };
    let mut message = b"NTLMSSP\0\x02\0\0\0".to_vec();
    message.extend(pointer(domain.len(), 56));
    message.extend(FLAGS.to_le_bytes());
    message.extend([(); 8].map(|()| u8::try_from(dice.below(256)).unwrap_or_default()));
    message.extend([0; 8]);
    message.extend(pointer(info.len(), 56 + domain.len()));
    message.extend([10, 0, 0x7c, 0x4f, 0, 0, 0, 15]);
    message.extend(domain);
    message.extend(info);
    message
}

/// The account that three messages prove the password of. A wrong one counts.
fn proven(messages: [&[u8]; 3], org: &mut Org, certificate: Option<&[u8]>, locks_after: Option<u32>) -> Option<String> {
    let [first, second, third] = messages;
    let (response, domain, user) = (buffer(third, 20)?, buffer(third, 28)?, buffer(third, 36)?);
    let name = org.account_called(&text(user)?, &text(domain)?)?;
    let account = org.accounts.get_mut(&name)?;
    // Older responses have 24 bytes, and no list.
    let (proof, blob) = response.split_first_chunk::<16>().filter(|(_, blob)| blob.starts_with(&[1, 1]))?;
    let password = account.password.clone();
    let key = password.map(|password| key(&password, &text(user).unwrap_or_default(), domain));
    let said = pairs(blob.get(28..)?);
    let is_right = key.is_some_and(|key| {
        let expected = keyed(&key, &[second.get(24..32).unwrap_or_default(), blob]);
        *proof == expected && is_whole(&said, &keyed(&key, &[proof]), [first, second, third])
    });
    let is_bound = certificate.is_none_or(|certificate| said.get(&10) == Some(&&binding(certificate)[..]));
    (account.take_password(is_right, locks_after) && is_bound).then_some(name)
}

/// Whether the messages are as they were sent, where the client says that it signed them (3.2.5.1.2).
fn is_whole(said: &BTreeMap<u16, &[u8]>, session: &[u8; 16], [first, second, third]: [&[u8]; 3]) -> bool {
    let flags = said.get(&6).and_then(|flags| flags.first()).copied().unwrap_or_default();
    if flags & 2 == 0 {
        return true;
    }
    let Some(code) = third.get(INTEGRITY) else { return false };
    let mut open = third.to_vec();
    open[INTEGRITY].fill(0);
    keyed(session, &[first, second, &open]) == code
}

/// What a password becomes for a user (`NTOWFv2`, 3.3.2). The domain is taken as it was sent.
fn key(password: &str, user: &str, domain: &[u8]) -> [u8; 16] {
    let hash: [u8; 16] = Md4::digest(utf16(password)).into();
    keyed(&hash, &[&utf16(&user.to_uppercase()), domain])
}

/// A certificate as proofs are bound to it: the structure of RFC 2744 3.11 around `tls-server-end-point` of RFC 5929, hashed (2.2.2.1).
fn binding(certificate: &[u8]) -> [u8; 16] {
    let told = [b"tls-server-end-point:".as_slice(), &Sha256::digest(certificate)].concat();
    let length = u32::try_from(told.len()).unwrap_or_default();
    Md5::digest([&[0; 16][..], &length.to_le_bytes(), &told].concat()).into()
}

fn keyed(key: &[u8; 16], parts: &[&[u8]]) -> [u8; 16] {
    let mut mac = Hmac::<Md5>::new_from_slice(key).expect("an HMAC takes keys of any length");
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

/// The numbered values of a list (2.2.2.1), as far as they can be read.
fn pairs(mut list: &[u8]) -> BTreeMap<u16, &[u8]> {
    let mut read = BTreeMap::new();
    while let Some(([id, id_high, length, length_high], rest)) = list.split_first_chunk() {
        let (id, length) = (u16::from_le_bytes([*id, *id_high]), u16::from_le_bytes([*length, *length_high]));
        let Some((value, rest)) = rest.split_at_checked(length.into()).filter(|_| id != 0) else { break };
        read.insert(id, value);
        list = rest;
    }
    read
}

/// What the eight bytes at `at` point to: length, room, place.
fn buffer(message: &[u8], at: usize) -> Option<&[u8]> {
    let length = usize::from(u16::from_le_bytes(*message.get(at..)?.first_chunk()?));
    let from = usize::try_from(u32::from_le_bytes(*message.get(at + 4..)?.first_chunk()?)).ok()?;
    message.get(from..from.checked_add(length)?)
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn text(utf16: &[u8]) -> Option<String> {
    let units = utf16.chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]]));
    char::decode_utf16(units).collect::<Result<_, _>>().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 4.2.1 and 4.2.4.1: `User` of `Domain` with `Password`.
    #[test]
    fn a_password_becomes_what_the_document_says() {
        let key = key("Password", "User", &utf16("Domain"));
        let hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "0c868a403bfd7a93a3001ef22ef02e3f");
    }

    #[test]
    fn messages_cut_anywhere_sign_nobody_in_and_break_nothing() {
        let mut third = b"NTLMSSP\0\x03\0\0\0".to_vec();
        third.extend([0xff; 90]);
        for end in 0..third.len() {
            let message = &third[..end];
            assert_eq!(kind(message), (end >= 12).then_some(3));
            assert_eq!(proven([b"", b"", message], &mut Org::default(), None, None), None);
        }
        assert_eq!(pairs(&[2, 0, 9, 0, 1]).len(), 0, "longer than there is");
    }
}
