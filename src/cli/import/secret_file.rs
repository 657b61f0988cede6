//! The file that imported and made-up secrets go to. In: its path and entries. Out: the file, mode 0600, replaced in one move; it is
//! refused where git would take it along, or where a node would take it for a document.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use crate::import::secrets::{self, SecretEntry};
use crate::model::Secret;

/// Name of the file in references, where none is given.
pub(super) const DEFAULT_NAME: &str = "endpoint-passwords.yaml";

/// A file of secrets, as it was found.
pub(super) struct SecretFile {
    path: PathBuf,
    held: BTreeMap<String, Secret>,
}

impl SecretFile {
    /// Reads the file; one that is not there is empty.
    pub(super) fn open(path: &Path, directory: &Path) -> anyhow::Result<Self> {
        refuse_in_git(path)?;
        let (own, config) = (absolute(path)?, absolute(directory)?);
        if own.starts_with(&config) {
            bail!(
                "{} lies in the configuration directory; name a file in a --secret-dir outside of it",
                path.display()
            );
        }
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error).with_context(|| format!("{} cannot be read", path.display())),
        };
        let held = secrets::read(&text).with_context(|| format!("{} cannot be added to", path.display()))?;
        Ok(Self { path: path.to_owned(), held })
    }

    /// What references name: the path below the secret directory it lies in, else its name alone.
    pub(super) fn reference(path: &Path, secret_dirs: &[PathBuf]) -> String {
        let own = absolute(path).unwrap_or_else(|_| path.to_owned());
        let below = secret_dirs.iter().filter_map(|directory| own.strip_prefix(absolute(directory).ok()?).ok()).next();
        let name = below.or_else(|| path.file_name().map(Path::new)).unwrap_or(Path::new(DEFAULT_NAME));
        name.to_string_lossy().into_owned()
    }

    /// Whether it has a value for this name.
    pub(super) fn holds(&self, key: &str) -> bool {
        self.held.contains_key(key)
    }

    /// Takes over the values of entries. A password that was made up gives way to one that is there.
    pub(super) fn take(&mut self, entries: &[SecretEntry]) {
        for entry in entries {
            if let Some(value) = &entry.value
                && !(entry.generated && self.held.contains_key(&entry.key))
            {
                self.held.insert(entry.key.clone(), value.clone());
            }
        }
    }

    /// Writes it.
    pub(super) fn write(&self) -> anyhow::Result<()> {
        write_private(&self.path, secrets::write(&self.held).expose().as_bytes())
    }
}

/// Writes a file that its owner alone may read, in one move.
pub(in crate::cli) fn write_private(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let aside = path.with_file_name(format!(".{name}.{}.tmp", std::process::id()));
    let written = || -> std::io::Result<()> {
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&aside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&aside, path)
    };
    written().or_else(|error| {
        let _ = std::fs::remove_file(&aside);
        Err(error).with_context(|| format!("{} cannot be written", path.display()))
    })
}

/// Refuses a path inside of a git work tree, unless git ignores it.
pub(in crate::cli) fn refuse_in_git(path: &Path) -> anyhow::Result<()> {
    let path = absolute(path)?;
    let Some(work_tree) = path.ancestors().skip(1).find(|directory| directory.join(".git").exists()) else {
        return Ok(());
    };
    let ignored = std::process::Command::new("git")
        .arg("-C")
        .arg(work_tree)
        .args(["check-ignore", "--quiet", "--"])
        .arg(&path)
        .stderr(std::process::Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !ignored {
        bail!(
            "{} lies in a git work tree, which would take the secrets along; name another place, or let git ignore it",
            path.display()
        );
    }
    Ok(())
}

/// Absolute, links of the part that exists followed.
fn absolute(path: &Path) -> anyhow::Result<PathBuf> {
    let path = std::path::absolute(path).with_context(|| format!("`{}` is no path", path.display()))?;
    let there = path.ancestors().find_map(|part| Some((part, part.canonicalize().ok()?)));
    Ok(match there {
        Some((part, real)) => real.join(path.strip_prefix(part).unwrap_or(Path::new(""))),
        None => path,
    })
}
