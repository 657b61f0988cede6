//! Calendar services and Webex Clouds: defaults filled in, secrets looked up, certificates read. Where in a service a room's
//! calendar is stands in `room`.

use std::sync::Arc;

use super::super::directory::{Document, Spec};
use super::super::document::exchange::{AppOnly, ExchangeIntegration};
use super::super::document::google::GoogleIntegration;
use super::super::document::graph::{ClientCertificate, GraphIntegration};
use super::super::document::integration::CalDavIntegration;
use super::super::document::webex::WebexIntegration;
use super::super::document::{Kind, SecretRef, TextOrSecret};
use super::super::names::Set;
use super::Resolver;
use crate::model::service::{
    AppCredential, CalDavSpec, ExchangeSignIn, ExchangeSpec, GoogleSignIn, GoogleSpec, GraphSpec, OauthClient, Service,
    ServiceAccount, WebexIntegrationSpec, WebexSignIn,
};
use crate::model::{IntegrationName, IntegrationSpec};

/// Google's daily quota of a project is 1,000,000; a tenth is left to others.
const GOOGLE_PER_DAY: u64 = 900_000;
/// Google's quota of an account is 600 a minute; a tenth is left to others.
const GOOGLE_PER_MINUTE: u32 = 540;
/// The guide's default for Graph and for Exchange.
const MICROSOFT_PER_DAY: u64 = 1_000_000;

impl<'a> Resolver<'a> {
    /// The calendar service called `name`; `None` when it cannot be used, which is said elsewhere.
    pub(super) fn service(&mut self, name: &str) -> Option<Arc<IntegrationSpec>> {
        if let Some(known) = self.services.get(name) {
            return known.clone();
        }
        let spec = self.new_service(name).map(Arc::new);
        self.services.insert(name.to_owned(), spec.clone());
        spec
    }

    fn new_service(&mut self, name: &str) -> Option<IntegrationSpec> {
        let document = self.names.find(self.directory, Set::Integration, name)?;
        let (service, certificates, past_proxy) = match &document.spec {
            Spec::Ics(ics) => {
                if let Some(TextOrSecret::Secret(secret)) = &ics.url {
                    self.secret(document, "/spec/url", secret, None);
                }
                (Service::Ics, &ics.ca_certificates, ics.disable_web_proxy)
            }
            Spec::CalDav(it) => (Service::CalDav(self.caldav(document, it)), &it.ca_certificates, it.disable_web_proxy),
            Spec::Google(it) => {
                (Service::Google(self.google(document, it)?), &it.ca_certificates, it.disable_web_proxy)
            }
            Spec::Graph(it) => (Service::Graph(self.graph(document, it)?), &it.ca_certificates, it.disable_web_proxy),
            Spec::Exchange(it) => {
                (Service::Exchange(self.exchange(document, it)?), &it.ca_certificates, it.disable_web_proxy)
            }
            _ => return None,
        };
        Some(IntegrationSpec {
            name: IntegrationName::parse(name).ok()?,
            labels: document.metadata.labels.clone().unwrap_or_default(),
            service,
            ca_certificates: self.roots(document, certificates.as_deref()),
            disable_web_proxy: past_proxy.unwrap_or(false),
            web_proxy: self.web_proxy(),
        })
    }

    fn roots(&mut self, document: &Document, paths: Option<&[String]>) -> Vec<Arc<[u8]>> {
        self.certificates(document, "/spec/caCertificates", paths.unwrap_or_default())
    }

    fn caldav(&mut self, document: &Document, dav: &CalDavIntegration) -> CalDavSpec {
        let password = dav.password.as_ref().map(|secret| self.secret(document, "/spec/password", secret, None));
        CalDavSpec {
            url: dav.url.clone(),
            username: dav.username.clone(),
            password,
            max_requests_per_day: dav.max_requests_per_day,
        }
    }

