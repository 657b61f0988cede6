//! `otj test`: the RuleTests of directories. Prints results to stdout; exits 0 (all pass), 1 (some fail), 2 (could not run).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::ValueEnum;
use serde_json::{Value, json};

use super::directory;
use super::trace_text::{said, trace_text, visible};
use super::verdict::{Judged, protocol};
use crate::diagnostic::did_you_mean;
use crate::diagnostic::junit::{self, Case, Failure, Suite};
use crate::model::rule_test::{Expect, RuleCase, RuleTest};
use crate::model::{Desired, ProfileName};
use crate::rules::{Chain, Why};

/// Most cases that are named where `--run` finds none.
const NAMED_MAX: usize = 5;

/// Runs the RuleTests of directories. A case passes when everything that it expects holds.
///
/// Example: otj test otj.d --run Zoom --trace
#[derive(clap::Args, Debug)]
pub(super) struct Test {
    /// Directories; each is a deployment of its own.
    #[arg(default_value = "otj.d", value_name = "DIR")]
    directories: Vec<PathBuf>,
    /// The directories are one deployment: a base and its overlays.
    #[arg(long)]
    together: bool,
    /// Where certificate files may lie, beside the directory itself.
    #[arg(long, value_name = "DIR")]
    secret_dir: Vec<PathBuf>,
    /// Only cases in whose `DOCUMENT/CASE` this regular expression is found; it is an error when that is none.
    #[arg(long, value_name = "REGEX")]
    run: Option<String>,
    /// The form of the results.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Shows for every case what each rule made of it, not only for those that fail.
    #[arg(long)]
    trace: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// A line a case, and what differs.
    Text,
    /// otj's own.
    Json,
    /// JUnit XML: a suite a RuleTest.
    Junit,
}

/// A case that ran.
struct Ran<'t> {
    test: &'t RuleTest,
    case: &'t RuleCase,
    judged: Judged,
    /// What differs: field, expected, actual.
    differences: Vec<(String, String, String)>,
    /// What was probably meant.
    hint: Option<String>,
    /// What the expected rule made of it.
    because: Option<String>,
}

pub(super) fn run(verb: &Test) -> anyhow::Result<ExitCode> {
    let filter = verb.run.as_deref().map(regex::Regex::new).transpose().context("`--run` is no regular expression")?;
    let (mut passed, mut failed, mut cases, mut suites, mut text) = (0, 0, vec![], vec![], String::new());
    let mut names = vec![];
    let deployments = directory::deployments(&verb.directories, verb.together);
    for deployment in &deployments {
        let loaded = directory::load(deployment, &verb.secret_dir)?;
        let desired = loaded.desired.unwrap_or_default();
        let ran = run_all(&desired, &loaded.rule_tests, filter.as_ref())?;
        for ran in &ran {
            *(if ran.differences.is_empty() { &mut passed } else { &mut failed }) += 1;
            cases.push(ran.json(verb.trace));
            text.push_str(&ran.text(verb.trace));
        }
        suites.extend(suites_of(&ran, verb.trace));
        if filter.is_none() {
            let several = deployments.len() > 1;
            let named = if several { format!("{}: ", directory::called(deployment)) } else { String::new() };
            text.push_str(&format!("{named}{}", coverage(&desired, &ran)));
        }
        names.extend(loaded.rule_tests.iter().flat_map(names_of));
    }
    if let Some(pattern) = &verb.run
        && cases.is_empty()
    {
        bail!("{}", nothing_ran(pattern, &names));
    }
    super::print(&match verb.format {
        Format::Text => format!("{text}{passed} passed, {failed} failed\n"),
        Format::Json => format!("{:#}\n", json!({"passed": passed, "failed": failed, "cases": cases})),
        Format::Junit => junit::write("otj test", &suites),
    });
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn names_of(test: &RuleTest) -> impl Iterator<Item = String> {
    test.cases.iter().map(|case| format!("{}/{}", test.document, case.name))
}

/// A filter that finds nothing is a mistake: a pipeline that names a renamed case must not pass.
fn nothing_ran(pattern: &str, names: &[String]) -> String {
    if names.is_empty() {
        return format!("`--run {pattern}` finds no case: there is no RuleTest");
    }
    // People write a document, a case, or both.
    let words = names.iter().flat_map(|name| {
        let (document, case) = name.split_once('/').unwrap_or((name, ""));
        [name.as_str(), document, case]
    });
    match did_you_mean(pattern, words) {
        Some(meant) => format!("`--run {pattern}` finds no case; did you mean `{}`?", visible(meant)),
        None => {
            let some: Vec<_> = names.iter().take(NAMED_MAX).map(|name| format!("`{}`", visible(name))).collect();
            let more = if names.len() > NAMED_MAX { ", …" } else { "" };
            format!("`--run {pattern}` finds no case; there are {}{more}", some.join(", "))
        }
    }
}

fn run_all<'t>(
    desired: &Desired,
    tests: &'t [RuleTest],
    filter: Option<&regex::Regex>,
) -> anyhow::Result<Vec<Ran<'t>>> {
    let mut chains: BTreeMap<ProfileName, Chain> = BTreeMap::new();
    let mut ran = vec![];
    for test in tests {
        let missing = || format!("{}: there is no profile `{}`", test.file, test.profile);
        let profile = desired.profiles.get(&test.profile).with_context(missing)?;
        let evaluation = desired.evaluations.get(&profile.evaluation).with_context(missing)?;
        let chain = chains.entry(test.profile.clone()).or_insert_with(|| Chain::compile(evaluation));
        for case in &test.cases {
            if filter.is_some_and(|filter| !filter.is_match(&format!("{}/{}", test.document, case.name))) {
                continue;
            }
            let judged = Judged::of(chain, &profile.view, &case.event);
            let names: Vec<&str> = evaluation.rules.iter().map(|rule| rule.name.as_str()).collect();
            let differences = differences(&case.expect, &judged, &names);
            let hint = hint(&case.expect, &names);
            let because = because(&case.expect, &judged, &names).filter(|_| !differences.is_empty());
            ran.push(Ran { test, case, judged, differences, hint, because });
        }
    }
    Ok(ran)
}

