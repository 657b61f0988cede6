//! Which of an account's calendars is a room's, where documents do not say: never one that could be another room's.

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};

use super::asking::Asking;
use super::egress::serve;
use super::occurrences::calendar;

/// An account on a server that makes calendars up.
struct Account {
    /// Its own addresses.
    addresses: &'static [&'static str],
    /// (Path below its home, display name, component) of its calendars.
    calendars: &'static [(&'static str, &'static str, &'static str)],
    /// Status of the question for its default calendar, and that calendar's path below its home.
    default: (u16, &'static str),
}

const PLAIN: Account = Account { addresses: &["mailto:otj@example.com"], calendars: &[], default: (207, "") };

fn response(href: &str, properties: &str) -> String {
    format!(
        "<D:response><D:href>{href}</D:href><D:propstat><D:prop>{properties}</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>"
    )
}

/// What stands at `path`. The name of a calendar is the title of its only event.
fn answer(account: &Account, method: &str, path: &str) -> (u16, String) {
    let href = |path: &str| format!("<D:href>{path}</D:href>");
    let addresses: String = account.addresses.iter().map(|address| href(address)).collect();
    let (status, responses) = match (method, path.strip_prefix("/home/")) {
        ("REPORT", Some(name)) => {
            let name = name.trim_end_matches('/');
            let event =
                calendar(&format!("VEVENT\nUID:a\nSUMMARY:{name}\nDTSTART:20260105T080000Z\nDTEND:20260105T090000Z"));
            (207, response(&format!("{path}a.ics"), &format!("<C:calendar-data><![CDATA[{event}]]></C:calendar-data>")))
        }
        (_, Some("")) => {
            let one = |(path, name, component): &(&str, &str, &str)| {
                let properties = format!(
                    r#"<D:resourcetype><D:collection/><C:calendar/></D:resourcetype><D:displayname>{name}</D:displayname><C:supported-calendar-component-set><C:comp name="{component}"/></C:supported-calendar-component-set>"#
                );
                response(&format!("/home/{path}/"), &properties)
            };
            (207, account.calendars.iter().map(one).collect())
        }
        (_, Some(_)) => (207, response(path, "<D:resourcetype><D:collection/><C:calendar/></D:resourcetype>")),
        _ if path == "/me/" => {
            let properties = format!(
                "<C:calendar-home-set>{}</C:calendar-home-set><C:schedule-inbox-URL>{}</C:schedule-inbox-URL><C:calendar-user-address-set>{addresses}</C:calendar-user-address-set>",
                href("/home/"),
                href("/inbox/"),
            );
            (207, response(path, &properties))
        }
        _ if path == "/inbox/" => {
            let (status, default) = account.default;
            let target = href(&format!("/home/{default}/"));
            (
                status,
                response(path, &format!("<C:schedule-default-calendar-URL>{target}</C:schedule-default-calendar-URL>")),
            )
        }
        _ => (207, response(path, &format!("<D:current-user-principal>{}</D:current-user-principal>", href("/me/")))),
    };
    let body = format!(
        "<D:multistatus xmlns:D=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:caldav\">{responses}</D:multistatus>"
    );
    (status, body)
}

/// What the room fjord@example.com is shown.
async fn found(account: Account) -> String {
    let account = std::sync::Arc::new(account);
    let router = Router::new().fallback(move |request: Request| {
        let (status, body) = answer(&account, request.method().as_str(), request.uri().path());
        async move { (StatusCode::from_u16(status).unwrap(), body).into_response() as Response }
    });
    let read = Asking::caldav(serve(router).await.as_str(), "right", None).read().await;
    read.strip_prefix("05T08:00 05T09:00 ").unwrap_or(&read).to_owned()
}

#[tokio::test]
async fn a_calendar_is_taken_only_where_it_can_be_no_other_rooms() {
    const NAMED: &str = "RoomNotFound fix: no calendar was found for this room: ";
    const OWN: &[&str] = &["/me/", "mailto:Fjord@Example.com"];
    const TWO: &[(&str, &str, &str)] = &[("a", "Work", "VEVENT"), ("b", "Home", "VEVENT")];
    let several = "the account has several calendars, and nothing says which is the room's; set calendarPath";
    let named_twice = "several calendars are named after the room; set calendarPath";
    let none = "the account has no calendar for events; set calendarPath";
    let another = "the account's only calendar is named after another address; set calendarPath";
    for (account, expected) in [
        // Its name says so: the address before what stands before the @.
        (Account { calendars: &[("vik", "Vik", "VEVENT"), ("fjord", "", "VEVENT")], ..PLAIN }, "fjord"),
        (Account { calendars: &[("a", "Vik", "VEVENT"), ("b", "FJORD", "VEVENT")], ..PLAIN }, "b"),
        (Account { calendars: &[("fjord", "", "VEVENT"), ("b", "Fjord@example.com", "VEVENT")], ..PLAIN }, "b"),
        (
            Account { calendars: &[("fjord%40example.com", "", "VEVENT"), ("b", "x", "VEVENT")], ..PLAIN },
            "fjord%40example.com",
        ),
        (Account { calendars: &[("fjord", "", "VEVENT"), ("b", "Fjord", "VEVENT")], ..PLAIN }, named_twice),
        (Account { calendars: &[("fjord@other.example", "", "VEVENT"), ("b", "", "VEVENT")], ..PLAIN }, several),
        // It is the only one for events.
        (Account { calendars: &[("a", "Work", "VEVENT"), ("fjord", "", "VTODO")], ..PLAIN }, "a"),
        (Account { calendars: &[("a", "vik@example.com", "VEVENT")], ..PLAIN }, another),
        (Account { calendars: &[("fjord", "", "VTODO")], ..PLAIN }, none),
        (Account { calendars: &[], ..PLAIN }, none),
        // The account is the room's, and one is its default.
        (Account { addresses: OWN, calendars: TWO, default: (207, "b") }, "b"),
        (Account { addresses: &["/principals/fjord/"], calendars: TWO, default: (207, "b") }, "b"),
        (Account { addresses: OWN, calendars: TWO, default: (207, "c") }, several),
        (Account { addresses: OWN, calendars: TWO, default: (404, "b") }, several),
        (Account { addresses: &["mailto:fjord@other.example"], calendars: TWO, default: (207, "b") }, several),
        (Account { calendars: TWO, default: (207, "b"), ..PLAIN }, several),
    ] {
        let shown = format!("{:?} {:?} {:?}", account.addresses, account.calendars, account.default);
        let found = found(account).await;
        assert_eq!(found.strip_prefix(NAMED).unwrap_or(&found), expected, "{shown}");
    }
    // What may pass is asked again, not guessed.
    let busy = found(Account { addresses: OWN, calendars: TWO, default: (503, "b") }).await;
    assert!(busy.starts_with("Throttled retry"), "{busy}");
}
