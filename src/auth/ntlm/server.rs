//! The side that is signed in to: first messages in, challenges out, third messages in, verdicts out. Pure: the random bytes, the time
//! and the password are given.
//!
//! | third message                                        | verdict |
//! |------------------------------------------------------|---------|
//! | proves the password for the challenge                | right   |
//! | the same, and says that it carries an integrity code | right only when the code is that of all three messages |
//! | the same, and is bound to another TLS connection     | [`Refusal::Relayed`] |
//! | of NTLMv1 or NTLM2 session (24 bytes), or LM alone   | [`Refusal::OldVersion`]: it hardly protects the password |
//! | anything else                                        | [`Refusal::Wrong`] or [`Refusal::Malformed`] |
//!
//! Devices differ in the domain they put into the proof: the one they were given, the same in upper case, none, or ours. The proof is
//! computed with all four, whichever fits, so that the time tells nothing. Integrity codes are not demanded, because devices of 2010 send
//! none; the time inside a proof is not looked at, because devices have bad clocks and the challenge is fresh anyway.
//!
//! Sections named below are those of MS-NLMP.

use base64::Engine as _;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::{GeneralPurposeConfig, STANDARD};
use jiff::Timestamp;
use subtle::{Choice, ConstantTimeEq as _};

use super::message::{self, SIGNATURE};
use super::pairs::{self, Pairs};
use super::{Key, integrity, upper, utf16};

/// What we call ourselves: NetBIOS names of domain and computer, then DNS names of both. None may be empty, or clients fall back to NTLMv1.
const NAMES: [&str; 4] = ["OTJ", "OTJ", "otj.local", "otj.local"];
/// Number of a pair with a DNS name: of the computer, of the domain.
const DNS_COMPUTER: u16 = 3;
const DNS_DOMAIN: u16 = 4;
/// The realm is a domain.
const TARGET_TYPE_DOMAIN: u32 = 0x0001_0000;
/// A session key of the client's comes in the third message, sealed.
const KEY_EXCHANGE: u32 = 0x4000_0000;
/// What every challenge says.
const ALWAYS: u32 = message::UNICODE
    | message::REQUEST_TARGET
    | message::NTLM
    | TARGET_TYPE_DOMAIN
    | message::TARGET_INFO
    | message::VERSION;
/// What it says when the client did.
const WHEN_ASKED: u32 = message::ALWAYS_SIGN | message::EXTENDED_SECURITY | message::KEY_128 | message::KEY_56;
/// Length of an NTLMv1 response.
const OLD_RESPONSE: usize = 24;
/// Longest message that is read, in letters. Real ones have a few hundred.
const LETTERS_MAX: usize = 8 << 10;
/// Where the integrity code may stand: behind a version, or without one (2.2.1.3).
const INTEGRITY_AT: [usize; 2] = [72, 64];
/// Between 1601 and 1970, in seconds.
const EPOCH_S: i128 = 11_644_473_600;

/// Some clients leave the padding away.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(base64::engine::DecodePaddingMode::Indifferent),
);

/// A message that a client sent.
#[derive(Clone, PartialEq, Eq)]
pub enum Sent {
    /// The first: what it can do.
    Negotiate(Vec<u8>),
    /// The third: its proof.
    Authenticate(Vec<u8>),
}

impl Sent {
    /// The message behind `NTLM ` in a header; `None` when it is none, or none that a client sends.
    #[must_use]
    pub fn read(token: &str) -> Option<Self> {
        let token = token.trim();
        if token.len() > LETTERS_MAX {
            return None;
        }
        let bytes = LENIENT.decode(token).ok()?;
        if message::is(&bytes, 1) {
            return Some(Self::Negotiate(bytes));
        }
        message::is(&bytes, 3).then_some(Self::Authenticate(bytes))
    }
}

/// A challenge that was given out on a connection. It is good for one answer.
pub struct Challenge {
    negotiate: Vec<u8>,
    message: Vec<u8>,
    random: [u8; 8],
}

/// Why a third message signs nobody in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It cannot be read.
    #[error("the NTLM message cannot be read")]
    Malformed,
    /// NTLMv1, which is as good as sending the password.
    #[error("the device answered with NTLMv1; set it to NTLMv2")]
    OldVersion,
    /// It is bound to the certificate of somebody who stands between.
    #[error("the login was made for another TLS connection")]
    Relayed,
    /// It does not prove the password.
    #[error("the password is wrong")]
    Wrong,
}

