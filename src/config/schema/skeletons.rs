//! A filled skeleton of each kind, which editors offer in an empty document (`defaultSnippets`). What is to be typed is numbered in
//! the order one types it: `${1:name}`.

use serde_json::{Value, json};

use super::super::document::{API_VERSION, Kind};

/// The skeletons of a kind, the most usual first.
pub(super) fn of(kind: Kind) -> Vec<Value> {
    let skeletons: Vec<(&str, &str, Value)> = match kind {
        Kind::GoogleIntegration => vec![(
            "read by a service account",
            "google",
            json!({"serviceAccounts": [{"email": "${2:otj@project.iam.gserviceaccount.com}", "privateKey": {"file": "${3:google.json}"}}]}),
        )],
        Kind::GraphIntegration => vec![(
            "with a client secret",
            "graph",
            json!({
                "clientId": "${2:11111111-2222-3333-4444-555555555555}",
                "clientSecret": {"file": "${3:graph.secret}"},
                "tokenUrl": "https://login.microsoftonline.com/${4:TENANT}/oauth2/v2.0/token",
            }),
        )],
        Kind::ExchangeIntegration => vec![
            (
                "on premises, Basic",
                "exchange",
                json!({
                    "serviceAccountUsername": "${2:otj@example.com}",
                    "basic": {"password": {"file": "${3:exchange.password}"}},
                    "ewsUrl": "${4:https://mail.example.com/EWS/Exchange.asmx}",
                }),
            ),
            (
                "Office 365, app only",
                "exchange",
                json!({"appOnly": {
                    "tokenUrl": "https://login.microsoftonline.com/${2:TENANT}/oauth2/v2.0/token",
                    "clientId": "${3:11111111-2222-3333-4444-555555555555}",
                    "clientSecret": {"file": "${4:exchange.secret}"},
                }}),
            ),
        ],
        Kind::CalDavIntegration => vec![(
            "one account for all rooms",
            "caldav",
            json!({
                "url": "${2:https://dav.example.com/}",
                "username": "${3:otj}",
                "password": {"file": "${4:caldav.password}"},
                "calendarPath": "${5:/{{ room.email \\}\\}/calendar/}",
            }),
        )],
        Kind::IcsIntegration => vec![("a directory of .ics files", "ics", json!({"directory": "${2:calendars}"}))],
        Kind::WebexIntegration => vec![(
            "by a service app",
            "webex",
            json!({"serviceApp": {
                "clientId": "${2:client id}",
                "clientSecret": {"file": "${3:webex.secret}"},
                "refreshToken": {"file": "${4:webex.refresh}"},
            }}),
        )],
        Kind::Profile => vec![(
            "with the standard rules",
            "hq",
            json!({"integration": "${2:google}", "ruleSets": ["builtin/standard"]}),
        )],
        Kind::EndpointGroup => vec![("a site", "oslo", json!({"profile": "${2:hq}", "timeZone": "${3:Europe/Oslo}"}))],
        Kind::Endpoint => vec![
            (
                "Cisco",
                "oslo-4",
                json!({
                    "group": "${2:oslo}",
                    "roomEmail": "${3:room@example.com}",
                    "cisco": {"address": "${4:10.0.0.7}", "username": "${5:otj}", "password": {"file": "${6:oslo-4.password}"}},
                }),
            ),
            (
                "Poly",
                "oslo-5",
                json!({
                    "group": "${2:oslo}",
                    "roomEmail": "${3:room@example.com}",
                    "poly": {"username": "${4:oslo-5}", "password": {"file": "${5:oslo-5.password}"}},
                }),
            ),
            (
                "Webex Cloud",
                "oslo-6",
                json!({"group": "${2:oslo}", "roomEmail": "${3:room@example.com}", "webex": {"deviceId": "${4:device id}"}}),
            ),
        ],
        Kind::EndpointTable => vec![(
            "from a CSV file",
            "endpoints",
            json!({"file": "${2:endpoints.csv}", "defaults": {"group": "${3:oslo}"}}),
        )],
        Kind::Room => vec![(
            "its name and zone",
            "fjord",
            json!({"email": "${2:room@example.com}", "displayName": "${3:Fjord}", "timeZone": "${4:Europe/Oslo}"}),
        )],
        Kind::Rule => vec![
            ("a provider's invitations", "zoom", json!({"profile": "${2:hq}", "priority": 10, "type": "${3:Zoom}"})),
            (
                "Regex",
                "our bridge",
                json!({
                    "profile": "${2:hq}",
                    "priority": 50,
                    "type": "Regex",
                    "match": "${3:https://meet\\.example\\.com/(\\d+)}",
                    "replace": "${4:\\1@vc.example.com}",
                }),
            ),
        ],
        Kind::RuleSet => vec![(
            "shared rules",
            "shared",
            json!({"priority": 100, "rules": [{"name": "${2:zoom}", "type": "${3:Zoom}"}]}),
        )],
        Kind::Location => vec![("a site's zone", "oslo", json!({"timeZone": "${2:Europe/Oslo}"}))],
        Kind::RuleTest => vec![(
            "one invitation",
            "hq invitations",
            json!({"profile": "${2:hq}", "cases": [{
                "name": "${3:a Zoom meeting}",
                "event": {"subject": "${4:Weekly}", "body": "${5:https://example.zoom.us/j/12345678901}"},
                "expect": {"alias": "${6:12345678901@zoomcrc.com}"},
            }]}),
        )],
    };
    skeletons.into_iter().map(|(label, name, spec)| snippet(kind, label, name, &spec)).collect()
}

fn snippet(kind: Kind, label: &str, name: &str, spec: &Value) -> Value {
    json!({
        "label": format!("{}: {label}", kind.name()),
        "body": {
            "apiVersion": API_VERSION,
            "kind": kind.name(),
            "metadata": {"name": format!("${{1:{name}}}")},
            "spec": spec,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::super::misfits;
    use super::*;

    /// What stands there when nothing is typed: `${1:name}` is `name`.
    fn filled(value: &Value) -> Value {
        match value {
            Value::String(text) => {
                let (mut out, mut rest) = (String::new(), text.as_str());
                while let Some((before, after)) = rest.split_once("${") {
                    let (_, after) = after.split_once(':').unwrap();
                    let end =
                        after.char_indices().find(|(at, c)| *c == '}' && !after[..*at].ends_with('\\')).unwrap().0;
                    out.push_str(before);
                    out.push_str(&after[..end].replace("\\}", "}"));
                    rest = &after[end + 1..];
                }
                Value::String(out + rest)
            }
            Value::Array(items) => items.iter().map(filled).collect(),
            Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), filled(value))).collect(),
            other => other.clone(),
        }
    }

    #[test]
    fn every_kind_has_a_skeleton_that_fits_its_schema() {
        for kind in Kind::ALL {
            let skeletons = of(kind);
            assert!(!skeletons.is_empty(), "{}", kind.name());
            for skeleton in skeletons {
                let document = filled(&skeleton["body"]);
                assert!(!document.to_string().contains("${"), "{document}");
                let faults: Vec<_> = misfits(kind, &document).into_iter().map(|it| (it.pointer, it.message)).collect();
                assert!(faults.is_empty(), "{document}: {faults:?}");
            }
        }
    }
}
