//! From the guide's CSV to rows. In: the bytes of a file. Out: rows, and everything that is wrong, each with its place and what to
//! write instead. The header is optional and may have any order; without one the guide's fifteen columns stand in the guide's order.

use std::collections::BTreeMap;

use super::{COLUMNS, Choice, DeviceType, Row};
use crate::diagnostic::did_you_mean;
use crate::import::csv::{self, Field, Record};
use crate::import::fault::Fault;
use crate::model::Secret;

/// What a CSV holds.
#[derive(Debug, Default)]
pub struct ReadRows {
    /// The rows without errors, in the order of the file; of those with one name the last.
    pub rows: Vec<Row>,
    /// What is wrong.
    pub faults: Vec<Fault>,
}

/// Reads a CSV. `take_last`: where a name stands twice the last row counts, as with the guide's product, instead of being an error.
#[must_use]
pub fn read(file: &str, bytes: &[u8], take_last: bool) -> ReadRows {
    let records = csv::text_of(bytes).and_then(csv::records);
    let records = match records {
        Ok(records) => records,
        Err(fault) => {
            let faults = vec![Fault::error(file, fault.at(), fault.to_string()).help(fault.help())];
            return ReadRows { rows: vec![], faults };
        }
    };
    let mut reading = Reading { file, take_last, columns: COLUMNS.to_vec(), faults: vec![] };
    let mut records = records.as_slice();
    if let Some((first, rest)) = records.split_first() {
        if reading.separated_otherwise(first) {
            return ReadRows { rows: vec![], faults: reading.faults };
        }
        if is_header(first) {
            reading.header(first);
            records = rest;
        }
    }
    if !reading.faults.is_empty() {
        return ReadRows { rows: vec![], faults: reading.faults };
    }
    let rows: Vec<(Row, Places)> = records.iter().filter_map(|record| reading.row(record)).collect();
    let rows = reading.without_duplicates(rows);
    ReadRows { rows, faults: reading.faults }
}

/// The names of the header are told from values by these two, in any case.
fn is_header(record: &Record) -> bool {
    let known = |field: &&Field| COLUMNS.iter().any(|column| column.eq_ignore_ascii_case(field.text.trim()));
    record.fields.iter().filter(known).count() >= 2
}

type Places = BTreeMap<&'static str, (usize, usize)>;

struct Reading<'a> {
    file: &'a str,
    take_last: bool,
    columns: Vec<&'static str>,
    faults: Vec<Fault>,
}

/// One record by column.
struct Cells<'r> {
    by_column: BTreeMap<&'static str, &'r Field>,
    line: usize,
}

impl<'r> Cells<'r> {
    fn text(&self, column: &str) -> &'r str {
        self.by_column.get(column).map_or("", |field| field.text.as_str())
    }

    fn at(&self, column: &str) -> (usize, usize) {
        self.by_column.get(column).map_or((self.line, 1), |field| field.at)
    }
}

