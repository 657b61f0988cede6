//! What an import does to a directory: told, checked by the loader, and then written, each file in one move. In: a target and drafts.
//! Out: lines or JSON, and files.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::path::Path;

use anyhow::Context as _;
use serde_json::{Value, json};

use super::Target;
use crate::cli::complain;
use crate::import::{Action, Change, Draft, Fault, FieldChange, FileChange, Merge, diff, merge};

/// Changes that are shown one by one; more are counted.
const SHOWN_MAX: usize = 200;

/// Tells people at a terminal what takes its time.
pub(super) fn progress(text: &str) {
    if std::io::stderr().is_terminal() {
        complain(text);
    }
}

/// A merge that the loader has agreed to.
pub(super) struct Landing {
    merge: Merge,
    /// Warnings of the directory as it will be.
    pub(super) warnings: usize,
}

impl Landing {
    /// Merges and checks. Files that the documents name, tables, are new and land with them.
    pub(super) fn prepare(target: &Target, drafts: &[Draft], named: Vec<FileChange>) -> anyhow::Result<Self> {
        progress(&format!("Merging {} documents…", drafts.len()));
        let mut merge = merge(&target.existing, drafts);
        merge.files.extend(named);
        progress("Checking the directory as it will be…");
        let findings = if merge.files.is_empty() { vec![] } else { target.check(&merge.files)? };
        Ok(Self { merge, warnings: findings.len() })
    }

    /// How many documents are new, change, stay, and are written as comments.
    pub(super) fn counts(&self) -> (usize, usize, usize, usize) {
        let count = |wanted: fn(&Action) -> bool| self.merge.changes.iter().filter(|it| wanted(&it.action)).count();
        (
            count(|it| *it == Action::Added),
            count(|it| matches!(it, Action::Changed(_))),
            count(|it| *it == Action::Same),
            count(|it| *it == Action::Commented),
        )
    }

    /// What is added, by file, and every document that changes.
    pub(super) fn text(&self) -> String {
        let mut out = String::new();
        let mut added: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
        for change in &self.merge.changes {
            if matches!(change.action, Action::Added | Action::Commented) {
                added.entry((&change.place, &change.kind)).or_default().push(&change.name);
            }
        }
        for ((place, kind), names) in added {
            let what = match names.as_slice() {
                [one] => format!("{kind} `{one}`"),
                several => format!("{} of kind {kind}", several.len()),
            };
            let _ = writeln!(out, "added    {what} in {place}");
        }
        let mut shown = 0;
        for (change, fields) in self.merge.changes.iter().filter_map(changed) {
            shown += 1;
            if shown > SHOWN_MAX {
                continue;
            }
            let _ = writeln!(out, "changed  {} `{}` ({})", change.kind, change.name, change.place);
            for FieldChange { field, before, after } in fields {
                let side = |side: &Option<String>| side.clone().unwrap_or_else(|| "nothing".into());
                let _ = writeln!(out, "           {field}: {} -> {}", side(before), side(after));
            }
        }
        if shown > SHOWN_MAX {
            let _ = writeln!(out, "changed  {} more", shown - SHOWN_MAX);
        }
        let (added, changed, same, commented) = self.counts();
        let _ = write!(out, "{added} added, {changed} changed, {same} as they were");
        if commented > 0 {
            let _ = write!(out, ", {commented} written as comments");
        }
        out.push('\n');
        out
    }

    /// The same for machines.
    pub(super) fn json(&self, faults: &[Fault]) -> Value {
        let (added, changed_count, same, commented) = self.counts();
        let changes: Vec<Value> = self
            .merge
            .changes
            .iter()
            .filter(|change| change.action != Action::Same)
            .map(|change| {
                let (action, fields) = match &change.action {
                    Action::Added => ("added", vec![]),
                    Action::Commented => ("commented", vec![]),
                    Action::Same => ("same", vec![]),
                    Action::Changed(fields) => ("changed", fields.clone()),
                };
                let fields: Vec<Value> = fields
                    .into_iter()
                    .map(|it| json!({"field": it.field, "before": it.before, "after": it.after}))
                    .collect();
                json!({
                    "kind": change.kind, "name": change.name, "place": change.place, "origin": change.origin,
                    "action": action, "fields": fields,
                })
            })
            .collect();
        json!({
            "added": added,
            "changed": changed_count,
            "same": same,
            "commented": commented,
            "changes": changes,
            "findings": faults.iter().map(Fault::json).collect::<Vec<_>>(),
        })
    }

    /// The difference, file by file.
    pub(super) fn diff(&self) -> String {
        self.merge.files.iter().map(|file| diff::unified(&file.path, file.before.as_deref(), &file.after)).collect()
    }

    /// Writes every file.
    pub(super) fn write(&self, target: &Target) -> anyhow::Result<()> {
        for change in &self.merge.files {
            write_file(&target.root(), change)?;
        }
        Ok(())
    }
}

fn changed(change: &Change) -> Option<(&Change, &Vec<FieldChange>)> {
    match &change.action {
        Action::Changed(fields) => Some((change, fields)),
        _ => None,
    }
}

/// One file, in one move; a node that reads meanwhile sees the old one or the new one.
fn write_file(root: &Path, change: &FileChange) -> anyhow::Result<()> {
    let path = root.join(&change.path);
    // What is a link stays one.
    let path = path.canonicalize().unwrap_or(path);
    let write = || -> std::io::Result<()> {
        let directory = path.parent().unwrap_or(root);
        std::fs::create_dir_all(directory)?;
        // Hidden, so that no node takes it for a document.
        let aside = directory.join(format!(".otj-import.{}.tmp", std::process::id()));
        let result = std::fs::write(&aside, &change.after)
            .and_then(|()| match std::fs::metadata(&path) {
                Ok(old) => std::fs::set_permissions(&aside, old.permissions()),
                Err(_) => Ok(()),
            })
            .and_then(|()| std::fs::File::open(&aside)?.sync_all())
            .and_then(|()| std::fs::rename(&aside, &path));
        if result.is_err() {
            let _ = std::fs::remove_file(&aside);
        }
        result
    };
    if change.before.is_some() {
        let now = std::fs::read_to_string(&path).ok();
        if now != change.before {
            anyhow::bail!("{} was changed by somebody else meanwhile; run the import again", path.display());
        }
    }
    write().with_context(|| format!("{} cannot be written", path.display()))
}
