//! `otj push`: has a running node give an endpoint its list once more.

use std::process::ExitCode;

use super::approve::Done;
use super::node::{Node, NodeArguments};

/// Has a running node give an endpoint its meetings once more, and end its waiting after failures and after others wrote to it.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:\n  otj push oslo-4")]
pub(super) struct Push {
    /// The endpoint's name.
    endpoint: String,
    #[command(flatten)]
    node: NodeArguments,
}

pub(super) fn run(verb: &Push) -> anyhow::Result<ExitCode> {
    let body = serde_json::json!({ "endpoint": verb.endpoint });
    let done: Done = Node::new(&verb.node)?.post("/api/v1/push", &body)?;
    super::print(&format!("{}\n", done.message));
    Ok(ExitCode::SUCCESS)
}
