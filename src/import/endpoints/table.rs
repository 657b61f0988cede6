//! Rows as an EndpointTable beside a CSV file, for sites that would rather keep one line an endpoint. In: rows. Out: drafts of tables
//! and their files. Defaults hold for every row of a table, so each type, and Cisco endpoints with an account of their own, has one.

use serde_json::{Value, json};

use super::{DeviceType, Row, csv};
use crate::import::draft::Draft;
use crate::import::secrets::{Random, SecretEntry, password};

/// A file that a table names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableFile {
    /// Below the root of the directory.
    pub path: String,
    /// The guide's CSV, without passwords.
    pub text: String,
}

/// The tables of `rows`, their files, and the secrets they refer to.
#[must_use]
pub fn tables(
    rows: &[Row],
    secrets_file: &str,
    generate: Option<Random<'_>>,
) -> (Vec<Draft>, Vec<TableFile>, Vec<SecretEntry>) {
    type Belongs = fn(&Row) -> bool;
    let kinds: [(&str, Belongs, &str); 4] = [
        ("cisco", |row| row.device == DeviceType::Cisco && row.api_username.is_empty(), ""),
        (
            "cisco-own-accounts",
            |row| row.device == DeviceType::Cisco && !row.api_username.is_empty(),
            "/spec/defaults/cisco/password",
        ),
        ("poly", |row| row.device == DeviceType::Poly, "/spec/defaults/poly/password"),
        ("webex", |row| row.device == DeviceType::Webex, ""),
    ];
    let (mut drafts, mut files, mut secrets) = (vec![], vec![], vec![]);
    for (name, belongs, password_pointer) in kinds {
        let own: Vec<Row> = rows.iter().filter(|row| belongs(row)).cloned().collect();
        let Some(first) = own.first() else { continue };
        let path = format!("endpoints-{name}.csv");
        let mut draft = Draft::new("EndpointTable", name, &first.origin);
        draft.set("/spec/file", path.as_str());
        if !password_pointer.is_empty() {
            draft.set(password_pointer, template(secrets_file));
            for row in &own {
                let generated = generate.filter(|_| row.password.is_none() && row.device == DeviceType::Poly);
                let value = generated.map(password).or_else(|| row.password.clone());
                secrets.push(SecretEntry { key: row.name.clone(), value, generated: generated.is_some() });
            }
        }
        drafts.push(draft);
        files.push(TableFile { path, text: csv(&own, false) });
    }
    (drafts, files, secrets)
}

fn template(secrets_file: &str) -> Value {
    json!({"file": secrets_file, "key": "{{ endpoint.name }}"})
}