    fn google(&mut self, document: &Document, google: &GoogleIntegration) -> Option<GoogleSpec> {
        let sign_in = match (&google.service_accounts, &google.user_authorization) {
            (Some(accounts), None) => {
                let accounts = accounts.iter().enumerate().map(|(index, account)| ServiceAccount {
                    email: account.email.clone(),
                    private_key: self.secret(
                        document,
                        &format!("/spec/serviceAccounts/{index}/privateKey"),
                        &account.private_key,
                        None,
                    ),
                });
                GoogleSignIn::ServiceAccounts(accounts.collect())
            }
            (None, Some(user)) => {
                let pointer = "/spec/userAuthorization/clientSecret";
                let secret = self.secret(document, pointer, &user.client_secret, None);
                GoogleSignIn::User {
                    email: user.email.clone(),
                    authorization_url: written(
                        google.authorization_url.as_ref(),
                        "https://accounts.google.com/o/oauth2/v2/auth",
                    ),
                    client: OauthClient {
                        client_id: user.client_id.clone(),
                        client_secret: Some(secret),
                        redirect_uri: user.redirect_uri.clone(),
                    },
                }
            }
            _ => return None,
        };
        Some(GoogleSpec {
            sign_in,
            token_url: written(google.token_url.as_ref(), "https://oauth2.googleapis.com/token"),
            api_url: written(google.api_url.as_ref(), "https://www.googleapis.com/calendar/v3"),
            max_requests_per_day: google.max_api_requests_per_day.unwrap_or(GOOGLE_PER_DAY),
            max_requests_per_minute_per_account: google
                .max_requests_per_minute_per_account
                .unwrap_or(GOOGLE_PER_MINUTE),
        })
    }

    fn graph(&mut self, document: &Document, graph: &GraphIntegration) -> Option<GraphSpec> {
        let certificate = graph.client_certificate.as_ref();
        let credential = self.app_credential(document, "/spec", graph.client_secret.as_ref(), certificate)?;
        let host = written(graph.graph_fqdn.as_ref(), "graph.microsoft.com");
        Some(GraphSpec {
            client_id: graph.client_id.clone(),
            credential,
            client_secret_expires: graph.client_secret_expires.as_deref().and_then(|date| date.parse().ok()),
            token_url: graph.token_url.clone(),
            api_url: graph.api_url.clone().unwrap_or_else(|| format!("https://{host}/v1.0")),
            host,
            max_requests_per_day: graph.max_api_requests_per_day.unwrap_or(MICROSOFT_PER_DAY),
        })
    }

    fn exchange(&mut self, document: &Document, exchange: &ExchangeIntegration) -> Option<ExchangeSpec> {
        let username = exchange.service_account_username.clone();
        let sign_in = match (&exchange.basic, &exchange.ntlm, &exchange.oauth, &exchange.app_only) {
            (Some(basic), None, None, None) => {
                let password = self.secret(document, "/spec/basic/password", &basic.password, None);
                ExchangeSignIn::Basic { username: username?, password }
            }
            (None, Some(ntlm), None, None) => {
                let password = self.secret(document, "/spec/ntlm/password", &ntlm.password, None);
                ExchangeSignIn::Ntlm { username: username?, password }
            }
            (None, None, Some(oauth), None) => ExchangeSignIn::Oauth {
                username: username?,
                authorization_url: oauth.authorization_url.clone(),
                token_url: oauth.token_url.clone(),
                client: OauthClient {
                    client_id: oauth.client_id.clone(),
                    client_secret: None,
                    redirect_uri: oauth.redirect_uri.clone(),
                },
            },
            (None, None, None, Some(app)) => self.app_only(document, app)?,
            _ => return None,
        };
        let autodiscover_urls: Vec<(String, String)> =
            exchange.autodiscover_urls.iter().flatten().map(|it| (it.name.clone(), it.url.clone())).collect();
        let account = exchange.service_account_username.as_deref();
        let trust = exchange.autodiscover_trust.clone().unwrap_or_else(|| trusted(account, &autodiscover_urls));
        Some(ExchangeSpec {
            sign_in,
            find_items_per_day: exchange.find_items_requests_per_day.unwrap_or(MICROSOFT_PER_DAY),
            autodiscover_urls,
            autodiscover_trust: super::rules::domains(&trust),
            ews_url: exchange.ews_url.clone(),
        })
    }

    fn app_only(&mut self, document: &Document, app: &AppOnly) -> Option<ExchangeSignIn> {
        let certificate = app.client_certificate.as_ref();
        let credential = self.app_credential(document, "/spec/appOnly", app.client_secret.as_ref(), certificate)?;
        Some(ExchangeSignIn::AppOnly { token_url: app.token_url.clone(), client_id: app.client_id.clone(), credential })
    }

    fn app_credential(
        &mut self,
        document: &Document,
        below: &str,
        secret: Option<&SecretRef>,
        certificate: Option<&ClientCertificate>,
    ) -> Option<AppCredential> {
        match (secret, certificate) {
            (Some(secret), None) => {
                Some(AppCredential::Secret(self.secret(document, &format!("{below}/clientSecret"), secret, None)))
            }
            (None, Some(pair)) => {
                let below = format!("{below}/clientCertificate");
                let private_key = self.secret(document, &format!("{below}/privateKey"), &pair.private_key, None);
                let certificate = self.certificate(document, &format!("{below}/certificate"), &pair.certificate)?;
                Some(AppCredential::Certificate { certificate, private_key })
            }
            _ => None,
        }
    }

