//! Which TLS connection a proof is for: a certificate goes in, what Extended Protection compares comes out.
//!
//! `tls-server-end-point` of RFC 5929: the certificate's hash, by the hash of its own signature, but never by MD5 or SHA-1.

use md5::{Digest as _, Md5};
use sha2::{Sha224, Sha256, Sha384, Sha512};

/// A hash, and the object identifiers of signatures that are made with it, as DER has them.
type Signatures<'a> = (Hash, &'a [&'a [u8]]);

/// Everything that is not in the list is hashed with SHA-256: MD5 and SHA-1 because the RFC says so, Ed25519 and the like because
/// nobody says anything, and that is what others do.
const SIGNATURES: &[Signatures<'_>] = &[
    // sha384WithRSAEncryption, ecdsa-with-SHA384
    (|it| Sha384::digest(it).to_vec(), &[b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0c", b"\x2a\x86\x48\xce\x3d\x04\x03\x03"]),
    // sha512WithRSAEncryption, ecdsa-with-SHA512
    (|it| Sha512::digest(it).to_vec(), &[b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0d", b"\x2a\x86\x48\xce\x3d\x04\x03\x04"]),
    // sha224WithRSAEncryption, ecdsa-with-SHA224
    (|it| Sha224::digest(it).to_vec(), &[b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0e", b"\x2a\x86\x48\xce\x3d\x04\x03\x01"]),
];

/// RSASSA-PSS names its hash in its parameters: the first object identifier there, of the family 2.16.840.1.101.3.4.2.
const PSS: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a";
const PSS_HASHES: &[u8] = b"\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02";

/// What is to stand in [`super::pairs::CHANNEL_BINDING`] for a connection whose server showed `certificate`, in DER: the MD5 of the structure
/// that RFC 2744 3.11 describes, with nothing but application data in it (MS-NLMP 2.2.2.1, RFC 4121 4.1.1.2).
#[must_use]
pub fn of(certificate: &[u8]) -> [u8; 16] {
    let hash = end_point(certificate);
    let prefix = b"tls-server-end-point:";
    let mut bytes = vec![0; 16];
    bytes.extend(u32::try_from(prefix.len() + hash.len()).expect("a hash is short").to_le_bytes());
    bytes.extend(prefix);
    bytes.extend(hash);
    Md5::digest(&bytes).into()
}

fn end_point(certificate: &[u8]) -> Vec<u8> {
    let algorithm = algorithm(certificate);
    let identifier = algorithm.and_then(|it| element(it)).map(|(identifier, _)| identifier).unwrap_or_default();
    let known = SIGNATURES.iter().find(|(_, signatures)| signatures.contains(&identifier)).map(|(hash, _)| *hash);
    let hash = match known {
        None if identifier == PSS => algorithm.and_then(pss),
        known => known,
    };
    hash.map_or_else(|| Sha256::digest(certificate).to_vec(), |hash| hash(certificate))
}

/// Bytes in, their hash out.
type Hash = fn(&[u8]) -> Vec<u8>;

/// The hash that parameters of RSASSA-PSS name, where it is not SHA-256.
fn pss(algorithm: &[u8]) -> Option<Hash> {
    let at = algorithm.windows(PSS_HASHES.len()).position(|window| window == PSS_HASHES)?;
    let place = match algorithm.get(at + PSS_HASHES.len())? {
        2 => 0,
        3 => 1,
        4 => 2,
        _ => return None,
    };
    SIGNATURES.get(place).map(|(hash, _)| *hash)
}

/// What stands in a certificate's `signatureAlgorithm` (RFC 5280 4.1): after the part that is signed.
fn algorithm(certificate: &[u8]) -> Option<&[u8]> {
    let (inside, _) = element(certificate)?;
    let (_, after) = element(inside)?;
    element(after).map(|(algorithm, _)| algorithm)
}

/// The content of the first DER element, and what follows it.
fn element(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&[_, first], rest) = bytes.split_first_chunk::<2>()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x84 => {
            let (length, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (length.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A certificate of which only the frame is real.
    fn framed(algorithm: &[u8]) -> Vec<u8> {
        let signed = [0x30, 2, 5, 0];
        let mut der = vec![0x30, u8::try_from(signed.len() + 2 + algorithm.len()).unwrap()];
        der.extend(signed);
        der.extend([0x30, u8::try_from(algorithm.len()).unwrap()]);
        der.extend(algorithm);
        der
    }

    #[test]
    fn a_certificate_is_hashed_as_it_was_signed_but_never_weakly() {
        let pss = |last: u8| {
            let mut bytes = [&[6, 9], PSS, &[0x30, 17, 0xa0, 15, 0x30, 13], PSS_HASHES].concat();
            bytes.extend([last, 5, 0]);
            bytes
        };
        for (what, algorithm, length) in [
            ("sha256WithRSAEncryption", b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b\x05\x00".to_vec(), 32),
            ("sha384WithRSAEncryption", b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0c\x05\x00".to_vec(), 48),
            ("sha512WithRSAEncryption", b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0d\x05\x00".to_vec(), 64),
            ("sha1WithRSAEncryption", b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x05\x05\x00".to_vec(), 32),
            ("ecdsa-with-SHA384", b"\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x03".to_vec(), 48),
            ("ed25519", b"\x06\x03\x2b\x65\x70".to_vec(), 32),
            ("RSASSA-PSS with SHA-256", pss(1), 32),
            ("RSASSA-PSS with SHA-384", pss(2), 48),
            ("RSASSA-PSS with SHA-512", pss(3), 64),
            ("nothing", Vec::new(), 32),
        ] {
            assert_eq!(end_point(&framed(&algorithm)).len(), length, "{what}");
        }
        // Cut anywhere it is still hashed, and nothing panics.
        let whole = framed(&pss(2));
        assert!((0..whole.len()).all(|end| !end_point(&whole[..end]).is_empty()));
    }
}
