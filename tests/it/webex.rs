//! Devices of the Webex Cloud, against the simulated one: what is sent, what comes of it, and what it may not do.

mod conversation;
mod daemon;
mod payloads;
mod reconciled;
mod refusals;
mod stage;
mod tokens;
mod world;
