//! Events and rules that nobody meant: mutated invitations of the corpus. In: a target and a seed. Out: one job after the other, the
//! same for the same seed.

use std::sync::Arc;

use otj::model::desired::RuleType;
use otj::model::{Body, Confidential, Event, RuleSpec};
use serde_json::Value;

use super::mutate::Mutations;
use super::{corpus, grammar};

/// Longest body thrown at the rules, in bytes. The loops of `tests/it/rules/chain.rs` try longer ones.
const BODY_MAX: usize = 512 << 10;

/// What the engine looks for, and what people write to break it.
const PIECES: &[&str] = &[
    "https://",
    "http://",
    "sip:",
    "sips:",
    "h323:",
    "pexip://",
    "@",
    "://",
    "?",
    "&",
    "&amp;",
    "=",
    "#",
    "/",
    "%2F",
    "%",
    "%25",
    "https://pexip.me/teams/vc.example.com/1300000001",
    "https://pexip.me/meet/12",
    "teams@vc.example.com",
    "https://x.example/teams/?conf=1&d=vc.example.com&prefix=9",
    "https://dialin.plcm.vc/teams/?key=1&conf=2",
    "1@t.plcm.vc",
    "1@teams.bjn.vc",
    "1@v.plcm.vc",
    "https://www.webex.com/msteams?confid=1&tenantkey=k&domain=m.webex.com",
    "k@m.webex.com",
    "https://teams.microsoft.com/meet/228859003479315?p=x",
    "https://teams.microsoft.com/l/meetup-join/19%3ameeting_x%40thread.v2/0",
    "Meeting ID: 228 859 003 479 315\nPasscode: jz7o5CE9\n",
    "https://meet.google.com/abc-defg-hij",
    "sip:1412688795765@gmeet.example.com",
    "https://acme.webex.com/meet/dana",
    "https://acme.webex.com/j.php?MTID=m1",
    "25414224390@acme.webex.com",
    "2541 422 4390",
    "https://zoom.us/j/88239814437",
    ",,88239814437#,,,,*123456#",
    "88239814437.123456@zoomcrc.com",
    "882 3981 4437\nPasscode: 1\n",
    "https://bluejeans.com/123456789/1234",
    "193053677@67.217.95.2",
    "67.217.95.2##193053677",
    "https://meet.goto.com/193053677",
    "https://nam02.safelinks.protection.outlook.com/?url=",
    "https://urldefense.com/v3/__",
    "__;JSU!!a!b$",
    "**A",
    "*",
    "https://urldefense.proofpoint.com/v2/url?u=https-3A__",
    "https://protect2.fireeye.com/v1/url?u=",
    "https://www.google.com/url?q=",
    "https://secure-web.cisco.com/x/",
    "https://eu.protection.sophos.com?d=x&u=aHR0cHM6Ly9h",
    "https://url.avanan.click/v2/___",
    "___.YzJl",
    "https://protect-eu.mimecast.com/s/a?domain=pexip.me",
    "https://linkprotect.cudasvc.com/url?a=",
    "https://clicktime.symantec.com/a?u=",
    "https://ddec1-0-en-ctp.trendmicro.com/wis/clicktime/v1/query?url=",
    "<a href=\"",
    "\">",
    "</a>",
    "<div>",
    "</div>",
    "<pre>",
    "<br>",
    "<table><tr><td>",
    "<script>",
    "</script>",
    "<style>",
    "<!--",
    "-->",
    "<![CDATA[",
    "<title>",
    "<textarea>",
    "<plaintext>",
    "<svg>",
    "<!",
    "</",
    "<a ",
    "originalsrc=",
    "&#",
    "&#x",
    "&nbsp;",
    "&notin",
    "&#1114112;",
    "&#xD800;",
    "\0",
    "\r",
    "\n",
    "\r\n",
    "\t",
    " ",
    "\u{a0}",
    "\u{202f}",
    "\u{200b}",
    "\u{202e}",
    "\u{feff}",
    "\u{ad}",
    "é",
    "а",
    "ａ",
    "١٢٣",
    "\u{1f600}",
    "=3D",
    "=\r\n",
    "=C3=A9",
    "=FF",
    ";",
    ":",
    "：",
    ",",
    ".",
    "-",
    "(",
    ")",
    "[",
    "]",
    "[::1]",
    "xn--a",
    "{{",
    "}}",
    "{%",
    "\\",
    "\\r\\n",
    "\"",
    "'",
    "|",
    "^",
    "`",
    "+47 555 01 000",
    "123456789",
    "0",
    "_",
    "*",
    "~",
    "$",
    "user:pass@zoom.us",
    "zoom.us.evil.example",
    "ｚoom.us",
    "zoom.us@evil.example",
    "BEGIN:VCALENDAR",
];

