//! What Graph says no with: about whom, what mends it, and when to come back.

use otj::http::HttpError;
use otj::sim::rooms::RoomAccess;
use serde_json::json;

use super::site::{ROOM, Reader, Site};

fn fault(code: &str, message: &str) -> String {
    json!({"error": {"code": code, "message": message, "innerError": {"request-id": "1"}}}).to_string()
}

#[tokio::test(start_paused = true)]
async fn every_refusal_says_whom_it_is_about_and_what_mends_it() {
    let policy = "Access to OData is disabled: secret";
    for (status, wait, body, expected, mends) in [
        (403, None, fault("ErrorAccessDenied", policy), "NoPermission fix", "-Member fjord@example.com`"),
        (403, None, fault("ErrorAccessDenied", "Access is denied."), "NoPermission fix", "Calendars.Read"),
        (403, None, fault("AccessDenied", "secret"), "NoPermission fix", "Test-ServicePrincipalAuthorization"),
        (403, None, fault("Authorization_RequestDenied", "x"), "NoPermission integration fix", "grant admin consent"),
        (403, None, fault("Authorization_IdentityNotFound", "x"), "NoPermission integration fix", "Calendars.Read"),
        (404, None, fault("ErrorInvalidUser", "secret"), "RoomNotFound fix", "check roomEmail"),
        (404, None, fault("ResourceNotFound", "x"), "RoomNotFound fix", "check roomEmail"),
        (404, None, fault("Request_ResourceNotFound", "x"), "RoomNotFound fix", "check roomEmail"),
        (404, None, fault("MailboxNotEnabledForRESTAPI", "x"), "RoomNotFound fix", "ExchangeIntegration"),
        (403, None, fault("MailboxNotEnabledForRESTAPI", "x"), "RoomNotFound fix", "ExchangeIntegration"),
        (404, None, fault("ErrorNonExistentMailbox", "x"), "RoomNotFound fix", "ExchangeIntegration"),
        (429, Some("7"), fault("ApplicationThrottled", "x"), "Throttled retry after 7s", "ApplicationThrottled"),
        (429, Some("7"), fault("MailboxConcurrency", "x"), "Throttled retry after 7s", ""),
        (429, None, fault("ErrorExceededConnectionCount", "x"), "Throttled retry", ""),
        (429, Some("30"), fault("TooManyRequests", "x"), "Throttled integration retry after 30s", ""),
        (429, None, fault("activityLimitReached", "x"), "Throttled integration retry", ""),
        (503, Some("9"), fault("ErrorServerBusy", "x"), "Throttled retry after 9s", ""),
        (503, Some("9"), fault("ErrorMailboxStoreUnavailable", "x"), "Throttled retry after 9s", ""),
        (503, Some("9"), fault("serviceNotAvailable", "x"), "Throttled integration retry after 9s", ""),
        (503, None, fault("serviceNotAvailable", "x"), "Throttled retry", ""),
        (503, None, "<html>secret</html>".into(), "Throttled retry", "HTTP 503"),
        (504, Some("9"), fault("UnknownError", "x"), "Throttled retry after 9s", ""),
        (500, None, fault("ErrorInternalServerTransientError", "x"), "CalendarUnreadable retry", "HTTP 500"),
        (502, None, String::new(), "CalendarUnreadable retry", "HTTP 502"),
        (410, None, fault("SyncStateNotFound", "x"), "CalendarUnreadable retry", "HTTP 410"),
        (400, None, fault("<b>secret</b>\u{202e}", "secret"), "CalendarUnreadable retry", "HTTP 400, bsecretb"),
        // Not from Graph: a proxy's page says nothing about the room.
        (403, None, "<html>Blocked by policy</html>".into(), "CalendarUnreadable retry", "HTTP 403"),
        (404, None, "<html>Not Found</html>".into(), "CalendarUnreadable retry", "HTTP 404"),
        (429, Some("60"), "Too many requests".into(), "CalendarUnreadable retry after 60s", "HTTP 429"),
        (302, None, String::new(), "CalendarUnreadable retry", "HTTP 302"),
        (204, None, String::new(), "CalendarUnreadable retry", "HTTP 204"),
        (206, None, r#"{"value":[]}"#.into(), "CalendarUnreadable retry", "HTTP 206"),
    ] {
        let site = Site::new();
        let wait: Vec<(&'static str, &str)> = wait.map(|wait| ("retry-after", wait)).into_iter().collect();
        site.says(status, &wait, &body);
        let said = Reader::of(&site).read().await;
        let (what, message) = said.split_once(": ").unwrap();
        assert_eq!(what, expected, "{status} {body}: {said}");
        assert!(message.contains(mends), "{status} {body}: {said}");
        assert!(!message.contains(": secret") && !message.contains('<'), "{said}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_simulated_service_refuses_as_graph_does() {
    let site = Site::new();
    let mut reader = Reader::of(&site);
    assert!(reader.read().await.starts_with("RoomNotFound fix: "));
    site.book("a 05 10:00-11:00 Weekly");
    for access in [RoomAccess::Nothing, RoomAccess::FreeBusy] {
        site.rooms.change(ROOM, |room| room.access = access);
        let said = reader.read().await;
        assert!(said.starts_with("NoPermission fix: an application access policy"), "{said}");
    }
    site.rooms.change(ROOM, |room| room.access = RoomAccess::Reader);
    assert_eq!(reader.read().await, "05T10:00 05T11:00 Weekly");
}

#[tokio::test(start_paused = true)]
async fn a_token_that_ended_early_is_replaced_once_and_one_that_is_never_taken_is_the_accounts_trouble() {
    let site = Site::new();
    site.book("a 05 10:00-11:00 Weekly");
    let mut reader = Reader::of(&site);
    reader.read().await;
    // One that is refused at once would be refused again.
    tokio::time::advance(std::time::Duration::from_mins(2)).await;
    site.issued.revoke_all();
    assert_eq!(reader.read().await, "unchanged");
    assert_eq!((reader.spent.requests(), site.issued.count()), (3, 2));
    let refused = fault("InvalidAuthenticationToken", "secret");
    site.says(401, &[], &refused);
    site.says(401, &[], &refused);
    let said = reader.read().await;
    assert!(
        said.starts_with("CredentialsRefused account fix: Graph does not take the app's token (HTTP 401, Inv"),
        "{said}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_host_without_connection_is_everybodys_trouble_and_a_slow_answer_is_not() {
    for (error, expected) in [
        (HttpError::Dns, "CalendarUnreadable integration retry"),
        (HttpError::Connect("refused".into()), "CalendarUnreadable integration retry"),
        (HttpError::Deadline, "CalendarUnreadable retry"),
        (HttpError::Protocol("cut"), "CalendarUnreadable retry"),
    ] {
        let site = Site::new();
        site.fails(error.clone());
        let said = Reader::of(&site).read().await;
        assert_eq!(said.split_once(": ").unwrap().0, expected, "{error:?}");
    }
}
