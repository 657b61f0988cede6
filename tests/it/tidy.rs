//! The source itself: who names whom, where the outside is touched, how long a file is, how it begins.
//!
//! The tables here are the architecture's. A test reads the files as text: comments are left out, `use crate::{a, b}` and
//! `super::super` are followed.

use std::collections::BTreeSet;
use std::path::Path;

use crate::python::root;

/// Longest file, tests included. A longer one has two subjects.
const LINES_MAX: usize = 500;

/// Folder or top-level file, and whom it may name beside itself.
const MAY_NAME: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("diagnostic", &["model"]),
    ("invitation", &["model"]),
    ("rules", &["model", "invitation"]),
    ("meetings", &["model", "rules"]),
    ("config", &["model", "diagnostic", "rules"]),
    ("sandbox", &["model", "rules"]),
    ("import", &["model", "diagnostic", "config", "http"]),
    ("http", &["model"]),
    ("listen", &["model"]),
    ("auth", &["model"]),
    ("ews", &["model"]),
    ("oauth", &["model", "http", "store"]),
    ("calendar", &["model", "http", "auth", "oauth", "ews", "invitation", "listen"]),
    ("endpoint", &["model", "http", "auth", "oauth", "ews", "invitation", "listen"]),
    ("store", &["model"]),
    ("reconcile", &["model", "diagnostic", "rules", "meetings", "config", "store"]),
    ("status", &["model", "diagnostic", "config", "reconcile"]),
    ("explain", &["model", "invitation", "rules", "meetings", "reconcile", "status"]),
    ("web", &["model", "diagnostic", "status", "explain", "oauth", "rules", "listen"]),
    ("sim", &["model", "http", "ews", "auth", "listen"]),
];

/// Files that may name more than their folder: the one place of the loop that meets the outside, and the simulated world,
/// which takes the loop's trait.
const MAY_ALSO_NAME: &[(&str, &[&str])] = &[
    ("store/etcd", &["http"]),
    ("cluster", &["store"]),
    ("reconcile/world", &["http", "oauth", "calendar", "endpoint"]),
    ("sim", &["reconcile::world"]),
];

/// What stands in few places only: the text, the places, and why. Tests in a file are free of it.
const ONLY_IN: &[(&[&str], &[&str], &str)] = &[
    (&["println!", "print!(", "process::exit", "ExitCode"], &["cli", "main.rs"], "only cli prints and exits"),
    (&["reqwest::", "TcpStream::connect", "UdpSocket"], &["http"], "http.rs is the one way out"),
    (&["TcpListener"], &["listen", "cli", "sim"], "listen.rs serves every listener"),
    (&["\"otj_"], &["status/metrics.rs"], "status/metrics.rs names every metric"),
    (
        &["Timestamp::now", "Zoned::now", "SystemTime", "std::time::Instant", "clock_gettime"],
        &["model/clock.rs"],
        "model::Clock is the one reader of the clocks",
    ),
    (&["tokio::spawn(", "thread::spawn("], &[], "nothing is spawned and forgotten: use a JoinSet that is awaited"),
    (
        &["std::fs::", "use std::fs", "tokio::fs"],
        &["config", "store", "cli", "calendar/published.rs", "status/metrics.rs"],
        "documents and secrets are read by config, calendars by calendar/published.rs, our own files by store",
    ),
    (&["env::var"], &["config", "cli", "main.rs"], "secrets are read by config, flags by clap"),
    (&["anyhow"], &["cli"], "errors at a boundary are an enum of their own"),
    (&["todo!", "unimplemented!", "dbg!", "TODO", "FIXME"], &[], "what is here is finished"),
];

/// One file of the source.
struct File {
    /// Below `src`.
    path: String,
    /// As it is.
    text: String,
}

