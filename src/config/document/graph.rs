//! `GraphIntegration`: room calendars in Microsoft 365.

use schemars::JsonSchema;
use serde::Deserialize;

use super::SecretRef;

/// Room calendars in Microsoft 365, read through Graph. Exactly one of `clientSecret` and `clientCertificate`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("oneOf" = [{"required": ["clientSecret"]}, {"required": ["clientCertificate"]}]))]
pub(crate) struct GraphIntegration {
    /// The app registration's application id. Guide: Client ID.
    #[schemars(length(min = 1, max = 250))]
    pub(crate) client_id: String,
    /// Its secret. Guide: Client secret.
    pub(crate) client_secret: Option<SecretRef>,
    /// A certificate instead of a secret.
    pub(crate) client_certificate: Option<ClientCertificate>,
    /// The day the secret ends, `2027-03-31`, for the alarm before it does.
    #[schemars(extend("format" = "date"))]
    pub(crate) client_secret_expires: Option<String>,
    /// The tenant's token endpoint (v2), `https://login.microsoftonline.com/TENANT/oauth2/v2.0/token`. Guide: OAuth 2.0 token endpoint URL.
    #[schemars(length(min = 1, max = 255))]
    pub(crate) token_url: String,
    /// Most requests in 24 hours. Default 1000000. Guide: Maximum Graph API requests.
    #[schemars(range(min = 1))]
    pub(crate) max_api_requests_per_day: Option<u64>,
    /// Host of Graph in national clouds. Default `graph.microsoft.com`. Guide: Graph API FQDN.
    #[schemars(length(min = 1, max = 192))]
    pub(crate) graph_fqdn: Option<String>,
    /// Base URL of Graph. Default `https://{graphFqdn}/v1.0`.
    #[schemars(length(min = 1, max = 255))]
    pub(crate) api_url: Option<String>,
    /// PEM files of certificate authorities that are trusted besides the system's.
    pub(crate) ca_certificates: Option<Vec<String>>,
    /// True: requests of this integration go past the location's web proxy. Default false. Guide: Disable web proxy.
    pub(crate) disable_web_proxy: Option<bool>,
}

/// A certificate that an app registration knows.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ClientCertificate {
    /// PEM file of the certificate.
    #[schemars(length(min = 1))]
    pub(crate) certificate: String,
    /// Its private key, PEM.
    pub(crate) private_key: SecretRef,
}
