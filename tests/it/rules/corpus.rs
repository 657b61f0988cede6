//! The invitations under `tests/invitations`, one file a family: `schema: 1`, `family`, and `cases`, each with
//!
//! | field | |
//! |---|---|
//! | `name`, `tags`, `source`, `note` | for people |
//! | `confidence` | `confirmed`, `inferred`, `decision`; `undocumented` ones are counted and not judged |
//! | `integration` | `exchange`, `graph`, `google`, `caldav` |
//! | `subject`, `organizer`, `location`, `is_private`, `properties` | of the event |
//! | `body_text`, `body_html`, or `body_gen` | the last is made of `segments` of `text` times `repeat` |
//! | `rules` | under the names of Pexip's management API |
//! | `expected` | `alias`, `matched_rule`, `matched_by` (`rule`, `fallback`, `none`), `variables` (a subset), `protocol`; `also_accepted` and `alias_pattern` name other right answers |

use std::collections::BTreeMap;
use std::sync::Arc;

use otj::model::desired::RuleType;
use otj::model::names::EvaluationId;
use otj::model::{Body, Confidential, Digest, EvaluationSpec, Event, Person, ProfileName, RuleName, RuleSpec};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "schema")]
    _schema: u32,
    family: String,
    cases: Vec<Case>,
}

