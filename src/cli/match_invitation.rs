//! (being written)

/// (being written)
#[derive(clap::Args, Debug)]
pub(super) struct Match {}

pub(super) fn run(_verb: &Match) -> anyhow::Result<std::process::ExitCode> {
    anyhow::bail!("being written")
}
