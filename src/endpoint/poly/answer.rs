//! One device's request and its room's published list → one SOAP answer. Pure.
//!
//! | asked for                                  | answer                                                         |
//! |--------------------------------------------|----------------------------------------------------------------|
//! | the own mailbox: none, the room, the login | its calendar                                                   |
//! | any other mailbox, existing or not         | `ErrorAccessDenied`, always the same                           |
//! | a folder or item of another room           | as one that never was: ids are made from the room's name       |
//! | items before the room was ever read        | `ErrorServerBusy`: an empty list would take the buttons away   |
//! | to change something                        | `ErrorAccessDenied`                                            |

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::text;
use crate::ews::answer::{Answer, Code, Fault, known};
use crate::ews::calendar_item::{CalendarItem, Extent};
use crate::ews::folder::{Folder, FolderRef};
use crate::ews::request::{FindItem, GetItem, Shape, View};
use crate::ews::writer::Xml;
use crate::ews::{Dialect, Operation, Request};
use crate::model::published::{Account, Edition, Published};
use crate::model::{Booking, Confidential, Digest, Window};

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
}

/// Answers `request` of `account` from what is published for it.
pub(super) fn answer(request: &Request, account: &Account, published: Published) -> Result<Reply, Fault> {
    let desk = Desk { account, room: Digest::of([account.room.as_str().as_bytes()]).short(), dialect: request.dialect };
    let fault = |code: Code| Fault { soap12: request.soap12, ..Fault::new(code, code.text()) };
    if request.impersonated.as_deref().is_some_and(|who| !desk.owns(who)) {
        return Err(fault(Code::ErrorAccessDenied));
    }
    let edition = match published {
        Published::Ready(edition) => Some(edition),
        Published::NotReady => None,
    };
    let ready = || edition.clone().ok_or(Fault { back_off_ms: Some(BACK_OFF_MS), ..fault(Code::ErrorServerBusy) });
    let mut made = Answer::to(request.operation.name()).ok_or_else(|| fault(Code::ErrorInvalidRequest))?;
    let mut fetched = None;
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
        Operation::SyncFolderItems { folder, state, shape } => {
            let edition = ready()?;
            if desk.sync_items(folder.as_ref(), state.as_deref(), *shape, &edition, &mut made) {
                fetched = Some((edition, None));
            }
        }
        Operation::ResolveNames { entry } => desk.resolve(entry, &mut made),
        Operation::ConvertId { mailboxes, ids } => {
            let own = mailboxes.iter().all(|mailbox| desk.owns(mailbox));
            for _ in 0..*ids {
                made.error(if own { Code::ErrorInvalidIdMalformed } else { Code::ErrorAccessDenied });
            }
        }
        Operation::Unknown { name } => {
            let code = known(name).map_or(Code::ErrorInvalidRequest, |known| known.declined);
            made.error(code);
        }
    }
    let outcome = if made.failed == 0 { "ok" } else { "error" };
    Ok(Reply { text: made.into_text(request.soap12), outcome, fetched })
}

/// One device's view.
struct Desk<'a> {
    account: &'a Account,
    /// Digest of the room's name, part of every folder id.
    room: String,
    dialect: Dialect,
}

/// The folders that there are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Root,
    Top,
    Inbox,
    Calendar,
}

