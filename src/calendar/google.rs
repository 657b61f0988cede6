//! Google's calendars.

use super::api::Api;
use super::{AgendaRequest, BusyRequest, CalendarError, Reading};
use crate::model::service::GoogleSpec;
use crate::model::{Busy, Failure, RoomEmail};

/// Reads a room's calendar.
///
/// # Errors
/// When the answers do not prove that everything of the window is there.
pub(super) async fn read(
    api: &Api<'_>,
    service: &GoogleSpec,
    request: &AgendaRequest,
) -> Result<Reading, CalendarError> {
    let _ = (
        api.send(
            &crate::http::Method::GET,
            &service.api_url.parse().map_err(|_| CalendarError::Refused)?,
            &Default::default(),
            &Default::default(),
        )
        .await?,
        request,
    );
    Err(CalendarError::NotInEffect("GoogleIntegration"))
}

/// Asks when rooms are taken.
///
/// # Errors
/// When nothing is known of any of them.
pub(super) async fn busy(
    api: &Api<'_>,
    service: &GoogleSpec,
    request: &BusyRequest,
) -> Result<Vec<(RoomEmail, Result<Busy, Failure>)>, CalendarError> {
    let _ = (api, service, request);
    Err(CalendarError::NotInEffect("GoogleIntegration"))
}
