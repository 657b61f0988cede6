//! Why an invitation gave no address, in one sentence, and what to do about it. In: a profile's rules, an event, and what the
//! rules made of it. Out: the most likely reason, or `None` where there is an address.
//!
//! Beside the trace it asks what nobody asked: rules that are switched off or wait for another organizer, the fallback where that
//! is off, and every meeting type of which the profile has no rule. This takes a few times as long as the rules themselves, so
//! it is asked by people, never by the loop.

use std::sync::Arc;

use serde::{Serialize, Serializer};

use super::chain::{Chain, Outcome};
use super::trace::{Trace, Tried, Why};
use super::types;
use crate::invitation;
use crate::model::desired::{RuleType, When};
use crate::model::{Body, Confidential, EvaluationId, EvaluationSpec, Event, MatchedBy, RuleName, RuleSpec};

/// Stands for the value a rule would need: it cannot be known from the invitation.
const DOMAIN: &str = "DOMAIN";

/// The same for a customer id.
const COMPANY: &str = "COMPANY";

/// The most likely reason for having no address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Advice {
    /// From a closed set.
    pub reason: Reason,
    /// The rule it is about.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "name_alone")]
    pub rule: Option<RuleName>,
    /// The type of that rule, or of the rule that is missing.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub rule_type: Option<RuleType>,
    /// The address there would be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub would_give: Option<Confidential>,
    /// Reason and remedy, for people. May quote the event.
    pub text: Confidential,
}

fn name_alone<S: Serializer>(name: &Option<RuleName>, serializer: S) -> Result<S::Ok, S::Error> {
    name.as_ref().map(|name| name.as_str()).serialize(serializer)
}

/// Kinds of [`Advice`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Reason {
    /// An address was found, but the profile does not allow to dial it.
    NotAllowed,
    /// A rule that would match is disabled.
    RuleDisabled,
    /// A rule that would match waits for another organizer or privacy.
    RuleCondition,
    /// A link can be read by its rewriter alone.
    OnlyRewriterReads,
    /// The invitation has a form nobody outside its maker can turn into an address.
    Undocumented,
    /// A part of the invitation is missing.
    Incomplete,
    /// A rule found its meeting but made no address of it, or cannot run.
    RuleFailed,
    /// The profile has no rule of the type that would match.
    NoRuleOfType,
    /// Only the fallback would match, and it is off.
    FallbackOff,
    /// A provider is named, but with nothing to dial.
    NothingToDial,
    /// There is no text.
    NoText,
    /// The text is too long to be read to its end.
    Cut,
    /// Nothing is known that could be dialled.
    NothingFound,
}

/// The most likely reason why `outcome`, which the rules of `spec` made of `event`, has no alias.
#[must_use]
pub fn advise(spec: &EvaluationSpec, event: &Event, zone: &str, outcome: &Outcome) -> Option<Advice> {
    if outcome.verdict.alias.is_some() {
        return None;
    }
    let trace = &outcome.trace;
    let all = of_all_types(spec, trace);
    let second = Chain::compile(&all).process(event, zone);
    not_allowed(trace)
        .or_else(|| excluded(spec, event, zone, trace))
        .or_else(|| about_rule(trace, |why| matches!(why, Why::OnlyRewriterReads { .. })))
        .or_else(|| about_rule(trace, |why| matches!(why, Why::Undocumented(_) | Why::Incomplete { .. })))
        .or_else(|| failed(trace))
        .or_else(|| missing_type(&all, &second))
        .or_else(|| fallback_off(spec, event, zone))
        .or_else(|| about_type(&second.trace))
        .or_else(|| broken(trace, &all))
        .or_else(|| opaque(trace))
        .or_else(|| Some(nothing(event, trace, &second.trace)))
}

fn advice(reason: Reason, tried: Option<Tried<'_>>, text: String) -> Advice {
    let rule = tried.and_then(|tried| tried.rule);
    Advice {
        reason,
        rule: rule.map(|rule| rule.name.clone()),
        rule_type: rule.map(|rule| rule.rule_type),
        would_give: None,
        text: Confidential::new(text),
    }
}

/// What is said of a rule, or of the fallback.
fn called(tried: Tried<'_>) -> String {
    tried.rule.map_or_else(|| "the fallback".into(), |rule| format!("rule `{}`", rule.name.as_str()))
}

