//! A simulated Exchange organisation as its administrators see it: servers, accounts, mailboxes, what was configured. Tests change it
//! while it runs.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::http::{HttpError, Url};

/// How the services behave.
#[derive(Clone, Debug)]
pub struct ExchangeOptions {
    /// Of latencies, and of what is lost.
    pub seed: u64,
    /// Shortest and longest time of a request. Not measured: the times of a server that is not busy, on its own network.
    pub latency: (Duration, Duration),
    /// Requests of one budget that are under way at once, before `ErrorExceededConnectionCount`. 27 since Exchange 2013, 10 before
    /// (`EwsMaxConcurrency`). A budget is the impersonated mailbox's, or the account's own.
    /// See <https://learn.microsoft.com/exchange/client-developer/exchange-web-services/ews-throttling-in-exchange>.
    pub at_once: usize,
    /// Streaming answers of one budget: 10 (Online, 2016, 2019), 3 (2013) (`HangingConnectionLimit`, same page).
    pub streams_at_once: usize,
    /// Requests of one budget in a minute, before `ErrorServerBusy`. Exchange counts the time of its processors instead, which a client
    /// cannot know; no limit unless given.
    pub in_a_minute: Option<u32>,
    /// Requests of everybody in 24 hours, those about notifications apart, above which they are counted as too many. Exchange has no
    /// such limit: it is the client's own.
    pub in_a_day: Option<u64>,
    /// `BackOffMilliseconds` beside `ErrorServerBusy`; requests within it fail, too, and prolong it. `None`: the value is left out,
    /// as some servers do, and there is no such span.
    pub back_off: Option<Duration>,
    /// Most items of one list (`EwsFindCountLimit`, same page).
    pub find_max: usize,
    /// Subscriptions of one mailbox (`EwsMaxSubscriptions`: 5000; 20 in Online).
    pub subscriptions_max: usize,
    /// Mailboxes of one question about availability.
    /// See <https://learn.microsoft.com/exchange/client-developer/web-service-reference/getuseravailability-operation>.
    pub availability_max: usize,
    /// Longest span of such a question, in days (`MaximumQueryIntervalDays` in the server's `web.config`).
    pub availability_days: i64,
    /// Wrong passwords in a row that lock an account. Active Directory's own default is never; Microsoft's security baseline has 10.
    /// See <https://learn.microsoft.com/previous-versions/windows/it-pro/windows-10/security/threat-protection/security-policy-settings/account-lockout-threshold>.
    pub locks_after: Option<u32>,
    /// Shortest and longest time from a change to its notification. Observed: a second or two.
    pub notice_after: (Duration, Duration),
    /// Share of notifications that never come.
    pub notices_lost: f64,
    /// A silent stream says that it lives this often. Observed: 45 s.
    pub beat: Duration,
    /// What sees a streaming answer on its way: it keeps everything until the answer ends.
    pub buffered: bool,
    /// Streams end when they were asked to; otherwise never.
    pub streams_end: bool,
    /// Back ends of each server: a subscription is known to one alone.
    pub back_ends: u32,
}

impl Default for ExchangeOptions {
    fn default() -> Self {
        Self {
            seed: 0,
            latency: (Duration::from_millis(15), Duration::from_millis(120)),
            at_once: 27,
            streams_at_once: 10,
            in_a_minute: None,
            in_a_day: None,
            back_off: Some(Duration::from_secs(5)),
            find_max: 1000,
            subscriptions_max: 5000,
            availability_max: 100,
            availability_days: 42,
            locks_after: Some(10),
            notice_after: (Duration::from_millis(500), Duration::from_secs(2)),
            notices_lost: 0.0,
            beat: Duration::from_secs(45),
            buffered: false,
            streams_end: true,
            back_ends: 2,
        }
    }
}

