//! `otj match`: one invitation through a profile's rules, with every step of the way. Prints to stdout; exits 0 (alias), 1 (none),
//! 2 (could not run).

use std::io::Read as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, anyhow};
use clap::ValueEnum;
use serde_json::json;

use super::trace_text::{short, trace_text, visible};
use super::verdict::{Judged, protocol};
use super::{directory, event_file};
use crate::config::Invitation;
use crate::diagnostic::did_you_mean;
use crate::model::desired::View;
use crate::model::schedule::NoJoin;
use crate::model::{EvaluationSpec, Event, MatchedBy, ProfileName};
use crate::rules::{Advice, Chain, advise};

/// Runs one invitation through a profile's rules and says what each made of it.
///
/// Example: otj match --profile hq invitation.eml
#[derive(clap::Args, Debug)]
pub(super) struct Match {
    /// Whose rules.
    #[arg(long, value_name = "PROFILE")]
    profile: String,
    /// This rule alone, without the others and the fallback.
    #[arg(long, value_name = "NAME")]
    rule: Option<String>,
    /// The configuration directory; several are one deployment.
    #[arg(long, value_name = "DIR", default_value = "otj.d")]
    config: Vec<PathBuf>,
    /// Where certificate files may lie, beside the directory itself.
    #[arg(long, value_name = "DIR")]
    secret_dir: Vec<PathBuf>,
    /// The form of the answer.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Of an `.ics` with several events, the one with this UID; the earliest when not given.
    #[arg(long, value_name = "UID")]
    uid: Option<String>,
    /// The invitation: `.eml`, `.ics`, or `.json` (the `event` of a RuleTest, or an event as Microsoft Graph or Google give it);
    /// `-` for stdin.
    file: PathBuf,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Text,
    Json,
}

pub(super) fn run(verb: &Match) -> anyhow::Result<ExitCode> {
    let loaded = directory::load(&verb.config, &verb.secret_dir)?;
    let desired = loaded.desired.unwrap_or_default();
    let wanted = ProfileName::parse(&verb.profile).map_err(|fault| anyhow!("`--profile`: {fault}"))?;
    let profile = desired.profiles.get(&wanted).ok_or_else(|| {
        let names: Vec<_> = desired.profiles.keys().map(|name| format!("`{name}`")).collect();
        anyhow!("there is no profile `{wanted}`; there are: {}", names.join(", "))
    })?;
    let evaluation = desired.evaluations.get(&profile.evaluation).context("every profile has its evaluation")?;
    let evaluation = match &verb.rule {
        Some(rule) => &alone(evaluation, rule)?,
        None => evaluation,
    };
    let name = verb.file.to_string_lossy();
    let bytes = read_file(verb).with_context(|| format!("`{name}` was not read"))?;
    let read = event_file::invitation(&name, &bytes, verb.uid.as_deref());
    let Invitation { event, notes } = read.map_err(|reason| anyhow!("`{name}`: {}", visible(&reason)))?;
    for note in notes {
        super::complain(&format!("note: `{name}`: {}", visible(&note)));
    }
    let judged = Judged::of(&Chain::compile(evaluation), &profile.view, &event);
    let zone = event.time_zone.as_deref().unwrap_or("UTC");
    let advice = advise(evaluation, &event, zone, &judged.outcome);
    match verb.format {
        Format::Text => super::print(&text(&judged, &profile.view, &event, advice.as_ref())),
        Format::Json => {
            let mut answer = json!(judged.answer());
            // The rules' own answer, whatever the profile lets endpoints show of it.
            answer["alias"] = json!(judged.outcome.verdict.alias.as_ref().map(|alias| alias.as_str()));
            answer["advice"] = json!(advice);
            answer["trace"] = json!(judged.outcome.trace);
            super::print(&format!("{answer:#}\n"));
        }
    }
    Ok(if judged.outcome.verdict.alias.is_some() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// The evaluation with one rule and no fallback.
fn alone(evaluation: &EvaluationSpec, name: &str) -> anyhow::Result<EvaluationSpec> {
    let own = |rule: &str| rule == name || rule.rsplit('/').next() == Some(name);
    let rules: Vec<_> = evaluation.rules.iter().filter(|rule| own(rule.name.as_str())).cloned().collect();
    if rules.is_empty() {
        let meant = did_you_mean(name, evaluation.rules.iter().map(|rule| rule.name.as_str()));
        let meant = meant.map(|meant| format!("; did you mean `{}`?", visible(meant))).unwrap_or_default();
        return Err(anyhow!("the profile has no rule `{}`{meant}", visible(name)));
    }
    Ok(EvaluationSpec { rules, fallback: false, ..evaluation.clone() })
}

fn read_file(verb: &Match) -> std::io::Result<Vec<u8>> {
    if verb.file.as_os_str() == "-" {
        let mut bytes = vec![];
        std::io::stdin().lock().read_to_end(&mut bytes)?;
        return Ok(bytes);
    }
    std::fs::read(&verb.file)
}

fn text(judged: &Judged, view: &View, event: &Event, advice: Option<&Advice>) -> String {
    let verdict = &judged.outcome.verdict;
    let alias = verdict.alias.as_ref().map_or("none", |alias| alias.as_str());
    let last = judged.outcome.trace.tried().next_back();
    let place = last.and_then(|last| Some(format!(", found in the {}", last.found?.place)));
    let rule = match &verdict.by {
        MatchedBy::Rule(rule) => {
            let rule_type = last.and_then(|last| last.rule).map(|rule| format!(" ({:?})", rule.rule_type));
            format!("{}{}{}", visible(rule.as_str()), rule_type.unwrap_or_default(), place.unwrap_or_default())
        }
        MatchedBy::Fallback => format!("the fallback{}", place.unwrap_or_default()),
        MatchedBy::None => "none".into(),
    };
    let mut out = format!("alias      {alias}\nprotocol   {}\nrule       {rule}\n", protocol(verdict.protocol));
    for (name, value) in judged.outcome.variables().iter() {
        out.push_str(&format!("variable   {} = {}\n", visible(name), short(value)));
    }
    out.push_str(&format!("endpoints  {}\n", on_endpoints(judged, view, event)));
    if let Some(advice) = advice {
        out.push_str(&format!("why        {}\n", visible(advice.text.expose())));
    }
    out.push_str(&format!("\nrules tried\n{}", trace_text(&judged.outcome.trace, "  ")));
    out
}

/// What an endpoint shows of the meeting, and why not more.
fn on_endpoints(judged: &Judged, view: &View, event: &Event) -> String {
    let Some(subject) = &judged.subject else {
        let private = event.private && !view.private_meetings;
        let field = if private { "`privateMeetings: false`" } else { "`nonVideoMeetings: false`" };
        return format!("not shown: the profile has {field}");
    };
    let join = match (&judged.alias, judged.no_join) {
        (Some(_), _) => "with Join",
        (None, Some(NoJoin::Private)) => "without Join: the profile has `processAliasForPrivateMeetings: false`",
        (None, _) => "without Join",
    };
    format!("\"{}\" {join}", short(subject))
}
