//! A world in memory, for the loop in virtual time: calendars and endpoints that do as they are told, and a log of what was
//! done to them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use crate::model::{
    Busy, Clock, Complete, Desired, DeviceFacts, DeviceSpec, EndpointName, EndpointSpec, Event, Failure, Given,
    IntegrationSpec, OtherWriter, Proof, RoomEmail, RoomSpec, Schedule, Window,
};

use super::step::{Cursor, DocumentsRead, HeldRead, Listed, PutDone};
use super::world::{Asking, CalendarReading, World};

/// See the module.
#[derive(Debug)]
pub struct Sim {
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    documents: Option<Result<DocumentsTold, Failure>>,
    calendars: BTreeMap<RoomEmail, Calendar>,
    devices: BTreeMap<String, Device>,
    /// Every calendar fails like this.
    all_calendars_fail: Option<Failure>,
    /// Every calendar answers completely, and empty.
    all_calendars_empty: bool,
    log: Vec<String>,
    counts: BTreeMap<&'static str, u64>,
}

#[derive(Debug)]
struct DocumentsTold {
    checksum: String,
    desired: Option<Arc<Desired>>,
    findings: String,
    record: Arc<[u8]>,
}

/// One room's calendar.
#[derive(Clone, Debug, Default)]
pub struct Calendar {
    /// Its events.
    pub events: Vec<Event>,
    /// It fails like this.
    pub fails: Option<Failure>,
    /// It never answers.
    pub hangs: bool,
    /// UIDs that are there but unreadable.
    pub unreadable: Vec<String>,
}

/// One device, by its address.
#[derive(Clone, Debug)]
pub struct Device {
    /// What it shows.
    pub shows: Schedule,
    /// Somebody else's bookings.
    pub foreign: usize,
    /// It fails like this.
    pub fails: Option<Failure>,
    /// It never answers.
    pub hangs: bool,
    /// It can list what it holds.
    pub lists: bool,
    /// It shows something else than it was given.
    pub rewrites: bool,
    /// The step panics.
    pub panics: bool,
    /// Its serial number.
    pub serial: String,
    /// When it started.
    pub started: Option<Timestamp>,
}

impl Device {
    /// Starts anew: what it showed is gone.
    pub fn reboot(&mut self, now: Timestamp) {
        self.shows = Schedule::default();
        self.foreign = 0;
        self.started = Some(now);
    }

    fn facts(&self) -> Box<DeviceFacts> {
        let (serial, started) = (Some(self.serial.clone()), self.started);
        Box::new(DeviceFacts { serial, started, ..DeviceFacts::default() })
    }
}

impl Default for Device {
    fn default() -> Self {
        Self {
            shows: Schedule::default(),
            foreign: 0,
            fails: None,
            hangs: false,
            lists: true,
            rewrites: false,
            panics: false,
            serial: String::new(),
            started: None,
        }
    }
}

