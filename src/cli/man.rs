//! `otj man`: the manual pages, one for the program and one for each verb, made from what `--help` says. In: a directory. Out:
//! `otj.1`, `otj-lint.1` and so on in it.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Command;

/// Writes the manual pages into a directory.
///
/// Example: otj man /usr/local/share/man/man1
#[derive(clap::Args, Debug)]
pub(super) struct Man {
    /// Where they go; it is made if it is not there.
    #[arg(value_name = "DIR")]
    directory: PathBuf,
}

pub(super) fn run(verb: &Man, command: Command) -> anyhow::Result<ExitCode> {
    let directory = verb.directory.display();
    std::fs::create_dir_all(&verb.directory).with_context(|| format!("`{directory}` cannot be made"))?;
    // Every page is about something to do; `otj help` is none.
    let command = command.disable_help_subcommand(true);
    clap_mangen::generate_to(command, &verb.directory)
        .with_context(|| format!("the pages cannot be written to `{directory}`"))?;
    Ok(ExitCode::SUCCESS)
}