impl Challenge {
    /// Answers a first message with eight random bytes.
    #[must_use]
    pub fn new(negotiate: Vec<u8>, random: [u8; 8], now: Timestamp) -> Self {
        // The shortest first message has nothing behind its number.
        let wanted = message::u32_at(&negotiate, 12).unwrap_or_default();
        let [domain, computer, domain_dns, computer_dns] = NAMES.map(utf16);
        let time = u64::try_from(now.as_nanosecond() / 100 + EPOCH_S * 10_000_000).unwrap_or_default();
        let info = Pairs::default()
            .with(pairs::DOMAIN, domain.clone())
            .with(pairs::COMPUTER, computer)
            .with(DNS_DOMAIN, domain_dns)
            .with(DNS_COMPUTER, computer_dns)
            .with(pairs::TIMESTAMP, time.to_le_bytes().to_vec())
            .write();
        let mut from = 56;
        let mut message = SIGNATURE.to_vec();
        message.extend(2u32.to_le_bytes());
        message::point(&mut message, domain.len(), &mut from).expect("our names are short");
        message.extend((ALWAYS | wanted & WHEN_ASKED).to_le_bytes());
        message.extend(random);
        message.extend([0; 8]);
        message::point(&mut message, info.len(), &mut from).expect("our names are short");
        message.extend(message::OUR_VERSION);
        message.extend(domain);
        message.extend(info);
        Self { negotiate, message, random }
    }

    /// What stands behind `NTLM ` in the answer.
    #[must_use]
    pub fn token(&self) -> String {
        STANDARD.encode(&self.message)
    }
}

impl std::fmt::Debug for Challenge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Challenge(••••)")
    }
}

/// Who a third message says it comes from, and its proof.
pub struct Claim {
    message: Vec<u8>,
    user: String,
    domain: String,
    response: Vec<u8>,
    flags: u32,
    /// NTLMv1.
    is_old: bool,
}

impl Claim {
    /// Reads a third message (2.2.1.3). Its buffers may lie anywhere inside of it.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(message: Vec<u8>) -> Result<Self, Refusal> {
        let buffer = |at| message::buffer(&message, at).map_err(|_| Refusal::Malformed);
        let flags = message::u32_at(&message, 60).unwrap_or(message::UNICODE);
        let (lm, response) = (buffer(12)?, buffer(20)?.to_vec());
        let text = |at| text(buffer(at)?, flags & message::UNICODE != 0).ok_or(Refusal::Malformed);
        let (domain, user) = (text(28)?, text(36)?);
        let is_old = response.len() == OLD_RESPONSE || (response.is_empty() && !lm.is_empty());
        // The proof, and a list that begins with its version (2.2.2.7).
        if !is_old && (response.len() <= 16 + 28 || response[16..20] != [1, 1, 0, 0]) {
            return Err(Refusal::Malformed);
        }
        Ok(Self { message, user, domain, response, flags, is_old })
    }

    /// The account as it was written, without its domain: `user`, `DOMAIN\user` or `user@domain`.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    /// Whether it proves `password`, for `challenge`. `binding` is that of our certificate, where the TLS connection ends with us.
    ///
    /// # Errors
    /// When it does not.
    pub fn verify(&self, challenge: &Challenge, password: &str, binding: Option<[u8; 16]>) -> Result<(), Refusal> {
        if self.is_old {
            return Err(Refusal::OldVersion);
        }
        let (proof, blob) = self.response.split_at(16);
        let mut right = Choice::from(0);
        let mut session = [0u8; 16];
        for domain in [&self.domain, &upper(&self.domain), "", NAMES[0]] {
            let key = Key::of(password, &self.user, domain);
            let wanted = key.proof(challenge.random, blob);
            let fits = wanted.ct_eq(proof);
            let of_this = key.session(&wanted);
            session.iter_mut().zip(of_this).for_each(|(kept, byte)| {
                subtle::ConditionallySelectable::conditional_assign(kept, &byte, fits);
            });
            right |= fits;
        }
        let said = Pairs::read(&blob[28..]).map_err(|_| Refusal::Malformed)?;
        let is_whole = said.flags() & pairs::HAS_INTEGRITY == 0 || self.is_whole(challenge, &session);
        if !bool::from(right) || !is_whole {
            return Err(Refusal::Wrong);
        }
        let bound = said.get(pairs::CHANNEL_BINDING).filter(|bytes| bytes.iter().any(|byte| *byte != 0));
        match (bound, binding) {
            (Some(theirs), Some(ours)) if theirs != ours => Err(Refusal::Relayed),
            _ => Ok(()),
        }
    }

    /// Whether the integrity code is that of the three messages (3.2.5.1.2).
    fn is_whole(&self, challenge: &Challenge, session: &[u8; 16]) -> bool {
        let mut key = *session;
        if self.flags & KEY_EXCHANGE != 0 {
            let Some(sealed) = message::buffer(&self.message, 52).ok().and_then(|it| <[u8; 16]>::try_from(it).ok())
            else {
                return false;
            };
            key = unsealed(session, sealed);
        }
        INTEGRITY_AT.iter().any(|at| {
            let Some(code) = self.message.get(*at..at + 16) else { return false };
            let mut open = self.message.clone();
            open[*at..at + 16].fill(0);
            bool::from(integrity(&key, [&challenge.negotiate, &challenge.message, &open]).ct_eq(code))
        })
    }
}

