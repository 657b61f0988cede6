//! `Zoom`: a meeting id of 9 to 11 digits, and with `includePassword` the numeric passcode.
//!
//! | where the id is | |
//! |---|---|
//! | `https://[x.]zoom.us/j/ID`, `/w/`, `/s/`, `/wc/ID`, `/wc/join/ID`, `/launch/jc/ID`, `/meetings/ID/…`, `?confno=ID` | also zoom.com, zoom.com.cn, zoom-x.de, zoomgov.com; `zoommtg://` |
//! | `ID[.PIN]@zoomcrc.com`, `@fr.zmeu.us` and its like, `@sip.zoomgov.com` | the line for room systems |
//! | a personal link, `/my/NAME`, and the printed number after it | `/my/NAME` alone gives nothing |
//!
//! `meeting_id` is the first id in the first text that has one, `domain` the one printed with it anywhere (zoomcrc.com where none
//! is), `pin` the numeric passcode of the same id, from anywhere in the event (a link in the location has its passcode in the body),
//! in this order: `ID.PIN@…`; one-tap mobile `,,ID#,,,,*PIN#`; what stands behind the id's own line, the last such one, since the
//! passcode for room systems stands below the one for the web. The `pwd=` of a link is a token, not a passcode. For ZoomGov the
//! default address is at sip.zoomgov.com, which zoomcrc.com does not reach.
//!
//! Sources: deployment guide, "Zoom"; invitations of 2019 to 2025 in several languages.

use super::{Finding, Provider, TEXT_PLACES, Variables};
use crate::invitation::wrapped::Link;
use crate::model::RuleSpec;
use crate::rules::scan;
use crate::rules::texts::Texts;
use crate::rules::trace::Why;

/// `Zoom`.
pub(in crate::rules) const MEETING: Provider = Provider {
    find,
    transform,
    variables: &["meeting_id", "domain", "pin"],
    anchors: &["zoom.us", "zoom.com", "zoom-x.de", "zoomgov.com", "zoomcrc.com", ".zm", "@zm"],
    places: TEXT_PLACES,
};

/// Where meetings are linked.
const HOSTS: [&str; 5] = ["zoom.us", "zoom.com", "zoom.com.cn", "zoom-x.de", "zoomgov.com"];

/// What stands before the id in a link's path. `/wc/join/` and `/s/` are the browser's and the host's own.
const PATHS: [&str; 9] =
    ["/j/", "/w/", "/s/", "/wc/join/", "/wc/", "/launch/jc/", "/launch/wc/", "/meetings/", "/skype/"];

/// Paths of links that lead to a meeting without naming its id.
const NAMELESS: [&str; 3] = ["/my/", "/meeting/register/", "/webinar/register/"];

/// The schemes that start Zoom's programs.
const APP_SCHEMES: [&str; 2] = ["zoommtg", "zoomus"];

/// The room connector's domain.
const CRC: &str = "zoomcrc.com";

/// The same for the government cloud.
const GOV: &str = "sip.zoomgov.com";

/// Longest passcode, in digits.
const PIN_MAX: usize = 10;

/// Most addresses for room systems that one text may have.
const LINES_MAX: usize = 1000;

/// Most personal and program links of one text that are looked behind; no invitation has more than a few.
const LOOKS_MAX: usize = 100;

/// How far behind a personal link the printed id stands at most, in bytes.
const PERSONAL_REACH: usize = 300;

/// How far behind an id its passcode begins at most, in bytes: a label in any script.
const PIN_REACH: usize = 120;

fn transform(rule: &RuleSpec) -> &'static str {
    if rule.include_password {
        "{{meeting_id}}{% if pin %}.{{pin}}{% endif %}@{% if domain == 'sip.zoomgov.com' %}{{domain}}{% else %}zoomcrc.com{% endif %}"
    } else {
        "{{meeting_id}}@{% if domain == 'sip.zoomgov.com' %}{{domain}}{% else %}zoomcrc.com{% endif %}"
    }
}

