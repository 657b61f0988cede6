//! What is in a calendar: `FindItem`, `GetItem`, `SyncFolderItems`, `GetFolder`, `ConvertId`.

use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};

use super::ids::Thing;
use super::memory::Happened;
use super::org::{ExchangeOptions, Processing};
use super::property::{Shape, Shown};
use super::soap::{self, Refused};
use super::xml::{Node, escaped};
use super::{Call, State};
use crate::sim::rooms::{Rooms, SimEvent, SimRoom};

/// Longest span of a view; documented are two years.
/// See <https://learn.microsoft.com/exchange/client-developer/web-service-reference/calendarview>.
const VIEW_MAX: SignedDuration = SignedDuration::from_hours(731 * 24);

/// Most changes of one answer (`MaxSyncChangesReturnedType`).
const CHANGES_MAX: usize = 512;

/// Behind every item of a revision.
pub(super) const LAST: &str = "\u{10ffff}";

/// Where operations work: the rooms, and everything that changes.
pub(super) struct Place<'a> {
    pub(super) rooms: &'a Rooms,
    pub(super) options: &'a ExchangeOptions,
    pub(super) state: &'a mut State,
}

impl Place<'_> {
    /// The mailbox whose calendar a folder id names, when this call may read it here.
    pub(super) fn calendar(&self, call: &Call<'_>, folder: &Node) -> Result<String, Refused> {
        let id = folder.attribute("Id").unwrap_or_default();
        let (mailbox, name) = match folder.name.as_str() {
            "DistinguishedFolderId" => {
                let other = folder.text_at(&["Mailbox", "EmailAddress"]).to_lowercase();
                let own = call.impersonated.unwrap_or(call.account);
                (if other.is_empty() { own.to_owned() } else { other }, id.to_owned())
            }
            _ => match Thing::read(id) {
                Some(Thing::Folder(mailbox, name)) => (mailbox, name),
                _ => return Err(Refused("ErrorInvalidFolderId")),
            },
        };
        self.reach(call, &mailbox)?;
        let has_calendar = self.state.org.mailboxes.get(&mailbox).is_none_or(|it| !it.no_calendar);
        if name == "calendar" && has_calendar { Ok(mailbox) } else { Err(Refused("ErrorFolderNotFound")) }
    }

    /// Whether this call may see a mailbox, and this server has it.
    pub(super) fn reach(&self, call: &Call<'_>, mailbox: &str) -> Result<(), Refused> {
        let org = &self.state.org;
        if !self.rooms.look(mailbox, |room| room.is_some()) {
            return Err(Refused("ErrorNonExistentMailbox"));
        }
        let own = call.impersonated.unwrap_or(call.account);
        let reads =
            || call.impersonated.is_none() && org.accounts.get(call.account).is_some_and(|it| it.reads.has(mailbox));
        if own != mailbox && !reads() {
            // As if it were not there.
            return Err(Refused("ErrorItemNotFound"));
        }
        let special = org.mailboxes.get(mailbox);
        if special.is_some_and(|it| it.moving) {
            return Err(Refused("ErrorMailboxMoveInProgress"));
        }
        let on = special.and_then(|it| it.on.as_ref()).or_else(|| org.servers.keys().next());
        if on.is_some_and(|on| on != call.server_name) && !call.server.proxies {
            return Err(Refused("ErrorProxyRequestNotAllowed"));
        }
        Ok(())
    }

    fn processing(&self, mailbox: &str) -> Processing {
        let org = &self.state.org;
        org.mailboxes.get(mailbox).and_then(|it| it.processing).unwrap_or(org.processing)
    }

    /// `FindItem` with a `CalendarView`.
    pub(super) fn find(self, call: &Call<'_>) -> Result<String, Refused> {
        let folders = call.node.all("ParentFolderIds");
        let view = call.node.child("CalendarView").ok_or(Refused("ErrorInvalidOperation"))?;
        let (options, shape) = (self.options, Shape::of(call.node, "ItemShape", false));
        let mut messages = Vec::new();
        for folder in folders {
            let found = self.calendar(call, folder).and_then(|mailbox| {
                let processing = self.processing(&mailbox);
                self.rooms.look(&mailbox, |room| {
                    let room = room.ok_or(Refused("ErrorNonExistentMailbox"))?;
                    let known = self.state.memory.look(&mailbox, room);
                    let (events, is_all) = viewed(room, view, options.find_max)?;
                    let mut items = String::with_capacity(events.len() * 1024);
                    let count = events.len();
                    for event in events {
                        let key = known.change_key(super::memory::item_of(event));
                        Shown { mailbox: &mailbox, room, event, change_key: &key, processing, is_master: false }
                            .write(&mut items, &shape);
                    }
                    Ok(format!(
                        "<m:RootFolder TotalItemsInView=\"{count}\" IncludesLastItemInRange=\"{is_all}\"><t:Items>{items}</t:Items></m:RootFolder>"
                    ))
                })
            });
            messages.push(match found {
                Ok(inside) => soap::success("FindItem", &inside),
                Err(refused) => soap::failure("FindItem", refused, ""),
            });
        }
        Ok(soap::response("FindItem", &messages))
    }

    /// `GetItem`.
    pub(super) fn get(mut self, call: &Call<'_>) -> Result<String, Refused> {
        let shape = Shape::of(call.node, "ItemShape", true);
        let mut messages = Vec::new();
        for asked in call.node.all("ItemIds") {
            messages.push(match self.one(call, asked.attribute("Id").unwrap_or_default(), &shape) {
                Ok(item) => {
                    self.state.limits.counts.items += 1;
                    soap::success("GetItem", &format!("<m:Items>{item}</m:Items>"))
                }
                Err(refused) => soap::failure("GetItem", refused, "<m:Items/>"),
            });
        }
        if messages.is_empty() {
            Err(Refused("ErrorSchemaValidation"))
        } else {
            Ok(soap::response("GetItem", &messages))
        }
    }

    fn one(&mut self, call: &Call<'_>, id: &str, shape: &Shape) -> Result<String, Refused> {
        let Some(Thing::Item(mailbox, id)) = Thing::read(id) else { return Err(Refused("ErrorInvalidIdMalformed")) };
        self.reach(call, &mailbox)?;
        let processing = self.processing(&mailbox);
        self.rooms.look(&mailbox, |room| {
            let room = room.ok_or(Refused("ErrorItemNotFound"))?;
            let master =
                || room.events.values().find(|event| event.series.as_ref().is_some_and(|(series, _)| *series == id));
            let itself = room.events.get(&id);
            let event = itself.or_else(master).ok_or(Refused("ErrorItemNotFound"))?;
            let key = self.state.memory.look(&mailbox, room).change_key(super::memory::item_of(event));
            let mut item = String::with_capacity(event.body.len() + 2048);
            let is_master = itself.is_none();
            Shown { mailbox: &mailbox, room, event, change_key: &key, processing, is_master }.write(&mut item, shape);
            Ok(item)
        })
    }

    /// `SyncFolderItems`: series are one item.
    pub(super) fn sync(self, call: &Call<'_>) -> Result<String, Refused> {
        let synced = self.changes(call);
        Ok(soap::response(
            "SyncFolderItems",
            &[match synced {
                Ok(inside) => soap::success("SyncFolderItems", &inside),
                Err(refused) => soap::failure(
                    "SyncFolderItems",
                    refused,
                    "<m:SyncState/><m:IncludesLastItemInRange>true</m:IncludesLastItemInRange>",
                ),
            }],
        ))
    }

    fn changes(self, call: &Call<'_>) -> Result<String, Refused> {
        let folder = call.node.all("SyncFolderId").first().ok_or(Refused("ErrorSchemaValidation"))?;
        let mailbox = self.calendar(call, folder)?;
        let invalid = Refused("ErrorInvalidSyncStateData");
        let (revision, item) = match call.node.text_at(&["SyncState"]) {
            "" => (0, String::new()),
            state => match Thing::read(state) {
                Some(Thing::State(of, revision, item)) if of == mailbox => (revision, item),
                _ => return Err(invalid),
            },
        };
        let most: usize = call.node.text_at(&["MaxChangesReturned"]).parse().unwrap_or(CHANGES_MAX);
        self.rooms.look(&mailbox, |room| {
            let known = self.state.memory.look(&mailbox, room.ok_or(Refused("ErrorNonExistentMailbox"))?);
            let mut changes = known.since(revision, &item).ok_or(invalid)?;
            let is_all = changes.len() <= most.clamp(1, CHANGES_MAX);
            changes.truncate(most.clamp(1, CHANGES_MAX));
            let reached = match changes.last() {
                Some(last) if !is_all => (last.revision, last.item.clone()),
                _ => (known.revision, LAST.to_owned()),
            };
            let mut told = String::new();
            for change in &changes {
                let id = Thing::Item(mailbox.clone(), change.item.clone()).id();
                let id = format!("<t:ItemId Id=\"{id}\" ChangeKey=\"{}\"/>", change.change_key);
                let _ = match change.happened {
                    Happened::Deleted => write!(told, "<t:Delete>{id}</t:Delete>"),
                    Happened::Created => write!(told, "<t:Create><t:CalendarItem>{id}</t:CalendarItem></t:Create>"),
                    Happened::Modified => write!(told, "<t:Update><t:CalendarItem>{id}</t:CalendarItem></t:Update>"),
                };
            }
            let state = Thing::State(mailbox.clone(), reached.0, reached.1).id();
            Ok(format!(
                "<m:SyncState>{state}</m:SyncState><m:IncludesLastItemInRange>{is_all}</m:IncludesLastItemInRange><m:Changes>{told}</m:Changes>"
            ))
        })
    }

    /// `GetFolder`: the calendar, and the roots above it.
    pub(super) fn folders(self, call: &Call<'_>) -> Result<String, Refused> {
        let mut messages = Vec::new();
        for folder in call.node.all("FolderIds") {
            let told = match folder.attribute("Id") {
                Some(name @ ("root" | "msgfolderroot")) if folder.name == "DistinguishedFolderId" => {
                    let own = call.impersonated.unwrap_or(call.account);
                    let mailbox = Some(folder.text_at(&["Mailbox", "EmailAddress"]).to_lowercase());
                    let mailbox = mailbox.filter(|other| !other.is_empty()).unwrap_or_else(|| own.to_owned());
                    self.reach(call, &mailbox)
                        .map(|()| folder_element("Folder", &mailbox, name, "Top of Information Store", 0))
                }
                _ => self.calendar(call, folder).map(|mailbox| {
                    let count = self.rooms.look(&mailbox, |room| room.map_or(0, |room| room.events.len()));
                    folder_element("CalendarFolder", &mailbox, "calendar", "Calendar", count)
                }),
            };
            messages.push(match told {
                Ok(folder) => soap::success("GetFolder", &format!("<m:Folders>{folder}</m:Folders>")),
                Err(refused) => soap::failure("GetFolder", refused, "<m:Folders/>"),
            });
        }
        Ok(soap::response("GetFolder", &messages))
    }

    /// `ConvertId` between `EwsId` and `HexEntryId`.
    pub(super) fn convert(self, call: &Call<'_>) -> Result<String, Refused> {
        let to = call.node.attribute("DestinationFormat").unwrap_or_default();
        let mut messages = Vec::new();
        for source in call.node.all("SourceIds") {
            let said = |name: &str| source.attribute(name).unwrap_or_default();
            let thing = match said("Format") {
                "EwsId" => Thing::read(said("Id")),
                "HexEntryId" => Thing::read_hex(said("Id")),
                _ => None,
            };
            let id = thing.and_then(|thing| match to {
                "EwsId" => Some(thing.id()),
                "HexEntryId" => Some(thing.hex()),
                _ => None,
            });
            messages.push(match id {
                Some(id) => soap::success(
                    "ConvertId",
                    &format!(
                        "<m:AlternateId xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\" i:type=\"t:AlternateIdType\" Format=\"{}\" Id=\"{id}\" Mailbox=\"{}\"/>",
                        escaped(to),
                        escaped(said("Mailbox"))
                    ),
                ),
                None => soap::failure("ConvertId", Refused("ErrorInvalidIdMalformed"), ""),
            });
        }
        Ok(soap::response("ConvertId", &messages))
    }
}

