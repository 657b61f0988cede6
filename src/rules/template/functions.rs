//! Pexip's own functions and filters, and beside them (`builtin`) the builtin filters on Pexip's list.
//!
//! See <https://docs.pexip.com/admin/jinja_templates.htm>. Each reads as long a text as it pays fuel for.
//!
//! `pex_uuid4` and `pex_random_pin` give the same for the same event however often it is read, and something else for every other
//! event and every further use in a template: were they random, a room's meeting would get a new address at each reading.
//! `pex_now` is the time of the evaluation; an event is evaluated again only when it or the rules change.
//! `pex_debug_log` does nothing: what a template sees belongs into no log.

mod builtin;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use base64::Engine as _;
use jiff::tz::TimeZone;
use md5::Digest as _;
use minijinja::value::{Rest, ValueKind};
use minijinja::{Environment, Error, ErrorKind, State, Value};

use super::super::pattern::{Pattern, Replacement, STEPS_MAX, Steps};
use super::{Bounded, OUTPUT_MAX};
use crate::invitation::wrapped;
use crate::model::Clock;

/// The name under which a template is given what tells its event from others. No template can write it.
pub(in crate::rules) const SEED: &str = "‹event›";

/// Longest PIN.
const PIN_MAX: usize = 64;

/// How many steps of a search that is counted a unit of fuel pays for: a budget holds as many as two searches by rules may take.
const STEPS_PER_FUEL: u64 = 20;

/// What compiling a pattern costs.
const COMPILING_COST: u64 = 500;

const GREW: &str = "a text grew past 64 KiB";

/// Every filter. A test holds this to what is registered.
pub(super) const FILTERS: &[&str] = &[
    "abs",
    "capitalize",
    "default",
    "first",
    "float",
    "format",
    "int",
    "join",
    "last",
    "length",
    "lower",
    "range",
    "replace",
    "round",
    "striptags",
    "trim",
    "truncate",
    "upper",
    "pex_base64",
    "pex_clean_phone_number",
    "pex_debug_log",
    "pex_find_first_match",
    "pex_hash",
    "pex_head",
    "pex_in_subnet",
    "pex_md5",
    "pex_regex_replace",
    "pex_require_min_length",
    "pex_reverse",
    "pex_safelinks_decode",
    "pex_strlen",
    "pex_tail",
    "pex_to_json",
    "pex_to_uuid",
    "pex_update",
    "pex_url_decode",
    "pex_url_encode",
    "pex_urldefense_decode",
];

/// Every function.
pub(super) const FUNCTIONS: &[&str] = &[
    "range",
    "pex_base64",
    "pex_clean_phone_number",
    "pex_debug_log",
    "pex_find_first_match",
    "pex_hash",
    "pex_head",
    "pex_in_subnet",
    "pex_md5",
    "pex_now",
    "pex_random_pin",
    "pex_regex_search",
    "pex_require_min_length",
    "pex_reverse",
    "pex_safelinks_decode",
    "pex_strlen",
    "pex_tail",
    "pex_to_json",
    "pex_to_uuid",
    "pex_update",
    "pex_url_decode",
    "pex_url_encode",
    "pex_urldefense_decode",
    "pex_uuid4",
];

pub(super) fn register(environment: &mut Environment<'static>) {
    builtin::register(environment);
    environment.add_function("pex_regex_search", regex_search);
    environment.add_filter("pex_regex_replace", regex_replace);
    environment.add_function("pex_now", now);
    environment.add_function("pex_uuid4", |state: &mut State| made_of_event(state).map(|bytes| uuid(bytes, true)));
    environment.add_function("pex_random_pin", random_pin);
    // Documented as functions of a value in some releases and as filters in others: both are there.
    macro_rules! both {
        ($($name:literal => $function:expr),* $(,)?) => {$(
            environment.add_filter($name, $function);
            environment.add_function($name, $function);
        )*};
    }
    // A text becomes a text, for as much fuel as it is long.
    macro_rules! of_text {
        ($($name:literal => $function:expr),* $(,)?) => { both! {$(
            $name => |state: &State, text: &str| {
                paid(state, text)?;
                let function: fn(&str) -> String = $function;
                bounded(function(text))
            },
        )*} };
    }
    of_text! {
        "pex_reverse" => |text| text.chars().rev().collect(),
        "pex_base64" => |text| base64::engine::general_purpose::STANDARD.encode(text),
        "pex_md5" => |text| hex(&md5::Md5::digest(text.as_bytes())),
        "pex_hash" => |text| hex(&sha2::Sha256::digest(text.as_bytes())),
        "pex_clean_phone_number" => |text| text.chars().filter(|c| c.is_ascii_digit() || *c == '+').collect(),
        "pex_url_encode" => wrapped::percent::encode,
        "pex_url_decode" => |text| wrapped::percent::decode(&text.replace('+', " ")),
        "pex_safelinks_decode" => |link| wrapped::safelinks_decode(link).unwrap_or_else(|| link.to_owned()),
        "pex_urldefense_decode" => |link| wrapped::urldefense_decode(link).unwrap_or_else(|| link.to_owned()),
    }
    both! {
        "pex_debug_log" => |_: Rest<Value>| "",
        "pex_find_first_match" => find_first_match,
        "pex_head" => |state: &State, text: &str, count: usize| {
            paid(state, text)?;
            bounded(text.chars().take(count).collect())
        },
        "pex_in_subnet" => in_subnet,
        "pex_require_min_length" => require_min_length,
        "pex_strlen" => |state: &State, text: &str| paid(state, text).map(|()| text.chars().count()),
        "pex_tail" => tail,
        "pex_to_json" => to_json,
        "pex_to_uuid" => to_uuid,
        "pex_update" => update,
    }
}

