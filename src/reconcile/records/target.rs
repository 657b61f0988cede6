//! Where an endpoint was given its list, as the store keeps it: with the credential that opened it, since the place must be cleared
//! with what it was filled with.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::model::device::{OnConflict, TlsMode, Wire};
use crate::model::service::{OauthClient, WebexIntegrationSpec, WebexSignIn};
use crate::model::{CiscoSpec, DeviceSpec, IntegrationName, Secret, SecretValue, WebexSpec};

/// How a pushed endpoint is reached. The two are told apart by their fields.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum TargetRecord {
    Cisco(CiscoRecord),
    Webex(WebexRecord),
}

#[derive(Serialize, Deserialize)]
pub(super) struct CiscoRecord {
    address: String,
    port: u16,
    use_https: bool,
    tls: TlsMode,
    ca_certificates: Vec<String>,
    username: String,
    password: Option<String>,
    wire: Wire,
    serial: Option<String>,
    fingerprint: Option<String>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct WebexRecord {
    device_id: String,
    integration: IntegrationName,
    api_url: String,
    ca_certificates: Vec<String>,
    disable_web_proxy: bool,
    sign_in: SignInRecord,
}

#[derive(Serialize, Deserialize)]
enum SignInRecord {
    Oauth { client_id: String, client_secret: Option<String>, redirect_uri: Option<String> },
    ServiceApp { client_id: String, client_secret: Option<String>, refresh_token: Option<String> },
    Bot { token: Option<String> },
}

impl TargetRecord {
    /// For the store; `None`: the endpoint fetches by itself.
    pub(super) fn of(device: &DeviceSpec) -> Option<Self> {
        match device {
            DeviceSpec::Cisco(cisco) => Some(Self::Cisco(CiscoRecord {
                address: cisco.address.clone(),
                port: cisco.port,
                use_https: cisco.use_https,
                tls: cisco.tls,
                ca_certificates: texts(&cisco.ca_certificates),
                username: cisco.username.clone(),
                password: told(&cisco.password),
                wire: cisco.wire,
                serial: cisco.serial.clone(),
                fingerprint: cisco.fingerprint.clone(),
            })),
            DeviceSpec::Webex(webex) => Some(Self::Webex(WebexRecord {
                device_id: webex.device_id.clone(),
                integration: webex.integration.name.clone(),
                api_url: webex.integration.api_url.clone(),
                ca_certificates: texts(&webex.integration.ca_certificates),
                disable_web_proxy: webex.integration.disable_web_proxy,
                sign_in: match &webex.integration.sign_in {
                    WebexSignIn::Oauth(client) => SignInRecord::Oauth {
                        client_id: client.client_id.clone(),
                        client_secret: client.client_secret.as_ref().and_then(told),
                        redirect_uri: client.redirect_uri.clone(),
                    },
                    WebexSignIn::ServiceApp { client_id, client_secret, refresh_token } => SignInRecord::ServiceApp {
                        client_id: client_id.clone(),
                        client_secret: told(client_secret),
                        refresh_token: told(refresh_token),
                    },
                    WebexSignIn::Bot(token) => SignInRecord::Bot { token: told(token) },
                },
            })),
            DeviceSpec::Poly(_) => None,
        }
    }

    /// Back from the store.
    pub(super) fn into_device(self) -> DeviceSpec {
        match self {
            Self::Cisco(cisco) => DeviceSpec::Cisco(CiscoSpec {
                address: cisco.address,
                port: cisco.port,
                use_https: cisco.use_https,
                tls: cisco.tls,
                ca_certificates: bundles(cisco.ca_certificates),
                username: cisco.username,
                password: known(cisco.password),
                wire: cisco.wire,
                serial: cisco.serial,
                fingerprint: cisco.fingerprint,
                on_conflict: OnConflict::default(),
                web_proxy: None,
            }),
            Self::Webex(webex) => DeviceSpec::Webex(WebexSpec {
                device_id: webex.device_id,
                integration: Arc::new(WebexIntegrationSpec {
                    name: webex.integration,
                    labels: BTreeMap::new(),
                    sign_in: match webex.sign_in {
                        SignInRecord::Oauth { client_id, client_secret, redirect_uri } => {
                            let client_secret = Some(known(client_secret));
                            WebexSignIn::Oauth(OauthClient { client_id, client_secret, redirect_uri })
                        }
                        SignInRecord::ServiceApp { client_id, client_secret, refresh_token } => {
                            let (client_secret, refresh_token) = (known(client_secret), known(refresh_token));
                            WebexSignIn::ServiceApp { client_id, client_secret, refresh_token }
                        }
                        SignInRecord::Bot { token } => WebexSignIn::Bot(known(token)),
                    },
                    api_url: webex.api_url,
                    ca_certificates: bundles(webex.ca_certificates),
                    disable_web_proxy: webex.disable_web_proxy,
                    web_proxy: None,
                }),
            }),
        }
    }
}

fn texts(bundles: &[Arc<[u8]>]) -> Vec<String> {
    bundles.iter().map(|pem| String::from_utf8_lossy(pem).into_owned()).collect()
}

fn bundles(texts: Vec<String>) -> Vec<Arc<[u8]>> {
    texts.into_iter().map(|pem| Arc::from(pem.into_bytes())).collect()
}

fn told(secret: &SecretValue) -> Option<String> {
    secret.known().map(|secret| secret.expose().to_owned())
}

fn known(secret: Option<String>) -> SecretValue {
    match secret {
        Some(secret) => SecretValue::Known(Secret::new(secret)),
        None => SecretValue::Missing("it was not known when the endpoint was last filled".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn webex(sign_in: WebexSignIn) -> DeviceSpec {
        let integration = WebexIntegrationSpec {
            name: IntegrationName::parse("cloud").unwrap(),
            labels: BTreeMap::new(),
            sign_in,
            api_url: "https://webexapis.com/v1".into(),
            ca_certificates: vec![b"pem".as_slice().into()],
            disable_web_proxy: true,
            web_proxy: None,
        };
        DeviceSpec::Webex(WebexSpec { device_id: "device-1".into(), integration: Arc::new(integration) })
    }

    #[test]
    fn a_target_comes_back_from_the_store_as_it_was() {
        let secret = |text: &str| SecretValue::Known(Secret::new(text.to_owned()));
        let client = OauthClient { client_id: "c".into(), client_secret: Some(secret("s")), redirect_uri: None };
        let app =
            WebexSignIn::ServiceApp { client_id: "c".into(), client_secret: secret("s"), refresh_token: known(None) };
        let cisco = CiscoSpec {
            address: "10.0.0.5".into(),
            port: 443,
            use_https: true,
            tls: TlsMode::PinOnFirstUse,
            ca_certificates: vec![],
            username: "otj".into(),
            password: secret("p"),
            wire: Wire::Auto,
            serial: None,
            fingerprint: None,
            on_conflict: OnConflict::default(),
            web_proxy: None,
        };
        for device in [
            DeviceSpec::Cisco(cisco),
            webex(WebexSignIn::Oauth(client)),
            webex(app),
            webex(WebexSignIn::Bot(secret("token"))),
        ] {
            let text = serde_json::to_string(&TargetRecord::of(&device).unwrap()).unwrap();
            let back: TargetRecord = serde_json::from_str(&text).unwrap();
            assert!(back.into_device() == device, "{text}");
        }
    }
}
