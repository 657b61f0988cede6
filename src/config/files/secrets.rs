//! Looks up what `SecretRef`s and other named files refer to. In: references from documents. Out: values that hide themselves, or
//! the reason why there is none. Whatever was found is remembered, so that it can be kept with the adopted directory.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use zeroize::Zeroizing;

use crate::model::{Secret, SecretValue};

use super::confined;
use super::snapshot::{Root, Snapshot, SourceFile};

/// Largest file that a document names, in bytes.
const NAMED_FILE_MAX: u64 = 1 << 20;

/// Where secrets may lie, beside the configuration directory.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SecretOptions {
    /// `--secret-dir`.
    pub directories: Vec<PathBuf>,
    /// Our own data directory; nothing below it is a secret of a document.
    pub data_dir: Option<PathBuf>,
}

impl SecretOptions {
    /// `given`, or the default directories when none is given.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "systemd names its credentials directory in the environment")]
    pub fn new(given: &[PathBuf], data_dir: Option<PathBuf>) -> Self {
        let mut directories = given.to_vec();
        if given.is_empty() {
            directories = vec!["/run/secrets".into(), "/etc/otj/secrets".into()];
            directories.extend(std::env::var("CREDENTIALS_DIRECTORY").ok().map(PathBuf::from));
        }
        Self { directories, data_dir }
    }
}

/// What a document says about where a value is.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Reference {
    /// A file, and in it a string of a YAML or JSON map.
    File {
        /// Relative to the document's file, then to each secret directory.
        path: String,
        /// Name in the map; `None`: the whole file.
        key: Option<String>,
    },
    /// An environment variable.
    Env(String),
}

impl Reference {
    /// The name under which what was found is kept: the directory of the document counts, since paths are relative to it, and
    /// which of several `--config` directories it is in.
    fn name(&self, file: &SourceFile) -> String {
        let directory = Path::new(&file.relative).parent().unwrap_or(Path::new("")).to_string_lossy();
        let directory = if file.root == 0 { directory } else { format!("{}:{directory}", file.root).into() };
        let parts = match self {
            Self::File { path, key } => ["file", &directory, path, key.as_deref().unwrap_or("\0")],
            Self::Env(name) => ["env", "", name, ""],
        };
        serde_json::to_string(&parts).expect("an array of texts is plain data")
    }
}

impl Reference {
    /// Where the reference leads, whichever file of the directory it is written in.
    fn place(&self, file: &SourceFile) -> String {
        match self {
            Self::Env(name) => format!("env {name}"),
            Self::File { path, key } => {
                let mut place = Path::new(&file.relative).parent().unwrap_or(Path::new("")).to_path_buf();
                for part in Path::new(path).components() {
                    match part {
                        Component::CurDir => {}
                        Component::ParentDir if place.file_name().is_some_and(|name| name != "..") => drop(place.pop()),
                        other => place.push(other),
                    }
                }
                format!("file {} {}", place.display(), key.as_deref().unwrap_or_default())
            }
        }
    }
}

/// Why kept secrets cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the kept secrets cannot be understood")]
pub struct KeptFault;

type Bytes = Zeroizing<Vec<u8>>;

/// How long a value serves whose reference cannot be read any more: a file is half written for a moment, not for longer.
const LAST_VALUE_SERVES: SignedDuration = SignedDuration::from_mins(15);

/// What a running process found, with the time each value was last read. It lives as long as the process.
#[derive(Clone, Default)]
pub struct LastValues(BTreeMap<String, (Bytes, Timestamp)>);

impl LastValues {
    /// Values of an earlier process, taken as if they had been read at `now`.
    ///
    /// # Errors
    /// When the bytes are not what [`Secrets::resolved_to_bytes`] kept.
    pub fn from_kept(bytes: &[u8], now: Timestamp) -> Result<Self, KeptFault> {
        Ok(Self(decoded(bytes)?.into_iter().map(|(name, value)| (name, (value, now))).collect()))
    }

    /// Takes over what a load at `now` read. A value that could not be read keeps its time; one too old is forgotten.
    pub fn learn(&mut self, secrets: &Secrets, now: Timestamp) {
        let read = secrets.found.iter().filter(|(name, _)| !secrets.fallen_back.contains(*name));
        self.0.extend(read.map(|(name, value)| (name.clone(), (value.clone(), now))));
        self.0.retain(|_, (_, read_at)| serves(*read_at, now));
    }
}

