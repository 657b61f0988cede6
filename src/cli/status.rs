//! `otj status`: what a running node says of itself, its rooms, endpoints, meetings and calendar services.
//!
//! Tables are for people and may change; `-o json` is the API's.

mod services;

use std::process::ExitCode;

use clap::ValueEnum;
use jiff::Timestamp;
use serde::Serialize;

use super::node::{Node, NodeArguments};
use crate::model::Clock;
use crate::status::age::ago;
use crate::status::conditions::Condition;
use crate::status::integrations::IntegrationView;
use crate::status::summary::{EndpointView, LossView, MeetingView, RoomView, StatusView};

/// Endpoints of a held plan that are listed before the rest is counted.
const LOSSES_MAX: usize = 20;

/// What a running node says of itself, its rooms, endpoints, meetings and calendar services. Exits 0 when all is as wished, 1 when something
/// is not, 2 when the node could not be asked.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Examples:\n  otj status\n  otj status endpoints -o wide\n  otj status integrations\n  otj status room fjord@example.com -o json"
)]
pub(super) struct Status {
    /// What to list; without it, the node in one look.
    #[arg(value_enum)]
    kind: Option<Kind>,
    /// Only this one. Meetings are chosen by their room's address or their endpoint's name.
    name: Option<String>,
    /// The form of the answer.
    #[arg(short, long, value_enum, default_value_t = Form::Table)]
    output: Form,
    #[command(flatten)]
    node: NodeArguments,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    #[value(alias = "room")]
    Rooms,
    #[value(alias = "endpoint")]
    Endpoints,
    #[value(alias = "meeting")]
    Meetings,
    #[value(alias = "integration")]
    Integrations,
}

#[derive(Clone, Copy, PartialEq, Debug, ValueEnum)]
enum Form {
    Table,
    Json,
    Wide,
}

