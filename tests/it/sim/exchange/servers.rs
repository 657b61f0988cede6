//! Several servers: where a mailbox is, where it was, where it is said to be; and in which versions they are asked.

use otj::ews::ask::Ask;
use otj::ews::autodiscover::{Direction, Served, directions, question};
use otj::ews::version::Version;
use otj::http::{Method, header};
use otj::sim::exchange::Mailbox;

use super::rig::{AUTODISCOVER, As, ONE, ROOM, Site, TWO, otj, room};

/// What Autodiscover says of some mailboxes.
fn directed(site: &Site, mailboxes: &[&str]) -> Vec<Direction> {
    let mailboxes: Vec<_> = mailboxes.iter().map(|email| room(email)).collect();
    let body = question(AUTODISCOVER, &mailboxes).unwrap();
    let (status, _, answer) = site.send(&Site::request(AUTODISCOVER, body, &otj()));
    assert_eq!(status, 200);
    directions(&answer, mailboxes.len()).unwrap().mailboxes
}

fn served(url: &str) -> Direction {
    let url = Some(url.to_owned());
    Direction::Served(Served { external: url.clone(), internal: url, group: Some("Default-First-Site-Name".into()) })
}

fn special(site: &Site, change: impl FnOnce(&mut Mailbox)) {
    let mut mailbox = Mailbox::default();
    change(&mut mailbox);
    site.fake.change(|org| org.mailboxes.insert(ROOM.into(), mailbox));
}

#[test]
fn each_mailbox_gets_its_own_direction() {
    let site = Site::new();
    site.rooms.change("dal@example.com", |_| ());
    assert_eq!(directed(&site, &[ROOM, "nobody@example.com"]), [served(ONE), Direction::NoMailbox]);
    special(&site, |it| it.redirect_address = Some("fjord@other.example".into()));
    assert_eq!(
        directed(&site, &[ROOM, "dal@example.com"]),
        [Direction::Address("fjord@other.example".into()), served(ONE)]
    );
    special(&site, |it| it.redirect_url = Some("https://x.example/autodiscover/autodiscover.svc".into()));
    assert_eq!(directed(&site, &[ROOM]), [Direction::Url("https://x.example/autodiscover/autodiscover.svc".into())]);
    site.fake.change(|org| org.autodiscover_busy = true);
    assert_eq!(directed(&site, &[ROOM]), [Direction::Busy]);
}

#[test]
fn a_host_can_send_elsewhere_before_anybody_signs_in() {
    let site = Site::new();
    site.fake.change(|org| {
        org.redirects.insert("autodiscover.example.com".into(), AUTODISCOVER.replace("auto", "other").parse().unwrap())
    });
    let mut get = Site::request("http://autodiscover.example.com/autodiscover/autodiscover.xml", String::new(), &otj());
    get.method = Method::GET;
    get.headers.clear();
    let (status, headers, _) = site.send(&get);
    assert_eq!((status.as_u16(), headers[header::LOCATION].to_str().unwrap().contains("other")), (302, true));
}

#[test]
fn a_moved_mailbox_is_refused_where_it_was_and_autodiscover_can_lag_behind() {
    let site = Site::new();
    let at = |url: &'static str| site.refusal(site.reply(&Ask::sync(None, 1), &As { url, ..otj() }).synced());
    assert_eq!((at(ONE), at(TWO)), ("none".into(), "ErrorProxyRequestNotAllowed".into()));
    special(&site, |it| it.moving = true);
    assert_eq!((at(ONE), at(TWO)), ("ErrorMailboxMoveInProgress".into(), "ErrorMailboxMoveInProgress".into()));
    special(&site, |it| (it.on, it.directory) = (Some("two".into()), Some("one".into())));
    assert_eq!((at(ONE), at(TWO)), ("ErrorProxyRequestNotAllowed".into(), "none".into()));
    assert_eq!(directed(&site, &[ROOM]), [served(ONE)]);
    special(&site, |it| it.on = Some("two".into()));
    assert_eq!(directed(&site, &[ROOM]), [served(TWO)]);
    site.fake.change(|org| org.servers.get_mut("one").unwrap().proxies = true);
    assert_eq!(at(ONE), "none");
}

#[test]
fn an_old_server_knows_old_versions_alone_and_says_what_it_is() {
    let site = Site::new();
    for (build, knows) in [((14, 1, 218, 15), 1), ((14, 3, 123, 4), 2), ((15, 0, 516, 32), 3), ((15, 2, 1544, 4), 4)] {
        site.fake.change(|org| org.servers.get_mut("one").unwrap().build = build);
        let known = std::iter::successors(Some(Version::default()), |version| version.older())
            .map(|version| site.ask(&Ask::sync(None, 1), &As { version, ..otj() }).unwrap())
            .filter(|told| match told {
                Ok(reply) => {
                    let (major, minor, number, revision) = build;
                    assert_eq!(reply.server().unwrap().to_string(), format!("{major}.{minor}.{number}.{revision}"));
                    true
                }
                Err(_) => false,
            })
            .count();
        assert_eq!(known, knows, "{build:?}");
    }
}

#[test]
fn what_nobody_serves_is_not_found() {
    let site = Site::new();
    for url in [
        "https://three.example.com/EWS/Exchange.asmx",
        "https://one.example.com/owa/",
        "https://one.example.com:8443/EWS/Exchange.asmx",
    ] {
        assert_eq!(site.send(&Site::request(url, String::new(), &otj())).0, 404, "{url}");
    }
}
