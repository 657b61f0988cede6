//! Exchange Web Services as it stands on the wire, for both sides: what clients ask is written and read, and so are the answers. Pure.
//!
//! Others of fifteen years differ in prefixes, default namespaces, envelope versions and the order of what is optional, so reading
//! goes by local names and is lenient; writing is strict, in the order of the schema. Answers leave out whatever the oldest schema
//! does not know.
//!
//! | file          | is                                                          | for |
//! |---------------|-------------------------------------------------------------|-----|
//! | `tree`        | bytes → elements, with every limit                          | both |
//! | `writer`      | escaped XML text                                            | both |
//! | `request`     | elements → typed operations                                 | the server of Poly endpoints |
//! | `folder`      | which folder of which mailbox a request means               | the server |
//! | `answer`      | envelopes, faults, response messages                        | the server |
//! | `calendar_item` | one meeting as Exchange shows it                          | the server |
//! | `ask`         | typed wishes → requests                                     | the reader of calendars |
//! | `told`        | answers → typed results, also those that come in pieces     | the reader |
//! | `autodiscover` | where a mailbox is served: request and answer              | the reader |
//! | `code`        | what a response code means                                  | the reader |
//! | `version`     | which Exchange answers, and how it is asked                 | the reader |
//!
//! See <https://learn.microsoft.com/exchange/client-developer/web-service-reference/ews-operations-in-exchange>.

pub mod answer;
pub mod ask;
pub mod autodiscover;
pub mod calendar_item;
pub mod code;
pub mod folder;
pub mod request;
pub mod told;
pub mod tree;
pub mod version;
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
