//! `otj demo` and `otj sim` as a new user runs it: the built program, what it prints, its pages, its directory.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Stdio};

fn otj(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_otj"));
    command.args(arguments).env_remove("OTJ_LOG_LEVEL").stdin(Stdio::null());
    command
}

/// A demo that runs. The runner's own limit ends a test whose line never comes; the child is ended with it.
struct Running {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
    told: String,
}

impl Running {
    fn start(arguments: &[&str]) -> Self {
        let mut child = otj(arguments).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines, told: String::new() }
    }

    /// Reads on until a line holds all of `parts`.
    fn until(&mut self, parts: &[&str]) -> String {
        for line in self.lines.by_ref() {
            let line = line.unwrap();
            self.told += &format!("{line}\n");
            if parts.iter().all(|part| line.contains(part)) {
                return line;
            }
        }
        panic!("{parts:?} was not told:\n{}", self.told);
    }

    fn end(mut self) -> (i32, String) {
        let rest: Vec<String> = self.lines.by_ref().map(Result::unwrap).collect();
        (self.child.wait().unwrap().code().unwrap(), format!("{}{}\n", self.told, rest.join("\n")))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a page says to somebody on this machine, over a plain connection.
fn page(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_new_user_sees_join_buttons_arrive_and_follow_a_moved_meeting() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("site");
    let dir = dir.to_str().unwrap();
    let mut demo = Running::start(&["demo", "--for", "20s", "--listen", "127.0.0.1:0", "--dir", dir]);
    let pages = demo.until(&["pages", "http://"]);
    let address = pages.split("http://").nth(1).unwrap().split('/').next().unwrap().to_owned();

    demo.until(&["fetched", "vik", "4 meetings"]);
    let overview = page(&address, "/");
    assert!(overview.starts_with("HTTP/1.1 200") && overview.contains("Weekly planning"), "{overview}");
    let meetings = page(&address, "/api/v1/meetings");
    assert!(meetings.contains("88239814437.768681@zoomcrc.com"), "{meetings}");
    let services = page(&address, "/integrations");
    assert!(["workspace", "m365", "exchange", "of 900,000"].iter().all(|part| services.contains(part)), "{services}");
    assert!(!overview.contains("Salaries") && !meetings.contains("Salaries"), "a private title is on no page");

    demo.until(&["Somebody moves “Weekly planning”"]);
    let (code, told) = demo.end();
    assert_eq!(code, 0, "{told}");
    for parts in [
        &["adopted", "6 endpoints"][..],
        &["read", "fjord@example.com: 7 meetings"],
        &["read", "vik@example.com: 4 meetings"],
        &["matched", "fjord", "Design review", "rule zoom: 88239814437.768681@zoomcrc.com"],
        &["matched", "vik", "Interview", "no rule, found written out: guest-desk@vc.example.com"],
        &["pushed", "fjord", "7 meetings"],
        &["Design review", "[ Join ]", "88239814437.768681@zoomcrc.com"],
        &["Weekly planning", "Join dials", "sip:1223269644@vc.example.com"],
        &["pushed", "“Weekly planning”", " → ", "s after the change"],
        &["fetched", "“Weekly planning”", " → ", "s after the change"],
        &["read", "tind@example.com: 3 meetings"],
        &["read", "lund@example.com: 3 meetings"],
        &["read", "voss@example.com: 3 meetings"],
        &["matched", "tind", "Design review", "rule builtin/standard/Zoom: 81234567890@zoomcrc.com"],
        &["pushed", "tind, read from Google Workspace, shows 3 meetings"],
        &["pushed", "lund, read from Microsoft 365, shows 3 meetings"],
        &["pushed", "voss, read from Exchange, shows 3 meetings"],
        &["pushed", "board, read from a file, filled through the Webex Cloud, shows 7 meetings"],
        &["Somebody moves “Project sync”", "Microsoft 365"],
        &["Requests, as they count them themselves", "to Google Workspace", "to Microsoft 365", "to Exchange"],
        &["cut off in the middle of an upload"],
        &["kept", "fjord keeps its 7 meetings"],
        &["read", "fjord@example.com again: 7 meetings"],
        &["From the change in the calendar:", "to the codec's screen"],
    ] {
        let is_told = told.lines().any(|line| parts.iter().all(|part| line.contains(part)));
        assert!(is_told, "{parts:?} is missing in:\n{told}");
    }
    assert!(!told.contains("Salaries") && !told.contains('\u{1b}'), "{told}");

    let (documents, secrets) = (format!("{dir}/otj.d"), format!("{dir}/secrets"));
    for arguments in
        [&["lint", &documents, "--secret-dir", &secrets, "--strict", "--check-secrets"][..], &["test", &documents]]
    {
        let said = otj(arguments).output().unwrap();
        let text = String::from_utf8([said.stdout, said.stderr].concat()).unwrap();
        assert!(said.status.success(), "{arguments:?}: {text}");
    }
}

#[test]
fn the_demo_stays_on_this_machine_and_touches_no_directory_of_others() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("mine"), "x").unwrap();
    for (arguments, wanted) in [
        (vec!["demo", "--listen", "0.0.0.0:0"], "loopback"),
        (vec!["demo", "--poly-listen", "0.0.0.0:0"], "loopback"),
        (vec!["demo", "--dir", home.path().to_str().unwrap()], "is not empty"),
        (vec!["demo", "--for", "soon"], "give a duration like 20s"),
        (vec!["--log-level", "otj=loud", "demo"], "give error, warn, info"),
    ] {
        let said = otj(&arguments).output().unwrap();
        let text = String::from_utf8(said.stderr).unwrap();
        assert!(said.status.code() == Some(2) && text.contains(wanted), "{arguments:?}: {text}");
    }
    assert_eq!(std::fs::read_to_string(home.path().join("mine")).unwrap(), "x");
}

#[test]
fn a_simulated_service_prints_documents_that_lint_clean_and_answers_on_loopback() {
    let home = tempfile::tempdir().unwrap();
    for (service, kind) in
        [("google", "GoogleIntegration"), ("graph", "GraphIntegration"), ("exchange", "ExchangeIntegration")]
    {
        let mut sim = Running::start(&["sim", service, "--listen", "127.0.0.1:0"]);
        sim.until(&["# Then: otj run"]);
        let documents = sim.told.split("otj.d/simulated.yaml:\n").nth(1).unwrap();
        assert!(documents.contains(kind), "{documents}");
        let address = documents.split(": http://").nth(1).unwrap().split('/').next().unwrap().to_owned();
        let told = page(&address, "/v1.0/users/fjell@example.com/calendar/calendarView").to_lowercase()
            + &page(&address, "/calendar/v3/calendars/fjell@example.com/events").to_lowercase()
            + &page(&address, "/EWS/Exchange.asmx").to_lowercase();
        assert!(
            told.contains("http/1.1 401") && !told.contains("project sync"),
            "nobody reads without a token: {told}"
        );
        let dir = home.path().join(service);
        std::fs::create_dir(&dir).unwrap();
        std::fs::write(dir.join("simulated.yaml"), documents).unwrap();
        let said = otj(&["lint", dir.to_str().unwrap(), "--strict"]).output().unwrap();
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stdout));
    }
    let said = otj(&["sim", "google", "--listen", "0.0.0.0:0"]).output().unwrap();
    assert!(said.status.code() == Some(2) && String::from_utf8_lossy(&said.stderr).contains("loopback"), "{said:?}");
}
