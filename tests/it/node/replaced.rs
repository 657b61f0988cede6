//! The original title of a replaced one, and whatever else stands in the invitation, on its way through a whole node: calendars in,
//! codecs, Poly endpoints, pages, metrics, log and disk out.
//!
//! Every part of the invitations carries a word of its own, so that a leak says where it came from. `Ada Heron`, who invites, is
//! shown by design where a title is replaced by her name; the address to join by is dialled. Neither is in log, metrics, pages
//! without a token, or on the disk.

use std::collections::BTreeMap;
use std::path::Path;

use otj::auth::basic;
use otj::ews::tree::Element;
use otj::http::{Method, Request, Trust, Url};
use otj::sim::cisco::Device;

use super::{Daemon, Site, codec, eventually, screen};
use crate::poly::desk::{find, get, ids, items, soap};
use crate::python::root;

/// Words that leave the node nowhere: of titles, text, place, guests, passcodes.
const NOWHERE: &[&str] = &[
    "kingfisher",
    "wagtail",
    "dipper",
    "redstart",
    "nuthatch",
    "whinchat",
    "fieldfare",
    "goldcrest",
    "treecreeper",
    "siskin",
];

/// What endpoints and readers see, and log, metrics and disk do not.
const ON_SCREENS_ALONE: &[&str] = &["heron", "88239814431", "88239814432"];

/// What each profile makes of the private meeting: its settings, the titles that its endpoints are given, and what a codec's
/// screen shows of them, which keeps titles of private meetings to itself.
const PROFILES: &[(&str, &str, &str, &str)] = &[
    ("title", "replaceSubjectTemplate: Reserved", "Reserved* standup*", "Scheduled meeting* standup*"),
    ("name", "replaceSubject: PrivateOnly", "Ada Heron* standup*", "Scheduled meeting* standup*"),
    // Its template fails on every title that is not very long.
    (
        "failing",
        "replaceSubjectTemplate: '{{ calendar_event.subject|pex_require_min_length(400) }}'",
        "Ada Heron* standup*",
        "Scheduled meeting* standup*",
    ),
    (
        "nojoin",
        "processAliasForPrivateMeetings: false, replaceSubjectTemplate: Reserved",
        "Reserved standup*",
        "Scheduled meeting standup*",
    ),
    ("hidden", "privateMeetings: false", "standup*", "standup*"),
    (
        "always",
        "replaceSubject: Always, replaceSubjectTemplate: Reserved",
        "Reserved* Reserved*",
        "Reserved* Scheduled meeting*",
    ),
];

/// A rule that fails with the title in hand goes before the one that finds the address.
fn documents(codecs: &BTreeMap<&str, (Device, std::net::SocketAddr)>) -> String {
    let mut text =
        "apiVersion: otj/v1\nkind: IcsIntegration\nmetadata: {name: calendars}\nspec: {directory: calendars}\n"
            .to_owned();
    for (name, settings, ..) in PROFILES {
        let room = if *name == "always" { "vik" } else { "fjord" };
        let address = codecs[name].1;
        text.push_str(&format!(
            "---
apiVersion: otj/v1
kind: Profile
metadata: {{name: {name}}}
spec: {{integration: calendars, fallback: Never, cisco: {{username: otj, password: {{file: codec}}, tls: Insecure}}, {settings}}}
---
apiVersion: otj/v1
kind: Rule
metadata: {{name: {name}-title}}
spec: {{profile: {name}, priority: 1, type: Custom, template: '{{{{ calendar_event.subject|pex_require_min_length(400) }}}}'}}
---
apiVersion: otj/v1
kind: Rule
metadata: {{name: {name}-zoom}}
spec: {{profile: {name}, priority: 2, type: Zoom}}
---
apiVersion: otj/v1
kind: Endpoint
metadata: {{name: codec-{name}}}
spec: {{profile: {name}, roomEmail: {room}@example.com, cisco: {{address: {}, port: {}}}}}
---
apiVersion: otj/v1
kind: Endpoint
metadata: {{name: poly-{name}}}
spec: {{profile: {name}, roomEmail: {room}@example.com, poly: {{username: poly-{name}, password: {{file: poly}}}}}}
",
            address.ip(),
            address.port()
        ));
    }
    text
}

