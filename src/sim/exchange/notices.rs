//! Subscriptions: `Subscribe`, `GetEvents`, `Unsubscribe`. What they tell is found by comparing revisions of the calendar.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};

use super::Call;
use super::ids::Thing;
use super::items::{LAST, Place};
use super::memory::{Change, Happened, Known};
use super::soap::{self, Refused};
use super::xml::{escaped, utc};

/// A streaming subscription that nobody listens to is forgotten after this time.
const UNHEARD_MAX: SignedDuration = SignedDuration::from_mins(30);

/// All subscriptions.
#[derive(Default)]
pub(super) struct Subscriptions {
    by_id: HashMap<String, Subscription>,
    /// The ids of a mailbox's.
    by_mailbox: BTreeMap<String, BTreeSet<String>>,
    made: u64,
    /// Mailboxes of which there is something to tell, and when.
    pub(super) due: BTreeSet<(Timestamp, String)>,
}

/// One subscription to one calendar.
pub(super) struct Subscription {
    pub(super) mailbox: String,
    account: String,
    /// The server and back end that know it.
    at: (String, u32),
    /// `Timeout` of a pull subscription.
    pull: Option<SignedDuration>,
    pub(super) types: BTreeSet<String>,
    /// Up to which revision it has told.
    pub(super) told: u64,
    /// When it was asked about last, or a stream of it was open.
    pub(super) heard: Timestamp,
}

impl Subscriptions {
    pub(super) fn get_mut(&mut self, id: &str) -> Option<&mut Subscription> {
        self.by_id.get_mut(id)
    }

    /// The ids of a mailbox's subscriptions.
    pub(super) fn of(&self, mailbox: &str) -> Vec<String> {
        self.by_mailbox.get(mailbox).map(|ids| ids.iter().cloned().collect()).unwrap_or_default()
    }

    /// One that this call may use, of its kind.
    pub(super) fn usable(&mut self, call: &Call<'_>, id: &str, pull: bool) -> Result<&mut Subscription, Refused> {
        let unknown = Refused("ErrorSubscriptionNotFound");
        let found = self.by_id.get(id).ok_or(unknown)?;
        if (found.at.0.as_str(), found.at.1) != (call.server_name, call.back_end) {
            return Err(unknown);
        }
        if found.is_over(call.now) {
            let pulls = found.pull.is_some();
            self.remove(id);
            return Err(if pulls { Refused("ErrorExpiredSubscription") } else { unknown });
        }
        if found.account != call.account {
            return Err(Refused("ErrorSubscriptionAccessDenied"));
        }
        if found.pull.is_some() != pull {
            return Err(Refused(if pull { "ErrorInvalidPullSubscriptionId" } else { "ErrorInvalidSubscription" }));
        }
        self.by_id.get_mut(id).ok_or(unknown)
    }

    fn remove(&mut self, id: &str) -> Option<Subscription> {
        let gone = self.by_id.remove(id)?;
        if let Some(ids) = self.by_mailbox.get_mut(&gone.mailbox) {
            ids.remove(id);
            if ids.is_empty() {
                self.by_mailbox.remove(&gone.mailbox);
            }
        }
        Some(gone)
    }

