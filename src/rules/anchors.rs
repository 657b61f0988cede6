//! Which meeting types can possibly find something in a text: one pass over it for the anchors of all types at once, so that an
//! ordinary mail costs one scan, however many rules a profile has.
//!
//! Every anchor has three bytes in a row that ordinary words have not: those up to its first mark (`om.` of `zoom.us`). A table for
//! each of the three tells the anchors that have a byte there, one bit each; what all three tables agree on is compared whole. No
//! step waits for the one before it, which makes this several times as fast as an automaton.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::types;
use crate::model::desired::RuleType;

/// A set of types, one bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Anchored(u32);

/// How many bytes of an anchor are looked at first.
const WINDOW: usize = 3;

/// The anchors of all types.
struct Anchors {
    words: Vec<Word>,
    /// By byte: the words that have it at each place of their window. Words share bits if there are more of them than bits.
    tables: [[u64; 256]; WINDOW],
}

struct Word {
    text: &'static [u8],
    /// Where its window begins.
    window: usize,
    /// Whose anchor it is.
    types: u32,
}

static ANCHORS: LazyLock<Anchors> = LazyLock::new(|| {
    let mut types = BTreeMap::<&str, u32>::new();
    for rule_type in RuleType::ALL {
        for anchor in types::provider(rule_type).map_or(&[][..], |provider| provider.anchors) {
            *types.entry(anchor).or_default() |= bit(rule_type);
        }
    }
    let word = |(anchor, types): (&'static str, u32)| {
        let text = anchor.as_bytes();
        let mark = text.iter().skip(WINDOW - 1).position(|byte| !byte.is_ascii_alphanumeric());
        Word { text, window: mark.unwrap_or(0), types }
    };
    let words: Vec<Word> = types.into_iter().map(word).collect();
    let mut tables = [[0; 256]; WINDOW];
    for (index, word) in words.iter().enumerate() {
        for (table, byte) in tables.iter_mut().zip(&word.text[word.window..]) {
            for byte in [byte.to_ascii_lowercase(), byte.to_ascii_uppercase()] {
                table[usize::from(byte)] |= 1 << (index % BITS);
            }
        }
    }
    Anchors { words, tables }
});

const BITS: usize = u64::BITS as usize;

fn bit(rule_type: RuleType) -> u32 {
    1 << rule_type as u32
}

impl Anchored {
    /// The types of which an anchor stands in one of `texts`.
    pub(super) fn of<'t>(texts: impl Iterator<Item = &'t str>) -> Self {
        Self(texts.fold(0, |all, text| all | ANCHORS.types_in(text.as_bytes())))
    }

    /// Whether `rule_type` is worth asking.
    pub(super) fn has(self, rule_type: RuleType) -> bool {
        self.0 & bit(rule_type) != 0
    }
}

impl Anchors {
    fn types_in(&self, text: &[u8]) -> u32 {
        let [first, second, third] = &self.tables;
        let mut all = 0;
        for (at, window) in text.array_windows::<WINDOW>().enumerate() {
            let [a, b, c] = window.map(usize::from);
            let mut could = first[a] & second[b] & third[c];
            while could != 0 {
                let bit = could.trailing_zeros() as usize;
                could &= could - 1;
                for word in self.words.iter().skip(bit).step_by(BITS) {
                    let stands = at.checked_sub(word.window).and_then(|begin| text.get(begin..begin + word.text.len()));
                    if stands.is_some_and(|found| found.eq_ignore_ascii_case(word.text)) {
                        all |= word.types;
                    }
                }
            }
        }
        all
    }
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
