//! Microsoft Teams meetings: what Exchange keeps of them, what a guest may dial, and the block below the join link that says how
//! video devices join, by interop provider.

mod block;
mod bluejeans;
mod cisco;
mod guest;
mod join;
mod pexip;
mod poly;
mod properties;

pub(super) use bluejeans::BLUEJEANS;
pub(super) use cisco::CISCO;
pub(super) use guest::SIP_GUEST;
pub(super) use pexip::{PEXIP_INFINITY, PEXIP_SERVICE};
pub(super) use poly::POLY;
pub(super) use properties::PROPERTIES;
