//! What the codes of findings mean: one page a code, kept beside the check that finds it. In: a code. Out: its page.
//! A code, once given, never changes its meaning.
//!
//! A page is Markdown for `otj lint --explain`, for editors and for whoever browses the source: a title (`# OTJ102: a reference
//! leads nowhere`), a line with its [`Effect`], what it means, `## Why it matters`, `## What to do`, `## Wrong` and `## Right`. The
//! examples are tests: `# <-- here` marks the line of the finding.

use std::fmt::Write as _;
use std::sync::LazyLock;

use super::{Diagnostic, Severity, did_you_mean};

/// What a finding of a code does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effect {
    /// An error that keeps the directory from being adopted. It cannot be ignored.
    StopsLoading,
    /// An error that fails `otj lint`; a running node goes on.
    FailsLint,
    /// A warning that fails `otj lint --strict`.
    Warns,
    /// A warning that fails nothing.
    Tells,
}

impl Effect {
    /// How pages begin the line that says so.
    const WORDS: [(&str, Self); 4] = [
        ("Error: the directory is not loaded.", Self::StopsLoading),
        ("Error of policy: `otj lint` fails, a running node goes on.", Self::FailsLint),
        ("Warning: `otj lint --strict` fails.", Self::Warns),
        ("Warning: nothing fails, not even `otj lint --strict`.", Self::Tells),
    ];

    /// Whether `finding` has this effect.
    #[must_use]
    pub fn is_of(self, finding: &Diagnostic) -> bool {
        match self {
            Self::StopsLoading => finding.stops_loading(),
            Self::FailsLint => finding.severity == Severity::Error && !finding.stops_loading(),
            Self::Warns | Self::Tells => finding.severity == Severity::Warning,
        }
    }
}

/// The page of a code.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Page {
    /// `OTJ102`.
    pub code: &'static str,
    /// A few words, without full stop.
    pub title: &'static str,
    /// What a finding does.
    pub effect: Effect,
    /// Whether `# otj-ignore: CODE reason` silences it.
    pub ignorable: bool,
    /// What it means, one paragraph.
    pub meaning: &'static str,
    /// All of it, Markdown.
    pub text: &'static str,
}

macro_rules! pages {
    ($($name:literal)+) => {
        &[$(include_str!(concat!("../config/checks/", $name, ".md"))),+]
    };
}

/// In the order of their codes.
const TEXTS: &[&str] = pages! {
    "reading/file_cannot_be_read"
    "reading/file_is_not_utf8"
    "reading/too_much_to_read"
    "reading/not_yaml"
    "reading/document_grows_without_bound"
    "reading/key_stands_twice"
    "reading/not_a_document"
    "reading/unknown_api_version"
    "reading/unknown_kind"
    "reading/empty_directory"
    "reading/link_leads_outside"
    "reading/git_is_at_work"
    "reading/table_cannot_be_read"
    "reading/first_line_of_a_table"
    "reading/row_not_understood"
    "not_a_name"
    "reference_leads_nowhere"
    "name_given_twice"
    "resolving/login_is_shared"
    "resolving/device_is_shared"
    "ambiguous_reference"
    "reserved_name"
    "former_name_in_use"
    "reading/unknown_field"
    "reading/wrong_type"
    "reading/field_is_missing"
    "reading/not_one_of_the_values"
    "reading/out_of_bounds"
    "exactly_one_of_several"
    "half_of_two"
    "malformed_value"
    "not_a_room_email"
    "resolving/no_credentials"
    "resolving/template_fails"
    "resolving/named_file_cannot_be_used"
    "resolving/rooms_are_not_told_apart"
    "autodiscover_url_without_svc"
    "ntlm_user_name"
    "redirect_uri"
    "room_described_twice"
    "priority_used_twice"
    "field_of_type_missing"
    "field_without_use"
    "not_a_regular_expression"
    "not_a_template"
    "resolving/test_case_cannot_run"
    "replacement_names_no_group"
    "unknown_variable"
    "type_integration_cannot_carry"
    "pattern_that_backtracks"
    "template_takes_too_much"
    "secret_in_the_directory"
    "not_a_secret_reference"
    "resolving/secret_is_missing"
    "resolving/password_is_short"
    "resolving/password_is_shared"
    "secret_in_plain_text"
    "random_looking_text"
    "key_is_no_key"
    "group_without_profile"
    "endpoint_without_profile"
    "integration_nobody_uses"
    "very_many_days"
    "resolving/endpoints_disagree_about_their_room"
    "profile_that_finds_nothing"
    "unreachable_rule"
    "shadowed_rule"
    "generic_rule_before_specific"
    "ews_with_office365"
    "room_in_two_profiles"
    "group_nobody_uses"
    "rule_set_nobody_uses"
    "location_nobody_uses"
    "url_without_tls"
    "profile_nobody_uses"
    "room_nobody_uses"
    "port_of_the_other_protocol"
    "alias_cannot_leave"
    "ignore_without_reason"
    "ignore_of_unknown_code"
    "ignore_of_nothing"
    "ignore_of_an_error"
    "field_not_in_effect"
    "resolving/file_type_not_in_effect"
};

