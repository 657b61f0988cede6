//! `otj export`: documents in other systems' forms. Prints to stdout or a file; exits 0, or 2 (could not run).

mod poly_settings;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;
use clap::Subcommand;

use super::import::{Target, refuse_in_git, write_private};
use crate::import::endpoints;

/// Exports endpoints.
#[derive(clap::Args, Debug)]
pub(super) struct Export {
    #[command(subcommand)]
    form: Form,
}

#[derive(Subcommand, Debug)]
enum Form {
    Csv(Csv),
    PolySettings(poly_settings::PolySettings),
}

/// Exports endpoints in the form of Pexip Infinity's bulk import, from the documents alone.
///
/// The rows are sorted by name. What a group says is written out on each of its endpoints, what the profile says is left to GLOBAL
/// and blank fields. Passwords are left blank unless --with-secrets is given.
///
/// Example: otj export csv > rooms.csv
#[derive(clap::Args, Debug)]
struct Csv {
    /// The directory to export.
    #[arg(long, value_name = "DIR", default_value = "otj.d")]
    config: PathBuf,
    /// Writes a file instead of stdout.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Passwords too; the file is written with mode 0600, outside of git.
    #[arg(long, requires = "output")]
    with_secrets: bool,
    /// Where secret files may lie, beside the directory itself [default: /run/secrets, /etc/otj/secrets, $CREDENTIALS_DIRECTORY].
    #[arg(long, value_name = "DIR")]
    secret_dir: Vec<PathBuf>,
}

pub(super) fn run(verb: &Export) -> anyhow::Result<ExitCode> {
    match &verb.form {
        Form::Csv(verb) => csv(verb),
        Form::PolySettings(verb) => poly_settings::run(verb),
    }
}

fn csv(verb: &Csv) -> anyhow::Result<ExitCode> {
    if !verb.config.is_dir() {
        bail!("there is no directory `{}`", verb.config.display());
    }
    let target = Target::open(&verb.config, &verb.secret_dir)?;
    let (mut known, faults) =
        endpoints::rows(&target.existing, Some(&target.desired), crate::rules::template::render_plain);
    for fault in &faults {
        super::complain(&fault.line_of_text());
    }
    if verb.with_secrets {
        endpoints::add_passwords(&mut known, &target.desired);
        let has = |row: &endpoints::Row| row.device == endpoints::DeviceType::Poly || !row.api_username.is_empty();
        let missing = known.values().filter(|it| has(&it.row) && it.row.password.is_none()).count();
        if missing > 0 {
            super::complain(&format!("warning: {missing} passwords were not found and are left blank"));
        }
    }
    let rows: Vec<endpoints::Row> = known.into_values().map(|known| known.row).collect();
    let text = endpoints::csv(&rows, verb.with_secrets);
    match &verb.output {
        None => super::print(&text),
        Some(path) if verb.with_secrets => {
            refuse_in_git(path)?;
            write_private(path, text.as_bytes())?;
        }
        Some(path) => std::fs::write(path, &text)?,
    }
    if verb.output.is_some() {
        super::print(&format!("{} endpoints\n", rows.len()));
    }
    Ok(ExitCode::SUCCESS)
}
