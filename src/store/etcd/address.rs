//! Where an etcd is: `etcd://HOST:PORT,HOST:PORT/PREFIX` from a flag.

use std::fmt;
use std::sync::Arc;

use crate::http::{Trust, Url};
use crate::model::Secret;

/// Where etcd listens unless an address says otherwise.
const PORT: u16 = 2379;

/// Where the records stand unless the flag says otherwise.
const PREFIX: &str = "otj";

/// An etcd, and how to sign in to it.
#[derive(Clone, Debug)]
pub struct EtcdOptions {
    /// Its members' client URLs, at least one.
    pub endpoints: Vec<Url>,
    /// All keys begin with this and a slash.
    pub prefix: String,
    /// Whose certificates are good, and which one is shown.
    pub trust: Trust,
    /// User and password.
    pub user: Option<(String, Secret)>,
}

/// What a `--store` cannot be.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "--store takes an address like etcd://etcd1.example.com:2379,etcd2.example.com:2379/otj (etcd+http:// without TLS): {0}"
)]
pub struct NoEtcdAddress(Arc<str>);

impl EtcdOptions {
    /// From the flag. Without user; the system's roots.
    ///
    /// # Errors
    /// When it is no such address.
    pub fn parse(text: &str) -> Result<Self, NoEtcdAddress> {
        let wrong = |why: fmt::Arguments<'_>| NoEtcdAddress(why.to_string().into());
        let (scheme, rest) = match (text.strip_prefix("etcd://"), text.strip_prefix("etcd+http://")) {
            (Some(rest), _) => ("https", rest),
            (_, Some(rest)) => ("http", rest),
            _ => return Err(wrong(format_args!("it begins with something else"))),
        };
        let (hosts, prefix) = rest.split_once('/').unwrap_or((rest, PREFIX));
        let prefix = prefix.trim_matches('/');
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
        if !prefix.chars().all(plain) {
            return Err(wrong(format_args!("a prefix is of letters, digits, `-`, `_`, `.` and `/`")));
        }
        let mut endpoints = Vec::new();
        for host in hosts.split(',').map(str::trim) {
            let url = Url::parse(&format!("{scheme}://{host}/")).ok().filter(|url| {
                url.has_host() && url.username().is_empty() && url.password().is_none() && url.query().is_none()
            });
            let mut url = url.ok_or_else(|| wrong(format_args!("`{}` is no host and port", host.escape_debug())))?;
            if host.rsplit_once(':').is_none_or(|(_, port)| port.is_empty() || port.ends_with(']')) {
                let _ = url.set_port(Some(PORT));
            }
            endpoints.push(url);
        }
        let prefix = if prefix.is_empty() { PREFIX } else { prefix }.to_owned();
        Ok(Self { endpoints, prefix, trust: Trust::system(), user: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_members_and_prefix() {
        let show = |text: &str| match EtcdOptions::parse(text) {
            Ok(options) => {
                let hosts: Vec<&str> = options.endpoints.iter().map(Url::as_str).collect();
                format!("{} {}", hosts.join(","), options.prefix)
            }
            Err(error) => error.0.to_string(),
        };
        for (text, shown) in [
            ("etcd://a:2379,b:2380/otj/north/", "https://a:2379/,https://b:2380/ otj/north"),
            ("etcd+http://127.0.0.1:2379", "http://127.0.0.1:2379/ otj"),
            ("etcd://[::1]/x", "https://[::1]:2379/ x"),
            ("etcd+http://a:80", "http://a/ otj"),
            ("etcd://a,b", "https://a:2379/,https://b:2379/ otj"),
            ("sled:data", "it begins with something else"),
            ("etcd://", "`` is no host and port"),
            ("etcd://u:p@a:1/x", "`u:p@a:1` is no host and port"),
            ("etcd://a/x y", "a prefix is of letters, digits, `-`, `_`, `.` and `/`"),
        ] {
            assert_eq!(show(text), shown, "{text}");
        }
    }
}
