//! What operators ask for. In: an order and who gives it. Out: it is carried out, or refused with a reason, and written down.
//!
//! | order | does |
//! |---|---|
//! | approve | lets a held plan happen, exactly as it was shown |
//! | suspend, resume | nothing is read, put or cleared there, until it is resumed or a time comes |
//! | refresh | reads a room now |
//! | push | gives an endpoint its list once more, and ends its back-off |
//! | trust | pins the certificate that the device shows next |
//! | acknowledge, silence | marks an alarm |
//! | signed in | ends what an integration waits for |
//! | note | written down only: it was done elsewhere |

use jiff::Timestamp;

use crate::model::desired::ModeState;
use crate::model::device::TlsMode;
use crate::model::names::NAME_MAX;
use crate::model::{DeviceSpec, EndpointName, Mono, Now, RoomKey, RoomSpec};

use super::super::audit::Entry;
use super::super::due::Object;
use super::super::order::{Done, Order, Refused};
use super::super::pace::Why;
use super::super::step::DocumentsRead;
use super::super::suspension::{REASON_MAX, Suspended, SuspendedKind, Suspension, found};
use super::Planner;
use super::device::Yields;

impl Planner {
    /// Carries an order out, and writes down who gave it and what came of it.
    ///
    /// # Errors
    /// One sentence why not.
    pub fn obey(&mut self, order: &Order, who: &str, now: Now) -> Result<Done, Refused> {
        let result = match order {
            Order::Approve { checksum } => self.approve(checksum, now).map_err(Refused::Conflict),
            Order::Suspend { what, until, reason } => self.suspend(what, *until, reason.as_deref(), who, now),
            Order::Resume { what } => self.resume(what),
            Order::Refresh { room } => self.refresh(room, now),
            Order::Push { endpoint } => self.push(endpoint),
            Order::Trust { endpoint } => self.trust(endpoint),
            Order::SignedIn { integration } => Ok(self.signed_in(integration)),
            Order::Acknowledge { alarm } => {
                self.records.extend(self.marks.acknowledge(alarm, who, now.wall));
                Ok(format!("{alarm} is marked as seen"))
            }
            Order::Silence { alarm, until } => {
                self.records.extend(self.marks.silence(alarm, *until, now.wall));
                Ok(if *until > now.wall {
                    format!("{alarm} is told to nobody until {until}")
                } else {
                    format!("{alarm} is told again")
                })
            }
            Order::Note { .. } => Ok(String::new()),
        };
        let (action, kind, name) = order.about();
        // Whatever somebody names: what is kept and logged of it has a bound.
        let name: String = name.chars().take(NAME_MAX).collect();
        let (done, answer) = match &result {
            Ok(said) => (true, said.clone()),
            Err(refused) => (false, refused.to_string()),
        };
        let revision =
            if self.config.revision.is_empty() { &self.config.checksum } else { &self.config.revision }.clone();
        tracing::info!(event = "operator_action", action, kind, name, who, done, revision, "An operator acted.");
        let detail = order.detail();
        let entry = Entry {
            number: 0,
            at: now.wall,
            who: who.to_owned(),
            action: action.to_owned(),
            kind: kind.to_owned(),
            name,
            detail,
            done,
            answer,
            revision,
        };
        let ops = self.audit.add(entry);
        self.records.extend(ops);
        self.report_orders();
        result
    }

    /// Tells the board what is suspended and what operators did.
    pub(super) fn report_orders(&self) {
        self.board.put_suspensions(self.suspensions.clone());
        self.board.put_marks(self.marks.clone());
        self.board.put_audit(self.audit.entries());
    }

    /// An operator lets a held plan happen.
    ///
    /// # Errors
    /// One sentence why not.
    pub fn approve(&mut self, checksum: &str, now: Now) -> Result<String, String> {
        if let Some(held) = self.documents.held.take() {
            if held.read.checksum == checksum {
                tracing::info!(
                    event = "plan_approved",
                    checksum,
                    "An operator approved a directory that removes documents."
                );
                self.documents.approved = Some(checksum.to_owned());
                let read: DocumentsRead = held.read;
                self.consider(Box::new(read), now);
                return Ok("the directory is adopted".into());
            }
            self.documents.held = Some(held);
        }
        let Some(endpoints) = self.gate.approve(checksum, now.wall) else {
            return Err(format!("no held plan with checksum {checksum} was shown within the last 24 hours"));
        };
        self.gate_due = Mono::default();
        tracing::info!(
            event = "plan_approved",
            checksum,
            endpoints = endpoints.len(),
            "An operator approved a held plan."
        );
        for name in &endpoints {
            self.due.touch(Object::Endpoint(name.clone()));
            for (place, old) in &self.old_places {
                if old.endpoint == *name {
                    self.due.touch(Object::OldPlace(place.clone()));
                }
            }
        }
        self.report_plan(now);
        Ok(format!("{} endpoints may lose the listed meetings", endpoints.len()))
    }