/// What stands around a link in one rewriter's form.
const WRAPPINGS: &[(&str, &str, bool)] = &[
    ("https://nam02.safelinks.protection.outlook.com/?url=", "&data=05", true),
    ("https://statics.teams.cdn.office.net/evergreen-assets/safelinks/1/atp-safelinks.html?url=", "&locale=en", true),
    ("https://urldefense.proofpoint.com/v1/url?u=", "&k=x", true),
    ("https://urldefense.com/v3/__", "__;!!a!b$", false),
    ("https://linkprotect.cudasvc.com/url?a=", "&c=E", true),
    ("https://secure-web.cisco.com/1z0v/", "", true),
    ("https://protect2.fireeye.com/v1/url?k=1&u=", "", true),
    ("https://www.google.com/url?q=", "&sa=D", true),
    ("https://clicktime.symantec.com/15t?u=", "", true),
    ("https://ddec1-0-en-ctp.trendmicro.com/wis/clicktime/v1/query?url=", "&umid=1", true),
    ("https://protect.checkpoint.com/v2/r02/___", "___.YzJl", false),
];

/// One event, and the rules to try on it. Without rules: its text alone.
pub(super) struct Job {
    pub(super) event: Event,
    pub(super) rules: Vec<RuleSpec>,
    pub(super) domains: Option<Vec<String>>,
    pub(super) title: Option<String>,
}

/// The source of jobs.
pub(super) struct Invitations {
    target: String,
    events: Vec<Event>,
    bodies: Mutations,
    templates: Mutations,
    patterns: Mutations,
}

impl Invitations {
    pub(super) fn new(target: &str, seed: u64) -> Self {
        let cases: Vec<_> = corpus::all().into_iter().flat_map(|(_, cases)| cases).collect();
        let events: Vec<Event> = cases.iter().map(|case| case.event()).collect();
        let rules: Vec<Arc<RuleSpec>> = cases.iter().flat_map(|case| case.evaluation().rules).collect();
        let bodies = events
            .iter()
            .map(|event| source(event).to_owned())
            .filter(|body| !body.is_empty() && body.len() < 64 << 10);
        let own = [
            "{{meeting_id}}@{{domain}}",
            "{% if pin %}.{{pin}}{% endif %}@x.example",
            "{{ calendar_event }}",
            r"(\w+)@x\.example",
            "",
        ];
        let texts = |of: fn(&RuleSpec) -> [Option<&String>; 2]| -> Vec<String> {
            let given = rules.iter().flat_map(|rule| of(rule)).flatten().cloned();
            given.chain(own.iter().cycle().take(30).map(|text| (*text).to_owned())).collect()
        };
        Self {
            target: target.to_owned(),
            bodies: Mutations::of(bodies.collect(), PIECES, seed),
            templates: Mutations::of(texts(|rule| [rule.template.as_ref(), rule.transform.as_ref()]), PIECES, seed),
            patterns: Mutations::of(texts(|rule| [rule.match_pattern.as_ref(), rule.replace.as_ref()]), PIECES, seed),
            events,
        }
    }

    /// The next job.
    pub(super) fn next_job(&mut self) -> Job {
        let event = self.event();
        let rules = match self.target.as_str() {
            "text" | "links" => vec![],
            "template" => self.templated(),
            "pattern" => self.patterned(),
            "chain" => {
                RuleType::ALL.iter().zip(1..).map(|(rule_type, priority)| self.rule(*rule_type, priority)).collect()
            }
            name => {
                let rule_type = RuleType::ALL.into_iter().find(|each| format!("{each:?}") == name);
                vec![self.rule(rule_type.expect("targets are checked"), 1)]
            }
        };
        let domains = self.bodies.below(4) == 0;
        let title = (self.target == "template").then(|| self.template());
        Job { event, rules, domains: domains.then(|| vec!["vc.example.com".into(), "zoomcrc.com".into()]), title }
    }

    /// A rule of `rule_type` as people set them up.
    fn rule(&mut self, rule_type: RuleType, priority: u16) -> RuleSpec {
        let own = self.bodies.below(4) == 0;
        RuleSpec {
            include_password: self.bodies.below(2) == 0,
            company_id: (self.bodies.below(4) > 0).then(|| "7d6c1f00-aaaa-4bbb-8ccc-0123456789ab".into()),
            domain: Some(["vc.example.com", "google.pexip.me", ""][self.bodies.below(3)].into()),
            default_processing: !own,
            transform: own.then(|| "{{ meeting_id }}.{{ pin|default('') }}@{{ domain|lower }}".into()),
            match_pattern: (rule_type == RuleType::Regex).then(|| self.patterns.any()),
            template: (rule_type == RuleType::Custom).then(|| self.templates.any()),
            ..corpus::rule(&format!("{rule_type:?}"), priority, rule_type)
        }
    }

    fn template(&mut self) -> String {
        if self.templates.below(3) == 0 { self.templates.text() } else { grammar::template(&mut self.bodies) }
    }

