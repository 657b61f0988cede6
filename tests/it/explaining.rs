//! Why a meeting has no Join button: a fault in a small world, and the sentence that names it.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use otj::config::{LoadOptions, SecretOptions, Secrets, files, load};
use otj::explain::{Case, Explanation, Wanted, explain};
use otj::meetings;
use otj::model::desired::ModeState;
use otj::model::{
    Agenda, Body, Complete, Confidential, Desired, DeviceFacts, EndpointName, Event, LeftOut, LeftOutWhy, OtherWriter,
    Person, Proof, Window,
};
use otj::reconcile::board::{Drift, EndpointState, EndpointStatus, FailureNote, RoomStatus};
use otj::rules::{Chain, evaluate};

const NOW: &str = "2026-11-24T08:30:00Z";

/// A profile, its rules, one codec, one Poly endpoint; and a profile of other rooms.
const DOCUMENTS: &str = r"
apiVersion: otj/v1
kind: ExchangeIntegration
metadata: {name: mail}
spec: {serviceAccountUsername: otj@example.com, ntlm: {password: {file: secret}}, ewsUrl: https://mail.example.com/EWS/Exchange.asmx}
---
apiVersion: otj/v1
kind: Profile
metadata: {name: hq}
spec: {integration: mail, fallback: Never, PROFILE}
---
apiVersion: otj/v1
kind: Rule
metadata: {name: zoom}
spec: {profile: hq, priority: 1, type: Zoom}
---
apiVersion: otj/v1
kind: Profile
metadata: {name: annex}
spec: {integration: mail, fallback: Never}
---
apiVersion: otj/v1
kind: Rule
metadata: {name: vmr}
spec: {profile: annex, priority: 1, type: Domain, domain: vc.example.com}
---
apiVersion: otj/v1
kind: Endpoint
metadata: {name: codec}
spec: {profile: hq, roomEmail: fjord@example.com, cisco: {address: 10.0.0.5, username: otj, password: {file: secret}}}
";

const ZOOM: &str = "Join: https://us02web.zoom.us/j/88239814437?pwd=x";

/// One meeting in one room, and what is wrong.
struct Scene {
    profile: &'static str,
    body: &'static str,
    change: fn(&mut Event),
    room: fn(&mut RoomStatus),
    endpoint: fn(&mut EndpointStatus),
    left_out: Vec<LeftOut>,
    at: &'static str,
}

impl Default for Scene {
    fn default() -> Self {
        let nothing = |_: &mut _| ();
        let (change, room, endpoint) = (|_: &mut Event| (), nothing, |_: &mut EndpointStatus| ());
        Self { profile: "upcomingDays: 7", body: ZOOM, change, room, endpoint, left_out: vec![], at: "10:00" }
    }
}

fn at(time: &str) -> Timestamp {
    format!("2026-11-24T{time}:00Z").parse().unwrap()
}

fn desired(profile: &str) -> Arc<Desired> {
    let directory = tempfile::tempdir().unwrap();
    let text = DOCUMENTS.replace("PROFILE", profile);
    std::fs::write(directory.path().join("otj.yaml"), text).unwrap();
    std::fs::write(directory.path().join("secret"), "a-long-secret-value\n").unwrap();
    let snapshot = files::read(&[directory.path().to_owned()], files::ReadOptions::default()).unwrap();
    let secrets = SecretOptions { directories: vec![], data_dir: None };
    let loaded = load(&snapshot, &mut Secrets::live(secrets), &LoadOptions::default());
    let told = format!("{:?}", loaded.diagnostics);
    Arc::new(loaded.desired.expect(&told))
}

impl Scene {
    fn explain(self) -> Explanation {
        let desired = desired(self.profile);
        let endpoint = desired.endpoints[&EndpointName::parse("codec").unwrap()].clone();
        let spec = &desired.rooms[&endpoint.room];
        let now: Timestamp = NOW.parse().unwrap();
        let mut event = Event {
            uid: "one".into(),
            original_start: None,
            start: at("09:00"),
            end: at("09:30"),
            all_day: false,
            subject: Confidential::new("Weekly"),
            organizer: Person { name: Confidential::new("Ada"), email: Confidential::new("ada@example.com") },
            location: Confidential::default(),
            body: Body::Text(Confidential::new(self.body)),
            private: false,
            tentative: false,
            properties: serde_json::Map::new(),
            time_zone: None,
            last_modified: None,
        };
        (self.change)(&mut event);
        let window =
            Window { from: now - SignedDuration::from_hours(24), to: now + SignedDuration::from_hours(24 * 40) };
        let events = if self.left_out.is_empty() { vec![event] } else { vec![] };
        let complete = Complete {
            proof: Proof::Simulated,
            window,
            events,
            unreadable: vec![],
            time_zone: None,
            left_out: self.left_out,
        };
        let (agenda, events) = Agenda::from_complete(spec.key.clone(), complete, &[]);
        let chain = Chain::compile(&desired.evaluations[&endpoint.evaluation]);
        let made = evaluate(&chain, &spec.key.email, &agenda, &events, "Europe/Oslo", None);
        let schedule = Arc::new(meetings::schedule(&made, &endpoint, "Europe/Oslo", now));
        let mut room = RoomStatus {
            key: spec.key.clone(),
            endpoints: spec.endpoints.clone(),
            last_read: Some(now - SignedDuration::from_secs(12)),
            next_read: Some(now + SignedDuration::from_secs(30)),
            next_why: None,
            next_meeting: None,
            read_every: Duration::from_secs(60),
            meetings: 1,
            profiles: vec![],
            unreadable: 0,
            truncated: false,
            signs: agenda.signs,
            of_exchange: true,
            time_zone: Some("Europe/Oslo".into()),
            failure: None,
            drift: None,
        };
        (self.room)(&mut room);
        let mut status = EndpointStatus {
            spec: endpoint,
            state: EndpointState::InSync,
            mode: ModeState::Enforce,
            schedule: Some(schedule),
            synced: true,
            held: Some(1),
            kept: 0,
            last_contact: Some(now - SignedDuration::from_secs(20)),
            last_put: Some(now - SignedDuration::from_mins(50)),
            foreign: 0,
            writers: std::collections::BTreeSet::new(),
            keeps_losing: false,
            facts: DeviceFacts::default(),
            user_agent: None,
            failure: None,
            drift: None,
            device: None,
            because: None,
        };
        (self.endpoint)(&mut status);
        let zone = jiff::tz::TimeZone::get("Europe/Oslo").unwrap();
        explain(&Case {
            room: Arc::new(room),
            endpoints: vec![Arc::new(status)],
            desired,
            agenda: Some(Arc::new(agenda)),
            events: Some(events),
            wanted: Wanted::at(self.at, &zone, now).unwrap(),
            now,
        })
    }
}

/// The sentence, and what to do.
fn told(scene: Scene) -> String {
    let told = scene.explain();
    assert!(told.sentence.ends_with('.') && !told.sentence.ends_with(".."), "{}", told.sentence);
    match told.remedy {
        Some(remedy) => format!("{} → {remedy}", told.sentence),
        None => told.sentence,
    }
}

fn drifts(endpoint: &mut EndpointStatus, reason: &'static str) {
    endpoint.synced = false;
    endpoint.state = EndpointState::Drifting;
    endpoint.drift = Some(Drift { reason, since: at("08:00") });
}

fn fails(endpoint: &mut EndpointStatus, reason: &'static str, message: &str) {
    drifts(endpoint, "PutFailed");
    endpoint.failure = Some(FailureNote { reason, message: message.into(), since: at("08:00"), attempts: 3 });
}

#[test]
fn a_button_that_is_there_is_told_with_its_address_and_its_time() {
    assert_eq!(
        told(Scene::default()),
        "`codec` has Join from 09:55 to 10:30, dialling 88239814437@zoomcrc.com (confirmed 20 s ago)."
    );
}

#[test]
fn what_keeps_the_button_away_is_named_with_its_remedy() {
    let cases: Vec<(Scene, &[&str])> = vec![
        // There is no Join button: no rule matches.
        (Scene { body: "See you there", ..Scene::default() }, &["shows it without Join", "no meeting of a known kind"]),
        (
            Scene {
                body: "https://acme.webex.com/acme/j.php?MTID=m1 Video address: 25414224390@acme.webex.com",
                ..Scene::default()
            },
            &["no rule for it that can run: one of type `Webex` would give `25414224390@acme.webex.com`"],
        ),
        // It is no video meeting, and such are not shown.
        (
            Scene { profile: "nonVideoMeetings: false", body: "Lunch", ..Scene::default() },
            &["does not show it, since the profile has `nonVideoMeetings: false`"],
        ),
        // The link was rewritten.
        (
            Scene {
                body: "Zoom https://protect-eu.mimecast.com/s/AbCdEfGhIjKlMnOp?domain=us02web.zoom.us",
                ..Scene::default()
            },
            &["Mimecast", "us02web.zoom.us", "exempt"],
        ),
        // Another system writes to the device.
        (
            Scene {
                endpoint: |it| {
                    drifts(it, "RivalWriter");
                    it.writers.insert(OtherWriter::Tms);
                },
                ..Scene::default()
            },
            &["another system writes to this device", "→ end the other system's booking", "onConflict"],
        ),
        // Exchange took the text away.
        (Scene { body: " ", ..Scene::default() }, &["no text", "Set-CalendarProcessing", "-DeleteComments $false"]),
        // Private, and the profile says so.
        (
            Scene {
                profile: "processAliasForPrivateMeetings: false",
                change: |it| it.private = true,
                ..Scene::default()
            },
            &["it is private", "`processAliasForPrivateMeetings: false`", "→ set"],
        ),
        (
            Scene { profile: "privateMeetings: false", change: |it| it.private = true, ..Scene::default() },
            &["does not show it: it is private", "`privateMeetings: false`"],
        ),
        // The device redirects to HTTPS; refuses the password; is silent.
        (
            Scene { endpoint: |it| fails(it, "RedirectsToHttps", "it answers 307"), ..Scene::default() },
            &["it answers 307", "→ set `cisco.useHttps: true`"],
        ),
        (
            Scene { endpoint: |it| fails(it, "CredentialsRefused", "it answers 401"), ..Scene::default() },
            &["it answers 401", "role Admin"],
        ),
        (
            Scene { endpoint: |it| drifts(it, "Silent"), ..Scene::default() },
            &["stopped asking", "calendar service off and on"],
        ),
        (Scene { endpoint: |it| drifts(it, "Pending"), ..Scene::default() }, &["the change is on its way"]),
        (
            Scene { endpoint: |it| it.mode = ModeState::Suspended, ..Scene::default() },
            &["`codec` is suspended", "nothing is put there"],
        ),
        // Not there, and why.
        (Scene { at: "17:00", ..Scene::default() }, &["There is no meeting at 17:00", "is the room itself invited"]),
        (
            Scene {
                left_out: vec![LeftOut { start: at("09:00"), end: at("10:00"), why: LeftOutWhy::Declined }],
                ..Scene::default()
            },
            &["was declined by the room", "Get-CalendarProcessing"],
        ),
        (
            Scene {
                left_out: vec![LeftOut { start: at("09:00"), end: at("10:00"), why: LeftOutWhy::Cancelled }],
                ..Scene::default()
            },
            &["was cancelled by its organizer"],
        ),
        (
            Scene {
                at: "17:00",
                room: |it| {
                    it.drift = Some(Drift { reason: "NoPermission", since: at("07:00") });
                    it.failure = Some(FailureNote {
                        reason: "NoPermission",
                        message: "ErrorImpersonateUserDenied".into(),
                        since: at("07:00"),
                        attempts: 9,
                    });
                },
                ..Scene::default()
            },
            &[
                "calendar was read 12 s ago, and since then not: ErrorImpersonateUserDenied",
                "→ let the service account read",
            ],
        ),
        // Later than the profile shows.
        (
            Scene {
                profile: "upcomingDays: 2",
                change: |it| {
                    it.start += SignedDuration::from_hours(24 * 9);
                    it.end += SignedDuration::from_hours(24 * 9);
                },
                at: "2026-12-03T10:00",
                ..Scene::default()
            },
            &["does not show it yet: the profile shows 2 days ahead", "`upcomingDays`"],
        ),
    ];
    for (number, (scene, wanted)) in cases.into_iter().enumerate() {
        let told = told(scene);
        for wanted in wanted {
            assert!(told.contains(wanted), "case {number}: `{wanted}` is missing in: {told}");
        }
    }
}

#[test]
fn a_rule_of_another_profile_that_would_match_is_named() {
    let told = Scene { body: "Dial room.9@vc.example.com", ..Scene::default() }.explain();
    let texts: Vec<&str> = told.findings.iter().map(|finding| finding.text.as_str()).collect();
    let wanted =
        "rule `vmr` of profile `annex` would give `room.9@vc.example.com`; this room does not have that profile";
    assert!(texts.contains(&wanted), "{texts:#?}");
}

#[test]
fn the_original_of_a_replaced_title_is_not_told() {
    let scene = Scene { profile: "replaceSubject: Always", ..Scene::default() };
    let told = serde_json::to_string(&scene.explain()).unwrap();
    assert!(told.contains("\"subject\":\"Ada\"") && !told.contains("Weekly"), "{told}");
}
