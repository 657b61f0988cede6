//! A real CalDAV server: Radicale from PyPI, as `ci/test` installs it.

use std::process::Stdio;

use otj::http::{Http, HttpOptions, Method, Request, Url};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use super::asking::Asking;
use super::occurrences::calendar;
use crate::python::interpreter;

/// A server with the account `fjord`, password `right`, that ends with the test.
struct Radicale {
    process: Child,
    url: Url,
    http: Http,
    _directory: tempfile::TempDir,
}

impl Radicale {
    async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("users"), "fjord:right\n").unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let config = format!(
            "[server]\nhosts = 127.0.0.1:{port}\n[auth]\ntype = htpasswd\nhtpasswd_filename = {users}\nhtpasswd_encryption = plain\ndelay = 0\n\
             [storage]\nfilesystem_folder = {data}\n[logging]\nlevel = info\n",
            users = directory.path().join("users").display(),
            data = directory.path().join("data").display(),
        );
        std::fs::write(directory.path().join("config"), config).unwrap();
        let mut process = Command::new(interpreter())
            .args(["-m", "radicale", "--config"])
            .arg(directory.path().join("config"))
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let mut said = String::new();
        loop {
            let line = lines.next_line().await.unwrap();
            let line =
                line.unwrap_or_else(|| panic!("radicale ended before it listened; run ci/test to install it\n{said}"));
            if line.contains("Radicale server ready") {
                break;
            }
            said += &line;
            said.push('\n');
        }
        // Whoever stops reading stops the server at its next log line.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Self {
            process,
            url: format!("http://127.0.0.1:{port}/").parse().unwrap(),
            http: Http::new(HttpOptions { allow_loopback: true }).unwrap(),
            _directory: directory,
        }
    }

    async fn ask(&self, method: &str, path: &str, body: &str) -> u16 {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = Request::new(method, self.url.join(path).unwrap());
        request.headers.insert("authorization", otj::auth::basic::header("fjord", "right").parse().unwrap());
        request.body = body.to_owned().into();
        self.http.send(request).await.unwrap().status.as_u16()
    }

    async fn make_calendar(&self, path: &str, name: &str, component: &str) {
        let body = format!(
            r#"<C:mkcalendar xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:set><D:prop><D:displayname>{name}</D:displayname><C:supported-calendar-component-set><C:comp name="{component}"/></C:supported-calendar-component-set></D:prop></D:set></C:mkcalendar>"#
        );
        assert_eq!(self.ask("MKCALENDAR", path, &body).await, 201);
    }

    async fn put(&self, path: &str, text: &str) {
        let status = self.ask("PUT", path, &calendar(text)).await;
        assert!([201, 204].contains(&status), "{status} for {text}");
    }
}

const SERIES: &str = "VEVENT
    UID:series
    SUMMARY:daily
    DTSTART;TZID=Europe/Oslo:20251201T090000
    DTEND;TZID=Europe/Oslo:20251201T093000
    RRULE:FREQ=DAILY;UNTIL=20260108T080000Z
    VEVENT
    UID:series
    RECURRENCE-ID;TZID=Europe/Oslo:20260106T090000
    SUMMARY:moved
    DTSTART;TZID=Europe/Oslo:20260106T150000
    DTEND;TZID=Europe/Oslo:20260106T160000
    VEVENT
    UID:series
    RECURRENCE-ID;TZID=Europe/Oslo:20260107T090000
    SUMMARY:cancelled
    STATUS:CANCELLED
    DTSTART;TZID=Europe/Oslo:20260107T090000
    DTEND;TZID=Europe/Oslo:20260107T093000";

const INSTANCES: &str = "05T08:00 05T08:30 daily\n06T14:00 06T15:00 moved\n08T08:00 08T08:30 daily";

