//! Codecs, against the simulated ones: what is sent, what comes of it, and what it may not do.

mod conversation;
mod payloads;
mod refusals;
mod schemas;
mod simulated;
mod site;
mod trust;
mod week;
use super::reconciling::wish;
pub(crate) mod world;
