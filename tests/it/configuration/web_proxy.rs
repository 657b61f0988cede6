//! The web proxy of the location that a node stands in, and who goes past it.

use otj::config::LoadOptions;
use otj::model::IntegrationName;

use super::{loaded, read};

const DIRECTORY: &str = "\
apiVersion: otj/v1
kind: Location
metadata: {name: default}
spec: {webProxy: {url: 'http://proxy.example.com:3128', noProxy: [.Corp.example.com]}}
---
apiVersion: otj/v1
kind: Location
metadata: {name: bergen}
spec: {webProxy: {url: 'http://bergen.example.com:8080'}}
---
apiVersion: otj/v1
kind: IcsIntegration
metadata: {name: through}
spec: {url: 'https://calendars.example.com/a.ics'}
---
apiVersion: otj/v1
kind: IcsIntegration
metadata: {name: past}
spec: {url: 'https://calendars.example.com/a.ics', disableWebProxy: true}
---
apiVersion: otj/v1
kind: Profile
metadata: {name: a}
spec: {integration: through}
---
apiVersion: otj/v1
kind: Profile
metadata: {name: b}
spec: {integration: past}
---
apiVersion: otj/v1
kind: Endpoint
metadata: {name: one}
spec: {profile: a, roomEmail: one@example.com, poly: {username: one, password: {value: 0123456789abcdef}}}
---
apiVersion: otj/v1
kind: Endpoint
metadata: {name: two}
spec: {profile: b, roomEmail: two@example.com, poly: {username: two, password: {value: 0123456789abcdeg}}}
";

#[test]
fn an_integration_goes_through_the_proxy_of_the_nodes_location_unless_it_says_otherwise() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("site.yaml"), DIRECTORY).unwrap();
    for (location, expected) in [
        (None, Some("http://proxy.example.com:3128")),
        (Some("bergen"), Some("http://bergen.example.com:8080")),
        (Some("nowhere"), None),
    ] {
        let options = LoadOptions { allow_inline_secrets: true, location, ..LoadOptions::default() };
        let loaded = loaded(&read(directory.path()), &options);
        let desired = loaded.desired.unwrap_or_else(|| panic!("{:?}", loaded.diagnostics));
        let via = |name: &str| desired.integrations[&IntegrationName::parse(name).unwrap()].via();
        assert_eq!(via("through").as_ref().map(|proxy| proxy.url.as_str()), expected, "{location:?}");
        assert_eq!(via("past"), None, "{location:?}");
    }
}
