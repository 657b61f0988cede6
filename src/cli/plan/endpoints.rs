//! What a change means for endpoints, once everything is inherited and resolved: one line in a group can move three hundred screens.
//! In: two wishes. Out: effects, each with the endpoints it is for.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::desired::OnRemove;
use crate::model::device::DeviceSpec;
use crate::model::{Desired, EndpointSpec};

/// The endpoints that one effect is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Effect {
    /// In a few words, as the reports say it.
    pub(super) effect: &'static str,
    pub(super) endpoints: Vec<String>,
}

/// In the order of how much a person at an endpoint would notice.
const ORDER: [&str; 11] = [
    "are cleared ten minutes after adoption, and forgotten",
    "are forgotten, and keep what they show",
    "are added",
    "are reached at another address",
    "show another room",
    "belong to another profile or group",
    "change their mode",
    "have other credentials or another way of checking the device",
    "show their meetings differently",
    "have their meetings processed by other rules",
    "change otherwise",
];

/// Compares every endpoint. `old` carries the names of `new`.
pub(super) fn effects(old: &Desired, new: &Desired) -> Vec<Effect> {
    let mut found: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    let mut add = |effect: usize, name: &str| found.entry(effect).or_default().push(name.to_owned());
    for (name, before) in &old.endpoints {
        if !new.endpoints.contains_key(name) {
            add(usize::from(before.on_remove == OnRemove::Keep), name.as_str());
        }
    }
    for (name, after) in &new.endpoints {
        let Some(before) = old.endpoints.get(name) else {
            add(2, name.as_str());
            continue;
        };
        differing(old, before, new, after).into_iter().for_each(|effect| add(effect, name.as_str()));
    }
    found.into_iter().map(|(effect, endpoints)| Effect { effect: ORDER[effect], endpoints }).collect()
}

fn differing(old: &Desired, before: &EndpointSpec, new: &Desired, after: &EndpointSpec) -> Vec<usize> {
    let rules =
        |wish: &Desired, it: &EndpointSpec| wish.evaluations.get(&it.evaluation).map(|evaluation| evaluation.digest);
    let moved = place(&before.device) != place(&after.device);
    let found = [
        (3, moved),
        (4, before.room != after.room),
        (5, before.profile != after.profile || before.group != after.group),
        (6, before.mode != after.mode),
        (7, !moved && before.device != after.device),
        (8, before.view != after.view || before.time_zone != after.time_zone),
        (9, rules(old, before) != rules(new, after)),
    ];
    let mut effects: Vec<usize> = found.into_iter().filter(|(_, differs)| *differs).map(|(effect, _)| effect).collect();
    // A record of renames is no difference that anybody sees.
    if effects.is_empty()
        && (&before.labels, &before.description, before.raise_alarms, before.on_remove)
            != (&after.labels, &after.description, after.raise_alarms, after.on_remove)
    {
        effects.push(10);
    }
    effects
}

/// Where a device is, and of what kind.
fn place(device: &DeviceSpec) -> String {
    match device {
        DeviceSpec::Cisco(cisco) => format!("cisco {:?}", cisco.place()),
        DeviceSpec::Poly(poly) => format!("poly {}", poly.username),
        DeviceSpec::Webex(webex) => format!("webex {}", webex.device_id),
    }
}
