//! `otj explain`: why a meeting has, or has not, its Join button, told by a running node.

use std::fmt::Write as _;
use std::process::ExitCode;

use clap::ValueEnum;

use super::node::{Node, NodeArguments};
use super::trace_text::{short, visible};
use crate::explain::{ExplainedProfile, Explanation, Standing};

/// Why a meeting has, or has not, its Join button. Exits 0 when every endpoint of the room has it, 1 when not, 2 when the node could not
/// be asked.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Examples:\n  otj explain fjord@example.com\n  otj explain fjord --at 10:00\n  otj explain oslo-codec --at 2026-11-24T10:00 -o json"
)]
pub(super) struct Explain {
    /// The room: its address or name, or the name of one of its endpoints.
    room: String,
    /// The meeting's id; without it and without --at, the meeting that runs, or the next one.
    meeting: Option<String>,
    /// The meeting at this time: `10:00` (today, in the room's zone), `2026-11-24T10:00`, or with an offset.
    #[arg(long, value_name = "TIME", conflicts_with = "meeting")]
    at: Option<String>,
    /// Every rule and what came of it.
    #[arg(long)]
    trace: bool,
    /// The form of the answer.
    #[arg(short, long, value_enum, default_value_t = Form::Text)]
    output: Form,
    #[command(flatten)]
    node: NodeArguments,
}

#[derive(Clone, Copy, PartialEq, Debug, ValueEnum)]
enum Form {
    Text,
    Json,
}

pub(super) fn run(verb: &Explain) -> anyhow::Result<ExitCode> {
    let chosen = [("meeting", &verb.meeting), ("at", &verb.at)];
    let mut query = vec![("room", verb.room.as_str())];
    query.extend(chosen.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?))));
    let explanation: Explanation = Node::new(&verb.node)?.get_with("/api/v1/explain", &query)?;
    match verb.output {
        Form::Json => super::print(&format!("{}\n", serde_json::to_string_pretty(&explanation)?)),
        Form::Text => super::print(&text(&explanation, verb.trace)),
    }
    Ok(if explanation.button { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn text(explanation: &Explanation, trace: bool) -> String {
    let mut out = String::new();
    if let Some(meeting) = &explanation.meeting {
        let title = meeting.subject.as_deref().map_or("(no endpoint shows it)".into(), short);
        let _ = writeln!(out, "{}  {title}  {}\n", meeting.local_time, visible(&explanation.room_email));
    }
    for finding in &explanation.findings {
        let _ = writeln!(out, "  {} {}", mark(finding.state), visible(&finding.text));
    }
    if trace {
        for profile in &explanation.profiles {
            rules(profile, &mut out);
        }
    }
    for endpoint in &explanation.endpoints {
        let state = if endpoint.button { Standing::Good } else { Standing::Problem };
        let _ = writeln!(out, "  {} {}", mark(state), visible(&endpoint.text));
    }
    let _ = writeln!(out, "\n{}", visible(&explanation.sentence));
    if let Some(remedy) = &explanation.remedy {
        let _ = writeln!(out, "What to do: {}.", visible(remedy));
    }
    if explanation.meeting.is_none() && !explanation.others.is_empty() {
        let _ = writeln!(out, "\nMeetings ahead in {}:", visible(&explanation.room_email));
        for other in &explanation.others {
            let join = if other.alias { "with Join" } else { "without Join" };
            let _ = writeln!(out, "  {}  {join}  {}", other.local_time, other.id);
        }
    }
    out
}

fn rules(profile: &ExplainedProfile, out: &mut String) {
    for rule in profile.trace["rules"].as_array().into_iter().flatten() {
        let name = rule["rule"].as_str().unwrap_or("fallback");
        let detail = rule["detail"].as_str().unwrap_or_default();
        let _ = writeln!(out, "      {}: {}", visible(name), short(detail));
    }
}

fn mark(state: Standing) -> &'static str {
    match state {
        Standing::Good => "✓",
        Standing::Note => "·",
        Standing::Problem => "✗",
    }
}
