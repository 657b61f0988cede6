//! The page of every code: its wrong example gives the code on the line marked `# <-- here`, with the effect the page names; its
//! right example gives nothing but what is not in effect yet.
//!
//! An example stands beside a small directory (integration `calendars`, profile `hq`, group `oslo`, endpoint `fjord`) from which
//! a document of the same name is left out. A block in `sh` is run in the parent of `otj.d` instead of being written into it. A
//! text block has the name of its file above it, between backticks; without one it is `a.yaml`.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use otj::config::files::{self, ReadOptions};
use otj::config::{LoadOptions, Snapshot};
use otj::diagnostic::codes::{self, Effect, Page};
use otj::diagnostic::{Diagnostic, text};

use super::{CANARY, loaded};

const MARK: &str = " # <-- here";

const BESIDE: [(&str, &str); 4] = [
    ("calendars", "kind: IcsIntegration\nmetadata: {name: calendars}\nspec: {directory: calendars}\n"),
    ("hq", "kind: Profile\nmetadata: {name: hq}\nspec: {integration: calendars}\n"),
    ("oslo", "kind: EndpointGroup\nmetadata: {name: oslo}\nspec: {profile: hq}\n"),
    (
        "fjord",
        "kind: Endpoint\nmetadata: {name: fjord}\nspec:\n  group: oslo\n  roomEmail: fjord@example.com\n  \
         poly: {username: fjord, password: {file: fjord.password}}\n",
    ),
];

/// A file of an example, or a script.
struct Block {
    file: String,
    script: bool,
    text: String,
}

fn blocks(page: &Page, heading: &str) -> Vec<Block> {
    let part = page.text.split(&format!("\n## {heading}\n")).nth(1).unwrap().split("\n## ").next().unwrap();
    let (mut blocks, mut file, mut open): (Vec<Block>, _, Option<Block>) = (vec![], "a.yaml".to_owned(), None);
    for line in part.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(block), None) => block.text.push_str(&format!("{line}\n")),
            (None, Some(language)) => {
                open = Some(Block { file: file.clone(), script: language == "sh", text: String::new() });
            }
            (None, None) if line.starts_with('`') => file = line.trim_matches('`').to_owned(),
            (None, None) => {}
        }
    }
    assert!(open.is_none() && !blocks.is_empty(), "{}: {heading} has no example", page.code);
    blocks
}

/// The directory of an example.
fn directory(blocks: &[Block]) -> tempfile::TempDir {
    let scratch = tempfile::tempdir().unwrap();
    let root = scratch.path().join("otj.d");
    std::fs::create_dir(&root).unwrap();
    for (name, document) in BESIDE {
        if !blocks.iter().any(|block| block.text.contains(&format!("metadata: {{name: {name}}}"))) {
            std::fs::write(root.join(format!("beside-{name}.yaml")), format!("apiVersion: otj/v1\n{document}"))
                .unwrap();
        }
    }
    std::fs::write(root.join("fjord.password"), "a password nobody else has").unwrap();
    for block in blocks {
        if block.script {
            let done = Command::new("sh").args(["-euc", &block.text]).current_dir(scratch.path()).status().unwrap();
            assert!(done.success(), "{}", block.text);
        } else {
            let path = root.join(&block.file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, block.text.replace(MARK, "")).unwrap();
        }
    }
    scratch
}

fn found(page: &Page, heading: &str) -> (Vec<Block>, Snapshot, Vec<Diagnostic>) {
    let blocks = blocks(page, heading);
    let scratch = directory(&blocks);
    let options = ReadOptions { git_lock_ignored: true, ..ReadOptions::default() };
    let snapshot = files::read(&[scratch.path().join("otj.d")], options).unwrap();
    let check_secrets = page.text.contains("`--check-secrets` alone");
    let findings = loaded(&snapshot, &LoadOptions { check_secrets, ..LoadOptions::default() }).diagnostics;
    (blocks, snapshot, findings)
}

#[test]
fn every_wrong_example_gives_its_code_on_the_marked_line() {
    let mut wrong = vec![];
    for page in codes::all() {
        let (blocks, snapshot, findings) = found(page, "Wrong");
        let shown = text::render(&findings, |path| snapshot.text_of(path), false);
        let marked = blocks.iter().filter(|block| !block.script).flat_map(|block| {
            let lines = block.text.lines().enumerate().filter(|(_, line)| line.contains(MARK));
            lines.map(|(at, _)| (format!("otj.d/{}", block.file), at + 1))
        });
        let marked: Vec<_> = marked.collect();
        let own: Vec<_> = findings.iter().filter(|finding| finding.code == page.code).collect();
        let places: Vec<_> = own.iter().map(|it| (&it.place.file, it.place.line)).collect();
        let as_marked = marked.len() == places.len()
            && marked
                .iter()
                .zip(&places)
                .all(|((file, line), place)| place.0.ends_with(file.as_str()) && place.1 == *line);
        let script = blocks.iter().any(|block| block.script);
        if own.is_empty() || !(script || as_marked) || !own.iter().all(|finding| page.effect.is_of(finding)) {
            wrong.push(format!("{}: marked {marked:?}, {:?}, found\n{shown}", page.code, page.effect));
        }
        // Warnings of a page are seen alone, but for one that an example names; a syntax error may be followed by what it left unread.
        let named = |code: &str| blocks.iter().any(|block| block.text.contains(code));
        let other = |it: &&Diagnostic| it.code != page.code && !it.code.starts_with("OTJ9") && !named(it.code);
        let others = findings.iter().filter(other).count();
        if others > 0 && page.effect != Effect::StopsLoading {
            wrong.push(format!("{}: more than its own is found\n{shown}", page.code));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_right_example_is_right() {
    let mut wrong = vec![];
    for page in codes::all() {
        let (_, snapshot, mut findings) = found(page, "Right");
        findings.retain(|finding| finding.code == page.code || !finding.code.starts_with("OTJ9"));
        if !findings.is_empty() {
            let shown = text::render(&findings, |path| snapshot.text_of(path), false);
            wrong.push(format!("{}:\n{shown}", page.code));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_code_that_is_found_has_a_page_and_every_page_a_finder() {
    let mut used = BTreeSet::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") && !path.ends_with("diagnostic/codes.rs") {
                let source = std::fs::read_to_string(path).unwrap();
                let source = source.split("#[cfg(test)]").next().unwrap();
                used.extend(source.match_indices("\"OTJ").filter_map(|(at, _)| {
                    let code = source.get(at + 1..at + 7)?;
                    code[3..].bytes().all(|digit| digit.is_ascii_digit()).then_some(())?;
                    (source.as_bytes().get(at + 7) == Some(&b'"')).then(|| code.to_owned())
                }));
            }
        }
    }
    let pages: BTreeSet<String> = codes::all().iter().map(|page| page.code.to_owned()).collect();
    assert_eq!(used.difference(&pages).collect::<Vec<_>>(), Vec::<&String>::new(), "codes without a page");
    assert_eq!(pages.difference(&used).collect::<Vec<_>>(), Vec::<&String>::new(), "pages without a finder");
}

#[test]
fn no_page_shows_the_secret_of_the_tests() {
    assert!(codes::all().iter().all(|page| !page.text.contains(CANARY)));
}
