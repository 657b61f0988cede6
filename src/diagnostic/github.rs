//! Findings as GitHub's workflow commands: each becomes an annotation at its line of a pull request. In: a [`Report`]. Out: a line
//! for each finding.
//!
//! GitHub shows ten errors and ten warnings of a step; who has more uploads SARIF. See
//! <https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands>.

use super::report::{Report, words};

/// One command a finding.
#[must_use]
pub fn render(report: &Report<'_>) -> String {
    let mut out = String::new();
    for finding in report.findings {
        let place = &finding.place;
        let told = report.tree.told(&place.file);
        out.push_str(&format!(
            "::{} file={},line={},endLine={},col={},title={}::{}\n",
            finding.severity.word(),
            property(told.as_str()),
            place.line,
            place.end_line,
            place.column,
            property(finding.code),
            text(&words(finding)),
        ));
    }
    out
}

/// What stands after the second `::` ends with the line.
fn text(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property also ends with a comma or a colon.
fn property(value: &str) -> String {
    text(value).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::{Diagnostic, Place, Tree};

    #[test]
    fn what_would_end_a_command_or_a_property_is_written_as_its_number() {
        let place = Place { line: 3, column: 7, end_line: 3, end_column: 9, file: "otj.d/a,b:c%.yaml".into() };
        let error = Diagnostic::error("OTJ102", place.clone(), "100% wrong: a, b\n::error::no").help("write\rthis");
        let report = Report {
            findings: &[error, Diagnostic::warning("OTJ501", place, "a group without profile")],
            files: vec![],
            source: &|_| None,
            meaning: &|_| None,
            tree: Tree { top: "/".into(), here: "/".into() },
            strict: false,
        };
        let expected = "\
::error file=otj.d/a%2Cb%3Ac%25.yaml,line=3,endLine=3,col=7,title=OTJ102::100%25 wrong: a, b%0A::error::no%0Ahelp: write%0Dthis
::warning file=otj.d/a%2Cb%3Ac%25.yaml,line=3,endLine=3,col=7,title=OTJ501::a group without profile
";
        assert_eq!(render(&report), expected);
    }
}
