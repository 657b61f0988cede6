//! OTJ412: private keys that are none, with `--check-secrets`; and OTJ403 and OTJ212 for the secrets and certificates of services
//! that the wish does not hold, which nothing else looks up.

use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;

use crate::config::directory::{Document, Spec};
use crate::config::files::Secrets;
use crate::diagnostic::Diagnostic;
use crate::model::SecretValue;

use super::{Looked, fields};

/// Looks up what documents of services refer to.
pub(crate) fn secrets_of_other_services(looked: &Looked<'_>, secrets: &mut Secrets, findings: &mut Vec<Diagnostic>) {
    for document in &looked.directory.documents {
        certificates(looked, document, secrets, findings);
        if looked.options.check_secrets {
            keys(looked, document, secrets, findings);
        }
    }
}

fn keys(looked: &Looked<'_>, document: &Document, secrets: &mut Secrets, findings: &mut Vec<Diagnostic>) {
    if !is_other(document) {
        return;
    }
    let source = looked.directory.source(document);
    for (pointer, secret) in fields::secrets(document) {
        let value = match (&secret.value, secret.reference()) {
            (Some(value), _) => SecretValue::Known(crate::model::Secret::new(value.0.clone())),
            (None, Some(reference)) => secrets.resolve(looked.directory.snapshot, source, &reference),
            (None, None) => continue,
        };
        let place = looked.directory.value(document, &pointer);
        let fault = match &value {
            SecretValue::Missing(reason) => ("OTJ403", format!("the secret is missing: {reason}")),
            SecretValue::Known(key) if pointer.ends_with("/privateKey") => {
                let json = matches!(document.spec, Spec::Google(_));
                match key_fault(key.expose(), json) {
                    Some(fault) => ("OTJ412", fault.to_owned()),
                    None => continue,
                }
            }
            SecretValue::Known(_) => continue,
        };
        findings.push(Diagnostic::error(fault.0, place, fault.1).policy());
    }
}

fn is_other(document: &Document) -> bool {
    matches!(
        document.spec,
        Spec::Google(_) | Spec::Graph(_) | Spec::Exchange(_) | Spec::Webex(_) | Spec::Location(_) | Spec::Room(_)
    )
}

/// What is wrong with a private key; nothing of it is quoted.
fn key_fault(text: &str, json: bool) -> Option<&'static str> {
    let text = text.trim();
    if text.starts_with('{') {
        let key: Option<serde_json::Value> = serde_json::from_str(text).ok();
        let pem = key.as_ref().and_then(|key| key.get("private_key")).and_then(serde_json::Value::as_str);
        return match (json, pem) {
            (false, _) => Some("the private key is JSON; here it is PEM"),
            (true, Some(pem)) => key_fault(pem, false),
            (true, None) => Some("the file is no service account's key: it has no `private_key`"),
        };
    }
    if text.contains("BEGIN ENCRYPTED PRIVATE KEY") {
        return Some("the private key is encrypted; it is needed without a passphrase");
    }
    match PrivateKeyDer::from_pem_slice(text.as_bytes()) {
        Ok(_) => None,
        Err(_) if text.contains("BEGIN CERTIFICATE") => Some("this is a certificate, not its private key"),
        Err(_) => Some("the private key is not PEM (`-----BEGIN PRIVATE KEY-----`)"),
    }
}

fn certificates(looked: &Looked<'_>, document: &Document, secrets: &mut Secrets, findings: &mut Vec<Diagnostic>) {
    let certificate = |pointer: &str, path: Option<&String>| path.map(|path| (pointer.to_owned(), path.clone()));
    let (roots, own) = match &document.spec {
        Spec::Google(it) => (("/spec/caCertificates", &it.ca_certificates), None),
        Spec::Graph(it) => {
            let own = it.client_certificate.as_ref().map(|it| &it.certificate);
            (("/spec/caCertificates", &it.ca_certificates), certificate("/spec/clientCertificate/certificate", own))
        }
        Spec::Exchange(it) => {
            let own = it.app_only.as_ref().and_then(|it| it.client_certificate.as_ref()).map(|it| &it.certificate);
            let own = certificate("/spec/appOnly/clientCertificate/certificate", own);
            (("/spec/caCertificates", &it.ca_certificates), own)
        }
        Spec::Webex(it) => (("/spec/caCertificates", &it.ca_certificates), None),
        Spec::Location(it) => match &it.web_proxy {
            Some(proxy) => (("/spec/webProxy/caCertificates", &proxy.ca_certificates), None),
            None => return,
        },
        _ => return,
    };
    let roots = roots.1.iter().flatten().enumerate().map(|(at, path)| (format!("{}/{at}", roots.0), path.clone()));
    for (pointer, path) in roots.chain(own) {
        let read = secrets.named_file(looked.directory.snapshot, looked.directory.source(document), &path);
        let marked = |bytes: &[u8]| bytes.windows(27).any(|part| part == b"-----BEGIN CERTIFICATE-----");
        let reason = match read {
            Ok(bytes) if marked(&bytes) => continue,
            Ok(_) => format!("the file `{path}` holds no PEM certificate"),
            Err(reason) => reason,
        };
        findings.push(Diagnostic::error("OTJ212", looked.directory.value(document, &pointer), reason));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_told_from_what_is_none() {
        let pem = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f\n-----END PRIVATE KEY-----\n";
        let json = serde_json::json!({"type": "service_account", "private_key": pem}).to_string();
        for (text, takes_json, right) in [
            (pem, false, true),
            (pem, true, true),
            (&*json, true, true),
            (&*json, false, false),
            ("{}", true, false),
            ("hunter2", true, false),
            ("-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----", false, false),
            ("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAA==\n-----END ENCRYPTED PRIVATE KEY-----", false, false),
        ] {
            assert_eq!(key_fault(text, takes_json).is_none(), right, "{text}");
        }
    }
}
