//! Where mailboxes are looked for, and who is given the credentials meanwhile.

use tokio::task::JoinSet;

use super::peer::{EWS, Reader, Site};

const OWN: &str = "https://example.com/autodiscover/autodiscover.svc";
const BESIDE: &str = "https://autodiscover.example.com/autodiscover/autodiscover.svc";
const PLAIN: &str = "http://autodiscover.example.com/autodiscover/autodiscover.xml";
const BRANCH: &str = "https://branch.example.com/EWS/Exchange.asmx";

fn site() -> std::sync::Arc<Site> {
    let site = Site::new();
    site.book("a 06 08:00-09:00 Talk");
    site
}

const TALK: &str = "uid-a 06 08:00-06 09:00 Talk";

#[tokio::test(start_paused = true)]
async fn the_candidates_are_asked_in_their_order_and_the_one_that_answered_is_remembered() {
    let site = site();
    site.leads(BESIDE, &format!("* {EWS}"));
    let mut reader = Reader::discovering(&site);
    assert_eq!(reader.read().await, TALK);
    let asked = [format!("POST {BESIDE}"), "FindItem fjord@example.com".into(), "GetItem fjord@example.com".into()];
    // The first one answers 404 before anybody asks for a password.
    assert_eq!(site.requests(), asked);
    assert_eq!(reader.read().await, "unchanged");
    assert_eq!(site.requests().len(), 1);
    reader.beside("bay@example.com").read().await;
    assert_eq!(site.requests(), [format!("POST {BESIDE}"), "FindItem bay@example.com".into()]);
}

#[tokio::test(start_paused = true)]
async fn where_a_mailbox_is_survives_a_restart() {
    let site = site();
    site.leads(OWN, &format!("* {EWS}"));
    let mut reader = Reader::discovering(&site);
    reader.read().await;
    site.requests();
    reader.asker.restart();
    assert_eq!(reader.read().await, "unchanged");
    assert_eq!(site.requests(), ["FindItem fjord@example.com"]);
}

#[tokio::test(start_paused = true)]
async fn redirects_lead_to_the_mailbox_by_address_by_url_by_http_and_by_a_look_without_credentials() {
    let elsewhere = "https://hub.example.com/autodiscover/autodiscover.svc";
    for (steps, hops) in [
        (
            vec![(OWN, "* @fjord@cloud.example.com"), ("https://cloud.example.com/autodiscover/autodiscover.svc", EWS)],
            2,
        ),
        (vec![(OWN, "* >https://hub.example.com/autodiscover/autodiscover.svc"), (elsewhere, EWS)], 2),
        (vec![(OWN, "302 https://hub.example.com/autodiscover/autodiscover.svc"), (elsewhere, EWS)], 2),
        (vec![(PLAIN, "302 https://hub.example.com/autodiscover/autodiscover.xml"), (elsewhere, EWS)], 2),
    ] {
        let site = site();
        for (url, answer) in &steps {
            site.leads(url, &if *answer == EWS { format!("* {EWS}") } else { (*answer).to_owned() });
        }
        assert_eq!(Reader::discovering(&site).read().await, TALK, "{steps:?}");
        let requests = site.requests();
        assert_eq!(requests.len(), hops + 2, "{requests:?}");
        assert!(requests.iter().all(|request| !request.contains("GET") || !request.contains("with credentials")));
    }
}

