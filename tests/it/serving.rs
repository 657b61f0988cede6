//! The pages, the API, metrics and health, as requests meet them: through the router, with a peer and a `Host`.

mod access;
mod alarms;
mod commands;
mod openid;
mod signing_in;
pub(crate) mod site;

use std::process::{Command, Stdio};

use otj::reconcile::board::{Drift, FailureNote};
use site::{CANARY_PERSON, CANARY_SECRET, CANARY_SUBJECT, Site};

/// Every address that answers a GET.
const PAGES: &[&str] = &[
    "/",
    "/integrations",
    "/style.css",
    "/icon.svg",
    "/metrics",
    "/-/healthy",
    "/-/ready",
    "/api/v1/status",
    "/api/v1/config",
    "/api/v1/rooms",
    "/api/v1/rooms/fjord@example.com",
    "/api/v1/integrations",
    "/api/v1/integrations/workspace",
    "/api/v1/endpoints",
    "/api/v1/endpoints/oslo-4",
    "/api/v1/meetings",
    "/api/v1/plan",
    "/api/v1/audit",
    "/api/v1/alarms",
    "/api/admin/status/v1/mjx_meeting/",
    "/api/admin/status/v1/mjx_endpoint/",
    "/login",
    "/login/provider",
    "/oauth/callback?code=canary-secret&state=canary-secret",
    "/nothing",
];

#[tokio::test]
async fn what_people_wrote_is_seen_with_a_token_only_and_secrets_never() {
    let site = Site::new();
    for page in PAGES {
        let open = site.get(page).await.text;
        for canary in [CANARY_SUBJECT, CANARY_PERSON, CANARY_SECRET, "zoom.example"] {
            assert!(!open.contains(canary), "{page} shows {canary} without a token:\n{open}");
        }
        let read = site.get_as("reader", page).await.text;
        assert!(!read.contains(CANARY_SECRET), "{page} shows a secret");
    }
    for page in ["/", "/api/v1/meetings"] {
        let read = site.get_as("reader", page).await.text;
        assert!(read.contains("4711@zoom.example") && read.contains(CANARY_PERSON), "{page}:\n{read}");
    }
    let metrics = site.get_as("operator", "/metrics").await.text;
    assert!(!metrics.contains(CANARY_SUBJECT) && !metrics.contains("zoom.example"));
}

#[tokio::test]
async fn scripts_for_the_status_api_of_infinity_read_meetings_and_endpoints_in_its_shape() {
    let site = Site::new();
    let all = site.get_as("reader", "/api/admin/status/v1/mjx_meeting/?limit=2").await.json();
    assert_eq!((&all["meta"]["total_count"], all["objects"].as_array().unwrap().len()), (&3.into(), 2));
    assert_eq!(all["meta"]["next"], "/api/admin/status/v1/mjx_meeting/?limit=2&offset=2");
    assert_eq!(all["objects"][0]["start_time"], "2026-03-02T09:00:00");
    assert_eq!(all["objects"][0]["matched_meeting_processing_rule"], "zoom");
    let last = site.get_as("reader", "/api/admin/status/v1/mjx_meeting/?limit=2&offset=2").await.json();
    assert_eq!((&last["meta"]["next"], last["objects"].as_array().unwrap().len()), (&serde_json::Value::Null, 1));
    let one = site.get_as("reader", "/api/admin/status/v1/mjx_endpoint/?endpoint_name=oslo-4").await.json();
    assert_eq!((&one["objects"][0]["endpoint_type"], &one["meta"]["total_count"]), (&"CISCO".into(), &1.into()));
    for wrong in ["limit=x", "offset=-1", "colour=red"] {
        let path = format!("/api/admin/status/v1/mjx_endpoint/?{wrong}");
        assert_eq!(site.get_as("reader", &path).await.status, 400, "{wrong}");
    }
    assert_eq!(site.get("/api/admin/status/v1/mjx_meeting/").await.status, 401);
}

