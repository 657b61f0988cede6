//! Texts that look like secrets wherever they stand. In: a text. Out: where they are, and what they look like; never the text.
//! The mask hides them in quoted lines, and a check of the configuration finds them.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

/// What services' secrets look like: a name for people, and the form the service documents (or prints) for it.
const FORMS: [(&str, &str); 13] = [
    ("a private key", r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----"),
    ("a user name and password in a URL", r"[A-Za-z][A-Za-z0-9+.-]*://[^\s/:@{}]+:[^\s/@{}]+@"),
    ("a Google OAuth client secret", r"GOCSPX-[A-Za-z0-9_-]{20,}"),
    ("a Google API key", r"AIza[A-Za-z0-9_-]{35}"),
    ("a Google token", r"(?:ya29\.|1//0)[A-Za-z0-9_-]{20,}"),
    ("the private address of a Google calendar", r"/private-[0-9a-f]{32}/"),
    ("a Microsoft client secret", r"[A-Za-z0-9_~.-]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34}"),
    ("a GitHub token", r"(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{40,})"),
    ("a GitLab token", r"gl(?:pat|dt|rt)-[A-Za-z0-9_-]{20,}"),
    ("an AWS access key", r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    ("a Slack token", r"xox[abeoprs]-[A-Za-z0-9-]{10,}"),
    ("a JSON web token", r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]+"),
    ("a Vault token", r"\bhvs\.[A-Za-z0-9_-]{20,}"),
];

static KNOWN: LazyLock<Regex> = LazyLock::new(|| {
    let forms: Vec<String> = FORMS.iter().map(|(_, form)| format!("({form})")).collect();
    Regex::new(&forms.join("|")).expect("the forms of secrets are regular expressions")
});

/// What every form begins with or holds: a cheap search for these finds the few lines that are worth the forms.
static HINTS: LazyLock<Regex> = LazyLock::new(|| {
    let hints = r"-----BEGIN |://|GOCSPX-|AIza|ya29\.|1//0|/private-|Q~|gh[pousr]_|github_pat_|gl(?:pat|dt|rt)-|AKIA|ASIA|xox|eyJ|hvs\.";
    Regex::new(hints).expect("the hints are a regular expression")
});

/// Every secret of a known form in `text`, in order: the bytes it takes, on one line, and its name for people.
#[must_use]
pub fn known(text: &str) -> Vec<(Range<usize>, &'static str)> {
    let (mut found, mut done) = (vec![], 0);
    for hint in HINTS.find_iter(text) {
        if hint.start() < done {
            continue;
        }
        let start = text[..hint.start()].rfind('\n').map_or(0, |at| at + 1);
        done = text[hint.start()..].find('\n').map_or(text.len(), |at| hint.start() + at);
        found.extend(KNOWN.captures_iter(&text[start..done]).map(|captures| {
            let form = (1..captures.len()).find(|group| captures.get(*group).is_some()).unwrap_or(1);
            let range = captures.get_match().range();
            (range.start + start..range.end + start, FORMS[form - 1].0)
        }));
    }
    found
}

/// Shortest text that is looked at, in characters: passwords that people choose are shorter, generated ones longer.
const RANDOM_MIN: usize = 20;

/// Least entropy of a random text, in bits a character. English words in camel case stay below.
const ENTROPY_MIN: f64 = 3.6;

/// Every text in `text` that looks as if a machine had drawn it: long, of small and capital letters and digits that take turns.
pub fn random_looking(text: &str) -> impl Iterator<Item = Range<usize>> {
    let part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'_' | b'-');
    let mut at = 0;
    std::iter::from_fn(move || {
        let bytes = text.as_bytes();
        while at < bytes.len() {
            let start = at + bytes[at..].iter().position(|byte| part(*byte))?;
            let length = bytes[start..].iter().position(|byte| !part(*byte)).unwrap_or(bytes.len() - start);
            at = start + length;
            if length >= RANDOM_MIN && looks_random(&bytes[start..at]) {
                return Some(start..at);
            }
        }
        None
    })
}

fn looks_random(text: &[u8]) -> bool {
    let class = |byte: u8| match byte {
        b'a'..=b'z' => 0,
        b'A'..=b'Z' => 1,
        b'0'..=b'9' => 2,
        _ => 3,
    };
    let (mut counts, mut seen) = ([0_u32; 256], [false; 4]);
    for byte in text {
        counts[usize::from(*byte)] += 1;
        seen[class(*byte)] = true;
    }
    let turns = text.windows(2).filter(|pair| class(pair[0]) != class(pair[1])).count();
    let length = f64::from(u32::try_from(text.len()).unwrap_or(u32::MAX));
    let entropy: f64 = counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| f64::from(*count) / length)
        .map(|share| -share * share.log2())
        .sum();
    // In random letters and digits about two of three neighbours differ in class; in words joined to names one of six.
    seen[0] && seen[1] && seen[2] && turns * 5 >= text.len() * 2 && entropy >= ENTROPY_MIN
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_known_by_their_form() {
        let parts = [
            ("a private key", "-----BEGIN RSA PRIVATE KEY-----".to_owned()),
            ("a user name and password in a URL", "https://otj:hunter2@proxy.example.com".to_owned()),
            ("a GitHub token", format!("ghp_{}", "aB3".repeat(12))),
            ("a GitLab token", format!("glpat-{}", "aB3".repeat(7))),
            ("a Google OAuth client secret", format!("GOCSPX-{}", "aB3".repeat(8))),
            ("a Microsoft client secret", format!("abc8Q~{}", "aB3".repeat(11))),
            ("a JSON web token", format!("eyJ{0}.eyJ{0}.{0}", "aB3".repeat(5))),
        ];
        for (name, text) in parts {
            let found: Vec<_> = known(&format!("x: {text} y")).into_iter().map(|(_, name)| name).collect();
            assert_eq!(found, [name]);
        }
        for text in ["https://calendar.example.com:8443/x@y", "-----BEGIN CERTIFICATE-----", "sip:1300@vc.example.com"]
        {
            assert_eq!(known(text), [], "{text}");
        }
    }

    #[test]
    fn random_texts_are_told_from_names() {
        for (text, random) in [
            ("x: q7Rk2mZ9xV4pL8wT1bN6 y", true),
            ("Zm9vYmFyMTIzNDU2Nzg5MGFiY2RlZg==", true),
            ("BuildingFourNorthWestWing12", false),
            ("e3b0c44298fc1c149afbf4c8996fb92427ae41e4", false),
            ("3F2504E0-4F89-11D3-9A0C-0305E82C3301", false),
            ("conference-room-oslo-fjord-2nd-floor", false),
            ("Short1aB", false),
        ] {
            assert_eq!(random_looking(text).count() > 0, random, "{text}");
        }
    }
}
