//! OTJ206, OTJ207, OTJ402: fields of which exactly one is written, and fields that belong together.

use crate::config::directory::{Document, Spec};
use crate::config::document::SecretRef;
use crate::diagnostic::Diagnostic;

use super::{Looked, secret_references};

pub(super) fn run(looked: &Looked<'_>, findings: &mut Vec<Diagnostic>) {
    for document in &looked.directory.documents {
        several_of_one(looked, document, findings);
        half_of_two(looked, document, findings);
        for (pointer, secret) in secret_references(document) {
            not_a_secret_reference(looked, document, pointer, secret, findings);
        }
    }
}

/// Fields of which exactly one, or at most one, is written: (below, fields with whether they are written, at least one).
type Choice = (String, Vec<(&'static str, bool)>, bool);

fn choices(document: &Document) -> Vec<Choice> {
    let spec = || "/spec".to_owned();
    match &document.spec {
        Spec::Ics(it) => vec![(spec(), vec![("directory", it.directory.is_some()), ("url", it.url.is_some())], true)],
        Spec::Endpoint(it) => vec![
            (
                spec(),
                vec![("cisco", it.cisco.is_some()), ("poly", it.poly.is_some()), ("webex", it.webex.is_some())],
                true,
            ),
            (spec(), vec![("group", it.group.is_some()), ("profile", it.profile.is_some())], false),
        ],
        Spec::RuleTest(it) => {
            let cases = it.cases.iter().enumerate().flat_map(|(index, case)| {
                let below = format!("/spec/cases/{index}");
                let texts = case.event.as_ref().map(|event| {
                    let fields = vec![("body", event.body.is_some()), ("bodyHtml", event.body_html.is_some())];
                    (format!("{below}/event"), fields, false)
                });
                let one = (below, vec![("event", case.event.is_some()), ("file", case.file.is_some())], true);
                std::iter::once(one).chain(texts)
            });
            cases.collect()
        }
        _ => vec![],
    }
}

fn several_of_one(looked: &Looked<'_>, document: &Document, findings: &mut Vec<Diagnostic>) {
    for (below, fields, needed) in choices(document) {
        let names: Vec<String> = fields.iter().map(|(name, _)| format!("`{name}`")).collect();
        let mut written: Vec<_> = fields
            .iter()
            .filter(|(_, written)| *written)
            .map(|(name, _)| (looked.directory.key(document, &format!("{below}/{name}")), *name))
            .collect();
        written.sort_by_key(|(place, _)| (place.line, place.column));
        if let [_, (place, name), ..] = written.as_slice() {
            let message = format!("of {} only one can be written", names.join(", "));
            let finding = Diagnostic::error("OTJ206", place.clone(), message);
            findings.push(finding.help(format!("remove `{name}`, or the other")));
        } else if written.is_empty() && needed {
            let place = looked.directory.key(document, &below);
            findings.push(Diagnostic::error("OTJ206", place, format!("exactly one of {} is needed", names.join(", "))));
        }
    }
}

fn half_of_two(looked: &Looked<'_>, document: &Document, findings: &mut Vec<Diagnostic>) {
    let cisco = |it: Option<(bool, bool)>| it.map(|(user, password)| ("/spec/cisco", user, password));
    let pairs = match &document.spec {
        Spec::CalDav(it) => Some(("/spec", it.username.is_some(), it.password.is_some())),
        Spec::Profile(it) => cisco(it.cisco.as_ref().map(|it| (it.username.is_some(), it.password.is_some()))),
        Spec::Group(it) => cisco(it.cisco.as_ref().map(|it| (it.username.is_some(), it.password.is_some()))),
        Spec::Endpoint(it) => cisco(it.cisco.as_ref().map(|it| (it.username.is_some(), it.password.is_some()))),
        _ => None,
    };
    if let Some((below, user, password)) = pairs
        && user != password
    {
        let (there, missing) = if user { ("username", "password") } else { ("password", "username") };
        let place = looked.directory.key(document, &format!("{below}/{there}"));
        let message = format!("`{there}` is written without `{missing}`");
        findings.push(Diagnostic::error("OTJ207", place, message).help("write both, or neither to inherit them"));
    }
    let modes = match &document.spec {
        Spec::Profile(it) => (it.mode.is_some(), it.mode_until.is_some()),
        Spec::Group(it) => (it.mode.is_some(), it.mode_until.is_some()),
        Spec::Endpoint(it) => (it.mode.is_some(), it.mode_until.is_some()),
        _ => (true, true),
    };
    if modes == (false, true) {
        let place = looked.directory.key(document, "/spec/modeUntil");
        findings.push(Diagnostic::error("OTJ207", place, "`modeUntil` is written without `mode`"));
    }
}

fn not_a_secret_reference(
    looked: &Looked<'_>,
    document: &Document,
    pointer: &str,
    secret: &SecretRef,
    findings: &mut Vec<Diagnostic>,
) {
    let SecretRef { file, key, env, value } = secret;
    let ways = [("file", file.is_some()), ("env", env.is_some()), ("value", value.is_some())];
    let written: Vec<&str> = ways.iter().filter(|(_, written)| *written).map(|(name, _)| *name).collect();
    let key_alone = key.is_some() && file.is_none();
    let empty = [file, env].iter().any(|text| text.as_deref() == Some(""))
        || value.as_ref().is_some_and(|value| value.0.is_empty());
    let (at, message) = match written.as_slice() {
        [_, second, ..] => (format!("{pointer}/{second}"), "a secret is in one place, not in two"),
        [] => (pointer.to_owned(), "this refers to no secret"),
        _ if key_alone => (format!("{pointer}/key"), "`key` belongs to `file`"),
        [one] if empty => (format!("{pointer}/{one}"), "this is empty"),
        _ => return,
    };
    let place = looked.directory.key(document, &at);
    let help = "write one of {file: PATH}, {file: PATH, key: NAME}, {env: NAME}";
    findings.push(Diagnostic::error("OTJ402", place, message).help(help));
}