/// What differs from what was written; what was not written is not looked at.
fn differences(expect: &Expect, judged: &Judged, rules: &[&str]) -> Vec<(String, String, String)> {
    let mut found = vec![];
    let mut compare = |field: &str, expected: Option<Value>, actual: Value| {
        if let Some(expected) = expected.filter(|expected| *expected != actual) {
            found.push((field.to_owned(), expected.to_string(), actual.to_string()));
        }
    };
    compare("alias", expect.alias.as_ref().map(|alias| json!(alias)), json!(judged.alias));
    let expected = expect.rule.as_ref().filter(|rule| !same_rule(rule.as_deref(), judged.rule(), rules));
    compare("rule", expected.map(|rule| json!(rule)), json!(judged.rule()));
    compare("subject", expect.subject.as_ref().map(|subject| json!(subject)), json!(judged.subject));
    compare("shown", expect.shown.map(Value::from), json!(judged.shown()));
    let actual = protocol(judged.outcome.verdict.protocol);
    compare("protocol", expect.protocol.map(|expected| json!(protocol(expected))), json!(actual));
    for (name, value) in &expect.variables {
        compare(&format!("variables.{name}"), Some(json!(value)), json!(judged.outcome.variables().get(name.as_str())));
    }
    found
}

/// A rule of a RuleSet is called `SET/RULE`. Tests may call it `RULE` alone, unless the profile has a rule of its own by that name.
fn same_rule(expected: Option<&str>, actual: Option<&str>, rules: &[&str]) -> bool {
    match (expected, actual) {
        (Some(expected), Some(actual)) if !rules.contains(&expected) => {
            actual.strip_suffix(expected).is_some_and(|set| set.ends_with('/'))
        }
        (expected, actual) => expected == actual,
    }
}

/// Where a case expects a rule that the profile does not have.
fn hint(expect: &Expect, rules: &[&str]) -> Option<String> {
    let expected = expect.rule.as_ref()?.as_deref()?;
    if rules.iter().any(|rule| same_rule(Some(expected), Some(rule), rules)) {
        return None;
    }
    let own = rules.iter().flat_map(|rule| [*rule, rule.rsplit('/').next().unwrap_or(rule)]);
    let meant = did_you_mean(expected, own).map(|meant| format!("; did you mean `{}`?", visible(meant)));
    Some(format!("the profile has no rule `{}`{}", visible(expected), meant.unwrap_or_default()))
}

/// The line of the trace that explains a difference: what became of the rule that was expected to match.
fn because(expect: &Expect, judged: &Judged, rules: &[&str]) -> Option<String> {
    let expected = expect.rule.as_ref()?.as_deref()?;
    let same = |name: &str| same_rule(Some(expected), Some(name), rules);
    let trace = &judged.outcome.trace;
    let tried = trace.tried().find(|tried| tried.rule.is_some_and(|rule| same(rule.name.as_str())));
    if let Some(tried) = tried {
        if *tried.why == Why::Matched {
            return None;
        }
        return Some(format!("`{}`: {}", visible(expected), said(tried)));
    }
    let later = trace.not_tried().any(|name| same(name.as_str()));
    let before = judged.rule().filter(|_| later)?;
    Some(format!("`{}` was not tried: `{}` matched before it", visible(expected), visible(before)))
}

