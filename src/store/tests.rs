//! One table of behaviours over every store.

use std::sync::Arc;
use std::time::Duration;

use super::etcd::tests::real::RealEtcd;
use super::memory::MemoryStore;
use super::seal::{Keys, SealedStore};
use super::sled::SledStore;
use super::*;
use crate::model::Clock;

/// Runs commands against every store. `+a=1` puts, `-a` deletes, `?a=1` and `?a` expect; one line is one commit. `a` reads,
/// `a*` scans, `~` is what a watcher of `x/` was told since the last time.
async fn check(script: &str) {
    let scratch = tempfile::tempdir().unwrap();
    let keys = || Keys::parse(&[7; 32], std::path::Path::new("key")).unwrap();
    let clock = Clock::starting_at("2026-03-02T08:00:00Z".parse().unwrap());
    let directory = |name: &str| {
        let path = scratch.path().join(name);
        private::data_dir(&path).unwrap();
        path
    };
    let open = |name: &str| SledStore::open(Box::leak(directory(name).into_boxed_path()), clock.clone());
    let etcd = RealEtcd::start().await;
    let stores: Vec<(&str, Arc<dyn Store>)> = vec![
        ("memory", Arc::new(MemoryStore::new())),
        ("sled", Arc::new(open("plain").await.unwrap())),
        ("sealed memory", Arc::new(SealedStore::open(MemoryStore::new(), keys(), "abc234").await.unwrap())),
        ("sealed sled", Arc::new(SealedStore::open(open("sealed").await.unwrap(), keys(), "abc234").await.unwrap())),
        ("etcd", Arc::new(etcd.store("plain").await)),
        ("sealed etcd", Arc::new(SealedStore::open(etcd.store("sealed").await, keys(), "abc234").await.unwrap())),
    ];
    for (name, store) in stores {
        let mut watcher = store.watch("x/");
        for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (command, wanted) = line.split_once("=>").unwrap();
            // What other processes write, too, is told over a stream.
            let patience = Duration::from_millis(if name.contains("etcd") { 300 } else { 1 });
            let got = run(&*store, &mut watcher, command.trim(), patience).await;
            assert_eq!(got, wanted.trim(), "{name}: {command}");
        }
    }
}

async fn run(store: &dyn Store, watcher: &mut Changes, command: &str, patience: Duration) -> String {
    if command.starts_with(['+', '-', '?']) {
        let ops = command.split(' ').map(|word| {
            let (key, value) = word[1..].split_once('=').map_or((&word[1..], None), |(key, value)| (key, Some(value)));
            match word.as_bytes()[0] {
                b'+' => Op::put(key, value.unwrap()),
                b'-' => Op::delete(key),
                _ => Op::expect(key, value.map(|value| value.as_bytes().to_vec())),
            }
        });
        return match store.commit(ops.collect()).await {
            Ok(()) => "ok".into(),
            Err(error) => error.to_string(),
        };
    }
    if command == "~" {
        let mut told = Vec::new();
        while let Ok(Some(change)) = tokio::time::timeout(patience, watcher.next()).await {
            told.push(match change {
                Change::Key(key) => key,
                Change::Missed => "missed".into(),
            });
        }
        return told.join(" ");
    }
    let show = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    match command.strip_suffix('*') {
        Some(prefix) => {
            let found = store.scan(prefix).await.unwrap().into_iter();
            found.map(|(key, value)| format!("{key}={}", show(value))).collect::<Vec<_>>().join(" ")
        }
        None => store.get(command).await.unwrap().map_or("none".into(), show),
    }
}

#[tokio::test]
async fn commits_are_all_or_nothing_in_order_and_scans_are_sorted() {
    check(
        "
        a                  => none
        +a=1 +b/2=2 +b/1=1 => ok
        a                  => 1
        b/*                => b/1=1 b/2=2
        +b/10=x            => ok
        b/1*               => b/1=1 b/10=x
        +a=2 -a            => ok
        a                  => none
        -a +a=3            => ok
        a                  => 3
        -none              => ok
        zz*                =>
        ",
    )
    .await;
}

#[tokio::test]
async fn an_expectation_that_does_not_hold_refuses_the_whole_commit() {
    check(
        "
        ?a +a=1            => ok
        ?a +a=2            => record a has changed meanwhile
        +c=1 ?a=2          => record a has changed meanwhile
        c                  => none
        ?a=1 +a=2 ?b       => ok
        a                  => 2
        +a=3 ?a=2          => ok
        a                  => 3
        ?b=1               => record b has changed meanwhile
        ",
    )
    .await;
}

#[tokio::test]
async fn a_watcher_is_told_what_changed_under_its_prefix_after_the_commit() {
    check(
        "
        ~                  =>
        +x/1=a +y=b +x/2=c => ok
        ~                  => x/1 x/2
        +x/3=a ?nothing=1  => record nothing has changed meanwhile
        ~                  =>
        -x/1               => ok
        ~                  => x/1
        ",
    )
    .await;
}

#[tokio::test]
async fn a_watcher_that_fell_behind_is_told_to_look_at_everything() {
    let store = MemoryStore::new();
    let mut watcher = store.watch("x/");
    for round in 0..3000 {
        store.commit(vec![Op::put("x/1", round.to_string())]).await.unwrap();
    }
    assert_eq!(watcher.next().await, Some(Change::Missed));
    assert_eq!(watcher.next().await, Some(Change::Key("x/1".into())));
    drop(store);
    while let Some(change) = watcher.next().await {
        assert_eq!(change, Change::Key("x/1".into()));
    }
}

#[tokio::test]
async fn a_store_keeps_the_name_of_its_deployment_and_refuses_another() {
    let store = MemoryStore::new();
    let made = deployment(&store, None).await.unwrap();
    assert_eq!(made.len(), DEPLOYMENT_CHARACTERS);
    assert_eq!(deployment(&store, None).await.unwrap(), made);
    assert_eq!(deployment(&store, Some(&made)).await.unwrap(), made);
    assert!(matches!(deployment(&store, Some("other")).await, Err(StoreError::OtherDeployment { .. })));
    assert_eq!(deployment(&MemoryStore::new(), Some("north")).await.unwrap(), "north");
}

#[test]
fn debug_shows_no_values() {
    let shown = format!("{:?}", [Op::put("a", "Merger"), Op::expect("a", Some(b"Merger".to_vec()))]);
    assert_eq!(shown, "[put a (6 bytes), expect a (6 bytes)]");
}
