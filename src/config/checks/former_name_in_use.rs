//! OTJ108: former names that somebody has, or that two documents claim.

use std::collections::BTreeMap;

use crate::config::names::Set;
use crate::diagnostic::Diagnostic;

use super::Looked;

pub(super) fn run(looked: &Looked<'_>, findings: &mut Vec<Diagnostic>) {
    let mut claimed = BTreeMap::new();
    for document in &looked.directory.documents {
        let set = Set::of(document.kind);
        for (index, former) in document.metadata.renamed_from.iter().flatten().enumerate() {
            let now = looked.names.find(looked.directory, set, former);
            let first = now.or_else(|| claimed.get(&(set, former.as_str())).copied());
            if let Some(first) = first {
                let place = looked.directory.value(document, &format!("/metadata/renamedFrom/{index}"));
                let at = looked.directory.at(first);
                let message = match now {
                    Some(_) => format!("`{former}` is no former name: the {} is still there", set.word()),
                    None => format!("`{former}` is also a former name of `{}`", first.metadata.name),
                };
                findings.push(Diagnostic::error("OTJ108", place, message).help(format!("the other stands in {at}")));
            }
            claimed.entry((set, former.as_str())).or_insert(document);
        }
    }
}
