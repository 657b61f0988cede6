//! When an endpoint was last heard of.

use jiff::Timestamp;

use super::agenda::Window;
use super::names::{Digest, EndpointName};

/// A Poly endpoint's poll that brought news: it was never seen before, was silent for a while, or fetched another list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Presence {
    /// Who.
    pub endpoint: EndpointName,
    /// When.
    pub at: Timestamp,
    /// Digest of the published schedule it was answered from.
    pub fetched: Option<Digest>,
    /// The span it asked for.
    pub window: Option<Window>,
    /// Its User-Agent, for people; from outside, escape it.
    pub user_agent: Option<String>,
    /// Its family, where that is known: `Trio`, `Group` and so on.
    pub model: Option<&'static str>,
    /// How it logged in: `digest`, `ntlm` or `basic`.
    pub scheme: &'static str,
    /// The address it came from.
    pub peer: String,
}
