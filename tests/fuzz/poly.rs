//! `cargo bench --bench fuzz_poly -- TARGET NUMBER SEED`: what Poly endpoints send, mutated. Without a target, each in turn; a NUMBER below
//! 10,000 is seconds, any other one counts attempts (without: 60 s each); without a seed, one from the clock. The seed is printed.
//!
//! | target   | what is mutated                                           | must hold                                    |
//! |----------|-----------------------------------------------------------|----------------------------------------------|
//! | `soap`   | requests of every operation                               | a request or a fault, quickly, and no panic  |
//! | `ntlm`   | all three messages, right ones and such of other passwords | nobody is signed in by a changed message    |
//! | `digest` | `Authorization` headers for other passwords               | nobody is signed in                          |
//! | `logins` | NTLM and Digest by turns: `-- logins 1000000`             | none of them is accepted                     |
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs, unreachable_pub, dead_code)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use otj::auth::digest::server::{Claim as Digest, NonceKey, Verdict, challenge};
use otj::auth::digest::{Algorithm, Answer, parameters, response};
use otj::auth::ntlm::client::{Account, Handshake};
use otj::auth::ntlm::server::{Challenge, Claim, Sent};
use otj::ews::{Request, SOAP_11, SOAP_12};
use otj::model::{Clock, Secret};

/// Longest time one attempt may take.
const SLOW: Duration = if cfg!(debug_assertions) { Duration::from_secs(2) } else { Duration::from_millis(200) };
const TARGETS: [&str; 4] = ["soap", "ntlm", "digest", "logins"];
const PATH: &str = "/EWS/Exchange.asmx";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let numbers: Vec<u64> = words.iter().filter_map(|word| word.parse().ok()).collect();
    let clock = Clock::system();
    let most = numbers.first().copied().unwrap_or(60);
    let seed = numbers.get(1).copied().unwrap_or_else(|| u64::try_from(clock.now().wall.as_second()).unwrap_or(1));
    println!("seed {seed}");
    let asked: Vec<&str> = TARGETS.into_iter().filter(|target| words.iter().any(|word| word == target)).collect();
    let targets = if asked.is_empty() { &TARGETS[..3] } else { &asked[..] };
    let mut code = ExitCode::SUCCESS;
    for target in targets {
        let begun = clock.now().mono;
        let mut dice = Dice(seed | 1);
        let (mut attempts, mut accepted) = (0u64, 0u64);
        while if most < 10_000 { begun.until(clock.now().mono) < Duration::from_secs(most) } else { attempts < most } {
            attempts += 1;
            let before = (dice.0, clock.now().mono);
            let outcome = catch_unwind(AssertUnwindSafe(|| attempt(target, &mut dice)));
            let took = before.1.until(clock.now().mono);
            match outcome {
                Ok(false) if took <= SLOW => {}
                Ok(true) => accepted += 1,
                _ => {
                    println!(
                        "{target}: a panic, or {took:?}, after attempt {attempts}; the dice stood at {}",
                        before.0
                    );
                    code = ExitCode::FAILURE;
                }
            }
        }
        println!("{target}: {attempts} attempts, {accepted} accepted, {:.0?}", begun.until(clock.now().mono));
        if accepted > 0 {
            code = ExitCode::FAILURE;
        }
    }
    code
}

/// One attempt; whether it signed somebody in.
pub fn attempt(target: &str, dice: &mut Dice) -> bool {
    match target {
        "soap" => soap(dice),
        "ntlm" => ntlm(dice),
        "digest" => digest(dice),
        _ if dice.below(2) == 0 => ntlm(dice),
        _ => digest(dice),
    }
}

