//! `# otj-ignore: OTJ515 reason`: silences findings on its own line, or standing alone, on the line below. OTJ540 to OTJ543 are
//! comments that do not do what their author thinks.
//!
//! | comment                          | outcome                                                  |
//! |----------------------------------|----------------------------------------------------------|
//! | known codes, reason, findings    | these findings are dropped                               |
//! | no reason                        | OTJ540, nothing is dropped                               |
//! | a code that nobody knows         | OTJ541                                                   |
//! | a code that is not found there   | OTJ542, unless what was read or asked leaves it open     |
//! | a code that stops loading        | OTJ543: such a fault cannot be wished away               |
//!
//! A file without the word costs one search for it.

use crate::config::files::Snapshot;
use crate::config::load::LoadOptions;
use crate::diagnostic::codes::{self, Page};
use crate::diagnostic::{Diagnostic, Place};

use super::comments::{Comment, comments};

const WORD: &str = "otj-ignore";

/// Drops what comments ignore, and adds what is wrong with them.
pub(crate) fn ignore(snapshot: &Snapshot, options: &LoadOptions, findings: &mut Vec<Diagnostic>) {
    // Where something stops loading, checks that need the whole directory stay silent.
    let whole = !findings.iter().any(Diagnostic::stops_loading);
    let mut faults = vec![];
    for file in &snapshot.files {
        if !file.text().contains(WORD) {
            continue;
        }
        let comments = comments(file.text());
        for (at, comment) in comments.iter().enumerate() {
            let Some(rest) = comment.text.strip_prefix(WORD) else { continue };
            let wish = Wish { file: &file.path, comment, line: target(&comments[at..]), options, whole };
            wish.fulfil(rest, findings, &mut faults);
        }
    }
    findings.append(&mut faults);
}

/// The line that a comment speaks about: its own, or the first below that is no comment alone.
fn target(comments: &[Comment<'_>]) -> usize {
    let first = comments[0].line;
    if !comments[0].alone {
        return first;
    }
    let block = comments.iter().enumerate().take_while(|(at, comment)| comment.alone && comment.line == first + at);
    first + block.count()
}

struct Wish<'a> {
    file: &'a str,
    comment: &'a Comment<'a>,
    line: usize,
    options: &'a LoadOptions,
    whole: bool,
}

impl Wish<'_> {
    fn fulfil(&self, rest: &str, findings: &mut Vec<Diagnostic>, faults: &mut Vec<Diagnostic>) {
        let (written, reason) = codes_and_reason(rest);
        let pages: Vec<_> = written.iter().map(|code| (*code, codes::find(code))).collect();
        if written.is_empty() {
            let finding = self.warning("OTJ541", "this names no code to ignore");
            return faults.push(finding.help("write `# otj-ignore: CODE reason`"));
        }
        for (code, page) in pages {
            let Some(page) = page else {
                let finding = self.warning("OTJ541", format!("there is no code `{}`", short(code)));
                faults.push(match codes::nearest(code) {
                    Some(meant) => finding.help(format!("did you mean `{meant}`?")),
                    None => finding.help("codes look like OTJ102"),
                });
                continue;
            };
            if !page.ignorable {
                let finding = self.warning("OTJ543", format!("{} cannot be ignored: {}", page.code, page.title));
                faults.push(finding.help(format!("mend it; `otj lint --explain {}` says how", page.code)));
                continue;
            }
            if reason.is_empty() {
                let finding =
                    self.warning("OTJ540", format!("{} is ignored without a reason, so it is not", page.code));
                faults.push(finding.help(format!("write why: `# otj-ignore: {} reason`", page.code)));
                continue;
            }
            let before = findings.len();
            findings.retain(|finding| {
                let here = finding.place.file == self.file && finding.place.line == self.line;
                !(here && finding.code == page.code && !finding.stops_loading())
            });
            if findings.len() == before && self.would_be_known(page) {
                let finding = self.warning("OTJ542", format!("{} is not found in line {}", page.code, self.line));
                faults.push(finding.help("remove the comment"));
            }
        }
    }

    /// Whether the finding would be there if the fault was.
    fn would_be_known(&self, page: &Page) -> bool {
        let asked = match page.code {
            "OTJ401" => !self.options.allow_inline_secrets,
            "OTJ012" | "OTJ904" => false,
            _ => self.options.check_secrets || !page.text.contains("`--check-secrets` alone"),
        };
        self.whole && asked
    }

    fn warning(&self, code: &'static str, message: impl Into<String>) -> Diagnostic {
        let Comment { line, column, text, .. } = self.comment;
        let end_column = column + 2 + text.chars().count();
        let place = Place { file: self.file.to_owned(), line: *line, column: *column, end_line: *line, end_column };
        Diagnostic::warning(code, place, message)
    }
}

/// `: OTJ1, OTJ2 reason` as its codes and its reason.
fn codes_and_reason(rest: &str) -> (Vec<&str>, &str) {
    let mut rest = rest.trim_start().trim_start_matches(':').trim_start();
    let mut codes = vec![];
    loop {
        let end = rest.find([',', ' ', '\t', ':']).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        // The first word is a code, or meant to be one; after a comma so is the next.
        if word.is_empty() {
            return (codes, rest.trim_matches([':', '-', ' ']));
        }
        codes.push(word);
        rest = after.trim_start();
        match rest.strip_prefix(',') {
            Some(next) => rest = next.trim_start(),
            None => return (codes, rest.trim_start_matches([':', '-']).trim()),
        }
    }
}

/// A word of a comment, as far as a message may quote it.
fn short(word: &str) -> String {
    word.chars().take(12).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_reasons_are_read_as_people_write_them() {
        for (text, codes, reason) in [
            (": OTJ515 not built yet", &["OTJ515"][..], "not built yet"),
            (": OTJ515, OTJ501 - not built yet", &["OTJ515", "OTJ501"], "not built yet"),
            (":OTJ515,OTJ501: moved, in May", &["OTJ515", "OTJ501"], "moved, in May"),
            (" OTJ515 x", &["OTJ515"], "x"),
            (": OTJ515", &["OTJ515"], ""),
            (":", &[], ""),
        ] {
            assert_eq!(codes_and_reason(text), (codes.to_vec(), reason), "{text}");
        }
    }
}
