//! The client side of authentication: what a server offers in, an `Authorization` header out.

use ring::rand::{SecureRandom as _, SystemRandom};

use super::{Algorithm, Answer, hex, parameters, response};

/// The best scheme a server offers that we speak.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Offer {
    /// Digest, with what is needed to answer.
    Digest(Challenge),
    /// Basic.
    Basic,
}

/// A Digest challenge.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Challenge {
    algorithm: Algorithm,
    /// As the server wrote it, to be sent back.
    algorithm_name: Option<String>,
    realm: String,
    nonce: String,
    opaque: Option<String>,
    qop_auth: bool,
    /// The nonce of the answer before was too old; the password was right.
    pub stale: bool,
}

/// The best of everything in `WWW-Authenticate`, which may come as several lines and with several challenges a line:
/// Digest before Basic, SHA-256 before MD5.
#[must_use]
pub fn best_offer<'a>(lines: impl IntoIterator<Item = &'a str>) -> Option<Offer> {
    let offers = lines.into_iter().flat_map(challenges).filter_map(|(scheme, rest)| {
        if scheme.eq_ignore_ascii_case("digest") {
            Challenge::parse(rest).map(Offer::Digest)
        } else {
            scheme.eq_ignore_ascii_case("basic").then_some(Offer::Basic)
        }
    });
    let strength = |offer: &Offer| match offer {
        Offer::Basic => 0,
        Offer::Digest(challenge) => match challenge.algorithm {
            Algorithm::Md5 | Algorithm::Md5Sess => 1,
            Algorithm::Sha256 | Algorithm::Sha256Sess => 2,
        },
    };
    // The first of equals, as the server prefers.
    offers.reduce(|best, offer| if strength(&offer) > strength(&best) { offer } else { best })
}

impl Challenge {
    /// From what follows the scheme; `None` when it asks for something we do not speak.
    fn parse(text: &str) -> Option<Self> {
        let mut given = parameters(text);
        let algorithm_name = given.remove("algorithm");
        let qop = given.remove("qop");
        let qop_auth = qop.as_deref().map(|qop| qop.split(',').any(|one| one.trim().eq_ignore_ascii_case("auth")));
        if qop_auth == Some(false) {
            return None;
        }
        Some(Self {
            algorithm: Algorithm::parse(algorithm_name.as_deref())?,
            algorithm_name,
            realm: given.remove("realm")?,
            nonce: given.remove("nonce")?,
            opaque: given.remove("opaque"),
            qop_auth: qop_auth.is_some(),
            stale: given.remove("stale").is_some_and(|stale| stale.eq_ignore_ascii_case("true")),
        })
    }
}

/// A challenge being answered again and again: the same nonce, each answer with the next count, so that only the first request
/// costs an extra one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Session {
    challenge: Challenge,
    answers: u32,
}

impl Session {
    /// Nothing answered yet.
    #[must_use]
    pub fn new(challenge: Challenge) -> Self {
        Self { challenge, answers: 0 }
    }

    /// The `Authorization` header for the next request. `uri` is its path and query as sent.
    pub fn authorize(&mut self, username: &str, password: &str, method: &str, uri: &str) -> String {
        let mut bytes = [0; 16];
        SystemRandom::new().fill(&mut bytes).expect("the system has random bytes");
        self.answer(username, password, method, uri, &hex(&bytes))
    }

    fn answer(&mut self, username: &str, password: &str, method: &str, uri: &str, cnonce: &str) -> String {
        self.answers = self.answers.wrapping_add(1);
        let nc = format!("{:08x}", self.answers);
        let challenge = &self.challenge;
        let answer = Answer {
            algorithm: challenge.algorithm,
            username,
            realm: &challenge.realm,
            nonce: &challenge.nonce,
            method,
            uri,
            qop_auth: challenge.qop_auth.then_some((nc.as_str(), cnonce)),
            cnonce,
        };
        let mut header = format!(
            "Digest username=\"{}\", realm=\"{}\", nonce=\"{}\", uri=\"{}\", response=\"{}\"",
            quoted(username),
            quoted(&challenge.realm),
            quoted(&challenge.nonce),
            quoted(uri),
            response(&answer, password),
        );
        if let Some(name) = &challenge.algorithm_name {
            header += &format!(", algorithm={name}");
        }
        if challenge.qop_auth {
            header += &format!(", qop=auth, nc={nc}, cnonce=\"{cnonce}\"");
        } else if challenge.algorithm.is_session() {
            header += &format!(", cnonce=\"{cnonce}\"");
        }
        if let Some(opaque) = &challenge.opaque {
            header += &format!(", opaque=\"{}\"", quoted(opaque));
        }
        header
    }
}

