//! The simulated services themselves: what they answer, and that others than our own clients understand it.

mod exchange;
