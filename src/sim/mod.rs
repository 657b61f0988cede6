//! The simulated world: devices and services as plain structs, (request, now) → answer, and a server around each. `otj demo`
//! and the tests use the same ones. They share no code with the clients they answer, so that a mistake in a wire
//! format is not made twice.

pub mod cisco;
pub mod poly;
