//! From other systems' configuration to documents, and back. In: texts and answers. Out: drafts of documents, the new texts of
//! files, and what could not be carried. Nothing here touches a disk; `cli` reads and writes.
//!
//! ```text
//!  guide's CSV ──► endpoints ─┐
//!                             ├─► Draft ─► merge (existing texts) ─► new texts, changes, diff
//!  management API ──► pexip ──┘
//!  documents ──► endpoints ──► guide's CSV
//! ```

pub mod csv;
pub mod diff;
mod draft;
mod edit;
pub mod endpoints;
mod existing;
mod fault;
mod layout;
mod merge;
mod order;
pub mod pexip;
pub mod secrets;
pub mod text;

pub use draft::Draft;
pub use existing::{ConfigFile, Existing, Standing, Unreadable};
pub use fault::{Fault, has_errors};
pub use merge::{Action, Change, FieldChange, FileChange, Merge, merge};
