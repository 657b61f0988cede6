//! Links that mail security rewrote, turned back into the links they stand for.
//!
//! In: text. Out: the text with every known rewriter's link replaced by what it wraps, and a list of what was found for the
//! trace. Hosts are compared exactly or label-wise, only http and https links come out, chains of rewriters are followed
//! `DEPTH_MAX` deep, and a link that cannot be undone stays as it is. The work is linear in the text.
//!
//! A new rewriter is a file with one `fn(&Link) -> Answer` and a line in `REWRITERS` with the domains it is at.

mod barracuda;
mod checkpoint;
mod cisco;
mod google;
pub(crate) mod link;
mod microsoft;
mod mimecast;
pub(crate) mod percent;
mod proofpoint;
mod sophos;
mod symantec;
mod trellix;
mod trendmicro;

use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
pub(crate) use link::Link;

use crate::model::Confidential;

/// Deepest chain of rewriters.
const DEPTH_MAX: usize = 5;

/// Most rewritten links of one text that are undone; the rest stay as they are.
const LINKS_MAX: usize = 10_000;

/// Most bytes of rewritten links of one text that are undone, since each may be decoded [`DEPTH_MAX`] times over; the rest stay.
const BYTES_MAX: usize = 512 * 1024;

/// Most links listed for the trace.
const LISTED_MAX: usize = 100;

/// What a rewriter says about a link.
pub(crate) enum Answer {
    /// Not one of its links.
    NotMine,
    /// It stands for this text, not yet checked.
    For(String),
    /// Its link, but what it stands for is known to the rewriter's server alone.
    Opaque,
    /// Its link, in a form it should not have.
    Broken,
}

/// A rewriter: the last two labels of its hosts, by which most links are known to be nobody's; its name, for the trace; how it
/// reads a link.
type Rewriter = (&'static [&'static str], &'static str, fn(&Link<'_>) -> Answer);

const REWRITERS: &[Rewriter] = &[
    (
        &["outlook.com", "office365.us", "outlook.cn", "office.net", "static.microsoft"],
        "Microsoft Safe Links",
        microsoft::read,
    ),
    (&["urldefense.com", "proofpoint.com", "urldefense.us"], "Proofpoint URL Defense", proofpoint::read),
    (&["mimecast.com", "mimecastprotect.com"], "Mimecast", mimecast::read),
    (&["cudasvc.com"], "Barracuda", barracuda::read),
    (&["cisco.com"], "Cisco Secure Email", cisco::read),
    (&["sophos.com"], "Sophos", sophos::read),
    (&["fireeye.com"], "Trellix", trellix::read),
    (&["google.com"], "Google", google::read),
    (&["symantec.com"], "Symantec", symantec::read),
    (&["trendmicro.com"], "Trend Micro", trendmicro::read),
    (&["checkpoint.com", "avanan.click", "url-protection.com"], "Check Point", checkpoint::read),
];

/// Base64 of the URL alphabet, forgiving about padding and spare bits, as the rewriters' servers are.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// One rewritten link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrapped {
    /// Who rewrote it: of several, the one that cannot be undone, else the outermost.
    pub rewriter: &'static str,
    /// As it stands in the invitation.
    pub link: Confidential,
    /// What came of it.
    pub outcome: Outcome,
    hint: Option<String>,
}

impl Wrapped {
    /// The host that a link only its rewriter can read says it leads to, where it says one.
    #[must_use]
    pub fn hinted_domain(&self) -> Option<String> {
        self.hint.clone()
    }
}

/// What came of a rewritten link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The link it stands for.
    Real(Confidential),
    /// Only the rewriter's server knows: the administrator can exempt the meeting provider's links from rewriting.
    Opaque,
    /// It is not well-formed, or stands for something that is no link.
    Broken,
    /// More than five rewriters, one inside the other.
    TooDeep,
}

/// Replaces every rewritten link in `text`. `None`: there is none.
pub(super) fn unwrap_all(text: &str) -> (Option<String>, Vec<Wrapped>) {
    let mut out = None::<String>;
    let mut listed = vec![];
    let mut copied = 0;
    let mut at = 0;
    let (mut undone, mut bytes) = (0, 0);
    while undone < LINKS_MAX {
        let Some(link) = next_link(text, at) else { break };
        at = link.end;
        let written = &text[link.clone()];
        if bytes + written.len() > BYTES_MAX {
            continue;
        }
        let Some((rewriter, outcome, hint)) = unwrap_one(written) else { continue };
        undone += 1;
        bytes += written.len();
        if let Outcome::Real(real) = &outcome {
            let out = out.get_or_insert_with(|| String::with_capacity(text.len()));
            out.push_str(&text[copied..link.start]);
            out.push_str(real.expose());
            copied = link.end;
        }
        if listed.len() < LISTED_MAX {
            listed.push(Wrapped { rewriter, link: Confidential::new(written), outcome, hint });
        }
    }
    if let Some(out) = &mut out {
        out.push_str(&text[copied..]);
    }
    (out, listed)
}

