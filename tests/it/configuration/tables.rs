//! Tables of endpoints: rows in, endpoints and findings with their line and column out.

use otj::config::{LoadOptions, Snapshot};
use otj::model::device::{DeviceSpec, TlsMode};

use super::{listed, loaded};

const BASE: &str = "apiVersion: otj/v1
kind: IcsIntegration
metadata: {name: cal}
spec: {directory: calendars}
---
apiVersion: otj/v1
kind: Profile
metadata: {name: hq}
spec:
  integration: cal
  cisco: {username: otj, password: {value: hunter2-canary}}
---
apiVersion: otj/v1
kind: EndpointGroup
metadata: {name: oslo}
spec: {profile: hq}
";

fn table(defaults: &str) -> String {
    format!("apiVersion: otj/v1\nkind: EndpointTable\nmetadata: {{name: rooms}}\nspec:\n  file: rooms.csv\n{defaults}")
}

fn options() -> LoadOptions {
    LoadOptions { allow_inline_secrets: true, ..LoadOptions::default() }
}

/// What is found beside parts of the language that are not in effect yet.
fn wrong(findings: &[otj::diagnostic::Diagnostic]) -> String {
    listed("otj.d", findings).lines().filter(|line| !line.starts_with("OTJ9")).collect()
}

/// `CODE file:line:column` of every finding.
fn found(defaults: &str, csv: &str) -> String {
    let snapshot = Snapshot::of_texts(&[("base.yaml", BASE), ("rooms.yaml", &table(defaults)), ("rooms.csv", csv)]);
    let loaded = loaded(&snapshot, &options());
    let shown = otj::diagnostic::text::render(&loaded.diagnostics, |file| snapshot.text_of(file), false);
    assert!(!shown.contains("canary"), "{shown}");
    let line = |it: &otj::diagnostic::Diagnostic| {
        format!("{} {}:{}:{}", it.code, it.place.file.trim_start_matches("otj.d/"), it.place.line, it.place.column)
    };
    loaded.diagnostics.iter().map(line).collect::<Vec<_>>().join(", ")
}