/// What somebody sends is quoted to nobody: not the body, not the query, whoever asks.
#[tokio::test]
async fn no_answer_repeats_what_a_wrong_request_held() {
    let site = Site::new();
    let bodies = [
        r#"{"canary-secret": 1}"#,
        r#"{"kind": "canary-secret", "name": "canary-secret"}"#,
        r#"{"until": "canary-secret", "endpoint": 7, "room": [], "checksum": {}}"#,
        "canary-secret",
        "csrf=canary-secret&token=canary-secret",
    ];
    for path in [
        "/api/v1/approve",
        "/api/v1/suspend",
        "/api/v1/resume",
        "/api/v1/refresh",
        "/api/v1/push",
        "/api/v1/trust",
        "/api/v1/trace",
        "/api/v1/sign-in",
        "/api/v1/sign-in/confirm",
        "/api/v1/alarms/canary-secret/acknowledge",
        "/api/v1/alarms/canary-secret/silence",
        "/login",
        "/logout",
    ] {
        for body in bodies {
            for form in [None, Some(("content-type", "application/x-www-form-urlencoded"))] {
                let headers: Vec<_> = form.into_iter().chain([("origin", "http://otj.example.com")]).collect();
                for who in ["operator", "reader", "canary-secret"] {
                    let answer = site.send(who, "POST", path, &headers, body).await;
                    assert!(answer.status >= 300 && answer.status < 500, "{path} {body}: {}", answer.status);
                    let told = format!("{}{:?}", answer.text, answer.headers);
                    assert!(!told.contains(CANARY_SECRET), "{path} {body}: {told}");
                }
            }
        }
    }
}

#[tokio::test]
async fn what_came_from_outside_is_escaped_on_the_page_which_loads_nothing_from_elsewhere() {
    let page = Site::new().get_as("reader", "/").await;
    assert!(page.text.contains("&lt;script&gt;alert(1)&lt;"), "the title of a meeting is text:\n{}", page.text);
    assert!(page.text.contains("Trio&lt;&#x2f;td&gt;"), "so is a User-Agent");
    assert!(!page.text.contains("<script"), "no script");
    for (before, _) in page.text.match_indices("://") {
        let around = &page.text[before.saturating_sub(40)..before];
        assert!(!around.contains("href=") && !around.contains("src="), "…{around}://…");
    }
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; style-src 'self'") && !policy.contains("unsafe"), "{policy}");
}

#[tokio::test]
async fn the_page_says_what_is_wrong_since_when_and_what_to_do() {
    let site = Site::new();
    let page = site.get("/").await.text;
    for wanted in [
        "otj approve 00ff00ff00ff00ff",
        "41 meetings of 12 rooms would go.",
        "the device did not take its schedule",
        "PutFailed",
        "30 min ago",
        "error[OTJ102]",
        "The directory does not load",
        "Stale",
    ] {
        assert!(page.contains(wanted), "`{wanted}` is missing in:\n{page}");
    }
}

#[tokio::test]
async fn an_empty_node_has_pages_too() {
    for (path, wanted) in [
        ("/", "No configuration is in force."),
        ("/integrations", "The configuration names no integration that is used"),
    ] {
        let page = Site::empty().get(path).await;
        assert_eq!(page.status, 200, "{path}");
        assert!(page.text.contains(wanted), "{}", page.text);
    }
}

#[tokio::test]
async fn the_page_of_calendar_services_shows_quota_accounts_and_what_is_wrong_since_when() {
    let site = Site::new();
    let page = site.get("/integrations").await.text;
    for wanted in [
        "2 integrations do not work as they should. Endpoints keep what they show.",
        "<b>812,345</b> of 900,000, 87,655 left",
        "aria-label=\"90 % used\"",
        "every 12.3 s in business hours, in 1 group of rooms; 77 looks so far; 2 rooms are not told of",
        "until 2026-03-02 09:20 UTC rooms are read only when",
        "12 because a meeting was about to start, 1,400 in turn",
        "otj-2@rooms.example: the token endpoint refused the account&#x27;s key; the other accounts go on, since",
        "in 15 min</time>, after 3 in vain",
        "its 1100 rooms are not read, and show what they showed, since",
        "its clientSecret ends on 2026-03-10; renew it",
        "room by room: the service refuses to tell about many at once",
        "Its requests are not counted",
    ] {
        assert!(page.contains(wanted), "`{wanted}` is missing in:\n{page}");
    }
    assert!(!page.contains("<script") && !page.contains("style="), "neither scripts nor styles in the page");
    let overview = site.get("/").await.text;
    assert!(
        overview.contains("in 4 min</time> <i title=\"otherwise every 372 s\">a meeting starts at 09:06</i>"),
        "in the room's zone:\n{overview}"
    );
}