/// One invitation and what is expected of it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    pub(crate) name: String,
    #[serde(default, rename = "tags")]
    _tags: Vec<String>,
    #[serde(default, rename = "source")]
    _source: String,
    pub(crate) confidence: String,
    integration: String,
    #[serde(default)]
    subject: String,
    organizer: Organizer,
    #[serde(default)]
    location: String,
    #[serde(default)]
    is_private: bool,
    body_text: Option<String>,
    body_html: Option<String>,
    body_gen: Option<Generated>,
    #[serde(default)]
    properties: serde_json::Map<String, serde_json::Value>,
    rules: Vec<Rule>,
    pub(crate) expected: Expected,
    #[serde(default, rename = "note")]
    _note: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Organizer {
    name: String,
    email: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Generated {
    field: String,
    segments: Vec<Segment>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Segment {
    text: String,
    repeat: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    name: String,
    priority: u16,
    meeting_type: String,
    #[serde(default = "yes")]
    enabled: bool,
    #[serde(default = "yes")]
    default_processing_enabled: bool,
    #[serde(default)]
    include_pin: bool,
    match_string: Option<String>,
    replace_string: Option<String>,
    transform_rule: Option<String>,
    custom_template: Option<String>,
    domain: Option<String>,
    company_id: Option<String>,
}

/// What is expected.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expected {
    pub(crate) alias: Option<String>,
    pub(crate) matched_rule: Option<String>,
    pub(crate) matched_by: Option<String>,
    #[serde(default)]
    pub(crate) variables: BTreeMap<String, String>,
    pub(crate) protocol: Option<String>,
    #[serde(default)]
    pub(crate) also_accepted: Vec<Option<String>>,
    pub(crate) alias_pattern: Option<String>,
}

fn yes() -> bool {
    true
}

/// All cases, by family.
pub(crate) fn all() -> Vec<(String, Vec<Case>)> {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/invitations");
    let mut paths: Vec<_> = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    paths.sort();
    paths
        .iter()
        .map(|path| {
            let text = std::fs::read_to_string(path).unwrap();
            let file: File = serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            (file.family, file.cases)
        })
        .collect()
}

impl Case {
    /// The event a calendar would give.
    pub(crate) fn event(&self) -> Event {
        let text = |text: &str| Body::Text(Confidential::new(text));
        let html = |text: &str| Body::Html(Confidential::new(text));
        let body = match (&self.body_text, &self.body_html, &self.body_gen) {
            (Some(body), ..) => text(body),
            (_, Some(body), _) => html(body),
            (.., Some(made)) => {
                let body: String = made.segments.iter().map(|segment| segment.text.repeat(segment.repeat)).collect();
                if made.field == "body_html" { html(&body) } else { text(&body) }
            }
            _ => Body::None,
        };
        let part = |name: &str| self.properties.get("start_time")?.get(name)?.as_i64();
        let start = part("year").map_or_else(
            || "2025-03-12T14:00:00Z".parse().unwrap(),
            |year| {
                let at = |name: &str| part(name).unwrap_or_default();
                format!("{year:04}-{:02}-{:02}T{:02}:{:02}:00Z", at("month"), at("day"), at("hour"), at("minute"))
                    .parse()
                    .unwrap()
            },
        );
        Event {
            uid: self.name.clone(),
            original_start: None,
            start,
            end: start + jiff::SignedDuration::from_hours(1),
            all_day: false,
            subject: Confidential::new(&*self.subject),
            organizer: Person {
                name: Confidential::new(&*self.organizer.name),
                email: Confidential::new(&*self.organizer.email),
            },
            location: Confidential::new(&*self.location),
            body,
            private: self.is_private,
            tentative: false,
            properties: self.properties.clone(),
            time_zone: None,
            last_modified: None,
        }
    }

    /// The rules of the case, as a profile has them.
    pub(crate) fn evaluation(&self) -> EvaluationSpec {
        evaluation(self.rules.iter().map(|rule| rule.spec(&self.integration)).collect())
    }
}

/// A profile's evaluation with these rules and the fallback.
pub(crate) fn evaluation(rules: Vec<RuleSpec>) -> EvaluationSpec {
    EvaluationSpec {
        id: EvaluationId { profile: ProfileName::parse("corpus").unwrap(), variant: Digest::default() },
        digest: Digest::default(),
        rules: rules.into_iter().map(Arc::new).collect(),
        fallback: true,
        alias_domains: None,
        dial_numbers: false,
        replace_subject_template: None,
    }
}

/// An invitation of nothing but `body`, in plain text.
pub(crate) fn event(body: &str) -> Event {
    Event {
        uid: "u1".into(),
        original_start: None,
        start: "2026-07-05T22:30:00Z".parse().unwrap(),
        end: "2026-07-05T23:30:00Z".parse().unwrap(),
        all_day: false,
        subject: Confidential::new("Weekly"),
        organizer: Person { name: Confidential::default(), email: Confidential::new("dana@mail.example.com") },
        location: Confidential::default(),
        body: Body::Text(Confidential::new(body)),
        private: false,
        tentative: false,
        properties: serde_json::Map::new(),
        time_zone: None,
        last_modified: None,
    }
}

/// A rule of `rule_type` with everything at its default.
pub(crate) fn rule(name: &str, priority: u16, rule_type: RuleType) -> RuleSpec {
    RuleSpec::of(RuleName::parse(name).unwrap(), priority, rule_type)
}

impl Rule {
    fn spec(&self, integration: &str) -> RuleSpec {
        let rule_type = rule_type(&self.meeting_type);
        RuleSpec {
            enabled: self.enabled,
            // As configuration sees to it.
            carried: !(integration == "google" && rule_type == RuleType::TeamsMeetingProperties),
            // Google invitations carry no passcode a room could use; configuration switches the option off there.
            include_password: self.include_pin && integration != "google",
            company_id: self.company_id.clone(),
            domain: self.domain.clone(),
            default_processing: self.default_processing_enabled,
            transform: self.transform_rule.clone(),
            match_pattern: self.match_string.clone(),
            replace: self.replace_string.clone(),
            template: self.custom_template.clone(),
            ..rule(&self.name, self.priority, rule_type)
        }
    }
}

/// The type that Pexip's management API calls `name`.
pub(crate) fn rule_type(name: &str) -> RuleType {
    match name {
        "pexipinfinity" => RuleType::PexipInfinity,
        "pexipservice" => RuleType::PexipService,
        "teams" => RuleType::TeamsMeetingProperties,
        "teamssipguestjoin" => RuleType::TeamsSipGuestJoin,
        "pexipinfinityteamsbody" => RuleType::TeamsBodyPexipInfinity,
        "pexipserviceteamsbody" => RuleType::TeamsBodyPexipService,
        "polyteamsbody" => RuleType::TeamsBodyPoly,
        "bluejeansteamsbody" => RuleType::TeamsBodyBlueJeans,
        "ciscoteamsbody" => RuleType::TeamsBodyCisco,
        "hangouts" => RuleType::GoogleMeet,
        "googlemeetsipguestjoin" => RuleType::GoogleMeetSipGuestJoin,
        "s4b" => RuleType::SkypeForBusiness,
        "polys4bbody" => RuleType::SkypeForBusinessBodyPoly,
        "webex" => RuleType::Webex,
        "zoom" => RuleType::Zoom,
        "bluejeans" => RuleType::BlueJeans,
        "gotomeeting" => RuleType::GoToMeeting,
        "domain" => RuleType::Domain,
        "regex" | "regex_re2" => RuleType::Regex,
        "custom" => RuleType::Custom,
        other => panic!("no such meeting type: {other}"),
    }
}
