//! `EndpointTable`: rows of a CSV file as Endpoint documents. In: the document, its table, where both stand. Out: what each row says,
//! in the form of an Endpoint, with the place of every cell; the rest of the way is that of documents written by hand.

mod cells;
mod columns;

use serde_json::{Map, Value, json};

use self::cells::{Cell, Row};
use self::columns::{Column, Form};
use super::document::API_VERSION;
use super::document::table::EndpointTable;
use super::yaml::{Inner, Mark, Node, Span};
use crate::diagnostic::did_you_mean;

/// Something wrong with a table, and where in its file.
pub(super) struct TableFault {
    pub(super) code: &'static str,
    pub(super) span: Span,
    pub(super) message: String,
    pub(super) help: Option<String>,
}

impl TableFault {
    fn new(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self { code, span, message: message.into(), help: None }
    }

    fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }
}

/// One row as an Endpoint.
pub(super) struct RowDocument {
    pub(super) value: Value,
    pub(super) node: Node,
}

/// The rows of `text`, as far as they can be told.
pub(super) fn rows(table: &EndpointTable, text: &str) -> (Vec<RowDocument>, Vec<TableFault>) {
    let mut faults = vec![];
    let mut rows = match cells::rows(text) {
        Ok(rows) => rows.into_iter(),
        Err(fault) => return (vec![], vec![fault]),
    };
    let Some(header) = rows.next() else {
        let span = Span { start: Mark { line: 1, column: 1 }, end: Mark { line: 1, column: 1 } };
        let fault = TableFault::new("OTJ014", span, "the table is empty");
        return (
            vec![],
            vec![fault.help("its first line names the columns, for instance name,group,room_email,address")],
        );
    };
    let columns = named_columns(&header, &mut faults);
    if !faults.is_empty() {
        return (vec![], faults);
    }
    let documents = rows.filter_map(|row| document(table, &columns, &row, &mut faults)).collect();
    (documents, faults)
}

/// What the first line calls the columns.
fn named_columns(header: &Row, faults: &mut Vec<TableFault>) -> Vec<Column> {
    let names: Vec<&str> = header.cells.iter().map(|cell| cell.text.trim()).collect();
    let mut columns: Vec<Column> = vec![];
    for (index, (cell, name)) in header.cells.iter().zip(&names).enumerate() {
        match columns::named(name) {
            Some(_) if names[..index].contains(name) => {
                faults.push(TableFault::new(
                    "OTJ014",
                    cell.span,
                    format!("the column `{name}` stands here a second time"),
                ));
            }
            Some(column) => columns.push(column),
            None => {
                let meant = did_you_mean(name, columns::names());
                let help = match meant {
                    Some(meant) => format!("did you mean `{meant}`?"),
                    None => format!("the columns are {}, labels.KEY", columns::names().collect::<Vec<_>>().join(", ")),
                };
                let message =
                    if index == 0 { "the first line names no column of a table" } else { "there is no such column" };
                faults.push(TableFault::new("OTJ014", cell.span, message).help(help));
            }
        }
    }
    for needed in ["name", "room_email"] {
        let guide = columns::guide_name(needed);
        if faults.is_empty() && !names.iter().any(|name| *name == needed || Some(*name) == guide) {
            let span = header.cells.first().map_or_else(Span::default, |cell| cell.span);
            faults.push(TableFault::new("OTJ014", span, format!("the table has no column `{needed}`")));
        }
    }
    columns
}

