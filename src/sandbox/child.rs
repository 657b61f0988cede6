//! The child's side: limits itself, says that it is ready, then answers one request after the other until its parent hangs up.

use std::io::{self, BufRead, Write};

use super::wire::{Answer, Evaluated, READY, Request};
use crate::model::{EvaluationSpec, Event};
use crate::rules::trial::Samples;
use crate::rules::{self, Chain};

/// Gives this process the limits of a child, for good: `memory` bytes of address space, no image of it on a disk, and its end with
/// its parent's.
///
/// # Errors
/// When the system refuses. Such a process must not go on as a child.
pub fn confine(memory: u64) -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let both = |most| Rlimit { current: Some(most), maximum: Some(most) };
    setrlimit(Resource::Core, both(0))?;
    #[cfg(not(target_os = "linux"))]
    let _ = memory;
    #[cfg(target_os = "linux")]
    {
        setrlimit(Resource::As, both(memory))?;
        rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    }
    Ok(())
}

/// Answers the requests on `input`, until there are no more.
///
/// # Errors
/// When the parent is gone, or speaks otherwise.
pub fn serve(input: impl BufRead, mut output: impl Write) -> io::Result<()> {
    let mut say = |line: String| writeln!(output, "{line}").and_then(|()| output.flush());
    // Made before, so that no template pays for them with its time.
    let samples = Samples::new();
    say(READY.to_owned())?;
    for line in input.lines() {
        let answer = match serde_json::from_str(&line?)? {
            Request::Template(text) => match samples.try_out(&text) {
                Ok(()) => Answer::Fine,
                Err(_) => Answer::Work,
            },
            Request::Event(asked) => Answer::Evaluated(Box::new(evaluated(&asked.0, &asked.1, &asked.2)?)),
        };
        say(serde_json::to_string(&answer)?)?;
    }
    Ok(())
}

fn evaluated(spec: &EvaluationSpec, event: &Event, zone: &str) -> io::Result<Evaluated> {
    let chain = Chain::compile(spec);
    let outcome = chain.process(event, zone);
    Ok(Evaluated {
        variables: outcome.variables().iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        verdict: outcome.verdict,
        subject: rules::replacement(&chain, event, zone),
        trace: serde_json::to_value(&outcome.trace)?,
    })
}
