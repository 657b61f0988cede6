//! The demo's device of the Webex Cloud: a board in the first room, filled through a simulated cloud. In: the time. Out: documents and
//! secrets to write, and what the board shows.

use tokio::net::TcpListener;
use tokio::sync::broadcast;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::screen::Line;
use super::teller::Teller;
use crate::cli::sim::webex::WebexCloud;
use crate::model::Clock;
use crate::model::names::base32;
use crate::sim::webex::Event;
use crate::store::private;

/// The documents about it.
const DOCUMENTS: &str = include_str!("boards.yaml");
/// Its id at the cloud, as the documents have it.
const DEVICE: &str = "Y2lzY29zcGFyazovL3VzL0RFVklDRS9ib2FyZA";

/// See the module.
pub(super) struct Boards {
    cloud: WebexCloud,
    listener: Option<TcpListener>,
    fills: broadcast::Receiver<Event>,
}

impl Boards {
    /// Binds the cloud; nothing is served yet.
    ///
    /// # Errors
    /// When there is no port left on this machine.
    pub(super) async fn open(clock: &Clock) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let secret = base32(&private::random::<15>()?);
        let cloud = WebexCloud::new(listener.local_addr()?, &secret, &[DEVICE], clock)?;
        let fills = cloud.fake().events();
        Ok(Self { cloud, listener: Some(listener), fills })
    }

    /// Documents and secrets, by name.
    pub(super) fn files(&self) -> Vec<(String, String)> {
        let text = format!("# A board that is reached through the Webex Cloud.\n{}{DOCUMENTS}", self.cloud.document());
        let secrets = self.cloud.secrets().map(|(name, text)| (format!("secrets/{name}"), text.to_owned()));
        std::iter::once(("otj.d/boards.yaml".to_owned(), text)).chain(secrets).collect()
    }

    /// Serves the cloud until `stop`.
    pub(super) fn start(&mut self, tasks: &mut JoinSet<()>, stop: &CancellationToken) {
        if let Some(listener) = self.listener.take() {
            tasks.spawn(self.cloud.services().serve(listener, stop.clone()));
        }
    }

    /// Tells what the board was given since the last look.
    pub(super) fn look(&mut self, teller: &mut Teller) {
        while let Ok(event) = self.fills.try_recv() {
            let lines: Vec<Line> = event.shown.iter().map(Line::from).collect();
            teller.pushed_to("board", "a file, filled through the Webex Cloud", lines, event.at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_board_stands_in_the_documents_and_its_secrets_do_not() {
        let boards = Boards::open(&Clock::system()).await.unwrap();
        let files = boards.files();
        assert_eq!(files.len(), 3);
        assert!(files[0].1.contains(&format!("deviceId: {DEVICE}")), "{}", files[0].1);
        assert!(!files[0].1.contains(&files[1].1) && !files[0].1.contains(&files[2].1), "secrets stand in files");
    }
}
