//! One device's request and its room's published list → one SOAP answer. Pure.
//!
//! | asked for                                  | answer                                                         |
//! |--------------------------------------------|----------------------------------------------------------------|
//! | the own mailbox: none, the room, the login | its calendar                                                   |
//! | any other mailbox, existing or not         | `ErrorAccessDenied`, always the same                           |
//! | a folder or item of another room           | as one that never was: ids are made from the room's name       |
//! | items before the room was ever read        | `ErrorServerBusy`: an empty list would take the buttons away   |
//! | to change something                        | `ErrorAccessDenied`                                            |
//!
//! Nothing is remembered from one request to the next: sync states, subscriptions and watermarks hold what they stand for, so that they
//! outlive a restart and any node of the site knows them.

mod items;
mod notices;
mod sync;
mod times;

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

pub(super) use self::notices::Stream;
use super::text;
use crate::ews::answer::{Answer, Code, Fault, known};
use crate::ews::folder::{Folder, FolderRef};
use crate::ews::request::{AlternateId, View};
use crate::ews::{Dialect, Operation, Request};
use crate::model::device::PolyModel;
use crate::model::published::{Account, Edition, Published};
use crate::model::{Digest, Window};

/// How long a device waits before it asks again for a room that was never read.
const BACK_OFF_MS: u32 = 15_000;

/// What goes back to the device, and what is worth knowing about it.
pub(super) struct Reply {
    /// The SOAP answer.
    pub(super) text: String,
    /// `ok` or `error`, for the count of requests.
    pub(super) outcome: &'static str,
    /// The list it was answered from, when it asked for the list, and the span it asked for.
    pub(super) fetched: Option<(Arc<Edition>, Option<Window>)>,
    /// A subscription that ended.
    pub(super) ended: Option<String>,
    /// It is the beginning of an answer that goes on.
    pub(super) stream: Option<Stream>,
}

/// What an answer depends on beside the request.
pub(super) struct Setting<'a> {
    pub(super) account: &'a Account,
    pub(super) published: Published,
    /// The family, as far as it is known.
    pub(super) model: PolyModel,
    pub(super) now: Timestamp,
    /// For ids of subscriptions.
    pub(super) random: [u8; 8],
    /// Subscriptions that the device has ended.
    pub(super) ended: &'a [String],
}

/// Answers `request` in its setting.
pub(super) fn answer(request: &Request, setting: Setting<'_>) -> Result<Reply, Fault> {
    let desk = Desk::of(&setting, request.dialect);
    let fault = |code: Code| Fault { soap12: request.soap12, ..Fault::new(code, code.text()) };
    if request.impersonated.as_deref().is_some_and(|who| !desk.owns(who)) {
        return Err(fault(Code::ErrorAccessDenied));
    }
    let edition = match &setting.published {
        Published::Ready(edition) => Some(edition.clone()),
        Published::NotReady => None,
    };
    let ready = || edition.clone().ok_or(Fault { back_off_ms: Some(BACK_OFF_MS), ..fault(Code::ErrorServerBusy) });
    let mut made = Answer::to(request.operation.name()).ok_or_else(|| fault(Code::ErrorInvalidRequest))?;
    let (mut fetched, mut ended, mut stream) = (None, None, None);
    match &request.operation {
        Operation::GetFolder { folders } => desk.get_folder(folders, edition.as_deref(), &mut made),
        Operation::FindFolder { parents } => desk.find_folder(parents, edition.as_deref(), &mut made),
        Operation::FindItem(find) => {
            let edition = ready()?;
            if desk.find_item(find, &edition, &mut made) {
                let window = match find.view {
                    View::Calendar(window, _) => Some(window),
                    View::Page(..) => None,
                };
                fetched = Some((edition, window));
            }
        }
        Operation::GetItem(get) => desk.get_item(get, ready()?.as_ref(), &mut made),
        Operation::SyncFolderHierarchy { state } => {
            desk.sync_hierarchy(state.as_deref(), edition.as_deref(), &mut made)
        }
        Operation::SyncFolderItems { folder, state, shape, most } => {
            let edition = ready()?;
            if desk.sync_items(folder.as_ref(), state.as_deref(), *shape, *most, &edition, &mut made) {
                fetched = Some((edition, None));
            }
        }
        Operation::Subscribe(wish) => desk.subscribe(wish, ready()?.as_ref(), &mut made),
        Operation::GetEvents { subscription, watermark } => {
            desk.get_events(subscription, watermark, ready()?.as_ref(), &mut made);
        }
        Operation::GetStreamingEvents { subscriptions, minutes } => {
            stream = desk.stream(subscriptions, *minutes, &ready()?, request.soap12, &mut made);
        }
        Operation::Unsubscribe { subscription } => ended = desk.unsubscribe(subscription, &mut made),
        Operation::ResolveNames { entry } => desk.resolve(entry, &mut made),
        Operation::ConvertId { format, ids } => desk.convert(format, ids, &mut made),
        Operation::GetServerTimeZones { ids, whole } => {
            times::zones(ids, *whole, &setting.account.time_zone, setting.now, &mut made);
        }
        Operation::GetUserAvailability(wish) => desk.availability(wish, ready()?.as_ref(), &mut made),
        Operation::Unknown { name } => {
            let code = known(name).map_or(Code::ErrorInvalidRequest, |known| known.declined);
            made.error(code);
        }
    }
    let outcome = if made.failed == 0 { "ok" } else { "error" };
    Ok(Reply { text: made.into_text(request.soap12), outcome, fetched, ended, stream })
}

