//! Rooms: where each one's calendar is, its zone, and what its endpoints together ask for.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};

use super::super::directory::{Directory, Document, Spec};
use super::super::document::TextOrSecret;
use super::super::document::integration::IcsIntegration;
use super::super::document::site::Room;
use super::super::names::Set;
use super::{Chain, Resolver, render};
use crate::diagnostic::Diagnostic;
use crate::model::desired::RoomSource;
use crate::model::{EndpointSpec, IntegrationSpec, LocationName, RoomEmail, RoomSpec, Secret, SecretValue};

/// Which document a room's zone comes from; the nearest decides.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum ZoneFrom {
    Room,
    Group,
    Location,
}

/// The Room documents by the address they describe; the first of several.
pub(super) fn by_email<'a>(directory: &'a Directory<'_>) -> BTreeMap<RoomEmail, (&'a Document, &'a Room)> {
    let mut rooms = BTreeMap::new();
    for document in &directory.documents {
        if let Spec::Room(room) = &document.spec
            && let Ok(email) = RoomEmail::parse(&room.email)
        {
            rooms.entry(email).or_insert((document, room));
        }
    }
    rooms
}

impl<'a> Resolver<'a> {
    /// The zone of an endpoint's room: room over group over location.
    pub(super) fn zone(&self, chain: &Chain<'a>, email: &RoomEmail) -> Option<(ZoneFrom, String)> {
        let room = self.room_documents.get(email).and_then(|(_, room)| room.time_zone.clone());
        let group = chain.group.and_then(|(_, group)| group.time_zone.clone());
        let location = LocationName::parse(chain.location())
            .ok()
            .and_then(|name| self.desired.locations.get(&name))
            .and_then(|it| it.time_zone.clone());
        let levels = [(ZoneFrom::Room, room), (ZoneFrom::Group, group), (ZoneFrom::Location, location)];
        levels.into_iter().find_map(|(from, zone)| Some((from, zone?)))
    }

    /// Adds an endpoint to its room. One zone decides for a room, whatever its endpoints' groups say.
    pub(super) fn room(
        &mut self,
        chain: &Chain<'a>,
        service: &Arc<IntegrationSpec>,
        endpoint: &EndpointSpec,
        zone: Option<(ZoneFrom, String)>,
    ) {
        if !self.desired.rooms.contains_key(&endpoint.room) {
            let Some(room) = self.new_room(service, endpoint) else { return };
            self.desired.rooms.insert(endpoint.room.clone(), Arc::new(room));
        }
        let Some(room) = self.desired.rooms.get_mut(&endpoint.room) else { return };
        let room = Arc::make_mut(room);
        room.upcoming_days = room.upcoming_days.max(endpoint.view.upcoming_days);
        room.evaluations.push(endpoint.evaluation.clone());
        room.endpoints.push(endpoint.name.clone());
        let Some((from, zone)) = zone else { return };
        match self.zones.get(&endpoint.room) {
            Some(before) if *before == from && room.time_zone.as_ref() != Some(&zone) => {
                let place = self.directory.value(chain.document, "/spec/roomEmail");
                let whose = if from == ZoneFrom::Location { "locations" } else { "groups" };
                let message =
                    format!("endpoints of room `{}` stand in {whose} with different time zones", endpoint.room_email);
                self.findings.push(Diagnostic::warning("OTJ505", place, message));
            }
            Some(before) if *before <= from => {}
            _ => {
                room.time_zone = Some(zone);
                self.zones.insert(endpoint.room.clone(), from);
            }
        }
    }

    fn new_room(&mut self, service: &Arc<IntegrationSpec>, endpoint: &EndpointSpec) -> Option<RoomSpec> {
        let source = self.room_source(service, &endpoint.room_email)?;
        let described = self.room_documents.get(&endpoint.room_email).copied();
        let display_name = |(document, room): (&Document, &Room)| {
            room.display_name.clone().unwrap_or_else(|| document.metadata.name.clone())
        };
        Some(RoomSpec {
            key: endpoint.room.clone(),
            integration: service.clone(),
            source,
            display_name: described.map(display_name),
            labels: described.and_then(|(document, _)| document.metadata.labels.clone()).unwrap_or_default(),
            time_zone: None,
            upcoming_days: endpoint.view.upcoming_days,
            evaluations: vec![],
            endpoints: vec![],
        })
    }

