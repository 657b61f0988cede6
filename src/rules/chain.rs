//! The rules of one evaluation, compiled: event in, verdict and trace out.
//!
//! Rules are tried in ascending priority; the first whose find and whose alias both hold decides. A rule that cannot run is kept
//! with its reason and passed over: one wrong rule never costs a room its other meetings. Then, unless switched off, the fallback.

use std::sync::Arc;

use super::calendar_event::Fields;
use super::fallback;
use super::pattern::{Pattern, Replacement, STEPS_MAX, Steps};
use super::permit::Permit;
use super::scan::is_within;
use super::template::Template;
use super::texts::{Place, Texts};
use super::trace::{Found, Told, Trace, Variables, Why};
use super::types::{self, Finding, Provider};
use crate::model::desired::{RuleType, When};
use crate::model::{Alias, Confidential, Digest, EvaluationSpec, Event, MatchedBy, Protocol, RuleSpec, Verdict};

/// Most addresses the fallback looks at; an invitation with more of them that are none was written to cost time.
const FALLBACK_MAX: usize = 1000;

/// Compiled rules.
#[derive(Debug)]
pub struct Chain {
    digest: Digest,
    rules: Vec<Compiled>,
    /// The same as traces share them.
    specs: Arc<[Arc<RuleSpec>]>,
    fallback: bool,
    permit: Permit,
    replacement: Option<Template>,
    /// What its templates see of an event.
    seen: Fields,
}

#[derive(Debug)]
struct Compiled {
    spec: Arc<RuleSpec>,
    work: Result<Work, Why>,
    /// Set where nothing but a missing anchor can end it before it looks, which is what most rules come to in most events.
    anchored: Option<RuleType>,
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
    /// How it came to be.
    pub trace: Trace,
}

impl Outcome {
    /// The variables of the rule that matched.
    #[must_use]
    pub fn variables(&self) -> &Variables {
        static NONE: Variables = Variables::new();
        let last = self.trace.tried().next_back().filter(|last| *last.why == Why::Matched);
        last.and_then(|last| last.found).map_or(&NONE, |found| &found.variables)
    }
}

/// An alias that passed the door with its protocol, or why there is none.
type Admitted = Result<(Alias, Protocol), Why>;

impl Chain {
    /// Compiles. Never fails: a rule that cannot run says so in every trace.
    #[must_use]
    pub fn compile(spec: &EvaluationSpec) -> Self {
        let mut rules: Vec<Compiled> = spec.rules.iter().map(Compiled::of).collect();
        rules.sort_by_key(|rule| rule.spec.priority);
        let template = spec.replace_subject_template.as_deref().filter(|text| !text.trim().is_empty());
        let replacement = template.and_then(|text| Template::compile(text).ok());
        let custom = rules.iter().filter_map(|rule| match &rule.work {
            Ok(Work::Custom(template)) => Some(template),
            _ => None,
        });
        let seen = Fields::named_by(custom.chain(&replacement));
        let specs = rules.iter().map(|rule| rule.spec.clone()).collect();
        Self { digest: spec.digest, rules, specs, fallback: spec.fallback, permit: Permit::of(spec), replacement, seen }
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
        let mut told = vec![];
        let mut matched = None;
        let mut count = 0;
        let is_wrapped = !texts.body().wrapped.is_empty();
        for (index, rule) in self.rules.iter().enumerate() {
            count = index + 1;
            if !is_wrapped && rule.anchored.is_some_and(|rule_type| !texts.anchored().has(rule_type)) {
                continue;
            }
            let (found, result) = self.attempt(rule, texts);
            matched = tell(&mut told, index, found, result, || MatchedBy::Rule(rule.spec.name.clone()));
            if matched.is_some() {
                break;
            }
        }
        if matched.is_none() {
            let (found, result) = if self.fallback { self.fall_back(texts) } else { (None, Err(Why::Disabled)) };
            matched = tell(&mut told, count, found, result, || MatchedBy::Fallback);
            count += 1;
        }
        let trace = Trace {
            rules: self.specs.clone(),
            count,
            told,
            anchored: texts.anchored_if_asked(),
            links: texts.body().wrapped.iter().chain(&texts.location().wrapped).cloned().collect(),
            cut: texts.body().cut,
        };
        let nothing = || Verdict { alias: None, protocol: Protocol::Auto, by: MatchedBy::None };
        Outcome { verdict: matched.unwrap_or_else(nothing), trace }
    }

    /// The title that replaces the event's, when there is a template and it gives something.
    pub(super) fn replacement(&self, texts: &Texts<'_>) -> Option<Confidential> {
        let text = self.replacement.as_ref()?.render(&self.seen.context(texts)).ok()?;
        let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
        (!line.is_empty()).then(|| Confidential::new(line))
    }

    /// What the rule found, and what the door said to it.
    fn attempt(&self, rule: &Compiled, texts: &Texts<'_>) -> (Option<Found>, Admitted) {
        let work = match (rule.spec.enabled, &rule.work) {
            (false, _) => return (None, Err(Why::Disabled)),
            (true, Err(why)) => return (None, Err(why.clone())),
            (true, Ok(work)) => work,
        };
        if let Err(why) = applies(&rule.spec.when, texts.event) {
            return (None, Err(why));
        }
        let (found, made) = self.run(work, &rule.spec, texts);
        let admitted = made.and_then(|()| {
            let gave = found.as_ref().map_or("", |found| found.gave.expose());
            self.permit.admit(gave, rule.spec.protocol)
        });
        (found, admitted)
    }

