//! Where a request comes from: its connection and headers go in, an address for logs and pacing comes out, and whether others may use the
//! same connection. Nothing is granted by it.

use std::net::{IpAddr, Ipv4Addr};

use axum::http::HeaderMap;

use crate::listen::{Connection, Network};

/// Headers that only a proxy adds.
const MARKS: [&str; 4] = ["via", "x-forwarded-for", "forwarded", "x-real-ip"];
/// Hops that are read. Longer lists are made up.
const HOPS_MAX: usize = 16;

/// Where a request comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Origin {
    /// The device, as far as it can be told.
    pub(super) peer: IpAddr,
    /// Whether requests of several devices may come over this connection.
    pub(super) shared: bool,
}

impl Origin {
    /// `X-Forwarded-For` is read from its end, over addresses that are trusted proxies themselves: the first other one is the device.
    pub(super) fn of(connection: Option<Connection>, headers: &HeaderMap, proxies: &[Network]) -> Self {
        let Some(connection) = connection else {
            return Self { peer: Ipv4Addr::UNSPECIFIED.into(), shared: true };
        };
        let mut peer = connection.peer.ip().to_canonical();
        if connection.shared {
            let lines = headers.get_all("x-forwarded-for").into_iter().filter_map(|line| line.to_str().ok());
            let hops: Vec<&str> = lines.flat_map(|line| line.split(',')).collect();
            for hop in hops.iter().rev().take(HOPS_MAX) {
                let Ok(address) = hop.trim().parse::<IpAddr>() else { break };
                peer = address.to_canonical();
                if !proxies.iter().any(|network| network.holds(peer)) {
                    break;
                }
            }
        }
        Self { peer, shared: connection.shared || MARKS.iter().any(|mark| headers.contains_key(*mark)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_trusted_hops_are_believed_and_any_trace_of_a_proxy_makes_a_connection_shared() {
        let proxies = ["10.0.0.0/8".parse().unwrap()];
        let look = |peer: &str, shared: bool, headers: &[(&'static str, &str)]| {
            let connection = Connection { id: 1, peer: peer.parse().unwrap(), tls: true, shared };
            let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
            let origin = Origin::of(Some(connection), &headers, &proxies);
            (origin.peer.to_string(), origin.shared)
        };
        for (peer, shared, headers, wanted) in [
            ("192.0.2.1:1", false, vec![], ("192.0.2.1", false)),
            ("192.0.2.1:1", false, vec![("x-forwarded-for", "198.51.100.1")], ("192.0.2.1", true)),
            ("192.0.2.1:1", false, vec![("via", "1.1 x")], ("192.0.2.1", true)),
            ("10.0.0.1:1", true, vec![], ("10.0.0.1", true)),
            ("10.0.0.1:1", true, vec![("x-forwarded-for", "203.0.113.9, 192.0.2.7, 10.1.1.1")], ("192.0.2.7", true)),
            ("10.0.0.1:1", true, vec![("x-forwarded-for", "192.0.2.7, nonsense")], ("10.0.0.1", true)),
        ] {
            assert_eq!(look(peer, shared, &headers), (wanted.0.to_owned(), wanted.1), "{headers:?}");
        }
    }
}
