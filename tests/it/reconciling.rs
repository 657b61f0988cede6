//! The loop in virtual time, on a simulated world: text in, text out.

mod gate;
mod renames;
mod rig;
mod scenarios;
mod stage;
mod wish;
