//! The typed documents of a snapshot, and the places of everything in them. In: a snapshot. Out: documents in the order of the files,
//! and what is wrong with their text and their fields. Files are parsed side by side.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::document::{
    API_VERSION, Kind, Metadata,
    endpoint::{Endpoint, EndpointGroup},
    exchange::ExchangeIntegration,
    google::GoogleIntegration,
    graph::GraphIntegration,
    integration::{CalDavIntegration, IcsIntegration},
    profile::Profile,
    rule::{Rule, RuleSet},
    rule_test::RuleTest,
    site::{Location, Room},
    table::EndpointTable,
    webex::WebexIntegration,
};
use super::files::tables::below_root;
use super::files::{Snapshot, SourceFile};
use super::schema;
use super::table::{self, RowDocument};
use super::yaml::{self, Budget, Inner, Node, Span, YamlDocument};
use crate::diagnostic::{Diagnostic, Place, did_you_mean};

/// What a document says, by kind.
#[derive(Debug)]
pub(crate) enum Spec {
    Google(Box<GoogleIntegration>),
    Graph(Box<GraphIntegration>),
    Exchange(Box<ExchangeIntegration>),
    CalDav(CalDavIntegration),
    Ics(IcsIntegration),
    Webex(Box<WebexIntegration>),
    Profile(Box<Profile>),
    Group(Box<EndpointGroup>),
    Endpoint(Box<Endpoint>),
    Rule(Box<Rule>),
    RuleSet(RuleSet),
    RuleTest(RuleTest),
    Location(Box<Location>),
    Room(Room),
    Table(EndpointTable),
    /// It does not fit its schema: there is a finding. Its name still counts, so that references to it are not called broken too.
    Misfit,
}

/// One document.
#[derive(Debug)]
pub(crate) struct Document {
    /// Index of its file; tables come after the documents' files.
    pub(crate) file: usize,
    /// Of a row, the file of the table's document: what it names lies beside that one, and its texts are templates.
    pub(crate) table: Option<usize>,
    pub(crate) kind: Kind,
    pub(crate) metadata: Metadata,
    pub(crate) spec: Spec,
    node: Node,
}

/// All documents of a snapshot.
#[derive(Debug)]
pub(crate) struct Directory<'a> {
    pub(crate) snapshot: &'a Snapshot,
    /// In the order of the files, then of their lines.
    pub(crate) documents: Vec<Document>,
    /// Where each line of each file begins, in bytes.
    lines: Vec<Vec<usize>>,
}

struct ParsedFile {
    documents: Vec<Document>,
    lines: Vec<usize>,
    findings: Vec<Diagnostic>,
}

impl<'a> Directory<'a> {
    /// Parses and types every document.
    pub(crate) fn read(snapshot: &'a Snapshot, findings: &mut Vec<Diagnostic>) -> Self {
        let mut directory = Self { snapshot, documents: vec![], lines: vec![] };
        for parsed in side_by_side(snapshot) {
            directory.documents.extend(parsed.documents);
            directory.lines.push(parsed.lines);
            findings.extend(parsed.findings);
        }
        directory.lines.extend(snapshot.tables.iter().map(|table| line_starts(table.text())));
        directory.tables(findings);
        directory
    }

    /// Adds the rows of every table, each as an endpoint.
    fn tables(&mut self, findings: &mut Vec<Diagnostic>) {
        let mut rows = vec![];
        for document in &self.documents {
            let Spec::Table(table) = &document.spec else { continue };
            let home = self.source(document);
            let found = below_root(home, &table.file).and_then(|path| {
                let same = |file: &SourceFile| file.root == home.root && file.relative == path;
                let missing = "there is no such file, or it is hidden, or `.otjignore` covers it";
                self.snapshot.tables.iter().position(same).ok_or(missing)
            });
            match found {
                Ok(index) => rows.extend(self.rows(document.file, index, table, findings)),
                Err(reason) => {
                    let place = self.value(document, "/spec/file");
                    let finding = Diagnostic::error("OTJ013", place, format!("the table cannot be read: {reason}"));
                    findings.push(
                        finding.help("name a `.csv` file relative to this one, below the configuration directory"),
                    );
                }
            }
        }
        self.documents.extend(rows);
    }

