//! What every type promises the pass over anchors: where it finds something, one of its anchors stands. Checked on all invitations
//! under `tests/invitations`, as they are and in capitals, and on megabytes of every anchor.

#[cfg(test)]
mod tests {
    use serde_yaml::Value;

    use super::super::provider;
    use crate::model::desired::RuleType;
    use crate::model::{Body, Confidential, Event, Person, RuleName, RuleSpec};
    use crate::rules::texts::Texts;

    /// Length of a text of nothing but anchors, in bytes.
    const LONG: usize = 512 * 1024;

    fn event(body: Body, location: &str, properties: serde_json::Map<String, serde_json::Value>) -> Event {
        let start = "2025-03-12T14:00:00Z".parse().unwrap();
        Event {
            uid: "1".into(),
            original_start: None,
            start,
            end: start,
            all_day: false,
            subject: Confidential::new(""),
            organizer: Person { name: Confidential::new("Dana"), email: Confidential::new("dana@example.com") },
            location: Confidential::new(location),
            body,
            private: false,
            tentative: false,
            properties,
            time_zone: None,
            last_modified: None,
        }
    }

    fn rule(rule_type: RuleType) -> RuleSpec {
        RuleSpec {
            include_password: true,
            company_id: Some("company".into()),
            domain: Some("vc.example.com".into()),
            ..RuleSpec::of(RuleName::parse("rule").unwrap(), 1, rule_type)
        }
    }

    /// The events of all cases.
    fn corpus() -> Vec<Event> {
        let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/invitations");
        let files = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
        let mut events = vec![];
        for path in files.filter(|path| path.extension().is_some_and(|extension| extension == "yaml")) {
            let file: Value = serde_yaml::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
            for case in file["cases"].as_sequence().unwrap() {
                let body = match (case["body_text"].as_str(), case["body_html"].as_str()) {
                    (Some(text), _) => Body::Text(Confidential::new(text)),
                    (_, Some(html)) => Body::Html(Confidential::new(html)),
                    _ => Body::None,
                };
                let properties = serde_json::to_value(&case["properties"]).unwrap();
                let properties = properties.as_object().cloned().unwrap_or_default();
                events.push(event(body, case["location"].as_str().unwrap_or_default(), properties));
            }
        }
        events
    }

    /// The types that find something in `event` although no anchor of theirs stands in it; and how many find something.
    fn unanchored(event: &Event) -> (Vec<RuleType>, usize) {
        let texts = Texts::new(event, "UTC");
        let found = |rule_type: &RuleType| {
            provider(*rule_type).is_some_and(|provider| (provider.find)(&rule(*rule_type), &texts).is_ok())
        };
        let found: Vec<RuleType> = RuleType::ALL.into_iter().filter(found).collect();
        let promised = |rule_type: &RuleType| provider(*rule_type).is_some_and(|provider| !provider.anchors.is_empty());
        let missing = found.iter().copied().filter(promised).filter(|each| !texts.anchored().has(*each));
        (missing.collect(), found.len())
    }

    #[test]
    fn where_a_type_finds_something_one_of_its_anchors_stands() {
        let mut found = 0;
        for as_written in corpus() {
            let capitals = match &as_written.body {
                Body::Text(text) => Body::Text(Confidential::new(text.expose().to_uppercase())),
                Body::Html(html) => Body::Html(Confidential::new(html.expose().to_uppercase())),
                Body::None => Body::None,
            };
            let location = as_written.location.expose().to_uppercase();
            for event in [event(capitals, &location, as_written.properties.clone()), as_written] {
                let (missing, count) = unanchored(&event);
                let body = match &event.body {
                    Body::Text(body) | Body::Html(body) => body.expose(),
                    Body::None => "",
                };
                assert!(missing.is_empty(), "{missing:?} in {body}");
                found += count;
            }
        }
        assert!(found > 200, "only {found} found anything");
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "it measures how long finding takes, no event's time")]
    fn megabytes_of_anchors_cost_every_type_little() {
        let pieces = [
            "a@t.plcm.vc ",
            "teams@a.b 123456789 ",
            "813@t.plcm.vc 813@t.plcm.vc ",
            "https://x.example/teams?conf= ",
            "https://x.example/teams/?conf=1&d=",
            "https://teams.microsoft.com/meet/123456789 ",
            "https://teams.microsoft.com/l/meetup-join/x 123 ",
            "https://protect-eu.mimecast.com/s/a?domain=teams.microsoft.com ",
            "pexip://",
            "pexip://1@",
            "https://pexip.me/meet/",
            "k@m.webex.com https://www.webex.com/msteams?confid=1 ",
            "teams@m.webex.com 1 2 3 4 5 6 7 8 9 ",
        ];
        for piece in pieces {
            let body = piece.repeat(LONG / piece.len());
            let event = event(Body::Text(Confidential::new(body)), "", serde_json::Map::new());
            let texts = Texts::new(&event, "UTC");
            for rule_type in RuleType::ALL {
                let Some(provider) = provider(rule_type).filter(|_| texts.anchored().has(rule_type)) else { continue };
                let begin = std::time::Instant::now();
                let _ = (provider.find)(&rule(rule_type), &texts);
                let took = begin.elapsed();
                // Without optimisation this takes tenths of a second; what is not linear takes minutes.
                assert!(took.as_secs() < 10, "{rule_type:?} took {took:?} on {piece}");
            }
        }
    }
}
