//! A whole day of `otj simulate`, held against what Google and Microsoft publish about their interfaces: every request of the real
//! clients, every answer of the simulated services.
//!
//! By hand: `otj simulate --rooms 2 --integration exchange --servers 1 --log FILE` writes a JSON object a line, and
//! `tests/python/ews.py` says of each text whether Microsoft's schema allows it.

use std::process::Command;

use serde_json::Value;

use crate::python;

/// Plays a day and gives every exchange with the calendar service.
fn exchanges(integration: &[&str], requests_per_day: &str) -> Vec<Value> {
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("exchanges.jsonl");
    let mut command = Command::new(env!("CARGO_BIN_EXE_otj"));
    command.args(["simulate", "--rooms", "2", "--format", "json", "--integration"]);
    command.args(integration).args(["--requests-per-day", requests_per_day, "--log"]).arg(&log);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(result["overruns"], 0);
    let text = std::fs::read_to_string(&log).unwrap();
    let exchanges: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(result["requests"], exchanges.len());
    exchanges
}

#[test]
fn every_exchange_of_a_simulated_google_day_is_as_google_describes_it() {
    let exchanges = Value::from(exchanges(&["google"], "600"));
    assert_eq!(python::ask(python::script("tests/python/google_log.py"), &exchanges), Value::from(Vec::<Value>::new()));
}

#[test]
fn every_exchange_of_a_simulated_graph_day_is_as_graph_describes_it() {
    let mut script = python::script("tests/python/graph.py");
    script.arg(python::root("tests/schemas/graph/calendar.openapi.json"));
    let exchanges = Value::from(exchanges(&["graph"], "150"));
    assert_eq!(python::ask(script, &exchanges), Value::from(Vec::<Value>::new()));
}

#[test]
fn every_exchange_of_a_simulated_exchange_day_is_what_the_schema_allows() {
    let exchanges = exchanges(&["exchange", "--servers", "1"], "200");
    // The first ones ask whether passwords are taken at all.
    let (asking, rest): (Vec<_>, Vec<_>) = exchanges.into_iter().partition(|it| it["sent"].is_null());
    assert!((1..=2).contains(&asking.len()) && asking.iter().all(|it| it["status"] == 401), "{asking:?}");
    let texts = |what: &str| rest.iter().map(|it| it[what].as_str().unwrap_or_default().to_owned()).collect();
    let (sent, answered): (Vec<String>, Vec<String>) = (texts("sent"), texts("body"));
    for operation in ["FindItem", "GetItem", "GetUserAvailabilityRequest"] {
        assert!(sent.iter().any(|text| text.contains(&format!(":{operation}"))), "{operation}");
    }
    let all: Vec<String> = sent.into_iter().chain(answered).collect();
    let mut script = python::script("tests/python/ews.py");
    script.arg(python::root("tests/schemas/ews2016"));
    let faults = python::ask(script, &Value::from(all.clone()));
    for (fault, text) in faults.as_array().unwrap().iter().zip(&all) {
        assert_eq!(fault, "", "\n{text}");
    }
}
