//! From a directory to the wish: `files` reads one consistent snapshot, `yaml` parses it with spans, `schema` and `document`
//! give it types, `checks` judge it, `resolve` follows references and inheritance. Out come [`crate::model::Desired`] and findings.

mod document;
pub mod files;
mod load;
pub mod schema;
pub(crate) mod yaml;

pub use files::{ReadFailure, ReadOptions, SecretOptions, Secrets, Snapshot};
pub use load::{InvitationReader, LoadOptions, Loaded, load};