/// One device's view.
struct Desk<'a> {
    account: &'a Account,
    /// Digest of the room's name, part of every id.
    room: String,
    dialect: Dialect,
    model: PolyModel,
    now: Timestamp,
    random: [u8; 8],
    ended: &'a [String],
}

/// The folders that there are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Root,
    Top,
    Inbox,
    Calendar,
}

const PLACES: [Place; 4] = [Place::Root, Place::Top, Place::Inbox, Place::Calendar];

impl<'a> Desk<'a> {
    fn of(setting: &Setting<'a>, dialect: Dialect) -> Self {
        let Setting { account, model, now, random, ended, .. } = *setting;
        Desk { account, room: room_mark(account), dialect, model, now, random, ended }
    }

    /// Whether `address` names the own mailbox: the room, or the login in one of its forms.
    fn owns(&self, address: &str) -> bool {
        let address = address.trim();
        let login = &self.account.poly.username;
        let is_login = |name: &str| name.eq_ignore_ascii_case(login);
        address.is_empty()
            || address.to_lowercase() == self.account.room.as_str()
            || is_login(address)
            || address.rsplit_once('\\').is_some_and(|(_, user)| is_login(user))
            || address.split_once('@').is_some_and(|(user, domain)| is_login(user) && !domain.contains('@'))
    }

    fn folder_id(&self, place: Place) -> String {
        let kind = match place {
            Place::Root => "r",
            Place::Top => "t",
            Place::Inbox => "i",
            Place::Calendar => "c",
        };
        STANDARD.encode(format!("f.{kind}.{}", self.room))
    }

    fn place(&self, folder: &FolderRef) -> Result<Place, Code> {
        match folder {
            FolderRef::Distinguished { mailbox: Some(mailbox), .. } if !self.owns(mailbox) => {
                Err(Code::ErrorAccessDenied)
            }
            FolderRef::Distinguished { id, .. } => match id.as_str() {
                "root" => Ok(Place::Root),
                "msgfolderroot" => Ok(Place::Top),
                "inbox" => Ok(Place::Inbox),
                "calendar" => Ok(Place::Calendar),
                _ => Err(Code::ErrorFolderNotFound),
            },
            FolderRef::Id(id) => {
                PLACES.into_iter().find(|place| self.folder_id(*place) == *id).ok_or(Code::ErrorFolderNotFound)
            }
        }
    }

    fn folder(&self, place: Place, edition: Option<&Edition>) -> Folder {
        let (name, parent, items, folders) = match place {
            Place::Root => ("Root", None, Some(0), 1),
            Place::Top => ("Top of Information Store", Some(Place::Root), Some(0), 2),
            Place::Inbox => ("Inbox", Some(Place::Top), Some(0), 0),
            Place::Calendar => {
                ("Calendar", Some(Place::Top), edition.map(|edition| edition.schedule.bookings.len()), 0)
            }
        };
        Folder {
            id: self.folder_id(place),
            parent: parent.map(|parent| self.folder_id(parent)),
            name,
            calendar: place == Place::Calendar,
            items,
            folders,
        }
    }

    fn get_folder(&self, folders: &[FolderRef], edition: Option<&Edition>, made: &mut Answer) {
        for folder in folders {
            match self.place(folder) {
                Ok(place) => made.success(|xml| {
                    xml.open("m:Folders", &[]);
                    self.folder(place, edition).write(xml);
                    xml.close();
                }),
                Err(code) => made.error(code),
            };
        }
    }

