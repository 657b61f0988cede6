//! What Google says no with: about whom, what mends it, and when to come back.

use std::time::Duration;

use serde_json::json;

use super::site::{ELSEWHERE, OTHER, READER, Reader, Site};

/// In the form that the Calendar API uses.
fn fault(code: u16, reason: &str, message: &str) -> String {
    json!({"error": {"code": code, "message": message, "errors": [{"domain": "global", "reason": reason, "message": message}]}})
        .to_string()
}

/// In the form of Google's newer interfaces.
fn newer(code: u16, status: &str, reason: &str) -> String {
    json!({"error": {"code": code, "message": "x", "status": status, "details": [{"@type": "x", "reason": reason}]}})
        .to_string()
}

#[tokio::test(start_paused = true)]
async fn every_refusal_says_whom_it_is_about_and_what_mends_it() {
    let per_user = "Quota exceeded for quota metric 'Queries' and limit 'Queries per minute per user'";
    let per_minute = "Quota exceeded for quota metric 'Queries' and limit 'Queries per minute'";
    let per_day = "Quota exceeded for quota metric 'Queries' and limit 'Queries per day'";
    for (status, wait, body, expected, mends) in [
        (404, None, fault(404, "notFound", "Not Found"), "RoomNotFound fix", READER),
        (403, None, fault(403, "forbidden", "Forbidden"), "NoPermission fix", READER),
        (403, None, fault(403, "requiredAccessLevel", "x"), "NoPermission fix", READER),
        (403, None, fault(403, "insufficientPermissions", "x"), "NoPermission account fix", "calendar.readonly"),
        (
            403,
            None,
            newer(403, "PERMISSION_DENIED", "ACCESS_TOKEN_SCOPE_INSUFFICIENT"),
            "NoPermission account fix",
            "calendar.readonly",
        ),
        (
            403,
            None,
            fault(403, "accessNotConfigured", "x"),
            "NoPermission integration fix",
            "APIs & Services > Library",
        ),
        (403, None, newer(403, "PERMISSION_DENIED", "SERVICE_DISABLED"), "NoPermission integration fix", "enable it"),
        (403, None, fault(403, "rateLimitExceeded", "x"), "Throttled account retry", ""),
        (403, Some("7"), fault(403, "userRateLimitExceeded", per_user), "Throttled account retry after 7s", ""),
        (429, Some("7"), fault(429, "rateLimitExceeded", per_user), "Throttled account retry after 7s", ""),
        (429, None, fault(429, "rateLimitExceeded", per_minute), "Throttled integration retry", ""),
        (429, None, newer(429, "RESOURCE_EXHAUSTED", "RATE_LIMIT_EXCEEDED"), "Throttled account retry", ""),
        (429, Some("60"), "Too many requests".into(), "Throttled account retry after 60s", ""),
        (403, None, fault(403, "rateLimitExceeded", per_day), "QuotaExhausted integration retry", ""),
        (403, None, fault(403, "quotaExceeded", "x"), "QuotaExhausted integration retry", ""),
        (403, Some("3600"), fault(403, "dailyLimitExceeded", "x"), "QuotaExhausted integration retry after 3600s", ""),
        (400, None, fault(400, "timeRangeEmpty", "x"), "CalendarUnreadable fix", "HTTP 400, timeRangeEmpty"),
        (400, None, fault(400, "<b>secret</b>", "secret"), "CalendarUnreadable fix", "without a reason"),
        (410, None, fault(410, "fullSyncRequired", "x"), "CalendarUnreadable retry", ""),
        (500, None, fault(500, "backendError", "x"), "CalendarUnreadable retry", "HTTP 500"),
        (503, Some("30"), "<html>Service Unavailable</html>".into(), "CalendarUnreadable retry after 30s", "HTTP 503"),
        // Not from Google: a proxy's page says nothing about the room.
        (403, None, "<html>Blocked by policy</html>".into(), "CalendarUnreadable retry", "proxy"),
        (404, None, "<html>Not Found</html>".into(), "CalendarUnreadable retry", "apiUrl"),
        (404, None, r#"{"error": "not found"}"#.into(), "CalendarUnreadable retry", "apiUrl"),
        (302, None, String::new(), "CalendarUnreadable retry", "proxy"),
        (204, None, String::new(), "CalendarUnreadable retry", "HTTP 204"),
    ] {
        let site = Site::new();
        let wait: Vec<(&'static str, &str)> = wait.map(|wait| ("retry-after", wait)).into_iter().collect();
        site.says(status, &wait, &body);
        let said = Reader::with(&site, &[READER, OTHER]).read().await;
        let (what, message) = said.split_once(": ").unwrap();
        assert_eq!(what, expected, "{status} {body}: {said}");
        assert!(message.contains(mends), "{status} {body}: {said}");
        assert!(!message.contains("secret") && !message.contains('<'), "{said}");
    }
}

#[tokio::test(start_paused = true)]
async fn accounts_of_several_projects_do_not_stop_each_other() {
    for body in [fault(403, "accessNotConfigured", "x"), fault(403, "quotaExceeded", "x")] {
        let site = Site::new();
        site.says(403, &[], &body);
        let said = Reader::with(&site, &[READER, ELSEWHERE]).read().await;
        assert!(said.contains(" account "), "{said}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_refused_twice_is_the_accounts_trouble() {
    let site = Site::new();
    site.book("a 05 10:00-11:00 Weekly");
    for _ in 0..2 {
        site.says(401, &[], &fault(401, "authError", "Invalid Credentials"));
    }
    let mut reader = Reader::of(&site);
    let said = reader.read().await;
    assert!(said.starts_with("CredentialsRefused account fix: ") && said.contains(READER), "{said}");
    assert_eq!(reader.spent.requests(), 2);
    // A token that was good for a while is another matter.
    tokio::time::advance(Duration::from_secs(600)).await;
    site.says(401, &[], &fault(401, "authError", "Invalid Credentials"));
    assert_eq!(reader.read().await, "05T10:00 05T11:00 Weekly eventType");
}

#[tokio::test(start_paused = true)]
async fn a_room_that_is_not_shared_is_told_with_the_account_to_share_it_with() {
    let site = Site::new();
    let said = Reader::of(&site).read().await;
    assert!(
        said.starts_with("RoomNotFound fix: ") && said.contains(READER) && said.contains("See all event details"),
        "{said}"
    );
}
