//! Reading calendars, and the one way out to the network, against real servers on loopback.

mod asking;
mod caldav;
mod contents;
mod discovery;
mod egress;
mod exchange;
mod google;
mod graph;
mod occurrences;
mod proxied;
mod published;
mod radicale;
mod second_opinion;
