//! A trace as JSON: the form that `otj match --format json`, `otj test --format json --trace`, pages and API share. Names are camelCase,
//! words from closed sets PascalCase.
//!
//! ```json
//! {"rules": [{"rule": "zoom", "type": "Zoom", "priority": 10, "outcome": "DomainNotAllowed", "detail": "it gave …",
//!             "lookedAt": ["UnwrappedBody"], "variables": {"meeting_id": "…"}, "gave": "…"}],
//!  "notTried": ["webex"],
//!  "links": [{"rewriter": "Mimecast", "link": "https://…", "outcome": "Opaque", "domain": "zoom.us"}],
//!  "cut": {"reason": "Bytes", "after": 2097152}}
//! ```
//!
//! The fallback has `"rule": null` and the type `Fallback`. What does not apply to a row is left out of it;
//! `cut` is null where the whole body was read, and else `Bytes` or `Tags`, with how many of them were read. `outcome` is
//! [`Why::label`]; what it is about stands in `about`: `property`; `found` and `missing`; `form`; `rewriter` and `domain`; `fault`.

use std::collections::BTreeMap;

use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};

use super::{Trace, Tried, Variables, Why};
use crate::invitation::{Cut, Outcome, Wrapped};
use crate::rules::texts::Place;

impl Serialize for Trace {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("rules", &self.tried().collect::<Vec<_>>())?;
        map.serialize_entry("notTried", &self.not_tried().map(|name| name.as_str()).collect::<Vec<_>>())?;
        map.serialize_entry("links", &self.links.iter().map(LinkRow::of).collect::<Vec<_>>())?;
        map.serialize_entry("cut", &self.cut.map(|reason| CutRow { reason, after: reason.after() }))?;
        map.end()
    }
}

#[derive(Serialize)]
struct CutRow {
    reason: Cut,
    after: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RuleRow<'t> {
    rule: Option<&'t str>,
    #[serde(rename = "type")]
    rule_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    priority: Option<u16>,
    outcome: &'static str,
    detail: String,
    looked_at: &'t [Place],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    looked_for: Vec<&'t str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    about: BTreeMap<&'static str, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    variables: Option<&'t Variables>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gave: Option<&'t str>,
}

impl Serialize for Tried<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (rule, found) = (self.rule, self.found);
        let row = RuleRow {
            rule: rule.map(|rule| rule.name.as_str()),
            rule_type: rule.map_or_else(|| "Fallback".to_owned(), |rule| format!("{:?}", rule.rule_type)),
            priority: rule.map(|rule| rule.priority),
            outcome: self.why.label(),
            detail: self.detail(),
            looked_at: self.looked_at(),
            looked_for: if *self.why == Why::NothingFound { self.looked_for() } else { vec![] },
            about: about(self.why),
            variables: found.map(|found| &found.variables),
            gave: found.map(|found| found.gave.expose()),
        };
        row.serialize(serializer)
    }
}

/// The parts of a reason, by name.
fn about(why: &Why) -> BTreeMap<&'static str, String> {
    let pairs: Vec<(&'static str, String)> = match why {
        Why::NoProperty(name) => vec![("property", (*name).to_owned())],
        Why::Incomplete { found, missing } => {
            vec![("found", (*found).to_owned()), ("missing", (*missing).to_owned())]
        }
        Why::Undocumented(form) => vec![("form", (*form).to_owned())],
        Why::OnlyRewriterReads { rewriter, domain } => {
            vec![("rewriter", (*rewriter).to_owned()), ("domain", domain.clone())]
        }
        Why::Refused(fault) => vec![("fault", format!("{fault:?}"))],
        Why::CannotRun(fault) => vec![("fault", fault.clone())],
        Why::TemplateFailed(fault) => vec![("fault", fault.expose().to_owned())],
        _ => vec![],
    };
    pairs.into_iter().collect()
}

#[derive(Serialize)]
struct LinkRow<'t> {
    rewriter: &'static str,
    link: &'t str,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    real: Option<&'t str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    domain: Option<String>,
}

impl<'t> LinkRow<'t> {
    fn of(wrapped: &'t Wrapped) -> Self {
        let (outcome, real) = match &wrapped.outcome {
            Outcome::Real(real) => ("Unwrapped", Some(real.expose())),
            Outcome::Opaque => ("Opaque", None),
            Outcome::Broken => ("Broken", None),
            Outcome::TooDeep => ("TooDeep", None),
        };
        Self { rewriter: wrapped.rewriter, link: wrapped.link.expose(), outcome, real, domain: wrapped.hinted_domain() }
    }
}
