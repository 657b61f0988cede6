//! The three rooms of the demo whose calendars are at a service: a simulated Google, Graph, and Exchange; each has a codec.
//! In: the time, and a password for the codecs. Out: documents and secrets to write, and what the codecs show.

use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::sync::broadcast;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::screen::Line;
use super::teller::{Teller, Tone};
use crate::cli::sim::cloud::{Cloud, MOVES, Maker};
use crate::listen::{TlsSettings, self_signed};
use crate::model::names::base32;
use crate::model::{Clock, Secret};
use crate::sim::cisco::{Codec, Device, Event, Generation};
use crate::store::private;

/// The documents about them, with the ports that stand in for the codecs'.
const DOCUMENTS: &str = include_str!("clouds.yaml");

/// The rooms.
pub(super) struct Clouds {
    rooms: [Room; 3],
    secret: String,
}

/// One room.
struct Room {
    name: &'static str,
    email: &'static str,
    whose: &'static str,
    /// How the documents write the codec's port.
    port: &'static str,
    maker: Maker,
    cloud: Cloud,
    listeners: Option<(TcpListener, TcpListener)>,
    codec_port: u16,
    pushes: Option<broadcast::Receiver<Event>>,
}

impl Clouds {
    /// Binds everything and furnishes the rooms; nothing is served yet.
    ///
    /// # Errors
    /// When there is no port left on this machine.
    pub(super) async fn open(clock: &Clock) -> anyhow::Result<Self> {
        let secret = base32(&private::random::<15>()?);
        let of = async |name, email, whose, port, maker| {
            let (listener, codec) = (TcpListener::bind("127.0.0.1:0").await?, TcpListener::bind("127.0.0.1:0").await?);
            let cloud = Cloud::new(maker, listener.local_addr()?, &secret, clock)?;
            cloud.furnish(email, clock.now().wall)?;
            let codec_port = codec.local_addr()?.port();
            let listeners = Some((listener, codec));
            anyhow::Ok(Room { name, email, whose, port, maker, cloud, listeners, codec_port, pushes: None })
        };
        let tind = of("tind", "tind@example.com", "Google Workspace", "port: 444 ", Maker::Google).await?;
        let lund = of("lund", "lund@example.com", "Microsoft 365", "port: 445 ", Maker::Graph).await?;
        let voss = of("voss", "voss@example.com", "Exchange", "port: 446 ", Maker::Exchange).await?;
        Ok(Self { rooms: [tind, lund, voss], secret })
    }

    /// Documents and secrets, by name.
    pub(super) fn files(&self) -> Vec<(String, String)> {
        let mut text =
            String::from("# Calendars in two clouds and an Exchange, which this demo plays on this machine.\n");
        for (number, room) in self.rooms.iter().enumerate() {
            text += if number > 0 { "---\n" } else { "" };
            text += &room.cloud.documents();
        }
        text += DOCUMENTS;
        for room in &self.rooms {
            text = text.replace(room.port, &format!("port: {}", room.codec_port));
        }
        let secrets = self.rooms.iter().map(|room| room.maker.secret(&self.secret));
        let secrets = secrets.map(|(name, text)| (format!("secrets/{name}"), text.to_owned()));
        std::iter::once(("otj.d/clouds.yaml".to_owned(), text)).chain(secrets).collect()
    }

    /// Serves calendars, token endpoints and codecs until `stop`.
    ///
    /// # Errors
    /// When a certificate cannot be made.
    pub(super) fn start(
        &mut self,
        password: &Secret,
        clock: &Clock,
        tasks: &mut JoinSet<()>,
        stop: &CancellationToken,
    ) -> anyhow::Result<()> {
        for room in &mut self.rooms {
            let Some((listener, codec_listener)) = room.listeners.take() else { continue };
            tasks.spawn(room.cloud.services().serve(listener, stop.clone()));
            let serial = format!("FOC2610{}", room.name.to_uppercase());
            let mut codec = Codec::new(Generation::RoomOs26, &serial, "otj", password.clone(), clock.now().wall);
            codec.rate_limited = true;
            let codec = Device::new(codec, clock.clone());
            room.pushes = Some(codec.events());
            let (certificate, key) = self_signed(&[format!("{}.av.example.com", room.name)])?;
            let tls = TlsSettings::from_pem(certificate.as_bytes(), &key)?;
            tasks.spawn(codec.serve(codec_listener, Some(tls), stop.clone()));
        }
        Ok(())
    }

    /// Tells what the codecs were given since the last look.
    pub(super) fn look(&mut self, teller: &mut Teller) {
        for room in &mut self.rooms {
            let Some(pushes) = &mut room.pushes else { continue };
            while let Ok(event) = pushes.try_recv() {
                let lines: Vec<Line> = event.shown.iter().map(Line::from).collect();
                teller.pushed_to(room.name, room.whose, lines, event.at);
            }
        }
    }

    /// Somebody moves a meeting in each of the rooms.
    pub(super) fn move_meetings(&self, teller: &Teller, now: Timestamp) {
        for room in &self.rooms {
            let start = teller.times().short(room.cloud.move_meeting(room.email, now));
            let text =
                format!("Somebody moves “{MOVES}” to {start} in the calendar of {}, at {}.", room.email, room.whose);
            teller.say(now, Tone::Stage, "▶", &text);
        }
    }

    /// One sentence on what reading them took.
    pub(super) fn sum_up(&self) -> String {
        let each = self.rooms.iter().map(|room| format!("{} to {}", room.cloud.requests(), room.whose));
        format!("Requests, as they count them themselves: {}.\n", each.collect::<Vec<_>>().join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_ports_of_the_codecs_take_their_places_in_the_documents() {
        let clouds = Clouds::open(&Clock::system()).await.unwrap();
        let files = clouds.files();
        let text = &files[0].1;
        for room in &clouds.rooms {
            assert_eq!(text.matches(&format!("port: {}}}", room.codec_port)).count(), 1, "{text}");
        }
        let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
        let secrets = ["secrets/google-key.pem", "secrets/graph-secret", "secrets/exchange-password"];
        assert_eq!(names[0], "otj.d/clouds.yaml");
        assert_eq!(names[1..], secrets);
        assert!(!text.contains(&clouds.secret), "secrets stand in files of their own");
    }
}
