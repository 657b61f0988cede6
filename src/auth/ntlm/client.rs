//! The side that signs in: a challenge in, an answer out, each as the text that stands behind `NTLM ` in a header.

use base64::Engine as _;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::{GeneralPurposeConfig, STANDARD};
use jiff::Timestamp;

use super::message::{self, OUR_VERSION, SIGNATURE};
use super::pairs::{self, Pairs};
use super::{Key, NtlmError, blob, integrity, utf16};

/// Longest challenge that is read, in letters. Real ones have a few hundred.
const CHALLENGE_MAX: usize = 16 << 10;

/// Longest name that is sent, in UTF-16 units. Microsoft's own limit is 256 for an account with its domain.
const NAME_MAX: usize = 1024;

const OUR_FLAGS: u32 = message::UNICODE
    | message::REQUEST_TARGET
    | message::NTLM
    | message::ALWAYS_SIGN
    | message::EXTENDED_SECURITY
    | message::TARGET_INFO
    | message::VERSION
    | message::KEY_128
    | message::KEY_56;

/// Between `AvId` 7's epoch, 1601, and 1970, in seconds.
const EPOCH_S: i128 = 11_644_473_600;

/// Where the integrity code stands in a third message.
const INTEGRITY_AT: usize = 72;

/// Some servers leave the padding away.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(base64::engine::DecodePaddingMode::Indifferent),
);

/// Who signs in, and to what.
#[derive(Clone, Copy)]
pub struct Account<'a> {
    /// `DOMAIN\user`, `user@domain`, or `user` of the server's own domain.
    pub name: &'a str,
    /// Its password.
    pub password: &'a str,
    /// The server's host name, as the URL has it.
    pub host: &'a str,
    /// Of the TLS connection, from [`super::binding::of`]; `None`: there is none.
    pub binding: Option<[u8; 16]>,
}

/// An exchange on one connection that has begun.
#[derive(Debug)]
pub struct Handshake {
    negotiate: Vec<u8>,
}

impl Default for Handshake {
    fn default() -> Self {
        let mut negotiate = SIGNATURE.to_vec();
        negotiate.extend(1u32.to_le_bytes());
        negotiate.extend(OUR_FLAGS.to_le_bytes());
        // Neither a domain nor a workstation: the server needs no hint.
        negotiate.extend([0; 16]);
        negotiate.extend(OUR_VERSION);
        Self { negotiate }
    }
}

impl Handshake {
    /// What is sent first.
    #[must_use]
    pub fn negotiate(&self) -> String {
        STANDARD.encode(&self.negotiate)
    }

    /// What is sent in answer to `challenge`, with eight random bytes and the time.
    ///
    /// # Errors
    /// When it is no challenge that can be answered with NTLMv2.
    pub fn answer(
        self,
        challenge: &str,
        account: &Account<'_>,
        random: [u8; 8],
        now: Timestamp,
    ) -> Result<String, NtlmError> {
        if challenge.len() > CHALLENGE_MAX {
            return Err(NtlmError::Malformed("too long"));
        }
        let bytes = LENIENT.decode(challenge.trim()).map_err(|_| NtlmError::Malformed("not base64"))?;
        let read = Challenge::read(&bytes)?;
        let (user, domain) = names(account.name, &read.info);
        let name_length = user.encode_utf16().count().max(domain.encode_utf16().count());
        if name_length.max(account.host.len()) > NAME_MAX {
            return Err(NtlmError::Name);
        }
        let timestamp = read.info.timestamp();
        let mut info = read.info;
        if timestamp.is_some() {
            let flags = info.flags() | pairs::HAS_INTEGRITY;
            info = info.with(pairs::FLAGS, flags.to_le_bytes().to_vec());
        }
        let info = info
            .with(pairs::TARGET, utf16(&format!("HTTP/{}", account.host)))
            .with(pairs::CHANNEL_BINDING, account.binding.unwrap_or_default().to_vec());
        let blob = blob(timestamp.unwrap_or_else(|| since_1601(now)), random, &info.write());
        let key = Key::of(account.password, &user, &domain);
        let proof = key.proof(read.random, &blob);
        let mut message = authenticate(&user, &domain, &[&proof[..], &blob].concat(), read.flags & OUR_FLAGS)?;
        if timestamp.is_some() {
            let code = integrity(&key.session(&proof), [&self.negotiate, &bytes, &message]);
            message[INTEGRITY_AT..INTEGRITY_AT + 16].copy_from_slice(&code);
        }
        Ok(STANDARD.encode(message))
    }
}

