//! OTJ402: secret references that lead to no place, or to two.

use crate::config::directory::Document;
use crate::config::document::SecretRef;
use crate::diagnostic::Diagnostic;

use super::{Looked, fields};

pub(super) fn run(looked: &Looked<'_>, findings: &mut Vec<Diagnostic>) {
    for document in &looked.directory.documents {
        for (pointer, secret) in fields::secrets(document) {
            judge(looked, document, &pointer, secret, findings);
        }
    }
}

fn judge(looked: &Looked<'_>, document: &Document, pointer: &str, secret: &SecretRef, findings: &mut Vec<Diagnostic>) {
    let SecretRef { file, key, env, value } = secret;
    let ways = [("file", file.is_some()), ("env", env.is_some()), ("value", value.is_some())];
    let written: Vec<&str> = ways.iter().filter(|(_, written)| *written).map(|(name, _)| *name).collect();
    let key_alone = key.is_some() && file.is_none();
    let empty = [file, env].iter().any(|text| text.as_deref() == Some(""))
        || value.as_ref().is_some_and(|value| value.0.is_empty());
    let (at, message) = match written.as_slice() {
        [_, second, ..] => (format!("{pointer}/{second}"), "a secret is in one place, not in two"),
        [] => (pointer.to_owned(), "this refers to no secret"),
        _ if key_alone => (format!("{pointer}/key"), "`key` belongs to `file`"),
        [one] if empty => (format!("{pointer}/{one}"), "this is empty"),
        _ => return,
    };
    let place = looked.directory.key(document, &at);
    let help = "write one of {file: PATH}, {file: PATH, key: NAME}, {env: NAME}";
    findings.push(Diagnostic::error("OTJ402", place, message).help(help));
}
