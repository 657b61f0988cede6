//! When a room is taken, as a calendar service tells it for many rooms at once, without saying by what. It is a hint: two that
//! differ say that the room is worth reading, two that are alike say nothing about titles and texts.

use std::sync::Arc;

use jiff::Timestamp;

use super::agenda::Window;

/// The spans in which a room is taken, sorted and merged, in seconds since 1970. Eight bytes a span: a large site keeps some
/// millions of them. Cloning shares them.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Busy(Arc<[(u32, u32)]>);

impl Busy {
    /// Of spans in any order, which may overlap. Some services merge those that touch, and some do so only at times, so all are
    /// merged here.
    #[must_use]
    pub fn of(spans: impl IntoIterator<Item = (Timestamp, Timestamp)>) -> Self {
        let spans = spans.into_iter().map(|(start, end)| (seconds(start), seconds(end)));
        let mut spans: Vec<(u32, u32)> = spans.filter(|(start, end)| start < end).collect();
        spans.sort_unstable();
        Self::merged(spans)
    }

    /// Of sorted spans.
    fn merged(spans: Vec<(u32, u32)>) -> Self {
        let mut merged: Vec<(u32, u32)> = Vec::with_capacity(spans.len());
        for (start, end) in spans {
            match merged.last_mut() {
                Some(last) if start <= last.1 => last.1 = last.1.max(end),
                _ => merged.push((start, end)),
            }
        }
        Self(merged.into())
    }

    /// What this one tells until `end`, and `later` from then on.
    #[must_use]
    pub fn until(&self, end: Timestamp, later: &Self) -> Self {
        let sooner = self.within(Window { from: Timestamp::UNIX_EPOCH, to: end });
        let later = later.within(Window { from: end, to: Timestamp::MAX });
        Self::merged(sooner.chain(later).collect())
    }

    /// Whether both tell the same about `window`. Looks at two moments see two windows: what differs beyond the part they share
    /// came or went with the time.
    #[must_use]
    pub fn is_alike(&self, other: &Self, window: Window) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.within(window).eq(other.within(window))
    }

    fn within(&self, window: Window) -> impl Iterator<Item = (u32, u32)> {
        let (from, to) = (seconds(window.from), seconds(window.to));
        self.0.iter().map(move |(start, end)| (*start.max(&from), *end.min(&to))).filter(|(start, end)| start < end)
    }
}

fn seconds(at: Timestamp) -> u32 {
    u32::try_from(at.as_second().max(0)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(minute * 60).unwrap()
    }

    #[test]
    fn what_touches_is_one_span_and_the_order_does_not_matter() {
        let one = Busy::of([(at(30), at(60)), (at(0), at(30)), (at(90), at(90))]);
        assert_eq!(one, Busy::of([(at(0), at(60))]));
    }

    #[test]
    fn a_short_look_leaves_what_was_seen_of_later_days() {
        let (near, far) = (at(100), Busy::of([(at(0), at(10)), (at(90), at(110)), (at(200), at(220))]));
        for (told, expected) in [
            (vec![(at(20), at(30))], vec![(at(20), at(30)), (at(100), at(110)), (at(200), at(220))]),
            (vec![(at(95), at(130))], vec![(at(95), at(110)), (at(200), at(220))]),
            (vec![], vec![(at(100), at(110)), (at(200), at(220))]),
        ] {
            assert_eq!(Busy::of(told).until(near, &far), Busy::of(expected));
        }
    }

    #[test]
    fn only_the_shared_part_of_two_windows_is_compared() {
        let before = Busy::of([(at(0), at(10)), (at(100), at(120))]);
        let after = Busy::of([(at(100), at(120)), (at(200), at(220))]);
        let shared = Window { from: at(10), to: at(200) };
        assert!(before.is_alike(&after, shared));
        assert!(!before.is_alike(&Busy::of([(at(100), at(121))]), shared));
    }
}
