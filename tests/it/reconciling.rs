//! The loop in virtual time, on a simulated world: text in, text out.

mod devices;
mod gate;
mod orders;
mod quota;
mod removals;
mod renames;
mod rig;
mod rivals;
mod scenarios;
pub(crate) mod stage;
pub(crate) mod wish;
