//! In virtual time: however many requests, servers, restarts and days, no account is ever locked by us.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use otj::auth::basic::parse;
use otj::calendar::exchange::refusal::EntryError;
use otj::http::{Bytes, HeaderMap, Http, HttpError, Peer, Played, Request, StatusCode, Url, header};
use otj::model::{Failure, Remedy, Scope};
use otj::oauth::password::PasswordError;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::rig::{Asker, basic};

const HOUR: Duration = Duration::from_secs(3600);

/// Servers that all ask one directory.
#[derive(Default)]
struct Directory {
    today: Mutex<Today>,
}

#[derive(Default)]
struct Today {
    password: String,
    /// When a wrong password came.
    wrong: Vec<Instant>,
    right: u64,
    /// Servers that ask another directory.
    foreign: Option<String>,
    /// All of them refuse whatever comes.
    confused: bool,
    /// All of them leave whoever brings a password without an answer.
    silent: bool,
}

impl Peer for Directory {
    fn answer(&self, request: &Request) -> Played {
        let mut today = self.today.lock().unwrap();
        let given = request.headers.get("authorization").map(|it| parse(it.to_str().unwrap()).unwrap());
        let host = request.url.host_str().map(str::to_owned);
        let status = match given {
            None => 401,
            Some(_) if today.confused => 401,
            Some((_, password)) if password == today.password && today.foreign != host => {
                today.right += 1;
                200
            }
            Some(_) => {
                today.wrong.push(Instant::now());
                401
            }
        };
        let silent = today.silent && request.headers.contains_key("authorization");
        let result = match (silent, status) {
            (true, _) => Err(HttpError::Deadline),
            (false, status) => {
                let offered = [(header::WWW_AUTHENTICATE, "Basic realm=\"mail\"".parse().unwrap())];
                let headers: HeaderMap = offered.into_iter().filter(|_| status == 401).collect();
                Ok((StatusCode::from_u16(status).unwrap(), headers, Bytes::new()))
            }
        };
        Played { after: Duration::from_millis(300), result }
    }
}

fn url() -> Url {
    "https://mail.example.com/EWS/Exchange.asmx".parse().unwrap()
}

fn rig(password: &str) -> (Arc<Directory>, Asker) {
    let directory = Arc::new(Directory::default());
    directory.today.lock().unwrap().password = "right".into();
    let asker = Asker::over(Http::played_by(directory.clone()).unwrap(), &url(), basic("otj@example.com", password));
    (directory, asker)
}

impl Directory {
    fn change(&self, change: impl FnOnce(&mut Today)) {
        change(&mut self.today.lock().unwrap());
    }

    fn wrong(&self) -> usize {
        self.today.lock().unwrap().wrong.len()
    }

    /// Most wrong passwords within any `span`.
    fn most_within(&self, span: Duration) -> usize {
        let wrong = self.today.lock().unwrap().wrong.clone();
        wrong
            .iter()
            .map(|from| wrong.iter().filter(|at| **at >= *from && **at - *from < span).count())
            .max()
            .unwrap_or(0)
    }
}

/// `many` requests at a time; how many went well.
async fn at_once(asker: &Arc<Asker>, many: usize) -> usize {
    let mut tasks = JoinSet::new();
    for _ in 0..many {
        let asker = asker.clone();
        tasks.spawn(async move { asker.send(&url()).await.is_ok() });
    }
    tasks.join_all().await.into_iter().filter(|is_ok| *is_ok).count()
}

#[tokio::test(start_paused = true)]
async fn a_wrong_password_is_tried_four_times_a_day_at_most_in_spite_of_a_crash_loop() {
    let (directory, asker) = rig("wrong");
    let mut asker = Arc::new(asker);
    for minute in (0..100).chain((100..10 * 24 * 60).step_by(20)) {
        Arc::get_mut(&mut asker).unwrap().restart();
        assert_eq!(at_once(&asker, if minute < 100 { 50 } else { 2 }).await, 0);
        match minute {
            0..60 => assert_eq!(directory.wrong(), 1, "minute {minute}"),
            60..70 => assert!(directory.wrong() <= 2, "minute {minute}"),
            _ => {}
        }
        tokio::time::advance(Duration::from_secs(if minute < 100 { 60 } else { 20 * 60 })).await;
    }
    assert!(directory.most_within(24 * HOUR) <= 4, "{}", directory.most_within(24 * HOUR));
    assert!((10..=14).contains(&directory.wrong()), "it is tried again now and then: {}", directory.wrong());
    // What was wrong in the documents counts at once when it is right.
    Arc::get_mut(&mut asker).unwrap().change(basic("otj@example.com", "right"));
    assert_eq!(at_once(&asker, 50).await, 50);
}

