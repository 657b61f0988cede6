//! `/metrics`: every metric name of the product, with its help text, rendered from the board and the tally when scraped.
//!
//! Nothing is kept between scrapes, so the series of an object that left the documents are gone with the next one. Label
//! values come from closed sets or from names in the documents, never from outside.
//!
//! *Design notes.* The answer is the Prometheus text format 0.0.4, which every scraper and `promtool check metrics` reads.
//! There the name of a counter's family ends in `_total` itself; the library follows OpenMetrics and would add the ending
//! to the samples alone, so counters are written as their values under the full name.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use jiff::Timestamp;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;

use super::alarms::alarms;
use super::clouds::cloud_of;
use super::conditions::{drifting, room_names};
use crate::model::Ear;
use crate::model::desired::ModeState;
use crate::model::tally::{Durations, Tally};
use crate::reconcile::board::{Board, EndpointStatus, IntegrationStatus, RoomStatus};
use crate::reconcile::suspension::Suspensions;

/// The media type of what [`render`] gives.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Ticks a second in `/proc/self/stat`, the same on every Linux. See proc_pid_stat(5) and time(7): USER_HZ.
const TICKS_A_SECOND: f64 = 100.0;

/// All metrics as text. It reads `/proc`, so call it where blocking is allowed.
#[must_use]
pub fn render(board: &Board, tally: &Arc<Tally>, started: Timestamp, now: Timestamp) -> String {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Scrape { board: board.clone(), tally: tally.clone(), started, now }));
    let mut out = String::new();
    text::encode_registry(&mut out, &registry).expect("writing into a string does not fail");
    out
}

/// One label.
type Label = (Cow<'static, str>, String);

/// One series of a family and its value.
type Sample = (Vec<Label>, f64);

#[derive(Debug)]
struct Scrape {
    board: Board,
    tally: Arc<Tally>,
    started: Timestamp,
    now: Timestamp,
}

/// Writes families, skipping those without a series.
struct Page<'a>(DescriptorEncoder<'a>);

impl Page<'_> {
    fn gauge(&mut self, name: &str, help: &str, samples: Vec<Sample>) -> std::fmt::Result {
        self.family(name, help, MetricType::Gauge, samples)
    }

    fn counter(&mut self, name: &str, help: &str, samples: Vec<Sample>) -> std::fmt::Result {
        self.family(name, help, MetricType::Counter, samples)
    }

    fn family(&mut self, name: &str, help: &str, kind: MetricType, samples: Vec<Sample>) -> std::fmt::Result {
        if samples.is_empty() {
            return Ok(());
        }
        let mut family = self.0.encode_descriptor(name, help, None, kind)?;
        for (labels, value) in samples {
            if labels.is_empty() {
                number(&mut family, value)?;
            } else {
                number(&mut family.encode_family(&labels)?, value)?;
            }
        }
        Ok(())
    }

    fn histogram(&mut self, name: &str, help: &str, keys: &[&'static str], durations: &Durations) -> std::fmt::Result {
        let series = durations.snapshot();
        if series.is_empty() {
            return Ok(());
        }
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Histogram)?;
        for (values, counts, sum) in series {
            let bounds = durations.bounds.iter().copied().chain([f64::INFINITY]);
            let buckets: Vec<(f64, u64)> = bounds.zip(counts.iter().copied()).collect();
            let count = counts.iter().sum();
            let labels = labels_of(keys, &values);
            if labels.is_empty() {
                family.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)?;
            } else {
                family.encode_family(&labels)?.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)?;
            }
        }
        Ok(())
    }
}

impl Collector for Scrape {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> std::fmt::Result {
        let mut page = Page(encoder);
        let (rooms, endpoints) = (self.board.rooms(), self.board.endpoints());
        self.config(&mut page)?;
        self.drift(&mut page)?;
        self.alarms(&mut page)?;
        self.plan(&mut page)?;
        of_rooms(&mut page, &rooms)?;
        of_endpoints(&mut page, &endpoints, &self.board.suspensions())?;
        self.counted(&mut page, &rooms)?;
        self.process(&mut page)
    }
}

