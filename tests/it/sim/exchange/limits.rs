//! Budgets, and everything failing at once.

use std::time::Duration;

use otj::ews::ask::Ask;
use otj::http::HttpError;
use otj::sim::Fake as _;
use otj::sim::exchange::{ExchangeOptions, Fault};

use super::rig::{As, Site, otj};

fn code(site: &Site) -> (String, Option<Duration>) {
    match site.ask(&Ask::sync(None, 1), &otj()).unwrap() {
        Ok(_) => ("none".into(), None),
        Err(otj::ews::told::ToldFault::Said(said)) => (said.code().to_owned(), said.back_off()),
        Err(other) => panic!("{other:?}"),
    }
}

#[test]
fn who_asks_while_told_to_wait_is_refused_again_and_waits_longer() {
    let options = ExchangeOptions { in_a_minute: Some(2), at_once: 100, ..ExchangeOptions::default() };
    let site = Site::with(options);
    let busy = ("ErrorServerBusy".to_owned(), Some(Duration::from_secs(5)));
    let none = ("none".to_owned(), None);
    let asked = |after: i64| {
        site.wait(after);
        code(&site)
    };
    assert_eq!([0, 0, 0].map(asked), [none.clone(), none.clone(), busy.clone()]);
    assert_eq!([4, 4, 56].map(asked), [busy.clone(), busy.clone(), none]);
    let counts = site.fake.counts();
    assert_eq!((counts.over_budget, counts.in_back_off, counts.requests), (3, 2, 6));
}

#[test]
fn no_more_at_once_than_the_budget_allows() {
    let site = Site::with(ExchangeOptions { at_once: 2, ..ExchangeOptions::default() });
    assert_eq!([(); 3].map(|()| code(&site).0), ["none", "none", "ErrorExceededConnectionCount"]);
    site.wait(1);
    assert_eq!(code(&site).0, "none");
    assert_eq!(site.fake.counts().peak_at_once, 2);
}

#[test]
fn everything_can_fail_in_one_way() {
    let site = Site::new();
    let ask = || site.ask(&Ask::sync(None, 1), &otj());
    site.fake.change(|org| org.fault = Some(Fault::Status(503)));
    assert_eq!(ask().err(), Some(503));
    site.fake.change(|org| org.fault = Some(Fault::Soap("ErrorInternalServerTransientError")));
    assert_eq!(site.refusal(ask().unwrap()), "ErrorInternalServerTransientError");
    site.fake.change(|org| org.fault = Some(Fault::Unreachable(HttpError::Dns)));
    let request = Site::request(super::rig::ONE, String::new(), &As { mailbox: None, ..otj() });
    assert!(site.fake.answer(&request, site.now()).result.is_err());
}
