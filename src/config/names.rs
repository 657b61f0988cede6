//! Who is called what: the documents of a directory by the sets in which names are unique.

use std::collections::BTreeMap;

use super::directory::{Directory, Document};
use super::document::Kind;

/// A set in which names are unique.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Set {
    /// All calendar services, whatever their kind.
    Integration,
    /// The documents of one kind.
    Kind(Kind),
}

impl Set {
    /// The set a document's name belongs to.
    pub(crate) fn of(kind: Kind) -> Self {
        if kind.is_integration() { Self::Integration } else { Self::Kind(kind) }
    }

    /// What messages call a member.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Integration => "integration",
            Self::Kind(Kind::Profile) => "profile",
            Self::Kind(Kind::EndpointGroup) => "group",
            Self::Kind(Kind::Endpoint) => "endpoint",
            Self::Kind(Kind::Rule) => "rule",
            Self::Kind(Kind::RuleTest) => "rule test",
            Self::Kind(Kind::RuleSet) => "rule set",
            Self::Kind(Kind::Location) => "location",
            Self::Kind(Kind::WebexIntegration) => "Webex integration",
            Self::Kind(Kind::EndpointTable) => "endpoint table",
            Self::Kind(Kind::Room) => "room",
            Self::Kind(kind) => kind.name(),
        }
    }
}

/// The first document of each name.
#[derive(Debug, Default)]
pub(crate) struct Names<'a> {
    sets: BTreeMap<Set, BTreeMap<&'a str, usize>>,
}

impl<'a> Names<'a> {
    /// Collects the names; where one stands twice, the first document has it.
    pub(crate) fn of(directory: &'a Directory<'_>) -> Self {
        let mut names = Self::default();
        for (index, document) in directory.documents.iter().enumerate() {
            let set = names.sets.entry(Set::of(document.kind)).or_default();
            set.entry(document.metadata.name.as_str()).or_insert(index);
        }
        names
    }

    /// The document called `name`.
    pub(crate) fn find<'d>(&self, directory: &'d Directory<'_>, set: Set, name: &str) -> Option<&'d Document> {
        self.index(set, name).map(|index| &directory.documents[index])
    }

    /// Its index.
    pub(crate) fn index(&self, set: Set, name: &str) -> Option<usize> {
        self.sets.get(&set)?.get(name).copied()
    }

    /// All names of a set, sorted.
    pub(crate) fn all(&self, set: Set) -> impl Iterator<Item = &'a str> {
        self.sets.get(&set).into_iter().flat_map(|names| names.keys().copied())
    }
}
