//! Performs a step: on the world, with the rules, in the store. Decides nothing; every wait has a deadline.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::model::published::Edition;
use crate::model::tally::{Spent, Tally};
use crate::model::{
    Agenda, Body, Clock, Confidential, DeviceSpec, Digest, EndpointSpec, EvaluationSpec, Event, Failure, Given,
    Meetings, RoomSpec, Schedule,
};
use crate::rules::{self, Chain};
use crate::store::Op;

use super::desk::Desk;
use super::records::{self, AgendaRecord, MeetingsRecord};
use super::step::{AgendaRead, Ended, Outcome, RoomMove, Step};
use super::world::{Asking, CalendarReading, World};

/// Longest time a device may take for one step. A codec waking from standby answers after 6–9 s, and takes one request a
/// second; a put may need three.
const DEVICE_DEADLINE: Duration = Duration::from_secs(20);
/// Longest time a calendar may take, all its pages together.
const CALENDAR_DEADLINE: Duration = Duration::from_secs(60);
/// Longest time for the directory, the rules of one room, or the store.
const LOCAL_DEADLINE: Duration = Duration::from_secs(60);

/// Agendas whose events are kept in memory until the rules ran on them; of others the store has them.
const HANDED_ON_MAX: usize = 16;

/// Everything a step needs.
#[derive(Debug)]
pub struct Workshop<W> {
    /// The outside.
    pub world: Arc<W>,
    /// The store.
    pub desk: Desk,
    /// The clocks.
    pub clock: Clock,
    /// What is counted.
    pub tally: Arc<Tally>,
    /// Compiled rules, by the digest of what they were compiled from.
    chains: Mutex<BTreeMap<Digest, Arc<Chain>>>,
    /// Agendas that were just written down: the rules run on them next.
    taken_down: Mutex<VecDeque<(Arc<Agenda>, Vec<Event>)>>,
}

impl<W: World> Workshop<W> {
    /// A workshop without compiled rules.
    #[must_use]
    pub fn new(world: Arc<W>, desk: Desk, clock: Clock, tally: Arc<Tally>) -> Self {
        Self { world, desk, clock, tally, chains: Mutex::default(), taken_down: Mutex::default() }
    }

    /// Performs `step` within its deadline and says how it ended.
    pub async fn perform(&self, step: Step) -> Ended {
        let (object, label) = (step.object(), step.label());
        let deadline = match &step {
            Step::ReadHeld { .. } | Step::Put { .. } | Step::Clear { .. } => DEVICE_DEADLINE,
            Step::ReadAgenda { .. } | Step::ReadBusy { .. } => CALENDAR_DEADLINE,
            _ => LOCAL_DEADLINE,
        };
        let begun = self.clock.now().mono;
        let spent = Spent::default();
        let result = match tokio::time::timeout(deadline, self.work(step, &spent)).await {
            Ok(result) => result,
            Err(_) => Err(Failure::retry("Deadline", format!("no answer within {} s", deadline.as_secs()))),
        };
        let outcome = match &result {
            Ok(_) => "ok",
            Err(failure) => failure.reason,
        };
        self.tally.steps.observe(&[label, outcome], begun.until(self.clock.now().mono));
        tracing::debug!(step = label, ?object, outcome, "A step ended.");
        Ended { object, label, requests: spent.requests(), result }
    }

    async fn work(&self, step: Step, spent: &Spent) -> Result<Outcome, Failure> {
        match step {
            Step::ReadDocuments => self.world.read_documents().await.map(|read| Outcome::Documents(Box::new(read))),
            Step::KeepDirectory { record } => {
                self.desk.commit(vec![Op::put(records::DIRECTORY, record.to_vec())]).await;
                Ok(Outcome::DirectoryKept)
            }
            Step::CarryRooms { moves } => {
                for moves in moves.chunk_by(|a, b| a.to.email == b.to.email) {
                    self.carry_rooms(moves).await?;
                }
                Ok(Outcome::RoomsCarried)
            }
            Step::ReadAgenda { room, window, account, cursor, last, without_private_texts } => {
                let asking = Asking { account, spent: spent.clone() };
                let reading = self.world.read_agenda(&room, window, cursor.as_ref(), &asking).await?;
                self.take_down(&room, reading, last, without_private_texts).await
            }
            Step::ReadBusy { integration, rooms, window, account, .. } => {
                let asking = Asking { account, spent: spent.clone() };
                self.world.read_busy(&integration, &rooms, window, &asking).await.map(Outcome::Busy)
            }
            Step::Evaluate { room, agenda, evaluations, previous, zone } => {
                self.evaluate(&room, agenda, evaluations, previous, zone).await
            }
            Step::ReadHeld { endpoint, given } => {
                self.world.read_held(&endpoint, given.as_deref()).await.map(Outcome::Held)
            }
            Step::Put { endpoint, schedule, serial, first, again } => {
                self.put(&endpoint, &schedule, serial, Known { first, again }).await
            }
            Step::Publish { endpoint, schedule, cell } => {
                let given = Given { schedule: schedule.clone(), target: None, serial: None, at: self.clock.now().wall };
                self.desk.commit(vec![records::put_held(&endpoint.name, &given)]).await;
                cell.publish(Edition::new(schedule, given.at));
                Ok(Outcome::Published { given: Box::new(given) })
            }
            Step::ForgetPin { endpoint } => self.world.forget_pin(&endpoint).await.map(|()| Outcome::PinForgotten),
            Step::Clear { given, unlisted, .. } => {
                self.world.clear(&given, unlisted).await.map(|left| Outcome::Cleared { left })
            }
            Step::ForgetPlace { place } => {
                self.desk.commit(vec![Op::delete(records::old_place(&place))]).await;
                Ok(Outcome::Forgotten)
            }
        }
    }

