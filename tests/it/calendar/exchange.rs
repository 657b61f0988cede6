//! Exchange, against servers that others wrote, and in virtual time.

mod basic;
mod lockout;
mod ntlm;
mod rig;
