//! What `otj init` must know: from flags, else asked at a terminal, else a default. In: flags and lines. Out: answers that are known to
//! be well-formed; a flag that is not is an error, an answer at the terminal is asked for again.

use std::io::{BufRead, Write};

use anyhow::{Context as _, bail};
use clap::ValueEnum;
use jiff::tz::TimeZone;

use super::Init;
use crate::diagnostic::did_you_mean;
use crate::model::{EndpointName, RoomEmail};

/// Where rooms' calendars are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Calendar {
    /// Google Workspace.
    Google,
    /// Microsoft 365.
    Graph,
    /// Exchange on premises.
    Exchange,
    /// Nextcloud, Radicale, SOGo, Zimbra, Kolab.
    Caldav,
    /// A directory of .ics files.
    Ics,
}

/// What stands in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Endpoint {
    /// A codec that bookings are pushed to.
    Cisco,
    /// An endpoint that fetches its calendar from otj.
    Poly,
}

/// All answers.
pub(super) struct Answers {
    pub(super) calendar: Calendar,
    pub(super) domain: String,
    /// Its IANA name.
    pub(super) zone: String,
    pub(super) endpoint: Endpoint,
    pub(super) room: RoomEmail,
    /// What people call the room.
    pub(super) room_name: String,
    /// What the endpoint is called in documents: small letters, digits and hyphens.
    pub(super) endpoint_name: String,
    /// Where the codec is; Poly endpoints come to us.
    pub(super) address: Option<String>,
}

impl Answers {
    /// Takes what flags say and asks for the rest.
    pub(super) fn gather(verb: &Init, asker: &mut Asker<'_>) -> anyhow::Result<Self> {
        let calendar = match verb.calendar {
            Some(calendar) => calendar,
            None => asker.one(&CALENDAR, None, "ics", |text| choice("a calendar service", text))?,
        };
        let domain = asker.one(&DOMAIN, verb.domain.as_deref(), "example.com", domain)?;
        let zone = asker.one(&ZONE, verb.time_zone.as_deref(), &zone_here(), zone)?;
        let endpoint = match verb.endpoint {
            Some(endpoint) => endpoint,
            None => asker.one(&ENDPOINT, None, "cisco", |text| choice("a kind of endpoint", text))?,
        };
        if endpoint == Endpoint::Poly && verb.address.is_some() {
            bail!(
                "--address: a Poly endpoint fetches its calendar from otj, which need not know where it is; leave it out"
            );
        }
        let first = match calendar {
            Calendar::Google => "c_boardroom@resource.calendar.google.com".to_owned(),
            _ => format!("boardroom@{domain}"),
        };
        let room = asker.one(&ROOM, verb.room.as_deref(), &first, email)?;
        let room_name = asker.one(&ROOM_NAME, verb.room_name.as_deref(), &called(&room), name)?;
        let endpoint_name = slug(&room_name).or_else(|| slug(local(&room))).unwrap_or_else(|| "room-1".to_owned());
        let address = match endpoint {
            Endpoint::Poly => None,
            Endpoint::Cisco => {
                let usual = format!("{endpoint_name}.av.{domain}");
                Some(asker.one(&ADDRESS, verb.address.as_deref(), &usual, host)?)
            }
        };
        Ok(Self { calendar, domain, zone, endpoint, room, room_name, endpoint_name, address })
    }
}

/// A question, and the flag that answers it.
struct Question {
    flag: &'static str,
    text: &'static str,
}

const CALENDAR: Question =
    Question { flag: "--calendar", text: "Where are the rooms' calendars: google, graph, exchange, caldav or ics?" };
const DOMAIN: Question = Question { flag: "--domain", text: "Your company's domain?" };
const ZONE: Question = Question { flag: "--time-zone", text: "The rooms' time zone?" };
const ENDPOINT: Question = Question { flag: "--endpoint", text: "What stands in the first room: cisco or poly?" };
const ROOM: Question = Question { flag: "--room", text: "The room's e-mail address?" };
const ROOM_NAME: Question = Question { flag: "--room-name", text: "What do people call the room?" };
const ADDRESS: Question = Question { flag: "--address", text: "The codec's host name or IP address?" };

/// Asks people, or nobody.
pub(super) struct Asker<'t>(Option<(&'t mut dyn BufRead, &'t mut dyn Write)>);

impl<'t> Asker<'t> {
    /// Takes defaults.
    pub(super) fn silent() -> Self {
        Self(None)
    }