/// What matters of a second message (2.2.1.2).
struct Challenge {
    flags: u32,
    random: [u8; 8],
    info: Pairs,
}

impl Challenge {
    fn read(bytes: &[u8]) -> Result<Self, NtlmError> {
        if !message::is(bytes, 2) {
            return Err(NtlmError::Malformed("no NTLM challenge"));
        }
        let flags = message::u32_at(bytes, 20).ok_or(NtlmError::Malformed("too short"))?;
        let random = bytes.get(24..32).and_then(|it| it.try_into().ok()).ok_or(NtlmError::Malformed("too short"))?;
        if flags & message::UNICODE == 0 {
            return Err(NtlmError::Unsupported);
        }
        // Servers of last century end before the list; with an empty one they are answered all the same.
        let info = if bytes.len() < 48 { Pairs::default() } else { Pairs::read(message::buffer(bytes, 40)?)? };
        Ok(Self { flags, random, info })
    }
}

/// User and domain as they are sent. `user@domain` goes as a whole, in the place of the user; without any domain, it is the server's.
fn names(name: &str, info: &Pairs) -> (String, String) {
    if let Some((domain, user)) = name.split_once('\\') {
        return (user.to_owned(), domain.to_owned());
    }
    if name.contains('@') {
        return (name.to_owned(), String::new());
    }
    let units =
        info.get(pairs::DOMAIN).unwrap_or_default().chunks_exact(2).map(|it| u16::from_le_bytes([it[0], it[1]]));
    let domain = char::decode_utf16(units).collect::<Result<String, _>>().unwrap_or_default();
    (name.to_owned(), domain)
}

/// The third message (2.2.1.3), with zeros for its integrity code. No LM response: zeros of its length.
fn authenticate(user: &str, domain: &str, response: &[u8], flags: u32) -> Result<Vec<u8>, NtlmError> {
    let (user, domain, workstation) = (utf16(user), utf16(domain), utf16("OTJ"));
    let parts: [&[u8]; 6] = [&[0; 24], response, &domain, &user, &workstation, &[]];
    let mut message = SIGNATURE.to_vec();
    message.extend(3u32.to_le_bytes());
    let mut from = INTEGRITY_AT + 16;
    for part in parts {
        message::point(&mut message, part.len(), &mut from)?;
    }
    message.extend(flags.to_le_bytes());
    message.extend(OUR_VERSION);
    message.extend([0; 16]);
    debug_assert_eq!(message.len(), INTEGRITY_AT + 16);
    for part in parts {
        message.extend(part);
    }
    Ok(message)
}

