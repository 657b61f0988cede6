//! The commands a simulated codec takes over `/putxml`, and the bare document of `/bookingsputxml`. In: a body. Out: one
//! result for each command, in order, always with HTTP 200.

use jiff::Timestamp;

use super::agenda::{self, Entry, utc};
use super::tree::Tree;
use super::{Answer, Codec, Generation, Quirk};

impl Codec {
    /// `/putxml`.
    pub(super) fn run(&mut self, body: &[u8], now: Timestamp) -> Answer {
        let Some(root) = Tree::read(body).filter(|root| root.name == "Command") else {
            return Answer::xml("<Fault><XPathError>Invalid XML</XPathError></Fault>");
        };
        if self.quirk == Quirk::EmptyCommand {
            return Answer::xml("<Command/>");
        }
        let before = self.bookings.clone();
        let commands = root.inside.iter().filter(|family| family.name == "Bookings").flat_map(|family| &family.inside);
        let results: String = commands.filter_map(|command| self.result(command, &before, now)).collect();
        let changed = before != self.bookings;
        Answer { changed, ..Answer::xml(format!("<?xml version=\"1.0\"?>\n<Command>{results}</Command>")) }
    }

    /// The result of one command; nothing for one that is not known.
    fn result(&mut self, command: &Tree, before: &[Entry], now: Timestamp) -> Option<String> {
        let outcome = match command.name.as_str() {
            "Put" if self.knows_put() => self.put(command.text(&["body"]).unwrap_or_default(), now),
            "Clear" if self.generation != Generation::Tc7 => self.replace(Vec::new(), now),
            "List" if self.quirk == Quirk::CannotList => return None,
            "List" if self.quirk == Quirk::ListsBeforePut => {
                return Some(self.listing(&before.iter().collect::<Vec<_>>()));
            }
            "List" => return Some(self.listing(&self.bookings(now))),
            "Get" => {
                let id = command.text(&["Id"]).unwrap_or_default();
                let found: Vec<&Entry> = self.bookings.iter().filter(|entry| entry.id == id).collect();
                return Some(self.listing(&found).replace("BookingsListResult", "BookingsGetResult"));
            }
            _ => return None,
        };
        let name = &command.name;
        Some(match outcome {
            Ok(()) => format!("<Bookings{name}Result status=\"OK\"/>"),
            Err(reason) => {
                let reason = quick_xml::escape::escape(reason);
                format!("<Bookings{name}Result status=\"Error\"><Reason>{reason}</Reason></Bookings{name}Result>")
            }
        })
    }

    fn knows_put(&self) -> bool {
        match self.generation {
            Generation::Tc7 | Generation::Ce8 => false,
            Generation::Ce9 | Generation::RoomOs10 => self.webex_registered,
            Generation::RoomOs11 | Generation::RoomOs26 => true,
        }
    }

    fn put(&mut self, json: &str, now: Timestamp) -> Result<(), String> {
        let bookings = agenda::from_json(json, self.generation)?;
        self.replace(bookings, now)
    }

    fn replace(&mut self, bookings: Vec<Entry>, now: Timestamp) -> Result<(), String> {
        match &self.quirk {
            Quirk::Declines(reason) => Err(reason.clone()),
            Quirk::TeamsRooms => Err("Command not available in state MicrosoftTeamsInstalled".to_owned()),
            _ => {
                self.bookings = bookings;
                self.last_updated = now;
                Ok(())
            }
        }
    }

    fn listing(&self, bookings: &[&Entry]) -> String {
        let listed: String =
            bookings.iter().enumerate().map(|(index, entry)| entry.listed(self.generation, index + 1)).collect();
        format!(
            "<BookingsListResult status=\"OK\"><ResultInfo item=\"1\"><TotalRows item=\"1\">{}</TotalRows></ResultInfo>\
             <LastUpdated item=\"1\">{}</LastUpdated>{listed}</BookingsListResult>",
            bookings.len(),
            utc(self.last_updated)
        )
    }

    /// `/bookingsputxml`.
    pub(super) fn take_document(&mut self, body: &[u8], now: Timestamp) -> Answer {
        let before = self.bookings.clone();
        // The parser of these devices wants the declaration as the first byte.
        let taken = Tree::read(body)
            .filter(|root| root.name == "Bookings" && body.starts_with(b"<"))
            .ok_or_else(|| "Could not parse XML".to_owned())
            .and_then(|root| agenda::from_xml(&root))
            .and_then(|bookings| self.replace(bookings, now));
        match taken {
            Ok(()) => Answer { changed: before != self.bookings, ..Answer::xml("<success />") },
            Err(reason) => {
                let reason = quick_xml::escape::escape(reason);
                Answer::xml(format!("<Bookings status=\"Error\"><Reason>{reason}</Reason></Bookings>"))
            }
        }
    }
}
