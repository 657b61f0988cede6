//! Reading calendars, and the one way out to the network, against real servers on loopback.

mod egress;
mod occurrences;
