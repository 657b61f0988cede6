//! Invitations that come out differently: those of RuleTests, which stand in git, and events from files, which somebody was invited to.
//! In: two loaded directories and events. Out: what differs for whom. Of events from files only hosts of aliases are told.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Value, json};

use super::super::verdict::Judged;
use crate::config::Loaded;
use crate::model::{Desired, Digest, Event, ProfileName};
use crate::rules::Chain;

/// An invitation that comes out differently.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MeetingChange {
    pub(super) profile: String,
    /// `DOCUMENT/CASE` of a RuleTest, or the file of an event.
    pub(super) invitation: String,
    /// Of an event from a file: when it starts, and a digest that tells it apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) start: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) digest: Option<String>,
    /// `alias`, `rule`, `subject`, `shown`, `protocol`: old and new.
    pub(super) differences: BTreeMap<&'static str, (Value, Value)>,
}

/// An event of the command line.
pub(super) struct Given {
    pub(super) file: String,
    pub(super) event: Event,
}

/// Profiles of one wish, compiled once.
struct Rules<'a> {
    desired: &'a Desired,
    chains: BTreeMap<ProfileName, Chain>,
}

impl<'a> Rules<'a> {
    fn of(desired: &'a Desired) -> Self {
        let chain = |name: &ProfileName| {
            let evaluation = desired.evaluations.get(&desired.profiles.get(name)?.evaluation)?;
            Some((name.clone(), Chain::compile(evaluation)))
        };
        Self { desired, chains: desired.profiles.keys().filter_map(chain).collect() }
    }

    fn judge(&self, profile: &ProfileName, event: &Event) -> Option<Judged> {
        Some(Judged::of(self.chains.get(profile)?, &self.desired.profiles.get(profile)?.view, event))
    }
}

/// Everything that both wishes judge and judge differently. With `open`, subjects and aliases of events from files are told.
pub(super) fn changes(
    old: (&Desired, &Loaded),
    new: (&Desired, &Loaded),
    given: &[Given],
    open: bool,
) -> Vec<MeetingChange> {
    let (before, after) = (Rules::of(old.0), Rules::of(new.0));
    let mut found = vec![];
    let mut seen = BTreeSet::new();
    for test in new.1.rule_tests.iter().chain(&old.1.rule_tests) {
        for case in &test.cases {
            let invitation = format!("{}/{}", test.document, case.name);
            if !seen.insert((test.profile.clone(), invitation.clone())) {
                continue;
            }
            let judged = (before.judge(&test.profile, &case.event), after.judge(&test.profile, &case.event));
            let (Some(old), Some(new)) = judged else { continue };
            let differences = differences(&old, &new, true);
            if !differences.is_empty() {
                let profile = test.profile.to_string();
                found.push(MeetingChange { profile, invitation, start: None, digest: None, differences });
            }
        }
    }
    for it in given {
        for profile in after.chains.keys() {
            let judged = (before.judge(profile, &it.event), after.judge(profile, &it.event));
            let (Some(old), Some(new)) = judged else { continue };
            let differences = differences(&old, &new, open);
            if !differences.is_empty() {
                found.push(MeetingChange {
                    profile: profile.to_string(),
                    invitation: it.file.clone(),
                    start: Some(it.event.start.to_string()),
                    digest: Some(Digest::of([it.event.uid.as_bytes()]).short()),
                    differences,
                });
            }
        }
    }
    found
}

fn differences(old: &Judged, new: &Judged, open: bool) -> BTreeMap<&'static str, (Value, Value)> {
    let (before, after) = (json!(old.answer()), json!(new.answer()));
    let fields = ["alias", "protocol", "rule", "subject", "shown"].into_iter();
    fields
        .filter(|field| before[*field] != after[*field])
        .map(|field| {
            let pair = (before[field].clone(), after[field].clone());
            (field, if open { pair } else { veiled(field, pair) })
        })
        .collect()
}

/// What may stand in a merge request about somebody's meeting.
fn veiled(field: &str, (old, new): (Value, Value)) -> (Value, Value) {
    let hide = |value: Value| match (field, value.as_str()) {
        ("alias", Some(alias)) => {
            let host = alias.rsplit_once('@').map_or(String::new(), |(_, host)| format!("@{host}"));
            json!(format!("…{host} ({})", Digest::of([alias.as_bytes()]).short().get(..6).unwrap_or_default()))
        }
        ("subject", Some(_)) => json!("…"),
        _ => value,
    };
    (hide(old), hide(new))
}
