//! Asks to be told of changes in calendars.
//!
//! *Streaming*: one subscription a mailbox, then one request about up to 200 of them, which the server answers for up to half an
//! hour, an envelope at a time. *Pull*: one subscription a mailbox, asked about each for itself, where something on the way keeps
//! answers until they are whole.
//!
//! See <https://learn.microsoft.com/exchange/client-developer/exchange-web-services/notification-subscriptions-mailbox-events-and-ews-in-exchange>.

use super::{Ask, AskFault, counted, own_calendar};
use crate::ews::writer::Xml;

/// Most subscriptions of one `GetStreamingEvents`; more than Microsoft's advice loses events.
/// See <https://learn.microsoft.com/exchange/client-developer/exchange-web-services/how-to-maintain-affinity-between-group-of-subscriptions-and-mailbox-server>.
pub const SUBSCRIPTIONS_MAX: usize = 200;

/// Longest time a streaming answer goes on, in minutes (`StreamingSubscriptionConnectionTimeoutType`).
pub const STREAM_MINUTES_MAX: u32 = 30;

/// Longest time a pull subscription lives without being asked about, in minutes (`SubscriptionTimeoutType`).
pub const PULL_MINUTES_MAX: u32 = 1440;

/// Everything that can happen to a meeting.
const EVENTS: [&str; 6] =
    ["CopiedEvent", "CreatedEvent", "DeletedEvent", "ModifiedEvent", "MovedEvent", "FreeBusyChangedEvent"];

impl Ask {
    /// `Subscribe` for [`Ask::events_of`]: to the calendar of whoever is impersonated. It has no watermark; after a loss one
    /// subscribes anew and reads the calendar. Read with [`Reply::subscribed`](crate::ews::told::Reply::subscribed).
    #[must_use]
    pub fn subscribe_to_stream() -> Self {
        let mut xml = Xml::new();
        xml.open("m:Subscribe", &[]).open("m:StreamingSubscriptionRequest", &[]);
        what(&mut xml);
        xml.close().close();
        Self::of("Subscribe", xml)
    }

    /// `Subscribe` for [`Ask::events_since`]; it ends when nobody asked for `minutes`, between 1 and [`PULL_MINUTES_MAX`]. Read with
    /// [`Reply::subscribed`](crate::ews::told::Reply::subscribed).
    #[must_use]
    pub fn subscribe_to_pull(minutes: u32) -> Self {
        let mut xml = Xml::new();
        xml.open("m:Subscribe", &[]).open("m:PullSubscriptionRequest", &[]);
        what(&mut xml);
        xml.text("t:Timeout", minutes.clamp(1, PULL_MINUTES_MAX)).close().close();
        Self::of("Subscribe", xml)
    }

    /// `GetStreamingEvents` about at most [`SUBSCRIPTIONS_MAX`], for `minutes` between 1 and [`STREAM_MINUTES_MAX`]. The answer is
    /// read with [`Stream`](crate::ews::told::stream::Stream).
    ///
    /// # Errors
    /// When there are none or too many.
    pub fn events_of<Id: AsRef<str>>(subscriptions: &[Id], minutes: u32) -> Result<Self, AskFault> {
        let mut xml = Xml::new();
        xml.open("m:GetStreamingEvents", &[]).open("m:SubscriptionIds", &[]);
        for id in counted(subscriptions, SUBSCRIPTIONS_MAX)? {
            xml.text("t:SubscriptionId", id.as_ref());
        }
        xml.close().text("m:ConnectionTimeout", minutes.clamp(1, STREAM_MINUTES_MAX)).close();
        Ok(Self::of("GetStreamingEvents", xml))
    }

    /// `GetEvents`: what a pull subscription has had to tell since `watermark`, that of its beginning or of the last answer. Read
    /// with [`Reply::notification`](crate::ews::told::Reply::notification).
    #[must_use]
    pub fn events_since(subscription: &str, watermark: &str) -> Self {
        let mut xml = Xml::new();
        xml.open("m:GetEvents", &[]);
        xml.text("m:SubscriptionId", subscription).text("m:Watermark", watermark).close();
        Self::of("GetEvents", xml)
    }

    /// `Unsubscribe`. Read with [`Reply::unsubscribed`](crate::ews::told::Reply::unsubscribed).
    #[must_use]
    pub fn unsubscribe(subscription: &str) -> Self {
        let mut xml = Xml::new();
        xml.open("m:Unsubscribe", &[]).text("m:SubscriptionId", subscription).close();
        Self::of("Unsubscribe", xml)
    }
}

fn what(xml: &mut Xml) {
    xml.open("t:FolderIds", &[]);
    own_calendar(xml);
    xml.close().open("t:EventTypes", &[]);
    for event in EVENTS {
        xml.text("t:EventType", event);
    }
    xml.close();
}
