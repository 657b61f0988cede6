//! When credentials end that somebody has to replace: client secrets whose documents say it, and certificates, which say it themselves.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::desired::Desired;
use super::service::{AppCredential, ExchangeSignIn, Service};

/// A credential that ends.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Expiry {
    /// Kind of the document it belongs to.
    pub kind: &'static str,
    /// Name of that document.
    pub name: String,
    /// The field: `clientSecret`, `clientCertificate`.
    pub credential: &'static str,
    /// When it ends.
    pub at: Timestamp,
}

impl Desired {
    /// Every credential of which it is known when it ends, in the order of the documents' names.
    #[must_use]
    pub fn expiries(&self) -> Vec<Expiry> {
        let each = self.integrations.values().filter_map(|integration| {
            let (credential, secret_ends) = match &integration.service {
                Service::Graph(graph) => (&graph.credential, graph.client_secret_expires),
                Service::Exchange(exchange) => match &exchange.sign_in {
                    ExchangeSignIn::AppOnly { credential, .. } => (credential, None),
                    _ => return None,
                },
                _ => return None,
            };
            let (credential, at) = match credential {
                // The day is somewhere on Earth; it begins first in the east, and nobody minds being told half a day early.
                AppCredential::Secret(_) => ("clientSecret", secret_ends?.to_zoned(TimeZone::UTC).ok()?.timestamp()),
                AppCredential::Certificate { certificate, .. } => ("clientCertificate", not_after(certificate)?),
            };
            let kind = integration.service.kind();
            Some(Expiry { kind, name: integration.name.to_string(), credential, at })
        });
        each.collect()
    }
}

/// When the first certificate of a PEM text ends (RFC 5280, 4.1.2.5); `None`: it is none.
#[must_use]
pub fn not_after(pem: &[u8]) -> Option<Timestamp> {
    let der = CertificateDer::from_pem_slice(pem).ok()?;
    let certificate = element(&der, 0x30)?.0;
    let mut rest = element(certificate, 0x30)?.0;
    // The version is left out in the first one.
    if let Some((_, after)) = element(rest, 0xa0) {
        rest = after;
    }
    // Serial number, algorithm, issuer.
    for tag in [0x02, 0x30, 0x30] {
        rest = element(rest, tag)?.1;
    }
    let validity = element(rest, 0x30)?.0;
    let begins = time(validity)?.1;
    time(begins).map(|(at, _)| at)
}

/// `UTCTime`, with two digits of the year from 1950 on, or `GeneralizedTime`.
fn time(der: &[u8]) -> Option<(Timestamp, &[u8])> {
    let (text, rest) = match element(der, 0x17) {
        Some((text, rest)) => {
            let text = std::str::from_utf8(text).ok()?;
            let century = if text.get(..2)? < "50" { "20" } else { "19" };
            (format!("{century}{text}"), rest)
        }
        None => {
            let (text, rest) = element(der, 0x18)?;
            (std::str::from_utf8(text).ok()?.to_owned(), rest)
        }
    };
    let at = DateTime::strptime("%Y%m%d%H%M%SZ", text).ok()?;
    Some((at.to_zoned(TimeZone::UTC).ok()?.timestamp(), rest))
}

/// The content of a DER element with this tag, and what follows it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&[found, first], rest) = der.split_first_chunk::<2>()?;
    if found != tag {
        return None;
    }
    let (length, rest) = match usize::from(first) {
        short @ 0..0x80 => (short, rest),
        long => {
            let (digits, rest) =
                rest.split_at_checked(long - 0x80).filter(|(digits, _)| (1..=3).contains(&digits.len()))?;
            (digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), rest)
        }
    };
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_says_when_it_ends_and_a_broken_one_says_nothing() {
        let mut parameters = rcgen::CertificateParams::new(["otj.example.com".to_owned()]).unwrap();
        for (year, expected) in [(2031, "2031-03-04T00:00:00Z"), (2077, "2077-03-04T00:00:00Z")] {
            // Years from 2050 on have another form.
            parameters.not_after = rcgen::date_time_ymd(year, 3, 4);
            let certificate = parameters.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap();
            assert_eq!(not_after(certificate.pem().as_bytes()), Some(expected.parse().unwrap()));
            let der = certificate.der();
            for cut in 0..der.len() {
                let _ = not_after(broken(&der[..cut]).as_bytes());
                let mut changed = der.to_vec();
                changed[cut] ^= 0xff;
                let _ = not_after(broken(&changed).as_bytes());
            }
        }
        assert_eq!(not_after(b"hello"), None);
        assert_eq!(not_after(broken(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]).as_bytes()), None);
    }

    fn broken(der: &[u8]) -> String {
        use base64::Engine as _;
        let text = base64::engine::general_purpose::STANDARD.encode(der);
        format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
    }
}
