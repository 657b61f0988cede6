//! Texts that were never meant to be read: torn, deep, multiplying, huge.

use otj::config::{LoadOptions, Snapshot};
use otj::diagnostic::text;

use super::{CANARY, loaded};

#[path = "../../fuzz/mutate.rs"]
mod mutate;

fn codes(text: &str) -> Vec<&'static str> {
    let snapshot = Snapshot::of_texts(&[("a.yaml", text)]);
    loaded(&snapshot, &LoadOptions::default()).diagnostics.iter().map(|finding| finding.code).collect()
}

#[test]
fn documents_that_grow_without_bound_are_refused() {
    let brackets = "[".repeat(200_000);
    let maps: String = (0..200).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
    let flow = "{a: ".repeat(100_000);
    let bomb = (1..30).fold("a0: &a0 [x,x,x,x,x,x,x,x,x]\n".to_owned(), |text, level| {
        format!("{text}a{level}: &a{level} [{}]\n", vec![format!("*a{}", level - 1); 9].join(","))
    });
    let merges = (1..30).fold("a0: &a0 {x: 1}\n".to_owned(), |text, level| {
        format!("{text}a{level}: &a{level} {{<<: [{0}, {0}], y: [{0}, {0}]}}\n", format!("*a{}", level - 1))
    });
    for (name, text) in [("brackets", brackets), ("maps", maps), ("flow", flow), ("bomb", bomb), ("merges", merges)] {
        assert_eq!(codes(&text), ["OTJ005"], "{name}");
    }
}

#[test]
fn files_beyond_the_limits_are_findings() {
    let directory = tempfile::tempdir().unwrap();
    let file = std::fs::File::create(directory.path().join("huge.yaml")).unwrap();
    file.set_len((16 << 20) + 1).unwrap();
    for part in 0..5 {
        let file = std::fs::File::create(directory.path().join(format!("part{part}.yaml"))).unwrap();
        file.set_len(15 << 20).unwrap();
    }
    let snapshot = super::read(directory.path());
    let found = super::listed(&directory.path().display().to_string(), &snapshot.findings);
    assert_eq!(found, "OTJ003 huge.yaml:1\nOTJ003 part4.yaml:1\n");
}

#[test]
fn a_file_torn_anywhere_is_a_finding_and_never_a_panic_or_a_leak() {
    let whole = format!(
        "apiVersion: otj/v1\nkind: Endpoint\nmetadata: {{name: \"fjörd\", labels: {{floor: '4'}}}}\nspec:\n  roomEmail: a@b.example\n  \
         cisco:\n    address: 10.0.0.7\n    username: otj\n    password: {{value: \"{CANARY}\"}}\n    serial: x # note\n---\n\
         password: &p |\n  {CANARY}\n  {CANARY}\nother: *p\n"
    );
    let cuts = whole.char_indices().map(|(at, _)| at);
    for cut in cuts {
        for text in
            [whole[..cut].to_owned(), whole[cut..].to_owned(), format!("{}\t{{{}", &whole[..cut], &whole[cut..])]
        {
            let snapshot = Snapshot::of_texts(&[("a.yaml", &text)]);
            let loaded = loaded(&snapshot, &LoadOptions::default());
            let shown = text::render(&loaded.diagnostics, |path| snapshot.text_of(path), false);
            // A text that begins inside of the secret has no word before it that would tell.
            let begins_inside =
                text.find(CANARY).is_some_and(|at| !text[..at].contains("val") && !text[..at].contains("pass"));
            assert!(begins_inside || !shown.contains(CANARY), "{text}\n{shown}");
        }
    }
}

#[test]
fn a_key_that_is_a_secret_is_not_quoted() {
    let text = format!(
        "apiVersion: otj/v1\nkind: Endpoint\nmetadata: {{name: a}}\nspec: {{roomEmail: a@b.c, cisco: {{password: {{{CANARY}}}}}}}\n"
    );
    let snapshot = Snapshot::of_texts(&[("a.yaml", &text)]);
    let loaded = loaded(&snapshot, &LoadOptions::default());
    let shown = text::render(&loaded.diagnostics, |path| snapshot.text_of(path), false);
    assert!(shown.contains("OTJ201") && !shown.contains(CANARY), "{shown}");
}

/// A short run of what `tests/fuzz/loader.rs` does for minutes.
#[test]
fn documents_that_are_nearly_right_are_findings_and_never_a_panic() {
    let mut mutations = mutate::Mutations::of_project(1);
    for _ in 0..200 {
        let (first, second) = (mutations.text(), mutations.text());
        let snapshot = Snapshot::of_texts(&[("a.yaml", &first), ("b.yaml", &second)]);
        let loaded = loaded(&snapshot, &LoadOptions { check_secrets: true, ..LoadOptions::default() });
        let shown = text::render(&loaded.diagnostics, |path| snapshot.text_of(path), false);
        assert_eq!(shown.is_empty(), loaded.diagnostics.is_empty());
    }
}
