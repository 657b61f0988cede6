//! A real etcd for tests: one member on ports the system gives, gone with the value.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::http::{Http, HttpOptions, Method, Request, Url};
use crate::store::etcd::{EtcdOptions, EtcdStore};

/// A member that runs.
pub(crate) struct RealEtcd {
    child: Child,
    data: tempfile::TempDir,
    pub(crate) address: String,
    port: u16,
}

impl Drop for RealEtcd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port that nobody has.
fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl RealEtcd {
    pub(crate) async fn start() -> Self {
        let data = tempfile::tempdir().unwrap();
        let port = free_port();
        let child = begin(data.path(), port);
        let address = format!("127.0.0.1:{port}");
        let etcd = Self { child, data, address, port };
        etcd.answers().await;
        etcd
    }

    /// `kill -9`, and a start on the same data.
    pub(crate) async fn restart(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.child = begin(self.data.path(), self.port);
        self.answers().await;
    }

    /// `kill -9`, and a start on no data at all.
    pub(crate) async fn replace(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.data = tempfile::tempdir().unwrap();
        self.child = begin(self.data.path(), self.port);
        self.answers().await;
    }

    async fn answers(&self) {
        for _ in 0..400 {
            if self.post("/v3/kv/range", r#"{"key":"YQ=="}"#).await.is_some_and(|said| said.contains("revision")) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("etcd does not answer");
    }

    /// What etcd says to a request.
    pub(crate) async fn post(&self, path: &str, body: &str) -> Option<String> {
        let url = Url::parse(&format!("http://{}{path}", self.address)).unwrap();
        let mut request = Request::new(Method::POST, url);
        request.body = body.to_owned().into();
        let said = http().send(request).await.ok()?;
        Some(String::from_utf8_lossy(&said.body).into_owned())
    }

    pub(crate) fn options(&self, prefix: &str) -> EtcdOptions {
        EtcdOptions::parse(&format!("etcd+http://{}/{prefix}", self.address)).unwrap()
    }

    pub(crate) async fn store(&self, prefix: &str) -> EtcdStore {
        EtcdStore::open(http(), self.options(prefix), self.data.path()).await.unwrap()
    }
}

pub(crate) fn http() -> Http {
    Http::new(HttpOptions { allow_loopback: true }).unwrap()
}

fn begin(data: &Path, port: u16) -> Child {
    let (client, peer) = (format!("http://127.0.0.1:{port}"), format!("http://127.0.0.1:{}", free_port()));
    let log = std::fs::File::create(data.join("log")).unwrap();
    Command::new("etcd")
        .args(["--data-dir", data.join("etcd").to_str().unwrap(), "--listen-client-urls", &client])
        .args(["--advertise-client-urls", &client, "--listen-peer-urls", &peer])
        .args(["--initial-advertise-peer-urls", &peer, "--initial-cluster", &format!("default={peer}")])
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap_or_else(|error| panic!("etcd ({error}): run ci/test, which installs it"))
}
