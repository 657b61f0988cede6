//! What is special about etcd, against a real one. What every store does stands in `store/tests.rs`.

pub(crate) mod real;

use std::time::Duration;

use self::real::{RealEtcd, http};
use super::*;
use crate::store::Change;

async fn soon(what: &str, mut is: impl AsyncFnMut() -> bool) {
    for _ in 0..400 {
        if is().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("{what}");
}

#[tokio::test]
async fn values_larger_than_etcd_takes_are_whole_again_and_leave_nothing_behind() {
    let etcd = RealEtcd::start().await;
    let store = etcd.store("otj").await;
    let value = |length: usize| (0..length).map(|at| u8::try_from(at * 7 % 251).unwrap()).collect::<Vec<u8>>();
    for length in [0, 1, (1 << 20) + 1, 3 << 20, 7 << 20, 5] {
        store.commit(vec![Op::put("directory", value(length)), Op::put("a", "x")]).await.unwrap();
        assert!(store.get("directory").await.unwrap() == Some(value(length)), "{length}");
        assert!(store.scan("").await.unwrap()[1] == ("directory".to_owned(), value(length)), "{length}");
    }
    let pieces = store.shared.all(".pieces/").await.unwrap();
    assert_eq!(pieces.len(), 0, "the pieces of values that are gone");
    let many: Vec<Op> = (0..300).map(|n| Op::put(format!("room/{n:03}"), vec![7; 20_000])).collect();
    store.commit(many).await.unwrap();
    assert_eq!(store.scan("room/").await.unwrap().len(), 300);
}

#[tokio::test]
async fn a_watcher_goes_on_after_a_restart_of_etcd_and_looks_at_everything_after_a_compaction() {
    let mut etcd = RealEtcd::start().await;
    let (store, other) = (etcd.store("otj").await, etcd.store("otj").await);
    let mut watcher = store.watch("x/");
    other.commit(vec![Op::put("x/1", "a"), Op::put("y", "b")]).await.unwrap();
    assert_eq!(watcher.next().await, Some(Change::Key("x/1".into())));
    etcd.restart().await;
    soon("etcd takes records again", async || other.commit(vec![Op::put("x/2", "a")]).await.is_ok()).await;
    assert_eq!(watcher.next().await, Some(Change::Key("x/2".into())));
    assert!(!store.was_restored());
    // A stream that asks for what is forgotten.
    let revision = store.shared.range(".", None, 1).await.unwrap().header.revision;
    etcd.post("/v3/kv/compaction", &format!("{{\"revision\":\"{revision}\"}}")).await.unwrap();
    let mut late = JoinSet::new();
    late.spawn(follow::follow(store.shared.clone(), 1));
    assert_eq!(watcher.next().await, Some(Change::Missed));
}

#[tokio::test]
async fn an_etcd_that_is_another_one_is_noticed() {
    let mut etcd = RealEtcd::start().await;
    let store = etcd.store("otj").await;
    store.commit(vec![Op::put("a", "x")]).await.unwrap();
    etcd.replace().await;
    soon("it answers", async || store.get("a").await.is_ok()).await;
    assert!(store.was_restored());
}

#[tokio::test]
async fn without_its_lease_a_node_writes_nothing_and_another_may_take_its_name() {
    let etcd = RealEtcd::start().await;
    let (one, two) = (etcd.store("otj").await, etcd.store("otj").await);
    let lease = one.grant(60).await.unwrap();
    let made = one.hold("members/oslo", b"one", lease, None).await.unwrap().unwrap();
    one.fence(Some(("members/oslo", made)));
    one.commit(vec![Op::put("held/a", "by one")]).await.unwrap();
    assert_eq!(one.hold("members/oslo", b"one again", lease, Some(made)).await.unwrap(), Some(made));
    let other = two.grant(60).await.unwrap();
    assert_eq!(two.hold("members/oslo", b"two", other, None).await.unwrap(), None, "the name is taken");
    assert!(two.renew(lease).await.unwrap());
    two.revoke(lease).await.unwrap();
    assert!(!one.renew(lease).await.unwrap());
    let refused = one.commit(vec![Op::put("held/a", "late"), Op::expect("none", None)]).await.unwrap_err();
    assert!(matches!(refused, StoreError::LeaseLost), "{refused}");
    assert!(two.hold("members/oslo", b"two", other, None).await.unwrap().is_some());
    let refused = one.commit(vec![Op::put("held/a", "later")]).await.unwrap_err();
    assert!(matches!(refused, StoreError::LeaseLost), "{refused}");
    assert_eq!(two.get("held/a").await.unwrap(), Some(b"by one".to_vec()));
    let (members, _) = two.leased("members/").await.unwrap();
    assert_eq!((members[0].name.as_str(), members[0].value.as_slice()), ("oslo", &b"two"[..]));
    assert_eq!(two.scan("").await.unwrap().len(), 1, "who is alive is no record");
}

#[tokio::test]
async fn a_member_that_is_away_is_passed_over_and_none_is_an_error_that_names_no_secret() {
    let etcd = RealEtcd::start().await;
    let mut options = etcd.options("otj");
    options.endpoints.insert(0, "http://127.0.0.1:1/".parse().unwrap());
    let scratch = tempfile::tempdir().unwrap();
    let store = EtcdStore::open(http(), options, scratch.path()).await.unwrap();
    store.commit(vec![Op::put("a", "x")]).await.unwrap();
    assert!(store.bytes().await.unwrap() > 0);
    let nobody = EtcdOptions::parse("etcd+http://127.0.0.1:1/otj").unwrap();
    let refused = EtcdStore::open(http(), nobody, scratch.path()).await.unwrap_err().to_string();
    assert!(refused.starts_with("etcd does not answer ("), "{refused}");
}

#[tokio::test]
async fn a_user_signs_in_and_again_when_its_token_has_ended() {
    let etcd = RealEtcd::start().await;
    let b = base64;
    for (path, body) in [
        ("/v3/auth/user/add", r#"{"name":"root","password":"toor"}"#.to_owned()),
        ("/v3/auth/user/add", r#"{"name":"otj","password":"rosebud"}"#.to_owned()),
        ("/v3/auth/role/add", r#"{"name":"root"}"#.to_owned()),
        ("/v3/auth/role/add", r#"{"name":"otj"}"#.to_owned()),
        (
            "/v3/auth/role/grant",
            format!(
                r#"{{"name":"otj","perm":{{"permType":"READWRITE","key":"{}","range_end":"{}"}}}}"#,
                b("otj/"),
                b("otj0")
            ),
        ),
        ("/v3/auth/user/grant", r#"{"user":"otj","role":"otj"}"#.to_owned()),
        ("/v3/auth/user/grant", r#"{"user":"root","role":"root"}"#.to_owned()),
        ("/v3/auth/enable", "{}".to_owned()),
    ] {
        let said = etcd.post(path, &body).await.unwrap();
        assert!(!said.contains("error"), "{path}: {said}");
    }
    let scratch = tempfile::tempdir().unwrap();
    let signed_in = |password: &str| {
        let user = Some(("otj".to_owned(), crate::model::Secret::new(password.to_owned())));
        EtcdStore::open(http(), EtcdOptions { user, ..etcd.options("otj") }, scratch.path())
    };
    let refused = signed_in("wrong").await.unwrap_err().to_string();
    assert!(refused.starts_with("etcd refuses: authentication failed") && !refused.contains("wrong"), "{refused}");
    let store = signed_in("rosebud").await.unwrap();
    store.commit(vec![Op::put("a", "x")]).await.unwrap();
    store.shared.gateway.spoil_token();
    assert_eq!(store.get("a").await.unwrap(), Some(b"x".to_vec()));
    let elsewhere = EtcdOptions {
        user: Some(("otj".into(), crate::model::Secret::new("rosebud".into()))),
        ..etcd.options("other")
    };
    let refused = EtcdStore::open(http(), elsewhere, scratch.path()).await.unwrap_err().to_string();
    assert_eq!(refused, "etcd refuses: permission denied");
}