#[tokio::test]
async fn a_series_on_a_real_server_gives_exactly_its_instances_and_an_unchanged_poll_is_one_request() {
    let server = Radicale::start().await;
    server.make_calendar("/fjord/tasks/", "Tasks", "VTODO").await;
    server.make_calendar("/fjord/zz/", "fjord", "VEVENT").await;
    server.make_calendar("/fjord/aa/", "Another room", "VEVENT").await;
    server.put("/fjord/zz/series.ics", SERIES).await;
    server
        .put("/fjord/zz/far.ics", "VEVENT\nUID:far\nSUMMARY:far\nDTSTART:20270105T080000Z\nDTEND:20270105T090000Z")
        .await;
    server
        .put("/fjord/aa/other.ics", "VEVENT\nUID:o\nSUMMARY:other\nDTSTART:20260105T080000Z\nDTEND:20260105T090000Z")
        .await;

    let mut asking = Asking::caldav(server.url.as_str(), "right", None);
    assert_eq!(asking.read().await, INSTANCES);
    for _ in 0..3 {
        let before = asking.requests();
        assert_eq!(asking.read().await, "unchanged");
        assert_eq!(asking.requests() - before, 1, "an unchanged poll is one request");
    }
    let before = asking.requests();
    server
        .put(
            "/fjord/zz/day.ics",
            "VEVENT\nUID:day\nSUMMARY:day\nDTSTART;VALUE=DATE:20260110\nDTEND;VALUE=DATE:20260111",
        )
        .await;
    assert_eq!(asking.read().await, format!("{INSTANCES}\n09T23:00 10T23:00 day"));
    assert_eq!(asking.requests() - before, 2, "a changed poll is two requests");
    asking.request.fresh = true;
    assert_eq!(asking.read().await, format!("{INSTANCES}\n09T23:00 10T23:00 day"));
    asking.request.fresh = false;
    asking.request.window.to = "2026-01-10T00:00Z".parse().unwrap();
    assert_eq!(asking.read().await, format!("{INSTANCES}\n09T23:00 10T23:00 day"), "the token was for another window");
    assert_eq!(server.ask("DELETE", "/fjord/zz/series.ics", "").await, 200);
    assert_eq!(asking.read().await, "09T23:00 10T23:00 day");

    // The calendar moves: it is looked for again.
    assert_eq!(server.ask("DELETE", "/fjord/zz/", "").await, 200);
    server.make_calendar("/fjord/fjord@example.com/", "Meetings", "VEVENT").await;
    server.put("/fjord/fjord@example.com/series.ics", SERIES).await;
    assert_eq!(asking.read().await, INSTANCES);
}

#[tokio::test]
async fn documents_may_name_the_calendar_by_path_or_as_the_base_itself() {
    let server = Radicale::start().await;
    server.make_calendar("/fjord/room/", "Room", "VEVENT").await;
    server.put("/fjord/room/series.ics", SERIES).await;
    let whole = format!("{}fjord/room/", server.url);
    for (url, path) in [
        (server.url.as_str(), Some("/fjord/room/")),
        (server.url.as_str(), Some("fjord/room/")),
        (server.url.as_str(), Some(whole.as_str())),
        (whole.as_str(), None),
    ] {
        assert_eq!(Asking::caldav(url, "right", path).read().await, INSTANCES, "{url} {path:?}");
    }
    for (path, expected) in [
        ("/fjord/none/", "RoomNotFound fix: no calendar was found for this room: the server answers HTTP 404"),
        (
            "/fjord/",
            "RoomNotFound fix: no calendar was found for this room: what stands at its path is not a calendar collection",
        ),
        (
            "http://other.example/",
            "CalendarUnreadable retry: the calendar cannot be read: a link leads to another server than the integration's url",
        ),
    ] {
        assert_eq!(Asking::caldav(server.url.as_str(), "right", Some(path)).read().await, expected);
    }
}

#[tokio::test]
async fn a_wrong_password_is_refused_and_a_server_that_is_gone_is_unreadable() {
    let mut server = Radicale::start().await;
    server.make_calendar("/fjord/room/", "Room", "VEVENT").await;
    server.put("/fjord/room/series.ics", SERIES).await;
    let mut wrong = Asking::caldav(server.url.as_str(), "wrong", Some("/fjord/room/"));
    assert!(wrong.read().await.starts_with("CredentialsRefused fix: "));
    let mut asking = Asking::caldav(server.url.as_str(), "right", Some("/fjord/room/"));
    assert_eq!(asking.read().await, INSTANCES);
    server.process.kill().await.unwrap();
    let gone = asking.read().await;
    assert!(
        gone.starts_with("CalendarUnreadable retry: the calendar server cannot be reached: no connection"),
        "{gone}"
    );
    assert!(!gone.contains("127.0.0.1") && !gone.contains("right"), "{gone}");
}

#[tokio::test]
async fn without_a_path_a_real_servers_only_calendar_is_the_rooms_and_one_of_several_is_not() {
    let server = Radicale::start().await;
    server.make_calendar("/fjord/aa/", "Meetings", "VEVENT").await;
    server.make_calendar("/fjord/tasks/", "Tasks", "VTODO").await;
    server.put("/fjord/aa/series.ics", SERIES).await;
    assert_eq!(Asking::caldav(server.url.as_str(), "right", None).read().await, INSTANCES);
    server.make_calendar("/fjord/bb/", "Another room", "VEVENT").await;
    let refused = Asking::caldav(server.url.as_str(), "right", None).read().await;
    assert!(refused.starts_with("RoomNotFound fix: ") && refused.ends_with("set calendarPath"), "{refused}");
}