    fn templated(&mut self) -> Vec<RuleSpec> {
        let custom = RuleSpec { template: Some(self.template()), ..corpus::rule("custom", 1, RuleType::Custom) };
        let zoom = corpus::rule("zoom", 2, RuleType::Zoom);
        vec![custom, RuleSpec { default_processing: false, transform: Some(self.template()), ..zoom }]
    }

    fn patterned(&mut self) -> Vec<RuleSpec> {
        let pattern =
            if self.patterns.below(3) == 0 { self.patterns.text() } else { grammar::pattern(&mut self.bodies) };
        let replace = [r"\0", r"\1@\2", r"\g<n>@x.example", r"\9", r"\g<", ""][self.patterns.below(6)];
        let quoted = pattern.replace('\\', "\\\\").replace(['\'', '\n'], "");
        let template = format!(
            "{{% set m = pex_regex_search('{quoted}', calendar_event.body) %}}{{{{ calendar_event.body|pex_regex_replace('{quoted}', '{}')|pex_head(40) }}}}",
            replace.replace('\\', "\\\\")
        );
        let regex = corpus::rule("regex", 1, RuleType::Regex);
        vec![
            RuleSpec {
                default_processing: false,
                match_pattern: Some(pattern),
                replace: Some(replace.into()),
                ..regex
            },
            RuleSpec { template: Some(template), ..corpus::rule("custom", 2, RuleType::Custom) },
        ]
    }

    fn event(&mut self) -> Event {
        let at = self.bodies.below(self.events.len());
        let mut event = self.events[at].clone();
        let mut body = if self.target == "links" { self.links() } else { self.bodies.text() };
        if self.bodies.below(4) == 0 {
            body = self.swollen(&body);
        }
        body.truncate(body.floor_char_boundary(BODY_MAX));
        let html = self.target != "links" && (body.contains("<div") || self.bodies.below(4) == 0);
        event.body = if html { Body::Html(Confidential::new(body)) } else { Body::Text(Confidential::new(body)) };
        if self.bodies.below(3) == 0 {
            event.location = Confidential::new(self.bodies.text());
        }
        for value in event.properties.values_mut() {
            if self.bodies.below(4) == 0 {
                *value = match self.bodies.below(5) {
                    0 => Value::Null,
                    1 => Value::from(self.bodies.below(1 << 40)),
                    2 => Value::String(self.bodies.piece().to_owned()),
                    3 => serde_json::json!({ "entryPoints": [{ "uri": self.bodies.piece() }, 1, null] }),
                    _ => Value::Array(vec![value.clone(), Value::Bool(true)]),
                };
            }
        }
        let properties = [
            "teams_vtc_conference_id",
            "online_meeting_conf_link",
            "hangoutLink",
            "conferenceData",
            "TeamsVtcConferenceId",
        ];
        if self.bodies.below(4) == 0 {
            let name = properties[self.bodies.below(properties.len())];
            event.properties.insert(name.into(), Value::String(self.bodies.piece().to_owned()));
        }
        event
    }

    /// A part of the text, or what nests, many times over.
    fn swollen(&mut self, text: &str) -> String {
        let from = text.floor_char_boundary(self.bodies.below(text.len() + 1));
        let to = text.floor_char_boundary((from + 1 + self.bodies.below(60)).min(text.len())).max(from);
        let part = if self.bodies.below(2) == 0 { text[from..to].to_owned() } else { self.bodies.piece().to_owned() };
        let magnitude = 4 + self.bodies.below(13);
        let times = 1 + self.bodies.below(1 << magnitude).min(BODY_MAX / part.len().max(1));
        format!("{}{}{}", &text[..from], part.repeat(times), &text[from..])
    }

    /// Links in links, as mail gateways make them and as they never would.
    fn links(&mut self) -> String {
        let mut out = String::new();
        for _ in 0..=self.bodies.below(5) {
            let mut link = self.bodies.piece().to_owned();
            for _ in 0..self.bodies.below(8) {
                let (before, after, encoded) = WRAPPINGS[self.bodies.below(WRAPPINGS.len())];
                link = format!(
                    "{before}{}{after}",
                    if encoded && self.bodies.below(8) > 0 { encode(&link) } else { link }
                );
                link.truncate(link.floor_char_boundary(64 << 10));
                if self.bodies.below(6) == 0 {
                    let at = link.floor_char_boundary(self.bodies.below(link.len()));
                    link.insert_str(at, self.bodies.piece());
                }
            }
            out.push_str(&link);
            out.push_str([" ", "\n", ">", ".", "", "<"][self.bodies.below(6)]);
        }
        out
    }
}

/// The body as the calendar has it.
fn source(event: &Event) -> &str {
    match &event.body {
        Body::None => "",
        Body::Text(text) | Body::Html(text) => text.expose(),
    }
}

fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
