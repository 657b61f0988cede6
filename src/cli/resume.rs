//! `otj resume`: has a running node act again on what was suspended.

use std::process::ExitCode;

use super::approve::Done;
use super::node::{Node, NodeArguments};

/// Has a running node act again on what `otj suspend` suspended.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:\n  otj resume endpoint oslo-4")]
pub(super) struct Resume {
    /// integration, profile, group, location, room or endpoint.
    kind: String,
    /// Its name; a room's address.
    name: String,
    #[command(flatten)]
    node: NodeArguments,
}

pub(super) fn run(verb: &Resume) -> anyhow::Result<ExitCode> {
    let body = serde_json::json!({ "kind": verb.kind, "name": verb.name });
    let done: Done = Node::new(&verb.node)?.post("/api/v1/resume", &body)?;
    super::print(&format!("{}\n", done.message));
    Ok(ExitCode::SUCCESS)
}
