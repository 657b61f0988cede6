//! Changes since last time. The client carries what it has: a sync state lists its items with the beginning of their change keys, so the
//! difference is computed from the list of now alone, on any node, after any restart.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::items::Shown;
use super::{Desk, Place};
use crate::ews::answer::{Answer, Code};
use crate::ews::calendar_item::Extent;
use crate::ews::folder::FolderRef;
use crate::ews::request::Shape;
use crate::model::published::Edition;

/// Letters of a change key that a state keeps. A change that is missed because they are the same is one in four thousand millions.
const KEY_LETTERS: usize = 8;
/// Most items of a state that is read back.
const ITEMS_MAX: usize = 2000;

impl Desk<'_> {
    /// True when the client has the whole calendar afterwards.
    pub(super) fn sync_items(
        &self,
        folder: Option<&FolderRef>,
        state: Option<&str>,
        shape: Shape,
        most: usize,
        edition: &Edition,
        made: &mut Answer,
    ) -> bool {
        let place = folder.map_or(Err(Code::ErrorFolderNotFound), |folder| self.place(folder));
        let known = place.and_then(|place| {
            let known = state.map_or(Ok(BTreeMap::new()), |state| self.read_state(place, state))?;
            Ok((place, known))
        });
        let (place, mut known) = match known {
            Ok(known) => known,
            Err(code) => {
                made.error(code);
                return false;
            }
        };
        let shown = if place == Place::Calendar { self.shown(edition) } else { Vec::new() };
        let listed: BTreeSet<&str> = shown.iter().map(|shown| shown.booking.id.as_str()).collect();
        let gone: Vec<String> = known.keys().filter(|id| !listed.contains(id.as_str())).cloned().collect();
        let changed: Vec<(Shown<'_>, String, bool)> = shown
            .into_iter()
            .filter_map(|shown| {
                let key = self.item(shown, Extent::List).change_key().chars().take(KEY_LETTERS).collect::<String>();
                let before = known.get(shown.booking.id.as_str());
                (before != Some(&key)).then(|| (shown, key, before.is_none()))
            })
            .collect();
        let is_all = gone.len() + changed.len() <= most;
        let gone_now = &gone[..gone.len().min(most)];
        let changed_now = &changed[..changed.len().min(most - gone_now.len())];
        gone_now.iter().for_each(|id| drop(known.remove(id)));
        known.extend(changed_now.iter().map(|(shown, key, _)| (shown.booking.id.as_str().to_owned(), key.clone())));
        let state = self.write_state(place, &known);
        made.success(|xml| {
            xml.text("m:SyncState", state).text("m:IncludesLastItemInRange", is_all).open("m:Changes", &[]);
            for id in gone_now {
                let id = STANDARD.encode(format!("i.{id}"));
                xml.open("t:Delete", &[]).empty("t:ItemId", &[("Id", &id)]).close();
            }
            for (shown, _, is_new) in changed_now {
                xml.open(if *is_new { "t:Create" } else { "t:Update" }, &[]);
                self.write_item(xml, *shown, Extent::List, shape);
                xml.close();
            }
            xml.close();
        });
        is_all && place == Place::Calendar
    }

    fn write_state(&self, place: Place, known: &BTreeMap<String, String>) -> String {
        let mut text = format!("s.{}", self.folder_id(place));
        for (id, key) in known {
            let _ = write!(text, "\n{id}.{key}");
        }
        STANDARD.encode(text)
    }

    fn read_state(&self, place: Place, state: &str) -> Result<BTreeMap<String, String>, Code> {
        let read = || {
            let text = String::from_utf8(STANDARD.decode(state.trim()).ok()?).ok()?;
            let mut lines = text.split('\n');
            if lines.next()? != format!("s.{}", self.folder_id(place)) {
                return None;
            }
            let line = |line: &str| line.split_once('.').map(|(id, key)| (id.to_owned(), key.to_owned()));
            lines.take(ITEMS_MAX).map(line).collect()
        };
        read().ok_or(Code::ErrorInvalidSyncStateData)
    }
}
