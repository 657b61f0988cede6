//! Where nodes run, resolved, and how they get out.

use std::sync::Arc;

use super::names::LocationName;
use super::secret::SecretValue;

/// A location. `default` is in every wish, whether a document describes it or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocationSpec {
    /// Its name.
    pub name: LocationName,
    /// The web proxy of its nodes.
    pub web_proxy: Option<Arc<WebProxySpec>>,
    /// At most this many of its nodes work; the others stand by.
    pub max_active_nodes: u16,
    /// IANA zone of its rooms; `None`: each calendar's own.
    pub time_zone: Option<String>,
    /// The name its Poly endpoints are given as their calendar server.
    pub poly_host: Option<String>,
    /// Whether its nodes may refresh OAuth tokens.
    pub oauth: bool,
}

impl LocationSpec {
    /// A location of which no document says anything.
    #[must_use]
    pub fn undescribed(name: LocationName) -> Self {
        Self { name, web_proxy: None, max_active_nodes: 5, time_zone: None, poly_host: None, oauth: true }
    }
}

/// An HTTP proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebProxySpec {
    /// Its URL.
    pub url: String,
    /// Its account: user name and password.
    pub account: Option<(String, SecretValue)>,
    /// Hosts and domains (`.example.com`) that are reached past it, in lower case.
    pub no_proxy: Vec<String>,
    /// Extra roots, PEM, for a proxy that opens TLS.
    pub ca_certificates: Vec<Arc<[u8]>>,
}
