//! Who is let in.

use otj::ews::ask::Ask;
use otj::http::header;
use otj::sim::exchange::{ExchangeOptions, Mailbox};

use super::rig::{As, ONE, ROOM, Site, basic, otj};

fn ask() -> Ask {
    Ask::sync(None, 1)
}

#[test]
fn who_is_not_signed_in_hears_what_is_offered() {
    let site = Site::new();
    let offered = |site: &Site| -> Vec<String> {
        let (status, headers, _) =
            site.send(&Site::request(ONE, String::new(), &As { sign_in: "Negotiate x".into(), ..otj() }));
        assert_eq!(status, 401);
        let all = headers.get_all(header::WWW_AUTHENTICATE).iter();
        all.map(|value| value.to_str().unwrap().split(' ').next().unwrap().to_owned()).collect()
    };
    assert_eq!(offered(&site), ["Bearer", "Negotiate", "NTLM", "Basic"]);
    site.fake.change(|org| (org.offered.windows, org.offered.bearer) = (false, false));
    assert_eq!(offered(&site), ["Basic"]);
    assert_eq!((site.fake.counts().unauthorized, site.fake.counts().wrong_credentials), (2, 0));
}

#[test]
fn wrong_passwords_in_a_row_lock_the_account_and_a_right_one_in_time_forgives_them() {
    let site = Site::with(ExchangeOptions { locks_after: Some(3), ..ExchangeOptions::default() });
    let come = |password: &str| {
        site.ask(&ask(), &As { sign_in: basic("OTJ@example.com", password), ..otj() })
            .map_or_else(|status| status, |_| 200)
    };
    let passwords = ["wrong", "wrong", "right", "wrong", "wrong", "right", "wrong", "wrong", "wrong", "right"];
    assert_eq!(passwords.map(come), [401, 401, 200, 401, 401, 200, 401, 401, 401, 401]);
    site.fake.change(|org| {
        let account = org.accounts.get_mut("otj@example.com").unwrap();
        assert_eq!((account.locked, account.wrong), (true, 7));
        (account.locked, account.wrong_in_a_row) = (false, 0);
    });
    assert_eq!(come("right"), 200);
    site.fake.change(|org| org.accounts.get_mut("otj@example.com").unwrap().expired = true);
    assert_eq!(come("right"), 401);
    site.fake.change(|org| assert_eq!(org.accounts["otj@example.com"].wrong, 7, "it was right"));
}

#[test]
fn an_account_acts_as_those_it_may_and_hears_which_it_may_not() {
    let site = Site::new();
    site.rooms.change("dal@example.com", |_| ());
    for (sign_in, mailbox, said) in [
        (basic("otj@example.com", "right"), Some("dal@example.com"), "none"),
        ("Bearer good".to_owned(), Some(ROOM), "none"),
        ("Bearer good".into(), Some("dal@example.com"), "ErrorImpersonateUserDenied"),
        ("Bearer good".into(), Some("nobody@example.com"), "ErrorNonExistentMailbox"),
        ("Bearer good".into(), None, "ErrorNonExistentMailbox"),
        ("Bearer bad".into(), Some(ROOM), "401"),
    ] {
        let told = site.ask(&ask(), &As { sign_in, mailbox, ..otj() });
        let code = match told {
            Err(status) => status.to_string(),
            Ok(told) => site.refusal(told.and_then(|reply| reply.synced())),
        };
        assert_eq!(code, said, "{mailbox:?}");
    }
    assert_eq!(site.fake.counts().impersonation_refused, 1);
}

#[test]
fn where_ews_is_off_the_answer_is_403() {
    let site = Site::new();
    site.fake.change(|org| org.mailboxes.insert(ROOM.into(), Mailbox { ews_disabled: true, ..Mailbox::default() }));
    assert_eq!(site.ask(&ask(), &otj()).err(), Some(403));
    site.fake.change(|org| {
        org.mailboxes.clear();
        org.accounts.get_mut("otj@example.com").unwrap().ews_disabled = true;
    });
    assert_eq!(site.ask(&ask(), &otj()).err(), Some(403));
}
