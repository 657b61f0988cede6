//! The answers about what is in a calendar.

use super::item::{Broken, Item, ItemKey};
use super::{Reply, Said, ToldFault, succeeded, text, truth};
use crate::ews::tree::Element;

/// The answer to `FindItem`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Found {
    /// Whether the list ends where the view ends (`IncludesLastItemInRange`). Not said is not proven.
    pub complete: bool,
    /// Meetings, in the order of their starts, with those that cannot be understood. Other things in a calendar are left out.
    pub entries: Vec<Result<Item, Broken>>,
}

/// Why an answer about one item holds none.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NoItem {
    /// Exchange says no.
    Said(Said),
    /// It cannot be understood.
    Broken(Broken),
}

impl NoItem {
    /// Whether the item is gone since it was listed, or was never to be seen; Exchange does not tell which.
    #[must_use]
    pub fn is_not_there(&self) -> bool {
        let gone = [
            "ErrorItemNotFound",
            "ErrorCalendarOccurrenceIsDeletedFromRecurrence",
            "ErrorCalendarOccurrenceIndexIsOutOfRecurrenceRange",
        ];
        matches!(self, Self::Said(said) if gone.contains(&said.code()))
    }
}

/// The answer to `SyncFolderItems`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Synced {
    /// For the next question. Opaque; kilobytes long in large folders.
    pub state: String,
    /// Whether nothing else has changed (`IncludesLastItemInRange`); otherwise one asks again with `state`.
    pub complete: bool,
    /// New, or not as before.
    pub changed: Vec<ItemKey>,
    /// Ids of what is gone.
    pub deleted: Vec<String>,
}

impl Synced {
    /// Whether anything happened.
    #[must_use]
    pub fn is_news(&self) -> bool {
        !(self.changed.is_empty() && self.deleted.is_empty() && self.complete)
    }
}

/// What a calendar folder holds beside meetings: mail that somebody moved there. A view lists none of it.
const NO_MEETINGS: [&str; 10] = [
    "Item",
    "Message",
    "Contact",
    "DistributionList",
    "MeetingMessage",
    "MeetingRequest",
    "MeetingResponse",
    "MeetingCancellation",
    "Task",
    "PostItem",
];

impl Reply {
    /// The answer to [`Ask::list`](crate::ews::ask::Ask::list).
    ///
    /// # Errors
    /// When Exchange says no, or it is no such answer.
    pub fn found(&self) -> Result<Found, ToldFault> {
        let root = self.message("FindItemResponse")?.child("RootFolder").ok_or(ToldFault::Lacking("RootFolder"))?;
        let listed = root.child("Items").map(|items| items.children.as_slice()).unwrap_or_default();
        let meetings = listed.iter().filter(|entry| !NO_MEETINGS.contains(&entry.name.as_str()));
        Ok(Found {
            complete: root.attribute("IncludesLastItemInRange").and_then(truth) == Some(true),
            entries: meetings.map(Item::of).collect(),
        })
    }

    /// The answer to [`Ask::items`](crate::ews::ask::Ask::items) about `asked` ids: one result each, in their order.
    ///
    /// # Errors
    /// When it is no such answer, or does not speak of all of them.
    pub fn items(&self, asked: usize) -> Result<Vec<Result<Item, NoItem>>, ToldFault> {
        let messages = self.messages("GetItemResponse")?;
        each(messages, asked)?.iter().map(|message| Ok(item(message))).collect()
    }

    /// The answer to [`Ask::sync`](crate::ews::ask::Ask::sync).
    ///
    /// # Errors
    /// When Exchange says no, or it is no such answer.
    pub fn synced(&self) -> Result<Synced, ToldFault> {
        let message = self.message("SyncFolderItemsResponse")?;
        let mut synced = Synced {
            state: text(message, "SyncState").ok_or(ToldFault::Lacking("SyncState"))?.to_owned(),
            complete: text(message, "IncludesLastItemInRange").and_then(truth) == Some(true),
            changed: Vec::new(),
            deleted: Vec::new(),
        };
        for change in message.child("Changes").into_iter().flat_map(|changes| &changes.children) {
            match change.name.as_str() {
                "Delete" => synced.deleted.extend(ItemKey::within(change).map(|key| key.id)),
                // Somebody looked at it.
                "ReadFlagChange" => {}
                _ => synced.changed.extend(change.children.first().and_then(ItemKey::within)),
            }
        }
        Ok(synced)
    }

    /// The answer to [`Ask::convert`](crate::ews::ask::Ask::convert) about `asked` ids: one result each, in their order.
    ///
    /// # Errors
    /// When it is no such answer, or does not speak of all of them.
    pub fn converted(&self, asked: usize) -> Result<Vec<Result<String, Said>>, ToldFault> {
        let messages = self.messages("ConvertIdResponse")?;
        let id = |message: &Element| {
            let message = succeeded(message)?;
            let id = message.child("AlternateId").and_then(|id| id.attribute("Id"));
            id.map(str::to_owned).ok_or_else(|| Said::new("NoAlternateId", None))
        };
        Ok(each(messages, asked)?.iter().map(id).collect())
    }
}

/// As many messages as things that were asked about.
pub(super) fn each(messages: &[Element], asked: usize) -> Result<&[Element], ToldFault> {
    if messages.len() == asked { Ok(messages) } else { Err(ToldFault::Lacking("a message for each thing asked about")) }
}

fn item(message: &Element) -> Result<Item, NoItem> {
    let message = succeeded(message).map_err(NoItem::Said)?;
    match message.child("Items").and_then(|items| items.children.first()) {
        Some(entry) => Item::of(entry).map_err(NoItem::Broken),
        None => Err(NoItem::Broken(Broken { key: None, uid: None })),
    }
}
