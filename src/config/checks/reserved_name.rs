//! OTJ107: rule sets with a name that belongs to the program.

use crate::config::document::Kind;
use crate::diagnostic::Diagnostic;

use super::Looked;

pub(super) fn run(looked: &Looked<'_>, findings: &mut Vec<Diagnostic>) {
    for document in &looked.directory.documents {
        if document.kind == Kind::RuleSet && document.metadata.name.starts_with("builtin/") {
            let place = looked.directory.value(document, "/metadata/name");
            let finding = Diagnostic::error("OTJ107", place, "names that begin with `builtin/` belong to the program");
            findings.push(
                finding.help("choose another name and list it in `ruleSets`, before or after `builtin/standard`"),
            );
        }
    }
}