#[tokio::test]
async fn the_api_tells_when_and_why_a_room_is_read_and_how_a_service_stands() {
    let site = Site::new();
    let fjord = site.get("/api/v1/rooms/fjord@example.com").await.json();
    let next = ["nextRead", "nextReadWhy", "nextReadBecause"].map(|field| fjord[field].as_str().unwrap().to_owned());
    assert_eq!(next, ["2026-03-02T08:04:00Z", "Starts", "a meeting starts at 09:06"]);
    let vik = site.get("/api/v1/rooms/vik@example.com").await.json();
    assert_eq!(
        (&vik["nextReadWhy"], &vik["nextReadBecause"]),
        (&serde_json::Value::Null, &"every room of this calendar is read every half minute".into())
    );

    let all = site.get("/api/v1/integrations").await.json();
    let told: Vec<String> = all["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            let reasons: Vec<&str> =
                one["conditions"].as_array().unwrap().iter().map(|it| it["reason"].as_str().unwrap()).collect();
            format!("{} {} {}/{} {reasons:?}", one["name"], one["state"], one["roomsFresh"], one["rooms"])
        })
        .collect();
    assert_eq!(
        told,
        [
            "\"ics\" \"Working\" 1/2 []",
            "\"m365\" \"Paused\" 0/1100 [\"IntegrationDown\", \"NoPermission\", \"TokenExpiring\"]",
            "\"workspace\" \"Degraded\" 0/40 [\"CredentialsRefused\", \"QuotaExhausted\"]",
        ]
    );
    let workspace = site.get("/api/v1/integrations/workspace").await.json();
    assert_eq!(workspace["quota"]["left"], 87_655);
    assert_eq!(workspace["quota"]["usedUpUntil"], "2026-03-02T09:20:00Z");
    assert_eq!(workspace["accounts"][1]["pause"]["until"], "2026-03-02T08:15:00Z");
    assert_eq!(
        workspace["canary"],
        serde_json::json!({"on": true, "groups": 1, "periodSeconds": 12.3, "looks": 77, "roomsUntold": 2, "off": null})
    );
    assert_eq!(workspace["hearing"], serde_json::Value::Null);
    assert_eq!(
        site.get("/api/v1/integrations/m365").await.json()["hearing"],
        serde_json::json!({"roomsAtOnce": 1000, "roomsByTheMinute": 0, "roomsUntold": 100, "connections": 5, "reason": "Buffered"})
    );
    assert_eq!(site.get("/api/v1/integrations/none").await.status, 404);
}

#[tokio::test]
async fn a_service_that_is_down_is_one_fault_and_not_one_of_each_room() {
    let site = Site::empty();
    let failing = |number: usize, reason| {
        let email = format!("room-{number}@example.com");
        let mut room = (*Site::new().board.rooms()[0]).clone();
        room.key.email = otj::model::RoomEmail::parse(&email).unwrap();
        room.drift = Some(Drift { reason: "Unreadable", since: "2026-03-02T07:00:00Z".parse().unwrap() });
        let message = "the calendar server cannot be reached".into();
        room.failure = Some(FailureNote { reason, message, since: room.drift.clone().unwrap().since, attempts: 2 });
        room
    };
    let told = async || {
        let status = site.get("/api/v1/status").await.json();
        let drift = status["drift"].as_array().unwrap().clone();
        drift
            .iter()
            .map(|one| format!("{} {}", one["kind"].as_str().unwrap(), one["message"].as_str().unwrap()))
            .collect::<Vec<_>>()
    };
    for number in 0..4 {
        site.board.put_room(failing(number, "CalendarUnreadable"));
    }
    assert_eq!(told().await.len(), 4, "a few rooms are told one by one");
    site.board.put_room(failing(4, "CalendarUnreadable"));
    let all = "integration the calendar server cannot be reached; its 5 rooms are not read, and show what they showed";
    assert_eq!(told().await, [all]);
    site.board.put_room(failing(4, "RoomNotFound"));
    assert_eq!(told().await.len(), 5, "another reason is another fault");
}

