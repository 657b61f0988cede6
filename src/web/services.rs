//! The page of calendar services: state, what is wrong and since when, how much of the quota is used, each account. In: the board.
//! Out: HTML from `pages/integrations.html`, bars drawn as SVG on the server.

use axum::extract::State;
use axum::response::Response;
use jiff::Timestamp;
use serde::Serialize;

use super::WebState;
use super::page::{PAGES, When, html, when};
use super::problem::Problem;
use crate::status::clouds::FilledView;
use crate::status::conditions::Condition;
use crate::status::integrations::{self, AccountView, HearingView, IntegrationView, QuotaView};

/// `GET /integrations`.
pub(super) async fn integrations(State(state): State<WebState>) -> Result<Response, Problem> {
    html(move || render(&state)).await
}

#[derive(Serialize)]
struct Services<'a> {
    node: &'a str,
    now: When,
    verdict: (&'static str, String),
    rows: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    conditions: Vec<ConditionRow>,
    quota: Option<QuotaRow>,
    accounts: Vec<AccountRow>,
    /// Why rooms were read, in words, and how often.
    reads: Vec<(&'static str, String)>,
    /// Why changes of some are not told.
    untold: String,
    /// How the devices of a Webex Cloud stand.
    filled: Option<String>,
    view: IntegrationView,
}

#[derive(Serialize)]
struct ConditionRow {
    reason: String,
    message: String,
    since: When,
}

#[derive(Serialize)]
struct QuotaRow {
    bar: Bar,
    used: String,
    limit: String,
    left: String,
}

#[derive(Serialize)]
struct AccountRow {
    account: AccountView,
    bar: Option<Bar>,
    until: Option<When>,
}

/// How much of something is used: in percent, with the colour that it deserves.
#[derive(Serialize)]
struct Bar {
    width: u64,
    tone: &'static str,
    label: String,
}

impl Bar {
    fn new(used: u64, limit: u64) -> Self {
        let percent = used.saturating_mul(100).checked_div(limit).unwrap_or(0).min(100);
        let tone = match percent {
            0..80 => "good",
            80..97 => "warn",
            _ => "bad",
        };
        Self { width: percent, tone, label: format!("{percent} % used") }
    }
}

fn render(state: &WebState) -> Result<String, minijinja::Error> {
    let now = state.clock.now().wall;
    let mut views = integrations::integrations(&state.board, &state.tally, now);
    views.sort_by_key(|view| view.state == "Working");
    let ill = views.iter().filter(|view| view.state != "Working").count();
    let verdict = match (ill, views.len()) {
        (0, _) => ("good", "Every integration works.".to_owned()),
        (1, _) => ("warn", "One integration does not work as it should. Endpoints keep what they show.".to_owned()),
        (n, _) => ("warn", format!("{n} integrations do not work as they should. Endpoints keep what they show.")),
    };
    let rows = views.into_iter().map(|view| row(view, now)).collect();
    let page = Services { node: &state.node.name, now: when(now, now), verdict, rows };
    PAGES.get_template("integrations")?.render(minijinja::value::Serde(&page))
}

fn row(view: IntegrationView, now: Timestamp) -> Row {
    Row {
        conditions: view.conditions.iter().map(|one| condition(one, now)).collect(),
        quota: view.quota.as_ref().map(quota),
        accounts: view.accounts.iter().map(|one| account(one, now)).collect(),
        reads: view.reads.iter().map(|(why, count)| (in_words(why), grouped(*count))).collect(),
        filled: view.filled.as_ref().map(FilledView::summary),
        untold: view.hearing.as_ref().map(HearingView::because).unwrap_or_default(),
        view,
    }
}

fn condition(one: &Condition, now: Timestamp) -> ConditionRow {
    ConditionRow { reason: one.reason.clone(), message: one.message.clone(), since: when(one.since, now) }
}

fn quota(quota: &QuotaView) -> QuotaRow {
    QuotaRow {
        bar: Bar::new(quota.used, quota.limit),
        used: grouped(quota.used),
        limit: grouped(quota.limit),
        left: grouped(quota.left),
    }
}

fn account(one: &AccountView, now: Timestamp) -> AccountRow {
    let bar = one.minute_limit.map(|limit| Bar::new(one.minute_used as u64, limit as u64));
    AccountRow { bar, until: one.pause.as_ref().map(|pause| when(pause.until, now)), account: one.clone() }
}

fn in_words(why: &str) -> &'static str {
    match why {
        "Asked" => "because they were new or somebody asked",
        "Changed" => "because something said that they changed",
        "Starts" => "because a meeting was about to start",
        "Follows" => "because they had just changed",
        "Verify" => "in full, once a day",
        _ => "in turn",
    }
}

/// `900000` as `900,000`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_numbers_are_grouped_and_bars_end_at_their_end() {
        let texts = [0, 999, 1000, 900_000, 1_234_567].map(grouped);
        assert_eq!(texts, ["0", "999", "1,000", "900,000", "1,234,567"]);
        let bars = [(0, 0), (5, 10), (96, 100), (200, 100)].map(|(used, limit)| {
            let bar = Bar::new(used, limit);
            (bar.width, bar.tone)
        });
        assert_eq!(bars, [(0, "good"), (50, "good"), (96, "warn"), (100, "bad")]);
    }
}