/// xorshift64*; never from zero.
pub struct Dice(pub u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end.max(1)).unwrap()).unwrap()
    }

    /// One to eight changes: a bit, a byte, a cut, a copy, a piece of something.
    fn mutate(&mut self, bytes: &mut Vec<u8>, pieces: &[&[u8]]) {
        for _ in 0..=self.below(8) {
            let at = self.below(bytes.len());
            match self.below(7) {
                0 if !bytes.is_empty() => bytes[at] ^= 1 << self.below(8),
                1 if !bytes.is_empty() => bytes[at] = u8::try_from(self.below(256)).unwrap(),
                2 => bytes.truncate(at),
                3 => bytes.insert(at, *[0, 0xff, b'<', b'"', b'='].get(self.below(5)).unwrap()),
                4 => {
                    let end = at + self.below(64.min(bytes.len() - at + 1));
                    let copy = bytes[at..end.min(bytes.len())].to_vec();
                    let to = self.below(bytes.len());
                    bytes.splice(to..to, copy);
                }
                5 => {
                    let end = (at + self.below(16)).min(bytes.len());
                    bytes.drain(at..end);
                }
                _ if !pieces.is_empty() => {
                    let piece = pieces[self.below(pieces.len())];
                    bytes.splice(at..at, piece.iter().copied());
                }
                _ => {}
            }
        }
    }
}

fn soap(dice: &mut Dice) -> bool {
    const CALLS: [&str; 9] = [
        "<m:FindItem Traversal='Shallow'><m:ItemShape><t:BaseShape>AllProperties</t:BaseShape></m:ItemShape><m:CalendarView StartDate='2026-11-23T00:00:00Z' EndDate='2026-11-24T00:00:00+01:00' MaxEntriesReturned='5'/><m:ParentFolderIds><t:DistinguishedFolderId Id='calendar'><t:Mailbox><t:EmailAddress>a@example.com</t:EmailAddress></t:Mailbox></t:DistinguishedFolderId></m:ParentFolderIds></m:FindItem>",
        "<m:FindItem Traversal='Shallow'><m:IndexedPageItemView Offset='0' MaxEntriesReturned='10' BasePoint='Beginning'/><m:Restriction><t:And><t:IsLessThan><t:FieldURI FieldURI='calendar:Start'/><t:FieldURIOrConstant><t:Constant Value='2026-11-23T00:00:00Z'/></t:FieldURIOrConstant></t:IsLessThan></t:And></m:Restriction><m:ParentFolderIds><t:FolderId Id='Zi5j'/></m:ParentFolderIds></m:FindItem>",
        "<m:GetItem><m:ItemShape><t:BaseShape>Default</t:BaseShape><t:BodyType>HTML</t:BodyType></m:ItemShape><m:ItemIds><t:ItemId Id='aS54'/></m:ItemIds></m:GetItem>",
        "<m:GetFolder><m:FolderIds><t:DistinguishedFolderId Id='root'/></m:FolderIds></m:GetFolder>",
        "<m:SyncFolderItems><m:SyncFolderId><t:DistinguishedFolderId Id='calendar'/></m:SyncFolderId><m:SyncState>cy5m</m:SyncState><m:MaxChangesReturned>9</m:MaxChangesReturned></m:SyncFolderItems>",
        "<m:Subscribe><m:PullSubscriptionRequest><t:FolderIds><t:DistinguishedFolderId Id='calendar'/></t:FolderIds><t:Timeout>10</t:Timeout></m:PullSubscriptionRequest></m:Subscribe>",
        "<m:GetEvents><m:SubscriptionId>cC4x</m:SubscriptionId><m:Watermark>dy54</m:Watermark></m:GetEvents>",
        "<m:ConvertId DestinationFormat='HexEntryId'><m:SourceIds><t:AlternateId Format='EwsId' Id='eA==' Mailbox='a@example.com'/></m:SourceIds></m:ConvertId>",
        "<m:GetUserAvailabilityRequest><t:TimeZone><t:Bias>-60</t:Bias><t:StandardTime><t:Bias>0</t:Bias><t:Time>03:00:00</t:Time><t:DayOrder>5</t:DayOrder><t:Month>10</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek></t:StandardTime><t:DaylightTime><t:Bias>-60</t:Bias><t:Time>02:00:00</t:Time><t:DayOrder>5</t:DayOrder><t:Month>3</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek></t:DaylightTime></t:TimeZone><m:MailboxDataArray><t:MailboxData><t:Email><t:Address>a@example.com</t:Address></t:Email></t:MailboxData></m:MailboxDataArray><t:FreeBusyViewOptions><t:TimeWindow><t:StartTime>2026-11-23T00:00:00</t:StartTime><t:EndTime>2026-11-25T00:00:00</t:EndTime></t:TimeWindow></t:FreeBusyViewOptions></m:GetUserAvailabilityRequest>",
    ];
    let pieces: [&[u8]; 12] = [
        b"<!DOCTYPE a [<!ENTITY b \"bb\">]>",
        b"&b;",
        b"&#xD83D;",
        b"<![CDATA[",
        b"]]>",
        b"<a xmlns:x='y'>",
        b"-9999-01-01T00:00:00Z",
        b"9999-12-31T23:59:59Z",
        b"99999999999999999999",
        b"-1",
        b"\xef\xbb\xbf",
        b"<?xml version='1.0' encoding='UTF-16'?>",
    ];
    let soap = if dice.below(4) == 0 { SOAP_12 } else { SOAP_11 };
    let (messages, types, call) = (otj::ews::MESSAGES, otj::ews::TYPES, CALLS[dice.below(CALLS.len())]);
    let mut bytes = format!(
        "<s:Envelope xmlns:s='{soap}' xmlns:m='{messages}' xmlns:t='{types}'><s:Header><t:RequestServerVersion Version='Exchange2013'/></s:Header><s:Body>{call}</s:Body></s:Envelope>"
    )
    .into_bytes();
    dice.mutate(&mut bytes, &pieces);
    drop(Request::parse(&bytes, &TimeZone::UTC));
    false
}

fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

/// A handshake of a right or a wrong password, of which the last message is changed.
fn ntlm(dice: &mut Dice) -> bool {
    let random = dice.next().to_le_bytes();
    let begun = Handshake::default();
    let mut first = STANDARD.decode(begun.negotiate()).unwrap();
    let sent = first.clone();
    dice.mutate(&mut first, &[b"NTLMSSP\0"]);
    if let Some(Sent::Negotiate(first)) = Sent::read(&STANDARD.encode(&first)) {
        drop(Challenge::new(first, random, now()).token());
    }
    let challenge = Challenge::new(sent, random, now());
    let right = dice.below(2) == 0;
    let password = if right { "right" } else { "wrong" };
    let account = Account { name: "CORP\\fjord", password, host: "otj.example.com", binding: None };
    let third = STANDARD.decode(begun.answer(&challenge.token(), &account, [7; 8], now()).unwrap()).unwrap();
    let mut changed = third.clone();
    dice.mutate(&mut changed, &[b"NTLMSSP\0", &[0; 16], &[0xff; 4], &[6, 0, 4, 0]]);
    let read = Sent::read(&STANDARD.encode(&changed));
    let Some(Sent::Authenticate(message)) = read else { return false };
    let is_changed = message != third || !right;
    Claim::read(message).is_ok_and(|claim| claim.verify(&challenge, "right", None).is_ok()) && is_changed
}

/// A header for a wrong password, changed.
fn digest(dice: &mut Dice) -> bool {
    let key = NonceKey::new([7; 32]);
    let given = challenge(&key, now(), false);
    let read = parameters(given.strip_prefix("Digest ").unwrap());
    let algorithms = [
        (Algorithm::Md5, "MD5"),
        (Algorithm::Sha256, "SHA-256"),
        (Algorithm::Md5Sess, "MD5-sess"),
        (Algorithm::Sha256Sess, "SHA-256-sess"),
    ];
    let (algorithm, name) = algorithms[dice.below(4)];
    let answer = Answer {
        algorithm,
        username: "fjord",
        realm: &read["realm"],
        nonce: &read["nonce"],
        method: "POST",
        uri: PATH,
        qop_auth: Some(("00000001", "abc")),
        cnonce: "abc",
    };
    let mut bytes = format!(
        r#"Digest username="fjord", realm="{}", nonce="{}", uri="{PATH}", response="{}", cnonce="abc", qop=auth, nc=00000001, algorithm={name}"#,
        answer.realm, answer.nonce, response(&answer, "wrong")
    )
    .into_bytes();
    dice.mutate(
        &mut bytes,
        &[b"username=", b"\"", b"\\", b",", b"=", b"response=\"\"", b"algorithm=MD5", b"qop=", b"nonce=\"\""],
    );
    let text = String::from_utf8_lossy(&bytes);
    let right = Secret::new("right".into());
    Digest::parse(&text).is_some_and(|claim| claim.verify(&key, &right, "POST", PATH, now()) != Verdict::Refused)
}