/// A meeting that begins so many hours from now, with a word in each of its parts.
fn meeting(site: &Site, uid: &str, class: &str, hours: i64) -> String {
    let at = |hours| {
        (site.clock.now().wall + jiff::SignedDuration::from_hours(hours)).strftime("%Y%m%dT%H%M%SZ").to_string()
    };
    format!(
        "BEGIN:VEVENT\r\nUID:{uid}-goldcrest@example.com\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:{}\r\nDTEND:{}\r\nCLASS:{class}\r\n\
         SUMMARY:Kingfisher takeover {uid}\r\nLOCATION:Wagtail house\r\nORGANIZER;CN=Ada Heron:mailto:ada@example.com\r\n\
         ATTENDEE;CN=Dipper Dan:mailto:redstart@example.com\r\nCOMMENT:Nuthatch\r\nCATEGORIES:Whinchat\r\nX-SISKIN:siskin\r\n\
         DESCRIPTION:Fieldfare agenda https://us02web.zoom.us/j/8823981443{hours}?pwd=treecreeper\r\nEND:VEVENT\r\n",
        at(hours),
        at(hours + 1)
    )
}

/// An open meeting with nothing to hide.
fn standup(site: &Site) -> String {
    let at = |hours| {
        (site.clock.now().wall + jiff::SignedDuration::from_hours(hours)).strftime("%Y%m%dT%H%M%SZ").to_string()
    };
    format!(
        "BEGIN:VEVENT\r\nUID:standup\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:{}\r\nDTEND:{}\r\nSUMMARY:standup\r\n\
         DESCRIPTION:https://us02web.zoom.us/j/95550001111\r\nEND:VEVENT\r\n",
        at(3),
        at(4)
    )
}

fn calendar(site: &Site, room: &str, events: &[String]) {
    let text = format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\n{}END:VCALENDAR\r\n", events.concat());
    std::fs::write(site.path(&format!("otj.d/calendars/{room}@example.com.ics")), text).unwrap();
}

/// Nothing of `words` is in `text`.
fn without(words: &[&str], place: &str, text: &str) {
    let text = text.to_lowercase();
    for word in words {
        if let Some(at) = text.find(word) {
            let around: String = text[..at].chars().rev().take(200).collect::<Vec<_>>().into_iter().rev().collect();
            panic!("`{word}` is in {place}, after: {around}");
        }
    }
}

/// Every address that the router answers a GET on, for every room and endpoint.
fn pages() -> Vec<String> {
    let source = std::fs::read_to_string(root("src/web/mod.rs")).unwrap();
    let routes = source.split(".route(\"").skip(1).filter_map(|rest| {
        let (path, rest) = rest.split_once('"')?;
        rest.starts_with(", get(").then_some(path)
    });
    let mut pages = vec![];
    for route in routes {
        match route.strip_suffix("{name}") {
            None => pages.push(route.to_owned()),
            Some(list) => {
                pages.extend(
                    PROFILES
                        .iter()
                        .flat_map(|(name, ..)| [format!("{list}codec-{name}"), format!("{list}poly-{name}")]),
                );
                pages.extend(["fjord", "vik"].map(|room| format!("{list}{room}@example.com")));
            }
        }
    }
    assert!(pages.len() > 25, "{pages:?}");
    pages
}

/// The text of an answer, by whoever has the token or nobody in particular.
async fn ask(
    site: &Site,
    daemon: &Daemon,
    method: Method,
    path: &str,
    token: Option<&str>,
    body: &str,
) -> (u16, String) {
    let mut request = Request::new(method, Url::parse(&format!("http://{}{path}", daemon.web)).unwrap());
    request.body = body.as_bytes().to_vec().into();
    if let Some(token) = token {
        request.headers.insert("authorization", format!("Bearer {token}").parse().unwrap());
    }
    let answer = site.http.send(request).await.unwrap();
    (answer.status.as_u16(), format!("{:?} {}", answer.headers, String::from_utf8_lossy(&answer.body)))
}

