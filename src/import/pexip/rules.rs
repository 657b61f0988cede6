//! Meeting processing rules. In: `mjx_meeting_processing_rule`. Out: Rules; those that our engine cannot run are written as comments
//! below their reason, and stand in the report.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Converting, Weight, flag, text};
use crate::import::Draft;

const RESOURCE: &str = "mjx_meeting_processing_rule";

/// `meeting_type` and our name for it.
const TYPES: [(&str, &str); 21] = [
    ("pexipinfinity", "PexipInfinity"),
    ("pexipservice", "PexipService"),
    ("teams", "TeamsMeetingProperties"),
    ("teamssipguestjoin", "TeamsSipGuestJoin"),
    ("pexipinfinityteamsbody", "TeamsBodyPexipInfinity"),
    ("pexipserviceteamsbody", "TeamsBodyPexipService"),
    ("polyteamsbody", "TeamsBodyPoly"),
    ("bluejeansteamsbody", "TeamsBodyBlueJeans"),
    ("ciscoteamsbody", "TeamsBodyCisco"),
    ("hangouts", "GoogleMeet"),
    ("googlemeetsipguestjoin", "GoogleMeetSipGuestJoin"),
    ("s4b", "SkypeForBusiness"),
    ("polys4bbody", "SkypeForBusinessBodyPoly"),
    ("webex", "Webex"),
    ("zoom", "Zoom"),
    ("bluejeans", "BlueJeans"),
    ("gotomeeting", "GoToMeeting"),
    ("domain", "Domain"),
    ("regex", "Regex"),
    ("regex_re2", "Regex"),
    ("custom", "Custom"),
];

impl Converting<'_> {
    pub(super) fn rules(&mut self) {
        let mut rules: Vec<&Value> = self.answers.of(RESOURCE).iter().collect();
        rules.sort_by_key(|rule| rule["priority"].as_u64());
        let mut priorities: BTreeSet<(String, u64)> = BTreeSet::new();
        for object in rules {
            let name = text(object, "name").to_owned();
            let mut draft = self.draft("Rule", RESOURCE, object);
            let mut faults = vec![];
            match self.usable_profile(object) {
                Some(profile) => {
                    draft.set("/spec/profile", profile);
                }
                None => faults.push("its profile was not carried".to_owned()),
            }
            let priority = self.free_priority(object, &mut priorities, &name);
            draft.set("/spec/priority", priority);
            self.fields(&mut draft, object, &mut faults);
            if !faults.is_empty() {
                draft.disabled = true;
                let reason = faults.join("; ");
                draft.notes.push(format!("Not carried: {reason}."));
                let what = format!("{reason}; the rule is written as comments");
                self.note(
                    Weight::NotCarried,
                    RESOURCE,
                    &name,
                    what,
                    "mend and uncomment it, then try it with `otj match`",
                );
            }
            self.converted.drafts.push(draft);
        }
    }

    /// Two rules of one priority ran in no order that was promised; here they need two.
    fn free_priority(&mut self, object: &Value, taken: &mut BTreeSet<(String, u64)>, name: &str) -> u64 {
        let profile = self.name_of(object, "mjx_integration").unwrap_or_default().to_owned();
        let wanted = object["priority"].as_u64().unwrap_or(200).clamp(1, 200);
        let free = (wanted..=200).find(|priority| !taken.contains(&(profile.clone(), *priority))).unwrap_or(wanted);
        taken.insert((profile, free));
        if free != wanted {
            let what = format!("priority {wanted} was used twice in the profile; the rule has {free} now");
            self.note(Weight::Advice, RESOURCE, name, what, "check the order of the profile's rules");
        }
        free
    }

    fn fields(&mut self, draft: &mut Draft, object: &Value, faults: &mut Vec<String>) {
        let written = text(object, "meeting_type");
        let Some((_, rule_type)) = TYPES.into_iter().find(|(theirs, _)| *theirs == written) else {
            draft.set("/spec/type", written);
            faults.push(format!("the meeting type `{written}` is not known"));
            return;
        };
        draft.set("/spec/type", rule_type);
        if !flag(object, "enabled", true) {
            draft.set("/spec/enabled", false);
        }
        let default_processing = flag(object, "default_processing_enabled", true);
        let check_template = self.options.check_template;
        let template = |draft: &mut Draft, pointer: &str, field: &str, faults: &mut Vec<String>| {
            if let Err(reason) = check_template(text(object, field)) {
                faults.push(format!("its template cannot be used here: {}", one_line(&reason)));
            }
            draft.set(pointer, text(object, field));
        };
        match rule_type {
            "Regex" => self.regex(draft, object, default_processing, faults),
            "Custom" => template(draft, "/spec/template", "custom_template", faults),
            _ if !default_processing && !text(object, "transform_rule").is_empty() => {
                template(draft, "/spec/transform", "transform_rule", faults);
            }
            _ => {}
        }
        if matches!(rule_type, "Domain" | "TeamsMeetingProperties" | "GoogleMeetSipGuestJoin") {
            draft.set("/spec/domain", text(object, "domain"));
            if text(object, "domain").is_empty() {
                faults.push("it has no domain, which its type needs".into());
            }
        }
        if matches!(rule_type, "TeamsSipGuestJoin" | "GoogleMeetSipGuestJoin") && !text(object, "company_id").is_empty()
        {
            draft.set("/spec/companyId", text(object, "company_id"));
        }
        if rule_type == "Zoom" && flag(object, "include_pin", false) {
            draft.set("/spec/includePassword", true);
        }
    }

    fn regex(&mut self, draft: &mut Draft, object: &Value, default_processing: bool, faults: &mut Vec<String>) {
        let pattern = text(object, "match_string");
        draft.set("/spec/match", pattern);
        if let Err(reason) = (self.options.check_regex)(pattern) {
            let dialect =
                if text(object, "meeting_type") == "regex" { " (it was a Python regular expression)" } else { "" };
            faults.push(format!("its match string cannot be run here{dialect}: {}", one_line(&reason)));
        } else if pattern.is_empty() {
            faults.push("it has no match string".into());
        } else if text(object, "meeting_type") == "regex"
            && ["(?=", "(?!", "(?<=", "(?<!", "\\1", "(?P="].iter().any(|part| pattern.contains(part))
        {
            let what = "the pattern looks around or back, which costs time without bound; it runs here within a limit";
            self.note(
                Weight::Advice,
                RESOURCE,
                text(object, "name"),
                what,
                "write it without, or a RuleTest that shows that it finds what it should",
            );
        }
        if !default_processing {
            draft.set("/spec/replace", json!(text(object, "replace_string")));
        }
    }
}

fn one_line(reason: &str) -> String {
    reason.split_whitespace().collect::<Vec<_>>().join(" ")
}