fn not_allowed(trace: &Trace) -> Option<Advice> {
    let tried = trace.tried().find(|tried| matches!(tried.why, Why::DomainNotAllowed | Why::NumberNotAllowed))?;
    let gave = tried.found?.gave.expose().trim();
    let remedy = match tried.why {
        Why::NumberNotAllowed => "a telephone number, which rooms dial only where the profile has `dialNumbers: Allow`",
        _ => "which is not within the profile's `aliasDomains`: if rooms may dial it, add its domain there",
    };
    let text = format!("{} found `{gave}`, {remedy}", called(tried));
    Some(Advice { would_give: Some(Confidential::new(gave)), ..advice(Reason::NotAllowed, Some(tried), text) })
}

/// A rule that did not look, and would have matched.
fn excluded(spec: &EvaluationSpec, event: &Event, zone: &str, trace: &Trace) -> Option<Advice> {
    trace.tried().find_map(|tried| {
        let rule = tried.rule?;
        let (reason, remedy) = match tried.why {
            Why::Disabled => (Reason::RuleDisabled, "but it has `enabled: false`"),
            Why::OtherOrganizer => {
                (Reason::RuleCondition, "but its `when.organizerDomains` does not list the organizer's domain")
            }
            Why::OtherPrivacy => (Reason::RuleCondition, "but its `when.private` wants the opposite"),
            _ => return None,
        };
        let rule = Arc::new(RuleSpec { enabled: true, when: When::default(), ..rule.clone() });
        let alone = EvaluationSpec { rules: vec![rule], fallback: false, ..spec.clone() };
        let alias = Chain::compile(&alone).process(event, zone).verdict.alias?;
        let text = format!("{} would give `{}`, {remedy}", called(tried), alias.as_str());
        let would_give = Some(Confidential::new(alias.as_str()));
        Some(Advice { would_give, ..advice(reason, Some(tried), text) })
    })
}

/// A rule whose reason says what to do.
fn about_rule(trace: &Trace, told: fn(&Why) -> bool) -> Option<Advice> {
    let tried = trace.tried().find(|tried| told(tried.why))?;
    Some(advice(reason_of(tried.why), Some(tried), format!("{}: {}", called(tried), tried.detail())))
}

fn reason_of(why: &Why) -> Reason {
    match why {
        Why::OnlyRewriterReads { .. } => Reason::OnlyRewriterReads,
        Why::Undocumented(_) => Reason::Undocumented,
        _ => Reason::Incomplete,
    }
}

/// A rule that found its meeting and made no address of it.
fn failed(trace: &Trace) -> Option<Advice> {
    let tried = trace.tried().find(|tried| {
        let provider = tried.found.is_some_and(|found| !found.variables.is_empty());
        matches!(tried.why, Why::Refused(_) | Why::TemplateFailed(_)) || (provider && *tried.why == Why::NoOutput)
    })?;
    Some(advice(Reason::RuleFailed, Some(tried), format!("{}: {}", called(tried), tried.detail())))
}

/// A rule that cannot run, of a type that was not asked in its place.
fn broken(trace: &Trace, all: &EvaluationSpec) -> Option<Advice> {
    let tried = trace.tried().find(|tried| {
        let asked = |rule_type| all.rules.iter().any(|each| each.rule_type == rule_type);
        matches!(tried.why, Why::CannotRun(_) | Why::SearchGivenUp | Why::Fault)
            && !tried.rule.is_some_and(|rule| asked(rule.rule_type))
    })?;
    Some(advice(Reason::RuleFailed, Some(tried), format!("{}: {}", called(tried), tried.detail())))
}

/// The types of which the profile has no rule that can run, as rules of their own.
fn of_all_types(spec: &EvaluationSpec, trace: &Trace) -> EvaluationSpec {
    let has = |rule_type| {
        let of_type = |tried: &Tried<'_>| tried.rule.is_some_and(|rule| rule.rule_type == rule_type);
        trace.tried().filter(of_type).any(|tried| !matches!(tried.why, Why::CannotRun(_) | Why::NotCarried))
    };
    let guest =
        |rule_type: &RuleType| matches!(rule_type, RuleType::TeamsSipGuestJoin | RuleType::GoogleMeetSipGuestJoin);
    let mut missing: Vec<RuleType> = RuleType::ALL
        .into_iter()
        .filter(|each| types::provider(*each).is_some() && *each != RuleType::Domain && !has(*each))
        .collect();
    // Guest joins cost money: what the invitation itself offers goes first.
    missing.sort_by_key(guest);
    let rules = missing.into_iter().zip(1..).filter_map(|(rule_type, priority)| {
        let name = RuleName::parse(&format!("{rule_type:?}")).ok()?;
        Some(Arc::new(RuleSpec {
            company_id: Some(COMPANY.into()),
            domain: Some(DOMAIN.into()),
            ..RuleSpec::of(name, priority, rule_type)
        }))
    });
    EvaluationSpec {
        id: EvaluationId { profile: spec.id.profile.clone(), variant: spec.id.variant },
        digest: spec.digest,
        rules: rules.collect(),
        fallback: false,
        alias_domains: None,
        dial_numbers: true,
        replace_subject_template: None,
    }
}

