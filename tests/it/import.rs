//! Other systems' configuration in, directories out, and back: the verbs `otj import`, `otj export` and `otj init`.

mod csv;
mod pexip;

use std::path::Path;
use std::process::{Command, Output};

/// Secrets of tests carry this, and nothing but the secrets file may.
const CANARY: &str = "hunter2-canary";

/// Exit code, stdout, stderr.
type Said = (i32, String, String);

/// Runs otj in `dir`.
fn otj(dir: &Path, arguments: &[&str]) -> Said {
    let Output { status, stdout, stderr } =
        Command::new(env!("CARGO_BIN_EXE_otj")).args(arguments).current_dir(dir).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

/// A directory with files.
fn home(files: &[(&str, &str)]) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = home.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    home
}

fn read(home: &tempfile::TempDir, path: &str) -> String {
    std::fs::read_to_string(home.path().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}
