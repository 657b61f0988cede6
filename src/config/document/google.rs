//! `GoogleIntegration`: room calendars in Google Workspace.

use schemars::JsonSchema;
use serde::Deserialize;

use super::SecretRef;

/// Room calendars in Google Workspace. Exactly one of `serviceAccounts` (recommended) and `userAuthorization`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("oneOf" = [{"required": ["serviceAccounts"]}, {"required": ["userAuthorization"]}]))]
pub(crate) struct GoogleIntegration {
    /// Service accounts that share the load, each 600 requests a minute at Google.
    #[schemars(length(min = 1))]
    pub(crate) service_accounts: Option<Vec<ServiceAccount>>,
    /// One user who signs in once (3-legged OAuth) and whose calendars include the rooms'. Guide: Enable user authorization.
    pub(crate) user_authorization: Option<UserAuthorization>,
    /// Most requests in 24 hours. Default 900000. Guide: Maximum Google Workspace API requests.
    #[schemars(range(min = 1))]
    pub(crate) max_api_requests_per_day: Option<u64>,
    /// Most requests a minute of each account. Default 540; Google's own limit is 600, and can be raised there.
    #[schemars(range(min = 1))]
    pub(crate) max_requests_per_minute_per_account: Option<u32>,
    /// Where tokens are fetched. Default `https://oauth2.googleapis.com/token`. Guide: Google OAuth 2.0 endpoint.
    #[schemars(length(min = 1, max = 255))]
    pub(crate) token_url: Option<String>,
    /// Where the user signs in. Default `https://accounts.google.com/o/oauth2/v2/auth`. Guide: Google authorization server.
    #[schemars(length(min = 1, max = 255))]
    pub(crate) authorization_url: Option<String>,
    /// Base URL of the Calendar API. Default `https://www.googleapis.com/calendar/v3`.
    #[schemars(length(min = 1, max = 255))]
    pub(crate) api_url: Option<String>,
    /// PEM files of certificate authorities that are trusted besides the system's.
    pub(crate) ca_certificates: Option<Vec<String>>,
    /// True: requests of this integration go past the location's web proxy. Default false. Guide: Disable web proxy.
    pub(crate) disable_web_proxy: Option<bool>,
}

/// A Google service account that the room calendars are shared with.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ServiceAccount {
    /// The account's address, `otj@project.iam.gserviceaccount.com`. Guide: Account email.
    #[schemars(length(min = 1, max = 256))]
    pub(crate) email: String,
    /// Its private key: PEM, or a whole JSON key as downloaded. Guide: Private key.
    pub(crate) private_key: SecretRef,
}

/// An OAuth client and the user who signs in through it.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct UserAuthorization {
    /// The user the room calendars are shared with. Guide: Account email.
    #[schemars(length(min = 1, max = 256))]
    pub(crate) email: String,
    /// The OAuth client. Guide: Client ID.
    #[schemars(length(min = 1, max = 250))]
    pub(crate) client_id: String,
    /// Its secret. Guide: Client secret.
    pub(crate) client_secret: SecretRef,
    /// Where Google sends the user back. Default `{public-url}/oauth/callback`. Guide: Redirect URI.
    #[schemars(length(min = 1, max = 255))]
    pub(crate) redirect_uri: Option<String>,
}
