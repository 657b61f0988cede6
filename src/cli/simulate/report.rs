//! The result of a simulation, as text for people and as the documented JSON.

use serde_json::{Value, json};

use super::provider::Counted;
use super::{Integration, Policy};
use crate::sim::freshness::{Figures, Spread};
use crate::sim::weather::Spell;

/// One size under one policy.
#[derive(Clone, Debug)]
pub(super) struct Result {
    pub(super) rooms: u32,
    pub(super) policy: Policy,
    pub(super) integration: Integration,
    pub(super) requests_per_day: u64,
    pub(super) seed: u64,
    pub(super) days: u32,
    /// What the service counted.
    pub(super) counted: Counted,
    pub(super) figures: Figures,
    /// With faults only.
    pub(super) bad_day: Option<BadDay>,
    pub(super) wall_seconds: f64,
    pub(super) peak_rss_bytes: u64,
}

/// What faults did.
#[derive(Clone, Debug)]
pub(super) struct BadDay {
    /// Readings without an event that was still there.
    pub(super) wipes: usize,
    /// Each fault, and how many seconds after its end all changes of busy time made meanwhile were known.
    pub(super) recovered: Vec<(Spell, f64)>,
}

impl BadDay {
    fn text(&self, line: &Result) -> String {
        let rooms = line.rooms;
        let mut text =
            format!("\n{rooms} rooms, with faults. Readings that lost an event that was still there: {}\n", self.wipes);
        for (spell, after) in &self.recovered {
            let clock = |second: u64| format!("{:02}:{:02}", second / 3600, second / 60 % 60);
            text += &format!(
                "  {} to {}  {:<34}  all known {} after its end\n",
                clock(spell.from_s),
                clock(spell.to_s),
                spell.fault.words(),
                seconds(*after),
            );
        }
        if let Some((locked, wrong)) = line.counted.locked_out {
            text += &format!("Accounts locked out: {locked}; wrong passwords tried: {wrong}\n");
        }
        text
    }
}

/// An object for one result, an array for several.
pub(super) fn json(results: &[(Result, Vec<Result>)]) -> anyhow::Result<String> {
    let values: Vec<Value> = results.iter().map(|(result, _)| value(result)).collect();
    let value = match values.as_slice() {
        [one] => one.clone(),
        _ => Value::Array(values),
    };
    Ok(serde_json::to_string_pretty(&value)? + "\n")
}

fn value(result: &Result) -> Value {
    let Figures { busy_time, near, all, late_share } = result.figures;
    let mut value = json!({
        "rooms": result.rooms,
        "policy": result.policy.word(),
        "integration": result.integration.word(),
        "requestsPerDay": result.requests_per_day,
        "seed": result.seed,
        "days": result.days,
        "requests": result.counted.requests,
        "overruns": result.counted.overruns,
        "busyTime": busy_time,
        "near": near,
        "all": all,
        "lateAtStartShare": late_share,
        "wallSeconds": result.wall_seconds,
        "peakRssBytes": result.peak_rss_bytes,
    });
    if !result.counted.operations.is_empty() {
        value["operations"] = json!(result.counted.operations);
    }
    if let Some(BadDay { wipes, recovered }) = &result.bad_day {
        value["wipes"] = (*wipes).into();
        if let Some((locked, wrong)) = result.counted.locked_out {
            value["accountsLockedOut"] = locked.into();
            value["wrongPasswords"] = wrong.into();
        }
        let told = recovered.iter().map(|(spell, after)| {
            json!({
                "fault": format!("{:?}", spell.fault),
                "fromSeconds": spell.from_s,
                "toSeconds": spell.to_s,
                "recoverySeconds": after.round(),
            })
        });
        value["faults"] = told.collect();
    }
    value
}

/// A table, one line for each size and policy.
pub(super) fn text(results: &[(Result, Vec<Result>)]) -> String {
    let Some((first, _)) = results.first() else { return String::new() };
    let mut text = format!(
        "{}, at most {} requests a day; {} from 00:00, seed {}\n\n\
         {:>7}  {:<12}  {:>19}  {:>19}  {:>19}  {:>7}  {:>11}  {:>8}\n\
         {:>7}  {:<12}  {:>19}  {:>19}  {:>19}  {:>7}  {:>11}  {:>8}\n",
        first.integration.word(),
        grouped(first.requests_per_day),
        if first.days == 1 { "1 day".to_owned() } else { format!("{} days", first.days) },
        first.seed,
        "",
        "",
        "busy-time changes",
        "near changes",
        "all changes",
        "late",
        "",
        "",
        "rooms",
        "read by",
        "median / p99",
        "median / p99",
        "median / p99",
        "at start",
        "requests",
        "overruns",
    );
    for (result, beside) in results {
        for line in std::iter::once(result).chain(beside) {
            let Figures { busy_time, near, all, late_share } = line.figures;
            text += &format!(
                "{:>7}  {:<12}  {:>19}  {:>19}  {:>19}  {:>6.2}%  {:>11}  {:>8}\n",
                line.rooms,
                line.policy.word(),
                spread(busy_time),
                spread(near),
                spread(all),
                late_share * 100.0,
                grouped(line.counted.requests),
                line.counted.overruns,
            );
        }
    }
    for (result, _) in results {
        text += &operations(result);
        text += &result.bad_day.as_ref().map_or(String::new(), |day| day.text(result));
    }
    let wall: f64 = results.iter().map(|(result, _)| result.wall_seconds).sum();
    let peak = results.iter().map(|(result, _)| result.peak_rss_bytes).max().unwrap_or(0);
    text += &format!("\nSimulated in {wall:.1} s with at most {} MB of memory.\n", peak / 1_000_000);
    text
}

/// Which requests they were, where there are several kinds.
fn operations(result: &Result) -> String {
    let each = result.counted.operations.iter().map(|(name, count)| format!("{name} {}", grouped(*count)));
    let each: Vec<String> = each.collect();
    if each.is_empty() { String::new() } else { format!("\n{} rooms asked: {}\n", result.rooms, each.join(", ")) }
}

fn spread(spread: Spread) -> String {
    format!("{} / {}", seconds(spread.median_seconds), seconds(spread.p99_seconds))
}

fn seconds(seconds: f64) -> String {
    if seconds < 100.0 { format!("{seconds:.1} s") } else { format!("{seconds:.0} s") }
}

/// With a comma between each three digits.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

impl Policy {
    fn word(self) -> &'static str {
        match self {
            Self::Otj => "otj",
            Self::Uniform => "uniform",
            Self::TwoPollers => "two-pollers",
        }
    }
}

impl Integration {
    fn word(self) -> &'static str {
        match self {
            Self::Google => "google",
            Self::Graph => "graph",
            Self::Exchange => "exchange",
        }
    }
}
