//! The answer about when many rooms are taken.
//!
//! | `BusyType` | |
//! |---|---|
//! | Free | not taken |
//! | Tentative, Busy, OOF, WorkingElsewhere, NoData, or another | taken |
//!
//! A room that tells no spans, but only a row of digits (`MergedOnly`), or nothing (`None`), has not been told about: it is
//! `NoFreeBusyView`, which is ours and no code of Exchange.

use super::item::Show;
use super::items::each;
use super::{Reply, Said, ToldFault, instant, succeeded, text};
use crate::ews::tree::Element;
use crate::model::Busy;

impl Reply {
    /// The answer to [`Ask::availability`](crate::ews::ask::Ask::availability) about `asked` rooms: one result each, in their order.
    ///
    /// # Errors
    /// When it is no such answer, or does not speak of all of them.
    pub fn busy(&self, asked: usize) -> Result<Vec<Result<Busy, Said>>, ToldFault> {
        let answer = self.answer("GetUserAvailabilityResponse")?;
        // What is wrong with the request as a whole is said in place of the list, or before it.
        if let Some(message) = answer.child("ResponseMessage") {
            succeeded(message)?;
        }
        let list = answer.child("FreeBusyResponseArray").ok_or(ToldFault::Lacking("FreeBusyResponseArray"))?;
        Ok(each(&list.children, asked)?.iter().map(busy).collect())
    }
}

fn busy(response: &Element) -> Result<Busy, Said> {
    if let Some(message) = response.child("ResponseMessage") {
        succeeded(message)?;
    }
    let untold = || Said::new("NoFreeBusyView", None);
    let view = response.child("FreeBusyView").ok_or_else(untold)?;
    let events = view.child("CalendarEventArray").map(|events| events.children.as_slice()).unwrap_or_default();
    let kinds = text(view, "FreeBusyViewType").unwrap_or_default();
    let tells_spans = kinds.split_whitespace().any(|kind| !matches!(kind, "None" | "MergedOnly"));
    if events.is_empty() && !tells_spans {
        return Err(untold());
    }
    let mut spans = Vec::with_capacity(events.len());
    for event in events {
        if text(event, "BusyType").is_none_or(|kind| Show::of(kind) != Show::Free) {
            let time = |name: &str| text(event, name).and_then(instant).ok_or_else(untold);
            spans.push((time("StartTime")?, time("EndTime")?));
        }
    }
    Ok(Busy::of(spans))
}
