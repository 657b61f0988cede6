//! An invented Exchange behind the reader, in virtual time: mailboxes with items, written as text, a line each; what was read is, too.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use otj::auth::basic;
use otj::calendar::{AgendaRequest, BusyRequest, CalendarError, Cursor, Reading, read_agenda, read_busy};
use otj::http::{Bytes, HeaderMap, HeaderName, HeaderValue, Http, HttpError, Peer, Played, Request, StatusCode};
use otj::model::service::Service;
use otj::model::tally::Spent;
use otj::model::{Body, Event, Failure, Remedy, RoomEmail, RoomSpec, Scope, Window};

use super::rig::{Asker, basic as basic_sign_in};

pub(super) const ROOM: &str = "fjord@example.com";
pub(super) const EWS: &str = "https://mail.example.com/EWS/Exchange.asmx";
pub(super) const ACCOUNT: &str = "otj@example.com";

/// One item, as XML has it in lists and for itself.
#[derive(Clone)]
pub(super) struct Item {
    pub(super) id: String,
    pub(super) key: u32,
    pub(super) listed: String,
    pub(super) whole: String,
    start: Timestamp,
    end: Timestamp,
}

/// Everything behind the reader.
#[derive(Default)]
pub(super) struct Site {
    pub(super) world: Mutex<World>,
    log: Mutex<Vec<String>>,
}