impl std::fmt::Debug for LastValues {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LastValues({})", self.0.len())
    }
}

/// A clock that was set back must not make a value serve for longer, so the distance counts.
fn serves(read_at: Timestamp, now: Timestamp) -> bool {
    now.duration_since(read_at).abs() < LAST_VALUE_SERVES
}

/// Looks up references, and remembers what it found.
#[derive(Default)]
pub struct Secrets {
    options: SecretOptions,
    /// Every reference stands for itself, and nothing is looked up.
    by_reference: bool,
    /// What was found at an earlier load, used where the reference cannot be read now.
    kept: BTreeMap<String, Bytes>,
    found: BTreeMap<String, Bytes>,
    /// Maps of secrets, parsed once a load: one mounted file can carry thousands.
    maps: BTreeMap<PathBuf, Result<Arc<serde_json::Value>, String>>,
    /// Where (root, directory of the document, path) leads, looked up once a load.
    places: BTreeMap<(usize, PathBuf, String), Result<PathBuf, String>>,
    /// Names served from `kept`.
    fallen_back: BTreeSet<String>,
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Secrets")
            .field("found", &self.found.len())
            .field("kept", &self.kept.len())
            .finish_non_exhaustive()
    }
}

impl Secrets {
    /// Looks into the world alone.
    #[must_use]
    pub fn live(options: SecretOptions) -> Self {
        Self { options, ..Self::default() }
    }

    /// Reads no secret at all: each is known by where it is, and two are the same when they are in the same place. For comparing
    /// directories.
    #[must_use]
    pub fn by_reference(options: SecretOptions) -> Self {
        Self { options, by_reference: true, ..Self::default() }
    }

    /// Looks into the world, and falls back on what was read in the last 15 minutes.
    #[must_use]
    pub fn remembering(options: SecretOptions, last: &LastValues, now: Timestamp) -> Self {
        let young = last.0.iter().filter(|(_, (_, read_at))| serves(*read_at, now));
        let kept = young.map(|(name, (value, _))| (name.clone(), value.clone())).collect();
        Self { options, kept, ..Self::default() }
    }

    /// Looks into the world, and falls back on what [`Secrets::resolved_to_bytes`] kept, however old: for a kept directory.
    ///
    /// # Errors
    /// When the bytes are not what was kept.
    pub fn kept(options: SecretOptions, bytes: &[u8]) -> Result<Self, KeptFault> {
        let kept = decoded(bytes)?;
        Ok(Self { options, kept, ..Self::default() })
    }

    /// Forgets what the last load looked up, so that this one sees the world as it is.
    pub(crate) fn begin_load(&mut self) {
        self.found.clear();
        self.maps.clear();
        self.places.clear();
        self.fallen_back.clear();
    }

