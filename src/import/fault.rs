//! What is wrong with what came from outside, and where: `rooms.csv:12:7: error: …`. In: a place and words. Out: lines and JSON.
//! No source line is quoted: a CSV line of endpoints carries passwords.

use serde_json::{Value, json};

use crate::diagnostic::Severity;

/// One finding about a file or an answer from elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// `error`: nothing is written.
    pub severity: Severity,
    /// As given on the command line, or the resource.
    pub file: String,
    /// From 1; 0: the file as a whole.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// One short sentence without full stop.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
}

impl Fault {
    /// An error at a place.
    #[must_use]
    pub fn error(file: &str, (line, column): (usize, usize), message: impl Into<String>) -> Self {
        let (file, message) = (file.to_owned(), message.into());
        Self { severity: Severity::Error, file, line, column, message, help: None }
    }

    /// Something worth a look.
    #[must_use]
    pub fn warning(file: &str, at: (usize, usize), message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(file, at, message) }
    }

    /// With what to write instead.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// For people.
    #[must_use]
    pub fn line_of_text(&self) -> String {
        let place = match self.line {
            0 => self.file.clone(),
            line => format!("{}:{line}:{}", self.file, self.column),
        };
        let help = self.help.as_ref().map(|help| format!("\n  help: {help}")).unwrap_or_default();
        format!("{place}: {}: {}{help}", self.severity.word(), self.message)
    }

    /// For machines.
    #[must_use]
    pub fn json(&self) -> Value {
        json!({
            "severity": self.severity.word(),
            "file": self.file,
            "line": self.line,
            "column": self.column,
            "message": self.message,
            "help": self.help,
        })
    }
}

/// Whether one of them keeps everything from being written.
#[must_use]
pub fn has_errors(faults: &[Fault]) -> bool {
    faults.iter().any(|fault| fault.severity == Severity::Error)
}
