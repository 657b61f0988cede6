//! Exchange Web Services as it stands on the wire: SOAP requests in, typed operations out; typed answers in, SOAP out. Pure.
//!
//! Clients of fifteen years differ in prefixes, default namespaces, envelope versions and the order of what is optional, so reading
//! goes by local names and is lenient; writing is strict, in the order of the schema, and leaves out whatever the oldest schema does
//! not know.
//!
//! | file          | is                                                          |
//! |---------------|-------------------------------------------------------------|
//! | `tree`        | bytes → elements, with every limit                          |
//! | `request`     | elements → typed operations                                 |
//! | `folder`      | which folder of which mailbox a request means               |
//! | `writer`      | escaped XML text                                            |
//! | `answer`      | envelopes, faults, response messages                        |
//! | `calendar_item` | one meeting as Exchange shows it                          |
//!
//! See <https://learn.microsoft.com/exchange/client-developer/web-service-reference/ews-operations-in-exchange>.

pub mod answer;
pub mod calendar_item;
pub mod folder;
pub mod request;
pub mod tree;
pub mod writer;

pub use answer::{Answer, Code, Fault};
pub use calendar_item::{BodyForm, CalendarItem};
pub use folder::FolderRef;
pub use request::{Operation, Request};

/// The namespace of operations and response messages.
pub const MESSAGES: &str = "http://schemas.microsoft.com/exchange/services/2006/messages";
/// The namespace of what they hold.
pub const TYPES: &str = "http://schemas.microsoft.com/exchange/services/2006/types";
/// The namespace of a fault's detail.
pub const ERRORS: &str = "http://schemas.microsoft.com/exchange/services/2006/errors";
/// SOAP 1.1.
pub const SOAP_11: &str = "http://schemas.xmlsoap.org/soap/envelope/";
/// SOAP 1.2.
pub const SOAP_12: &str = "http://www.w3.org/2003/05/soap-envelope";

/// Which generation of the schema a client knows. Unknown elements broke proxies generated from the first one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Dialect {
    /// Exchange 2007 without service pack: what a request without version header means.
    Rtm2007,
    /// Exchange 2007 SP1.
    Sp1,
    /// Exchange 2010 and later.
    Newer,
}
