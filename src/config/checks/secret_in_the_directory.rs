//! OTJ401: secrets that stand in the directory. What references lead to is judged where they are resolved.

use crate::diagnostic::Diagnostic;

use super::{Looked, fields};

pub(super) fn run(looked: &Looked<'_>, findings: &mut Vec<Diagnostic>) {
    if !looked.options.allow_inline_secrets {
        secret_in_the_directory(looked, findings);
    }
}

fn secret_in_the_directory(looked: &Looked<'_>, findings: &mut Vec<Diagnostic>) {
    for document in &looked.directory.documents {
        for (pointer, secret) in fields::secrets(document) {
            if secret.value.is_some() {
                let place = looked.directory.key(document, &format!("{pointer}/value"));
                let finding = Diagnostic::error("OTJ401", place, "a secret is written into the directory").policy();
                findings.push(finding.help("put it into a file or a variable: {file: PATH} or {env: NAME}"));
            }
        }
    }
}
