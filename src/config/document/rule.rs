//! `Rule`: a meeting processing rule, and `RuleSet`: rules that profiles share.

use schemars::JsonSchema;
use serde::Deserialize;

use super::Kind;
use crate::model::alias::Protocol;
use crate::model::desired::RuleType;

/// The rule set that exists without a document.
pub(crate) const BUILT_IN_RULES: &str = "builtin/standard";

/// Where a set's rules stand when its document does not say.
pub(crate) const SET_PRIORITY: u16 = 100;

/// Whether events of a calendar service can hold what rules of a type look for. Google's have no property of Teams (guide: table
/// of meeting types).
pub(crate) fn carries(service: Kind, rule_type: RuleType) -> bool {
    !(service == Kind::GoogleIntegration && rule_type == RuleType::TeamsMeetingProperties)
}

macro_rules! with_rule_fields {
    ($(#[$doc:meta])* $name:ident { $($extra:tt)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Deserialize, JsonSchema)]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        #[schemars(extend("allOf" = [
            {"if": {"properties": {"type": {"const": "Regex"}}, "required": ["type"]}, "then": {"required": ["match"]}},
            {"if": {"properties": {"type": {"const": "Custom"}}, "required": ["type"]}, "then": {"required": ["template"]}},
            {
                "if": {"properties": {"type": {"enum": ["Domain", "TeamsMeetingProperties", "GoogleMeetSipGuestJoin"]}}, "required": ["type"]},
                "then": {"required": ["domain"]},
            },
        ]))]
        pub(crate) struct $name {
            $($extra)*
            /// What the rule looks for. Guide: Meeting type.
            #[serde(rename = "type")]
            pub(crate) rule_type: RuleType,
            /// False skips the rule. Default true. Guide: Enabled.
            pub(crate) enabled: Option<bool>,
            /// `Zoom`: the numeric passcode, where the invitation has one, becomes part of the alias. Default false. Guide: Include password.
            pub(crate) include_password: Option<bool>,
            /// `TeamsSipGuestJoin`, `GoogleMeetSipGuestJoin`: the Pexip Service customer id, at most 36 characters; needed unless endpoints are registered to the Pexip cloud.
            #[schemars(length(max = 36))]
            pub(crate) company_id: Option<String>,
            /// Required for three types, without use elsewhere, at most 255 characters. `Domain`: addresses at it or below it are found; `TeamsMeetingProperties`: the gateway's; `GoogleMeetSipGuestJoin`: the service's, such as `google.pexip.me`. Guide: Domain.
            #[schemars(length(min = 1, max = 255))]
            pub(crate) domain: Option<String>,
            /// True uses the type's own transform, also where one is written. Default true without `transform` and `replace`, else false. Guide: Default processing enabled.
            pub(crate) default_processing: Option<bool>,
            /// How the alias is made: Jinja2 over the type's variables, which the README's table of types lists with the default, at most 512 characters; not for `Regex` and `Custom`. Guide: Transform pattern.
            #[schemars(length(max = 512))]
            pub(crate) transform: Option<String>,
            /// `Regex` (required there): what is searched in body and location, at most 250 characters. Guide: Match string.
            #[serde(rename = "match")]
            #[schemars(length(min = 1, max = 250))]
            pub(crate) match_pattern: Option<String>,
            /// `Regex`: what the match becomes, with `\1` to `\9` and `\g<name>`, at most 250 characters. Default: the matched text. Guide: Replace string.
            #[schemars(length(max = 250))]
            pub(crate) replace: Option<String>,
            /// `Custom` (required there): Jinja2 over `calendar_event`, at most 10240 characters. Guide: Custom template.
            #[schemars(length(min = 1, max = 10240))]
            pub(crate) template: Option<String>,
            /// The rule applies only then. Default: always.
            pub(crate) when: Option<When>,
            /// How the room dials: `Auto`, `Sip`, `H323`. Default `Auto`.
            pub(crate) protocol: Option<Protocol>,
        }
    };
}

with_rule_fields! {
    /// Finds the address to dial in an invitation. Rules of a profile are tried in ascending priority; the first match is applied.
    Rule {
        /// The profile, by name. Guide: OTJ profile.
        pub(crate) profile: String,
        /// 1 to 200, unique within the profile; the lowest is tried first. Guide: Priority.
        #[schemars(range(min = 1, max = 200))]
        pub(crate) priority: u16,
    }
}

with_rule_fields! {
    /// One rule of a RuleSet.
    SharedRule {
        /// Its name, unique within the set; in traces and metrics it is `SET/NAME`.
        #[schemars(length(min = 1, max = 250))]
        pub(crate) name: String,
    }
}

/// Rules that several profiles share, in their order. `builtin/standard` exists without a document.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RuleSet {
    /// Where the set's rules stand among a profile's own, 1 to 200: after those of the same priority. Default 100.
    #[schemars(range(min = 1, max = 200))]
    pub(crate) priority: Option<u16>,
    /// The rules, in the order they are tried.
    pub(crate) rules: Vec<SharedRule>,
}

impl Rule {
    /// A rule of which nothing but the type is written.
    pub(crate) fn of_type(rule_type: RuleType) -> Self {
        Self {
            profile: String::new(),
            priority: SET_PRIORITY,
            rule_type,
            enabled: None,
            include_password: None,
            company_id: None,
            domain: None,
            default_processing: None,
            transform: None,
            match_pattern: None,
            replace: None,
            template: None,
            when: None,
            protocol: None,
        }
    }
}

impl SharedRule {
    /// The same fields as those of a rule of its own, without profile and priority.
    pub(crate) fn fields(&self) -> Rule {
        Rule {
            enabled: self.enabled,
            include_password: self.include_password,
            company_id: self.company_id.clone(),
            domain: self.domain.clone(),
            default_processing: self.default_processing,
            transform: self.transform.clone(),
            match_pattern: self.match_pattern.clone(),
            replace: self.replace.clone(),
            template: self.template.clone(),
            when: self.when.clone(),
            protocol: self.protocol,
            ..Rule::of_type(self.rule_type)
        }
    }
}

/// When a rule applies.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct When {
    /// The organizer's mail domain is one of these, or below one.
    pub(crate) organizer_domains: Option<Vec<String>>,
    /// True: only private events; false: only others.
    pub(crate) private: Option<bool>,
}