/// What administrators configure. See [`ExchangeFake::change`](super::ExchangeFake::change).
#[derive(Debug, Default)]
pub struct Org {
    /// By name. Mailboxes without an entry are on the first.
    pub servers: BTreeMap<String, Server>,
    /// By user name as it is signed in with, in lower case.
    pub accounts: BTreeMap<String, Account>,
    /// Mailboxes that are not as all others, by address in lower case. There is a mailbox for each of the rooms, entry or not.
    pub mailboxes: BTreeMap<String, Mailbox>,
    /// How invitations to rooms without an entry are processed.
    pub processing: Processing,
    /// Hosts of Autodiscover that send elsewhere (302): `POST` to `autodiscover.svc`, and the unauthenticated `GET` of
    /// `autodiscover.xml`.
    pub redirects: BTreeMap<String, Url>,
    /// Autodiscover has no time (`ServerBusy`).
    pub autodiscover_busy: bool,
    /// Everything fails in this way.
    pub fault: Option<Fault>,
    /// What is offered to those who are not signed in.
    pub offered: Offered,
}

/// Schemes of sign-in that the web servers offer, in this order. Those not offered are not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Offered {
    /// `Bearer`, with the headers of hybrid modern authentication.
    pub bearer: bool,
    /// `Negotiate` and `NTLM`: NTLMv2 under both names, over connections that are known ([`Fake::open_over`](crate::sim::Fake::open_over)).
    pub windows: bool,
    /// `Basic`.
    pub basic: bool,
}

impl Default for Offered {
    fn default() -> Self {
        Self { bearer: true, windows: true, basic: true }
    }
}

/// One server, or one site behind one address.
#[derive(Clone, Debug)]
pub struct Server {
    /// Of `Exchange.asmx`; `https`, though it may be served without.
    pub ews: Url,
    /// `InternalEwsUrl`, where that is another one.
    pub internal: Option<Url>,
    /// `GroupingInformation`.
    pub group: String,
    /// Major, minor, build, revision. 15.0 is 2013, 15.1 is 2016, 15.2 is 2019 and SE.
    pub build: (u32, u32, u32, u32),
    /// It asks the right server in its site for mailboxes of another one; otherwise `ErrorProxyRequestNotAllowed`.
    pub proxies: bool,
    /// Its certificate, in DER. With one, NTLM over TLS must be bound to it: Extended Protection, which is on since Exchange 2019 CU14.
    /// See <https://learn.microsoft.com/exchange/plan-and-deploy/post-installation-tasks/security-best-practices/exchange-extended-protection>.
    pub certificate: Option<Vec<u8>>,
}

impl Server {
    /// Exchange 2019 at this address.
    #[must_use]
    pub fn at(ews: Url) -> Self {
        let group = "Default-First-Site-Name".into();
        Self { ews, internal: None, group, build: (15, 2, 1544, 4), proxies: false, certificate: None }
    }

    /// The versions it knows, oldest first: names and builds of `RequestServerVersion`.
    pub(super) fn versions(&self) -> Vec<&'static str> {
        let known = |(_, since): &&(&str, (u32, u32, u32))| *since <= (self.build.0, self.build.1, self.build.2);
        VERSIONS.iter().filter(known).map(|(name, _)| *name).collect()
    }
}

/// Since which build. See <https://learn.microsoft.com/exchange/new-features/build-numbers-and-release-dates>.
const VERSIONS: [(&str, (u32, u32, u32)); 9] = [
    ("Exchange2007", (8, 0, 0)),
    ("Exchange2007_SP1", (8, 1, 0)),
    ("Exchange2010", (14, 0, 0)),
    ("Exchange2010_SP1", (14, 1, 0)),
    ("Exchange2010_SP2", (14, 2, 0)),
    ("Exchange2013", (15, 0, 0)),
    ("Exchange2013_SP1", (15, 0, 847)),
    ("Exchange2015", (15, 1, 0)),
    ("Exchange2016", (15, 1, 225)),
];

/// Whose mailboxes an account may act on.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Whose {
    /// Nobody's.
    #[default]
    Nobody,
    /// Everybody's.
    All,
    /// Of these addresses, in lower case: the group of a management scope.
    These(BTreeSet<String>),
}

impl Whose {
    pub(super) fn has(&self, mailbox: &str) -> bool {
        match self {
            Self::Nobody => false,
            Self::All => true,
            Self::These(these) => these.contains(mailbox),
        }
    }
}

