//! What several checks look for in documents: secret references, URLs, rules. In: a document. Out: lists with JSON pointers.

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::config::directory::{Document, Spec};
use crate::config::document::endpoint::{Cisco, Poly};
use crate::config::document::graph::ClientCertificate;
use crate::config::document::rule::Rule;
use crate::config::document::{SecretRef, TextOrSecret};
use crate::config::names::Set;

use super::Looked;
use super::reference_leads_nowhere::references;

/// A pointer into a document.
pub(super) type Pointer = Cow<'static, str>;

/// Every secret reference of a document.
pub(super) fn secrets(document: &Document) -> Vec<(Pointer, &SecretRef)> {
    let mut found = Secrets::default();
    match &document.spec {
        Spec::Ics(spec) => found.text("/spec/url", spec.url.as_ref()),
        Spec::CalDav(spec) => found.add("/spec/password", spec.password.as_ref()),
        Spec::Google(spec) => {
            for (index, account) in spec.service_accounts.iter().flatten().enumerate() {
                found.0.push((format!("/spec/serviceAccounts/{index}/privateKey").into(), &account.private_key));
            }
            let user = spec.user_authorization.as_ref();
            found.add("/spec/userAuthorization/clientSecret", user.map(|it| &it.client_secret));
        }
        Spec::Graph(spec) => {
            found.add("/spec/clientSecret", spec.client_secret.as_ref());
            found.add("/spec/clientCertificate/privateKey", key_of(spec.client_certificate.as_ref()));
        }
        Spec::Exchange(spec) => {
            found.add("/spec/basic/password", spec.basic.as_ref().map(|it| &it.password));
            found.add("/spec/ntlm/password", spec.ntlm.as_ref().map(|it| &it.password));
            let app = spec.app_only.as_ref();
            found.add("/spec/appOnly/clientSecret", app.and_then(|it| it.client_secret.as_ref()));
            let certificate = app.and_then(|it| it.client_certificate.as_ref());
            found.add("/spec/appOnly/clientCertificate/privateKey", key_of(certificate));
        }
        Spec::Webex(spec) => {
            found.add("/spec/oauth/clientSecret", spec.oauth.as_ref().map(|it| &it.client_secret));
            found.add("/spec/serviceApp/clientSecret", spec.service_app.as_ref().map(|it| &it.client_secret));
            found.add("/spec/serviceApp/refreshToken", spec.service_app.as_ref().map(|it| &it.refresh_token));
            found.add("/spec/botToken", spec.bot_token.as_ref());
        }
        Spec::Profile(spec) => {
            found.add("/spec/cisco/password", spec.cisco.as_ref().and_then(|cisco| cisco.password.as_ref()));
        }
        Spec::Group(spec) => found.devices(spec.cisco.as_ref(), spec.poly.as_ref()),
        Spec::Endpoint(spec) => found.devices(spec.cisco.as_ref(), spec.poly.as_ref()),
        Spec::Location(spec) => {
            found.add("/spec/webProxy/password", spec.web_proxy.as_ref().and_then(|proxy| proxy.password.as_ref()));
        }
        Spec::Room(spec) => found.text("/spec/calendarUrl", spec.calendar_url.as_ref()),
        Spec::Rule(_) | Spec::RuleSet(_) | Spec::RuleTest(_) | Spec::Table(_) | Spec::Misfit => {}
    }
    found.0
}

#[derive(Default)]
struct Secrets<'a>(Vec<(Pointer, &'a SecretRef)>);

impl<'a> Secrets<'a> {
    fn add(&mut self, pointer: &'static str, secret: Option<&'a SecretRef>) {
        self.0.extend(secret.map(|secret| (pointer.into(), secret)));
    }

    fn text(&mut self, pointer: &'static str, text: Option<&'a TextOrSecret>) {
        if let Some(TextOrSecret::Secret(secret)) = text {
            self.add(pointer, Some(secret));
        }
    }

    fn devices(&mut self, cisco: Option<&'a Cisco>, poly: Option<&'a Poly>) {
        self.add("/spec/cisco/password", cisco.and_then(|cisco| cisco.password.as_ref()));
        self.add("/spec/poly/password", poly.and_then(|poly| poly.password.as_ref()));
    }
}

fn key_of(certificate: Option<&ClientCertificate>) -> Option<&SecretRef> {
    certificate.map(|it| &it.private_key)
}

