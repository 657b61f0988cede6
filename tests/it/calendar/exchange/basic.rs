//! Basic against Apache httpd, as `ci/test` installs it.

use std::process::Stdio;
use std::time::Duration;

use otj::calendar::exchange::refusal::EntryError;
use otj::http::Url;
use otj::model::Secret;
use otj::oauth::password::PasswordError;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use super::rig::{Asker, Certificate, basic, ntlm};

/// A server with the account `otj@example.com`, password `right`, that gives back what it is sent, and ends with the test.
struct Apache {
    process: Child,
    directory: tempfile::TempDir,
    certificate: Certificate,
    url: Url,
}

impl Apache {
    async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let certificate = Certificate::new(directory.path(), "localhost", &rcgen::PKCS_ECDSA_P256_SHA256);
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let at = directory.path().display();
        // {SHA} of `right`.
        std::fs::write(directory.path().join("users"), "otj@example.com:{SHA}0nofEXcSAJSXFLGvmfBIpBb11vQ=\n").unwrap();
        let modules = "mpm_event authn_core authn_file authz_core authz_user auth_basic ssl reflector";
        let modules: String = modules
            .split(' ')
            .map(|name| format!("LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n"))
            .collect();
        let config = format!(
            "ServerName localhost\nServerRoot {at}\nPidFile {at}/pid\nMutex posixsem\nListen 127.0.0.1:{port}\n{modules}\
             ErrorLog {at}/errors\nLogFormat \"%m %>s %u\" short\nCustomLog {at}/requests short\n\
             SSLEngine on\nSSLCertificateFile {certificate}\nSSLCertificateKeyFile {key}\n\
             <Location />\nSetHandler reflector\nSetOutputFilter REFLECTOR\nAuthType Basic\nAuthName \"mail, Negotiate\"\nAuthUserFile {at}/users\n\
             Require valid-user\n</Location>\n",
            certificate = certificate.path.display(),
            key = certificate.key.display(),
        );
        std::fs::write(directory.path().join("config"), config).unwrap();
        // Its package puts it where only administrators look.
        let mut command = Command::new("/usr/sbin/apache2");
        command.args(["-X", "-f"]).arg(directory.path().join("config"));
        let process = command.stdin(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true).spawn();
        let mut process = process.unwrap_or_else(|error| panic!("apache2 ({error}): run ci/test, which installs it"));
        while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            if let Some(status) = process.try_wait().unwrap() {
                let mut said = String::new();
                let mut errors = process.stderr.take().unwrap();
                let _ = tokio::io::AsyncReadExt::read_to_string(&mut errors, &mut said).await;
                panic!("apache2 ended ({status}): {said}");
            }
            tokio::task::yield_now().await;
        }
        let url = format!("https://localhost:{port}/EWS/Exchange.asmx").parse().unwrap();
        Self { process, directory, certificate, url }
    }

    fn asker(&self, password: &str) -> Asker {
        let mut asker = Asker::new(&self.url, basic("otj@example.com", password));
        asker.integration.ca_certificates = vec![self.certificate.pem.clone()];
        asker
    }

    /// What it wrote down so far, after it has ended: it writes when it likes.
    async fn log(mut self) -> String {
        rustix::process::kill_process(
            rustix::process::Pid::from_raw(self.process.id().unwrap().try_into().unwrap()).unwrap(),
            rustix::process::Signal::TERM,
        )
        .unwrap();
        let _ = tokio::time::timeout(Duration::from_secs(20), self.process.wait()).await.unwrap();
        std::fs::read_to_string(self.directory.path().join("requests")).unwrap()
    }
}

#[tokio::test]
async fn the_first_request_asks_and_every_further_one_is_signed_in() {
    let server = Apache::start().await;
    let asker = server.asker("right");
    for _ in 0..3 {
        let answer = asker.send(&server.url).await.unwrap();
        assert_eq!((answer.status.as_u16(), &answer.body[..]), (200, &b"<room/>"[..]));
    }
    let mut answer = asker.open(&server.url).await.unwrap();
    assert_eq!(answer.chunk(Duration::from_secs(20)).await.unwrap().as_deref(), Some(&b"<room/>"[..]));
    drop(answer);
    let signed_in = "POST 200 otj@example.com\n".repeat(4);
    assert_eq!(server.log().await, format!("POST 401 -\n{signed_in}"));
}

#[tokio::test]
async fn a_wrong_password_reaches_apache_once_in_spite_of_many_requests_and_restarts() {
    let server = Apache::start().await;
    let mut asker = server.asker("wrong");
    let all = futures_of(&asker, &server.url, 20).await;
    assert!(all.iter().all(|error| matches!(error, EntryError::Password(PasswordError::Refused { .. }))), "{all:?}");
    asker.restart();
    asker.send(&server.url).await.unwrap_err();
    let refused = server.log().await;
    assert_eq!(refused.lines().filter(|line| *line == "POST 401 otj@example.com").count(), 1, "{refused}");
}

#[tokio::test]
async fn ntlm_in_the_documents_is_not_replaced_by_basic() {
    let server = Apache::start().await;
    let mut asker = server.asker("right");
    asker.change(ntlm("otj@example.com", "right"));
    let error = asker.send(&server.url).await.unwrap_err();
    assert!(error.to_string().contains("does not take NTLM, but Basic; write `basic`"), "{error}");
    // The password has not been looked at, and is not held back.
    assert!(asker.access.tokens.trial(&server.url, "otj@example.com", &Secret::new("right".into())).await.is_ok());
}

/// The errors of `many` requests at a time.
async fn futures_of(asker: &Asker, url: &Url, many: usize) -> Vec<EntryError> {
    let mut waiting: Vec<_> = (0..many).map(|_| Box::pin(asker.send(url))).collect();
    let mut errors = Vec::new();
    std::future::poll_fn(|context| {
        waiting.retain_mut(|one| match one.as_mut().poll(context) {
            std::task::Poll::Ready(answer) => {
                errors.push(answer.unwrap_err());
                false
            }
            std::task::Poll::Pending => true,
        });
        if waiting.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    errors
}
