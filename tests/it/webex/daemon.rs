//! A whole node as a process, with three devices of a Webex Cloud and a codec, over sockets.

use std::process::Stdio;
use std::sync::Arc;

use otj::http::{Method, Request, Url, header};
use otj::sim::Fake;
use otj::sim::served::Services;
use otj::sim::token::{App, Dialect, Issued, SignInPage, TokenService};
use otj::sim::webex::{Device, WebexFake};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpListener;

use super::world::AUTHORIZED;
use crate::node::{Site, eventually};

/// A cloud on a port of its own, and the documents that fill its three devices with the room's meetings.
async fn cloud(site: &Site) -> (WebexFake, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let issued = Arc::<Issued>::default();
    let known = issued.clone();
    let fake = WebexFake::new(Box::new(move |token, now| known.is_valid(token, now)));
    let url = format!("http://{address}/v1/access_token").parse().unwrap();
    let tokens = Arc::new(TokenService::new(Dialect::Webex, url, issued));
    tokens.change(|it| {
        it.rotates = true;
        it.apps.insert("client".into(), App { secret: Some("client-secret".into()), ..App::default() });
        it.refresh.insert(AUTHORIZED.into(), "machine".into());
    });
    let mut documents = format!(
        "---\napiVersion: otj/v1\nkind: WebexIntegration\nmetadata: {{name: cloud}}\nspec:\n  apiUrl: http://{address}/v1\n  serviceApp: \
         {{clientId: client, clientSecret: {{file: webex, key: secret}}, refreshToken: {{file: webex, key: refresh}}}}\n"
    );
    let secrets = format!("secret: client-secret\nrefresh: {AUTHORIZED}\n");
    std::fs::write(site.path("secrets/webex"), secrets).unwrap();
    for name in ["one", "two", "three"] {
        let now = site.clock.now().wall;
        fake.change(|org| org.devices.insert(name.to_owned(), Device::new(&format!("FOC-{name}"), now)));
        documents += &format!(
            "---\napiVersion: otj/v1\nkind: Endpoint\nmetadata: {{name: {name}}}\n\
             spec: {{profile: hq, roomEmail: fjord@example.com, webex: {{deviceId: {name}}}}}\n"
        );
    }
    let page = SignInPage { tokens: tokens.clone(), account: "admin@example.com".into() };
    let by_path: Vec<(&str, Arc<dyn Fake>)> =
        vec![("/v1/access_token", tokens.clone()), ("/v1/authorize", Arc::new(page)), ("/v1/", Arc::new(fake.clone()))];
    let services = Services { by_path, clock: site.clock.clone() };
    tokio::spawn(services.serve(listener, site.stop.clone()));
    (fake, documents)
}

fn write(site: &Site, documents: &str) {
    let directory =
        site.documents("Zoom").replace("  integration: calendars\n", "  integration: calendars\n  webex: cloud\n");
    site.write("documents.yaml", &format!("{directory}{documents}"));
}

/// Titles on a device's screen, `*` with a Join button.
fn screen(fake: &WebexFake, device: &str, site: &Site) -> String {
    let lines = super::world::screen(fake, device, site.clock.now().wall);
    lines.iter().map(|line| &line[6..]).collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn a_node_fills_three_webex_devices_and_one_that_is_away_holds_nobody_up() {
    let site = Site::bare().await;
    let (fake, documents) = cloud(&site).await;
    let directory =
        site.documents("Zoom").replace("  integration: calendars\n", "  integration: calendars\n  webex: cloud\n");
    site.write("documents.yaml", &format!("{directory}{documents}"));
    site.invite(&[("standup", 1), ("review", 3)]);
    let daemon = site.start();
    for device in ["one", "two", "three"] {
        eventually("standup* review*", async || screen(&fake, device, &site)).await;
    }
    eventually("standup* review*", async || site.codec_shows()).await;

    fake.device("two", |it| it.connected = false).unwrap();
    site.invite(&[("standup", 2), ("review", 3)]);
    site.invite(&[("standup", 2), ("retro", 4)]);
    eventually("standup* retro*", async || site.codec_shows()).await;
    for device in ["one", "three"] {
        eventually("standup* retro*", async || screen(&fake, device, &site)).await;
    }
    assert_eq!(screen(&fake, "two", &site), "standup* review*", "it keeps what it has");
    eventually("1", async || site.metric(&daemon, "otj_drift{kind=\"endpoint\",name=\"two\"").await).await;
    let url = Url::parse(&format!("http://{}/api/v1/integrations", daemon.web)).unwrap();
    let asked = site.http.send(Request::new(Method::GET, url)).await.unwrap();
    let text = String::from_utf8(asked.body.to_vec()).unwrap();
    assert!(text.contains(r#""filled":{"endpoints":3,"synced":2,"offline":1,"personal":0}"#), "{text}");
    for canary in ["client-secret", AUTHORIZED, "token-1"] {
        assert!(!text.contains(canary), "{text}");
    }

    fake.device("two", |it| it.connected = true).unwrap();
    eventually("standup* retro*", async || screen(&fake, "two", &site)).await;
    let expiry =
        "otj_credential_expiry_timestamp_seconds{kind=\"WebexIntegration\",name=\"cloud\",credential=\"refreshToken\"}";
    assert_ne!(site.metric(&daemon, expiry).await, "absent");
}

#[tokio::test]
async fn an_administrator_signs_in_from_a_terminal_and_the_node_fills_devices_with_that() {
    let site = Site::bare().await;
    let (fake, documents) = cloud(&site).await;
    let app = "serviceApp: {clientId: client, clientSecret: {file: webex, key: secret}, refreshToken: {file: webex, key: refresh}}";
    let integration = "oauth: {clientId: client, clientSecret: {file: webex, key: secret}}";
    assert!(documents.contains(app), "{documents}");
    write(&site, &documents.replace(app, integration));
    site.invite(&[("standup", 1)]);

    let mut child = tokio::process::Command::new(env!("CARGO_BIN_EXE_otj"));
    child.args(["auth", "cloud", "--allow-loopback", "--config"]).arg(site.path("otj.d"));
    child.arg("--data-dir").arg(site.path("data")).arg("--secret-dir").arg(site.path("secrets"));
    let mut child = child.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let link: Url = loop {
        let line = lines.next_line().await.unwrap().expect("a link is printed");
        if let Ok(url) = line.trim().parse() {
            break url;
        }
    };
    // What a browser does: to the page, and back.
    let page = site.http.send(Request::new(Method::GET, link)).await.unwrap();
    let back = page.headers.get(header::LOCATION).expect("the page sends back").to_str().unwrap();
    site.http.send(Request::new(Method::GET, back.parse().unwrap())).await.unwrap();
    let mut told = String::new();
    while let Some(line) = lines.next_line().await.unwrap() {
        told += &line;
    }
    assert!(child.wait().await.unwrap().success(), "{told}");
    assert!(told.contains("Signed in: an administrator of Webex.Stored. Start the node; it fills devices"), "{told}");

    let daemon = site.start();
    eventually("standup*", async || screen(&fake, "one", &site)).await;
    drop(daemon);
}