impl Ran<'_> {
    fn json(&self, traced: bool) -> Value {
        let expect = &self.case.expect;
        let mut expected = serde_json::Map::new();
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                expected.insert(name.to_owned(), value);
            }
        };
        put("alias", expect.alias.as_ref().map(|alias| json!(alias)));
        put("rule", expect.rule.as_ref().map(|rule| json!(rule)));
        put("subject", expect.subject.as_ref().map(|subject| json!(subject)));
        put("shown", expect.shown.map(Value::from));
        put("protocol", expect.protocol.map(|expected| json!(protocol(expected))));
        put("variables", (!expect.variables.is_empty()).then(|| json!(expect.variables)));
        let mut row = json!({
            "document": self.test.document,
            "case": self.case.name,
            "passed": self.differences.is_empty(),
            "expected": expected,
            "actual": self.judged.answer(),
        });
        if traced {
            row["trace"] = json!(self.judged.outcome.trace);
        }
        row
    }

    fn text(&self, traced: bool) -> String {
        let mut out = String::new();
        let (file, line) = (&self.test.file, self.case.line);
        let title = format!("{} / {}", visible(&self.test.document), visible(&self.case.name));
        if self.differences.is_empty() {
            let _ = writeln!(out, "ok    {title}");
        } else {
            let _ = writeln!(out, "FAIL  {title}\n      {file}:{line}");
        }
        for (field, expected, actual) in &self.differences {
            let _ = writeln!(out, "      {field}: expected {}, got {}", visible(expected), visible(actual));
        }
        for line in self.hint.iter().chain(&self.because) {
            let _ = writeln!(out, "      {line}");
        }
        if traced || !self.differences.is_empty() {
            out.push_str(&trace_text(&self.judged.outcome.trace, "        "));
        }
        out
    }
}

/// A suite for each RuleTest that ran.
fn suites_of(ran: &[Ran<'_>], traced: bool) -> Vec<Suite> {
    let mut suites: Vec<Suite> = vec![];
    for group in ran.chunk_by(|a, b| std::ptr::eq(a.test, b.test)) {
        let case = |ran: &Ran<'_>| {
            let failed = !ran.differences.is_empty();
            let message = ran.differences.iter().map(|(field, expected, actual)| {
                format!("{field}: expected {}, got {}", visible(expected), visible(actual))
            });
            let failure = || Failure {
                kind: "expectation".into(),
                message: message.chain(ran.because.clone()).collect::<Vec<_>>().join("; "),
                text: ran.text(true),
            };
            Case {
                name: ran.case.name.clone(),
                said: (!failed && traced).then(|| ran.text(true)),
                failure: failed.then(failure),
            }
        };
        suites.push(Suite { name: group[0].test.document.clone(), cases: group.iter().map(case).collect() });
    }
    suites
}

/// Says how many of the rules that can match did so in a case, and names those that never did. A rule of a set counts once, in
/// whichever profile it matched; those of the sets that come with otj have their own tests.
fn coverage(desired: &Desired, ran: &[Ran<'_>]) -> String {
    let matched: BTreeSet<String> =
        ran.iter().filter_map(|ran| Some(counted(&ran.test.profile, ran.judged.rule()?))).collect();
    let mut all = BTreeSet::new();
    for profile in desired.profiles.values() {
        let evaluation = desired.evaluations.get(&profile.evaluation);
        let rules = evaluation.iter().flat_map(|evaluation| evaluation.rules.iter());
        let able = rules.filter(|rule| rule.enabled && rule.carried);
        let own = able.filter(|rule| !rule.name.as_str().starts_with("builtin/"));
        all.extend(own.map(|rule| counted(&profile.name, rule.name.as_str())));
    }
    let missing: Vec<String> = all.difference(&matched).map(|rule| visible(rule)).collect();
    match missing.as_slice() {
        [] => format!("coverage: every rule is exercised by a case ({0} of {0})\n", all.len()),
        _ => {
            let count = all.len() - missing.len();
            format!("coverage: {count} of {} rules; no case exercises: {}\n", all.len(), missing.join(", "))
        }
    }
}

/// What a rule is counted as: `PROFILE/RULE`, or `SET/RULE`.
fn counted(profile: &ProfileName, rule: &str) -> String {
    if rule.contains('/') { rule.to_owned() } else { format!("{}/{rule}", profile.as_str()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_of_a_set_may_be_called_by_its_own_name_unless_the_profile_has_one_of_that_name() {
        let rules = ["zoom", "video/zoom", "video/webex", "builtin/standard/Zoom"];
        for (expected, actual, same) in [
            (Some("zoom"), Some("zoom"), true),
            (Some("zoom"), Some("video/zoom"), false),
            (Some("video/zoom"), Some("video/zoom"), true),
            (Some("webex"), Some("video/webex"), true),
            (Some("ebex"), Some("video/webex"), false),
            (Some("Zoom"), Some("builtin/standard/Zoom"), true),
            (None, Some("zoom"), false),
            (Some("zoom"), None, false),
            (None, None, true),
        ] {
            assert_eq!(same_rule(expected, actual, &rules), same, "{expected:?} {actual:?}");
        }
        let expect = |rule: &str| Expect { rule: Some(Some(rule.into())), ..Expect::default() };
        assert_eq!(hint(&expect("webex"), &rules), None);
        let told = "the profile has no rule `wbex`; did you mean `webex`?";
        assert_eq!(hint(&expect("wbex"), &rules).as_deref(), Some(told));
    }
}
