//! Mornings of small sites, with the loop, the clients and the simulated services that `otj simulate` plays.

use std::sync::Arc;
use std::time::Duration;

use super::Integration;
use super::day::{Played, Setup, play};
use super::exchange::{Organisation, SignIn};
use crate::sim::freshness::{Figures, by_asking_evenly, recovery_s};
use crate::sim::weather::{Aims, Fault, Spell, Tongue, Weather};
use crate::sim::workload::{Habits, Script};

/// As many for each room as 4,000 rooms have of 900,000 a day.
const PER_ROOM: u64 = 225;

/// From eight, when the office opens.
fn script(rooms: u32, hours: u32, seed: u64) -> Arc<Script> {
    let habits = Habits { opens_h: 0, ..Habits::default() };
    let mut script = Script::write(&habits, "2027-03-01T08:00:00Z".parse().unwrap(), rooms, 1, seed);
    script.changes.retain(|change| (0..i64::from(hours) * 3600).contains(&change.at_s));
    Arc::new(script)
}

fn morning(script: &Arc<Script>, integration: Integration, hours: u32, weather: Option<Weather>) -> Played {
    play(setup(script, integration, hours, weather), &|_| {}).unwrap()
}

fn setup(script: &Arc<Script>, integration: Integration, hours: u32, weather: Option<Weather>) -> Setup {
    let rooms = u64::try_from(script.booked.len()).unwrap();
    Setup {
        script: script.clone(),
        span: Duration::from_secs(3600) * hours,
        integration,
        organisation: Organisation { sign_in: SignIn::Basic, servers: 2, lost: 0.0 },
        push: false,
        requests_per_day: rooms * PER_ROOM,
        seed: 5,
        weather,
        log: None,
    }
}

fn spell(fault: Fault, from_min: u64, minutes: u64) -> Spell {
    let from_s = from_min * 60;
    Spell { fault, from_s, to_s: from_s + minutes * 60 }
}

fn aims() -> Aims {
    Aims { room: "room-00000".into(), server: "mail2.example.com".into() }
}

fn is_fresher_than_one_that_asks_evenly(integration: Integration, rooms: u32) {
    let script = script(rooms, 1, 7);
    let played = morning(&script, integration, 1, None);
    let every = Duration::from_secs(86_400 / PER_ROOM);
    let otj = Figures::of(&played.known);
    let one = Figures::of(&by_asking_evenly(&script.changes, rooms, every));
    let two = Figures::of(&by_asking_evenly(&script.changes, rooms, every * 2));
    assert_eq!((played.counted.overruns, played.wipes), (0, 0), "{integration:?}");
    assert_eq!(otj.all.changes, script.changes.len());
    let even = [one, two].map(|figures| figures.all.median_seconds);
    assert!(otj.near.median_seconds * 2.0 < even[0] && even[0] < even[1], "{integration:?}: {otj:?} {even:?}");
}

#[test]
fn a_site_is_fresher_than_one_that_asks_evenly_and_never_asks_too_much_nor_loses_a_meeting() {
    is_fresher_than_one_that_asks_evenly(Integration::Google, 24);
    is_fresher_than_one_that_asks_evenly(Integration::Graph, 24);
}

#[test]
fn a_site_with_exchange_is_fresher_too() {
    is_fresher_than_one_that_asks_evenly(Integration::Exchange, 16);
}

#[test]
fn one_seed_plays_one_morning() {
    let play = || {
        let played = morning(&script(8, 1, 3), Integration::Google, 1, None);
        (played.counted.requests, Figures::of(&played.known))
    };
    assert_eq!(play(), play());
}

#[test]
fn bad_weather_takes_no_meeting_breaks_no_quota_and_is_made_up_for_soon_after() {
    let spells = vec![
        spell(Fault::ServerErrors, 5, 15),
        spell(Fault::Storm, 25, 5),
        spell(Fault::RoomHangs, 35, 5),
        spell(Fault::Unreachable, 45, 5),
    ];
    let weather = Weather::of(spells.clone(), aims(), Tongue::Google, 1);
    let script = script(24, 1, 9);
    let played = morning(&script, Integration::Google, 1, Some(weather));
    assert_eq!((played.counted.overruns, played.wipes), (0, 0));
    for spell in spells {
        let after = recovery_s(&played.known, spell.from_s, spell.to_s);
        assert!(after < 600.0, "{:?}: {after} s", spell.fault);
    }
}

