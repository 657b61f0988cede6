//! `cargo bench --bench poly`: how many polls a second the Poly server answers, beside a bare axum "hello" over the same listener, clients and
//! sockets in one process. A poll is a FindItem of a day with 60 meetings of 4,000 endpoints in turn, signed in by Digest (each request) or
//! NTLM (each connection). Without TLS on both sides.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::{Timestamp, ToSpan as _};
use otj::auth::digest::server::{NonceKey, challenge};
use otj::auth::digest::{Algorithm, Answer, parameters, response};
use otj::auth::ntlm::client::{Account as Signer, Handshake};
use otj::endpoint::poly::{PolyAuth, PolyDesk, router};
use otj::listen::{ListenLimits, serve};
use otj::model::device::{PolyEmit, PolyModel};
use otj::model::published::{Account, Accounts, Cell, Edition};
use otj::model::tally::Tally;
use otj::model::trace::Tracer;
use otj::model::{
    Alias, Booking, Call, Clock, Confidential, EndpointName, MeetingId, PolySpec, Protocol, RoomEmail, Schedule,
    Secret, SecretValue,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

const ENDPOINTS: usize = 4000;
const MEETINGS: i64 = 60;
const CONNECTIONS: usize = 16;
const SPAN: Duration = Duration::from_secs(5);
const PATH: &str = "/EWS/Exchange.asmx";
const PASSWORD: &str = "correct horse battery";

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let clock = Clock::system();
        let hello = axum::Router::new().fallback(async || "hello");
        let plain = |_: usize| format!("POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n").into_bytes();
        let (bare, _) = measure(hello, &clock, "hello", plain, false).await;
        let key = NonceKey::new([7; 32]);
        let now = clock.now().wall;
        let headers: Vec<String> = (0..ENDPOINTS).map(|at| digest(&key, now, at)).collect();
        let poly = || router(desk(&clock, now, key.clone()));
        let (digest, cost) =
            measure(poly(), &clock, "FindItem, Digest", |at| find(now, &headers[at % ENDPOINTS]), false).await;
        let (ntlm, _) = measure(poly(), &clock, "FindItem, NTLM", |_| find(now, ""), true).await;
        println!("of a bare hello: Digest {:.0} %, NTLM {:.0} %", 100.0 * digest / bare, 100.0 * ntlm / bare);
        println!(
            "4,000 endpoints that poll every 30 s: {:.1} % of a core, clients included",
            cost * 4000.0 / 30.0 * 100.0
        );
    });
}

/// Requests a second, and seconds of processor time a request.
async fn measure(
    router: axum::Router,
    clock: &Clock,
    name: &str,
    request: impl Fn(usize) -> Vec<u8>,
    by_ntlm: bool,
) -> (f64, f64) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let serving = tokio::spawn(serve(listener, None, router, ListenLimits::default(), stop.clone()));
    let (begun, used) = (clock.now().mono, used());
    let work = (0..CONNECTIONS).map(|line| {
        let request = &request;
        async move {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.set_nodelay(true).unwrap();
            let (mut count, mut room, mut at) = (0u64, vec![0u8; 1 << 20], line);
            let mut left = 0u32;
            while begun.until(clock.now().mono) < SPAN {
                if by_ntlm && left == 0 {
                    // Another endpoint, so that none asks more than ten times a second.
                    stream = TcpStream::connect(address).await.unwrap();
                    sign_in(&mut stream, &mut room, at % ENDPOINTS).await;
                    left = 30;
                }
                left = left.saturating_sub(1);
                stream.write_all(&request(at)).await.unwrap();
                assert_eq!(answer(&mut stream, &mut room).await.0, 200);
                count += 1;
                at += CONNECTIONS;
            }
            count
        }
    });
    let count: u64 = futures_join(work).await.into_iter().sum();
    let seconds = begun.until(clock.now().mono).as_secs_f64();
    let cost = (self::used() - used) / count as f64;
    stop.cancel();
    serving.await.unwrap();
    println!("{name}: {:.0} requests/s, {:.0} µs of processor time each", count as f64 / seconds, cost * 1e6);
    (count as f64 / seconds, cost)
}

/// All of them at once, on this task.
async fn futures_join<T>(all: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut open: Vec<_> = all.map(|one| (Some(Box::pin(one)), None)).collect();
    std::future::poll_fn(move |context| {
        for (one, done) in &mut open {
            if let Some(future) = one
                && let std::task::Poll::Ready(value) = future.as_mut().poll(context)
            {
                (*one, *done) = (None, Some(value));
            }
        }
        match open.iter().all(|(one, _)| one.is_none()) {
            true => std::task::Poll::Ready(open.iter_mut().filter_map(|(_, done)| done.take()).collect()),
            false => std::task::Poll::Pending,
        }
    })
    .await
}

/// Seconds of processor time of this process.
fn used() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0
}

