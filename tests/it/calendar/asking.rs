//! A room to read, and the outcome as text.

use std::sync::Arc;

use otj::calendar::{Access, AgendaRequest, CalendarError, Cursor, Looks, Reading, SignIns, read_agenda};
use otj::http::{Http, HttpOptions};
use otj::model::desired::RoomSource;
use otj::model::service::{CalDavSpec, Service};
use otj::model::tally::{Spent, Tally};
use otj::model::{
    Clock, Failure, IntegrationName, IntegrationSpec, Remedy, RoomEmail, RoomSpec, Secret, SecretValue, Window,
};
use otj::oauth::Tokens;
use otj::store::memory::MemoryStore;

/// One room, and everything a reader keeps between readings.
pub(super) struct Asking {
    pub(super) request: AgendaRequest,
    pub(super) tally: Arc<Tally>,
    http: Http,
}

impl Asking {
    pub(super) fn of(service: Service, source: RoomSource) -> Self {
        let name = IntegrationName::parse("calendars").unwrap();
        let integration = Arc::new(IntegrationSpec::of(name, service));
        let email = RoomEmail::parse("fjord@example.com").unwrap();
        let room = RoomSpec { source, time_zone: Some("Europe/Oslo".into()), ..RoomSpec::of(integration, email) };
        let at = |text: &str| text.parse().unwrap();
        let http = Http::new(HttpOptions { allow_loopback: true }).unwrap();
        Self {
            request: AgendaRequest {
                room: Arc::new(room),
                window: Window { from: at("2026-01-05T00:00Z"), to: at("2026-01-12T00:00Z") },
                cursor: None,
                fresh: false,
                now: at("2026-01-05T10:00Z"),
                access: Access {
                    sign_ins: SignIns::default(),
                    looks: Looks::default(),
                    tokens: Tokens::new(http.clone(), Arc::new(MemoryStore::new()), Clock::system()),
                    account: 0,
                    spent: Spent::default(),
                },
            },
            tally: Tally::new(),
            http,
        }
    }

    pub(super) fn caldav(url: &str, password: &str, path: Option<&str>) -> Self {
        let password = SecretValue::Known(Secret::new(password.into()));
        let service = CalDavSpec {
            url: url.into(),
            username: Some("fjord".into()),
            password: Some(password),
            max_requests_per_day: None,
        };
        Self::of(Service::CalDav(service), RoomSource::CalDav { path: path.map(str::to_owned) })
    }

    /// Reads once, keeps the cursor, and tells what came of it, an event a line; with a failure what happens next.
    pub(super) async fn read(&mut self) -> String {
        match self.try_read().await {
            Ok(None) => "unchanged".into(),
            Ok(Some(lines)) => lines,
            Err(error) => {
                let failure = Failure::from(error);
                let next = if failure.remedy == Remedy::Retry { "retry" } else { "fix" };
                let wait = failure.retry_after.map(|wait| format!(" after {wait:?}")).unwrap_or_default();
                format!("{} {next}{wait}: {}", failure.reason, failure.message)
            }
        }
    }

    async fn try_read(&mut self) -> Result<Option<String>, CalendarError> {
        Ok(match read_agenda(&self.http, &self.tally, &self.request).await? {
            Reading::Unchanged { .. } => None,
            Reading::Complete { mut complete, cursor, .. } => {
                // What the store does between readings.
                let stored = serde_json::to_string(&cursor).unwrap();
                self.request.cursor = serde_json::from_str::<Option<Cursor>>(&stored).unwrap();
                complete.events.sort_by_key(|event| event.start);
                let time = |at: jiff::Timestamp| at.strftime("%dT%H:%M").to_string();
                let line = |event: &otj::model::Event| {
                    format!("{} {} {}", time(event.start), time(event.end), event.subject.expose())
                };
                let lines: Vec<String> = complete.events.iter().map(line).collect();
                let unreadable = complete.unreadable.iter().map(|uid| format!("unreadable {uid}"));
                Some(lines.into_iter().chain(unreadable).collect::<Vec<_>>().join("\n"))
            }
        })
    }

    /// Requests so far, as the metrics have them.
    pub(super) fn requests(&self) -> u64 {
        self.tally.calendar_requests.snapshot().iter().map(|(_, count)| count).sum()
    }
}