fn since_1601(now: Timestamp) -> u64 {
    u64::try_from(now.as_nanosecond() / 100 + EPOCH_S * 10_000_000).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RANDOM: [u8; 8] = [0xaa; 8];

    fn now() -> Timestamp {
        "2026-01-05T10:00:00Z".parse().unwrap()
    }

    fn challenge(flags: u32, info: &Pairs) -> Vec<u8> {
        let info = info.write();
        let mut bytes = SIGNATURE.to_vec();
        bytes.extend(2u32.to_le_bytes());
        bytes.extend([0; 8]);
        bytes.extend(flags.to_le_bytes());
        bytes.extend([1, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef]);
        bytes.extend([0; 8]);
        message::point(&mut bytes, info.len(), &mut 56).unwrap();
        bytes.extend(OUR_VERSION);
        bytes.extend(info);
        bytes
    }

    fn account(name: &str) -> Account<'_> {
        Account { name, password: "Password", host: "mail.example.com", binding: Some([7; 16]) }
    }

    fn answer(bytes: &[u8], name: &str) -> Result<Vec<u8>, NtlmError> {
        let text = Handshake::default().answer(&STANDARD.encode(bytes), &account(name), RANDOM, now())?;
        Ok(STANDARD.decode(text).unwrap())
    }

    #[test]
    fn an_answer_holds_proof_integrity_and_binding_and_no_older_response() {
        let info = Pairs::default()
            .with(pairs::DOMAIN, utf16("EXAMPLE"))
            .with(pairs::TIMESTAMP, 133_000_000_000_000_000u64.to_le_bytes().to_vec());
        let second = challenge(0xa289_8205, &info);
        for (name, user, domain) in
            [("EXAMPLE\\otj", "otj", "EXAMPLE"), ("otj@example.com", "otj@example.com", ""), ("otj", "otj", "EXAMPLE")]
        {
            let third = answer(&second, name).unwrap();
            assert_eq!(message::buffer(&third, 12).unwrap(), [0; 24], "no LM");
            assert_eq!(message::buffer(&third, 28).unwrap(), utf16(domain), "{name}");
            assert_eq!(message::buffer(&third, 36).unwrap(), utf16(user), "{name}");
            let (proof, blob) = message::buffer(&third, 20).unwrap().split_first_chunk::<16>().unwrap();
            let key = Key::of("Password", user, domain);
            assert_eq!(*proof, key.proof([1, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef], blob), "{name}");
            let sent = Pairs::read(&blob[28..]).unwrap();
            assert_eq!(sent.get(pairs::CHANNEL_BINDING), Some(&[7; 16][..]));
            assert_eq!((sent.flags(), sent.timestamp()), (pairs::HAS_INTEGRITY, info.timestamp()));
            let mut open = third.clone();
            open[INTEGRITY_AT..INTEGRITY_AT + 16].fill(0);
            let first = Handshake::default().negotiate;
            assert_eq!(
                third[INTEGRITY_AT..INTEGRITY_AT + 16],
                integrity(&key.session(proof), [&first, &second, &open])
            );
        }
    }

    #[test]
    fn a_server_without_a_time_is_given_ours_and_no_integrity_code() {
        let third = answer(&challenge(0xa289_8205, &Pairs::default()), "EXAMPLE\\otj").unwrap();
        assert_eq!(third[INTEGRITY_AT..INTEGRITY_AT + 16], [0; 16]);
        let blob = &message::buffer(&third, 20).unwrap()[16..];
        // 2026-01-05T10:00:00Z, by another program.
        assert_eq!(u64::from_le_bytes(blob[8..16].try_into().unwrap()), 134_120_808_000_000_000);
        assert_eq!(Pairs::read(&blob[28..]).unwrap().flags(), 0);
    }

    #[test]
    fn challenges_cut_anywhere_or_bent_are_refused_and_never_answered_with_less() {
        let info = Pairs::default().with(pairs::DOMAIN, utf16("EXAMPLE"));
        let whole = challenge(0xa289_8205, &info);
        for end in 0..whole.len() {
            // 32 bytes and no list are an old server's whole challenge.
            assert_eq!(answer(&whole[..end], "otj").is_ok(), (32..48).contains(&end), "cut at {end}");
        }
        assert_eq!(answer(&challenge(0x0202, &info), "otj"), Err(NtlmError::Unsupported));
        let mut bent = whole.clone();
        bent[44..48].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(matches!(answer(&bent, "otj"), Err(NtlmError::Malformed(_))));
        let handshake = |text: &str| Handshake::default().answer(text, &account("otj"), RANDOM, now());
        assert_eq!(handshake("%%"), Err(NtlmError::Malformed("not base64")));
        assert_eq!(handshake(&"A".repeat(CHALLENGE_MAX + 1)), Err(NtlmError::Malformed("too long")));
        assert_eq!(answer(&whole, &"x".repeat(NAME_MAX + 1)), Err(NtlmError::Name));
        // Without the padding that base64 has.
        assert!(handshake(STANDARD.encode(&whole).trim_end_matches('=')).is_ok());
    }
}