/// Pays for reading `text`: a unit of fuel for 64 bytes, as the engine reckons, and one for beginning it.
fn paid(state: &State, text: &str) -> Result<(), Error> {
    state.consume_fuel(1 + text.len() as u64 / 64)
}

fn failed(text: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, text.into())
}

/// The text, unless it is longer than any output may be.
fn bounded(text: String) -> Result<String, Error> {
    if text.len() > OUTPUT_MAX { Err(failed(GREW)) } else { Ok(text) }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The groups of the first match, without the match itself: nothing when there is no match, or no group. A group that took no
/// part is the empty text. An undefined text has no match.
fn regex_search(state: &State, pattern: &str, text: Value) -> Result<Value, Error> {
    let Some(text) = text.as_str() else {
        return Ok(Value::from(()));
    };
    let pattern = pattern_for(state, pattern, text)?;
    let found =
        stepping(state, |steps| pattern.find_within(text, steps))?.map_err(|error| failed(error.to_string()))?;
    Ok(found.map_or(Value::from(()), |found| {
        found.groups.iter().skip(1).map(|group| Value::from(group.unwrap_or_default())).collect()
    }))
}

/// The pattern, with a search of `text` paid for.
fn pattern_for(state: &State, pattern: &str, text: &str) -> Result<Arc<Pattern>, Error> {
    paid(state, text)?;
    let (compiled, known) = Pattern::cached(pattern).map_err(failed)?;
    state.consume_fuel(if known { 0 } else { COMPILING_COST })?;
    Ok(compiled)
}

/// A search within the fuel that is left. What it took is paid afterwards.
fn stepping<T>(state: &State, search: impl FnOnce(&mut Steps) -> T) -> Result<T, Error> {
    let (_, fuel) = state.fuel_levels().unwrap_or_default();
    let most = STEPS_MAX.min(fuel.saturating_mul(STEPS_PER_FUEL));
    let mut steps = Steps::new(most);
    let found = search(&mut steps);
    state.consume_fuel((most - steps.left()) / STEPS_PER_FUEL)?;
    Ok(found)
}

fn regex_replace(state: &State, text: &str, find: &str, replacement: &str) -> Result<String, Error> {
    let pattern = pattern_for(state, find, text)?;
    let replacement = Replacement::parse(replacement, &pattern).map_err(failed)?;
    stepping(state, |steps| pattern.replace_all(text, &replacement, OUTPUT_MAX, steps))?.map_err(failed)
}

fn find_first_match(state: &State, list: Value, pattern: &str) -> Result<Value, Error> {
    for item in list.try_iter()? {
        paid(state, "")?;
        let Some(text) = item.as_str() else { continue };
        let pattern = pattern_for(state, pattern, text)?;
        let found = stepping(state, |steps| pattern.find_within(text, steps).map(|found| found.is_some()))?;
        if found.map_err(|error| failed(error.to_string()))? {
            return Ok(item);
        }
    }
    Ok(Value::from(()))
}

fn tail(state: &State, text: &str, count: usize) -> Result<String, Error> {
    paid(state, text)?;
    let skipped = text.chars().count().saturating_sub(count);
    bounded(text.chars().skip(skipped).collect())
}

fn require_min_length(state: &State, text: &str, count: usize) -> Result<String, Error> {
    paid(state, text)?;
    if text.chars().count() < count {
        return Err(failed(format!("shorter than the required {count} characters")));
    }
    Ok(text.to_owned())
}

/// JSON as long as an output at most. Lists that hold one list several times would grow without that.
fn to_json(value: Value) -> Result<String, Error> {
    let mut out = Bounded::default();
    match serde_json::to_writer(&mut out, &value) {
        Ok(()) => String::from_utf8(out.bytes).map_err(|error| failed(error.to_string())),
        Err(_) if out.full => Err(failed(GREW)),
        Err(error) => Err(failed(error.to_string())),
    }
}

/// A copy of a dictionary with what another one adds and replaces.
fn update(dictionary: Value, other: Value) -> Result<Value, Error> {
    let mut pairs = BTreeMap::new();
    for each in [dictionary, other] {
        if each.kind() != ValueKind::Map {
            return Err(failed("`pex_update` takes two dictionaries"));
        }
        for key in each.try_iter()? {
            let value = each.get_item(&key)?;
            pairs.insert(key, value);
        }
    }
    Ok(Value::from_pairs(pairs))
}

/// Whether an address lies in one of the networks.
fn in_subnet(state: &State, address: &str, networks: Value) -> Result<bool, Error> {
    let address: IpAddr = address.trim().parse().map_err(|_| failed("`pex_in_subnet` takes an IP address"))?;
    let list = if networks.as_str().is_some() { Value::from(vec![networks]) } else { networks };
    for network in list.try_iter()? {
        let text = network.as_str().unwrap_or_default();
        paid(state, text)?;
        let within =
            within(address, text).ok_or_else(|| failed("`pex_in_subnet` takes networks such as \"10.0.0.0/8\""))?;
        if within {
            return Ok(true);
        }
    }
    Ok(false)
}

fn within(address: IpAddr, network: &str) -> Option<bool> {
    let (base, length) =
        network.trim().split_once('/').map_or((network.trim(), None), |(base, length)| (base, Some(length)));
    let bits = |ip: IpAddr| match ip {
        IpAddr::V4(ip) => (u128::from(u32::from(ip)), 32),
        IpAddr::V6(ip) => (u128::from(ip), 128),
    };
    let (base, address) = (bits(base.parse().ok()?), bits(address));
    let length: u32 = length.map_or(Some(base.1), |length| length.parse().ok()).filter(|length| *length <= base.1)?;
    let beyond = |value: u128| value.checked_shr(base.1 - length).unwrap_or_default();
    Some(base.1 == address.1 && beyond(base.0) == beyond(address.0))
}

/// A UUID of the 16 bytes that `text` is the base64 of.
fn to_uuid(text: &str) -> Result<String, Error> {
    let engines = [base64::engine::general_purpose::STANDARD_NO_PAD, base64::engine::general_purpose::URL_SAFE_NO_PAD];
    let bytes = text.trim().trim_end_matches('=');
    let bytes = (bytes.len() <= 24).then(|| engines.iter().find_map(|engine| engine.decode(bytes).ok())).flatten();
    let bytes: Option<[u8; 16]> = bytes.and_then(|bytes| bytes.try_into().ok());
    bytes.map(|bytes| uuid(bytes, false)).ok_or_else(|| failed("`pex_to_uuid` takes the base64 of 16 bytes"))
}

/// The text of a UUID, marked as random where it is meant to look so.
fn uuid(mut bytes: [u8; 16], random: bool) -> String {
    if random {
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
    }
    let digits = hex(&bytes);
    let (a, b, c, d, e) = (&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]);
    format!("{a}-{b}-{c}-{d}-{e}")
}

