//! Several directories, base and overlay, are one deployment.

use std::fs;
use std::path::{Path, PathBuf};

use otj::config::files::{self, ReadFailure, ReadOptions};
use otj::config::{LoadOptions, SecretOptions, Secrets, Snapshot, load};
use otj::model::{Desired, DeviceSpec};
use otj::reconcile::world::live::{documents_read, unpack};

const BASE: &str = "\
apiVersion: otj/v1
kind: IcsIntegration
metadata: {name: calendars}
spec: {directory: calendars}
---
apiVersion: otj/v1
kind: Profile
metadata: {name: hq}
spec: {integration: calendars}
";

fn endpoint(name: &str) -> String {
    format!(
        "apiVersion: otj/v1\nkind: Endpoint\nmetadata: {{name: {name}}}\nspec: {{profile: hq, roomEmail: {name}@example.com, \
         poly: {{username: {name}, password: {{file: password}}}}}}\n"
    )
}

struct Roots {
    _dir: tempfile::TempDir,
    roots: Vec<PathBuf>,
}

impl Roots {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let roots: Vec<PathBuf> = ["base", "overlay"].iter().map(|name| dir.path().join(name)).collect();
        for (root, name) in roots.iter().zip(["oslo", "bergen"]) {
            fs::create_dir(root).unwrap();
            fs::write(root.join("site.yaml"), endpoint(name)).unwrap();
            fs::write(root.join("password"), format!("the password of {name}\n")).unwrap();
        }
        fs::write(roots[0].join("base.yaml"), BASE).unwrap();
        Self { _dir: dir, roots }
    }

    fn read(&self) -> Snapshot {
        files::read(&self.roots, ReadOptions::default()).unwrap()
    }

    fn loaded(&self) -> otj::config::Loaded {
        load(&self.read(), &mut Secrets::live(nowhere()), &LoadOptions::default())
    }
}

fn nowhere() -> SecretOptions {
    SecretOptions { directories: vec![], data_dir: None }
}

/// Each endpoint with its password.
fn passwords(desired: &Desired) -> Vec<String> {
    let password = |device: &DeviceSpec| match device {
        DeviceSpec::Poly(poly) => poly.password.known().map(|secret| secret.expose().to_owned()),
        _ => None,
    };
    let line = |(name, spec): (&otj::model::EndpointName, &std::sync::Arc<otj::model::EndpointSpec>)| {
        format!("{name}: {}", password(&spec.device).unwrap_or_default())
    };
    desired.endpoints.iter().map(line).collect()
}

#[test]
fn an_overlay_refers_to_its_base_and_each_directory_has_its_own_files() {
    let roots = Roots::new();
    let desired = roots.loaded().desired.unwrap();
    assert_eq!(passwords(&desired), ["bergen: the password of bergen", "oslo: the password of oslo"]);
}

#[test]
fn the_kept_form_of_two_directories_has_the_secrets_of_both() {
    let roots = Roots::new();
    let mut secrets = Secrets::live(nowhere());
    let read = documents_read(&roots.read(), &mut secrets, &LoadOptions::default());
    for root in &roots.roots {
        fs::remove_dir_all(root).unwrap();
    }
    let (snapshot, found) = unpack(&read.record).unwrap();
    assert_eq!(snapshot.checksum, read.checksum);
    let kept = load(&snapshot, &mut Secrets::kept(nowhere(), &found).unwrap(), &LoadOptions::default());
    let desired = kept.desired.unwrap();
    assert_eq!(passwords(&desired), ["bergen: the password of bergen", "oslo: the password of oslo"]);
}

#[test]
fn names_collide_across_directories_and_directories_do_not_overlap() {
    let roots = Roots::new();
    fs::write(roots.roots[1].join("again.yaml"), endpoint("oslo").replace("username: oslo", "username: second"))
        .unwrap();
    let loaded = roots.loaded();
    let twice = loaded.diagnostics.iter().find(|finding| finding.code == "OTJ103").unwrap();
    assert!(loaded.desired.is_none());
    assert!(twice.place.file.ends_with("overlay/again.yaml"), "{}", twice.place.file);
    let inside = roots.roots[0].join("inside");
    fs::create_dir(&inside).unwrap();
    for other in [inside, roots.roots[0].clone()] {
        let failure = files::read(&[roots.roots[0].clone(), other], ReadOptions::default());
        assert!(matches!(failure, Err(ReadFailure::Overlap(..))));
    }
    let missing = files::read(&[roots.roots[0].clone(), Path::new("/nowhere").to_owned()], ReadOptions::default());
    assert!(matches!(missing, Err(ReadFailure::Missing(_))), "a directory that is not there is no smaller deployment");
}

#[test]
fn checksum_and_revision_are_of_all_directories() {
    let roots = Roots::new();
    let before = roots.read();
    fs::write(roots.roots[1].join("site.yaml"), endpoint("skien")).unwrap();
    assert_ne!(roots.read().checksum, before.checksum);
    for (root, digit) in roots.roots.iter().zip(["a", "b"]) {
        fs::create_dir(root.join(".git")).unwrap();
        fs::write(root.join(".git/HEAD"), digit.repeat(40)).unwrap();
    }
    assert_eq!(roots.read().revision, format!("{}+{}", "a".repeat(40), "b".repeat(40)));
    fs::write(roots.roots[1].join(".git/HEAD"), "a".repeat(40)).unwrap();
    assert_eq!(roots.read().revision, "a".repeat(40));
    // git at work in either is waited for.
    fs::write(roots.roots[1].join(".git/index.lock"), "").unwrap();
    let wait = ReadOptions { wait_for_git: true, git_lock_ignored: false };
    assert!(matches!(files::read(&roots.roots, wait), Err(ReadFailure::GitAtWork(_))));
}
