//! The world as the loop sees it: a directory, calendars, endpoints. [`crate::reconcile::sim_world::Sim`] stands in for it
//! in virtual time.

pub mod codecs;
mod documents;
pub mod live;
mod passwords;
mod seen;

use std::future::Future;
use std::sync::Arc;

use jiff::SignedDuration;

use crate::model::tally::Spent;
use crate::model::{
    Busy, Complete, EndpointSpec, Failure, Given, IntegrationSpec, RoomEmail, RoomSpec, Schedule, Window,
};

use super::step::{Cursor, DocumentsRead, HeldRead, PutDone};

/// A calendar's answer.
#[derive(Debug)]
pub enum CalendarReading {
    /// As it was when the cursor was made, for the same window and request.
    Unchanged {
        /// How far the server's clock is ahead of ours, over a verified connection.
        server_ahead: Option<SignedDuration>,
    },
    /// All of it.
    Complete {
        /// The events.
        complete: Complete,
        /// For a cheaper look next time.
        cursor: Option<Cursor>,
        /// How far the server's clock is ahead of ours, over a verified connection.
        server_ahead: Option<SignedDuration>,
    },
}

/// Who asks a calendar service, and what it costs.
#[derive(Clone, Debug, Default)]
pub struct Asking {
    /// Which of the service's accounts; 0 where there is but one.
    pub account: usize,
    /// The requests made so far, also by a step that is dropped.
    pub spent: Spent,
}

/// What one room says about when it is taken, or why that is not known of it.
pub type BusyTold = (RoomEmail, Result<Busy, Failure>);

/// What steps do to the outside. Every call has a deadline set by its caller and may be dropped at any await.
pub trait World: Send + Sync + 'static {
    /// Reads the directory, and says what it means.
    fn read_documents(&self) -> impl Future<Output = Result<DocumentsRead, Failure>> + Send;

    /// Reads a room's calendar, with the account it is told, and counts its requests.
    fn read_agenda(
        &self,
        room: &Arc<RoomSpec>,
        window: Window,
        cursor: Option<&Cursor>,
        asking: &Asking,
    ) -> impl Future<Output = Result<CalendarReading, Failure>> + Send;

    /// Asks when rooms are taken, all of them in one request. The failure of one room is its own; that of the request is everybody's.
    fn read_busy(
        &self,
        integration: &Arc<IntegrationSpec>,
        rooms: &[RoomEmail],
        window: Window,
        asking: &Asking,
    ) -> impl Future<Output = Result<Vec<BusyTold>, Failure>> + Send;

    /// Reads what an endpoint holds, and compares it with what it was given.
    fn read_held(
        &self,
        endpoint: &EndpointSpec,
        given: Option<&Schedule>,
    ) -> impl Future<Output = Result<HeldRead, Failure>> + Send;

    /// Replaces everything an endpoint shows. Nothing is put when the device is known to be another one than `serial`:
    /// `DeviceReplaced`.
    fn put(
        &self,
        endpoint: &EndpointSpec,
        schedule: &Schedule,
        serial: Option<&str>,
    ) -> impl Future<Output = Result<PutDone, Failure>> + Send;

    /// Forgets which certificate an endpoint's device had.
    fn forget_pin(&self, endpoint: &EndpointSpec) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Clears a place an endpoint left, if a read-back shows that it is the recorded device and holds our bookings only:
    /// somebody else may live there by now. A device that cannot list is cleared only when `unlisted`. `Ok(Some(reason))`: it was
    /// left as it is.
    fn clear(
        &self,
        given: &Given,
        unlisted: bool,
    ) -> impl Future<Output = Result<Option<&'static str>, Failure>> + Send;
}