    /// What was read becomes an agenda, its texts go into the store.
    async fn take_down(
        &self,
        room: &Arc<RoomSpec>,
        reading: CalendarReading,
        last: Option<Arc<Agenda>>,
        without_private_texts: bool,
    ) -> Result<Outcome, Failure> {
        let (complete, cursor, server_ahead) = match reading {
            CalendarReading::Unchanged { server_ahead } => return Ok(Outcome::AgendaUnchanged { server_ahead }),
            CalendarReading::Complete { complete, cursor, server_ahead } => (complete, cursor, server_ahead),
        };
        let previous = if complete.unreadable.is_empty() {
            Vec::new()
        } else {
            self.agenda_record(room).await?.map(|record| record.events).unwrap_or_default()
        };
        let time_zone = complete.time_zone.clone();
        let (agenda, mut events) = Agenda::from_complete(room.key.clone(), complete, &previous);
        let agenda = if last.as_deref() != Some(&agenda) || cursor.is_some() {
            if without_private_texts {
                events.iter_mut().filter(|event| event.private).for_each(silence);
            }
            let record = AgendaRecord {
                agenda,
                events,
                cursor: cursor.clone(),
                time_zone: time_zone.clone(),
                read_at: self.clock.now().wall,
            };
            self.desk.commit(vec![Op::put(records::agenda(&room.key), records::to_bytes(&record))]).await;
            let agenda = Arc::new(record.agenda);
            if last.is_none_or(|last| last.digest != agenda.digest) {
                self.hand_on(agenda.clone(), record.events);
            }
            agenda
        } else {
            Arc::new(agenda)
        };
        Ok(Outcome::Agenda(Box::new(AgendaRead { agenda, cursor, time_zone, server_ahead })))
    }

    /// Keeps the events of an agenda for the rules, which run on them next, as a rule.
    fn hand_on(&self, agenda: Arc<Agenda>, events: Vec<Event>) {
        let mut taken_down = self.taken_down.lock().unwrap_or_else(PoisonError::into_inner);
        taken_down.truncate(HANDED_ON_MAX - 1);
        taken_down.push_front((agenda, events));
    }

    /// The events of an agenda: those that were just written down, else the store's.
    async fn events_of(&self, room: &RoomSpec, agenda: &Agenda) -> Result<Option<Vec<Event>>, Failure> {
        let handed_on = {
            let mut taken_down = self.taken_down.lock().unwrap_or_else(PoisonError::into_inner);
            let place = taken_down.iter().position(|(there, _)| **there == *agenda);
            place.and_then(|place| taken_down.remove(place))
        };
        if let Some((_, events)) = handed_on {
            return Ok(Some(events));
        }
        let record = self.agenda_record(room).await?.filter(|record| record.agenda.digest == agenda.digest);
        Ok(record.map(|record| record.events))
    }

    /// The events of an agenda, for whoever asks about one of them; `None` where the store does not give them.
    pub async fn texts(&self, agenda: &Agenda) -> Option<Vec<Event>> {
        let record = self.record::<AgendaRecord>(&records::agenda(&agenda.room)).await.ok().flatten();
        record.filter(|record| record.agenda.digest == agenda.digest).map(|record| record.events)
    }

