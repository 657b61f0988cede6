//! The loop in virtual time, on a simulated world: text in, text out.

mod gate;
mod scenarios;
mod stage;
