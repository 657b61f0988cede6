//! `otj completions`: what a shell needs to complete verbs, flags and their values. In: the shell. Out: its script, on stdout.

use std::process::ExitCode;

use clap::Command;
use clap_complete::Shell;

/// Prints the completion script of a shell.
///
/// Example: otj completions bash > /etc/bash_completion.d/otj
#[derive(clap::Args, Debug)]
pub(super) struct Completions {
    /// The shell that will read it.
    #[arg(value_enum)]
    shell: Shell,
}

pub(super) fn run(verb: &Completions, mut command: Command) -> ExitCode {
    let mut script = vec![];
    clap_complete::generate(verb.shell, &mut command, "otj", &mut script);
    super::print(&String::from_utf8_lossy(&script));
    ExitCode::SUCCESS
}