    /// Where `room` is read: what its own document says goes over the integration's template.
    fn room_source(&mut self, service: &IntegrationSpec, room: &RoomEmail) -> Option<RoomSource> {
        let document = self.names.find(self.directory, Set::Integration, service.name.as_str())?;
        let own = self.room_documents.get(room).copied();
        let context = json!({"room": {"email": room.as_str()}});
        match &document.spec {
            Spec::Ics(ics) => {
                if let Some((document, url)) =
                    own.and_then(|(document, own)| Some((document, own.calendar_url.as_ref()?)))
                {
                    return self.ics_url(document, "/spec/calendarUrl", url, &context, true);
                }
                match (&ics.directory, &ics.url) {
                    (Some(directory), _) => self.ics_file(document, ics, directory, room).map(RoomSource::IcsFile),
                    // Whether its secret is missing was said when the service was resolved.
                    (None, Some(url)) => self.ics_url(document, "/spec/url", url, &context, false),
                    (None, None) => None,
                }
            }
            Spec::CalDav(dav) => {
                let own = own.and_then(|(document, own)| Some((document, own.calendar_path.as_ref()?)));
                let written = own.or(dav.calendar_path.as_ref().map(|path| (document, path)));
                let path = match written {
                    Some((document, path)) => Some(self.rendered(document, "/spec/calendarPath", path, &context)?),
                    None => None,
                };
                self.shared_calendar(written.map_or(document, |(document, _)| document), service, path.clone(), room);
                Some(RoomSource::CalDav { path })
            }
            Spec::Google(_) | Spec::Graph(_) | Spec::Exchange(_) => Some(RoomSource::Mailbox),
            _ => None,
        }
    }

    fn ics_url(
        &mut self,
        document: &Document,
        pointer: &str,
        url: &TextOrSecret,
        context: &Value,
        say: bool,
    ) -> Option<RoomSource> {
        match url {
            TextOrSecret::Text(url) => {
                let url = self.rendered(document, pointer, url, context)?;
                Some(RoomSource::IcsUrl(SecretValue::Known(Secret::new(url))))
            }
            TextOrSecret::Secret(secret) => {
                let found = self.findings.len();
                let value = self.secret(document, pointer, secret, None);
                if !say {
                    self.findings.truncate(found);
                }
                let SecretValue::Known(template) = value else { return Some(RoomSource::IcsUrl(value)) };
                let url = render(template.expose(), context).map_or_else(
                    |_| SecretValue::Missing("the kept URL is a template that fails".into()),
                    |url| SecretValue::Known(Secret::new(url)),
                );
                Some(RoomSource::IcsUrl(url))
            }
        }
    }

    /// OTJ213: two rooms that nothing tells apart would show each other's meetings. Said once for a service.
    fn shared_calendar(
        &mut self,
        document: &Document,
        service: &IntegrationSpec,
        path: Option<String>,
        room: &RoomEmail,
    ) {
        let pointer = if path.is_some() { "/spec/calendarPath" } else { "/spec" };
        let cause = if path.is_some() { "`calendarPath` is the same for both" } else { "there is no `calendarPath`" };
        let first = self.calendars.entry((service.name.clone(), path)).or_insert_with(|| room.clone()).clone();
        if first == *room || !self.said.insert((document.file, document.metadata.name.clone(), "OTJ213".into())) {
            return;
        }
        let message = format!("rooms `{first}` and `{room}` are not told apart: {cause}");
        let help = "say where each room's calendar is, for instance calendarPath: \"/rooms/{{ room.email }}/\"";
        self.findings.push(Diagnostic::error("OTJ213", self.directory.key(document, pointer), message).help(help));
    }

    fn ics_file(
        &mut self,
        document: &Document,
        ics: &IcsIntegration,
        directory: &str,
        room: &RoomEmail,
    ) -> Option<PathBuf> {
        let context = json!({"room": {"email": room.as_str()}});
        let template = ics.file.as_deref().unwrap_or("{{ room.email }}.ics");
        let name = self.rendered(document, "/spec/file", template, &context)?;
        if name.contains(['/', '\\', '\0']) || name.starts_with('.') || name.is_empty() {
            if self.said.insert((document.file, document.metadata.name.clone(), "/spec/file".to_owned())) {
                let place = self.directory.value(document, "/spec/file");
                let message = format!("for room `{room}` the template gives no plain file name");
                self.findings.push(Diagnostic::error("OTJ208", place, message));
            }
            return None;
        }
        Some(beside(self.directory, document).join(directory).join(name))
    }
}

/// The directory a document's file stands in, where later checkouts will be too.
fn beside(directory: &Directory<'_>, document: &Document) -> PathBuf {
    let file = directory.home(document);
    let relative = Path::new(&file.relative).parent().unwrap_or(Path::new(""));
    directory.snapshot.roots[file.root].absolute.join(relative)
}
