//! Certificate and key in, a TLS configuration out that can be replaced while connections are open.

use std::io;
use std::sync::{Arc, PoisonError, RwLock};

use rcgen::{CertificateParams, DnType, KeyPair};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{AlertDescription, Error, InvalidMessage, PeerIncompatible, ServerConfig};
use tokio_rustls::TlsAcceptor;

use crate::model::Secret;

/// Why a certificate and its key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsFault {
    /// The certificate text holds no certificate.
    #[error("there is no certificate in PEM form (`-----BEGIN CERTIFICATE-----`)")]
    NoCertificate,
    /// The key text holds no usable key.
    #[error("there is no private key in PEM form (`-----BEGIN PRIVATE KEY-----`)")]
    NoKey,
    /// The two do not fit, or are of a kind that is not supported.
    #[error("the certificate and its key cannot be used together")]
    Unusable(#[source] rustls::Error),
    /// A certificate could not be made.
    #[error("a self-signed certificate could not be made")]
    NotMade(#[source] rcgen::Error),
}

/// The TLS side of a listener. Cloning shares it; connections already open keep the certificate they were made with.
#[derive(Clone, Debug)]
pub struct TlsSettings(Arc<RwLock<Shown>>);

/// What the next connection is made with.
#[derive(Clone, Debug)]
struct Shown {
    config: Arc<ServerConfig>,
    /// DER.
    certificate: Arc<[u8]>,
}

impl TlsSettings {
    /// From a certificate chain and its key.
    ///
    /// # Errors
    /// When either is missing or they do not fit.
    pub fn from_pem(certificates: &[u8], key: &Secret) -> Result<Self, TlsFault> {
        Ok(Self(Arc::new(RwLock::new(configuration(certificates, key)?))))
    }

    /// Uses another certificate from the next connection on; on an error the old one stays.
    ///
    /// # Errors
    /// As [`TlsSettings::from_pem`].
    pub fn replace(&self, certificates: &[u8], key: &Secret) -> Result<(), TlsFault> {
        let fresh = configuration(certificates, key)?;
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }

    /// The certificate that the next connection is shown, DER.
    #[must_use]
    pub fn certificate(&self) -> Arc<[u8]> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).certificate.clone()
    }

    /// For the next connection, with the certificate that it is shown, DER.
    pub(super) fn acceptor(&self) -> (TlsAcceptor, Arc<[u8]>) {
        let shown = self.0.read().unwrap_or_else(PoisonError::into_inner).clone();
        (TlsAcceptor::from(shown.config), shown.certificate)
    }
}

fn configuration(certificates: &[u8], key: &Secret) -> Result<Shown, TlsFault> {
    let chain: Vec<CertificateDer<'static>> =
        CertificateDer::pem_slice_iter(certificates).collect::<Result<_, _>>().map_err(|_| TlsFault::NoCertificate)?;
    let certificate = chain.first().map(|first| Arc::from(&first[..])).ok_or(TlsFault::NoCertificate)?;
    let key = PrivateKeyDer::from_pem_slice(key.expose().as_bytes()).map_err(|_| TlsFault::NoKey)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(TlsFault::Unusable)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(TlsFault::Unusable)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Shown { config: Arc::new(config), certificate })
}

/// A certificate for `names` (host names or IP addresses) and its key, both PEM. It is valid from 2020 to the end of 2049: devices
/// with a wrong clock must accept it, and old ones cannot read later years (RFC 5280 changes the date format in 2050).
///
/// # Errors
/// When a name is neither a host name nor an address.
pub fn self_signed(names: &[String]) -> Result<(String, Secret), TlsFault> {
    let mut params = CertificateParams::new(names).map_err(TlsFault::NotMade)?;
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(2049, 12, 31);
    let name = names.first().map_or("otj", String::as_str);
    // X.509 has 64 characters for a common name; the full names stand in the alternative names.
    params.distinguished_name.push(DnType::CommonName, name.chars().take(64).collect::<String>());
    let key = KeyPair::generate().map_err(TlsFault::NotMade)?;
    let certificate = params.self_signed(&key).map_err(TlsFault::NotMade)?;
    Ok((certificate.pem(), Secret::new(key.serialize_pem())))
}

/// Of a handshake that took too long.
pub(super) const SLOW: (&str, &str) = ("timeout", "the other side did not finish; something between may hold it up");

/// Why a handshake failed, from a closed set, and what a person can do about it.
pub(super) fn reason(error: &io::Error) -> (&'static str, &'static str) {
    let Some(error) = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) else {
        return ("closed", "the other side closed the connection; it may not trust the certificate");
    };
    match error {
        Error::PeerIncompatible(
            PeerIncompatible::NoCipherSuitesInCommon
            | PeerIncompatible::NoKxGroupsInCommon
            | PeerIncompatible::NoSignatureSchemesInCommon,
        ) => ("no_common_cipher", "no cipher in common: an old device may need an RSA certificate, or a TLS front"),
        // Not to offer TLS 1.2, or to leave out what came with it, is the same.
        Error::PeerIncompatible(_) => {
            ("old_version", "the other side speaks only TLS 1.0 or 1.1: put a TLS front before this listener")
        }
        Error::AlertReceived(
            AlertDescription::UnknownCA
            | AlertDescription::BadCertificate
            | AlertDescription::CertificateUnknown
            | AlertDescription::CertificateExpired
            | AlertDescription::UnsupportedCertificate,
        ) => ("untrusted", "the other side does not trust the certificate: install it there, or give one it trusts"),
        Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            ("not_tls", "the other side spoke plain HTTP: use https://")
        }
        _ => ("other", "no hint"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_certificate_is_usable_and_a_wrong_pair_is_refused_with_its_reason() {
        let names = ["otj.example.com".to_owned(), "10.0.0.1".to_owned()];
        let (certificate, key) = self_signed(&names).unwrap();
        let settings = TlsSettings::from_pem(certificate.as_bytes(), &key).unwrap();
        let (other, other_key) = self_signed(&names).unwrap();
        assert!(matches!(settings.replace(other.as_bytes(), &key), Err(TlsFault::Unusable(_))));
        assert!(matches!(settings.replace(b"", &key), Err(TlsFault::NoCertificate)));
        let none = Secret::new("-----BEGIN CERTIFICATE-----".into());
        assert!(matches!(settings.replace(other.as_bytes(), &none), Err(TlsFault::NoKey)));
        settings.replace(other.as_bytes(), &other_key).unwrap();
    }
}