impl Scrape {
    fn config(&self, page: &mut Page<'_>) -> std::fmt::Result {
        let config = self.board.config();
        let revision = option_env!("OTJ_REVISION").unwrap_or_default();
        page.gauge(
            "otj_build_info",
            "The program that runs",
            vec![(labels(&[("version", env!("CARGO_PKG_VERSION")), ("revision", revision)]), 1.0)],
        )?;
        page.gauge(
            "otj_config_last_reload_successful",
            "1 when the last load of the directory succeeded",
            plain(f64::from(u8::from(config.last_load_ok))),
        )?;
        page.gauge(
            "otj_config_last_reload_success_timestamp_seconds",
            "When a load of the directory last succeeded",
            config.last_success_at.map(seconds).map(plain).unwrap_or_default(),
        )?;
        page.gauge("otj_config_generation", "Adoptions since the start", plain(config.generation as f64))?;
        if config.generation > 0 {
            let of_it = [("revision", &*config.revision), ("checksum", &*config.checksum), ("source", config.source)];
            page.gauge("otj_config_info", "The configuration in force", vec![(labels(&of_it), 1.0)])?;
        }
        page.gauge(
            "otj_config_diagnostics",
            "Findings of the last load",
            vec![
                (labels(&[("severity", "error")]), config.errors as f64),
                (labels(&[("severity", "warning")]), config.warnings as f64),
            ],
        )?;
        let documents = config.documents.iter();
        page.gauge(
            "otj_config_documents",
            "Documents of the configuration in force",
            documents.map(|(kind, count)| (labels(&[("kind", kind)]), *count as f64)).collect(),
        )
    }

    fn drift(&self, page: &mut Page<'_>) -> std::fmt::Result {
        let drift = drifting(&self.board);
        let mut by_reason = BTreeMap::<(&str, &str), usize>::new();
        for one in &drift {
            *by_reason.entry((&one.kind, &one.reason)).or_default() += 1;
        }
        let each = drift.iter();
        page.gauge(
            "otj_drift",
            "1 for each object that is not as wished, only while it is not",
            each.clone()
                .map(|one| (labels(&[("kind", &one.kind), ("name", &one.name), ("reason", &one.reason)]), 1.0))
                .collect(),
        )?;
        page.gauge(
            "otj_drift_since_timestamp_seconds",
            "Since when an object is not as wished",
            each.map(|one| (labels(&[("kind", &one.kind), ("name", &one.name)]), seconds(one.since))).collect(),
        )?;
        let counted = by_reason.into_iter();
        page.gauge(
            "otj_drift_objects",
            "Objects that are not as wished",
            counted.map(|((kind, reason), n)| (labels(&[("kind", kind), ("reason", reason)]), n as f64)).collect(),
        )
    }

    fn alarms(&self, page: &mut Page<'_>) -> std::fmt::Result {
        let alarms = alarms(&self.board, self.now);
        let each = alarms
            .iter()
            .map(|alarm| (labels(&[("kind", &alarm.kind), ("name", &alarm.name), ("reason", &alarm.reason)]), 1.0));
        page.gauge("otj_alarm", "1 for each alarm that stands", each.collect())
    }

    fn plan(&self, page: &mut Page<'_>) -> std::fmt::Result {
        let (plan, pulse) = (self.board.plan(), self.board.pulse());
        let held: usize = plan.holds.iter().map(|hold| hold.losses.len()).sum();
        page.gauge(
            "otj_plan_steps",
            "Steps under way, and removals that wait for a second reading or are held",
            vec![
                (labels(&[("step", "any"), ("state", "running")]), pulse.in_flight as f64),
                (labels(&[("step", "remove"), ("state", "waiting")]), plan.waiting as f64),
                (labels(&[("step", "remove"), ("state", "held")]), held as f64),
            ],
        )?;
        page.gauge("otj_plan_held", "Plans that wait for approval", plain(plan.holds.len() as f64))?;
        page.gauge(
            "otj_loop_lag_seconds",
            "How late the most overdue object of the last turn was",
            plain(pulse.lag.as_secs_f64()),
        )?;
        page.gauge("otj_due_queue_length", "Objects in the due queue", plain(pulse.due as f64))
    }

