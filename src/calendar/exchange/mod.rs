//! Exchange, read through EWS: room mailboxes by an account that may impersonate them, or by an app that may read all.

pub mod refusal;
pub mod sign_in;