/// Every URL that a document sends requests to; those of web proxies are not among them.
pub(super) fn urls(document: &Document) -> Vec<(Pointer, &str)> {
    let mut found = Urls::default();
    match &document.spec {
        Spec::Ics(spec) => found.add("/spec/url", text_of(spec.url.as_ref())),
        Spec::CalDav(spec) => found.add("/spec/url", Some(&spec.url)),
        Spec::Google(spec) => {
            found.add("/spec/tokenUrl", spec.token_url.as_ref());
            found.add("/spec/authorizationUrl", spec.authorization_url.as_ref());
            found.add("/spec/apiUrl", spec.api_url.as_ref());
        }
        Spec::Graph(spec) => {
            found.add("/spec/tokenUrl", Some(&spec.token_url));
            found.add("/spec/apiUrl", spec.api_url.as_ref());
        }
        Spec::Exchange(spec) => {
            found.add("/spec/ewsUrl", spec.ews_url.as_ref());
            found.add("/spec/oauth/authorizationUrl", spec.oauth.as_ref().map(|it| &it.authorization_url));
            found.add("/spec/oauth/tokenUrl", spec.oauth.as_ref().map(|it| &it.token_url));
            found.add("/spec/appOnly/tokenUrl", spec.app_only.as_ref().map(|it| &it.token_url));
            for (index, autodiscover) in spec.autodiscover_urls.iter().flatten().enumerate() {
                found.0.push((format!("/spec/autodiscoverUrls/{index}/url").into(), autodiscover.url.as_str()));
            }
        }
        Spec::Webex(spec) => found.add("/spec/apiUrl", spec.api_url.as_ref()),
        Spec::Room(spec) => found.add("/spec/calendarUrl", text_of(spec.calendar_url.as_ref())),
        _ => {}
    }
    found.0
}

#[derive(Default)]
struct Urls<'a>(Vec<(Pointer, &'a str)>);

impl<'a> Urls<'a> {
    fn add(&mut self, pointer: &'static str, url: Option<&'a String>) {
        self.0.extend(url.map(|url| (pointer.into(), url.as_str())));
    }
}

fn text_of(text: Option<&TextOrSecret>) -> Option<&String> {
    match text {
        Some(TextOrSecret::Text(text)) => Some(text),
        _ => None,
    }
}

/// The host of a URL, in lower case; empty where it has none.
pub(super) fn host(url: &str) -> String {
    let rest = url.split_once("://").map_or("", |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let name = match host.strip_prefix('[') {
        Some(inside) => inside.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name.to_lowercase()
}

/// Whether requests to `host` stay on this machine.
pub(super) fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host.ends_with(".localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// A rule, wherever it is written.
pub(super) struct Written<'a> {
    /// The map that holds its fields.
    pub(super) pointer: Pointer,
    /// Its own name.
    pub(super) name: &'a str,
    /// Its fields; of a shared rule, `profile` and `priority` say nothing.
    pub(super) rule: Cow<'a, Rule>,
}

impl Written<'_> {
    /// The pointer of one of its fields.
    pub(super) fn field(&self, name: &str) -> String {
        format!("{}/{name}", self.pointer)
    }
}

/// The rule of a Rule, the rules of a RuleSet.
pub(super) fn rules(document: &Document) -> Vec<Written<'_>> {
    match &document.spec {
        Spec::Rule(rule) => {
            vec![Written { pointer: "/spec".into(), name: &document.metadata.name, rule: Cow::Borrowed(rule) }]
        }
        Spec::RuleSet(set) => {
            let shared = set.rules.iter().enumerate().map(|(index, shared)| Written {
                pointer: format!("/spec/rules/{index}").into(),
                name: &shared.name,
                rule: Cow::Owned(shared.fields()),
            });
            shared.collect()
        }
        _ => vec![],
    }
}

/// What is referred to, by set and name.
pub(super) fn used<'a>(looked: &'a Looked<'_>) -> BTreeSet<(Set, &'a str)> {
    let mut used = BTreeSet::new();
    for document in &looked.directory.documents {
        // A test uses nothing: what only tests name is not in use.
        match document.spec {
            Spec::RuleTest(_) | Spec::Rule(_) => {}
            _ => used.extend(references(document).into_iter().map(|(_, set, name)| (set, name))),
        }
    }
    used
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_read_from_urls() {
        for (url, expected) in [
            ("https://Mail.Example.com/EWS", "mail.example.com"),
            ("http://user@host:8080?x", "host"),
            ("https://[::1]:8443/", "::1"),
            ("mail.example.com", ""),
        ] {
            assert_eq!(host(url), expected, "{url}");
        }
        assert!(["localhost", "127.0.0.1", "::1"].iter().all(|host| is_loopback(host)));
        assert!(!is_loopback("localhost.example.com"));
    }
}