pub(super) fn run(verb: &Status) -> anyhow::Result<ExitCode> {
    let node = Node::new(&verb.node)?;
    let now = Clock::system().now().wall;
    let wide = verb.output == Form::Wide;
    let name = verb.name.as_deref();
    let (text, well) = match verb.kind {
        None => {
            let status: StatusView = node.get("/api/v1/status")?;
            let losses: Vec<LossView> = match node.has_token() && !status.held.is_empty() {
                true => node.list("/api/v1/plan", &[])?,
                false => Vec::new(),
            };
            let well = status.healthy && status.ready && status.drift.is_empty() && status.held.is_empty();
            (form(verb.output, &status, || overview(&status, &losses, now))?, well)
        }
        Some(Kind::Rooms) => {
            let filter: Vec<_> = name.map(|name| ("name", name)).into_iter().collect();
            let rooms: Vec<RoomView> = found(node.list("/api/v1/rooms", &filter)?, name)?;
            let well = rooms.iter().all(|room| room.conditions.is_empty());
            (list(verb.output, &rooms, || room_table(&rooms, wide, now))?, well)
        }
        Some(Kind::Endpoints) => {
            let filter: Vec<_> = name.map(|name| ("name", name)).into_iter().collect();
            let endpoints: Vec<EndpointView> = found(node.list("/api/v1/endpoints", &filter)?, name)?;
            let well = endpoints.iter().all(|endpoint| endpoint.state == "InSync");
            (list(verb.output, &endpoints, || endpoint_table(&endpoints, wide, now))?, well)
        }
        Some(Kind::Meetings) => {
            let field = |name: &str| if name.contains('@') { "roomEmail" } else { "endpointName" };
            let filter: Vec<_> = name.map(|name| (field(name), name)).into_iter().collect();
            let meetings: Vec<MeetingView> = node.list("/api/v1/meetings", &filter)?;
            (list(verb.output, &meetings, || meeting_table(&meetings, wide))?, true)
        }
        Some(Kind::Integrations) => {
            let filter: Vec<_> = name.map(|name| ("name", name)).into_iter().collect();
            let all: Vec<IntegrationView> = found(node.list("/api/v1/integrations", &filter)?, name)?;
            let well = all.iter().all(|one| one.conditions.is_empty());
            (list(verb.output, &all, || services::text(&all, wide, now))?, well)
        }
    };
    super::print(&text);
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Who asks for one object by name and gets none has asked wrongly.
fn found<T>(items: Vec<T>, name: Option<&str>) -> anyhow::Result<Vec<T>> {
    match name {
        Some(name) if items.is_empty() => anyhow::bail!("the node knows no `{}`", safe(name)),
        _ => Ok(items),
    }
}

fn form<T: Serialize>(form: Form, value: &T, table: impl FnOnce() -> String) -> anyhow::Result<String> {
    match form {
        Form::Json => Ok(format!("{}\n", serde_json::to_string_pretty(value)?)),
        Form::Table | Form::Wide => Ok(table()),
    }
}

fn list<T: Serialize>(output: Form, items: &[T], table: impl FnOnce() -> String) -> anyhow::Result<String> {
    form(output, &serde_json::json!({ "items": items }), table)
}

fn overview(status: &StatusView, losses: &[LossView], now: Timestamp) -> String {
    let yes = |well: bool, what: &'static str, otherwise: &'static str| if well { what } else { otherwise };
    let mut text = format!(
        "otj {}: {}, {}\n",
        safe(&status.version),
        yes(status.healthy, "healthy", "NOT HEALTHY (the loop does not turn)"),
        yes(status.ready, "ready", "NOT READY (no configuration is in force, or no store)"),
    );
    let config = &status.config;
    if config.generation > 0 {
        let revision =
            if config.revision.is_empty() { String::new() } else { format!(", revision {}", config.revision) };
        let since = config.adopted_at.map(|at| format!(", in force {}", since(at, now))).unwrap_or_default();
        let kept = yes(config.source == "kept", " (kept from an earlier run)", "");
        text += &format!("configuration {}{}{kept}{since}\n", safe(&config.checksum), safe(&revision));
    }
    let counts = &status.counts;
    text += &format!(
        "rooms {} of {} read lately, endpoints {} of {} in sync, {} meetings ahead\n",
        counts.rooms_fresh, counts.rooms, counts.endpoints_in_sync, counts.endpoints, counts.meetings
    );
    if status.clock_untrusted {
        text += "the wall clock is not trusted: nothing is removed\n";
    }
    if status.store_unavailable {
        text += "the store cannot be written: work goes on from memory\n";
    }
    for held in &status.held {
        text += &format!("\nHELD {}: {}\n", ago(held.since, now), safe(&held.summary));
        text += &format!("  to let exactly this happen: otj approve {}\n", safe(&held.checksum));
        let mine: Vec<&LossView> = losses.iter().filter(|loss| loss.checksum == held.checksum).collect();
        for loss in mine.iter().take(LOSSES_MAX) {
            let starts: Vec<String> = loss.meetings.iter().map(|meeting| meeting.start_time.to_string()).collect();
            text += &format!("  {} would lose {}\n", safe(&loss.endpoint_name), starts.join(", "));
        }
        if mine.len() > LOSSES_MAX {
            text += &format!("  and {} more endpoints\n", mine.len() - LOSSES_MAX);
        }
    }
    for one in &status.suspended {
        let until = one.until.map_or_else(|| "until resumed".to_owned(), |until| format!("until {until}"));
        let reason = one.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
        text += &safe(&format!("suspended {} {} by {}, {until}{reason}", one.kind, one.name, one.who));
        text.push('\n');
    }
    if !status.drift.is_empty() {
        let rows = status.drift.iter().map(|one| {
            vec![one.kind.clone(), one.name.clone(), one.reason.clone(), ago(one.since, now), one.message.clone()]
        });
        text += &format!("\n{}", table(&["KIND", "NAME", "REASON", "SINCE", "MESSAGE"], rows.collect()));
    }
    if !config.findings.is_empty() {
        let findings: Vec<String> = config.findings.lines().map(safe).collect();
        text += &format!("\n{}\n", findings.join("\n"));
    }
    text
}

fn since(at: Timestamp, now: Timestamp) -> String {
    format!("since {} ({})", at.strftime("%Y-%m-%d %H:%M:%S UTC"), ago(at, now))
}

fn room_table(rooms: &[RoomView], wide: bool, now: Timestamp) -> String {
    let mut head = vec!["ROOM", "CALENDAR", "LAST READ", "MEETINGS", "CONDITIONS"];
    if wide {
        head.extend(["NEXT READ", "BECAUSE", "EVERY", "ZONE", "ENDPOINTS"]);
    }
    let rows = rooms.iter().map(|room| {
        let mut row = vec![
            room.name.clone(),
            room.integration.clone(),
            moment(room.last_read, now),
            room.meetings.to_string(),
            reasons(&room.conditions),
        ];
        if wide {
            row.extend([
                moment(room.next_read, now),
                room.next_read_because.clone(),
                format!("{} s", room.read_every_seconds),
                room.time_zone.clone().unwrap_or_else(|| "UTC (unknown)".into()),
                room.endpoints.join(", "),
            ]);
        }
        row
    });
    table(&head, rows.collect())
}

fn endpoint_table(endpoints: &[EndpointView], wide: bool, now: Timestamp) -> String {
    let mut head = vec!["ENDPOINT", "TYPE", "ROOM", "STATE", "MEETINGS", "LAST CONTACT", "CONDITIONS"];
    if wide {
        head.extend(["ADDRESS", "PROFILE", "GROUP", "LOCATION", "KEPT", "FOREIGN"]);
    }
    let number = |n: Option<usize>| n.map_or("?".to_owned(), |n| n.to_string());
    let rows = endpoints.iter().map(|endpoint| {
        let mut row = vec![
            endpoint.name.clone(),
            endpoint.kind.clone(),
            endpoint.room_email.clone(),
            endpoint.state.clone(),
            format!("{}/{}", number(endpoint.held), number(endpoint.meetings)),
            moment(endpoint.last_contacted, now),
            reasons(&endpoint.conditions),
        ];
        if wide {
            let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".into());
            row.extend([
                or_dash(&endpoint.address),
                endpoint.profile.clone(),
                or_dash(&endpoint.group),
                endpoint.location.clone(),
                endpoint.kept.to_string(),
                endpoint.foreign.to_string(),
            ]);
        }
        row
    });
    table(&head, rows.collect())
}

fn meeting_table(meetings: &[MeetingView], wide: bool) -> String {
    let mut head = vec!["START", "END", "ROOM", "ENDPOINT", "JOIN DIALS", "SUBJECT"];
    if wide {
        head.extend(["ORGANIZER", "RULE", "PROFILE", "ID"]);
    }
    let rows = meetings.iter().map(|meeting| {
        let dials = match (&meeting.alias, &meeting.no_join) {
            (Some(alias), _) => alias.clone(),
            (None, Some(reason)) => format!("- ({reason})"),
            (None, None) => "-".to_owned(),
        };
        let mut row = vec![
            meeting.start_time.to_string(),
            meeting.end_time.to_string(),
            meeting.room_email.clone(),
            meeting.endpoint_name.clone(),
            dials,
            meeting.subject.clone(),
        ];
        if wide {
            row.extend([
                meeting.organizer_name.clone(),
                meeting.matched_rule.clone().unwrap_or_else(|| "-".into()),
                meeting.profile.clone(),
                meeting.id.clone(),
            ]);
        }
        row
    });
    table(&head, rows.collect())
}

fn moment(at: Option<Timestamp>, now: Timestamp) -> String {
    at.map_or("never".into(), |at| ago(at, now))
}

fn reasons(conditions: &[Condition]) -> String {
    let reasons: Vec<&str> = conditions.iter().map(|condition| condition.reason.as_str()).collect();
    if reasons.is_empty() { "-".into() } else { reasons.join(",") }
}

/// Columns as wide as their widest cell; the last is not padded.
fn table(head: &[&str], rows: Vec<Vec<String>>) -> String {
    let head: Vec<String> = head.iter().map(|&cell| cell.to_owned()).collect();
    let rows: Vec<Vec<String>> =
        std::iter::once(head).chain(rows).map(|row| row.iter().map(|cell| safe(cell)).collect()).collect();
    let columns = rows[0].len();
    let width = |column: usize| rows.iter().map(|row: &Vec<String>| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in &rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line += &format!("{cell:<width$}  ");
        }
        text += line.trim_end();
        text.push('\n');
    }
    text
}

/// What came from outside may hold what drives a terminal, or turns the direction of writing: it is shown as its code.
pub(super) fn safe(text: &str) -> String {
    let turns = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars()
        .map(|c| if c.is_control() || turns(c) { c.escape_unicode().to_string() } else { c.to_string() })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_lines_up_and_drives_no_terminal() {
        let rows = vec![vec!["fjord".into(), "a\u{1b}[2J".into()], vec!["ås".into(), "b\u{202e}c".into()]];
        let wanted = "ROOM   TITLE\nfjord  a\\u{1b}[2J\nås     b\\u{202e}c\n";
        assert_eq!(table(&["ROOM", "TITLE"], rows), wanted);
    }
}