    /// Writes questions to `output` and reads a line of `input` for each.
    pub(super) fn asking(input: &'t mut dyn BufRead, output: &'t mut dyn Write) -> Self {
        Self(Some((input, output)))
    }

    /// One answer. Of a flag that is refused an error comes back; people are told and asked again.
    fn one<T>(
        &mut self,
        question: &Question,
        flag: Option<&str>,
        default: &str,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> anyhow::Result<T> {
        let told = |text: &str| read(text.trim()).map_err(|why| anyhow::anyhow!("{}: {why}", question.flag));
        let (None, Some((input, output))) = (flag, &mut self.0) else {
            return told(flag.unwrap_or(default));
        };
        loop {
            write!(output, "{} [{default}] ", question.text).and_then(|()| output.flush()).context("cannot ask")?;
            let mut line = String::new();
            if input.read_line(&mut line).context("cannot read the answer")? == 0 {
                bail!("the input ended before `{}`; answer with flags, and `--yes` for the rest", question.flag);
            }
            let answer = if line.trim().is_empty() { default } else { line.trim() };
            match read(answer) {
                Ok(answer) => return Ok(answer),
                Err(why) => writeln!(output, "  {why}").context("cannot ask")?,
            }
        }
    }
}

fn choice<T: ValueEnum>(what: &str, text: &str) -> Result<T, String> {
    T::from_str(text, true).map_err(|_| {
        let all: Vec<String> = T::value_variants()
            .iter()
            .filter_map(|each| Some(each.to_possible_value()?.get_name().to_owned()))
            .collect();
        format!("`{text}` is not {what}; write {}", all.join(", "))
    })
}

fn domain(text: &str) -> Result<String, String> {
    let domain = text.strip_suffix('.').unwrap_or(text).to_lowercase();
    // An IP address has dots too.
    match is_host(&domain) && domain.contains('.') && domain.parse::<std::net::IpAddr>().is_err() {
        true => Ok(domain),
        false => Err(format!("`{text}` is not a domain; write it as `example.com`, without scheme, port and path")),
    }
}

fn zone(text: &str) -> Result<String, String> {
    let found = TimeZone::get(text).ok();
    if let Some(name) = found.as_ref().and_then(TimeZone::iana_name) {
        return Ok(name.to_owned());
    }
    let known: Vec<String> = jiff::tz::db().available().map(|name| name.as_str().to_owned()).collect();
    let meant = did_you_mean(text, known.iter().map(String::as_str));
    Err(match meant {
        Some(meant) => format!("there is no time zone `{text}`; did you mean `{meant}`?"),
        None => format!("there is no time zone `{text}`; write the IANA name, `Europe/Oslo`"),
    })
}

/// The machine's zone, where it says one.
fn zone_here() -> String {
    let here = TimeZone::try_system().ok().and_then(|zone| zone.iana_name().map(str::to_owned));
    here.filter(|name| TimeZone::get(name).is_ok()).unwrap_or_else(|| "Etc/UTC".to_owned())
}

fn email(text: &str) -> Result<RoomEmail, String> {
    let fits = |email: &RoomEmail| email.as_str().split_once('@').is_some_and(|(_, after)| domain(after).is_ok());
    RoomEmail::parse(text).ok().filter(fits).ok_or_else(|| {
        format!("`{text}` is not an e-mail address; write the room's one address, `boardroom@example.com`")
    })
}

fn name(text: &str) -> Result<String, String> {
    EndpointName::parse(text)
        .map(|name| name.as_str().to_owned())
        .map_err(|fault| format!("{fault}; write `Boardroom`"))
}

fn host(text: &str) -> Result<String, String> {
    match text.parse::<std::net::IpAddr>().is_ok() || is_host(text) {
        true => Ok(text.to_owned()),
        false => Err(format!(
            "`{text}` is neither a host name nor an IP address; write it without scheme, port and path, `codec.example.com`"
        )),
    }
}

fn is_host(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
    };
    text.len() <= 253 && text.split('.').all(label)
}

/// `c_board-room@…` is called Board room.
fn called(room: &RoomEmail) -> String {
    let words = local(room).replace(['.', '-', '_'], " ");
    let mut letters = words.trim().chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => "Room 1".to_owned(),
    }
}

