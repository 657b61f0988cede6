//! From a directory to the wish: `files` reads one consistent snapshot, `yaml` parses it with spans, `schema` and `document`
//! give it types, `checks` judge it, `resolve` follows references and inheritance. Out come [`crate::model::Desired`] and findings.

mod checks;
mod directory;
mod document;
pub mod files;
mod load;
mod names;
mod resolve;
mod rule_tests;
pub mod schema;
mod service_events;
mod table;
pub mod watch;
mod written;
pub(crate) mod yaml;

pub use files::{LastValues, ReadFailure, ReadOptions, SecretOptions, Secrets, Snapshot, SourceFile};
pub use load::{InvitationReader, LoadOptions, Loaded, TemplateTrial, load};
pub use rule_tests::{Invitation, event_from_json};
pub use watch::Watch;
pub use written::{Field, Written, written};
