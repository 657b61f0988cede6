//! Who may come in, and who is believed about where others come from.
//!
//! | the other end is              | says                          | taken for                                         |
//! |-------------------------------|-------------------------------|---------------------------------------------------|
//! | outside of what is allowed    | –                             | closed at once                                    |
//! | a trusted proxy               | a PROXY protocol v2 header    | a balancer: the connection is the device's own    |
//! | a trusted proxy               | anything else                 | an HTTP proxy: several devices share a connection |
//! | anybody else                  | anything                      | the device itself                                 |
//!
//! See <https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt>.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;

use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

use crate::model::tally::Tally;

/// Addresses with a common beginning: `10.0.0.0/8`, or one address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

/// A text is no network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a network is written like 10.0.0.0/8, 2001:db8::/32 or 192.0.2.1")]
pub struct NoNetwork;

impl FromStr for Network {
    type Err = NoNetwork;

    fn from_str(text: &str) -> Result<Self, NoNetwork> {
        let (address, bits) = match text.trim().split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse::<u8>().map_err(|_| NoNetwork)?)),
            None => (text.trim(), None),
        };
        let address: IpAddr = address.parse().map_err(|_| NoNetwork)?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(most);
        if bits > most { Err(NoNetwork) } else { Ok(Self { address, bits }) }
    }
}

impl Network {
    /// Whether `address` is of it. An IPv4 address written as IPv6 is the same one.
    #[must_use]
    pub fn holds(&self, address: IpAddr) -> bool {
        let wide = |address: IpAddr| match address {
            IpAddr::V4(address) => (u128::from(address.to_bits()) << 96, true),
            IpAddr::V6(address) => (address.to_bits(), false),
        };
        let ((mine, mine_is_4), (theirs, theirs_is_4)) = (wide(self.address), wide(address.to_canonical()));
        mine_is_4 == theirs_is_4 && (self.bits == 0 || (mine ^ theirs) >> (128 - u32::from(self.bits)) == 0)
    }
}

/// How strict a listener is about who connects.
#[derive(Clone, Debug, Default)]
pub struct Door {
    /// Who may connect; empty: anybody.
    pub allow: Arc<[Network]>,
    /// Proxies and balancers that are believed.
    pub proxies: Arc<[Network]>,
    /// Where handshakes that fail are counted.
    pub tally: Option<Arc<Tally>>,
}

impl Door {
    /// Whether a connection from there is taken.
    #[must_use]
    pub fn admits(&self, peer: IpAddr) -> bool {
        let within = |networks: &[Network]| networks.iter().any(|network| network.holds(peer));
        self.allow.is_empty() || within(&self.allow) || within(&self.proxies)
    }

    /// Whether somebody there is a trusted proxy.
    #[must_use]
    pub fn trusts(&self, peer: IpAddr) -> bool {
        self.proxies.iter().any(|network| network.holds(peer))
    }
}

/// The first twelve bytes of a PROXY protocol v2 header. No TLS handshake and no HTTP request begins so.
const MARK: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
/// Longest part behind the first sixteen bytes that is read.
const REST_MAX: usize = 4096;

/// Reads the header of a balancer, if the connection begins with one; nothing else is taken from the stream.
/// The address is that of the client; `None` inside: the balancer speaks for itself (a health check).
///
/// # Errors
/// When the header is broken, or the connection is.
pub(super) async fn announced(stream: &mut TcpStream) -> std::io::Result<Option<Option<SocketAddr>>> {
    let broken = || std::io::Error::from(std::io::ErrorKind::InvalidData);
    let mut head = [0u8; 16];
    loop {
        let seen = stream.peek(&mut head[..12]).await?;
        if seen == 0 || head[..seen] != MARK[..seen] {
            return Ok(None);
        }
        if seen == MARK.len() {
            break;
        }
        // The rest of the mark is on its way; the caller has a deadline.
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    stream.read_exact(&mut head).await?;
    let length = usize::from(u16::from_be_bytes([head[14], head[15]]));
    if head[12] >> 4 != 2 || length > REST_MAX {
        return Err(broken());
    }
    let mut rest = vec![0u8; length];
    stream.read_exact(&mut rest).await?;
    Ok(Some(client(head[12] & 0xf, head[13], &rest).ok_or_else(broken)?))
}

/// The client of a header: its command, its family and transport, its addresses. `None`: broken.
fn client(command: u8, family: u8, rest: &[u8]) -> Option<Option<SocketAddr>> {
    let port = |at: usize| Some(u16::from_be_bytes(*rest.get(at..)?.first_chunk()?));
    match (command, family) {
        (0, _) => Some(None),
        (1, 0x11) => Some(Some(SocketAddr::from((Ipv4Addr::from(*rest.first_chunk::<4>()?), port(8)?)))),
        (1, 0x21) => Some(Some(SocketAddr::from((Ipv6Addr::from(*rest.first_chunk::<16>()?), port(32)?)))),
        (1, _) => Some(None),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_holds_its_addresses_in_both_spellings_and_no_other() {
        for (network, inside, outside) in [
            ("10.0.0.0/8", "10.9.8.7", "11.0.0.1"),
            ("10.0.0.0/8", "::ffff:10.9.8.7", "a00::1"),
            ("192.0.2.1", "192.0.2.1", "192.0.2.2"),
            ("2001:db8::/32", "2001:db8:1::1", "2001:db9::1"),
            ("0.0.0.0/0", "203.0.113.9", "::1"),
        ] {
            let network: Network = network.parse().unwrap();
            assert!(network.holds(inside.parse().unwrap()), "{inside}");
            assert!(!network.holds(outside.parse().unwrap()), "{outside}");
        }
        for wrong in ["", "10.0.0.0/33", "10.0.0/8", "host", "::/129", "10.0.0.0/-1"] {
            assert_eq!(wrong.parse::<Network>(), Err(NoNetwork), "{wrong}");
        }
        let door = Door { allow: ["10.0.0.0/8".parse().unwrap()].into(), ..Door::default() };
        assert!(door.admits("10.1.1.1".parse().unwrap()) && !door.admits("192.0.2.1".parse().unwrap()));
        assert!(Door::default().admits("192.0.2.1".parse().unwrap()));
    }

    #[test]
    fn a_balancer_tells_of_its_client() {
        let four = [192, 0, 2, 1, 198, 51, 100, 1, 0x12, 0x34, 0, 80];
        assert_eq!(client(1, 0x11, &four), Some(Some("192.0.2.1:4660".parse().unwrap())));
        assert_eq!(client(0, 0, &[]), Some(None), "a health check");
        assert_eq!(client(1, 0x31, &[0; 216]), Some(None), "a local socket");
        assert!((0..four.len() - 2).all(|end| client(1, 0x11, &four[..end]).is_none()));
        assert_eq!(client(7, 0x11, &four), None);
    }
}
