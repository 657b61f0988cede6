//! The answers about subscriptions, and what they have to tell.

use super::{Reply, Said, ToldFault, succeeded, text, truth};
use crate::ews::tree::Element;
use crate::ews::version::Build;

/// A subscription to one calendar.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Subscription {
    /// Its id, with the server's name inside; opaque.
    pub id: String,
    /// Where it begins, of a pull subscription.
    pub watermark: Option<String>,
}

/// What one subscription has to tell. It says that something changed, not what: the calendar is read for that.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Notification {
    /// Which.
    pub subscription: String,
    /// How many events; without those that only say that it lives.
    pub events: usize,
    /// How far it has told, of a pull subscription: for the next question.
    pub watermark: Option<String>,
    /// Whether it has more to tell at once, of a pull subscription.
    pub more: bool,
}

/// One envelope of a streaming answer. One with nothing in it says that the connection lives.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Streamed {
    /// Which server sent it.
    pub server: Option<Build>,
    /// What there is to tell.
    pub notifications: Vec<Notification>,
    /// What is lost, in the order it was said.
    pub lost: Vec<Lost>,
    /// Whether the server ends here, as it was asked to (`ConnectionStatus`).
    pub closed: bool,
}

/// Subscriptions that are told about no more.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lost {
    /// Why.
    pub said: Said,
    /// Which; when none are named, all of the request.
    pub subscriptions: Vec<String>,
}

impl Reply {
    /// The answer to [`Ask::subscribe_to_stream`](crate::ews::ask::Ask::subscribe_to_stream) and
    /// [`Ask::subscribe_to_pull`](crate::ews::ask::Ask::subscribe_to_pull).
    ///
    /// # Errors
    /// When Exchange says no, or it is no such answer.
    pub fn subscribed(&self) -> Result<Subscription, ToldFault> {
        let message = self.message("SubscribeResponse")?;
        Ok(Subscription {
            id: text(message, "SubscriptionId").ok_or(ToldFault::Lacking("SubscriptionId"))?.to_owned(),
            watermark: text(message, "Watermark").map(str::to_owned),
        })
    }

    /// The answer to [`Ask::events_since`](crate::ews::ask::Ask::events_since).
    ///
    /// # Errors
    /// When Exchange says no, or it is no such answer.
    pub fn notification(&self) -> Result<Notification, ToldFault> {
        let message = self.message("GetEventsResponse")?;
        let told = message.child("Notification").ok_or(ToldFault::Lacking("Notification"))?;
        notification(told).ok_or(ToldFault::Lacking("SubscriptionId"))
    }

    /// The answer to [`Ask::unsubscribe`](crate::ews::ask::Ask::unsubscribe).
    ///
    /// # Errors
    /// When Exchange says no, or it is no such answer.
    pub fn unsubscribed(&self) -> Result<(), ToldFault> {
        self.message("UnsubscribeResponse").map(|_| ())
    }

    /// One envelope of the answer to [`Ask::events_of`](crate::ews::ask::Ask::events_of).
    ///
    /// # Errors
    /// When it is no such answer. What Exchange says about single subscriptions is told inside.
    pub fn streamed(&self) -> Result<Streamed, ToldFault> {
        let mut streamed = Streamed { server: self.server(), ..Streamed::default() };
        for message in self.messages("GetStreamingEventsResponse")? {
            let told = message.child("Notifications").into_iter().flat_map(|list| &list.children);
            streamed.notifications.extend(told.filter_map(notification));
            if let Err(said) = succeeded(message) {
                let ids = message.child("ErrorSubscriptionIds").into_iter().flat_map(|list| &list.children);
                let subscriptions = ids.map(|id| id.text.clone()).collect();
                streamed.lost.push(Lost { said, subscriptions });
            }
            streamed.closed |= text(message, "ConnectionStatus") == Some("Closed");
        }
        Ok(streamed)
    }
}

fn notification(told: &Element) -> Option<Notification> {
    let events = || told.children.iter().filter(|child| child.name.ends_with("Event"));
    Some(Notification {
        subscription: text(told, "SubscriptionId")?.to_owned(),
        events: events().filter(|event| event.name != "StatusEvent").count(),
        watermark: events().filter_map(|event| text(event, "Watermark")).next_back().map(str::to_owned),
        more: text(told, "MoreEvents").and_then(truth) == Some(true),
    })
}
