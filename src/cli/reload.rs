//! `otj reload`: has a running node read its directory at once.

use std::process::ExitCode;

use super::approve::Done;
use super::node::{Node, NodeArguments};

/// Has a running node read its directory at once. A directory that does not load changes nothing; `otj status` tells.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:\n  otj reload --server https://otj.example.com --token-file operator.token")]
pub(super) struct Reload {
    #[command(flatten)]
    node: NodeArguments,
}

pub(super) fn run(verb: &Reload) -> anyhow::Result<ExitCode> {
    let done: Done = Node::new(&verb.node)?.post("/-/reload", &serde_json::Value::Null)?;
    super::print(&format!("{}\n", done.message));
    Ok(ExitCode::SUCCESS)
}