/// One row over the table's defaults.
fn document(table: &EndpointTable, columns: &[Column], row: &Row, faults: &mut Vec<TableFault>) -> Option<RowDocument> {
    let first = row.cells.first()?;
    if row.cells.len() != columns.len() {
        let (cells, wanted) = (row.cells.len(), columns.len());
        let fault =
            TableFault::new("OTJ015", first.span, format!("the row has {cells} cells, the first line {wanted}"));
        faults.push(
            fault.help("a text with a comma stands in double quotes; leave a cell empty where nothing is to be said"),
        );
        return None;
    }
    let filled: Vec<(&Column, &Cell)> =
        columns.iter().zip(&row.cells).filter(|(_, cell)| !cell.text.trim().is_empty()).collect();
    let device = match device(table, &filled, first.span) {
        Ok(device) => device,
        Err(fault) => {
            faults.push(fault);
            return None;
        }
    };
    let mut building = Building {
        value: json!({"apiVersion": API_VERSION, "kind": "Endpoint", "metadata": {}}),
        row: first.span,
        places: vec![],
    };
    building.value["spec"] = Value::Object(defaults(table, device));
    for (column, cell) in filled.into_iter().filter(|(column, _)| column.form != Form::Device) {
        if let Some(value) = column.form.read(cell.text.trim()) {
            building.put(&column.pointer, value, cell.span);
        }
    }
    Some(building.finish())
}

/// What every row has. Of the devices only the row's own.
fn defaults(table: &EndpointTable, device: &str) -> Map<String, Value> {
    let mut spec = table.defaults.clone().unwrap_or_default();
    spec.retain(|field, _| field == device || !columns::DEVICES.contains(&field.as_str()));
    spec.entry(device).or_insert_with(|| json!({}));
    spec
}

/// Which device a row is: as it says, else as its cells or the defaults tell.
fn device(table: &EndpointTable, filled: &[(&Column, &Cell)], row: Span) -> Result<&'static str, TableFault> {
    if let Some((_, cell)) = filled.iter().find(|(column, _)| column.form == Form::Device) {
        let written = cell.text.trim().to_ascii_lowercase();
        let known = columns::DEVICES.into_iter().find(|device| *device == written);
        let fault = TableFault::new("OTJ204", cell.span, "this is not one of the values");
        return known.ok_or(fault.help("the values are cisco, poly, webex"));
    }
    let of_cells =
        |device: &&str| filled.iter().any(|(column, _)| column.pointer.starts_with(&format!("/spec/{device}/")));
    let of_defaults = |device: &&str| table.defaults.as_ref().is_some_and(|defaults| defaults.contains_key(*device));
    let cells: Vec<&'static str> = columns::DEVICES.into_iter().filter(of_cells).collect();
    let defaults: Vec<&'static str> = columns::DEVICES.into_iter().filter(of_defaults).collect();
    match (cells.as_slice(), defaults.as_slice()) {
        ([one], _) | ([], [one]) => Ok(one),
        _ => {
            let fault = TableFault::new("OTJ015", row, "the row does not tell which kind of device it is");
            let help = "write cisco, poly or webex into the column `type`, or let the table's defaults name one alone";
            Err(fault.help(help))
        }
    }
}

/// A document in the making: its value, and the place of what came from cells.
struct Building {
    value: Value,
    row: Span,
    places: Vec<(String, Span)>,
}

impl Building {
    fn put(&mut self, pointer: &str, value: Value, span: Span) {
        let mut here = &mut self.value;
        for step in pointer.split('/').skip(1).map(|step| step.replace("~1", "/").replace("~0", "~")) {
            if !here.is_object() {
                *here = json!({});
            }
            here = &mut here[step];
        }
        *here = value;
        self.places.push((pointer.to_owned(), span));
    }

    /// What has no cell stands where the row begins.
    fn finish(self) -> RowDocument {
        let node = node(&self.value, "", self.row, &self.places);
        RowDocument { value: self.value, node }
    }
}

fn node(value: &Value, pointer: &str, row: Span, places: &[(String, Span)]) -> Node {
    let own = places.iter().find(|(at, _)| at == pointer).map_or(row, |(_, span)| *span);
    let inner = match value {
        Value::Object(fields) => {
            let entry = |(name, value): (&String, &Value)| {
                let below = format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"));
                let node = node(value, &below, row, places);
                (name.clone(), node.span, node)
            };
            Inner::Mapping(fields.iter().map(entry).collect())
        }
        Value::Array(items) => Inner::Sequence(
            items
                .iter()
                .enumerate()
                .map(|(index, item)| node(item, &format!("{pointer}/{index}"), row, places))
                .collect(),
        ),
        _ => Inner::Scalar,
    };
    Node { span: own, inner }
}