/// Hides who it is of: people type their password into the wrong field.
impl std::fmt::Debug for Claim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Claim(••••)")
    }
}

fn text(bytes: &[u8], unicode: bool) -> Option<String> {
    if !unicode {
        // The code page is not told. ASCII is the same in all that are used.
        return String::from_utf8(bytes.to_vec()).ok();
    }
    let (pairs, odd) = bytes.as_chunks::<2>();
    let units = pairs.iter().map(|pair| u16::from_le_bytes(*pair));
    odd.is_empty().then(|| char::decode_utf16(units).collect::<Result<_, _>>().ok())?
}

/// A session key as the client sealed it: RC4 with the one that both know (3.4.5.1). The cipher has no other use here.
fn unsealed(key: &[u8; 16], sealed: [u8; 16]) -> [u8; 16] {
    let mut state: [u8; 256] = std::array::from_fn(|at| u8::try_from(at).unwrap_or_default());
    let mut j = 0u8;
    for i in 0..256 {
        j = j.wrapping_add(state[i]).wrapping_add(key[i % 16]);
        state.swap(i, usize::from(j));
    }
    let (mut i, mut j) = (0u8, 0u8);
    sealed.map(|byte| {
        i = i.wrapping_add(1);
        j = j.wrapping_add(state[usize::from(i)]);
        state.swap(usize::from(i), usize::from(j));
        byte ^ state[usize::from(state[usize::from(i)].wrapping_add(state[usize::from(j)]))]
    })
}

#[cfg(test)]
mod tests {
    use super::super::client::{Account, Handshake};
    use super::*;

    const RANDOM: [u8; 8] = [1, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef];

    fn now() -> Timestamp {
        Timestamp::from_second(1_800_000_000).unwrap()
    }

    /// The third message of our own client, which is tried against other servers elsewhere.
    fn answered(name: &str, password: &str, binding: Option<[u8; 16]>) -> (Challenge, Vec<u8>) {
        let handshake = Handshake::default();
        let Some(Sent::Negotiate(first)) = Sent::read(&handshake.negotiate()) else { panic!("no first message") };
        let challenge = Challenge::new(first, RANDOM, now());
        let account = Account { name, password, host: "otj.example.com", binding };
        let third = handshake.answer(&challenge.token(), &account, [0xaa; 8], now()).unwrap();
        let Some(Sent::Authenticate(third)) = Sent::read(&third) else { panic!("no third message") };
        (challenge, third)
    }

    fn verdict(challenge: &Challenge, third: &[u8], password: &str) -> Result<(), Refusal> {
        Claim::read(third.to_vec())?.verify(challenge, password, Some([7; 16]))
    }

    /// A third message by hand, as devices without integrity code send it; `domain` as it is sent and as it is hashed.
    fn by_hand(user: &str, domain: [&str; 2], flags: u32, response: Option<&[u8]>) -> Vec<u8> {
        let blob = super::super::blob(0, [0xaa; 8], &[]);
        let key = Key::of("Password", user, domain[1]);
        let made = [&key.proof(RANDOM, &blob)[..], &blob].concat();
        let encoded = |text: &str| if flags & 1 == 1 { utf16(text) } else { text.as_bytes().to_vec() };
        let parts = [vec![], response.unwrap_or(&made).to_vec(), encoded(domain[0]), encoded(user), vec![], vec![]];
        let mut message = SIGNATURE.to_vec();
        message.extend(3u32.to_le_bytes());
        let mut from = 64;
        parts.iter().for_each(|part| message::point(&mut message, part.len(), &mut from).unwrap());
        message.extend(flags.to_le_bytes());
        parts.iter().for_each(|part| message.extend(part));
        message
    }

