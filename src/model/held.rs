//! What an endpoint was given, or was seen to hold.

use std::sync::Arc;

use jiff::Timestamp;

use super::device::DeviceSpec;
use super::schedule::Schedule;

/// What is known of an endpoint's list.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Held {
    /// Nothing. It is read, or filled after a complete read of the room, and never taken for empty.
    #[default]
    Unknown,
    /// This was given to it, or read back.
    Known(Box<Given>),
}

/// One successful put, kept durably with its target until that target is cleared.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Given {
    /// What was put.
    pub schedule: Arc<Schedule>,
    /// Where it was put; `None` for endpoints that fetch by themselves.
    pub target: Option<DeviceSpec>,
    /// The device's serial number, where it told one.
    pub serial: Option<String>,
    /// When.
    pub at: Timestamp,
}