#[test]
fn every_row_becomes_an_endpoint_over_the_defaults_of_its_table() {
    let defaults = "  defaults:
    group: oslo
    raiseAlarms: false
    cisco: {tls: Insecure, username: admin, password: {value: \"hunter2-canary of {{ endpoint.name }}\"}}
    poly: {username: \"{{ endpoint.labels.floor }}-{{ room.email }}\", password: {value: hunter2-canary}, model: Trio}
";
    let csv = "\u{feff}name,description,type,room_email,address,port,labels.floor,poly_username\r
Fjord,\"Big, with \"\"view\"\"\",cisco,fjord@example.com,10.0.0.1,8443,3,\r
\r
Elv,,poly,elv@example.com,,,4,\r
Foss,,,foss@example.com,,,,foss-1\r
";
    let snapshot = Snapshot::of_texts(&[("base.yaml", BASE), ("rooms.yaml", &table(defaults)), ("rooms.csv", csv)]);
    let loaded = loaded(&snapshot, &options());
    assert_eq!(wrong(&loaded.diagnostics), "", "{:?}", loaded.diagnostics);
    assert_eq!(loaded.documents["Endpoint"], 3);
    let desired = loaded.desired.unwrap();
    let endpoint = |name: &str| desired.endpoints.iter().find(|(key, _)| key.as_str() == name).unwrap().1;
    let fjord = endpoint("Fjord");
    assert_eq!((fjord.description.as_str(), fjord.labels["floor"].as_str()), ("Big, with \"view\"", "3"));
    assert!(!fjord.raise_alarms);
    let DeviceSpec::Cisco(cisco) = &fjord.device else { panic!("Fjord is a codec") };
    assert_eq!(
        (cisco.address.as_str(), cisco.port, cisco.tls, cisco.username.as_str()),
        ("10.0.0.1", 8443, TlsMode::Insecure, "admin")
    );
    let DeviceSpec::Poly(poly) = &endpoint("Elv").device else { panic!("Elv is a Poly endpoint") };
    assert_eq!(poly.username, "4-elv@example.com");
    let DeviceSpec::Poly(poly) = &endpoint("Foss").device else { panic!("a filled poly_username tells the kind") };
    assert_eq!(poly.username, "foss-1");
}

#[test]
fn a_pexip_export_is_a_table() {
    let csv =
        "name,description,endpoint_type,api_address,api_port,api_username,api_password,poly_username,poly_password,\
poly_raise_alarms_for_this_endpoint,webex_device_id,verify_cert,use_https,room_resource_email,mjx_endpoint_group_name
a,,CISCO,10.0.0.1,,,,,,NO,,NO,GLOBAL,a@example.com,oslo
b,,CISCO,10.0.0.2,,joe,hunter2-canary,,,TRUE,,GLOBAL,NO,b@example.com,oslo
c,,POLY,,,,,c-login,hunter2-canary,,,,,c@example.com,oslo
";
    let snapshot = Snapshot::of_texts(&[("base.yaml", BASE), ("rooms.yaml", &table("")), ("rooms.csv", csv)]);
    let loaded = loaded(&snapshot, &options());
    assert_eq!(wrong(&loaded.diagnostics), "", "{:?}", loaded.diagnostics);
    let desired = loaded.desired.unwrap();
    let devices: Vec<String> = desired
        .endpoints
        .values()
        .map(|it| match &it.device {
            DeviceSpec::Cisco(cisco) => {
                format!("{}:{} {} {:?} {}", cisco.address, cisco.port, cisco.username, cisco.tls, it.raise_alarms)
            }
            DeviceSpec::Poly(poly) => format!("{} {}", poly.username, it.raise_alarms),
            other => other.label().to_owned(),
        })
        .collect();
    assert_eq!(devices, ["10.0.0.1:443 otj Insecure false", "10.0.0.2:80 joe Verify true", "c-login true"]);
}

#[test]
fn findings_stand_at_the_cell() {
    let good = "  defaults: {group: oslo}\n";
    for (defaults, csv, expected) in [
        (good, "", "OTJ014 rooms.csv:1:1"),
        (good, "name,adress,room_email\n", "OTJ014 rooms.csv:1:6"),
        (good, "name,name,room_email\n", "OTJ014 rooms.csv:1:6"),
        (good, "name,address\n", "OTJ014 rooms.csv:1:1"),
        (good, "Fjord,10.0.0.1\n", "OTJ014 rooms.csv:1:1, OTJ014 rooms.csv:1:7"),
        (good, "name,room_email,address\na,a@example.com\n", "OTJ015 rooms.csv:2:1"),
        (good, "name,room_email,address\na,a@example.com,\n", "OTJ015 rooms.csv:2:1"),
        (good, "name,room_email,type\na,a@example.com,snom\n", "OTJ204 rooms.csv:2:17"),
        (good, "name,room_email,address,port\na,a@example.com,h,0\n", "OTJ205 rooms.csv:2:19"),
        (good, "name,room_email,address,port\na,a@example.com,h,https\n", "OTJ202 rooms.csv:2:19"),
        (good, "name,room_email,address\na,nobody,h\n", "OTJ209 rooms.csv:2:3"),
        (good, "name,room_email,address\n,b@example.com,h\n", "OTJ203 rooms.csv:2:1"),
        (good, "name,room_email,address,group\na,a@example.com,h,olso\n", "OTJ102 rooms.csv:2:19"),
        (good, "name,room_email,address\na,a@example.com,h\na,b@example.com,i\n", "OTJ103 rooms.csv:3:1"),
        (good, "name,room_email,address\na,a@example.com,h\nb,b@example.com,h\n", "OTJ105 rooms.csv:3:17"),
        (good, "name,room_email,address,webex_device_id\na,a@example.com,h,i\n", "OTJ015 rooms.csv:2:1"),
        (good, "name,room_email,api_password\n\"a,hunter2-canary\n", "OTJ015 rooms.csv:2:1"),
    ] {
        assert_eq!(found(defaults, csv), expected, "{csv}");
    }
}

#[test]
fn a_table_that_is_not_there_stops_the_directory() {
    for path in ["rooms.csv", "../rooms.csv", "/etc/passwd", "rooms.txt"] {
        let text = table("").replace("rooms.csv", path);
        let snapshot = Snapshot::of_texts(&[("base.yaml", BASE), ("rooms.yaml", &text)]);
        let loaded = loaded(&snapshot, &options());
        assert_eq!(listed("otj.d", &loaded.diagnostics), "OTJ013 rooms.yaml:5\n", "{path}");
        assert!(loaded.desired.is_none());
    }
}

#[test]
fn a_site_of_1500_rooms_fits_into_120_lines_and_one_table() {
    let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/large/otj.d");
    let snapshot = super::read(&directory);
    let lines = |files: &[otj::config::SourceFile]| files.iter().map(|file| file.text().lines().count()).sum::<usize>();
    assert!(lines(&snapshot.files) <= 120, "{}", lines(&snapshot.files));
    assert_eq!((snapshot.tables.len(), lines(&snapshot.tables)), (1, 1501));
    let loaded = loaded(&snapshot, &LoadOptions::default());
    assert_eq!(wrong(&loaded.diagnostics), "");
    let desired = loaded.desired.unwrap();
    let count = |label: &str| desired.endpoints.values().filter(|it| it.device.label() == label).count();
    assert_eq!((count("cisco"), count("poly"), count("webex"), desired.rooms.len()), (900, 500, 100, 1500));
    assert_eq!((desired.profiles.len(), desired.integrations.len(), desired.locations.len()), (3, 3, 4));
    assert!(desired.profiles.values().all(|profile| desired.evaluations[&profile.evaluation].rules.len() == 12));
}