fn find(_: &RuleSpec, texts: &Texts<'_>) -> Result<Finding, Why> {
    let read: Vec<_> = texts.of_providers().map(|(place, text)| (place, text, room_lines(text))).collect();
    let first = read.iter().find_map(|(place, text, lines)| Some((*place, meeting(text, lines)?)));
    let personal = || read.iter().find_map(|(place, text, _)| Some((*place, (personal_id(text)?, false))));
    let Some((place, (id, government))) = first.or_else(personal) else {
        let nameless = read.iter().any(|(_, text, _)| scan::links(text).any(|(_, link)| is_nameless(&link)));
        return Err(if nameless {
            Why::Incomplete { found: "a personal or registration link of Zoom", missing: "the meeting's id" }
        } else {
            Why::NothingFound
        });
    };
    let lines = || read.iter().flat_map(|(_, text, lines)| lines.iter().map(move |line| (*text, line)));
    let own_lines = || lines().filter(|(_, line)| line.id == id);
    let domain = match own_lines().next() {
        Some((_, line)) => line.host.to_ascii_lowercase(),
        None if government => GOV.to_owned(),
        None => CRC.to_owned(),
    };
    let pin = own_lines().find_map(|(_, line)| line.pin.map(str::to_owned));
    let pin = pin.or_else(|| read.iter().find_map(|(_, text, _)| one_tap_pin(text, &id)));
    let pin = pin.or_else(|| read.iter().find_map(|(_, text, _)| pin_behind_id(text, &id)));
    let pin = pin.or_else(|| own_lines().find_map(|(text, line)| pin_behind_line(text, line)));
    let mut variables = Variables::from_iter([("meeting_id", id.clone()), ("domain", domain)]);
    if let Some(pin) = pin {
        variables.insert("pin", pin);
    }
    Ok(Finding { place, variables })
}

/// The id that stands first in `text`, and whether its link is the government's.
fn meeting(text: &str, lines: &[RoomLine<'_>]) -> Option<(String, bool)> {
    let is_government = |link: &Link<'_>| link.host_is("zoomgov.com") || link.host_below("zoomgov.com");
    let link = scan::links(text).find_map(|(at, link)| Some((at, linked_id(&link)?, is_government(&link))));
    let app = APP_SCHEMES.into_iter().find_map(|scheme| app_id(text, scheme)).map(|(at, id)| (at, id, false));
    let line = lines.first().map(|line| (line.at, line.id, false));
    let earliest = [link, app, line].into_iter().flatten().min_by_key(|(at, ..)| *at)?;
    // A link to the government's cloud makes it the government's meeting, also where its address stands above the link.
    let government = earliest.2 || link.is_some_and(|(_, id, government)| government && id == earliest.1);
    Some((earliest.1.to_owned(), government))
}

fn is_zoom(link: &Link<'_>) -> bool {
    HOSTS.iter().any(|host| link.host_is(host) || link.host_below(host))
}

fn is_nameless(link: &Link<'_>) -> bool {
    is_zoom(link) && NAMELESS.iter().any(|prefix| link.path.starts_with(prefix))
}

/// The id in a meeting's link.
fn linked_id<'t>(link: &Link<'t>) -> Option<&'t str> {
    if !is_zoom(link) {
        return None;
    }
    if let Some(rest) =
        PATHS.into_iter().find_map(|prefix| link.path.strip_prefix(prefix).filter(|rest| begins_with_digit(rest)))
    {
        return leading_id(rest);
    }
    (link.path == "/join").then(|| link.raw_parameter("confno")).flatten().and_then(leading_id)
}

fn begins_with_digit(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
}

/// 9 to 11 digits that `text` begins with, where neither letter nor further digit follows.
fn leading_id(text: &str) -> Option<&str> {
    let length = text.bytes().take(12).take_while(u8::is_ascii_digit).count();
    let bounded = !text[length..].starts_with(|c: char| c.is_alphanumeric() || "-_.@".contains(c));
    ((9..=11).contains(&length) && bounded).then(|| &text[..length])
}

/// The id of `zoommtg://zoom.us/join?confno=ID`: where it begins, and the id.
fn app_id<'t>(text: &'t str, scheme: &str) -> Option<(usize, &'t str)> {
    let colons = memchr::memchr_iter(b':', text.as_bytes());
    let ours = colons.filter(|at| text[..*at].ends_with(scheme) && text[at + 1..].starts_with("//"));
    ours.take(LOOKS_MAX).find_map(|colon| {
        let (at, rest) = (colon - scheme.len(), &text[colon + 3..]);
        let rest = &rest[..rest.floor_char_boundary(2000)];
        let rest = rest.split(|c: char| c.is_whitespace() || "<>\"'".contains(c)).next()?;
        let (authority, rest) = rest.split_once('/')?;
        let known = HOSTS.iter().any(|host| scan::is_within(authority, host)) && !authority.contains('@');
        let (_, query) = rest.split_once('?').filter(|_| known)?;
        let id = query.split('&').find_map(|pair| pair.strip_prefix("amp;").unwrap_or(pair).strip_prefix("confno="))?;
        Some((at, leading_id(id)?))
    })
}

