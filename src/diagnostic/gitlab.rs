//! Findings as GitLab's code quality report, shown in the merge request's widget and at the changed lines. In: a [`Report`]. Out:
//! a JSON list.
//!
//! | finding | severity |
//! |---|---|
//! | error that keeps the directory from being adopted | `critical` |
//! | error of policy | `major` |
//! | warning | `minor` |
//! | not in effect yet | `info` |
//!
//! See <https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format>.

use serde_json::{Value, json};

use super::report::{Report, words};
use super::{Diagnostic, Severity, fingerprint};

/// The report, with a final newline; without findings an empty list, which GitLab takes for "all mended".
#[must_use]
pub fn render(report: &Report<'_>) -> String {
    let names = fingerprint::names(report);
    let issues: Vec<Value> =
        report.findings.iter().zip(&names).map(|(finding, name)| issue(report, finding, name)).collect();
    format!("{:#}\n", Value::Array(issues))
}

fn issue(report: &Report<'_>, finding: &Diagnostic, name: &str) -> Value {
    json!({
        "description": format!("{}: {}", finding.code, words(finding).replace('\n', "; ")),
        "check_name": finding.code,
        "fingerprint": name,
        "severity": severity(finding),
        "location": {
            "path": report.tree.told(&finding.place.file).as_str(),
            "lines": {"begin": finding.place.line, "end": finding.place.end_line},
        },
    })
}

fn severity(finding: &Diagnostic) -> &'static str {
    match finding.severity {
        Severity::Error if finding.stops_loading() => "critical",
        Severity::Error => "major",
        Severity::Warning if finding.code.starts_with("OTJ9") => "info",
        Severity::Warning => "minor",
    }
}
