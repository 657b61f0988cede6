//! OTJ514: rooms whose endpoints belong to different profiles.

use std::collections::BTreeMap;

use crate::config::directory::{Document, Spec};
use crate::config::document::Kind;
use crate::config::document::endpoint::Endpoint;
use crate::config::names::Set;
use crate::diagnostic::Diagnostic;

use super::Looked;

pub(super) fn run(looked: &Looked<'_>, findings: &mut Vec<Diagnostic>) {
    let mut first: BTreeMap<String, (&str, &Document)> = BTreeMap::new();
    for document in &looked.directory.documents {
        let Spec::Endpoint(endpoint) = &document.spec else { continue };
        let Some(profile) = profile_of(looked, endpoint) else { continue };
        let email = endpoint.room_email.trim().to_lowercase();
        let (other, at) = *first.entry(email).or_insert((profile, document));
        if other != profile {
            let place = looked.directory.value(document, "/spec/roomEmail");
            let message = format!("the room is read for profile `{profile}` here, and for `{other}` elsewhere");
            let help = format!("endpoint `{}` ({}) is in the same room", at.metadata.name, looked.directory.at(at));
            findings.push(Diagnostic::warning("OTJ514", place, message).help(help));
        }
    }
}

fn profile_of<'a>(looked: &'a Looked<'_>, endpoint: &'a Endpoint) -> Option<&'a str> {
    if endpoint.profile.is_some() {
        return endpoint.profile.as_deref();
    }
    let group = looked.names.find(looked.directory, Set::Kind(Kind::EndpointGroup), endpoint.group.as_deref()?)?;
    match &group.spec {
        Spec::Group(group) => group.profile.as_deref(),
        _ => None,
    }
}