/// The printed number behind a personal link, on a line that ends with it.
fn personal_id(text: &str) -> Option<String> {
    let personal = scan::links(text).filter(|(_, link)| is_zoom(link) && link.path.starts_with("/my/"));
    personal.take(LOOKS_MAX).find_map(|(at, link)| {
        let end = at + link.whole.len();
        let rest = &text[end..text.floor_char_boundary(end.saturating_add(PERSONAL_REACH))];
        let number = scan::numbers(rest).find(|number| {
            let labelled = rest[..number.at].trim_end_matches([' ', '*', '_', '\t']).ends_with([':', '：', '\n']);
            let at_end = rest[number.end..].chars().next().is_none_or(|c| c == '\n' || c == ' ' || c == '\t');
            labelled && at_end && matches!(number.groups(), [3, 3, 3 | 4] | [3, 4, 4])
        });
        number.map(|number| number.digits().collect())
    })
}

/// An address for room systems.
struct RoomLine<'t> {
    at: usize,
    end: usize,
    id: &'t str,
    pin: Option<&'t str>,
    host: &'t str,
}

fn room_lines(text: &str) -> Vec<RoomLine<'_>> {
    scan::addresses(text).filter_map(|address| room_line(&address)).take(LINES_MAX).collect()
}

fn room_line<'t>(address: &scan::Address<'t>) -> Option<RoomLine<'t>> {
    let mut parts = address.user.split('.');
    let id = scan::digits(parts.next()?, 9, 11)?;
    let pin = parts.next().and_then(|pin| scan::digits(pin, 1, PIN_MAX));
    let host = address.host;
    let known = scan::is_within(host, CRC) || scan::is_within(host, "zoomgov.com") || is_cluster(host);
    known.then_some(RoomLine { at: address.at, end: address.end, id, pin, host })
}

/// The clusters of single regions: `fr.zmeu.us` and siblings.
fn is_cluster(host: &str) -> bool {
    let mut labels = host.rsplit('.');
    let (top, name, below) = (labels.next(), labels.next().unwrap_or_default(), labels.count());
    let zoom = name.len() == 4 && name.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("zm"));
    zoom && below <= 1 && top.is_some_and(|top| top.eq_ignore_ascii_case("us"))
}

/// The passcode of `,,ID#,,,,*PIN#`. Older invitations have `,,ID#,,,,,,0#,,PIN#` or `,,ID#,,#,,PIN#`, where `0#` and `#` answer
/// for the participant id.
fn one_tap_pin(text: &str, id: &str) -> Option<String> {
    text.match_indices(id).find_map(|(at, _)| {
        if !text[..at].ends_with(',') {
            return None;
        }
        let rest = text[at + id.len()..].strip_prefix('#')?;
        let rest = &rest[..rest.floor_char_boundary(64)];
        let rest = rest.trim_start_matches([',', '*']);
        let answered = rest.strip_prefix("0#").or_else(|| rest.strip_prefix('#'));
        let rest = answered.map_or(rest, |rest| rest.trim_start_matches([',', '*']));
        let (pin, _) = rest.split_once('#')?;
        scan::digits(pin, 1, PIN_MAX).map(str::to_owned)
    })
}

/// The number behind the id, a label between them: on the same line, on the next, or label and value on a line each. The last of
/// several.
fn pin_behind_id(text: &str, id: &str) -> Option<String> {
    let mut numbers = scan::numbers(text).peekable();
    let mut found = None;
    while let Some(number) = numbers.next() {
        let Some(next) = numbers.peek() else { break };
        let own = number.length() == id.len() && number.digits().eq(id.chars());
        if own && is_labelled_pin(text, number.end, next) {
            found = Some(next.digits().collect());
        }
    }
    found
}

/// The same behind the id's address for room systems.
fn pin_behind_line(text: &str, line: &RoomLine<'_>) -> Option<String> {
    let near = &text[line.end..text.floor_char_boundary(line.end.saturating_add(2 * PIN_REACH))];
    let next = scan::numbers(near).next()?;
    is_labelled_pin(near, 0, &next).then(|| next.digits().collect())
}

/// Whether `number` is the passcode of what ends at `end`.
fn is_labelled_pin(text: &str, end: usize, number: &scan::Number<'_>) -> bool {
    number.at - end <= PIN_REACH && is_pin(text, number) && is_pin_label(&text[end..number.at])
}

/// Whether the number is a whole word: a passcode such as `12!ab` is none that a room can dial.
fn is_pin(text: &str, number: &scan::Number<'_>) -> bool {
    let next = text[number.end..].chars().next();
    number.groups().len() == 1
        && number.length() <= PIN_MAX
        && next.is_none_or(|c| c.is_whitespace() || ",;|)）*_#.<。，".contains(c))
}

