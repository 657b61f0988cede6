//! What the loop's board says, in the forms people and machines read: conditions, alarms, the summary, metrics.
//!
//! In: the [`Board`], the tally, the time. Out: plain serializable views ([`summary`]), what drifts and why ([`conditions`]),
//! and the text of `/metrics` ([`metrics`]). Everything is made when asked, so what left the board is gone everywhere at once.

pub mod age;
pub mod alarm_rounds;
pub mod alarms;
pub mod clouds;
pub mod conditions;
pub mod integrations;
pub mod metrics;
pub mod operations;
pub mod summary;

pub use crate::reconcile::board::{Board, EndpointStatus, RoomStatus, Shown};
pub use crate::reconcile::order::{Command, Order, Refused};
pub use crate::reconcile::suspension::{Suspended, SuspendedKind};
