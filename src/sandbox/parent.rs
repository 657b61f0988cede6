//! The parent's side: starts children, asks them, and tells what they died of. Blocks; call it from a blocking thread.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

use super::wire::{Answer, Evaluated, READY, Request};
use super::{Limits, SandboxError, VERB};
use crate::model::{EvaluationSpec, Event};

/// How long a child may take to start, also on a busy machine.
const START: Duration = Duration::from_secs(30);

/// Most children that may die of the templates of one directory. By then there is enough to mend.
const DEAD_MAX: usize = 10;

/// Starts children.
#[derive(Clone, Debug)]
pub struct Sandbox {
    program: PathBuf,
    limits: Limits,
}

impl Sandbox {
    /// Children are `program`, an otj, within `limits`.
    #[must_use]
    pub fn running(program: impl Into<PathBuf>, limits: Limits) -> Self {
        Self { program: program.into(), limits }
    }

    /// Children are this program, also after an upgrade has put another one in its place.
    ///
    /// # Errors
    /// When the program's own file is not known.
    pub fn of_this_program() -> Result<Self, SandboxError> {
        if cfg!(target_os = "linux") {
            return Ok(Self::running("/proc/self/exe", Limits::default()));
        }
        let program = std::env::current_exe().map_err(|error| SandboxError::NoChild(error.to_string()))?;
        Ok(Self::running(program, Limits::default()))
    }

    /// Tries each template on sample invitations. One verdict for each, in their order; one that is not to blame for the child's
    /// end is judged by the next child.
    ///
    /// # Errors
    /// [`SandboxError::NoChild`] alone.
    pub fn try_templates(&self, templates: &[&str]) -> Result<Vec<Result<(), SandboxError>>, SandboxError> {
        let requests: Vec<Request> = templates.iter().map(|text| Request::Template((*text).to_owned())).collect();
        let answers = self.ask(&requests)?.into_iter().map(|answer| match answer? {
            Answer::Work => Err(SandboxError::Work),
            Answer::Fine | Answer::Evaluated(_) => Ok(()),
        });
        Ok(answers.collect())
    }

    /// Runs rules on an event; times in templates are shown as in `zone`, an IANA name.
    ///
    /// # Errors
    /// What the child died of.
    pub fn evaluate(&self, spec: &EvaluationSpec, event: &Event, zone: &str) -> Result<Evaluated, SandboxError> {
        let request = Request::Event(Box::new((spec.clone(), event.clone(), zone.to_owned())));
        match self.ask(&[request])?.pop() {
            Some(Ok(Answer::Evaluated(evaluated))) => Ok(*evaluated),
            Some(Err(error)) => Err(error),
            Some(Ok(_)) | None => Err(SandboxError::Died),
        }
    }

    /// One result for each request.
    fn ask(&self, requests: &[Request]) -> Result<Vec<Result<Answer, SandboxError>>, SandboxError> {
        let mut results = Vec::new();
        let mut dead = 0;
        while results.len() < requests.len() {
            if dead == DEAD_MAX {
                results.extend(requests[results.len()..].iter().map(|_| Err(SandboxError::NotTried)));
                break;
            }
            self.ask_one_child(&requests[results.len()..], &mut results)?;
            dead += 1;
        }
        Ok(results)
    }

    /// Asks until the requests or the child come to their end.
    fn ask_one_child(
        &self,
        requests: &[Request],
        results: &mut Vec<Result<Answer, SandboxError>>,
    ) -> Result<(), SandboxError> {
        let no_child = |error: std::io::Error| SandboxError::NoChild(error.to_string());
        let mut child = Command::new(&self.program)
            .args([VERB, &self.limits.memory.to_string()])
            // Whatever the program was given, secrets too, is nothing to a template.
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(no_child)?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(SandboxError::NoChild("it has no pipes".into()));
        };
        std::thread::scope(|scope| {
            let (said, lines) = mpsc::channel();
            // It ends with the child, whose pipe closes then.
            scope.spawn(move || {
                BufReader::new(output).lines().map_while(Result::ok).try_for_each(|line| said.send(line))
            });
            let asked = talk(&mut child, self.limits.deadline, (input, &lines), requests, results);
            let _ = child.kill();
            let _ = child.wait();
            asked
        })
    }
}

fn talk(
    child: &mut Child,
    deadline: Duration,
    (mut input, lines): (ChildStdin, &Receiver<String>),
    requests: &[Request],
    results: &mut Vec<Result<Answer, SandboxError>>,
) -> Result<(), SandboxError> {
    if lines.recv_timeout(START).as_deref() != Ok(READY) {
        return Err(SandboxError::NoChild("it does not answer".into()));
    }
    for request in requests {
        let mut line = serde_json::to_vec(request).map_err(|error| SandboxError::NoChild(error.to_string()))?;
        line.push(b'\n');
        // A child that died does not read; what of, is asked below.
        let _ = input.write_all(&line);
        let result = match lines.recv_timeout(deadline) {
            Ok(line) => serde_json::from_str(&line).map_err(|_| SandboxError::Died),
            Err(RecvTimeoutError::Timeout) => Err(SandboxError::Deadline),
            Err(RecvTimeoutError::Disconnected) => Err(child.wait().map_or(SandboxError::Died, died_of)),
        };
        let goes_on = result.is_ok();
        results.push(result);
        if !goes_on {
            break;
        }
    }
    Ok(())
}

/// Rust ends a process for which there is no more memory, or no more stack, with SIGABRT.
fn died_of(status: ExitStatus) -> SandboxError {
    use std::os::unix::process::ExitStatusExt as _;
    if status.signal() == Some(rustix::process::Signal::ABORT.as_raw()) {
        SandboxError::Memory
    } else {
        SandboxError::Died
    }
}
