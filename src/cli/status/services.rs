//! Calendar services as text: a table, then what is wrong, and in the wide form each account.

use jiff::Timestamp;

use super::{moment, table};
use crate::cli::status::safe;
use crate::status::age::ago;
use crate::status::clouds::FilledView;
use crate::status::integrations::{HearingView, IntegrationView};

/// One line a service; sentences below.
pub(super) fn text(all: &[IntegrationView], wide: bool, now: Timestamp) -> String {
    let mut head = vec!["INTEGRATION", "STATE", "ROOMS READ", "REQUESTS IN 24 H", "LEFT", "LOOKS FOR CHANGES"];
    if wide {
        head.extend(["PLANNED", "UNDER WAY", "READS"]);
    }
    let rows = all.iter().map(|one| {
        let quota = one.quota.as_ref();
        let dash = || "-".to_owned();
        let mut row = vec![
            one.name.clone(),
            one.state.clone(),
            one.filled.as_ref().map_or_else(|| format!("{}/{}", one.rooms_fresh, one.rooms), FilledView::summary),
            quota.map_or_else(|| "not counted".into(), |quota| format!("{} of {}", quota.used, quota.limit)),
            quota.map_or_else(dash, |quota| quota.left.to_string()),
            match (&one.canary, quota) {
                _ if one.hearing.as_ref().is_some_and(|it| it.connections > 0) => {
                    one.hearing.as_ref().map(HearingView::summary).unwrap_or_default()
                }
                (Some(canary), _) if canary.on => format!("every {} s", canary.period_seconds),
                (Some(_), _) | (None, Some(_)) => "room by room".into(),
                (None, None) if one.filled.is_some() => dash(),
                (None, None) => "every 30 s".into(),
            },
        ];
        if wide {
            let reads: Vec<String> = one.reads.iter().map(|(why, count)| format!("{why} {count}")).collect();
            row.extend([
                quota.map_or_else(dash, |quota| format!("{}/s", quota.planned_per_second)),
                quota.map_or_else(dash, |quota| format!("{}/{}", quota.under_way, quota.at_once)),
                if reads.is_empty() { dash() } else { reads.join(", ") },
            ]);
        }
        row
    });
    let mut text = table(&head, rows.collect());
    for one in all {
        for condition in &one.conditions {
            let (name, reason, message) = (safe(&one.name), safe(&condition.reason), safe(&condition.message));
            text += &format!("\n{name}: {reason}, {}: {message}\n", ago(condition.since, now));
        }
    }
    if wide && all.iter().any(|one| !one.accounts.is_empty()) {
        text += &format!("\n{}", accounts(all, now));
    }
    text
}

fn accounts(all: &[IntegrationView], now: Timestamp) -> String {
    let mut rows = Vec::new();
    for one in all {
        for account in &one.accounts {
            let limit = account.minute_limit.map_or_else(String::new, |limit| format!(" of {limit}"));
            rows.push(vec![
                one.name.clone(),
                if account.name.is_empty() { "-".into() } else { account.name.clone() },
                account.pause.as_ref().map_or_else(|| "Working".into(), |pause| pause.reason.clone()),
                format!("{}{limit}", account.minute_used),
                account.pause.as_ref().map_or_else(|| "-".into(), |pause| moment(Some(pause.until), now)),
            ]);
        }
    }
    table(&["INTEGRATION", "ACCOUNT", "STATE", "LAST MINUTE", "NEXT TRY"], rows)
}
