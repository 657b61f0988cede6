//! OTJ410: secrets in texts that are no secret references: by their form anywhere in a file, comments included, and by the key in
//! labels and annotations. Nothing of them is quoted.

use crate::config::directory::Document;
use crate::diagnostic::{Diagnostic, Place, leaks, mask};

use super::{Looked, fields};

const HELP: &str =
    "put it into a file or a variable, refer to it, and change it: the old one stays in the history of git";

pub(super) fn run(looked: &Looked<'_>, findings: &mut Vec<Diagnostic>) {
    for file in &looked.directory.snapshot.files {
        for (range, what) in leaks::known(file.text()) {
            let place = place(&file.path, file.text(), range.start, range.end);
            if !is_inline_secret(looked, &place) {
                let finding = Diagnostic::error("OTJ410", place, format!("this looks like {what}")).policy();
                findings.push(finding.help(HELP));
            }
        }
    }
    for document in &looked.directory.documents {
        secret_by_its_key(looked, document, findings);
    }
}

fn secret_by_its_key(looked: &Looked<'_>, document: &Document, findings: &mut Vec<Diagnostic>) {
    let maps = [("labels", &document.metadata.labels), ("annotations", &document.metadata.annotations)];
    for (field, map) in maps {
        for (key, value) in map.iter().flatten() {
            // `key` and `value` are everyday words in labels, and a path or a name of a secret is none.
            let word = key.to_lowercase();
            let secret = ["password", "passwd", "secret", "token"].iter().any(|each| word.ends_with(each));
            if !secret || value.is_empty() || !mask::is_secret(key) || leaks::known(value).next().is_some() {
                continue;
            }
            let pointer = format!("/metadata/{field}/{}", key.replace('~', "~0").replace('/', "~1"));
            let place = looked.directory.key(document, &pointer);
            let finding = Diagnostic::error("OTJ410", place, format!("{field} are no place for secrets")).policy();
            findings.push(finding.help(HELP));
        }
    }
}

/// Values of secret references have a finding of their own, OTJ401, or are allowed.
fn is_inline_secret(looked: &Looked<'_>, place: &Place) -> bool {
    let documents = looked.directory.documents.iter();
    let of_file = documents.filter(|document| looked.directory.source(document).path == place.file);
    of_file.flat_map(|document| fields::secrets(document).into_iter().map(move |each| (document, each))).any(
        |(document, (pointer, secret))| {
            let value = || looked.directory.value(document, &format!("{pointer}/value")).line;
            secret.value.is_some() && (value()..=value() + 1).contains(&place.line)
        },
    )
}

/// A range of bytes on one line as a place.
pub(super) fn place(file: &str, text: &str, start: usize, end: usize) -> Place {
    let before = text.get(..start).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    let width = text.get(start..end).unwrap_or_default().chars().count();
    Place { file: file.to_owned(), line, column, end_line: line, end_column: column + width }
}
