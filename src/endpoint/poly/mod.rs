//! Poly endpoints: an Exchange-like server that each of them logs in to and reads its room's calendar from. Nothing is pushed; what
//! is published for an endpoint is what its next poll gets.
//!
//! ```text
//! request ─► login (who is it?) ─► pace (how often?) ─► ews::Request ─► answer (from the published list) ─► SOAP
//!                                                                          │
//!                                          presence: only when a poll brought news, to the loop
//! ```
//!
//! | file     | is                                                              |
//! |----------|-----------------------------------------------------------------|
//! | `serve`  | HTTP: paths, limits, statuses, what is told to the loop         |
//! | `login`  | `Authorization` → account, and the challenges                   |
//! | `origin` | where a request comes from, directly or through proxies          |
//! | `pace`   | failures are slowed, floods are stopped, nobody else notices    |
//! | `visitors` | what is remembered of a device between its requests            |
//! | `profile` | what the families do differently                                 |
//! | `answer` | request and published list → SOAP                               |
//! | `stream` | an answer that goes on                                            |
//! | `trace`  | exchanges as they are recorded: without secrets, titles, people   |
//! | `body`   | bodies of requests, and answers around bodies                     |
//! | `text`   | what a device gets to read, with nothing dialable but our address |
//!
//! One login sees one room. See `ews` for the wire format.

mod answer;
mod body;
mod login;
mod origin;
mod pace;
mod profile;
mod serve;
mod stream;
pub mod text;
mod trace;
mod visitors;

use std::sync::Arc;

use tokio::sync::{mpsc, watch};

use crate::auth::digest::server::NonceKey;
use crate::listen::Network;
use crate::model::Clock;
use crate::model::presence::Presence;
use crate::model::published::Accounts;
use crate::model::tally::Tally;
use crate::model::trace::Tracer;

pub use serve::router;

/// What the server is wired to.
#[derive(Clone, Debug)]
pub struct PolyDesk {
    /// Who may log in and what each is answered from.
    pub accounts: watch::Receiver<Accounts>,
    /// Where polls that bring news are told. When it is full a poll is not waited for: the next one tells it again.
    pub presence: mpsc::Sender<Presence>,
    /// Counts.
    pub tally: Arc<Tally>,
    /// The time.
    pub clock: Clock,
    /// How devices log in.
    pub auth: PolyAuth,
    /// What Digest nonces are signed with.
    pub nonce_key: NonceKey,
    /// What is recorded.
    pub tracer: Tracer,
    /// Proxies whose word about where a request comes from is taken, for logs and pacing.
    pub proxies: Arc<[Network]>,
}

/// How devices log in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PolyAuth {
    /// Offered in this order; others are refused.
    pub schemes: Vec<Scheme>,
}

impl Default for PolyAuth {
    fn default() -> Self {
        Self { schemes: vec![Scheme::Digest, Scheme::Ntlm] }
    }
}

/// A way to log in. Negotiate is never offered: clients would look for a Kerberos server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scheme {
    /// Digest with MD5, which every client knows. Answers with SHA-256 are accepted, too.
    Digest,
    /// Digest with SHA-256. Old devices give up on an algorithm they do not know, so it is offered only where it is wanted.
    DigestSha256,
    /// NTLMv2.
    Ntlm,
    /// Basic.
    Basic,
}

impl Scheme {
    /// From its name in `--poly-auth`, in any case.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        match name.trim().to_ascii_lowercase().as_str() {
            "digest" => Some(Self::Digest),
            "digest-sha256" => Some(Self::DigestSha256),
            "ntlm" => Some(Self::Ntlm),
            "basic" => Some(Self::Basic),
            _ => None,
        }
    }

    /// Its name in metrics.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Digest | Self::DigestSha256 => "digest",
            Self::Ntlm => "ntlm",
            Self::Basic => "basic",
        }
    }
}
