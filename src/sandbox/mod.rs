//! A child process for what people write: templates are tried there, and rules on single events, so that what takes all memory
//! or never ends takes nobody with it.
//!
//! In: templates, or a set of rules with an event. Out: results, or why the child died of them. The child is this very program,
//! started anew with [`VERB`] and an empty environment; it has the address space and the time for each request that [`Limits`] say,
//! or is killed. One child serves many requests; after one that it died of, a new child goes on
//! with the next. Requests and answers are lines of JSON on its stdin and stdout (`wire`); what it prints elsewhere is lost.
//!
//! Memory is limited on Linux alone. Elsewhere the deadline is all there is.

mod child;
mod parent;
mod wire;

use std::time::Duration;

pub use child::{confine, serve};
pub use parent::Sandbox;
pub use wire::Evaluated;

/// The hidden verb that makes the program a child.
pub const VERB: &str = "sandbox-child";

/// What a child may take. The default is what templates are held to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Address space, in bytes.
    pub memory: u64,
    /// Time for one request.
    pub deadline: Duration,
}

impl Default for Limits {
    /// 512 MiB and 2 seconds.
    fn default() -> Self {
        Self { memory: 512 * 1024 * 1024, deadline: Duration::from_secs(2) }
    }
}

/// Why there is no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SandboxError {
    /// No child could be started, which is nobody's fault who wrote a template.
    #[error("no process to try templates in could be started: {0}")]
    NoChild(String),
    /// It was killed after [`Limits::deadline`].
    #[error("it runs for longer than a template may (2 seconds)")]
    Deadline,
    /// It asked for more than [`Limits::memory`], or its stack was used up.
    #[error("it takes more memory than a template may (512 MiB)")]
    Memory,
    /// It ended in another way.
    #[error("it ends the process that runs it")]
    Died,
    /// It used up the work that a template may do.
    #[error("it does too much work (endless loop?)")]
    Work,
    /// So many died before it that it was not tried.
    #[error("it was not tried, since too many others failed")]
    NotTried,
}
