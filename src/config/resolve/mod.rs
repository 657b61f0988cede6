//! Follows references, inheritance, templates and secrets. In: typed documents. Out: the wish, and findings for what only shows
//! when everything is put together. What hangs on a broken document is left out; that document's own finding says why.

mod device;
mod location;
mod place;
mod renames;
mod room;
mod rules;
mod service;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Value, json};

use super::directory::{Directory, Document, Spec};
use super::document::endpoint::{Endpoint, EndpointGroup};
use super::document::profile::Profile;
use super::document::site::Room;
use super::document::{Kind, SecretRef};
use super::files::Secrets;
use super::load::LoadOptions;
use super::names::{Names, Set};
use crate::diagnostic::Diagnostic;
use crate::model::desired::Mode;
use crate::model::service::WebexIntegrationSpec;
use crate::model::{
    Desired, Digest, EndpointName, EndpointSpec, EvaluationId, GroupName, IntegrationName, IntegrationSpec,
    LocationName, ProfileName, ProfileSpec, RoomEmail, RoomKey, Secret, SecretValue,
};
use room::ZoneFrom;

/// What the whole directory asks for. Only whole when no finding stops loading.
pub(crate) fn resolve(
    directory: &Directory<'_>,
    names: &Names<'_>,
    secrets: &mut Secrets,
    options: &LoadOptions,
    findings: &mut Vec<Diagnostic>,
) -> Desired {
    let rules = rules::by_profile(directory, names, findings);
    let mut resolver = Resolver {
        directory,
        names,
        secrets,
        options,
        findings,
        rules,
        services: BTreeMap::new(),
        clouds: BTreeMap::new(),
        room_documents: room::by_email(directory),
        zones: BTreeMap::new(),
        calendars: BTreeMap::new(),
        certificates: BTreeMap::new(),
        said: BTreeSet::new(),
        places: place::Places::default(),
        desired: Desired {
            checksum: directory.snapshot.checksum.clone(),
            revision: directory.snapshot.revision.clone(),
            documents: directory.counts(),
            renames: renames::renames(directory),
            ..Desired::default()
        },
    };
    resolver.locations();
    for document in &directory.documents {
        match &document.spec {
            Spec::Profile(profile) => resolver.profile(document, profile),
            // Secrets of services nobody uses are judged too.
            Spec::Ics(_) | Spec::CalDav(_) | Spec::Google(_) | Spec::Graph(_) | Spec::Exchange(_) => {
                drop(resolver.service(&document.metadata.name));
            }
            Spec::Webex(_) => drop(resolver.webex_cloud(&document.metadata.name)),
            _ => {}
        }
    }
    for document in &directory.documents {
        if let Spec::Endpoint(endpoint) = &document.spec {
            resolver.endpoint(document, endpoint);
        }
    }
    resolver.finish()
}

struct Resolver<'a> {
    directory: &'a Directory<'a>,
    names: &'a Names<'a>,
    secrets: &'a mut Secrets,
    options: &'a LoadOptions,
    findings: &'a mut Vec<Diagnostic>,
    /// The rules of each profile, in the order they are tried.
    rules: rules::ByProfile<'a>,
    /// Calendar services by name; `None`: not usable, which was said.
    services: BTreeMap<String, Option<Arc<IntegrationSpec>>>,
    /// Webex Clouds likewise.
    clouds: BTreeMap<IntegrationName, Option<Arc<WebexIntegrationSpec>>>,
    /// What Room documents say.
    room_documents: BTreeMap<RoomEmail, (&'a Document, &'a Room)>,
    /// Where each room's zone comes from.
    zones: BTreeMap<RoomKey, ZoneFrom>,
    /// The first room of each (CalDAV service, calendar path).
    calendars: BTreeMap<(IntegrationName, Option<String>), RoomEmail>,
    /// Certificate files by (file of the document, path): many endpoints share one.
    certificates: BTreeMap<(usize, String), Option<Arc<[u8]>>>,
    /// (Document's file and name, pointer) of faults that would show again with every endpoint.
    said: BTreeSet<(usize, String, String)>,
    places: place::Places,
    desired: Desired,
}