fn missing_type(all: &EvaluationSpec, second: &Outcome) -> Option<Advice> {
    let (alias, MatchedBy::Rule(name)) = (second.verdict.alias.as_ref()?.as_str(), &second.verdict.by) else {
        return None;
    };
    let rule_type = all.rules.iter().find(|rule| rule.name == *name)?.rule_type;
    let mut text =
        format!("the profile has no rule for it that can run: one of type `{rule_type:?}` would give `{alias}`");
    if alias.contains(COMPANY) {
        text.push_str(", with your customer id as `companyId`");
    }
    if alias.ends_with(DOMAIN) {
        text.push_str(", with your gateway's domain as `domain`");
    }
    let would_give = Some(Confidential::new(alias));
    Some(Advice { rule_type: Some(rule_type), would_give, ..advice(Reason::NoRuleOfType, None, text) })
}

fn fallback_off(spec: &EvaluationSpec, event: &Event, zone: &str) -> Option<Advice> {
    if spec.fallback {
        return None;
    }
    let fallback = EvaluationSpec { rules: vec![], fallback: true, ..spec.clone() };
    let alias = Chain::compile(&fallback).process(event, zone).verdict.alias?;
    let text = format!("the fallback would give `{}`, but the profile has `fallback: Never`", alias.as_str());
    Some(Advice { would_give: Some(Confidential::new(alias.as_str())), ..advice(Reason::FallbackOff, None, text) })
}

/// A type of which the profile has no rule, and which says what to do.
fn about_type(second: &Trace) -> Option<Advice> {
    let tried = second.tried().find(|tried| {
        matches!(tried.why, Why::OnlyRewriterReads { .. } | Why::Undocumented(_) | Why::Incomplete { .. })
    })?;
    let rule_type = tried.rule?.rule_type;
    let text = format!("it looks like one for a rule of type `{rule_type:?}`: {}", tried.detail());
    Some(Advice { rule: None, ..advice(reason_of(tried.why), Some(tried), text) })
}

fn opaque(trace: &Trace) -> Option<Advice> {
    let link = trace.links.iter().find(|link| link.outcome == invitation::Outcome::Opaque)?;
    let exempt = link.hinted_domain().unwrap_or_else(|| "the meeting provider's links".into());
    let text = format!(
        "a link was rewritten so that only {} can read it: if it is the meeting's, exempt {exempt} from rewriting there",
        link.rewriter
    );
    Some(advice(Reason::OnlyRewriterReads, None, text))
}

fn nothing(event: &Event, trace: &Trace, second: &Trace) -> Advice {
    let blank = match &event.body {
        Body::None => true,
        Body::Text(text) | Body::Html(text) => text.is_blank(),
    };
    if blank {
        let text = "the invitation has no text: the calendar may remove it when a room accepts (Exchange: `Set-CalendarProcessing \
                    -DeleteComments $false`)";
        return advice(Reason::NoText, None, text.into());
    }
    if trace.cut.is_some() {
        let text = "its text is so long that its end was not looked at";
        return advice(Reason::Cut, None, text.into());
    }
    let of_profile = trace.tried().find(|tried| tried.anchored);
    let named = of_profile.or_else(|| second.tried().find(|tried| tried.anchored));
    if let Some((tried, rule)) = named.and_then(|tried| Some((tried, tried.rule?))) {
        let text = format!(
            "it names a host of {:?}, but nothing to dial: perhaps it is no invitation of that kind, or its form is new",
            rule.rule_type
        );
        let advice = advice(Reason::NothingToDial, Some(tried), text);
        return if of_profile.is_some() { advice } else { Advice { rule: None, ..advice } };
    }
    advice(
        Reason::NothingFound,
        None,
        "it holds no meeting of a known kind and no address with `sip:` or `h323:`".into(),
    )
}