impl Sim {
    /// An empty world.
    #[must_use]
    pub fn new(clock: Clock) -> Arc<Self> {
        Arc::new(Self { clock, state: Mutex::default() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The directory says this from now on. What the store keeps of it is its checksum.
    pub fn wish(&self, desired: Desired) {
        let told = DocumentsTold {
            checksum: desired.checksum.clone(),
            findings: String::new(),
            record: desired.checksum.as_bytes().into(),
            desired: Some(Arc::new(desired)),
        };
        self.state().documents = Some(Ok(told));
    }

    /// The directory was read as this from now on.
    pub fn documents(&self, read: DocumentsRead) {
        let DocumentsRead { checksum, desired, findings, record, .. } = read;
        self.state().documents = Some(Ok(DocumentsTold { checksum, desired, findings, record }));
    }

    /// The directory cannot be read from now on.
    pub fn documents_fail(&self, failure: Failure) {
        self.state().documents = Some(Err(failure));
    }

    /// Changes one room's calendar.
    pub fn calendar(&self, room: &RoomEmail, change: impl FnOnce(&mut Calendar)) {
        change(self.state().calendars.entry(room.clone()).or_default());
    }

    /// Every calendar fails, or none.
    pub fn all_calendars_fail(&self, failure: Option<Failure>) {
        self.state().all_calendars_fail = failure;
    }

    /// Every calendar answers completely, and empty, or as it is.
    pub fn all_calendars_empty(&self, empty: bool) {
        self.state().all_calendars_empty = empty;
    }

    /// Changes the device at an address.
    pub fn device(&self, address: &str, change: impl FnOnce(&mut Device)) {
        change(self.state().devices.entry(address.to_owned()).or_default());
    }

    /// The devices at two addresses change places, with what they show.
    pub fn swap_devices(&self, one: &str, other: &str) {
        let mut state = self.state();
        let first = state.devices.remove(one).unwrap_or_default();
        let second = state.devices.insert(other.to_owned(), first).unwrap_or_default();
        state.devices.insert(one.to_owned(), second);
    }

    /// What the device at an address shows.
    #[must_use]
    pub fn shows(&self, address: &str) -> Schedule {
        self.state().devices.get(address).map(|device| device.shows.clone()).unwrap_or_default()
    }

    /// Takes the log: one line for everything done to an endpoint, in order.
    #[must_use]
    pub fn take_log(&self) -> Vec<String> {
        std::mem::take(&mut self.state().log)
    }

    /// How often something was done: `read`, `put`, `again`, `list`, `clear`.
    #[must_use]
    pub fn count(&self, what: &str) -> u64 {
        self.state().counts.get(what).copied().unwrap_or(0)
    }

    fn told(&self, state: &mut State, what: &'static str, line: &str) {
        *state.counts.entry(what).or_default() += 1;
        let time = self.clock.now().wall.strftime("%H:%M:%S").to_string();
        state.log.push(format!("{time} {line}"));
    }

    /// The device of an endpoint, unless it hangs or fails.
    async fn reach(&self, address: &str) -> Result<Device, Failure> {
        let device = self.state().devices.entry(address.to_owned()).or_default().clone();
        if device.hangs {
            std::future::pending::<()>().await;
        }
        assert!(!device.panics, "this device makes steps panic");
        match device.fails {
            Some(failure) => Err(failure),
            None => Ok(device),
        }
    }
}

/// Titles of a schedule in order, `*` behind those with a Join button.
#[must_use]
pub fn titles(schedule: &Schedule) -> String {
    let title = |booking: &crate::model::Booking| {
        format!("{}{}", booking.subject.expose(), if booking.call.is_some() { "*" } else { "" })
    };
    format!("[{}]", schedule.bookings.iter().map(title).collect::<Vec<_>>().join(" "))
}

fn address_of(endpoint: &EndpointSpec) -> Result<(String, EndpointName), Failure> {
    match &endpoint.device {
        DeviceSpec::Cisco(cisco) => Ok((cisco.address.clone(), endpoint.name.clone())),
        DeviceSpec::Webex(webex) => Ok((webex.device_id.clone(), endpoint.name.clone())),
        DeviceSpec::Poly(_) => Err(Failure::fix("NotAPutEndpoint", "it fetches")),
    }
}

impl World for Sim {
    async fn read_documents(&self) -> Result<DocumentsRead, Failure> {
        match &self.state().documents {
            None => Err(Failure::retry("DirectoryUnreadable", "there is no directory")),
            Some(Err(failure)) => Err(failure.clone()),
            Some(Ok(told)) => Ok(DocumentsRead {
                checksum: told.checksum.clone(),
                errors: usize::from(told.desired.is_none()),
                desired: told.desired.clone(),
                warnings: 0,
                findings: told.findings.clone(),
                record: told.record.clone(),
            }),
        }
    }

    async fn read_agenda(
        &self,
        room: &Arc<RoomSpec>,
        window: Window,
        _cursor: Option<&Cursor>,
        asking: &Asking,
    ) -> Result<CalendarReading, Failure> {
        asking.spent.one_more();
        let calendar = {
            let mut state = self.state();
            *state.counts.entry("read").or_default() += 1;
            if let Some(failure) = &state.all_calendars_fail {
                return Err(failure.clone());
            }
            let mut calendar = state.calendars.get(&room.key.email).cloned().unwrap_or_default();
            if state.all_calendars_empty {
                calendar.events.clear();
            }
            calendar
        };
        if calendar.hangs {
            std::future::pending::<()>().await;
        }
        if let Some(failure) = calendar.fails {
            return Err(failure);
        }
        let events = calendar.events.into_iter().filter(|event| window.touches(event.start, event.end)).collect();
        let complete = Complete {
            proof: Proof::Simulated,
            window,
            events,
            unreadable: calendar.unreadable,
            time_zone: Some("UTC".into()),
            left_out: Vec::new(),
        };
        Ok(CalendarReading::Complete { complete, cursor: None, server_ahead: None })
    }

    async fn read_busy(
        &self,
        _integration: &Arc<IntegrationSpec>,
        rooms: &[RoomEmail],
        window: Window,
        asking: &Asking,
    ) -> Result<Vec<(RoomEmail, Result<Busy, Failure>)>, Failure> {
        asking.spent.one_more();
        let mut state = self.state();
        *state.counts.entry("busy").or_default() += 1;
        if let Some(failure) = &state.all_calendars_fail {
            return Err(failure.clone());
        }
        let busy = rooms.iter().map(|room| {
            let calendar = state.calendars.get(room).cloned().unwrap_or_default();
            let spans = calendar.events.iter().map(|event| (event.start, event.end));
            let told = Busy::of(spans.filter(|(start, end)| window.touches(*start, *end)));
            (room.clone(), calendar.fails.map_or(Ok(told), Err))
        });
        Ok(busy.collect())
    }

    async fn read_held(&self, endpoint: &EndpointSpec, given: Option<&Schedule>) -> Result<HeldRead, Failure> {
        let (address, name) = address_of(endpoint)?;
        let device = self.reach(&address).await?;
        self.told(&mut self.state(), "list", &format!("list {name} {}", titles(&device.shows)));
        if !device.lists {
            return Ok(HeldRead::CannotList { facts: device.facts() });
        }
        let change = given.map(|given| crate::meetings::diff(given, &device.shows, self.clock.now().wall));
        let only_missing = change.as_ref().is_some_and(|change| change.changed.is_empty() && change.removed.is_empty());
        Ok(HeldRead::Listed(Listed {
            same: change.map(|change| change.is_empty()),
            only_missing: only_missing && device.foreign == 0,
            writers: (device.foreign > 0).then_some(OtherWriter::Unnamed).into_iter().collect(),
            facts: device.facts(),
            foreign: device.foreign,
            ours: device.shows,
        }))
    }

    async fn put(
        &self,
        endpoint: &EndpointSpec,
        schedule: &Schedule,
        serial: Option<&str>,
    ) -> Result<PutDone, Failure> {
        let (address, name) = address_of(endpoint)?;
        let device = self.reach(&address).await?;
        if serial.is_some_and(|recorded| recorded != device.serial) {
            return Err(Failure::retry("DeviceReplaced", "another device answers"));
        }
        let mut state = self.state();
        // What it shows already is logged apart: nothing changes on it.
        let alike = crate::meetings::diff(schedule, &device.shows, self.clock.now().wall).is_empty();
        let again = alike && device.foreign == 0 && !schedule.bookings.is_empty();
        let what = if again { "again" } else { "put" };
        self.told(&mut state, what, &format!("{what} {name} {}", titles(schedule)));
        if let Some(device) = state.devices.get_mut(&address) {
            device.shows = schedule.clone();
            device.foreign = 0;
            if device.rewrites {
                device.shows.bookings.iter_mut().for_each(|booking| booking.start_buffer_s += 1);
            }
        }
        let same = device.lists.then_some(!device.rewrites);
        Ok(PutDone { same, foreign: 0, facts: device.facts() })
    }

    async fn forget_pin(&self, endpoint: &EndpointSpec) -> Result<(), Failure> {
        let (_, name) = address_of(endpoint)?;
        self.told(&mut self.state(), "trust", &format!("trust {name}"));
        Ok(())
    }

    async fn clear(&self, given: &Given, unlisted: bool) -> Result<Option<&'static str>, Failure> {
        let address = match &given.target {
            Some(DeviceSpec::Cisco(cisco)) => &cisco.address,
            Some(DeviceSpec::Webex(webex)) => &webex.device_id,
            Some(DeviceSpec::Poly(_)) | None => return Ok(Some("it has no address")),
        };
        let device = self.reach(address).await?;
        let mut state = self.state();
        let is_recorded = given.serial.as_ref() == Some(&device.serial);
        if device.foreign > 0 || !is_recorded || !(device.lists || unlisted) {
            self.told(&mut state, "left", &format!("left {address}"));
            return Ok(Some("not ours"));
        }
        self.told(&mut state, "clear", &format!("clear {address} {}", titles(&device.shows)));
        if let Some(device) = state.devices.get_mut(address) {
            device.shows = Schedule::default();
        }
        Ok(None)
    }
}