/// The documents that decide about an endpoint, nearest first.
struct Chain<'a> {
    document: &'a Document,
    endpoint: &'a Endpoint,
    group: Option<(&'a Document, &'a EndpointGroup)>,
    profile: (&'a Document, &'a Profile),
}

impl Chain<'_> {
    /// The name of its location.
    fn location(&self) -> &str {
        self.group.and_then(|(_, group)| group.location.as_deref()).unwrap_or("default")
    }
}

impl<'a> Resolver<'a> {
    fn profile(&mut self, document: &'a Document, profile: &'a Profile) {
        let (Ok(name), Ok(integration)) =
            (ProfileName::parse(&document.metadata.name), IntegrationName::parse(&profile.integration))
        else {
            return;
        };
        if self
            .names
            .index(Set::Kind(Kind::Profile), name.as_str())
            .is_none_or(|first| !std::ptr::eq(&raw const self.directory.documents[first], document))
        {
            return;
        }
        if let Some(secret) = profile.cisco.as_ref().and_then(|cisco| cisco.password.as_ref()) {
            self.secret(document, "/spec/cisco/password", secret, None);
        }
        if let Some(cloud) = profile.webex.as_deref().and_then(|webex| self.webex_cloud(webex)) {
            self.desired.webex.insert(cloud.name.clone(), cloud);
        }
        let evaluation = EvaluationId { profile: name.clone(), variant: Digest::default() };
        let spec = rules::evaluation(evaluation.clone(), self.rules.get(name.as_str()), profile, None);
        self.desired.evaluations.insert(evaluation.clone(), Arc::new(spec));
        let view = rules::view(profile, None, None);
        self.desired.profiles.insert(name.clone(), Arc::new(ProfileSpec { name, integration, evaluation, view }));
    }

