//! The rules of one evaluation, compiled: event in, verdict and trace out.
//!
//! Rules are tried in ascending priority; the first whose find and whose alias both hold decides. A rule that cannot run is kept
//! with its reason and passed over: one wrong rule never costs a room its other meetings. Then, unless switched off, the fallback.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::pattern::{Pattern, Replacement};
use super::permit::Permit;
use super::scan::{is_domain, is_within};
use super::template::Template;
use super::texts::{Place, Texts};
use super::trace::{Trace, Tried, Why};
use super::types::{self, Provider};
use super::{calendar_event, fallback};
use crate::invitation::{self, wrapped::Link};
use crate::model::desired::{RuleType, When};
use crate::model::{Alias, Confidential, Digest, EvaluationSpec, Event, MatchedBy, Protocol, RuleSpec, Verdict};

/// Most addresses the fallback looks at; an invitation with more of them that are none was written to cost time.
const FALLBACK_MAX: usize = 1000;

/// Compiled rules.
#[derive(Debug)]
pub struct Chain {
    digest: Digest,
    rules: Vec<Compiled>,
    fallback: bool,
    permit: Permit,
    replacement: Option<Template>,
}

#[derive(Debug)]
struct Compiled {
    spec: Arc<RuleSpec>,
    work: Result<Work, Why>,
}

enum Work {
    Provider { provider: &'static Provider, transform: Template },
    Regex { pattern: Pattern, replacement: Option<Replacement> },
    Custom(Template),
}

impl std::fmt::Debug for Work {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("‹compiled›")
    }
}

/// What the rules made of one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The decision.
    pub verdict: Verdict,
    /// The variables of the rule that matched.
    pub variables: BTreeMap<String, String>,
    /// How it came to be.
    pub trace: Trace,
}

/// What a rule found.
struct Hit {
    place: Place,
    text: String,
    variables: BTreeMap<String, String>,
}

/// An alias that passed the door, its protocol, and the rule's variables.
type Found = (Alias, Protocol, BTreeMap<String, String>);

impl Chain {
    /// Compiles. Never fails: a rule that cannot run says so in every trace.
    #[must_use]
    pub fn compile(spec: &EvaluationSpec) -> Self {
        let mut rules: Vec<Compiled> =
            spec.rules.iter().map(|rule| Compiled { spec: rule.clone(), work: compile(rule) }).collect();
        rules.sort_by_key(|rule| rule.spec.priority);
        let template = spec.replace_subject_template.as_deref().filter(|text| !text.trim().is_empty());
        Self {
            digest: spec.digest,
            rules,
            fallback: spec.fallback,
            permit: Permit::of(spec),
            replacement: template.and_then(|text| Template::compile(text).ok()),
        }
    }

    /// Digest of the rules.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Tries the rules on an event. `zone` is the room's, for templates that show times.
    #[must_use]
    pub fn process(&self, event: &Event, zone: &str) -> Outcome {
        self.process_texts(&Texts::new(event, zone))
    }

    pub(super) fn process_texts(&self, texts: &Texts<'_>) -> Outcome {
        let mut trace = Trace::default();
        let mut found = None;
        for rule in &self.rules {
            let (looked_at, result) = self.attempt(rule, texts);
            let name = Some((rule.spec.name.clone(), rule.spec.rule_type));
            let why = match result {
                Ok((alias, protocol, variables)) => {
                    found = Some((alias, protocol, MatchedBy::Rule(rule.spec.name.clone()), variables));
                    Why::Matched
                }
                Err(why) => why,
            };
            trace.tried.push(Tried { rule: name, looked_at, why });
            if found.is_some() {
                break;
            }
        }
        if found.is_none() && self.fallback {
            let (looked_at, result) = self.fall_back(texts);
            let why = result.as_ref().err().cloned().unwrap_or(Why::Matched);
            found = result.ok().map(|(alias, protocol)| (alias, protocol, MatchedBy::Fallback, BTreeMap::new()));
            trace.tried.push(Tried { rule: None, looked_at, why });
        }
        trace.links = texts.body().wrapped.iter().chain(&texts.location().wrapped).cloned().collect();
        trace.cut = texts.body().cut;
        match found {
            Some((alias, protocol, by, variables)) => {
                Outcome { verdict: Verdict { alias: Some(alias), protocol, by }, variables, trace }
            }
            None => Outcome {
                verdict: Verdict { alias: None, protocol: Protocol::Auto, by: MatchedBy::None },
                variables: BTreeMap::new(),
                trace,
            },
        }
    }

    /// The title that replaces the event's, when there is a template and it gives something.
    pub(super) fn replacement(&self, texts: &Texts<'_>) -> Option<Confidential> {
        let text = self.replacement.as_ref()?.render(&calendar_event::context(texts)).ok()?;
        let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
        (!line.is_empty()).then(|| Confidential::new(line))
    }

    /// Where the rule looked, and what it gave.
    fn attempt(&self, rule: &Compiled, texts: &Texts<'_>) -> (Vec<Place>, Result<Found, Why>) {
        let work = match (rule.spec.enabled, &rule.work) {
            (false, _) => return (vec![], Err(Why::Disabled)),
            (true, Err(why)) => return (vec![], Err(why.clone())),
            (true, Ok(work)) => work,
        };
        if let Err(why) = applies(&rule.spec.when, texts.event) {
            return (vec![], Err(why));
        }
        match run(work, &rule.spec, texts) {
            Ok(hit) => {
                let admitted = self.permit.admit(&hit.text, rule.spec.protocol);
                (vec![hit.place], admitted.map(|(alias, protocol)| (alias, protocol, hit.variables)))
            }
            Err(why) => (places(work).to_vec(), Err(why)),
        }
    }

