//! What a file's change looks like, line by line, in the form of `diff -u`. In: two texts. Out: a text, with secrets masked.

use std::fmt::Write as _;

use crate::diagnostic::mask::Masked;

/// Lines shown around a change.
const CONTEXT: usize = 3;

/// Most work spent on finding the shortest difference; beyond it all that differs is shown as replaced.
const STEPS_MAX: usize = 4000;

/// The difference between two texts; empty when there is none.
#[must_use]
pub fn unified(path: &str, before: Option<&str>, after: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (before.unwrap_or_default().lines().collect(), after.lines().collect());
    if before == Some(after) {
        return String::new();
    }
    let script = script(&old, &new);
    let (masked_old, masked_new) = (Masked::new(before.unwrap_or_default()), Masked::new(after));
    let mut out = match before {
        Some(_) => format!("--- {path}\n+++ {path}\n"),
        None => format!("--- /dev/null\n+++ {path}\n"),
    };
    for hunk in hunks(&script) {
        let count = |skip: Line| hunk.iter().filter(|(line, ..)| *line != skip).count();
        let start = |at: usize, count: usize| if count == 0 { at } else { at + 1 };
        let (old_count, new_count) = (count(Line::Added), count(Line::Removed));
        let Some((_, old_at, new_at)) = hunk.first() else { continue };
        let (old_at, new_at) = (start(*old_at, old_count), start(*new_at, new_count));
        let _ = writeln!(out, "@@ -{old_at},{old_count} +{new_at},{new_count} @@");
        for (line, old_at, new_at) in hunk {
            let _ = match line {
                Line::Same => writeln!(out, " {}", masked_new.line(new_at + 1, &[]).0),
                Line::Removed => writeln!(out, "-{}", masked_old.line(old_at + 1, &[]).0),
                Line::Added => writeln!(out, "+{}", masked_new.line(new_at + 1, &[]).0),
            };
        }
    }
    out
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Line {
    Same,
    Removed,
    Added,
}

/// A line with its indexes in both texts.
type Step = (Line, usize, usize);

fn script(old: &[&str], new: &[&str]) -> Vec<Step> {
    let head = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let tail = old[head..].iter().rev().zip(new[head..].iter().rev()).take_while(|(a, b)| a == b).count();
    let mut steps: Vec<Step> = (0..head).map(|at| (Line::Same, at, at)).collect();
    let (inner_old, inner_new) = (&old[head..old.len() - tail], &new[head..new.len() - tail]);
    let inner = shortest(inner_old, inner_new).unwrap_or_else(|| {
        let removed = (0..inner_old.len()).map(|at| (Line::Removed, at, 0));
        removed.chain((0..inner_new.len()).map(|at| (Line::Added, inner_old.len(), at))).collect()
    });
    steps.extend(inner.into_iter().map(|(line, a, b)| (line, a + head, b + head)));
    let (from_old, from_new) = (old.len() - tail, new.len() - tail);
    steps.extend((0..tail).map(|at| (Line::Same, from_old + at, from_new + at)));
    steps
}

/// Myers' greedy algorithm: for each number of changes, how far each diagonal reaches.
fn shortest(old: &[&str], new: &[&str]) -> Option<Vec<Step>> {
    let (n, m) = (old.len(), new.len());
    let offset = STEPS_MAX.min(n + m) + 1;
    let mut reach = vec![0usize; 2 * offset + 1];
    let mut history: Vec<Vec<usize>> = vec![];
    for d in 0..offset {
        history.push(reach[offset - d.min(offset)..=offset + d].to_vec());
        for k in (offset - d..=offset + d).step_by(2) {
            let down = k == offset - d || (k != offset + d && reach[k - 1] < reach[k + 1]);
            let mut x = if down { reach[k + 1] } else { reach[k - 1] + 1 };
            while x < n && x + offset >= k && x + offset - k < m && old[x] == new[x + offset - k] {
                x += 1;
            }
            reach[k] = x;
            if x >= n && x + offset >= k + m {
                return Some(walk_back(&history, (n, m), offset));
            }
        }
    }
    None
}

fn walk_back(history: &[Vec<usize>], (n, m): (usize, usize), offset: usize) -> Vec<Step> {
    let (mut x, mut y, mut steps) = (n, m, vec![]);
    for (d, reach) in history.iter().enumerate().rev() {
        let at = |k: usize| reach.get((k + d).wrapping_sub(offset)).copied().unwrap_or(0);
        let k = x + offset - y;
        if d == 0 {
            while x > 0 && y > 0 {
                (x, y) = (x - 1, y - 1);
                steps.push((Line::Same, x, y));
            }
            break;
        }
        let down = k == offset - d || (k != offset + d && at(k - 1) < at(k + 1));
        let before_k = if down { k + 1 } else { k - 1 };
        let before_x = at(before_k);
        let before_y = before_x + offset - before_k;
        while x > before_x && y > before_y && (x, y) != (before_x, before_y) && x > 0 && y > 0 {
            if down && x == before_x || !down && y == before_y {
                break;
            }
            (x, y) = (x - 1, y - 1);
            steps.push((Line::Same, x, y));
        }
        if down {
            y = before_y;
            steps.push((Line::Added, x, y));
        } else {
            x = before_x;
            steps.push((Line::Removed, x, y));
        }
    }
    steps.reverse();
    steps
}

/// Changes with the lines around them; hunks that touch are one.
fn hunks(script: &[Step]) -> Vec<&[Step]> {
    let mut ranges: Vec<(usize, usize)> = vec![];
    for (index, _) in script.iter().enumerate().filter(|(_, (line, ..))| *line != Line::Same) {
        let (from, to) = (index.saturating_sub(CONTEXT), (index + CONTEXT + 1).min(script.len()));
        match ranges.last_mut() {
            Some(last) if from <= last.1 => last.1 = to,
            _ => ranges.push((from, to)),
        }
    }
    ranges.into_iter().map(|(from, to)| &script[from..to]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_reads_like_that_of_diff() {
        let before = "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n";
        let after = "a\nB\nc\nd\ne\nf\ng\nh\ni\nj\nk\npassword: hunter2\n";
        assert_eq!(
            unified("x.yaml", Some(before), after),
            "--- x.yaml\n+++ x.yaml\n@@ -1,5 +1,5 @@\n a\n-b\n+B\n c\n d\n e\n@@ -8,3 +8,5 @@\n h\n i\n j\n+k\n+password: ••••\n"
        );
        assert_eq!(unified("x", None, "a\n"), "--- /dev/null\n+++ x\n@@ -0,0 +1,1 @@\n+a\n");
        assert_eq!(unified("x", Some("a\n"), "a\n"), "");
    }

    #[test]
    fn applying_the_script_gives_the_new_text() {
        let words = ["a", "b", "c"];
        let mut seed = 7u32;
        let mut random = |below: u32| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 16) % below
        };
        for _ in 0..3000 {
            let mut text = || (0..random(9)).map(|_| words[random(3) as usize]).collect::<Vec<_>>();
            let (old, new) = (text(), text());
            let script = script(&old, &new);
            let result: Vec<&str> = script.iter().filter(|it| it.0 != Line::Removed).map(|it| new[it.2]).collect();
            let source: Vec<&str> = script.iter().filter(|it| it.0 != Line::Added).map(|it| old[it.1]).collect();
            assert_eq!((source, result), (old.clone(), new.clone()));
            assert!(script.iter().filter(|it| it.0 == Line::Same).all(|it| old[it.1] == new[it.2]));
        }
    }
}
