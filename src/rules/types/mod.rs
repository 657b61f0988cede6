//! The meeting types: what each looks for, one file a provider family.
//!
//! A type's file says everything about its invitations: hosts, addresses, forms, languages, variables, its transform, sources. A
//! change of format is a change of that file. No type keys on words: invitations come in every language, so types anchor on
//! hosts, on addresses at known domains, and on what stands next to an id.
//!
//! [`find`](Provider::find) reads texts and properties and gives variables; the transform (the type's own, or the rule's) makes
//! the address of them.

mod anchored;
mod bluejeans;
mod domain;
mod google;
mod gotomeeting;
mod pexip;
mod skype;
mod teams;
mod webex;
mod zoom;

use super::texts::{Place, Texts};
pub(super) use super::trace::Variables;
use super::trace::Why;
use crate::model::RuleSpec;
use crate::model::desired::RuleType;

/// What a type found: its variables, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) place: Place,
    pub(super) variables: Variables,
}

/// A meeting type that yields variables.
pub(super) struct Provider {
    /// Finds, or says why not.
    pub(super) find: fn(&RuleSpec, &Texts<'_>) -> Result<Finding, Why>,
    /// Its own transform: Jinja2 over its variables.
    pub(super) transform: fn(&RuleSpec) -> &'static str,
    /// What a transform may use.
    pub(super) variables: &'static [&'static str],
    /// Lower-case ASCII of which at least one stands in every invitation it finds something in: where none is, it is not asked.
    /// Empty: it is always asked.
    pub(super) anchors: &'static [&'static str],
    /// Where it looks, for the trace.
    pub(super) places: &'static [Place],
}

/// Where types that read texts look.
const TEXT_PLACES: &[Place] = &[Place::UnwrappedBody, Place::UnwrappedLocation, Place::ConferenceData];

/// Where types that read what calendars keep beside the text look.
const PROPERTY_PLACES: &[Place] = &[Place::Properties];

/// Where what reads texts as written looks.
const WRITTEN_PLACES: &[Place] = &[Place::Body, Place::UnwrappedBody, Place::Location, Place::UnwrappedLocation];

/// The transform of most types.
const ID_AT_DOMAIN: &str = "{{meeting_id}}@{{domain}}";

/// How `rule_type` works. `None`: `Regex` and `Custom`, which work otherwise.
pub(super) fn provider(rule_type: RuleType) -> Option<&'static Provider> {
    Some(match rule_type {
        RuleType::PexipInfinity => &pexip::INFINITY,
        RuleType::PexipService => &pexip::SERVICE,
        RuleType::TeamsMeetingProperties => &teams::PROPERTIES,
        RuleType::TeamsSipGuestJoin => &teams::SIP_GUEST,
        RuleType::TeamsBodyPexipInfinity => &teams::PEXIP_INFINITY,
        RuleType::TeamsBodyPexipService => &teams::PEXIP_SERVICE,
        RuleType::TeamsBodyPoly => &teams::POLY,
        RuleType::TeamsBodyBlueJeans => &teams::BLUEJEANS,
        RuleType::TeamsBodyCisco => &teams::CISCO,
        RuleType::GoogleMeet => &google::MEET,
        RuleType::GoogleMeetSipGuestJoin => &google::SIP_GUEST,
        RuleType::SkypeForBusiness => &skype::MEETING,
        RuleType::SkypeForBusinessBodyPoly => &skype::POLY,
        RuleType::Webex => &webex::MEETING,
        RuleType::Zoom => &zoom::MEETING,
        RuleType::BlueJeans => &bluejeans::MEETING,
        RuleType::GoToMeeting => &gotomeeting::MEETING,
        RuleType::Domain => &domain::ADDRESS,
        RuleType::Regex | RuleType::Custom => return None,
    })
}

/// Where rules of a type look; `None`: the fallback.
pub(super) fn places_of(rule_type: Option<RuleType>) -> &'static [Place] {
    match rule_type {
        Some(RuleType::Custom) => &[Place::CalendarEvent],
        Some(rule_type) => provider(rule_type).map_or(WRITTEN_PLACES, |provider| provider.places),
        None => WRITTEN_PLACES,
    }
}

/// The variables that transforms and templates of `rule_type` may use.
#[must_use]
pub fn variables_of(rule_type: RuleType) -> &'static [&'static str] {
    provider(rule_type).map_or(&["calendar_event"], |provider| provider.variables)
}

/// The transform of a rule that writes none; `None` for `Regex` and `Custom`.
#[must_use]
pub fn default_transform(rule: &RuleSpec) -> Option<&'static str> {
    provider(rule.rule_type).map(|provider| (provider.transform)(rule))
}

/// Variables from pairs.
fn variables<const N: usize>(pairs: [(&'static str, &str); N]) -> Variables {
    pairs.into_iter().map(|(name, value)| (name, value.to_owned())).collect()
}

/// The first text of [`TEXT_PLACES`] in which `find` finds something; else the first reason that says more than that nothing
/// was found.
fn first<'e>(texts: &'e Texts<'_>, mut find: impl FnMut(&'e str) -> Result<Variables, Why>) -> Result<Finding, Why> {
    let mut telling = Why::NothingFound;
    for (place, text) in texts.of_providers() {
        match find(text) {
            Ok(variables) => return Ok(Finding { place, variables }),
            Err(why) if telling == Why::NothingFound => telling = why,
            Err(_) => {}
        }
    }
    Err(telling)
}