/// Somebody who signs in: by password, or by a token that names it.
#[derive(Clone, Debug, Default)]
pub struct Account {
    /// Without one nobody signs in with a password.
    pub password: Option<String>,
    /// ApplicationImpersonation.
    pub impersonates: Whose,
    /// May read these calendars in its own name.
    pub reads: Whose,
    /// The password is right and may not be used any more.
    pub expired: bool,
    /// EWS is off for it (403).
    pub ews_disabled: bool,
    /// Locked out: by wrong passwords, or by somebody.
    pub locked: bool,
    /// Wrong passwords since the last right one.
    pub wrong_in_a_row: u32,
    /// Wrong passwords ever, also while it was locked.
    pub wrong: u64,
}

/// What is special about a mailbox.
#[derive(Clone, Debug, Default)]
pub struct Mailbox {
    /// How invitations to it are processed; `None`: as those to all.
    pub processing: Option<Processing>,
    /// The server that has it.
    pub on: Option<String>,
    /// The server that Autodiscover names, where that is still, or already, another one: a mailbox half moved.
    pub directory: Option<String>,
    /// It is being moved: no server has it for now (`ErrorMailboxMoveInProgress`).
    pub moving: bool,
    /// Autodiscover wants to be asked about this address instead.
    pub redirect_address: Option<String>,
    /// Autodiscover wants to be asked here instead.
    pub redirect_url: Option<String>,
    /// EWS is off for it (403).
    pub ews_disabled: bool,
    /// It has no calendar (`ErrorFolderNotFound`).
    pub no_calendar: bool,
}

/// What calendar processing does to invitations that a room accepts.
/// See <https://learn.microsoft.com/powershell/module/exchange/set-calendarprocessing>.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Processing {
    /// `DeleteComments`: the text is gone, and everything attached.
    pub delete_comments: bool,
    /// `DeleteSubject`: the title is gone.
    pub delete_subject: bool,
    /// `AddOrganizerToSubject`: the organizer's name is the title.
    pub add_organizer_to_subject: bool,
    /// `RemovePrivateProperty`: private meetings are so no more.
    pub remove_private_property: bool,
}

impl Processing {
    /// As a new room mailbox has it.
    pub const EXCHANGE_DEFAULT: Self = Self {
        delete_comments: true,
        delete_subject: true,
        add_organizer_to_subject: true,
        remove_private_property: true,
    };
    /// As rooms have it whose invitations are to be read.
    pub const KEPT: Self = Self {
        delete_comments: false,
        delete_subject: false,
        add_organizer_to_subject: false,
        remove_private_property: false,
    };
}

/// How everything can fail.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fault {
    /// Nobody answers.
    Unreachable(HttpError),
    /// This status, with a page.
    Status(u16),
    /// This SOAP fault with status 500: `ErrorInternalServerTransientError`, `ErrorServerBusy`.
    Soap(&'static str),
}

/// What was asked, as the service counts it itself.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Requests, whatever became of them.
    pub requests: u64,
    /// Most of them in any 24 hours.
    pub peak_day: u64,
    /// Those above [`ExchangeOptions::in_a_day`].
    pub over_the_day: u64,
    /// Those that were understood, by operation; `GetUserSettings` is Autodiscover's.
    pub operations: BTreeMap<&'static str, u64>,
    /// Answered with 401.
    pub unauthorized: u64,
    /// With a wrong password, or a token that is none.
    pub wrong_credentials: u64,
    /// Refused because a budget was spent.
    pub over_budget: u64,
    /// Came within the span of a back-off.
    pub in_back_off: u64,
    /// Most requests of one budget at once, streams apart.
    pub peak_at_once: usize,
    /// Most streams of one budget at once.
    pub peak_streams: usize,
    /// Items given in full.
    pub items: u64,
    /// Notifications that were sent.
    pub notices: u64,
    /// Notifications that were lost.
    pub notices_lost: u64,
    /// Refused for want of a right to impersonate.
    pub impersonation_refused: u64,
}
