//! A recorded management API, with paging, over HTTPS: what becomes of it, what is told, and what never leaves.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Query};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use otj::listen::{ListenLimits, TlsSettings, self_signed, serve};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{CANARY, home, otj, read};

const BASE: &str = "/api/admin/configuration/v1";

/// Every resource, with both forms of references.
fn recorded() -> BTreeMap<&'static str, Vec<Value>> {
    let uri = |resource: &str, id: u32| format!("{BASE}/{resource}/{id}/");
    let object = |resource: &str, id: u32| json!({"resource_uri": uri(resource, id)});
    let named = |resource: &str, id: u32, name: &str, mut fields: Value| {
        fields["id"] = json!(id);
        fields["name"] = json!(name);
        fields["resource_uri"] = json!(uri(resource, id));
        fields
    };
    let rule = |id: u32, name: &str, priority: u32, meeting_type: &str, mut fields: Value| {
        fields["priority"] = json!(priority);
        fields["meeting_type"] = json!(meeting_type);
        fields["mjx_integration"] = json!(uri("mjx_integration", 1));
        named("mjx_meeting_processing_rule", id, name, fields)
    };
    BTreeMap::from([
        (
            "system_location",
            vec![named("system_location", 1, "Oslo", json!({})), named("system_location", 2, "unused", json!({}))],
        ),
        (
            "mjx_google_deployment",
            vec![named(
                "mjx_google_deployment",
                1,
                "google",
                json!({"client_email": "otj@p.iam.gserviceaccount.com", "use_user_consent": false, "refresh_token": CANARY, "maximum_number_of_api_requests": 1_000_000}),
            )],
        ),
        (
            "mjx_exchange_deployment",
            vec![named(
                "mjx_exchange_deployment",
                1,
                "exchange",
                json!({"service_account_username": "otj@example.com", "authentication_method": "KERBEROS", "ews_url": "https://mail.example.com/EWS/Exchange.asmx", "oauth_refresh_token": CANARY}),
            )],
        ),
        (
            "mjx_exchange_autodiscover_url",
            vec![named(
                "mjx_exchange_autodiscover_url",
                1,
                "bad",
                json!({"url": "https://a.example.com/autodiscover.xml", "exchange_deployment": uri("mjx_exchange_deployment", 1)}),
            )],
        ),
        (
            "mjx_integration",
            vec![
                named(
                    "mjx_integration",
                    1,
                    "hq",
                    json!({"google_deployment": object("mjx_google_deployment", 1), "start_buffer": 10, "replace_subject_type": "ALL", "ep_username": "otj", "ep_verify_certificate": false, "webex_refresh_token": CANARY}),
                ),
                named(
                    "mjx_integration",
                    2,
                    "branch",
                    json!({"exchange_deployment": uri("mjx_exchange_deployment", 1), "ep_verify_certificate": true}),
                ),
            ],
        ),
        (
            "mjx_endpoint_group",
            vec![
                named(
                    "mjx_endpoint_group",
                    1,
                    "oslo",
                    json!({"system_location": uri("system_location", 1), "mjx_integration": object("mjx_integration", 1)}),
                ),
                named(
                    "mjx_endpoint_group",
                    2,
                    "bergen",
                    json!({"system_location": uri("system_location", 1), "mjx_integration": uri("mjx_integration", 2)}),
                ),
            ],
        ),
        (
            "mjx_endpoint",
            vec![
                named(
                    "mjx_endpoint",
                    1,
                    "fjord",
                    json!({"endpoint_type": "CISCO", "api_address": "10.0.0.1", "room_resource_email": "fjord@example.com", "mjx_endpoint_group": uri("mjx_endpoint_group", 1), "verify_cert": "NO", "use_https": "GLOBAL", "poly_raise_alarms_for_this_endpoint": false}),
                ),
                named(
                    "mjx_endpoint",
                    2,
                    "vik",
                    json!({"endpoint_type": "POLY", "poly_username": "vik", "room_resource_email": "vik@example.com", "mjx_endpoint_group": object("mjx_endpoint_group", 1)}),
                ),
                named(
                    "mjx_endpoint",
                    3,
                    "bryggen",
                    json!({"endpoint_type": "POLY", "poly_username": "bryggen", "room_resource_email": "bryggen@example.com", "mjx_endpoint_group": uri("mjx_endpoint_group", 2)}),
                ),
            ],
        ),
        (
            "mjx_meeting_processing_rule",
            vec![
                rule(
                    1,
                    "meet",
                    1,
                    "hangouts",
                    json!({"default_processing_enabled": true, "transform_rule": "{{meeting_id}}@x"}),
                ),
                rule(2, "zoom", 2, "zoom", json!({"include_pin": true})),
                rule(
                    3,
                    "ours",
                    3,
                    "regex",
                    json!({"match_string": "(\\d+)@vc", "replace_string": "\\1@example.com", "default_processing_enabled": false}),
                ),
                rule(4, "python only", 4, "regex", json!({"match_string": "(?(1)a|b)(", "enabled": true})),
                rule(5, "future", 5, "holodeck", json!({})),
            ],
        ),
    ])
}

