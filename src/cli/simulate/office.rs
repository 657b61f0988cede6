//! The world of a simulated site: calendars are read by whatever `World` is inside, and each complete reading is entered in the
//! ledger at the moment it is handed over. There is one wish, and no device.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::model::{
    Busy, Clock, Desired, EndpointSpec, Failure, Given, IntegrationSpec, RoomEmail, RoomSpec, Schedule, Window,
};
use crate::reconcile::step::{Cursor, DocumentsRead, HeldRead, PutDone};
use crate::reconcile::world::{Asking, CalendarReading, World};
use crate::sim::freshness::Ledger;
use crate::sim::rooms::Rooms;
use crate::sim::workload::room_of;

/// See the module.
#[derive(Debug)]
pub(super) struct Office<W> {
    pub(super) inside: W,
    pub(super) desired: Arc<Desired>,
    pub(super) clock: Clock,
    pub(super) truth: Arc<Rooms>,
    pub(super) ledger: Mutex<Ledger>,
}

impl<W> Office<W> {
    pub(super) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<W: World> World for Office<W> {
    async fn read_documents(&self) -> Result<DocumentsRead, Failure> {
        Ok(DocumentsRead {
            checksum: self.desired.checksum.clone(),
            desired: Some(self.desired.clone()),
            errors: 0,
            warnings: 0,
            findings: String::new(),
            record: Arc::default(),
        })
    }

    async fn read_agenda(
        &self,
        room: &Arc<RoomSpec>,
        window: Window,
        cursor: Option<&Cursor>,
        asking: &Asking,
    ) -> Result<CalendarReading, Failure> {
        let begun = self.clock.now().wall;
        let reading = self.inside.read_agenda(room, window, cursor, asking).await?;
        if let (CalendarReading::Complete { complete, .. }, Some(number)) = (&reading, room_of(room.key.email.as_str()))
        {
            self.ledger().was_read(number, complete, begun, self.clock.now().mono, &self.truth);
        }
        Ok(reading)
    }

    async fn read_busy(
        &self,
        integration: &Arc<IntegrationSpec>,
        rooms: &[RoomEmail],
        window: Window,
        asking: &Asking,
    ) -> Result<Vec<(RoomEmail, Result<Busy, Failure>)>, Failure> {
        self.inside.read_busy(integration, rooms, window, asking).await
    }

    async fn read_held(&self, _: &EndpointSpec, _: Option<&Schedule>) -> Result<HeldRead, Failure> {
        Ok(HeldRead::CannotList { facts: Box::default() })
    }

    async fn put(&self, _: &EndpointSpec, _: &Schedule, _: Option<&str>) -> Result<PutDone, Failure> {
        Ok(PutDone::default())
    }

    async fn forget_pin(&self, _: &EndpointSpec) -> Result<(), Failure> {
        Ok(())
    }

    async fn clear(&self, _: &Given, _: bool) -> Result<Option<&'static str>, Failure> {
        Ok(None)
    }
}
