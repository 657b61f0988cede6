//! Findings for machines: the form of `otj lint --format json`.

use serde_json::{Value, json};

use super::{Diagnostic, count};

/// `{"errors", "warnings", "diagnostics": […]}`, as the manual's "Machine-readable results" has it.
#[must_use]
pub fn render(diagnostics: &[Diagnostic]) -> Value {
    let (errors, warnings) = count(diagnostics);
    json!({
        "errors": errors,
        "warnings": warnings,
        "diagnostics": diagnostics.iter().map(one).collect::<Vec<_>>(),
    })
}

fn one(finding: &Diagnostic) -> Value {
    json!({
        "code": finding.code,
        "severity": finding.severity.word(),
        "message": finding.message,
        "file": finding.place.file,
        "line": finding.place.line,
        "column": finding.place.column,
        "endLine": finding.place.end_line,
        "endColumn": finding.place.end_column,
        "help": finding.help,
    })
}
