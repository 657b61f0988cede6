//! Secrets on their way into a file beside git: a YAML map, name by name. In: what stands in the file, and entries. Out: its new text,
//! which is itself a secret. Also the passwords that are made up for Poly endpoints.

use std::collections::BTreeMap;

use serde_json::Value;

use super::text;
use crate::config::yaml::{Budget, parse};
use crate::model::Secret;

/// Fills a slice with random bytes.
pub type Random<'a> = &'a dyn Fn(&mut [u8]);

/// One secret that documents refer to.
#[derive(Clone, Debug, PartialEq)]
pub struct SecretEntry {
    /// Its name in the file.
    pub key: String,
    /// `None`: a person must fill it in.
    pub value: Option<Secret>,
    /// It was made up here.
    pub generated: bool,
}

/// Why a file of secrets cannot be added to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is no map of names and texts")]
pub struct NoMap;

/// What a file of secrets holds by name; an empty text holds nothing.
///
/// # Errors
/// When it is no map of texts.
pub fn read(text: &str) -> Result<BTreeMap<String, Secret>, NoMap> {
    let parsed = parse(text, &Budget::default());
    if !parsed.faults.is_empty() || parsed.documents.len() > 1 {
        return Err(NoMap);
    }
    let Some(document) = parsed.documents.into_iter().next() else { return Ok(BTreeMap::new()) };
    let Value::Object(map) = document.value else { return Err(NoMap) };
    map.into_iter()
        .map(|(key, value)| match value {
            Value::String(text) => Ok((key, Secret::new(text))),
            _ => Err(NoMap),
        })
        .collect()
}

/// The text of a file that holds `secrets`.
#[must_use]
pub fn write(secrets: &BTreeMap<String, Secret>) -> Secret {
    let map: serde_json::Map<String, Value> =
        secrets.iter().map(|(key, secret)| (key.clone(), Value::from(secret.expose()))).collect();
    let head = "# Secrets of otj: keep this file out of git, mode 0600, in a --secret-dir.\n";
    Secret::new(head.to_owned() + &text::document(&Value::Object(map)))
}

/// Letters and digits that nobody takes for one another, and that on-screen keyboards offer without a shift.
const LETTERS: &[u8; 31] = b"abcdefghjkmnpqrstuvwxyz23456789";

/// A password to be typed on an endpoint: four groups of five, about 99 bits.
#[must_use]
pub fn password(random: Random<'_>) -> Secret {
    let mut text = String::new();
    let mut letters = 0;
    while letters < 20 {
        let mut bytes = [0u8; 32];
        random(&mut bytes);
        // 248 is the largest multiple of 31: what is above would make the first letters likelier.
        for byte in bytes.into_iter().filter(|byte| *byte < 248).take(20 - letters) {
            if letters > 0 && letters % 5 == 0 {
                text.push('-');
            }
            text.push(LETTERS[usize::from(byte) % LETTERS.len()] as char);
            letters += 1;
        }
    }
    Secret::new(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_kept_as_texts_and_what_stands_stays() {
        let text = "# ours\nold: \"0123\"\n";
        let mut secrets = read(text).unwrap();
        secrets.insert("Raum: Ä".into(), Secret::new("no # \"x\"".into()));
        secrets.insert("n".into(), Secret::new("12345".into()));
        let written = write(&secrets);
        assert_eq!(read(written.expose()).unwrap(), secrets);
        assert!(written.expose().contains("old: \"0123\"\n"), "{}", written.expose());
        for wrong in ["- a\n", "a: 1\n", "a: [\n", "a: b\n---\nc: d\n"] {
            assert_eq!(read(wrong), Err(NoMap), "{wrong}");
        }
        assert_eq!(read("# nothing\n"), Ok(BTreeMap::new()));
    }

    #[test]
    fn passwords_are_long_and_can_be_read_off_a_list() {
        let random = ring::rand::SystemRandom::new();
        let fill = |bytes: &mut [u8]| ring::rand::SecureRandom::fill(&random, bytes).unwrap();
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..200 {
            let secret = password(&fill);
            assert_eq!(secret.expose().len(), 23);
            assert!(secret.expose().bytes().all(|byte| byte == b'-' || LETTERS.contains(&byte)));
            assert!(!secret.expose().contains(['0', 'o', '1', 'l', 'i']));
            assert!(seen.insert(secret.expose().to_owned()));
        }
        let letters: std::collections::BTreeSet<char> = seen.iter().flat_map(|it| it.chars()).collect();
        assert_eq!(letters.len(), 32, "every letter, and the hyphen");
    }
}
