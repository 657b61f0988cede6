//! Exchange, against servers that others wrote, and in virtual time.

mod basic;
mod busy;
mod discovery;
mod failing;
mod listening;
mod lockout;
mod ntlm;
mod peer;
mod reading;
mod rig;