    /// Everything that was found, in a form to be sealed and kept.
    #[must_use]
    pub fn resolved_to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let encoded: BTreeMap<&str, Zeroizing<String>> =
            self.found.iter().map(|(name, value)| (name.as_str(), Zeroizing::new(STANDARD.encode(&**value)))).collect();
        let plain: BTreeMap<&str, &str> = encoded.iter().map(|(name, value)| (*name, value.as_str())).collect();
        Zeroizing::new(serde_json::to_vec(&plain).expect("texts are plain data"))
    }

    /// How many values came from what was kept, since the reference could not be read.
    #[must_use]
    pub fn fallen_back(&self) -> usize {
        self.fallen_back.len()
    }

    /// The credential behind a reference in `file`.
    pub fn resolve(&mut self, snapshot: &Snapshot, file: &SourceFile, reference: &Reference) -> SecretValue {
        if self.by_reference {
            return SecretValue::Known(Secret::new(reference.place(file)));
        }
        let live = match reference {
            Reference::File { path, key: None } => self.whole_file(snapshot, file, path),
            Reference::File { path, key: Some(key) } => self.entry(snapshot, file, path, key),
            Reference::Env(name) => variable(name),
        };
        let live = live.map(|text| Zeroizing::new(text.into_bytes()));
        match self.remember(reference.name(file), live) {
            Ok(bytes) => match std::str::from_utf8(&bytes) {
                Ok(text) => SecretValue::Known(Secret::new(text.to_owned())),
                Err(_) => SecretValue::Missing("it is not UTF-8".into()),
            },
            Err(reason) => SecretValue::Missing(reason.into()),
        }
    }

    /// The bytes of a file that a document names: certificates, invitations to test.
    ///
    /// # Errors
    /// Says why there are none, without quoting content.
    pub fn named_file(&mut self, snapshot: &Snapshot, file: &SourceFile, path: &str) -> Result<Arc<[u8]>, String> {
        let reference = Reference::File { path: path.to_owned(), key: None };
        let live = self.place(snapshot, file, path).and_then(|place| read(&place));
        self.remember(format!("bytes {}", reference.name(file)), live).map(|bytes| bytes.as_slice().into())
    }

    fn remember(&mut self, name: String, live: Result<Bytes, String>) -> Result<Bytes, String> {
        let bytes = match (live, self.kept.get(&name)) {
            (Ok(bytes), _) => bytes,
            (Err(_), Some(kept)) => {
                self.fallen_back.insert(name.clone());
                kept.clone()
            }
            (Err(reason), None) => return Err(reason),
        };
        self.found.insert(name, bytes.clone());
        Ok(bytes)
    }

    fn whole_file(&mut self, snapshot: &Snapshot, file: &SourceFile, path: &str) -> Result<String, String> {
        let place = self.place(snapshot, file, path)?;
        let bytes = read(&place)?;
        let text = std::str::from_utf8(&bytes).map_err(|_| format!("the file `{path}` is not UTF-8"))?;
        let text = text.strip_suffix('\n').map_or(text, |text| text.strip_suffix('\r').unwrap_or(text));
        if text.is_empty() { Err(format!("the file `{path}` is empty")) } else { Ok(text.to_owned()) }
    }

    fn entry(&mut self, snapshot: &Snapshot, file: &SourceFile, path: &str, key: &str) -> Result<String, String> {
        let place = self.place(snapshot, file, path)?;
        let map = self.maps.entry(place).or_insert_with_key(|place| map_of(place).map(Arc::new)).clone();
        let map = map.map_err(|reason| format!("the file `{path}` {reason}"))?;
        match map.get(key) {
            Some(serde_json::Value::String(text)) if text.is_empty() => Err(format!("`{key}` in `{path}` is empty")),
            Some(serde_json::Value::String(text)) => Ok(text.clone()),
            Some(_) => Err(format!("`{key}` in `{path}` is not a text; write it in quotes")),
            None => Err(format!("the file `{path}` has no `{key}`")),
        }
    }

    fn place(&mut self, snapshot: &Snapshot, file: &SourceFile, path: &str) -> Result<PathBuf, String> {
        let beside = Path::new(&file.relative).parent().unwrap_or(Path::new(""));
        let key = (file.root, beside.to_owned(), path.to_owned());
        if let Some(known) = self.places.get(&key) {
            return known.clone();
        }
        let place = self.look_for(snapshot, file, path);
        self.places.insert(key, place.clone());
        place
    }

    /// Where `path` leads, links followed, if that is a place where secrets may lie.
    fn look_for(&self, snapshot: &Snapshot, file: &SourceFile, path: &str) -> Result<PathBuf, String> {
        let written = Path::new(path);
        let mut candidates = vec![];
        if written.is_absolute() {
            candidates.push(written.to_owned());
        } else {
            let beside = Path::new(&file.relative).parent().unwrap_or(Path::new(""));
            let root = snapshot.roots.get(file.root);
            let roots = root.into_iter().flat_map(|root| [&root.resolved, &root.absolute]);
            candidates.extend(roots.map(|root| root.join(beside).join(written)));
            candidates.extend(self.options.directories.iter().map(|directory| directory.join(written)));
        }
        let mut reason = format!("the file `{path}` does not exist");
        for candidate in candidates {
            match candidate.canonicalize() {
                Ok(real) if self.permitted(snapshot, &real) => return Ok(real),
                Ok(_) => {
                    reason =
                        format!("the file `{path}` lies outside of the configuration directory and every --secret-dir");
                }
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => reason = format!("the file `{path}`: {}", confined::plain(&error)),
            }
        }
        Err(reason)
    }

    fn permitted(&self, snapshot: &Snapshot, real: &Path) -> bool {
        let below = |directory: &Path| directory.canonicalize().is_ok_and(|directory| real.starts_with(directory));
        let forbidden = real.starts_with("/proc")
            || real.starts_with("/sys")
            || self.options.data_dir.as_deref().is_some_and(below)
            || real.components().any(|part| part == Component::Normal(".git".as_ref()));
        let roots = snapshot.roots.iter().flat_map(|root: &Root| [root.resolved.as_path(), root.absolute.as_path()]);
        !forbidden && roots.chain(self.options.directories.iter().map(PathBuf::as_path)).any(below)
    }
}

