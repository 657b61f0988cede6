//! `otj init`: the first directory of a new deployment. In: flags, and answers to questions at a terminal. Out: a few small files that
//! lint and test clean, and the commands that come next; exits 0, or 2 where an answer is refused or something is there already.
//!
//! Nothing is ever overwritten, and what is written has gone through the loader first: a template that the language has moved
//! away from is told here, not by the first `otj run`.

mod answers;
mod documents;

use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};

use self::answers::{Answers, Asker, Calendar, Endpoint};
use super::{complain, print};
use crate::config::{self, LoadOptions, SecretOptions, Secrets, Snapshot};
use crate::diagnostic::{self, Diagnostic, Severity};

/// Writes a small directory to begin with: one calendar service, one profile, one room. Asks for what no flag says.
///
/// Example: otj init --calendar caldav --domain example.com --time-zone Europe/Oslo --yes
#[derive(clap::Args, Debug)]
pub(super) struct Init {
    /// The directory; it must be empty, or not be there yet.
    #[arg(default_value = "otj.d", value_name = "DIR")]
    directory: PathBuf,
    /// Where the rooms' calendars are.
    #[arg(long, value_enum)]
    calendar: Option<Calendar>,
    /// The company's domain: rooms dial there, and to Zoom and Webex.
    #[arg(long)]
    domain: Option<String>,
    /// The rooms' time zone, `Europe/Oslo` [default: this machine's].
    #[arg(long, value_name = "ZONE")]
    time_zone: Option<String>,
    /// What stands in the room.
    #[arg(long, value_enum)]
    endpoint: Option<Endpoint>,
    /// The first room's e-mail address.
    #[arg(long, value_name = "EMAIL")]
    room: Option<String>,
    /// What people call the room [default: from its address].
    #[arg(long, value_name = "NAME")]
    room_name: Option<String>,
    /// Host name or IP address of the room's codec (cisco).
    #[arg(long, value_name = "HOST")]
    address: Option<String>,
    /// Asks nothing: what no flag says takes its default. So it is also where stdin is no terminal.
    #[arg(long, short)]
    yes: bool,
}

/// A file to be: its path below the directory, and its text.
type File = (&'static str, String);

pub(super) fn run(verb: &Init) -> anyhow::Result<ExitCode> {
    refuse_what_is_there(&verb.directory)?;
    let (mut input, mut output) = (std::io::stdin().lock(), std::io::stderr());
    let mut asker = match !verb.yes && std::io::stdin().is_terminal() {
        true => Asker::asking(&mut input, &mut output),
        false => Asker::silent(),
    };
    let answers = Answers::gather(verb, &mut asker)?;
    let files = documents::write(&answers);
    check(&files)?;
    for (path, text) in &files {
        put(&verb.directory.join(path), text)?;
    }
    if answers.calendar == Calendar::Ics {
        let calendars = verb.directory.join(documents::CALENDARS);
        std::fs::create_dir_all(&calendars).with_context(|| format!("`{}` cannot be made", calendars.display()))?;
    }
    print(&what_comes_next(&verb.directory, &answers, &files));
    Ok(ExitCode::SUCCESS)
}

/// Before the first question: nobody should answer seven of them for nothing.
fn refuse_what_is_there(directory: &Path) -> anyhow::Result<()> {
    let name = directory.display();
    match std::fs::read_dir(directory) {
        Ok(mut entries) => match entries.next() {
            None => Ok(()),
            Some(_) => bail!(
                "`{name}` is not empty, and nothing is overwritten; name a directory that is not there yet, or edit what is there"
            ),
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => {
            bail!("`{name}` is a file; name a directory that is not there yet")
        }
        Err(error) => Err(error).with_context(|| format!("`{name}` cannot be read")),
    }
}

/// What the loader says of the files: an error where there is one.
fn check(files: &[File]) -> anyhow::Result<()> {
    let texts: Vec<(&str, &str)> =
        files.iter().filter(|(path, _)| path.ends_with(".yaml")).map(|(path, text)| (*path, text.as_str())).collect();
    let snapshot = Snapshot::of_texts(&texts);
    let mut secrets = Secrets::live(SecretOptions::default());
    let loaded = config::load(&snapshot, &mut secrets, &LoadOptions::default());
    let errors: Vec<Diagnostic> =
        loaded.diagnostics.into_iter().filter(|finding| finding.severity == Severity::Error).collect();
    if !errors.is_empty() {
        complain(diagnostic::text::render(&errors, |file| snapshot.text_of(file), false).trim_end());
        bail!("with these answers the directory would not load; nothing was written");
    }
    Ok(())
}

/// Writes a file that is not there yet.
fn put(path: &Path, text: &str) -> anyhow::Result<()> {
    let written = || -> std::io::Result<()> {
        if let Some(above) = path.parent() {
            std::fs::create_dir_all(above)?;
        }
        std::fs::OpenOptions::new().write(true).create_new(true).open(path)?.write_all(text.as_bytes())
    };
    written().with_context(|| format!("`{}` cannot be written", path.display()))
}

/// The files, the secrets that they name, and the next three commands.
fn what_comes_next(directory: &Path, answers: &Answers, files: &[File]) -> String {
    let (secrets, data) = (beside(directory, "secrets"), beside(directory, "data"));
    let here = quoted(directory);
    let mut out = String::new();
    for (path, _) in files {
        out += &format!("wrote {}\n", directory.join(path).display());
    }
    out += &format!("\nSecrets are named there, and kept elsewhere, out of git. Put into `{}`:\n", secrets.display());
    for (file, what) in documents::secrets(answers) {
        out += &format!("  {file:<24}{what}\n");
    }
    let schema = beside(directory, "schema");
    out += &format!(
        "\nEditors complete and check what you write with the schema:\n  mkdir -p {0} && otj schema > {0}/otj.schema.json\n",
        quoted(&schema)
    );
    out += &format!(
        "\nNext (`mode: Observe` in profiles.yaml keeps endpoints untouched until you remove it):\n  otj lint {here}\n  otj test {here}\n  otj run --config {here} --secret-dir {} --data-dir {}\n",
        quoted(&secrets),
        quoted(&data)
    );
    out
}

/// `name` in the directory that holds `directory`.
fn beside(directory: &Path, name: &str) -> PathBuf {
    match directory.file_name() {
        Some(_) => directory.with_file_name(name),
        None => directory.join("..").join(name),
    }
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    match text.chars().all(|c| c.is_ascii_alphanumeric() || "/._-+@%,:=".contains(c)) && !text.starts_with('-') {
        true => text,
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_beside_a_directory_is_named_so_that_a_shell_takes_it() {
        for (directory, secrets) in [
            ("otj.d", "secrets"),
            ("/etc/otj/otj.d/", "/etc/otj/secrets"),
            (".", "./../secrets"),
            ("my rooms/otj.d", "'my rooms/secrets'"),
            ("it's/otj.d", r"'it'\''s/secrets'"),
        ] {
            assert_eq!(quoted(&beside(Path::new(directory), "secrets")), secrets, "{directory}");
        }
    }
}
