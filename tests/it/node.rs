//! The daemon as a process, on real files, with a simulated codec and a Poly-like client outside.

mod alarms;
mod exchange;
mod replaced;

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use otj::http::{Http, HttpOptions, Method, Request, StatusCode, Trust, Url};
use otj::listen::{TlsSettings, self_signed};
use otj::model::{Clock, Secret};
use otj::sim::cisco::{Codec, Device, Generation};
use otj::sim::poly::{Poly, PolySetup};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Longest wait for something that must come.
const PATIENCE: Duration = Duration::from_secs(40);

/// The document of the second directory.
const TRIO: &str = "\
apiVersion: otj/v1
kind: Endpoint
metadata: {name: trio}
spec: {profile: hq, roomEmail: fjord@example.com, poly: {username: trio, password: {file: poly}}}
";

/// A scratch site: a directory, secrets, calendars, a codec outside, and the daemon.
pub(crate) struct Site {
    dir: tempfile::TempDir,
    codec: Device,
    codec_address: SocketAddr,
    pub(crate) stop: CancellationToken,
    pub(crate) clock: Clock,
    pub(crate) http: Http,
}

pub(crate) struct Daemon {
    child: Child,
    /// Every line it wrote so far.
    log: Arc<Mutex<String>>,
    pub(crate) web: SocketAddr,
    poly: SocketAddr,
}

impl Site {
    /// With documents, and a calendar of two meetings.
    async fn new() -> Self {
        let site = Self::bare().await;
        site.write("documents.yaml", &site.documents("Zoom"));
        // A second directory of the same deployment, with the Poly endpoint.
        std::fs::write(site.path("overlay/trio.yaml"), TRIO).unwrap();
        site.invite(&[("standup", 1), ("review", 3)]);
        site
    }

    /// Without documents.
    pub(crate) async fn bare() -> Self {
        let clock = Clock::system();
        let stop = CancellationToken::new();
        let (codec, codec_address) = codec(&clock, "FOC1", &stop).await;
        let dir = tempfile::tempdir().unwrap();
        for below in ["otj.d/calendars", "overlay", "secrets"] {
            std::fs::create_dir_all(dir.path().join(below)).unwrap();
        }
        std::fs::write(dir.path().join("secrets/codec"), "codec-password\n").unwrap();
        std::fs::write(dir.path().join("secrets/poly"), "a-long-poly-password\n").unwrap();
        let http = Http::new(HttpOptions { allow_loopback: true }).unwrap();
        Self { dir, codec, codec_address, stop, clock, http }
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.dir.path().join(below)
    }

