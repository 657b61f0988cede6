//! What servers taught us: how each wanted to be signed in to last time, so that only the very first request costs an extra one, and
//! how many rooms it takes at once; and what is known of Exchange's mailboxes.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::exchange::Memory;
use crate::auth::basic;
use crate::auth::digest::client::{Offer, Session};
use crate::http::{Links, Url};

/// The schemes that servers asked for, what they refused, and the connections that are signed in to them. No password is kept here.
/// Cloning shares it.
#[derive(Clone, Default)]
pub struct SignIns {
    learned: Arc<Mutex<Learned>>,
    links: Links,
    exchange: Memory,
}

#[derive(Default)]
struct Learned {
    schemes: BTreeMap<(String, String), Scheme>,
    rooms_at_once: BTreeMap<String, usize>,
}

enum Scheme {
    Basic,
    Digest(Session),
}

impl fmt::Debug for SignIns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SignIns")
    }
}

impl SignIns {
    fn lock(&self) -> MutexGuard<'_, Learned> {
        self.learned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Connections that belong to an account.
    pub(super) fn links(&self) -> &Links {
        &self.links
    }

    /// What Exchange servers told.
    pub(super) fn exchange(&self) -> &Memory {
        &self.exchange
    }

    /// Whether the server of `url` asked for Basic.
    pub(super) fn takes_basic(&self, username: &str, url: &Url) -> bool {
        matches!(self.lock().schemes.get(&key(url, username)), Some(Scheme::Basic))
    }

    /// How many rooms the service at `url` takes at once, where it refused more.
    pub(super) fn rooms_at_once(&self, url: &str) -> Option<usize> {
        self.lock().rooms_at_once.get(url).copied()
    }

    /// The service at `url` did not take more.
    pub(super) fn learn_rooms_at_once(&self, url: &str, most: usize) {
        self.lock().rooms_at_once.insert(url.to_owned(), most);
    }

    /// The `Authorization` for a request to `url`, where its server has asked for one before.
    pub(super) fn authorize(&self, username: &str, password: &str, method: &str, url: &Url) -> Option<String> {
        let mut known = self.lock();
        Some(match known.schemes.get_mut(&key(url, username))? {
            Scheme::Basic => basic::header(username, password),
            Scheme::Digest(session) => {
                let uri = match url.query() {
                    Some(query) => format!("{}?{query}", url.path()),
                    None => url.path().to_owned(),
                };
                session.authorize(username, password, method, &uri)
            }
        })
    }

    /// Remembers what the server of `url` asks for.
    pub(super) fn learn(&self, username: &str, url: &Url, offer: Offer) {
        let scheme = match offer {
            Offer::Basic => Scheme::Basic,
            Offer::Digest(challenge) => Scheme::Digest(Session::new(challenge)),
        };
        self.lock().schemes.insert(key(url, username), scheme);
    }
}

fn key(url: &Url, username: &str) -> (String, String) {
    (url.origin().ascii_serialization(), username.to_owned())
}
