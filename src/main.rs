//! Parses the arguments, starts logging, maps the result to an exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    otj::cli::main()
}
