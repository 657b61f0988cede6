//! What calendar services, Webex Clouds, locations and rooms resolve to: defaults filled in, secrets looked up, certificates read.

use std::path::Path;

use otj::config::{LoadOptions, Loaded};
use otj::model::desired::RoomSource;
use otj::model::service::{AppCredential, ExchangeSignIn, GoogleSignIn, OauthClient, Service, WebexSignIn};
use otj::model::{
    Desired, DeviceSpec, EndpointName, EndpointSpec, IntegrationName, LocationName, RoomSpec, SecretValue,
};

use super::{listed, loaded, read};

const PEM: &str = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";

/// A profile on each integration, with a Poly endpoint in it.
fn site(integration: &str) -> Desired {
    let loaded = load(integration);
    let said = listed("", &loaded.diagnostics);
    loaded.desired.unwrap_or_else(|| panic!("{said}"))
}

fn load(documents: &str) -> Loaded {
    let directory = tempfile::tempdir().unwrap();
    let text = format!(
        "{documents}---\napiVersion: otj/v1\nkind: Profile\nmetadata: {{name: hq}}\nspec: {{integration: it}}\n---\n\
         apiVersion: otj/v1\nkind: EndpointGroup\nmetadata: {{name: oslo}}\nspec: {{profile: hq, location: oslo}}\n---\n\
         apiVersion: otj/v1\nkind: Location\nmetadata: {{name: oslo}}\nspec: {{timeZone: Europe/Oslo}}\n---\n\
         apiVersion: otj/v1\nkind: Endpoint\nmetadata: {{name: fjord}}\n\
         spec: {{group: oslo, roomEmail: fjord@example.com, poly: {{username: fjord, password: {{file: secret}}}}}}\n"
    );
    write(directory.path(), "a.yaml", &text);
    write(directory.path(), "secret", "from-file\n");
    write(directory.path(), "cert.pem", PEM);
    loaded(&read(directory.path()), &LoadOptions::default())
}

fn write(directory: &Path, name: &str, text: &str) {
    std::fs::write(directory.join(name), text).unwrap();
}

fn service(spec: &str) -> (Service, Desired) {
    let (kind, spec) = spec.split_once(' ').unwrap();
    let desired = site(&format!("apiVersion: otj/v1\nkind: {kind}\nmetadata: {{name: it}}\nspec: {spec}\n"));
    (desired.integrations[&IntegrationName::parse("it").unwrap()].service.clone(), desired)
}

fn room(desired: &Desired) -> &RoomSpec {
    desired.rooms.values().next().unwrap()
}

fn endpoint<'d>(desired: &'d Desired, name: &str) -> &'d EndpointSpec {
    &desired.endpoints[&EndpointName::parse(name).unwrap()]
}

fn known(value: &SecretValue) -> &str {
    value.known().unwrap().expose()
}

#[test]
fn a_google_workspace_is_read_by_service_accounts_or_one_user() {
    let (service, desired) =
        service("GoogleIntegration {serviceAccounts: [{email: otj@p.example, privateKey: {file: secret}}]}");
    let Service::Google(google) = service else { panic!("{service:?}") };
    let GoogleSignIn::ServiceAccounts(accounts) = &google.sign_in else { panic!() };
    assert_eq!((accounts[0].email.as_str(), known(&accounts[0].private_key)), ("otj@p.example", "from-file"));
    assert_eq!(google.token_url, "https://oauth2.googleapis.com/token");
    assert_eq!(google.api_url, "https://www.googleapis.com/calendar/v3");
    assert_eq!((google.max_requests_per_day, google.max_requests_per_minute_per_account), (900_000, 540));
    assert_eq!(room(&desired).source, RoomSource::Mailbox);
    assert_eq!(endpoint(&desired, "fjord").location.as_str(), "oslo");
    assert_eq!(endpoint(&desired, "fjord").time_zone.as_deref(), Some("Europe/Oslo"));

    let (service, _) = self::service(
        "GoogleIntegration {userAuthorization: {email: av@example.com, clientId: id, clientSecret: {file: secret}, \
         redirectUri: 'https://otj.example/cb'}, apiUrl: 'https://g.example', maxApiRequestsPerDay: 5}",
    );
    let Service::Google(google) = service else { panic!("{service:?}") };
    let GoogleSignIn::User { email, authorization_url, client } = &google.sign_in else { panic!() };
    assert_eq!((email.as_str(), google.api_url.as_str()), ("av@example.com", "https://g.example"));
    assert_eq!(authorization_url, "https://accounts.google.com/o/oauth2/v2/auth");
    assert_eq!(client.redirect_uri.as_deref(), Some("https://otj.example/cb"));
    assert_eq!(google.max_requests_per_day, 5);
}