    /// Replaces a file the way editors and git do.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let place = self.path("otj.d").join(name);
        let beside = self.path("otj.d").join(format!(".{name}.new"));
        let mut file = std::fs::File::create(&beside).unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file.sync_all().unwrap();
        std::fs::rename(beside, place).unwrap();
    }

    pub(crate) fn documents(&self, rule: &str) -> String {
        let (host, port) = (self.codec_address.ip(), self.codec_address.port());
        format!(
            "apiVersion: otj/v1
kind: IcsIntegration
metadata: {{name: calendars}}
spec: {{directory: calendars}}
---
apiVersion: otj/v1
kind: Profile
metadata: {{name: hq}}
spec:
  integration: calendars
  fallback: Never
  cisco: {{username: otj, password: {{file: codec}}, tls: Insecure}}
---
apiVersion: otj/v1
kind: Rule
metadata: {{name: video}}
spec: {{profile: hq, priority: 1, type: {rule}}}
---
apiVersion: otj/v1
kind: Endpoint
metadata: {{name: codec}}
spec: {{profile: hq, roomEmail: fjord@example.com, cisco: {{address: {host}, port: {port}}}}}
"
        )
    }

    /// Writes the room's calendar: meetings that begin so many hours from now, with a Zoom link.
    pub(crate) fn invite(&self, meetings: &[(&str, i64)]) {
        let now = self.clock.now().wall;
        let mut text = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\n".to_owned();
        for (name, hours) in meetings {
            let at = |hours| (now + jiff::SignedDuration::from_hours(hours)).strftime("%Y%m%dT%H%M%SZ").to_string();
            text.push_str(&format!(
                "BEGIN:VEVENT\r\nUID:{name}@example.com\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:{}\r\nDTEND:{}\r\nSUMMARY:{name}\r\n\
                 DESCRIPTION:https://us02web.zoom.us/j/8823981443{hours}\r\nEND:VEVENT\r\n",
                at(*hours),
                at(hours + 1)
            ));
        }
        text.push_str("END:VCALENDAR\r\n");
        std::fs::write(self.path("otj.d/calendars/fjord@example.com.ics"), text).unwrap();
    }

    pub(crate) fn start(&self) -> Daemon {
        self.start_at("info")
    }

    /// With a log of this level.
    fn start_at(&self, level: &str) -> Daemon {
        self.start_with(level, &[])
    }

    /// With more flags.
    pub(crate) fn start_with(&self, level: &str, flags: &[&str]) -> Daemon {
        let mut child = Command::new(env!("CARGO_BIN_EXE_otj"))
            .args(["--log-level", level, "--log-format", "json", "run", "--allow-loopback", "--metrics-open"])
            .args(["--listen", "127.0.0.1:0", "--poly-listen", "127.0.0.1:0", "--poly-auth", "digest,basic"])
            .args(flags)
            .arg("--config")
            .arg(self.path("otj.d"))
            .arg("--config")
            .arg(self.path("overlay"))
            .arg("--data-dir")
            .arg(self.path("data"))
            .arg("--secret-dir")
            .arg(self.path("secrets"))
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let log = Arc::new(Mutex::new(String::new()));
        let running = loop {
            let line = lines.next().expect("the daemon says where it runs").unwrap();
            log.lock().unwrap().push_str(&line);
            let line: serde_json::Value = serde_json::from_str(&line).unwrap();
            if line["message"] == "Running." {
                break line;
            }
        };
        // The pipe must not fill up.
        let reading = log.clone();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                reading.lock().unwrap().push_str(&line);
            }
        });
        let poly = running["poly"].as_str().unwrap().trim_start_matches("Some(").trim_end_matches(')');
        Daemon { child, log, web: running["pages"].as_str().unwrap().parse().unwrap(), poly: poly.parse().unwrap() }
    }

    /// Titles on the codec's screen, `*` with a Join button.
    pub(crate) fn codec_shows(&self) -> String {
        screen(&self.codec)
    }

    /// Titles on the Poly endpoint's screen, `*` where Join dials something.
    async fn poly_shows(&self, daemon: &Daemon) -> String {
        self.poly_shows_to(daemon, "trio").await
    }

    /// The same for the endpoint with this login.
    async fn poly_shows_to(&self, daemon: &Daemon, login: &str) -> String {
        let mut poly = Poly::new(PolySetup {
            endpoint: login.into(),
            server: Url::parse(&format!("https://{}/EWS/Exchange.asmx", daemon.poly)).unwrap(),
            username: login.into(),
            password: Secret::new("a-long-poly-password".into()),
            mailbox: None,
            trust: Trust::Insecure,
            every: Duration::from_secs(1),
        });
        match poly.poll(&self.http, self.clock.now().wall).await {
            Ok(meetings) => meetings
                .iter()
                .map(|it| format!("{}{}", it.subject.expose(), if it.dial.is_some() { "*" } else { "" }))
                .collect::<Vec<_>>()
                .join(" "),
            Err(fault) => format!("({fault})"),
        }
    }

    pub(crate) async fn metric(&self, daemon: &Daemon, series: &str) -> String {
        let url = Url::parse(&format!("http://{}/metrics", daemon.web)).unwrap();
        let response = self.http.send(Request::new(Method::GET, url)).await.unwrap();
        assert_eq!(response.status, StatusCode::OK);
        let text = String::from_utf8(response.body.to_vec()).unwrap();
        let line = text.lines().find(|line| line.starts_with(series) && !line.starts_with('#'));
        line.and_then(|line| line.rsplit(' ').next()).unwrap_or("absent").to_owned()
    }

    async fn ready(&self, daemon: &Daemon) -> bool {
        let url = Url::parse(&format!("http://{}/-/ready", daemon.web)).unwrap();
        self.http.send(Request::new(Method::GET, url)).await.is_ok_and(|response| response.status == StatusCode::OK)
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A codec on a port of its own.
async fn codec(clock: &Clock, serial: &str, stop: &CancellationToken) -> (Device, SocketAddr) {
    let password = Secret::new("codec-password".into());
    let codec = Codec::new(Generation::RoomOs26, serial, "otj", password, clock.now().wall);
    let codec = Device::new(codec, clock.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (certificate, key) = self_signed(&["localhost".to_owned()]).unwrap();
    let tls = TlsSettings::from_pem(certificate.as_bytes(), &key).unwrap();
    tokio::spawn(codec.clone().serve(listener, Some(tls), stop.clone()));
    (codec, address)
}

/// Titles on a codec's screen, `*` with a Join button.
fn screen(codec: &Device) -> String {
    let line =
        |it: &otj::sim::cisco::Shown| format!("{}{}", it.title.expose(), if it.number.is_some() { "*" } else { "" });
    codec.shown().iter().map(line).collect::<Vec<_>>().join(" ")
}

/// Looks every tenth of a second until it is as expected.
pub(crate) async fn eventually<F: AsyncFn() -> String>(expected: &str, look: F) {
    let mut last = String::new();
    let found = tokio::time::timeout(PATIENCE, async {
        let mut looks = tokio::time::interval(Duration::from_millis(100));
        loop {
            looks.tick().await;
            last = look().await;
            if last == expected {
                return;
            }
        }
    });
    if found.await.is_err() {
        panic!("expected {expected:?}, at last it was {last:?}");
    }
}

fn exists(path: &Path) -> bool {
    std::fs::exists(path).unwrap()
}

#[tokio::test]
async fn after_kill_9_with_calendar_and_directory_gone_poly_gets_its_meetings_and_the_codec_keeps_its_own() {
    let site = Site::new().await;
    let daemon = site.start();
    eventually("standup* review*", async || site.codec_shows()).await;
    eventually("standup* review*", async || site.poly_shows(&daemon).await).await;
    assert!(exists(&site.path("data/store.key")));
    drop(daemon); // kill -9

    std::fs::remove_file(site.path("otj.d/calendars/fjord@example.com.ics")).unwrap();
    site.write("documents.yaml", "apiVersion: otj/v1\nkind: Endpoint\nmetadata: {name: half");
    let daemon = site.start();
    eventually("standup* review*", async || site.poly_shows(&daemon).await).await;
    assert!(site.ready(&daemon).await, "a kept wish is a wish");
    eventually("1", async || site.metric(&daemon, "otj_drift{kind=\"config\"").await).await;
    eventually("0", async || site.metric(&daemon, "otj_config_last_reload_successful").await).await;
    assert_eq!(site.codec_shows(), "standup* review*");

    // Both come back, with news.
    site.invite(&[("standup", 1), ("review", 3), ("retro", 5)]);
    site.write("documents.yaml", &site.documents("Zoom"));
    eventually("standup* review* retro*", async || site.codec_shows()).await;
    eventually("standup* review* retro*", async || site.poly_shows(&daemon).await).await;
    eventually("1", async || site.metric(&daemon, "otj_config_last_reload_successful").await).await;
    eventually("absent", async || site.metric(&daemon, "otj_drift{kind=\"config\"").await).await;
}

#[tokio::test]
async fn edits_under_a_running_node_take_effect_or_change_nothing() {
    let site = Site::new().await;
    site.write("documents.yaml", &site.documents("Webex"));
    let daemon = site.start();
    eventually("standup review", async || site.codec_shows()).await;

    // A rule that finds the links of these invitations.
    site.write("documents.yaml", &site.documents("Zoom"));
    eventually("standup* review*", async || site.codec_shows()).await;

    // A broken file, a half written one, an empty directory: the last good wish runs on.
    site.write("documents.yaml", "apiVersion: otj/v1\nkind: Profil\n");
    eventually("0", async || site.metric(&daemon, "otj_config_last_reload_successful").await).await;
    site.invite(&[("standup", 2), ("review", 3)]);
    eventually("standup* review*", async || site.poly_shows(&daemon).await).await;
    std::fs::remove_file(site.path("otj.d/documents.yaml")).unwrap();
    eventually("0", async || site.metric(&daemon, "otj_config_last_reload_successful").await).await;
    assert_eq!(site.codec_shows(), "standup* review*");

    // Half a checkout: one endpoint is missing for a moment, then one directory.
    let whole = site.documents("Zoom");
    site.write("documents.yaml", &whole);
    std::fs::write(site.path("overlay/trio.yaml"), "").unwrap();
    eventually("1", async || site.metric(&daemon, "otj_config_last_reload_successful").await).await;
    eventually("standup* review*", async || site.poly_shows(&daemon).await).await;

    std::fs::remove_file(site.path("overlay/trio.yaml")).unwrap();
    std::fs::remove_dir(site.path("overlay")).unwrap();
    eventually("0", async || site.metric(&daemon, "otj_config_last_reload_successful").await).await;
    eventually("standup* review*", async || site.poly_shows(&daemon).await).await;

    // Mended.
    std::fs::create_dir(site.path("overlay")).unwrap();
    std::fs::write(site.path("overlay/trio.yaml"), TRIO).unwrap();
    site.write("documents.yaml", &site.documents("Zoom"));
    eventually("1", async || site.metric(&daemon, "otj_config_last_reload_successful").await).await;
    eventually("absent", async || site.metric(&daemon, "otj_drift{kind=\"endpoint\",name=\"codec\"").await).await;

    // The codec moves to another address: the old place is cleared, the new one filled.
    let (moved, address) = codec(&site.clock, "FOC1", &site.stop).await;
    let there = format!("port: {}", site.codec_address.port());
    site.write("documents.yaml", &whole.replace(&there, &format!("port: {}", address.port())));
    eventually("standup* review*", async || screen(&moved)).await;
    eventually("", async || site.codec_shows()).await;
}
