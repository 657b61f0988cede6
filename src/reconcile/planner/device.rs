//! What a device said about its list, and what that says about the device: that it forgot, that somebody else writes to it, that
//! it does not keep what it is given.
//!
//! | the list is not as given, and | then |
//! |---|---|
//! | the device has started anew since | it forgot: it is filled again, nobody is blamed |
//! | nothing but some of ours is gone | it is filled again, and it is said when that happens often |
//! | something else stands there, or TMS manages the device | an overwrite: it is filled again; after three within an hour it is left to whoever writes (`onConflict: Report`), for an hour, then two, up to a day |
//! | it is so right after a put, twice | the device rewrites: it is left alone until the wish changes |

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crate::model::device::OnConflict;
use crate::model::{DeviceFacts, DeviceSpec, EndpointName, EndpointSpec, Given, Held, Mono, Now, OtherWriter};

use super::super::observed::{EndpointKnown, jittered};
use super::super::plan::{LOOK_EVERY, OVERWRITES, PUT_AGAIN, PUT_AGAIN_CLOUD};
use super::super::step::{HeldRead, Listed, PutDone};
use super::Planner;
use super::identity::Device;

/// Overwrites and losses older than this are forgotten, and an endpoint that kept its list so long is its own again.
const REMEMBERED: Duration = Duration::from_mins(60);
/// How long an endpoint is first left to whoever else writes to it, and at most.
const YIELD: Duration = Duration::from_mins(60);
const YIELD_MAX: Duration = Duration::from_hours(24);

impl Planner {
    pub(super) fn held_read(&mut self, name: &EndpointName, read: HeldRead, now: Now) {
        let target = self.target_of(name);
        let spec = self.desired.endpoints.get(name).cloned();
        let Some(known) = self.endpoints.get_mut(name) else { return };
        if known.trouble.take().is_some() {
            tracing::info!(endpoint = %name, "The endpoint answers again.");
        }
        known.last_contact = Some(now.wall);
        known.last_look = Some(now.mono);
        known.next_look = now.mono + jittered(LOOK_EVERY, name.as_str(), 0);
        known.look_first = false;
        known.cannot_list = matches!(read, HeldRead::CannotList { .. });
        let (facts, listed) = match read {
            HeldRead::CannotList { facts } => (facts, None),
            HeldRead::Listed(mut listed) => (std::mem::take(&mut listed.facts), Some(listed)),
        };
        known.personal_since = facts.personal.then(|| known.personal_since.unwrap_or(now.wall));
        let serial = facts.serial.clone();
        let restarted = known.learn(*facts);
        let device = self.answered(name, serial.as_deref(), now);
        let Some(known) = self.endpoints.get_mut(name) else { return };
        if device == Device::Replaced {
            // This device was given nothing by this endpoint: what it loses is no loss here.
            known.last_put = None;
        }
        match listed {
            // Nothing is known of what another device holds.
            None if device == Device::Replaced => known.held = Held::Unknown,
            None if restarted => known.put_again = Mono::default(),
            None => {}
            Some(listed) => {
                known.foreign = listed.foreign;
                if listed.same == Some(true) {
                    if known.put_again == Mono::default() {
                        // It was given before this process began.
                        known.put_again = now.mono + jittered(put_again(spec.as_deref()), name.as_str(), 1);
                    }
                    known.kept_its_list(&listed, now);
                    return;
                }
                if known.given().is_some() && device == Device::Same {
                    known.lost_its_list(name, spec.as_deref(), &listed, restarted, now);
                }
                let serial = known.serial.clone();
                known.held =
                    Held::Known(Box::new(Given { schedule: Arc::new(listed.ours), target, serial, at: now.wall }));
            }
        }
    }

    pub(super) fn put_done(&mut self, name: &EndpointName, given: Given, done: PutDone, now: Now) {
        let here = self.target_of(name).and_then(|target| target.place());
        if given.target.as_ref().and_then(DeviceSpec::place) != here {
            // It was moved while the put was under way: what was given belongs to the old place.
            if let Some(old) = self.old_places.values_mut().find(|old| old.endpoint == *name) {
                old.given = given;
            }
            return;
        }
        self.observe_delay(name, &given, now);
        let again_after = put_again(self.desired.endpoints.get(name).map(|spec| &**spec));
        let Some(known) = self.endpoints.get_mut(name) else { return };
        if known.trouble.take().is_some() {
            tracing::info!(endpoint = %name, "The endpoint answers again.");
        }
        let again = known.given().is_some_and(|before| before.schedule == given.schedule);
        if !again {
            tracing::info!(event = "push_succeeded", endpoint = %name, bookings = given.schedule.bookings.len(), "The endpoint took its schedule.");
        }
        known.last_contact = Some(now.wall);
        known.last_put = Some(now.wall);
        known.put_again = now.mono + jittered(again_after, name.as_str(), 1);
        known.next_look = now.mono + jittered(LOOK_EVERY, name.as_str(), 0);
        let digest = given.schedule.digest();
        if done.same.is_some() {
            known.foreign = done.foreign;
            known.last_look = Some(now.mono);
        }
        known.unheld = match (done.same, known.unheld) {
            (Some(false), (count, of)) if of == digest => (count + 1, digest),
            (Some(false), _) => (1, digest),
            _ => (0, digest),
        };
        // The first time that a put does not hold, the endpoint is read and put again.
        known.held = if known.unheld.0 == 1 { Held::Unknown } else { Held::Known(Box::new(given)) };
        let serial = done.facts.serial.clone();
        known.learn(*done.facts);
        self.answered(name, serial.as_deref(), now);
    }