#[test]
fn graph_takes_a_secret_or_a_certificate_that_is_read() {
    let token = "tokenUrl: 'https://login.example/t'";
    let (service, _) = service(&format!(
        "GraphIntegration {{clientId: id, {token}, clientSecret: {{file: secret}}, graphFqdn: graph.example}}"
    ));
    let Service::Graph(graph) = service else { panic!("{service:?}") };
    assert_eq!((graph.host.as_str(), graph.api_url.as_str()), ("graph.example", "https://graph.example/v1.0"));
    assert_eq!((graph.max_requests_per_day, graph.client_secret_expires), (1_000_000, None));
    assert!(matches!(&graph.credential, AppCredential::Secret(secret) if known(secret) == "from-file"));

    let (service, _) = self::service(&format!(
        "GraphIntegration {{clientId: id, {token}, clientSecretExpires: '2027-03-31', clientCertificate: {{certificate: cert.pem, privateKey: {{file: secret}}}}}}"
    ));
    let Service::Graph(graph) = service else { panic!("{service:?}") };
    assert_eq!(graph.api_url, "https://graph.microsoft.com/v1.0");
    assert_eq!(graph.client_secret_expires, "2027-03-31".parse().ok());
    let AppCredential::Certificate { certificate, private_key } = &graph.credential else { panic!() };
    assert_eq!((&**certificate, known(private_key)), (PEM.as_bytes(), "from-file"));

    let missing = load(&format!(
        "apiVersion: otj/v1\nkind: GraphIntegration\nmetadata: {{name: it}}\nspec: {{clientId: id, {token}, clientCertificate: {{certificate: ../outside.pem, privateKey: {{file: ../outside.key}}}}}}\n"
    ));
    assert!(missing.desired.is_none());
    assert_eq!(listed("", &missing.diagnostics).matches("OTJ212").count(), 1, "{:?}", missing.diagnostics);
}

#[test]
fn exchange_signs_in_in_four_ways_and_trusts_its_own_hosts() {
    for (spec, trust) in [
        ("{serviceAccountUsername: otj@Example.com, basic: {password: {file: secret}}}", &["example.com"][..]),
        (
            "{serviceAccountUsername: otj@example.com, ntlm: {password: {file: secret}}, autodiscoverUrls: [{name: a, url: 'https://Ad.example.net/autodiscover.svc'}]}",
            &["ad.example.net", "example.com"],
        ),
        (
            "{serviceAccountUsername: otj@example.com, oauth: {clientId: id, authorizationUrl: 'https://l.example/a', tokenUrl: 'https://l.example/t'}, autodiscoverTrust: [Mail.example.]}",
            &["mail.example"],
        ),
        (
            "{appOnly: {clientId: id, tokenUrl: 'https://l.example/t', clientSecret: {file: secret}}, ewsUrl: 'https://o.example/e.asmx'}",
            &[],
        ),
    ] {
        let (service, _) = service(&format!("ExchangeIntegration {spec}"));
        let Service::Exchange(exchange) = service else { panic!("{service:?}") };
        assert_eq!(exchange.autodiscover_trust, trust, "{spec}");
        assert_eq!(exchange.find_items_per_day, 1_000_000);
        match &exchange.sign_in {
            ExchangeSignIn::Basic { username, password } => {
                assert_eq!((username.as_str(), known(password)), ("otj@Example.com", "from-file"));
            }
            ExchangeSignIn::Ntlm { password, .. } => assert_eq!(known(password), "from-file"),
            ExchangeSignIn::Oauth { client, .. } => {
                let expected = OauthClient { client_id: "id".into(), client_secret: None, redirect_uri: None };
                assert_eq!(*client, expected);
            }
            ExchangeSignIn::AppOnly { credential, .. } => {
                assert!(matches!(credential, AppCredential::Secret(secret) if known(secret) == "from-file"));
                assert_eq!(exchange.ews_url.as_deref(), Some("https://o.example/e.asmx"));
            }
        }
    }
}

