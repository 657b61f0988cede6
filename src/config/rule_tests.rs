//! RuleTest documents as events and expectations. In: typed documents and the files they name. Out: what `otj test` runs.

use jiff::{SignedDuration, Timestamp};

use super::directory::{Directory, Document, Spec};
use super::document::rule_test::{Case, TestEvent};
use super::files::Secrets;
use super::load::LoadOptions;
use super::service_events;
use crate::diagnostic::Diagnostic;
use crate::model::rule_test::{Expect, RuleCase, RuleTest};
use crate::model::{Body, Confidential, Event, Person, ProfileName};

/// When a test event starts that names no start: a Monday morning.
const START: &str = "2026-01-05T10:00:00Z";

/// An event that was read from a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// The event.
    pub event: Event,
    /// What whoever gave the file should know: which of several events this is, what of it was not understood. May quote the file.
    pub notes: Vec<String>,
}

/// Reads an invitation as JSON: the form of a RuleTest's `event`, or an event as Microsoft Graph or Google Calendar give it.
///
/// # Errors
/// Says what does not fit and where, without quoting it.
pub fn event_from_json(bytes: &[u8]) -> Result<Invitation, String> {
    let value: serde_json::Value = serde_json::from_slice(bytes)
        .map_err(|error| format!("this is not JSON (line {}, column {})", error.line(), error.column()))?;
    let (value, notes) = service_events::as_test_event(&value).unwrap_or((value, vec![]));
    let event: TestEvent = serde_path_to_error::deserialize(&value).map_err(|error| {
        let path = error.path().to_string();
        let place = if path == "." { String::new() } else { format!("`{path}`: ") };
        format!("{place}this does not have the fields of a RuleTest's `event`, nor is it an event of Microsoft Graph or Google")
    })?;
    Ok(Invitation { event: event_of(&event)?, notes })
}

/// Every RuleTest that could be read.
pub(crate) fn rule_tests(
    directory: &Directory<'_>,
    secrets: &mut Secrets,
    options: &LoadOptions,
    findings: &mut Vec<Diagnostic>,
) -> Vec<RuleTest> {
    let mut tests = vec![];
    for document in &directory.documents {
        let Spec::RuleTest(test) = &document.spec else { continue };
        let Ok(profile) = ProfileName::parse(&test.profile) else { continue };
        let mut cases = vec![];
        for (index, case) in test.cases.iter().enumerate() {
            let below = format!("/spec/cases/{index}");
            match event(directory, document, case, &below, secrets, options) {
                Ok(Some(event)) => cases.push(RuleCase {
                    name: case.name.clone(),
                    line: directory.value(document, &below).line,
                    event,
                    expect: expect(case),
                }),
                Ok(None) => {}
                Err(finding) => findings.push(*finding),
            }
        }
        let file = directory.source(document).path.clone();
        tests.push(RuleTest { document: document.metadata.name.clone(), file, profile, cases });
    }
    tests
}

/// The event of a case; `None` where another finding says why there is none.
fn event(
    directory: &Directory<'_>,
    document: &Document,
    case: &Case,
    below: &str,
    secrets: &mut Secrets,
    options: &LoadOptions,
) -> Result<Option<Event>, Box<Diagnostic>> {
    if let Some(written) = &case.event {
        let at = |reason: String| {
            let place = directory.key(document, &format!("{below}/event"));
            Box::new(Diagnostic::error("OTJ306", place, reason))
        };
        // Times that are none have a finding of their own.
        let times = [&written.start, &written.end];
        let formed = times.into_iter().flatten().all(|time| time.parse::<Timestamp>().is_ok());
        return if formed { event_of(written).map(Some).map_err(at) } else { Ok(None) };
    }
    let Some(path) = &case.file else { return Ok(None) };
    let place = directory.value(document, &format!("{below}/file"));
    let bytes = secrets.named_file(directory.snapshot, directory.home(document), path);
    let bytes = bytes.map_err(|reason| Diagnostic::error("OTJ212", place.clone(), reason))?;
    let read = match (path.ends_with(".json"), options.invitation) {
        (true, _) => event_from_json(&bytes).map(|read| read.event),
        (false, Some(reader)) => reader(path, &bytes),
        (false, None) => {
            let message = "test invitations from files other than `.json` are not in effect here; the case is skipped";
            return Err(Box::new(Diagnostic::warning("OTJ904", place, message)));
        }
    };
    match read {
        Ok(event) => Ok(Some(event)),
        Err(reason) => {
            Err(Box::new(Diagnostic::error("OTJ306", place, format!("the invitation cannot be read: {reason}"))))
        }
    }
}

fn event_of(written: &TestEvent) -> Result<Event, String> {
    let time = |text: &str| text.parse::<Timestamp>().map_err(|_| "a time is not RFC 3339".to_owned());
    let start = time(written.start.as_deref().unwrap_or(START))?;
    let end = match written.end.as_deref() {
        Some(end) => time(end)?,
        None => start.checked_add(SignedDuration::from_hours(1)).unwrap_or(start),
    };
    if end < start {
        return Err("the event ends before it starts".to_owned());
    }
    let text = |text: &Option<String>| Confidential::new(text.clone().unwrap_or_default());
    let organizer = written.organizer.clone().unwrap_or_default();
    let body = match (&written.body, &written.body_html) {
        (Some(body), _) => Body::Text(Confidential::new(body.clone())),
        (None, Some(html)) => Body::Html(Confidential::new(html.clone())),
        (None, None) => Body::None,
    };
    Ok(Event {
        uid: "rule-test".to_owned(),
        original_start: None,
        start,
        end,
        all_day: false,
        subject: text(&written.subject),
        organizer: Person { name: text(&organizer.name), email: text(&organizer.email) },
        location: text(&written.location),
        body,
        private: written.private.unwrap_or(false),
        tentative: false,
        properties: written.properties.clone().unwrap_or_default(),
        time_zone: written.time_zone.clone(),
        last_modified: None,
    })
}

fn expect(case: &Case) -> Expect {
    let written = case.expect.clone();
    Expect {
        alias: written.alias,
        rule: written.rule,
        subject: written.subject,
        shown: written.shown,
        protocol: written.protocol,
        variables: written.variables.unwrap_or_default(),
    }
}
