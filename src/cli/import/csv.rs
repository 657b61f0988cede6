//! `otj import csv`: endpoints from the guide's CSV into documents or tables.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::ValueEnum;
use serde_json::json;

use super::landing::{Landing, progress};
use super::secret_file::{self, SecretFile};
use super::{Format, Target};
use crate::cli::{complain, print};
use crate::import::endpoints::{self, DraftOptions, Drafted, ReadRows, TableFile};
use crate::import::secrets::{Random, SecretEntry};
use crate::import::{Fault, FileChange, has_errors};

/// Imports endpoints from a CSV file in the form of Pexip Infinity's bulk import.
///
/// New endpoints are added to the file of their group, existing ones are changed in place; comments stay. Passwords never reach the
/// documents: they become references, and --secrets-file says where their values go.
///
/// Example: otj import csv rooms.csv --dry-run
#[derive(clap::Args, Debug)]
pub(super) struct Csv {
    /// The CSV; `-` for stdin.
    file: PathBuf,
    /// The directory to import into.
    #[arg(long, value_name = "DIR", default_value = "otj.d")]
    config: PathBuf,
    /// Where passwords go: a YAML map, mode 0600, outside of git and of DIR.
    #[arg(long, value_name = "FILE")]
    secrets_file: Option<PathBuf>,
    /// Where secret files may lie, beside the directory itself [default: /run/secrets, /etc/otj/secrets, $CREDENTIALS_DIRECTORY].
    #[arg(long, value_name = "DIR")]
    secret_dir: Vec<PathBuf>,
    /// Makes up a password for every Poly endpoint without one.
    #[arg(long, requires = "secrets_file")]
    generate_passwords: bool,
    /// Writes groups that the file names and the directory lacks.
    #[arg(long)]
    create_groups: bool,
    /// The profile of groups that are written.
    #[arg(long, value_name = "NAME", requires = "create_groups")]
    profile: Option<String>,
    /// One document for each endpoint, or EndpointTables beside CSV files.
    #[arg(long = "as", value_enum, default_value_t = Form::Documents, value_name = "FORM")]
    form: Form,
    /// Where a name stands twice the last row counts, instead of being an error.
    #[arg(long)]
    take_last: bool,
    /// Writes nothing and shows the difference.
    #[arg(long)]
    dry_run: bool,
    /// The form of what is told.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    Documents,
    Table,
}

pub(super) fn run(verb: &Csv) -> anyhow::Result<ExitCode> {
    let target = Target::open(&verb.config, &verb.secret_dir)?;
    let mut secret_file = match &verb.secrets_file {
        Some(path) => Some(SecretFile::open(path, &verb.config)?),
        None => None,
    };
    let name = verb.file.display().to_string();
    let bytes = read(&verb.file)?;
    progress(&format!("Reading {name}…"));
    let ReadRows { rows, mut faults } = endpoints::read(&name, &bytes, verb.take_last);
    let (drafted, tables) = made(verb, &target, &name, &rows);
    faults.extend(drafted.faults.iter().cloned());
    faults.sort_by_key(|fault| (fault.line, fault.column));
    if verb.format == Format::Text {
        for fault in &faults {
            complain(&fault.line_of_text());
        }
    }
    if has_errors(&faults) {
        if verb.format == Format::Json {
            print(&format!(
                "{:#}\n",
                json!({"written": false, "findings": faults.iter().map(Fault::json).collect::<Vec<_>>()})
            ));
        } else {
            complain("Nothing was written.");
        }
        return Ok(ExitCode::from(1));
    }
    if let Some(file) = &mut secret_file {
        file.take(&drafted.secrets);
    }
    let landing = land(verb, &target, &drafted, &tables, secret_file.as_ref())?;
    tell(verb, &landing, &drafted.secrets, secret_file.as_ref(), &faults);
    Ok(if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    if path.as_os_str() == "-" {
        let mut bytes = vec![];
        std::io::Read::read_to_end(&mut std::io::stdin(), &mut bytes)?;
        return Ok(bytes);
    }
    std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))
}

