//! Profiles and rules: what decides the outcome for an event, and what of it is shown.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::super::directory::{Directory, Spec};
use super::super::document::Kind;
use super::super::document::endpoint::Endpoint;
use super::super::document::profile::{DialNumbers, Fallback, Overrides, Profile};
use super::super::document::rule::{BUILT_IN_RULES, Rule, SET_PRIORITY, carries};
use super::super::names::{Names, Set};
use crate::diagnostic::Diagnostic;
use crate::model::desired::{RuleType, View, When};
use crate::model::{Digest, EvaluationId, EvaluationSpec, RuleName, RuleSpec};

/// A profile's rules, in the order they are tried.
pub(super) type ByProfile<'a> = BTreeMap<&'a str, Vec<Arc<RuleSpec>>>;

/// The rules of every profile: by priority; at one priority its own, then those of its sets in the order it lists them.
pub(super) fn by_profile<'a>(
    directory: &'a Directory<'_>,
    names: &Names<'_>,
    findings: &mut Vec<Diagnostic>,
) -> ByProfile<'a> {
    let mut rules = ByProfile::new();
    for document in &directory.documents {
        if let Spec::Rule(rule) = &document.spec
            && let Ok(name) = RuleName::parse(&document.metadata.name)
        {
            rules.entry(&rule.profile).or_default().push(Arc::new(spec(name, rule.priority, rule)));
        }
    }
    let sets = sets(directory, findings);
    let services = services(directory, names);
    for document in &directory.documents {
        let (Spec::Profile(profile), name) = (&document.spec, document.metadata.name.as_str()) else { continue };
        let first = names.index(Set::Kind(Kind::Profile), name).map(|index| &directory.documents[index]);
        let mut listed = BTreeSet::new();
        for set in profile.rule_sets.iter().flatten().filter(|_| first.is_some_and(|it| std::ptr::eq(it, document))) {
            if let (Some(shared), true) = (sets.get(set.as_str()), listed.insert(set)) {
                let services = services.get(name);
                let shared = shared.iter().map(|rule| carried(rule, services));
                rules.entry(name).or_default().extend(shared);
            }
        }
    }
    rules.values_mut().for_each(|list| list.sort_by_key(|rule| rule.priority));
    rules
}

/// The rules of every set, as `SET/NAME`.
fn sets<'a>(directory: &'a Directory<'_>, findings: &mut Vec<Diagnostic>) -> ByProfile<'a> {
    let mut sets = ByProfile::from([(BUILT_IN_RULES, built_in())]);
    for document in &directory.documents {
        let (Spec::RuleSet(set), name) = (&document.spec, document.metadata.name.as_str()) else { continue };
        if sets.contains_key(name) {
            continue; // given twice, which is said elsewhere
        }
        let priority = set.priority.unwrap_or(SET_PRIORITY);
        let mut rules = vec![];
        for (index, rule) in set.rules.iter().enumerate() {
            match RuleName::parse(&format!("{name}/{}", rule.name)) {
                Ok(name) => rules.push(Arc::new(spec(name, priority, &rule.fields()))),
                Err(fault) => {
                    let place = directory.value(document, &format!("/spec/rules/{index}/name"));
                    let finding = Diagnostic::error("OTJ101", place, fault.to_string());
                    findings.push(finding.help("the rule is called by the set's name, a slash and its own"));
                }
            }
        }
        sets.insert(name, rules);
    }
    sets
}

/// `builtin/standard`: every provider's type, those that say most about the room's own service first, guest joins last; no rule
/// that takes any address there is. Types that need a domain say so in the trace: only a profile's own rule can give one.
fn built_in() -> Vec<Arc<RuleSpec>> {
    let rule = |rule_type: RuleType| {
        let name = RuleName::parse(&format!("{BUILT_IN_RULES}/{rule_type:?}")).expect("types are called by words");
        Arc::new(spec(name, SET_PRIORITY, &Rule::of_type(rule_type)))
    };
    STANDARD.into_iter().map(rule).collect()
}

/// The order of `builtin/standard`.
const STANDARD: [RuleType; 17] = [
    RuleType::PexipInfinity,
    RuleType::PexipService,
    RuleType::TeamsBodyPexipInfinity,
    RuleType::TeamsBodyPexipService,
    RuleType::TeamsBodyPoly,
    RuleType::TeamsBodyCisco,
    RuleType::TeamsBodyBlueJeans,
    RuleType::TeamsMeetingProperties,
    RuleType::SkypeForBusinessBodyPoly,
    RuleType::SkypeForBusiness,
    RuleType::Webex,
    RuleType::Zoom,
    RuleType::GoogleMeet,
    RuleType::GoToMeeting,
    RuleType::BlueJeans,
    RuleType::TeamsSipGuestJoin,
    RuleType::GoogleMeetSipGuestJoin,
];

/// The calendar services of each profile's rooms: its own, and those of hybrid groups.
fn services<'a>(directory: &'a Directory<'_>, names: &Names<'_>) -> BTreeMap<&'a str, BTreeSet<Kind>> {
    let mut services: BTreeMap<&str, BTreeSet<Kind>> = BTreeMap::new();
    for document in &directory.documents {
        let (profile, service) = match &document.spec {
            Spec::Profile(profile) => (document.metadata.name.as_str(), profile.integration.as_str()),
            Spec::Group(group) => match (&group.profile, &group.integration) {
                (Some(profile), Some(service)) => (profile.as_str(), service.as_str()),
                _ => continue,
            },
            _ => continue,
        };
        let kind = names.find(directory, Set::Integration, service).map(|document| document.kind);
        services.entry(profile).or_default().extend(kind);
    }
    services
}

/// A rule of a set in a profile: marked where none of the profile's services can carry what it looks for.
fn carried(rule: &Arc<RuleSpec>, services: Option<&BTreeSet<Kind>>) -> Arc<RuleSpec> {
    match services {
        Some(kinds) if !kinds.is_empty() && !kinds.iter().any(|kind| carries(*kind, rule.rule_type)) => {
            Arc::new(RuleSpec { carried: false, ..RuleSpec::clone(rule) })
        }
        _ => rule.clone(),
    }
}

fn spec(name: RuleName, priority: u16, rule: &Rule) -> RuleSpec {
    let when = rule.when.as_ref();
    RuleSpec {
        name,
        priority,
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
        carried: true,
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
    let default = View::default();
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
