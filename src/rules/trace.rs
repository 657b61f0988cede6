//! What happened to an event on its way through the rules, for `otj match`, `otj test --trace`, pages and API. Nothing of it is
//! logged. Its form as JSON is in `trace/json.rs`.

mod json;
mod variables;

use std::fmt;
use std::sync::Arc;

pub use variables::Variables;

use super::anchors::Anchored;
use super::template::TemplateError;
use super::texts::Place;
use super::types;
use crate::invitation::{Cut, Wrapped};
use crate::model::desired::RuleType;
use crate::model::{AliasFault, Confidential, RuleName, RuleSpec};

/// Most of what a rule looked for that is named to a person.
const NAMED_MAX: usize = 4;

/// The whole way. Most rules find nothing in most events, so only what else came of one is kept.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Trace {
    /// All rules, in the order they are tried.
    pub(super) rules: Arc<[Arc<RuleSpec>]>,
    /// How many of them were tried; one more than there are: the fallback, too.
    pub(super) count: usize,
    /// What came of the rules that did more than find nothing, in their order.
    pub(super) told: Vec<Told>,
    /// The types of which an anchor stands in the texts.
    pub(super) anchored: Anchored,
    /// The rewritten links that were found.
    pub links: Vec<Wrapped>,
    /// Why the end of the body was not looked at; `None`: it was.
    pub cut: Option<Cut>,
}

/// What came of one rule, or of the fallback.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Told {
    /// Its place among those tried.
    pub(super) index: usize,
    pub(super) why: Why,
    pub(super) found: Option<Found>,
}

/// One rule, or the fallback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tried<'t> {
    /// `None`: the fallback.
    pub rule: Option<&'t RuleSpec>,
    /// What came of it.
    pub why: &'t Why,
    /// What it found, also where that is no alias or not allowed.
    pub found: Option<&'t Found>,
    /// It found nothing although an anchor of its type stands in the texts: perhaps the provider's form changed.
    pub anchored: bool,
}

impl Trace {
    /// Each rule up to the one that matched, in the order tried; where none matched, the fallback last.
    pub fn tried(&self) -> impl DoubleEndedIterator<Item = Tried<'_>> + ExactSizeIterator {
        (0..self.count).map(|index| self.at(index))
    }

    fn at(&self, index: usize) -> Tried<'_> {
        let rule = self.rules.get(index).map(|rule| &**rule);
        let told = self.told.binary_search_by_key(&index, |told| told.index).ok().map(|at| &self.told[at]);
        let why = told.map_or(&Why::NothingFound, |told| &told.why);
        // Only a miss is explained by anchors.
        let anchored = *why == Why::NothingFound && rule.is_some_and(|rule| self.anchored.has(rule.rule_type));
        Tried { rule, why, found: told.and_then(|told| told.found.as_ref()), anchored }
    }

    /// The enabled rules after the one that matched.
    pub fn not_tried(&self) -> impl Iterator<Item = &RuleName> {
        let rest = self.rules.get(self.count..).unwrap_or_default();
        rest.iter().filter(|rule| rule.enabled).map(|rule| &rule.name)
    }
}

/// What a rule found in an event. `Debug` hides it: strangers' texts and addresses to join stay out of logs.
#[derive(Clone, PartialEq, Eq)]
pub struct Found {
    /// Where.
    pub place: Place,
    /// The variables of its transform.
    pub variables: Variables,
    /// What its transform made of them, before it was judged; empty where the transform failed.
    pub gave: Confidential,
}

impl fmt::Debug for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "‹{} variables from {:?}›", self.variables.len(), self.place)
    }
}

impl<'t> Tried<'t> {
    /// Where it looked; where something was found, that place alone.
    #[must_use]
    pub fn looked_at(&self) -> &'t [Place] {
        if let Some(found) = self.found {
            return std::slice::from_ref(&found.place);
        }
        if self.why.before_looking() {
            return &[];
        }
        types::places_of(self.rule.map(|rule| rule.rule_type))
    }

    /// What it looked for, as far as that is fixed text.
    #[must_use]
    pub fn looked_for(&self) -> Vec<&'t str> {
        match self.rule {
            None => vec!["sip:", "sips:", "h323:"],
            Some(rule) if rule.rule_type == RuleType::Domain => rule.domain.as_deref().into_iter().collect(),
            Some(rule) => types::provider(rule.rule_type).map_or_else(Vec::new, |provider| provider.anchors.to_vec()),
        }
    }

    /// What came of it, for people. May quote the event.
    #[must_use]
    pub fn detail(&self) -> String {
        let gave = self.found.map(|found| found.gave.expose().trim()).filter(|gave| !gave.is_empty());
        let regex = self.rule.is_some_and(|rule| rule.rule_type == RuleType::Regex);
        match (self.why, gave) {
            (Why::Refused(fault), Some(gave)) => format!("it gave `{gave}`, which is no address: {fault}"),
            (Why::DomainNotAllowed, Some(gave)) => format!("it gave `{gave}`, which is not within `aliasDomains`"),
            (Why::NumberNotAllowed, Some(gave)) => {
                format!("it gave `{gave}`, a telephone number, and `dialNumbers` is `Deny`")
            }
            (Why::NoOutput, _) if regex => "what its pattern matches became nothing".into(),
            (Why::NothingFound, _) if regex => "nothing found: its pattern matches nowhere".into(),
            (Why::NothingFound, _) => self.not_found(),
            (Why::Disabled, _) if self.rule.is_none() => "switched off: `fallback: Never`".into(),
            (why, _) => why.to_string(),
        }
    }

    fn not_found(&self) -> String {
        let looked_for = self.looked_for();
        if looked_for.is_empty() {
            return Why::NothingFound.to_string();
        }
        if self.anchored {
            return "nothing found: something of its kind is named, but nothing to dial".into();
        }
        let named = looked_for.iter().take(NAMED_MAX).copied().collect::<Vec<_>>().join(", ");
        let more = if looked_for.len() > NAMED_MAX { ", …" } else { "" };
        match self.rule {
            Some(rule) if rule.rule_type == RuleType::Domain => format!("nothing found: no address at {named}"),
            _ => format!("nothing found: no {named}{more}"),
        }
    }
}