    fn counted(&self, page: &mut Page<'_>, rooms: &[Arc<RoomStatus>]) -> std::fmt::Result {
        let tally = &*self.tally;
        page.histogram("otj_step_duration_seconds", "How long steps took", &["step", "outcome"], &tally.steps)?;
        page.histogram(
            "otj_change_to_endpoint_seconds",
            "From a change in a calendar to its confirmation by an endpoint",
            &[],
            &tally.change_to_endpoint,
        )?;
        let integrations: BTreeSet<&str> = rooms.iter().map(|room| room.key.integration.as_str()).collect();
        let profiles: BTreeSet<&str> =
            rooms.iter().flat_map(|room| room.profiles.iter().map(|(profile, _, _)| profile.as_str())).collect();
        // What the documents no longer name is not shown, though it was counted.
        let known = |counts: Vec<(Vec<String>, u64)>, names: &BTreeSet<&str>| -> Vec<(Vec<String>, u64)> {
            counts
                .into_iter()
                .filter(|(values, _)| values.first().is_some_and(|v| names.contains(v.as_str())))
                .collect()
        };
        page.counter(
            "otj_calendar_requests_total",
            "Requests to calendar services",
            samples(&["integration", "outcome"], known(tally.calendar_requests.snapshot(), &integrations)),
        )?;
        let paced = self.board.integrations();
        let each = |value: fn(&IntegrationStatus) -> f64| -> Vec<Sample> {
            paced.iter().map(|one| (labels(&[("integration", one.name.as_str())]), value(one))).collect()
        };
        page.gauge(
            "otj_calendar_request_budget",
            "Most requests to a calendar service in 24 hours",
            each(|one| one.day_limit as f64),
        )?;
        page.gauge(
            "otj_calendar_requests_today",
            "Requests to a calendar service in the last 24 hours",
            each(|one| one.day_used as f64),
        )?;
        let heard = tally.hearing.snapshot().into_iter().filter(|(name, _)| integrations.contains(name.as_str()));
        let heard = heard.flat_map(|(name, heard)| {
            let ears = [(Ear::AtOnce, heard.at_once), (Ear::ByTheMinute, heard.by_the_minute), (Ear::Deaf, heard.deaf)];
            ears.map(|(ear, rooms)| (labels(&[("integration", name.as_str()), ("told", ear.label())]), rooms as f64))
        });
        page.gauge(
            "otj_calendar_rooms_told",
            "Rooms whose changes a calendar service tells by itself: AtOnce, ByTheMinute, or not (Deaf)",
            heard.collect(),
        )?;
        let written = self.board.config().expiries.clone().into_iter().map(|it| {
            (labels(&[("kind", it.kind), ("name", &it.name), ("credential", it.credential)]), seconds(it.at))
        });
        let clouds: BTreeSet<String> = self.board.endpoints().iter().filter_map(|it| cloud_of(it)).collect();
        let signed_in = tally.sign_ins_end.snapshot().into_iter().filter_map(|(values, at)| {
            let [kind, name] = values.try_into().ok()?;
            let of_it = labels(&[("kind", &kind), ("name", &name), ("credential", "refreshToken")]);
            (integrations.contains(name.as_str()) || clouds.contains(name.as_str())).then(|| (of_it, seconds(at)))
        });
        page.gauge(
            "otj_credential_expiry_timestamp_seconds",
            "When a credential ends that a person has to replace",
            written.chain(signed_in).collect(),
        )?;
        page.counter(
            "otj_rule_matches_total",
            "Event versions in which a rule found an address",
            samples(&["profile", "rule"], known(tally.rule_matches.snapshot(), &profiles)),
        )?;
        page.counter(
            "otj_poly_requests_total",
            "Requests of Poly endpoints",
            samples(&["operation", "outcome"], tally.poly_requests.snapshot()),
        )?;
        page.counter(
            "otj_poly_logins_total",
            "Logins of Poly endpoints",
            samples(&["scheme", "outcome"], tally.poly_logins.snapshot()),
        )?;
        page.counter(
            "otj_poly_unknown_logins_total",
            "Poly logins with a name nobody has",
            plain(tally.poly_unknown_logins.load(Ordering::Relaxed) as f64),
        )?;
        page.counter(
            "otj_poly_tls_failures_total",
            "TLS handshakes of Poly endpoints that failed",
            samples(&["reason"], tally.tls_failures.snapshot()),
        )?;
        page.counter(
            "otj_http_requests_total",
            "Requests to the pages and the API",
            samples(&["route", "code"], tally.http_requests.snapshot()),
        )
    }