    fn suspend(
        &mut self,
        what: &Suspended,
        until: Option<Timestamp>,
        reason: Option<&str>,
        who: &str,
        now: Now,
    ) -> Result<Done, Refused> {
        let name = found(&self.desired, what.kind, &what.name).ok_or_else(|| no_such(what))?;
        if until.is_some_and(|until| until <= now.wall) {
            return Err(Refused::Wrong("the end lies in the past".into()));
        }
        if reason.is_some_and(|reason| reason.chars().count() > REASON_MAX || reason.contains(char::is_control)) {
            return Err(Refused::Wrong(format!("a reason is one line of at most {REASON_MAX} characters")));
        }
        let kind = what.kind;
        let op = self.suspensions.add(Suspension {
            kind,
            name: name.clone(),
            since: now.wall,
            until,
            reason: reason.map(str::to_owned).filter(|reason| !reason.is_empty()),
            who: who.to_owned(),
        });
        self.records.push(op);
        let touched = self.touch_where_suspended(kind, &name);
        let end = until.map_or_else(|| "until it is resumed".to_owned(), |until| format!("until {until}"));
        let endpoints = if touched == 1 { "1 endpoint stays".to_owned() } else { format!("{touched} endpoints stay") };
        Ok(format!("{} {name} is suspended {end}; {endpoints} as shown", kind.label()))
    }

    fn resume(&mut self, what: &Suspended) -> Result<Done, Refused> {
        let name = found(&self.desired, what.kind, &what.name);
        let name = name.unwrap_or_else(|| what.name.clone());
        let Some(op) = self.suspensions.remove(what.kind, &name) else {
            let reason = format!(
                "{} {name} is not suspended by an operator; what its documents suspend with `mode`, they resume",
                what.kind.label()
            );
            return Err(if found(&self.desired, what.kind, &what.name).is_some() {
                Refused::Conflict(reason)
            } else {
                no_such(what)
            });
        };
        self.records.push(op);
        self.touch_where_suspended(what.kind, &name);
        Ok(format!("{} {name} is acted on again", what.kind.label()))
    }

    /// Suspensions whose time has come end; the clock must be sure of it.
    pub(super) fn end_suspensions(&mut self, now: Now) {
        if !self.wall.trusted() {
            return;
        }
        let over = self.suspensions.over(now.wall);
        if over.is_empty() {
            return;
        }
        for one in over {
            tracing::info!(event = "suspension_ended", kind = one.kind.label(), name = one.name, "A suspension ended.");
            self.records.extend(self.suspensions.remove(one.kind, &one.name));
            self.touch_where_suspended(one.kind, &one.name);
        }
        self.report_orders();
    }

    /// Looks at everything that belongs to an object, and says how many endpoints that were.
    fn touch_where_suspended(&mut self, kind: SuspendedKind, name: &str) -> usize {
        let desired = self.desired.clone();
        let mut touched = 0;
        for endpoint in desired.endpoints.values().filter(|endpoint| kind.has(name, endpoint)) {
            touched += 1;
            self.due.touch(Object::Endpoint(endpoint.name.clone()));
            self.due.touch(Object::Room(endpoint.room.clone()));
            self.ask_pace(&endpoint.room, Why::Asked, Mono::default());
        }
        let places = self.old_places.iter().filter(|(_, place)| place.endpoint.as_str() == name);
        let places: Vec<_> = places.map(|(place, _)| place.clone()).collect();
        places.into_iter().for_each(|place| self.due.touch(Object::OldPlace(place)));
        touched
    }

    /// What a service, its rooms and its devices wait for after failures is over.
    fn signed_in(&mut self, name: &str) -> Done {
        let desired = self.desired.clone();
        if let Some(name) = desired.integrations.keys().find(|known| known.as_str() == name) {
            self.pace.mended(name);
            self.due.touch(Object::Integration(name.clone()));
        }
        for endpoint in desired.endpoints.values().filter(|it| SuspendedKind::Integration.has(name, it)) {
            if let Some(known) = self.endpoints.get_mut(&endpoint.name) {
                known.trouble = None;
            }
            if let Some(known) = self.rooms.get_mut(&endpoint.room) {
                known.trouble = None;
                known.next_read = Mono::default();
            }
        }
        self.touch_where_suspended(SuspendedKind::Integration, name);
        format!("{name} is asked again")
    }

