//! One simulated codec on a loopback port, and schedules written as text.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use otj::endpoint::EndpointError;
use otj::endpoint::cisco::{self, Difference, Listing, PutDone, Session};
use otj::http::{Http, HttpOptions};
use otj::listen::TlsSettings;
use otj::model::device::{OnConflict, TlsMode, Wire};
use otj::model::{
    Alias, Booking, Call, CiscoSpec, Clock, Confidential, MeetingId, Protocol, RoomEmail, Schedule, Secret, SecretValue,
};
use otj::sim::cisco::{Codec, Device, Generation};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub(crate) const DEPLOYMENT: &str = "abc123";

/// The codec, our side of the conversation with it, and its server, which ends with it.
pub(super) struct World {
    pub(super) device: Device,
    pub(super) cisco: CiscoSpec,
    pub(super) http: Http,
    pub(super) session: Session,
    stop: CancellationToken,
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// 08:00 of the day all schedules are for.
pub(crate) fn morning() -> Timestamp {
    at("2027-01-04T08:00:00Z")
}

impl World {
    pub(super) async fn of(generation: Generation) -> Self {
        Self::with_tls(generation, None).await
    }

    pub(super) async fn with_tls(generation: Generation, tls: Option<TlsSettings>) -> Self {
        let clock = Clock::starting_at(morning());
        let codec = Codec::new(generation, "FOC1", "admin", Secret::new("right".into()), morning());
        let device = Device::new(codec, clock);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stop = CancellationToken::new();
        let cisco = CiscoSpec {
            address: "127.0.0.1".into(),
            port: listener.local_addr().unwrap().port(),
            use_https: tls.is_some(),
            tls: TlsMode::Verify,
            ca_certificates: Vec::new(),
            username: "admin".into(),
            password: SecretValue::Known(Secret::new("right".into())),
            wire: Wire::Auto,
            serial: None,
            fingerprint: None,
            on_conflict: OnConflict::Report,
            web_proxy: None,
        };
        tokio::spawn(device.clone().serve(listener, tls, stop.clone()));
        let http = Http::new(HttpOptions { allow_loopback: true }).unwrap();
        Self { device, cisco, http, session: Session::default().spaced(Duration::ZERO), stop }
    }

    pub(super) fn password(mut self, password: &str) -> Self {
        self.cisco.password = SecretValue::Known(Secret::new(password.into()));
        self
    }

    pub(super) async fn put(&mut self, schedule: &Schedule) -> Result<PutDone, EndpointError> {
        cisco::put_schedule(&self.http, &mut self.session, &self.cisco, DEPLOYMENT, schedule).await
    }

    pub(super) async fn list(&mut self) -> Result<Listing, EndpointError> {
        cisco::list(&self.http, &mut self.session, &self.cisco, DEPLOYMENT).await
    }

    pub(super) async fn clear(&mut self) -> Result<(), EndpointError> {
        cisco::clear(&self.http, &mut self.session, &self.cisco).await
    }

    /// What was asked, one line a request, with the status; forgotten afterwards.
    pub(super) fn asked(&self) -> Vec<String> {
        self.device.with(|codec, _| {
            codec.received.drain(..).map(|received| format!("{} {}", received.line, received.status)).collect()
        })
    }

    /// The bodies that were sent, oldest first; forgotten afterwards.
    pub(super) fn bodies(&self) -> Vec<String> {
        let sent = self.device.with(|codec, _| codec.received.drain(..).collect::<Vec<_>>());
        sent.into_iter().map(|received| received.body.expose().to_owned()).filter(|body| !body.is_empty()).collect()
    }

    /// The screen, one line a meeting: `09:00-10:00 title (organizer) Join number`.
    pub(super) fn screen(&self, now: Timestamp) -> Vec<String> {
        let lines = self.device.with(|codec, _| codec.shown(now));
        lines
            .iter()
            .map(|line| {
                let join = match (&line.number, line.join) {
                    (Some(number), true) => format!(" Join {}", number.expose()),
                    (Some(_), false) => " later".to_owned(),
                    (None, _) => String::new(),
                };
                let time = |time: Timestamp| time.strftime("%H:%M").to_string();
                let (title, organizer) = (line.title.expose(), line.organizer.expose());
                format!("{}-{} {title} ({organizer}){join}", time(line.start), time(line.end))
            })
            .collect()
    }
}

/// One booking a line: `09:00 60 | title | organizer | mail | address`, minutes after the start; `private` and `h323` may
/// stand after the minutes. Five minutes of start buffer, none at the end.
pub(crate) fn schedule(text: &str) -> Schedule {
    Schedule { bookings: text.lines().map(str::trim).filter(|line| !line.is_empty()).map(booking).collect() }
}

fn booking(line: &str) -> Booking {
    let mut fields = line.split('|').map(str::trim);
    let mut when = fields.next().unwrap().split_whitespace();
    let start = at(&format!("2027-01-04T{}:00Z", when.next().unwrap()));
    let minutes = when.next().unwrap().parse().unwrap();
    let words: Vec<&str> = when.collect();
    let mut text = || fields.next().unwrap_or_default();
    let (subject, name, email, address) = (text(), text(), text(), text());
    let protocol = if words.contains(&"h323") { Protocol::H323 } else { Protocol::Auto };
    Booking {
        id: MeetingId::new(&RoomEmail::parse("fjord@example.com").unwrap(), subject, None),
        start,
        end: start + SignedDuration::from_mins(minutes),
        all_day: false,
        start_buffer_s: 300,
        end_buffer_s: 0,
        subject: Confidential::new(subject),
        organizer_name: Confidential::new(name),
        organizer_email: Confidential::new(email),
        private: words.contains(&"private"),
        call: (!address.is_empty()).then(|| Call { alias: Alias::parse(address).unwrap(), protocol }),
        no_join: None,
        rule: None,
        last_modified: None,
    }
}

/// The differences, one line each, with ids cut to what tells them apart in a test.
pub(super) fn differences(schedule: &Schedule, listing: &Listing) -> Vec<String> {
    let found = cisco::differs(DEPLOYMENT, schedule, &listing.bookings, morning());
    found
        .iter()
        .map(|difference| match difference {
            Difference::Missing { .. } => "missing".to_owned(),
            Difference::Changed { fields, .. } => format!("changed {}", fields.join(", ")),
            Difference::Extra { .. } => "extra".to_owned(),
            Difference::Foreign { id, deployment } => format!("foreign {id} {deployment:?}"),
        })
        .collect()
}

/// Every generation that takes bookings in a way of its own.
pub(super) const GENERATIONS: [Generation; 5] =
    [Generation::Tc7, Generation::Ce8, Generation::Ce9, Generation::RoomOs11, Generation::RoomOs26];
