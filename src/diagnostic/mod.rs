//! Problems as values: what is wrong, where, and what to write instead. Whoever finds one collects it; nothing is thrown.
//! In: a place and some words. Out: sorted lists, rendered by one file per form. No rendering quotes a secret (see [`mask`]).

pub mod codes;
mod fingerprint;
pub mod github;
pub mod gitlab;
pub mod json;
pub mod junit;
pub mod leaks;
pub mod mask;
mod report;
pub mod sarif;
pub mod text;

pub use report::{Meaning, Report, Told, Tree, fails};

/// How bad it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Severity {
    /// `otj lint` fails.
    Error,
    /// `otj lint --strict` fails.
    Warning,
}

impl Severity {
    /// `error` or `warning`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// What it stops.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Class {
    /// As an error it keeps the directory from being adopted.
    Load,
    /// It fails `otj lint` at most; a running node goes on.
    Policy,
}

/// A span of a file. Lines and columns count from 1, columns in characters; the end is exclusive.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Place {
    /// The file, as given on the command line.
    pub file: String,
    /// Line of the first character.
    pub line: usize,
    /// Column of the first character.
    pub column: usize,
    /// Line of the end.
    pub end_line: usize,
    /// Column after the last character.
    pub end_column: usize,
}

impl Place {
    /// The beginning of `file`: where a file stands that cannot be read.
    #[must_use]
    pub fn start_of(file: &str) -> Self {
        Self { file: file.to_owned(), line: 1, column: 1, end_line: 1, end_column: 1 }
    }
}

/// One finding.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Diagnostic {
    /// Stable, `OTJ102`; see [`codes`].
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What it stops.
    pub class: Class,
    /// One short sentence without full stop.
    pub message: String,
    /// Where it stands.
    pub place: Place,
    /// What to write instead.
    pub help: Option<String>,
    /// A few words under the caret.
    pub label: Option<String>,
}

impl Diagnostic {
    /// Something that keeps the directory from being adopted.
    #[must_use]
    pub fn error(code: &'static str, place: Place, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { code, severity: Severity::Error, class: Class::Load, message, place, help: None, label: None }
    }

    /// Something worth a look.
    #[must_use]
    pub fn warning(code: &'static str, place: Place, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, place, message) }
    }

    /// With what to write instead.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// With a few words under the caret.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// A matter of policy: a running node goes on.
    #[must_use]
    pub fn policy(mut self) -> Self {
        self.class = Class::Policy;
        self
    }

    /// Whether it keeps the directory from being adopted.
    #[must_use]
    pub fn stops_loading(&self) -> bool {
        self.severity == Severity::Error && self.class == Class::Load
    }
}

/// Sorts by (file, line, column, code) and drops what was said twice.
pub fn sort(diagnostics: &mut Vec<Diagnostic>) {
    diagnostics.sort_by(|a, b| order(a).cmp(&order(b)));
    diagnostics.dedup();
}

fn order(finding: &Diagnostic) -> (&str, usize, usize, &str, &str) {
    (&finding.place.file, finding.place.line, finding.place.column, finding.code, &finding.message)
}

/// How many errors and warnings there are.
#[must_use]
pub fn count(diagnostics: &[Diagnostic]) -> (usize, usize) {
    let errors = diagnostics.iter().filter(|finding| finding.severity == Severity::Error).count();
    (errors, diagnostics.len() - errors)
}

/// The candidate that `word` was probably meant to be: equal but for case, or a few typing errors away.
#[must_use]
pub fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = word.to_lowercase();
    let far = (word.chars().count() / 3).clamp(1, 4);
    candidates
        .into_iter()
        .map(|candidate| (distance(&lower, &candidate.to_lowercase(), far), candidate))
        .filter(|(distance, _)| *distance <= far)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Typing errors between two words: insertions, deletions, replacements, neighbours swapped. More than `far` is not counted out.
fn distance(a: &str, b: &str, far: usize) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len().abs_diff(b.len()) > far {
        return far + 1;
    }
    let mut rows = vec![(0..=b.len()).collect::<Vec<usize>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let same = usize::from(a[i - 1] != b[j - 1]);
            let mut best = (rows[i - 1][j] + 1).min(row[j - 1] + 1).min(rows[i - 1][j - 1] + same);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_error_is_recognised_and_a_stranger_is_not() {
        let groups = ["oslo", "bergen", "ROMA"];
        for (word, meant) in [
            ("olso", Some("oslo")),
            ("Oslo", Some("oslo")),
            ("roma", Some("ROMA")),
            ("bergn", Some("bergen")),
            ("x", None),
        ] {
            assert_eq!(did_you_mean(word, groups), meant, "{word}");
        }
    }

    #[test]
    fn findings_stand_in_the_order_of_the_files() {
        let at = |file: &str, line, code| {
            Diagnostic::error(code, Place { line, ..Place::start_of(file) }, format!("{file}{line}"))
        };
        let mut list = vec![at("b", 1, "OTJ102"), at("a", 2, "OTJ102"), at("a", 1, "OTJ201"), at("a", 1, "OTJ102")];
        list.push(list[0].clone());
        sort(&mut list);
        let shown: Vec<_> = list.iter().map(|it| (it.place.file.as_str(), it.place.line, it.code)).collect();
        assert_eq!(shown, [("a", 1, "OTJ102"), ("a", 1, "OTJ201"), ("a", 2, "OTJ102"), ("b", 1, "OTJ102")]);
    }
}
