//! OTJ513: EWS towards Exchange Online, which Microsoft switches off.
//! See <https://learn.microsoft.com/exchange/clients-and-mobile-in-exchange-online/deprecation-of-ews-exchange-online>.

use crate::config::directory::{Document, Spec};
use crate::diagnostic::{Diagnostic, Place};

use super::Looked;
use super::fields::{host, urls};
use super::order::is_within;

/// Where Exchange Online answers, national clouds included.
const ONLINE: [&str; 4] = ["outlook.com", "office365.com", "office365.us", "partner.outlook.cn"];

pub(super) fn run(looked: &Looked<'_>, findings: &mut Vec<Diagnostic>) {
    for document in &looked.directory.documents {
        let Some(place) = online(looked, document) else { continue };
        let message = "Microsoft switches EWS off in Exchange Online, tenant by tenant from 2026-10 to 2027-04";
        findings.push(Diagnostic::warning("OTJ513", place, message).help("use a GraphIntegration"));
    }
}

fn online(looked: &Looked<'_>, document: &Document) -> Option<Place> {
    let Spec::Exchange(exchange) = &document.spec else { return None };
    if exchange.oauth.is_some() {
        return Some(looked.directory.key(document, "/spec/oauth"));
    }
    if exchange.app_only.is_some() {
        return Some(looked.directory.key(document, "/spec/appOnly"));
    }
    let mut urls = urls(document).into_iter();
    let (pointer, _) = urls.find(|(_, url)| ONLINE.iter().any(|domain| is_within(&host(url), domain)))?;
    Some(looked.directory.value(document, &pointer))
}
