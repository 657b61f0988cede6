//! HTTP authentication, both sides. Pure: headers in, headers or verdicts out.

pub mod basic;
pub mod digest;
pub mod ntlm;