/// The part of an address that names the room. Google's begins with `c_`.
fn local(room: &RoomEmail) -> &str {
    let local = room.as_str().split('@').next().unwrap_or_default();
    local.strip_prefix("c_").unwrap_or(local)
}

/// Small ASCII letters, digits and hyphens: what can be typed on any endpoint as its user name. None when nothing is left,
/// or what is left would lose a letter.
fn slug(text: &str) -> Option<String> {
    if text.chars().any(|c| c.is_alphanumeric() && !c.is_ascii()) {
        return None;
    }
    let lower = text.to_ascii_lowercase();
    let words: Vec<&str> = lower.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    Some(words.join("-")).filter(|slug| slug.starts_with(|c: char| c.is_ascii_lowercase()) && slug.len() <= 63)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        init: Init,
    }

    /// The answers as one line, and everything that was said.
    fn dialogue(flags: &[&str], lines: &str) -> (Result<String, String>, String) {
        let verb = Line::try_parse_from([&["otj"], flags].concat()).unwrap_or_else(|error| panic!("{error}")).init;
        let (mut input, mut said) = (lines.as_bytes(), Vec::new());
        let answers = Answers::gather(&verb, &mut Asker::asking(&mut input, &mut said));
        let line = |it: Answers| {
            let address = it.address.unwrap_or_else(|| "-".into());
            let (room, name) = (it.room, it.room_name);
            format!("{:?} {} {} {room} {name} {} {address}", it.calendar, it.domain, it.zone, it.endpoint_name)
        };
        (answers.map(line).map_err(|error| format!("{error:#}")), String::from_utf8(said).unwrap())
    }

    #[test]
    fn an_empty_line_takes_the_default_and_flags_are_not_asked_for() {
        let zone = ["--time-zone", "europe/oslo"];
        for (flags, lines, answers) in [
            (
                &[][..],
                "\n\n\n\n\n\n",
                "Ics example.com Europe/Oslo boardroom@example.com Boardroom boardroom boardroom.av.example.com",
            ),
            (
                &["--endpoint", "poly"],
                "GOOGLE\n\n\n\n",
                "Google example.com Europe/Oslo c_boardroom@resource.calendar.google.com Boardroom boardroom -",
            ),
            (
                &["--domain", "Example.ORG."],
                "\n\nVik.3@x.example.org\nVik 3\n10.20.0.11\n",
                "Ics example.org Europe/Oslo vik.3@x.example.org Vik 3 vik-3 10.20.0.11",
            ),
            (
                &["--room", "vik@example.com", "--room-name", "Blåfjell"],
                "\n\n\n\n",
                "Ics example.com Europe/Oslo vik@example.com Blåfjell vik vik.av.example.com",
            ),
            (
                &["--room", "4711@example.com", "--endpoint", "poly"],
                "\n\n\n",
                "Ics example.com Europe/Oslo 4711@example.com 4711 room-1 -",
            ),
        ] {
            assert_eq!(dialogue(&[flags, &zone].concat(), lines).0.as_deref(), Ok(answers), "{flags:?}");
        }
    }

    #[test]
    fn a_wrong_answer_is_told_and_asked_for_again() {
        let (answers, said) = dialogue(
            &[],
            "outlook\ncaldav\nhttps://x\nexample.com\nEurope/Olso\nEurope/Oslo\nhdx\ncisco\nfjord\nfjord@example.com\n\ncodec:443\ncodec\n",
        );
        assert_eq!(answers.as_deref(), Ok("Caldav example.com Europe/Oslo fjord@example.com Fjord fjord codec"));
        for told in [
            "`outlook` is not a calendar service; write google, graph, exchange, caldav, ics",
            "`https://x` is not a domain; write it as `example.com`",
            "there is no time zone `Europe/Olso`; did you mean `Europe/Oslo`?",
            "`hdx` is not a kind of endpoint; write cisco, poly",
            "`fjord` is not an e-mail address; write the room's one address, `boardroom@example.com`",
            "`codec:443` is neither a host name nor an IP address",
            "The room's e-mail address? [boardroom@example.com] ",
        ] {
            assert!(said.contains(told), "{told}:\n{said}");
        }
    }

    #[test]
    fn an_end_of_the_input_is_told_and_not_taken_for_an_answer() {
        let (answers, _) = dialogue(&[], "caldav\n");
        assert_eq!(
            answers.unwrap_err(),
            "the input ended before `--domain`; answer with flags, and `--yes` for the rest"
        );
    }
}
