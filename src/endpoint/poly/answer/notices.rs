//! Telling of changes. A subscription is a name that says whose it is, how it asks and for how long it lives unasked; a watermark is the
//! digest of the list and its time. So asking for events is comparing two lists, and nothing is kept.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

use super::{Desk, Place};
use crate::ews::answer::{Answer, Code};
use crate::ews::request::{Means, Subscribe};
use crate::ews::writer::Xml;
use crate::model::published::{Edition, Published};

/// What a subscription's name says.
struct Subscription {
    /// Minutes that a pull subscription lives unasked; `None`: it is for streaming.
    minutes: Option<i64>,
}

impl Desk<'_> {
    pub(super) fn subscribe(&self, wish: &Subscribe, edition: &Edition, made: &mut Answer) {
        let refused = wish.folders.iter().find_map(|folder| self.place(folder).err());
        let (kind, minutes) = match wish.means {
            _ if refused.is_some() => {
                made.error(refused.unwrap_or(Code::ErrorFolderNotFound));
                return;
            }
            Means::Push => {
                made.error(Code::ErrorInvalidSubscriptionRequest);
                return;
            }
            Means::Pull(minutes) => ("p", minutes),
            Means::Streaming => ("e", 0),
        };
        let random: String = self.random.iter().map(|byte| format!("{byte:02x}")).collect();
        let id = STANDARD.encode(format!("{kind}.{minutes}.{}.{random}", self.room));
        made.success(|xml| {
            xml.text("m:SubscriptionId", id);
            if kind == "p" {
                xml.text("m:Watermark", self.watermark(edition));
            }
        });
    }

    pub(super) fn unsubscribe(&self, id: &str, made: &mut Answer) -> Option<String> {
        if self.subscription(id).is_none() {
            made.error(Code::ErrorSubscriptionNotFound);
            return None;
        }
        made.success(|_| {});
        Some(id.to_owned())
    }

    pub(super) fn get_events(&self, id: &str, watermark: &str, edition: &Edition, made: &mut Answer) {
        let found = self.subscription(id).and_then(|found| found.minutes);
        let events = match (found, read_watermark(watermark)) {
            (None, _) => Err(Code::ErrorSubscriptionNotFound),
            (Some(_), None) => Err(Code::ErrorInvalidWatermark),
            (Some(minutes), Some((_, asked))) if self.now.as_second() - asked > minutes.saturating_mul(60) => {
                Err(Code::ErrorExpiredSubscription)
            }
            (Some(_), Some((digest, _))) => Ok(digest != edition.schedule.digest().short()),
        };
        match events {
            Ok(changed) => made.success(|xml| {
                xml.open("m:Notification", &[]).text("t:SubscriptionId", id);
                xml.text("t:PreviousWatermark", watermark).text("t:MoreEvents", false);
                self.write_event(xml, changed, Some(&self.watermark(edition)));
                xml.close();
            }),
            Err(code) => made.error(code),
        };
    }

    /// The first part of an answer that goes on; `None`: there is nothing to go on with.
    pub(super) fn stream(
        &self,
        ids: &[String],
        minutes: u32,
        edition: &Arc<Edition>,
        soap12: bool,
        made: &mut Answer,
    ) -> Option<Stream> {
        let is_own = |id: &&String| self.subscription(id).is_some_and(|found| found.minutes.is_none());
        if !ids.iter().all(|id| is_own(&id)) {
            made.error(Code::ErrorSubscriptionNotFound);
            return None;
        }
        made.success(|xml| {
            xml.text("m:ConnectionStatus", "OK");
        });
        Some(Stream { id: ids.first()?.clone(), minutes, edition: edition.clone(), soap12, room: self.room.clone() })
    }

    fn subscription(&self, id: &str) -> Option<Subscription> {
        if self.ended.iter().any(|ended| ended == id) {
            return None;
        }
        let text = String::from_utf8(STANDARD.decode(id).ok()?).ok()?;
        let [kind, minutes, room, _] = <[&str; 4]>::try_from(text.split('.').collect::<Vec<_>>()).ok()?;
        if room != self.room {
            return None;
        }
        match kind {
            "p" => Some(Subscription { minutes: Some(minutes.parse().ok()?) }),
            "e" => Some(Subscription { minutes: None }),
            _ => None,
        }
    }

    fn watermark(&self, edition: &Edition) -> String {
        STANDARD.encode(format!("w.{}.{}", edition.schedule.digest().short(), self.now.as_second()))
    }

    fn write_event(&self, xml: &mut Xml, changed: bool, watermark: Option<&str>) {
        let (folder, parent) = (self.folder_id(Place::Calendar), self.folder_id(Place::Top));
        event(xml, changed, watermark, self.now, &folder, &parent);
    }
}

fn event(xml: &mut Xml, changed: bool, watermark: Option<&str>, now: Timestamp, folder: &str, parent: &str) {
    xml.open(if changed { "t:ModifiedEvent" } else { "t:StatusEvent" }, &[]);
    if let Some(watermark) = watermark {
        xml.text("t:Watermark", watermark);
    }
    if changed {
        xml.text("t:TimeStamp", now.strftime("%Y-%m-%dT%H:%M:%SZ"));
        xml.empty("t:FolderId", &[("Id", folder)]).empty("t:ParentFolderId", &[("Id", parent)]);
    }
    xml.close();
}

fn read_watermark(text: &str) -> Option<(String, i64)> {
    let text = String::from_utf8(STANDARD.decode(text).ok()?).ok()?;
    let (digest, second) = text.strip_prefix("w.")?.split_once('.')?;
    Some((digest.to_owned(), second.parse().ok()?))
}

/// An answer that goes on until its time is over.
pub(in crate::endpoint::poly) struct Stream {
    id: String,
    /// How long.
    pub(in crate::endpoint::poly) minutes: u32,
    edition: Arc<Edition>,
    soap12: bool,
    room: String,
}

impl Stream {
    /// The envelope that tells of a change, if there is one since the last.
    pub(in crate::endpoint::poly) fn news(&mut self, published: &Published, now: Timestamp) -> Option<String> {
        let Published::Ready(edition) = published else { return None };
        if Arc::ptr_eq(edition, &self.edition) {
            return None;
        }
        let changed = edition.schedule.digest() != self.edition.schedule.digest();
        self.edition = edition.clone();
        changed.then(|| self.envelope(true, now))
    }

    /// The envelope that tells that nothing happened.
    pub(in crate::endpoint::poly) fn heartbeat(&self, now: Timestamp) -> String {
        self.envelope(false, now)
    }

    /// The last one.
    pub(in crate::endpoint::poly) fn end(&self) -> String {
        self.message(|xml| {
            xml.text("m:ConnectionStatus", "Closed");
        })
    }

    fn envelope(&self, changed: bool, now: Timestamp) -> String {
        let id = |kind: &str| STANDARD.encode(format!("f.{kind}.{}", self.room));
        self.message(|xml| {
            xml.open("m:Notifications", &[]).open("t:Notification", &[]).text("t:SubscriptionId", &self.id);
            event(xml, changed, None, now, &id("c"), &id("t"));
            xml.close().close();
        })
    }

    fn message(&self, inside: impl FnOnce(&mut Xml)) -> String {
        let mut made = Answer::to("GetStreamingEvents").expect("the operation is known");
        made.success(inside);
        made.into_text(self.soap12)
    }
}
