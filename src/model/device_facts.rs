//! What a device tells of itself, and who else writes to it: kept with the endpoint, shown on its page.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::device::Wire;

/// How far two tellings of one start may lie apart: clocks are read in whole seconds, and answers take a while.
const SAME_START: SignedDuration = SignedDuration::from_secs(120);

/// What a device told of itself when it was last asked. Everything that it did not tell is absent.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DeviceFacts {
    /// Product name.
    pub product: Option<String>,
    /// Software version as it writes it.
    pub software: Option<String>,
    /// Serial number.
    pub serial: Option<String>,
    /// When it started, by our clock.
    pub started: Option<Timestamp>,
    /// How many seconds its clock is ahead of ours.
    pub clock_ahead_s: Option<i64>,
    /// The request format it was last given a list in.
    pub wire: Option<Wire>,
    /// SHA-256 of its certificate, lower-case hex.
    pub fingerprint: Option<String>,
    /// When its certificate ends.
    pub certificate_ends: Option<Timestamp>,
    /// It belongs to a person, and lets nobody read what it holds.
    pub personal: bool,
}

impl DeviceFacts {
    /// These, completed by what was known before of the same device.
    #[must_use]
    pub fn or(self, before: &Self) -> Self {
        if self.serial.is_some() && before.serial.is_some() && self.serial != before.serial {
            return self;
        }
        Self {
            product: self.product.or_else(|| before.product.clone()),
            software: self.software.or_else(|| before.software.clone()),
            serial: self.serial.or_else(|| before.serial.clone()),
            started: self.started.or(before.started),
            clock_ahead_s: self.clock_ahead_s.or(before.clock_ahead_s),
            wire: self.wire.or(before.wire),
            fingerprint: self.fingerprint.or_else(|| before.fingerprint.clone()),
            certificate_ends: self.certificate_ends.or(before.certificate_ends),
            personal: self.personal,
        }
    }

    /// Whether the device has started anew since `before`: a codec that starts has forgotten its bookings.
    #[must_use]
    pub fn restarted_since(&self, before: &Self) -> bool {
        matches!((self.started, before.started), (Some(now), Some(then)) if now.duration_since(then) > SAME_START)
    }
}

/// Somebody else who puts bookings on a device.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum OtherWriter {
    /// The calendar service of Webex (hybrid calendar).
    WebexCalendar,
    /// Cisco TMS, which provisions the device.
    Tms,
    /// Another deployment of otj, by its id.
    Deployment(String),
    /// Nobody who can be told by what he leaves.
    Unnamed,
}

impl OtherWriter {
    /// Who it is and what to do about it, for people.
    #[must_use]
    pub fn remedy(&self) -> String {
        match self {
            Self::WebexCalendar => "the Webex calendar service (hybrid calendar) books this device: switch scheduling off for its workspace in Control Hub".to_owned(),
            Self::Tms => "Cisco TMS manages this device and replaces its bookings: remove it from TMS, or set `Provisioning Mode` to Off".to_owned(),
            Self::Deployment(id) => format!("another deployment of otj, `{id}`, fills this device: let only one of them name it"),
            Self::Unnamed => "another system replaces its bookings: look for Pexip One-Touch Join, a booking panel or a macro that puts bookings, and end it".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_later_than_the_one_before_is_a_restart_and_small_differences_are_none() {
        let at = |second| DeviceFacts { started: Timestamp::from_second(second).ok(), ..DeviceFacts::default() };
        for (before, now, restarted) in [
            (at(1000), at(1000), false),
            (at(1000), at(1100), false),
            (at(1000), at(1200), true),
            (at(1000), at(10), false),
        ] {
            assert_eq!(now.restarted_since(&before), restarted, "{before:?} {now:?}");
        }
        assert!(!at(5000).restarted_since(&DeviceFacts::default()));
    }

    #[test]
    fn what_is_not_told_stays_as_it_was_unless_it_is_another_device() {
        let before =
            DeviceFacts { serial: Some("A".into()), product: Some("Room Kit".into()), ..DeviceFacts::default() };
        let silent = DeviceFacts { software: Some("ce9".into()), ..DeviceFacts::default() }.or(&before);
        assert_eq!((silent.product.as_deref(), silent.software.as_deref()), (Some("Room Kit"), Some("ce9")));
        let other = DeviceFacts { serial: Some("B".into()), ..DeviceFacts::default() }.or(&before);
        assert_eq!(other.product, None);
    }
}
