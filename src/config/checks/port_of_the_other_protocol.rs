//! OTJ521: codecs asked for HTTPS at the port of plain HTTP, or the other way round.

use crate::config::directory::Spec;
use crate::diagnostic::Diagnostic;

use super::Looked;

pub(super) fn run(looked: &Looked<'_>, findings: &mut Vec<Diagnostic>) {
    for document in &looked.directory.documents {
        let cisco = match &document.spec {
            Spec::Group(it) => it.cisco.as_ref(),
            Spec::Endpoint(it) => it.cisco.as_ref(),
            _ => continue,
        };
        let message = match cisco.map(|it| (it.port, it.use_https)) {
            Some((Some(443), Some(false))) => "443 is the port of HTTPS, which `useHttps: false` switches off",
            Some((Some(80), Some(true))) => "80 is the port of plain HTTP, and `useHttps` is true",
            _ => continue,
        };
        let place = looked.directory.value(document, "/spec/cisco/port");
        findings.push(Diagnostic::warning("OTJ521", place, message).help("leave `port` out: it follows `useHttps`"));
    }
}
