//! `ExchangeIntegration`: room calendars in Exchange, read through EWS.

use schemars::JsonSchema;
use serde::Deserialize;

use super::SecretRef;
use super::graph::ClientCertificate;

/// Room calendars in Exchange 2013, 2016, 2019 or SE on premises (or Office 365 for existing deployments), read through EWS.
/// Exactly one of `basic`, `ntlm`, `oauth`, `appOnly`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("oneOf" = [{"required": ["basic", "serviceAccountUsername"]}, {"required": ["ntlm", "serviceAccountUsername"]}, {"required": ["oauth", "serviceAccountUsername"]}, {"required": ["appOnly"]}]))]
pub(crate) struct ExchangeIntegration {
    /// The impersonating account, `name@domain` or `domain\name`; required but for `appOnly`. Guide: Service account username.
    #[schemars(length(min = 1, max = 100))]
    pub(crate) service_account_username: Option<String>,
    /// Sign-in with Basic, the default on premises.
    pub(crate) basic: Option<AccountPassword>,
    /// Sign-in with NTLMv2, on premises only; the account is written `name@domain`. Guide: Enable NTLM.
    pub(crate) ntlm: Option<AccountPassword>,
    /// Sign-in with OAuth by the service account, Office 365. Guide: Enable OAuth.
    pub(crate) oauth: Option<ExchangeOauth>,
    /// Sign-in as an app (full_access_as_app), Office 365, without impersonation role.
    pub(crate) app_only: Option<AppOnly>,
    /// Most requests in 24 hours, of every kind. Default 1000000. Guide: Find Items Request Quota.
    #[schemars(range(min = 1))]
    pub(crate) find_items_requests_per_day: Option<u64>,
    /// Autodiscover services that are asked first. Default `[]`. Guide: OTJ Exchange Autodiscover URLs.
    pub(crate) autodiscover_urls: Option<Vec<AutodiscoverUrl>>,
    /// Domains whose hosts are given the account's password. Default: the account's domain and the hosts of `autodiscoverUrls`.
    pub(crate) autodiscover_trust: Option<Vec<String>>,
    /// The EWS service itself, `https://mail.example.com/EWS/Exchange.asmx`; skips Autodiscover. Guide: EWS URL.
    #[schemars(length(min = 1, max = 255))]
    pub(crate) ews_url: Option<String>,
    /// PEM files of certificate authorities that are trusted besides the system's.
    pub(crate) ca_certificates: Option<Vec<String>>,
    /// True: requests of this integration go past the location's web proxy. Default false. Guide: Disable web proxy.
    pub(crate) disable_web_proxy: Option<bool>,
}

/// The password of the service account.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct AccountPassword {
    /// Where it is. Guide: Service account password.
    pub(crate) password: SecretRef,
}

/// An OAuth client of Office 365 through which the service account signs in.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ExchangeOauth {
    /// The app registration's application id. Guide: OAuth client ID.
    #[schemars(length(min = 1, max = 250))]
    pub(crate) client_id: String,
    /// Where Microsoft sends the user back. Default `{public-url}/oauth/callback`. Guide: OAuth redirect URI.
    #[schemars(length(min = 1, max = 255))]
    pub(crate) redirect_uri: Option<String>,
    /// The tenant's authorization endpoint (v1). Guide: OAuth authorization endpoint.
    #[schemars(length(min = 1, max = 255))]
    pub(crate) authorization_url: String,
    /// The tenant's token endpoint (v1). Guide: OAuth token endpoint.
    #[schemars(length(min = 1, max = 255))]
    pub(crate) token_url: String,
}

/// An app registration that may read every mailbox. Exactly one of `clientSecret` and `clientCertificate`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("oneOf" = [{"required": ["clientSecret"]}, {"required": ["clientCertificate"]}]))]
pub(crate) struct AppOnly {
    /// The tenant's token endpoint (v2).
    #[schemars(length(min = 1, max = 255))]
    pub(crate) token_url: String,
    /// The app registration's application id.
    #[schemars(length(min = 1, max = 250))]
    pub(crate) client_id: String,
    /// Its secret.
    pub(crate) client_secret: Option<SecretRef>,
    /// A certificate instead of a secret.
    pub(crate) client_certificate: Option<ClientCertificate>,
}

/// An Autodiscover service.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct AutodiscoverUrl {
    /// What people call it.
    #[schemars(length(min = 1, max = 250))]
    pub(crate) name: String,
    /// A sentence for people, at most 250 characters.
    #[schemars(length(max = 250))]
    #[expect(dead_code, reason = "part of the language; written for people alone")]
    pub(crate) description: Option<String>,
    /// The SOAP service; ends in `.svc`.
    #[schemars(length(min = 1, max = 255))]
    pub(crate) url: String,
}
