//! `otj schema`: prints the JSON Schema of the language, for editors and other tools.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;

use crate::config::schema;

/// Prints the JSON Schema of all documents, or of one kind.
///
/// Example: otj schema --kind Endpoint
#[derive(clap::Args, Debug)]
pub(super) struct Schema {
    /// One kind alone.
    #[arg(long)]
    kind: Option<String>,
    /// Compares the files of a directory with what this program says, instead of printing.
    #[arg(long)]
    check: bool,
    /// With --check: where the files are.
    #[arg(long, default_value = "schema", requires = "check", value_name = "DIR")]
    directory: PathBuf,
}

pub(super) fn run(verb: &Schema) -> anyhow::Result<ExitCode> {
    let name = match &verb.kind {
        None => "otj.schema.json".to_owned(),
        Some(kind) if schema::kinds().any(|known| known == kind) => format!("{kind}.schema.json"),
        Some(kind) => {
            bail!("there is no schema of kind `{kind}`; there is {}", schema::kinds().collect::<Vec<_>>().join(", "))
        }
    };
    if verb.check {
        return Ok(compare(verb));
    }
    let generated = schema::generate();
    let text = generated.iter().find(|(file, _)| *file == name).map_or("", |(_, text)| text);
    super::print(text);
    Ok(ExitCode::SUCCESS)
}

fn compare(verb: &Schema) -> ExitCode {
    let mut same = true;
    for (file, text) in schema::generate() {
        let path = verb.directory.join(&file);
        let committed = crate::config::files::read_text(&path);
        if committed.as_deref() != Some(text.as_str()) {
            same = false;
            super::print(&format!("{} is out of date: run `OTJ_UPDATE=1 cargo nextest run schema`\n", path.display()));
        }
    }
    if same { ExitCode::SUCCESS } else { ExitCode::from(1) }
}
