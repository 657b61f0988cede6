//! What the forms for machines need besides the findings: the files that were looked at, what codes mean, and how a path is told
//! from the top of the repository, where code hosts want it.

use std::path::{Component, Path, PathBuf};

use super::{Diagnostic, Severity};

/// One run of `otj lint`, ready to be rendered.
pub struct Report<'a> {
    /// Sorted.
    pub findings: &'a [Diagnostic],
    /// Every document file that was read, as findings name it, sorted.
    pub files: Vec<&'a str>,
    /// The text of a file that findings name.
    pub source: &'a dyn Fn(&str) -> Option<&'a str>,
    /// What a code means.
    pub meaning: &'a dyn Fn(&str) -> Option<Meaning>,
    /// Where paths are told from.
    pub tree: Tree,
    /// Warnings count as failures.
    pub strict: bool,
}

/// What a code means.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Meaning {
    /// A few words.
    pub title: String,
    /// A paragraph or more, Markdown.
    pub text: String,
}

/// The repository, and where in it the command was given.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tree {
    /// The top of the repository, absolute.
    pub top: PathBuf,
    /// Where relative paths begin, absolute.
    pub here: PathBuf,
}

/// A path as it is told to a code host.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Told {
    /// Below the top of the repository, with `/`.
    Below(String),
    /// Somewhere else: absolute.
    Elsewhere(String),
}

impl Told {
    /// The path.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Below(path) | Self::Elsewhere(path) => path,
        }
    }
}

impl Tree {
    /// How `file`, as given on the command line, is told. Links are not followed: what git has is the name.
    #[must_use]
    pub fn told(&self, file: &str) -> Told {
        let mut absolute = PathBuf::new();
        for part in self.here.join(file).components() {
            match part {
                Component::CurDir => {}
                Component::ParentDir => {
                    absolute.pop();
                }
                part => absolute.push(part),
            }
        }
        let text = |path: &Path| path.to_string_lossy().into_owned();
        match absolute.strip_prefix(&self.top) {
            Ok(below) if below.as_os_str().is_empty() => Told::Below(".".into()),
            Ok(below) => Told::Below(text(below)),
            Err(_) => Told::Elsewhere(text(&absolute)),
        }
    }
}

impl Report<'_> {
    /// Whether the finding makes `otj lint` fail. With `--strict` warnings do, but for those about what is not in effect yet.
    #[must_use]
    pub fn fails(&self, finding: &Diagnostic) -> bool {
        fails(finding, self.strict)
    }
}

/// See [`Report::fails`].
#[must_use]
pub fn fails(finding: &Diagnostic, strict: bool) -> bool {
    match finding.severity {
        Severity::Error => true,
        Severity::Warning => strict && !finding.code.starts_with("OTJ9"),
    }
}

/// The message, and the help on a line of its own.
#[must_use]
pub(super) fn words(finding: &Diagnostic) -> String {
    match &finding.help {
        Some(help) => format!("{}\nhelp: {help}", finding.message),
        None => finding.message.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_told_from_the_top_of_the_repository() {
        let tree = Tree { top: "/src/site".into(), here: "/src/site/video".into() };
        let below = |path: &str| Told::Below(path.to_owned());
        for (given, told) in [
            ("otj.d/a.yaml", below("video/otj.d/a.yaml")),
            ("./otj.d/a.yaml", below("video/otj.d/a.yaml")),
            ("../other/a.yaml", below("other/a.yaml")),
            ("/src/site/otj.d", below("otj.d")),
            ("..", below(".")),
            ("/etc/otj/a.yaml", Told::Elsewhere("/etc/otj/a.yaml".into())),
            ("../../away/a.yaml", Told::Elsewhere("/src/away/a.yaml".into())),
        ] {
            assert_eq!(tree.told(given), told, "{given}");
        }
    }
}
