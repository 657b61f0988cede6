//! Scripts in virtual time: who tries, what the device says, who may try next.
//!
//! ```text
//! 0:00 a b              both ask for leave, with the password `one` (`a=two`: with that one)
//! 0:01 a refuses        the device answers; `accepts`, `hangs` (no answer), `is away` (no connection)
//! 0:05 restart          the process is killed and starts anew
//! ```

use std::collections::BTreeMap;

use super::*;
use crate::http::HttpError;
use crate::model::Secret;
use crate::model::device::{OnConflict, TlsMode, Wire};
use crate::store::memory::MemoryStore;

fn codec(place: &str, password: &str) -> CiscoSpec {
    CiscoSpec {
        address: place.into(),
        port: 443,
        use_https: true,
        tls: TlsMode::Verify,
        ca_certificates: Vec::new(),
        username: "otj".into(),
        password: SecretValue::Known(Secret::new(password.into())),
        wire: Wire::Auto,
        serial: None,
        fingerprint: None,
        on_conflict: OnConflict::Report,
        web_proxy: None,
    }
}

fn said_by(word: &str) -> Option<EndpointError> {
    match word {
        "accepts" => None,
        "refuses" => Some(EndpointError::CredentialsRefused(Refusal::Unauthorized)),
        "hangs" => Some(EndpointError::Unreachable(HttpError::Deadline)),
        "is" => Some(EndpointError::Unreachable(HttpError::Connect("refused".into()))),
        other => panic!("no device {other}"),
    }
}

/// Plays `script`; one line for each line of it: who may try, and who may not for how many minutes.
async fn play(script: &str) -> String {
    let clock = Clock::starting_at("2027-01-04T10:00:00Z".parse().unwrap());
    let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
    let mut passwords = Passwords::new(store.clone(), clock.clone());
    let mut trials = BTreeMap::new();
    let begun = Instant::now();
    let mut told = Vec::new();
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (time, words) = line.split_once(' ').unwrap();
        let (minutes, seconds) = time.split_once(':').unwrap();
        let at = Duration::from_secs(minutes.parse::<u64>().unwrap() * 60 + seconds.parse::<u64>().unwrap());
        tokio::time::sleep_until(begun + at).await;
        let words: Vec<&str> = words.split(' ').collect();
        match words.as_slice() {
            ["restart"] => {
                trials.clear();
                passwords = Passwords::new(store.clone(), clock.clone());
            }
            [place, word @ ("accepts" | "refuses" | "hangs" | "is"), ..] => {
                let trial: Trial = trials.remove(*place).expect("it was tried");
                trial.ended(said_by(word).as_ref()).await;
            }
            places => {
                let mut said = Vec::new();
                for text in places {
                    let (place, password) = text.split_once('=').unwrap_or((text, "one"));
                    said.push(match passwords.trial(&codec(place, password)).await {
                        Ok(trial) => {
                            trials.insert((*place).to_owned(), trial);
                            format!("{place} goes")
                        }
                        Err(EndpointError::CredentialsPaused { again }) => {
                            format!("{place} in {} min", again.as_secs().div_ceil(60))
                        }
                        Err(_) => format!("{place} waits"),
                    });
                }
                told.push(format!("{time} {}", said.join(", ")));
            }
        }
    }
    told.join("\n")
}

async fn check(script: &str, expected: &str) {
    let expected: Vec<&str> = expected.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    assert_eq!(play(script).await, expected.join("\n"), "{script}");
}

#[tokio::test(start_paused = true)]
async fn a_refused_password_is_sent_there_once_in_half_an_hour_and_another_one_at_once() {
    check(
        "
        0:00 a
        0:01 a refuses
        0:02 a
        29:00 a
        29:01 a=two
        29:02 a accepts
        29:03 a=two
        ",
        "
        0:00 a goes
        0:02 a in 30 min
        29:00 a in 2 min
        29:01 a goes
        29:03 a goes
        ",
    )
    .await;
    check("0:00 a\n0:01 a refuses\n30:02 a", "0:00 a goes\n30:02 a goes").await;
}

#[tokio::test(start_paused = true)]
async fn a_hundred_restarts_with_a_wrong_password_make_one_attempt() {
    let mut script = "0:00 a\n".to_owned();
    for second in 1..59 {
        script.push_str(&format!("0:{second:02} restart\n0:{second:02} a\n"));
    }
    assert_eq!(play(&script).await.matches("goes").count(), 1);
    let mut script = "0:00 a\n0:01 a refuses\n".to_owned();
    for minute in 1..30 {
        script.push_str(&format!("{minute}:00 restart\n{minute}:00 a\n"));
    }
    assert_eq!(play(&script).await.matches("goes").count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_password_nobody_has_accepted_is_tried_by_three_devices_and_pauses_everywhere_when_they_refuse() {
    check(
        "
        0:00 a b c
        0:01 d
        0:12 a refuses
        0:13 b refuses
        0:14 d
        0:25 c refuses
        0:26 d e
        31:00 d e
        31:01 d refuses
        31:02 e f
        61:02 a e f
        ",
        "
        0:00 a goes, b goes, c goes
        0:01 d waits
        0:14 d waits
        0:26 d in 30 min, e in 30 min
        31:00 d goes, e in 1 min
        31:02 e in 30 min, f in 30 min
        61:02 a in 1 min, e goes, f in 1 min
        ",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_first_acceptance_lets_everybody_go_but_those_who_refused_themselves() {
    check(
        "
        0:00 a b c
        0:01 a refuses
        0:02 b accepts
        0:03 d e f g
        0:04 a
        ",
        "
        0:00 a goes, b goes, c goes
        0:03 d goes, e goes, f goes, g goes
        0:04 a in 30 min
        ",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_password_that_was_changed_on_all_devices_is_first_tried_by_the_one_that_took_it_last() {
    check(
        "
        0:00 a
        0:01 a accepts
        0:02 b
        0:03 b accepts
        10:00 c d e
        10:01 c refuses
        10:02 d refuses
        10:03 e refuses
        10:04 a b
        11:05 a
        11:06 b
        11:07 b accepts
        11:08 a c
        ",
        "
        0:00 a goes
        0:02 b goes
        10:00 c goes, d goes, e goes
        10:04 a in 1 min, b in 1 min
        11:05 a in 1 min
        11:06 b goes
        11:08 a goes, c in 29 min
        ",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn three_refusals_pause_the_password_across_a_restart() {
    check(
        "
        0:00 a b c
        0:01 a refuses
        0:02 b refuses
        0:03 c refuses
        5:00 restart
        5:01 d
        ",
        "
        0:00 a goes, b goes, c goes
        5:01 d in 26 min
        ",
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_device_that_is_away_costs_no_attempt_and_one_that_hangs_a_minute() {
    check(
        "
        0:00 a
        0:01 a is away
        0:02 a
        0:03 a hangs
        0:04 a
        1:05 a
        1:06 a accepts
        1:07 a
        1:08 a hangs
        1:09 a
        ",
        "
        0:00 a goes
        0:02 a goes
        0:04 a in 1 min
        1:05 a goes
        1:07 a goes
        1:09 a goes
        ",
    )
    .await;
}
