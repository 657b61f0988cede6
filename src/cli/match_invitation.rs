//! `otj match`: one invitation through a profile's rules, with every step of the way. Prints to stdout; exits 0 (alias), 1 (none),
//! 2 (could not run).

use std::io::Read as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, anyhow};
use clap::ValueEnum;
use serde_json::json;

use super::trace_text::{trace_text, visible};
use super::verdict::{Judged, protocol};
use super::{directory, event_file};
use crate::model::{MatchedBy, ProfileName};
use crate::rules::Chain;

/// Runs one invitation through a profile's rules and says what each made of it.
///
/// Example: otj match --profile hq invitation.eml
#[derive(clap::Args, Debug)]
pub(super) struct Match {
    /// Whose rules.
    #[arg(long, value_name = "PROFILE")]
    profile: String,
    /// The configuration directory; several are one deployment.
    #[arg(long, value_name = "DIR", default_value = "otj.d")]
    config: Vec<PathBuf>,
    /// Where certificate files may lie, beside the directory itself.
    #[arg(long, value_name = "DIR")]
    secret_dir: Vec<PathBuf>,
    /// The form of the answer.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// The invitation: `.json` (the `event` of a RuleTest), `.eml` or `.ics`; `-` for stdin.
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
    let name = verb.file.to_string_lossy();
    let bytes = read_file(verb).with_context(|| format!("`{name}` was not read"))?;
    let event = event_file::read(&name, &bytes).map_err(|reason| anyhow!("`{name}`: {reason}"))?;
    let judged = Judged::of(&Chain::compile(evaluation), &profile.view, &event);
    match verb.format {
        Format::Text => super::print(&text(&judged)),
        Format::Json => {
            let mut answer = json!(judged.answer());
            // The rules' own answer, whatever the profile lets endpoints show of it.
            answer["alias"] = json!(judged.outcome.verdict.alias.as_ref().map(|alias| alias.as_str()));
            answer["trace"] = json!(judged.outcome.trace);
            super::print(&format!("{answer:#}\n"));
        }
    }
    Ok(if judged.outcome.verdict.alias.is_some() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn read_file(verb: &Match) -> std::io::Result<Vec<u8>> {
    if verb.file.as_os_str() == "-" {
        let mut bytes = vec![];
        std::io::stdin().lock().read_to_end(&mut bytes)?;
        return Ok(bytes);
    }
    std::fs::read(&verb.file)
}

fn text(judged: &Judged) -> String {
    let verdict = &judged.outcome.verdict;
    let alias = verdict.alias.as_ref().map_or("none", |alias| alias.as_str());
    let rule = match &verdict.by {
        MatchedBy::Rule(rule) => visible(rule.as_str()),
        MatchedBy::Fallback => "the fallback".into(),
        MatchedBy::None => "none".into(),
    };
    let endpoint = match (&judged.subject, &judged.alias) {
        (None, _) => "not shown".to_owned(),
        (Some(subject), Some(_)) => format!("\"{}\" with Join", visible(subject)),
        (Some(subject), None) => format!("\"{}\" without Join", visible(subject)),
    };
    let mut out = format!("alias      {alias}\nprotocol   {}\nrule       {rule}\n", protocol(verdict.protocol));
    for (name, value) in &judged.outcome.variables {
        out.push_str(&format!("variable   {} = {}\n", visible(name), visible(value)));
    }
    out.push_str(&format!("endpoints  {endpoint}\n\nrules tried\n{}", trace_text(&judged.outcome.trace, "  ")));
    out
}
