//! Signed statements (JSON Web Tokens) as a token service checks them, with the public key it knows.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use ring::signature::{
    KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use serde_json::{Value, json};

/// A clock may differ by this many seconds.
const LEEWAY_S: i64 = 300;

/// A public key that a token service knows.
#[derive(Clone, Debug)]
pub struct Known {
    /// `RSAPublicKey` of PKCS#1, DER.
    public: Vec<u8>,
    /// What statements name it by: `kid`, or the digest of a certificate as `x5t#S256`.
    name: Option<String>,
}

impl Known {
    /// The public half of a private key (PEM, PKCS#8), which statements may name `id`. `None`: it is no such key.
    #[must_use]
    pub fn key(pem: &str, id: Option<&str>) -> Option<Self> {
        let der = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes()).ok()?;
        let pair = RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).ok()?;
        Some(Self { public: pair.public_key().as_ref().to_vec(), name: id.map(str::to_owned) })
    }

    /// The same, named by the certificate (PEM) that was uploaded with it.
    #[must_use]
    pub fn certificate(certificate: &str, pem: &str) -> Option<Self> {
        let der = CertificateDer::from_pem_slice(certificate.as_bytes()).ok()?;
        let digest = ring::digest::digest(&ring::digest::SHA256, &der);
        Self::key(pem, Some(&URL_SAFE_NO_PAD.encode(digest)))
    }

    /// Whether `statement` was signed with this key, by `algorithm`, under its name.
    pub(super) fn signed(&self, statement: &str, algorithm: &str) -> bool {
        let Some((signed, signature)) = statement.rsplit_once('.') else { return false };
        let Some(header) = signed.split_once('.').and_then(|(header, _)| decoded(header)) else { return false };
        let Ok(signature) = URL_SAFE_NO_PAD.decode(signature) else { return false };
        let (scheme, name) = match algorithm {
            "PS256" => (&RSA_PSS_2048_8192_SHA256, &header["x5t#S256"]),
            _ => (&RSA_PKCS1_2048_8192_SHA256, &header["kid"]),
        };
        let named = name.is_null() || self.name.as_ref().is_none_or(|known| *name == json!(known));
        header["alg"] == json!(algorithm)
            && named
            && UnparsedPublicKey::new(scheme, &self.public).verify(signed.as_bytes(), &signature).is_ok()
    }
}

/// What a statement says, whoever signed it.
pub(super) fn claims(statement: &str) -> Option<Value> {
    decoded(statement.split('.').nth(1)?)
}

/// Whether it is good now, and not for longer than `longest_s`.
pub(super) fn is_current(claims: &Value, now: Timestamp, longest_s: i64) -> bool {
    let (Some(from), Some(to)) = (claims["iat"].as_i64(), claims["exp"].as_i64()) else { return false };
    let now = now.as_second();
    from <= now + LEEWAY_S
        && now < to + LEEWAY_S
        && from < to
        && to - from <= longest_s
        && from > now - longest_s - LEEWAY_S
}

fn decoded(part: &str) -> Option<Value> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}