fn decoded(bytes: &[u8]) -> Result<BTreeMap<String, Bytes>, KeptFault> {
    let kept: BTreeMap<String, String> = serde_json::from_slice(bytes).map_err(|_| KeptFault)?;
    let decode = |(name, value): (String, String)| {
        let value = Zeroizing::new(value);
        Ok((name, Zeroizing::new(STANDARD.decode(value.as_bytes()).map_err(|_| KeptFault)?)))
    };
    kept.into_iter().map(decode).collect()
}

fn read(place: &Path) -> Result<Bytes, String> {
    confined::read_regular(place, NAMED_FILE_MAX).map(Zeroizing::new).map_err(|fault| fault.to_string())
}

#[expect(clippy::disallowed_methods, reason = "the one reader of secrets")]
fn variable(name: &str) -> Result<String, String> {
    if name.starts_with("OTJ_") {
        return Err(format!("`{name}` belongs to otj itself"));
    }
    match std::env::var(name) {
        Ok(text) if text.is_empty() => Err(format!("the variable `{name}` is empty")),
        Ok(text) => Ok(text),
        Err(std::env::VarError::NotPresent) => Err(format!("there is no variable `{name}`")),
        Err(std::env::VarError::NotUnicode(_)) => Err(format!("the variable `{name}` is not UTF-8")),
    }
}

