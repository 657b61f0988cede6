//! The Poly server over TLS, against real Exchange clients, curl, the official schemas, and clients that mean no good.

mod clients;
pub(crate) mod desk;
mod hostile;
mod listener;
mod news;
mod ntlm;
mod operations;
mod rooms;
mod schemas;
mod simulated;
mod tracing;
