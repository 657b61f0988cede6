//! `otj trust`: has a running node pin a device's certificate anew.

use std::process::ExitCode;

use super::approve::Done;
use super::node::{Node, NodeArguments};

/// Has a running node forget the pinned certificate of an endpoint with `tls: PinOnFirstUse`: the one that it shows next is pinned. For devices that were exchanged or reset.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:\n  otj trust oslo-4")]
pub(super) struct Trust {
    /// The endpoint's name.
    endpoint: String,
    #[command(flatten)]
    node: NodeArguments,
}

pub(super) fn run(verb: &Trust) -> anyhow::Result<ExitCode> {
    let body = serde_json::json!({ "endpoint": verb.endpoint });
    let done: Done = Node::new(&verb.node)?.post("/api/v1/trust", &body)?;
    super::print(&format!("{}\n", done.message));
    Ok(ExitCode::SUCCESS)
}
