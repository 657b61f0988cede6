//! Values as sled's records: cut into pieces.
//!
//! Of each of its 256 parts of the cache, sled keeps a page of up to sixteen records, however large they are: for records of 13 KB
//! each, as those of rooms are, 50 MB. So a value is cut into pieces of [`PIECE`], a record each, which end up on pages of their own:
//! the first under the value's key, the others behind it under the key, a zero byte and the number of the piece. No key has a zero byte.

use ::sled::{Batch, Db, IVec, Iter};

use super::StoreError;
use super::sled::from_sled;

/// Longest piece of a value, in bytes.
const PIECE: usize = 2048;

/// The value under `key`, whole.
pub(super) fn read(db: &Db, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
    let Some(first) = db.get(key.as_bytes()).map_err(from_sled)? else { return Ok(None) };
    let mut whole = first.to_vec();
    // A shorter one is the only one, and so is a longer one, which the version before wrote.
    if whole.len() == PIECE {
        for record in behind(db, key) {
            whole.extend_from_slice(&record.map_err(from_sled)?.1);
        }
    }
    Ok(Some(whole))
}

/// The values of which the key begins with `prefix`, in the order of their keys.
pub(super) fn all(db: &Db, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
    let mut found: Vec<(String, Vec<u8>)> = Vec::new();
    for record in db.scan_prefix(prefix.as_bytes()) {
        let (key, value) = record.map_err(from_sled)?;
        if let Some((_, whole)) = found.last_mut().filter(|(whole, _)| is_behind(&key, whole)) {
            whole.extend_from_slice(&value);
            continue;
        }
        let key =
            String::from_utf8(key.to_vec()).map_err(|_| StoreError::Corrupt("a record's path is not text".into()))?;
        found.push((key, value.to_vec()));
    }
    Ok(found)
}

/// Adds to `batch` what makes `value` that of `key`; `None`: there is none any more.
pub(super) fn write(db: &Db, batch: &mut Batch, key: String, value: Option<Vec<u8>>) -> Result<(), StoreError> {
    // The value before may have had more of them. What comes later in a batch counts.
    for record in behind(db, &key) {
        batch.remove(record.map_err(from_sled)?.0);
    }
    let Some(value) = value else {
        batch.remove(key.into_bytes());
        return Ok(());
    };
    let (first, rest) = value.split_at(value.len().min(PIECE));
    for (piece, number) in rest.chunks(PIECE).zip(1_u32..) {
        batch.insert([key.as_bytes(), &[0], &number.to_be_bytes()].concat(), piece);
    }
    batch.insert(key.into_bytes(), first);
    Ok(())
}

/// The pieces of a value behind its first.
fn behind(db: &Db, key: &str) -> Iter {
    db.scan_prefix([key.as_bytes(), &[0]].concat())
}

/// Whether the record under `key` is a piece of the value under `whole`.
fn is_behind(key: &IVec, whole: &str) -> bool {
    key.strip_prefix(whole.as_bytes()).is_some_and(|rest| rest.first() == Some(&0))
}

#[cfg(test)]
mod tests {
    use super::PIECE;
    use crate::model::Clock;
    use crate::store::sled::SledStore;
    use crate::store::{Op, Store as _};

    fn clock() -> Clock {
        Clock::starting_at("2026-03-02T08:00:00Z".parse().unwrap())
    }

    #[tokio::test]
    async fn values_of_any_length_are_read_as_they_were_written() {
        let scratch = tempfile::tempdir().unwrap();
        let store = SledStore::open(scratch.path(), clock()).await.unwrap();
        let mut last = None;
        for length in [0, 1, PIECE - 1, PIECE, PIECE + 1, 300 * PIECE, 2 * PIECE, 2 * PIECE + 1, PIECE, 5, 3 * PIECE, 0]
        {
            let value: Vec<u8> = (0..length).map(|at| u8::try_from(at * 7 % 251).unwrap()).collect();
            let ops = [Op::expect("room/1", last), Op::put("room/1", value.clone()), Op::put("room/10", "ten")];
            store.commit(ops.into()).await.unwrap();
            assert_eq!(store.get("room/1").await.unwrap(), Some(value.clone()), "{length}");
            let all = [("room/1".to_owned(), value.clone()), ("room/10".to_owned(), b"ten".to_vec())];
            assert_eq!(store.scan("room/").await.unwrap(), all, "{length}");
            last = Some(value);
        }
        store.commit(vec![Op::put("room/1", vec![1; 5 * PIECE])]).await.unwrap();
        store.commit(vec![Op::delete("room/1")]).await.unwrap();
        assert_eq!(store.scan("").await.unwrap(), [("room/10".to_owned(), b"ten".to_vec())]);
        assert_eq!(store.get("room/1").await.unwrap(), None);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_value_that_is_written_meanwhile_is_read_as_it_was_or_as_it_is() {
        let scratch = tempfile::tempdir().unwrap();
        let store = std::sync::Arc::new(SledStore::open(scratch.path(), clock()).await.unwrap());
        let of = |round: u8| vec![round; (1 + usize::from(round % 7)) * 20 * PIECE];
        store.commit(vec![Op::put("room/1", of(0))]).await.unwrap();
        let written = store.clone();
        let writer = tokio::spawn(async move {
            for round in 0..60 {
                written.commit(vec![Op::put("room/1", of(round))]).await.unwrap();
            }
        });
        while !writer.is_finished() {
            let read = store.get("room/1").await.unwrap().unwrap();
            let scanned = store.scan("room/").await.unwrap().remove(0).1;
            assert!([read, scanned].iter().all(|value| *value == of(value[0])));
        }
        writer.await.unwrap();
    }

    #[tokio::test]
    async fn a_store_of_the_version_before_is_read_and_written_on() {
        let scratch = tempfile::tempdir().unwrap();
        let place = scratch.path().join("store");
        std::fs::create_dir(&place).unwrap();
        std::fs::write(place.join("format"), "1\n").unwrap();
        let before = ::sled::Config::new().path(place.join("sled")).open().unwrap();
        before.insert("room/1", vec![1; 3 * PIECE]).unwrap();
        before.flush().unwrap();
        drop(before);
        let store = SledStore::open(scratch.path(), clock()).await.unwrap();
        assert_eq!(store.get("room/1").await.unwrap(), Some(vec![1; 3 * PIECE]));
        store.commit(vec![Op::put("room/1", vec![2; 2 * PIECE])]).await.unwrap();
        assert_eq!(store.scan("").await.unwrap(), [("room/1".to_owned(), vec![2; 2 * PIECE])]);
        assert_eq!(std::fs::read_to_string(place.join("format")).unwrap(), "2\n");
    }
}
