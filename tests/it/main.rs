//! Every integration test, in one binary.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr)]

mod calendar;
mod cisco;
mod configuration;
mod demo;
mod ews;
mod explaining;
mod formats;
mod import;
mod init;
pub(crate) mod node;
mod plan;
mod poly;
mod python;
mod reconciling;
mod rewriters;
mod rules;
mod sandbox;
pub(crate) mod serving;
mod sim;
mod simulated_day;
mod tidy;
mod tokens;
mod webex;
