//! Requests to look again. They say where, never what to do.

use super::names::{EndpointName, RoomKey};

/// One object somebody should look at again: a file event, a poll that brought news, a signal, an operator.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum LookAgain {
    /// The configuration directory.
    Documents,
    /// A room's calendar.
    Room(RoomKey),
    /// An endpoint.
    Endpoint(EndpointName),
}
