//! Examples of values that people get wrong, as editors show them. A name of a field alone stands for all fields of that name.

use serde_json::Value;

/// (definition and field, or field; a JSON list).
const EXAMPLES: &[(&str, &str)] = &[
    ("Metadata/labels", r#"[{"site": "oslo"}]"#),
    ("Metadata/annotations", r#"[{"owner": "av@example.com"}]"#),
    ("Metadata/renamedFrom", r#"[["oslo-old"]]"#),
    ("SecretRef/file", r#"["secrets/otj.password"]"#),
    ("SecretRef/key", r#"["oslo-4", "{{ endpoint.name }}"]"#),
    ("SecretRef/env", r#"["CODEC_PASSWORD"]"#),
    ("caCertificates", r#"[["ca.pem"]]"#),
    ("timeZone", r#"["Europe/Oslo", "America/New_York"]"#),
    ("modeUntil", r#"["2026-03-01T06:00:00Z"]"#),
    ("modeReason", r#"["moves to the new codec"]"#),
    ("redirectUri", r#"["https://otj.example.com/oauth/callback"]"#),
    ("organizerDomains", r#"[["example.com"]]"#),
    ("aliasDomains", r#"[["vc.example.com"]]"#),
    ("replaceSubjectTemplate", r#"["{{ calendar_event.organizer_full_name }}"]"#),
    ("ServiceAccount/email", r#"["otj@my-project.iam.gserviceaccount.com"]"#),
    ("UserAuthorization/email", r#"["otj@example.com"]"#),
    ("UserAuthorization/clientId", r#"["1234567890-abc.apps.googleusercontent.com"]"#),
    ("GraphIntegration/clientId", r#"["11111111-2222-3333-4444-555555555555"]"#),
    ("GraphIntegration/clientSecretExpires", r#"["2027-03-31"]"#),
    ("GraphIntegration/tokenUrl", r#"["https://login.microsoftonline.com/TENANT/oauth2/v2.0/token"]"#),
    ("GraphIntegration/graphFqdn", r#"["graph.microsoft.us"]"#),
    ("ClientCertificate/certificate", r#"["otj-graph.pem"]"#),
    ("ExchangeIntegration/serviceAccountUsername", r#"["otj@example.com", "EXAMPLE\\otj"]"#),
    ("ExchangeIntegration/ewsUrl", r#"["https://mail.example.com/EWS/Exchange.asmx"]"#),
    ("ExchangeIntegration/autodiscoverTrust", r#"[["example.com"]]"#),
    ("ExchangeOauth/authorizationUrl", r#"["https://login.microsoftonline.com/TENANT/oauth2/authorize"]"#),
    ("ExchangeOauth/tokenUrl", r#"["https://login.microsoftonline.com/TENANT/oauth2/token"]"#),
    ("AppOnly/tokenUrl", r#"["https://login.microsoftonline.com/TENANT/oauth2/v2.0/token"]"#),
    ("AutodiscoverUrl/url", r#"["https://mail.example.com/autodiscover/autodiscover.svc"]"#),
    ("CalDavIntegration/url", r#"["https://dav.example.com/"]"#),
    ("CalDavIntegration/calendarPath", r#"["/{{ room.email }}/calendar/"]"#),
    ("IcsIntegration/directory", r#"["calendars"]"#),
    ("IcsIntegration/file", r#"["{{ room.email }}.ics"]"#),
    ("IcsIntegration/url", r#"["https://calendar.example.com/{{ room.email }}.ics"]"#),
    ("Room/email", r#"["room.fjord@example.com"]"#),
    ("Room/calendarPath", r#"["/rooms/fjord/"]"#),
    ("Room/calendarUrl", r#"["https://calendar.example.com/fjord.ics", {"file": "fjord.url"}]"#),
    ("Endpoint/roomEmail", r#"["room.fjord@example.com"]"#),
    ("Cisco/address", r#"["10.0.0.7", "codec-4.example.com", "{{ endpoint.name }}.codecs.example.com"]"#),
    ("Cisco/serial", r#"["FOC2345ABCD"]"#),
    ("Cisco/fingerprint", r#"["a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f90"]"#),
    ("Poly/username", r#"["oslo-vik", "{{ endpoint.name }}"]"#),
    ("Webex/deviceId", r#"["Y2lzY29zcGFyazovL3VzL0RFVklDRS8x"]"#),
    ("EndpointTable/file", r#"["endpoints.csv"]"#),
    (
        "EndpointTable/defaults",
        r#"[{"group": "oslo", "cisco": {"username": "otj", "password": {"file": "codecs.yaml", "key": "{{ endpoint.name }}"}}}]"#,
    ),
    ("Profile/ruleSets", r#"[["builtin/standard"]]"#),
    ("domain", r#"["vc.example.com"]"#),
    ("transform", r#"["{{ meeting_id }}@{{ domain }}"]"#),
    ("match", r#"["https://meet\\.example\\.com/(\\d+)"]"#),
    ("replace", r#"["\\1@vc.example.com"]"#),
    ("template", r#"["{{ pex_regex_search('room (\\\\d+)', calendar_event.body)[0] }}@vc.example.com"]"#),
    ("Location/polyHost", r#"["otj.oslo.example.com"]"#),
    ("WebProxy/url", r#"["http://proxy.example.com:3128"]"#),
    ("WebProxy/noProxy", r#"[["10.0.0.7", ".example.com"]]"#),
    ("Case/file", r#"["invitations/weekly.eml"]"#),
    ("TestEvent/start", r#"["2026-01-05T10:00:00Z"]"#),
    ("TestEvent/properties", r#"[{"teams_vtc_conference_id": "0148964757"}]"#),
    ("Expect/alias", r#"["1134567890@pexip.example.com", null]"#),
];

/// The examples of a field.
pub(super) fn of(definition: &str, field: &str) -> Option<Value> {
    let own = format!("{definition}/{field}");
    let (_, list) =
        EXAMPLES.iter().find(|(name, _)| *name == own).or(EXAMPLES.iter().find(|(name, _)| *name == field))?;
    Some(serde_json::from_str(list).expect("examples are JSON"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::COMMITTED;
    use super::*;

    #[test]
    fn every_example_belongs_to_a_field_and_fits_it() {
        let schema: Value = serde_json::from_str(COMMITTED[0].1).unwrap();
        let mut used = BTreeSet::new();
        for (name, definition) in schema["$defs"].as_object().unwrap() {
            for (field, part) in definition["properties"].as_object().into_iter().flatten() {
                let own = format!("{name}/{field}");
                used.extend([own.clone(), field.clone()]);
                let whole =
                    serde_json::json!({"$defs": schema["$defs"], "$ref": format!("#/$defs/{name}/properties/{field}")});
                let validator = jsonschema::draft202012::new(&whole).unwrap();
                let shown = part["examples"].as_array().into_iter().flatten().chain(part.get("default"));
                for value in shown {
                    assert!(validator.is_valid(value), "{own}: {value}");
                }
            }
        }
        for (name, _) in EXAMPLES {
            assert!(used.contains(*name), "{name}");
        }
    }
}
