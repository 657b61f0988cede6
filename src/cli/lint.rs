//! `otj lint`: everything that is wrong with a directory, at once. Prints findings to stdout, exits 0 (none), 1 (findings) or 2.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use clap::ValueEnum;

use super::directory;
use crate::config::files::{self, ReadOptions};
use crate::config::{LoadOptions, SecretOptions, Secrets, load};
use crate::diagnostic::{self, Diagnostic, Meaning, Report, Tree};
use crate::diagnostic::{codes, count, github, gitlab, json, junit, sarif, text};

/// Checks directories: schema, references, rules, secrets. All findings at once.
///
/// Example: otj lint otj.d
#[derive(clap::Args, Debug)]
pub(super) struct Lint {
    /// Directories; each is a deployment of its own.
    #[arg(default_value = "otj.d", value_name = "DIR")]
    directories: Vec<PathBuf>,
    /// The directories are one deployment: a base and its overlays, as with several `otj run --config`.
    #[arg(long)]
    together: bool,
    /// The form of the findings.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Warnings fail too, but for those about what is not in effect yet.
    #[arg(long)]
    strict: bool,
    /// Look up every secret: missing ones are errors, weak ones warnings.
    #[arg(long)]
    check_secrets: bool,
    /// Secrets may stand in the documents.
    #[arg(long)]
    allow_inline_secrets: bool,
    /// A directory without documents is no error.
    #[arg(long)]
    allow_empty: bool,
    /// Where secret files may lie, beside the directory itself [default: /run/secrets, /etc/otj/secrets, $CREDENTIALS_DIRECTORY].
    #[arg(long, value_name = "DIR")]
    secret_dir: Vec<PathBuf>,
    /// Says what a code means, and nothing else.
    #[arg(long, value_name = "CODE")]
    explain: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// Drawn with the line, for people.
    Text,
    /// otj's own.
    Json,
    /// SARIF 2.1.0: code scanning, editors.
    Sarif,
    /// Annotations of a GitHub workflow.
    Github,
    /// GitLab's code quality report.
    Gitlab,
    /// JUnit XML: a suite a file.
    Junit,
}

pub(super) fn run(verb: &Lint) -> anyhow::Result<ExitCode> {
    if let Some(code) = &verb.explain {
        let Some(page) = codes::find(code) else {
            let meant = codes::nearest(code).map(|meant| format!("; did you mean {meant}?"));
            bail!("there is no code `{code}`{}", meant.as_deref().unwrap_or("; codes look like OTJ102"));
        };
        super::print(&page.plain());
        return Ok(ExitCode::SUCCESS);
    }
    let (mut findings, mut texts, mut documents) = (vec![], BTreeMap::new(), 0);
    for deployment in directory::deployments(&verb.directories, verb.together) {
        let snapshot = files::read(deployment, ReadOptions::default())
            .with_context(|| format!("cannot lint `{}`", directory::called(deployment)))?;
        let mut secrets = Secrets::live(SecretOptions::new(&verb.secret_dir, None));
        let options = LoadOptions {
            allow_empty: verb.allow_empty,
            allow_inline_secrets: verb.allow_inline_secrets,
            check_secrets: verb.check_secrets,
            invitation: Some(super::event_file::read),
            trial: Some(super::sandbox::try_templates),
            location: None,
        };
        let loaded = load(&snapshot, &mut secrets, &options);
        documents += loaded.documents.values().sum::<usize>();
        findings.extend(loaded.diagnostics);
        texts.extend(snapshot.files.into_iter().chain(snapshot.tables).map(|file| (file.path, file.bytes)));
    }
    diagnostic::sort(&mut findings);
    let source = |path: &str| texts.get(path).and_then(|bytes: &Arc<[u8]>| std::str::from_utf8(bytes).ok());
    let report = Report {
        findings: &findings,
        files: texts.keys().map(String::as_str).collect(),
        source: &source,
        meaning: &meaning,
        tree: tree().context("the current directory is not known")?,
        strict: verb.strict,
    };
    super::print(&match verb.format {
        Format::Text => {
            text::render(&findings, source, colour()) + &summary(&findings, documents, verb.directories.len())
        }
        Format::Json => format!("{:#}\n", json::render(&findings)),
        Format::Sarif => sarif::render(&report),
        Format::Github => github::render(&report),
        Format::Gitlab => gitlab::render(&report),
        Format::Junit => junit::render(&report),
    });
    Ok(if findings.iter().any(|finding| report.fails(finding)) { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

/// What a code means, for the forms that carry it along.
fn meaning(code: &str) -> Option<Meaning> {
    let (title, text) = codes::explain(code)?;
    Some(Meaning { title: title.to_owned(), text: text.to_owned() })
}

/// The repository around the current directory; without one the current directory itself.
fn tree() -> std::io::Result<Tree> {
    let here = std::env::current_dir()?;
    let top = here.ancestors().find(|directory| directory.join(".git").exists()).unwrap_or(&here).to_owned();
    Ok(Tree { top, here })
}

/// Colour is for people at a terminal who have not asked to be spared it.
pub(super) fn colour() -> bool {
    std::io::stdout().is_terminal() && colour_wanted()
}

/// See <https://no-color.org>.
#[expect(clippy::disallowed_methods, reason = "NO_COLOR is a convention of terminals, not a setting of ours")]
pub(super) fn colour_wanted() -> bool {
    std::env::var("NO_COLOR").map_or(true, |value| value.is_empty())
}

fn summary(findings: &[Diagnostic], documents: usize, directories: usize) -> String {
    let plural = |count: usize, word: &str| match count {
        1 => format!("1 {word}"),
        _ => format!("{count} {word}s"),
    };
    let directories = if directories == 1 { "1 directory".to_owned() } else { format!("{directories} directories") };
    let read = format!("{} in {directories}", plural(documents, "document"));
    match count(findings) {
        (0, 0) => format!("{read}: nothing to complain about\n"),
        (errors, warnings) => format!("{read}: {}, {}\n", plural(errors, "error"), plural(warnings, "warning")),
    }
}
