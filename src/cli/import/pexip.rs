//! `otj import pexip`: everything of One-Touch Join from Pexip Infinity's management API, live or from saved answers. Prints a report of
//! what could not be carried, and what to do next.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use serde_json::json;

use super::landing::{Landing, progress};
use super::{Format, Target};
use crate::cli::print;
use crate::http::{Http, HttpOptions, Trust};
use crate::import::merge;
use crate::import::pexip::{Answers, Converted, Manager, Note, PexipOptions, RESOURCES, Weight, convert};
use crate::model::Secret;

/// How often what the loader refuses is taken out before it is told as an error.
const ROUNDS_MAX: usize = 5;

/// Imports integrations, profiles, rules, groups and endpoints from Pexip Infinity.
///
/// The API returns no passwords: the documents refer to entries of one file of secrets, and the report lists which to fill in.
/// To save the answers on another machine, one file a resource:
///
///   for r in system_location mjx_integration mjx_endpoint_group mjx_endpoint mjx_meeting_processing_rule mjx_google_deployment
///   mjx_graph_deployment mjx_exchange_deployment mjx_exchange_autodiscover_url; do
///   curl -u USER "https://MANAGER/api/admin/configuration/v1/$r/?limit=5000" > $r.json; done
///
/// Example: otj import pexip --url https://manager.example.com --user api --password-file password --out otj.d
#[derive(clap::Args, Debug)]
pub(super) struct Pexip {
    /// The Management Node.
    #[arg(long, value_name = "URL", requires_all = ["user", "password_file"], required_unless_present = "from_json")]
    url: Option<String>,
    /// An account that may read the configuration.
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// A file with its password.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Certificates (PEM) to trust beside the system's.
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// A directory of saved answers instead, `mjx_endpoint.json` and so on.
    #[arg(long, value_name = "DIR", conflicts_with = "url")]
    from_json: Option<PathBuf>,
    /// The directory to import into.
    #[arg(long, value_name = "DIR", default_value = "otj.d")]
    out: PathBuf,
    /// What references to secrets name: a file in a --secret-dir of the node.
    #[arg(long, value_name = "NAME", default_value = "pexip-secrets.yaml")]
    secrets_name: String,
    /// Writes nothing and shows the difference.
    #[arg(long)]
    dry_run: bool,
    /// The form of the report.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub(super) fn run(verb: &Pexip) -> anyhow::Result<ExitCode> {
    let target = Target::open(&verb.out, &[])?;
    let answers = match &verb.from_json {
        Some(directory) => saved(directory)?,
        None => live(verb)?,
    };
    if answers.of("mjx_integration").is_empty() {
        bail!("there is no One-Touch Join profile (mjx_integration) in the answers; nothing to import");
    }
    let options = PexipOptions {
        secrets_file: &verb.secrets_name,
        check_regex: crate::rules::check_regex,
        check_template: crate::rules::check_template,
    };
    let mut converted = convert(&answers, &options);
    // What the loader refuses can bring other things to light, though not for long: each round takes something out.
    for _ in 0..ROUNDS_MAX {
        let refused = target.refused(&merge(&target.existing, &converted.drafts).files)?;
        if !converted.disable(&refused) {
            break;
        }
    }
    let landing = Landing::prepare(&target, &converted.drafts, vec![])?;
    if !verb.dry_run {
        landing.write(&target)?;
    }
    match verb.format {
        Format::Text => print(&text(verb, &landing, &converted)),
        Format::Json => {
            let mut report = landing.json(&[]);
            report["written"] = json!(!verb.dry_run);
            report["notes"] = converted.notes.iter().map(Note::json).collect();
            report["secrets"] = json!({"file": verb.secrets_name, "toFill": keys(&converted)});
            print(&format!("{report:#}\n"));
        }
    }
    let whole = converted.notes.iter().all(|note| note.weight != Weight::NotCarried);
    Ok(if whole { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn saved(directory: &std::path::Path) -> anyhow::Result<Answers> {
    if !directory.is_dir() {
        bail!("there is no directory `{}`", directory.display());
    }
    let mut answers = Answers::default();
    for resource in RESOURCES {
        let path = directory.join(format!("{resource}.json"));
        match std::fs::read_to_string(&path) {
            Ok(text) => answers.add_saved(resource, &text)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(|| format!("{} cannot be read", path.display())),
        }
    }
    Ok(answers)
}

fn live(verb: &Pexip) -> anyhow::Result<Answers> {
    let (Some(url), Some(user), Some(file)) = (&verb.url, &verb.user, &verb.password_file) else {
        bail!("give --url, --user and --password-file, or --from-json");
    };
    let password = std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let password = Secret::new(password.trim_end_matches(['\r', '\n']).to_owned());
    let trust = match &verb.ca_file {
        Some(path) => {
            let pem = std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
            Trust::Verify(vec![Arc::from(pem)])
        }
        None => Trust::system(),
    };
    // The operator names the manager, so it may well be this machine, as with a tunnel.
    let http = Http::new(HttpOptions { allow_loopback: true })?;
    let manager = Manager::new(http, url, user, &password, trust)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut answers = Answers::default();
    for resource in RESOURCES {
        let objects = runtime.block_on(manager.read(resource, |count| progress(&format!("{resource}: {count}"))))?;
        answers.add(resource, objects)?;
    }
    Ok(answers)
}

fn keys(converted: &Converted) -> BTreeSet<&str> {
    converted.secrets.iter().map(|entry| entry.key.as_str()).collect()
}

fn text(verb: &Pexip, landing: &Landing, converted: &Converted) -> String {
    let mut out = landing.text();
    for note in &converted.notes {
        let _ = writeln!(
            out,
            "{}: {} `{}`: {}\n  next: {}",
            note.weight.word(),
            note.resource,
            note.name,
            note.what,
            note.next
        );
    }
    let keys = keys(converted);
    if !keys.is_empty() {
        let _ = writeln!(
            out,
            "The API returns no secrets. Write {} into {} in a --secret-dir, a YAML map:",
            keys.len(),
            verb.secrets_name
        );
        for key in keys {
            let _ = writeln!(out, "  {}", serde_json::Value::from(key));
        }
    }
    let directory = verb.out.display();
    if verb.dry_run {
        out.push_str(&landing.diff());
        out.push_str("Nothing was written (--dry-run).\n");
    }
    let _ = writeln!(out, "Next: otj lint --check-secrets {directory}, then otj run --dry-run --config {directory}");
    out
}