fn quoted(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

/// The challenges of one line: scheme, and what follows it. A new one begins where a part between commas has a blank before its
/// first `=`, or none at all.
fn challenges(line: &str) -> Vec<(&str, &str)> {
    let mut found: Vec<(usize, usize)> = Vec::new();
    for (start, part) in parts(line) {
        let name = part.split('=').next().unwrap_or(part);
        let scheme = name.split_whitespace().next().unwrap_or_default();
        if !scheme.is_empty() && (!part.contains('=') || name.trim().contains(char::is_whitespace)) {
            let at = start + (part.len() - part.trim_start().len());
            found.push((at, at + scheme.len()));
        }
    }
    let ends = found.iter().skip(1).map(|(start, _)| *start).chain([line.len()]).collect::<Vec<_>>();
    found.iter().zip(ends).map(|(&(start, after), end)| (&line[start..after], line[after..end].trim())).collect()
}

/// The parts between commas that are not in quotes, with their places.
fn parts(line: &str) -> Vec<(usize, &str)> {
    let (mut found, mut start, mut quoted, mut escaped) = (Vec::new(), 0, false, false);
    for (at, c) in line.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ',' if !quoted => {
                found.push((start, &line[start..at]));
                start = at + 1;
            }
            _ => {}
        }
    }
    found.push((start, &line[start..]));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strongest_challenge_wins_however_the_lines_are_cut() {
        let md5 = r#"Digest realm="a, b=\" Basic", nonce="1", qop="auth,auth-int", algorithm=MD5"#;
        let sha = r#"Digest realm="a", nonce="2", qop="auth", algorithm=SHA-256, stale=TRUE"#;
        let both = format!("Basic realm=\"x\", {md5}, {sha}");
        let name = |lines: &[&str]| match best_offer(lines.iter().copied()) {
            None => "none".to_owned(),
            Some(Offer::Basic) => "basic".to_owned(),
            Some(Offer::Digest(it)) => format!("{:?} {} {} {}", it.algorithm, it.realm, it.nonce, it.stale),
        };
        for (lines, expected) in [
            (vec!["Basic realm=\"x\"", md5], "Md5 a, b=\" Basic 1 false"),
            (vec![md5, "NTLM", sha], "Sha256 a 2 true"),
            (vec![&both], "Sha256 a 2 true"),
            (vec!["Negotiate, NTLM, Basic realm=\"x\", charset=\"UTF-8\""], "basic"),
            (vec!["Basic"], "basic"),
            (vec!["Digest realm=\"a\", nonce=\"1\", algorithm=SHA-512-256, Basic realm=\"x\""], "basic"),
            (vec!["Digest realm=\"a\", nonce=\"1\", qop=\"auth-int\""], "none"),
            (vec!["Digest realm=\"a\""], "none"),
            (vec!["", ",,", "Bearer", "=", "\"\""], "none"),
        ] {
            assert_eq!(name(&lines), expected, "{lines:?}");
        }
    }

    #[test]
    fn each_answer_has_the_next_count_and_what_the_server_asked_for() {
        let challenge = |text: &str| match best_offer([text]) {
            Some(Offer::Digest(challenge)) => Session::new(challenge),
            other => panic!("{other:?}"),
        };
        // RFC 7616, 3.9.1.
        let mut session = challenge(
            r#"Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=SHA-256, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS""#,
        );
        let cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
        let first = session.answer("Mufasa", "Circle of Life", "GET", "/dir/index.html", cnonce);
        assert!(
            first.contains(r#"response="753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1""#),
            "{first}"
        );
        assert!(
            first.contains(r#"algorithm=SHA-256, qop=auth, nc=00000001, "#) && first.contains(r#"opaque="FQhe"#),
            "{first}"
        );
        assert!(session.authorize("Mufasa", "x", "GET", "/").contains("nc=00000002"));
        let old = challenge(r#"Digest realm="r", nonce="n""#).authorize("a\"b", "p", "GET", "/");
        assert!(old.contains(r#"username="a\"b""#) && !old.contains("qop") && !old.contains("algorithm"), "{old}");
    }
}