/// Follows one link through every rewriter: who rewrote it, what came of it, the domain that an opaque one hints at. `None`:
/// nobody rewrote it.
fn unwrap_one(written: &str) -> Option<(&'static str, Outcome, Option<String>)> {
    let (outermost, mut answer) = ask(written)?;
    let (mut current, mut rewriter) = (written.to_owned(), outermost);
    for _ in 0..DEPTH_MAX {
        let Answer::For(text) = answer else { break };
        let Some(next) = plain_link(&text).filter(|next| *next != current) else {
            return Some((rewriter, Outcome::Broken, None));
        };
        let Some((inner, of_next)) = ask(&next) else {
            return Some((outermost, Outcome::Real(Confidential::new(next)), None));
        };
        (current, rewriter, answer) = (next, inner, of_next);
    }
    Some(match answer {
        Answer::Opaque => (rewriter, Outcome::Opaque, hint(&current)),
        Answer::For(_) => (outermost, Outcome::TooDeep, None),
        Answer::Broken | Answer::NotMine => (rewriter, Outcome::Broken, None),
    })
}

/// The domain that Mimecast leaves readable.
fn hint(link: &str) -> Option<String> {
    let domain = Link::parse(link)?.parameter("domain")?.to_ascii_lowercase();
    let label = |label: &str| {
        (1..=63).contains(&label.len()) && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    (domain.len() <= 253 && domain.contains('.') && domain.split('.').all(label)).then_some(domain)
}

/// The first rewriter that knows the link, and what it says.
fn ask(link: &str) -> Option<(&'static str, Answer)> {
    let link = Link::parse(link)?;
    let domain = link.last_two_labels();
    let (_, name, read) =
        REWRITERS.iter().find(|(domains, ..)| domains.iter().any(|each| each.eq_ignore_ascii_case(domain)))?;
    match read(&link) {
        Answer::NotMine => None,
        answer => Some((*name, answer)),
    }
}

/// `text` as a link that stays whole in a text; `None` when it is not http or https, has no host or a user before it, or holds
/// control characters.
fn plain_link(text: &str) -> Option<String> {
    let text = text.trim();
    Link::parse(text).filter(|_| !text.contains(char::is_control))?;
    Some(link::within_text(text))
}

/// `https:/x`, as mail programs and proxies shorten it, made `https://x` again.
fn two_slashes(url: &str) -> String {
    let http = |scheme: &str| scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    match url.split_once(":/") {
        Some((scheme, rest)) if http(scheme) && !rest.starts_with('/') => format!("{scheme}://{rest}"),
        _ => url.to_owned(),
    }
}

/// Where the next http or https link at or after byte `from` lies. It ends where [`link::run`] says, and without closing
/// punctuation unless it stands in angle brackets.
pub(crate) fn next_link(text: &str, from: usize) -> Option<std::ops::Range<usize>> {
    let bytes = text.as_bytes();
    let mut at = from;
    loop {
        let colon = at + memchr::memchr(b':', &bytes[at..])?;
        if !bytes[colon + 1..].starts_with(b"//") {
            at = colon + 1;
            continue;
        }
        let scheme = ["https", "http"].into_iter().find(|name| {
            colon >= from + name.len() && bytes[colon - name.len()..colon].eq_ignore_ascii_case(name.as_bytes())
        });
        let Some(scheme) = scheme else {
            at = colon + 3;
            continue;
        };
        let start = colon - scheme.len();
        let rest = &text[colon + 3..];
        let end = link::run(rest);
        if text[..start].ends_with('<') && rest[end..].starts_with('>') {
            return Some(start..colon + 3 + end);
        }
        let link = rest[..end].trim_end_matches(['.', ',', ';', ')', ']', '\'', '!']);
        return Some(start..colon + 3 + link.len());
    }
}

/// What a Safe Links link stands for, one level; `None` for any other link.
pub(crate) fn safelinks_decode(link: &str) -> Option<String> {
    decode_with(link, microsoft::read)
}

/// What a URL Defense link stands for, one level; `None` for any other link.
pub(crate) fn urldefense_decode(link: &str) -> Option<String> {
    decode_with(link, proofpoint::read)
}

fn decode_with(link: &str, read: fn(&Link<'_>) -> Answer) -> Option<String> {
    match read(&Link::parse(link.trim())?) {
        Answer::For(text) => plain_link(&text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REAL: &str = "https://pexip.me/teams/vc.example.com/1300000001";

    fn real(text: &str) -> String {
        unwrap_all(text).0.unwrap_or_else(|| "–".into())
    }

    #[test]
    fn each_rewriter_gives_the_link_back() {
        for link in [
            "https://eur01.safelinks.protection.outlook.com/?url=https%3A%2F%2Fpexip.me%2Fteams%2Fvc.example.com%2F1300000001&data=05%7C02&reserved=0",
            "https://nam02.safelinks.protection.outlook.com/?data=x&amp;url=https%3A%2F%2Fpexip.me%2Fteams%2Fvc.example.com%2F1300000001",
            "https://usg02.safelinks.protection.office365.us/?url=https%3A%2F%2Fpexip.me%2Fteams%2Fvc.example.com%2F1300000001",
            "https://chn02.safelinks.protection.partner.outlook.cn/?url=https%3A%2F%2Fpexip.me%2Fteams%2Fvc.example.com%2F1300000001",
            "https://statics.teams.cdn.office.net/evergreen-assets/safelinks/1/atp-safelinks.html?url=https%3A%2F%2Fpexip.me%2Fteams%2Fvc.example.com%2F1300000001&locale=en-us",
            "https://urldefense.proofpoint.com/v1/url?u=https%3A%2F%2Fpexip.me%2Fteams%2Fvc.example.com%2F1300000001&k=oIv",
            "https://urldefense.proofpoint.com/v2/url?u=https-3A__pexip.me_teams_vc.example.com_1300000001&d=DwM&c=abc",
            "https://urldefense.com/v3/__https://pexip.me/teams/vc.example.com/1300000001__;!!AbC!sIg$",
            "https://urldefense.us/v3/__https:/pexip.me/teams/vc.example.com/1300000001__;!!AbC!sIg$",
            "https://linkprotect.cudasvc.com/url?a=https%3A%2F%2Fpexip.me%2Fteams%2Fvc.example.com%2F1300000001&c=E,1,x&typo=1",
            "https://secure-web.cisco.com/1z0vU/https%3A%2F%2Fpexip.me%2Fteams%2Fvc.example.com%2F1300000001",
            "https://eu-west-1.protection.sophos.com?d=pexip.me&u=aHR0cHM6Ly9wZXhpcC5tZS90ZWFtcy92Yy5leGFtcGxlLmNvbS8xMzAwMDAwMDAx&i=NjU",
            "https://protect2.fireeye.com/v1/url?k=1-2&q=1&e=3&u=https%3A%2F%2Fpexip.me%2Fteams%2Fvc.example.com%2F1300000001",
            "https://www.google.com/url?q=https%3A%2F%2Fpexip.me%2Fteams%2Fvc.example.com%2F1300000001&sa=D",
            "https://clicktime.symantec.com/15tStd?h=zRU=&u=https%3A%2F%2Fpexip.me%2Fteams%2Fvc.example.com%2F1300000001",
            "https://ddec1-0-en-ctp.trendmicro.com:443/wis/clicktime/v1/query?url=https%3a%2f%2fpexip.me%2fteams%2fvc.example.com%2f1300000001&umid=1",
            "https://protect.checkpoint.com/v2/r02/___https://pexip.me/teams/vc.example.com/1300000001___.YzJl",
            "https://url.avanan.click/v2/___https:/pexip.me/teams/vc.example.com/1300000001___.YzJl",
            "https://protect.checkpoint.com/v2/___https%3A//pexip.me/teams/vc.example.com/1300000001___.YzJl",
            "https://protect.checkpoint.com/v2/r05/___https%3A%2F%2Fpexip.me%2Fteams%2Fvc.example.com%2F1300000001___",
            "https://checkpoint.url-protection.com/v1/url?o=https%3A//pexip.me/teams/vc.example.com/1300000001&amp;g=NWQ=&amp;h=MTM=&amp;p=YzJl",
            "https://avanan.url-protection.com/v1/r01/url?o=https%3A//pexip.me/teams/vc.example.com/1300000001&g=1",
            "https://safelinks.protection.outlook.com/ap/t-59584e83/?url=https%3A%2F%2Fpexip.me%2Fteams%2Fvc.example.com%2F1300000001&amp;amp;data=1",
            "https://urldefense.proofpoint.com/v1/url?k=1&amp;u=https://pexip.me/teams/vc.example.com/1300000001&amp;k=2",
            "https://urldefense.proofpoint.com/v2/url?u=https-3A__pexip.me_teams_vc.example.com_1300000001&amp;d=DwM&amp;c=abc",
            "https://urldefense.com/v3/__https:/pexip.me/teams/vc.example.com/1300000001__;!!AbC!s__;Ig$",
            "https://secure-web.cisco.com/1z0vU/https://pexip.me/teams/vc.example.com/1300000001",
            "http://secure-web.cisco.com/1z0vU/https:/pexip.me/teams/vc.example.com/1300000001",
            "https://us-west-2.protection.sophos.com/?d=pexip.me&u=aHR0cHM6Ly9wZXhpcC5tZS90ZWFtcy92Yy5leGFtcGxlLmNvbS8xMzAwMDAwMDAx%3D%3D&i=1",
            "https://protect2.fireeye.com/url?k=1-2&u=https://pexip.me/teams/vc.example.com/1300000001",
            "https://www.google.com/url?sa=t&q=meeting&url=https://pexip.me/teams/vc.example.com/1300000001&usg=1",
            "https://clicktime.symantec.com/a/1/Abc=?d=xyz&u=https%3A%2F%2Fpexip.me%2Fteams%2Fvc.example.com%2F1300000001",
        ] {
            assert_eq!(real(&format!("info<{link}>.")), format!("info<{REAL}>."), "{link}");
        }
    }

    #[test]
    fn proofpoints_replaced_characters_come_back_in_order_and_in_runs() {
        assert_eq!(
            real(
                "https://urldefense.com/v3/__https://teams.microsoft.com/l/meetup-join/19*3ameeting_AbC*40thread.v2/0?context=*7b*22Tid*22*7d__;JSUlJSUl!!AbCdEfG!sIg$"
            ),
            "https://teams.microsoft.com/l/meetup-join/19%3ameeting_AbC%40thread.v2/0?context=%7b%22Tid%22%7d"
        );
        // `**A` stands for two characters, here é and è.
        assert_eq!(
            real("https://urldefense.com/v3/__https://x.example/**A/*__;w6nDqCU!!a!b$"),
            "https://x.example/éè/%"
        );
        // More places than characters.
        assert_eq!(real("https://urldefense.com/v3/__https://x.example/*__;!!a!b$"), "–");
    }

    #[test]
    fn strangers_hosts_and_other_schemes_are_left_alone() {
        for text in [
            "https://safelinks.protection.outlook.com.evil.example/?url=https%3A%2F%2Fpexip.me",
            "https://evilsafelinks.protection.outlook.com/?url=https%3A%2F%2Fpexip.me",
            "https://x.safelinks.protection.outlook.com@evil.example/?url=https%3A%2F%2Fpexip.me",
            "https://nam.safelinks.protection.outlook.com/?url=javascript%3Aalert(1)",
            "https://nam.safelinks.protection.outlook.com/?url=https%3A%2F%2Fa%0d%0ab",
            "https://nam.safelinks.protection.outlook.com/?data=1",
            "https://www.google.com/search?q=https%3A%2F%2Fpexip.me",
            "https://secure-web.cisco.com/1z0v_U78rf",
            "https://nam.safelinks.protection.outlook.com/?url=https%3A%2F%2Fuser:pass%40zoom.us%2Fj%2F1",
            "https://www.google.com/url?q=https%3A%2F%2Fuser%40zoom.us%2Fj%2F1",
            "https://www.google.com/url?q=https%3A%2F%2F",
            "https://www.google.com/url?q=//zoom.us/j/1",
            "https://a.b-ctp.trendmicro.com/wis/clicktime/v1/query?url=https%3A%2F%2Fpexip.me",
            "https://eu-west-1.protection.sophos.com?d=pexip.me&u=%%%",
            "https://urldefense.com/v3/__https://x.example/**",
            "https://urldefense.com/v3/__https://x.example/**é__;w6nDqCU!!a!b$",
            "https://protect.checkpoint.com/v2/___",
            "ftp://www.google.com/url?q=https%3A%2F%2Fpexip.me",
            "://://http://",
            "",
        ] {
            assert_eq!(real(text), "–", "{text}");
        }
    }

    #[test]
    fn opaque_and_endless_links_say_so() {
        let mut deep = REAL.to_owned();
        for _ in 0..7 {
            deep = format!("https://www.google.com/url?q={}", percent::encode(&deep));
        }
        let own =
            "https://nam11.safelinks.protection.outlook.com/?url=https://nam11.safelinks.protection.outlook.com/?url=x";
        for (text, outcome) in [
            ("https://protect-eu.mimecast.com/s/abc?domain=pexip.me", Outcome::Opaque),
            ("https://url.uk.m.mimecastprotect.com/s/abc", Outcome::Opaque),
            ("https://secure-web.cisco.com/1z0v_U78rf", Outcome::Opaque),
            ("https://secure-web.cisco.com/1z0v_U78rf/", Outcome::Opaque),
            ("https://clicktime.symantec.com/a/1/Abc=?d=xyz", Outcome::Opaque),
            ("https://www.google.com/url?q=mailto:a%40x.example", Outcome::Broken),
            (&*deep, Outcome::TooDeep),
            (own, Outcome::Broken),
        ] {
            assert_eq!(unwrap_all(text).1[0].outcome, outcome, "{text}");
        }
        assert_eq!(real(own), "–");
    }

    #[test]
    fn of_nested_rewriters_the_one_that_keeps_the_link_is_named_with_what_it_hints_at() {
        let mimecast = "https://protect-de.mimecast.com/s/abc?domain=PEXIP.me";
        let text = format!("https://www.google.com/url?q={}", percent::encode(mimecast));
        let wrapped = &unwrap_all(&text).1[0];
        assert_eq!((wrapped.rewriter, wrapped.hinted_domain()), ("Mimecast", Some("pexip.me".into())));
        for hinted in ["https://protect-de.mimecast.com/s/abc?domain=a%20b", "https://protect-de.mimecast.com/s/abc"] {
            assert_eq!(unwrap_all(hinted).1[0].hinted_domain(), None);
        }
    }

    #[test]
    fn one_level_is_decoded_for_templates_and_nothing_else() {
        let safe = format!("https://eur01.safelinks.protection.outlook.com/?url={}", percent::encode(REAL));
        let defended = format!("https://urldefense.com/v3/__{safe}__;!!a!b$");
        for (link, safelinks, urldefense) in [
            (&*format!(" {safe}\n"), Some(REAL), None),
            // The third generation decodes what it did not take out itself.
            (&defended, None, Some(&*percent::decode(&safe))),
            (REAL, None, None),
            ("Join <https://pexip.me>", None, None),
            ("https://eur01.safelinks.protection.outlook.com/?url=%", None, None),
            ("https://eur01.safelinks.protection.outlook.com/?url=ftp%3A%2F%2Fx.example", None, None),
            ("https://urldefense.com/v3/__https://x.example/*__;!!a!b$", None, None),
            ("https://urldefense.proofpoint.com/v2/url?d=1", None, None),
            ("", None, None),
        ] {
            assert_eq!(safelinks_decode(link).as_deref(), safelinks, "{link}");
            assert_eq!(urldefense_decode(link).as_deref(), urldefense, "{link}");
        }
    }

    #[test]
    fn links_end_where_people_end_them() {
        for (text, expected) in [
            ("See https://x.example/a.", "https://x.example/a"),
            ("<https://x.example/a_(b)>", "https://x.example/a_(b)"),
            ("(https://x.example/a)", "https://x.example/a"),
            ("（https://x.example/a）。", "https://x.example/a"),
            ("会議：https://x.example/a、次", "https://x.example/a"),
            ("«https://x.example/a»", "https://x.example/a"),
            ("https://x.example/é/ü?ö", "https://x.example/é/ü?ö"),
            ("href=\"https://x.example/a\"", "https://x.example/a"),
        ] {
            assert_eq!(next_link(text, 0).map(|link| &text[link]), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_a_link_stands_for_stays_one_link_in_the_text() {
        let written = "https://x.example/a b?c={\"d\":<e>}\u{3000}\u{202e}。";
        let text = format!("<https://www.google.com/url?q={}>", percent::encode(written));
        let expected = "<https://x.example/a%20b?c={%22d%22:%3Ce%3E}%E3%80%80%E2%80%AE%E3%80%82>";
        assert_eq!(real(&text), expected);
    }

    #[test]
    fn rewritten_links_longer_than_any_invitation_stay_as_they_are() {
        let long =
            format!("https://www.google.com/url?q=https%3A%2F%2Fx.example%2F{}", "%25252F".repeat(BYTES_MAX / 7));
        let short = "https://www.google.com/url?q=https%3A%2F%2Fx.example%2F1";
        assert_eq!(real(&format!("{long} {short}")), format!("{long} https://x.example/1"));
    }

    #[test]
    fn five_rewriters_deep_is_still_found() {
        let mut deep = REAL.to_owned();
        for _ in 0..5 {
            deep = format!("https://www.google.com/url?q={}", percent::encode(&deep));
        }
        assert_eq!(real(&deep), REAL);
    }
}
