//! OTJ220: Autodiscover addresses of the older XML service, or of none.

use crate::config::directory::Spec;
use crate::diagnostic::Diagnostic;

use super::Looked;

pub(super) fn run(looked: &Looked<'_>, findings: &mut Vec<Diagnostic>) {
    for document in &looked.directory.documents {
        let Spec::Exchange(exchange) = &document.spec else { continue };
        for (index, service) in exchange.autodiscover_urls.iter().flatten().enumerate() {
            let path = service.url.split(['?', '#']).next().unwrap_or_default();
            let lower = path.to_lowercase();
            if lower.ends_with(".svc") {
                continue;
            }
            let place = looked.directory.value(document, &format!("/spec/autodiscoverUrls/{index}/url"));
            let finding = Diagnostic::error("OTJ220", place, "the address of an Autodiscover service ends in `.svc`");
            findings.push(match lower.ends_with(".xml") {
                true => {
                    finding.help("`.xml` is the older service; beside it there is `/autodiscover/autodiscover.svc`")
                }
                false => finding.help("write it whole, `https://mail.example.com/autodiscover/autodiscover.svc`"),
            });
        }
    }
}
