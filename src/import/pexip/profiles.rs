//! Profiles, groups and endpoints. In: `mjx_integration`, `mjx_endpoint_group`, `mjx_endpoint`. Out: documents; what is off over there
//! (certificates not verified, by default) stays off here, and the report says so.

use serde_json::{Value, json};

use super::integrations::webex_name;
use super::{Converting, Weight, flag, set_unless, text};
use crate::import::Draft;

impl Converting<'_> {
    pub(super) fn profiles(&mut self) {
        const RESOURCE: &str = "mjx_integration";
        for object in self.answers.of(RESOURCE) {
            let name = text(object, "name").to_owned();
            let mut draft = self.draft("Profile", RESOURCE, object);
            let services = ["exchange_deployment", "google_deployment", "graph_deployment"];
            match services.into_iter().find_map(|field| self.name_of(object, field)) {
                Some(service) => {
                    draft.set("/spec/integration", service);
                }
                None => {
                    draft.disabled = true;
                    draft.notes.push("Not carried: the profile has no calendar integration.".into());
                    let what = "the profile has no calendar integration; it is written as comments";
                    self.note(
                        Weight::NotCarried,
                        RESOURCE,
                        &name,
                        what,
                        "name an `integration` and uncomment it, or delete it",
                    );
                }
            }
            if flag(object, "use_webex", false) {
                draft.set("/spec/webex", webex_name(&name));
            }
            shown(&mut draft, object);
            self.cisco_defaults(&mut draft, object, &name);
            self.converted.drafts.push(draft);
        }
    }

    fn cisco_defaults(&mut self, draft: &mut Draft, object: &Value, name: &str) {
        const RESOURCE: &str = "mjx_integration";
        if !text(object, "ep_username").is_empty() {
            draft.set("/spec/cisco/username", text(object, "ep_username"));
            draft.set("/spec/cisco/password", self.secret(format!("{name} endpoints")));
        }
        set_unless(draft, "/spec/cisco/useHttps", &object["ep_use_https"], &json!(true));
        if !flag(object, "ep_verify_certificate", false) {
            draft.set("/spec/cisco/tls", "Insecure");
            let what = "endpoint certificates are not verified, as before: whoever sits on the network gets the endpoints' password";
            self.note(
                Weight::Advice,
                RESOURCE,
                name,
                what,
                "set spec.cisco.tls to PinOnFirstUse, which needs no certificates installed",
            );
        }
    }

    pub(super) fn groups(&mut self) {
        const RESOURCE: &str = "mjx_endpoint_group";
        for object in self.answers.of(RESOURCE) {
            let mut draft = self.draft("EndpointGroup", RESOURCE, object);
            let profile = self.usable_profile(object);
            draft.set_or_clear("/spec/profile", profile);
            draft.set_or_clear("/spec/location", self.name_of(object, "system_location"));
            set_unless(&mut draft, "/spec/disableWebProxy", &object["disable_proxy"], &json!(false));
            if profile.is_none() {
                let what = "the group has no profile, so its endpoints are not used (as before)";
                self.note(Weight::Advice, RESOURCE, text(object, "name"), what, "give it a `profile`, or delete it");
            }
            self.converted.drafts.push(draft);
        }
    }

    /// The profile of a group or a rule, if it was carried.
    pub(super) fn usable_profile(&self, object: &Value) -> Option<&str> {
        let name = self.name_of(object, "mjx_integration")?;
        let carried = self.converted.drafts.iter().any(|it| it.kind == "Profile" && it.name == name && !it.disabled);
        carried.then_some(name)
    }

    pub(super) fn endpoints(&mut self) {
        const RESOURCE: &str = "mjx_endpoint";
        for object in self.answers.of(RESOURCE) {
            let name = text(object, "name").to_owned();
            let mut draft = self.draft("Endpoint", RESOURCE, object);
            draft.set_or_clear("/spec/group", self.name_of(object, "mjx_endpoint_group"));
            draft.set("/spec/roomEmail", text(object, "room_resource_email"));
            set_unless(&mut draft, "/spec/raiseAlarms", &object["poly_raise_alarms_for_this_endpoint"], &json!(true));
            let missing = match text(object, "endpoint_type") {
                "POLY" => self.poly(&mut draft, object, &name),
                "WEBEX" => {
                    draft.set("/spec/webex/deviceId", text(object, "webex_device_id"));
                    text(object, "webex_device_id").is_empty().then_some("device id")
                }
                "CISCO" => self.cisco(&mut draft, object, &name),
                _ => Some("known type"),
            };
            let missing = missing.or_else(|| text(object, "room_resource_email").is_empty().then_some("room"));
            if let Some(missing) = missing {
                draft.disabled = true;
                draft.notes.push(format!("Not carried: the endpoint has no {missing}."));
                let what = format!("the endpoint has no {missing}; it is written as comments");
                self.note(Weight::NotCarried, RESOURCE, &name, what, "complete and uncomment it, or delete it");
            }
            self.converted.drafts.push(draft);
        }
    }

    fn cisco(&mut self, draft: &mut Draft, object: &Value, name: &str) -> Option<&'static str> {
        draft.set("/spec/cisco/address", text(object, "api_address"));
        set_unless(draft, "/spec/cisco/port", &object["api_port"], &Value::Null);
        if !text(object, "api_username").is_empty() {
            draft.set("/spec/cisco/username", text(object, "api_username"));
            draft.set("/spec/cisco/password", self.secret(name.to_owned()));
        }
        match text(object, "verify_cert") {
            "YES" => {
                draft.set("/spec/cisco/tls", "Verify");
            }
            "NO" => {
                draft.set("/spec/cisco/tls", "Insecure");
            }
            _ => {}
        }
        match text(object, "use_https") {
            "YES" => {
                draft.set("/spec/cisco/useHttps", true);
            }
            "NO" => {
                draft.set("/spec/cisco/useHttps", false);
            }
            _ => {}
        }
        text(object, "api_address").is_empty().then_some("address")
    }

    fn poly(&mut self, draft: &mut Draft, object: &Value, name: &str) -> Option<&'static str> {
        if text(object, "poly_username").is_empty() {
            return Some("user name");
        }
        draft.set("/spec/poly/username", text(object, "poly_username"));
        draft.set("/spec/poly/password", self.secret(name.to_owned()));
        None
    }
}

/// What a profile shows. Values that are the language's defaults are left out.
fn shown(draft: &mut Draft, object: &Value) {
    let replace = match text(object, "replace_subject_type") {
        "ALL" => json!("Always"),
        "NEVER" => json!("Never"),
        _ => Value::Null,
    };
    set_unless(draft, "/spec/replaceSubject", &replace, &Value::Null);
    set_unless(draft, "/spec/replaceSubjectTemplate", &object["replace_subject_template"], &json!(""));
    for (pointer, field, default) in [
        ("/spec/upcomingDays", "display_upcoming_meetings", json!(7)),
        ("/spec/nonVideoMeetings", "enable_non_video_meetings", json!(true)),
        ("/spec/privateMeetings", "enable_private_meetings", json!(true)),
        ("/spec/processAliasForPrivateMeetings", "process_alias_private_meetings", json!(true)),
        ("/spec/replaceEmptySubject", "replace_empty_subject", json!(true)),
        ("/spec/startBufferMinutes", "start_buffer", json!(5)),
        ("/spec/endBufferMinutes", "end_buffer", json!(0)),
    ] {
        set_unless(draft, pointer, &object[field], &default);
    }
}
