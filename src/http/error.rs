//! What goes wrong on the way out, without URLs, credentials, or anything the other side wrote.

use std::error::Error;
use std::io;

use super::ProxyFault;
use super::address::LookupFault;
use super::tls::PinMismatch;

/// Why no complete answer came.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// The name has no address.
    #[error("the host name cannot be resolved")]
    Dns,
    /// The address is one that nothing from outside may lead to.
    #[error(
        "the address may not be dialled (link-local, unspecified, multicast, or loopback without --allow-loopback)"
    )]
    Refused,
    /// No TCP connection; what the system said.
    #[error("no connection ({0})")]
    Connect(String),
    /// The peer did not prove who it is, or does not speak TLS.
    #[error("no trusted TLS connection ({0})")]
    Tls(TlsFault),
    /// The location's web proxy.
    #[error(transparent)]
    Proxy(#[from] ProxyFault),
    /// The total time is over.
    #[error("no complete answer in time")]
    Deadline,
    /// More bytes than the limit.
    #[error("the answer is larger than {0} bytes")]
    TooLarge(usize),
    /// Not HTTP, or broken off.
    #[error("the exchange broke off ({0})")]
    Protocol(&'static str),
}

/// Why a TLS connection was not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlsFault {
    /// Nobody we trust signed it.
    #[error("the certificate is not signed by a trusted authority")]
    UnknownIssuer,
    /// It is for another host.
    #[error("the certificate is for another host name")]
    WrongName,
    /// Its dates.
    #[error("the certificate has expired or is not valid yet")]
    Dates,
    /// It is not the pinned one; the fingerprint seen, SHA-256 in lower-case hex.
    #[error("the certificate is not the one that was pinned; its SHA-256 fingerprint is {0}")]
    NotPinned(String),
    /// Extra roots that are no certificates.
    #[error("caCertificates holds something that is no PEM certificate")]
    Roots,
    /// What we are to show is no certificate with its key.
    #[error("our own certificate and key are no PEM certificate and its key")]
    Identity,
    /// The peer does not speak TLS, or none we speak.
    #[error("the handshake failed")]
    Handshake,
    /// Anything else about the certificate.
    #[error("the certificate is not acceptable")]
    Certificate,
}

impl HttpError {
    /// The label in metrics and conditions.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::Dns => "Dns",
            Self::Refused => "Refused",
            Self::Connect(_) => "Connect",
            Self::Tls(_) => "Tls",
            Self::Proxy(_) => "Proxy",
            Self::Deadline => "Deadline",
            Self::TooLarge(_) => "TooLarge",
            Self::Protocol(_) => "Protocol",
        }
    }

    /// Whether nothing of the request left: there was no connection for it.
    #[must_use]
    pub fn was_not_sent(&self) -> bool {
        matches!(self, Self::Dns | Self::Refused | Self::Connect(_) | Self::Tls(_) | Self::Proxy(_))
    }

    /// Whether a person must act before it can go well: trust and forbidden addresses do not mend themselves.
    #[must_use]
    pub fn needs_a_person(&self) -> bool {
        match self {
            Self::Refused | Self::Tls(_) => true,
            Self::Proxy(fault) => fault.needs_a_person(),
            _ => false,
        }
    }
}

/// A connection that ended in the middle.
pub(super) const BROKEN: HttpError = HttpError::Protocol("the peer closed the connection or does not speak HTTP");

impl From<LookupFault> for HttpError {
    fn from(fault: LookupFault) -> Self {
        match fault {
            LookupFault::NotFound => Self::Dns,
            LookupFault::Refused => Self::Refused,
        }
    }
}

/// What the system says about a connection, and TLS through it.
pub(super) fn of_system(error: &io::Error) -> HttpError {
    match inside(error) {
        Some(tls) => HttpError::Tls(tls_fault(tls)),
        None if error.kind() == io::ErrorKind::UnexpectedEof => HttpError::Tls(TlsFault::Handshake),
        None => HttpError::Connect(error.kind().to_string()),
    }
}

/// Finds what happened at the end of the client's chain of errors. Their texts are not kept: they quote URLs.
pub(super) fn classify(error: &reqwest::Error) -> HttpError {
    let mut cause: Option<&(dyn Error + 'static)> = error.source();
    let mut found: Option<HttpError> = None;
    while let Some(error) = cause {
        if let Some(fault) = error.downcast_ref::<LookupFault>() {
            return (*fault).into();
        }
        if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            return HttpError::Tls(tls_fault(tls));
        }
        if let Some(system) = error.downcast_ref::<io::Error>() {
            if let Some(tls) = inside(system) {
                return HttpError::Tls(tls_fault(tls));
            }
            found = Some(HttpError::Connect(system.kind().to_string()));
        }
        cause = error.source();
    }
    match found {
        _ if error.is_connect() && error.is_timeout() => HttpError::Connect("no answer".into()),
        _ if error.is_timeout() => HttpError::Deadline,
        Some(found) if error.is_connect() => found,
        None if error.is_connect() => HttpError::Connect("unknown cause".into()),
        _ if error.is_builder() => HttpError::Protocol("the request cannot be written"),
        _ if error.is_decode() => HttpError::Protocol("the answer cannot be decompressed"),
        _ => BROKEN,
    }
}

/// The TLS error in an `io::Error`, which hides what it wraps from `source()`, at any depth.
fn inside(system: &io::Error) -> Option<&rustls::Error> {
    let inner = system.get_ref()?;
    inner.downcast_ref::<rustls::Error>().or_else(|| inner.downcast_ref::<io::Error>().and_then(inside))
}

fn tls_fault(error: &rustls::Error) -> TlsFault {
    use rustls::CertificateError as Bad;
    let rustls::Error::InvalidCertificate(bad) = error else {
        return TlsFault::Handshake;
    };
    match bad {
        // A foreign signature under a known name is as good as an unknown name.
        Bad::UnknownIssuer | Bad::BadSignature => TlsFault::UnknownIssuer,
        Bad::NotValidForName | Bad::NotValidForNameContext { .. } => TlsFault::WrongName,
        Bad::Expired | Bad::ExpiredContext { .. } | Bad::NotValidYet | Bad::NotValidYetContext { .. } => {
            TlsFault::Dates
        }
        Bad::Other(other) => match other.0.downcast_ref::<PinMismatch>() {
            Some(PinMismatch { seen }) => TlsFault::NotPinned(seen.clone()),
            None => TlsFault::Certificate,
        },
        _ => TlsFault::Certificate,
    }
}
