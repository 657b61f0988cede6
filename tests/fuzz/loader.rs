//! `CARGO_PROFILE_BENCH_DEBUG_ASSERTIONS=true cargo bench --bench fuzz -- 600`: loads mutated documents for so many seconds (30
//! without a number), as `otj lint --check-secrets` would, and draws every finding. A second number is the seed, printed at the start.
//!
//! Ends with an error when a text makes the loader panic or takes longer than two seconds; the text is kept in `target/fuzz/`.
//! Put it into `tests/lint` as a directory of its own once it is mended.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

mod mutate;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use otj::config::{LoadOptions, SecretOptions, Secrets, Snapshot, load};
use otj::diagnostic::{json, text};
use otj::model::Clock;

/// Longest time one text may take; a file of the corpus takes a millisecond.
const SLOW: Duration = Duration::from_secs(2);

fn main() -> ExitCode {
    let numbers: Vec<u64> = std::env::args().filter_map(|word| word.parse().ok()).collect();
    let clock = Clock::system();
    let seconds = numbers.first().copied().unwrap_or(30);
    let seed = numbers.get(1).copied().unwrap_or_else(|| u64::try_from(clock.now().wall.as_second()).unwrap_or(0));
    println!("{seconds} s with seed {seed}");
    let mut mutations = mutate::Mutations::of_project(seed);
    let begun = clock.now().mono;
    let (mut texts, mut findings, mut faults) = (0_u64, 0, 0);
    while begun.until(clock.now().mono) < Duration::from_secs(seconds) {
        let (first, second) = (mutations.text(), mutations.text());
        let start = clock.now().mono;
        let outcome = catch_unwind(AssertUnwindSafe(|| lint(&first, &second)));
        let took = start.until(clock.now().mono);
        texts += 2;
        findings += *outcome.as_ref().unwrap_or(&0);
        if outcome.is_err() || took > SLOW {
            faults += 1;
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("target/fuzz/{seed}-{faults}"));
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join("a.yaml"), &first).unwrap();
            std::fs::write(folder.join("b.yaml"), &second).unwrap();
            println!(
                "{}: {}",
                folder.display(),
                if outcome.is_err() { "a panic".to_owned() } else { format!("{took:.1?}") }
            );
        }
    }
    println!("{texts} texts, {findings} findings, {faults} faults");
    if faults > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn lint(first: &str, second: &str) -> usize {
    let snapshot = Snapshot::of_texts(&[("a.yaml", first), ("b.yaml", second)]);
    let mut secrets = Secrets::live(SecretOptions { directories: vec![], data_dir: None });
    let loaded = load(&snapshot, &mut secrets, &LoadOptions { check_secrets: true, ..LoadOptions::default() });
    let shown = text::render(&loaded.diagnostics, |path| snapshot.text_of(path), false);
    let stored = json::render(&loaded.diagnostics).to_string();
    std::hint::black_box((shown, stored, format!("{loaded:?}")));
    loaded.diagnostics.len()
}
