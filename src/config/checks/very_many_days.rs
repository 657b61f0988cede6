//! OTJ504: views that reach further than 31 days.

use crate::config::directory::{Document, Spec};
use crate::diagnostic::Diagnostic;

use super::Looked;

pub(super) fn run(looked: &Looked<'_>, findings: &mut Vec<Diagnostic>) {
    for document in &looked.directory.documents {
        judge(looked, document, findings);
    }
}

fn judge(looked: &Looked<'_>, document: &Document, findings: &mut Vec<Diagnostic>) {
    let (pointer, days) = match &document.spec {
        Spec::Profile(it) => ("/spec/upcomingDays", it.upcoming_days),
        Spec::Group(it) => ("/spec/overrides/upcomingDays", it.overrides.as_ref().and_then(|it| it.upcoming_days)),
        _ => return,
    };
    if days.is_some_and(|days| days > 31) {
        let place = looked.directory.value(document, pointer);
        let message = "more than 31 days ahead cost time and quota with every read";
        findings.push(Diagnostic::warning("OTJ504", place, message).help("7 days serve most sites"));
    }
}