/// What came of trying a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// It found the alias.
    Matched,
    /// `enabled: false`.
    Disabled,
    /// The profile's calendar service cannot carry what it looks for.
    NotCarried,
    /// Its pattern or template is wrong; the text says how.
    CannotRun(String),
    /// `when.organizerDomains` has another domain.
    OtherOrganizer,
    /// `when.private` wants the opposite.
    OtherPrivacy,
    /// What it looks for is not there.
    NothingFound,
    /// The event has not the property it looks for, or nothing in it.
    NoProperty(&'static str),
    /// The invitation is of its kind, but one part is missing without which there is no address.
    Incomplete {
        /// What is there.
        found: &'static str,
        /// What is not.
        missing: &'static str,
    },
    /// The invitation has a form of which nobody outside its maker knows how it becomes an address.
    Undocumented(&'static str),
    /// Its link was rewritten so that only the rewriter's server can read it.
    OnlyRewriterReads {
        /// Who rewrote it.
        rewriter: &'static str,
        /// What the administrator can exempt from rewriting.
        domain: String,
    },
    /// Its template gave nothing.
    NoOutput,
    /// Its template failed on this event. The text may quote the event.
    TemplateFailed(Confidential),
    /// Its pattern takes too many steps on this event.
    SearchGivenUp,
    /// What it gave is no address.
    Refused(AliasFault),
    /// What it gave is not within `aliasDomains`.
    DomainNotAllowed,
    /// What it gave is a telephone number, and `dialNumbers` is not `Allow`.
    NumberNotAllowed,
    /// A fault of ours, which ended the evaluation of this event.
    Fault,
}

impl Why {
    /// Whether it was decided before the rule looked at anything.
    #[must_use]
    pub fn before_looking(&self) -> bool {
        matches!(
            self,
            Self::Disabled | Self::NotCarried | Self::CannotRun(_) | Self::OtherOrganizer | Self::OtherPrivacy
        )
    }

    /// From a closed set, for machines.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::Matched => "Matched",
            Self::Disabled => "Disabled",
            Self::NotCarried => "NotCarried",
            Self::CannotRun(_) => "CannotRun",
            Self::OtherOrganizer => "OtherOrganizer",
            Self::OtherPrivacy => "OtherPrivacy",
            Self::NothingFound => "NothingFound",
            Self::NoProperty(_) => "NoProperty",
            Self::Incomplete { .. } => "Incomplete",
            Self::Undocumented(_) => "Undocumented",
            Self::OnlyRewriterReads { .. } => "OnlyRewriterReads",
            Self::NoOutput => "NoOutput",
            Self::TemplateFailed(_) => "TemplateFailed",
            Self::SearchGivenUp => "SearchGivenUp",
            Self::Refused(_) => "Refused",
            Self::DomainNotAllowed => "DomainNotAllowed",
            Self::NumberNotAllowed => "NumberNotAllowed",
            Self::Fault => "Fault",
        }
    }
}

/// For people; quotes the event where a template's failure does.
impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Matched => f.write_str("matched"),
            Self::Disabled => f.write_str("disabled"),
            Self::NotCarried => f.write_str("the profile's calendar service does not carry what it looks for"),
            Self::CannotRun(fault) => write!(f, "cannot run: {fault}"),
            Self::OtherOrganizer => f.write_str("the organizer's domain is not in `when.organizerDomains`"),
            Self::OtherPrivacy => f.write_str("`when.private` wants the opposite"),
            Self::NothingFound => f.write_str("nothing found"),
            Self::NoProperty(name) => write!(f, "the event has no `{name}`"),
            Self::Incomplete { found, missing } => write!(f, "there is {found}, but not {missing}"),
            Self::Undocumented(form) => write!(f, "{form}: how that becomes an address is not public"),
            Self::OnlyRewriterReads { rewriter, domain } => write!(
                f,
                "its link was rewritten so that only {rewriter} can read it: exempt {domain} from rewriting there"
            ),
            Self::NoOutput => f.write_str("the template gave nothing"),
            Self::TemplateFailed(fault) => write!(f, "the template failed: {}", fault.expose()),
            Self::SearchGivenUp => f.write_str("the pattern takes too many steps on this text"),
            Self::Refused(fault) => write!(f, "what it gave is no address: {fault}"),
            Self::DomainNotAllowed => f.write_str("what it gave is not within `aliasDomains`"),
            Self::NumberNotAllowed => f.write_str("what it gave is a telephone number, and `dialNumbers` is `Deny`"),
            Self::Fault => f.write_str("a fault in otj ended the evaluation; please report it"),
        }
    }
}

impl From<TemplateError> for Why {
    fn from(error: TemplateError) -> Self {
        Self::TemplateFailed(Confidential::new(error.to_string()))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Body => "body",
            Self::UnwrappedBody => "body (links unwrapped)",
            Self::Location => "location",
            Self::UnwrappedLocation => "location (links unwrapped)",
            Self::ConferenceData => "conference data",
            Self::Properties => "properties",
            Self::CalendarEvent => "calendar_event",
        })
    }
}
