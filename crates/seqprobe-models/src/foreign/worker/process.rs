//! A worker's process. Two threads write to it and read from it, so that a worker that neither reads nor writes cannot
//! block the program. The process is always waited for and never left running.

use super::error::{FrameError, WorkerError};
use super::frames::{self, Reply, Request};
use super::settings::WorkerSettings;
use std::io::Write;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel, sync_channel};
use std::time::{Duration, Instant};

/// Time that a worker has to shut down.
const SHUTDOWN_TIME: Duration = Duration::from_secs(2);

/// Events that may wait to be handled. The reading thread waits while there are more.
const BACKLOG: usize = 64;

enum Event {
    /// Part of a payload was received.
    Alive,
    Frame(Reply, Vec<u8>),
    /// The output ended.
    Ended,
    /// A frame cannot be read; no more follow.
    Damaged(FrameError),
}

/// A running worker.
pub(super) struct Process {
    child: Child,
    /// Frames to write. Dropping it closes the worker's input.
    requests: Option<Sender<Vec<u8>>>,
    events: Receiver<Event>,
    timeout: Duration,
    is_over: bool,
}

impl Process {
    /// Starts the command in the folder of its manifest. Its standard error is that of this program.
    pub(super) fn start(settings: &WorkerSettings) -> Result<Self, WorkerError> {
        let (program, arguments) = settings.command.split_first().ok_or(WorkerError::NoCommand)?;
        // A program with a slash in its path is in the manifest's folder; the system looks for others.
        let in_folder = settings.folder.join(program);
        let program = if program.contains('/') { in_folder.as_os_str() } else { program.as_ref() };
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        if !settings.folder.as_os_str().is_empty() {
            command.current_dir(&settings.folder);
        }
        // A process group of its own, so that the processes it starts can be ended with it.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn().map_err(WorkerError::Start)?;
        let (Some(mut input), Some(mut output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(WorkerError::NoPipes);
        };
        let (requests, written) = channel::<Vec<u8>>();
        std::thread::spawn(move || {
            for bytes in written {
                // If the worker has ended, the reading thread finds the end of its output.
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
                    Ok(None) => Event::Ended,
                    Err(error) => Event::Damaged(error),
                };
                let is_last = matches!(event, Event::Ended | Event::Damaged(_));
                if found.send(event).is_err() || is_last {
                    return;
                }
            }
        });
        Ok(Self { child, requests: Some(requests), events, timeout: settings.timeout, is_over: false })
    }

    /// Sends a request and waits for a reply that is not a heartbeat.
    ///
    /// # Errors
    /// [`WorkerError`] if the worker cannot be used any more. Its process may still be running.
    pub(super) fn ask(&mut self, request: &Request, payload: &[u8]) -> Result<(Reply, Vec<u8>), WorkerError> {
        let frame = frames::encode(request, payload)?;
        let sent = self.requests.as_ref().is_some_and(|requests| requests.send(frame).is_ok());
        loop {
            match self.events.recv_timeout(self.timeout) {
                Ok(Event::Alive | Event::Frame(Reply::Heartbeat {}, _)) => {}
                Ok(Event::Frame(reply, payload)) if sent => return Ok((reply, payload)),
                Ok(Event::Frame(..)) => {}
                Ok(Event::Ended) => return Err(WorkerError::Ended(self.end_by_itself())),
                Ok(Event::Damaged(source)) => {
                    return Err(WorkerError::Frame { source, status: self.end_by_itself() });
                }
                Err(RecvTimeoutError::Timeout) => {
                    return Err(WorkerError::Silent { seconds: self.timeout.as_secs() });
                }
                Err(RecvTimeoutError::Disconnected) => return Err(WorkerError::Ended(None)),
            }
        }
    }

    /// Ends the worker and the processes that it started.
    pub(super) fn end(&mut self) {
        if !self.is_over {
            self.is_over = true;
            self.requests = None;
            self.kill();
        }
    }

    /// Waits a moment for the worker to end, ends what is left, and returns the worker's own exit status. That says
    /// more than the status of a killed process.
    fn end_by_itself(&mut self) -> Option<ExitStatus> {
        let status = self.await_end();
        self.end();
        status
    }

    /// Waits a moment for a worker that is ending by itself.
    fn await_end(&mut self) -> Option<ExitStatus> {
        let started = Instant::now();
        while started.elapsed() < SHUTDOWN_TIME {
            match self.child.try_wait() {
                Ok(None) => std::thread::sleep(Duration::from_millis(5)),
                Ok(status) => return status,
                Err(_) => break,
            }
        }
        None
    }

    /// Kills the whole process group, also if its first process has ended already.
    fn kill(&mut self) {
        #[cfg(unix)]
        let _group = Command::new("kill")
            .args(["-KILL", "--", &format!("-{}", self.child.id())])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        let _alone = self.child.kill();
        let _status = self.child.wait();
    }
}

impl Drop for Process {
    /// Asks the worker to shut down, waits a moment, and ends what is left.
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
