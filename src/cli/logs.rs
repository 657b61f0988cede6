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
    let filter = EnvFilter::try_new(level).with_context(|| {
        format!("--log-level {level}: give error, warn, info, debug, trace, or a filter like `otj=debug`")
    })?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter);
    let coloured = file.is_none() && std::io::stderr().is_terminal() && super::lint::colour_wanted();
    let started = match (format, file) {
        (LogFormat::Text, None) => lines.with_ansi(coloured).with_writer(std::io::stderr).try_init(),
        (LogFormat::Text, Some(file)) => lines.with_ansi(false).with_writer(Mutex::new(file)).try_init(),
        (LogFormat::Json, None) => lines.json().with_writer(std::io::stderr).try_init(),
        (LogFormat::Json, Some(file)) => lines.json().with_writer(Mutex::new(file)).try_init(),
    };
    started.map_err(|error| anyhow::anyhow!("logging cannot be started: {error}"))
}