    /// What the rule's work found, and whether anything to judge came of it.
    fn run(&self, work: &Work, rule: &RuleSpec, texts: &Texts<'_>) -> (Option<Found>, Result<(), Why>) {
        match work {
            Work::Provider { provider, transform } => {
                let finding = match ask(provider, rule, texts) {
                    Ok(finding) => finding,
                    Err(why) => return (None, Err(why)),
                };
                let made = transform.render_transform(&finding.variables, &texts.event.uid);
                found(finding.place, finding.variables, made.map_err(Why::from))
            }
            Work::Regex { pattern, replacement } => {
                let mut steps = Steps::new(STEPS_MAX.min(texts.steps.get()));
                for (place, text) in texts.as_written_first() {
                    let before = steps.left();
                    let searched = pattern.find_within(text, &mut steps);
                    texts.steps.set(texts.steps.get().saturating_sub(before - steps.left()));
                    let captured = match searched {
                        Ok(Some(captured)) => captured,
                        Ok(None) => continue,
                        Err(_) => return (None, Err(Why::SearchGivenUp)),
                    };
                    let made = match replacement {
                        Some(replacement) => replacement.expand(&captured).map_err(Why::CannotRun),
                        None => Ok(captured.groups.first().copied().flatten().unwrap_or_default().to_owned()),
                    };
                    let variables = captured.names.iter().filter_map(|(name, number)| {
                        Some((name.clone(), captured.groups.get(*number).copied().flatten()?.to_owned()))
                    });
                    return found(place, variables.collect(), made);
                }
                (None, Err(Why::NothingFound))
            }
            Work::Custom(template) => match template.render(&self.seen.context(texts)).map_err(Why::from) {
                // A template that gives nothing found nothing.
                Ok(text) if text.trim().is_empty() => (None, Err(Why::NoOutput)),
                Ok(text) => found(Place::CalendarEvent, Variables::new(), Ok(text)),
                Err(why) => (None, Err(why)),
            },
        }
    }

    /// The first address that passes the door, or else the last that did not.
    fn fall_back(&self, texts: &Texts<'_>) -> (Option<Found>, Admitted) {
        let mut last = (None, Err(Why::NothingFound));
        for (place, text) in fallback::candidates(texts).take(FALLBACK_MAX) {
            let admitted = self.permit.admit(text, Protocol::Auto);
            let found = Some((place, text));
            let done = admitted.is_ok();
            last = (found, admitted);
            if done {
                break;
            }
        }
        let found =
            |(place, text): (Place, &str)| Found { place, variables: Variables::new(), gave: Confidential::new(text) };
        (last.0.map(found), last.1)
    }
}

/// Keeps what came of a rule, unless it found nothing; and the verdict, where there is one.
fn tell(
    told: &mut Vec<Told>,
    index: usize,
    found: Option<Found>,
    result: Admitted,
    by: impl FnOnce() -> MatchedBy,
) -> Option<Verdict> {
    let (why, verdict) = match result {
        Err(Why::NothingFound) => return None,
        Err(why) => (why, None),
        Ok((alias, protocol)) => (Why::Matched, Some(Verdict { alias: Some(alias), protocol, by: by() })),
    };
    told.push(Told { index, why, found });
    verdict
}

impl Compiled {
    fn of(spec: &Arc<RuleSpec>) -> Self {
        let work = compile(spec);
        let by_anchors = matches!(&work, Ok(Work::Provider { provider, .. }) if !provider.anchors.is_empty());
        let always = spec.enabled && spec.when == When::default();
        Self { spec: spec.clone(), work, anchored: (by_anchors && always).then_some(spec.rule_type) }
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

fn found(place: Place, variables: Variables, made: Result<String, Why>) -> (Option<Found>, Result<(), Why>) {
    let (gave, result) = match made {
        Ok(text) if text.trim().is_empty() => (String::new(), Err(Why::NoOutput)),
        Ok(text) => (text, Ok(())),
        Err(why) => (String::new(), Err(why)),
    };
    (Some(Found { place, variables, gave: Confidential::new(gave) }), result)
}

fn ask(provider: &Provider, rule: &RuleSpec, texts: &Texts<'_>) -> Result<Finding, Why> {
    let finding = if provider.anchors.is_empty() || texts.anchored().has(rule.rule_type) {
        (provider.find)(rule, texts)
    } else {
        Err(Why::NothingFound)
    };
    finding.map_err(|why| rewritten(provider, texts).filter(|_| why == Why::NothingFound).unwrap_or(why))
}

/// The rewriter that keeps what `provider` looks for to itself: its link names one of the provider's hosts as a hint.
fn rewritten(provider: &Provider, texts: &Texts<'_>) -> Option<Why> {
    texts.body().wrapped.iter().find_map(|wrapped| {
        let domain = wrapped.hinted_domain()?;
        let theirs = provider.anchors.iter().any(|anchor| is_within(&domain, anchor));
        theirs.then_some(Why::OnlyRewriterReads { rewriter: wrapped.rewriter, domain })
    })
}

fn applies(when: &When, event: &Event) -> Result<(), Why> {
    if when.private.is_some_and(|private| private != event.private) {
        return Err(Why::OtherPrivacy);
    }
    let Some(domains) = &when.organizer_domains else { return Ok(()) };
    let domain = event.organizer.email.expose().trim().rsplit_once('@').map(|(_, domain)| domain).unwrap_or_default();
    if domains.iter().any(|each| is_within(domain, each)) { Ok(()) } else { Err(Why::OtherOrganizer) }
}
