//! Meetings as items: lists, single ones, and what each of them holds.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Desk, Place};
use crate::endpoint::poly::{profile, text};
use crate::ews::answer::{Answer, Code};
use crate::ews::calendar_item::{CalendarItem, Extent};
use crate::ews::request::{FindItem, GetItem, Shape, View};
use crate::ews::writer::Xml;
use crate::model::published::Edition;
use crate::model::{Booking, Confidential};

/// One line of what a device is shown.
#[derive(Clone, Copy)]
pub(super) struct Shown<'a> {
    pub(super) booking: &'a Booking,
    pub(super) cancelled: bool,
}

impl Desk<'_> {
    /// True when the calendar was listed.
    pub(super) fn find_item(&self, find: &FindItem, edition: &Edition, made: &mut Answer) -> bool {
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
            let all = if place == Place::Calendar { self.shown(edition) } else { Vec::new() };
            let found = all.into_iter().filter(|Shown { booking, .. }| {
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

    fn write_found(&self, find: &FindItem, found: Vec<Shown<'_>>, made: &mut Answer) {
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
            for shown in page {
                self.write_item(xml, *shown, Extent::List, find.shape);
            }
            xml.close().close();
        });
    }

    pub(super) fn get_item(&self, get: &GetItem, edition: &Edition, made: &mut Answer) {
        let shown = self.shown(edition);
        for id in &get.ids {
            let found = match STANDARD.decode(id).ok().and_then(|bytes| String::from_utf8(bytes).ok()) {
                _ if id.is_empty() => Err(Code::ErrorInvalidIdEmpty),
                Some(text) if text.starts_with("i.") => {
                    shown.iter().find(|shown| shown.booking.id.as_str() == &text[2..]).ok_or(Code::ErrorItemNotFound)
                }
                _ => Err(Code::ErrorInvalidIdMalformed),
            };
            match found {
                Ok(shown) => made.success(|xml| {
                    xml.open("m:Items", &[]);
                    self.write_item(xml, *shown, Extent::Whole, get.shape);
                    xml.close();
                }),
                Err(code) => made.error(code),
            };
        }
    }

    /// What the device is shown, by start: what is published, and for those that keep what they are not told of, what was withdrawn.
    pub(super) fn shown<'e>(&self, edition: &'e Edition) -> Vec<Shown<'e>> {
        let of = |cancelled| move |booking| Shown { booking, cancelled };
        let mut shown: Vec<Shown<'_>> = edition.schedule.bookings.iter().map(of(false)).collect();
        if profile::keeps_unlisted(self.model) {
            let open = |booking: &&Booking| booking.end > self.now;
            shown.extend(edition.withdrawn.iter().filter(open).map(of(true)));
            shown.sort_by_key(|shown| shown.booking.start);
        }
        shown
    }

    /// A cancelled meeting has neither title nor people: why it was withdrawn is not known, it may be none of the device's business.
    pub(super) fn item(&self, Shown { booking, cancelled }: Shown<'_>, extent: Extent) -> CalendarItem {
        let people = [&booking.organizer_name, &booking.organizer_email];
        let organizer =
            people.iter().find(|text| !text.is_blank() && !cancelled).map(|text| text.expose()).unwrap_or_default();
        let emit = self.account.poly.emit;
        let call = booking.call.as_ref().filter(|_| !cancelled);
        let subject = if cancelled { "" } else { booking.subject.expose() };
        CalendarItem {
            id: STANDARD.encode(format!("i.{}", booking.id)),
            folder: self.folder_id(Place::Calendar),
            subject: Confidential::new(text::undialable(subject)),
            private: booking.private,
            cancelled,
            // A list has no texts, and is asked for a hundred times as often.
            body: if extent == Extent::Whole { text::body(call, emit) } else { Confidential::default() },
            body_mark: call
                .map(|call| format!("{} {:?} {emit:?}", call.alias.as_str(), call.protocol))
                .unwrap_or_default(),
            location: text::location(call, emit),
            start: booking.start,
            end: booking.end,
            all_day: booking.all_day,
            organizer: Confidential::new(text::undialable(organizer)),
            room: self.room_name(),
            reminder_minutes: booking.start_buffer_s.div_ceil(60).max(5),
            last_modified: booking.last_modified,
        }
    }

    pub(super) fn write_item(&self, xml: &mut Xml, shown: Shown<'_>, extent: Extent, shape: Shape) {
        self.item(shown, extent).write(xml, extent, shape, self.dialect);
    }
}