impl Reading<'_> {
    fn error(&mut self, at: (usize, usize), message: impl Into<String>, help: &str) {
        self.faults.push(Fault::error(self.file, at, message).help(help));
    }

    fn separated_otherwise(&mut self, first: &Record) -> bool {
        let text = &first.fields[0].text;
        let Some(separator) =
            [(';', "semicolons"), ('\t', "tabs")].into_iter().find(|(c, _)| text.matches(*c).count() >= 3)
        else {
            return false;
        };
        let message = format!("the fields are separated by {}", separator.1);
        self.error((1, 1), message, "save the file with commas, in a spreadsheet as \"CSV UTF-8 (comma delimited)\"");
        true
    }

    fn header(&mut self, record: &Record) {
        self.columns.clear();
        for field in &record.fields {
            let Some(column) = COLUMNS.into_iter().find(|column| *column == field.text) else {
                let meant = did_you_mean(&field.text, COLUMNS);
                let help = meant.map_or_else(
                    || format!("the columns are {}", COLUMNS.join(", ")),
                    |it| format!("did you mean `{it}`?"),
                );
                self.error(field.at, format!("there is no column `{}`", field.text), &help);
                continue;
            };
            if self.columns.contains(&column) {
                self.error(field.at, format!("the column `{column}` stands here a second time"), "leave one out");
            }
            self.columns.push(column);
        }
        for needed in ["name", "endpoint_type", "room_resource_email"] {
            if !self.columns.contains(&needed) && self.faults.is_empty() {
                self.error((record.line, 1), format!("the column `{needed}` is missing"), "every endpoint needs it");
            }
        }
    }

    fn row(&mut self, record: &Record) -> Option<(Row, Places)> {
        if record.fields.len() != self.columns.len() {
            let (has, wants) = (record.fields.len(), self.columns.len());
            let message = format!("the line has {has} fields, not {wants}");
            let help = "fields with commas in them stand in quotation marks; blank fields keep their comma";
            self.error((record.line, 1), message, help);
            return None;
        }
        let by_column: BTreeMap<_, _> = self.columns.iter().copied().zip(&record.fields).collect();
        let cells = Cells { by_column, line: record.line };
        let before = self.errors();
        let row = self.checked(&cells);
        let places = cells.by_column.iter().map(|(column, field)| (*column, field.at)).collect();
        (self.errors() == before).then_some((row, places))
    }

    fn errors(&self) -> usize {
        self.faults.iter().filter(|fault| fault.severity == crate::diagnostic::Severity::Error).count()
    }

    fn checked(&mut self, cells: &Cells<'_>) -> Row {
        let device = self.device(cells);
        let port = cells.text("api_port");
        let port = port.parse().ok().filter(|port| *port > 0).or_else(|| {
            if !port.is_empty() {
                self.error(
                    cells.at("api_port"),
                    "the port is no number from 1 to 65535",
                    "leave it blank for 443, or 80 without HTTPS",
                );
            }
            None
        });
        let row = Row {
            origin: format!("{}:{}", self.file, cells.line),
            name: cells.text("name").to_owned(),
            description: cells.text("description").to_owned(),
            device,
            address: cells.text("api_address").to_owned(),
            port,
            api_username: cells.text("api_username").to_owned(),
            poly_username: cells.text("poly_username").to_owned(),
            password: None,
            raise_alarms: self.raise_alarms(cells),
            webex_device_id: cells.text("webex_device_id").to_owned(),
            verify_cert: self.choice(cells, "verify_cert"),
            use_https: self.choice(cells, "use_https"),
            room_email: cells.text("room_resource_email").to_owned(),
            group: cells.text("mjx_endpoint_group_name").to_owned(),
        };
        self.lengths_and_spaces(cells);
        self.required(cells, device);
        self.address(cells, &row);
        self.of_this_type(cells, row)
    }

    fn device(&mut self, cells: &Cells<'_>) -> DeviceType {
        let text = cells.text("endpoint_type");
        let found = [DeviceType::Cisco, DeviceType::Poly, DeviceType::Webex].into_iter().find(|it| it.word() == text);
        found.unwrap_or_else(|| {
            let message = if text.is_empty() {
                "the endpoint has no type".to_owned()
            } else {
                format!("there is no endpoint type `{text}`")
            };
            self.error(cells.at("endpoint_type"), message, "write CISCO, POLY or WEBEX");
            DeviceType::default()
        })
    }

    fn raise_alarms(&mut self, cells: &Cells<'_>) -> bool {
        const COLUMN: &str = "poly_raise_alarms_for_this_endpoint";
        match cells.text(COLUMN) {
            "" | "TRUE" | "YES" => true,
            "FALSE" | "NO" => false,
            _ => {
                self.error(
                    cells.at(COLUMN),
                    format!("`{COLUMN}` is neither yes nor no"),
                    "write TRUE, YES, FALSE or NO, in capitals",
                );
                true
            }
        }
    }

    fn choice(&mut self, cells: &Cells<'_>, column: &str) -> Choice {
        match cells.text(column) {
            "" | "GLOBAL" => None,
            "YES" => Some(true),
            "NO" => Some(false),
            _ => {
                self.error(
                    cells.at(column),
                    format!("`{column}` is none of its three values"),
                    "write GLOBAL, YES or NO, in capitals",
                );
                None
            }
        }
    }

    fn lengths_and_spaces(&mut self, cells: &Cells<'_>) {
        for (column, field) in &cells.by_column {
            let longest = match *column {
                "name" | "description" | "mjx_endpoint_group_name" => 250,
                "api_address" => 255,
                "api_username" | "api_password" | "poly_password" => 100,
                "poly_username" | "room_resource_email" => 150,
                _ => 250,
            };
            if field.text.chars().count() > longest {
                self.error(field.at, format!("`{column}` is longer than {longest} characters"), "shorten it");
            }
            if *column != "description" && field.text.chars().any(char::is_control) {
                self.error(
                    field.at,
                    format!("`{column}` has a line break or another control character"),
                    "take it out",
                );
            } else if field.text.trim() != field.text && *column != "description" {
                let message = format!("`{column}` begins or ends with a space, which is kept");
                self.faults.push(Fault::warning(self.file, field.at, message));
            }
        }
    }

    fn required(&mut self, cells: &Cells<'_>, device: DeviceType) {
        let of_type = match device {
            DeviceType::Cisco => "api_address",
            DeviceType::Poly => "poly_username",
            DeviceType::Webex => "webex_device_id",
        };
        for column in ["name", "room_resource_email", of_type] {
            if cells.text(column).is_empty() {
                let message = format!("`{column}` is blank");
                let help = if column == of_type {
                    format!("{} endpoints need it", device.word())
                } else {
                    "every endpoint needs it".into()
                };
                self.error(cells.at(column), message, &help);
            }
        }
    }

    fn address(&mut self, cells: &Cells<'_>, row: &Row) {
        if row.device == DeviceType::Cisco && row.address.contains(['/', ' ', '@']) {
            self.error(
                cells.at("api_address"),
                "this is neither a host name nor an IP address",
                "write it alone, without https:// and path",
            );
        }
        let (user, domain) = row.room_email.split_once('@').unwrap_or_default();
        let one_mailbox = !user.is_empty()
            && !domain.is_empty()
            && !domain.contains('@')
            && !row.room_email.contains([' ', '<', '>', ',']);
        if !row.room_email.is_empty() && !one_mailbox {
            self.error(
                cells.at("room_resource_email"),
                "this is no e-mail address",
                "write the room's own address, like fjord@example.com",
            );
        }
    }

    /// Keeps what the type has, and says what it has not.
    fn of_this_type(&mut self, cells: &Cells<'_>, mut row: Row) -> Row {
        let of = |column: &str| match column {
            "api_address" | "api_port" | "api_username" | "api_password" => Some(DeviceType::Cisco),
            "poly_username" | "poly_password" => Some(DeviceType::Poly),
            "webex_device_id" => Some(DeviceType::Webex),
            _ => None,
        };
        for (column, field) in &cells.by_column {
            let choice = matches!(*column, "verify_cert" | "use_https") && matches!(field.text.as_str(), "YES" | "NO");
            let foreign = of(column).is_some_and(|of| of != row.device) && !field.text.is_empty();
            if foreign || choice && row.device != DeviceType::Cisco {
                let message = format!("`{column}` has no use for {} endpoints and is not carried", row.device.word());
                self.faults.push(Fault::warning(self.file, field.at, message));
            }
        }
        let password = match row.device {
            DeviceType::Cisco => cells.text("api_password"),
            DeviceType::Poly => cells.text("poly_password"),
            DeviceType::Webex => "",
        };
        if row.device == DeviceType::Cisco && row.api_username.is_empty() && !password.is_empty() {
            self.error(
                cells.at("api_username"),
                "there is a password and no user name",
                "write both, or neither for the profile's",
            );
        }
        row.password = (!password.is_empty()).then(|| Secret::new(password.to_owned()));
        if row.device != DeviceType::Cisco {
            (row.address, row.port, row.api_username) = Default::default();
            (row.verify_cert, row.use_https) = (None, None);
        }
        if row.device != DeviceType::Poly {
            row.poly_username.clear();
        }
        if row.device != DeviceType::Webex {
            row.webex_device_id.clear();
        }
        row
    }

    fn without_duplicates(&mut self, rows: Vec<(Row, Places)>) -> Vec<Row> {
        let mut last: BTreeMap<String, usize> = BTreeMap::new();
        let mut logins: BTreeMap<String, usize> = BTreeMap::new();
        for (index, (row, places)) in rows.iter().enumerate() {
            let at = |column: &str| places.get(column).copied().unwrap_or((1, 1));
            if let Some(first) = last.insert(row.name.clone(), index) {
                let message =
                    format!("the name `{}` stands here a second time; the first is {}", row.name, rows[first].0.origin);
                let fault = match self.take_last {
                    true => Fault::warning(self.file, at("name"), message)
                        .help("this row counts, and the one above does not"),
                    false => Fault::error(self.file, at("name"), message)
                        .help("leave one out, or say --take-last to take the last row of each name"),
                };
                self.faults.push(fault);
            } else if row.device == DeviceType::Poly
                && let Some(first) = logins.insert(row.poly_username.to_lowercase(), index)
            {
                let message =
                    format!("the `poly_username` is that of `{}` ({})", rows[first].0.name, rows[first].0.origin);
                self.error(
                    at("poly_username"),
                    message,
                    "give every Poly endpoint its own; capitals alone are no difference",
                );
            }
        }
        let kept: std::collections::BTreeSet<usize> = last.into_values().collect();
        rows.into_iter().enumerate().filter(|(index, _)| kept.contains(index)).map(|(_, (row, _))| row).collect()
    }
}
