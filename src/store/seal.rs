//! Seals what is stored: compressed, encrypted with XChaCha20-Poly1305, bound to its record and deployment.
//!
//! ```text
//! version 1 | flags 1 | key id 4 | nonce 24 | ciphertext and tag
//! ```
//! The associated data are the first six bytes, the deployment and the record's path, so a value moved to another record or
//! another deployment does not open. The key file holds one or several keys of 32 bytes: the first seals, all open.

use std::io::{Read as _, Write as _};
use std::path::Path;

use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305};
use zeroize::Zeroizing;

use super::private::{load_given, load_or_create, random};
use super::{Changes, Op, Pending, Store, StoreError};
use crate::model::Digest;

const VERSION: u8 = 1;
/// Flag: the plain text was deflated.
const DEFLATED: u8 = 1;
const KEY_BYTES: usize = 32;
const KEY_ID_BYTES: usize = 4;
const HEADER_BYTES: usize = 2 + KEY_ID_BYTES;
const NONCE_BYTES: usize = 24;

/// Below this deflating gains nothing worth its time.
const DEFLATE_FROM: usize = 512;

/// More than this is sealed on the blocking pool: deflating runs at some 50 MB/s, and the runtime should not wait for it.
const BLOCKING_FROM: usize = 64 * 1024;

/// A record that every key file in use must open. It is the first one written.
const CANARY_RECORD: &str = "meta/canary";
const CANARY: &[u8] = b"otj store";

/// The keys of a store.
pub struct Keys(Vec<Key>);

struct Key {
    id: [u8; KEY_ID_BYTES],
    cipher: XChaCha20Poly1305,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} keys", self.0.len())
    }
}

impl Keys {
    /// From the bytes of a key file.
    ///
    /// # Errors
    /// When they are not one or several keys of 32 bytes.
    pub fn parse(bytes: &[u8], path: &Path) -> Result<Self, StoreError> {
        let (keys, rest) = bytes.as_chunks::<KEY_BYTES>();
        if keys.is_empty() || !rest.is_empty() {
            let what = format!(
                "{} holds {} bytes; a key file is one or several keys of 32 random bytes (`head -c 32 /dev/urandom`)",
                path.display(),
                bytes.len()
            );
            return Err(StoreError::io(what)(std::io::ErrorKind::InvalidData.into()));
        }
        Ok(Self(keys.iter().map(Key::new).collect()))
    }
}

impl Key {
    fn new(bytes: &[u8; KEY_BYTES]) -> Self {
        let digest = Digest::of([b"otj key id".as_slice(), bytes.as_slice()]);
        let mut id = [0; KEY_ID_BYTES];
        id.copy_from_slice(&digest.0[..KEY_ID_BYTES]);
        Self { id, cipher: XChaCha20Poly1305::new(&(*bytes).into()) }
    }
}

/// The keys in `path`, a file of our data directory, made with one key when there is none.
///
/// # Errors
/// When others can read the file, or it holds no keys.
pub fn load_or_create_key(path: &Path) -> Result<Keys, StoreError> {
    let bytes = load_or_create(path, || Ok(random::<KEY_BYTES>()?.to_vec()))?;
    Keys::parse(&bytes, path)
}

/// The keys in `path`, which the operator named. It is never made: a volume that is not mounted must not lead to a new key.
///
/// # Errors
/// When the file is not there or holds no keys.
pub fn load_key(path: &Path) -> Result<Keys, StoreError> {
    Keys::parse(&load_given(path)?, path)
}

/// Seals and opens values of one deployment.
#[derive(Debug)]
pub struct Seal {
    keys: Keys,
    deployment: String,
}

impl Seal {
    /// With these keys, for this deployment.
    #[must_use]
    pub fn new(keys: Keys, deployment: &str) -> Self {
        Self { keys, deployment: deployment.to_owned() }
    }

