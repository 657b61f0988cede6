//! A large site against a simulated service: as many invented rooms as wanted, whose working days are played as they come, and a
//! directory with which a node reads them.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;

use super::cloud::{Cloud, Maker};
use crate::cli::demo::place::Place;
use crate::model::Clock;
use crate::model::names::base32;
use crate::sim::workload::{Habits, Script, address};
use crate::store::private;

/// Days whose changes are played.
const DAYS: u32 = 7;

/// See the module.
#[derive(Debug)]
pub(super) struct Site {
    script: Arc<Script>,
    /// How many changes were played.
    played: usize,
}

impl Site {
    /// So many rooms, booked for the week that begins today.
    ///
    /// # Errors
    /// When the time is out of range.
    pub(super) fn open(cloud: &Cloud, rooms: u32, now: Timestamp) -> anyhow::Result<Self> {
        let begins = Timestamp::from_second(now.as_second().div_euclid(86_400) * 86_400)?;
        let script = Arc::new(Script::write(&Habits::default(), begins, rooms, DAYS, 1));
        script.furnish(cloud.rooms());
        let mut site = Self { script, played: 0 };
        site.play_until(cloud, now);
        Ok(site)
    }

    /// Plays what is due, for as long as there is something.
    pub(super) async fn live(mut self, cloud: &Cloud, clock: &Clock) {
        while let Some(next) = self.script.changes.get(self.played) {
            let wait = self.script.at(next.at_s).duration_since(clock.now().wall);
            tokio::time::sleep(wait.try_into().unwrap_or_default()).await;
            self.play_until(cloud, clock.now().wall);
        }
        std::future::pending().await
    }

    fn play_until(&mut self, cloud: &Cloud, now: Timestamp) {
        while let Some(change) = self.script.changes.get(self.played).filter(|it| self.script.at(it.at_s) <= now) {
            self.script.play(change, cloud.rooms());
            self.played += 1;
        }
    }
}

/// Writes documents and secrets for so many rooms into `dir`, which is empty or not there yet; what to do with them.
///
/// # Errors
/// When a file cannot be written.
pub(super) fn write(dir: &Path, maker: Maker, cloud: &Cloud, secret: &str, rooms: u32) -> anyhow::Result<String> {
    let place = Place::new(Some(dir))?;
    let (file, text) = maker.secret(secret);
    let table: String = (0..rooms).map(|room| format!("room-{room:05},poly,{}\n", address(room))).collect();
    let documents = format!(
        "{}---\napiVersion: otj/v1\nkind: Profile\nmetadata: {{name: simulated}}\n\
         spec: {{integration: {}, ruleSets: [builtin/standard]}}\n---\napiVersion: otj/v1\n\
         kind: EndpointTable\nmetadata: {{name: rooms}}\nspec:\n  file: rooms.csv\n  defaults:\n    profile: simulated\n    \
         poly: {{username: \"{{{{ endpoint.name }}}}\", password: {{file: poly-password}}}}\n",
        cloud.documents(),
        maker.name(),
    );
    place.add(&[
        ("otj.d/simulated.yaml".into(), documents),
        ("otj.d/rooms.csv".into(), format!("name,type,room_email\n{table}")),
        (format!("secrets/{file}"), text.to_owned()),
        ("secrets/poly-password".into(), base32(&private::random::<15>()?)),
    ])?;
    let dir = dir.display();
    Ok(format!(
        "{rooms} rooms, whose documents and secrets are in {dir}. In another terminal:\n\
         otj run --config {dir}/otj.d --secret-dir {dir}/secrets --data-dir {dir}/data --allow-loopback\n\n"
    ))
}
