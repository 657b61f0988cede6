//! The one door every alias goes through, whichever rule found it: it must be an address, and where the profile lists domains, at
//! one of them.

use std::net::IpAddr;

use super::scan::is_within;
use super::trace::Why;
use crate::model::{Alias, EvaluationSpec, Protocol};

/// What a profile lets rooms dial.
#[derive(Clone, Debug)]
pub(super) struct Permit {
    domains: Option<Vec<String>>,
    numbers: bool,
}

impl Permit {
    pub(super) fn of(spec: &EvaluationSpec) -> Self {
        Self { domains: spec.alias_domains.clone(), numbers: spec.dial_numbers }
    }

    /// The alias that `text` is, and the protocol its scheme or else `protocol` says.
    pub(super) fn admit(&self, text: &str, protocol: Protocol) -> Result<(Alias, Protocol), Why> {
        let (text, scheme) = without_scheme(text.trim());
        let alias = Alias::parse(text).map_err(Why::Refused)?;
        if let Some(domains) = &self.domains {
            self.check_domain(&alias, domains)?;
        }
        Ok((alias, if protocol == Protocol::Auto { scheme } else { protocol }))
    }

    /// | alias | passes |
    /// |---|---|
    /// | at a listed domain or below, at a listed IP address, or that host alone | yes |
    /// | with a telephone number before the `@`, or `;user=phone` | with `dialNumbers: Allow`, there |
    /// | digits alone | with `dialNumbers: Allow` |
    /// | a name alone | no |
    /// | with a parameter that names another host | no |
    fn check_domain(&self, alias: &Alias, domains: &[String]) -> Result<(), Why> {
        // `maddr` is where a SIP request goes, whatever the host is.
        if alias.parameters().any(|parameter| parameter.starts_with("maddr=")) {
            return Err(Why::DomainNotAllowed);
        }
        if !self.numbers && (is_number(alias.user()) || alias.parameters().any(|parameter| parameter == "user=phone")) {
            return Err(Why::NumberNotAllowed);
        }
        let Some(host) = alias.domain().or_else(|| alias.bare_host()) else {
            let digits = alias.user().bytes().all(|byte| byte.is_ascii_digit() || b"+*#.-()".contains(&byte));
            return match (digits, self.numbers) {
                (true, true) => Ok(()),
                (true, false) => Err(Why::NumberNotAllowed),
                (false, _) => Err(Why::DomainNotAllowed),
            };
        };
        let address = |text: &str| text.trim_matches(['[', ']']).parse().ok().map(|ip: IpAddr| ip.to_canonical());
        let allowed = match address(&host) {
            Some(ip) => domains.iter().any(|domain| address(domain) == Some(ip)),
            None => domains.iter().any(|domain| is_within(&host, domain)),
        };
        if allowed { Ok(()) } else { Err(Why::DomainNotAllowed) }
    }
}

/// Whether a gateway would take `user` for a number to call: it begins with `+` or `00`, behind what people write between digits.
fn is_number(user: &str) -> bool {
    let dialled: String = user.chars().filter(|c| !"-.()/!~_".contains(*c)).take(2).collect();
    dialled.starts_with('+') || dialled == "00"
}

/// The text after `sip:`, `sips:` or `h323:`, and the protocol that scheme means.
pub(super) fn without_scheme(text: &str) -> (&str, Protocol) {
    for (scheme, protocol) in [("sip:", Protocol::Sip), ("sips:", Protocol::Sip), ("h323:", Protocol::H323)] {
        if text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)) {
            return (&text[scheme.len()..], protocol);
        }
    }
    (text, Protocol::Auto)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_domains_admits_what_is_at_them_and_nothing_like_it() {
        let listed = |numbers| Permit { domains: Some(vec!["example.com".into(), "10.0.0.1".into()]), numbers };
        for (alias, denied, allowed) in [
            ("1@example.com", true, true),
            ("1@VC.Example.COM:5061;transport=tls", true, true),
            ("1@badexample.com", false, false),
            ("1@example.com.evil.example", false, false),
            ("1@10.0.0.1", true, true),
            ("1@10.0.0.2", false, false),
            ("1@[::1]", false, false),
            ("+4755501000@example.com", false, true),
            ("0047555@example.com", false, true),
            ("1@example.com;user=phone", false, true),
            ("+4755501000@evil.example", false, false),
            ("4711", false, true),
            ("lobby", false, false),
        ] {
            assert_eq!(listed(false).admit(alias, Protocol::Auto).is_ok(), denied, "{alias} Deny");
            assert_eq!(listed(true).admit(alias, Protocol::Auto).is_ok(), allowed, "{alias} Allow");
        }
        let any = Permit { domains: None, numbers: false };
        assert!(any.admit("+47555", Protocol::Auto).is_ok());
        let none = Permit { domains: Some(vec![]), numbers: false };
        assert!(none.admit("1@example.com", Protocol::Auto).is_err());
    }

    #[test]
    fn a_scheme_becomes_the_protocol_unless_the_rule_says_one() {
        let any = Permit { domains: None, numbers: false };
        for (text, rule, protocol) in [
            ("SIP:a@b.example", Protocol::Auto, Protocol::Sip),
            ("h323:4711", Protocol::Auto, Protocol::H323),
            ("sips:a@b.example", Protocol::H323, Protocol::H323),
            ("\n a@b.example \n", Protocol::Auto, Protocol::Auto),
        ] {
            assert_eq!(any.admit(text, rule).unwrap().1, protocol, "{text}");
        }
    }
}
