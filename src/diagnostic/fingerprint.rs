//! Names for findings that stay when lines are added above them, so that a code host knows a finding of yesterday again. In: the
//! sorted findings and their sources. Out: one name for each, all different.
//!
//! A name is a digest of the code, the path, the name of the document the finding stands in, the message without line numbers,
//! and the line as it may be shown. Findings that are alike in all of it are counted. No secret goes in: a digest of one could
//! be tried.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use super::mask::Masked;
use super::report::Report;

/// Hex digits of a name: 128 bits.
const LENGTH: usize = 32;

/// A name for every finding of `report`, in their order.
pub(super) fn names(report: &Report<'_>) -> Vec<String> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut open: Option<(&str, Option<Source<'_>>)> = None;
    let mut names = Vec::with_capacity(report.findings.len());
    for finding in report.findings {
        let file = finding.place.file.as_str();
        if open.as_ref().is_none_or(|(name, _)| *name != file) {
            open = Some((file, (report.source)(file).map(Source::new)));
        }
        let source = open.as_ref().and_then(|(_, source)| source.as_ref());
        let document = source.map_or("", |source| source.document(finding.place.line));
        let line = source.map_or_else(String::new, |source| {
            source.masked.line(finding.place.line, &[]).0.split_whitespace().collect::<Vec<_>>().join(" ")
        });
        let told = report.tree.told(file);
        let message = without_lines(&finding.message);
        let alike = digest(&[finding.code, told.as_str(), document, &message, &line]);
        let count = seen.entry(alike.clone()).or_default();
        *count += 1;
        names.push(if *count == 1 { alike } else { digest(&[&alike, &count.to_string()]) });
    }
    names
}

fn digest(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        // With its length, so that no two lists of parts are one text.
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let mut text = String::new();
    for byte in hash.finalize() {
        text.push_str(&format!("{byte:02x}"));
    }
    text.truncate(LENGTH);
    text
}

/// A file, and for every line the first line of its document that gives a name.
struct Source<'a> {
    masked: Masked<'a>,
    named_at: Vec<Option<&'a str>>,
}

impl<'a> Source<'a> {
    fn new(text: &'a str) -> Self {
        let lines: Vec<&str> = text.lines().collect();
        let mut named_at = Vec::with_capacity(lines.len());
        for document in lines.split_inclusive(|line| line.starts_with("---")) {
            let mut names = document.iter().filter_map(|line| name(line));
            named_at.extend(std::iter::repeat_n(names.next(), document.len()));
        }
        Self { masked: Masked::new(text), named_at }
    }

    fn document(&self, line: usize) -> &'a str {
        line.checked_sub(1).and_then(|at| *self.named_at.get(at)?).unwrap_or_default()
    }
}

/// What stands after `name:`, up to the next comma or bracket. It need not be right, only the same every time.
fn name(line: &str) -> Option<&str> {
    let (before, after) = line.split_once("name:")?;
    let begins = before.trim_end().is_empty() || before.trim_end().ends_with(['{', ',']);
    begins.then(|| after.split([',', '}', '#']).next().unwrap_or_default().trim())
}

/// `the first is at otj.d/a.yaml:12` loses its number.
fn without_lines(message: &str) -> String {
    let mut out = String::with_capacity(message.len());
    let mut after_colon = false;
    for c in message.chars() {
        if !(after_colon && c.is_ascii_digit()) {
            out.push(c);
            after_colon = c == ':';
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::{Diagnostic, Place, Tree};

    fn names_of(text: &str, lines: &[usize]) -> Vec<String> {
        let finding = |line: &usize| {
            let place = Place { line: *line, end_line: *line, ..Place::start_of("a.yaml") };
            Diagnostic::error("OTJ203", place, format!("missing; another at a.yaml:{line}"))
        };
        let findings: Vec<_> = lines.iter().map(finding).collect();
        names(&Report {
            findings: &findings,
            files: vec!["a.yaml"],
            source: &|_| Some(text),
            meaning: &|_| None,
            tree: Tree { top: "/".into(), here: "/".into() },
            strict: false,
        })
    }

    #[test]
    fn a_finding_keeps_its_name_when_lines_and_documents_come_before_it() {
        let before = "metadata: {name: a}\nspec:\n---\nmetadata:\n  name: b # text\nspec:\n";
        let after = format!("# new\nmetadata: {{name: new}}\nspec:\n---\n\n{before}");
        let (old, new) = (names_of(before, &[2, 6]), names_of(&after, &[3, 7, 11]));
        assert_eq!(old, new[1..]);
        assert_eq!(new.iter().collect::<std::collections::BTreeSet<_>>().len(), 3);
    }

    #[test]
    fn findings_that_are_alike_have_different_names_and_a_secret_makes_none() {
        let twice = names_of("x: 1\nx: 1\n", &[1, 2]);
        assert_ne!(twice[0], twice[1]);
        assert_eq!(names_of("password: one\n", &[1]), names_of("password: another\n", &[1]));
    }
}
