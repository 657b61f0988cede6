//! The address a room dials. Whatever rule produced it, it passes [`Alias::parse`] or it is not an alias.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// How a room places the call.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
pub enum Protocol {
    /// The endpoint decides; SIP where it has to be said.
    #[default]
    Auto,
    /// SIP.
    Sip,
    /// H.323.
    H323,
}

/// Longest alias we keep, in bytes. An endpoint may take less; see [`crate::model::Limits`].
pub const ALIAS_MAX: usize = 1000;

/// A valid address to dial: ASCII, one line, nothing that XML, JSON, a dial plan or a shell could read as more than an address.
/// `Debug` hides it: join addresses stay out of logs.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Alias(Arc<str>);

/// Why a text is no alias. The texts name the fault, never the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AliasFault {
    /// Nothing left after trimming.
    #[error("it is empty")]
    Empty,
    /// More than [`ALIAS_MAX`] bytes.
    #[error("it is longer than 1000 characters")]
    TooLong,
    /// A character that has no place in an address.
    #[error("it holds a character that no address may hold")]
    Character,
    /// `sip:` and the like belong into the protocol, and `user:password@` nowhere.
    #[error("it has a scheme or a password in front")]
    Scheme,
    /// More than one `@`, or one at an end.
    #[error("it has an `@` too many, or at an end")]
    At,
    /// What follows the `@` is neither a host name nor an IP address.
    #[error("what follows the `@` is not a host")]
    Host,
}

impl Alias {
    /// Trims and checks. What strangers write must be a plain address before anything dials it.
    ///
    /// # Errors
    /// Names the first fault found.
    pub fn parse(text: &str) -> Result<Self, AliasFault> {
        let text = text.trim();
        if text.is_empty() {
            return Err(AliasFault::Empty);
        }
        if text.len() > ALIAS_MAX {
            return Err(AliasFault::TooLong);
        }
        let forbidden = |c: char| {
            !matches!(c, '!'..='~') || matches!(c, '<' | '>' | '"' | '&' | '\\' | '\'' | '`' | '|' | '%' | ',' | '?')
        };
        if text.contains(forbidden) || text.contains("//") {
            return Err(AliasFault::Character);
        }
        match text.split_once('@') {
            Some((user, host)) => {
                if user.is_empty() || host.is_empty() || host.contains('@') {
                    return Err(AliasFault::At);
                }
                if user.contains(':') {
                    return Err(AliasFault::Scheme);
                }
                if user.contains(['[', ']', '{', '}', '^']) {
                    return Err(AliasFault::Character);
                }
                if !is_host(host) {
                    return Err(AliasFault::Host);
                }
            }
            // Without a user, a colon stands before a port or inside an IPv6 address; any other one follows a scheme.
            None if text.contains([':', '[', ']', '{', '}', '^']) && !is_host(text) => {
                let scheme =
                    text.split_once(':').is_some_and(|(scheme, _)| scheme.bytes().all(|c| c.is_ascii_alphanumeric()));
                return Err(if scheme { AliasFault::Scheme } else { AliasFault::Host });
            }
            None => {}
        }
        Ok(Self(text.into()))
    }

    /// The address. Every call is a place to look at in review.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What follows the `@`, without port and parameters, in lower case; `None` for an alias without domain.
    #[must_use]
    pub fn domain(&self) -> Option<String> {
        self.0.split_once('@').map(|(_, host)| host_alone(host))
    }

    /// The host of an alias that is nothing but a host, in lower case: `vc.example.com:5061`, `10.0.0.1`. H.323 writes an
    /// extension behind one: `10.0.0.1##4711`.
    #[must_use]
    pub fn bare_host(&self) -> Option<String> {
        let host = self.0.split("##").next().unwrap_or_default();
        (!self.0.contains('@') && host.contains(['.', '[']) && is_host(host)).then(|| host_alone(host))
    }

    /// The `;parameters` behind the address or in it, in lower case.
    pub fn parameters(&self) -> impl Iterator<Item = String> {
        self.0.split(['@', ';']).map(str::to_ascii_lowercase).filter(|part| part.contains('='))
    }

    /// What stands before the `@`, or all of it.
    #[must_use]
    pub fn user(&self) -> &str {
        self.0.split_once('@').map_or(&*self.0, |(user, _)| user)
    }
}

