//! Directories and files that only their owner may read: the data directory, the key, the tokens.
//!
//! In: a path. Out: proof by the file's mode that nobody else can read it, or a refusal that names the command to run.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use ring::rand::SecureRandom as _;
use zeroize::Zeroizing;

use super::StoreError;

/// Largest key or token file that is read.
const FILE_BYTES_MAX: u64 = 64 * 1024;

/// Makes the data directory with mode 0700, or checks that the one there is closed to others.
///
/// # Errors
/// [`StoreError::Exposed`] when others can read it; otherwise when it cannot be made.
pub fn data_dir(path: &Path) -> Result<(), StoreError> {
    let what = || format!("the data directory {} cannot be used", path.display());
    if !path.exists() {
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(StoreError::io(what()))?;
    }
    let found = std::fs::metadata(path).map_err(StoreError::io(what()))?;
    if !found.is_dir() {
        return Err(StoreError::io(what())(std::io::ErrorKind::NotADirectory.into()));
    }
    closed(path, found.mode())
}

/// The bytes of `path`, a file in our data directory; where there is none, it is made with mode 0600 and what `make` gives.
///
/// # Errors
/// [`StoreError::Exposed`] when others can read it; otherwise when it cannot be read or made.
pub fn load_or_create(
    path: &Path,
    make: impl FnOnce() -> Result<Vec<u8>, StoreError>,
) -> Result<Zeroizing<Vec<u8>>, StoreError> {
    if !path.exists() {
        create(path, &Zeroizing::new(make()?))?;
    }
    let (bytes, mode) = read(path)?;
    closed(path, mode)?;
    Ok(bytes)
}

/// The bytes of `path`, a file the operator named. Mounted secrets often carry wide modes, so these only warn.
///
/// # Errors
/// When it cannot be read.
pub fn load_given(path: &Path) -> Result<Zeroizing<Vec<u8>>, StoreError> {
    let (bytes, mode) = read(path)?;
    if closed(path, mode).is_err() {
        tracing::warn!(path = %path.display(), "Others than its owner can read this file.");
    }
    Ok(bytes)
}

/// `N` bytes of the system's randomness.
///
/// # Errors
/// When the system has none.
pub fn random<const N: usize>() -> Result<[u8; N], StoreError> {
    let mut bytes = [0; N];
    ring::rand::SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| StoreError::io("the system gives no random bytes")(std::io::ErrorKind::Other.into()))?;
    Ok(bytes)
}

/// Refuses what the group or others may read, write or enter.
fn closed(path: &Path, mode: u32) -> Result<(), StoreError> {
    if mode & 0o077 == 0 { Ok(()) } else { Err(StoreError::Exposed(path.to_owned())) }
}

fn read(path: &Path) -> Result<(Zeroizing<Vec<u8>>, u32), StoreError> {
    let what = || format!("{} cannot be read", path.display());
    let file = File::open(path).map_err(StoreError::io(what()))?;
    let mode = file.metadata().map_err(StoreError::io(what()))?.mode();
    let mut bytes = Zeroizing::new(Vec::new());
    file.take(FILE_BYTES_MAX).read_to_end(&mut bytes).map_err(StoreError::io(what()))?;
    Ok((bytes, mode))
}

/// Writes beside the place and links it there, so that a crash leaves a whole file or none, and of two starts at once
/// the first wins.
fn create(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let what = || format!("{} cannot be made", path.display());
    let beside = beside(path)?;
    let mut file =
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside).map_err(StoreError::io(what()))?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all()).and_then(|()| std::fs::hard_link(&beside, path));
    let removed = std::fs::remove_file(&beside);
    match written {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
        other => other.map_err(StoreError::io(what()))?,
    }
    removed.and_then(|()| sync_parent(path)).map_err(StoreError::io(what()))
}

fn beside(path: &Path) -> Result<PathBuf, StoreError> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}", crate::model::names::base32(&random::<5>()?)));
    Ok(path.with_file_name(name))
}

/// A new name is on disk only once its directory is.
pub(super) fn sync_parent(path: &Path) -> std::io::Result<()> {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => File::open(parent)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().mode() & 0o777
    }

    #[test]
    fn a_made_directory_and_file_are_closed_to_others_and_kept() {
        let scratch = tempfile::tempdir().unwrap();
        let dir = scratch.path().join("var/data");
        data_dir(&dir).unwrap();
        assert_eq!(mode(&dir), 0o700);
        let token = dir.join("admin.token");
        let first = load_or_create(&token, || Ok(b"first".to_vec())).unwrap();
        let again = load_or_create(&token, || Ok(b"second".to_vec())).unwrap();
        assert_eq!((first.as_slice(), again.as_slice(), mode(&token)), (&b"first"[..], &b"first"[..], 0o600));
        assert_eq!(std::fs::read_dir(&dir).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn what_others_can_read_is_refused_with_the_command_that_mends_it() {
        let scratch = tempfile::tempdir().unwrap();
        let token = scratch.path().join("admin.token");
        load_or_create(&token, || Ok(b"first".to_vec())).unwrap();
        std::fs::set_permissions(&token, std::fs::Permissions::from_mode(0o640)).unwrap();
        let refused = load_or_create(&token, || Ok(Vec::new())).unwrap_err().to_string();
        assert_eq!(refused, format!("others than its owner can read {0}; run `chmod go= {0}`", token.display()));
        assert!(load_given(&token).is_ok(), "a file the operator named only warns");

        std::fs::set_permissions(scratch.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        assert!(matches!(data_dir(scratch.path()), Err(StoreError::Exposed(_))));
    }
}
