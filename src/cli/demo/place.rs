//! Where the demo lives: documents, secrets, calendars, store. In: `--dir`, or nothing for a directory that goes away. Out: the
//! files, written the way a person would write them, readable by their owner alone.

use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::calendar::{Calendars, ROOMS};
use crate::listen::self_signed;
use crate::model::Secret;
use crate::model::names::base32;
use crate::store::private;

/// The documents, by name.
const DOCUMENTS: [(&str, &str); 4] = [
    ("calendars.yaml", include_str!("calendars.yaml")),
    ("oslo.yaml", include_str!("oslo.yaml")),
    ("rules.yaml", include_str!("rules.yaml")),
    ("tests/invitations.yaml", include_str!("invitations.yaml")),
];
/// How `oslo.yaml` names the codec's port.
const CODEC_PORT: &str = "port: 443 ";

/// The demo's directory; dropped, it goes away unless it is kept.
#[derive(Debug)]
pub(in crate::cli) struct Place {
    /// The directory.
    pub(super) root: PathBuf,
    /// Whether it stays.
    pub(super) kept: bool,
}

/// What the devices of the demo sign in with, and the certificate of the Poly server.
pub(super) struct Passwords {
    /// otj's, on the codec.
    pub(super) codec: Secret,
    /// The Poly endpoint's, on otj.
    pub(super) poly: Secret,
    /// PEM.
    pub(super) certificate: String,
}

impl Place {
    /// A new directory.
    ///
    /// # Errors
    /// When `dir` holds something already, or cannot be made.
    pub(in crate::cli) fn new(dir: Option<&Path>) -> anyhow::Result<Self> {
        let kept = dir.is_some();
        let root = match dir {
            Some(dir) => std::path::absolute(dir)?,
            None => std::env::temp_dir().join(format!("otj-demo-{}", base32(&private::random::<5>()?))),
        };
        let made = std::fs::DirBuilder::new().recursive(kept).mode(0o700).create(&root);
        made.with_context(|| format!("the demo cannot make {}", root.display()))?;
        let mut there = std::fs::read_dir(&root).with_context(|| format!("{} cannot be read", root.display()))?;
        anyhow::ensure!(
            there.next().is_none(),
            "{} is not empty; give a directory that is, or that does not exist yet",
            root.display()
        );
        Ok(Self { root, kept })
    }

    /// Writes documents and secrets.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub(super) fn furnish(&self, codec_port: u16) -> anyhow::Result<Passwords> {
        for (name, text) in DOCUMENTS {
            let port = format!("port: {codec_port} ");
            self.write(&format!("otj.d/{name}"), &text.replace(CODEC_PORT, &port))?;
        }
        let password = || private::random::<15>().map(|bytes| base32(&bytes));
        let (codec, poly) = (password()?, password()?);
        self.write("secrets/cisco-password", &format!("{codec}\n"))?;
        self.write("secrets/poly.yaml", &format!("vik: {poly}\n"))?;
        let (certificate, key) = self_signed(&["127.0.0.1".to_owned(), "localhost".to_owned()])?;
        self.write("secrets/poly.crt", &certificate)?;
        self.write("secrets/poly.key", key.expose())?;
        Ok(Passwords { codec: Secret::new(codec), poly: Secret::new(poly), certificate })
    }

    /// Writes more files, by name.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub(in crate::cli) fn add(&self, files: &[(String, String)]) -> anyhow::Result<()> {
        files.iter().try_for_each(|(name, text)| self.write(name, text))
    }

    /// Writes both rooms' calendars.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub(super) fn write_calendars(&self, calendars: &Calendars) -> anyhow::Result<()> {
        ROOMS.iter().try_for_each(|room| self.write(&calendar_file(room), &calendars.file_of(room)))
    }

    /// Leaves half a calendar, as an upload that was cut off does.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) fn cut_calendar(&self, calendars: &Calendars, room: &str) -> anyhow::Result<()> {
        let whole = calendars.file_of(room);
        let half: String = whole.chars().take(whole.chars().count() / 2).collect();
        self.write(&calendar_file(room), &half)
    }

    /// A file to append to.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(super) fn log(&self) -> anyhow::Result<std::fs::File> {
        let path = self.root.join("otj.log");
        let opened = std::fs::OpenOptions::new().create_new(true).append(true).mode(0o600).open(&path);
        opened.with_context(|| format!("{} cannot be made", path.display()))
    }

    /// Puts a whole file in place at once, so that nobody reads half of it.
    fn write(&self, name: &str, text: &str) -> anyhow::Result<()> {
        let path = self.root.join(name);
        let parent = path.parent().context("every file of the demo has a directory")?;
        let new = path.with_extension("new");
        let written = || {
            std::fs::DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
            let mut options = std::fs::OpenOptions::new();
            options.write(true).create(true).truncate(true).mode(0o600).open(&new)?.write_all(text.as_bytes())?;
            std::fs::rename(&new, &path)
        };
        written().with_context(|| format!("{} cannot be written", path.display()))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !self.kept {
            // What cannot be removed lies in the system's directory for such things.
            let _ = std::fs::remove_dir_all(&self.root);
        }
    }
}

fn calendar_file(room: &str) -> String {
    format!("otj.d/calendars/{room}.ics")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codecs_port_stands_in_the_documents_once() {
        let count: usize = DOCUMENTS.iter().map(|(_, text)| text.matches(CODEC_PORT).count()).sum();
        assert_eq!(count, 1);
    }

    #[test]
    fn a_directory_that_holds_something_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("mine"), "x").unwrap();
        let refused = Place::new(Some(dir.path())).unwrap_err().to_string();
        assert!(refused.contains("is not empty"), "{refused}");
        let place = Place::new(None).unwrap();
        let root = place.root.clone();
        assert!(root.is_dir());
        drop(place);
        assert!(!root.exists());
    }
}
