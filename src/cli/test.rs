//! (being written)

/// (being written)
#[derive(clap::Args, Debug)]
pub(super) struct Test {}

pub(super) fn run(_verb: &Test) -> anyhow::Result<std::process::ExitCode> {
    anyhow::bail!("being written")
}
