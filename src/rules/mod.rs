//! Turns calendar events into addresses to dial. Pure: no I/O, no state between events, and no clock but for templates that use `pex_now`.
//!
//! In: an [`EvaluationSpec`](crate::model::EvaluationSpec), compiled once into a [`Chain`], and events. Out: for each event the
//! alias to dial, what found it, and a [`Trace`] of the way there. Strangers write the texts, so everything is linear or bounded,
//! a rule's failure is a reason in the trace and never an error, and every alias passes one door (`permit`).
//!
//! ```text
//! event ─ invitation::text ─► Texts ─► rule 1 ─► rule 2 ─► … ─► fallback ─► no alias
//!                                        │ find → transform → Alias::parse → aliasDomains
//!                                        ▼ the first that holds
//!                                      Verdict
//! ```

mod advice;
mod anchors;
mod calendar_event;
mod chain;
mod evaluate;
mod fallback;
pub mod pattern;
mod permit;
mod properties;
mod scan;
pub mod template;
mod texts;
mod trace;
pub mod trial;
mod types;

pub use advice::{Advice, Reason, advise};
pub use chain::{Chain, Outcome};
pub use evaluate::{evaluate, meeting, replacement};
pub use pattern::check as check_regex;
pub use template::check as check_template;
pub use texts::Place;
pub use trace::{Found, Trace, Tried, Variables, Why};
pub use types::{default_transform, variables_of};
