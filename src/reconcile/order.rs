//! What an operator can ask of the loop, and how it answers. The loop carries orders out between two turns, so that nobody else ever
//! changes what it knows.

use jiff::Timestamp;
use tokio::sync::oneshot;

use crate::model::{EndpointName, RoomKey};

use super::board::Shown;
use super::suspension::Suspended;

/// What was done, in one sentence.
pub type Done = String;

/// Why an order was not carried out, in one sentence.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refused {
    /// It names what does not exist.
    #[error("{0}")]
    NotFound(String),
    /// It cannot be done as things stand.
    #[error("{0}")]
    Conflict(String),
    /// It makes no sense.
    #[error("{0}")]
    Wrong(String),
}

/// A request to the loop, and where the answer goes.
#[derive(Debug)]
pub enum Command {
    /// Carry out an operator's order.
    Do {
        /// What is to be done.
        order: Order,
        /// Who says so: a token's name, or who signed in.
        who: String,
        /// Whoever asked may have gone; the order is carried out.
        answer: oneshot::Sender<Result<Done, Refused>>,
    },
    /// Show a room's agenda as it was last read, with its texts; answers with nothing where there is no such room.
    Show {
        /// Which.
        room: RoomKey,
        /// Where the answer goes.
        answer: oneshot::Sender<Option<Shown>>,
    },
}

/// What is to be done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Order {
    /// Let a held plan happen.
    Approve {
        /// As shown.
        checksum: String,
    },
    /// Leave something alone.
    Suspend {
        /// What.
        what: Suspended,
        /// It ends by itself then.
        until: Option<Timestamp>,
        /// Why, in one line.
        reason: Option<String>,
    },
    /// Act on it again.
    Resume {
        /// What.
        what: Suspended,
    },
    /// Read a room now.
    Refresh {
        /// Its address, or what its endpoints are called.
        room: String,
    },
    /// Give an endpoint its list once more.
    Push {
        /// Which.
        endpoint: EndpointName,
    },
    /// Pin the certificate that an endpoint shows next.
    Trust {
        /// Which.
        endpoint: EndpointName,
    },
    /// An integration's account signed in anew: it is asked again at once.
    SignedIn {
        /// Which.
        integration: String,
    },
    /// Mark an alarm as seen.
    Acknowledge {
        /// Its id.
        alarm: String,
    },
    /// Tell nobody of an alarm for a while.
    Silence {
        /// Its id.
        alarm: String,
        /// Until then.
        until: Timestamp,
    },
    /// Write down what was done elsewhere.
    Note {
        /// From a closed set, in lower case.
        action: &'static str,
        /// Kind of the object, as metrics write it.
        kind: &'static str,
        /// Its name.
        name: String,
        /// What else is to be said.
        detail: String,
    },
}

impl Order {
    /// What it is called, and the kind and name of what it is about.
    #[must_use]
    pub fn about(&self) -> (&'static str, &'static str, &str) {
        match self {
            Self::Approve { checksum } => ("approve", "plan", checksum),
            Self::Suspend { what, .. } => ("suspend", what.kind.label(), &what.name),
            Self::Resume { what } => ("resume", what.kind.label(), &what.name),
            Self::Refresh { room } => ("refresh", "room", room),
            Self::Push { endpoint } => ("push", "endpoint", endpoint.as_str()),
            Self::Trust { endpoint } => ("trust", "endpoint", endpoint.as_str()),
            Self::SignedIn { integration } => ("sign-in", "integration", integration),
            Self::Acknowledge { alarm } => ("acknowledge", "alarm", alarm),
            Self::Silence { alarm, .. } => ("silence", "alarm", alarm),
            Self::Note { action, kind, name, .. } => (action, kind, name),
        }
    }

    /// What else was said with it.
    #[must_use]
    pub fn detail(&self) -> String {
        match self {
            Self::Suspend { until, reason, .. } => {
                let until = until.map(|until| format!("until {until}"));
                until.into_iter().chain(reason.clone()).collect::<Vec<_>>().join(": ")
            }
            Self::Silence { until, .. } => format!("until {until}"),
            Self::Note { detail, .. } => detail.clone(),
            _ => String::new(),
        }
    }
}
