//! Lists, items, changes, availability.

use otj::ews::ask::Ask;
use otj::ews::ask::items::{IdForm, Text};
use otj::ews::told::item::Occurrence;
use otj::ews::told::items::NoItem;
use otj::model::{Body, Busy};
use otj::sim::exchange::{ExchangeOptions, Mailbox, Processing};
use otj::sim::rooms::RoomAccess;

use super::rig::{ROOM, Site, at, event, otj, room, window};

fn list() -> Ask {
    Ask::list(window("05T00:00", "06T00:00"), 100)
}

#[test]
fn a_view_lists_the_occurrences_of_its_span_in_order_and_says_when_there_are_more() {
    let site = Site::new();
    site.book(ROOM, &["z 05T08:59 First", "y 04T23:00 Yesterday", "x 06T00:00 Tomorrow"]);
    for (most, subjects, complete) in
        [(100, vec!["First", "Standup", "Review"], true), (2, vec!["First", "Standup"], false)]
    {
        let found = site.reply(&Ask::list(window("05T00:00", "06T00:00"), most), &otj()).found().unwrap();
        let titles: Vec<String> =
            found.entries.iter().map(|it| it.as_ref().unwrap().subject.expose().to_owned()).collect();
        assert_eq!((titles, found.complete), (subjects.into_iter().map(str::to_owned).collect(), complete));
    }
}

#[test]
fn spans_and_counts_above_the_limits_are_refused() {
    let site = Site::with(ExchangeOptions { find_max: 1, ..ExchangeOptions::default() });
    let refused = |ask: &Ask| site.refusal(site.reply(ask, &otj()).found());
    assert_eq!(refused(&list()), "ErrorExceededFindCountLimit");
    let mut long = window("05T00:00", "06T00:00");
    long.to = "2028-02-06T00:00Z".parse().unwrap();
    assert_eq!(refused(&Ask::list(long, 1)), "ErrorCalendarViewRangeTooBig");
    assert_eq!(refused(&Ask::list(window("05T00:00", "06T00:00"), 1)), "none");
}

#[test]
fn an_item_has_everything_that_was_asked_for_and_another_change_key_after_each_change() {
    let site = Site::new();
    let keys = || -> Vec<(String, String)> {
        let found = site.reply(&list(), &otj()).found().unwrap();
        found.entries.into_iter().map(|item| item.unwrap().key).map(|key| (key.id, key.change_key)).collect()
    };
    let before = keys();
    let mut changed = event("a 05T09:00 Daily standup");
    changed.properties = vec![("UCCapabilities".into(), "<x>&".into())];
    changed.conference = Some("https://teams.example.com/l/1".into());
    changed.private = true;
    site.rooms.change(ROOM, |room| room.events.insert("a".into(), changed));
    let after = keys();
    assert_eq!(before.iter().map(|key| &key.0).collect::<Vec<_>>(), after.iter().map(|key| &key.0).collect::<Vec<_>>());
    assert_ne!(before[0].1, after[0].1);
    assert_eq!(before[1].1, after[1].1);
    let ids: Vec<&str> = after.iter().map(|key| key.0.as_str()).collect();
    let items = site.reply(&Ask::items(&ids, Text::Html).unwrap(), &otj()).items(2).unwrap();
    let item = items[0].as_ref().unwrap();
    assert_eq!(item.key.change_key, after[0].1);
    assert_eq!(
        (item.uid.as_deref(), item.start, item.end),
        (Some("uid-a"), Some(at("05T09:00")), Some(at("05T09:30")))
    );
    assert_eq!((item.organizer.name.expose(), item.organizer.email.expose()), ("Carol Example", "carol@example.com"));
    assert!(item.sensitivity.unwrap().is_private());
    let properties: Vec<(&str, &str)> = item.properties.iter().map(|(name, value)| (*name, value.expose())).collect();
    assert_eq!(properties, [("skype_teams_meeting_url", "https://teams.example.com/l/1"), ("uc_capabilities", "<x>&")]);
    assert!(matches!(&item.body, Body::Html(text) if text.expose().contains("href=\"https://meet.example.com/a\"")));
    let plain = site.reply(&Ask::items(&ids, Text::Plain).unwrap(), &otj()).items(2).unwrap();
    let Body::Text(text) = &plain[0].as_ref().unwrap().body else { panic!() };
    assert_eq!(text.expose().trim_end(), "Join here<https://meet.example.com/a>");
}

#[test]
fn occurrences_know_their_series_and_share_its_change_key() {
    let site = Site::new();
    let occurrence = |line: &str, first: &str| {
        let mut event = event(line);
        event.series = Some(("s".into(), at(first)));
        event
    };
    let (same, moved) = (occurrence("s1 05T11:00 Weekly", "05T11:00"), occurrence("s2 05T12:30 Weekly", "05T12:00"));
    site.rooms.change(ROOM, |room| {
        room.events = [same, moved].into_iter().map(|event| (event.id.clone(), event)).collect();
    });
    let found = site.reply(&list(), &otj()).found().unwrap();
    let items: Vec<_> = found.entries.into_iter().map(Result::unwrap).collect();
    let told: Vec<_> = items.iter().map(|item| (item.occurrence.unwrap(), item.original_start.unwrap())).collect();
    assert_eq!(told, [(Occurrence::Occurrence, at("05T11:00")), (Occurrence::Exception, at("05T12:00"))]);
    assert_eq!(items[0].key.change_key, items[1].key.change_key);
    assert_ne!(items[0].key.id, items[1].key.id);
}