/// Status, headers, body.
type Scripted = (u16, Vec<(&'static str, String)>, String);

#[derive(Default)]
pub(super) struct World {
    pub(super) mailboxes: BTreeMap<String, Vec<Item>>,
    /// What a mailbox says instead of everything.
    pub(super) refuses: BTreeMap<String, String>,
    /// What an item says instead of itself.
    pub(super) broken: BTreeMap<String, String>,
    /// Most items of a list.
    pub(super) most: Option<usize>,
    /// Answers that come instead, in turn: status, headers, body.
    pub(super) script: VecDeque<Result<Scripted, HttpError>>,
    /// What hosts answer to Autodiscover, by URL: a redirect (`302 URL`), or for each mailbox `URL`, `URL INTERNAL`, `@address`,
    /// `>url`, `!code`.
    pub(super) autodiscover: BTreeMap<String, String>,
    /// Which version the server takes at most.
    pub(super) version: Option<&'static str>,
    /// It says so in a response message.
    pub(super) says_version_softly: bool,
    /// Hosts that nobody reaches.
    pub(super) away: BTreeSet<&'static str>,
}

impl Site {
    pub(super) fn new() -> Arc<Self> {
        Arc::default()
    }

    pub(super) fn change<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        change(&mut self.world.lock().unwrap())
    }

    /// Changes the room's calendar to these items.
    pub(super) fn book(&self, lines: &str) {
        self.book_in(ROOM, lines);
    }

    pub(super) fn book_in(&self, room: &str, lines: &str) {
        let items = lines.lines().map(str::trim).filter(|line| !line.is_empty()).map(item).collect();
        self.change(|world| world.mailboxes.insert(room.into(), items));
    }

    /// The next answer, instead of Exchange's.
    pub(super) fn says(&self, status: u16, headers: &[(&'static str, &str)], body: &str) {
        let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        self.change(|world| world.script.push_back(Ok((status, headers, body.to_owned()))));
    }

    pub(super) fn fails(&self, error: HttpError) {
        self.change(|world| world.script.push_back(Err(error)));
    }

    pub(super) fn leads(&self, url: &str, answer: &str) {
        self.change(|world| world.autodiscover.insert(url.into(), answer.into()));
    }

    /// The requests since the last time: `FindItem fjord@example.com`, and hosts where they are not the usual one.
    pub(super) fn requests(&self) -> Vec<String> {
        std::mem::take(&mut *self.log.lock().unwrap())
    }

    fn played(&self, request: &Request) -> (u16, Vec<(&'static str, String)>, String) {
        let text = String::from_utf8(request.body.to_vec()).unwrap();
        let url = request.url.to_string();
        let mailbox = between(&text, "<t:SmtpAddress>", "</").unwrap_or_default();
        let operation = text.split("<s:Body><m:").nth(1).and_then(|rest| rest.split([' ', '>']).next()).unwrap_or("");
        let signed_in = request.headers.contains_key("authorization");
        let what =
            if operation.is_empty() { format!("{} {url}", request.method) } else { format!("{operation} {mailbox}") };
        let elsewhere = if url == EWS || operation.is_empty() { String::new() } else { format!(" at {url}") };
        // A question whether the server takes Basic at all is no request of its own.
        if signed_in || request.method == "GET" {
            let signed = if request.method == "GET" && signed_in { " with credentials" } else { "" };
            self.log.lock().unwrap().push(format!("{what}{elsewhere}{signed}"));
        }
        let mut world = self.world.lock().unwrap();
        if request.method == "GET" {
            return match world.autodiscover.get(&url).and_then(|answer| answer.strip_prefix("302 ")) {
                Some(target) => (302, vec![("location", target.into())], String::new()),
                None => (404, vec![], String::new()),
            };
        }
        if !url.contains("/EWS/") && !world.autodiscover.contains_key(&url) {
            return (404, vec![], String::new());
        }
        let given = request.headers.get("authorization").and_then(|it| basic::parse(it.to_str().unwrap()));
        if given != Some((ACCOUNT.into(), "right".into())) {
            return (401, vec![("www-authenticate", "Basic realm=\"mail\"".into())], String::new());
        }
        if text.contains("GetUserSettings") {
            return world.settings(&url, &text);
        }
        assert_eq!(request.headers["x-anchormailbox"], mailbox);
        if let Some(version) = world.version
            && between(&text, "Version=\"", "\"").unwrap() > version
        {
            let message = format!(
                "<m:{operation}Response><m:ResponseMessages><m:{operation}ResponseMessage ResponseClass=\"Error\"><m:ResponseCode>\
                 ErrorInvalidSchemaVersionForMailboxVersion</m:ResponseCode></m:{operation}ResponseMessage></m:ResponseMessages>\
                 </m:{operation}Response>"
            );
            let softly = (200, vec![], envelope(&message));
            return if world.says_version_softly { softly } else { fault("ErrorInvalidServerVersion", "") };
        }
        if let Some(code) = world.refuses.get(mailbox) {
            return fault(code, "");
        }
        if let Some(Ok(answer)) = world.script.pop_front() {
            return answer;
        }
        let body = match operation {
            "FindItem" => world.list(mailbox, &text),
            "GetItem" => world.items(mailbox, &text),
            "GetUserAvailabilityRequest" => world.availability(&text),
            other => panic!("{other}"),
        };
        (200, vec![], envelope(&body))
    }
}

impl Peer for Site {
    fn answer(&self, request: &Request) -> Played {
        if self.change(|world| world.away.contains(request.url.host_str().unwrap())) {
            let result = Err(HttpError::Connect("refused".into()));
            return Played { after: Duration::from_millis(50), result };
        }
        let failure = self.change(|world| {
            let next = world.script.front();
            let signed_in = request.headers.contains_key("authorization");
            if signed_in && matches!(next, Some(Err(_))) { world.script.pop_front() } else { None }
        });
        if let Some(Err(error)) = failure {
            return Played { after: Duration::from_millis(50), result: Err(error) };
        }
        let (status, headers, body) = self.played(request);
        let headers: HeaderMap = headers
            .into_iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(&value).unwrap()))
            .collect();
        let result = Ok((StatusCode::from_u16(status).unwrap(), headers, Bytes::from(body)));
        Played { after: Duration::from_millis(50), result }
    }
}

impl World {
    fn list(&self, mailbox: &str, ask: &str) -> String {
        let at = |name: &str| between(ask, &format!("{name}=\""), "\"").unwrap().parse::<Timestamp>().unwrap();
        let (from, to) = (at("StartDate"), at("EndDate"));
        let all = self.mailboxes.get(mailbox).into_iter().flatten();
        let inside: Vec<&Item> = all.filter(|item| item.end > from && item.start < to).collect();
        let most = self.most.unwrap_or(usize::MAX).min(inside.len());
        let entries: String = inside[..most].iter().map(|item| calendar_item(item, &item.listed)).collect();
        format!(
            "<m:FindItemResponse><m:ResponseMessages><m:FindItemResponseMessage ResponseClass=\"Success\">\
             <m:ResponseCode>NoError</m:ResponseCode><m:RootFolder TotalItemsInView=\"{most}\" \
             IncludesLastItemInRange=\"{}\"><t:Items>{entries}</t:Items></m:RootFolder></m:FindItemResponseMessage>\
             </m:ResponseMessages></m:FindItemResponse>",
            most == inside.len()
        )
    }

    fn items(&self, mailbox: &str, ask: &str) -> String {
        let ids = ask.split("<t:ItemId Id=\"").skip(1).map(|rest| rest.split('"').next().unwrap());
        let message = |id: &str| {
            let of_class = |class: &str, code: &str, rest: &str| {
                format!(
                    "<m:GetItemResponseMessage ResponseClass=\"{class}\"><m:ResponseCode>{code}</m:ResponseCode>{rest}</m:GetItemResponseMessage>"
                )
            };
            if let Some(code) = self.broken.get(id) {
                return of_class("Error", code, "<m:Items/>");
            }
            match self.mailboxes[mailbox].iter().find(|item| item.id == id) {
                Some(item) => {
                    let whole = format!("{}{}", item.listed, item.whole);
                    of_class("Success", "NoError", &format!("<m:Items>{}</m:Items>", calendar_item(item, &whole)))
                }
                None => of_class("Error", "ErrorItemNotFound", "<m:Items/>"),
            }
        };
        let messages: String = ids.map(message).collect();
        format!("<m:GetItemResponse><m:ResponseMessages>{messages}</m:ResponseMessages></m:GetItemResponse>")
    }

    fn availability(&self, ask: &str) -> String {
        let rooms = ask.split("<t:Address>").skip(1).map(|rest| rest.split('<').next().unwrap());
        let response = |room: &str| {
            let Some(items) = self.mailboxes.get(room) else {
                return "<m:FreeBusyResponse><m:ResponseMessage ResponseClass=\"Error\"><m:ResponseCode>\
                        ErrorMailRecipientNotFound</m:ResponseCode></m:ResponseMessage></m:FreeBusyResponse>"
                    .to_owned();
            };
            let time = |at: Timestamp| at.to_string().trim_end_matches('Z').to_owned();
            let events = items.iter().map(|item| {
                format!(
                    "<t:CalendarEvent><t:StartTime>{}</t:StartTime><t:EndTime>{}</t:EndTime><t:BusyType>Busy</t:BusyType></t:CalendarEvent>",
                    time(item.start),
                    time(item.end)
                )
            });
            format!(
                "<m:FreeBusyResponse><m:ResponseMessage ResponseClass=\"Success\"><m:ResponseCode>NoError</m:ResponseCode>\
                 </m:ResponseMessage><m:FreeBusyView><t:FreeBusyViewType>FreeBusy</t:FreeBusyViewType><t:CalendarEventArray>{}\
                 </t:CalendarEventArray></m:FreeBusyView></m:FreeBusyResponse>",
                events.collect::<String>()
            )
        };
        let responses: String = rooms.map(response).collect();
        format!(
            "<m:GetUserAvailabilityResponse><m:FreeBusyResponseArray>{responses}</m:FreeBusyResponseArray></m:GetUserAvailabilityResponse>"
        )
    }

    fn settings(&self, url: &str, ask: &str) -> (u16, Vec<(&'static str, String)>, String) {
        let Some(answer) = self.autodiscover.get(url) else { return (404, vec![], String::new()) };
        if let Some(target) = answer.strip_prefix("302 ") {
            return (302, vec![("location", target.into())], String::new());
        }
        let mailboxes = ask.split("<a:Mailbox>").skip(1).map(|rest| rest.split('<').next().unwrap());
        let response = |mailbox: &str| {
            let of = |line: &str| line.split_once(' ').map(|(who, what)| (who.to_owned(), what.to_owned()));
            let answer = answer.lines().filter_map(of).find(|(who, _)| who == mailbox || who == "*").unwrap().1;
            let redirect = |code: &str, target: &str| {
                format!("<a:ErrorCode>{code}</a:ErrorCode><a:RedirectTarget>{target}</a:RedirectTarget>")
            };
            let inner = match answer.split_at(1) {
                ("@", address) => redirect("RedirectAddress", address),
                (">", url) => redirect("RedirectUrl", url),
                ("!", code) => format!("<a:ErrorCode>{code}</a:ErrorCode>"),
                _ => {
                    let urls = ["ExternalEwsUrl", "InternalEwsUrl"].into_iter().zip(answer.split(' '));
                    let setting = |(name, url)| {
                        format!("<a:UserSetting><a:Name>{name}</a:Name><a:Value>{url}</a:Value></a:UserSetting>")
                    };
                    let settings: String = urls.map(setting).collect();
                    format!("<a:ErrorCode>NoError</a:ErrorCode><a:UserSettings>{settings}</a:UserSettings>")
                }
            };
            format!("<a:UserResponse>{inner}</a:UserResponse>")
        };
        let responses: String = mailboxes.map(response).collect();
        let body = format!(
            "<a:GetUserSettingsResponseMessage><a:Response><a:ErrorCode>NoError</a:ErrorCode><a:UserResponses>{responses}\
             </a:UserResponses></a:Response></a:GetUserSettingsResponseMessage>"
        );
        (200, vec![], envelope(&body))
    }
}

fn between<'t>(text: &'t str, before: &str, after: &str) -> Option<&'t str> {
    text.split_once(before)?.1.split(after).next()
}

fn envelope(body: &str) -> String {
    format!(
        "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns:m=\"m\" xmlns:t=\"t\" xmlns:a=\"a\"><s:Body>{body}</s:Body></s:Envelope>"
    )
}

/// A fault with a code, and perhaps how long to wait.
pub(super) fn fault(code: &str, back_off_ms: &str) -> (u16, Vec<(&'static str, String)>, String) {
    let wait = match back_off_ms {
        "" => String::new(),
        ms => format!("<t:MessageXml><t:Value Name=\"BackOffMilliseconds\">{ms}</t:Value></t:MessageXml>"),
    };
    let body = format!(
        "<s:Fault><faultcode>a:{code}</faultcode><detail><e:ResponseCode xmlns:e=\"e\">{code}</e:ResponseCode>{wait}</detail></s:Fault>"
    );
    (500, vec![], envelope(&body))
}

fn calendar_item(item: &Item, rest: &str) -> String {
    format!("<t:CalendarItem><t:ItemId Id=\"{}\" ChangeKey=\"k{}\"/>{rest}</t:CalendarItem>", item.id, item.key)
}

/// `ID DAY FROM-TO SUBJECT; WORDS` of January 2026 in UTC: `a 05 10:00-11:00 Standup; private says=Hello`. `v2` is a later version.
fn item(line: &str) -> Item {
    let (line, words) = line.split_once(';').unwrap_or((line, ""));
    let mut parts = line.trim().splitn(4, ' ');
    let (id, day, times) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
    let subject = parts.next().unwrap_or_default();
    let (from, to) = times.split_once('-').unwrap();
    let at = |time: &str| format!("2026-01-{day}T{time}:00Z").parse::<Timestamp>().unwrap();
    let (start, end) =
        (at(from), if to == "24:00" { at("00:00") + jiff::SignedDuration::from_hours(24) } else { at(to) });
    let (mut kind, mut key, mut uid, mut listed, mut whole) =
        ("Single", 1, format!("uid-{id}"), String::new(), String::new());
    for word in words.split_whitespace() {
        match word.split_once('=').unwrap_or((word, "")) {
            ("private", _) => listed += "<t:Sensitivity>Private</t:Sensitivity>",
            ("cancelled", _) => listed += "<t:IsCancelled>true</t:IsCancelled>",
            ("declined", _) => listed += "<t:MyResponseType>Decline</t:MyResponseType>",
            ("asked", _) => listed += "<t:MyResponseType>NoResponseReceived</t:MyResponseType>",
            ("all-day", _) => listed += "<t:IsAllDayEvent>true</t:IsAllDayEvent>",
            ("of", series) => (kind, uid) = ("Occurrence", format!("uid-{series}")),
            ("moved", first) => {
                kind = "Exception";
                listed += &format!("<t:RecurrenceId>2026-01-{first}:00Z</t:RecurrenceId>");
            }
            ("first", first) => listed += &format!("<t:RecurrenceId>2026-01-{first}:00Z</t:RecurrenceId>"),
            ("master", _) => kind = "RecurringMaster",
            ("says", text) => whole += &format!("<t:Body BodyType=\"HTML\">{text}</t:Body>"),
            ("raw", xml) => whole += xml,
            ("zone", zone) => whole += &format!("<t:StartTimeZone Id=\"{}\"/>", zone.replace('_', " ")),
            ("conference", number) => {
                whole += &format!(
                    "<t:ExtendedProperty><t:ExtendedFieldURI DistinguishedPropertySetId=\"PublicStrings\" \
                     PropertyName=\"TeamsVtcConferenceId\" PropertyType=\"String\"/><t:Value>{number}</t:Value></t:ExtendedProperty>"
                );
            }
            (version, _) if version.starts_with('v') => key = version[1..].parse().unwrap(),
            other => panic!("{other:?}"),
        }
    }
    let listed = format!(
        "<t:Subject>{subject}</t:Subject><t:UID>{uid}</t:UID><t:Start>{start}</t:Start><t:End>{end}</t:End>\
         <t:CalendarItemType>{kind}</t:CalendarItemType>{listed}"
    );
    Item { id: id.into(), key, listed, whole, start, end }
}

/// The reader: a room, and what it keeps between readings.
pub(super) struct Reader {
    pub(super) asker: Asker,
    pub(super) room: RoomEmail,
    pub(super) zone: Option<String>,
    pub(super) cursor: Option<Cursor>,
    pub(super) fresh: bool,
}

impl Reader {
    /// At the address that documents name.
    pub(super) fn of(site: &Arc<Site>) -> Self {
        let http = Http::played_by(site.clone()).unwrap();
        let asker = Asker::over(http, &EWS.parse().unwrap(), basic_sign_in(ACCOUNT, "right"));
        Self { asker, room: RoomEmail::parse(ROOM).unwrap(), zone: None, cursor: None, fresh: false }
    }

    /// Wherever Autodiscover says.
    pub(super) fn discovering(site: &Arc<Site>) -> Self {
        let mut reader = Self::of(site);
        let Service::Exchange(spec) = &mut reader.asker.integration.service else { unreachable!() };
        spec.ews_url = None;
        reader
    }

    /// The same service and process, for another room.
    pub(super) fn beside(&self, room: &str) -> Self {
        let asker = Asker {
            http: self.asker.http.clone(),
            tally: self.asker.tally.clone(),
            access: self.asker.access.clone(),
            store: self.asker.store.clone(),
            clock: self.asker.clock.clone(),
            integration: self.asker.integration.clone(),
        };
        Self { asker, room: RoomEmail::parse(room).unwrap(), zone: None, cursor: None, fresh: false }
    }

    pub(super) fn window() -> Window {
        Window { from: "2026-01-05T00:00Z".parse().unwrap(), to: "2026-01-12T00:00Z".parse().unwrap() }
    }

    fn request(&self) -> AgendaRequest {
        let integration = Arc::new(self.asker.integration.clone());
        let mut access = self.asker.access.clone();
        access.spent = Spent::default();
        AgendaRequest {
            room: Arc::new(RoomSpec { time_zone: self.zone.clone(), ..RoomSpec::of(integration, self.room.clone()) }),
            window: Self::window(),
            cursor: self.cursor.clone(),
            fresh: self.fresh,
            now: self.asker.clock.now().wall,
            access,
        }
    }

    pub(super) async fn reading(&mut self) -> Result<Reading, CalendarError> {
        let reading = read_agenda(&self.asker.http, &self.asker.tally, &self.request()).await?;
        if let Reading::Complete { cursor, .. } = &reading {
            // As the store keeps it.
            self.cursor = cursor.as_ref().map(|it| serde_json::from_str(&serde_json::to_string(it).unwrap()).unwrap());
        }
        Ok(reading)
    }

    /// What was read, a line each, in the order of time.
    pub(super) async fn read(&mut self) -> String {
        match self.reading().await {
            Ok(Reading::Unchanged { .. }) => "unchanged".into(),
            Ok(Reading::Complete { complete, .. }) => {
                let mut events = complete.events;
                events.sort_by_key(|event| (event.start, event.uid.clone()));
                let unreadable = complete.unreadable.iter().map(|uid| format!("{uid} unreadable"));
                events.iter().map(line).chain(unreadable).collect::<Vec<_>>().join("\n")
            }
            Err(error) => failed(&Failure::from(error)),
        }
    }

    pub(super) async fn busy(&self, rooms: &[&str]) -> Result<Vec<String>, Failure> {
        let request = BusyRequest {
            integration: Arc::new(self.asker.integration.clone()),
            rooms: rooms.iter().map(|room| RoomEmail::parse(room).unwrap()).collect(),
            window: Self::window(),
            now: self.asker.clock.now().wall,
            access: self.asker.access.clone(),
        };
        let told = read_busy(&self.asker.http, &self.asker.tally, &request).await.map_err(Failure::from)?;
        let line = |(room, told): (RoomEmail, Result<_, Failure>)| match told {
            Ok(busy) => format!("{room} {busy:?}"),
            Err(failure) => format!("{room} {}", failed(&failure)),
        };
        Ok(told.into_iter().map(line).collect())
    }
}

/// `REASON retry|fix [of SCOPE] [in N s]: message`.
pub(super) fn failed(failure: &Failure) -> String {
    let remedy = if failure.remedy == Remedy::Retry { "retry" } else { "fix" };
    let scope = match failure.scope {
        Scope::Object => "",
        Scope::Account => " of the account",
        Scope::Integration => " of all",
    };
    let wait = failure.retry_after.map(|wait| format!(" in {} s", wait.as_secs())).unwrap_or_default();
    format!("{} {remedy}{scope}{wait}: {}", failure.reason, failure.message)
}

fn line(event: &Event) -> String {
    let time = |at: Timestamp| at.strftime("%d %H:%M").to_string();
    let mut line = format!("{} {}-{} {}", event.uid, time(event.start), time(event.end), event.subject.expose());
    for (is, word) in [(event.private, " private"), (event.tentative, " tentative"), (event.all_day, " all-day")] {
        line += if is { word } else { "" };
    }
    if let Some(first) = event.original_start {
        line += &format!(" first {}", time(first));
    }
    if let Body::Html(text) = &event.body {
        line += &format!(" says {}", text.expose());
    }
    if let Some(number) = event.properties.get("teams_vtc_conference_id") {
        line += &format!(" conference {}", number.as_str().unwrap());
    }
    line
}