static PAGES: LazyLock<Vec<Page>> = LazyLock::new(|| TEXTS.iter().map(|text| page(text)).collect());

fn page(text: &'static str) -> Page {
    let (head, rest) = text.split_once("\n\n").unwrap_or((text, ""));
    let (code, title) = head.trim_start_matches("# ").split_once(": ").unwrap_or((head, ""));
    let (line, rest) = rest.split_once("\n\n").unwrap_or((rest, ""));
    let effect = Effect::WORDS.iter().find(|(words, _)| line.starts_with(words));
    Page {
        code,
        title,
        effect: effect.map_or(Effect::StopsLoading, |(_, effect)| *effect),
        ignorable: line.contains("May be ignored inline."),
        meaning: rest.split("\n\n").next().unwrap_or_default(),
        text,
    }
}

/// Every page, in the order of the codes.
#[must_use]
pub fn all() -> &'static [Page] {
    &PAGES
}

/// The page of `code`; upper and lower case are the same.
#[must_use]
pub fn find(code: &str) -> Option<&'static Page> {
    PAGES.iter().find(|page| page.code.eq_ignore_ascii_case(code.trim()))
}

/// The code that was probably meant.
#[must_use]
pub fn nearest(code: &str) -> Option<&'static str> {
    let word = code.trim().to_uppercase();
    let digits: String = word.chars().filter(char::is_ascii_digit).collect();
    let by_number = find(&format!("OTJ{digits:0>3}")).map(|page| page.code);
    by_number.or_else(|| did_you_mean(&word, PAGES.iter().map(|page| page.code)))
}

/// Title and meaning of `code`.
#[must_use]
pub fn explain(code: &str) -> Option<(&'static str, &'static str)> {
    find(code).map(|page| (page.title, page.meaning))
}

impl Page {
    /// For a terminal: headings as words, examples indented, lines no longer than 100 columns.
    #[must_use]
    pub fn plain(&self) -> String {
        let mut out = String::new();
        let mut fenced = false;
        for line in self.text.lines() {
            if line.starts_with("```") {
                fenced = !fenced;
            } else if fenced {
                let _ = writeln!(out, "    {line}");
            } else if let Some(heading) = line.strip_prefix("## ") {
                let _ = writeln!(out, "{}", heading.to_uppercase());
            } else {
                wrap(line.strip_prefix("# ").unwrap_or(line), &mut out);
            }
        }
        out
    }
}

/// Widest line of prose on a terminal.
const WIDTH: usize = 100;

fn wrap(line: &str, out: &mut String) {
    let mut column = 0;
    for word in line.split(' ') {
        let width = word.chars().count();
        if column > 0 && column + 1 + width > WIDTH {
            out.push('\n');
            column = 0;
        } else if column > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += width;
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_is_whole_and_they_stand_in_order() {
        assert!(all().windows(2).all(|pair| pair[0].code < pair[1].code));
        for page in all() {
            let number = page.code.strip_prefix("OTJ").unwrap();
            assert!(number.len() == 3 && number.chars().all(|c| c.is_ascii_digit()), "{}", page.code);
            let begins = Effect::WORDS.iter().any(|(words, _)| page.text.lines().nth(2).unwrap().starts_with(words));
            assert!(begins, "{}: the third line says what a finding does", page.code);
            for part in ["\n## Why it matters\n", "\n## What to do\n", "\n## Wrong\n", "\n## Right\n"] {
                assert_eq!(page.text.matches(part).count(), 1, "{}: {part}", page.code);
            }
            assert!(!page.title.is_empty() && !page.title.ends_with('.') && !page.meaning.is_empty(), "{}", page.code);
            assert!(!(page.ignorable && page.effect == Effect::StopsLoading), "{}", page.code);
            assert_eq!(page.effect == Effect::Tells, page.code.starts_with("OTJ9"), "{}", page.code);
        }
    }

    #[test]
    fn codes_are_found_as_people_write_them() {
        assert_eq!(find("otj102").map(|page| page.title), Some("a reference leads nowhere"));
        assert_eq!(find("OTJ000"), None);
        assert!(explain("OTJ102").is_some_and(|(_, text)| text.starts_with("The named object")));
        for (written, meant) in [
            ("102", Some("OTJ102")),
            ("OJT102", Some("OTJ102")),
            ("otj1", Some("OTJ001")),
            ("E501", Some("OTJ501")),
            ("pass", None),
        ] {
            assert_eq!(nearest(written), meant, "{written}");
        }
    }

    #[test]
    fn a_page_reads_well_on_a_terminal() {
        let text = find("OTJ102").unwrap().plain();
        assert!(
            text.starts_with("OTJ102: a reference leads nowhere\n\nError: the directory is not loaded.\n"),
            "{text}"
        );
        assert!(text.contains("\nWRONG\n\n    apiVersion: otj/v1\n") && !text.contains("```"), "{text}");
        assert!(all().iter().all(|page| {
            page.plain().lines().filter(|line| !line.starts_with("    ")).all(|line| line.chars().count() <= WIDTH)
        }));
    }
}
