//! `otj refresh`: has a running node read a room now.

use std::process::ExitCode;

use super::approve::Done;
use super::node::{Node, NodeArguments};

/// Has a running node read a room's calendar now, whatever its turn.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:\n  otj refresh fjord@example.com")]
pub(super) struct Refresh {
    /// The room's address, or the name of one of its endpoints.
    room: String,
    #[command(flatten)]
    node: NodeArguments,
}

pub(super) fn run(verb: &Refresh) -> anyhow::Result<ExitCode> {
    let body = serde_json::json!({ "room": verb.room });
    let done: Done = Node::new(&verb.node)?.post("/api/v1/refresh", &body)?;
    super::print(&format!("{}\n", done.message));
    Ok(ExitCode::SUCCESS)
}