#[tokio::test(start_paused = true)]
async fn a_password_that_is_changed_in_the_directory_goes_wrong_five_times_and_then_seldom() {
    let (directory, asker) = rig("right");
    let asker = Arc::new(asker);
    assert_eq!(at_once(&asker, 100).await, 100);
    directory.change(|it| it.password = "changed".into());
    for _ in 0..50 {
        assert_eq!(at_once(&asker, 100).await, 0);
        tokio::time::advance(Duration::from_secs(60)).await;
    }
    assert!(directory.wrong() <= 5, "{}", directory.wrong());
    let error = asker.send(&url()).await.unwrap_err();
    let failure = Failure::from(error);
    assert_eq!((failure.reason, failure.remedy, failure.scope), ("CredentialsRefused", Remedy::Fix, Scope::Account));
    assert!(failure.message.contains("so that the account is not locked"), "{failure}");
    assert!(failure.retry_after.is_some_and(|wait| wait < HOUR) && !failure.message.contains("right,"), "{failure}");
    let mut asker = Arc::into_inner(asker).unwrap();
    asker.change(basic("otj@example.com", "changed"));
    assert_eq!(asker.send(&url()).await.unwrap().status.as_u16(), 200);
}

#[tokio::test(start_paused = true)]
async fn servers_in_trouble_that_refuse_everybody_cost_a_minute() {
    let (directory, asker) = rig("right");
    let asker = Arc::new(asker);
    assert_eq!(at_once(&asker, 10).await, 10);
    directory.change(|it| it.confused = true);
    assert_eq!(at_once(&asker, 10).await, 0);
    directory.change(|it| it.confused = false);
    assert_eq!(at_once(&asker, 10).await, 0);
    tokio::time::advance(Duration::from_secs(61)).await;
    assert_eq!(at_once(&asker, 10).await, 10);
}

#[tokio::test(start_paused = true)]
async fn a_server_of_another_directory_is_left_alone_and_the_others_go_on() {
    let (directory, asker) = rig("right");
    let elsewhere: Url = "https://other.example.com/EWS/Exchange.asmx".parse().unwrap();
    directory.change(|it| it.foreign = Some("other.example.com".into()));
    for _ in 0..24 * 60 {
        let _ = asker.send(&url()).await;
        let _ = asker.send(&elsewhere).await;
        tokio::time::advance(Duration::from_secs(60)).await;
    }
    let right = directory.today.lock().unwrap().right;
    assert!(right > 24 * 60 - 20, "{right}");
    assert!(directory.most_within(24 * HOUR) <= 4, "{}", directory.most_within(24 * HOUR));
}

#[tokio::test(start_paused = true)]
async fn attempts_without_an_answer_are_few_as_long_as_nobody_has_confirmed_the_password() {
    let (directory, mut asker) = rig("wrong");
    directory.change(|it| it.silent = true);
    for _ in 0..30 {
        asker.send(&url()).await.unwrap_err();
        tokio::time::advance(Duration::from_secs(60)).await;
    }
    assert!((3..=5).contains(&directory.wrong()), "{}", directory.wrong());
    asker.restart();
    let error = asker.send(&url()).await.unwrap_err();
    assert!(matches!(error, EntryError::Password(PasswordError::Unsure { .. })), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_process_that_is_killed_while_a_server_looks_at_the_password_does_not_send_it_again_at_once() {
    let (directory, mut asker) = rig("wrong");
    for _ in 0..100 {
        let answer = tokio::time::timeout(Duration::from_millis(450), asker.send(&url())).await;
        // The first ones are cut off between the request and its answer.
        drop(answer);
        asker.restart();
    }
    assert_eq!(directory.wrong(), 1);
}
