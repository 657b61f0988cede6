//! Texts made of texts: a seeded source of documents that are nearly right. In: a corpus and a seed. Out: one text after the other,
//! the same for the same seed.

use std::path::Path;

/// What YAML, the language and its checks look for.
const PIECES: &[&str] = &[
    "---\n",
    "- ",
    ": ",
    "{",
    "}",
    "[",
    "]",
    "'",
    "\"",
    "#",
    " # otj-ignore: OTJ515 x",
    "# otj-ignore:",
    "|\n",
    ">-\n",
    "|2\n",
    "&a ",
    "*a",
    "<<: *a\n",
    "!x ",
    "!!str ",
    "\t",
    "\r\n",
    "\u{feff}",
    "\u{0}",
    "ø",
    "\u{202e}",
    "null",
    "~",
    "true",
    "-1",
    "1e999",
    "0x",
    "99999999999999999999",
    "\n  ",
    "\n\n",
    "password: ",
    "{value: x}",
    "{file: x, key: y}",
    "kind: Rule\n",
    "kind: RuleSet\n",
    "spec:\n",
    "metadata: {name: a}\n",
    "apiVersion: otj/v1\n",
    "{{ room.email }}",
    "{% for i in range(9) %}",
    "{{",
    "}}",
    "{#",
    "\\",
    "\\g<x>",
    "(?=",
    "(a|b)*",
    "[",
    "://a:b@",
    "-----BEGIN PRIVATE KEY-----",
];

/// The texts of a corpus, and what comes next.
pub(crate) struct Mutations {
    corpus: Vec<String>,
    pieces: &'static [&'static str],
    state: u64,
}

impl Mutations {
    /// Of all documents in the project.
    pub(crate) fn of_project(seed: u64) -> Self {
        let mut corpus = vec![];
        for folder in ["tests/lint", "examples", "otj.d", "src/config/checks"] {
            collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut corpus);
        }
        corpus.sort();
        Self::of(corpus, PIECES, seed)
    }

    /// Of `corpus`, with `pieces` thrown in.
    pub(crate) fn of(corpus: Vec<String>, pieces: &'static [&'static str], seed: u64) -> Self {
        assert!(corpus.len() > 20, "the corpus is gone");
        Self { corpus, pieces, state: seed }
    }

    /// The next text.
    pub(crate) fn text(&mut self) -> String {
        let mut text: Vec<char> = self.any().chars().collect();
        for _ in 0..=self.below(6) {
            self.change(&mut text);
        }
        text.into_iter().collect()
    }

    fn change(&mut self, text: &mut Vec<char>) {
        let (from, to) = self.range(text.len());
        match self.below(7) {
            0 => drop(text.drain(from..to)),
            1 => {
                let piece = self.piece();
                drop(text.splice(from..from, piece.chars()));
            }
            2 => {
                let piece = self.piece();
                drop(text.splice(from..to, piece.chars()));
            }
            3 => {
                let copy = text[from..to].to_vec();
                let at = self.below(text.len() + 1);
                drop(text.splice(at..at, copy));
            }
            4 => {
                let other: Vec<char> = self.any().chars().collect();
                let (start, end) = self.range(other.len());
                drop(text.splice(from..from, other[start..end].iter().copied()));
            }
            5 => text.truncate(to),
            _ => {
                if let Some(character) = text.get_mut(from) {
                    *character = char::from(u8::try_from(self.below(128)).unwrap_or(b' '));
                }
            }
        }
    }

    /// One of the pieces.
    pub(crate) fn piece(&mut self) -> &'static str {
        self.pieces[self.below(self.pieces.len())]
    }

    /// One of the corpus, as it is.
    pub(crate) fn any(&mut self) -> String {
        let at = self.below(self.corpus.len());
        self.corpus[at].clone()
    }

    /// A range, most often a short one.
    fn range(&mut self, length: usize) -> (usize, usize) {
        let from = self.below(length + 1);
        let longest = if self.below(4) == 0 { length } else { 12 };
        (from, (from + self.below(longest + 1)).min(length))
    }

    /// SplitMix64: a number below `limit`.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((mixed ^ (mixed >> 31)) >> 1).unwrap_or(0) % limit.max(1)
    }
}

fn collect(folder: &Path, corpus: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_owned();
        if path.is_dir() {
            collect(&path, corpus);
        } else if ["yaml", "yml", "csv", "md"].contains(&ending.as_str())
            && let Ok(text) = std::fs::read_to_string(&path)
            && text.len() < 64 << 10
        {
            corpus.push(text);
        }
    }
}
