//! Simulated token endpoints.

mod issued;

pub use issued::Issued;
