//! `WebexIntegration`: how Webex Cloud registered devices are reached.

use schemars::JsonSchema;
use serde::Deserialize;

use super::SecretRef;

/// The Webex Cloud through which its registered devices get their bookings. Exactly one of `oauth`, `serviceApp`, `botToken`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("oneOf" = [{"required": ["oauth"]}, {"required": ["serviceApp"]}, {"required": ["botToken"]}]))]
pub(crate) struct WebexIntegration {
    /// An integration through which an administrator signs in once.
    pub(crate) oauth: Option<WebexOauth>,
    /// A service app that the organization's administrator has authorized.
    pub(crate) service_app: Option<ServiceApp>,
    /// A bot's access token; the bot is given access to each device.
    pub(crate) bot_token: Option<SecretRef>,
    /// Host of the API. Default `webexapis.com`. Guide: Webex API domain.
    #[schemars(length(min = 1, max = 192))]
    pub(crate) api_domain: Option<String>,
    /// Base URL of the API. Default `https://{apiDomain}/v1`.
    #[schemars(length(min = 1, max = 255))]
    pub(crate) api_url: Option<String>,
    /// PEM files of certificate authorities that are trusted besides the system's.
    pub(crate) ca_certificates: Option<Vec<String>>,
    /// True: requests of this integration go past the location's web proxy. Default false. Guide: Disable web proxy.
    pub(crate) disable_web_proxy: Option<bool>,
}

/// An OAuth client of Webex.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct WebexOauth {
    /// The integration's id. Guide: Client ID.
    #[schemars(length(min = 1, max = 100))]
    pub(crate) client_id: String,
    /// Its secret. Guide: Client secret.
    pub(crate) client_secret: SecretRef,
    /// Where Webex sends the administrator back. Default `{public-url}/oauth/callback`. Guide: Redirect URI.
    #[schemars(length(min = 1, max = 255))]
    pub(crate) redirect_uri: Option<String>,
}

/// A Webex service app.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ServiceApp {
    /// The app's id.
    #[schemars(length(min = 1, max = 100))]
    pub(crate) client_id: String,
    /// Its secret.
    pub(crate) client_secret: SecretRef,
    /// The refresh token shown when the app was authorized.
    pub(crate) refresh_token: SecretRef,
}
