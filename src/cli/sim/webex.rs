//! A simulated Webex Cloud on this machine: its devices, the token endpoint before them, the page where an administrator signs in, and
//! the document by which otj reaches it.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use crate::http::Url;
use crate::model::Clock;
use crate::sim::served::Services;
use crate::sim::token::{App, Dialect, Issued, SignInPage, TokenService};
use crate::sim::webex::{Device, Event, WebexFake};

/// The service app, and the integration through which an administrator signs in.
const CLIENT: &str = "C0123456789abcdef";
/// The refresh token of the service app's authorization.
const REFRESH: &str = "refresh-of-the-authorization";
/// Who signs in on the page.
const ADMINISTRATOR: &str = "admin@example.com";
/// Devices of `otj sim webex`.
const DEVICES: [&str; 3] =
    ["Y2lzY29zcGFyazovL3VzL0RFVklDRS8x", "Y2lzY29zcGFyazovL3VzL0RFVklDRS8y", "Y2lzY29zcGFyazovL3VzL0RFVklDRS8z"];

/// See the module.
pub(in crate::cli) struct WebexCloud {
    address: SocketAddr,
    fake: WebexFake,
    services: Services,
    secret: String,
}

impl fmt::Debug for WebexCloud {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebexCloud").field("address", &self.address).finish_non_exhaustive()
    }
}

impl WebexCloud {
    /// A cloud with these devices that will be served at `address`; `secret` is its apps'.
    ///
    /// # Errors
    /// When the address makes no URL.
    pub(in crate::cli) fn new(
        address: SocketAddr,
        secret: &str,
        devices: &[&str],
        clock: &Clock,
    ) -> anyhow::Result<Self> {
        let issued = Arc::<Issued>::default();
        let known = issued.clone();
        let fake = WebexFake::new(Box::new(move |token, now| known.is_valid(token, now)));
        let url = Url::parse(&format!("http://{address}/v1/access_token"))?;
        let tokens = Arc::new(TokenService::new(Dialect::Webex, url, issued));
        tokens.change(|it| {
            it.apps.insert(CLIENT.into(), App { secret: Some(secret.into()), ..App::default() });
            it.refresh.insert(REFRESH.into(), "service-app".into());
        });
        let now = clock.now().wall;
        fake.change(|org| {
            let numbered = devices.iter().zip(1..);
            org.devices =
                numbered.map(|(id, n)| ((*id).to_owned(), Device::new(&format!("FOC26{n:02}WEBEX"), now))).collect();
        });
        let page = Arc::new(SignInPage { tokens: tokens.clone(), account: ADMINISTRATOR.into() });
        let by_path = vec![
            ("/v1/access_token", tokens as Arc<dyn crate::sim::Fake>),
            ("/v1/authorize", page),
            ("/v1/", Arc::new(fake.clone())),
        ];
        let services = Services { by_path, clock: clock.clone() };
        Ok(Self { address, fake, services, secret: secret.to_owned() })
    }

    /// What is to be served.
    pub(in crate::cli) fn services(&self) -> Services {
        self.services.clone()
    }

    /// Its organization.
    pub(in crate::cli) fn fake(&self) -> &WebexFake {
        &self.fake
    }

    /// Its secrets, by file name.
    pub(in crate::cli) fn secrets(&self) -> [(&'static str, &str); 2] {
        [("webex-secret", &self.secret), ("webex-refresh", REFRESH)]
    }

    /// The document of its integration, which is called `webex`.
    pub(in crate::cli) fn document(&self) -> String {
        format!(
            "apiVersion: otj/v1\nkind: WebexIntegration\nmetadata: {{name: webex}}\nspec:\n  apiUrl: http://{}/v1\n  serviceApp:\n    \
             clientId: {CLIENT}\n    clientSecret: {{file: webex-secret}}\n    refreshToken: {{file: webex-refresh}}\n",
            self.address
        )
    }
}

/// Serves a cloud with three devices on `listener` and tells what their screens show, until the process ends.
///
/// # Errors
/// When the address makes no URL.
pub(super) async fn serve(listener: TcpListener, clock: &Clock) -> anyhow::Result<()> {
    let cloud = WebexCloud::new(listener.local_addr()?, "simulated", &DEVICES, clock)?;
    super::super::print(&introduction(&cloud));
    let mut events = cloud.fake().events();
    let stop = CancellationToken::new();
    let mut served = std::pin::pin!(cloud.services().serve(listener, stop));
    loop {
        tokio::select! {
            () = &mut served => return Ok(()),
            event = events.recv() => match event {
                Ok(event) => super::super::print(&line(&event)),
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return Ok(()),
            }
        }
    }
}

/// What a screen shows now.
fn line(event: &Event) -> String {
    let shown: Vec<String> = event
        .shown
        .iter()
        .map(|it| {
            let dials = it.number.as_ref().map(|number| format!(" → {}", number.expose())).unwrap_or_default();
            format!("{} “{}”{dials}", it.start.strftime("%F %H:%M"), it.title.expose())
        })
        .collect();
    let shows = if shown.is_empty() { "nothing".to_owned() } else { shown.join(", ") };
    format!("{} shows {shows} (UTC)\n", event.device)
}

/// What to write where, so that a node on this machine fills the devices.
fn introduction(cloud: &WebexCloud) -> String {
    let secrets: String =
        cloud.secrets().iter().map(|(file, text)| format!("printf %s '{text}' > secrets/{file}\n")).collect();
    let endpoints: String = DEVICES
        .iter()
        .zip(1..)
        .map(|(id, n)| {
            format!(
                "---\napiVersion: otj/v1\nkind: Endpoint\nmetadata: {{name: board-{n}}}\n\
                 spec: {{profile: boards, roomEmail: board-{n}@example.com, webex: {{deviceId: {id}}}}}\n"
            )
        })
        .collect();
    format!(
        "# The secrets:\nmkdir -p secrets otj.d/calendars\n{secrets}\n# otj.d/webex.yaml:\n{}---\napiVersion: otj/v1\nkind: IcsIntegration\n\
         metadata: {{name: calendars}}\nspec: {{directory: calendars}}\n---\napiVersion: otj/v1\nkind: Profile\nmetadata: {{name: boards}}\n\
         spec: {{integration: calendars, webex: webex, ruleSets: [builtin/standard]}}\n{endpoints}\n\
         # Calendars: otj.d/calendars/board-1@example.com.ics and so on.\n\
         # Then: otj run --allow-loopback --secret-dir secrets. Instead of `serviceApp`, for `otj auth webex --allow-loopback`:\n\
         #   oauth: {{clientId: {CLIENT}, clientSecret: {{file: webex-secret}}}}\n\n",
        cloud.document()
    )
}
