//! Signed statements of others: a token and the issuer's keys in, its claims out, or nothing. RS256 and ES256, checked by ring; `none` and
//! secrets shared with us are no signatures here. See RFC 7515 and RFC 7518.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey};
use serde::Deserialize;

/// The keys of an issuer, as its `jwks_uri` shows them.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Keys {
    keys: Vec<Key>,
}

#[derive(Clone, Debug, Deserialize)]
struct Key {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    alg: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

#[derive(Deserialize)]
struct Head {
    alg: String,
    kid: Option<String>,
}

/// Why a token is not believed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fault {
    /// It is no signed token, or signed in a way that is not taken.
    Form,
    /// No key of the issuer has its number: there may be newer ones.
    UnknownKey,
    /// The signature is wrong.
    Signature,
}

/// The claims of `token`, if one of `keys` signed it.
pub(super) fn verified(token: &str, keys: &Keys) -> Result<Vec<u8>, Fault> {
    let (signed, signature) = token.rsplit_once('.').ok_or(Fault::Form)?;
    let (head, claims) = signed.split_once('.').ok_or(Fault::Form)?;
    let head: Head = serde_json::from_slice(&bytes(head).ok_or(Fault::Form)?).map_err(|_| Fault::Form)?;
    let (claims, signature) = (bytes(claims).ok_or(Fault::Form)?, bytes(signature).ok_or(Fault::Form)?);
    let kty = match head.alg.as_str() {
        "RS256" => "RSA",
        "ES256" => "EC",
        _ => return Err(Fault::Form),
    };
    let fits = |key: &&Key| {
        key.kty == kty
            && key.purpose.as_deref().is_none_or(|purpose| purpose == "sig")
            && key.alg.as_deref().is_none_or(|alg| alg == head.alg)
            && (head.kid.is_none() || key.kid == head.kid)
    };
    let mut candidates = keys.keys.iter().filter(fits).peekable();
    candidates.peek().ok_or(Fault::UnknownKey)?;
    if candidates.any(|key| signed_by(key, signed.as_bytes(), &signature).is_some()) {
        Ok(claims)
    } else {
        Err(Fault::Signature)
    }
}

fn signed_by(key: &Key, signed: &[u8], signature: &[u8]) -> Option<()> {
    let part = |part: &Option<String>| bytes(part.as_deref()?);
    if key.kty == "RSA" {
        let (n, e) = (part(&key.n)?, part(&key.e)?);
        return RsaPublicKeyComponents { n, e }.verify(&RSA_PKCS1_2048_8192_SHA256, signed, signature).ok();
    }
    if key.crv.as_deref() != Some("P-256") {
        return None;
    }
    let point = [&[4][..], &part(&key.x)?, &part(&key.y)?].concat();
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(signed, signature).ok()
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::rand::SystemRandom;
    use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};

    fn text(bytes: impl AsRef<[u8]>) -> String {
        URL_SAFE_NO_PAD.encode(bytes)
    }

    #[test]
    fn a_token_is_believed_when_a_key_of_the_issuer_signed_it_as_it_is() {
        let random = SystemRandom::new();
        let pair = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pair.as_ref(), &random).unwrap();
        let point = pair.public_key().as_ref();
        let key = |kid: &str, usage: &str| -> Keys {
            let key = serde_json::json!({"kty": "EC", "crv": "P-256", "kid": kid, "use": usage, "x": text(&point[1..33]), "y": text(&point[33..])});
            serde_json::from_value(serde_json::json!({ "keys": [key] })).unwrap()
        };
        let token = |head: &str, claims: &str| {
            let signed = format!("{}.{}", text(head), text(claims));
            let signature = pair.sign(&random, signed.as_bytes()).unwrap();
            format!("{signed}.{}", text(signature))
        };
        let good = token(r#"{"alg":"ES256","kid":"a"}"#, "{}");
        assert_eq!(verified(&good, &key("a", "sig")), Ok(b"{}".to_vec()));
        assert_eq!(verified(&good, &key("b", "sig")), Err(Fault::UnknownKey));
        assert_eq!(verified(&good, &key("a", "enc")), Err(Fault::UnknownKey));
        let (signed, signature) = good.rsplit_once('.').unwrap();
        let (head, _) = signed.split_once('.').unwrap();
        let other = format!("{head}.{}.{signature}", text(r#"{"sub":"x"}"#));
        assert_eq!(verified(&other, &key("a", "sig")), Err(Fault::Signature));
        for head in [r#"{"alg":"none"}"#, r#"{"alg":"HS256","kid":"a"}"#, r#"{"alg":"RS256","kid":"a"}"#] {
            assert!(verified(&token(head, "{}"), &key("a", "sig")).is_err(), "{head}");
        }
        for text in ["", ".", "..", "a.b", "a.b.c"] {
            assert_eq!(verified(text, &key("a", "sig")), Err(Fault::Form), "{text}");
        }
    }
}
