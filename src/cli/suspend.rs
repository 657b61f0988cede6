//! `otj suspend`: has a running node leave something alone.

use std::process::ExitCode;

use anyhow::Context as _;
use jiff::{SignedDuration, Timestamp};

use super::approve::Done;
use super::node::{Node, NodeArguments};
use crate::model::Clock;

/// Has a running node leave something alone: nothing is read, put or cleared there, and endpoints keep what they show. It lasts, also
/// across restarts, until `otj resume`, or until the time given.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Examples:\n  otj suspend endpoint oslo-4 --until 2h --reason \"board meeting\"\n  otj suspend integration m365 --until 2026-12-24T18:00:00Z"
)]
pub(super) struct Suspend {
    /// integration, profile, group, location, room or endpoint.
    kind: String,
    /// Its name; a room's address.
    name: String,
    /// It ends by itself: a time like 2026-12-24T18:00:00Z, or a span like 2h.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Why, in one line; shown with it.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    node: NodeArguments,
}

pub(super) fn run(verb: &Suspend) -> anyhow::Result<ExitCode> {
    let until = verb.until.as_deref().map(|text| end(text, Clock::system().now().wall)).transpose()?;
    let body = serde_json::json!({ "kind": verb.kind, "name": verb.name, "until": until, "reason": verb.reason });
    let done: Done = Node::new(&verb.node)?.post("/api/v1/suspend", &body)?;
    super::print(&format!("{}\n", done.message));
    Ok(ExitCode::SUCCESS)
}

/// A time, or a span from now on.
fn end(text: &str, now: Timestamp) -> anyhow::Result<Timestamp> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    let span: SignedDuration =
        text.parse().ok().with_context(|| format!("--until takes a time like {now:.0}, or a span like 2h"))?;
    let end = now.checked_add(span)?;
    // To the second: it is read by people.
    Ok(Timestamp::from_second(end.as_second())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_a_time_or_a_span_from_now() {
        let now: Timestamp = "2026-12-24T10:00:00Z".parse().unwrap();
        for (text, wanted) in [
            ("2h", Some("2026-12-24T12:00:00Z")),
            ("1h30m", Some("2026-12-24T11:30:00Z")),
            ("2026-12-25T08:00:00+01:00", Some("2026-12-25T07:00:00Z")),
            ("tomorrow", None),
            ("2026-12-25", None),
        ] {
            assert_eq!(end(text, now).ok(), wanted.map(|at| at.parse().unwrap()), "{text}");
        }
    }
}
