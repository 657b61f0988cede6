//! OTJ208: texts that do not have the form their field needs.

use std::borrow::Cow;

use crate::config::directory::{Document, Spec};
use crate::config::document::endpoint::Cisco;
use crate::diagnostic::Diagnostic;

use super::form::Form;
use super::{Looked, fields};

pub(super) fn run(looked: &Looked<'_>, findings: &mut Vec<Diagnostic>) {
    for document in &looked.directory.documents {
        for (pointer, form, text) in formed(document) {
            let template = text.contains("{{") && !matches!(form, Form::FileName | Form::HttpUrl);
            if !template && !form.fits(&text) {
                let (message, help) = form.words();
                let place = looked.directory.value(document, &pointer);
                findings.push(Diagnostic::error("OTJ208", place, message).help(help));
            }
        }
    }
}

/// (JSON pointer, form, text).
type Formed<'a> = (String, Form, Cow<'a, str>);

/// Every text of a document that must have a form; templates are judged when they are rendered.
fn formed(document: &Document) -> Vec<Formed<'_>> {
    let mut list: Vec<Formed<'_>> = vec![];
    list.extend(fields::urls(document).into_iter().map(|(at, url)| (at.into_owned(), Form::HttpUrl, url.into())));
    match &document.spec {
        Spec::Ics(it) => {
            list.extend(one("/spec/file", Form::FileName, it.file.as_ref()));
        }
        Spec::Profile(it) => {
            list.extend(one("/spec/modeUntil", Form::Time, it.mode_until.as_ref()));
            list.extend(domains("/spec/aliasDomains", it.alias_domains.as_deref()));
        }
        Spec::Group(it) => {
            list.extend(one("/spec/modeUntil", Form::Time, it.mode_until.as_ref()));
            list.extend(one("/spec/timeZone", Form::Zone, it.time_zone.as_ref()));
            let overrides = it.overrides.as_ref().and_then(|it| it.alias_domains.as_deref());
            list.extend(domains("/spec/overrides/aliasDomains", overrides));
            list.extend(it.cisco.as_ref().into_iter().flat_map(cisco));
        }
        Spec::Endpoint(it) => {
            list.extend(one("/spec/modeUntil", Form::Time, it.mode_until.as_ref()));
            list.extend(it.cisco.as_ref().into_iter().flat_map(cisco));
        }
        Spec::Rule(_) | Spec::RuleSet(_) => {
            for written in fields::rules(document) {
                let domain = written.rule.domain.clone();
                list.extend(domain.map(|text| (written.field("domain"), Form::Domain, text.into())));
                let when = written.rule.when.as_ref().and_then(|when| when.organizer_domains.clone());
                let organizers = when.into_iter().flatten().enumerate();
                let at = |at: usize| written.field(&format!("when/organizerDomains/{at}"));
                list.extend(organizers.map(|(index, domain)| (at(index), Form::Domain, domain.into())));
            }
        }
        Spec::Google(it) => {
            for (index, account) in it.service_accounts.iter().flatten().enumerate() {
                list.push((format!("/spec/serviceAccounts/{index}/email"), Form::Mail, (&*account.email).into()));
            }
            let user = it.user_authorization.as_ref();
            list.extend(one("/spec/userAuthorization/email", Form::Mail, user.map(|it| &it.email)));
        }
        Spec::Graph(it) => {
            list.extend(one("/spec/graphFqdn", Form::Host, it.graph_fqdn.as_ref()));
            list.extend(one("/spec/clientSecretExpires", Form::Date, it.client_secret_expires.as_ref()));
        }
        Spec::Exchange(it) => {
            list.extend(domains("/spec/autodiscoverTrust", it.autodiscover_trust.as_deref()));
        }
        Spec::Webex(it) => list.extend(one("/spec/apiDomain", Form::Host, it.api_domain.as_ref())),
        Spec::Location(it) => {
            list.extend(one("/spec/timeZone", Form::Zone, it.time_zone.as_ref()));
            list.extend(one("/spec/polyHost", Form::Host, it.poly_host.as_ref()));
            if let Some(proxy) = &it.web_proxy {
                list.push(("/spec/webProxy/url".to_owned(), Form::HttpUrl, (&*proxy.url).into()));
                for (index, host) in proxy.no_proxy.iter().flatten().enumerate() {
                    list.push((format!("/spec/webProxy/noProxy/{index}"), Form::NoProxy, (&**host).into()));
                }
            }
        }
        Spec::Room(it) => list.extend(one("/spec/timeZone", Form::Zone, it.time_zone.as_ref())),
        Spec::RuleTest(it) => {
            for (index, event) in
                it.cases.iter().enumerate().filter_map(|(index, case)| Some((index, case.event.as_ref()?)))
            {
                let at = |field: &str| format!("/spec/cases/{index}/event/{field}");
                list.extend(event.start.as_deref().map(|text| (at("start"), Form::Time, text.into())));
                list.extend(event.end.as_deref().map(|text| (at("end"), Form::Time, text.into())));
                list.extend(event.time_zone.as_deref().map(|text| (at("timeZone"), Form::Zone, text.into())));
            }
        }
        _ => {}
    }
    list
}

fn domains<'a>(below: &'a str, list: Option<&'a [String]>) -> impl Iterator<Item = Formed<'a>> {
    let list = list.unwrap_or_default().iter().enumerate();
    list.map(move |(index, domain)| (format!("{below}/{index}"), Form::Domain, domain.as_str().into()))
}

fn one<'a>(pointer: &str, form: Form, text: Option<&'a String>) -> Option<Formed<'a>> {
    text.map(|text| (pointer.to_owned(), form, text.as_str().into()))
}

fn cisco(it: &Cisco) -> impl Iterator<Item = Formed<'_>> {
    let address = one("/spec/cisco/address", Form::Host, it.address.as_ref());
    address.into_iter().chain(one("/spec/cisco/fingerprint", Form::Fingerprint, it.fingerprint.as_ref()))
}
