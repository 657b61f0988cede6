//! `otj plan`: what a change of the directory would do, before it is merged and without a running node. Prints to stdout; exits 0
//! (nothing changes), 1 (something does), 2 (could not tell).

mod credentials;
mod documents;
mod endpoints;
mod meetings;
mod report;

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, anyhow, bail};
use clap::ValueEnum;

use self::report::Report;
use super::{complain, event_file};
use crate::config::{self, LoadOptions, Loaded, ReadOptions, SecretOptions, Secrets, Snapshot};
use crate::diagnostic::{self, Severity};
use crate::reconcile::planner::foreseen;

/// Says what a change of the directory would do: documents, endpoints, meetings, and credentials that would go elsewhere.
///
/// Nothing is contacted and no secret is read. Subjects and addresses of events from files stay out of the answer.
///
/// Example: otj plan --config otj.d --against ../main/otj.d --format markdown
#[derive(clap::Args, Debug)]
pub(super) struct Plan {
    /// The directory as it would be; several are one deployment.
    #[arg(long, value_name = "DIR", default_value = "otj.d")]
    config: Vec<PathBuf>,
    /// The directory as it is, for instance a checkout of the main branch.
    #[arg(long, value_name = "DIR", required = true)]
    against: Vec<PathBuf>,
    /// Invitations (`.eml`, `.ics`, `.json`) whose outcome is compared, for every profile.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    events: Vec<PathBuf>,
    /// The form of the answer.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Tells subjects and addresses of `--events`; at a terminal only.
    #[arg(long)]
    show_subjects: bool,
    /// Where certificate files may lie, beside the directories themselves.
    #[arg(long, value_name = "DIR")]
    secret_dir: Vec<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
    Markdown,
}

/// One side of the comparison.
struct Side {
    snapshot: Snapshot,
    loaded: Loaded,
}

pub(super) fn run(verb: &Plan) -> anyhow::Result<ExitCode> {
    if verb.show_subjects && !std::io::stdout().is_terminal() {
        bail!("`--show-subjects` is for a person at a terminal: subjects do not belong into files and merge requests");
    }
    let old = Side::read(&verb.against, verb)?;
    let mut new = Side::read(&verb.config, verb)?;
    let wanted = new.loaded.desired.take().ok_or_else(|| new.refused(&verb.config))?;
    let events = verb.events.iter().map(given).collect::<anyhow::Result<Vec<_>>>()?;
    let report = report(&old, &new, wanted, &events, verb.show_subjects);
    super::print(&match verb.format {
        Format::Text => report.text(),
        Format::Json => format!("{:#}\n", report.json()),
        Format::Markdown => report.markdown(),
    });
    Ok(if report.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn report(old: &Side, new: &Side, wanted: crate::model::Desired, events: &[meetings::Given], open: bool) -> Report {
    let mut report = Report {
        checksum: wanted.checksum.clone(),
        against: old.snapshot.checksum.clone(),
        documents: documents::changes(&config::written(&old.snapshot), &config::written(&new.snapshot)),
        ..Report::default()
    };
    // A directory that does not load runs nowhere: what it wishes is not known.
    let Some(current) = old.loaded.desired.clone() else {
        report.unknown_before = true;
        return report;
    };
    let (before, held) = foreseen(&Arc::new(current), &wanted);
    report.held = held;
    report.endpoints = endpoints::effects(&before, &wanted);
    report.credentials = credentials::moved(&before, &wanted);
    report.meetings = meetings::changes((&before, &old.loaded), (&wanted, &new.loaded), events, open);
    report
}

fn given(path: &PathBuf) -> anyhow::Result<meetings::Given> {
    let file = path.to_string_lossy().into_owned();
    let bytes = std::fs::read(path).with_context(|| format!("`{file}` was not read"))?;
    let event = event_file::read(&file, &bytes).map_err(|reason| anyhow!("`{file}`: {reason}"))?;
    Ok(meetings::Given { file, event })
}

impl Side {
    fn read(directories: &[PathBuf], verb: &Plan) -> anyhow::Result<Self> {
        let snapshot = config::files::read(directories, ReadOptions::default()).context("a directory was not read")?;
        let mut secrets = Secrets::by_reference(SecretOptions::new(&verb.secret_dir, None));
        let options = LoadOptions {
            // Both are for `otj lint` to say; an empty directory is what removing everything looks like.
            allow_inline_secrets: true,
            allow_empty: true,
            invitation: Some(event_file::read),
            trial: Some(super::sandbox::try_templates),
            ..LoadOptions::default()
        };
        let loaded = config::load(&snapshot, &mut secrets, &options);
        Ok(Self { snapshot, loaded })
    }

    /// Tells why a directory is not one, where lint would.
    fn refused(&self, directories: &[PathBuf]) -> anyhow::Error {
        let is_error = |finding: &&diagnostic::Diagnostic| finding.severity == Severity::Error;
        let errors: Vec<_> = self.loaded.diagnostics.iter().filter(is_error).cloned().collect();
        complain(diagnostic::text::render(&errors, |file| self.snapshot.text_of(file), false).trim_end());
        let names: Vec<_> = directories.iter().map(|it| it.display().to_string()).collect();
        anyhow!("`{}` does not load; `otj lint` tells more", names.join("`, `"))
    }
}