    fn process(&self, page: &mut Page<'_>) -> std::fmt::Result {
        page.gauge("process_start_time_seconds", "When the process started", plain(seconds(self.started)))?;
        let resident = std::fs::read_to_string("/proc/self/status").ok().and_then(|text| resident_bytes(&text));
        page.gauge("process_resident_memory_bytes", "Memory in use", resident.map(plain).unwrap_or_default())?;
        let cpu = std::fs::read_to_string("/proc/self/stat").ok().and_then(|text| cpu_seconds(&text));
        page.counter("process_cpu_seconds_total", "Processor time used", cpu.map(plain).unwrap_or_default())?;
        let open = std::fs::read_dir("/proc/self/fd").ok().map(|entries| entries.count() as f64);
        page.gauge("process_open_fds", "Open file descriptors", open.map(plain).unwrap_or_default())
    }
}

fn of_rooms(page: &mut Page<'_>, rooms: &[Arc<RoomStatus>]) -> std::fmt::Result {
    let names = room_names(rooms);
    let each = |value: fn(&RoomStatus) -> Option<f64>| -> Vec<Sample> {
        let named = rooms.iter().zip(&names);
        named.filter_map(|(room, name)| value(room).map(|value| (labels(&[("room", name)]), value))).collect()
    };
    page.gauge(
        "otj_room_last_read_timestamp_seconds",
        "When a room was last read completely",
        each(|room| room.last_read.map(seconds)),
    )?;
    page.gauge(
        "otj_room_next_read_timestamp_seconds",
        "When a room is read next",
        each(|room| room.next_read.map(seconds)),
    )?;
    page.gauge("otj_room_meetings", "Meetings of a room that have not ended", each(|room| Some(room.meetings as f64)))?;

    let mut by_profile = BTreeMap::<&str, (usize, usize)>::new();
    for (profile, meetings, without) in rooms.iter().flat_map(|room| &room.profiles) {
        let sums = by_profile.entry(profile.as_str()).or_default();
        *sums = (sums.0 + meetings, sums.1 + without);
    }
    let sums = by_profile.iter();
    page.gauge(
        "otj_meetings",
        "Meetings that have not ended",
        sums.clone().map(|(profile, (all, _))| (labels(&[("profile", profile)]), *all as f64)).collect(),
    )?;
    page.gauge(
        "otj_meetings_without_alias",
        "Meetings that have not ended and no address to dial",
        sums.map(|(profile, (_, without))| {
            (labels(&[("profile", profile), ("reason", "NoRuleMatched")]), *without as f64)
        })
        .collect(),
    )
}

fn of_endpoints(page: &mut Page<'_>, endpoints: &[Arc<EndpointStatus>], suspensions: &Suspensions) -> std::fmt::Result {
    let each = |value: fn(&EndpointStatus) -> Option<f64>| -> Vec<Sample> {
        let named = endpoints.iter().map(|endpoint| (endpoint.spec.name.as_str(), value(endpoint)));
        named.filter_map(|(name, value)| value.map(|value| (labels(&[("endpoint", name)]), value))).collect()
    };
    page.gauge(
        "otj_endpoint_last_contact_timestamp_seconds",
        "When an endpoint last answered or asked",
        each(|endpoint| endpoint.last_contact.map(seconds)),
    )?;
    page.gauge(
        "otj_endpoint_bookings",
        "Bookings an endpoint is known to hold",
        each(|endpoint| endpoint.held.map(|held| held as f64)),
    )?;
    page.gauge(
        "otj_endpoint_synced",
        "1 when an endpoint holds what it shall show",
        each(|endpoint| Some(f64::from(u8::from(endpoint.synced)))),
    )?;
    let described = endpoints.iter().map(|endpoint| (info_labels(endpoint), 1.0));
    page.gauge("otj_endpoint_info", "An endpoint with the labels of its document", described.collect())?;
    let mut objects: BTreeSet<(&str, &str)> = endpoints
        .iter()
        .filter(|endpoint| endpoint.mode == ModeState::Suspended)
        .map(|endpoint| ("endpoint", endpoint.spec.name.as_str()))
        .collect();
    objects.extend(suspensions.iter().map(|one| (one.kind.label(), one.name.as_str())));
    page.gauge(
        "otj_suspended",
        "1 for each object that is suspended, by an operator or by its documents",
        objects.into_iter().map(|(kind, name)| (labels(&[("kind", kind), ("name", name)]), 1.0)).collect(),
    )
}

