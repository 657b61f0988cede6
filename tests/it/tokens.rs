//! Access tokens against simulated token services, in virtual time.

mod exchange;
mod giving;
mod pages;
mod refusals;
mod rig;
mod signing_in;
mod terminal;