    fn add(&mut self, subscription: Subscription) -> String {
        self.made += 1;
        let (server, back_end) = &subscription.at;
        let id = STANDARD
            .encode(format!("\u{7f}{server}~{back_end}~{:016x}", self.made.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
        self.by_mailbox.entry(subscription.mailbox.clone()).or_default().insert(id.clone());
        self.by_id.insert(id.clone(), subscription);
        id
    }

    /// Makes room for one more of a mailbox.
    fn tidy(&mut self, mailbox: &str, now: Timestamp) -> usize {
        for id in self.of(mailbox) {
            if self.by_id.get(&id).is_some_and(|it| it.is_over(now)) {
                self.remove(&id);
            }
        }
        self.by_mailbox.get(mailbox).map_or(0, BTreeSet::len)
    }
}

impl Subscription {
    fn is_over(&self, now: Timestamp) -> bool {
        now.duration_since(self.heard) > self.pull.unwrap_or(UNHEARD_MAX)
    }
}

impl Place<'_> {
    /// `Subscribe`.
    pub(super) fn subscribe(self, call: &Call<'_>) -> Result<String, Refused> {
        Ok(soap::response(
            "Subscribe",
            &[match self.subscribed(call) {
                Ok(inside) => soap::success("Subscribe", &inside),
                Err(refused) => soap::failure("Subscribe", refused, ""),
            }],
        ))
    }

    fn subscribed(self, call: &Call<'_>) -> Result<String, Refused> {
        let request = call.node.children.first().ok_or(Refused("ErrorSchemaValidation"))?;
        let pull = match request.name.as_str() {
            "PullSubscriptionRequest" => {
                let minutes = request.text_at(&["Timeout"]).parse().ok().filter(|minutes| (1..=1440).contains(minutes));
                Some(SignedDuration::from_mins(minutes.ok_or(Refused("ErrorSchemaValidation"))?))
            }
            "StreamingSubscriptionRequest" if call.server.versions().contains(&"Exchange2010_SP1") => None,
            _ => return Err(Refused("ErrorInvalidSubscriptionRequest")),
        };
        let mailbox = match request.all("FolderIds").first() {
            Some(folder) => self.calendar(call, folder)?,
            None => {
                let own = call.impersonated.unwrap_or(call.account);
                self.reach(call, own)?;
                own.to_owned()
            }
        };
        let subscriptions = &mut self.state.subscriptions;
        if subscriptions.tidy(&mailbox, call.now) >= self.options.subscriptions_max {
            return Err(Refused("ErrorExceededSubscriptionCount"));
        }
        let revision =
            self.rooms.look(&mailbox, |room| room.map_or(0, |room| self.state.memory.look(&mailbox, room).revision));
        let id = subscriptions.add(Subscription {
            mailbox,
            account: call.account.to_owned(),
            at: (call.server_name.to_owned(), call.back_end),
            pull,
            types: request.all("EventTypes").iter().map(|kind| kind.text.clone()).collect(),
            told: revision,
            heard: call.now,
        });
        let mut inside = format!("<m:SubscriptionId>{id}</m:SubscriptionId>");
        if pull.is_some() {
            let _ = write!(inside, "<m:Watermark>{}</m:Watermark>", Thing::Watermark(revision).id());
        }
        Ok(inside)
    }

    /// `Unsubscribe`.
    pub(super) fn unsubscribe(self, call: &Call<'_>) -> Result<String, Refused> {
        let id = call.node.text_at(&["SubscriptionId"]);
        let subscriptions = &mut self.state.subscriptions;
        let usable = subscriptions.usable(call, id, false).map(|_| ());
        let gone = usable.or_else(|_| subscriptions.usable(call, id, true).map(|_| ()));
        let message = match gone {
            Ok(()) => {
                subscriptions.remove(id);
                soap::success("Unsubscribe", "")
            }
            Err(refused) => soap::failure("Unsubscribe", refused, ""),
        };
        Ok(soap::response("Unsubscribe", &[message]))
    }

    /// `GetEvents`.
    pub(super) fn events(self, call: &Call<'_>) -> Result<String, Refused> {
        Ok(soap::response(
            "GetEvents",
            &[match self.told(call) {
                Ok(inside) => soap::success("GetEvents", &inside),
                Err(refused) => soap::failure("GetEvents", refused, ""),
            }],
        ))
    }

    fn told(self, call: &Call<'_>) -> Result<String, Refused> {
        let (id, watermark) = (call.node.text_at(&["SubscriptionId"]), call.node.text_at(&["Watermark"]));
        let subscription = self.state.subscriptions.usable(call, id, true)?;
        subscription.heard = call.now;
        let Some(Thing::Watermark(revision)) = Thing::read(watermark) else {
            return Err(Refused("ErrorInvalidWatermark"));
        };
        let mailbox = subscription.mailbox.clone();
        self.rooms.look(&mailbox, |room| {
            let known = self.state.memory.look(&mailbox, room.ok_or(Refused("ErrorNonExistentMailbox"))?);
            let invalid = Refused("ErrorInvalidWatermark");
            let mark = Thing::Watermark(known.revision).id();
            let events = events(subscription, known, revision, call.now, Some(&mark)).ok_or(invalid)?;
            let events =
                events.unwrap_or_else(|| format!("<t:StatusEvent><t:Watermark>{mark}</t:Watermark></t:StatusEvent>"));
            self.state.limits.counts.notices += 1;
            Ok(format!(
                "<m:Notification><t:SubscriptionId>{id}</t:SubscriptionId><t:PreviousWatermark>{}</t:PreviousWatermark>\
                 <t:MoreEvents>false</t:MoreEvents>{events}</m:Notification>",
                escaped(watermark)
            ))
        })
    }
}

/// What a subscription has to tell of what happened after a revision. The outer is `None` when that is not known any more, the inner
/// when it was nothing.
pub(super) fn events(
    subscription: &Subscription,
    known: &Known,
    revision: u64,
    now: Timestamp,
    watermark: Option<&str>,
) -> Option<Option<String>> {
    let changes = known.since(revision, LAST)?;
    let folder = Thing::Folder(subscription.mailbox.clone(), "calendar".into()).id();
    let mark = watermark.map(|mark| format!("<t:Watermark>{mark}</t:Watermark>")).unwrap_or_default();
    let time = format!("<t:TimeStamp>{}</t:TimeStamp>", utc(now));
    let parent = format!("<t:ParentFolderId Id=\"{folder}\" ChangeKey=\"AgAAAA==\"/>");
    let mut out = String::new();
    let mut tell = |name: &str, what: &str, parent: &str| {
        if subscription.types.contains(name) {
            let _ = write!(out, "<t:{name}>{mark}{time}{what}{parent}</t:{name}>");
        }
    };
    for Change { item, happened, change_key, .. } in &changes {
        let id = Thing::Item(subscription.mailbox.clone(), item.clone()).id();
        let what = format!("<t:ItemId Id=\"{id}\" ChangeKey=\"{change_key}\"/>");
        let name = match happened {
            Happened::Created => "CreatedEvent",
            Happened::Modified => "ModifiedEvent",
            Happened::Deleted => "DeletedEvent",
        };
        tell(name, &what, &parent);
        tell("FreeBusyChangedEvent", &what, &parent);
    }
    if !changes.is_empty() {
        // Counts within the folder change with what is in it.
        let root = Thing::Folder(subscription.mailbox.clone(), "msgfolderroot".into()).id();
        let what = format!("<t:FolderId Id=\"{folder}\" ChangeKey=\"AgAAAA==\"/>");
        tell("ModifiedEvent", &what, &format!("<t:ParentFolderId Id=\"{root}\" ChangeKey=\"AQAAAA==\"/>"));
    }
    Some((!out.is_empty()).then_some(out))
}
