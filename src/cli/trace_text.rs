//! A trace for people, as `otj match` and `otj test` print it. What strangers wrote is shown on one line, shortened, and with
//! everything that could move a terminal's cursor or turn its text around shown as numbers.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr as _;

use crate::invitation::{BODY_MAX, Cut, Outcome, Wrapped};
use crate::rules::{Place, Trace, Tried, Why};

/// Longest text from outside that is shown, in characters.
const SHOWN_MAX: usize = 200;

/// Most rules that were not tried that are named.
const NAMED_MAX: usize = 4;

/// The trace, each line after `indent`.
pub(super) fn trace_text(trace: &Trace, indent: &str) -> String {
    let mut out = String::new();
    let names: Vec<(String, String)> = trace.tried().map(named).collect();
    let width = |texts: &mut dyn Iterator<Item = &String>| texts.map(|text| text.width()).max().unwrap_or(0);
    let (first, second) = (width(&mut names.iter().map(|(a, _)| a)), width(&mut names.iter().map(|(_, b)| b)));
    for (tried, (name, rule_type)) in trace.tried().zip(&names) {
        let _ = writeln!(out, "{indent}{}  {}  {}", padded(name, first), padded(rule_type, second), said(tried));
        let found = tried.found.filter(|found| *tried.why != Why::Matched && !found.variables.is_empty());
        if let Some(found) = found {
            let pairs = found.variables.iter().map(|(name, value)| format!("{} = {}", visible(name), short(value)));
            let pairs = pairs.collect::<Vec<_>>().join(", ");
            let _ = writeln!(out, "{indent}{}  it found {pairs}", " ".repeat(first + 2 + second));
        }
    }
    let names: Vec<_> = trace.not_tried().take(NAMED_MAX).map(|name| visible(name.as_str())).collect();
    if !names.is_empty() {
        let more = trace.not_tried().skip(NAMED_MAX).count();
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let _ = writeln!(out, "{indent}not tried, since the first match counts: {}{more}", names.join(", "));
    }
    for link in &trace.links {
        let _ = writeln!(out, "{indent}{}", link_text(link));
    }
    match trace.cut {
        None => {}
        Some(Cut::Bytes) => {
            let _ = writeln!(out, "{indent}the body is longer than {} MiB: its end was not looked at", BODY_MAX >> 20);
        }
        Some(Cut::Tags) => {
            let _ =
                writeln!(out, "{indent}the body has more than {} tags: its end was not looked at", Cut::Tags.after());
        }
    }
    out
}

/// What one rule made of the event, on one line, with where it looked.
pub(super) fn said(tried: Tried<'_>) -> String {
    let mut places: Vec<&str> = tried.looked_at().iter().map(|place| part_of_event(*place)).collect();
    places.dedup();
    let places = if places.is_empty() { String::new() } else { format!(" [{}]", places.join(", ")) };
    format!("{}{places}", short(&tried.detail()))
}

/// Texts are looked at as written and with links put back; here that is one place.
fn part_of_event(place: Place) -> &'static str {
    match place {
        Place::Body | Place::UnwrappedBody => "body",
        Place::Location | Place::UnwrappedLocation => "location",
        Place::ConferenceData => "conference data",
        Place::Properties => "properties",
        Place::CalendarEvent => "calendar_event",
    }
}

fn named(tried: Tried<'_>) -> (String, String) {
    match tried.rule {
        Some(rule) => (visible(rule.name.as_str()), format!("{:?}", rule.rule_type)),
        None => ("fallback".into(), "sip:, sips:, h323:".into()),
    }
}

fn link_text(link: &Wrapped) -> String {
    let result = match &link.outcome {
        Outcome::Real(real) => format!("stands for {}", short(real.expose())),
        Outcome::Opaque => {
            let exempt = link.hinted_domain().unwrap_or_else(|| "the meeting provider's links".into());
            format!("can be read by {} alone: exempt {} from rewriting there", link.rewriter, visible(&exempt))
        }
        Outcome::Broken => "is not well-formed".into(),
        Outcome::TooDeep => "is rewritten more than five times".into(),
    };
    format!("{} link {} {result}", link.rewriter, short(link.link.expose()))
}

/// `text` with spaces up to `width` columns; letters of Chinese, Japanese and Korean take two.
pub(super) fn padded(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(text.width())))
}

/// Text from outside, shortened.
pub(super) fn short(text: &str) -> String {
    match text.char_indices().nth(SHOWN_MAX) {
        Some((end, _)) => format!("{}…", visible(&text[..end])),
        None => visible(text),
    }
}

/// Text from outside on a terminal: one line, control and direction characters shown as their numbers.
pub(super) fn visible(text: &str) -> String {
    text.chars().flat_map(|c| if hidden(c) { c.escape_unicode().collect::<Vec<_>>() } else { vec![c] }).collect()
}

/// Whether a character is not itself visible, or changes how others are shown.
fn hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_outside_cannot_move_a_terminal() {
        for (text, shown) in [
            ("a\x1b[2Jb", "a\\u{1b}[2Jb"),
            ("a\r\nb", "a\\u{d}\\u{a}b"),
            ("\u{202e}evil\u{2066}\u{2028}", "\\u{202e}evil\\u{2066}\\u{2028}"),
            ("zo\u{ad}om\u{feff}", "zo\\u{ad}om\\u{feff}"),
            ("会議 é", "会議 é"),
        ] {
            assert_eq!(visible(text), shown);
        }
        assert_eq!(short(&"é".repeat(500)).chars().count(), SHOWN_MAX + 1);
    }

    #[test]
    fn wide_letters_take_two_columns() {
        assert_eq!(padded("会議", 6), "会議  ");
        assert_eq!(padded("zoom", 2), "zoom");
    }
}