    fn target_of(&self, name: &EndpointName) -> Option<DeviceSpec> {
        let device = &self.desired.endpoints.get(name)?.device;
        (!matches!(device, DeviceSpec::Poly(_))).then(|| device.clone())
    }
}

/// After how long an endpoint is given its list once more.
fn put_again(spec: Option<&EndpointSpec>) -> Duration {
    match spec.map(|spec| &spec.device) {
        Some(DeviceSpec::Webex(_)) => PUT_AGAIN_CLOUD,
        _ => PUT_AGAIN,
    }
}

impl EndpointKnown {
    /// Takes in what the device told of itself; whether it has started anew.
    fn learn(&mut self, facts: DeviceFacts) -> bool {
        let restarted = facts.restarted_since(&self.facts);
        self.facts = facts.or(&self.facts);
        restarted
    }

    fn kept_its_list(&mut self, listed: &Listed, now: Now) {
        self.forget_old(now);
        let undisturbed = self
            .last_put
            .is_some_and(|at| Duration::try_from(now.wall.duration_since(at)).is_ok_and(|since| since >= REMEMBERED));
        if self.overwritten.is_empty() && self.yields.until <= now.mono && undisturbed {
            self.yields = Yields::default();
        }
        if listed.foreign > 0 {
            self.writers.clone_from(&listed.writers);
        } else if self.overwritten.is_empty() {
            self.writers.clear();
        }
    }

    fn lost_its_list(
        &mut self,
        name: &EndpointName,
        spec: Option<&EndpointSpec>,
        listed: &Listed,
        restarted: bool,
        now: Now,
    ) {
        self.forget_old(now);
        if restarted {
            tracing::info!(endpoint = %name, "The endpoint has started anew and lost its list; it is filled again.");
            return;
        }
        if listed.only_missing && !listed.writers.contains(&OtherWriter::Tms) {
            tracing::info!(endpoint = %name, "The endpoint has lost bookings it was given; it is filled again.");
            self.lost.push_back(now.mono);
            return;
        }
        tracing::warn!(endpoint = %name, foreign = listed.foreign, "The endpoint holds another list than it was given.");
        self.overwritten.push_back(now.mono);
        self.writers.extend(listed.writers.iter().cloned());
        let reports = spec.is_some_and(|spec| match &spec.device {
            DeviceSpec::Cisco(cisco) => cisco.on_conflict == OnConflict::Report,
            // Whoever else writes there is a calendar service that was left switched on: fighting it helps nobody.
            DeviceSpec::Webex(_) => true,
            DeviceSpec::Poly(_) => false,
        });
        // Once it has been left, one more overwrite is enough.
        if reports && (self.overwritten.len() >= OVERWRITES || self.yields.count > 0) {
            let wait = YIELD.saturating_mul(1 << self.yields.count.min(8)).min(YIELD_MAX);
            self.yields = Yields { count: self.yields.count + 1, until: now.mono + jittered(wait, name.as_str(), 0) };
        }
    }

    fn forget_old(&mut self, now: Now) {
        let old = |at: &Mono| *at + REMEMBERED <= now.mono;
        for times in [&mut self.overwritten, &mut self.lost] {
            while times.front().is_some_and(old) {
                times.pop_front();
            }
        }
    }

    /// The list got lost several times within the hour, and nobody can be told to have written.
    #[must_use]
    pub(in crate::reconcile) fn keeps_losing(&self) -> bool {
        self.lost.len() >= OVERWRITES
    }
}

/// How often an endpoint was left to whoever else writes to it, and until when it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Yields {
    /// In a row.
    pub count: u32,
    /// Nothing is put before.
    pub until: Mono,
}

/// Times of the last hour.
pub(in crate::reconcile) type Times = VecDeque<Mono>;
