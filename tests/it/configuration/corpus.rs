//! `tests/lint/NAME`: wrong directories, each with what must be found in a file called `expected`.
//! `OTJ_UPDATE=1 cargo nextest run corpus` writes them anew; read the difference.

use std::path::Path;

use otj::config::LoadOptions;
use otj::diagnostic::{json, text};

use super::{CANARY, listed, loaded, read};

#[test]
#[expect(clippy::disallowed_methods, reason = "OTJ_UPDATE is how snapshots are renewed")]
fn every_wrong_directory_gives_its_findings_and_no_secret() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lint");
    let mut names: Vec<_> = std::fs::read_dir(&corpus).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    assert!(names.len() >= 150, "the corpus is gone");
    let mut wrong = vec![];
    for directory in names {
        let expected = std::fs::read_to_string(directory.join("expected")).unwrap();
        let (options, lines) = match expected.split_once('\n') {
            Some((first, rest)) if first.starts_with('#') => (first, rest),
            _ => ("# otj lint --allow-inline-secrets", expected.as_str()),
        };
        let options = LoadOptions {
            allow_inline_secrets: options.contains("--allow-inline-secrets"),
            check_secrets: options.contains("--check-secrets"),
            ..LoadOptions::default()
        };
        let snapshot = read(&directory);
        let loaded = loaded(&snapshot, &options);
        let shown = text::render(&loaded.diagnostics, |path| snapshot.text_of(path), false);
        let stored = json::render(&loaded.diagnostics).to_string();
        for output in [&shown, &stored, &format!("{loaded:?}")] {
            assert!(!output.contains(CANARY), "{} shows a secret:\n{output}", directory.display());
        }
        let stopped = loaded.diagnostics.iter().any(otj::diagnostic::Diagnostic::stops_loading);
        assert_eq!(loaded.desired.is_none(), stopped, "{}", directory.display());
        let found = listed(&directory.display().to_string(), &loaded.diagnostics);
        if found != lines {
            wrong.push(format!("{}: expected\n{lines}found\n{found}{shown}", directory.display()));
            if std::env::var("OTJ_UPDATE").is_ok() {
                let head = if expected.starts_with('#') {
                    expected.lines().next().unwrap().to_owned() + "\n"
                } else {
                    String::new()
                };
                std::fs::write(directory.join("expected"), head + &found).unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
