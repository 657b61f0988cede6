//! Graph's calendars: what the reader makes of a simulated Graph, and of answers that no Graph gives.

mod busy;
mod events;
mod limits;
mod pages;
mod refusals;
mod schemas;
mod site;