/// `length` digits.
fn random_pin(state: &mut State, length: usize) -> Result<String, Error> {
    if !(1..=PIN_MAX).contains(&length) {
        return Err(failed(format!("`pex_random_pin` gives 1 to {PIN_MAX} digits")));
    }
    let mut pin = String::new();
    while pin.len() < length {
        let bytes = made_of_event(state)?;
        // Bytes from 250 on would make some digits likelier.
        pin.extend(bytes.into_iter().filter(|byte| *byte < 250).map(|byte| char::from(b'0' + byte % 10)));
    }
    pin.truncate(length);
    Ok(pin)
}

/// Bytes that follow from the event and from how often they were asked for.
fn made_of_event(state: &mut State) -> Result<[u8; 16], Error> {
    let seed = state.lookup(SEED).ok_or_else(|| failed("there is no event to make this of"))?;
    let count = state.get_temp(SEED).and_then(|count| count.as_i64()).unwrap_or_default();
    state.set_temp(SEED, Value::from(count + 1));
    let digest = sha2::Sha256::digest(format!("{count} {seed}").as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    Ok(bytes)
}

/// The parts of the time of the evaluation, in `zone` or in UTC.
fn now(zone: Option<&str>) -> Result<Value, Error> {
    let zone =
        TimeZone::get(zone.unwrap_or("UTC")).map_err(|_| failed("`pex_now` takes a zone such as \"Europe/Oslo\""))?;
    let at = Clock::system().now().wall.to_zoned(zone);
    Ok(minijinja::context! {
        year => at.year(), month => at.month(), day => at.day(), hour => at.hour(), minute => at.minute(),
        second => at.second(), microsecond => i32::from(at.millisecond()) * 1000 + i32::from(at.microsecond()),
    })
}