/// Whether what stands between an id and a number is the label of a passcode and no more: one colon at its end, or a line of its
/// own. Marks of replies and lists, of bold type and brackets do not count.
fn is_pin_label(between: &str) -> bool {
    let mark = |c: char| c.is_whitespace() || ">|*_•·(（,;，".contains(c);
    let line_end = between.trim_end_matches([' ', '*', '_', '>', '|']).ends_with(['\n', '\t']);
    let label = between.trim_matches(mark);
    let plain = !label.is_empty() && !label.contains(|c: char| c.is_ascii_digit() || "/@+#".contains(c));
    let has_letter = label.contains(char::is_alphabetic);
    let colons = label.matches([':', '：']).count();
    let lines = label.lines().filter(|line| !line.trim_matches(mark).is_empty()).count();
    plain && has_letter && lines == 1 && (colons == 1 && label.ends_with([':', '：']) || colons == 0 && line_end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_passcode_belongs_to_the_id_before_it() {
        for (text, expected) in [
            ("Meeting ID: 882 3981 4437\nPasscode: 768681", Some("768681")),
            ("Meeting ID: 882 3981 4437 | Passcode: 768681.", Some("768681")),
            ("> 会议号：882 3981 4437\n> 密码：768681", Some("768681")),
            ("ID:\n882 3981 4437\n\nCode:\n768681\n", Some("768681")),
            ("**ID:** 882 3981 4437\n**Code:** 768681", Some("768681")),
            ("ID\t882 3981 4437\nCode\t768681", Some("768681")),
            ("ID\n88239814437\nCode\n768681", Some("768681")),
            ("ID: 882 3981 4437\nCode: 111\n\nID: 882 3981 4437\nCode: 222", Some("222")),
            ("ID: 882 3981 4437\nCode: BioMart\n---\nID: 882 3981 4437\nCode: 222", Some("222")),
            ("ID: 882 3981 4437\nCode: 12!ab", None),
            ("ID: 882 3981 4437\nCode: ab\nFloor: 12", None),
            ("ID: 882 3981 4437\n---\n12", None),
            ("ID: 882 3981 4437\nDial: +1 555 010 0199", None),
            ("ID: 882 3981 4437\nhttps://x.example:1234", None),
            ("ID: 882 3981 4438\nCode: 768681", None),
        ] {
            assert_eq!(pin_behind_id(text, "88239814437").as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn one_tap_numbers_carry_the_passcode() {
        for (text, expected) in [
            ("+15550100199,,88239814437#,,,,*768681# US", Some("768681")),
            ("+15550100199,,88239814437#,,,,,,0#,,768681# US", Some("768681")),
            ("+15550100199,,88239814437#,,#,,768681# US", Some("768681")),
            ("+15550100199,,88239814437# US", None),
            ("+15550100199,,88239814437#,,,,*7686", None),
            ("188239814437#,,,,*768681#", None),
        ] {
            assert_eq!(one_tap_pin(text, "88239814437").as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn links_of_every_kind_have_the_id() {
        for (text, expected) in [
            ("https://acme.zoom.us/j/88239814437?pwd=x#success", Some("88239814437")),
            ("https://acme.zoom.us:443/s/88239814437", Some("88239814437")),
            ("https://app.zoom.us/wc/88239814437/join", Some("88239814437")),
            ("https://app.zoom.us/wc/join/88239814437", Some("88239814437")),
            ("https://zoom.us/launch/jc/88239814437", Some("88239814437")),
            ("https://us02web.zoom.us/meetings/88239814437/invitations?signature=x", Some("88239814437")),
            ("https://zoom.com.cn/j/882398144", Some("882398144")),
            ("https://zoom.us/join?confno=88239814437&pwd=1", Some("88239814437")),
            ("zoommtg://zoom.us/join?action=join&confno=88239814437&pwd=x", Some("88239814437")),
            ("zoommtg://zoom.us@evil.example/join?confno=88239814437", None),
            ("zoommtg://evil.example/join?confno=88239814437", None),
            ("https://acme.zoom.us/j/8823981443a https://acme.zoom.us/j/882398144370", None),
            ("https://acme.zoom.us/u/88239814437 https://acme.zoom.us/rec/88239814437", None),
            ("https://zoom.us@evil.example/j/88239814437 https://zoom.us.evil.example/j/88239814437", None),
            ("https://zооm.us/j/88239814437", None),
        ] {
            assert_eq!(meeting(text, &room_lines(text)).map(|(id, _)| id).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_personal_link_takes_the_number_printed_behind_it() {
        for (text, expected) in [
            ("https://acme.zoom.us/my/dana\nMeeting ID: 882 398 1443\n", Some("8823981443")),
            ("https://acme.zoom.us/my/dana\nID\n882 3981 4437", Some("88239814437")),
            ("https://acme.zoom.us/my/dana\nCall 882 398 1443", None),
            ("Meeting ID: 882 398 1443\nhttps://acme.zoom.us/my/dana", None),
        ] {
            assert_eq!(personal_id(text).as_deref(), expected, "{text}");
        }
    }
}
