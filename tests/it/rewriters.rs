//! Mail security's rewriters, the other way round: for each an encoder, written from its public description, and the property
//! that what goes in comes out, whatever the link, however nested, in text and in HTML. The cases are the same on each run.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use otj::invitation::{self, InvitationText, Outcome};
use otj::model::{Body, Confidential};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// A rewriter's name, and how it writes a link.
type Encoder = (&'static str, fn(&str) -> String);

const ENCODERS: [Encoder; 20] = [
    ("Safe Links", |link| {
        format!("https://eur01.safelinks.protection.outlook.com/?url={}&data=05%7C02%7Ca&reserved=0", percent(link))
    }),
    ("Safe Links, data first", |link| {
        format!("https://nam11.safelinks.protection.outlook.com/?data=05%7C02%7Ca&url={}", percent(link))
    }),
    ("Safe Links, GCC High", |link| {
        format!("https://usg02.safelinks.protection.office365.us/?url={}&sdata=a%3D&reserved=0", percent(link))
    }),
    ("Safe Links, China", |link| {
        format!("https://chn02.safelinks.protection.partner.outlook.cn/?url={}&reserved=0", percent(link))
    }),
    ("Safe Links, Teams", |link| {
        format!(
            "https://statics.teams.cdn.office.net/evergreen-assets/safelinks/2/atp-safelinks.html?url={}&locale=de-de",
            percent(link)
        )
    }),
    ("Proofpoint v1", |link| {
        format!("https://urldefense.proofpoint.com/v1/url?u={}&k=oIvR%3D%3D%0A&r=r1", percent(&escaped(link)))
    }),
    ("Proofpoint v2", |link| {
        let coded = percent_but(&escaped(link), b"/.").replace('%', "-").replace('/', "_");
        format!("https://urldefense.proofpoint.com/v2/url?u={coded}&d=DwMFaQ&c=abc&r=r0&e=")
    }),
    ("Proofpoint v3", |link| proofpoint_3("urldefense.com", link)),
    ("Proofpoint v3, US", |link| proofpoint_3("urldefense.us", link)),
    ("Barracuda", |link| format!("https://linkprotect.cudasvc.com/url?a={}&c=E,1,x&typo=1", percent(link))),
    ("Cisco", |link| format!("https://secure-web.cisco.com/1z0vU_78-rf/{}", percent(link))),
    ("Sophos, standard alphabet", |link| {
        format!("https://eu-west-1.protection.sophos.com?d=x.example&u={}&i=NjU0", percent(&STANDARD.encode(link)))
    }),
    ("Sophos, URL alphabet", |link| {
        format!("https://us-west-2.protection.sophos.com/?d=x.example&u={}&i=NjU0", URL_SAFE_NO_PAD.encode(link))
    }),
    ("Trellix", |link| format!("https://protect2.fireeye.com/v1/url?k=1-2-3&q=1&e=4&u={}", percent(link))),
    ("Google", |link| format!("https://www.google.com/url?q={}&sa=D&source=calendar&usg=AOv", percent(link))),
    ("Symantec", |link| format!("https://clicktime.symantec.com/15tStd?h=zRU=&u={}", percent(link))),
    ("Trend Micro", |link| {
        let coded = percent_but(link, b"._").to_lowercase_escapes();
        format!("https://ddec1-0-en-ctp.trendmicro.com:443/wis/clicktime/v1/query?url={coded}&umid=1&auth=2")
    }),
    ("Check Point v1", |link| {
        format!("https://checkpoint.url-protection.com/v1/url?o={}&g=NWQ=&h=MTM=", percent_but(link, b"-._~/"))
    }),
    ("Check Point v2", |link| format!("https://protect.checkpoint.com/v2/r02/___{}___.YzJlOmFjbWU", as_browsers(link))),
    ("Avanan", |link| {
        format!("https://url.avanan.click/v2/___{}___.YzJlOmFjbWU", as_browsers(link).replacen("://", ":/", 1))
    }),
];

fn percent(text: &str) -> String {
    percent_but(text, b"-._~")
}

fn percent_but(text: &str, kept: &[u8]) -> String {
    let one = |byte: u8| match byte {
        _ if byte.is_ascii_alphanumeric() || kept.contains(&byte) => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(one).collect()
}

trait LowercaseEscapes {
    /// `%2F` as `%2f`.
    fn to_lowercase_escapes(&self) -> String;
}

impl LowercaseEscapes for String {
    fn to_lowercase_escapes(&self) -> String {
        let mut parts = self.split('%');
        let first = parts.next().unwrap_or_default().to_owned();
        parts.fold(first, |all, part| all + "%" + &part[..2].to_lowercase() + &part[2..])
    }
}

/// As in an attribute of HTML.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// The link as a browser writes it, which is how it must come out to stay one link in a text.
fn as_browsers(link: &str) -> String {
    link.replace(' ', "%20").replace('<', "%3C").replace('>', "%3E").replace('"', "%22")
}

/// What is no plain character of a link is taken out, a run of two and more of them under one mark.
fn proofpoint_3(host: &str, link: &str) -> String {
    const RUNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let plain = |c: &char| c.is_ascii_alphanumeric() || "/:?&=.-_~,".contains(*c);
    let (mut out, mut taken) = (String::new(), String::new());
    let characters: Vec<char> = link.chars().collect();
    let mut at = 0;
    while at < characters.len() {
        let run = characters[at..].iter().take_while(|c| !plain(c)).count().min(65);
        match run {
            0 => out.push(characters[at]),
            1 => out.push('*'),
            _ => out.extend(['*', '*', char::from(RUNS[run - 2])]),
        }
        taken.extend(&characters[at..at + run]);
        at += run.max(1);
    }
    format!("https://{host}/v3/__{out}__;{}!!AbCdEfG!sIgNaTuRe$", URL_SAFE_NO_PAD.encode(taken))
}

fn text(text: String) -> InvitationText {
    invitation::text(&Body::Text(Confidential::new(text)))
}

fn html(html: String) -> InvitationText {
    invitation::text(&Body::Html(Confidential::new(html)))
}

/// Any http or https link, of any printable characters after its host.
fn link() -> impl Strategy<Value = String> {
    let ascii = (b' '..=b'~').prop_map(char::from);
    let marks = select("%*_-&=#+/?.:;@!$'()[]~\\".chars().collect::<Vec<_>>());
    let other = select("éßøñЖ会議한😀".chars().collect::<Vec<_>>());
    let character = prop_oneof![4 => ascii, 3 => marks, 1 => other];
    let host = select(vec!["pexip.me", "x.example", "acme.zoom.us", "vc.example.com:8443", "198.51.100.7"]);
    (select(vec!["https", "http"]), host, vec(character, 0..60)).prop_map(|(scheme, host, rest)| {
        let rest: String = rest.into_iter().collect();
        format!("{scheme}://{host}/{}", rest.trim())
    })
}

fn runner(cases: u32) -> TestRunner {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
}

#[test]
fn every_rewriter_gives_back_the_link_it_was_given() {
    for (name, encode) in ENCODERS {
        let given_back = runner(24).run(&link(), |link| {
            let (wrapped, real) = (encode(&link), as_browsers(&link));
            let plain = text(format!("More info<{wrapped}>\nbye"));
            prop_assert_eq!(plain.unwrapped(), format!("More info<{}>\nbye", real));
            let marked = html(format!("<p>Join <a href=\"{}\">here</a> now</p>", escaped(&wrapped)));
            prop_assert_eq!(marked.unwrapped(), format!("Join here <{}> now", real));
            // Without brackets, a sentence's full stop would not be the link's.
            if wrapped.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '$') {
                prop_assert_eq!(text(format!("a {wrapped} b")).into_unwrapped(), format!("a {real} b"));
            }
            Ok(())
        });
        given_back.unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

#[test]
fn rewriters_one_inside_the_other_are_undone_up_to_five() {
    let nested = (link(), vec(any::<Index>(), 1..=6));
    runner(120)
        .run(&nested, |(link, order)| {
            let wrapped = order.iter().fold(link.clone(), |link, index| (index.get(&ENCODERS).1)(&link));
            let found = text(format!("More info<{wrapped}>"));
            if order.len() > 5 {
                prop_assert_eq!(&found.wrapped[0].outcome, &Outcome::TooDeep);
                prop_assert_eq!(found.unwrapped(), &*found.text);
            } else {
                prop_assert_eq!(found.unwrapped(), format!("More info<{}>", as_browsers(&link)));
            }
            Ok(())
        })
        .unwrap();
}

#[test]
fn whatever_a_rewritten_link_holds_only_links_come_out() {
    let noise = prop_oneof![any::<char>(), select("%*_-&=/:;!.\u{7f}\n\r\0<>\"".chars().collect::<Vec<_>>())];
    let part = prop_oneof![
        vec(noise, 0..12).prop_map(|noise| noise.into_iter().collect()),
        select(vec!["https://", "http://", "http%3A//x", "javascript:", "u=", "&k=", "__;", "___", "%0d%0a", "%00"])
            .prop_map(String::from),
    ];
    let damaged = (any::<Index>(), link(), vec(part, 0..6), any::<Index>());
    runner(600)
        .run(&damaged, |(encoder, link, parts, place)| {
            let mut wrapped = (encoder.get(&ENCODERS).1)(&link);
            let place = wrapped.floor_char_boundary(8 + place.index(wrapped.len()));
            wrapped.insert_str(place, &parts.concat());
            for found in [text(wrapped.clone()), html(format!("<a href=\"{wrapped}\">x</a>"))] {
                for each in &found.wrapped {
                    if let Outcome::Real(real) = &each.outcome {
                        let real = real.expose();
                        prop_assert!(real.starts_with("http://") || real.starts_with("https://") || is_http(real));
                        prop_assert!(!real.chars().any(char::is_control) && !real.contains([' ', '<', '>', '"']));
                    }
                }
            }
            Ok(())
        })
        .unwrap();
}

/// `HTTP://` and the like.
fn is_http(link: &str) -> bool {
    let lower = link.to_ascii_lowercase();
    lower.starts_with("http://") || lower.starts_with("https://")
}

#[test]
fn any_text_and_any_html_is_read_without_a_fault() {
    let pieces = [
        "<",
        ">",
        "<a href=\"",
        "<a href=",
        "\"",
        "'",
        "</a>",
        "<!--",
        "-->",
        "<![if x]>",
        "<style>",
        "</style>",
        "<td>",
        "<br>",
        "<pre>",
        "</pre>",
        "&",
        "&amp;",
        "&#8203;",
        "&#x110000;",
        "=",
        "=3D",
        "=\n",
        "=C3=A9",
        "=E2",
        "=20",
        "\r",
        "\n",
        "\u{a0}",
        "\u{202e}",
        "é",
        "😀",
        "\0",
        " ",
        "https://x.example/a",
        "<https://",
        "//",
        "…",
        "...",
        "https://urldefense.com/v3/__",
        "__;",
        "!",
        "https://www.google.com/url?q=",
        "%",
        "x",
    ];
    runner(600)
        .run(&vec(select(pieces.to_vec()), 0..40), |soup| {
            let soup = soup.concat();
            for read in [text(soup.clone()), html(soup.clone()), invitation::line(&soup)] {
                let left = read.text.contains(['\r', '\u{a0}', '\u{202e}']);
                prop_assert!(!left && read.cut.is_none(), "{:?}", read.text);
            }
            Ok(())
        })
        .unwrap();
}
