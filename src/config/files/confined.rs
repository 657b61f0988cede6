//! Opening files whose names come from outside: regular files only, within a size, and never through a pipe that blocks.

use std::fmt;
use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::model::Digest;

/// Why a file was not read. The texts name no content.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ReadFault {
    /// The system's reason, in our words.
    System(String),
    /// A directory, a pipe, a device.
    NotRegular,
    /// Larger than permitted.
    TooLarge,
}

impl fmt::Display for ReadFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System(reason) => f.write_str(reason),
            Self::NotRegular => f.write_str("it is not a regular file"),
            Self::TooLarge => f.write_str("it is too large"),
        }
    }
}

/// A system error without its number.
pub(super) fn plain(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "it does not exist".to_owned(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => {
            let text = error.to_string().to_lowercase();
            text.split(" (os error").next().unwrap_or_default().to_owned()
        }
    }
}

/// Reads a regular file of at most `limit` bytes. Opened without blocking, so that a pipe put in its place stops nobody.
pub(super) fn read_regular(path: &Path, limit: u64) -> Result<Vec<u8>, ReadFault> {
    let system = |error: std::io::Error| ReadFault::System(plain(&error));
    let nonblock = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or(0);
    let file = File::options().read(true).custom_flags(nonblock).open(path).map_err(system)?;
    let state = file.metadata().map_err(system)?;
    if !state.is_file() {
        return Err(ReadFault::NotRegular);
    }
    if state.len() > limit {
        return Err(ReadFault::TooLarge);
    }
    let mut bytes = Vec::with_capacity(usize::try_from(state.len()).unwrap_or(0));
    file.take(limit + 1).read_to_end(&mut bytes).map_err(system)?;
    if bytes.len() as u64 > limit { Err(ReadFault::TooLarge) } else { Ok(bytes) }
}

/// Whether a resolved path lies below `root` or its parent. A parent that is the whole file system permits nothing more.
pub(super) fn below_root_or_parent(real: &Path, root: &Path) -> bool {
    let parent = root.parent().filter(|parent| parent.parent().is_some());
    real.starts_with(root) || parent.is_some_and(|parent| real.starts_with(parent))
}

/// Most entries that a fingerprint looks at; beyond, changes are still noticed by what reads the directory.
const FINGERPRINT_MAX: usize = 200_000;

/// Digest of what stands below `paths`, from names, inodes, sizes and change times alone: it differs when a look is worth it.
/// Links are followed. Calendars (`.ics`) are watched by those who read them, and left out.
#[must_use]
pub fn fingerprint(paths: &[PathBuf]) -> Digest {
    let mut lines = vec![];
    for path in paths {
        let mut todo = vec![(path.clone(), 0)];
        while let Some((path, depth)) = todo.pop() {
            if lines.len() > FINGERPRINT_MAX {
                break;
            }
            let Ok(state) = fs::metadata(&path) else { continue };
            let real = path.canonicalize().unwrap_or_default();
            lines.push(format!(
                "{}\0{}\0{} {} {} {}.{}",
                path.display(),
                real.display(),
                state.dev(),
                state.ino(),
                if state.is_dir() { 0 } else { state.len() },
                state.mtime(),
                state.mtime_nsec()
            ));
            if state.is_dir() && depth < 16 {
                let names = fs::read_dir(&path).into_iter().flatten().flatten().map(|entry| entry.file_name());
                let worth = |name: &std::ffi::OsString| {
                    let name = name.to_string_lossy();
                    name == "..data" || name == ".otjignore" || !(name.starts_with('.') || name.ends_with(".ics"))
                };
                todo.extend(names.filter(worth).map(|name| (path.join(name), depth + 1)));
            }
        }
    }
    lines.sort_unstable();
    Digest::of(lines.iter().map(String::as_bytes))
}