    /// Moves the records of the rooms of one address, which may change places, in one transaction.
    async fn carry_rooms(&self, moves: &[RoomMove]) -> Result<(), Failure> {
        let (mut gone, mut there) = (Vec::new(), Vec::new());
        for RoomMove { from, to, evaluations } in moves {
            if from != to
                && let Some(mut record) = self.record::<AgendaRecord>(&records::agenda(from)).await?
            {
                record.agenda.room = to.clone();
                gone.push(Op::delete(records::agenda(from)));
                there.push(Op::put(records::agenda(to), records::to_bytes(&record)));
            }
            for (before, now) in evaluations.iter().filter(|(before, now)| (from, before) != (to, now)) {
                let key = records::meetings(from, before);
                if let Some(record) = self.record::<MeetingsRecord>(&key).await? {
                    let record = MeetingsRecord { room: to.clone(), evaluation: now.clone(), ..record };
                    gone.push(Op::delete(key));
                    there.push(Op::put(records::meetings(to, now), records::to_bytes(&record)));
                }
            }
        }
        gone.extend(there);
        self.desk.commit(gone).await;
        Ok(())
    }

    async fn record<T: serde::de::DeserializeOwned>(&self, key: &str) -> Result<Option<T>, Failure> {
        Ok(self.desk.get(key).await?.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }

    async fn agenda_record(&self, room: &RoomSpec) -> Result<Option<AgendaRecord>, Failure> {
        self.record(&records::agenda(&room.key)).await
    }

    async fn evaluate(
        &self,
        room: &Arc<RoomSpec>,
        agenda: Arc<Agenda>,
        evaluations: Vec<Arc<EvaluationSpec>>,
        previous: Vec<Arc<Meetings>>,
        zone: String,
    ) -> Result<Outcome, Failure> {
        let Some(events) = self.events_of(room, &agenda).await? else {
            return Err(Failure::retry(
                "TextsMissing",
                "the texts of the agenda are not in the store; it is read anew",
            ));
        };
        let chains: Vec<Arc<Chain>> = evaluations.iter().map(|evaluation| self.chain(evaluation)).collect();
        let email = room.key.email.clone();
        let made = tokio::task::spawn_blocking(move || {
            let chains = evaluations.iter().zip(&chains);
            chains
                .map(|(evaluation, chain)| {
                    let before = previous.iter().find(|before| before.rules == evaluation.digest);
                    let made = rules::evaluate(chain, &email, &agenda, &events, &zone, before.map(|before| &**before));
                    (evaluation.id.clone(), Arc::new(made))
                })
                .collect::<Vec<_>>()
        })
        .await
        .map_err(|_| Failure::fix("RulesPanicked", "the rules stopped on an event of this room; please report it"))?;
        let ops = made.iter().map(|(evaluation, made)| {
            let record = MeetingsRecord { room: room.key.clone(), evaluation: evaluation.clone(), made: made.clone() };
            Op::put(records::meetings(&room.key, evaluation), records::to_bytes(&record))
        });
        self.desk.commit(ops.collect()).await;
        Ok(Outcome::Meetings(made))
    }

    fn chain(&self, evaluation: &EvaluationSpec) -> Arc<Chain> {
        let mut chains = self.chains.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(chain) = chains.get(&evaluation.digest) {
            return chain.clone();
        }
        // A directory has a handful of evaluations; older ones are dropped now and then.
        if chains.len() >= 256 {
            chains.clear();
        }
        let chain = Arc::new(Chain::compile(evaluation));
        chains.insert(evaluation.digest, chain.clone());
        chain
    }

    async fn put(
        &self,
        endpoint: &Arc<EndpointSpec>,
        schedule: &Arc<Schedule>,
        serial: Option<String>,
        known: Known,
    ) -> Result<Outcome, Failure> {
        if matches!(endpoint.device, DeviceSpec::Poly(_)) {
            return Err(Failure::fix("NotAPutEndpoint", "this kind of endpoint fetches its schedule"));
        }
        let given = |schedule: Arc<Schedule>, serial: Option<String>| Given {
            schedule,
            target: Some(endpoint.device.clone()),
            serial,
            at: self.clock.now().wall,
        };
        if known.first {
            // Whatever happens to this put, a restart knows the place and can clear it.
            let place = given(Arc::default(), serial.clone());
            self.desk.commit(vec![records::put_held(&endpoint.name, &place)]).await;
        }
        let done = self.world.put(endpoint, schedule, serial.as_deref()).await?;
        let given = given(schedule.clone(), done.facts.serial.clone().or(serial));
        if !known.again {
            self.desk.commit(vec![records::put_held(&endpoint.name, &given)]).await;
        }
        Ok(Outcome::Put { given: Box::new(given), done })
    }
}

/// What is written down of an endpoint before it is given a list.
#[derive(Clone, Copy)]
struct Known {
    /// Nothing.
    first: bool,
    /// The very list.
    again: bool,
}

/// What people wrote goes; what places the event stays.
fn silence(event: &mut Event) {
    event.subject = Confidential::default();
    event.location = Confidential::default();
    event.body = Body::None;
    event.properties.clear();
}