#[test]
fn faults_of_every_kind_take_no_meeting_of_exchange_lock_no_account_and_are_made_up_for() {
    let spells = vec![
        spell(Fault::OneServer, 5, 5),
        spell(Fault::ServerErrors, 15, 10),
        spell(Fault::Storm, 30, 3),
        spell(Fault::RoomHangs, 40, 5),
        spell(Fault::Unreachable, 50, 5),
        spell(Fault::WrongPassword, 65, 3),
    ];
    let weather = Weather::of(spells.clone(), aims(), Tongue::Exchange, 1);
    let script = script(16, 3, 9);
    let played = morning(&script, Integration::Exchange, 3, Some(weather));
    assert_eq!((played.counted.overruns, played.wipes), (0, 0));
    let (locked, wrong) = played.counted.locked_out.unwrap();
    // Four are under way at most when the first is refused, and one is sent a minute later; the next an hour after that.
    assert!(locked == 0 && (1..=5).contains(&wrong), "{locked} {wrong}");
    for spell in spells {
        let after = recovery_s(&played.known, spell.from_s, spell.to_s);
        let most = if spell.fault == Fault::WrongPassword { 3900.0 } else { 600.0 };
        assert!(after < most, "{:?}: {after} s", spell.fault);
    }
}

#[test]
fn an_app_reads_exchange_while_its_token_lasts_although_none_is_given_out() {
    let spells = vec![spell(Fault::TokensDown, 20, 10)];
    let weather = Weather::of(spells, aims(), Tongue::Exchange, 1);
    let organisation = Organisation { sign_in: SignIn::AppOnly, servers: 1, lost: 0.0 };
    let script = script(8, 1, 4);
    let played = play(Setup { organisation, ..setup(&script, Integration::Exchange, 1, Some(weather)) }, &|_| {});
    let played = played.unwrap();
    assert_eq!((played.counted.overruns, played.wipes), (0, 0));
    assert!(Figures::of(&played.known).busy_time.p99_seconds < 120.0, "{played:?}");
}

#[test]
fn faults_of_every_kind_take_no_meeting_of_an_app_and_no_passwords_are_told_of() {
    // The first token ends after an hour, when none is given out.
    let spells = vec![
        spell(Fault::OneServer, 5, 5),
        spell(Fault::ServerErrors, 15, 10),
        spell(Fault::Storm, 30, 3),
        spell(Fault::RoomHangs, 40, 5),
        spell(Fault::TokensDown, 50, 15),
        spell(Fault::Unreachable, 80, 5),
    ];
    let weather = Weather::of(spells.clone(), aims(), Tongue::Exchange, 1);
    let organisation = Organisation { sign_in: SignIn::AppOnly, servers: 2, lost: 0.0 };
    let script = script(8, 2, 9);
    let played = play(Setup { organisation, ..setup(&script, Integration::Exchange, 2, Some(weather)) }, &|_| {});
    let played = played.unwrap();
    assert_eq!((played.counted.overruns, played.wipes, played.counted.locked_out), (0, 0, None));
    for spell in spells {
        let after = recovery_s(&played.known, spell.from_s, spell.to_s);
        assert!(after < 600.0, "{:?}: {after} s", spell.fault);
    }
}

#[test]
fn what_exchange_tells_by_itself_is_known_within_seconds_for_fewer_requests() {
    let script = script(12, 1, 6);
    let play = |push| {
        let organisation = Organisation { sign_in: SignIn::AppOnly, servers: 2, lost: 0.0 };
        play(Setup { organisation, push, ..setup(&script, Integration::Exchange, 1, None) }, &|_| {}).unwrap()
    };
    let (told, asked) = (play(true), play(false));
    let figures = Figures::of(&told.known);
    assert_eq!((told.counted.overruns, told.wipes), (0, 0));
    assert!(figures.all.changes > 10 && figures.all.p99_seconds < 30.0, "{figures:?}");
    let all = |played: &Played| played.counted.requests;
    assert!(all(&told) * 10 < all(&asked) * 9, "{} {}", all(&told), all(&asked));
}
