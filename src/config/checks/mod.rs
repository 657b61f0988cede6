//! What can be said about documents beyond their schema, a family a file; every check is named by the fault it finds.
//! In: the directory and its names. Out: findings, each with its place.

mod effect;
mod names;
mod references;
mod rules;
mod secrets;
mod unions;
mod unused;
mod values;

use super::directory::{Directory, Document};
use super::document::{SecretRef, TextOrSecret};
use super::load::LoadOptions;
use super::names::Names;
use crate::config::directory::Spec;
use crate::diagnostic::Diagnostic;

/// What checks look at.
pub(crate) struct Looked<'a> {
    pub(crate) directory: &'a Directory<'a>,
    pub(crate) names: &'a Names<'a>,
    pub(crate) options: &'a LoadOptions,
}

/// Runs every check.
pub(crate) fn run(looked: &Looked<'_>, findings: &mut Vec<Diagnostic>) {
    names::run(looked, findings);
    references::run(looked, findings);
    unions::run(looked, findings);
    values::run(looked, findings);
    rules::run(looked, findings);
    secrets::run(looked, findings);
    effect::run(looked, findings);
    unused::run(looked, findings);
}

/// Every secret reference of a document, with its JSON pointer.
pub(crate) fn secret_references(document: &Document) -> Vec<(&'static str, &SecretRef)> {
    let fields: [(&'static str, Option<&SecretRef>); 2] = match &document.spec {
        Spec::Ics(spec) => match &spec.url {
            Some(TextOrSecret::Secret(secret)) => [("/spec/url", Some(secret)), ("", None)],
            _ => return vec![],
        },
        Spec::CalDav(spec) => [("/spec/password", spec.password.as_ref()), ("", None)],
        Spec::Profile(spec) => {
            [("/spec/cisco/password", spec.cisco.as_ref().and_then(|cisco| cisco.password.as_ref())), ("", None)]
        }
        Spec::Group(spec) => device_secrets(spec.cisco.as_ref(), spec.poly.as_ref()),
        Spec::Endpoint(spec) => device_secrets(spec.cisco.as_ref(), spec.poly.as_ref()),
        _ => return vec![],
    };
    fields.into_iter().filter_map(|(pointer, secret)| Some((pointer, secret?))).collect()
}

fn device_secrets<'a>(
    cisco: Option<&'a super::document::endpoint::Cisco>,
    poly: Option<&'a super::document::endpoint::Poly>,
) -> [(&'static str, Option<&'a SecretRef>); 2] {
    [
        ("/spec/cisco/password", cisco.and_then(|cisco| cisco.password.as_ref())),
        ("/spec/poly/password", poly.and_then(|poly| poly.password.as_ref())),
    ]
}
