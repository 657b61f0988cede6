//! Results as JUnit XML, what every CI system shows as tests. In: suites of cases, or a [`Report`]. Out: one XML text.
//!
//! `otj lint` gives a suite for each file, and in it a case for each finding; a file without findings has one case that passes.
//! A warning passes, with its words beside it, unless `--strict`. No times are written: the same input gives the same text.

use super::Diagnostic;
use super::report::{Report, words};

/// The cases of one file or document.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Suite {
    /// What is shown as its name.
    pub name: String,
    /// In the order they are shown.
    pub cases: Vec<Case>,
}

/// One case.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Case {
    /// What is shown as its name.
    pub name: String,
    /// Words beside a case that passed.
    pub said: Option<String>,
    /// Why it failed; `None`: it passed.
    pub failure: Option<Failure>,
}

/// Why a case failed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    /// The sort of failure, a word.
    pub kind: String,
    /// One line.
    pub message: String,
    /// All there is to say.
    pub text: String,
}

/// The findings of `otj lint`.
#[must_use]
pub fn render(report: &Report<'_>) -> String {
    let mut suites: Vec<Suite> = vec![];
    let mut files: Vec<&str> = report.files.clone();
    // Directories and tables have findings too.
    files.extend(report.findings.iter().map(|finding| finding.place.file.as_str()));
    files.sort_unstable();
    files.dedup();
    let mut rest = report.findings;
    for file in files {
        let count = rest.iter().take_while(|finding| finding.place.file == file).count();
        let (own, after) = rest.split_at(count);
        rest = after;
        let mut cases: Vec<Case> = own.iter().map(|finding| case(report, finding)).collect();
        if cases.is_empty() {
            cases.push(Case { name: "lint".into(), said: None, failure: None });
        }
        suites.push(Suite { name: file.to_owned(), cases });
    }
    write("otj lint", &suites)
}

fn case(report: &Report<'_>, finding: &Diagnostic) -> Case {
    let place = &finding.place;
    let text = format!(
        "{}[{}] {}:{}:{}\n{}",
        finding.severity.word(),
        finding.code,
        place.file,
        place.line,
        place.column,
        words(finding)
    );
    let name = format!("{}: {}", finding.code, finding.message);
    if report.fails(finding) {
        let failure = Failure { kind: finding.code.to_owned(), message: finding.message.clone(), text };
        return Case { name, said: None, failure: Some(failure) };
    }
    Case { name, said: Some(text), failure: None }
}

/// Writes `suites` under a common name.
#[must_use]
pub fn write(name: &str, suites: &[Suite]) -> String {
    let failures = |suite: &Suite| suite.cases.iter().filter(|case| case.failure.is_some()).count();
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let tests: usize = suites.iter().map(|suite| suite.cases.len()).sum();
    let failed: usize = suites.iter().map(failures).sum();
    out.push_str(&format!(
        "<testsuites name=\"{}\" tests=\"{tests}\" failures=\"{failed}\" errors=\"0\">\n",
        escaped(name)
    ));
    for suite in suites {
        let of = escaped(&suite.name);
        let (tests, failed) = (suite.cases.len(), failures(suite));
        out.push_str(&format!(
            "  <testsuite name=\"{of}\" tests=\"{tests}\" failures=\"{failed}\" errors=\"0\" skipped=\"0\">\n"
        ));
        for case in &suite.cases {
            out.push_str(&format!("    <testcase classname=\"{of}\" name=\"{}\"", escaped(&case.name)));
            if case.said.is_none() && case.failure.is_none() {
                out.push_str("/>\n");
                continue;
            }
            out.push_str(">\n");
            if let Some(failure) = &case.failure {
                let (kind, message, text) =
                    (escaped(&failure.kind), escaped(&failure.message), escaped_text(&failure.text));
                out.push_str(&format!("      <failure type=\"{kind}\" message=\"{message}\">{text}</failure>\n"));
            }
            if let Some(said) = &case.said {
                out.push_str(&format!("      <system-out>{}</system-out>\n", escaped_text(said)));
            }
            out.push_str("    </testcase>\n");
        }
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

/// Text of an attribute: line breaks too, which a reader would make spaces.
fn escaped(text: &str) -> String {
    escaped_text(text).replace('"', "&quot;").replace('\t', "&#9;").replace('\n', "&#10;")
}

/// Text of an element. What XML 1.0 cannot hold becomes U+FFFD.
fn escaped_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\r' => out.push_str("&#13;"),
            '\t' | '\n' => out.push(c),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_xml_cannot_hold_is_replaced_and_the_rest_comes_back() {
        assert_eq!(escaped("a\"<b>&\n\u{1}"), "a&quot;&lt;b&gt;&amp;&#10;\u{fffd}");
        let failure =
            Failure { kind: "OTJ102".into(), message: "no `]]>`".into(), text: "line\nline \u{1b}[1m".into() };
        let cases = vec![
            Case { name: "right".into(), said: None, failure: None },
            Case { name: "wrong".into(), said: None, failure: Some(failure) },
        ];
        let expected = "\
<?xml version=\"1.0\" encoding=\"UTF-8\"?>
<testsuites name=\"otj\" tests=\"2\" failures=\"1\" errors=\"0\">
  <testsuite name=\"a&amp;b\" tests=\"2\" failures=\"1\" errors=\"0\" skipped=\"0\">
    <testcase classname=\"a&amp;b\" name=\"right\"/>
    <testcase classname=\"a&amp;b\" name=\"wrong\">
      <failure type=\"OTJ102\" message=\"no `]]&gt;`\">line
line \u{fffd}[1m</failure>
    </testcase>
  </testsuite>
</testsuites>
";
        assert_eq!(write("otj", &[Suite { name: "a&b".into(), cases }]), expected);
    }
}
