//! Which meeting types can possibly find something in a text: one pass over it for the anchors of all types at once, so that an
//! ordinary mail costs one scan, however many rules a profile has.

use std::sync::LazyLock;

use aho_corasick::automaton::Automaton as _;
use aho_corasick::{Anchored as Begins, MatchKind, dfa};

use super::types;
use crate::model::desired::RuleType;

/// A set of types, one bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Anchored(u32);

/// The anchors of all types, and the type of each.
struct Anchors {
    /// The table itself and not an [`aho_corasick::AhoCorasick`], whose calls for each step cost twice as much.
    automaton: Option<dfa::DFA>,
    types: Vec<Anchored>,
}

static ANCHORS: LazyLock<Anchors> = LazyLock::new(|| {
    let (mut words, mut types) = (vec![], vec![]);
    for rule_type in RuleType::ALL {
        for anchor in types::provider(rule_type).map_or(&[][..], |provider| provider.anchors) {
            words.push(*anchor);
            types.push(Anchored(bit(rule_type)));
        }
    }
    let automaton = dfa::Builder::new().ascii_case_insensitive(true).match_kind(MatchKind::Standard).build(words);
    Anchors { automaton: automaton.ok(), types }
});

fn bit(rule_type: RuleType) -> u32 {
    1 << rule_type as u32
}

impl Anchored {
    /// The types of which an anchor stands in one of `texts`. Without an automaton, which cannot be, all of them.
    pub(super) fn of<'t>(texts: impl Iterator<Item = &'t str>) -> Self {
        let anchors = &*ANCHORS;
        let Some(automaton) = &anchors.automaton else { return Self(u32::MAX) };
        let mut all = 0;
        for text in texts {
            all |= anchored_in(automaton, &anchors.types, text.as_bytes());
        }
        Self(all)
    }

    /// Whether `rule_type` is worth asking.
    pub(super) fn has(self, rule_type: RuleType) -> bool {
        self.0 & bit(rule_type) != 0
    }
}

/// How many parts of a text are searched side by side.
const LANES: usize = 4;

/// The types of which an anchor stands in `text`.
///
/// Each step waits for the table's answer to the one before it, and that waiting is most of a search's time. So the text is
/// searched in overlapping parts of the same length, a step in each part after the other: that takes half the time.
fn anchored_in(automaton: &dfa::DFA, types: &[Anchored], text: &[u8]) -> u32 {
    let Ok(start) = automaton.start_state(Begins::No) else { return u32::MAX };
    let mut all = 0;
    let mut step = |state, byte| {
        let state = automaton.next_state(Begins::No, state, byte);
        // Few states are special, and of those all but the dead one, which such an automaton has not, are matches.
        if automaton.is_special(state) && automaton.is_match(state) {
            let words = (0..automaton.match_len(state)).map(|index| automaton.match_pattern(state, index));
            all = words.fold(all, |all, word| all | types[word.as_usize()].0);
        }
        state
    };
    // An anchor that begins in one part ends in it, or stands whole in the next.
    let overlap = automaton.max_pattern_len();
    let length = text.len().saturating_sub(overlap).div_ceil(LANES) + overlap;
    let parts: [&[u8]; LANES] = std::array::from_fn(|lane| {
        let begin = (lane * (length - overlap)).min(text.len());
        &text[begin..(begin + length).min(text.len())]
    });
    let common = parts.map(<[u8]>::len).into_iter().min().unwrap_or_default();
    let [a, b, c, d] = parts.map(|part| &part[..common]);
    let mut states = [start; LANES];
    for (((a, b), c), d) in a.iter().zip(b).zip(c).zip(d) {
        states = [step(states[0], *a), step(states[1], *b), step(states[2], *c), step(states[3], *d)];
    }
    for (part, state) in parts.into_iter().zip(states) {
        part[common..].iter().fold(state, |state, byte| step(state, *byte));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_worth_asking_where_one_of_its_anchors_stands() {
        let anchored = Anchored::of(["See https://US02web.ZOOM.us/j/1", "x.webex.com"].into_iter());
        assert!(anchored.has(RuleType::Zoom) && anchored.has(RuleType::Webex));
        assert!(!anchored.has(RuleType::BlueJeans) && !Anchored::of(["mail"].into_iter()).has(RuleType::Zoom));
    }

    #[test]
    fn an_anchor_is_found_wherever_it_stands() {
        for rule_type in RuleType::ALL {
            for anchor in types::provider(rule_type).map_or(&[][..], |provider| provider.anchors) {
                for before in 0..160 {
                    let text = format!("{}{anchor}{}", "x".repeat(before), "y".repeat((7 * before) % 90));
                    assert!(Anchored::of([&*text].into_iter()).has(rule_type), "{text}");
                }
            }
        }
    }

    #[test]
    fn an_ordinary_mail_asks_no_type_that_reads_texts() {
        let mails = [
            "Hi all,\nagenda for Tuesday: budget, hiring. Slides: https://files.example.com/s/9f?id=123456789\nDana +47 555 01 000",
            "Lunch <https://maps.example.org/place/42> at 12:30, bring your badge. dana.field@example.com",
            "Reisezeit: https://bahn.example.de/v/88239814437 – Sitzplatz 61",
            "",
        ];
        // Only types that look elsewhere, or for an address of any form, have no anchors.
        let always =
            RuleType::ALL.into_iter().filter_map(types::provider).filter(|each| each.anchors.is_empty()).count();
        assert!(always <= 4, "{always} types are asked about every mail");
        for mail in mails {
            let anchored = Anchored::of([mail].into_iter());
            let asked: Vec<_> = RuleType::ALL.into_iter().filter(|rule_type| anchored.has(*rule_type)).collect();
            assert!(asked.is_empty(), "{asked:?}: {mail}");
        }
    }

    #[test]
    fn anchors_are_written_in_lower_case() {
        for rule_type in RuleType::ALL {
            for anchor in types::provider(rule_type).map_or(&[][..], |provider| provider.anchors) {
                assert_eq!(*anchor, anchor.to_ascii_lowercase(), "{rule_type:?}");
            }
        }
    }
}
