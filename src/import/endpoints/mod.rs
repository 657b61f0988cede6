//! Endpoints as the guide's CSV has them. In: a text of CSV, or documents. Out: rows, and from rows drafts or CSV again.
//!
//! Canonical form, which `otj export csv` writes: a header, the guide's order of columns, rows sorted by name, `TRUE` and `FALSE`,
//! `GLOBAL` where a column of that kind is blank, no passwords, fields of other types blank, quotes only where needed, CR LF.
//! A file in that form comes back byte for byte after `otj import csv`; any other comes back in this form, and is then stable.

mod documents;
mod drafts;
mod reading;
mod table;

use crate::model::Secret;

pub use documents::{Known, Render, add_passwords, rows};
pub use drafts::{DraftOptions, Drafted, drafts};
pub use reading::{ReadRows, read};
pub use table::{TableFile, tables};

/// The columns, in the guide's order.
pub const COLUMNS: [&str; 15] = [
    "name",
    "description",
    "endpoint_type",
    "api_address",
    "api_port",
    "api_username",
    "api_password",
    "poly_username",
    "poly_password",
    "poly_raise_alarms_for_this_endpoint",
    "webex_device_id",
    "verify_cert",
    "use_https",
    "room_resource_email",
    "mjx_endpoint_group_name",
];

/// `endpoint_type`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeviceType {
    /// `CISCO`.
    #[default]
    Cisco,
    /// `POLY`.
    Poly,
    /// `WEBEX`.
    Webex,
}

impl DeviceType {
    /// As the guide writes it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Cisco => "CISCO",
            Self::Poly => "POLY",
            Self::Webex => "WEBEX",
        }
    }
}

/// `GLOBAL` (`None`), `YES`, `NO`.
pub type Choice = Option<bool>;

/// One endpoint.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    /// Where it was read, for messages: file and line.
    pub origin: String,
    /// Its name.
    pub name: String,
    /// A sentence for people.
    pub description: String,
    /// Which fields below it has.
    pub device: DeviceType,
    /// Cisco: host.
    pub address: String,
    /// Cisco: port; `None`: by protocol.
    pub port: Option<u16>,
    /// Cisco: account; blank: the profile's.
    pub api_username: String,
    /// Poly: account.
    pub poly_username: String,
    /// The password of whichever account it is.
    pub password: Option<Secret>,
    /// Whether its troubles raise alarms.
    pub raise_alarms: bool,
    /// Webex: device id.
    pub webex_device_id: String,
    /// Cisco: whether its certificate is checked.
    pub verify_cert: Choice,
    /// Cisco: HTTPS or not.
    pub use_https: Choice,
    /// The room.
    pub room_email: String,
    /// Its group; blank: none.
    pub group: String,
}

impl Row {
    /// The line of its file.
    #[must_use]
    pub fn line(&self) -> usize {
        self.origin.rsplit(':').next().and_then(|line| line.parse().ok()).unwrap_or(0)
    }
}

/// The canonical CSV of rows. Passwords are written only where `with_passwords` says so.
#[must_use]
pub fn csv(rows: &[Row], with_passwords: bool) -> String {
    let mut sorted: Vec<&Row> = rows.iter().collect();
    sorted.sort_by(|a, b| a.name.cmp(&b.name));
    let mut out = super::csv::line(COLUMNS);
    for row in sorted {
        let cells = cells(row, with_passwords);
        out.push_str(&super::csv::line(cells.iter().map(String::as_str)));
    }
    out
}

fn cells(row: &Row, with_passwords: bool) -> [String; 15] {
    let choice = |choice: Choice| match choice {
        None => "GLOBAL",
        Some(true) => "YES",
        Some(false) => "NO",
    };
    let password = |of: DeviceType| match &row.password {
        Some(secret) if with_passwords && row.device == of => secret.expose().to_owned(),
        _ => String::new(),
    };
    [
        row.name.clone(),
        row.description.clone(),
        row.device.word().to_owned(),
        row.address.clone(),
        row.port.map(|port| port.to_string()).unwrap_or_default(),
        row.api_username.clone(),
        password(DeviceType::Cisco),
        row.poly_username.clone(),
        password(DeviceType::Poly),
        if row.raise_alarms { "TRUE" } else { "FALSE" }.to_owned(),
        row.webex_device_id.clone(),
        choice(row.verify_cert).to_owned(),
        choice(row.use_https).to_owned(),
        row.room_email.clone(),
        row.group.clone(),
    ]
}