    fn rows(&self, home: usize, index: usize, table: &EndpointTable, findings: &mut Vec<Diagnostic>) -> Vec<Document> {
        let source = &self.snapshot.tables[index];
        let file = self.snapshot.files.len() + index;
        let lines = &self.lines[file];
        let (rows, faults) = table::rows(table, source.text());
        for fault in faults {
            let finding = Diagnostic::error(fault.code, place(source, lines, fault.span), fault.message);
            findings.push(Diagnostic { help: fault.help, ..finding });
        }
        let read = |row: RowDocument| {
            let mut reading = Reading { index: file, file: source, lines, findings: vec![] };
            let document = reading.document(YamlDocument { value: row.value, node: row.node });
            findings.append(&mut reading.findings);
            document.map(|document| Document { table: Some(home), ..document })
        };
        rows.into_iter().filter_map(read).collect()
    }

    /// Documents by kind, for the counts.
    pub(crate) fn counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for document in &self.documents {
            *counts.entry(document.kind.name().to_owned()).or_default() += 1;
        }
        counts
    }

    /// The file a document stands in.
    pub(crate) fn source(&self, document: &Document) -> &'a SourceFile {
        let documents = self.snapshot.files.len();
        match document.file.checked_sub(documents) {
            Some(table) => &self.snapshot.tables[table],
            None => &self.snapshot.files[document.file],
        }
    }

    /// The file that paths of a document are relative to.
    pub(crate) fn home(&self, document: &Document) -> &'a SourceFile {
        document.table.map_or_else(|| self.source(document), |home| &self.snapshot.files[home])
    }

    /// The place of a value.
    pub(crate) fn value(&self, document: &Document, pointer: &str) -> Place {
        let source = self.source(document);
        place_of_value(source, &self.lines[document.file], &document.node, pointer)
    }

    /// The place of a key; where it has none (an item, the document), of the value.
    pub(crate) fn key(&self, document: &Document, pointer: &str) -> Place {
        let source = self.source(document);
        place_of_key(source, &self.lines[document.file], &document.node, pointer)
    }

    /// `otj.d/oslo.yaml:5`: where a document's name stands, for messages about another one.
    pub(crate) fn at(&self, document: &Document) -> String {
        let place = self.value(document, "/metadata/name");
        format!("{}:{}", place.file, place.line)
    }
}

fn side_by_side(snapshot: &Snapshot) -> Vec<ParsedFile> {
    let budget = Budget::default();
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, ParsedFile)>> = Mutex::default();
    let workers = std::thread::available_parallelism().map_or(1, NonZeroUsize::get).min(snapshot.files.len().max(1));
    let work = || {
        let mut own = vec![];
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(file) = snapshot.files.get(index) else { break };
            own.push((index, parse_file(index, file, &budget)));
        }
        done.lock().unwrap_or_else(std::sync::PoisonError::into_inner).extend(own);
    };
    std::thread::scope(|scope| {
        for _ in 1..workers {
            scope.spawn(work);
        }
        work();
    });
    let mut done = done.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, parsed)| parsed).collect()
}

fn parse_file(index: usize, file: &SourceFile, budget: &Budget) -> ParsedFile {
    let text = file.text();
    let lines = line_starts(text);
    let parsed = yaml::parse(text, budget);
    let mut findings: Vec<Diagnostic> = parsed
        .faults
        .into_iter()
        .map(|fault| Diagnostic::error(fault.code, place(file, &lines, fault.span), fault.message))
        .collect();
    let mut reading = Reading { index, file, lines: &lines, findings: vec![] };
    let documents = parsed.documents.into_iter().filter_map(|document| reading.document(document)).collect();
    findings.append(&mut reading.findings);
    ParsedFile { documents, lines, findings }
}

/// Where each line begins, in bytes.
fn line_starts(text: &str) -> Vec<usize> {
    let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
    std::iter::once(0).chain(breaks.map(|(at, _)| at + 1)).collect()
}

struct Reading<'a> {
    index: usize,
    file: &'a SourceFile,
    lines: &'a [usize],
    findings: Vec<Diagnostic>,
}

