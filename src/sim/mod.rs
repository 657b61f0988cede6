//! The simulated world: devices and services as plain structs, (request, now) → answer, and a server around each. `otj demo`
//! and the tests use the same ones. They share no code with the clients they answer, so that a mistake in a wire
//! format is not made twice.

pub mod cisco;
pub mod dice;
pub mod exchange;
pub mod freshness;
pub mod google;
pub mod graph;
pub mod poly;
pub mod rooms;
pub mod served;
mod sliding;
pub mod token;
pub mod weather;
pub mod webex;
pub mod workload;

use jiff::Timestamp;

use crate::http::{Played, PlayedStream, Request};
use crate::listen::Connection;

/// A token and the time → the account it was issued to; `None`: it is not good.
pub type Bearers = Box<dyn Fn(&str, Timestamp) -> Option<String> + Send + Sync>;

/// A simulated calendar or token service: servers, and the network that is played in virtual time, ask the same one.
pub trait Fake: Send + Sync {
    /// What becomes of a request that reaches it now.
    fn answer(&self, request: &Request, now: Timestamp) -> Played;

    /// The same for somebody who reads the answer piece by piece. Of most services it comes in one.
    fn open(&self, request: &Request, now: Timestamp) -> PlayedStream {
        self.answer(request, now).into()
    }

    /// The same over a connection that is known, for services whose sign-in belongs to one.
    fn open_over(&self, _connection: &Connection, request: &Request, now: Timestamp) -> PlayedStream {
        self.open(request, now)
    }

    /// Does what is due without a request: tells who listens. Whoever plays the world calls it about every second.
    fn pass(&self, _now: Timestamp) {}
}
