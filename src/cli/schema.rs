//! (being written)

/// (being written)
#[derive(clap::Args, Debug)]
pub(super) struct Schema {}

pub(super) fn run(_verb: &Schema) -> anyhow::Result<std::process::ExitCode> {
    anyhow::bail!("being written")
}