    #[test]
    fn a_password_is_proven_with_integrity_code_and_binding_and_a_wrong_one_is_not() {
        let (challenge, third) = answered(r"CORP\fjord", "right", Some([7; 16]));
        assert_eq!(Claim::read(third.clone()).unwrap().user(), "fjord");
        assert_eq!(verdict(&challenge, &third, "right"), Ok(()));
        assert_eq!(verdict(&challenge, &third, "wrong"), Err(Refusal::Wrong));
        let (_, unbound) = answered("fjord@example.com", "right", None);
        assert_eq!(verdict(&challenge, &unbound, "right"), Ok(()));
        let (_, relayed) = answered("fjord", "right", Some([8; 16]));
        assert_eq!(verdict(&challenge, &relayed, "right"), Err(Refusal::Relayed));
        let other = Challenge::new(challenge.negotiate.clone(), [9; 8], now());
        assert_eq!(verdict(&other, &third, "right"), Err(Refusal::Wrong), "a proof is for one challenge");
    }

    #[test]
    fn every_changed_bit_of_a_message_with_integrity_code_is_noticed() {
        let (challenge, third) = answered(r"CORP\fjord", "right", None);
        for at in 0..third.len() {
            for bit in 0..8 {
                let mut changed = third.clone();
                changed[at] ^= 1 << bit;
                assert!(verdict(&challenge, &changed, "right").is_err(), "byte {at}, bit {bit}");
            }
        }
        assert!((0..third.len()).all(|end| verdict(&challenge, &third[..end], "right").is_err()));
    }

    #[test]
    fn devices_without_integrity_code_sign_in_with_any_form_of_the_domain_and_the_right_password() {
        let challenge = Challenge::new(vec![], RANDOM, now());
        for (domain, flags) in [
            (["Corp", "Corp"], message::UNICODE),
            (["corp", "CORP"], message::UNICODE),
            (["CORP", ""], message::UNICODE),
            (["", "OTJ"], message::UNICODE),
            (["CORP", "CORP"], 0),
        ] {
            let third = by_hand("User", domain, flags, None);
            assert_eq!(verdict(&challenge, &third, "Password"), Ok(()), "{domain:?}");
            assert_eq!(verdict(&challenge, &third, "password"), Err(Refusal::Wrong), "{domain:?}");
        }
        let elsewhere = by_hand("User", ["A", "B"], message::UNICODE, None);
        assert_eq!(verdict(&challenge, &elsewhere, "Password"), Err(Refusal::Wrong));
    }

    #[test]
    fn old_versions_and_what_cannot_be_read_are_refused_with_their_reason() {
        let challenge = Challenge::new(vec![], RANDOM, now());
        let verdict = |response: &[u8]| {
            verdict(&challenge, &by_hand("User", ["", ""], message::UNICODE, Some(response)), "Password")
        };
        assert_eq!(verdict(&[0xaa; 24]), Err(Refusal::OldVersion));
        assert_eq!(verdict(&[]), Err(Refusal::Malformed), "an anonymous login");
        assert_eq!(verdict(&[0xaa; 40]), Err(Refusal::Malformed));
        assert_eq!(verdict(&[0xaa; 90]), Err(Refusal::Malformed));
        // Sixteen bytes of anything before a proper list, and no integrity code.
        let forged = [&[0xaa; 16][..], &super::super::blob(0, [0xaa; 8], &[])].concat();
        assert_eq!(verdict(&forged), Err(Refusal::Wrong));
        for token in ["", "TlRMTVNTUAAC", "%%%", &"A".repeat(LETTERS_MAX + 1)] {
            assert!(Sent::read(token).is_none(), "{token}");
        }
    }

    /// The first message of a Group Series: 40 bytes, an OEM domain, no version. Source: a public test of another product.
    #[test]
    fn the_first_message_of_a_group_series_is_answered() {
        let token = "TlRMTVNTUAABAAAAFZIIYAgACAAgAAAAAAAAAAAAAABLOFpLNTM5Nw==";
        let Some(Sent::Negotiate(first)) = Sent::read(token) else { panic!("no first message") };
        let challenge = Challenge::new(first, RANDOM, now());
        let flags = message::u32_at(&challenge.message, 20).unwrap();
        assert_eq!(flags & WHEN_ASKED, message::ALWAYS_SIGN | message::EXTENDED_SECURITY | message::KEY_128);
        assert_eq!(flags & KEY_EXCHANGE, 0);
        assert!(Pairs::read(message::buffer(&challenge.message, 40).unwrap()).unwrap().timestamp().is_some());
    }

    /// The second test vector of RFC 6229's cipher: the first bytes of the key stream of 0102…10 (128 bits).
    #[test]
    fn a_sealed_key_is_opened() {
        let key: [u8; 16] = std::array::from_fn(|at| u8::try_from(at).unwrap() + 1);
        let stream = unsealed(&key, [0; 16]);
        assert_eq!(super::super::tests::hex(&stream), "9ac7cc9a609d1ef7b2932899cde41b97");
    }
}