#[tokio::test]
async fn promtool_finds_nothing_to_say_about_the_metrics() {
    let site = Site::new();
    site.get("/api/v1/status").await;
    let metrics = site.get("/metrics").await;
    assert_eq!(metrics.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("promtool ({error}): run ci/test, which installs it"));
    std::io::Write::write_all(&mut promtool.stdin.take().unwrap(), metrics.text.as_bytes()).unwrap();
    let said = promtool.wait_with_output().unwrap();
    let said_text = [said.stdout, said.stderr].concat();
    assert!(said.status.success() && said_text.is_empty(), "{}\n{}", String::from_utf8_lossy(&said_text), metrics.text);
}

#[tokio::test]
async fn metrics_tell_what_the_contract_names() {
    let site = Site::new();
    site.get("/api/v1/endpoints/oslo-4").await;
    let metrics = site.get("/metrics").await.text;
    for wanted in [
        "otj_config_last_reload_successful 0",
        "otj_config_info{revision=\"abc123\",checksum=\"1234567812345678\",source=\"directory\"} 1",
        "otj_config_documents{kind=\"Endpoint\"} 2",
        "otj_config_diagnostics{severity=\"error\"} 1",
        "otj_drift{kind=\"endpoint\",name=\"oslo-4\",reason=\"PutFailed\"} 1",
        "otj_drift_objects{kind=\"room\",reason=\"Stale\"} 1",
        "otj_drift_since_timestamp_seconds{kind=\"endpoint\",name=\"oslo-4\"} 1772436600",
        "otj_plan_held 1",
        "otj_room_last_read_timestamp_seconds{room=\"vik@example.com\"} 1772434800",
        "otj_room_meetings{room=\"fjord@example.com\"} 2",
        "otj_meetings{profile=\"main\"} 3",
        "otj_meetings_without_alias{profile=\"main\",reason=\"NoRuleMatched\"} 1",
        "otj_endpoint_synced{endpoint=\"vik-1\"} 1",
        "otj_endpoint_bookings{endpoint=\"vik-1\"} 1",
        "otj_endpoint_info{endpoint=\"oslo-4\",room=\"fjord@example.com\",group=\"\",profile=\"main\",location=\"default\",type=\"cisco\",label_site_a=\"Oslo \\\"1\\\"\"} 1",
        "otj_step_duration_seconds_bucket{le=\"0.1\",step=\"Put\",outcome=\"ok\"} 1",
        "otj_step_duration_seconds_count{step=\"Put\",outcome=\"ok\"} 1",
        "otj_calendar_requests_total{integration=\"ics\",outcome=\"ok\"} 1",
        "otj_calendar_rooms_told{integration=\"ics\",told=\"AtOnce\"} 200",
        "otj_calendar_rooms_told{integration=\"ics\",told=\"Deaf\"} 3",
        "otj_calendar_request_budget{integration=\"workspace\"} 900000",
        "otj_credential_expiry_timestamp_seconds{kind=\"GraphIntegration\",name=\"graph\",credential=\"clientSecret\"} 1806451200",
        "otj_calendar_requests_today{integration=\"workspace\"} 812345",
        "otj_room_next_read_timestamp_seconds{room=\"fjord@example.com\"} 1772438640",
        "otj_drift{kind=\"integration\",name=\"m365\",reason=\"IntegrationDown\"} 1",
        "otj_poly_logins_total{scheme=\"digest\",outcome=\"ok\"} 1",
        "otj_http_requests_total{route=\"/api/v1/endpoints/{name}\",code=\"200\"} 1",
        "otj_loop_lag_seconds 0.25",
        "otj_due_queue_length 7",
    ] {
        assert!(metrics.lines().any(|line| line == wanted), "`{wanted}` is missing in:\n{metrics}");
    }
    assert!(!metrics.contains("gone-service"), "a service that left the documents has no series");
    site.board.remove_endpoint(&otj::model::EndpointName::parse("oslo-4").unwrap());
    assert!(!site.get("/metrics").await.text.contains("\"oslo-4\""), "nor has an endpoint that left the board");
}

