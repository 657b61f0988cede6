//! A RuleTest document, resolved: events and what is expected of them.

use std::collections::BTreeMap;

use super::alias::Protocol;
use super::event::Event;
use super::names::ProfileName;

/// One RuleTest document.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleTest {
    /// `metadata.name`.
    pub document: String,
    /// The file it stands in, as given on the command line.
    pub file: String,
    /// Whose rules are tested.
    pub profile: ProfileName,
    /// In the order written.
    pub cases: Vec<RuleCase>,
}

/// One case.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleCase {
    /// Its name.
    pub name: String,
    /// The line it begins on, from 1.
    pub line: usize,
    /// The event.
    pub event: Event,
    /// What is expected; what is not written is not checked.
    pub expect: Expect,
}

/// The `expect` of a case. The outer `Option` says whether it was written, the inner one is a written `null`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Expect {
    /// The alias; `Some(None)`: no alias.
    pub alias: Option<Option<String>>,
    /// The rule that matched; `Some(None)`: the fallback or none.
    pub rule: Option<Option<String>>,
    /// The title the endpoint shows.
    pub subject: Option<String>,
    /// Whether the meeting reaches the endpoint at all.
    pub shown: Option<bool>,
    /// How it is dialled.
    pub protocol: Option<Protocol>,
    /// A subset of the matching rule's variables.
    pub variables: BTreeMap<String, String>,
}