    /// The Webex Cloud called `name`; `None` when it cannot be used, which is said elsewhere.
    pub(super) fn webex_cloud(&mut self, name: &str) -> Option<Arc<WebexIntegrationSpec>> {
        let key = IntegrationName::parse(name).ok()?;
        if let Some(known) = self.clouds.get(&key) {
            return known.clone();
        }
        let document = self.names.find(self.directory, Set::Kind(Kind::WebexIntegration), name)?;
        let Spec::Webex(webex) = &document.spec else { return None };
        let spec = self.new_cloud(key.clone(), document, webex).map(Arc::new);
        self.clouds.insert(key, spec.clone());
        spec
    }

    fn new_cloud(
        &mut self,
        name: IntegrationName,
        document: &Document,
        webex: &WebexIntegration,
    ) -> Option<WebexIntegrationSpec> {
        let sign_in = match (&webex.oauth, &webex.service_app, &webex.bot_token) {
            (Some(oauth), None, None) => {
                let secret = self.secret(document, "/spec/oauth/clientSecret", &oauth.client_secret, None);
                WebexSignIn::Oauth(OauthClient {
                    client_id: oauth.client_id.clone(),
                    client_secret: Some(secret),
                    redirect_uri: oauth.redirect_uri.clone(),
                })
            }
            (None, Some(app), None) => WebexSignIn::ServiceApp {
                client_id: app.client_id.clone(),
                client_secret: self.secret(document, "/spec/serviceApp/clientSecret", &app.client_secret, None),
                refresh_token: self.secret(document, "/spec/serviceApp/refreshToken", &app.refresh_token, None),
            },
            (None, None, Some(token)) => WebexSignIn::Bot(self.secret(document, "/spec/botToken", token, None)),
            _ => return None,
        };
        let host = webex.api_domain.as_deref().unwrap_or("webexapis.com");
        Some(WebexIntegrationSpec {
            name,
            labels: document.metadata.labels.clone().unwrap_or_default(),
            sign_in,
            api_url: webex.api_url.clone().unwrap_or_else(|| format!("https://{host}/v1")),
            ca_certificates: self.roots(document, webex.ca_certificates.as_deref()),
            disable_web_proxy: webex.disable_web_proxy.unwrap_or(false),
            web_proxy: self.web_proxy(),
        })
    }
}

fn written(text: Option<&String>, default: &str) -> String {
    text.map_or_else(|| default.to_owned(), Clone::clone)
}

/// Whom Autodiscover may be given the account's password by default: the account's own domain and the hosts the document names. A
/// NetBIOS domain (`corp\name`) is no place on the network.
fn trusted(account: Option<&str>, urls: &[(String, String)]) -> Vec<String> {
    let domain = account.and_then(|account| match account.split_once('@') {
        Some((_, domain)) => Some(domain),
        None => account.split_once('\\').map(|(domain, _)| domain).filter(|domain| domain.contains('.')),
    });
    let hosts = urls.iter().filter_map(|(_, url)| host(url));
    let mut list: Vec<String> = domain.into_iter().chain(hosts).map(str::to_lowercase).collect();
    list.sort();
    list.dedup();
    list
}

fn host(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = if host.starts_with('[') { host.split(']').next()? } else { host.split(':').next()? };
    Some(host.trim_start_matches('[')).filter(|host| !host.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_goes_to_the_accounts_domain_and_to_named_hosts_alone() {
        let urls = [("a".to_owned(), "https://Mail.example.net:8443/autodiscover.svc".to_owned())];
        for (account, urls, expected) in [
            (Some("otj@Example.com"), &urls[..], &["example.com", "mail.example.net"][..]),
            (Some(r"corp\otj"), &[], &[]),
            (Some(r"corp.example.com\otj"), &[], &["corp.example.com"]),
            (None, &urls[..], &["mail.example.net"]),
        ] {
            assert_eq!(trusted(account, urls), expected, "{account:?}");
        }
        for (url, expected) in
            [("https://u:p@h.example/x", Some("h.example")), ("https://[::1]:1/", Some("::1")), ("x", None)]
        {
            assert_eq!(host(url), expected, "{url}");
        }
    }
}
