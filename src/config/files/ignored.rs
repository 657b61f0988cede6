//! `.otjignore`: patterns of files that are no documents, in the syntax of `.gitignore`, at the root and in any directory below.

use std::path::Path;

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::confined;

/// The patterns that are in force where the walk stands: those of the directories above, outermost first.
#[derive(Default)]
pub(super) struct Ignored(Vec<Gitignore>);

impl Ignored {
    /// Takes in the `.otjignore` of `directory`, which is called `relative` below the root. Whoever enters also leaves.
    pub(super) fn enter(&mut self, directory: &Path, relative: &str) {
        let bytes = confined::read_regular(&directory.join(".otjignore"), 1 << 20).unwrap_or_default();
        self.0.push(patterns(relative, &String::from_utf8_lossy(&bytes)));
    }

    /// Forgets the patterns of the directory entered last.
    pub(super) fn leave(&mut self) {
        self.0.pop();
    }

    /// Whether `relative` is no document. A directory that is covered is not entered, so nothing below it is seen.
    pub(super) fn covers(&self, relative: &str, directory: bool) -> bool {
        for patterns in self.0.iter().rev().filter(|patterns| !patterns.is_empty()) {
            match patterns.matched(relative, directory) {
                Match::Ignore(_) => return true,
                Match::Whitelist(_) => return false,
                Match::None => {}
            }
        }
        false
    }
}

/// A pattern that is none matches nothing, as with git.
fn patterns(relative: &str, text: &str) -> Gitignore {
    let mut builder = GitignoreBuilder::new(relative);
    for line in text.trim_start_matches('\u{feff}').lines() {
        let _ = builder.add_line(None, line);
    }
    builder.build().unwrap_or_else(|_| Gitignore::empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_mean_what_they_mean_to_git() {
        let root = "# comment\n*.tmp.yaml\n!keep.tmp.yaml\n/only-here.yaml\nold/\na/**/z.yaml\n[0-9]*.yaml\n";
        let above = Ignored(vec![patterns("", root)]);
        let below = Ignored(vec![patterns("", root), patterns("b", "/own.yaml\n!x.tmp.yaml\n")]);
        for (path, directory, covered) in [
            ("x.tmp.yaml", false, true),
            ("b/y.tmp.yaml", false, true),
            ("b/x.tmp.yaml", false, false),
            ("keep.tmp.yaml", false, false),
            ("only-here.yaml", false, true),
            ("b/only-here.yaml", false, false),
            ("own.yaml", false, false),
            ("b/own.yaml", false, true),
            ("old", true, true),
            ("old", false, false),
            ("b/old", true, true),
            ("a/z.yaml", false, true),
            ("a/b/c/z.yaml", false, true),
            ("7.yaml", false, true),
            ("x.yaml", false, false),
        ] {
            let in_force = if path.starts_with("b/") { &below } else { &above };
            assert_eq!(in_force.covers(path, directory), covered, "{path}");
        }
    }
}