impl Reading<'_> {
    fn document(&mut self, yaml: YamlDocument) -> Option<Document> {
        let YamlDocument { value, node } = yaml;
        let kind = self.kind(&value, &node)?;
        let misfits = schema::misfits(kind, &value);
        let fits = misfits.is_empty();
        for misfit in misfits {
            let place = match misfit.at_key {
                true => place_of_key(self.file, self.lines, &node, &misfit.pointer),
                false => place_of_value(self.file, self.lines, &node, &misfit.pointer),
            };
            let finding = Diagnostic::error(misfit.code, place, misfit.message);
            self.findings.push(Diagnostic { help: misfit.help, ..finding });
        }
        let name = value.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default().to_owned();
        let (metadata, spec) = match self.typed(kind, value, &node, fits) {
            Some((metadata, spec)) => (metadata, spec),
            None => (Metadata { name, ..Metadata::default() }, Spec::Misfit),
        };
        Some(Document { file: self.index, table: None, kind, metadata, spec, node })
    }

    /// The envelope is looked at first: without a known kind there is no schema.
    fn kind(&mut self, value: &Value, node: &Node) -> Option<Kind> {
        if !value.is_object() {
            let place = place_of_value(self.file, self.lines, node, "");
            let help = "every document is a map with `apiVersion: otj/v1`, `kind`, `metadata` and `spec`";
            self.findings.push(Diagnostic::error("OTJ007", place, "this is not a document").help(help));
            return None;
        }
        let mut lacks = false;
        for field in ["apiVersion", "kind"] {
            if value.get(field).is_none() {
                lacks = true;
                let place = place_of_key(self.file, self.lines, node, "");
                self.findings.push(Diagnostic::error("OTJ203", place, format!("the field `{field}` is missing")));
            }
        }
        if lacks {
            return None;
        }
        if value["apiVersion"] != API_VERSION {
            let place = place_of_value(self.file, self.lines, node, "/apiVersion");
            let finding = Diagnostic::error("OTJ008", place, "this version of the language is not known");
            self.findings.push(finding.help(format!("write `{API_VERSION}`")));
            return None;
        }
        let written = value["kind"].as_str().unwrap_or_default();
        let kind = Kind::ALL.into_iter().find(|kind| kind.name() == written);
        if kind.is_none() {
            let place = place_of_value(self.file, self.lines, node, "/kind");
            let meant = did_you_mean(written, Kind::ALL.into_iter().map(Kind::name));
            let help = meant.map_or_else(
                || format!("the kinds are {}", Kind::ALL.into_iter().map(Kind::name).collect::<Vec<_>>().join(", ")),
                |meant| format!("did you mean `{meant}`?"),
            );
            self.findings.push(Diagnostic::error("OTJ009", place, "there is no such kind").help(help));
        }
        kind
    }

    fn typed(&mut self, kind: Kind, mut value: Value, node: &Node, fits: bool) -> Option<(Metadata, Spec)> {
        if !fits {
            return None;
        }
        let metadata: Metadata = self.part(value["metadata"].take(), node, "/metadata")?;
        let spec = value["spec"].take();
        let spec = match kind {
            Kind::GoogleIntegration => Spec::Google(self.part(spec, node, "/spec")?),
            Kind::GraphIntegration => Spec::Graph(self.part(spec, node, "/spec")?),
            Kind::ExchangeIntegration => Spec::Exchange(self.part(spec, node, "/spec")?),
            Kind::CalDavIntegration => Spec::CalDav(self.part(spec, node, "/spec")?),
            Kind::IcsIntegration => Spec::Ics(self.part(spec, node, "/spec")?),
            Kind::WebexIntegration => Spec::Webex(self.part(spec, node, "/spec")?),
            Kind::Profile => Spec::Profile(self.part(spec, node, "/spec")?),
            Kind::EndpointGroup => Spec::Group(self.part(spec, node, "/spec")?),
            Kind::Endpoint => Spec::Endpoint(self.part(spec, node, "/spec")?),
            Kind::Rule => Spec::Rule(self.part(spec, node, "/spec")?),
            Kind::RuleTest => Spec::RuleTest(self.part(spec, node, "/spec")?),
            Kind::RuleSet => Spec::RuleSet(self.part(spec, node, "/spec")?),
            Kind::Location => Spec::Location(self.part(spec, node, "/spec")?),
            Kind::Room => Spec::Room(self.part(spec, node, "/spec")?),
            Kind::EndpointTable => Spec::Table(self.part(spec, node, "/spec")?),
        };
        Some((metadata, spec))
    }

    /// The schema has been passed, so this succeeds but for what a schema cannot say.
    fn part<T: DeserializeOwned>(&mut self, value: Value, node: &Node, below: &str) -> Option<T> {
        match serde_path_to_error::deserialize(value) {
            Ok(part) => Some(part),
            Err(error) => {
                let path = error.path().to_string();
                let pointer = format!("{below}/{}", path.replace(['.', '['], "/").replace(']', ""));
                let place = place_of_value(self.file, self.lines, node, pointer.trim_end_matches("/?"));
                self.findings.push(Diagnostic::error("OTJ202", place, "the value does not fit the field"));
                None
            }
        }
    }
}

