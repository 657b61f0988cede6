//! Locations: where nodes run, and how they get out. `default` exists without a document.

use std::sync::Arc;

use super::super::directory::{Document, Spec};
use super::super::document::site::{Location, WebProxy};
use super::Resolver;
use crate::model::location::WebProxySpec;
use crate::model::{LocationName, LocationSpec};

impl<'a> Resolver<'a> {
    /// Every location of the directory, and `default`.
    pub(super) fn locations(&mut self) {
        let directory = self.directory;
        for document in &directory.documents {
            if let Spec::Location(location) = &document.spec
                && let Ok(name) = LocationName::parse(&document.metadata.name)
                && !self.desired.locations.contains_key(&name)
            {
                let spec = self.location(name.clone(), document, location);
                self.desired.locations.insert(name, Arc::new(spec));
            }
        }
        let default = LocationName::parse("default").expect("the constant is a name");
        let undescribed = || Arc::new(LocationSpec::undescribed(default.clone()));
        self.desired.locations.entry(default.clone()).or_insert_with(undescribed);
    }

    /// The web proxy of the location that the node stands in. One that no document describes has none.
    pub(super) fn web_proxy(&self) -> Option<Arc<WebProxySpec>> {
        let here = self.options.location.unwrap_or("default");
        let location = self.desired.locations.values().find(|location| location.name.as_str() == here);
        location.and_then(|location| location.web_proxy.clone())
    }

    fn location(&mut self, name: LocationName, document: &Document, location: &Location) -> LocationSpec {
        let default = LocationSpec::undescribed(name);
        LocationSpec {
            web_proxy: location.web_proxy.as_ref().map(|proxy| Arc::new(self.described_proxy(document, proxy))),
            max_active_nodes: location.max_active_nodes.unwrap_or(default.max_active_nodes),
            time_zone: location.time_zone.clone(),
            poly_host: location.poly_host.clone(),
            oauth: location.oauth.unwrap_or(default.oauth),
            name: default.name,
        }
    }

    fn described_proxy(&mut self, document: &Document, proxy: &WebProxy) -> WebProxySpec {
        let account = proxy.username.clone().zip(proxy.password.as_ref());
        let account = account
            .map(|(username, secret)| (username, self.secret(document, "/spec/webProxy/password", secret, None)));
        let paths = proxy.ca_certificates.as_deref().unwrap_or_default();
        WebProxySpec {
            url: proxy.url.clone(),
            account,
            no_proxy: proxy.no_proxy.iter().flatten().map(|host| host.to_lowercase()).collect(),
            ca_certificates: self.certificates(document, "/spec/webProxy/caCertificates", paths),
        }
    }
}
