//! What a right directory asks for: references followed, everything inherited, templates and secrets in place.

use std::path::PathBuf;

use otj::config::{LoadOptions, Loaded, SecretOptions, Secrets, Snapshot, load};
use otj::model::desired::{ModeState, ReplaceSubject, RoomSource};
use otj::model::{DeviceSpec, EndpointName, EndpointSpec, Secret, SecretValue};

use super::{loaded, read};

const SITE: &str = "\
apiVersion: otj/v1
kind: IcsIntegration
metadata: {name: calendars}
spec: {directory: ../calendars}
---
apiVersion: otj/v1
kind: CalDavIntegration
metadata: {name: dav}
spec: {url: 'https://dav.example', calendarPath: '/{{ room.email }}/'}
---
apiVersion: otj/v1
kind: Profile
metadata: {name: hq}
spec:
  integration: calendars
  upcomingDays: 3
  startBufferMinutes: 7
  aliasDomains: [VC.Example.com.]
  mode: Observe
  cisco: {username: shared, password: {value: from-profile}, tls: Insecure}
---
apiVersion: otj/v1
kind: EndpointGroup
metadata: {name: oslo}
spec:
  profile: hq
  timeZone: Europe/Oslo
  overrides: {replaceSubject: Always, upcomingDays: 5}
  mode: Enforce
  modeUntil: 2026-03-01T00:00:00Z
  modeReason: moving in
  onRemove: Keep
  cisco: {username: 'u-{{ endpoint.name }}', password: {value: from-group}, port: 8443}
  poly: {username: '{{ endpoint.labels.site }}-{{ endpoint.name }}', password: {value: from-group}}
---
apiVersion: otj/v1
kind: EndpointGroup
metadata: {name: guests}
spec: {profile: hq, integration: dav, overrides: {aliasDomains: [], replaceSubjectTemplate: '{{ calendar_event.subject }}'}}
---
apiVersion: otj/v1
kind: Rule
metadata: {name: second}
spec: {profile: hq, priority: 20, type: Regex, match: 'a', replace: 'b'}
---
apiVersion: otj/v1
kind: Rule
metadata: {name: first}
spec: {profile: hq, priority: 10, type: Zoom}
";

const ENDPOINTS: &str = "\
apiVersion: otj/v1
kind: Endpoint
metadata: {name: fjord}
spec:
  group: oslo
  roomEmail: Fjord@Example.com
  startBufferMinutes: 0
  cisco: {address: Fjord.example.com, tls: Verify, fingerprint: 'AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA'}
---
apiVersion: otj/v1
kind: Endpoint
metadata: {name: vik, labels: {site: osl}}
spec: {group: oslo, roomEmail: fjord@example.com, poly: {emit: [VmrToken]}}
---
apiVersion: otj/v1
kind: Endpoint
metadata: {name: lobby}
spec: {group: guests, roomEmail: lobby@example.com, cisco: {address: 10.0.0.9, useHttps: false}}
---
apiVersion: otj/v1
kind: Endpoint
metadata: {name: single}
spec: {profile: hq, roomEmail: single@example.com, cisco: {address: 10.0.0.10}}
";

fn site() -> Loaded {
    let snapshot = Snapshot::of_texts(&[("sites/endpoints.yaml", ENDPOINTS), ("sites/site.yaml", SITE)]);
    loaded(&snapshot, &LoadOptions { allow_inline_secrets: true, ..LoadOptions::default() })
}

fn endpoint<'a>(loaded: &'a Loaded, name: &str) -> &'a EndpointSpec {
    &loaded.desired.as_ref().unwrap().endpoints[&EndpointName::parse(name).unwrap()]
}

fn password(device: &DeviceSpec) -> Option<&str> {
    let value = match device {
        DeviceSpec::Cisco(cisco) => &cisco.password,
        DeviceSpec::Poly(poly) => &poly.password,
        DeviceSpec::Webex(_) => return None,
    };
    value.known().map(Secret::expose)
}

#[test]
fn an_endpoint_inherits_from_its_group_and_its_profile() {
    let site = site();
    assert_eq!(site.diagnostics, []);
    let fjord = endpoint(&site, "fjord");
    let DeviceSpec::Cisco(cisco) = &fjord.device else { panic!("{:?}", fjord.device) };
    assert_eq!((cisco.username.as_str(), password(&fjord.device)), ("u-fjord", Some("from-group")));
    assert_eq!((cisco.port, cisco.use_https, cisco.tls), (8443, true, otj::model::device::TlsMode::Verify));
    assert_eq!(cisco.fingerprint.as_deref(), Some("aa".repeat(32).as_str()));
    assert_eq!((fjord.view.start_buffer_minutes, fjord.view.upcoming_days), (0, 5));
    assert_eq!(fjord.view.replace_subject, ReplaceSubject::Always);
    let lobby = endpoint(&site, "lobby");
    let DeviceSpec::Cisco(cisco) = &lobby.device else { panic!("{:?}", lobby.device) };
    assert_eq!((cisco.username.as_str(), password(&lobby.device), cisco.port), ("shared", Some("from-profile"), 80));
    assert_eq!((lobby.view.start_buffer_minutes, lobby.view.upcoming_days), (7, 3));
    let vik = endpoint(&site, "vik");
    let DeviceSpec::Poly(poly) = &vik.device else { panic!("{:?}", vik.device) };
    assert_eq!((poly.username.as_str(), poly.emit.vmr_token, poly.emit.body_uri), ("osl-vik", true, false));
}

