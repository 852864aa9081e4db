//! A worker's process: started, written to and read from by two threads, so that a worker that neither reads
//! nor writes cannot hold the program up; always waited for, never left behind.

use super::WorkerSettings;
use super::frames::{self, Reply, Request};
use std::io::Write;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel, sync_channel};
use std::time::{Duration, Instant};

/// How long a worker that was told to shut down may take.
const FAREWELL: Duration = Duration::from_secs(2);

/// Events that may wait to be looked at; the reader waits beyond.
const BACKLOG: usize = 64;

enum Event {
    /// Part of a payload came in.
    Alive,
    Frame(Reply, Vec<u8>),
    /// No more frames, and why.
    Ended(String),
}

/// A running worker.
pub(super) struct Process {
    child: Child,
    /// Frames to write; dropped to close the worker's input.
    requests: Option<Sender<Vec<u8>>>,
    events: Receiver<Event>,
    timeout: Duration,
    is_over: bool,
}

impl Process {
    /// Starts the command in the folder of its description. Its standard error goes where ours goes.
    pub(super) fn start(settings: &WorkerSettings) -> Result<Self, String> {
        let (program, arguments) = settings.command.split_first().ok_or("the command is empty")?;
        // A program with a slash stands in the description's folder; others are looked for by the system.
        let beside = settings.folder.join(program);
        let program = if program.contains('/') { beside.as_os_str() } else { program.as_ref() };
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        if !settings.folder.as_os_str().is_empty() {
            command.current_dir(&settings.folder);
        }
        // A group of its own, so that what it starts can be ended with it.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn().map_err(|error| {
            format!("it cannot be started: {error}\n  hint: paths with a slash start from the description's folder")
        })?;
        let (Some(mut input), Some(mut output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("it has no standard input or output".to_owned());
        };
        let (requests, written) = channel::<Vec<u8>>();
        std::thread::spawn(move || {
            for bytes in written {
                // A worker that is gone shows as the end of its output.
                if input.write_all(&bytes).and_then(|()| input.flush()).is_err() {
                    return;
                }
            }
        });
        let (found, events) = sync_channel(BACKLOG);
        std::thread::spawn(move || {
            loop {
                let mut alive = || drop(found.send(Event::Alive));
                let event = match frames::read(&mut output, &mut alive) {
                    Ok(Some((reply, payload))) => Event::Frame(reply, payload),
                    Ok(None) => Event::Ended("it ended".to_owned()),
                    Err(reason) => Event::Ended(reason),
                };
                let is_last = matches!(event, Event::Ended(_));
                if found.send(event).is_err() || is_last {
                    return;
                }
            }
        });
        Ok(Self { child, requests: Some(requests), events, timeout: settings.timeout, is_over: false })
    }

    /// Sends a request and waits for what is not a heartbeat.
    ///
    /// # Errors
    /// Why the worker cannot be used any more; it is not ended yet.
    pub(super) fn ask(&mut self, request: &Request, payload: &[u8]) -> Result<(Reply, Vec<u8>), String> {
        let frame = frames::encode(request, payload)?;
        let sent = self.requests.as_ref().is_some_and(|requests| requests.send(frame).is_ok());
        loop {
            match self.events.recv_timeout(self.timeout) {
                Ok(Event::Alive | Event::Frame(Reply::Heartbeat {}, _)) => {}
                Ok(Event::Frame(reply, payload)) if sent => return Ok((reply, payload)),
                Ok(Event::Frame(..)) => {}
                Ok(Event::Ended(reason)) => {
                    // Its own exit status says more than that of a process we killed.
                    let own = self.await_end();
                    self.end();
                    return Err(match own {
                        Some(status) => format!("{reason} ({status})"),
                        None => reason,
                    });
                }
                Err(RecvTimeoutError::Timeout) => {
                    return Err(format!("it said nothing for {} s", self.timeout.as_secs()));
                }
                Err(RecvTimeoutError::Disconnected) => return Err("it ended".to_owned()),
            }
        }
    }

    /// Ends the worker and what it started; tells how the worker ended.
    pub(super) fn end(&mut self) -> Option<ExitStatus> {
        if self.is_over {
            return None;
        }
        self.is_over = true;
        self.requests = None;
        self.kill()
    }

    /// Waits a moment for a worker that is ending by itself.
    fn await_end(&mut self) -> Option<ExitStatus> {
        let started = Instant::now();
        while started.elapsed() < FAREWELL {
            match self.child.try_wait() {
                Ok(None) => std::thread::sleep(Duration::from_millis(5)),
                Ok(status) => return status,
                Err(_) => break,
            }
        }
        None
    }

    /// Kills the whole group, also where its first process has ended already.
    fn kill(&mut self) -> Option<ExitStatus> {
        #[cfg(unix)]
        let _group = Command::new("kill")
            .args(["-KILL", "--", &format!("-{}", self.child.id())])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        let _alone = self.child.kill();
        self.child.wait().ok()
    }
}

impl Drop for Process {
    /// Asks the worker to shut down, waits a moment, ends what is left.
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        if let (Some(requests), Ok(frame)) = (self.requests.take(), frames::encode(&Request::Shutdown, &[])) {
            let _sent = requests.send(frame);
        }
        self.await_end();
        self.end();
    }
}
