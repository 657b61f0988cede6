//! Calendar services, and where in them a room's calendar is.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::json;

use super::super::directory::{Document, Spec};
use super::super::document::TextOrSecret;
use super::super::document::integration::{CalDavIntegration, IcsIntegration};
use super::super::names::Set;
use super::{Resolver, beside};
use crate::diagnostic::Diagnostic;
use crate::model::desired::{CalDavSpec, RoomSource, Service};
use crate::model::{IntegrationName, IntegrationSpec, RoomEmail, Secret, SecretValue};

impl<'a> Resolver<'a> {
    /// The calendar service called `name`; `None` when it cannot be used, which is said elsewhere.
    pub(super) fn service(&mut self, name: &str) -> Option<Arc<IntegrationSpec>> {
        if let Some(known) = self.services.get(name) {
            return known.clone();
        }
        let spec = self.new_service(name).map(Arc::new);
        self.services.insert(name.to_owned(), spec.clone());
        spec
    }

    fn new_service(&mut self, name: &str) -> Option<IntegrationSpec> {
        let document = self.names.find(self.directory, Set::Integration, name)?;
        let (service, certificates) = match &document.spec {
            Spec::Ics(ics) => {
                if let Some(TextOrSecret::Secret(secret)) = &ics.url {
                    self.secret(document, "/spec/url", secret, None);
                }
                (Service::Ics, &ics.ca_certificates)
            }
            Spec::CalDav(dav) => (Service::CalDav(self.caldav(document, dav)), &dav.ca_certificates),
            _ => return None,
        };
        let paths = certificates.clone().unwrap_or_default();
        Some(IntegrationSpec {
            name: IntegrationName::parse(name).ok()?,
            labels: document.metadata.labels.clone().unwrap_or_default(),
            service,
            ca_certificates: self.certificates(document, "/spec/caCertificates", &paths),
        })
    }

    fn caldav(&mut self, document: &Document, dav: &CalDavIntegration) -> CalDavSpec {
        let password = dav.password.as_ref().map(|secret| self.secret(document, "/spec/password", secret, None));
        CalDavSpec {
            url: dav.url.clone(),
            username: dav.username.clone(),
            password,
            max_requests_per_day: dav.max_requests_per_day,
        }
    }

    /// Where `room` is read.
    pub(super) fn room_source(&mut self, service: &IntegrationSpec, room: &RoomEmail) -> Option<RoomSource> {
        let document = self.names.find(self.directory, Set::Integration, service.name.as_str())?;
        let context = json!({"room": {"email": room.as_str()}});
        match &document.spec {
            Spec::Ics(ics) => match (&ics.directory, &ics.url) {
                (Some(directory), _) => self.ics_file(document, ics, directory, room).map(RoomSource::IcsFile),
                (None, Some(TextOrSecret::Text(url))) => {
                    let url = self.rendered(document, "/spec/url", url, &context)?;
                    Some(RoomSource::IcsUrl(SecretValue::Known(Secret::new(url))))
                }
                (None, Some(TextOrSecret::Secret(secret))) => {
                    // Whether the secret is missing was said when the service was resolved.
                    let found = self.findings.len();
                    let value = self.secret(document, "/spec/url", secret, None);
                    self.findings.truncate(found);
                    let SecretValue::Known(template) = value else { return Some(RoomSource::IcsUrl(value)) };
                    let url = super::render(template.expose(), &context);
                    let url = url.map_or_else(
                        |_| SecretValue::Missing("the kept URL is a template that fails".into()),
                        |url| SecretValue::Known(Secret::new(url)),
                    );
                    Some(RoomSource::IcsUrl(url))
                }
                (None, None) => None,
            },
            Spec::CalDav(dav) => {
                let path = match &dav.calendar_path {
                    Some(template) => Some(self.rendered(document, "/spec/calendarPath", template, &context)?),
                    None => None,
                };
                self.shared_calendar(document, service, path.clone(), room);
                Some(RoomSource::CalDav { path })
            }
            _ => None,
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
