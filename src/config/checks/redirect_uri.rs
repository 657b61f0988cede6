//! OTJ222: redirect URIs that authorization servers do not take.

use crate::config::directory::{Document, Spec};
use crate::diagnostic::Diagnostic;

use super::Looked;
use super::fields::{host, is_loopback};

pub(super) fn run(looked: &Looked<'_>, findings: &mut Vec<Diagnostic>) {
    for document in &looked.directory.documents {
        let Some((pointer, uri)) = redirect(document) else { continue };
        let message = if uri.contains('#') {
            "a redirect URI has no fragment (`#…`)"
        } else if host(uri).is_empty() || uri.contains(char::is_whitespace) {
            "this is not a redirect URI"
        } else if !(uri.starts_with("https://") || uri.starts_with("http://") && is_loopback(&host(uri))) {
            "a redirect URI begins with https, or leads to this machine"
        } else {
            continue;
        };
        let finding = Diagnostic::error("OTJ222", looked.directory.value(document, pointer), message);
        findings.push(finding.help("write it as it is registered, `https://otj.example.com/oauth/callback`"));
    }
}

fn redirect(document: &Document) -> Option<(&'static str, &str)> {
    let (pointer, uri) = match &document.spec {
        Spec::Google(it) => ("/spec/userAuthorization/redirectUri", &it.user_authorization.as_ref()?.redirect_uri),
        Spec::Exchange(it) => ("/spec/oauth/redirectUri", &it.oauth.as_ref()?.redirect_uri),
        Spec::Webex(it) => ("/spec/oauth/redirectUri", &it.oauth.as_ref()?.redirect_uri),
        _ => return None,
    };
    Some((pointer, uri.as_deref()?))
}
