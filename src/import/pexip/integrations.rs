//! Calendar services and the Webex Cloud. In: deployments and profiles. Out: integrations, with the secrets to fill in.

use serde_json::{Value, json};

use super::{Converting, Weight, flag, set_unless, text};

impl Converting<'_> {
    pub(super) fn integrations(&mut self) {
        let answers = self.answers;
        for object in answers.of("mjx_google_deployment") {
            self.google(object);
        }
        for object in answers.of("mjx_graph_deployment") {
            self.graph(object);
        }
        for object in answers.of("mjx_exchange_deployment") {
            self.exchange(object);
        }
        for object in answers.of("mjx_integration").iter().filter(|object| flag(object, "use_webex", false)) {
            self.webex(object);
        }
    }

    fn google(&mut self, object: &Value) {
        const RESOURCE: &str = "mjx_google_deployment";
        let name = text(object, "name").to_owned();
        let mut draft = self.draft("GoogleIntegration", RESOURCE, object);
        if flag(object, "use_user_consent", false) {
            draft.set("/spec/userAuthorization/email", text(object, "client_email"));
            draft.set("/spec/userAuthorization/clientId", text(object, "client_id"));
            draft.set("/spec/userAuthorization/clientSecret", self.secret(format!("{name} client secret")));
            set_unless(&mut draft, "/spec/userAuthorization/redirectUri", &object["redirect_uri"], &json!(""));
            self.sign_in(RESOURCE, &name);
        } else {
            let key = self.secret(format!("{name} private key"));
            draft.set("/spec/serviceAccounts", json!([{"email": text(object, "client_email"), "privateKey": key}]));
        }
        set_unless(
            &mut draft,
            "/spec/maxApiRequestsPerDay",
            &object["maximum_number_of_api_requests"],
            &json!(900_000),
        );
        set_unless(
            &mut draft,
            "/spec/tokenUrl",
            &object["token_endpoint"],
            &json!("https://oauth2.googleapis.com/token"),
        );
        let authorization = json!("https://accounts.google.com/o/oauth2/v2/auth");
        set_unless(&mut draft, "/spec/authorizationUrl", &object["auth_endpoint"], &authorization);
        self.converted.drafts.push(draft);
    }

    fn graph(&mut self, object: &Value) {
        let name = text(object, "name").to_owned();
        let mut draft = self.draft("GraphIntegration", "mjx_graph_deployment", object);
        draft.set("/spec/clientId", text(object, "client_id"));
        draft.set("/spec/clientSecret", self.secret(format!("{name} client secret")));
        draft.set("/spec/tokenUrl", text(object, "oauth_token_url"));
        set_unless(&mut draft, "/spec/maxApiRequestsPerDay", &object["request_quota"], &json!(1_000_000));
        set_unless(&mut draft, "/spec/graphFqdn", &object["graph_api_domain"], &json!("graph.microsoft.com"));
        set_unless(&mut draft, "/spec/disableWebProxy", &object["disable_proxy"], &json!(false));
        self.converted.drafts.push(draft);
    }

    fn exchange(&mut self, object: &Value) {
        const RESOURCE: &str = "mjx_exchange_deployment";
        let name = text(object, "name").to_owned();
        let mut draft = self.draft("ExchangeIntegration", RESOURCE, object);
        draft.set("/spec/serviceAccountUsername", text(object, "service_account_username"));
        match text(object, "authentication_method") {
            "NTLM" => {
                draft.set("/spec/ntlm/password", self.secret(format!("{name} password")));
            }
            "OAUTH" => {
                draft.set("/spec/oauth/clientId", text(object, "oauth_client_id"));
                set_unless(&mut draft, "/spec/oauth/redirectUri", &object["oauth_redirect_uri"], &json!(""));
                draft.set("/spec/oauth/authorizationUrl", text(object, "oauth_auth_endpoint"));
                draft.set("/spec/oauth/tokenUrl", text(object, "oauth_token_endpoint"));
                self.sign_in(RESOURCE, &name);
            }
            method => {
                draft.set("/spec/basic/password", self.secret(format!("{name} password")));
                if method == "KERBEROS" {
                    let next = "it signs in with Basic authentication for now; permit that or NTLM for the service account on Exchange";
                    self.note(Weight::NotCarried, RESOURCE, &name, "Kerberos authentication is not carried", next);
                }
            }
        }
        set_unless(&mut draft, "/spec/findItemsRequestsPerDay", &object["find_items_request_quota"], &json!(1_000_000));
        set_unless(&mut draft, "/spec/ewsUrl", &object["ews_url"], &json!(""));
        set_unless(&mut draft, "/spec/disableWebProxy", &object["disable_proxy"], &json!(false));
        self.autodiscover(&mut draft, object);
        self.converted.drafts.push(draft);
    }

    fn autodiscover(&mut self, draft: &mut crate::import::Draft, deployment: &Value) {
        const RESOURCE: &str = "mjx_exchange_autodiscover_url";
        let mut urls = vec![];
        for object in self.answers.of(RESOURCE) {
            let of = self.answers.referred(object, "exchange_deployment");
            if of.is_none_or(|of| of["resource_uri"] != deployment["resource_uri"]) {
                continue;
            }
            let url = text(object, "url");
            if !url.to_ascii_lowercase().ends_with(".svc") {
                let what = "Autodiscover URLs end in .svc; this one is left out";
                self.note(
                    Weight::NotCarried,
                    RESOURCE,
                    text(object, "name"),
                    what,
                    "write the SOAP address, …/autodiscover/autodiscover.svc",
                );
                continue;
            }
            let mut entry = json!({"name": text(object, "name"), "url": url});
            if !text(object, "description").is_empty() {
                entry["description"] = object["description"].clone();
            }
            urls.push(entry);
        }
        draft.set_or_clear("/spec/autodiscoverUrls", (!urls.is_empty()).then_some(urls));
    }

    /// The guide has these fields on the profile; here they are an integration of their own, named after it.
    fn webex(&mut self, profile: &Value) {
        let name = webex_name(text(profile, "name"));
        let mut draft = crate::import::Draft::new("WebexIntegration", &name, "mjx_integration");
        draft.set("/spec/oauth/clientId", text(profile, "webex_client_id"));
        draft.set("/spec/oauth/clientSecret", self.secret(format!("{name} client secret")));
        set_unless(&mut draft, "/spec/oauth/redirectUri", &profile["webex_redirect_uri"], &json!(""));
        set_unless(&mut draft, "/spec/apiDomain", &profile["webex_api_domain"], &json!("webexapis.com"));
        self.sign_in("mjx_integration", &name);
        self.converted.drafts.push(draft);
    }

    fn sign_in(&mut self, resource: &'static str, name: &str) {
        let what = "the sign-in is not carried: a refresh token is never written to a file";
        self.note(Weight::NotCarried, resource, name, what, format!("sign in once: otj auth '{name}'"));
    }
}

/// The name of a profile's WebexIntegration.
pub(super) fn webex_name(profile: &str) -> String {
    let name: String = profile.chars().take(244).collect();
    format!("{name} Webex")
}
