//! CSV after RFC 4180, with the place of every field. In: text. Out: records, or where the text is none. Records go back into text
//! with quotes where they are needed and CR LF at the end of each line.

/// One field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Quotes taken off.
    pub text: String,
    /// Line and column it begins at, from 1.
    pub at: (usize, usize),
}

/// One record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its fields.
    pub fields: Vec<Field>,
    /// The line it begins in.
    pub line: usize,
}

/// Why a text is no CSV.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CsvFault {
    /// A quote that is never closed.
    #[error("the quotation mark that opens here is never closed")]
    Open {
        /// Line and column.
        at: (usize, usize),
    },
    /// Text after a closing quote.
    #[error("text stands after a closing quotation mark")]
    AfterQuote {
        /// Line and column.
        at: (usize, usize),
    },
    /// Not UTF-8.
    #[error("this is not UTF-8")]
    NotUtf8 {
        /// Line and column.
        at: (usize, usize),
    },
}

impl CsvFault {
    /// Where it stands.
    #[must_use]
    pub fn at(&self) -> (usize, usize) {
        match self {
            Self::Open { at } | Self::AfterQuote { at } | Self::NotUtf8 { at } => *at,
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            Self::Open { .. } => "a quotation mark inside a quoted field is written twice",
            Self::AfterQuote { .. } => {
                "write a comma after the closing quotation mark, or double the marks inside the field"
            }
            Self::NotUtf8 { .. } => "save the file as UTF-8, in a spreadsheet as \"CSV UTF-8\"",
        }
    }
}

/// The text of a file's bytes; a byte order mark is taken off.
///
/// # Errors
/// When it is not UTF-8.
pub fn text_of(bytes: &[u8]) -> Result<&str, CsvFault> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(CsvFault::NotUtf8 { at: (1, 1) });
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.strip_prefix('\u{feff}').unwrap_or(text)),
        Err(error) => {
            let before = std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default();
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
            Err(CsvFault::NotUtf8 { at: (line, column) })
        }
    }
}

/// The records of a text. Lines without anything are left out.
///
/// # Errors
/// When quotes do not pair.
pub fn records(text: &str) -> Result<Vec<Record>, CsvFault> {
    let mut reader = Reader { rest: text.chars().peekable(), at: (1, 1) };
    let mut records = vec![];
    while reader.rest.peek().is_some() {
        let line = reader.at.0;
        let mut fields = vec![];
        loop {
            fields.push(reader.field()?);
            if reader.rest.peek() != Some(&',') {
                break;
            }
            reader.next();
        }
        reader.end_of_line();
        if fields.len() > 1 || !fields[0].text.is_empty() {
            records.push(Record { fields, line });
        }
    }
    Ok(records)
}

struct Reader<'t> {
    rest: std::iter::Peekable<std::str::Chars<'t>>,
    at: (usize, usize),
}

impl Reader<'_> {
    fn next(&mut self) -> Option<char> {
        let c = self.rest.next()?;
        let lone_return = c == '\r' && self.rest.peek() != Some(&'\n');
        self.at = if c == '\n' || lone_return { (self.at.0 + 1, 1) } else { (self.at.0, self.at.1 + 1) };
        Some(c)
    }

    fn field(&mut self) -> Result<Field, CsvFault> {
        let at = self.at;
        let mut text = String::new();
        if self.rest.peek() != Some(&'"') {
            // A mark inside of a field that is not quoted is part of it.
            while self.rest.peek().is_some_and(|c| !matches!(c, ',' | '\n' | '\r')) {
                text.extend(self.next());
            }
            return Ok(Field { text, at });
        }
        self.next();
        loop {
            match self.next() {
                None => return Err(CsvFault::Open { at }),
                Some('"') if self.rest.peek() == Some(&'"') => text.extend(self.next()),
                Some('"') => break,
                Some(c) => text.push(c),
            }
        }
        match self.rest.peek() {
            None | Some(',' | '\n' | '\r') => Ok(Field { text, at }),
            Some(_) => Err(CsvFault::AfterQuote { at: self.at }),
        }
    }

    fn end_of_line(&mut self) {
        if self.rest.peek() == Some(&'\r') {
            self.next();
        }
        if self.rest.peek() == Some(&'\n') {
            self.next();
        }
    }
}

/// One line, with quotes where they are needed: around commas, quotes, line ends, and space at either end.
#[must_use]
pub fn line<'a>(fields: impl IntoIterator<Item = &'a str>) -> String {
    let quoted = |field: &str| match field.contains([',', '"', '\n', '\r']) || field.trim() != field {
        true => format!("\"{}\"", field.replace('"', "\"\"")),
        false => field.to_owned(),
    };
    let fields: Vec<String> = fields.into_iter().map(quoted).collect();
    fields.join(",") + "\r\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_read_with_their_places() {
        let text = "a,\"b, \"\"c\"\"\",\r\n\r\n\"x\ny\",5\" screen,ü\rlast,";
        let seen: Vec<Vec<(String, (usize, usize))>> = records(text)
            .unwrap()
            .into_iter()
            .map(|record| record.fields.into_iter().map(|field| (field.text, field.at)).collect())
            .collect();
        let f = |text: &str, line, column| (text.to_owned(), (line, column));
        assert_eq!(
            seen,
            [
                vec![f("a", 1, 1), f("b, \"c\"", 1, 3), f("", 1, 14)],
                vec![f("x\ny", 3, 1), f("5\" screen", 4, 4), f("ü", 4, 14)],
                vec![f("last", 5, 1), f("", 5, 6)],
            ]
        );
    }

    #[test]
    fn what_is_no_csv_is_told_with_its_place() {
        assert_eq!(records("a\nb,\"c\n\n").unwrap_err(), CsvFault::Open { at: (2, 3) });
        assert_eq!(records("\"a\"b").unwrap_err(), CsvFault::AfterQuote { at: (1, 4) });
        assert_eq!(text_of(b"ab\nc\xe4").unwrap_err(), CsvFault::NotUtf8 { at: (2, 2) });
        assert_eq!(text_of(b"\xff\xfea\0").unwrap_err(), CsvFault::NotUtf8 { at: (1, 1) });
        assert_eq!(text_of(b"\xef\xbb\xbfa"), Ok("a"));
    }

    #[test]
    fn lines_come_back_as_they_were() {
        let fields = ["", "a", " b", "c,d", "e\"f", "g\r\nh", "ü", "\"", "'"];
        let read = records(&line(fields)).unwrap();
        assert_eq!(read[0].fields.iter().map(|field| field.text.as_str()).collect::<Vec<_>>(), fields);
    }
}
