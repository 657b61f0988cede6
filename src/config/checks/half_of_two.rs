//! OTJ207: fields that belong together, of which one is missing.

use crate::config::directory::{Document, Spec};
use crate::diagnostic::Diagnostic;

use super::Looked;

pub(super) fn run(looked: &Looked<'_>, findings: &mut Vec<Diagnostic>) {
    for document in &looked.directory.documents {
        half_of(looked, document, findings);
    }
}

fn half_of(looked: &Looked<'_>, document: &Document, findings: &mut Vec<Diagnostic>) {
    let cisco = |it: Option<(bool, bool)>| it.map(|(user, password)| ("/spec/cisco", user, password));
    let pairs = match &document.spec {
        Spec::CalDav(it) => Some(("/spec", it.username.is_some(), it.password.is_some())),
        Spec::Location(it) => {
            let proxy = it.web_proxy.as_ref();
            proxy.map(|it| ("/spec/webProxy", it.username.is_some(), it.password.is_some()))
        }
        Spec::Profile(it) => cisco(it.cisco.as_ref().map(|it| (it.username.is_some(), it.password.is_some()))),
        Spec::Group(it) => cisco(it.cisco.as_ref().map(|it| (it.username.is_some(), it.password.is_some()))),
        Spec::Endpoint(it) => cisco(it.cisco.as_ref().map(|it| (it.username.is_some(), it.password.is_some()))),
        _ => None,
    };
    if let Some((below, user, password)) = pairs
        && user != password
    {
        let (there, missing) = if user { ("username", "password") } else { ("password", "username") };
        let place = looked.directory.key(document, &format!("{below}/{there}"));
        let message = format!("`{there}` is written without `{missing}`");
        findings.push(Diagnostic::error("OTJ207", place, message).help("write both, or neither to inherit them"));
    }
    let modes = match &document.spec {
        Spec::Profile(it) => (it.mode.is_some(), it.mode_until.is_some()),
        Spec::Group(it) => (it.mode.is_some(), it.mode_until.is_some()),
        Spec::Endpoint(it) => (it.mode.is_some(), it.mode_until.is_some()),
        _ => (true, true),
    };
    if modes == (false, true) {
        let place = looked.directory.key(document, "/spec/modeUntil");
        findings.push(Diagnostic::error("OTJ207", place, "`modeUntil` is written without `mode`"));
    }
}
