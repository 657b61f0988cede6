//! What a peer's certificate is checked against: authorities, one remembered certificate, or nothing.

use std::fmt::Write as _;
use std::sync::Arc;

use jiff::Timestamp;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, OtherError, RootCertStore, SignatureScheme};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::{HttpError, TlsFault, Trust};

/// What is kept of a peer's certificate.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Certificate {
    /// Its SHA-256, lower-case hex.
    pub fingerprint: String,
    /// When it ends, where that can be read.
    pub ends: Option<Timestamp>,
}

impl Certificate {
    pub(super) fn of(der: &[u8]) -> Self {
        let ends = X509Certificate::from_der(der).ok();
        let ends = ends.map(|(_, certificate)| certificate.validity().not_after.timestamp());
        Self { fingerprint: fingerprint(der), ends: ends.and_then(|second| Timestamp::from_second(second).ok()) }
    }
}

/// SHA-256 of a certificate, lower-case hex.
pub(super) fn fingerprint(certificate: &[u8]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, certificate);
    digest.as_ref().iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The system's roots and the one provider of cryptography.
pub(super) struct Roots {
    system: RootCertStore,
    provider: Arc<CryptoProvider>,
}

impl Roots {
    /// Reads the system's roots. A machine without any still reaches what `caCertificates` or a pin vouches for.
    pub(super) fn system() -> Self {
        let mut system = RootCertStore::empty();
        system.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        Self { system, provider: Arc::new(rustls::crypto::ring::default_provider()) }
    }

    /// What a client with this trust connects with.
    ///
    /// # Errors
    /// When the extra roots are no certificates.
    pub(super) fn config(&self, trust: &Trust) -> Result<ClientConfig, HttpError> {
        let judge = |verdict| Arc::new(Judge { verdict, provider: Arc::clone(&self.provider) });
        let extra = match trust {
            Trust::Verify(extra) => extra.as_slice(),
            Trust::Mutual(mutual) => mutual.roots.as_slice(),
            _ => &[],
        };
        let verifier: Arc<dyn ServerCertVerifier> = match trust {
            Trust::Verify(_) | Trust::Mutual(_) => match self.with(extra)? {
                roots if roots.is_empty() => judge(Verdict::Nobody),
                roots => WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&self.provider))
                    .build()
                    .map_err(|_| HttpError::Tls(TlsFault::Roots))?,
            },
            Trust::Pinned(pin) => judge(Verdict::Pinned(pin.to_ascii_lowercase())),
            Trust::Insecure => judge(Verdict::Anybody),
        };
        let config = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()
            .map_err(|_| HttpError::Protocol("the TLS library cannot be set up"))?
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        let mut config = match trust {
            Trust::Mutual(mutual) => {
                let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&mutual.certificate).collect();
                let key = PrivateKeyDer::from_pem_slice(&mutual.key);
                let (Ok(chain), Ok(key)) = (chain, key) else { return Err(HttpError::Tls(TlsFault::Identity)) };
                config.with_client_auth_cert(chain, key).map_err(|_| HttpError::Tls(TlsFault::Identity))?
            }
            _ => config.with_no_client_auth(),
        };
        if matches!(trust, Trust::Verify(_) | Trust::Mutual(_)) {
            config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        } else {
            // Only devices are trusted in these ways; their small servers speak HTTP/1.1. One session each is enough.
            config.alpn_protocols = vec![b"http/1.1".to_vec()];
            config.resumption = Resumption::in_memory_sessions(4);
        }
        Ok(config)
    }

    fn with(&self, extra: &[Arc<[u8]>]) -> Result<RootCertStore, HttpError> {
        let mut roots = self.system.clone();
        for bundle in extra {
            let mut some = false;
            for certificate in CertificateDer::pem_slice_iter(bundle) {
                let certificate = certificate.map_err(|_| HttpError::Tls(TlsFault::Roots))?;
                roots.add(certificate).map_err(|_| HttpError::Tls(TlsFault::Roots))?;
                some = true;
            }
            if !some {
                return Err(HttpError::Tls(TlsFault::Roots));
            }
        }
        Ok(roots)
    }
}

/// The certificate seen instead of the pinned one.
#[derive(Debug, thiserror::Error)]
#[error("another certificate than the pinned one")]
pub(super) struct PinMismatch {
    /// Its fingerprint.
    pub(super) seen: String,
}

/// Judges certificates in the three ways that need no authority.
#[derive(Debug)]
struct Judge {
    verdict: Verdict,
    provider: Arc<CryptoProvider>,
}

#[derive(Debug)]
enum Verdict {
    /// One certificate, by fingerprint, whoever signed it and whatever it says about itself.
    Pinned(String),
    /// Anything, also certificates too old to be read. Said out loud by `tls: Insecure`.
    Anybody,
    /// There are no roots on this machine, and the library's own check refuses to start without any.
    Nobody,
}

impl ServerCertVerifier for Judge {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let fault = match &self.verdict {
            Verdict::Anybody => return Ok(ServerCertVerified::assertion()),
            Verdict::Nobody => CertificateError::UnknownIssuer,
            Verdict::Pinned(pin) => {
                let seen = fingerprint(end_entity);
                if seen == *pin {
                    return Ok(ServerCertVerified::assertion());
                }
                CertificateError::Other(OtherError(Arc::new(PinMismatch { seen })))
            }
        };
        Err(rustls::Error::InvalidCertificate(fault))
    }

    /// The signature shows that the peer holds the key and did not just copy the certificate. Where anybody is welcome it shows nothing.
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        match self.verdict {
            Verdict::Anybody => Ok(HandshakeSignatureValid::assertion()),
            _ => verify_tls12_signature(
                message,
                certificate,
                signature,
                &self.provider.signature_verification_algorithms,
            ),
        }
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        match self.verdict {
            Verdict::Anybody => Ok(HandshakeSignatureValid::assertion()),
            _ => verify_tls13_signature(
                message,
                certificate,
                signature,
                &self.provider.signature_verification_algorithms,
            ),
        }
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
