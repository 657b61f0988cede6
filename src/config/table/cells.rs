//! Cells of a CSV file, each with its place. The crate `csv` says what a cell holds; where it stands is counted here.

use super::TableFault;
use crate::config::yaml::{Mark, Span};

/// One row that is not blank.
pub(super) struct Row {
    pub(super) cells: Vec<Cell>,
}

/// One cell.
pub(super) struct Cell {
    /// Without its quotes.
    pub(super) text: String,
    /// With them.
    pub(super) span: Span,
}

/// All rows of `text`, the first line included.
pub(super) fn rows(text: &str) -> Result<Vec<Row>, TableFault> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    let mut walk = Walk { rest: text, mark: Mark { line: 1, column: 1 } };
    let mut rows = vec![];
    for record in reader.records() {
        walk.skip_blank_lines();
        let start = walk.mark;
        let record = record
            .map_err(|_| TableFault::new("OTJ013", Span { start, end: start }, "the row is not well-formed CSV"))?;
        let cells: Vec<Cell> = record.iter().map(|text| Cell { text: text.to_owned(), span: walk.cell() }).collect();
        if cells.iter().any(|cell| !cell.text.trim().is_empty()) {
            rows.push(Row { cells });
        }
    }
    Ok(rows)
}

/// Where the next cell begins.
struct Walk<'a> {
    rest: &'a str,
    mark: Mark,
}

impl Walk<'_> {
    fn step(&mut self, c: char) {
        self.rest = &self.rest[c.len_utf8()..];
        self.mark = match c {
            '\n' => Mark { line: self.mark.line + 1, column: 1 },
            _ => Mark { column: self.mark.column + 1, ..self.mark },
        };
    }

    fn skip_blank_lines(&mut self) {
        while let Some(c @ ('\r' | '\n')) = self.rest.chars().next() {
            self.step(c);
        }
    }

    /// Walks over one cell and what ends it.
    fn cell(&mut self) -> Span {
        let start = self.mark;
        let mut quoted = self.rest.starts_with('"');
        if quoted {
            self.step('"');
        }
        let mut end = self.mark;
        while let Some(c) = self.rest.chars().next() {
            if quoted && c == '"' {
                self.step(c);
                // A doubled quote is a quote.
                match self.rest.starts_with('"') {
                    true => self.step('"'),
                    false => quoted = false,
                }
            } else if !quoted && matches!(c, ',' | '\n' | '\r') {
                end = self.mark;
                self.step(c);
                if c == '\r' && self.rest.starts_with('\n') {
                    self.step('\n');
                }
                break;
            } else {
                self.step(c);
            }
            end = self.mark;
        }
        Span { start, end }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cell_knows_its_text_and_its_place() {
        let text = "\u{feff}name,b\r\n\r\n\"Ärger, \"\"x\"\"\",2\n\n\"two\nlines\",\n,\nlast,9";
        let rows: Vec<Vec<(String, String)>> = rows(text)
            .unwrap_or_default()
            .iter()
            .map(|row| {
                let place = |mark: Mark| format!("{}:{}", mark.line, mark.column);
                row.cells
                    .iter()
                    .map(|cell| (cell.text.clone(), place(cell.span.start) + "-" + &place(cell.span.end)))
                    .collect()
            })
            .collect();
        let expected: [&[(&str, &str)]; 4] = [
            &[("name", "1:1-1:5"), ("b", "1:6-1:7")],
            &[("Ärger, \"x\"", "3:1-3:15"), ("2", "3:16-3:17")],
            &[("two\nlines", "5:1-6:7"), ("", "6:8-6:8")],
            &[("last", "8:1-8:5"), ("9", "8:6-8:7")],
        ];
        let found: Vec<Vec<(&str, &str)>> =
            rows.iter().map(|row| row.iter().map(|(text, place)| (text.as_str(), place.as_str())).collect()).collect();
        assert_eq!(found, expected);
    }
}
