//! An event's text as rules see it.

pub mod wrapped;
