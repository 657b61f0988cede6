//! What is heard of calendar services that tell by themselves when something changes: written by whoever listens, looked at by the loop,
//! pages and metrics. Rooms are listened to in groups, each over one connection.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::names::IntegrationName;

/// How soon a group of rooms is heard.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Ear {
    /// Changes are told as they happen.
    AtOnce,
    /// Something on the way keeps what is told, for up to a minute.
    ByTheMinute,
    /// Nothing is told; changes are found by asking.
    Deaf,
}

impl Ear {
    /// Its name in metrics and pages.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::AtOnce => "AtOnce",
            Self::ByTheMinute => "ByTheMinute",
            Self::Deaf => "Deaf",
        }
    }
}

/// What is heard of one service.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Heard {
    /// Rooms whose changes are told as they happen.
    pub at_once: usize,
    /// Rooms whose changes are told within a minute or so.
    pub by_the_minute: usize,
    /// Rooms of which nothing is told.
    pub deaf: usize,
    /// Groups of rooms that are heard, each over a connection.
    pub connections: usize,
    /// Why the last group that is not heard is not; a closed set.
    pub why: Option<&'static str>,
}

impl Heard {
    /// The share of rooms that are heard, at once or within a minute, from 0 to 1.
    #[must_use]
    pub fn share(&self) -> f64 {
        let heard = self.at_once + self.by_the_minute;
        let all = heard + self.deaf;
        if all == 0 { 0.0 } else { heard as f64 / all as f64 }
    }
}

/// How one group of rooms is heard.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GroupHeard {
    /// How soon.
    pub ear: Ear,
    /// Rooms that are heard so.
    pub rooms: usize,
    /// Rooms beside them that are not heard at all.
    pub deaf: usize,
    /// Why some are not; a closed set.
    pub why: Option<&'static str>,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Hearing(Mutex<BTreeMap<IntegrationName, Groups>>);

#[derive(Debug, Default)]
struct Groups {
    by_number: BTreeMap<usize, GroupHeard>,
    /// Rooms that belong to none.
    rest: usize,
    why: Option<&'static str>,
}

impl Hearing {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<IntegrationName, Groups>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A group is heard like this from now on; `None`: there is no such group any more. What is known of the whole service before
    /// and then.
    pub fn set(&self, integration: &IntegrationName, group: usize, heard: Option<GroupHeard>) -> (Heard, Heard) {
        let mut all = self.lock();
        let groups = all.entry(integration.clone()).or_default();
        let before = groups.sum();
        match heard {
            Some(heard) => {
                groups.why = heard.why.or(groups.why);
                groups.by_number.insert(group, heard);
            }
            None => drop(groups.by_number.remove(&group)),
        }
        (before, groups.sum())
    }

    /// So many rooms of a service belong to no group.
    pub fn set_rest(&self, integration: &IntegrationName, rooms: usize, why: Option<&'static str>) {
        let mut all = self.lock();
        let groups = all.entry(integration.clone()).or_default();
        groups.rest = rooms;
        groups.why = why.or(groups.why);
    }

    /// Nobody listens to this service any more.
    pub fn forget(&self, integration: &IntegrationName) {
        self.lock().remove(integration);
    }

    /// What is heard of a service; `None`: nobody listens to it.
    #[must_use]
    pub fn of(&self, integration: &IntegrationName) -> Option<Heard> {
        self.lock().get(integration).map(Groups::sum)
    }

    /// What is heard, by service.
    #[must_use]
    pub fn snapshot(&self) -> Vec<(IntegrationName, Heard)> {
        self.lock().iter().map(|(name, groups)| (name.clone(), groups.sum())).collect()
    }
}

impl Groups {
    fn sum(&self) -> Heard {
        let mut heard = Heard { deaf: self.rest, ..Heard::default() };
        for GroupHeard { ear, rooms, deaf, .. } in self.by_number.values() {
            match ear {
                Ear::AtOnce => heard.at_once += rooms,
                Ear::ByTheMinute => heard.by_the_minute += rooms,
                Ear::Deaf => heard.deaf += rooms,
            }
            heard.deaf += deaf;
            heard.connections += usize::from(*ear != Ear::Deaf);
        }
        heard.why = self.why.filter(|_| heard.deaf > 0);
        heard
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rooms_are_counted_by_how_they_are_heard_and_the_reason_goes_with_the_last_deaf_one() {
        let (hearing, name) = (Hearing::default(), IntegrationName::parse("exchange").unwrap());
        assert_eq!(hearing.of(&name), None);
        let group = |ear, rooms, deaf, why| Some(GroupHeard { ear, rooms, deaf, why });
        hearing.set_rest(&name, 3, None);
        hearing.set(&name, 0, group(Ear::AtOnce, 200, 0, None));
        hearing.set(&name, 1, group(Ear::Deaf, 46, 1, Some("Throttled")));
        let heard = hearing.of(&name).unwrap();
        assert_eq!((heard.at_once, heard.by_the_minute, heard.deaf, heard.connections), (200, 0, 50, 1));
        assert_eq!((heard.share(), heard.why), (0.8, Some("Throttled")));
        hearing.set_rest(&name, 0, None);
        let (before, heard) = hearing.set(&name, 1, group(Ear::ByTheMinute, 50, 0, None));
        assert_eq!(before.deaf, 47);
        assert_eq!((heard.by_the_minute, heard.deaf, heard.connections, heard.why), (50, 0, 2, None));
        hearing.set(&name, 0, None);
        assert_eq!(hearing.of(&name).unwrap().at_once, 0);
        hearing.forget(&name);
        assert!(hearing.snapshot().is_empty());
    }
}
