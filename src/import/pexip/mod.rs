//! Pexip Infinity's management API into documents. In: its resources, live or as saved JSON. Out: drafts of every kind, the secrets that
//! are to be filled in (the API returns none), and a report of what could not be carried and what to do next.
//!
//! To save the answers where no way leads from here to the manager, one file a resource:
//!
//! ```text
//! for r in system_location mjx_integration mjx_endpoint_group mjx_endpoint mjx_meeting_processing_rule mjx_google_deployment \
//!     mjx_graph_deployment mjx_exchange_deployment mjx_exchange_autodiscover_url; do
//!   curl -u "$USER" "https://$MANAGER/api/admin/configuration/v1/$r/?limit=5000" > "$r.json"
//! done
//! ```
//!
//! Refresh tokens, which the API can return, are never written.

mod answers;
mod fetch;
mod integrations;
mod profiles;
mod rules;

use serde_json::{Value, json};

use super::draft::Draft;
use super::secrets::SecretEntry;

pub use answers::{Answers, BadAnswer, RESOURCES};
pub use fetch::{FetchFault, Manager};

/// Checks a regular expression, or a template; the rule engine's own.
pub type Check = fn(&str) -> Result<(), String>;

/// What the importer is told.
#[derive(Clone, Copy, Debug)]
pub struct PexipOptions<'a> {
    /// The file that references to secrets name.
    pub secrets_file: &'a str,
    /// Checks regular expressions.
    pub check_regex: Check,
    /// Checks templates.
    pub check_template: Check,
}

/// How much a note weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Something could not be carried: it works differently until a person acts.
    NotCarried,
    /// It is carried, and could be better.
    Advice,
}

impl Weight {
    /// `not carried` or `advice`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::NotCarried => "not carried",
            Self::Advice => "advice",
        }
    }
}

/// One line of the report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// How much it weighs.
    pub weight: Weight,
    /// The resource, `mjx_meeting_processing_rule`.
    pub resource: &'static str,
    /// The object's name.
    pub name: String,
    /// What and why.
    pub what: String,
    /// What to do.
    pub next: String,
}

impl Note {
    /// For machines.
    #[must_use]
    pub fn json(&self) -> Value {
        json!({
            "weight": self.weight.word(), "resource": self.resource, "name": self.name, "what": self.what, "next": self.next,
        })
    }
}

/// What an import makes.
#[derive(Clone, Debug, Default)]
pub struct Converted {
    /// The documents, in the order they are written.
    pub drafts: Vec<Draft>,
    /// The secrets they refer to; the API returns no values.
    pub secrets: Vec<SecretEntry>,
    /// What could not be carried, and advice.
    pub notes: Vec<Note>,
}

/// Makes documents of the manager's answers.
#[must_use]
pub fn convert(answers: &Answers, options: &PexipOptions<'_>) -> Converted {
    let mut converting = Converting { answers, options, converted: Converted::default() };
    converting.locations();
    converting.integrations();
    converting.profiles();
    converting.groups();
    converting.endpoints();
    converting.rules();
    converting.converted.notes.sort_by_key(|note| note.weight);
    converting.converted
}

impl Converted {
    /// Takes rules and endpoints out of effect that the loader refuses, with its reason. Says whether there was one.
    pub fn disable(&mut self, refused: &[(String, String, String)]) -> bool {
        let mut some = false;
        for (kind, name, reason) in refused {
            let resource = match kind.as_str() {
                "Rule" => "mjx_meeting_processing_rule",
                "Endpoint" => "mjx_endpoint",
                _ => continue,
            };
            let draft = self.drafts.iter_mut().find(|it| it.kind == *kind && it.name == *name && !it.disabled);
            let Some(draft) = draft else { continue };
            draft.disabled = true;
            draft.notes.push(format!("Not carried: {reason}."));
            some = true;
            self.notes.push(Note {
                weight: Weight::NotCarried,
                resource,
                name: name.clone(),
                what: format!("{reason}; it is written as comments"),
                next: "mend and uncomment it, or delete it".into(),
            });
        }
        self.notes.sort_by_key(|note| note.weight);
        some
    }
}

struct Converting<'a> {
    answers: &'a Answers,
    options: &'a PexipOptions<'a>,
    converted: Converted,
}

impl<'a> Converting<'a> {
    fn note(
        &mut self,
        weight: Weight,
        resource: &'static str,
        name: &str,
        what: impl Into<String>,
        next: impl Into<String>,
    ) {
        let (name, what, next) = (name.to_owned(), what.into(), next.into());
        self.converted.notes.push(Note { weight, resource, name, what, next });
    }

    /// A reference to a secret that a person fills in.
    fn secret(&mut self, key: String) -> Value {
        let reference = json!({"file": self.options.secrets_file, "key": key});
        self.converted.secrets.push(SecretEntry { key, value: None, generated: false });
        reference
    }

    fn draft(&self, kind: &'static str, resource: &str, object: &Value) -> Draft {
        let mut draft = Draft::new(kind, text(object, "name"), resource);
        let description = text(object, "description");
        draft.set_or_clear("/metadata/description", (!description.is_empty()).then_some(description));
        draft
    }

    /// The name of the object that a field refers to.
    fn name_of(&self, object: &Value, field: &str) -> Option<&'a str> {
        self.answers.referred(object, field).map(|referred| text(referred, "name"))
    }

    fn locations(&mut self) {
        for object in self.answers.of("system_location") {
            let used = self.answers.of("mjx_endpoint_group").iter().any(|group| {
                self.answers
                    .referred(group, "system_location")
                    .is_some_and(|it| text(it, "name") == text(object, "name"))
            });
            if used {
                let draft = self.draft("Location", "system_location", object);
                let what = "of a location its name and description are carried; web proxy and time zone are not";
                let next = "add `webProxy`, `timeZone` and `polyHost` where they are needed";
                self.note(Weight::Advice, "system_location", &draft.name, what, next);
                self.converted.drafts.push(draft);
            }
        }
    }
}

/// A text of an object; empty where it is null or not there.
fn text<'o>(object: &'o Value, field: &str) -> &'o str {
    object[field].as_str().unwrap_or_default()
}

/// A truth value of an object.
fn flag(object: &Value, field: &str, default: bool) -> bool {
    object[field].as_bool().unwrap_or(default)
}

/// Sets a field where the object says something else than the default of the language.
fn set_unless(draft: &mut Draft, pointer: &str, value: &Value, default: &Value) {
    let kept = Some(value.clone()).filter(|it| !it.is_null() && it != default && it != "");
    draft.set_or_clear(pointer, kept);
}