    /// The sealed form of `plain` for `record`.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn seal(&self, record: &str, plain: &[u8]) -> Result<Vec<u8>, StoreError> {
        let key = &self.keys.0[0];
        let deflated = (plain.len() >= DEFLATE_FROM).then(|| Zeroizing::new(deflate(plain)));
        let (flags, body) = match &deflated {
            Some(small) if small.len() < plain.len() => (DEFLATED, small.as_slice()),
            _ => (0, plain),
        };
        let mut sealed = vec![VERSION, flags];
        sealed.extend_from_slice(&key.id);
        let nonce = random::<NONCE_BYTES>()?;
        let aad = self.associated(record, &sealed);
        let ciphertext = key
            .cipher
            .encrypt(&nonce.into(), Payload { msg: body, aad: &aad })
            .expect("a value is far shorter than the cipher's limit of 256 GiB");
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&ciphertext);
        Ok(sealed)
    }

    /// The plain form of what was sealed for `record`.
    ///
    /// # Errors
    /// [`StoreError::WrongKey`] when none of the keys sealed it; [`StoreError::Corrupt`] when it was changed, cut or moved.
    pub fn open(&self, record: &str, sealed: &[u8]) -> Result<Vec<u8>, StoreError> {
        let corrupt = || StoreError::Corrupt(format!("record {record} does not open"));
        let (header, rest) = sealed.split_first_chunk::<HEADER_BYTES>().ok_or_else(corrupt)?;
        let (nonce, ciphertext) = rest.split_first_chunk::<NONCE_BYTES>().ok_or_else(corrupt)?;
        if header[0] != VERSION {
            return Err(corrupt());
        }
        let key = self.keys.0.iter().find(|key| key.id == header[2..]).ok_or(StoreError::WrongKey)?;
        let aad = self.associated(record, header);
        let body =
            key.cipher.decrypt(&(*nonce).into(), Payload { msg: ciphertext, aad: &aad }).map_err(|_| corrupt())?;
        if header[1] & DEFLATED == 0 { Ok(body) } else { inflate(&Zeroizing::new(body)).map_err(|_| corrupt()) }
    }

    fn associated(&self, record: &str, header: &[u8]) -> Vec<u8> {
        Digest::of([header, self.deployment.as_bytes(), record.as_bytes()]).0.to_vec()
    }
}

fn deflate(plain: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(plain).and_then(|()| encoder.finish()).expect("writing into memory does not fail")
}

fn inflate(deflated: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut plain = Vec::new();
    flate2::read::DeflateDecoder::new(deflated).read_to_end(&mut plain)?;
    Ok(plain)
}

/// A store whose values are sealed. Paths are not.
#[derive(Debug)]
pub struct SealedStore<S> {
    inner: S,
    seal: std::sync::Arc<Seal>,
}

impl<S: Store> SealedStore<S> {
    /// Wraps `inner`, whose deployment is [`super::deployment`]. An empty store gets its canary; any other must open with
    /// these keys.
    ///
    /// # Errors
    /// [`StoreError::WrongKey`], before anything is written.
    pub async fn open(inner: S, keys: Keys, deployment: &str) -> Result<Self, StoreError> {
        let seal = std::sync::Arc::new(Seal::new(keys, deployment));
        loop {
            match inner.get(CANARY_RECORD).await? {
                Some(sealed) if seal.open(CANARY_RECORD, &sealed)? == CANARY => break,
                Some(_) => return Err(StoreError::Corrupt("its canary is another".into())),
                None => {
                    let canary = seal.seal(CANARY_RECORD, CANARY)?;
                    let ops = vec![Op::expect(CANARY_RECORD, None), Op::put(CANARY_RECORD, canary)];
                    match inner.commit(ops).await {
                        // Another node was quicker; what it wrote must open.
                        Err(StoreError::Changed(_)) => {}
                        done => done?,
                    }
                }
            }
        }
        Ok(Self { inner, seal })
    }

    /// What it wraps.
    pub fn inner(&self) -> &S {
        &self.inner
    }

    /// Seals what is put, and turns what is expected into the sealed bytes that are there.
    async fn sealed(&self, ops: Vec<Op>) -> Result<Vec<Op>, StoreError> {
        let mut sealed = Vec::with_capacity(ops.len());
        for op in ops {
            sealed.push(match op {
                Op::Put { key, value } => {
                    let seal = self.seal.clone();
                    let (key, value) =
                        aside(value.len(), move || seal.seal(&key, &value).map(|value| (key, value))).await?;
                    Op::Put { key, value }
                }
                Op::Expect { key, value: Some(value) } => {
                    let found = self.inner.get(&key).await?;
                    match &found {
                        Some(bytes) if self.seal.open(&key, bytes)? == value => Op::Expect { key, value: found },
                        _ => return Err(StoreError::Changed(key)),
                    }
                }
                other => other,
            });
        }
        Ok(sealed)
    }
}

impl<S: Store> Store for SealedStore<S> {
    fn get<'a>(&'a self, key: &'a str) -> Pending<'a, Option<Vec<u8>>> {
        Box::pin(async move {
            let Some(sealed) = self.inner.get(key).await? else { return Ok(None) };
            let (seal, key) = (self.seal.clone(), key.to_owned());
            aside(sealed.len(), move || seal.open(&key, &sealed)).await.map(Some)
        })
    }

    fn commit(&self, ops: Vec<Op>) -> Pending<'_, ()> {
        Box::pin(async move { self.inner.commit(self.sealed(ops).await?).await })
    }

    /// The deployment's name and the canary stand in the same store and are no records of the caller.
    fn scan<'a>(&'a self, prefix: &'a str) -> Pending<'a, Vec<(String, Vec<u8>)>> {
        Box::pin(async move {
            let mut found = self.inner.scan(prefix).await?;
            found.retain(|(key, _)| key != CANARY_RECORD && key != super::DEPLOYMENT_RECORD);
            let total = found.iter().map(|(_, sealed)| sealed.len()).sum();
            let seal = self.seal.clone();
            aside(total, move || {
                found.into_iter().map(|(key, sealed)| seal.open(&key, &sealed).map(|plain| (key, plain))).collect()
            })
            .await
        })
    }

    fn watch(&self, prefix: &str) -> Changes {
        self.inner.watch(prefix)
    }

    fn bytes(&self) -> Pending<'_, u64> {
        self.inner.bytes()
    }
}