/// All that the pages and the API say.
async fn look_at_pages(site: &Site, daemon: &Daemon) {
    let token = std::fs::read_to_string(site.path("data/admin.token")).unwrap();
    let mut seen = String::new();
    for page in pages() {
        let (_, open) = ask(site, daemon, Method::GET, &page, None, "").await;
        without(&[NOWHERE, ON_SCREENS_ALONE, &["reserved"]].concat(), &format!("{page} without a token"), &open);
        let (status, read) = ask(site, daemon, Method::GET, &page, Some(token.trim()), "").await;
        without(NOWHERE, &page, &read);
        if !["/", "/api/v1/meetings", "/api/admin/status/v1/mjx_meeting/"].contains(&page.as_str()) {
            without(ON_SCREENS_ALONE, &page, &read);
        }
        if status == 200 {
            seen.push_str(&read);
        }
    }
    for (path, body) in [("/-/reload", ""), ("/api/v1/approve", r#"{"checksum": "0000000000000000"}"#)] {
        without(NOWHERE, path, &ask(site, daemon, Method::POST, path, Some(token.trim()), body).await.1);
    }
    for shown in ["Reserved", "Ada Heron", "standup", "88239814431"] {
        assert!(seen.contains(shown), "no page shows {shown}");
    }
    let (_, meetings) =
        ask(site, daemon, Method::GET, "/api/v1/meetings?endpointName=poly-hidden", Some(token.trim()), "").await;
    assert!(meetings.contains("standup"), "{meetings}");
    without(ON_SCREENS_ALONE, "the meetings of an endpoint without private ones", &meetings);
}

/// All that the Exchange which Poly endpoints ask says of a room's meetings.
async fn look_at_exchange(site: &Site, daemon: &Daemon, name: &str) {
    let post = async |body: String| {
        let url = Url::parse(&format!("https://{}/EWS/Exchange.asmx", daemon.poly)).unwrap();
        let mut request = Request::new(Method::POST, url);
        request.trust = Trust::Insecure;
        request
            .headers
            .insert("authorization", basic::header(&format!("poly-{name}"), "a-long-poly-password").parse().unwrap());
        request.body = soap("", &body).into();
        let answer = site.http.send(request).await.unwrap();
        String::from_utf8(answer.body.to_vec()).unwrap()
    };
    let day = |days: i64| {
        (site.clock.now().wall + jiff::SignedDuration::from_hours(24 * days)).strftime("%Y-%m-%d").to_string()
    };
    let found = post(find("", &day(-1), &day(2))).await;
    let listed = ids(items(&Element::parse(found.as_bytes()).unwrap()));
    let got = post(get(&listed)).await;
    assert!(got.contains("standup") || got.contains("Reserved"), "{got}");
    for answer in [found, got] {
        without(NOWHERE, &format!("what poly-{name} is answered"), &answer);
        if name == "hidden" {
            without(ON_SCREENS_ALONE, "what an endpoint without private meetings is answered", &answer);
        }
        if name == "nojoin" {
            without(&["88239814431"], "what an endpoint without the address is answered", &answer);
        }
    }
}

/// All that was sent to a codec.
fn look_at_codec(name: &str, title: &str, device: &Device) {
    let sent = device.with(|codec, _| {
        codec.received.iter().map(|it| format!("{} {}", it.line, it.body.expose())).collect::<String>()
    });
    assert!(
        sent.contains(&format!("&quot;Title&quot;:&quot;{title}&quot;")),
        "codec-{name} was not sent {title:?}: {sent}"
    );
    without(NOWHERE, &format!("what codec-{name} was sent"), &sent);
    if name == "hidden" {
        without(ON_SCREENS_ALONE, "what a codec without private meetings was sent", &sent);
    }
    if name == "nojoin" {
        without(&["88239814431"], "what a codec without the address was sent", &sent);
    }
}

/// Every byte under `directory`, as text.
fn bytes_below(directory: &Path) -> String {
    let mut text = String::new();
    for entry in std::fs::read_dir(directory).unwrap().map(Result::unwrap) {
        match entry.file_type().unwrap().is_dir() {
            true => text.push_str(&bytes_below(&entry.path())),
            false => text.push_str(&String::from_utf8_lossy(&std::fs::read(entry.path()).unwrap())),
        }
    }
    text
}

async fn screens(site: &Site, daemon: &Daemon, codecs: &BTreeMap<&str, (Device, std::net::SocketAddr)>) {
    for (name, _, given, shown) in PROFILES {
        eventually(given, async || site.poly_shows_to(daemon, &format!("poly-{name}")).await).await;
        eventually(shown, async || screen(&codecs[name].0)).await;
    }
}

async fn look_everywhere(site: &Site, daemon: &Daemon, codecs: &BTreeMap<&str, (Device, std::net::SocketAddr)>) {
    look_at_pages(site, daemon).await;
    for (name, _, given, _) in PROFILES {
        look_at_exchange(site, daemon, name).await;
        let title = if given.starts_with("Ada") { "Ada Heron" } else { given.split([' ', '*']).next().unwrap() };
        look_at_codec(name, title, &codecs[name].0);
    }
}

#[tokio::test]
async fn the_original_of_a_replaced_title_reaches_no_screen_page_log_or_disk() {
    let site = Site::bare().await;
    let mut codecs = BTreeMap::new();
    for (at, (name, ..)) in PROFILES.iter().enumerate() {
        codecs.insert(*name, codec(&site.clock, &format!("FOC{at}"), &site.stop).await);
    }
    site.write("documents.yaml", &documents(&codecs));
    calendar(&site, "fjord", &[meeting(&site, "a", "PRIVATE", 1), standup(&site)]);
    calendar(&site, "vik", &[meeting(&site, "b", "PUBLIC", 1), meeting(&site, "c", "CONFIDENTIAL", 2)]);

    let daemon = site.start_at("trace");
    screens(&site, &daemon, &codecs).await;
    look_everywhere(&site, &daemon, &codecs).await;
    let mut log = daemon.log.lock().unwrap().clone();
    drop(daemon); // kill -9

    // From the store: neither calendars nor documents.
    for room in ["fjord", "vik"] {
        std::fs::write(
            site.path(&format!("otj.d/calendars/{room}@example.com.ics")),
            "BEGIN:VCALENDAR\r\nSUMMARY:Kingfisher\r\n",
        )
        .unwrap();
    }
    site.write("documents.yaml", "apiVersion: otj/v1\nkind: Endpoint\nmetadata: {name: half");
    let daemon = site.start_at("trace");
    screens(&site, &daemon, &codecs).await;
    look_everywhere(&site, &daemon, &codecs).await;

    // A removal and a change, which go through the gate and are logged.
    site.write("documents.yaml", &documents(&codecs));
    calendar(&site, "fjord", &[standup(&site)]);
    eventually("standup*", async || screen(&codecs["title"].0)).await;
    log.push_str(&daemon.log.lock().unwrap());
    drop(daemon);

    for expected in ["codec-title", "\"DEBUG\"", "\"INFO\""] {
        assert!(log.contains(expected), "the log tells too little: {expected} is missing");
    }
    without(&[NOWHERE, ON_SCREENS_ALONE, &["reserved"]].concat(), "the log", &log);
    let disk = bytes_below(&site.path("data"));
    assert!(disk.contains("fjord@example.com"), "names of records stand in the open");
    without(&[NOWHERE, ON_SCREENS_ALONE, &["reserved", "a-long-poly-password"]].concat(), "the store", &disk);
}