/// Answers a page of two objects at a time, to whoever has the password.
async fn answer(path: String, query: BTreeMap<String, String>, headers: HeaderMap) -> Response {
    // api:hunter2-canary
    let wanted = "Basic YXBpOmh1bnRlcjItY2FuYXJ5";
    if headers.get("authorization").and_then(|it| it.to_str().ok()) != Some(wanted) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let recorded = recorded();
    let Some(objects) = recorded.get(path.as_str()) else { return StatusCode::NOT_FOUND.into_response() };
    let offset: usize = query.get("offset").and_then(|it| it.parse().ok()).unwrap_or(0);
    let next = (offset + 2 < objects.len()).then(|| format!("{BASE}/{path}/?limit=2&offset={}", offset + 2));
    let page: Vec<&Value> = objects.iter().skip(offset).take(2).collect();
    axum::Json(
        json!({"meta": {"limit": 2, "offset": offset, "next": next, "total_count": objects.len()}, "objects": page}),
    )
    .into_response()
}

fn lints(home: &tempfile::TempDir) {
    let (code, out, err) = otj(home.path(), &["lint", "otj.d"]);
    assert_eq!(code, 0, "{out}{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_management_api_becomes_a_directory_that_lints_clean() {
    let (certificate, key) = self_signed(&["127.0.0.1".to_owned()]).unwrap();
    let tls = TlsSettings::from_pem(certificate.as_bytes(), &key).unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let route = axum::routing::get(
        |Path(path): Path<String>, Query(query): Query<BTreeMap<String, String>>, headers: HeaderMap| {
            answer(path, query, headers)
        },
    );
    let router = Router::new().route(&format!("{BASE}/{{resource}}/"), route);
    let stop = CancellationToken::new();
    let home = Arc::new(home(&[("ca.pem", &certificate), ("password", &format!("{CANARY}\n")), ("wrong", "x\n")]));
    let asks = {
        let (home, stop) = (Arc::clone(&home), stop.clone());
        tokio::task::spawn_blocking(move || {
            let import = |password: &str, ca: &[&str]| {
                let mut arguments =
                    vec!["import", "pexip", "--url", &url, "--user", "api", "--password-file", password];
                arguments.extend(ca);
                otj(home.path(), &arguments)
            };
            let said = [
                import("password", &[]),
                import("wrong", &["--ca-file", "ca.pem"]),
                import("password", &["--ca-file", "ca.pem"]),
            ];
            let again = import("password", &["--ca-file", "ca.pem"]);
            stop.cancel();
            (said, again)
        })
    };
    serve(listener, Some(tls), router, ListenLimits::default(), stop).await;
    let ([untrusted, refused, (code, out, err)], again) = asks.await.unwrap();
    assert!(untrusted.0 == 2 && untrusted.2.contains("not signed by a trusted authority"), "{}", untrusted.2);
    assert!(refused.0 == 2 && refused.2.contains("refused the account (HTTP 401)"), "{}", refused.2);
    assert_eq!(code, 1, "{out}{err}");
    for wanted in [
        "mjx_exchange_deployment `exchange`: Kerberos authentication is not carried",
        "mjx_exchange_autodiscover_url `bad`: Autodiscover URLs end in .svc",
        "mjx_meeting_processing_rule `python only`: its match string cannot be run here (it was a Python regular expression)",
        "mjx_meeting_processing_rule `zoom`: invitations in Google calendars do not carry Zoom's passcode",
        "mjx_meeting_processing_rule `future`: the meeting type `holodeck` is not known",
        "advice: mjx_integration `hq`: endpoint certificates are not verified",
        "Write 5 into pexip-secrets.yaml",
        "  \"google private key\"\n",
    ] {
        assert!(out.contains(wanted), "`{wanted}` is missing in\n{out}{err}");
    }
    lints(&home);
    let oslo = read(&home, "otj.d/groups/oslo.yaml");
    assert!(
        oslo.contains("  location: Oslo\n")
            && oslo.contains("    tls: Insecure\n")
            && oslo.contains("  raiseAlarms: false\n"),
        "{oslo}"
    );
    let rules = read(&home, "otj.d/rules/hq.yaml");
    assert!(
        rules.contains("  type: GoogleMeet\n") && rules.contains("  match: (\\d+)@vc\n  replace: \\1@example.com\n"),
        "{rules}"
    );
    assert!(rules.contains("#   name: python only\n") && !rules.contains("unused"), "{rules}");
    for path in ["integrations.yaml", "profiles.yaml", "locations.yaml", "groups/oslo.yaml", "rules/hq.yaml"] {
        assert!(!read(&home, &format!("otj.d/{path}")).contains(CANARY), "{path}");
    }
    assert!(!out.contains(CANARY) && !err.contains(CANARY));
    assert!(again.1.contains("0 added, 0 changed"), "{}", again.1);
}

#[test]
fn saved_answers_become_the_same_directory() {
    let files: Vec<(String, String)> = recorded()
        .into_iter()
        .map(|(resource, objects)| (format!("saved/{resource}.json"), json!({"objects": objects}).to_string()))
        .collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let home = home(&files);
    let (code, out, err) = otj(home.path(), &["import", "pexip", "--from-json", "saved", "--format", "json"]);
    assert_eq!(code, 1, "{out}{err}");
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        report["secrets"]["toFill"],
        json!(["bryggen", "exchange password", "google private key", "hq endpoints", "vik"])
    );
    assert_eq!(
        report["notes"].as_array().unwrap().iter().filter(|it| it["weight"] == "not carried").count(),
        5,
        "{out}"
    );
    lints(&home);
    assert_eq!(otj(home.path(), &["import", "pexip", "--from-json", "nowhere"]).0, 2);
    assert_eq!(otj(home.path(), &["import", "pexip"]).0, 2);
}
