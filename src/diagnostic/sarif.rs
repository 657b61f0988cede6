//! Findings as SARIF 2.1.0, what code scanning of GitHub, Azure DevOps and editors read. In: a [`Report`]. Out: one JSON text.
//!
//! Paths are relative to `%SRCROOT%`, the top of the repository, whose place on this machine is nobody's business. Columns count
//! characters, which SARIF calls `unicodeCodePoints`. Only rules that found something are listed.

use serde_json::{Value, json};

use super::report::{Report, Told, words};
use super::{Diagnostic, fingerprint};

/// The log of one run, with a final newline.
#[must_use]
pub fn render(report: &Report<'_>) -> String {
    let mut codes: Vec<&str> = report.findings.iter().map(|finding| finding.code).collect();
    codes.sort_unstable();
    codes.dedup();
    let names = fingerprint::names(report);
    let results: Vec<Value> = report
        .findings
        .iter()
        .zip(&names)
        .map(|(finding, name)| {
            let rule = codes.binary_search(&finding.code).unwrap_or_default();
            result(report, finding, rule, name)
        })
        .collect();
    let failed = report.findings.iter().any(|finding| report.fails(finding));
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "otj",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": codes.iter().map(|code| rule(report, code)).collect::<Vec<_>>(),
            }},
            "invocations": [{"executionSuccessful": true, "exitCode": i32::from(failed)}],
            "originalUriBaseIds": {"%SRCROOT%": {"description": {"text": "The top of the repository."}}},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    format!("{log:#}\n")
}

fn rule(report: &Report<'_>, code: &str) -> Value {
    let level = report.findings.iter().find(|finding| finding.code == code).map(|finding| finding.severity.word());
    let mut rule = json!({
        "id": code,
        "defaultConfiguration": {"level": level},
        // What GitHub sorts by.
        "properties": {"problem.severity": level, "precision": "very-high"},
    });
    if let Some(meaning) = (report.meaning)(code) {
        rule["shortDescription"] = json!({"text": meaning.title});
        rule["fullDescription"] = json!({"text": meaning.title});
        rule["help"] = json!({"text": meaning.text, "markdown": meaning.text});
    }
    rule
}

fn result(report: &Report<'_>, finding: &Diagnostic, rule: usize, name: &str) -> Value {
    let place = &finding.place;
    json!({
        "ruleId": finding.code,
        "ruleIndex": rule,
        "level": finding.severity.word(),
        "message": {"text": words(finding)},
        "locations": [{"physicalLocation": {
            "artifactLocation": artifact(&report.tree.told(&place.file)),
            "region": {
                "startLine": place.line,
                "startColumn": place.column,
                "endLine": place.end_line,
                "endColumn": place.end_column,
            },
        }}],
        // The second is what GitHub tells findings apart by; without it GitHub takes the lines around, which shift.
        "partialFingerprints": {"otjFinding/v1": name, "primaryLocationLineHash": name},
    })
}

fn artifact(told: &Told) -> Value {
    match told {
        Told::Below(path) => json!({"uri": encoded(path), "uriBaseId": "%SRCROOT%"}),
        Told::Elsewhere(path) => json!({"uri": format!("file://{}", encoded(path))}),
    }
}

/// A path as a URI reference: everything but unreserved characters and `/` as `%XX`. A colon too, lest the first step look like
/// a scheme.
fn encoded(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' | b'@' => out.push(byte.into()),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_becomes_a_reference_without_meaning_of_its_own() {
        for (path, uri) in [
            ("otj.d/oslo.yaml", "otj.d/oslo.yaml"),
            ("otj.d/møte rom#1.yaml", "otj.d/m%C3%B8te%20rom%231.yaml"),
            ("a:b/c?d%e.yaml", "a%3Ab/c%3Fd%25e.yaml"),
        ] {
            assert_eq!(encoded(path), uri);
        }
        assert_eq!(artifact(&Told::Elsewhere("/etc/a b".into())), json!({"uri": "file:///etc/a%20b"}));
    }
}