fn made(verb: &Csv, target: &Target, name: &str, rows: &[endpoints::Row]) -> (Drafted, Vec<TableFile>) {
    let (known, _) = endpoints::rows(&target.existing, Some(&target.desired), crate::rules::template::render_plain);
    let secrets_file = match &verb.secrets_file {
        Some(path) => SecretFile::reference(path, &verb.secret_dir),
        None => secret_file::DEFAULT_NAME.to_owned(),
    };
    let random = super::random();
    let options = DraftOptions {
        secrets_file: &secrets_file,
        generate_passwords: verb.generate_passwords,
        create_groups: verb.create_groups,
        profile: verb.profile.as_deref(),
        render: crate::rules::template::render_plain,
        random: &random,
    };
    let mut drafted = endpoints::drafts(name, rows, &target.existing, &known, &options);
    if verb.form == Form::Documents {
        return (drafted, vec![]);
    }
    for row in rows {
        if let Some(known) = known.get(&row.name).filter(|known| !known.in_table) {
            let message = format!("endpoint `{}` is a document already ({})", row.name, known.place);
            let fault = Fault::error(name, (row.line(), 1), message);
            drafted.faults.push(fault.help("take the document out first: a name stands in one place"));
        }
    }
    let generate: Option<Random<'_>> = if verb.generate_passwords { Some(&random) } else { None };
    let (drafts, files, secrets) = endpoints::tables(rows, &secrets_file, generate);
    drafted.drafts.retain(|draft| draft.kind == "EndpointGroup");
    drafted.drafts.extend(drafts);
    drafted.secrets = secrets;
    (drafted, files)
}

/// Checks what was drafted as a whole, and writes it.
fn land(
    verb: &Csv,
    target: &Target,
    drafted: &Drafted,
    tables: &[TableFile],
    secrets: Option<&SecretFile>,
) -> anyhow::Result<Landing> {
    let root = target.root();
    let there: Vec<_> =
        tables.iter().filter(|table| root.join(&table.path).exists()).map(|it| it.path.as_str()).collect();
    if !there.is_empty() {
        bail!("{} is there already; take it away first, or import as documents", there.join(", "));
    }
    let named = |table: &TableFile| FileChange { path: table.path.clone(), before: None, after: table.text.clone() };
    let landing = Landing::prepare(target, &drafted.drafts, tables.iter().map(named).collect())?;
    if !verb.dry_run {
        // The secrets first: a reference without its value is a condition, a value without reference is nothing.
        secrets.filter(|_| !drafted.secrets.is_empty()).map_or(Ok(()), SecretFile::write)?;
        landing.write(target)?;
    }
    Ok(landing)
}

fn tell(verb: &Csv, landing: &Landing, secrets: &[SecretEntry], file: Option<&SecretFile>, faults: &[Fault]) {
    let generated = secrets.iter().filter(|entry| entry.generated).count();
    let lost = secrets.iter().filter(|entry| entry.value.is_some() && file.is_none()).count();
    let to_fill: Vec<&str> = secrets
        .iter()
        .filter(|entry| entry.value.is_none() && !file.is_some_and(|file| file.holds(&entry.key)))
        .map(|entry| entry.key.as_str())
        .collect();
    if verb.format == Format::Json {
        let mut result = landing.json(faults);
        result["written"] = json!(!verb.dry_run);
        result["secrets"] = json!({"generated": generated, "notKept": lost, "toFill": to_fill});
        if verb.dry_run {
            result["diff"] = json!(landing.diff());
        }
        return print(&format!("{result:#}\n"));
    }
    print(&landing.text());
    let name =
        verb.secrets_file.as_ref().map_or_else(|| secret_file::DEFAULT_NAME.into(), |path| path.display().to_string());
    if generated > 0 {
        print(&format!("{generated} passwords were made up for Poly endpoints; they are in {name}\n"));
    }
    if lost > 0 {
        print(&format!(
            "{lost} passwords of the CSV were not kept: run it again with --secrets-file FILE to keep them\n"
        ));
    }
    if !to_fill.is_empty() {
        let shown = to_fill.iter().take(10).copied().collect::<Vec<_>>().join(", ");
        let more = if to_fill.len() > 10 { ", …" } else { "" };
        print(&format!("{} passwords are to be filled into {name}, by endpoint: {shown}{more}\n", to_fill.len()));
    }
    if landing.warnings > 0 {
        print(&format!("{} warnings: `otj lint {}`\n", landing.warnings, verb.config.display()));
    }
    if verb.dry_run {
        print(&landing.diff());
        print("Nothing was written (--dry-run).\n");
    }
}
