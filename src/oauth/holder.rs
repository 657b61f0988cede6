//! Whose tokens: a calendar service's or a Webex Cloud's. What both have in common for whoever fetches.

use std::sync::Arc;

use crate::http::Trust;
use crate::model::location::WebProxySpec;
use crate::model::service::WebexIntegrationSpec;
use crate::model::{IntegrationName, IntegrationSpec};

/// See the module.
#[derive(Clone, Copy, Debug)]
pub enum Holder<'a> {
    /// A calendar service, with one account or several.
    Calendar(&'a IntegrationSpec),
    /// A Webex Cloud, with one.
    Webex(&'a WebexIntegrationSpec),
}

impl<'a> Holder<'a> {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'a IntegrationName {
        match self {
            Self::Calendar(spec) => &spec.name,
            Self::Webex(spec) => &spec.name,
        }
    }

    /// Its kind, as documents write it.
    #[must_use]
    pub fn kind(self) -> &'static str {
        match self {
            Self::Calendar(spec) => spec.service.kind(),
            Self::Webex(_) => "WebexIntegration",
        }
    }

    pub(super) fn trust(self) -> Trust {
        Trust::Verify(match self {
            Self::Calendar(spec) => spec.ca_certificates.clone(),
            Self::Webex(spec) => spec.ca_certificates.clone(),
        })
    }

    pub(super) fn via(self) -> Option<Arc<WebProxySpec>> {
        match self {
            Self::Calendar(spec) => spec.via(),
            Self::Webex(spec) => spec.via(),
        }
    }
}

impl<'a> From<&'a IntegrationSpec> for Holder<'a> {
    fn from(spec: &'a IntegrationSpec) -> Self {
        Self::Calendar(spec)
    }
}

impl<'a> From<&'a Arc<IntegrationSpec>> for Holder<'a> {
    fn from(spec: &'a Arc<IntegrationSpec>) -> Self {
        Self::Calendar(spec)
    }
}

impl<'a> From<&'a WebexIntegrationSpec> for Holder<'a> {
    fn from(spec: &'a WebexIntegrationSpec) -> Self {
        Self::Webex(spec)
    }
}
