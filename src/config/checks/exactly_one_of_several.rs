//! OTJ206: fields of which exactly one, or at most one, is written. OTJ203 for the one field that depends on such a choice.

use crate::config::directory::{Document, Spec};
use crate::diagnostic::Diagnostic;

use super::Looked;

pub(super) fn run(looked: &Looked<'_>, findings: &mut Vec<Diagnostic>) {
    for document in &looked.directory.documents {
        several_of_one(looked, document, findings);
        account_is_missing(looked, document, findings);
    }
}

/// Fields of which exactly one, or at most one, is written: (below, fields with whether they are written, at least one).
type Choice = (String, Vec<(&'static str, bool)>, bool);

fn choices(document: &Document) -> Vec<Choice> {
    let spec = || "/spec".to_owned();
    match &document.spec {
        Spec::Google(it) => {
            let user = it.user_authorization.is_some();
            vec![(spec(), vec![("serviceAccounts", it.service_accounts.is_some()), ("userAuthorization", user)], true)]
        }
        Spec::Graph(it) => vec![app_key(spec(), it.client_secret.is_some(), it.client_certificate.is_some())],
        Spec::Exchange(it) => {
            let ways = [
                ("basic", it.basic.is_some()),
                ("ntlm", it.ntlm.is_some()),
                ("oauth", it.oauth.is_some()),
                ("appOnly", it.app_only.is_some()),
            ];
            let key = it.app_only.as_ref();
            let key = key
                .map(|it| app_key("/spec/appOnly".into(), it.client_secret.is_some(), it.client_certificate.is_some()));
            std::iter::once((spec(), ways.to_vec(), true)).chain(key).collect()
        }
        Spec::Webex(it) => {
            let ways = vec![
                ("oauth", it.oauth.is_some()),
                ("serviceApp", it.service_app.is_some()),
                ("botToken", it.bot_token.is_some()),
            ];
            vec![(spec(), ways, true)]
        }
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

fn app_key(below: String, secret: bool, certificate: bool) -> Choice {
    (below, vec![("clientSecret", secret), ("clientCertificate", certificate)], true)
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

/// Every way of signing in to Exchange but `appOnly` is that of an account.
fn account_is_missing(looked: &Looked<'_>, document: &Document, findings: &mut Vec<Diagnostic>) {
    if let Spec::Exchange(it) = &document.spec
        && it.service_account_username.is_none()
        && (it.basic.is_some() || it.ntlm.is_some() || it.oauth.is_some())
    {
        let place = looked.directory.key(document, "/spec");
        findings.push(Diagnostic::error("OTJ203", place, "the field `serviceAccountUsername` is missing"));
    }
}
