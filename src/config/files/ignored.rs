//! `.otjignore` at the root: patterns of files that are no documents, in the syntax of `.gitignore`.

use std::path::Path;

use regex::Regex;

use super::confined;

/// The patterns of one root, in order; the last that matches decides.
pub(super) struct Ignored(Vec<Pattern>);

struct Pattern {
    matches: Regex,
    directories_only: bool,
    negated: bool,
}

impl Ignored {
    /// Reads `.otjignore` below `root`; without one nothing is ignored.
    pub(super) fn read(root: &Path) -> Self {
        let bytes = confined::read_regular(&root.join(".otjignore"), 1 << 20).unwrap_or_default();
        Self::parse(&String::from_utf8_lossy(&bytes))
    }

    fn parse(text: &str) -> Self {
        Self(text.lines().filter_map(pattern).collect())
    }

    /// Whether `relative` is no document. A directory that is covered is not entered, so nothing below it is seen.
    pub(super) fn covers(&self, relative: &str, directory: bool) -> bool {
        let last = self
            .0
            .iter()
            .rev()
            .find(|pattern| (directory || !pattern.directories_only) && pattern.matches.is_match(relative));
        last.is_some_and(|pattern| !pattern.negated)
    }
}

/// Turns one line into a pattern: `#` begins a comment, `!` takes back, a final `/` means directories, a `/` elsewhere anchors at
/// the root, `*` and `?` stop at `/`, `**` does not.
fn pattern(line: &str) -> Option<Pattern> {
    let line = line.trim_end();
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    let (negated, line) = line.strip_prefix('!').map_or((false, line), |rest| (true, rest));
    let line = line.strip_prefix('\\').unwrap_or(line);
    let (directories_only, line) = line.strip_suffix('/').map_or((false, line), |rest| (true, rest));
    let mut regex = String::from(if line.contains('/') { "^" } else { "^(?:.*/)?" });
    let mut rest = line.strip_prefix('/').unwrap_or(line);
    while let Some(c) = rest.chars().next() {
        let (piece, length) = match c {
            '*' if rest.starts_with("**/") => ("(?:.*/)?".to_owned(), 3),
            '*' if rest.starts_with("**") => (".*".to_owned(), 2),
            '*' => ("[^/]*".to_owned(), 1),
            '?' => ("[^/]".to_owned(), 1),
            c => (regex::escape(&c.to_string()), c.len_utf8()),
        };
        regex.push_str(&piece);
        rest = &rest[length..];
    }
    regex.push('$');
    Some(Pattern { matches: Regex::new(&regex).ok()?, directories_only, negated })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_mean_what_they_mean_to_git() {
        let ignored = Ignored::parse("# comment\n*.tmp.yaml\n!keep.tmp.yaml\n/only-here.yaml\nold/\na/**/z.yaml\n");
        for (path, directory, covered) in [
            ("x.tmp.yaml", false, true),
            ("b/x.tmp.yaml", false, true),
            ("keep.tmp.yaml", false, false),
            ("only-here.yaml", false, true),
            ("b/only-here.yaml", false, false),
            ("old", true, true),
            ("old", false, false),
            ("b/old", true, true),
            ("a/z.yaml", false, true),
            ("a/b/c/z.yaml", false, true),
            ("x.yaml", false, false),
        ] {
            assert_eq!(ignored.covers(path, directory), covered, "{path}");
        }
    }
}
