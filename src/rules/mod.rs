//! Turns calendar events into addresses to dial. Pure: no clock, no I/O, no state between events.

pub mod pattern;
pub mod template;

pub use pattern::check as check_regex;
pub use template::check as check_template;
