//! The wish of a simulated site: so many rooms, one calendar service, one rule, and endpoints that are only observed, so that
//! nothing but reading calendars is measured.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::desired::{Mode, ModeState, OnRemove, RuleType, View};
use crate::model::device::{PolyEmit, PolyModel};
use crate::model::service::Service;
use crate::model::{
    Desired, DeviceSpec, Digest, EndpointName, EndpointSpec, EvaluationId, EvaluationSpec, IntegrationName,
    IntegrationSpec, LocationName, PolySpec, ProfileName, ProfileSpec, RoomEmail, RoomKey, RoomSpec, RuleName,
    RuleSpec, SecretValue,
};
use crate::sim::workload::address;

/// The documents of so many rooms whose calendars `service` keeps.
///
/// # Errors
/// When a name is none, which no number of rooms makes one.
pub(super) fn desired(rooms: u32, service: Service) -> anyhow::Result<Desired> {
    let integration = Arc::new(IntegrationSpec::of(IntegrationName::parse("calendars")?, service));
    let profile = ProfileName::parse("everyone")?;
    let evaluation = EvaluationId { profile: profile.clone(), variant: Digest::default() };
    let rule = RuleSpec {
        domain: Some("vc.example.com".into()),
        ..RuleSpec::of(RuleName::parse("bridge")?, 10, RuleType::Domain)
    };
    let mut desired = Desired { checksum: "simulated".into(), ..Desired::default() };
    desired.documents.insert("Endpoint".into(), rooms as usize);
    desired.integrations.insert(integration.name.clone(), integration.clone());
    let spec = ProfileSpec {
        name: profile.clone(),
        integration: integration.name.clone(),
        evaluation: evaluation.clone(),
        view: View::default(),
    };
    desired.profiles.insert(profile.clone(), Arc::new(spec));
    let rules = EvaluationSpec {
        id: evaluation.clone(),
        digest: Digest::of([b"bridge".as_slice()]),
        rules: vec![Arc::new(rule)],
        fallback: true,
        alias_domains: None,
        dial_numbers: false,
        replace_subject_template: None,
    };
    desired.evaluations.insert(evaluation.clone(), Arc::new(rules));
    for number in 0..rooms {
        let key = RoomKey { integration: integration.name.clone(), email: RoomEmail::parse(&address(number))? };
        let name = EndpointName::parse(&format!("endpoint-{number:05}"))?;
        let room = RoomSpec {
            evaluations: vec![evaluation.clone()],
            endpoints: vec![name.clone()],
            ..RoomSpec::of(integration.clone(), key.email.clone())
        };
        desired.rooms.insert(key.clone(), Arc::new(room));
        desired.endpoints.insert(name.clone(), Arc::new(endpoint(name, key, &profile, &evaluation)?));
    }
    Ok(desired)
}

fn endpoint(
    name: EndpointName,
    room: RoomKey,
    profile: &ProfileName,
    evaluation: &EvaluationId,
) -> anyhow::Result<EndpointSpec> {
    let device = PolySpec {
        username: name.as_str().to_owned(),
        password: SecretValue::Missing("nobody signs in to a simulated site".into()),
        model: PolyModel::Auto,
        emit: PolyEmit::default(),
    };
    Ok(EndpointSpec {
        name,
        description: String::new(),
        labels: BTreeMap::new(),
        group: None,
        profile: profile.clone(),
        location: LocationName::parse("default")?,
        room_email: room.email.clone(),
        room,
        evaluation: evaluation.clone(),
        time_zone: None,
        raise_alarms: true,
        view: View::default(),
        device: DeviceSpec::Poly(device),
        disable_web_proxy: false,
        mode: Mode { state: ModeState::Observe, ..Mode::default() },
        on_remove: OnRemove::Clear,
    })
}
