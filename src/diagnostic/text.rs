//! Findings for people, drawn the way rustc draws them. In: findings and the texts they stand in. Out: one text.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::mask::Masked;
use super::{Diagnostic, Severity};

/// Widest line of a source that is quoted whole, in characters; a longer one is not quoted.
const QUOTED_MAX: usize = 400;

/// Draws all findings, each followed by an empty line. `source` gives the text of a file that findings name.
pub fn render<'a>(diagnostics: &[Diagnostic], source: impl Fn(&str) -> Option<&'a str>, colour: bool) -> String {
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    let mut text = String::new();
    let mut quoted: Option<(&str, Option<Masked<'a>>)> = None;
    for finding in diagnostics {
        let file = finding.place.file.as_str();
        if quoted.as_ref().is_none_or(|(name, _)| *name != file) {
            quoted = Some((file, source(file).map(|text| Masked::of(file, text))));
        }
        let masked = quoted.as_ref().and_then(|(_, masked)| masked.as_ref());
        text.push_str(&one(finding, masked, &renderer));
        text.push_str("\n\n");
    }
    text
}

fn one(finding: &Diagnostic, masked: Option<&Masked<'_>>, renderer: &Renderer) -> String {
    let place = &finding.place;
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let end = if place.end_line == place.line { place.end_column } else { usize::MAX };
    let (line, columns) =
        masked.map_or_else(|| ("".into(), vec![1, 1]), |text| text.line(place.line, &[place.column, end]));
    // Tabs and other control characters would shift or colour the drawing.
    let line: String = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let drawn = masked.is_some() && line.chars().count() <= QUOTED_MAX && !line.trim().is_empty();
    let title = level.primary_title(finding.message.as_str()).id(finding.code);
    let mut groups: Vec<Group<'_>> = vec![];
    let byte = |column: usize| line.char_indices().nth(column - 1).map_or(line.len(), |(at, _)| at);
    if drawn {
        let (from, to) = (byte(columns[0]), byte(columns[1]).max(byte(columns[0])));
        let mut annotation = AnnotationKind::Primary.span(from..to);
        if let Some(label) = &finding.label {
            annotation = annotation.label(label.as_str());
        }
        let snippet = Snippet::source(line.as_str()).line_start(place.line).path(place.file.as_str());
        groups.push(title.element(snippet.annotation(annotation)));
    } else {
        let origin = annotate_snippets::Origin::path(place.file.as_str()).line(place.line).char_column(place.column);
        groups.push(title.element(origin));
    }
    if let Some(help) = &finding.help {
        groups.push(Group::with_title(Level::HELP.secondary_title(help.as_str())));
    }
    renderer.render(&groups)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Place;

    #[test]
    fn a_finding_shows_its_line_a_caret_and_what_to_write() {
        let source = "kind: Endpoint\nspec:\n  größe: {password: hunter2, group: olso}\n";
        let place = Place { line: 3, column: 37, end_line: 3, end_column: 41, ..Place::start_of("otj.d/oslo.yaml") };
        let finding =
            Diagnostic::error("OTJ102", place, "endpoint `oslo-4` names group `olso`, which no document defines")
                .label("no such group")
                .help("a group with a similar name exists: `oslo` (otj.d/groups.yaml:2)");
        let text = render(&[finding], |_| Some(source), false);
        let expected = "\
error[OTJ102]: endpoint `oslo-4` names group `olso`, which no document defines
 --> otj.d/oslo.yaml:3:37
  |
3 |   größe: {password: •••••••, group: olso}
  |                                     ^^^^ no such group
  |
help: a group with a similar name exists: `oslo` (otj.d/groups.yaml:2)

";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_file_without_text_is_named_by_its_place_alone() {
        let finding = Diagnostic::error("OTJ002", Place::start_of("otj.d/a.yaml"), "the file is not UTF-8");
        let text = render(&[finding], |_| None, false);
        assert_eq!(text, "error[OTJ002]: the file is not UTF-8\n--> otj.d/a.yaml:1:1\n\n");
    }
}
