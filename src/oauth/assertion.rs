//! Statements signed with a private key: Google's service accounts and apps with a certificate prove themselves by one. A key as
//! documents have it goes in, a JSON Web Token comes out.
//!
//! *Design notes.* Two fixed headers and a handful of claims are written here, and signed by the library that makes the TLS
//! signatures. A library for tokens would bring a second one for RSA with it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use ring::rsa::KeyPair;
use ring::signature::{RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde::Deserialize;
use serde_json::json;

use super::error::KeyFault;
use crate::model::Secret;
use crate::store::private;

/// How long a statement is good, in seconds: the longest Google takes.
/// See <https://developers.google.com/identity/protocols/oauth2/service-account#jwt-auth>.
const LIFETIME_S: i64 = 3600;

/// A statement is dated back by this many seconds, so that a clock that is a little fast does no harm.
const BACKDATED_S: i64 = 30;

/// A service account's key as documents have it, looked into but not parsed.
pub(super) struct ServiceKey {
    /// PEM.
    pem: Secret,
    /// From a JSON key: which of the account's keys it is.
    id: Option<String>,
    /// From a JSON key: where tokens are fetched.
    pub(super) token_url: Option<String>,
}

/// The members of a JSON key as downloaded that matter here.
#[derive(Deserialize)]
struct JsonKey {
    client_email: String,
    private_key: String,
    private_key_id: Option<String>,
    token_uri: Option<String>,
}

impl ServiceKey {
    /// Takes PEM, or a whole JSON key, which has to be the key of `email`.
    ///
    /// # Errors
    /// When it is neither, or somebody else's.
    pub(super) fn read(text: &Secret, email: &str) -> Result<Self, KeyFault> {
        if !text.expose().trim_start().starts_with('{') {
            return Ok(Self { pem: text.clone(), id: None, token_url: None });
        }
        let key: JsonKey = serde_json::from_str(text.expose()).map_err(|_| KeyFault::NotAKey)?;
        let pem = Secret::new(key.private_key);
        if !key.client_email.eq_ignore_ascii_case(email) {
            return Err(KeyFault::OtherAccount);
        }
        Ok(Self { pem, id: key.private_key_id, token_url: key.token_uri })
    }

    /// What a service account says about itself to be given a token for `scope`.
    ///
    /// # Errors
    /// When the key cannot sign.
    pub(super) fn statement(
        &self,
        email: &str,
        scope: &str,
        audience: &str,
        now: Timestamp,
    ) -> Result<Secret, KeyFault> {
        let mut header = json!({ "alg": "RS256", "typ": "JWT" });
        if let Some(id) = &self.id {
            header["kid"] = json!(id);
        }
        let from = now.as_second() - BACKDATED_S;
        let claims = json!({ "iss": email, "scope": scope, "aud": audience, "iat": from, "exp": from + LIFETIME_S });
        sign(&self.pem, &RSA_PKCS1_SHA256, &header, &claims)
    }
}

/// What an app says about itself, with the key of a certificate that its registration knows.
///
/// # Errors
/// When certificate or key cannot be used.
/// See <https://learn.microsoft.com/entra/identity-platform/certificate-credentials>.
pub(super) fn app_statement(
    client_id: &str,
    certificate: &[u8],
    key: &Secret,
    audience: &str,
    now: Timestamp,
) -> Result<Secret, KeyFault> {
    let certificate = CertificateDer::from_pem_slice(certificate).map_err(|_| KeyFault::Certificate)?;
    let digest = ring::digest::digest(&ring::digest::SHA256, &certificate);
    let header = json!({ "alg": "PS256", "typ": "JWT", "x5t#S256": URL_SAFE_NO_PAD.encode(digest) });
    let id = crate::model::names::base32(&private::random::<20>().map_err(|_| KeyFault::Unfit)?);
    let from = now.as_second() - BACKDATED_S;
    let claims = json!({
        "iss": client_id, "sub": client_id, "aud": audience, "jti": id, "iat": from, "nbf": from, "exp": from + 600,
    });
    sign(key, &RSA_PSS_SHA256, &header, &claims)
}

fn sign(
    pem: &Secret,
    encoding: &'static dyn RsaEncoding,
    header: &serde_json::Value,
    claims: &serde_json::Value,
) -> Result<Secret, KeyFault> {
    let key = parse(pem)?;
    let encode = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let mut text = format!("{}.{}", encode(header), encode(claims));
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(encoding, &ring::rand::SystemRandom::new(), text.as_bytes(), &mut signature)
        .map_err(|_| KeyFault::Unfit)?;
    text.push('.');
    URL_SAFE_NO_PAD.encode_string(&signature, &mut text);
    Ok(Secret::new(text))
}

/// PKCS#8 or PKCS#1. What was copied out of a JSON key by hand has `\n` for its line ends.
fn parse(pem: &Secret) -> Result<KeyPair, KeyFault> {
    let text = Secret::new(pem.expose().replace("\\n", "\n"));
    let der = PrivateKeyDer::from_pem_slice(text.expose().as_bytes()).map_err(|_| {
        let encrypted = ["BEGIN ENCRYPTED PRIVATE KEY", "Proc-Type: 4,ENCRYPTED"];
        if encrypted.iter().any(|mark| text.expose().contains(mark)) { KeyFault::Encrypted } else { KeyFault::NotAKey }
    })?;
    let read = match &der {
        PrivateKeyDer::Pkcs1(der) => KeyPair::from_der(der.secret_pkcs1_der()),
        PrivateKeyDer::Pkcs8(der) => KeyPair::from_pkcs8(der.secret_pkcs8_der()),
        _ => return Err(KeyFault::NotRsa),
    };
    read.map_err(|fault| match fault.to_string().as_str() {
        "WrongAlgorithm" => KeyFault::NotRsa,
        _ => KeyFault::Unfit,
    })
}
