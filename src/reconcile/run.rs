//! The loop itself: turns, lanes, and what wakes it.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::{Id, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::model::presence::Presence;
use crate::model::{Failure, LookAgain, Mono};

use super::board::Shown;
use super::due::Object;
use super::order::Command;
use super::perform::Workshop;
use super::planner::Planner;
use super::step::{Ended, Lane, Step};
use super::world::World;

/// The loop looks at the boot clock at least this often: after a suspend it notices within a second.
const LOOK_AT_CLOCK: Duration = Duration::from_secs(1);
/// Steps under way may end within this time when the program stops.
const STOP_GRACE: Duration = Duration::from_secs(5);
/// A step with an endpoint that has answered so far is expected to end within this time. After it the place is somebody else's: devices
/// that fell silent since their last step must not hold up those that answer.
const EXPECTED: Duration = Duration::from_secs(3);
/// Records that could not be written are tried again this often.
const STORE_AGAIN: Duration = Duration::from_secs(60);

/// What wakes the loop.
#[derive(Debug)]
pub struct Inlets {
    /// Look again, here or there.
    pub look_again: mpsc::Receiver<LookAgain>,
    /// Poly endpoints whose polls brought news.
    pub presence: mpsc::Receiver<Presence>,
    /// Requests of an operator.
    pub commands: mpsc::Receiver<Command>,
}

/// Steps under way, and objects that wait for a place.
#[derive(Debug, Default)]
struct Lanes {
    under_way: JoinSet<Ended>,
    begun: HashMap<Id, (Lane, Object, &'static str)>,
    taken: BTreeMap<Lane, usize>,
    waiting: BTreeMap<Lane, VecDeque<Object>>,
    in_line: BTreeSet<Object>,
    /// Steps with healthy endpoints, and when they began, in that order.
    healthy: VecDeque<(Mono, Id)>,
}

impl Lanes {
    fn has_room(&self, lane: &Lane) -> bool {
        self.taken.get(lane).is_none_or(|taken| *taken < lane.bound())
    }

    fn wait(&mut self, lane: Lane, object: Object) {
        if self.in_line.insert(object.clone()) {
            self.waiting.entry(lane).or_default().push_back(object);
        }
    }

    /// Whoever takes longer than expected goes on beside the others. Objects that may take the places come back.
    fn step_aside(&mut self, now: Mono) -> Vec<Object> {
        let mut next = Vec::new();
        while let Some((began, id)) = self.healthy.front().copied() {
            if began + EXPECTED > now || !self.has_room(&Lane::Slow) {
                break;
            }
            self.healthy.pop_front();
            let Some((lane, ..)) = self.begun.get_mut(&id) else { continue };
            *lane = Lane::Slow;
            *self.taken.entry(Lane::Slow).or_default() += 1;
            next.extend(self.leave(&Lane::Healthy));
        }
        next
    }

    /// One place less is taken; the object that waited longest for it.
    fn leave(&mut self, lane: &Lane) -> Option<Object> {
        if let Some(taken) = self.taken.get_mut(lane) {
            *taken = taken.saturating_sub(1);
        }
        let next = self.waiting.get_mut(lane).and_then(VecDeque::pop_front)?;
        self.in_line.remove(&next);
        Some(next)
    }

    fn begin<W: World>(&mut self, lane: Lane, step: Step, workshop: &Arc<Workshop<W>>) {
        let (object, label) = (step.object(), step.label());
        let performs = workshop.clone();
        // In a box: the task is moved several times before it begins.
        let id = self.under_way.spawn(Box::pin(async move { performs.perform(step).await })).id();
        *self.taken.entry(lane.clone()).or_default() += 1;
        if lane == Lane::Healthy {
            self.healthy.push_back((workshop.clock.now().mono, id));
        }
        self.begun.insert(id, (lane, object, label));
    }

    /// Takes down a step that ended. A panic is an outcome too. The object that waited longest for the place comes back.
    fn end(&mut self, ended: Result<(Id, Ended), JoinError>) -> (Ended, Option<Object>) {
        let (id, ended) = match ended {
            Ok((id, ended)) => (id, Some(ended)),
            Err(error) => (error.id(), None),
        };
        let (lane, object, label) = self.begun.remove(&id).expect("every step under way was begun");
        let next = self.leave(&lane);
        let panicked = || Ended {
            object,
            label,
            requests: 0,
            result: Err(Failure::fix("Panicked", "a step stopped where it must not; please report it")),
        };
        (ended.unwrap_or_else(panicked), next)
    }
}

/// Runs until `stop`. Nothing outlives it: steps under way get a short grace, then they are dropped.
pub async fn run<W: World>(
    mut planner: Planner,
    workshop: Arc<Workshop<W>>,
    mut inlets: Inlets,
    stop: CancellationToken,
) {
    let mut lanes = Lanes::default();
    let mut store_again = Mono::default();
    // Answers that wait for the store; the loop does not.
    let mut answering = JoinSet::new();
    loop {
        let now = workshop.clock.now();
        planner.look_at_clock(now);
        workshop.desk.commit(planner.take_records(now)).await;
        if workshop.desk.is_unavailable() && now.mono >= store_again {
            store_again = now.mono + STORE_AGAIN;
            workshop.desk.try_again().await;
        }
        for object in lanes.step_aside(now.mono) {
            planner.touch(object);
        }
        while let Some(step) = planner.next_step(now) {
            let lane = planner.lane(&step);
            if lanes.has_room(&lane) {
                planner.begin(&step);
                lanes.begin(lane, step, &workshop);
            } else {
                lanes.wait(lane, step.object());
            }
        }
        planner.report_pulse(now, workshop.desk.is_unavailable());
        let pause = now.mono.until(planner.next_due()).min(LOOK_AT_CLOCK);
        tokio::select! {
            biased; // stopping wins over working
            () = stop.cancelled() => break,
            Some(ended) = lanes.under_way.join_next_with_id() => {
                let mut ended = Some(ended);
                while let Some(one) = ended {
                    let (one, next) = lanes.end(one);
                    planner.absorb(one, workshop.clock.now());
                    if let Some(next) = next {
                        planner.touch(next);
                    }
                    ended = lanes.under_way.try_join_next_with_id();
                }
            }
            Some(command) = inlets.commands.recv() => heed(&mut planner, command, &workshop, &mut answering),
            Some(at) = inlets.look_again.recv() => planner.look_again(at, workshop.clock.now()),
            Some(presence) = inlets.presence.recv() => planner.heard_from(presence, workshop.clock.now()),
            Some(_) = answering.join_next() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
    let _ = tokio::time::timeout(STOP_GRACE, async { while lanes.under_way.join_next().await.is_some() {} }).await;
    lanes.under_way.shutdown().await;
    let now = workshop.clock.now();
    workshop.desk.commit(planner.take_records(now)).await;
}

fn heed<W: World>(planner: &mut Planner, command: Command, workshop: &Arc<Workshop<W>>, answering: &mut JoinSet<()>) {
    match command {
        Command::Do { order, who, answer } => {
            // Whoever asked may have gone; what was done stands.
            let _ = answer.send(planner.obey(&order, &who, workshop.clock.now()));
        }
        Command::Show { room, answer } => match planner.agenda(&room) {
            None => drop(answer.send(None)),
            Some(agenda) => {
                let workshop = workshop.clone();
                answering.spawn(async move {
                    let events = match &agenda {
                        Some(agenda) => workshop.texts(agenda).await,
                        None => None,
                    };
                    drop(answer.send(Some(Shown { agenda, events })));
                });
            }
        },
    }
}