fn place_of_value(file: &SourceFile, lines: &[usize], node: &Node, pointer: &str) -> Place {
    let (found, _) = node.find(pointer);
    match (&found.inner, pointer) {
        // Of a whole document only its first key is pointed at.
        (Inner::Mapping(entries), "") => place(file, lines, entries.first().map_or(found.span, |(_, span, _)| *span)),
        _ => place(file, lines, found.span),
    }
}

fn place_of_key(file: &SourceFile, lines: &[usize], node: &Node, pointer: &str) -> Place {
    match node.find(pointer) {
        (_, Some(key)) => place(file, lines, key),
        (found, None) => match &found.inner {
            Inner::Mapping(entries) => place(file, lines, entries.first().map_or(found.span, |(_, span, _)| *span)),
            _ => place(file, lines, found.span),
        },
    }
}

/// A span as people see it: on one line, without the comment and the space that the parser counts to it.
fn place(file: &SourceFile, lines: &[usize], span: Span) -> Place {
    let text = file.text();
    let line = span.start.line.clamp(1, lines.len());
    let start = lines[line - 1];
    let end = lines.get(line).map_or(text.len(), |next| next - 1);
    let content = text.get(start..end).unwrap_or_default().trim_end_matches('\r');
    let length = content.chars().count();
    let column = span.start.column.clamp(1, length + 1);
    let rest: String = content.chars().skip(column - 1).collect();
    let same_line = span.end.line == line;
    let limit = if same_line { span.end.column.saturating_sub(column) } else { usize::MAX };
    let written: String = rest.chars().take(limit).collect();
    let width = match written.chars().next() {
        Some(quote @ ('"' | '\'')) => written.chars().skip(1).position(|c| c == quote).map(|at| at + 2),
        _ => None,
    };
    let width = width.unwrap_or_else(|| {
        let plain = written.split(" #").next().unwrap_or_default();
        plain.trim_end().chars().count()
    });
    let end_column = column + width.max(usize::from(column <= length && limit > 0));
    Place { file: file.path.clone(), line, column, end_line: line, end_column }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(text: &str) -> Vec<String> {
        let snapshot = Snapshot::of_texts(&[("a.yaml", text)]);
        let mut findings = vec![];
        Directory::read(&snapshot, &mut findings);
        let show =
            |it: &Diagnostic| format!("{} {}:{}-{}", it.code, it.place.line, it.place.column, it.place.end_column);
        findings.iter().map(show).collect()
    }

    #[test]
    fn findings_stand_where_the_manual_says() {
        let endpoint = "apiVersion: otj/v1\nkind: Endpoint\nmetadata: {name: a}\nspec:\n";
        for (text, expected) in [
            ("kind: Rule\nx: 1\n", "OTJ203 1:1-5"),
            ("- a\n", "OTJ007 1:1-4"),
            ("apiVersion: otj/v2\nkind: Rule\n", "OTJ008 1:13-19"),
            ("apiVersion: otj/v1\nkind: \"Ruel\" # x\n", "OTJ009 2:7-13"),
            (&format!("{endpoint}  poly: {{}}\n"), "OTJ203 4:1-5"),
            (&format!("{endpoint}  roomEmail: 7 # x\n  poly: {{}}\n"), "OTJ202 5:14-15"),
            (&format!("{endpoint}  roomEmail: a@b\n  poly: {{}}\n  größe:\n    x: 1\n"), "OTJ201 7:3-8"),
            (&format!("{endpoint}  roomEmail: a@b\n  poly:\n    emit: [VmrToken, Vmr]\n"), "OTJ204 7:22-25"),
        ] {
            assert_eq!(findings(text), [expected], "{text}");
        }
    }
}
