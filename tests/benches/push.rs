//! How fast a change reaches thousands of codecs that take one request a second each: `cargo bench --bench push`.
//!
//! The loop and the wire code are the product's; codecs, their queues and the network are played in virtual time, so that the
//! times are those of a site and the processor time is this machine's.
#![allow(
    missing_docs,
    clippy::print_stdout,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    unreachable_pub
)]

#[path = "../it/cisco/site.rs"]
mod site;
#[allow(dead_code)]
#[path = "../it/reconciling/wish.rs"]
mod wish;

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use otj::sim::cisco::{Fate, Generation};
use site::{Site, event};

fn main() {
    let devices = std::env::args().filter_map(|argument| argument.parse().ok()).next().unwrap_or(4_000);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(play(devices));
}

async fn play(devices: usize) {
    let mut site = Site::new().await;
    let room = |n: usize| format!("r{n}");
    for n in 0..devices {
        site.install(&format!("e{n}"), if n % 3 == 0 { Generation::Ce8 } else { Generation::RoomOs26 });
        site.sim.calendar(&wish::email(&room(n)), |calendar| calendar.events = day(&site, n, 0));
    }
    let names = (0..devices).map(|n| format!("e{n}=r{n}")).collect();
    println!("{devices} devices, one request a second each");
    measured(&mut site, devices, "first fill", |site| Box::pin(site.wish(|wish| wish.endpoints = names))).await;
    site.pass(Duration::from_mins(3)).await;
    measured(&mut site, devices, "profile edit", |site| Box::pin(site.wish(|wish| wish.start_buffer_minutes = 10)))
        .await;
    site.pass(Duration::from_mins(3)).await;

    let (mut single, mut on_screen) = (Vec::new(), Vec::new());
    for n in 0..devices.min(500) {
        let changed = site.clock.now().wall;
        site.calendar(&room(n), day(&site, n, 30)).await;
        site.pass(Duration::from_millis(3_000)).await;
        single.extend(taken(&site, n, changed));
        let updated = site.fleet.with(&format!("e{n}"), |codec, _| codec.last_updated()).unwrap();
        on_screen.extend(Duration::try_from(updated.duration_since(changed)));
    }
    told("one calendar change, device idle, on its screen", &mut on_screen, None);
    told("the same, read back", &mut single, None);

    for n in 0..devices {
        match n % 20 {
            0 | 1 => site.fleet.becomes(&format!("e{n}"), Fate::BlackHole),
            2 => site.fleet.becomes(&format!("e{n}"), Fate::Fails),
            _ => {}
        }
    }
    site.pass(Duration::from_mins(3)).await;
    measured(&mut site, devices, "profile edit, 10 % silent, 5 % failing: the others", |site| {
        Box::pin(site.wish(|wish| wish.start_buffer_minutes = 15))
    })
    .await;
    site.end().await;
}

/// Eight meetings from the coming hour on.
fn day(site: &Site, n: usize, shift: i64) -> Vec<otj::model::Event> {
    let now = site.clock.now().wall.as_second() / 3600 * 3600;
    let start = Timestamp::from_second(now).unwrap() + SignedDuration::from_mins(120 + shift);
    (0..8).map(|k| event(&format!("m{n}-{k}"), "Weekly", start + SignedDuration::from_hours(k), 45, true)).collect()
}

type Doing<'a> = std::pin::Pin<Box<dyn Future<Output = ()> + 'a>>;

async fn measured(site: &mut Site, devices: usize, what: &str, doing: impl FnOnce(&mut Site) -> Doing<'_>) {
    let (begun, changed) = (Instant::now(), site.clock.now().wall);
    doing(site).await;
    site.pass(Duration::from_secs(120)).await;
    let reached = |n: &usize| n % 20 > 2 || !what.contains("silent");
    let mut times: Vec<Duration> = (0..devices).filter(reached).filter_map(|n| taken(site, n, changed)).collect();
    let missing = (0..devices).filter(reached).count() - times.len();
    told(what, &mut times, Some(begun.elapsed()));
    if missing > 0 {
        println!("  {missing} NOT CONFIRMED");
    }
}

/// How long after `changed` the endpoint was given its list, and told that it holds it.
fn taken(site: &Site, n: usize, changed: Timestamp) -> Option<Duration> {
    let status = site.status(&format!("e{n}"));
    let at = status.last_put.filter(|at| *at >= changed && status.synced)?;
    Duration::try_from(at.duration_since(changed)).ok()
}

fn told(what: &str, times: &mut [Duration], spent: Option<Duration>) {
    times.sort_unstable();
    let Some(last) = times.last().copied() else { return println!("{what}: nothing was confirmed") };
    let at = |share: usize| times[(times.len() - 1) * share / 100];
    let spent = spent.map(|spent| format!("; {spent:.1?} of this machine for two minutes")).unwrap_or_default();
    let count = times.len();
    println!("{what}: {count} confirmed, median {:.2?}, p99 {:.2?}, last {last:.2?}{spent}", at(50), at(99));
}
