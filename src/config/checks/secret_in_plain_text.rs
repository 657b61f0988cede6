//! OTJ410: secrets in texts that are no secret references: by their form anywhere in a file, comments included, and by the key in
//! labels and annotations. Nothing of them is quoted.

use crate::config::directory::Document;
use crate::diagnostic::{Diagnostic, Place, leaks, mask};

use super::{Looked, fields};

const HELP: &str =
    "put it into a file or a variable, refer to it, and change it: the old one stays in the history of git";

pub(super) fn run(looked: &Looked<'_>, findings: &mut Vec<Diagnostic>) {
    for (index, file) in looked.directory.snapshot.files.iter().enumerate() {
        let mut places = Places::of(&file.path, file.text());
        for (range, what) in leaks::known(file.text()) {
            let place = places.place(range.start, range.end);
            if !is_inline_secret(looked, index, &place) {
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
            if !secret || value.is_empty() || !mask::is_secret(key) || !leaks::known(value).is_empty() {
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
fn is_inline_secret(looked: &Looked<'_>, file: usize, place: &Place) -> bool {
    let documents = of_file(looked, file).iter();
    documents.flat_map(|document| fields::secrets(document).into_iter().map(move |each| (document, each))).any(
        |(document, (pointer, secret))| {
            let value = || looked.directory.value(document, &format!("{pointer}/value")).line;
            secret.value.is_some() && (value()..=value() + 1).contains(&place.line)
        },
    )
}

/// The documents of the snapshot's file number `file`; they stand together, and before all rows of tables.
pub(super) fn of_file<'a>(looked: &'a Looked<'_>, file: usize) -> &'a [Document] {
    let documents = &looked.directory.documents;
    let from = documents.partition_point(|document| document.file < file);
    let length = documents[from..].iter().take_while(|document| document.file == file).count();
    &documents[from..from + length]
}

/// Turns ranges of bytes into places. Ranges come in order, so that the text is walked once.
pub(super) struct Places<'a> {
    file: &'a str,
    text: &'a str,
    line: usize,
    start: usize,
}

impl<'a> Places<'a> {
    pub(super) fn of(file: &'a str, text: &'a str) -> Self {
        Self { file, text, line: 1, start: 0 }
    }

    /// The place of a range on one line.
    pub(super) fn place(&mut self, from: usize, to: usize) -> Place {
        self.line += self.text.get(self.start..from).unwrap_or_default().matches('\n').count();
        self.start = self.text.get(..from).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
        let width = |from: usize, to: usize| self.text.get(from..to).unwrap_or_default().chars().count();
        let column = width(self.start, from) + 1;
        let end_column = column + width(from, to);
        Place { file: self.file.to_owned(), line: self.line, column, end_line: self.line, end_column }
    }
}