#[test]
fn who_names_whom_follows_the_table() {
    let mut wrong = Vec::new();
    for file in sources() {
        let folder = folder(&file.path);
        if matches!(folder, "lib" | "main" | "cli") {
            continue;
        }
        let Some((_, may)) = MAY_NAME.iter().find(|(name, _)| *name == folder) else {
            wrong.push(format!("src/{}: `{folder}` is not in the table of tests/it/tidy.rs", file.path));
            continue;
        };
        let also: Vec<&str> = MAY_ALSO_NAME
            .iter()
            .filter(|(place, _)| stands_in(&file.path, place))
            .flat_map(|(_, more)| more.iter().copied())
            .collect();
        for named in names(&file.path, &file.text) {
            let top = named.split("::").next().unwrap();
            let known = top == folder || may.contains(&top);
            let excepted = also.iter().any(|also| named == *also || named.starts_with(&format!("{also}::")));
            if !known && !excepted {
                wrong.push(format!("src/{}: {folder} may not name {named}", file.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_outside_is_touched_where_the_architecture_says() {
    let mut wrong = Vec::new();
    for file in sources() {
        let code = without_comments(production(&file));
        for (texts, places, why) in ONLY_IN {
            if places.iter().any(|place| stands_in(&file.path, place)) {
                continue;
            }
            for text in *texts {
                if code.contains(text) {
                    wrong.push(format!("src/{}: `{text}`: {why}", file.path));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_file_says_what_it_is_for_and_has_one_subject() {
    let mut wrong = Vec::new();
    for file in sources() {
        if !file.text.starts_with("//! ") {
            wrong.push(format!("src/{}: begins with `//!`, saying what comes in and goes out", file.path));
        }
        let lines = file.text.lines().count();
        if lines > LINES_MAX {
            wrong.push(format!("src/{}: {lines} lines; past {LINES_MAX} it has two subjects", file.path));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_test_is_left_out_or_expects_a_panic() {
    // Written so that this file does not name them.
    let forbidden = [["#[", "ignore"].concat(), ["should_", "panic"].concat()];
    let mut files = Vec::new();
    read_below(&root("src"), "", &mut files);
    read_below(&root("tests"), "", &mut files);
    let found: Vec<&str> = files
        .iter()
        .filter(|file| forbidden.iter().any(|text| file.text.contains(text.as_str())))
        .map(|file| file.path.as_str())
        .collect();
    assert_eq!(found, Vec::<&str>::new());
}

#[test]
fn the_checks_see_groups_chains_of_super_and_no_comments() {
    let seen = |path: &str, text: &str| names(path, text).into_iter().collect::<Vec<_>>().join(" ");
    let cases = [
        ("web/page.rs", "use crate::store::Op;", "store::Op"),
        ("web/page.rs", "use crate::{\n  model::{Clock, Now},\n  store,\n};", "model::Clock model::Now store"),
        ("web/page.rs", "/// [`crate::store`]\n//! crate::http\nlet x = 1; // crate::sim", ""),
        ("web/page.rs", "use super::super::store::Op;", "store::Op"),
        ("web/page.rs", "use super::super::{store, http};", "http store"),
        ("web/page.rs", "use super::access::Access;", ""),
        ("web/mod.rs", "use super::store;", "store"),
        ("web/mod.rs", "#[cfg(test)]\nmod tests {\n    use super::*;\n    use super::super::store;\n}", "store"),
        ("web/a/b.rs", "use super::super::page; use super::super::super::store;", "store"),
        ("http.rs", "use super::model;", "model"),
        ("web/page.rs", "let url = \"https://crate::store\"; pub(crate) fn x() {}", "store"),
    ];
    for (path, text, wanted) in cases {
        assert_eq!(seen(path, text), wanted, "{path}: {text}");
    }
    assert!(stands_in("http/tls.rs", "http") && stands_in("http.rs", "http") && !stands_in("https.rs", "http"));
    let split = File { path: "a.rs".into(), text: "fn a() {}\n#[cfg(test)]\nmod tests {\n println!();\n}".into() };
    assert_eq!(production(&split), "fn a() {}");
}

/// Every Rust file of the product.
fn sources() -> Vec<File> {
    let mut files = Vec::new();
    read_below(&root("src"), "", &mut files);
    assert!(files.len() > 50, "the source is found");
    files
}

fn read_below(directory: &Path, prefix: &str, files: &mut Vec<File>) {
    let mut entries: Vec<_> = std::fs::read_dir(directory).unwrap().map(Result::unwrap).collect();
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type().unwrap().is_dir() {
            read_below(&entry.path(), &format!("{path}/"), files);
        } else if path.ends_with(".rs") {
            let text = std::fs::read_to_string(entry.path()).unwrap();
            files.push(File { path, text });
        }
    }
}

/// The first part of the path, without ending.
fn folder(path: &str) -> &str {
    let first = path.split('/').next().unwrap();
    first.strip_suffix(".rs").unwrap_or(first)
}

/// Whether the file is `place`, or lies in it.
fn stands_in(path: &str, place: &str) -> bool {
    path.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || rest == ".rs")
}

/// What comes before the tests at the foot of a file; nothing of a file of tests.
fn production(file: &File) -> &str {
    if file.path.ends_with("/tests.rs") || file.path.contains("/tests/") {
        return "";
    }
    file.text.split("\n#[cfg(test)]\nmod ").next().unwrap()
}

fn without_comments(text: &str) -> String {
    // `://` of an address begins no comment.
    let code = |line: &str| {
        let mut from = 0;
        while let Some(at) = line[from..].find("//").map(|at| at + from) {
            if at == 0 || !line[..at].ends_with(':') {
                return line[..at].to_owned();
            }
            from = at + 2;
        }
        line.to_owned()
    };
    text.lines().map(code).collect::<Vec<_>>().join("\n")
}

/// The first two parts of every path below the crate that the text names.
fn names(path: &str, text: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let (code, tests) = match text.find("#[cfg(test)]\nmod ") {
        Some(at) => text.split_at(at),
        None => (text, ""),
    };
    let depth = path.trim_end_matches(".rs").split('/').filter(|part| *part != "mod").count();
    for (part, depth) in [(code, depth), (tests, depth + 1)] {
        let part = without_comments(part);
        for to_root in ["crate::".to_owned(), "super::".repeat(depth)] {
            for (at, _) in part.match_indices(&to_root) {
                // A longer chain of `super::`, or a name that only ends like one, is another path.
                let before = &part[..at];
                if !before.ends_with("::") && !before.ends_with(|c: char| c.is_alphanumeric() || c == '_') {
                    follow(&part[at + to_root.len()..], &mut names);
                }
            }
        }
    }
    names
}

/// One path, or a group of them: `a::b`, `{a, b::{c, d}}`.
fn follow(rest: &str, names: &mut BTreeSet<String>) {
    let Some(group) = rest.strip_prefix('{') else {
        names.extend(two_parts(rest));
        return;
    };
    let mut depth = 0;
    let mut item = 0;
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                names.extend(two_parts(group[item..at].trim()));
                item = at + 1;
                if c == '}' {
                    return;
                }
            }
            _ => {}
        }
    }
}

fn two_parts(path: &str) -> Vec<String> {
    let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let first = word(path);
    // `super::*` and macros' `$crate` name nothing here.
    if first.is_empty() || first == "super" {
        return Vec::new();
    }
    match path[first.len()..].strip_prefix("::") {
        Some(rest) if rest.starts_with('{') => {
            let inner = rest[1..].split('}').next().unwrap();
            inner
                .split(',')
                .map(|item| word(item.trim()))
                .filter(|it| !it.is_empty())
                .map(|it| format!("{first}::{it}"))
                .collect()
        }
        Some(rest) => vec![format!("{first}::{}", word(rest))],
        None => vec![first],
    }
}
