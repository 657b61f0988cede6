//! The simulated Exchange, asked with the requests of the product's own wire format and with those of another program.

mod exchangelib;
mod limits;
mod reading;
mod rig;
mod schemas;
mod servers;
mod sign_in;
mod streaming;
mod windows;