const WEBEX: &str = "\
apiVersion: otj/v1
kind: IcsIntegration
metadata: {name: it}
spec: {directory: calendars, disableWebProxy: true}
---
apiVersion: otj/v1
kind: WebexIntegration
metadata: {name: cloud, labels: {org: hq}}
spec: {botToken: {file: secret}, apiDomain: webex.example}
---
apiVersion: otj/v1
kind: Profile
metadata: {name: video}
spec: {integration: it, webex: cloud}
---
apiVersion: otj/v1
kind: Endpoint
metadata: {name: board}
spec: {profile: video, roomEmail: vik@example.com, webex: {deviceId: Y2lz}}
";

#[test]
fn a_webex_device_is_reached_through_the_cloud_its_profile_names() {
    let desired = site(&format!(
        "{WEBEX}---\napiVersion: otj/v1\nkind: Location\nmetadata: {{name: default}}\nspec: {{oauth: false}}\n"
    ));
    let DeviceSpec::Webex(webex) = &endpoint(&desired, "board").device else { panic!() };
    assert_eq!((webex.device_id.as_str(), webex.integration.api_url.as_str()), ("Y2lz", "https://webex.example/v1"));
    assert!(matches!(&webex.integration.sign_in, WebexSignIn::Bot(token) if known(token) == "from-file"));
    assert_eq!(*desired.webex[&IntegrationName::parse("cloud").unwrap()], *webex.integration);
    assert!(desired.integrations.values().all(|it| it.disable_web_proxy));
    let location = &desired.locations[&LocationName::parse("default").unwrap()];
    assert_eq!((location.oauth, location.max_active_nodes), (false, 5));
    // Nobody names a cloud: its profile says so, once.
    let off = WEBEX.replace(", webex: cloud", "");
    let second = off.split("---\n").last().unwrap().replace("board", "wall").replace("Y2lz", "Y2lt");
    let said = listed("", &load(&format!("{off}---\n{second}")).diagnostics);
    assert_eq!(said.matches("a.yaml:14\n").count(), 1, "{said}");
    // Two endpoints are never one device.
    let twice = format!("{WEBEX}---\n{}", WEBEX.split("---\n").last().unwrap().replace("board", "wall"));
    assert!(listed("", &load(&twice).diagnostics).contains("a.yaml:24\n"));
}

#[test]
fn a_room_has_its_own_name_zone_and_calendar() {
    let dav = "apiVersion: otj/v1\nkind: CalDavIntegration\nmetadata: {name: it}\nspec: {url: 'https://dav.example', calendarPath: '/{{ room.email }}/'}\n---\napiVersion: otj/v1\nkind: Room\nmetadata: {name: Fjord, labels: {floor: '2'}}\nspec: {email: Fjord@example.com";
    let desired = site(&format!("{dav}, timeZone: Asia/Tokyo, calendarPath: /special/}}\n"));
    assert_eq!(room(&desired).time_zone.as_deref(), Some("Asia/Tokyo"));
    assert_eq!(endpoint(&desired, "fjord").time_zone.as_deref(), Some("Asia/Tokyo"));
    assert_eq!(room(&desired).source, RoomSource::CalDav { path: Some("/special/".into()) });
    assert_eq!((room(&desired).display_name.as_deref(), room(&desired).labels["floor"].as_str()), (Some("Fjord"), "2"));
    let plain = site(&format!("{dav}, displayName: The Fjord}}\n"));
    assert_eq!(room(&plain).source, RoomSource::CalDav { path: Some("/fjord@example.com/".into()) });
    assert_eq!(room(&plain).display_name.as_deref(), Some("The Fjord"));
    assert_eq!(room(&plain).time_zone.as_deref(), Some("Europe/Oslo"), "the location's");

    let ics = "apiVersion: otj/v1\nkind: IcsIntegration\nmetadata: {name: it}\nspec: {directory: calendars}\n---\napiVersion: otj/v1\nkind: Room\nmetadata: {name: Fjord}\nspec: {email: fjord@example.com, calendarUrl: {file: secret}}\n";
    let RoomSource::IcsUrl(url) = &room(&site(ics)).source.clone() else { panic!() };
    assert_eq!(known(url), "from-file");
}