/// Without port, parameters, brackets and the root's dot, in lower case.
fn host_alone(host: &str) -> String {
    let host = host.split(';').next().unwrap_or(host);
    let host = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or(rest),
        None => host.split(':').next().unwrap_or(host),
    };
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

/// A host name or an IP address, an optional port, optional `;parameters`.
fn is_host(host: &str) -> bool {
    let (host, parameters) = host.split_once(';').unwrap_or((host, ""));
    if !parameters.chars().all(|c| c.is_ascii_alphanumeric() || "-._~!*+$;=:[]".contains(c)) {
        return false;
    }
    let (name, port) = match host.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((address, "")) => return address.parse::<std::net::Ipv6Addr>().is_ok(),
            Some((address, port)) => {
                return address.parse::<std::net::Ipv6Addr>().is_ok() && port.strip_prefix(':').is_some_and(is_port);
            }
            None => return false,
        },
        None => host.split_once(':').map_or((host, None), |(name, port)| (name, Some(port))),
    };
    port.is_none_or(is_port) && (is_name(name) || name.parse::<std::net::Ipv4Addr>().is_ok())
}

/// A name whose last label is no number: `2130706433`, `0x7f000001`, `127.1` and `0177.0.0.1` are addresses to some libraries
/// and names to others, so that what a list of domains is asked about need not be what is dialled.
/// Underscores are in names of Windows machines.
fn is_name(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let last = name.rsplit('.').next().unwrap_or(name);
    let hex = last.strip_prefix("0x").or(last.strip_prefix("0X"));
    let number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    name.len() <= 253
        && !number(last)
        && !hex.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
        && name.split('.').all(|label| {
            !label.is_empty()
                && label.len() <= 63
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
        })
}

/// `+80` and `00080` are numbers to a parser and no ports.
fn is_port(text: &str) -> bool {
    text.len() <= 5 && !text.starts_with(['0', '+']) && text.parse::<u16>().is_ok()
}

impl TryFrom<String> for Alias {
    type Error = AliasFault;
    fn try_from(text: String) -> Result<Self, AliasFault> {
        Self::parse(&text)
    }
}

impl From<Alias> for String {
    fn from(alias: Alias) -> Self {
        alias.0.as_ref().to_owned()
    }
}

impl fmt::Debug for Alias {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "‹alias of {} characters›", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_addresses_are_aliases() {
        for right in [
            "123@vc.example.com",
            "123",
            "a.b-c_d@10.0.0.1",
            "x@host:5061",
            "x@[2001:db8::1]",
            "vc.example.com:5061",
            "[::1]:5061",
            "10.1.2.3##456",
            "a@b;transport=tls",
            " 1@x.example \n",
        ] {
            assert!(Alias::parse(right).is_ok(), "{right}");
        }
        for (wrong, fault) in [
            ("", AliasFault::Empty),
            (" \n", AliasFault::Empty),
            ("a@b\r\nX: y", AliasFault::Character),
            ("a b@c", AliasFault::Character),
            ("<a>@b", AliasFault::Character),
            ("é@b", AliasFault::Character),
            ("a//b", AliasFault::Character),
            ("sip:a@b", AliasFault::Scheme),
            ("a@b@c", AliasFault::At),
            ("@b", AliasFault::At),
            ("a@", AliasFault::At),
            ("a@b..c", AliasFault::Host),
            ("a@-b.c", AliasFault::Host),
            ("a@b:0", AliasFault::Host),
            ("a@b:+80", AliasFault::Host),
            ("a:b@c.example", AliasFault::Scheme),
            ("xmpp:a", AliasFault::Scheme),
            ("::1", AliasFault::Scheme),
            ("a@127.1", AliasFault::Host),
            ("{a}@b.example", AliasFault::Character),
        ] {
            assert_eq!(Alias::parse(wrong), Err(fault), "{wrong:?}");
        }
        assert_eq!(Alias::parse(&"9".repeat(1001)), Err(AliasFault::TooLong));
    }

    #[test]
    fn the_domain_leaves_out_port_and_parameters() {
        for (alias, domain) in
            [("1@VC.example.com:5061;x=y", Some("vc.example.com")), ("1@[::1]:5060", Some("::1")), ("1", None)]
        {
            assert_eq!(Alias::parse(alias).unwrap().domain().as_deref(), domain);
        }
    }
}