/// Parses a map of secrets. The reason names the line at most, never what stands there.
fn map_of(place: &Path) -> Result<serde_json::Value, String> {
    let bytes = read(place)?;
    let text = std::str::from_utf8(&bytes).map_err(|_| "is not UTF-8".to_owned())?;
    let parsed = crate::config::yaml::parse(text, &crate::config::yaml::Budget::default());
    if let Some(fault) = parsed.faults.first() {
        return Err(format!("is not YAML or JSON (line {})", fault.span.start.line));
    }
    match parsed.documents.into_iter().next().map(|document| document.value) {
        Some(map @ serde_json::Value::Object(_)) => Ok(map),
        _ => Err("is not a map of names to texts".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::config::files::{ReadOptions, read};

    fn reason(value: &SecretValue) -> &str {
        match value {
            SecretValue::Known(_) => "known",
            SecretValue::Missing(reason) => reason,
        }
    }

    #[test]
    fn secrets_lie_where_they_may_and_nowhere_else() {
        let dir = tempfile::tempdir().unwrap();
        let (root, vault, data) = (dir.path().join("otj.d"), dir.path().join("vault"), dir.path().join("otj.d/data"));
        for directory in [&root.join("site"), &vault, &data] {
            fs::create_dir_all(directory).unwrap();
        }
        fs::write(root.join("site/a.yaml"), "x: 1\n").unwrap();
        fs::write(root.join("site/beside"), "one\n").unwrap();
        fs::write(vault.join("mounted"), "two\r\n").unwrap();
        fs::write(vault.join("map.yaml"), "a: three\nb: 42\nc: ''\n").unwrap();
        fs::write(vault.join("broken.yaml"), "a: hunter2: x\n").unwrap();
        fs::write(vault.join("empty"), "\n").unwrap();
        fs::write(data.join("store.key"), "four").unwrap();
        fs::write(dir.path().join("outside"), "five").unwrap();
        symlink(dir.path().join("outside"), root.join("site/link")).unwrap();
        let snapshot = read(&[root], ReadOptions::default()).unwrap();
        let options = SecretOptions { directories: vec![vault], data_dir: Some(data) };
        let mut secrets = Secrets::live(options);
        let outside = "lies outside of the configuration directory and every --secret-dir";
        for (path, key, expected) in [
            ("beside", None, "=one"),
            ("../site/beside", None, "=one"),
            ("mounted", None, "=two"),
            ("map.yaml", Some("a"), "=three"),
            ("map.yaml", Some("b"), "`b` in `map.yaml` is not a text; write it in quotes"),
            ("map.yaml", Some("c"), "`c` in `map.yaml` is empty"),
            ("map.yaml", Some("d"), "the file `map.yaml` has no `d`"),
            ("broken.yaml", Some("a"), "the file `broken.yaml` is not YAML or JSON (line 1)"),
            ("empty", None, "the file `empty` is empty"),
            ("nowhere", None, "the file `nowhere` does not exist"),
            ("../data/store.key", None, outside),
            ("../../outside", None, outside),
            ("link", None, outside),
            ("/proc/self/environ", None, outside),
            ("/etc/passwd", None, outside),
        ] {
            let reference = Reference::File { path: path.to_owned(), key: key.map(str::to_owned) };
            let value = secrets.resolve(&snapshot, &snapshot.files[0], &reference);
            match expected.strip_prefix('=') {
                Some(text) => assert_eq!(value.known().map(Secret::expose), Some(text), "{path} {}", reason(&value)),
                None => assert!(reason(&value).ends_with(expected), "{path}: {}", reason(&value)),
            }
        }
        let own = secrets.resolve(&snapshot, &snapshot.files[0], &Reference::Env("OTJ_TOKEN".into()));
        assert_eq!(reason(&own), "`OTJ_TOKEN` belongs to otj itself");
        let path = secrets.resolve(&snapshot, &snapshot.files[0], &Reference::Env("PATH".into()));
        assert!(path.known().is_some());
    }

    #[test]
    fn a_kept_secret_serves_only_while_its_reference_cannot_be_read() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a.yaml"), "x: 1\n").unwrap();
        fs::write(dir.path().join("word"), "first\n").unwrap();
        let snapshot = read(&[dir.path().to_owned()], ReadOptions::default()).unwrap();
        let reference = Reference::File { path: "word".into(), key: None };
        let mut live = Secrets::live(SecretOptions::default());
        live.resolve(&snapshot, &snapshot.files[0], &reference);
        let bytes = live.resolved_to_bytes();
        let look = |expected: &str| {
            let mut kept = Secrets::kept(SecretOptions::default(), &bytes).unwrap();
            let value = kept.resolve(&snapshot, &snapshot.files[0], &reference);
            assert_eq!(value.known().map(Secret::expose), Some(expected));
        };
        fs::write(dir.path().join("word"), "second\n").unwrap();
        look("second");
        fs::remove_file(dir.path().join("word")).unwrap();
        look("first");
        assert!(!format!("{live:?}").contains("first"));
        assert!(Secrets::kept(SecretOptions::default(), b"{").is_err());
    }

    #[test]
    fn a_value_that_cannot_be_read_any_more_serves_for_fifteen_minutes() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a.yaml"), "x: 1\n").unwrap();
        let word = dir.path().join("word");
        let snapshot = read(&[dir.path().to_owned()], ReadOptions::default()).unwrap();
        let reference = Reference::File { path: "word".into(), key: None };
        let mut last = LastValues::default();
        for (time, content, expected) in [
            ("10:00", Some("first"), Some("first")),
            ("10:10", None, Some("first")),
            // Serving it does not make it younger, and neither does a clock that is set back.
            ("10:14", Some(""), Some("first")),
            ("10:15", None, None),
            ("10:14", None, None),
            ("10:20", Some("second"), Some("second")),
            ("10:21", None, Some("second")),
            ("09:00", None, None),
        ] {
            match content {
                Some(text) => fs::write(&word, text).unwrap(),
                None => drop(fs::remove_file(&word)),
            }
            let now = format!("2026-01-05T{time}:00Z").parse().unwrap();
            let mut secrets = Secrets::remembering(SecretOptions::default(), &last, now);
            let value = secrets.resolve(&snapshot, &snapshot.files[0], &reference);
            last.learn(&secrets, now);
            assert_eq!(value.known().map(Secret::expose), expected, "{time}");
        }
    }
}