fn folder_element(kind: &str, mailbox: &str, name: &str, display: &str, count: usize) -> String {
    let id = |name: &str| Thing::Folder(mailbox.to_owned(), name.to_owned()).id();
    let class = if kind == "CalendarFolder" { "IPF.Appointment" } else { "IPF" };
    format!(
        "<t:{kind}><t:FolderId Id=\"{}\" ChangeKey=\"AgAAAA==\"/><t:ParentFolderId Id=\"{}\" ChangeKey=\"AQAAAA==\"/><t:FolderClass>{class}\
         </t:FolderClass><t:DisplayName>{display}</t:DisplayName><t:TotalCount>{count}</t:TotalCount><t:ChildFolderCount>0</t:ChildFolderCount>\
         </t:{kind}>",
        id(name),
        id(if name == "calendar" { "msgfolderroot" } else { "root" }),
    )
}

/// The occurrences that touch the span of a view, in order; and whether these are all.
fn viewed<'a>(room: &'a SimRoom, view: &Node, find_max: usize) -> Result<(Vec<&'a SimEvent>, bool), Refused> {
    let moment = |name: &str| view.attribute(name).and_then(|text| text.parse::<Timestamp>().ok());
    let (from, to) = moment("StartDate").zip(moment("EndDate")).ok_or(Refused("ErrorSchemaValidation"))?;
    if to < from {
        return Err(Refused("ErrorCalendarEndDateIsEarlierThanStartDate"));
    }
    if to.duration_since(from) > VIEW_MAX {
        return Err(Refused("ErrorCalendarViewRangeTooBig"));
    }
    let within =
        |event: &&SimEvent| event.start < to && (event.end > from || (event.start == event.end && event.start >= from));
    let mut events: Vec<&SimEvent> = room.events.values().filter(within).collect();
    events.sort_by(|a, b| (a.start, &a.id).cmp(&(b.start, &b.id)));
    let most = view.attribute("MaxEntriesReturned").and_then(|text| text.parse::<usize>().ok());
    // What is asked for is not cut short by the policy: it is refused.
    if events.len().min(most.unwrap_or(usize::MAX)) > find_max {
        return Err(Refused("ErrorExceededFindCountLimit"));
    }
    let is_all = most.is_none_or(|most| events.len() <= most);
    events.truncate(most.unwrap_or(usize::MAX));
    Ok((events, is_all))
}