    fn find_folder(&self, parents: &[FolderRef], edition: Option<&Edition>, made: &mut Answer) {
        for parent in parents {
            match self.place(parent) {
                Ok(place) => {
                    let found: &[Place] = match place {
                        Place::Root | Place::Top => &[Place::Inbox, Place::Calendar],
                        Place::Inbox | Place::Calendar => &[],
                    };
                    made.success(|xml| {
                        let count = found.len().to_string();
                        let all = [("TotalItemsInView", count.as_str()), ("IncludesLastItemInRange", "true")];
                        xml.open("m:RootFolder", &all).open("t:Folders", &[]);
                        for place in found {
                            self.folder(*place, edition).write(xml);
                        }
                        xml.close().close();
                    })
                }
                Err(code) => made.error(code),
            };
        }
    }

    fn sync_hierarchy(&self, state: Option<&str>, edition: Option<&Edition>, made: &mut Answer) {
        let current = STANDARD.encode(format!("h.{}", self.room));
        if state.is_some_and(|state| state != current) {
            made.error(Code::ErrorInvalidSyncStateData);
            return;
        }
        made.success(|xml| {
            xml.text("m:SyncState", &current).text("m:IncludesLastFolderInRange", true).open("m:Changes", &[]);
            if state.is_none() {
                for place in [Place::Inbox, Place::Calendar] {
                    xml.open("t:Create", &[]);
                    self.folder(place, edition).write(xml);
                    xml.close();
                }
            }
            xml.close();
        });
    }

    fn resolve(&self, entry: &str, made: &mut Answer) {
        let entry = entry.strip_prefix("smtp:").or_else(|| entry.strip_prefix("SMTP:")).unwrap_or(entry);
        if entry.trim().is_empty() || !self.owns(entry) {
            made.error(Code::ErrorNameResolutionNoResults);
            return;
        }
        made.success(|xml| {
            let one = [("TotalItemsInView", "1"), ("IncludesLastItemInRange", "true")];
            xml.open("m:ResolutionSet", &one).open("t:Resolution", &[]).open("t:Mailbox", &[]);
            xml.text("t:Name", self.room_name()).text("t:EmailAddress", &self.account.room);
            xml.text("t:RoutingType", "SMTP").text("t:MailboxType", "Mailbox").close().close().close();
        });
    }

    fn room_name(&self) -> String {
        let local = self.account.room.as_str().split('@').next().unwrap_or_default();
        text::undialable(local)
    }

    /// Ids that are ours come back in the wished spelling, with the room as their mailbox; any other is malformed.
    fn convert(&self, format: &str, ids: &[AlternateId], made: &mut Answer) {
        for id in ids {
            if !id.mailbox.is_empty() && !self.owns(&id.mailbox) {
                made.error(Code::ErrorAccessDenied);
                continue;
            }
            let spelled = self.own_id(id).and_then(|bytes| spelled(format, &bytes));
            match spelled {
                Some(spelled) => made.success(|xml| {
                    let kind = ("xsi:type", "t:AlternateIdType");
                    let xsi = ("xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance");
                    let mailbox = ("Mailbox", self.account.room.as_str());
                    xml.empty("m:AlternateId", &[xsi, kind, ("Format", format), ("Id", &spelled), mailbox]);
                }),
                None => made.error(Code::ErrorInvalidIdMalformed),
            };
        }
    }

    /// The bytes of an id that we gave out: of one of our folders, or in the form of our items.
    fn own_id(&self, id: &AlternateId) -> Option<Vec<u8>> {
        let bytes = match id.format.as_str() {
            "HexEntryId" => unhex(&id.id)?,
            _ => STANDARD.decode(&id.id).ok()?,
        };
        let is_folder =
            PLACES.iter().any(|place| STANDARD.decode(self.folder_id(*place)).is_ok_and(|own| own == bytes));
        (is_folder || bytes.starts_with(b"i.")).then_some(bytes)
    }
}

/// What stands for a room in ids.
fn room_mark(account: &Account) -> String {
    Digest::of([account.room.as_str().as_bytes()]).short()
}

/// An id in one of Exchange's spellings; the schema knows no other.
fn spelled(format: &str, bytes: &[u8]) -> Option<String> {
    match format {
        "EwsLegacyId" | "EwsId" | "EntryId" | "StoreId" | "OwaId" => Some(STANDARD.encode(bytes)),
        "HexEntryId" => Some(bytes.iter().map(|byte| format!("{byte:02X}")).collect()),
        _ => None,
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let (pairs, odd) = text.as_bytes().as_chunks::<2>();
    let byte = |pair: &[u8; 2]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    odd.is_empty().then(|| pairs.iter().map(byte).collect())?
}