    fn refresh(&mut self, room: &str, now: Now) -> Result<Done, Refused> {
        let rooms = self.rooms_called(room);
        if rooms.is_empty() {
            return Err(Refused::NotFound(
                "there is no such room; a room is called by its address, or by one of its endpoints".into(),
            ));
        }
        for key in &rooms {
            if !self.is_acted_on_by_key(key, now) {
                return Err(Refused::Conflict(format!("{} is suspended, so it is not read", key.email)));
            }
            self.ask_pace(key, Why::Asked, now.mono);
            if let Some(known) = self.rooms.get_mut(key) {
                known.next_read = Mono::default();
                known.trouble = None;
            }
            self.due.touch(Object::Room(key.clone()));
        }
        Ok(format!("{} is being read", rooms[0].email))
    }

    /// Rooms by address, by the part before the `@` where that is one room's alone, or by an endpoint's name.
    fn rooms_called(&self, text: &str) -> Vec<RoomKey> {
        let lower = text.trim().to_lowercase();
        let keys = || self.desired.rooms.keys();
        let by_address: Vec<_> = keys().filter(|key| key.email.as_str() == lower).cloned().collect();
        if !by_address.is_empty() {
            return by_address;
        }
        let endpoint = EndpointName::parse(text.trim()).ok().and_then(|name| self.desired.endpoints.get(&name));
        if let Some(endpoint) = endpoint {
            return vec![endpoint.room.clone()];
        }
        let is_local = |key: &&RoomKey| key.email.as_str().split_once('@').is_some_and(|(local, _)| local == lower);
        let by_local: Vec<_> = keys().filter(is_local).cloned().collect();
        if by_local.len() == 1 { by_local } else { Vec::new() }
    }

    fn push(&mut self, name: &EndpointName) -> Result<Done, Refused> {
        let endpoint = self.endpoint_to_act_on(name)?;
        if let DeviceSpec::Poly(_) = endpoint.device {
            let reason = format!("{name} is a Poly endpoint: it fetches its meetings by itself, every few minutes");
            return Err(Refused::Conflict(reason));
        }
        if let Some(known) = self.endpoints.get_mut(name) {
            known.put_again = Mono::default();
            known.unheld.0 = 0;
            known.overwritten.clear();
            known.yields = Yields::default();
        }
        self.look_at_endpoint(name.clone());
        Ok(format!("{name} is given its meetings once more"))
    }

    fn trust(&mut self, name: &EndpointName) -> Result<Done, Refused> {
        let endpoint = self.endpoint_to_act_on(name)?;
        let DeviceSpec::Cisco(cisco) = &endpoint.device else {
            return Err(Refused::Conflict(format!("{name} is not reached by its own certificate")));
        };
        if cisco.fingerprint.is_some() {
            return Err(Refused::Conflict(format!("{name} names a fingerprint in its document; change it there")));
        }
        if !cisco.use_https || cisco.tls != TlsMode::PinOnFirstUse {
            let reason = format!("nothing is pinned for {name}: its documents say no `tls: PinOnFirstUse`");
            return Err(Refused::Conflict(reason));
        }
        if let Some(known) = self.endpoints.get_mut(name) {
            known.trust_anew = true;
        }
        self.look_at_endpoint(name.clone());
        Ok(format!("the certificate that {name} shows next is pinned"))
    }

    fn endpoint_to_act_on(&self, name: &EndpointName) -> Result<std::sync::Arc<crate::model::EndpointSpec>, Refused> {
        let endpoint = self.desired.endpoints.get(name);
        let endpoint = endpoint.ok_or_else(|| Refused::NotFound("there is no such endpoint".into()))?;
        if self.suspensions.of(endpoint).is_some() {
            return Err(Refused::Conflict(format!("{name} is suspended; resume it first")));
        }
        Ok(endpoint.clone())
    }

    /// Whether any endpoint of a room is to show something.
    pub(super) fn is_acted_on(&self, room: &RoomSpec, now: Now) -> bool {
        self.is_acted_on_by_key(&room.key, now)
    }

    fn is_acted_on_by_key(&self, room: &RoomKey, now: Now) -> bool {
        let mut endpoints = self.desired.endpoints_of(room);
        endpoints.any(|endpoint| self.suspensions.mode(endpoint, now.wall) != ModeState::Suspended)
    }
}

fn no_such(what: &Suspended) -> Refused {
    Refused::NotFound(format!("there is no such {}", what.kind.label()))
}