#[test]
fn an_item_that_is_gone_and_an_id_that_is_none_are_told_apart_from_the_others() {
    let site = Site::new();
    let found = site.reply(&list(), &otj()).found().unwrap();
    let ids: Vec<String> = found.entries.into_iter().map(|item| item.unwrap().key.id).collect();
    site.rooms.change(ROOM, |room| room.events.remove("a"));
    let asked = Ask::items(&[ids[0].as_str(), "AAMk", ids[1].as_str()], Text::Html).unwrap();
    let items = site.reply(&asked, &otj()).items(3).unwrap();
    let codes: Vec<String> = items
        .iter()
        .map(|item| match item {
            Ok(_) => "given".into(),
            Err(NoItem::Said(said)) => said.code().to_owned(),
            Err(_) => "broken".into(),
        })
        .collect();
    assert_eq!(codes, ["ErrorItemNotFound", "ErrorInvalidIdMalformed", "given"]);
}

#[test]
fn changes_are_told_once_page_by_page_and_an_odd_state_is_refused() {
    let site = Site::new();
    let sync = |state: Option<&str>, most| site.reply(&Ask::sync(state, most), &otj()).synced();
    let first = sync(None, 1).unwrap();
    assert_eq!((first.changed.len(), first.complete), (1, false));
    let second = sync(Some(&first.state), 1).unwrap();
    assert_eq!((second.changed.len(), second.complete), (1, true));
    let third = sync(Some(&second.state), 512).unwrap();
    assert_eq!((third.changed.len(), third.complete, &third.state), (0, true, &second.state));
    site.book(ROOM, &["a 05T09:15 Standup"]);
    site.rooms.change(ROOM, |room| room.events.remove("b"));
    let last = sync(Some(&third.state), 512).unwrap();
    assert_eq!((last.changed.len(), last.deleted.len()), (1, 1));
    assert_eq!(site.refusal(sync(Some("H4sIAAA="), 512)), "ErrorInvalidSyncStateData");
}

#[test]
fn calendar_processing_leaves_what_it_is_configured_to_leave() {
    let site = Site::new();
    site.rooms.change(ROOM, |room| room.events.get_mut("a").unwrap().private = true);
    let look = |processing: Processing| {
        site.fake.change(|org| {
            let mailbox = Mailbox { processing: Some(processing), ..Mailbox::default() };
            org.mailboxes.insert(ROOM.into(), mailbox)
        });
        let id = site.reply(&list(), &otj()).found().unwrap().entries.remove(0).unwrap().key.id;
        let item = site.reply(&Ask::items(&[id], Text::Html).unwrap(), &otj()).items(1).unwrap().remove(0).unwrap();
        let has_body = !matches!(item.body, Body::None);
        format!("{} {has_body} {}", item.subject.expose(), item.sensitivity.unwrap().name())
    };
    assert_eq!(look(Processing::KEPT), "Standup true Private");
    assert_eq!(look(Processing::EXCHANGE_DEFAULT), "Carol Example false Normal");
    assert_eq!(look(Processing { delete_subject: true, ..Processing::KEPT }), " true Private");
    assert_eq!(look(Processing { delete_comments: true, ..Processing::KEPT }), "Standup false Private");
}

#[test]
fn each_of_a_hundred_mailboxes_has_an_answer_of_its_own() {
    let site = Site::new();
    site.rooms.change("closed@example.com", |room| room.access = RoomAccess::Nothing);
    let asked = ["closed@example.com", ROOM, "nobody@example.com"].map(room);
    let day = window("05T00:00", "06T00:00");
    let busy = site.reply(&Ask::availability(&asked, day).unwrap(), &otj()).busy(3).unwrap();
    let taken = Busy::of([(at("05T09:00"), at("05T09:30")), (at("05T10:00"), at("05T10:30"))]);
    let told: Vec<String> = busy
        .iter()
        .map(|room| match room {
            Ok(spans) if *spans == taken => "taken".into(),
            Ok(_) => "otherwise".into(),
            Err(said) => said.code().to_owned(),
        })
        .collect();
    assert_eq!(told, ["ErrorNoFreeBusyAccess", "taken", "ErrorMailRecipientNotFound"]);
    let refused = |ask: &Ask| site.refusal(site.ask(ask, &otj()).unwrap());
    assert_eq!(refused(&Ask::availability(&asked, window("01T00:00", "31T00:00")).unwrap()), "none");
    let mut long = day;
    long.to = at("05T00:00") + jiff::SignedDuration::from_hours(43 * 24);
    assert_eq!(refused(&Ask::availability(&asked, long).unwrap()), "ErrorTimeIntervalTooBig");
}

#[test]
fn ids_are_converted_there_and_back() {
    let site = Site::new();
    let id = site.reply(&list(), &otj()).found().unwrap().entries.remove(0).unwrap().key.id;
    let hex = Ask::convert(&[&id], IdForm::Ews, IdForm::HexEntry, ROOM).unwrap();
    let hex = site.reply(&hex, &otj()).converted(1).unwrap().remove(0).unwrap();
    assert!(hex.chars().all(|digit| digit.is_ascii_hexdigit()), "{hex}");
    let back = Ask::convert(&[&hex], IdForm::HexEntry, IdForm::Ews, ROOM).unwrap();
    assert_eq!(site.reply(&back, &otj()).converted(1).unwrap().remove(0).unwrap(), id);
}