#[tokio::test(start_paused = true)]
async fn redirects_without_end_end() {
    for (url, answer) in
        [(OWN, format!("302 {OWN}")), (OWN, format!("* >{OWN}")), (OWN, "* @fjord@example.com".to_owned())]
    {
        let site = site();
        site.leads(url, &answer);
        let read = Reader::discovering(&site).read().await;
        assert!(read.starts_with("CalendarUnreadable retry: Autodiscover leads from one place to the next"), "{read}");
        assert!(site.requests().len() <= 11, "{answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_host_that_documents_do_not_trust_is_named_and_never_asked() {
    for (url, answer) in [
        (OWN, "* https://mail.exarnple.com/EWS/Exchange.asmx"),
        (OWN, "* >https://mail.exarnple.com/autodiscover/autodiscover.svc"),
        (PLAIN, "302 https://mail.exarnple.com/autodiscover/autodiscover.xml"),
    ] {
        let site = site();
        site.leads(url, answer);
        site.leads("https://mail.exarnple.com/autodiscover/autodiscover.svc", &format!("* {EWS}"));
        let read = Reader::discovering(&site).read().await;
        assert!(read.starts_with("AutodiscoverUntrusted fix: Autodiscover leads to mail.exarnple.com"), "{read}");
        assert!(site.requests().iter().all(|request| !request.contains("exarnple")), "{answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn credentials_never_go_over_http() {
    for answer in [
        "* http://mail.example.com/EWS/Exchange.asmx",
        "* >http://hub.example.com/autodiscover/autodiscover.svc",
        "302 http://hub.example.com/autodiscover/autodiscover.svc",
    ] {
        let site = site();
        site.leads(OWN, answer);
        let read = Reader::discovering(&site).read().await;
        assert!(!read.contains("Talk"), "{read}");
        let plain: Vec<String> = site.requests().into_iter().filter(|request| request.contains("http:")).collect();
        assert!(plain.iter().all(|request| request == &format!("GET {PLAIN}")), "{plain:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_mailbox_that_moved_is_found_again_within_the_same_reading() {
    for answer in ["ErrorProxyRequestNotAllowed", "404"] {
        let site = site();
        site.leads(OWN, &format!("* {EWS}"));
        let mut reader = Reader::discovering(&site);
        reader.read().await;
        site.leads(OWN, &format!("* {BRANCH}"));
        match answer {
            "404" => site.says(404, &[], ""),
            code => site.change(|world| world.script.push_back(Ok(super::peer::fault(code, "")))),
        }
        site.book("a 06 08:00-09:00 Talk; v2");
        site.requests();
        assert_eq!(reader.read().await, TALK);
        let requests = site.requests();
        assert_eq!(requests[1..3], [format!("POST {OWN}"), format!("FindItem fjord@example.com at {BRANCH}")]);
        // After a restart, too.
        reader.asker.restart();
        assert_eq!(reader.read().await, "unchanged");
        assert_eq!(site.requests(), [format!("FindItem fjord@example.com at {BRANCH}")]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_mailbox_that_is_half_moved_waits_and_says_so() {
    let site = site();
    site.leads(OWN, &format!("* {EWS}"));
    let mut reader = Reader::discovering(&site);
    reader.read().await;
    site.requests();
    site.change(|world| world.refuses.insert("fjord@example.com".into(), "ErrorMailboxMoveInProgress".into()));
    let read = reader.read().await;
    assert!(read.starts_with("CalendarUnreadable retry: the mailbox is being moved"), "{read}");
    assert_eq!(site.requests(), ["FindItem fjord@example.com".to_owned(), format!("POST {OWN}")]);
}

#[tokio::test(start_paused = true)]
async fn where_the_address_from_anywhere_cannot_be_reached_the_one_from_within_is_asked() {
    let inside = "https://inside.example.com/EWS/Exchange.asmx";
    let site = site();
    site.leads(OWN, &format!("* {EWS} {inside}"));
    let mut reader = Reader::discovering(&site);
    assert_eq!(reader.read().await, TALK, "both can be reached");
    site.requests();
    site.change(|world| world.away.insert("mail.example.com"));
    let at_inside = || [format!("FindItem fjord@example.com at {inside}")];
    for _ in 0..2 {
        assert_eq!(reader.read().await, "unchanged");
        assert_eq!(site.requests(), at_inside());
    }
    // It is known of all rooms there, also after a restart.
    reader.beside("bay@example.com").read().await;
    assert_eq!(site.requests(), [format!("POST {OWN}"), format!("FindItem bay@example.com at {inside}")]);
    reader.asker.restart();
    assert_eq!(reader.read().await, "unchanged");
    assert_eq!(site.requests(), at_inside());
    // And back.
    site.change(|world| world.away = ["inside.example.com"].into());
    assert_eq!(reader.read().await, "unchanged");
    assert_eq!(site.requests(), ["FindItem fjord@example.com"]);
    site.change(|world| world.away.insert("mail.example.com"));
    let read = reader.read().await;
    assert!(read.contains("no connection"), "{read}");
}

#[tokio::test(start_paused = true)]
async fn an_address_from_within_that_is_not_trusted_or_without_tls_is_never_asked() {
    for inside in ["https://mail.exarnple.com/EWS/Exchange.asmx", "http://inside.example.com/EWS/Exchange.asmx"] {
        let site = site();
        site.leads(OWN, &format!("* {EWS} {inside}"));
        site.change(|world| world.away.insert("mail.example.com"));
        let read = Reader::discovering(&site).read().await;
        assert!(read.contains("no connection"), "{read}");
        assert_eq!(site.requests(), [format!("POST {OWN}")]);
    }
}

#[tokio::test(start_paused = true)]
async fn rooms_that_are_looked_for_at_once_are_asked_about_together() {
    let site = site();
    site.leads(OWN, &format!("bay-07@example.com !InvalidUser\n* {EWS}"));
    let reader = Reader::discovering(&site);
    let mut tasks = JoinSet::new();
    for number in 0..30 {
        let mut beside = reader.beside(&format!("bay-{number:02}@example.com"));
        tasks.spawn(async move { (number, beside.read().await) });
    }
    for (number, read) in tasks.join_all().await {
        if number == 7 {
            assert!(read.starts_with("RoomNotFound fix: Autodiscover knows no mailbox"), "{read}");
        } else {
            assert_eq!(read, "", "{number}");
        }
    }
    let asked = site.requests().iter().filter(|request| request.starts_with("POST")).count();
    assert!(asked <= 3, "{asked}");
}

#[tokio::test(start_paused = true)]
async fn nobody_who_answers_is_said_with_what_helps() {
    let site = site();
    let read = Reader::discovering(&site).read().await;
    assert_eq!(
        read,
        "CalendarUnreadable retry: no Autodiscover service answers for example.com; name it in autodiscoverUrls, or the server itself in ewsUrl"
    );
}
