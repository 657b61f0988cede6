//! NTLM, which signs in a connection.

use otj::auth::ntlm::binding;
use otj::auth::ntlm::client::{Account, Handshake};
use otj::ews::ask::{Ask, Header};
use otj::http::{HeaderMap, Request, StatusCode, header};
use otj::listen::Connection;
use otj::sim::Fake as _;
use otj::sim::exchange::ExchangeOptions;

use super::rig::{ONE, ROOM, Site, basic, otj, room};

/// Somebody on a connection.
struct Caller<'a> {
    site: &'a Site,
    connection: Connection,
    /// Of the server at the other end, as it was shown.
    certificate: Option<&'a [u8]>,
}

impl<'a> Caller<'a> {
    fn new(site: &'a Site, id: u64) -> Self {
        let connection = Connection { id, peer: "192.0.2.1:50000".parse().unwrap(), tls: false, shared: false };
        Self { site, connection, certificate: None }
    }

    fn asks(&self, sign_in: Option<&str>) -> (StatusCode, HeaderMap) {
        let mailbox = room(ROOM);
        let envelope = Ask::sync(None, 1).envelope(&Header { version: otj().version, mailbox: Some(&mailbox) });
        let mut request: Request = Site::request(ONE, envelope, &otj());
        request.headers.remove(header::AUTHORIZATION);
        if let Some(sign_in) = sign_in {
            request.headers.insert(header::AUTHORIZATION, sign_in.parse().unwrap());
        }
        let (status, headers, _) =
            self.site.fake.open_over(&self.connection, &request, self.site.now()).result.unwrap();
        (status, headers)
    }

    /// The third message to whatever the server challenges.
    fn third(&self, name: &str, password: &str) -> String {
        let handshake = Handshake::default();
        let (status, headers) = self.asks(Some(&format!("NTLM {}", handshake.negotiate())));
        assert_eq!((status.as_u16(), headers.get_all(header::WWW_AUTHENTICATE).iter().count()), (401, 1));
        let challenge = headers[header::WWW_AUTHENTICATE].to_str().unwrap().strip_prefix("NTLM ").unwrap();
        let binding = self.certificate.map(binding::of);
        let account = Account { name, password, host: "one.example.com", binding };
        format!("NTLM {}", handshake.answer(challenge, &account, [7; 8], self.site.now()).unwrap())
    }

    fn signs_in(&self, name: &str, password: &str) -> u16 {
        self.asks(Some(&self.third(name, password))).0.as_u16()
    }
}

#[test]
fn three_messages_sign_in_their_connection_and_no_other() {
    let site = Site::new();
    let (one, two) = (Caller::new(&site, 1), Caller::new(&site, 2));
    for name in ["otj@example.com", "OTJ@Example.com", r"EXAMPLE\otj", "otj"] {
        let third = one.third(name, "right");
        assert_eq!(two.asks(Some(&third)).0, 401, "it answers a challenge that was never put to this one");
        assert_eq!(one.asks(Some(&third)).0, 200, "{name}");
        assert_eq!(one.asks(None).0, 200, "it is signed in");
        assert_eq!(one.asks(Some(&third)).0, 401, "a challenge is good once");
        assert_eq!(one.asks(None).0, 401);
    }
    let (_, headers) = two.asks(None);
    assert_eq!(headers.get_all(header::WWW_AUTHENTICATE).iter().count(), 4, "all that is offered");
    assert_eq!(site.fake.counts().wrong_credentials, 0);
    assert_eq!(one.signs_in("otj@example.com", "right"), 200);
    site.fake.change(|org| org.accounts.remove("otj@example.com"));
    assert_eq!(one.asks(None).0, 401, "the account is gone");
    site.fake.change(|org| org.offered.windows = false);
    assert_eq!(one.asks(Some("NTLM TlRMTVNTUAABAAAA")).1.get_all(header::WWW_AUTHENTICATE).iter().count(), 2);
}

#[test]
fn wrong_passwords_lock_an_account_whichever_way_they_come() {
    let site = Site::with(ExchangeOptions { locks_after: Some(3), ..ExchangeOptions::default() });
    let caller = Caller::new(&site, 1);
    let by_basic = |password: &str| caller.asks(Some(&basic("otj@example.com", password))).0.as_u16();
    let by_ntlm = |password: &str| caller.signs_in("otj@example.com", password);
    assert_eq!([by_ntlm("wrong"), by_basic("wrong"), by_ntlm("right")], [401, 401, 200]);
    assert_eq!([by_ntlm("wrong"), by_basic("wrong"), by_ntlm("wrong")], [401; 3]);
    assert_eq!([by_ntlm("right"), by_basic("right")], [401, 401], "it is locked");
    assert_eq!(caller.signs_in("nobody@example.com", "right"), 401);
    site.fake.change(|org| assert_eq!(org.accounts["otj@example.com"].wrong, 5));
}

#[test]
fn a_message_that_was_touched_on_its_way_is_no_proof() {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    let site = Site::new();
    let caller = Caller::new(&site, 1);
    // Flags, the integrity code itself, the workstation at the end.
    for from_the_front in [60, 80, 0] {
        let third = caller.third("otj@example.com", "right");
        let mut bytes = STANDARD.decode(third.strip_prefix("NTLM ").unwrap()).unwrap();
        let at = if from_the_front == 0 { bytes.len() - 1 } else { from_the_front };
        bytes[at] ^= 0x40;
        assert_eq!(caller.asks(Some(&format!("NTLM {}", STANDARD.encode(bytes)))).0, 401, "byte {at}");
    }
    assert_eq!(caller.signs_in("otj@example.com", "right"), 200);
}

#[test]
fn where_protection_is_extended_a_proof_is_for_the_servers_own_certificate() {
    let site = Site::new();
    // Neither is one; both are hashed alike.
    let (own, other) = (b"certificate".as_slice(), b"of somebody in the middle".as_slice());
    site.fake.change(|org| org.servers.get_mut("one").unwrap().certificate = Some(own.to_vec()));
    for (tls, certificate, status) in
        [(true, Some(own), 200), (true, Some(other), 401), (true, None, 401), (false, None, 200)]
    {
        let mut caller = Caller::new(&site, 1);
        (caller.connection.tls, caller.certificate) = (tls, certificate);
        assert_eq!(caller.signs_in("otj@example.com", "right"), status, "{tls} {certificate:?}");
    }
    site.fake.change(|org| assert_eq!(org.accounts["otj@example.com"].wrong, 0, "the password was right"));
}
