//! Requests to be told of changes.

use super::{Code, Fault, FolderRef, some};
use crate::ews::tree::Element;

/// Longest life of a pull subscription without a question, in minutes (`SubscriptionTimeoutType`).
const PULL_MINUTES_MAX: u32 = 1440;
/// Longest time a streaming answer goes on, in minutes (`StreamingSubscriptionConnectionTimeoutType`).
const STREAM_MINUTES_MAX: u32 = 30;

/// How a client wants to be told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Means {
    /// It asks; the subscription ends when it did not for so many minutes.
    Pull(u32),
    /// It keeps a connection open.
    Streaming,
    /// It wants to be called. We connect to nobody.
    Push,
}

/// `Subscribe`.
#[derive(Clone, Debug)]
pub struct Subscribe {
    /// How.
    pub means: Means,
    /// Of what; empty: of everything.
    pub folders: Vec<FolderRef>,
}

pub(super) fn subscribe(call: &Element) -> Result<Subscribe, Fault> {
    let missing = || Fault::new(Code::ErrorSchemaValidation, "the subscription is missing");
    let wish = call.children.first().ok_or_else(missing)?;
    let means = match wish.name.as_str() {
        "PullSubscriptionRequest" => {
            let minutes = wish.child("Timeout").and_then(|text| text.text.parse().ok());
            Means::Pull(minutes.unwrap_or(PULL_MINUTES_MAX).clamp(1, PULL_MINUTES_MAX))
        }
        "StreamingSubscriptionRequest" => Means::Streaming,
        "PushSubscriptionRequest" => Means::Push,
        _ => return Err(missing()),
    };
    Ok(Subscribe { means, folders: wish.child("FolderIds").map(FolderRef::all_in).unwrap_or_default() })
}

/// The subscriptions of `GetStreamingEvents`, and for how many minutes.
pub(super) fn streaming(call: &Element) -> Result<(Vec<String>, u32), Fault> {
    let ids = call.child("SubscriptionIds").map(|ids| ids.children.as_slice()).unwrap_or_default();
    let ids = ids.iter().map(|id| id.text.clone()).collect();
    let minutes = call.child("ConnectionTimeout").and_then(|text| text.text.parse().ok()).unwrap_or(STREAM_MINUTES_MAX);
    Ok((some(ids, "SubscriptionIds")?, minutes.clamp(1, STREAM_MINUTES_MAX)))
}