    fn chain(&self, document: &'a Document, endpoint: &'a Endpoint) -> Option<Chain<'a>> {
        let find = |kind, name: &str| self.names.find(self.directory, Set::Kind(kind), name);
        let group = match &endpoint.group {
            Some(name) => match find(Kind::EndpointGroup, name) {
                Some(document @ Document { spec: Spec::Group(group), .. }) => Some((document, &**group)),
                _ => return None,
            },
            None => None,
        };
        let profile = endpoint.profile.as_deref().or(group.and_then(|(_, group)| group.profile.as_deref()))?;
        match find(Kind::Profile, profile) {
            Some(found @ Document { spec: Spec::Profile(profile), .. }) => {
                Some(Chain { document, endpoint, group, profile: (found, profile) })
            }
            _ => None,
        }
    }

    fn endpoint(&mut self, document: &'a Document, endpoint: &'a Endpoint) {
        let (Some(chain), Ok(name), Ok(email)) = (
            self.chain(document, endpoint),
            EndpointName::parse(&document.metadata.name),
            RoomEmail::parse(&endpoint.room_email),
        ) else {
            return;
        };
        let group = chain.group.map(|(_, group)| group);
        let context = context(&chain, &email);
        let device = self.device(&chain, &context);
        let service = group.and_then(|group| group.integration.as_deref()).unwrap_or(&chain.profile.1.integration);
        let (Some(device), Some(service)) = (device, self.service(service)) else { return };
        let Ok(profile) = ProfileName::parse(&chain.profile.0.metadata.name) else { return };
        let Ok(location) = LocationName::parse(chain.location()) else { return };
        let zone = self.zone(&chain, &email);
        let room = RoomKey { integration: service.name.clone(), email: email.clone() };
        let view = rules::view(chain.profile.1, group.and_then(|group| group.overrides.as_ref()), Some(endpoint));
        let spec = EndpointSpec {
            name: name.clone(),
            description: document.metadata.description.clone().unwrap_or_default(),
            labels: document.metadata.labels.clone().unwrap_or_default(),
            group: chain.group.and_then(|(document, _)| GroupName::parse(&document.metadata.name).ok()),
            evaluation: self.evaluation(&chain, profile.clone()),
            profile,
            location,
            room: room.clone(),
            room_email: email,
            time_zone: None,
            raise_alarms: endpoint.raise_alarms.unwrap_or(true),
            view,
            disable_web_proxy: group.and_then(|group| group.disable_web_proxy).unwrap_or(false),
            device,
            mode: mode(&chain),
            on_remove: group.and_then(|group| group.on_remove).unwrap_or_default(),
        };
        self.room(&chain, &service, &spec, zone);
        self.desired.integrations.entry(service.name.clone()).or_insert(service);
        self.desired.endpoints.entry(name).or_insert_with(|| Arc::new(spec));
    }

    /// The profile's own evaluation, or one that the group's settings make different.
    fn evaluation(&mut self, chain: &Chain<'_>, profile: ProfileName) -> EvaluationId {
        let overrides = chain.group.and_then(|(_, group)| group.overrides.as_ref());
        let own = EvaluationId { profile: profile.clone(), variant: Digest::default() };
        let Some(overrides) = overrides else { return own };
        // Thousands of endpoints share a few settings: the rules are hashed once for each, not once an endpoint.
        let settings = rules::evaluation(own.clone(), None, chain.profile.1, Some(overrides));
        let variant = rules::settings_digest(&settings);
        if self.desired.evaluations.get(&own).is_none_or(|spec| rules::settings_digest(spec) == variant) {
            return own;
        }
        let id = EvaluationId { profile: profile.clone(), variant };
        if self.desired.evaluations.contains_key(&id) {
            return id;
        }
        let list = self.rules.get(profile.as_str());
        let varied = rules::evaluation(own, list, chain.profile.1, Some(overrides));
        let spec = crate::model::EvaluationSpec { id: id.clone(), ..varied };
        self.desired.evaluations.entry(id.clone()).or_insert_with(|| Arc::new(spec));
        id
    }

    fn finish(mut self) -> Desired {
        for room in self.desired.rooms.values_mut() {
            let room = Arc::make_mut(room);
            room.evaluations.sort();
            room.evaluations.dedup();
            room.endpoints.sort();
        }
        // One zone decides for a room, whatever its endpoints' groups say.
        for endpoint in self.desired.endpoints.values_mut() {
            let zone = self.desired.rooms.get(&endpoint.room).and_then(|room| room.time_zone.clone());
            if endpoint.time_zone != zone {
                Arc::make_mut(endpoint).time_zone = zone;
            }
        }
        self.desired
    }

    /// The credential behind a `SecretRef`. With a context, its texts are templates.
    fn secret(
        &mut self,
        document: &Document,
        pointer: &str,
        secret: &SecretRef,
        context: Option<&Value>,
    ) -> SecretValue {
        if let Some(value) = &secret.value {
            return SecretValue::Known(Secret::new(value.0.clone()));
        }
        let mut written = secret.clone();
        if let Some(context) = context {
            for (field, text) in [("file", &mut written.file), ("key", &mut written.key), ("env", &mut written.env)] {
                if let Some(template) = text.take() {
                    match self.rendered(document, &format!("{pointer}/{field}"), &template, context) {
                        Some(rendered) => *text = Some(rendered),
                        None => return SecretValue::Missing("its template fails".into()),
                    }
                }
            }
        }
        let Some(reference) = written.reference() else {
            return SecretValue::Missing("the document refers to no secret".into());
        };
        let value = self.secrets.resolve(self.directory.snapshot, self.directory.home(document), &reference);
        if let (SecretValue::Missing(reason), true) = (&value, self.options.check_secrets) {
            let place = self.directory.value(document, pointer);
            let finding = Diagnostic::error("OTJ403", place, format!("the secret is missing: {reason}"));
            self.findings.push(finding.policy());
        }
        value
    }

    /// A text with its template rendered; a fault is said once, where the template stands.
    fn rendered(&mut self, document: &Document, pointer: &str, template: &str, context: &Value) -> Option<String> {
        match render(template, context) {
            Ok(text) => Some(text),
            Err(reason) => {
                // What the rows of a table have in common fails for all of them.
                let name = if document.table.is_some() { String::new() } else { document.metadata.name.clone() };
                if self.said.insert((document.file, name, pointer.to_owned())) {
                    let place = self.directory.value(document, pointer);
                    let whose =
                        context["endpoint"]["name"].as_str().or(context["room"]["email"].as_str()).unwrap_or_default();
                    let message = format!("the template fails for `{whose}`: {reason}");
                    let help = "it may use endpoint.name, endpoint.labels, room.email, group.name, location.name";
                    self.findings.push(Diagnostic::error("OTJ211", place, message).help(help));
                }
                None
            }
        }
    }

    /// Certificates that a document names, PEM.
    fn certificates(&mut self, document: &Document, pointer: &str, paths: &[String]) -> Vec<Arc<[u8]>> {
        let paths = paths.iter().enumerate();
        paths.filter_map(|(index, path)| self.certificate(document, &format!("{pointer}/{index}"), path)).collect()
    }

    /// One of them.
    fn certificate(&mut self, document: &Document, pointer: &str, path: &str) -> Option<Arc<[u8]>> {
        let key = (document.table.unwrap_or(document.file), path.to_owned());
        if let Some(known) = self.certificates.get(&key) {
            return known.clone();
        }
        let source = self.directory.home(document);
        let read = self.secrets.named_file(self.directory.snapshot, source, path);
        let read = read.and_then(|bytes| match contains(&bytes, b"-----BEGIN CERTIFICATE-----") {
            true => Ok(bytes),
            false => Err(format!("the file `{path}` holds no PEM certificate")),
        });
        if let Err(reason) = &read {
            let place = self.directory.value(document, pointer);
            self.findings.push(Diagnostic::error("OTJ212", place, reason.clone()));
        }
        self.certificates.insert(key, read.clone().ok());
        read.ok()
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// What templates of documents may use.
fn context(chain: &Chain<'_>, email: &RoomEmail) -> Value {
    let group = chain.group.map_or("", |(document, _)| document.metadata.name.as_str());
    json!({
        "endpoint": {"name": chain.document.metadata.name, "labels": chain.document.metadata.labels.clone().unwrap_or_default()},
        "room": {"email": email.as_str()},
        "group": {"name": group},
        "location": {"name": chain.location()},
    })
}

/// Renders a template. Those that only name values, which is nearly all, are filled in without compiling anything.
fn render(template: &str, context: &Value) -> Result<String, String> {
    if template.contains("{%") || template.contains("{#") {
        return crate::rules::template::render_plain(template, context);
    }
    let (mut text, mut rest) = (String::new(), template);
    while let Some((before, after)) = rest.split_once("{{") {
        let value = after.split_once("}}").and_then(|(path, after)| {
            let named = path.trim().split('.').try_fold(context, |value, step| value.get(step));
            Some((named?.as_str()?, after))
        });
        let Some((value, after)) = value else {
            return crate::rules::template::render_plain(template, context);
        };
        text.push_str(before);
        text.push_str(value);
        rest = after;
    }
    text.push_str(rest);
    Ok(text)
}

/// The mode in force, and the one that comes back: endpoint over group over profile.
fn mode(chain: &Chain<'_>) -> Mode {
    let group = chain.group.map(|(_, group)| group);
    let levels = [
        Some((chain.profile.1.mode, &chain.profile.1.mode_until, &chain.profile.1.mode_reason)),
        group.map(|group| (group.mode, &group.mode_until, &group.mode_reason)),
        Some((chain.endpoint.mode, &chain.endpoint.mode_until, &chain.endpoint.mode_reason)),
    ];
    let mut mode = Mode::default();
    for (state, until, reason) in levels.into_iter().flatten() {
        let Some(state) = state else { continue };
        let until = until.as_deref().and_then(|until| until.parse().ok());
        mode = Mode { state, until: until.map(|until| (until, mode.at(until))), reason: reason.clone() };
    }
    mode
}
