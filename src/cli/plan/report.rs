//! What is told about a plan, as text for people, JSON for programs, Markdown for merge requests.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::Value;

use super::super::trace_text::visible;
use super::credentials::Moved;
use super::documents::{Change, DocumentChange};
use super::endpoints::Effect;
use super::meetings::MeetingChange;

/// Most names that a list shows before it only counts.
const NAMES_MAX: usize = 8;

/// Most rows of a table in Markdown: a merge request has a limit of its own.
const ROWS_MAX: usize = 200;

/// All that a change would do.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    /// Of the directory as it would be; `otj approve` takes it.
    pub(super) checksum: String,
    /// Of the directory as it is.
    pub(super) against: String,
    /// The directory as it is does not load, so that documents alone were compared.
    pub(super) unknown_before: bool,
    /// Why a running node would hold the change until it is approved.
    pub(super) held: Option<String>,
    pub(super) documents: Vec<DocumentChange>,
    pub(super) endpoints: Vec<Effect>,
    pub(super) credentials: Vec<Moved>,
    pub(super) meetings: Vec<MeetingChange>,
}

impl Report {
    /// Whether nothing changes. Comments and the order of documents are nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.documents.is_empty()
            && self.endpoints.is_empty()
            && self.credentials.is_empty()
            && self.meetings.is_empty()
    }

    pub(super) fn json(&self) -> Value {
        let mut value = serde_json::to_value(self).expect("a report is plain data");
        value["changes"] = (!self.is_empty()).into();
        for meeting in value["meetings"].as_array_mut().into_iter().flatten() {
            for (_, pair) in meeting["differences"].as_object_mut().into_iter().flatten() {
                *pair = serde_json::json!({"old": pair[0], "new": pair[1]});
            }
        }
        value
    }

    pub(super) fn text(&self) -> String {
        let mut out = String::new();
        for document in &self.documents {
            let sign = match document.change {
                Change::Added => "+",
                Change::Removed => "-",
                Change::Changed | Change::Renamed => "~",
            };
            let _ = writeln!(out, "{sign} {}", self.title(document));
            for field in &document.fields {
                let (old, new) = (shown(field.old.as_deref()), shown(field.new.as_deref()));
                let _ = writeln!(out, "    {}: {old} -> {new}", visible(&field.path));
            }
        }
        self.sections(
            &mut out,
            |out, title| {
                let _ = writeln!(out, "\n{title}");
            },
            |out, line| {
                let _ = writeln!(out, "  {line}");
            },
        );
        let _ = writeln!(out, "\n{}", self.summary());
        out
    }

    pub(super) fn markdown(&self) -> String {
        let mut out = format!("### otj plan\n\n{}\n", escaped(&self.summary()));
        if !self.documents.is_empty() {
            out.push_str("\n| | document | field | before | after |\n|---|---|---|---|---|\n");
            let rows: Vec<String> = self.documents.iter().flat_map(|document| self.rows(document)).collect();
            rows.iter().take(ROWS_MAX).for_each(|row| out.push_str(row));
            if let Some(more) = rows.len().checked_sub(ROWS_MAX).filter(|more| *more > 0) {
                let _ = writeln!(out, "\nand {more} rows more: `otj plan --format text` shows all.");
            }
        }
        self.sections(
            &mut out,
            |out, title| {
                let _ = writeln!(out, "\n#### {}\n", escaped(title));
            },
            |out, line| {
                let _ = writeln!(out, "- {}", escaped(line));
            },
        );
        out
    }

    fn rows(&self, document: &DocumentChange) -> Vec<String> {
        let (change, title) = (format!("{:?}", document.change).to_lowercase(), escaped(&self.title(document)));
        if document.fields.is_empty() {
            return vec![format!("| {change} | {title} | | | |\n")];
        }
        let row = |field: &super::documents::FieldChange| {
            let cell =
                |value: &Option<String>| value.as_deref().map_or_else(|| "–".to_owned(), |text| escaped(&short(text)));
            format!("| {change} | {title} | {} | {} | {} |\n", escaped(&field.path), cell(&field.old), cell(&field.new))
        };
        document.fields.iter().map(row).collect()
    }

    fn title(&self, document: &DocumentChange) -> String {
        let former = document.former_name.as_ref().map_or_else(String::new, |name| format!(", until now {name}"));
        format!(
            "{} {}{} ({}:{})",
            document.kind,
            visible(&document.name),
            visible(&former),
            document.file,
            document.line
        )
    }

    /// What both forms for people have in common.
    fn sections(&self, out: &mut String, title: impl Fn(&mut String, &str), line: impl Fn(&mut String, &str)) {
        if !self.credentials.is_empty() {
            title(out, "Credentials that would go elsewhere: make sure that each of these is meant");
            for it in &self.credentials {
                line(out, &credential(it));
            }
        }
        if !self.endpoints.is_empty() {
            title(out, "Endpoints");
            for it in &self.endpoints {
                line(out, &format!("{} {}: {}", it.endpoints.len(), it.effect, names(&it.endpoints)));
            }
        }
        if !self.meetings.is_empty() {
            title(out, "Invitations that come out differently");
            for it in &self.meetings {
                line(out, &meeting(it));
            }
        }
    }

    fn summary(&self) -> String {
        let held = match &self.held {
            Some(reason) => {
                format!(
                    " A running node will hold this, since {reason}; `otj approve {}` lets it happen.",
                    self.checksum
                )
            }
            None => String::new(),
        };
        let before = if self.unknown_before {
            " The directory as it is does not load, so only documents were compared."
        } else {
            ""
        };
        let what = match self.documents.len() {
            0 if self.is_empty() => "Nothing changes.".to_owned(),
            1 => "1 document changes.".to_owned(),
            count => format!("{count} documents change."),
        };
        format!("{what}{before}{held} Checksum {} (before: {}).", self.checksum, self.against)
    }
}

