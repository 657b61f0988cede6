//! The scopes within which losses are counted, and the counts.

use std::collections::BTreeMap;

use crate::model::{EndpointName, EndpointSpec, IntegrationName, LocationName, ProfileName};

use super::Names;

/// A set of endpoints that one cause may hit together.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Scope {
    /// Every endpoint.
    All,
    /// Those whose rooms one calendar service holds.
    Integration(IntegrationName),
    /// Those of one profile.
    Profile(ProfileName),
    /// Those of one location.
    Location(LocationName),
}

impl Scope {
    /// The scopes an endpoint belongs to.
    pub(super) fn of(endpoint: &EndpointSpec) -> Vec<Self> {
        vec![
            Self::All,
            Self::Integration(endpoint.room.integration.clone()),
            Self::Profile(endpoint.profile.clone()),
            Self::Location(endpoint.location.clone()),
        ]
    }

    /// The same set of endpoints under its new name.
    pub(super) fn renamed(&self, names: &dyn Names) -> Self {
        match self {
            Self::Integration(name) => Self::Integration(names.integration(name)),
            Self::Profile(name) => Self::Profile(names.profile(name)),
            Self::All | Self::Location(_) => self.clone(),
        }
    }
}

/// Under this size a scope is too small for percentages.
const SMALL: usize = 5;

/// Sizes of the scopes, and how many of each shrank or wait.
#[derive(Debug, Default)]
pub struct Scopes {
    sizes: BTreeMap<Scope, usize>,
    shrunk: BTreeMap<EndpointName, Vec<Scope>>,
    counts: BTreeMap<Scope, Counts>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    shrunk: usize,
    waiting: usize,
}

impl Scopes {
    pub(super) fn count<'a>(&mut self, endpoints: impl Iterator<Item = &'a EndpointSpec>) {
        self.sizes.clear();
        for endpoint in endpoints {
            for scope in Scope::of(endpoint) {
                *self.sizes.entry(scope).or_default() += 1;
            }
        }
    }

    /// Sizes are counted anew anyway.
    pub(super) fn rename(&mut self, names: &dyn Names) {
        let shrunk = std::mem::take(&mut self.shrunk).into_iter();
        let renamed = |scopes: Vec<Scope>| scopes.iter().map(|scope| scope.renamed(names)).collect();
        self.shrunk = shrunk.map(|(name, scopes)| (names.endpoint(&name), renamed(scopes))).collect();
        let counts = std::mem::take(&mut self.counts).into_iter();
        self.counts = counts.map(|(scope, counts)| (scope.renamed(names), counts)).collect();
    }

    fn size(&self, scope: &Scope) -> usize {
        self.sizes.get(scope).copied().unwrap_or(0)
    }

    /// The first 1 %, at least one, shrink at once.
    pub(super) fn may_shrink_at_once(&self, scope: &Scope) -> bool {
        let shrunk = self.counts.get(scope).map_or(0, |counts| counts.shrunk);
        shrunk < (self.size(scope) / 100).max(1)
    }

    /// Shrunk and waiting together exceed `percent` and are at least five; in a small scope all of them, at least three.
    pub(super) fn too_many(&self, scope: &Scope, percent: usize) -> bool {
        let size = self.size(scope);
        let count = self.counts.get(scope).map_or(0, |counts| counts.shrunk + counts.waiting);
        if size < SMALL { count >= 3 && count >= size } else { count >= 5 && count * 100 > percent * size }
    }

    /// An adoption takes something from more than `percent` and at least five; in a small scope it shrinks every endpoint.
    pub(super) fn adoption_too_large(&self, scope: &Scope, taken: usize, shrunk: usize, percent: usize) -> bool {
        if matches!(scope, Scope::Location(_)) {
            return false;
        }
        let size = self.size(scope);
        if size < SMALL { shrunk > 0 && shrunk >= size } else { taken >= 5 && taken * 100 > percent * size }
    }

    pub(super) fn shrink(&mut self, endpoint: &EndpointName, scopes: Vec<Scope>) {
        self.grow(endpoint);
        for scope in &scopes {
            self.counts.entry(scope.clone()).or_default().shrunk += 1;
        }
        self.shrunk.insert(endpoint.clone(), scopes);
    }

    pub(super) fn grow(&mut self, endpoint: &EndpointName) {
        for scope in self.shrunk.remove(endpoint).into_iter().flatten() {
            if let Some(counts) = self.counts.get_mut(&scope) {
                counts.shrunk = counts.shrunk.saturating_sub(1);
            }
        }
    }

    pub(super) fn wait(&mut self, scopes: &[Scope]) {
        for scope in scopes {
            self.counts.entry(scope.clone()).or_default().waiting += 1;
        }
    }

    pub(super) fn no_longer_wait(&mut self, scopes: &[Scope]) {
        for scope in scopes {
            if let Some(counts) = self.counts.get_mut(scope) {
                counts.waiting = counts.waiting.saturating_sub(1);
            }
        }
    }
}
