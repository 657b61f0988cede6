//! The Python that plays counterparties and checkers; `ci/test` fills it from `ci/requirements.txt`.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A file of the repository.
pub(crate) fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The interpreter.
pub(crate) fn interpreter() -> PathBuf {
    let given = std::env::var_os("OTJ_TEST_PYTHON").map(PathBuf::from);
    let python = given.unwrap_or_else(|| root("target/py/bin/python"));
    assert!(
        python.exists(),
        "{} is missing: run `ci/test` once, which installs it, or set OTJ_TEST_PYTHON",
        python.display()
    );
    python
}

/// A script, ready for arguments.
pub(crate) fn script(path: &str) -> Command {
    let mut command = Command::new(interpreter());
    command.arg(root(path));
    command
}

/// Runs a script on JSON and reads the JSON it prints.
pub(crate) fn ask(mut script: Command, input: &serde_json::Value) -> serde_json::Value {
    let mut child = script.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let bytes = serde_json::to_vec(input).unwrap();
    // The script may fail before it reads; what it says then is shown below.
    let _ = child.stdin.take().unwrap().write_all(&bytes);
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n(a missing module: run `ci/test` once, which installs it)");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {said}"))
}
