//! How each server wanted to be signed in to last time, so that only the very first request costs an extra one.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use crate::auth::basic;
use crate::auth::digest::client::{Offer, Session};
use crate::http::Url;

/// The schemes that servers asked for. No password is kept here. Cloning shares it.
#[derive(Clone, Default)]
pub struct SignIns(Arc<Mutex<BTreeMap<(String, String), Scheme>>>);

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
    /// The `Authorization` for a request to `url`, where its server has asked for one before.
    pub(super) fn authorize(&self, username: &str, password: &str, method: &str, url: &Url) -> Option<String> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Some(match known.get_mut(&key(url, username))? {
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
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key(url, username), scheme);
    }
}

fn key(url: &Url, username: &str) -> (String, String) {
    (url.origin().ascii_serialization(), username.to_owned())
}
