//! Names in, addresses out, and which addresses may be dialled at all.
//!
//! Look-ups run on the blocking pool, at most `LOOKUPS_MAX` at once. A name that cannot be resolved now, or not soon, is
//! answered with its last known addresses for an hour: an outage of the name service is not an outage of every room.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::{HttpError, Url};

/// Look-ups at a time; the rest waits.
const LOOKUPS_MAX: usize = 64;

/// An answer this young is used without asking again.
const FRESH: Duration = Duration::from_secs(10);

/// How long a look-up may take before the last known addresses are used instead, where there are any.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long the last known addresses stand in for a failing look-up.
const STALE_MAX: Duration = Duration::from_secs(3600);

/// Names remembered before those past [`STALE_MAX`] are forgotten.
const REMEMBERED_MAX: usize = 65_536;

/// Refuses addresses that no document, name or answer may lead to.
///
/// # Errors
/// For link-local, unspecified and multicast addresses, and for loopback unless it is allowed.
pub fn check(address: IpAddr, allow_loopback: bool) -> Result<(), HttpError> {
    let address = address.to_canonical();
    let refused = match address {
        IpAddr::V4(v4) => v4.is_link_local() || v4.octets()[0] == 0 || v4.is_multicast() || v4.is_broadcast(),
        IpAddr::V6(v6) => v6.is_unicast_link_local() || v6.is_unspecified() || v6.is_multicast(),
    };
    if refused || (address.is_loopback() && !allow_loopback) { Err(HttpError::Refused) } else { Ok(()) }
}

/// The address a URL names without any name.
pub(super) fn literal(url: &Url) -> Option<IpAddr> {
    let host = url.host_str()?;
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host).parse().ok()
}

/// What goes wrong in a look-up, found again at the end of the client's chain of errors.
#[derive(Debug, Clone, Copy, thiserror::Error)]
pub(super) enum LookupFault {
    #[error("the name has no address")]
    NotFound,
    #[error("the name leads to an address that may not be dialled")]
    Refused,
}

/// The resolver of every client.
pub(super) struct Names {
    allow_loopback: bool,
    turns: Arc<Semaphore>,
    known: Mutex<HashMap<String, Known>>,
}

#[derive(Clone)]
struct Known {
    addresses: Arc<[SocketAddr]>,
    at: Instant,
}

impl Names {
    pub(super) fn new(allow_loopback: bool) -> Self {
        Self { allow_loopback, turns: Arc::new(Semaphore::new(LOOKUPS_MAX)), known: Mutex::default() }
    }

    pub(super) async fn addresses(&self, name: String) -> Result<Arc<[SocketAddr]>, LookupFault> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&name).cloned();
        let known = known.filter(|known| known.at.elapsed() < STALE_MAX);
        match known {
            Some(known) if known.at.elapsed() < FRESH => Ok(known.addresses),
            Some(known) => match tokio::time::timeout(PATIENCE, self.look_up(name)).await {
                Ok(Err(LookupFault::Refused)) => Err(LookupFault::Refused),
                Ok(Ok(addresses)) => Ok(addresses),
                Ok(Err(LookupFault::NotFound)) | Err(_) => Ok(known.addresses),
            },
            None => self.look_up(name).await,
        }
    }

    async fn look_up(&self, name: String) -> Result<Arc<[SocketAddr]>, LookupFault> {
        let turn = Arc::clone(&self.turns).acquire_owned().await.expect("the semaphore is never closed");
        let asked = name.clone();
        let found = tokio::task::spawn_blocking(move || {
            // Held by the thread: a caller that stops waiting frees no turn while the look-up still hangs.
            let _turn = turn;
            (asked.as_str(), 0).to_socket_addrs().map(Iterator::collect::<Vec<_>>)
        })
        .await;
        let found = found.ok().and_then(Result::ok).unwrap_or_default();
        if found.is_empty() {
            return Err(LookupFault::NotFound);
        }
        let allowed: Arc<[SocketAddr]> =
            found.into_iter().filter(|address| check(address.ip(), self.allow_loopback).is_ok()).collect();
        if allowed.is_empty() {
            return Err(LookupFault::Refused);
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= REMEMBERED_MAX {
            known.retain(|_, known| known.at.elapsed() < STALE_MAX);
        }
        known.insert(name, Known { addresses: Arc::clone(&allowed), at: Instant::now() });
        Ok(allowed)
    }
}

/// The resolver as the client library wants it.
#[derive(Clone)]
pub(super) struct Resolver(pub(super) Arc<Names>);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let names = Arc::clone(&self.0);
        Box::pin(async move {
            let addresses = names.addresses(name.as_str().to_ascii_lowercase()).await?;
            Ok(Box::new(Vec::from(&*addresses).into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_lead_inside_are_refused_in_every_notation() {
        for (address, allowed, allowed_with_loopback) in [
            ("10.0.0.1", true, true),
            ("192.0.2.7", true, true),
            ("2001:db8::1", true, true),
            ("fd00::1", true, true),
            ("127.0.0.1", false, true),
            ("127.9.9.9", false, true),
            ("::1", false, true),
            ("::ffff:127.0.0.1", false, true),
            ("169.254.169.254", false, false),
            ("::ffff:169.254.169.254", false, false),
            ("fe80::1", false, false),
            ("0.0.0.0", false, false),
            ("0.1.2.3", false, false),
            ("::", false, false),
            ("224.0.0.1", false, false),
            ("255.255.255.255", false, false),
            ("ff02::1", false, false),
        ] {
            let ip = address.parse().unwrap();
            assert_eq!(
                (check(ip, false).is_ok(), check(ip, true).is_ok()),
                (allowed, allowed_with_loopback),
                "{address}"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_known_address_serves_for_an_hour_and_no_longer() {
        let names = Names::new(true);
        let address: SocketAddr = "10.0.0.1:0".parse().unwrap();
        let known = Known { addresses: Arc::from([address]), at: Instant::now() };
        // A name that can never be resolved (RFC 6761), remembered from better days.
        names.known.lock().unwrap().insert("codec.invalid".into(), known);
        tokio::time::advance(STALE_MAX - Duration::from_secs(60)).await;
        assert_eq!(names.addresses("codec.invalid".into()).await.unwrap().as_ref(), [address]);
        tokio::time::advance(Duration::from_secs(61)).await;
        assert!(matches!(names.addresses("codec.invalid".into()).await, Err(LookupFault::NotFound)));
    }

    #[tokio::test]
    async fn a_name_for_loopback_is_refused_unless_allowed() {
        assert!(matches!(Names::new(false).addresses("localhost".into()).await, Err(LookupFault::Refused)));
        assert!(Names::new(true).addresses("localhost".into()).await.is_ok());
    }
}
