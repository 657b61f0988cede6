//! What other programs read of us, judged by those programs or their published schemas.

mod ci_files;
mod editor;
mod findings;
mod independent;
mod rule_tests;
mod shells;

use std::path::PathBuf;
use std::process::{Command, Output};

use crate::python::root;

/// Secrets of tests carry this, and nothing that is printed may.
const CANARY: &str = "hunter2-canary";

/// The program, in the repository.
fn otj(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_otj")).args(arguments).current_dir(root("")).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// The directories below `tests/lint`, sorted.
fn wrong_directories() -> Vec<PathBuf> {
    let mut found: Vec<_> = std::fs::read_dir(root("tests/lint")).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    assert!(found.len() >= 40, "the corpus is gone");
    found
}

/// The directories people start from.
fn right_directories() -> Vec<PathBuf> {
    let topics = std::fs::read_dir(root("examples")).unwrap().map(|topic| topic.unwrap().path().join("otj.d"));
    let mut found: Vec<_> = topics.filter(|directory| directory.is_dir()).collect();
    found.push(root("otj.d"));
    found.sort();
    found
}