async fn answer(stream: &mut TcpStream, room: &mut [u8]) -> (u16, String) {
    let mut filled = 0;
    loop {
        let read = stream.read(&mut room[filled..]).await.unwrap();
        assert!(read > 0, "closed");
        filled += read;
        let Some(end) = room[..filled].windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&room[..end]).to_lowercase();
        let length: usize =
            head.split("content-length: ").nth(1).unwrap().split("\r\n").next().unwrap().parse().unwrap();
        if filled >= end + 4 + length {
            return (head[9..12].parse().unwrap(), String::from_utf8_lossy(&room[..end]).into_owned());
        }
    }
}

async fn sign_in(stream: &mut TcpStream, room: &mut [u8], at: usize) {
    let begun = Handshake::default();
    let send = |token: &str| {
        format!("POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nAuthorization: NTLM {token}\r\n\r\n")
    };
    stream.write_all(send(&begun.negotiate()).as_bytes()).await.unwrap();
    let (_, head) = answer(stream, room).await;
    let token = head.split("NTLM ").nth(1).unwrap().split("\r\n").next().unwrap();
    let name = format!("room-{at}");
    let account = Signer { name: &name, password: PASSWORD, host: "x", binding: None };
    let third = begun.answer(token, &account, [7; 8], Timestamp::UNIX_EPOCH).unwrap();
    stream.write_all(send(&third).as_bytes()).await.unwrap();
    assert_ne!(answer(stream, room).await.0, 401);
}

fn digest(key: &NonceKey, now: Timestamp, at: usize) -> String {
    let challenge = challenge(key, now, false);
    let read = parameters(challenge.strip_prefix("Digest ").unwrap());
    let username = format!("room-{at}");
    let answer = Answer {
        algorithm: Algorithm::Md5,
        username: &username,
        realm: &read["realm"],
        nonce: &read["nonce"],
        method: "POST",
        uri: PATH,
        qop_auth: Some(("00000001", "abc")),
        cnonce: "abc",
    };
    format!(
        "Authorization: Digest username=\"{username}\", realm=\"{}\", nonce=\"{}\", uri=\"{PATH}\", response=\"{}\", cnonce=\"abc\", qop=auth, nc=00000001\r\n",
        answer.realm,
        answer.nonce,
        response(&answer, PASSWORD)
    )
}

fn find(now: Timestamp, login: &str) -> Vec<u8> {
    let (from, to) = (now - 12.hours(), now + 36.hours());
    let body = format!(
        "<s:Envelope xmlns:s=\"{}\" xmlns:t=\"{}\"><s:Body><FindItem xmlns=\"{}\" Traversal=\"Shallow\"><ItemShape><t:BaseShape>AllProperties</t:BaseShape></ItemShape>\
         <CalendarView StartDate=\"{from}\" EndDate=\"{to}\"/><ParentFolderIds><t:DistinguishedFolderId Id=\"calendar\"/></ParentFolderIds></FindItem></s:Body></s:Envelope>",
        otj::ews::SOAP_11,
        otj::ews::TYPES,
        otj::ews::MESSAGES
    );
    format!("POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: text/xml; charset=utf-8\r\n{login}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

fn desk(clock: &Clock, now: Timestamp, nonce_key: NonceKey) -> PolyDesk {
    let room = RoomEmail::parse("room@example.com").unwrap();
    let bookings = (0..MEETINGS).map(|at| {
        let start = now + (at * 20).minutes();
        Booking {
            id: MeetingId::new(&room, &at.to_string(), None),
            start,
            end: start + 20.minutes(),
            all_day: false,
            start_buffer_s: 300,
            end_buffer_s: 0,
            subject: Confidential::new(format!("Weekly status of team {at}")),
            organizer_name: Confidential::new("Ada Example"),
            organizer_email: Confidential::new("ada@example.com"),
            private: false,
            call: Some(Call {
                alias: Alias::parse(&format!("meet.{at}@vc.example.com")).unwrap(),
                protocol: Protocol::Auto,
            }),
            no_join: None,
            rule: None,
            last_modified: Some(now),
        }
    });
    let schedule = Arc::new(Schedule { bookings: bookings.collect() });
    let accounts: BTreeMap<String, Account> = (0..ENDPOINTS)
        .map(|at| {
            let cell = Cell::default();
            cell.publish(Edition::new(schedule.clone(), now));
            let name = format!("room-{at}");
            let password = SecretValue::Known(Secret::new(PASSWORD.into()));
            let account = Account {
                endpoint: EndpointName::parse(&name).unwrap(),
                room: RoomEmail::parse(&format!("{name}@example.com")).unwrap(),
                poly: PolySpec { username: name.clone(), password, model: PolyModel::Trio, emit: PolyEmit::default() },
                time_zone: "UTC".into(),
                cell,
            };
            (name, account)
        })
        .collect();
    let (_, accounts) = watch::channel(Accounts(Arc::new(accounts)));
    let (presence, mut told) = mpsc::channel(1024);
    tokio::spawn(async move { while told.recv().await.is_some() {} });
    PolyDesk {
        accounts,
        presence,
        tally: Tally::new(),
        clock: clock.clone(),
        auth: PolyAuth::default(),
        nonce_key,
        tracer: Tracer::default(),
        proxies: [].into(),
    }
}
