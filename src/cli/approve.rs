//! `otj approve`: lets a held plan happen, exactly as it was shown.

use std::process::ExitCode;

use super::node::{Node, NodeArguments};

/// Lets a held plan happen, exactly as it was shown. `otj status` shows held plans with their checksums.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:\n  otj approve 3f9c0d21a4b7e865")]
pub(super) struct Approve {
    /// The checksum of the held plan.
    checksum: String,
    #[command(flatten)]
    node: NodeArguments,
}

/// What the node did.
#[derive(serde::Deserialize)]
pub(super) struct Done {
    /// In one sentence.
    pub(super) message: String,
}

pub(super) fn run(verb: &Approve) -> anyhow::Result<ExitCode> {
    let body = serde_json::json!({ "checksum": verb.checksum.trim() });
    let done: Done = Node::new(&verb.node)?.post("/api/v1/approve", &body)?;
    super::print(&format!("{}\n", done.message));
    Ok(ExitCode::SUCCESS)
}
