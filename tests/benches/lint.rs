//! `cargo bench --bench lint`: a directory of 10,000 documents, read and understood as `otj lint` does. Prints how long the best of
//! some runs took, and documents a second. `tests/benches/side_by_side.py` measures other validators beside it.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use otj::config::files::{self, ReadOptions};
use otj::config::{LoadOptions, SecretOptions, Secrets, load};
use otj::diagnostic::text;
use otj::model::Clock;

/// Sites of the organization: a file with a group and its endpoints each.
const SITES: usize = 100;
const ENDPOINTS: usize = 97;
/// Rules of the one profile, and cases of its tests.
const RULES: usize = 99;
const CASES: usize = 99;

const RUNS: usize = 7;

fn main() {
    let directory = tempfile::tempdir().unwrap();
    write_directory(directory.path(), 0);
    measure("right", directory.path());
    let directory = tempfile::tempdir().unwrap();
    write_directory(directory.path(), 10);
    measure("every tenth endpoint wrong", directory.path());
}

fn measure(name: &str, directory: &Path) {
    let clock = Clock::system();
    let (mut best, mut best_read, mut found) = (Duration::MAX, Duration::MAX, String::new());
    for _ in 0..RUNS {
        let begun = clock.now().mono;
        let snapshot = files::read(&[directory.to_owned()], ReadOptions::default()).unwrap();
        let read = begun.until(clock.now().mono);
        let mut secrets = Secrets::live(SecretOptions::default());
        let loaded = load(&snapshot, &mut secrets, &LoadOptions { check_secrets: true, ..LoadOptions::default() });
        let shown = text::render(&loaded.diagnostics, |path| snapshot.text_of(path), false);
        let took = begun.until(clock.now().mono);
        let documents: usize = loaded.documents.values().sum();
        best = best.min(took);
        best_read = best_read.min(read);
        found = format!(
            "{documents} documents in {} files, {} findings ({} KiB of text): {best:.2?} ({:.0} documents/s), of it reading {best_read:.2?}",
            snapshot.files.len(),
            loaded.diagnostics.len(),
            shown.len() >> 10,
            documents as f64 / best.as_secs_f64(),
        );
    }
    println!("{name}: {found}");
}

/// With `wrong_every` above 0, each so many endpoints one has a fault that only shows when everything is put together.
fn write_directory(root: &Path, wrong_every: usize) {
    let write = |path: &str, text: &str| std::fs::write(root.join(path), text).unwrap();
    let passwords: String = (0..SITES * ENDPOINTS).fold(String::new(), |mut text, index| {
        let _ = writeln!(text, "room-{index:05}: correct-horse-{index:05}");
        text
    });
    write("passwords", &passwords);
    write("rules.yaml", &rules());
    for site in 0..SITES {
        let mut text = format!(
            "apiVersion: otj/v1\nkind: EndpointGroup\nmetadata: {{name: site {site}}}\nspec:\n  profile: hq\n  timeZone: Europe/Oslo\n  \
             overrides: {{upcomingDays: {}}}\n  poly: {{username: \"{{{{ endpoint.name }}}}\", password: {{file: passwords, key: \"{{{{ endpoint.name }}}}\"}}}}\n",
            1 + site % 7
        );
        for number in 0..ENDPOINTS {
            let index = site * ENDPOINTS + number;
            let group = if wrong_every > 0 && index.is_multiple_of(wrong_every) { site + SITES } else { site };
            let _ = write!(
                text,
                "---\n# Room {index} on the second floor.\napiVersion: otj/v1\nkind: Endpoint\nmetadata:\n  name: room-{index:05}\n  \
                 description: A meeting room with a screen\n  labels: {{floor: \"2\", site: s{site}}}\nspec:\n  group: site {group}\n  \
                 roomEmail: room-{index:05}@example.com\n  startBufferMinutes: 10\n"
            );
            let device = match index % 2 {
                0 => format!("  cisco: {{address: room-{index:05}.codecs.example.com}}\n"),
                _ => "  poly: {model: StudioX}\n".to_owned(),
            };
            text.push_str(&device);
        }
        write(&format!("site-{site:03}.yaml"), &text);
    }
}

fn rules() -> String {
    let mut text = "apiVersion: otj/v1\nkind: CalDavIntegration\nmetadata: {name: cloud}\nspec:\n  url: https://cloud.example.com/dav/\n  \
        calendarPath: \"/rooms/{{ room.email }}/\"\n---\napiVersion: otj/v1\nkind: Profile\nmetadata: {name: hq}\nspec:\n  integration: cloud\n  \
        cisco: {username: otj, password: {file: passwords, key: room-00000}}\n"
        .to_owned();
    for rule in 0..RULES {
        let _ = write!(
            text,
            "---\napiVersion: otj/v1\nkind: Rule\nmetadata: {{name: rule {rule}}}\nspec:\n  profile: hq\n  priority: {}\n  type: Regex\n  \
             match: '\\d{{4,9}}@v{rule}\\.example\\.com'\n",
            rule + 1
        );
    }
    for case in 0..CASES {
        let _ = write!(
            text,
            "---\napiVersion: otj/v1\nkind: RuleTest\nmetadata: {{name: case {case}}}\nspec:\n  profile: hq\n  cases:\n    - name: a number\n      \
             event: {{body: \"12345@v{case}.example.com\"}}\n      expect: {{alias: \"12345@v{case}.example.com\"}}\n"
        );
    }
    text
}