fn credential(it: &Moved) -> String {
    let own = format!("{} {}", it.kind, visible(&it.name));
    match (&it.old_destination, &it.old_verification) {
        (Some(old), _) if *old != it.destination => {
            format!(
                "{own}: the secret stays the same and goes to {}, until now to {}",
                visible(&it.destination),
                visible(old)
            )
        }
        (_, Some(old)) if *old != it.verification => {
            format!(
                "{own}: the secret still goes to {}, verified by {}, until now by {old}",
                visible(&it.destination),
                it.verification
            )
        }
        _ => format!("{own}: a secret that others have used until now also goes to {}", visible(&it.destination)),
    }
}

fn meeting(it: &MeetingChange) -> String {
    let start = it.start.as_ref().map_or_else(String::new, |start| format!(" of {start}"));
    let value = |value: &Value| match value {
        Value::Null => "none".to_owned(),
        Value::String(text) => visible(text),
        other => other.to_string(),
    };
    let differences: Vec<String> =
        it.differences.iter().map(|(field, (old, new))| format!("{field} {} -> {}", value(old), value(new))).collect();
    format!("profile {}, {}{start}: {}", visible(&it.profile), visible(&it.invitation), differences.join(", "))
}

fn names(all: &[String]) -> String {
    let first: Vec<String> = all.iter().take(NAMES_MAX).map(|name| visible(name)).collect();
    let more = all.len().saturating_sub(NAMES_MAX);
    if more == 0 { first.join(", ") } else { format!("{} and {more} more", first.join(", ")) }
}

fn shown(value: Option<&str>) -> String {
    value.map_or_else(|| "(absent)".to_owned(), |text| visible(&short(text)))
}

fn short(text: &str) -> String {
    let mut cut: String = text.chars().take(120).collect();
    if text.chars().count() > 120 {
        cut.push('…');
    }
    cut
}

/// Text that Markdown leaves alone: nothing in a document may draw a link, an image or a mention in a merge request.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in visible(text).chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '!' | '~' => out.extend(['\\', c]),
            // An address is not to become a mention.
            '@' => out.push_str("&#64;"),
            // Nor a URL a link.
            ':' => out.push_str("&#58;"),
            c => out.push(c),
        }
    }
    out
}