/// Fixed labels, then those of the document as `label_…`; of two that become the same name, the first stays.
fn info_labels(endpoint: &EndpointStatus) -> Vec<Label> {
    let spec = &endpoint.spec;
    let mut all = labels(&[
        ("endpoint", spec.name.as_str()),
        ("room", spec.room_email.as_str()),
        ("group", spec.group.as_ref().map_or("", |group| group.as_str())),
        ("profile", spec.profile.as_str()),
        ("location", spec.location.as_str()),
        ("type", spec.device.label()),
    ]);
    for (key, value) in &spec.labels {
        let safe: String = key.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        let name = format!("label_{safe}");
        if all.iter().all(|(known, _)| *known != name) {
            all.push((name.into(), value.clone()));
        }
    }
    all
}

/// The one series of a family without labels.
fn plain(value: f64) -> Vec<Sample> {
    vec![(Vec::new(), value)]
}

fn labels(pairs: &[(&'static str, &str)]) -> Vec<Label> {
    pairs.iter().map(|(key, value)| (Cow::Borrowed(*key), (*value).to_owned())).collect()
}

fn labels_of(keys: &[&'static str], values: &[String]) -> Vec<Label> {
    keys.iter().zip(values).map(|(key, value)| (Cow::Borrowed(*key), value.clone())).collect()
}

fn samples(keys: &[&'static str], counts: Vec<(Vec<String>, u64)>) -> Vec<Sample> {
    counts.into_iter().map(|(values, count)| (labels_of(keys, &values), count as f64)).collect()
}

/// Whole numbers are written without a fraction, as people compare them.
fn number(series: &mut MetricEncoder<'_>, value: f64) -> std::fmt::Result {
    const EXACT: f64 = 9_007_199_254_740_992.0; // 2^53
    if value.fract() == 0.0 && value.abs() < EXACT {
        series.encode_gauge(&(value as i64))
    } else {
        series.encode_gauge(&value)
    }
}

fn seconds(at: Timestamp) -> f64 {
    at.as_millisecond() as f64 / 1000.0
}

/// `VmRSS` of `/proc/self/status`, which is in KiB.
fn resident_bytes(status: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.split_whitespace().next()?.parse::<f64>().ok()? * 1024.0)
}

/// User and system time: fields 14 and 15 of `/proc/self/stat`, counted after the name in parentheses, which may hold blanks.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let ticks: f64 = fields.next()?.parse::<f64>().ok()? + fields.next()?.parse::<f64>().ok()?;
    Some(ticks / TICKS_A_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_systems_answers_are_read_by_their_meaning() {
        assert_eq!(resident_bytes("Name:\totj\nVmRSS:\t    2048 kB\nThreads:\t3\n"), Some(2_097_152.0));
        let stat = "7 (a b) c) S 1 7 7 0 -1 4194560 100 0 0 0 150 50 0 0 20 0 1 0 100 0 0";
        assert_eq!(cpu_seconds(stat), Some(2.0));
        assert_eq!((resident_bytes(""), cpu_seconds("")), (None, None));
    }

    #[test]
    fn an_empty_board_still_says_what_runs() {
        let page =
            render(&Board::default(), &Tally::new(), "2026-03-02T08:00:00Z".parse().unwrap(), Timestamp::UNIX_EPOCH);
        assert!(page.contains("otj_build_info{version=\""), "{page}");
        assert!(page.contains("otj_config_last_reload_successful 0\n"), "{page}");
        assert!(page.contains("process_start_time_seconds 1772438400\n"), "{page}");
        assert!(!page.contains("otj_room_"), "{page}");
    }
}
