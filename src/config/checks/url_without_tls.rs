//! OTJ518: URLs that send credentials and calendars in the open. Loopback is no network; a web proxy is asked in the open by design.

use crate::diagnostic::Diagnostic;

use super::{Looked, fields};

pub(super) fn run(looked: &Looked<'_>, findings: &mut Vec<Diagnostic>) {
    for document in &looked.directory.documents {
        for (pointer, url) in fields::urls(document) {
            let host = fields::host(url);
            if url.to_lowercase().starts_with("http://") && !host.is_empty() && !fields::is_loopback(&host) {
                let place = looked.directory.value(document, &pointer);
                let finding =
                    Diagnostic::warning("OTJ518", place, "this URL has no TLS: anybody on the way can read along");
                findings.push(finding.help("write `https://`"));
            }
        }
    }
}
