//! The loop: what is wished against what is known, as steps.

pub mod board;