#[tokio::test]
async fn who_polls_is_told_only_what_changed() {
    let site = Site::new();
    for page in [
        "/api/v1/status",
        "/api/v1/rooms",
        "/api/v1/integrations",
        "/api/v1/endpoints",
        "/api/v1/meetings",
        "/api/v1/config",
    ] {
        let first = site.get_as("reader", page).await;
        let tag = first.header("etag").to_owned();
        let again = site.send("reader", "GET", page, &[("if-none-match", &tag)], "").await;
        assert_eq!((again.status, again.text.as_str()), (304, ""), "{page}");
        let other = site.send("reader", "GET", page, &[("if-none-match", "\"x\", \"y\"")], "").await;
        assert_eq!((other.status, other.text), (200, first.text), "{page}");
    }
}

#[tokio::test]
async fn lists_come_in_pages_and_single_objects_by_name() {
    let site = Site::new();
    let first = site.get("/api/v1/endpoints?limit=1").await.json();
    assert_eq!(first["items"][0]["name"], "oslo-4");
    let next = format!("/api/v1/endpoints?limit=1&cursor={}", first["nextCursor"].as_str().unwrap());
    let second = site.get(&next).await.json();
    assert_eq!((&second["items"][0]["name"], second.get("nextCursor")), (&"vik-1".into(), None));
    let filtered = site.get("/api/v1/endpoints?state=InSync&type=poly").await.json();
    assert_eq!(filtered["items"].as_array().unwrap().len(), 1);
    assert_eq!(site.get("/api/v1/rooms/FJORD%40example.com").await.json()["meetings"], 2);
    assert_eq!(site.get("/api/v1/endpoints/oslo-4").await.json()["currentNode"]["name"], "node-a");
    let meetings = site.get_as("reader", "/api/v1/meetings?endpointName=vik-1").await.json();
    assert_eq!(meetings["items"][0]["alias"], "4711@zoom.example");
    for (page, status) in [
        ("/api/v1/rooms/none@example.com", 404),
        ("/api/v1/endpoints/none", 404),
        ("/api/v1/rooms?limit=0", 400),
        ("/api/v1/rooms?colour=red", 400),
    ] {
        let answer = site.get(page).await;
        assert_eq!((answer.status, answer.header("content-type")), (status, "application/problem+json"), "{page}");
        assert_eq!(answer.json()["status"], status, "{page}");
    }
}

#[tokio::test]
async fn a_node_is_healthy_while_its_loop_turns_and_ready_while_it_has_a_wish() {
    let site = Site::new();
    assert_eq!(site.get("/-/healthy").await.status, 200);
    assert_eq!(site.get("/-/ready").await.status, 200);
    let mut pulse = site.board.pulse();
    pulse.ready = false;
    site.board.put_pulse(pulse);
    site.wait(std::time::Duration::from_secs(31)).await;
    assert_eq!(site.get("/-/healthy").await.status, 503);
    assert_eq!(site.get("/-/ready").await.status, 503);
}

#[tokio::test]
async fn an_approval_is_answered_by_the_loop_and_a_reload_pokes_it() {
    let mut site = Site::new();
    assert_eq!(site.send("operator", "POST", "/-/reload", &[], "").await.status, 202);
    assert_eq!(site.look_again.try_recv().unwrap(), otj::model::LookAgain::Documents);

    for (checksum, status) in [("00ff00ff00ff00ff", 200), ("1111111111111111", 409)] {
        let body = format!("{{\"checksum\": \"{checksum}\"}}");
        let (answer, ()) = site.approve(&body).await;
        assert_eq!(answer.status, status, "{}", answer.text);
    }
    for body in ["", "{}", "[]", "{\"checksum\": 1}", "{\"checksum\": \"x\", \"force\": true}"] {
        let answer = site.send("operator", "POST", "/api/v1/approve", &[], body).await;
        assert_eq!(answer.status, 400, "{body}");
    }
    let large = "x".repeat(70_000);
    assert_eq!(site.send("operator", "POST", "/api/v1/approve", &[], &large).await.status, 413);
}