    fn fall_back(&self, texts: &Texts<'_>) -> (Vec<Place>, Result<(Alias, Protocol), Why>) {
        let mut last = (types::WRITTEN_PLACES.to_vec(), Why::NothingFound);
        for (place, text) in fallback::candidates(texts).take(FALLBACK_MAX) {
            match self.permit.admit(text, Protocol::Auto) {
                Ok(admitted) => return (vec![place], Ok(admitted)),
                Err(why) => last = (vec![place], why),
            }
        }
        (last.0, Err(last.1))
    }
}

fn compile(rule: &RuleSpec) -> Result<Work, Why> {
    if !rule.carried {
        return Err(Why::NotCarried);
    }
    let template = |text: &str| Template::compile(text).map_err(Why::CannotRun);
    match rule.rule_type {
        RuleType::Regex => {
            let pattern = rule.match_pattern.as_deref().filter(|pattern| !pattern.is_empty());
            let pattern = Pattern::compile(pattern.ok_or_else(|| Why::CannotRun("it has no `match`".into()))?)
                .map_err(Why::CannotRun)?;
            let replace = rule.replace.as_deref().filter(|replace| !rule.default_processing && !replace.is_empty());
            let replacement =
                replace.map(|text| Replacement::parse(text, &pattern)).transpose().map_err(Why::CannotRun)?;
            Ok(Work::Regex { pattern, replacement })
        }
        RuleType::Custom => {
            let text = rule.template.as_deref().ok_or_else(|| Why::CannotRun("it has no `template`".into()))?;
            Ok(Work::Custom(template(text)?))
        }
        rule_type => {
            let provider = types::provider(rule_type).ok_or_else(|| Why::CannotRun("it has no such type".into()))?;
            if rule_type == RuleType::Domain && rule.domain.as_deref().is_none_or(|domain| domain.trim().is_empty()) {
                return Err(Why::CannotRun("it has no `domain`".into()));
            }
            let own = rule.transform.as_deref().filter(|text| !rule.default_processing && !text.trim().is_empty());
            let transform = template(own.unwrap_or_else(|| (provider.transform)(rule)))?;
            Ok(Work::Provider { provider, transform })
        }
    }
}

fn places(work: &Work) -> &'static [Place] {
    match work {
        Work::Provider { provider, .. } => provider.places,
        Work::Regex { .. } => types::WRITTEN_PLACES,
        Work::Custom(_) => &[Place::CalendarEvent],
    }
}

fn run(work: &Work, rule: &RuleSpec, texts: &Texts<'_>) -> Result<Hit, Why> {
    match work {
        Work::Provider { provider, transform } => {
            let finding = if provider.anchors.is_empty() || texts.anchored().has(rule.rule_type) {
                (provider.find)(rule, texts)
            } else {
                Err(Why::NothingFound)
            };
            let finding = finding
                .map_err(|why| rewritten(provider, texts).filter(|_| why == Why::NothingFound).unwrap_or(why))?;
            let context = minijinja::Value::from_pairs(
                finding.variables.iter().map(|(name, value)| (name.as_str(), value.as_str())),
            );
            let text = non_empty(transform.render(&context)?)?;
            Ok(Hit { place: finding.place, text, variables: finding.variables })
        }
        Work::Regex { pattern, replacement } => {
            for (place, text) in texts.as_written_first() {
                let Some(found) = pattern.find(text).map_err(|_| Why::SearchGivenUp)? else { continue };
                let text = match replacement {
                    Some(replacement) => replacement.expand(&found).map_err(Why::CannotRun)?,
                    None => found.groups.first().copied().flatten().unwrap_or_default().to_owned(),
                };
                let variables = found.names.iter().filter_map(|(name, number)| {
                    Some((name.clone(), found.groups.get(*number).copied().flatten()?.to_owned()))
                });
                return Ok(Hit { place, text: non_empty(text)?, variables: variables.collect() });
            }
            Err(Why::NothingFound)
        }
        Work::Custom(template) => {
            let text = non_empty(template.render(&calendar_event::context(texts))?)?;
            Ok(Hit { place: Place::CalendarEvent, text, variables: BTreeMap::new() })
        }
    }
}

/// The rewriter that keeps what `provider` looks for to itself: its link names one of the provider's hosts as a hint.
fn rewritten(provider: &Provider, texts: &Texts<'_>) -> Option<Why> {
    let mut opaque = texts.body().wrapped.iter().filter(|link| link.outcome == invitation::Outcome::Opaque);
    opaque.find_map(|wrapped| {
        let link = Link::parse(wrapped.link.expose())?;
        let domain = link.parameter("domain")?.to_ascii_lowercase();
        let theirs = is_domain(&domain) && provider.anchors.iter().any(|anchor| is_within(&domain, anchor));
        theirs.then_some(Why::OnlyRewriterReads { rewriter: wrapped.rewriter, domain })
    })
}

fn non_empty(text: String) -> Result<String, Why> {
    if text.trim().is_empty() { Err(Why::NoOutput) } else { Ok(text) }
}

fn applies(when: &When, event: &Event) -> Result<(), Why> {
    if when.private.is_some_and(|private| private != event.private) {
        return Err(Why::OtherPrivacy);
    }
    let Some(domains) = &when.organizer_domains else { return Ok(()) };
    let domain = event.organizer.email.expose().trim().rsplit_once('@').map(|(_, domain)| domain).unwrap_or_default();
    if domains.iter().any(|each| is_within(domain, each)) { Ok(()) } else { Err(Why::OtherOrganizer) }
}
