//! (being written)

/// (being written)
#[derive(clap::Args, Debug)]
pub(super) struct Lint {}

pub(super) fn run(_verb: &Lint) -> anyhow::Result<std::process::ExitCode> {
    anyhow::bail!("being written")
}
