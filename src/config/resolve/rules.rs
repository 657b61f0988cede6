//! Profiles and rules: what decides the outcome for an event, and what of it is shown.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::directory::{Directory, Spec};
use super::super::document::endpoint::Endpoint;
use super::super::document::profile::{DialNumbers, Fallback, Overrides, Profile};
use super::super::document::rule::Rule;
use super::default_view;
use crate::model::desired::{View, When};
use crate::model::{Digest, EvaluationId, EvaluationSpec, RuleName, RuleSpec};

/// The rules of every profile, by priority, then in the order of the documents.
pub(super) fn by_profile<'a>(directory: &'a Directory<'_>) -> BTreeMap<&'a str, Vec<Arc<RuleSpec>>> {
    let mut rules: BTreeMap<&str, Vec<Arc<RuleSpec>>> = BTreeMap::new();
    for document in &directory.documents {
        if let Spec::Rule(rule) = &document.spec
            && let Ok(name) = RuleName::parse(&document.metadata.name)
        {
            rules.entry(&rule.profile).or_default().push(Arc::new(spec(name, rule)));
        }
    }
    rules.values_mut().for_each(|list| list.sort_by_key(|rule| rule.priority));
    rules
}

fn spec(name: RuleName, rule: &Rule) -> RuleSpec {
    let when = rule.when.as_ref();
    RuleSpec {
        name,
        priority: rule.priority,
        rule_type: rule.rule_type,
        enabled: rule.enabled.unwrap_or(true),
        include_password: rule.include_password.unwrap_or(false),
        company_id: rule.company_id.clone(),
        domain: rule.domain.clone(),
        default_processing: rule.default_processing.unwrap_or(rule.transform.is_none() && rule.replace.is_none()),
        transform: rule.transform.clone(),
        match_pattern: rule.match_pattern.clone(),
        replace: rule.replace.clone(),
        template: rule.template.clone(),
        when: When {
            organizer_domains: when.and_then(|when| when.organizer_domains.as_deref()).map(domains),
            private: when.and_then(|when| when.private),
        },
        protocol: rule.protocol.unwrap_or_default(),
    }
}

/// Domains as they are compared: in lower case, without a final dot.
pub(super) fn domains(list: &[String]) -> Vec<String> {
    list.iter().map(|domain| domain.trim_end_matches('.').to_lowercase()).collect()
}

/// What a profile, with a group's settings where they are written, makes of an event.
pub(super) fn evaluation(
    id: EvaluationId,
    rules: Option<&Vec<Arc<RuleSpec>>>,
    profile: &Profile,
    overrides: Option<&Overrides>,
) -> EvaluationSpec {
    let alias_domains = overrides.and_then(|it| it.alias_domains.as_ref()).or(profile.alias_domains.as_ref());
    let dial_numbers = overrides.and_then(|it| it.dial_numbers).or(profile.dial_numbers);
    let template =
        overrides.and_then(|it| it.replace_subject_template.as_ref()).or(profile.replace_subject_template.as_ref());
    let mut spec = EvaluationSpec {
        id,
        digest: Digest::default(),
        rules: rules.cloned().unwrap_or_default(),
        fallback: profile.fallback != Some(Fallback::Never),
        alias_domains: alias_domains.map(|list| domains(list)),
        dial_numbers: dial_numbers == Some(DialNumbers::Allow),
        replace_subject_template: template.filter(|template| !template.trim().is_empty()).cloned(),
    };
    let rules = serde_json::to_vec(&spec.rules).expect("rules are plain data");
    let settings = settings_digest(&spec);
    spec.digest = Digest::of([rules.as_slice(), &settings.0, &[u8::from(spec.fallback)]]);
    spec
}

/// Digest of the settings that a group may vary.
pub(super) fn settings_digest(spec: &EvaluationSpec) -> Digest {
    let settings = (&spec.alias_domains, spec.dial_numbers, &spec.replace_subject_template);
    let bytes = serde_json::to_vec(&settings).expect("settings are plain data");
    Digest::of([bytes.as_slice()])
}

/// What is shown: endpoint over group over profile over the defaults.
pub(super) fn view(profile: &Profile, overrides: Option<&Overrides>, endpoint: Option<&Endpoint>) -> View {
    let default = default_view();
    macro_rules! inherited {
        ($field:ident) => {
            overrides.and_then(|it| it.$field).or(profile.$field).unwrap_or(default.$field)
        };
    }
    View {
        upcoming_days: inherited!(upcoming_days),
        non_video_meetings: inherited!(non_video_meetings),
        private_meetings: inherited!(private_meetings),
        process_alias_for_private_meetings: inherited!(process_alias_for_private_meetings),
        replace_subject: inherited!(replace_subject),
        replace_empty_subject: inherited!(replace_empty_subject),
        start_buffer_minutes: endpoint
            .and_then(|it| it.start_buffer_minutes)
            .unwrap_or(inherited!(start_buffer_minutes)),
        end_buffer_minutes: endpoint.and_then(|it| it.end_buffer_minutes).unwrap_or(inherited!(end_buffer_minutes)),
    }
}
