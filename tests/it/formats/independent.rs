//! The schema under `schema/`, judged by another validator (check-jsonschema): its verdict on every document of every example and
//! every wrong directory is ours. Both read the YAML themselves.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output};

use otj::config::files::{self, ReadOptions};
use otj::config::{LoadOptions, SecretOptions, Secrets, load, schema};
use serde_json::Value;

use super::{right_directories, wrong_directories};
use crate::python::{interpreter, root};

/// Codes of findings that the envelope and the schema alone give.
const BY_SCHEMA: [&str; 6] = ["OTJ007", "OTJ008", "OTJ009", "OTJ201", "OTJ204", "OTJ205"];

/// Codes of findings that the schema may give too: unions, and fields that a rule's type needs.
const BESIDE_SCHEMA: [&str; 8] = ["OTJ202", "OTJ203", "OTJ206", "OTJ207", "OTJ301", "OTJ302", "OTJ306", "OTJ402"];

/// One document, as it stands in its file.
struct Written {
    file: String,
    number: usize,
    text: String,
    fits: bool,
}

/// The documents of a file that are YAML with a value; faults of YAML itself are no matter of the schema.
fn documents(file: &str, text: &str) -> Vec<Written> {
    let mut chunks = vec![String::new()];
    for line in text.lines() {
        if line == "---" || line.starts_with("--- ") {
            chunks.push(String::new());
        }
        let chunk = chunks.last_mut().unwrap();
        chunk.push_str(line);
        chunk.push('\n');
    }
    let written = chunks.into_iter().enumerate().filter_map(|(number, text)| {
        let value: Value = serde_yaml::from_str(&text).ok().filter(|value: &Value| !value.is_null())?;
        Some(Written { file: file.to_owned(), number, fits: schema::fits(&value), text })
    });
    written.collect()
}

fn check_jsonschema(arguments: &[&str], files: &[String], directory: &Path) -> Output {
    let program = interpreter().with_file_name("check-jsonschema");
    assert!(program.exists(), "{} is missing: run `ci/test` once, which installs it", program.display());
    Command::new(program).args(arguments).args(files).current_dir(directory).output().unwrap()
}

#[test]
fn another_validator_takes_our_schemas_for_schemas() {
    let mut names: Vec<String> = schema::COMMITTED.iter().map(|(name, _)| (*name).to_owned()).collect();
    let output = check_jsonschema(&["--check-metaschema"], &names, &root("schema"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    names.sort();
    let mut there: Vec<_> =
        std::fs::read_dir(root("schema")).unwrap().map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
    there.sort();
    assert_eq!(names, there);
}

#[test]
fn another_validator_gives_our_verdict_on_every_document() {
    let (mut written, mut missed) = (vec![], vec![]);
    for directory in wrong_directories().into_iter().chain(right_directories()) {
        let snapshot = files::read(&[directory], ReadOptions::default()).unwrap();
        let mut secrets = Secrets::live(SecretOptions { directories: vec![], data_dir: None });
        let found = load(&snapshot, &mut secrets, &LoadOptions::default()).diagnostics;
        for file in &snapshot.files {
            let own: BTreeSet<&str> =
                found.iter().filter(|it| it.place.file == file.path).map(|finding| finding.code).collect();
            // A file that is no YAML is not looked at further; a key that stands twice is for the schema whatever came last.
            if own.iter().any(|code| *code < "OTJ007") {
                continue;
            }
            let documents = documents(&file.path, file.text());
            let refused = documents.iter().any(|document| !document.fits);
            let told = own.iter().any(|code| BY_SCHEMA.contains(code) || BESIDE_SCHEMA.contains(code));
            if refused && !told || !refused && own.iter().any(|code| BY_SCHEMA.contains(code)) {
                missed.push(format!("{}: the schema and `otj lint` disagree: {own:?}", file.path));
            }
            written.extend(documents);
        }
    }
    assert_eq!(missed, Vec::<String>::new());
    let refused: BTreeSet<usize> = (0..written.len()).filter(|index| !written[*index].fits).collect();
    assert!(refused.len() >= 20 && written.len() >= 150, "{} of {}", refused.len(), written.len());

    let directory = tempfile::tempdir().unwrap();
    let name = |index: usize| format!("{index:05}.yaml");
    for (index, document) in written.iter().enumerate() {
        std::fs::write(directory.path().join(name(index)), &document.text).unwrap();
    }
    let schema = root("schema/otj.schema.json");
    // Formats (of times, say) are checked by code of ours, with a code of their own.
    let arguments = ["--schemafile", schema.to_str().unwrap(), "--disable-formats", "*", "--output-format", "json"];
    let names: Vec<String> = (0..written.len()).map(name).collect();
    let output = check_jsonschema(&arguments, &names, directory.path());
    let verdict: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("{error}: {}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
    });
    let faults = ["errors", "parse_errors"].into_iter().flat_map(|key| verdict[key].as_array().into_iter().flatten());
    let theirs: BTreeSet<usize> =
        faults.map(|fault| fault["filename"].as_str().unwrap()[..5].parse().unwrap()).collect();
    let differ: Vec<String> = theirs
        .symmetric_difference(&refused)
        .map(|index| {
            let Written { file, number, fits, .. } = &written[*index];
            format!("{file}, document {}: we {}, they do not", number + 1, if *fits { "accept" } else { "refuse" })
        })
        .collect();
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}
