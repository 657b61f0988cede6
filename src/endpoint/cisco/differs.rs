//! Compares what a codec should hold with what it says it holds. Only fields that every firmware gives back unchanged are
//! compared; all others would be differences for ever.
//!
//! | wished | on the device | result |
//! |---|---|---|
//! | yes | no | missing, unless it has ended |
//! | yes | yes, another title, time, number, privacy, start buffer | changed |
//! | no | yes, ours | extra, unless it has ended |
//! | no | yes, another deployment's or another system's | foreign |

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::fields::{self, Sent};
use super::listing::Seen;
use crate::model::Schedule;

/// One way in which a device is not as wished. Ids are those on the device; foreign ones come from outside, escape them.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Difference {
    /// A wished booking is not there.
    Missing {
        /// Its id on the device.
        id: String,
    },
    /// It is there, but these fields are not as put.
    Changed {
        /// Its id on the device.
        id: String,
        /// From a closed set: title, start, end, number, privacy, start buffer.
        fields: Vec<&'static str>,
    },
    /// One of ours that is no longer wished.
    Extra {
        /// Its id on the device.
        id: String,
    },
    /// Somebody else put it there.
    Foreign {
        /// Its id on the device.
        id: String,
        /// The other deployment of otj, when it is one.
        deployment: Option<String>,
    },
}

/// How `seen` differs from `schedule` at `now`, sorted; nothing: the device is as wished.
#[must_use]
pub fn differs(deployment: &str, schedule: &Schedule, seen: &[Seen], now: Timestamp) -> Vec<Difference> {
    let mut there: BTreeMap<&str, &Seen> = seen.iter().map(|seen| (seen.id.as_str(), seen)).collect();
    let mut differences = Vec::new();
    for sent in fields::sent(deployment, schedule) {
        match there.remove(sent.id.as_str()) {
            Some(seen) => {
                let fields = changed(&sent, seen);
                if !fields.is_empty() {
                    differences.push(Difference::Changed { id: sent.id, fields });
                }
            }
            None if has_ended(sent.end, now) => {}
            None => differences.push(Difference::Missing { id: sent.id }),
        }
    }
    for (id, seen) in there {
        let id = id.to_owned();
        match &seen.ours {
            Some(_) if seen.end.is_some_and(|end| has_ended(end, now)) => {}
            Some(_) => differences.push(Difference::Extra { id }),
            None => differences.push(Difference::Foreign { id, deployment: seen.deployment.clone() }),
        }
    }
    differences.sort();
    differences
}

/// A device drops what is over, and its clock may be a minute ahead of ours.
fn has_ended(end: Timestamp, now: Timestamp) -> bool {
    end.checked_sub(SignedDuration::from_mins(1)).is_ok_and(|end| end <= now)
}

fn changed(sent: &Sent, seen: &Seen) -> Vec<&'static str> {
    let number = seen.number.as_ref().map(|number| number.expose());
    [
        ("title", seen.title.expose() == sent.title),
        ("start", seen.start == Some(sent.start)),
        ("end", seen.end == Some(sent.end)),
        ("number", number == sent.call.as_ref().map(|(number, _)| number.as_str())),
        ("privacy", seen.private.is_none_or(|private| private == sent.private)),
        ("start buffer", seen.start_buffer_s.is_none_or(|buffer| buffer == sent.start_buffer_s)),
    ]
    .into_iter()
    .filter_map(|(field, same)| (!same).then_some(field))
    .collect()
}