/// Does small work here and large work on the blocking pool.
async fn aside<T: Send + 'static>(
    bytes: usize,
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    if bytes < BLOCKING_FROM {
        return work();
    }
    tokio::task::spawn_blocking(work).await.expect("sealing does not panic")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::memory::MemoryStore;

    fn keys(bytes: &[u8]) -> Keys {
        let file: Vec<u8> = bytes.iter().flat_map(|byte| [*byte; KEY_BYTES]).collect();
        Keys::parse(&file, Path::new("store.key")).unwrap()
    }

    #[test]
    fn a_value_opens_only_at_its_record_in_its_deployment_with_its_key_and_unchanged() {
        let seal = Seal::new(keys(&[1]), "abc234");
        for length in [0, 1, 511, 512, 100_000] {
            let plain: Vec<u8> = (0..length).map(|n: u32| (n % 7) as u8).collect();
            let sealed = seal.seal("held/oslo-4", &plain).unwrap();
            assert_eq!(seal.open("held/oslo-4", &sealed).unwrap(), plain);
            assert!(length < 1000 || sealed.len() < plain.len() / 10, "long values are compressed");
            assert_ne!(seal.seal("held/oslo-4", &plain).unwrap(), sealed, "every sealing has its own nonce");
            let moved = seal.open("held/oslo-5", &sealed).unwrap_err();
            assert!(matches!(moved, StoreError::Corrupt(_)), "{moved}");
            let elsewhere = Seal::new(keys(&[1]), "xyz234").open("held/oslo-4", &sealed).unwrap_err();
            assert!(matches!(elsewhere, StoreError::Corrupt(_)), "{elsewhere}");
            let other_key = Seal::new(keys(&[2]), "abc234").open("held/oslo-4", &sealed).unwrap_err();
            assert!(matches!(other_key, StoreError::WrongKey), "{other_key}");
            for place in [0, 1, 2, HEADER_BYTES, HEADER_BYTES + NONCE_BYTES, sealed.len() - 1] {
                let mut changed = sealed.clone();
                changed[place] ^= 1;
                assert!(seal.open("held/oslo-4", &changed).is_err(), "byte {place}");
            }
            assert!(seal.open("held/oslo-4", &sealed[..sealed.len() - 1]).is_err());
            assert!(seal.open("held/oslo-4", &sealed[..10]).is_err());
        }
    }

    #[test]
    fn the_first_key_seals_and_the_others_still_open() {
        let old = Seal::new(keys(&[1]), "abc234").seal("held/oslo-4", b"x").unwrap();
        let both = Seal::new(keys(&[2, 1]), "abc234");
        assert_eq!(both.open("held/oslo-4", &old).unwrap(), b"x");
        let new = both.seal("held/oslo-4", b"x").unwrap();
        assert!(Seal::new(keys(&[2]), "abc234").open("held/oslo-4", &new).is_ok());
    }

    #[test]
    fn a_key_file_is_made_once_and_a_cut_or_missing_one_is_refused() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("store.key");
        assert!(load_key(&path).is_err(), "a file the operator named is never made");
        let first = load_or_create_key(&path).unwrap();
        assert_eq!(load_or_create_key(&path).unwrap().0[0].id, first.0[0].id);
        assert_eq!(load_key(&path).unwrap().0[0].id, first.0[0].id);
        std::fs::write(&path, [0; 31]).unwrap();
        let refused = load_or_create_key(&path).unwrap_err().to_string();
        assert!(refused.contains("holds 31 bytes; a key file is one or several keys of 32 random bytes"), "{refused}");
    }

    #[tokio::test]
    async fn a_wrong_key_refuses_to_start_and_overwrites_nothing() {
        let inner = MemoryStore::new();
        let sealed = SealedStore::open(inner, keys(&[1]), "abc234").await.unwrap();
        sealed.commit(vec![Op::put("held/oslo-4", "Merger")]).await.unwrap();
        let before = sealed.inner().scan("").await.unwrap();
        assert!(before.iter().all(|(_, value)| !value.windows(6).any(|window| window == b"Merger")));
        let SealedStore { inner, .. } = sealed;
        let inner = std::sync::Arc::new(inner);
        let refused = SealedStore::open(inner.clone(), keys(&[2]), "abc234").await.unwrap_err();
        assert!(matches!(refused, StoreError::WrongKey));
        assert_eq!(inner.scan("").await.unwrap(), before);
        let again = SealedStore::open(inner, keys(&[2, 1]), "abc234").await.unwrap();
        assert_eq!(again.get("held/oslo-4").await.unwrap(), Some(b"Merger".to_vec()));
    }
}
