//! Why is there no Join button? The whole way of one meeting from the calendar to the screen, ending in one plain sentence.
//!
//! In: a room, its endpoints as the board has them, its agenda with texts, the wish in force. Out: an [`Explanation`]. Pure: the rules run
//! once more, with their trace; nothing is read and nothing is remembered.
//!
//! ```text
//! calendar read? ─► meeting there? ─► accepted? text? private? ─► links ─► rules of each profile ─► each endpoint ─► sentence
//! ```

mod endpoint;
mod story;
mod view;
mod when;

use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

pub use story::explain;
pub use view::{
    About, Because, ExplainedEndpoint, ExplainedMeeting, ExplainedProfile, Explanation, Finding, OtherMeeting, Standing,
};
pub use when::{Wanted, local};

use crate::model::{Agenda, Desired, Event};
use crate::reconcile::board::{EndpointStatus, RoomStatus};

/// All that an explanation is made of.
#[derive(Clone, Debug)]
pub struct Case {
    /// The room.
    pub room: Arc<RoomStatus>,
    /// Its endpoints, or the one that was asked for.
    pub endpoints: Vec<Arc<EndpointStatus>>,
    /// The wish in force.
    pub desired: Arc<Desired>,
    /// The room's agenda; `None`: it was never read completely.
    pub agenda: Option<Arc<Agenda>>,
    /// Its events; `None` where the store does not give their texts.
    pub events: Option<Vec<Event>>,
    /// Which meeting.
    pub wanted: Wanted,
    /// The time.
    pub now: Timestamp,
}

impl Case {
    fn zone_name(&self) -> &str {
        self.room.time_zone.as_deref().unwrap_or("UTC")
    }

    fn zone(&self) -> TimeZone {
        TimeZone::get(self.zone_name()).unwrap_or(TimeZone::UTC)
    }
}
