//! OTJ411: texts that look as if a machine had drawn them, in fields where no identifier belongs. A guess, so a warning.

use crate::config::directory::Spec;
use crate::diagnostic::{Diagnostic, leaks};

use super::Looked;
use super::secret_in_plain_text::{Places, of_file};

/// Fields that hold identifiers, digests, patterns or places, which may look random and are no secrets.
const IDENTIFIERS: [&str; 18] = [
    "deviceid",
    "fingerprint",
    "clientid",
    "companyid",
    "serial",
    "file",
    "env",
    "key",
    "value",
    "match",
    "template",
    "transform",
    "replace",
    "calendarpath",
    "certificate",
    "directory",
    "url",
    "renamedfrom",
];

pub(super) fn run(looked: &Looked<'_>, findings: &mut Vec<Diagnostic>) {
    for (index, file) in looked.directory.snapshot.files.iter().enumerate() {
        let text = file.text();
        let mut places = Places::of(&file.path, text);
        for range in leaks::random_looking(text) {
            let line = text[..range.start].rsplit('\n').next().unwrap_or_default();
            let Some(key) = key_before(line) else { continue };
            let lower = key.to_lowercase();
            if IDENTIFIERS.contains(&lower.as_str()) || lower.ends_with("url") || lower.ends_with("uri") {
                continue;
            }
            let place = places.place(range.start, range.end);
            if in_a_test(looked, index, place.line) || !leaks::known(&text[range]).is_empty() {
                continue;
            }
            let finding = Diagnostic::warning("OTJ411", place, format!("this looks like a secret in `{key}`")).policy();
            findings.push(
                finding.help("refer to secrets, {file: PATH} or {env: NAME}; if it is none, ignore it with a reason"),
            );
        }
    }
}

/// The key that a value on this line belongs to.
fn key_before(line: &str) -> Option<&str> {
    let (before, after) = line.rsplit_once(": ")?;
    // A comma ends a value of a flow map; what follows would be the next key.
    let quoted = before.trim_end_matches(['"', '\'']);
    let start = quoted.rfind(|c: char| !(c.is_alphanumeric() || "-_./".contains(c))).map_or(0, |at| at + 1);
    let key = &quoted[start..];
    (!key.is_empty() && !after.contains('#')).then_some(key)
}

/// Invitations in tests are full of identifiers.
fn in_a_test(looked: &Looked<'_>, file: usize, line: usize) -> bool {
    let documents = of_file(looked, file);
    let after = documents.partition_point(|document| looked.directory.key(document, "").line <= line);
    let before = after.checked_sub(1).and_then(|at| documents.get(at));
    before.is_some_and(|document| matches!(document.spec, Spec::RuleTest(_) | Spec::Misfit))
}