impl Desk<'_> {
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
            FolderRef::Id(id) => [Place::Root, Place::Top, Place::Inbox, Place::Calendar]
                .into_iter()
                .find(|place| self.folder_id(*place) == *id)
                .ok_or(Code::ErrorFolderNotFound),
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

    /// True when the calendar was listed.
    fn find_item(&self, find: &FindItem, edition: &Edition, made: &mut Answer) -> bool {
        let mut listed = false;
        for parent in &find.parents {
            let place = match (self.place(parent), find.view) {
                (Err(code), _) => {
                    made.error(code);
                    continue;
                }
                (Ok(_), View::Calendar(window, _)) if window.to < window.from => {
                    made.error(Code::ErrorCalendarEndDateIsEarlierThanStartDate);
                    continue;
                }
                (Ok(place), _) => place,
            };
            listed |= place == Place::Calendar;
            let all: &[Booking] = if place == Place::Calendar { &edition.schedule.bookings } else { &[] };
            let found = all.iter().filter(|booking| {
                find.bounds.iter().all(|bound| bound.holds(booking.start, booking.end))
                    && match find.view {
                        View::Calendar(window, _) => window.touches(booking.start, booking.end),
                        View::Page(..) => true,
                    }
            });
            self.write_found(find, found.collect(), made);
        }
        listed
    }

    fn write_found(&self, find: &FindItem, found: Vec<&Booking>, made: &mut Answer) {
        let (skip, max) = match find.view {
            View::Calendar(_, max) => (0, max),
            View::Page(skip, max) => (skip, max),
        };
        let end = skip.saturating_add(max.unwrap_or(usize::MAX)).min(found.len());
        let page = found.get(skip..end).unwrap_or_default();
        let (next, total) = (end.to_string(), found.len().to_string());
        let last = if end >= found.len() { "true" } else { "false" };
        let mut attributes = vec![("TotalItemsInView", total.as_str()), ("IncludesLastItemInRange", last)];
        if matches!(find.view, View::Page(..)) {
            attributes.push(("IndexedPagingOffset", &next));
        }
        made.success(|xml| {
            xml.open("m:RootFolder", &attributes).open("t:Items", &[]);
            for booking in page {
                self.write_item(xml, booking, Extent::List, find.shape);
            }
            xml.close().close();
        });
    }

    fn get_item(&self, get: &GetItem, edition: &Edition, made: &mut Answer) {
        for id in &get.ids {
            let found = match STANDARD.decode(id).ok().and_then(|bytes| String::from_utf8(bytes).ok()) {
                _ if id.is_empty() => Err(Code::ErrorInvalidIdEmpty),
                Some(text) if text.starts_with("i.") => edition
                    .schedule
                    .bookings
                    .iter()
                    .find(|booking| booking.id.as_str() == &text[2..])
                    .ok_or(Code::ErrorItemNotFound),
                _ => Err(Code::ErrorInvalidIdMalformed),
            };
            match found {
                Ok(booking) => made.success(|xml| {
                    xml.open("m:Items", &[]);
                    self.write_item(xml, booking, Extent::Whole, get.shape);
                    xml.close();
                }),
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

    /// Either nothing changed, or the client is told to begin anew: it then gets everything. True when the calendar was listed.
    fn sync_items(
        &self,
        folder: Option<&FolderRef>,
        state: Option<&str>,
        shape: Shape,
        edition: &Edition,
        made: &mut Answer,
    ) -> bool {
        let place = match folder.map_or(Err(Code::ErrorFolderNotFound), |folder| self.place(folder)) {
            Ok(place) => place,
            Err(code) => {
                made.error(code);
                return false;
            }
        };
        let in_calendar = place == Place::Calendar;
        let bookings: &[Booking] = if in_calendar { &edition.schedule.bookings } else { &[] };
        let keys: Vec<String> = bookings.iter().map(|booking| self.item(booking).change_key()).collect();
        let digest = Digest::of(keys.iter().map(String::as_bytes)).short();
        let current = STANDARD.encode(format!("s.{}.{digest}", self.folder_id(place)));
        if state.is_some_and(|state| state != current) {
            made.error(Code::ErrorInvalidSyncStateData);
            return false;
        }
        made.success(|xml| {
            xml.text("m:SyncState", &current).text("m:IncludesLastItemInRange", true).open("m:Changes", &[]);
            for booking in bookings.iter().filter(|_| state.is_none()) {
                xml.open("t:Create", &[]);
                self.write_item(xml, booking, Extent::List, shape);
                xml.close();
            }
            xml.close();
        });
        in_calendar
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

    fn item(&self, booking: &Booking) -> CalendarItem {
        let people = [&booking.organizer_name, &booking.organizer_email];
        let organizer = people.iter().find(|text| !text.is_blank()).map(|text| text.expose()).unwrap_or_default();
        CalendarItem {
            id: STANDARD.encode(format!("i.{}", booking.id)),
            folder: self.folder_id(Place::Calendar),
            subject: Confidential::new(text::undialable(booking.subject.expose())),
            private: booking.private,
            body: text::body(booking.call.as_ref(), self.account.poly.emit),
            location: text::location(booking.call.as_ref(), self.account.poly.emit),
            start: booking.start,
            end: booking.end,
            all_day: booking.all_day,
            organizer: Confidential::new(text::undialable(organizer)),
            room: self.room_name(),
            reminder_minutes: booking.start_buffer_s.div_ceil(60).max(5),
            last_modified: booking.last_modified,
        }
    }

    fn write_item(&self, xml: &mut Xml, booking: &Booking, extent: Extent, shape: Shape) {
        self.item(booking).write(xml, extent, shape, self.dialect);
    }
}
