//! OTJ516: rule sets that no profile lists.

use crate::config::document::Kind;
use crate::config::names::Set;
use crate::diagnostic::Diagnostic;

use super::Looked;
use super::fields::used;

pub(super) fn run(looked: &Looked<'_>, findings: &mut Vec<Diagnostic>) {
    let used = used(looked);
    let set = Set::Kind(Kind::RuleSet);
    for document in looked.directory.documents.iter().filter(|document| document.kind == Kind::RuleSet) {
        let name = document.metadata.name.as_str();
        if !used.contains(&(set, name)) {
            let place = looked.directory.value(document, "/metadata/name");
            findings.push(Diagnostic::warning("OTJ516", place, format!("no profile lists the rule set `{name}`")));
        }
    }
}
