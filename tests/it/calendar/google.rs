//! Google's calendars: what the reader makes of a simulated Google, and of answers that no Google gives.

mod busy;
mod events;
mod honesty;
mod refusals;
mod site;
mod windows;