#[test]
fn a_mode_ends_in_what_it_inherits() {
    let site = site();
    let at = |time: &str| endpoint(&site, "fjord").mode.at(time.parse().unwrap());
    assert_eq!(at("2026-02-28T23:59:59Z"), ModeState::Enforce);
    assert_eq!(at("2026-03-01T00:00:00Z"), ModeState::Observe);
    let why = |time: &str| endpoint(&site, "fjord").mode.reason_at(time.parse().unwrap()).map(str::to_owned);
    assert_eq!(why("2026-02-28T23:59:59Z").as_deref(), Some("moving in"));
    assert_eq!(why("2026-03-01T00:00:00Z"), None);
    assert_eq!(endpoint(&site, "single").mode.at("2026-01-01T00:00:00Z".parse().unwrap()), ModeState::Observe);
}

#[test]
fn a_room_is_read_once_with_the_widest_window_and_in_its_zone() {
    let site = site();
    let desired = site.desired.as_ref().unwrap();
    let fjord = &desired.rooms[&endpoint(&site, "fjord").room];
    assert_eq!(fjord.endpoints.iter().map(EndpointName::as_str).collect::<Vec<_>>(), ["fjord", "vik"]);
    assert_eq!((fjord.time_zone.as_deref(), fjord.upcoming_days), (Some("Europe/Oslo"), 5));
    let path = PathBuf::from("/nonexistent/otj.d/sites/../calendars/fjord@example.com.ics");
    assert_eq!(fjord.source, RoomSource::IcsFile(path));
    let lobby = &desired.rooms[&endpoint(&site, "lobby").room];
    assert_eq!(lobby.source, RoomSource::CalDav { path: Some("/lobby@example.com/".to_owned()) });
    assert_eq!(lobby.integration.name.as_str(), "dav");
}

#[test]
fn only_settings_that_differ_make_another_evaluation() {
    let site = site();
    let desired = site.desired.as_ref().unwrap();
    let (fjord, single, lobby) = (endpoint(&site, "fjord"), endpoint(&site, "single"), endpoint(&site, "lobby"));
    assert_eq!(fjord.evaluation, single.evaluation);
    assert_ne!(fjord.evaluation, lobby.evaluation);
    assert_eq!(fjord.evaluation.variant, otj::model::Digest::default());
    let own = &desired.evaluations[&fjord.evaluation];
    let varied = &desired.evaluations[&lobby.evaluation];
    assert_eq!(own.rules.iter().map(|rule| rule.name.as_str()).collect::<Vec<_>>(), ["first", "second"]);
    assert_eq!(own.alias_domains.as_deref(), Some(&["vc.example.com".to_owned()][..]));
    assert_eq!(varied.alias_domains.as_deref(), Some(&[][..]));
    assert!(own.rules[0].default_processing && !own.rules[1].default_processing);
    assert_ne!(own.digest, varied.digest);
    assert_eq!(desired.documents["Endpoint"], 4);
}

#[test]
fn a_kept_directory_runs_with_its_kept_secrets_after_everything_is_gone() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("otj.d");
    std::fs::create_dir(&root).unwrap();
    std::fs::write(root.join("site.yaml"), SITE.replace("{value: from-profile}", "{file: word}")).unwrap();
    std::fs::write(root.join("endpoints.yaml"), ENDPOINTS).unwrap();
    std::fs::write(root.join("word"), "from-file\n").unwrap();
    let options = LoadOptions { allow_inline_secrets: true, ..LoadOptions::default() };
    let snapshot = read(&root);
    let mut secrets = Secrets::live(SecretOptions::default());
    let before = load(&snapshot, &mut secrets, &options);
    let (bytes, kept) = (snapshot.to_bytes(), secrets.resolved_to_bytes());
    std::fs::remove_dir_all(&root).unwrap();
    let snapshot = Snapshot::from_bytes(&bytes).unwrap();
    let mut secrets = Secrets::kept(SecretOptions::default(), &kept).unwrap();
    let after = load(&snapshot, &mut secrets, &options);
    assert_eq!(after.desired, before.desired);
    assert_eq!(password(&endpoint(&after, "single").device), Some("from-file"));
    assert!(secrets.fallen_back() > 0);
}

#[test]
fn a_missing_secret_stops_nothing() {
    let text = format!("{SITE}---\n{ENDPOINTS}").replace("{value: from-profile}", "{env: NO_SUCH_VARIABLE}");
    let loaded = loaded(
        &Snapshot::of_texts(&[("a.yaml", &text)]),
        &LoadOptions { allow_inline_secrets: true, ..LoadOptions::default() },
    );
    let DeviceSpec::Cisco(cisco) = &endpoint(&loaded, "single").device else { panic!() };
    assert_eq!(cisco.password, SecretValue::Missing("there is no variable `NO_SUCH_VARIABLE`".into()));
}

#[test]
fn a_rule_test_becomes_events_and_expectations() {
    let test = "
apiVersion: otj/v1
kind: RuleTest
metadata: {name: invitations}
spec:
  profile: hq
  cases:
    - name: nothing to dial
      event: {subject: A, start: 2026-01-05T10:00:00Z, properties: {X-A: b}}
      expect: {alias: null}
    - name: not asked
      event: {bodyHtml: <p>x</p>}
      expect: {shown: true}
";
    let loaded = loaded(
        &Snapshot::of_texts(&[("a.yaml", SITE), ("test.yaml", test)]),
        &LoadOptions { allow_inline_secrets: true, ..LoadOptions::default() },
    );
    let cases = &loaded.rule_tests[0].cases;
    assert_eq!((cases[0].line, cases[1].line), (8, 11));
    assert_eq!((cases[0].expect.alias.clone(), cases[1].expect.alias.clone()), (Some(None), None));
    assert_eq!(cases[0].event.end.to_string(), "2026-01-05T11:00:00Z");
    assert_eq!(cases[0].event.properties["X-A"], "b");
}
