//! `otj import`: other systems' configuration into a directory. Prints what it adds and changes; exits 0 (done), 1 (with findings: errors
//! keep everything from being written, the rest is listed) or 2 (could not run).

mod csv;
mod directory;
mod landing;
mod pexip;
mod secret_file;

use std::process::ExitCode;

use clap::{Subcommand, ValueEnum};

pub(super) use directory::Target;
pub(super) use secret_file::{refuse_in_git, write_private};

/// Imports endpoints from the guide's CSV, or everything from Pexip Infinity.
#[derive(clap::Args, Debug)]
pub(super) struct Import {
    #[command(subcommand)]
    from: From,
}

#[derive(Subcommand, Debug)]
enum From {
    Csv(csv::Csv),
    Pexip(pexip::Pexip),
}

/// The form of what is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    Text,
    Json,
}

pub(super) fn run(verb: &Import) -> anyhow::Result<ExitCode> {
    match &verb.from {
        From::Csv(verb) => csv::run(verb),
        From::Pexip(verb) => pexip::run(verb),
    }
}

/// Random bytes from the TLS provider.
fn random() -> impl Fn(&mut [u8]) {
    let source = ring::rand::SystemRandom::new();
    move |bytes: &mut [u8]| ring::rand::SecureRandom::fill(&source, bytes).expect("the system has random bytes")
}
