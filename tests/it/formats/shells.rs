//! `otj completions` and `otj man`: every verb is there, and bash completes.

use std::process::Command;

use super::{otj, stdout};

/// The verbs that `otj --help` lists, without `help`.
fn verbs() -> Vec<String> {
    let help = stdout(&otj(&["--help"]));
    let list = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let names = list.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names: Vec<String> = names
        .filter_map(|line| line.split_whitespace().next().map(str::to_owned))
        .filter(|name| name != "help")
        .collect();
    assert!(names.len() >= 10, "{help}");
    names
}

#[test]
fn every_shell_gets_a_script_that_names_every_verb() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let output = otj(&["completions", shell]);
        assert_eq!(output.status.code(), Some(0), "{shell}");
        let script = stdout(&output);
        for verb in verbs() {
            assert!(script.contains(&verb), "{shell} lacks {verb}");
        }
        assert!(script.contains("allow-inline-secrets"), "{shell} lacks flags");
    }
    let unknown = otj(&["completions", "bsh"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("bash"));
}

#[test]
fn bash_completes_verbs_flags_and_values() {
    let directory = tempfile::tempdir().unwrap();
    let script = directory.path().join("otj.bash");
    std::fs::write(&script, stdout(&otj(&["completions", "bash"]))).unwrap();
    for (words, expected) in [
        ("otj li", "lint"),
        ("otj lint --form", "--format"),
        ("otj lint --format sa", "sarif"),
        ("otj test --format ju", "junit"),
        ("otj completions po", "powershell"),
    ] {
        let command = format!(
            "source '{}'; COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); COMPREPLY=(); \
             _otj otj \"${{COMP_WORDS[-1]}}\" \"${{COMP_WORDS[-2]}}\"; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            script.display()
        );
        let output = Command::new("bash").args(["--norc", "-c", &command]).output().unwrap();
        assert_eq!(stdout(&output).trim(), expected, "{words}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn every_verb_has_a_manual_page() {
    let directory = tempfile::tempdir().unwrap();
    let pages = directory.path().join("man/man1");
    let output = otj(&["man", pages.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let mut expected: Vec<String> = verbs().iter().map(|verb| format!("otj-{verb}.1")).collect();
    expected.push("otj.1".into());
    expected.sort();
    let mut found: Vec<String> =
        std::fs::read_dir(&pages).unwrap().map(|page| page.unwrap().file_name().into_string().unwrap()).collect();
    found.sort();
    found.retain(|page| page.matches('-').count() <= 1);
    assert_eq!(found, expected);
    let lint = std::fs::read_to_string(pages.join("otj-lint.1")).unwrap();
    assert!(lint.starts_with(".ie") && lint.contains(".TH otj-lint 1") && lint.contains("sarif"), "{lint}");
    assert_eq!(otj(&["man", "Cargo.toml"]).status.code(), Some(2));
}
