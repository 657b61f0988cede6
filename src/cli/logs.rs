//! Starts logging. In: the level, the form, where to. Out: lines of the whole process from then on.

use std::fs::File;
use std::io::IsTerminal as _;
use std::sync::Mutex;

use anyhow::Context as _;
use tracing_subscriber::EnvFilter;

use super::LogFormat;

/// The level where none is given.
const DEFAULT: &str = "info";

/// Starts logging to stderr, or to `file`.
///
/// # Errors
/// For a level that is neither a level nor a filter.
pub(super) fn start(level: Option<&str>, format: LogFormat, file: Option<File>) -> anyhow::Result<()> {
    let level = level.unwrap_or(DEFAULT);
    // A bare level is ours; other libraries log at warn at most, and one tells every certificate it does not like at error,
    // which we report ourselves with the object it belongs to.
    let directives = match level {
        "error" | "warn" | "info" | "debug" | "trace" => format!("warn,rustls_platform_verifier=off,otj={level}"),
        filter => filter.to_owned(),
    };
    let filter = EnvFilter::try_new(directives).with_context(|| {
        format!("--log-level {level}: give error, warn, info, debug, trace, or a filter like `otj=debug`")
    })?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_target(false);
    let coloured = file.is_none() && std::io::stderr().is_terminal() && super::lint::colour_wanted();
    let started = match (format, file) {
        (LogFormat::Text, None) => lines.with_ansi(coloured).with_writer(std::io::stderr).try_init(),
        (LogFormat::Text, Some(file)) => lines.with_ansi(false).with_writer(Mutex::new(file)).try_init(),
        (LogFormat::Json, None) => lines.json().flatten_event(true).with_writer(std::io::stderr).try_init(),
        (LogFormat::Json, Some(file)) => lines.json().flatten_event(true).with_writer(Mutex::new(file)).try_init(),
    };
    started.map_err(|error| anyhow::anyhow!("logging cannot be started: {error}"))?;
    // The payload of a panic can hold what people wrote; the place is enough to find the fault.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "A fault of ours stopped a step; please report this line.");
    }));
    Ok(())
}
