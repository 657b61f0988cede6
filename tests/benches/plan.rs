//! What planning costs: `cargo bench --bench plan`.
//!
//! An idle turn must not grow with the number of endpoints; a touched room costs that room alone.
#![allow(
    missing_docs,
    clippy::print_stdout,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    unreachable_pub
)]

#[allow(dead_code)] // shared with the tests, which look at more of it
#[path = "../it/reconciling/rig.rs"]
mod rig;
#[allow(dead_code)]
#[path = "../it/reconciling/wish.rs"]
mod wish;

use std::time::{Duration, Instant};

use otj::model::{IntegrationName, LookAgain, RoomKey};

fn main() {
    println!(
        "{:>9}  {:>14}  {:>16}  {:>18}  {:>20}",
        "endpoints", "first pass", "idle turn", "one touched room", "a minute of reads"
    );
    for rooms in [400, 4_000, 40_000] {
        let begun = Instant::now();
        let mut rig = rig::Rig::new(rooms);
        let first = begun.elapsed();

        let idle = median(200, || rig.turn());
        let key = RoomKey {
            integration: IntegrationName::parse("calendars").expect("a name"),
            email: wish::email(&format!("r{}", rooms / 2)),
        };
        let mut hour = 4;
        let touched = median(200, || {
            hour = if hour == 4 { 7 } else { 4 };
            rig.calendars.insert(key.clone(), vec![hour, 8]);
            let now = rig.now();
            rig.planner.look_again(LookAgain::Room(key.clone()), now);
            rig.turn();
        });
        let begun = Instant::now();
        rig.pass(Duration::from_mins(1));
        let minute = begun.elapsed();
        println!("{rooms:>9}  {first:>14.1?}  {idle:>16.1?}  {touched:>18.1?}  {minute:>20.1?}");
    }
}

fn median(times: usize, mut work: impl FnMut()) -> Duration {
    let mut taken: Vec<Duration> = (0..times)
        .map(|_| {
            let begun = Instant::now();
            work();
            begun.elapsed()
        })
        .collect();
    taken.sort();
    taken[taken.len() / 2]
}
