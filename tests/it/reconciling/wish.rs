//! A small directory, without YAML: one integration, one profile with one rule, endpoints.
#![allow(unreachable_pub)] // also part of a benchmark

use std::collections::BTreeMap;
use std::sync::Arc;

use otj::model::desired::{Mode, OnRemove, RoomSource, RuleType, View};
use otj::model::device::{OnConflict, PolyEmit, PolyModel, TlsMode, Wire};
use otj::model::service::{CalDavSpec, Service};
use otj::model::{
    CiscoSpec, Desired, DeviceSpec, Digest, EndpointName, EndpointSpec, EvaluationId, EvaluationSpec, IntegrationName,
    IntegrationSpec, LocationName, PolySpec, ProfileName, ProfileSpec, Renames, RoomEmail, RoomKey, RoomSpec, RuleName,
    RuleSpec, Secret, SecretValue,
};

/// The room's address.
pub fn email(room: &str) -> RoomEmail {
    RoomEmail::parse(&format!("{room}@example.com")).unwrap()
}

/// What the directory asks for.
#[derive(Clone, Debug)]
pub struct Wish {
    /// As `name[~former]=room[:address[#serial]|:poly[=login]]`.
    pub endpoints: Vec<String>,
    /// The calendar service, as `name[~former]`.
    pub integration: String,
    /// The profile, as `name[~former]`.
    pub profile: String,
    /// Most requests to the calendar service in 24 hours.
    pub requests_per_day: Option<u64>,
    /// What the one rule looks for.
    pub rule_domain: String,
    /// Days ahead that are shown.
    pub upcoming_days: u16,
    /// Join appears so long before the start.
    pub start_buffer_minutes: u16,
    /// Every directory so far, by its checksum: what the store kept of one.
    pub wished: BTreeMap<String, Arc<Desired>>,
}

impl Default for Wish {
    fn default() -> Self {
        Self {
            endpoints: Vec::new(),
            integration: "calendars".into(),
            profile: "hq".into(),
            requests_per_day: None,
            rule_domain: "vc.example.com".into(),
            upcoming_days: 7,
            start_buffer_minutes: 5,
            wished: BTreeMap::new(),
        }
    }
}

impl Wish {
    /// The directory, resolved.
    pub fn desired(&self) -> Desired {
        let mut renames = Renames::default();
        let (integration_name, formers) = named(&self.integration, |text| IntegrationName::parse(text).unwrap());
        renames.integrations.insert(integration_name.clone(), formers);
        let integration = Arc::new(IntegrationSpec::of(
            integration_name,
            Service::CalDav(CalDavSpec {
                url: "https://dav.example.com".into(),
                username: None,
                password: None,
                max_requests_per_day: self.requests_per_day,
            }),
        ));
        let (profile, formers) = named(&self.profile, |text| ProfileName::parse(text).unwrap());
        renames.profiles.insert(profile.clone(), formers);
        let evaluation = EvaluationId { profile: profile.clone(), variant: Digest::default() };
        let rule = Arc::new(rule(&self.rule_domain));
        let digest = Digest::of([self.rule_domain.as_bytes()]);
        let view = View {
            upcoming_days: self.upcoming_days,
            start_buffer_minutes: self.start_buffer_minutes,
            ..View::default()
        };
        let quota = format!("{:?} {}", self.requests_per_day, self.start_buffer_minutes);
        let words = self.endpoints.iter().chain([&self.integration, &self.profile, &self.rule_domain, &quota]);
        let mut desired = Desired {
            checksum: Digest::of(words.map(String::as_bytes)).short(),
            documents: BTreeMap::from([("Endpoint".to_owned(), self.endpoints.len())]),
            ..Desired::default()
        };
        desired.integrations.insert(integration.name.clone(), integration.clone());
        let spec = ProfileSpec {
            name: profile.clone(),
            integration: integration.name.clone(),
            evaluation: evaluation.clone(),
            view: view.clone(),
        };
        desired.profiles.insert(profile.clone(), Arc::new(spec));
        let rules = EvaluationSpec {
            id: evaluation.clone(),
            digest,
            rules: vec![rule],
            fallback: false,
            alias_domains: None,
            dial_numbers: false,
            replace_subject_template: None,
        };
        desired.evaluations.insert(evaluation.clone(), Arc::new(rules));
        for text in &self.endpoints {
            let (name, place) = text.split_once('=').unwrap();
            let (room, device) = place.split_once(':').unwrap_or((place, name.split('~').next().unwrap()));
            let key = RoomKey { integration: integration.name.clone(), email: email(room) };
            let (name, formers) = named(name, |text| EndpointName::parse(text).unwrap());
            renames.endpoints.insert(name.clone(), formers);
            let endpoint = EndpointSpec {
                name: name.clone(),
                description: String::new(),
                labels: BTreeMap::new(),
                group: None,
                profile: profile.clone(),
                location: LocationName::parse("default").unwrap(),
                room: key.clone(),
                room_email: key.email.clone(),
                evaluation: evaluation.clone(),
                time_zone: None,
                raise_alarms: true,
                view: view.clone(),
                device: device_of(device, name.as_str()),
                disable_web_proxy: false,
                mode: Mode::default(),
                on_remove: OnRemove::Clear,
            };
            desired.endpoints.insert(name.clone(), Arc::new(endpoint));
            let room = desired.rooms.entry(key.clone()).or_insert_with(|| {
                Arc::new(RoomSpec {
                    source: RoomSource::CalDav { path: None },
                    evaluations: vec![evaluation.clone()],
                    upcoming_days: self.upcoming_days,
                    ..RoomSpec::of(integration.clone(), key.email)
                })
            });
            let room = Arc::make_mut(room);
            room.endpoints.push(name);
            room.endpoints.sort();
        }
        desired.renames = renames;
        desired
    }
}

/// `name~former~former`.
fn named<N>(text: &str, parse: impl Fn(&str) -> N) -> (N, Vec<N>) {
    let mut names = text.split('~').map(parse);
    (names.next().unwrap(), names.collect())
}

fn device_of(text: &str, name: &str) -> DeviceSpec {
    let password = SecretValue::Known(Secret::new("secret".into()));
    if let Some(login) = text.strip_prefix("poly") {
        let (model, emit) = (PolyModel::Auto, PolyEmit::default());
        let username = login.strip_prefix('=').unwrap_or(name).to_owned();
        return DeviceSpec::Poly(PolySpec { username, password, model, emit });
    }
    let (text, tls) = match text.strip_suffix('!') {
        Some(text) => (text, TlsMode::PinOnFirstUse),
        None => (text, TlsMode::Verify),
    };
    let (address, serial) = text.split_once('#').map_or((text, None), |(text, serial)| (text, Some(serial)));
    DeviceSpec::Cisco(CiscoSpec {
        address: address.to_owned(),
        port: 443,
        use_https: true,
        tls,
        ca_certificates: Vec::new(),
        username: "admin".into(),
        password,
        wire: Wire::Auto,
        serial: serial.map(str::to_owned),
        fingerprint: None,
        on_conflict: OnConflict::Report,
        web_proxy: None,
    })
}

fn rule(domain: &str) -> RuleSpec {
    RuleSpec { domain: Some(domain.to_owned()), ..RuleSpec::of(RuleName::parse("video").unwrap(), 1, RuleType::Domain) }
}
