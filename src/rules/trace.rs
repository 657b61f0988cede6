//! What happened to an event on its way through the rules, for `otj match` and `otj test --trace`. Nothing of it is logged.

use std::fmt;

use super::template::TemplateError;
use super::texts::Place;
use crate::invitation::Wrapped;
use crate::model::desired::RuleType;
use crate::model::{AliasFault, Confidential, RuleName};

/// The whole way.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Trace {
    /// Each rule up to the one that matched, in the order tried; the fallback last.
    pub tried: Vec<Tried>,
    /// The rewritten links that were found.
    pub links: Vec<Wrapped>,
    /// The body was too long: its end was not looked at.
    pub cut: bool,
}

/// One rule, or the fallback.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// `None`: the fallback.
    pub rule: Option<(RuleName, RuleType)>,
    /// Where it looked; for a match, where it was found.
    pub looked_at: Vec<Place>,
    /// What came of it.
    pub why: Why,
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
